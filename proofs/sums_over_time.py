r"""Sums over the steps of a run: of S_t, of e_t = E eta_t^2 and of mu_t^2, per coordinate.

Main results
    ``swap``: sum_t S_t = sum_i lambda^q_i sum_t e_t.
    ``sum_S_nonnegative``: sum_t S_t >= 0, since e >= 0.
    ``squares``: sum_t mu_t^2 <= N eta_0^2 min(1, 1/(N x)).

How
    Each sum is a recursion over the steps; the sums over steps and coordinates are swapped by
    induction, and mu_t^2 = rho^(2t) eta_0^2 is a geometric series.
"""

import z3

from qtheory.proof.kernel import induction, lemma, recursive, sequence
from qtheory.proof.powers import (
    geometric,
    geometric_at_most,
    geometric_sum,
    power_between,
    power_of_product,
)
from qtheory.proof.sums import sum_equal, sum_le, total

from .average import (
    N,
    mean_weight,
    n,
    rho,
    small_step,
    spread,
    steps,
)
from .recursion import (
    S,
    d,
    dimension_positive,
    e,
    eta0,
    i,
    inside,
    lq,
    mean,
    mu,
    spectrum,
    split,
    t,
    v,
    weighted,
    x,
)

here = z3.And(t >= 0, inside)

# sum_{k<t} S_k, and sum_{k<t} e_k for each coordinate
sum_S = recursive("sum of S", [], t, 0, lambda before: before + S(t))
sum_e = recursive("sum of e", [i], t, 0, lambda before: before + e(t, v(t))[i])
weighted_sum = sequence("lambda^q sum of e", [t], i, lq[i] * sum_e(i, t))
# sum_k S_k = sum_i lambda^q_i sum_k e_k: the sums over time and coordinates are swapped.
swap = induction(
    t,
    sum_S(t) == total(weighted_sum(t), d),
    lemma(
        z3.Implies(t >= 0, total(weighted_sum(t + 1), d) == total(weighted_sum(t), d) + S(t)),
        sum_equal(
            [(1, weighted_sum(t + 1))],
            [(1, weighted_sum(t)), (1, weighted(t, v(t)))],
            d,
            lambda k: [
                weighted_sum.at(t + 1, k),
                weighted_sum.at(t, k),
                weighted.at(t, v(t), k),
                sum_e.next(k, t),
            ],
            premises=[dimension_positive],
            given=t >= 0,
            name="one more iterate",
        ),
        S.at(t),
        name="one more iterate",
    ),
    sum_S.next(t),
    base=[
        sum_S.zero(),
        lemma(
            total(weighted_sum(0), d) == 0,
            sum_equal(
                [(1, weighted_sum(0))],
                [(0, weighted_sum(0))],
                d,
                lambda k: [weighted_sum.at(0, k), sum_e.zero(k)],
                premises=[dimension_positive],
                name="no iterates",
            ),
            name="no iterates",
        ),
    ],
    name="sums over time and coordinates",
)
# e >= 0, so S >= 0
squares_nonnegative = lemma(
    z3.Implies(here, e(t, v(t))[i] >= 0), split, spread, name="E eta^2 >= 0"
)
S_nonnegative = lemma(
    z3.Implies(t >= 0, S(t) >= 0),
    sum_le(
        [(0, weighted(t, v(t)))],
        [(1, weighted(t, v(t)))],
        d,
        lambda k: [weighted.at(t, v(t), k), squares_nonnegative(i=k), spectrum(i=k)],
        premises=[dimension_positive],
        given=t >= 0,
        name="S >= 0",
    ),
    S.at(t),
    name="S >= 0",
)
sum_S_nonnegative = induction(
    t, sum_S(t) >= 0, sum_S.next(t), S_nonnegative, base=[sum_S.zero()], name="sum S >= 0"
)
# sum_{k<t} mu_k^2 = eta_0^2 (1 + rho^2 + ... + rho^(2(t-1)))
sum_mu = recursive("sum of mu^2", [i], t, 0, lambda before: before + mu(t)[i] * mu(t)[i])
sum_mu_closed = induction(
    t,
    z3.Implies(inside, sum_mu(i, t) == eta0[i] * eta0[i] * geometric(rho * rho, t)),
    sum_mu.next(i, t),
    mean,
    geometric.next(rho * rho, t),
    power_of_product(base=rho, larger=rho, n=t),
    geometric_sum(ratio=rho * rho, n=t),
    base=[sum_mu.zero(i), geometric.zero(rho * rho)],
    name="the sum of squared means",
)


# --- at the end of the run ------------------------------------------------------------
# x sum mu^2 <= eta_0^2 min(1, N x), so sum mu^2 <= N eta_0^2 min(1, 1/(N x))
squares = lemma(
    z3.Implies(inside, sum_mu(i, N) <= n * (eta0[i] * eta0[i] * mean_weight)),
    sum_mu_closed(t=N),
    lemma(
        z3.Implies(
            inside, z3.And(geometric(rho * rho, N) >= 0, geometric(rho * rho, N) <= n * mean_weight)
        ),
        lemma(
            z3.Implies(
                inside,
                z3.And(
                    geometric(rho * rho, N) >= 0,
                    geometric(rho * rho, N) <= n,
                    x[i] * geometric(rho * rho, N) <= 1,
                ),
            ),
            geometric_sum(ratio=rho * rho, n=N),
            geometric_at_most(ratio=rho * rho, n=N),
            power_between(base=rho * rho, n=N),
            small_step,
            steps,
            name="the geometric sum of the squared mean",
        ),
        small_step,
        steps,
        name="the weight of the squared mean",
    ),
    steps,
    name="the sum of squared means, bounded",
)
