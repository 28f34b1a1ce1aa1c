r"""From the noise of one step to the risk of the average, for any constants.

The noise recursion may have any kappa, alpha, s^2 and q,

    c' <= (rho^2 + x^2 kappa) c + gamma^2 lambda^q (alpha S + s^2) + x^2 (q + kappa mu^2),

x = gamma lambda^q, c_0 = 0. With r = rho^2 + x^2 kappa = 1 - x delta, delta = 2 - (1 + kappa) x:

    x delta sum e <= x delta (1 + ... + r^(N-1)) eta_0^2 + gamma^2 lambda^q (alpha sum S + N s^2) + N x^2 q,
    sum c <= (1 + ... + r^(N-1)) [gamma^2 lambda^q (alpha sum S + N s^2) + x^2 (N q + kappa sum mu^2)].

The first, summed over the coordinates, bounds sum S (it feeds itself with the factor theta < 1); the
second then bounds the variance of the average, coordinate by coordinate.
"""

from dataclasses import dataclass

import z3

from qtheory.proof.kernel import Proof, induction, lemma, recursive, sequence, variable
from qtheory.proof.powers import (
    geometric,
    geometric_at_most,
    geometric_sum,
    power,
    power_between,
    power_of_product,
)
from qtheory.proof.sums import sum_equal, sum_le, total, zeros

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
    spread,
    steps,
    sum_c,
    var_s,
    within,
)
from .recursion import (
    S,
    X,
    c,
    d,
    dimension_positive,
    e,
    gamma,
    i,
    inside,
    lq,
    m,
    mean,
    mu,
    signs,
    spectrum,
    split,
    start,
    t,
    v,
    weighted,
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
    z3.Implies(inside, sum_mu(i, t) == start[i] * start[i] * geometric(rho * rho, t)),
    sum_mu.next(i, t),
    mean,
    geometric.next(rho * rho, t),
    power_of_product(base=rho, larger=rho, n=t),
    geometric_sum(ratio=rho * rho, n=t),
    base=[sum_mu.zero(i), geometric.zero(rho * rho)],
    name="the sum of squared means",
)


# --- at the end of the run ------------------------------------------------------------------------

# x sum mu^2 <= eta_0^2 min(1, N x), so sum mu^2 <= N eta_0^2 min(1, 1/(N x))
squares = lemma(
    z3.Implies(inside, sum_mu(i, N) <= n * (start[i] * start[i] * mean_weight)),
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
                    X[i] * geometric(rho * rho, N) <= 1,
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


@dataclass(frozen=True)
class Accumulated:
    """What a run makes of the noise of its steps, per coordinate (i is generic)."""

    #: lambda^q sum e <= eta_0^2 min(1/delta, N x) / gamma + (x/delta) (alpha sum S + N s^2 + N lambda^q q)
    energy: Proof
    #: lambda^q Var s / (2 N^2) <= (1/N) min(1, (N x)^2) [s^2 + alpha sum S / N + lambda^q q + ...]
    variance: Proof


def accumulate(kappa, alpha, s_2, q, noise: Proof, signs_of: Proof, step: Proof) -> Accumulated:
    """The two bounds, from the noise recursion with these constants.

    ``signs_of`` says that the constants are nonnegative, ``step`` that (1 + kappa) x <= 1.
    """
    delta = 2 - (1 + kappa) * X[i]
    r = 1 - X[i] * delta
    shared = gamma * gamma * lq[i] * (alpha * sum_S(t) + t * s_2)
    contraction = lemma(
        z3.Implies(inside, z3.And(delta >= 1, X[i] * delta > 0, r >= 0, r < 1)),
        step,
        small_step,
        signs_of,
        name="0 <= r < 1",
    )
    into_e = sequence("into e", [t], i, shared + X[i] * X[i] * (t * q[i]))
    into_c = sequence("into c", [t], i, shared + X[i] * X[i] * (t * q[i] + kappa * sum_mu(i, t)))
    grows = lemma(
        z3.Implies(
            here,
            z3.And(
                into_c(t)[i] >= 0,
                into_c(t)[i] <= into_c(t + 1)[i],
                into_e(t)[i] >= 0,
                into_e(t)[i] <= into_e(t + 1)[i],
            ),
        ),
        *(f.at(s, i) for f in (into_c, into_e) for s in (t, t + 1)),
        sum_S.next(t),
        sum_mu.next(i, t),
        S_nonnegative,
        sum_S_nonnegative,
        signs_of,
        spectrum,
        *signs,
        induction(
            t, sum_mu(i, t) >= 0, sum_mu.next(i, t), base=[sum_mu.zero(i)], name="sum mu^2 >= 0"
        ),
        name="noise only adds up",
    )
    # e' <= r e + gamma^2 lambda^q (alpha S + s^2) + x^2 q
    step_e = lemma(
        z3.Implies(
            here,
            e(t + 1, v(t + 1))[i]
            <= r * e(t, v(t))[i]
            + gamma * gamma * lq[i] * (alpha * S(t) + s_2)
            + X[i] * X[i] * q[i],
        ),
        noise,
        split,
        split(t=t + 1),
        spectrum,
        steps,
        lemma(
            z3.Implies(here, mu(t + 1)[i] == rho * mu(t)[i]),
            mu.at(t + 1, i),
            mu.at(t, i),
            m.next(i, t),
            spectrum,
            name="one step of the mean",
        ),
        name="one step of E eta^2",
    )
    # sum_{k<=t} e_k <= eta_0^2 + r sum_{k<t} e_k + noise so far
    next_e = induction(
        t,
        z3.Implies(inside, sum_e(i, t + 1) <= start[i] * start[i] + r * sum_e(i, t) + into_e(t)[i]),
        step_e,
        sum_e.next(i, t),
        sum_e.next(i, t + 1),
        sum_S.next(t),
        into_e.at(t, i),
        into_e.at(t + 1, i),
        base=[
            sum_e.zero(i),
            sum_e.next(i, 0),
            into_e.at(0, i),
            sum_S.zero(),
            e.at(0, v(0), i),
            v.zero(),
            zeros.at(i),
            m.zero(i),
            spectrum,
        ],
        name="the sum of E eta^2, one more",
    )
    closed_e = induction(
        t,
        z3.Implies(
            inside,
            X[i] * delta * sum_e(i, t)
            <= X[i] * delta * geometric(r, t) * start[i] * start[i] + into_e(t)[i],
        ),
        next_e,
        contraction,
        grows,
        geometric.next(r, t),
        base=[sum_e.zero(i), geometric.zero(r), into_e.at(0, i), sum_S.zero()],
        name="the sum of E eta^2",
    )
    next_c = induction(
        t,
        z3.Implies(inside, sum_c(i, t + 1) <= r * sum_c(i, t) + into_c(t)[i]),
        noise,
        spectrum,
        sum_c.next(i, t),
        sum_c.next(i, t + 1),
        sum_S.next(t),
        sum_mu.next(i, t),
        into_c.at(t, i),
        into_c.at(t + 1, i),
        base=[
            sum_c.zero(i),
            sum_c.next(i, 0),
            into_c.at(0, i),
            sum_S.zero(),
            sum_mu.zero(i),
            c.at(0, i),
            v.zero(),
            zeros.at(i),
            m.zero(i),
        ],
        name="the sum of variances, one more",
    )
    closed_c = induction(
        t,
        z3.Implies(inside, sum_c(i, t) <= geometric(r, t) * into_c(t)[i]),
        next_c,
        contraction,
        grows,
        geometric.next(r, t),
        geometric_at_most(ratio=r, n=t),
        base=[sum_c.zero(i), geometric.zero(r)],
        name="the sum of variances",
    )
    # x (1 + r + ... + r^(N-1)) is at most N x, and at most 1/delta.
    memory = lemma(
        z3.Implies(
            inside,
            z3.And(
                X[i] * geometric(r, N) >= 0,
                X[i] * geometric(r, N) <= many,
                X[i] * geometric(r, N) * delta <= 1,
            ),
        ),
        geometric_sum(ratio=r, n=N),
        geometric_at_most(ratio=r, n=N),
        power_between(base=r, n=N),
        contraction,
        small_step,
        steps,
        name="the memory of the noise",
    )
    shortest = z3.If(1 / delta <= many, 1 / delta, many)
    energy = lemma(
        z3.Implies(
            inside,
            lq[i] * sum_e(i, N)
            <= start[i] * start[i] * shortest / gamma
            + X[i] / delta * (alpha * sum_S(N) + n * s_2 + n * lq[i] * q[i]),
        ),
        lemma(
            z3.Implies(
                inside,
                delta * lq[i] * sum_e(i, N)
                <= delta * geometric(r, N) * lq[i] * start[i] * start[i]
                + X[i] * (alpha * sum_S(N) + n * s_2 + n * lq[i] * q[i]),
            ),
            closed_e(t=N),
            into_e.at(N, i),
            spectrum,
            small_step,
            steps,
            *signs,
            name="E eta^2, weighted",
        ),
        lemma(
            z3.Implies(
                inside,
                geometric(r, N) * lq[i] * start[i] * start[i]
                <= start[i] * start[i] * shortest / gamma,
            ),
            memory,
            contraction,
            spectrum,
            *signs,
            name="what is left of the start",
        ),
        divided(
            p=delta,
            V=lq[i] * sum_e(i, N),
            g=geometric(r, N) * lq[i] * start[i] * start[i],
            L=alpha * sum_S(N) + n * s_2 + n * lq[i] * q[i],
            b=start[i] * start[i] * shortest / gamma,
            x_=X[i],
        ),
        contraction,
        name="E eta^2 over the run",
    )
    bracket = (
        n * s_2
        + alpha * sum_S(N)
        + n * lq[i] * q[i]
        + n * kappa * lq[i] * start[i] * start[i] * mean_weight
    )
    bracket_nonnegative = lemma(
        z3.Implies(inside, bracket >= 0),
        *(
            lemma(
                z3.Implies(inside, part >= 0),
                signs_of,
                sum_S_nonnegative(t=N),
                spectrum,
                steps,
                name="noise is nonnegative",
            )
            for part in (n * s_2, alpha * sum_S(N), n * lq[i] * q[i])
        ),
        lemma(
            z3.Implies(inside, mean_weight >= 0), small_step, steps, name="weights are nonnegative"
        ),
        lemma(
            z3.Implies(inside, n * kappa * lq[i] * start[i] * start[i] >= 0),
            signs_of,
            spectrum,
            steps,
            name="noise is nonnegative",
        ),
        name="the noise of the run is nonnegative",
    )
    geo = geometric(r, N)
    forgotten_part = 1 - power(rho, N)
    variance = lemma(
        z3.Implies(inside, lq[i] * var_s(i, N) <= 2 * decay * bracket),
        weighed(
            V=lq[i] * var_s(i, N),
            p=forgotten_part,
            g=geo,
            L=lq[i] * into_c(N)[i],
            b=bracket,
            x_=X[i],
            weight=decay,
        ),
        lemma(
            z3.Implies(inside, lq[i] * into_c(N)[i] <= X[i] * X[i] * bracket),
            into_c.at(N, i),
            spectrum,
            steps,
            *signs,
            lemma(
                z3.Implies(
                    inside,
                    kappa * lq[i] * sum_mu(i, N)
                    <= kappa * lq[i] * (n * (start[i] * start[i] * mean_weight)),
                ),
                squares,
                signs_of,
                spectrum,
                name="squared means, weighted",
            ),
            name="the noise of the run",
        ),
        lemma(
            z3.Implies(
                inside,
                X[i] * (lq[i] * var_s(i, N)) <= 2 * forgotten_part * geo * (lq[i] * into_c(N)[i]),
            ),
            average_upper(t=N),
            lemma(
                z3.Implies(
                    inside, forgotten_part * sum_c(i, N) <= forgotten_part * (geo * into_c(N)[i])
                ),
                closed_c(t=N),
                forgotten,
                steps,
                name="variances, weighted",
            ),
            spectrum,
            steps,
            name="the variance of the average, weighted",
        ),
        product(**{"first factor": forgotten_part, "second factor": X[i] * geo, "y": many}),
        lemma(
            z3.Implies(inside, z3.And(X[i] * geo >= 0, X[i] * geo <= within, geo >= 0)),
            memory,
            contraction,
            geometric_at_most(ratio=r, n=N),
            steps,
            small_step,
            name="the memory of the noise, bounded",
        ),
        bracket_nonnegative,
        forgotten,
        small_step,
        name="the variance of the average",
    )
    return Accumulated(energy, variance)
