"""Assumptions on parameters and exponents, as the conditions of a cell."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from qtheory.asymptotics.cell import Cell, Condition
from qtheory.asymptotics.evaluation import Evaluation, roles_of
from qtheory.asymptotics.monomial import Monomial
from qtheory.errors import InvalidArgumentError
from qtheory.numbers.grammar import parse_relation

__all__ = ["assume", "root_cell"]

_SIGNS = {
    sp.Gt: frozenset({1}),
    sp.StrictGreaterThan: frozenset({1}),
    sp.Ge: frozenset({1, 0}),
    sp.Lt: frozenset({-1}),
    sp.Le: frozenset({-1, 0}),
    sp.Eq: frozenset({0}),
}


def root_cell(
    expression: sp.Basic, index: sp.Symbol | None, assumptions: Sequence[str | sp.Basic]
) -> tuple[Cell, frozenset[sp.Symbol]]:
    """The cell of all parameters of an expression under assumptions, and the exponent symbols."""
    relations = [_relation(assumption) for assumption in assumptions]
    roles = roles_of(expression, index, set())
    parameters_found, exponents = set(roles.parameters), set(roles.exponents)
    for relation in relations:
        # A relation without a parameter of the expression is one among exponents.
        if relation.free_symbols & parameters_found:
            mentioned = roles_of(sp.Tuple(*relation.args[:2]), index, exponents)
            parameters_found |= mentioned.parameters
            exponents |= mentioned.exponents
        else:
            exponents |= relation.free_symbols
    parameters = dict.fromkeys(sorted(parameters_found - exponents, key=str), 1)
    fixed = frozenset(exponents)
    return assume(Cell(parameters), fixed, relations), fixed


def assume(
    cell: Cell, exponents: frozenset[sp.Symbol], relations: Sequence[str | sp.Basic]
) -> Cell:
    """The part of a cell where relations hold.

    A relation p <= 1 for a parameter p alone says that it is small.

    Raises
    ------
    InvalidArgumentError
        If a relation is not about orders or exponents, or no parameters satisfy all.
    """
    for given in relations:
        relation = _relation(given)
        if relation.free_symbols <= exponents:
            condition = Condition.on(relation.lhs - relation.rhs, *_SIGNS[type(relation)])
        else:
            order = _at_least_one(relation, cell, exponents)
            condition = Condition.at_least_one(order)
            if len(order.powers) == 1 and order.powers[0][1].is_number:
                ((parameter, exponent),) = order.powers
                sign = 1 if exponent > 0 else -1
                cell = Cell({**cell.parameters, parameter: sign}, cell.conditions, cell.values)
                continue
        part = cell.with_condition(condition)
        if part is None:
            raise InvalidArgumentError(
                "assumptions", relation, "compatible with the other assumptions"
            )
        cell = part
    return cell


def _relation(given: str | sp.Basic) -> sp.Basic:
    relation = parse_relation(given, {}, "assumption") if isinstance(given, str) else given
    if type(relation) not in _SIGNS or not relation.free_symbols:
        raise InvalidArgumentError(
            "assumption", given, "a relation with <=, >=, < or > among parameters or exponents"
        )
    names = {s: sp.Symbol(s.name, positive=True) for s in relation.free_symbols}
    return relation.func(*[side.xreplace(names) for side in relation.args], evaluate=False)


def _at_least_one(relation: sp.Basic, cell: Cell, exponents: frozenset[sp.Symbol]) -> Monomial:
    """The order that a relation among parameters says is at least 1."""
    evaluation = Evaluation(cell, {p: Monomial.of(p) for p in cell.parameters}, exponents)
    ratio = evaluation.order(relation.lhs) / evaluation.order(relation.rhs)
    signs = _SIGNS[type(relation)] - {0}
    if not signs or not ratio.powers:
        raise InvalidArgumentError(
            "assumption",
            relation,
            "an inequality between different orders; use regime for an equality",
        )
    return ratio if 1 in signs else ratio**-1
