r"""T2, any number of steps: what has the moments of one step that update.py finds has those of section 2.

Main results
    ``first_moment``: E w_i is m(i, t) after t steps
    ``second_moment``: E w_i^2 is v(t)[i]

How
    What the rules of expectation give for one step, the identities of update.py, is assumed here of unknown
    numbers E w, E w^2, E G_b, E[w G_b] and E[G_b G_c]: linearity for the update, and the moments of the
    gradients. By induction on the steps they are those of the recursion. The noise of one coordinate has
    sums over all coordinates of E w^2: these are equal term by term.
"""

import z3

from qtheory.proof.kernel import REAL, SEQUENCE, assume, induction, lemma, undefined, variable
from qtheory.proof.sums import sum_le, total, worst, zeros

from . import update
from .double_sums import pair_rows, pairs, repeated
from .recursion import (
    Q_row,
    core,
    cross,
    d,
    dimension_positive,
    gamma,
    i,
    inside,
    m,
    per_B,
    same,
    signs,
    spectrum,
    t,
    u,
    v,
)
from .recursion import following as next_v
from .update import B, mean_of_G, over_samples, with_w

other = variable("other second moments", SEQUENCE)
E_w = undefined("mean of w", [i, t], REAL)
E_ww = undefined("mean of w w", [t], SEQUENCE)
E_G, E_wG, E_GG, E_GH = (
    undefined(f"mean of {what}", [i, t], REAL) for what in ("G_b", "w G_b", "G_b G_b", "G_b G_c")
)
now = z3.And(t >= 0, inside)


def of_them(term):
    """What update.py finds for m(i, t) and second moments u, for E w and E w^2."""
    return z3.substitute(term, (m(i, t), E_w(i, t)), (u, E_ww(t)))


# --- what is taken from update.py ----------------------------------------------------------------

start = assume(
    z3.Implies(inside, z3.And(E_w(i, 0) == 0, E_ww(0)[i] == 0)),
    i,
    meaning="the run begins at w = 0",
)
linear = assume(
    z3.Implies(
        now,
        z3.And(
            E_w(i, t + 1) == E_w(i, t) + gamma * per_B * over_samples(E_G(i, t)),
            E_ww(t + 1)[i]
            == E_ww(t)[i]
            + 2 * gamma * per_B * over_samples(E_wG(i, t))
            + gamma * per_B * gamma * per_B * total(pair_rows(E_GG(i, t), E_GH(i, t), B), B),
        ),
    ),
    i,
    t,
    meaning="linearity of expectation, for w' = w + (gamma/B) sum_b G_b and its square",
)
gradients = assume(
    z3.Implies(
        now,
        z3.And(
            E_G(i, t) == of_them(mean_of_G),
            E_wG(i, t) == of_them(with_w),
            E_GG(i, t) == of_them(update.same),
            E_GH(i, t) == of_them(update.cross),
        ),
    ),
    i,
    t,
    meaning="the moments of the gradients: the identities of update.py for E[G_b], E[w G_b], E[G_b G_c]",
)

# --- the first moment ----------------------------------------------------------------------------

first_moment = induction(
    t,
    z3.Implies(inside, E_w(i, t) == m(i, t)),
    linear,
    gradients,
    m.next(i, t),
    repeated(p=E_G(i, t), n=B),
    spectrum,
    *signs,
    base=[start, m.zero(i)],
    name="E w is m",
)

# --- the second moment ---------------------------------------------------------------------------


def agreeing(one, another):
    """Where the row of Q is larger for one than for another, if they are not the same there."""
    return worst(Q_row(one, i), Q_row(another, i), d)


def not_larger(one, another):
    return sum_le(
        [(1, Q_row(one, i))],
        [(1, Q_row(another, i))],
        d,
        lambda at: [Q_row.at(one, i, at), Q_row.at(another, i, at)],
        premises=[dimension_positive],
        given=lambda at: z3.Implies(z3.And(at >= 0, at < d), one[at] == another[at]),
        name="rows of Q",
    )


above, below = agreeing(u, other), agreeing(other, u)
# The noise of a coordinate is the same for second moments that are the same.
same_noise = lemma(
    z3.Implies(
        z3.And(
            u[i] == other[i],
            *(z3.Implies(z3.And(at >= 0, at < d), u[at] == other[at]) for at in (above, below)),
        ),
        next_v(t, u)[i] == next_v(t, other)[i],
    ),
    not_larger(u, other),
    not_larger(other, u),
    *(f.at(t, each, i) for each in (u, other) for f in (next_v, same, cross, core)),
    name="the same second moments have the same noise",
)
one_step = lemma(
    z3.Implies(now, E_ww(t + 1)[i] == next_v(t, E_ww(t))[i]),
    linear,
    gradients,
    first_moment,
    next_v.at(t, E_ww(t), i),
    repeated(p=E_wG(i, t), n=B),
    pairs(p=E_GG(i, t), q=E_GH(i, t), n=B),
    *signs,
    name="E w^2 after a step",
)
second_moment = induction(
    t,
    z3.Implies(inside, E_ww(t)[i] == v(t)[i]),
    one_step,
    v.next(t),
    same_noise(u=E_ww(t), **{"other second moments": v(t)}),
    base=[start, v.zero(), zeros.at(i)],
    instances=[
        {},
        *({"i": agreeing(*pair_)} for pair_ in ((E_ww(t), v(t)), (v(t), E_ww(t)))),
    ],
    name="E w^2 is v",
)
