r"""From the noise of one step to the risk of the average, for any constants.

Main results, for a noise recursion with kappa, alpha, s^2 and q
    ``energy_of_run``: lambda^q sum e <= eta_0^2 min(1/delta, N x) / gamma
        + (x/delta) (alpha sum S + N s^2 + N lambda^q q)
    ``variance_of_run``: lambda^q Var s <= 2 min(1, (N x)^2)
        [N s^2 + alpha sum S + N lambda^q q + N kappa lambda^q eta_0^2 min(1, 1/(N x))]

How
    Both follow from the sums over the steps (noise_recursion.py) and the memory of the noise. The
    first, summed over the coordinates, bounds sum S (it feeds itself with the factor theta < 1); the
    second then bounds the variance of the average, coordinate by coordinate.
"""

from dataclasses import dataclass

import z3

from qtheory.proof.kernel import Function, Proof, lemma, variable
from qtheory.proof.powers import (
    geometric,
    geometric_at_most,
    power,
)
from qtheory.theory.formal import STANDING

from .average import (
    N,
    average_upper,
    decay,
    forgotten,
    many,
    mean_weight,
    n,
    rho,
    small_step,
    steps,
    sum_c,
    var_s,
    within,
)
from .noise_recursion import (
    NoiseRecursion,
    added_so_far,
    contracts,
    memory_of_noise,
    only_adds_up,
    sum_c_at_most,
    sum_e_at_most,
)
from .recursion import (
    eta0,
    gamma,
    i,
    inside,
    lq,
    signs,
    spectrum,
    x,
)
from .sums_over_time import squares, sum_e, sum_mu, sum_S, sum_S_nonnegative

# --- of numbers -----------------------------------------------------------------------------------

# Two numbers in [0, m], m = min(1, y), have a product of at most min(1, y^2).
first_, second_, y = variable("first factor"), variable("second factor"), variable("y")
product = lemma(
    z3.Implies(
        z3.And(
            first_ >= 0, second_ >= 0, first_ <= z3.If(y <= 1, y, 1), second_ <= z3.If(y <= 1, y, 1)
        ),
        first_ * second_ <= z3.If(y * y <= 1, y * y, 1),
    ),
    name="a product of two minima",
)
# x V <= 2 p g L and L <= x^2 b give V <= 2 (p x g) b.
V_, p_, g_, L_, b_, x_, m_ = (variable(name) for name in ("V", "p", "g", "L", "b", "x_", "weight"))
weighed = lemma(
    z3.Implies(
        z3.And(
            x_ > 0,
            p_ >= 0,
            g_ >= 0,
            b_ >= 0,
            x_ * V_ <= 2 * p_ * g_ * L_,
            x_ * x_ * b_ >= L_,
            p_ * (x_ * g_) <= m_,
        ),
        2 * m_ * b_ >= V_,
    ),
    lemma(
        z3.Implies(
            z3.And(p_ >= 0, g_ >= 0, x_ * x_ * b_ >= L_),
            2 * p_ * g_ * L_ <= 2 * p_ * g_ * (x_ * x_ * b_),
        ),
        name="noise, weighted",
    ),
    lemma(
        z3.Implies(
            z3.And(x_ > 0, b_ >= 0, p_ * (x_ * g_) <= m_),
            2 * p_ * g_ * (x_ * x_ * b_) <= x_ * (2 * m_ * b_),
        ),
        name="weights, multiplied",
    ),
    name="the weight of the noise",
)
# delta a <= delta g + x L and g <= b give a <= b + (x / delta) L.
divided = lemma(
    z3.Implies(z3.And(p_ > 0, p_ * V_ <= p_ * g_ + x_ * L_, g_ <= b_), b_ + x_ / p_ * L_ >= V_),
    name="divided by delta",
)
forgotten_part = 1 - power(rho, N)

# --- the run --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accumulated:
    """What a run makes of the noise of its steps, per coordinate (i is generic)."""

    #: lambda^q sum e <= eta_0^2 min(1/delta, N x) / gamma + (x/delta) (alpha sum S + N s^2 + N lambda^q q)
    energy: Proof
    #: lambda^q Var s <= 2 min(1, (N x)^2) [N s^2 + alpha sum S + N lambda^q q + ...]
    variance: Proof


def accumulate(of: NoiseRecursion) -> Accumulated:
    """The two bounds: first the lemmas that they share, then e and c summed, then the run."""
    contraction = contracts(of)
    into_e, into_c = added_so_far(of)
    grows = only_adds_up(of, into_e, into_c)
    sum_of_e = sum_e_at_most(of, into_e, contraction, grows)
    sum_of_c = sum_c_at_most(of, into_c, contraction, grows)
    memory = memory_of_noise(of, contraction)
    energy = energy_of_run(of, into_e, sum_of_e, contraction, memory)
    return Accumulated(energy, variance_of_run(of, into_c, sum_of_c, contraction, memory))


def energy_of_run(
    of: NoiseRecursion, into_e: Function, sum_of_e: Proof, contraction: Proof, memory: Proof
) -> Proof:
    """lambda^q sum e <= eta_0^2 min(1/delta, N x) / gamma + (x/delta) (alpha sum S + ...)."""
    delta, geo = of.delta, geometric(of.r, N)
    shortest = z3.If(1 / delta <= many, 1 / delta, many)
    left = eta0[i] * eta0[i] * shortest / gamma
    weighted_e = lemma(
        z3.Implies(
            inside,
            delta * lq[i] * sum_e(i, N)
            <= delta * geo * lq[i] * eta0[i] * eta0[i] + x[i] * of.noise_of_run,
        ),
        sum_of_e(t=N),
        into_e.at(N, i),
        spectrum,
        small_step,
        steps,
        *signs,
        name="E eta^2, weighted",
    )
    remembered = lemma(
        z3.Implies(inside, x[i] * geo <= shortest),
        memory,
        contraction,
        name="the memory is the shorter of both",
    )
    left_of_start = lemma(
        z3.Implies(inside, geo * lq[i] * eta0[i] * eta0[i] <= left),
        lemma(
            z3.Implies(inside, eta0[i] * eta0[i] * (x[i] * geo) <= eta0[i] * eta0[i] * shortest),
            remembered,
            lemma(eta0[i] * eta0[i] >= 0, name="a square"),
            name="remembered, weighted",
        ),
        spectrum,
        STANDING["gamma"],
        name="what is left of the start",
    )
    return lemma(
        z3.Implies(inside, lq[i] * sum_e(i, N) <= left + x[i] / delta * of.noise_of_run),
        weighted_e,
        left_of_start,
        divided(
            p=delta,
            V=lq[i] * sum_e(i, N),
            g=geo * lq[i] * eta0[i] * eta0[i],
            L=of.noise_of_run,
            b=left,
            x_=x[i],
        ),
        contraction,
        name="E eta^2 over the run",
    )


def bracket_nonnegative(of: NoiseRecursion) -> Proof:
    """The bracket is a sum of nonnegative terms."""
    return lemma(
        z3.Implies(inside, of.bracket >= 0),
        *(
            lemma(
                z3.Implies(inside, part >= 0),
                of.signs,
                sum_S_nonnegative(t=N),
                spectrum,
                steps,
                name="noise is nonnegative",
            )
            for part in (n * of.s2, of.alpha * sum_S(N), n * lq[i] * of.q[i])
        ),
        lemma(
            z3.Implies(inside, mean_weight >= 0), small_step, steps, name="weights are nonnegative"
        ),
        lemma(
            z3.Implies(inside, n * of.kappa * lq[i] * eta0[i] * eta0[i] >= 0),
            of.signs,
            spectrum,
            steps,
            name="noise is nonnegative",
        ),
        name="the noise of the run is nonnegative",
    )


def noise_in_bracket(of: NoiseRecursion, into_c: Function) -> Proof:
    """lambda^q (noise so far after N steps) <= x^2 bracket."""
    return lemma(
        z3.Implies(inside, lq[i] * into_c(N)[i] <= x[i] * x[i] * of.bracket),
        into_c.at(N, i),
        spectrum,
        steps,
        *signs,
        lemma(
            z3.Implies(
                inside,
                of.kappa * lq[i] * sum_mu(i, N)
                <= of.kappa * lq[i] * (n * (eta0[i] * eta0[i] * mean_weight)),
            ),
            squares,
            of.signs,
            spectrum,
            name="squared means, weighted",
        ),
        name="the noise of the run",
    )


def variance_weighted(of: NoiseRecursion, into_c: Function, sum_of_c: Proof) -> Proof:
    """x lambda^q Var s <= 2 (1 - rho^N) (1 + ... + r^(N-1)) lambda^q times the noise so far."""
    geo, into = geometric(of.r, N), into_c(N)[i]
    return lemma(
        z3.Implies(
            inside, x[i] * (lq[i] * var_s(i, N)) <= 2 * forgotten_part * geo * (lq[i] * into)
        ),
        average_upper(t=N),
        lemma(
            z3.Implies(inside, forgotten_part * sum_c(i, N) <= forgotten_part * (geo * into)),
            sum_of_c(t=N),
            forgotten,
            steps,
            name="variances, weighted",
        ),
        spectrum,
        steps,
        name="the variance of the average, weighted",
    )


def variance_of_run(
    of: NoiseRecursion, into_c: Function, sum_of_c: Proof, contraction: Proof, memory: Proof
) -> Proof:
    """lambda^q Var s <= 2 min(1, (N x)^2) bracket."""
    geo, positive = geometric(of.r, N), bracket_nonnegative(of)
    memory_bounded = lemma(
        z3.Implies(inside, z3.And(x[i] * geo >= 0, x[i] * geo <= within, geo >= 0)),
        memory,
        contraction,
        geometric_at_most(ratio=of.r, n=N),
        steps,
        small_step,
        name="the memory of the noise, bounded",
    )
    return lemma(
        z3.Implies(inside, lq[i] * var_s(i, N) <= 2 * decay * of.bracket),
        weighed(
            V=lq[i] * var_s(i, N),
            p=forgotten_part,
            g=geo,
            L=lq[i] * into_c(N)[i],
            b=of.bracket,
            x_=x[i],
            weight=decay,
        ),
        noise_in_bracket(of, into_c),
        variance_weighted(of, into_c, sum_of_c),
        product(**{"first factor": forgotten_part, "second factor": x[i] * geo, "y": many}),
        memory_bounded,
        positive,
        forgotten,
        small_step,
        name="the variance of the average",
    )
