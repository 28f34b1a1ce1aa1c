"""Comparing two orders under assumptions: yes, no, or undecided with what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.assumptions import relations_of, root_cell, without_equalities
from qtheory.orders.cell import explore
from qtheory.orders.display import premises
from qtheory.orders.evaluation import Evaluation, require_no_exponentials
from qtheory.orders.regimes import joined
from qtheory.orders.symbols import formula_of
from qtheory.orders.uniform import Incomparable, UniformCell


@dataclass(frozen=True)
class OrderComparison:
    """Whether left is at most of the order of right.

    Attributes
    ----------
    answer
        ``"yes"`` if left <= C right for a constant C wherever the assumptions hold; ``"no"`` if
        right <= C left there, and left is larger by more than a constant throughout their interior;
        else ``"undecided"``.
    missing
        For ``"undecided"``: cases in which the answer is yes, each a tuple of relations of which
        any one case suffices.
    fixed
        The symbols in exponents, which are held fixed: C may depend on them.
    assumptions
        The relations that were assumed.
    """

    left: sp.Expr
    right: sp.Expr
    answer: Literal["yes", "no", "undecided"]
    missing: tuple[tuple[sp.Basic, ...], ...] = ()
    fixed: tuple[sp.Symbol, ...] = ()
    assumptions: tuple[sp.Basic, ...] = ()

    def __str__(self) -> str:
        text = f"{self.left} <~ {self.right}: {self.answer}"
        if self.missing:
            cases = [" and ".join(map(str, case)) for case in self.missing]
            text += f"; it holds if {', or if '.join(cases)}"
        given = premises(self.assumptions, self.fixed)
        return f"{text}, {given}" if given else text


@one_at_a_time
def compare_orders(
    left: Number, right: Number, assumptions: Sequence[str | sp.Basic] = ()
) -> OrderComparison:
    """Compare two orders of magnitude under assumptions, by exact arithmetic in logarithms.

    Parameters
    ----------
    left, right
        Text or SymPy expressions: products of real powers of positive parameters, their sums,
        ``min``, ``max`` and ``log`` of what is at least 1, where log stands for 1 + log. Parameters
        are at least 1 unless an assumption such as ``"eps <= 1"`` says otherwise; symbols in their
        exponents are held fixed.
    assumptions
        Relations among parameters or among the symbols in exponents. An equality of orders puts
        one parameter in terms of the others.

    Raises
    ------
    InvalidArgumentError
        Naming the sub-expression that is not an order, such as the exponential ``2**N``.

    Examples
    --------
    >>> compare_orders("d*(N*eps)**2", "d", ["eps <= 1", "N*eps <= 1"]).answer
    'yes'
    >>> found = compare_orders("N**(1/a)", "d")
    >>> found.answer, found.missing
    ('undecided', ((d**a >= N,),))
    >>> compare_orders("N**2", "N*log(N)").answer
    'no'

    One constant has to do for all parameters, so that not even logarithms compare of themselves.

    >>> print(compare_orders("log(N)", "log(M)"))
    log(N) <~ log(M): undecided; it holds if M >= N
    >>> compare_orders("log(log(N))**2", "log(N)").answer
    'yes'
    >>> compare_orders("N*M", "N**3", ["M == N**2"]).answer
    'yes'
    """
    small, large = _side(left, "left"), _side(right, "right")
    relations = relations_of(assumptions)
    require_no_exponentials([small, large, *relations])
    found = partial(OrderComparison, small, large, assumptions=tuple(relations))
    small, large, *relations = without_equalities(small, large, relations)
    plain, exponents = root_cell(sp.Tuple(small, large), None, relations)
    _require_rational(sp.Tuple(small, large, *relations), exponents)
    root = UniformCell.of(plain)
    fixed = tuple(sorted(exponents & (small.free_symbols | large.free_symbols), key=str))

    def compute(cell: UniformCell) -> str:
        evaluation = Evaluation.of_parameters(cell, exponents)
        try:
            left, right = evaluation.order(small), evaluation.order(large)
            if cell.compare(left, right) <= 0:
                return "yes"
        except Incomparable:
            return "undecided"
        return "no" if cell.along_power_laws(left, right) > 0 else "undecided"

    regions = joined(root, explore(compute, [root]))
    answers = {region.outcome for region in regions}
    if answers == {"yes"}:
        return found("yes", (), fixed)
    if answers == {"no"}:
        return found("no", (), fixed)
    missing = tuple(region.relations for region in regions if region.outcome == "yes")
    return found("undecided", missing, fixed)


def _require_rational(formulas: sp.Tuple, exponents: frozenset[sp.Symbol]) -> None:
    """Raise where a symbol in exponents stands under a root, or is in an exponent itself."""
    for power in formulas.atoms(sp.Pow):
        within = power.exp.atoms(sp.Pow) if power.exp.free_symbols & exponents else set()
        for part in within:
            if part.free_symbols & exponents and not part.exp.is_Integer:
                allowed = "a rational function of the symbols in exponents"
                raise InvalidArgumentError("expression", part, allowed)


def _side(side: Number, name: str) -> sp.Expr:
    formula = formula_of(side, name)
    if not formula.free_symbols and not formula > 0:
        raise InvalidArgumentError(name, side, "a positive order")
    return formula
