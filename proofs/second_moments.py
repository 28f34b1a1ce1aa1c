r"""T2, the exact recursion, as it is stated.

Main results
    ``theorem``: m' and v' are what the statement of T2 and its definitions say, for m = E w_i and v = E w_i^2
    ``Q_row_sum``, ``T_row_sum``, ``Y_row_sum``: sums over the stated tables are those of the recursion
    ``derivation``: the update has these moments (update.py, moments_of_update.py)

How
    The definitions of the statement are put beside those of qtheory.theory.moments, which every other
    proof is about: sums over a row term by term, then one step of the recursion.
"""

from dataclasses import replace

from qtheory.proof.kernel import lemma
from qtheory.proof.sums import sum_equal
from qtheory.theory import recursion as stated_recursion
from qtheory.theory.definitions import x as relative_step
from qtheory.theory.formal import stated
from qtheory.theory.recursion import Q, T, X, Y
from qtheory.theory.sequents import Formal, established

from . import update
from .moments_of_update import first_moment, second_moment
from .recursion import (
    Q_row,
    T_row,
    Y_row,
    Yy,
    core,
    cross,
    d,
    dimension_positive,
    following,
    i,
    m,
    same,
    t,
    v,
)

words = Formal(stated("recursion"))
square = v(t)


def row_sum(row, arguments, symbol, table, *others, name):
    """The sum of a row of the recursion is the sum in the definition of a symbol."""
    (terms,) = words.summands(symbol)
    place = [i] if terms.symbol.arity() == 1 else [t, i]
    return sum_equal(
        [(1, row(*arguments))],
        [(1, terms(*place))],
        d,
        lambda at: [
            row.at(*arguments, at),
            terms.at(*place, at),
            *words.unfold(table, *others, at=at),
        ],
        premises=[dimension_positive],
        name=name,
    )


Q_row_sum = row_sum(
    Q_row,
    [square, i],
    stated_recursion.A,
    Q,
    stated_recursion.rounded,
    name="the stated row of Q",
)
T_row_sum = row_sum(T_row, [t, i], X, T, name="the stated row of T")
Y_row_sum = row_sum(Y_row, [i], stated_recursion.Yy, Y, name="the stated row of Y")

one_sample = lemma(
    same(t, square)[i] == words[stated_recursion.same][i],
    same.at(t, square, i),
    core.at(t, square, i),
    Yy.at(i),
    *words.unfold(
        *(getattr(stated_recursion, name) for name in ("same", "core", "Yy", "X", "A")), at=i
    ),
    Q_row_sum,
    T_row_sum,
    Y_row_sum,
    name="the stated noise of one sample",
)
two_samples = lemma(
    cross(t, square)[i] == words[stated_recursion.cross][i],
    cross.at(t, square, i),
    *words.unfold(
        stated_recursion.cross, stated_recursion.mean_step, stated_recursion.rounded, at=i
    ),
    name="the stated noise of two samples",
)
derivation = replace(update.derivation, sums=(*update.derivation.sums, first_moment, second_moment))
theorem = established(
    words,
    m.next(i, t),
    v.next(t),
    following.at(t, square, i),
    one_sample,
    two_samples,
    *words.unfold(relative_step, at=i),
)
