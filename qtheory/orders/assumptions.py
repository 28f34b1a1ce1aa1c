"""Assumptions on parameters and exponents, as the conditions of a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import exact
from qtheory.numbers.grammar import parse_relation
from qtheory.orders.cell import Cell
from qtheory.orders.conditions import Condition
from qtheory.orders.evaluation import Evaluation, roles_of
from qtheory.orders.monomial import Monomial
from qtheory.orders.symbols import positive_symbols

_SIGNS = {
    sp.Gt: frozenset({1}),
    sp.StrictGreaterThan: frozenset({1}),
    sp.Ge: frozenset({1, 0}),
    sp.Lt: frozenset({-1}),
    sp.Le: frozenset({-1, 0}),
    sp.Eq: frozenset({0}),
}
_CONTRADICTED = "one that can hold: every symbol is positive, which contradicts it"


def root_cell(
    expression: sp.Basic, index: sp.Symbol | None, assumptions: Sequence[str | sp.Basic]
) -> tuple[Cell, frozenset[sp.Symbol]]:
    """The cell of all parameters of an expression under assumptions, and the exponent symbols."""
    relations = relations_of(assumptions)
    for relation in relations:
        if index in relation.free_symbols:
            raise InvalidArgumentError("assumption", relation, f"free of the index {index}")
    parameters_found, exponents = _roles(expression, index, relations)
    parameters = dict.fromkeys(sorted(parameters_found - exponents, key=str), 1)
    fixed = frozenset(exponents)
    return assume(Cell(parameters), fixed, relations), fixed


def _roles(
    expression: sp.Basic, index: sp.Symbol | None, relations: Sequence[sp.Basic]
) -> tuple[set[sp.Symbol], set[sp.Symbol]]:
    """The parameters and the exponent symbols of an expression and of relations."""
    roles = roles_of(expression, index, set())
    parameters_found, exponents = set(roles.parameters), set(roles.exponents)
    waiting = list(relations)
    # A relation that mentions a parameter is about parameters, and so are its other symbols.
    while about := [r for r in waiting if r.free_symbols & parameters_found]:
        for relation in about:
            mentioned = roles_of(sp.Tuple(*relation.args[:2]), index, exponents)
            parameters_found |= mentioned.parameters
            exponents |= mentioned.exponents
            waiting.remove(relation)
    for relation in waiting:
        exponents |= relation.free_symbols
    return parameters_found, exponents


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
    limited: dict[sp.Symbol, int] = {}
    for relation in relations_of(relations):
        if relation.free_symbols <= exponents:
            form = relation.lhs - relation.rhs
            if not form.is_rational_function(*form.free_symbols):
                raise InvalidArgumentError(
                    "assumption", relation, "a relation between rational functions of exponents"
                )
            condition = Condition.on(form, *_SIGNS[type(relation)])
        else:
            order = _at_least_one(relation, cell, exponents)
            condition = cell.at_least_one(order)
            if len(order.powers) == 1 and order.powers[0][1].is_number:
                ((parameter, exponent),) = order.powers
                sign = 1 if exponent > 0 else -1
                if limited.setdefault(parameter, sign) != sign:
                    raise InvalidArgumentError(
                        "assumptions",
                        relation,
                        f"compatible with the others, which leave {parameter} of the order of 1: "
                        "put in a number for it",
                    )
                cell = Cell({**cell.parameters, parameter: sign}, cell.conditions, cell.values)
                continue
        part = cell.with_condition(condition)
        if part is None:
            raise InvalidArgumentError(
                "assumptions", relation, "compatible with the other assumptions"
            )
        cell = part
    return cell


def without_equalities(
    left: sp.Expr, right: sp.Expr, relations: Sequence[sp.Basic]
) -> list[sp.Basic]:
    """Two sides and the relations, with a parameter put in by each equality of two orders.

    An equality is one, or a pair of inequalities in both directions. What is put in for a parameter
    is at least 1 as the parameter was.
    """
    todo = [left, right, *relations]
    parameters, exponents = _roles(sp.Tuple(left, right), None, relations)
    while (found := _solved(todo[2:], parameters - exponents)) is not None:
        equality, parameter, value = found
        kept = [part for part in todo if part not in equality]
        if not any(relation in (parameter <= 1, parameter < 1) for relation in kept[2:]):
            kept.append(sp.Ge(value, 1, evaluate=False))
        put = [part.xreplace({parameter: value}) for part in kept]
        sides = [
            sp.powdenest(sp.expand_power_base(side, force=True), force=True) for side in put[:2]
        ]
        todo = [*sides, *(r for r in relations_of(put[2:]) if r.free_symbols)]
    return todo


def _solved(
    relations: Sequence[sp.Basic], parameters: Set[sp.Symbol]
) -> tuple[list[sp.Basic], sp.Symbol, sp.Expr] | None:
    """An equality of products of powers, as the relations that say it, and a parameter from it."""
    for relation in relations:
        reverse = _says(relation)[::-1]
        pair = [other for other in relations if reverse and _says(other) == reverse]
        if not isinstance(relation, sp.Eq) and not pair:
            continue
        quotient = sp.powsimp(relation.lhs / relation.rhs)
        powers = quotient.as_powers_dict()
        for parameter in sorted(quotient.free_symbols & parameters, key=str):
            if powers.get(parameter, sp.S.Zero).is_Rational and powers[parameter] != 0:
                rest = quotient / parameter ** powers[parameter]
                if rest.free_symbols and not rest.has(sp.Add, sp.Min, sp.Max, sp.log):
                    value = sp.powdenest(rest ** (-1 / powers[parameter]), force=True)
                    return [relation, *pair], parameter, value
    return None


def _says(relation: sp.Basic) -> tuple[sp.Expr, ...]:
    """The smaller and the larger side of an inequality that may be an equality."""
    if isinstance(relation, sp.Le):
        return relation.lhs, relation.rhs
    return (relation.rhs, relation.lhs) if isinstance(relation, sp.Ge) else ()


def relations_of(given: str | sp.Basic | Iterable[str | sp.Basic]) -> list[sp.Basic]:
    """Assumptions as relations in positive symbols, without those that hold for all such symbols.

    A single one need not stand in a list.

    Raises
    ------
    InvalidArgumentError
        If one is no relation, or fails for all positive symbols.
    """
    if isinstance(given, str | sp.Basic):
        given = [given]
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise InvalidArgumentError("assumptions", given, 'a list of relations such as "N*eps <= 1"')
    found = [_relation(assumption) for assumption in given]
    return [relation for relation in found if relation is not sp.true]


def _relation(given: str | sp.Basic) -> sp.Basic:
    """An assumption as a relation; true if it says no more than that symbols are positive."""
    relation = parse_relation(given, {}, "assumption") if isinstance(given, str) else given
    if relation is sp.true:  # SymPy has decided it, by the signs of its symbols
        return relation
    if relation is sp.false:
        raise InvalidArgumentError("assumption", given, _CONTRADICTED)
    if type(relation) not in _SIGNS or not relation.free_symbols:
        raise InvalidArgumentError(
            "assumption", given, "a relation with <=, >=, < or > among parameters or exponents"
        )
    sides = [positive_symbols(exact(side, "assumption"), "assumption") for side in relation.args]
    decided = relation.func(*sides)
    if decided is sp.false:
        raise InvalidArgumentError("assumption", given, _CONTRADICTED)
    return decided if decided is sp.true else relation.func(*sides, evaluate=False)


def _at_least_one(relation: sp.Basic, cell: Cell, exponents: frozenset[sp.Symbol]) -> Monomial:
    """The order that a relation among parameters says is at least 1."""
    evaluation = Evaluation.of_parameters(cell, exponents)
    quotient = sp.powsimp(relation.lhs / relation.rhs)
    if quotient.has(sp.Add, sp.Min, sp.Max) and _parameters_in_sums(quotient, exponents):
        raise InvalidArgumentError(
            "assumption", relation, "an inequality between products of powers of parameters"
        )
    number = sp.Mul(*[f for f in sp.Mul.make_args(quotient) if f.is_number])
    if number != 1:
        raise InvalidArgumentError(
            "assumption", relation, "free of numbers but 1: they do not count in orders"
        )
    ratio = evaluation.order(relation.lhs) / evaluation.order(relation.rhs)
    signs = _SIGNS[type(relation)] - {0}
    if not signs or not ratio.powers:
        raise InvalidArgumentError(
            "assumption",
            relation,
            "an inequality between different orders; use regime for an equality",
        )
    order = ratio if 1 in signs else ratio**-1
    # A cell has no logarithms: N >= d log d lies in N >= d, but N log N >= d in none of powers.
    if any(exponent.is_negative is not True for _, exponent in order.logs):
        raise InvalidArgumentError("assumption", relation, "free of logarithms on the larger side")
    return order


def _parameters_in_sums(formula: sp.Expr, exponents: frozenset[sp.Symbol]) -> bool:
    """Whether a sum, minimum or maximum in a formula holds a parameter."""
    parts = formula.atoms(sp.Add, sp.Min, sp.Max)
    return any(part.free_symbols - exponents for part in parts)
