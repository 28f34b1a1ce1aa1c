"""Comparing two orders under assumptions: yes, no, or undecided with what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sympy as sp

from qtheory.asymptotics.assumptions import root_cell
from qtheory.asymptotics.cell import Cell, explore
from qtheory.asymptotics.evaluation import Evaluation
from qtheory.asymptotics.regimes import joined
from qtheory.asymptotics.symbols import formula_of
from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number

__all__ = ["Comparison", "compare_orders"]


@dataclass(frozen=True)
class Comparison:
    """Whether left is at most of the order of right.

    Attributes
    ----------
    answer
        ``"yes"`` if left <= C right for a constant C wherever the assumptions hold; ``"no"`` if
        left is larger by more than a constant throughout their interior; else ``"undecided"``.
    missing
        For ``"undecided"``: the cases in which the answer is yes, each a tuple of relations of
        which any one case suffices.
    """

    left: sp.Expr
    right: sp.Expr
    answer: Literal["yes", "no", "undecided"]
    missing: tuple[tuple[sp.Basic, ...], ...] = ()

    def __str__(self) -> str:
        text = f"{self.left} <~ {self.right}: {self.answer}"
        if self.missing:
            cases = [" and ".join(map(str, case)) for case in self.missing]
            text += f"; it holds if {', or if '.join(cases)}"
        return text


def compare_orders(
    left: Number, right: Number, assumptions: Sequence[str | sp.Basic] = ()
) -> Comparison:
    """Compare two orders of magnitude under assumptions, by exact arithmetic in logarithms.

    Parameters
    ----------
    left, right
        Text or SymPy expressions: products of real powers of positive parameters, their sums,
        ``min``, ``max`` and ``log`` of large parameters. Parameters are at least 1 unless an
        assumption such as ``"eps <= 1"`` says otherwise.
    assumptions
        Relations among parameters or among the symbols in exponents.

    Raises
    ------
    InvalidArgumentError
        Naming the sub-expression that is not an order.

    Examples
    --------
    >>> compare_orders("d*(N*eps)**2", "d", ["eps <= 1", "N*eps <= 1"]).answer
    'yes'
    >>> found = compare_orders("N**(1/a)", "d")
    >>> found.answer, found.missing
    ('undecided', ((d**a >= N,),))
    >>> compare_orders("N**2", "N*log(N)").answer
    'no'
    """
    small, large = _side(left, "left"), _side(right, "right")
    root, exponents = root_cell(sp.Tuple(small, large), None, assumptions)

    def compute(cell: Cell) -> bool:
        evaluation = Evaluation.of_parameters(cell, exponents)
        return cell.compare(evaluation.order(small), evaluation.order(large)) <= 0

    regions = joined(root, explore(compute, [root]))
    answers = {region.outcome for region in regions}
    if answers == {True}:
        return Comparison(small, large, "yes")
    if answers == {False}:
        return Comparison(small, large, "no")
    missing = tuple(region.relations for region in regions if region.outcome)
    return Comparison(small, large, "undecided", missing)


def _side(side: Number, name: str) -> sp.Expr:
    formula = formula_of(side, name)
    if not formula.free_symbols and not formula > 0:
        raise InvalidArgumentError(name, side, "a positive order")
    return formula
