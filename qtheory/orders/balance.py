"""Equations between orders, solved for an unknown: where two expressions are of the same size."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from qtheory.orders.cell import Cell, CellOutcome, explore
from qtheory.orders.conditions import Condition
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.monomial import ONE, Monomial, log_of
from qtheory.orders.piecewise import Diverges, Unsupported


def balance(evaluation: Evaluation, unknown: sp.Symbol, left: sp.Expr, right: sp.Expr) -> Monomial:
    r"""The only order of an unknown at which two expressions have the same order, in a cell.

    In the logarithm u of the unknown, log(left / right) is piecewise linear. Each piece is worked
    out with the unknown as one parameter more; its line has one zero, which counts if it lies on
    the piece. All zeros that count have to agree: uniqueness is found, not assumed.

    Raises
    ------
    Unsupported
        If there is no such order, or there are several.
    Diverges
        If a sum in them is infinite in the cell.

    Examples
    --------
    >>> x, N = sp.symbols("x N", positive=True)
    >>> there = Evaluation.of_parameters(Cell({N: 1}), frozenset())
    >>> balance(there, x, x + x**2, 1 / N).expression
    1/N
    """
    cell = evaluation.cell
    wide = Cell({**cell.parameters, unknown: 0}, cell.conditions, cell.values)
    values = {**evaluation.values, unknown: Monomial.of(unknown)}

    def ratio(part: Cell) -> Monomial | Diverges:
        there = replace(evaluation, cell=part, values=values, _known={})
        try:
            return there.order(left) / there.order(right)
        except Diverges as cause:
            return cause

    found: list[Monomial] = []
    for piece in explore(ratio, [wide]):
        zero = _zero(cell, unknown, piece)
        if zero is not None and not any(cell.compare(zero, other) == 0 for other in found):
            found.append(zero)
    if len(found) != 1:
        many = "no order" if not found else "several orders"
        raise Unsupported(f"{left} and {right} balance at {many} of {unknown}")
    return found[0]


def _zero(cell: Cell, unknown: sp.Symbol, piece: CellOutcome) -> Monomial | None:
    """Where the ratio of a piece is 1, if that is on the piece; None where it is flat."""
    itself = Monomial.of(unknown)

    def holds(condition: Condition, zero: Monomial) -> bool:
        order = condition.order
        if order is None:
            return cell.satisfies(condition)
        power = order.exponent(unknown)
        there = (order / itself**power).substitute_in_logs(unknown, zero.without_logs)
        sign = cell.compare(there * zero**power, ONE)
        return sign == 0 or sign in condition.signs

    if isinstance(piece.outcome, Diverges):
        about_others = [c for c in piece.cell.conditions if not c.form.has(log_of(unknown))]
        if all(holds(condition, ONE) for condition in about_others):
            raise piece.outcome
        return None
    power = piece.outcome.exponent(unknown)
    if cell.trichotomy(power) == 0:
        return None
    rest = (piece.outcome / itself**power) ** (-1 / power)
    zero = rest.substitute_in_logs(unknown, rest.without_logs)
    return zero if all(holds(condition, zero) for condition in piece.cell.conditions) else None
