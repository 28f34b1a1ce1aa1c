r"""The best stepsize and batch at a fixed number of samples, and the errors that cost nothing.

Both are problems of linear programming in logarithms. With n = N B samples, gamma = n^-g and
B = n^beta, the exponent of the bound is a piecewise linear function of (g, beta); its minimum is at
a corner of the pieces. The corners are rational functions of the exponents of the problem, so they
are found once, and compared exactly in each cell of those exponents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, overload

import sympy as sp

from qtheory.asymptotics.exponent_plane import ExponentPlane
from qtheory.asymptotics.setting import setting_of
from qtheory.asymptotics.size_choices import SizeChoice, best_sizes
from qtheory.errors import InvalidArgumentError
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.cell import Cell
from qtheory.orders.display import where
from qtheory.orders.monomial import Monomial

_BUDGETS = ("N*B", "N*M", "N*M*bits")
_SAMPLES = sp.Symbol("n", positive=True)
# Names that no symbol of a user has.
_STEPSIZE, _BATCH, _STEPS, _g, _beta = (
    sp.Symbol(name, positive=True)
    for name in ("the stepsize", "the batch", "the steps", "-log_n stepsize", "log_n batch")
)


@dataclass(frozen=True)
class Choice:
    r"""The best stepsize and batch in one regime, as powers of n, the number of samples.

    Attributes
    ----------
    conditions
        On the exponents of the problem.
    stepsize, batch, steps
        Orders in n. Of all choices that are best up to constants, the one with the largest batch,
        and then the largest stepsize.
    smallest_batch
        The smallest batch among the best choices.
    bound
        The order of the bound.
    occurs
        None where it is not known whether any exponents meet the conditions.
    """

    conditions: tuple[sp.Basic, ...]
    stepsize: sp.Expr
    batch: sp.Expr
    steps: sp.Expr
    smallest_batch: sp.Expr
    bound: sp.Expr
    occurs: bool | None = True

    def __str__(self) -> str:
        condition = where(self.conditions, self.occurs)
        return (
            f"bound {self.bound} with stepsize {self.stepsize}, batch {self.batch}, "
            f"steps {self.steps}" + (f"   if {condition}" if condition else "")
        )


@overload
def best_choice(
    problem: Problem,
    quantization: Quantization,
    regime: Mapping[sp.Symbol | str, sp.Expr | str] | None = None,
    assumptions: Sequence[str | sp.Basic] = (),
    *,
    budget: Literal["N*B"] = "N*B",
) -> tuple[Choice, ...]: ...


@overload
def best_choice(
    problem: Problem,
    quantization: Quantization,
    regime: Mapping[sp.Symbol | str, sp.Expr | str] | None = None,
    assumptions: Sequence[str | sp.Basic] = (),
    *,
    budget: Literal["N*M", "N*M*bits"],
) -> tuple[SizeChoice, ...]: ...


@one_at_a_time
def best_choice(
    problem: Problem,
    quantization: Quantization,
    regime: Mapping[sp.Symbol | str, sp.Expr | str] | None = None,
    assumptions: Sequence[str | sp.Basic] = (),
    *,
    budget: str = "N*B",
) -> tuple[Choice, ...] | tuple[SizeChoice, ...]:
    r"""What minimises the order of the bound at a budget.

    With n = N B samples the stepsize and the batch that minimise T4. At a budget of compute
    C = N M, where the problem is learned in a random sketch of M features (``rates(..., size=M)``),
    the size, the steps and the stepsize, with batches of 1. At C = N M bits these are the same as
    orders, for bits that keep errors small are logarithms of C: then the largest level of the
    errors that costs nothing is found too, and with it the fewest bits.

    Parameters
    ----------
    problem, quantization
        Symbols in exponents (of the spectrum, the target, the regime) may stay symbolic. For
        ``"N*M*bits"`` the errors must have one level that is a symbol, 4^-bits up to constants.
    regime
        Error levels and dimension as powers of n, or of C, such as ``{eps: n**-e, d: n**delta}``;
        every parameter must be given as one, or be a number.
    assumptions
        Relations among exponents.
    budget
        ``"N*B"``, ``"N*M"`` or ``"N*M*bits"``.

    Returns
    -------
    One choice per regime of the exponents: each a :class:`Choice`, or a :class:`SizeChoice`.

    Raises
    ------
    InvalidArgumentError
        If a parameter is left that is not a power of n.
    InfiniteRiskError
        If the bound is infinite whatever the exponents are.

    Examples
    --------
    >>> import qtheory as qt
    >>> a, b = qt.symbols("a b")
    >>> problem = qt.Problem(dim=qt.oo, spectrum=qt.PowerLaw(a), target=qt.SourceCondition(b))
    >>> assumptions = ["a > 1", "b > 1", "b < 2*a"]
    >>> for choice in qt.best_choice(problem, qt.Quantization(), assumptions=assumptions):
    ...     print(choice)
    bound n**(-(b - 1)/a) with stepsize 1, batch 1, steps n   if b <= a
    bound n**(-1 + 1/b) with stepsize 1, batch n**(-a/b + 1), steps n**(a/b)   if b >= a

    >>> square = qt.Problem(dim=qt.oo, spectrum=qt.PowerLaw(2), target=qt.SourceCondition(2))
    >>> integers = qt.Quantization(data=qt.Additive(qt.symbols("eps")))
    >>> (choice,) = qt.best_choice(square, integers, budget="N*M*bits")
    >>> print(choice)
    bound C**(-1/3) with size C**(1/3), steps C**(2/3), stepsize 1, errors C**(-2/3)
    >>> choice.bits
    2*log(C)/(3*log(4))

    Source: derived here from T4; the rate n^(1/b - 1) is that of kernel regression with this
    spectrum and source condition.
    """
    if budget not in _BUDGETS:
        raise InvalidArgumentError("budget", budget, f"one of {', '.join(map(repr, _BUDGETS))}")
    if budget != "N*B":
        bits = budget == "N*M*bits"
        return best_sizes(problem, quantization, regime or {}, assumptions, bits)
    n = _SAMPLES
    sgd = SGD(stepsize=_STEPSIZE, batch=_BATCH, steps=_STEPS)
    sizes = {_STEPSIZE: n**-_g, _BATCH: n**_beta, _STEPS: n ** (1 - _beta)}
    setting = setting_of(Run(problem, quantization, sgd), {**sizes, **(regime or {})}, assumptions)
    free, limits = (_g, _beta), (_g, _beta, 1 - _beta)
    plane = ExponentPlane.of(setting, n, free, limits, regime or {})
    choices: list[Choice] = []
    for region in plane.regions(_best):
        stepsize, batch, smallest, bound = region.outcome
        choices.append(
            Choice(
                region.relations,
                stepsize.expression,
                batch.expression,
                (Monomial.of(n) / batch).expression,
                smallest.expression,
                bound.expression,
                region.occurs,
            )
        )
    return tuple(choices)


def _best(plane: ExponentPlane, cell: Cell) -> tuple[Monomial, ...]:
    """Stepsize, largest batch, smallest batch and bound of the best corners in a cell."""
    n = plane.scale
    best, bound = plane.best(cell)
    choices = [(n**-g, n**beta) for g, beta in best]
    batch = cell.largest([batch for _, batch in choices])
    stepsize = cell.largest([s for s, b in choices if cell.compare(b, batch) == 0])
    smallest = cell.smallest([batch for _, batch in choices])
    return stepsize, batch, smallest, bound
