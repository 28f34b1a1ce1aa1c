"""T5: lower bounds for the iterate average."""

from __future__ import annotations

import sympy as sp

from qtheory.theory.definitions import (
    D_N,
    QUANTIZED,
    A,
    bias,
    effective_dimension,
    eta0,
    half,
    mean,
    risk,
    risk_q,
    tr,
    variance,
    x,
)
from qtheory.theory.notation import (
    B,
    D,
    N,
    additive,
    i,
    lam,
    lq,
    multiplicative,
    over_coordinates,
    sigma2,
    w_star,
)
from qtheory.theory.theorem import PAPER, Hypothesis, Theorem

s2_low = sp.Symbol("s_low^2", nonnegative=True)
floor = sp.Symbol("F", nonnegative=True)

#: The noise that every step adds at least.
NOISE_LOWER = sp.Eq(
    s2_low,
    (
        sigma2
        # Multiplicative data errors make the misfit depend on x^q: its share is left out there.
        + sp.Piecewise((2 * A, sp.Le(multiplicative["data"], 0)), (0, True))
        + additive["label"]
        + additive["activation"]
        + additive["gradient"]
        + additive["parameter"] * tr
    )
    / B,
)
_mean = sp.Eq(mean[i], eta0[i] * (1 - (1 - x[i]) ** N) / (N * x[i]))
_hypotheses = (
    Hypothesis(sp.Le(x[i], 1), "no coordinate overshoots"),
    Hypothesis(sp.Ge(N, 2), "one step returns w_0 = 0, whatever the noise"),
)

lower_bound = Theorem(
    name="lower_bound",
    label="T5",
    title="lower bound on the quantized risk",
    statement=sp.Ge(risk_q, bias + variance),
    definitions=(
        *QUANTIZED,
        NOISE_LOWER,
        _mean,
        sp.Eq(bias, half * over_coordinates(lq[i] * mean[i] ** 2)),
        effective_dimension,
        sp.Eq(variance, D_N / N * s2_low / 24),
    ),
    hypotheses=_hypotheses,
    source=f"Derived here; the counterpart of the upper bound of {PAPER}, Theorem 4.1. It holds "
    "with multiplicative data errors too, since label noise and the additive errors after it are "
    "independent of everything else in the step.",
)

# T5 bounds E R^q, which additive data errors can make larger than E R (T1: E R = A + E R^q - W).
# The same two estimates, coordinate by coordinate and with weights lambda, bound E R itself:
# E R = 1/2 sum lambda ((E etabar + w^q - w*)^2 + Var wbar), and E etabar has the sign of w^q - w*.
risk_lower_bound = Theorem(
    name="risk_lower_bound",
    label="T5 for E R",
    title="lower bound on the excess risk",
    statement=sp.Ge(risk, floor + bias + variance),
    definitions=(
        *QUANTIZED,
        NOISE_LOWER,
        _mean,
        # w^q - w* = -D w* / lambda^q
        sp.Eq(floor, half * over_coordinates(lam[i] * (D[i] * w_star[i] / lq[i]) ** 2)),
        sp.Eq(
            bias,
            half * over_coordinates(lam[i] * mean[i] * (mean[i] - 2 * D[i] * w_star[i] / lq[i])),
        ),
        effective_dimension,
        sp.Eq(
            variance,
            over_coordinates(lam[i] / lq[i] * sp.Min(1, (N * x[i]) ** 2)) / N * s2_low / 24,
        ),
    ),
    hypotheses=_hypotheses,
    source=f"Derived here from T5; the counterpart of {PAPER}, Theorem 4.1. Equal to T5 where "
    "data are exact.",
)

#: In the order of the theory.
THEOREMS = (lower_bound, risk_lower_bound)
