"""T3, T4 and T4': the noise recursion and the upper bounds for the iterate average."""

from __future__ import annotations

import sympy as sp

from qtheory.theory.coordinate import NOISE_REFINED
from qtheory.theory.definitions import (
    AVERAGE_BIAS,
    D_N,
    NOISE_PAPER,
    QUANTIZED,
    A,
    alpha,
    bias,
    eta0,
    kappa,
    q,
    risk,
    s2,
    theta,
    variance,
    x,
)
from qtheory.theory.notation import (
    N,
    additive,
    gamma,
    i,
    lq,
    multiplicative,
    over_coordinates,
    shared,
)
from qtheory.theory.theorem import BENIGN, PAPER, Hypothesis, Theorem

t = sp.Symbol("t", integer=True, nonnegative=True)
c = sp.IndexedBase("c", nonnegative=True)
S = sp.IndexedBase("S", nonnegative=True)
rho = sp.IndexedBase("rho", real=True)
delta = sp.IndexedBase("delta", positive=True)
S_bar = sp.Symbol("S_bar", nonnegative=True)

_small_steps = Hypothesis(sp.Le(x[i], 1), "no coordinate overshoots")
_contraction = Hypothesis(sp.Lt(theta, 1), "the noise does not feed itself")
_pure_data = (
    Hypothesis(
        sp.Le(additive["data"] * multiplicative["data"], 0),
        "data errors are purely additive or purely multiplicative",
    ),
    Hypothesis(
        sp.Le(shared["data"] * (multiplicative["data"] - shared["data"]), 0),
        "multiplicative data errors are purely shared or purely elementwise",
    ),
)

noise_constants = Theorem(
    name="noise_constants",
    label="T3",
    title="noise constants",
    statement=sp.Le(c[t + 1, i], rho[i] ** 2 * c[t, i] + gamma**2 * lq[i] * (alpha * S[t] + s2)),
    definitions=(*QUANTIZED, *NOISE_PAPER, sp.Eq(rho[i], 1 - x[i])),
    hypotheses=(_small_steps, *_pure_data),
    source=f"{PAPER}, second-moment bounds; explicit constants derived here. "
    "c is the variance of w_i, S_t = sum_j lambda^q_j E[eta_j^2].",
)

upper_bound = Theorem(
    name="upper_bound",
    label="T4",
    title="upper bound, the paper's shape",
    statement=sp.Le(risk, A + bias + variance),
    definitions=(
        *QUANTIZED,
        *NOISE_PAPER,
        sp.Eq(theta, alpha * over_coordinates(x[i] / (2 - x[i]))),
        *AVERAGE_BIAS,
        sp.Eq(
            variance,
            D_N
            / N
            * (s2 + alpha / (N * gamma) * over_coordinates(eta0[i] ** 2 * sp.Min(1, N * x[i])))
            / (1 - theta),
        ),
    ),
    hypotheses=(_small_steps, *_pure_data, _contraction),
    source=f"{PAPER}, Theorem 4.1; {BENIGN}, Theorem 2.1; explicit constants derived here. "
    "bias + variance alone bounds E[R^q].",
)

refined_upper_bound = Theorem(
    name="refined_upper_bound",
    label="T4'",
    title="refined upper bound",
    statement=sp.Le(risk, A + bias + variance),
    definitions=(
        *QUANTIZED,
        *NOISE_REFINED,
        sp.Eq(delta[i], 2 - (1 + kappa) * x[i]),
        sp.Eq(theta, over_coordinates(alpha * x[i] / delta[i])),
        sp.Eq(
            S_bar,
            (
                over_coordinates(eta0[i] ** 2 * sp.Min(1 / delta[i], N * x[i])) / (N * gamma)
                + over_coordinates((x[i] * s2 + x[i] * lq[i] * q[i]) / delta[i])
            )
            / (1 - theta),
        ),
        *AVERAGE_BIAS,
        sp.Eq(
            variance,
            over_coordinates(
                sp.Min(1, (N * x[i]) ** 2)
                * (
                    s2
                    + alpha * S_bar
                    + lq[i] * q[i]
                    + kappa * lq[i] * eta0[i] ** 2 * sp.Min(1, 1 / (N * x[i]))
                )
            )
            / N,
        ),
    ),
    hypotheses=(
        *_pure_data,
        Hypothesis(sp.Le((1 + kappa) * x[i], 1), "no coordinate overshoots, noise included"),
        _contraction,
    ),
    source=f"Derived here: {PAPER}, Theorem 4.1 with the noise that acts coordinate by "
    "coordinate kept out of the trace. bias + variance alone bounds E[R^q].",
)

#: In the order of the theory.
THEOREMS = (noise_constants, upper_bound, refined_upper_bound)
