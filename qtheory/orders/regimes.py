"""From many cells to few regimes: cells with the same outcome are joined where that is exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from qtheory.orders.cell import Cell, CellOutcome
from qtheory.orders.conditions import Condition
from qtheory.orders.monomial import Monomial, readable


@dataclass(frozen=True, eq=False)
class Region:
    """A convex set of parameters and exponents in which an outcome holds, and its cells.

    An outcome is made of orders and text, in tuples.
    """

    outcome: Any
    conditions: tuple[Condition, ...]
    leaves: tuple[CellOutcome, ...]

    @property
    def relations(self) -> tuple[sp.Basic, ...]:
        """The conditions as SymPy relations, those among exponents first."""
        return relations(self.conditions)

    @property
    def occurs(self) -> bool | None:
        """Whether any point meets the conditions, or None if that is not known."""
        return True if any(leaf.cell.occurs for leaf in self.leaves) else None


def joined(root: Cell, leaves: Sequence[CellOutcome]) -> list[Region]:
    """Regions that cover the leaves of a root cell, one per outcome where their union is convex."""
    leaves = [
        CellOutcome(leaf.cell, _with_values(leaf.outcome, leaf.cell.values)) for leaf in leaves
    ]
    groups: dict[Any, list[CellOutcome]] = {}
    # A case of equality may have a neighbour's outcome, written with the equality put in.
    for leaf in sorted(leaves, key=lambda leaf: len(leaf.cell.values)):
        groups.setdefault(_known_outcome(leaf, groups), []).append(leaf)
    regions = []
    for outcome, members in groups.items():
        others = [leaf for leaf in leaves if leaf not in members]
        while members:
            region, members = _grown(root, outcome, members, others)
            regions.append(region)
    return regions


def _known_outcome(leaf: CellOutcome, groups: dict[Any, list[CellOutcome]]) -> Any:
    values = leaf.cell.values
    if values:
        for outcome in groups:
            if _with_values(outcome, values) == leaf.outcome:
                return outcome
    return leaf.outcome


def _with_values(outcome: Any, values: dict[sp.Symbol, sp.Expr]) -> Any:
    if isinstance(outcome, Monomial):
        return outcome.substitute(values)
    if isinstance(outcome, tuple):
        return tuple(_with_values(part, values) for part in outcome)
    return outcome


@dataclass(frozen=True)
class Regime:
    """The order of a quantity where some conditions hold.

    Attributes
    ----------
    conditions
        Relations; where two regimes touch, their orders agree.
    orders
        The order is the sum of these; all but the first matter only near a boundary.
    lower, upper
        Factors with lower * exact_order <= quantity <= upper * exact_order, or None where none
        are derived.
    proof
        The name of the machine proof (for ``qt.prove``) that holds these two inequalities, or None
        where they rest on the rules of :mod:`qtheory.orders.constants`.
    occurs
        None where it is not known whether any point meets the conditions: a question to z3 reached
        its limit of work. Else True.
    """

    conditions: tuple[sp.Basic, ...]
    orders: tuple[Monomial, ...]
    lower: sp.Expr | None = None
    upper: sp.Expr | None = None
    proof: str | None = None
    occurs: bool | None = True

    @property
    def order(self) -> sp.Expr:
        """The order as an expression, where log(m) stands for 1 + log(m)."""
        return sp.Add(*[order.expression for order in self.orders])

    @property
    def exact_order(self) -> sp.Expr:
        """What the factors refer to: the order with 1 + log(m) written out."""
        return sp.Add(*[order.exact_expression for order in self.orders])

    def exponent(self, parameter: sp.Symbol) -> sp.Expr:
        """The exponent of a parameter in the leading order; logarithms do not count."""
        return readable(self.orders[0].exponent(parameter))


def regimes_of(regions: Sequence[Region]) -> tuple[Regime, ...]:
    """The regimes whose orders are the outcomes of regions."""
    return tuple(Regime(r.relations, r.outcome, occurs=r.occurs) for r in regions)


def joined_by_maxima(regions: Sequence[Region]) -> tuple[Regime, ...]:
    """The same as :func:`regimes_of`, two neighbours of one order joined where max or min allows.

    Where r >= 1 in the one and r <= 1 in the other, with x >= 1 in the one, y >= 1 in the other
    and x/y a power of r, both together are max(x, y) >= 1, or min(x, y) >= 1.
    """
    found: list[Regime] = []
    left = list(regions)
    while left:
        region = left.pop(0)
        for other in left:
            conditions = _together(region, other)
            if region.outcome == other.outcome and conditions is not None:
                left.remove(other)
                occurs = True if region.occurs or other.occurs else None
                found.append(Regime(conditions, region.outcome, occurs=occurs))
                break
        else:
            found += regimes_of([region])
    return tuple(found)


def _together(first: Region, second: Region) -> tuple[sp.Basic, ...] | None:
    """The conditions of two regions as one set of relations, or None."""
    shared = [c for c in first.conditions if c in second.conditions]
    own, others = ([c for c in region.conditions if c not in shared] for region in (first, second))
    if len(own) != 2 or len(others) != 2 or any(c.order is None for c in (*own, *others)):
        return None
    for k in (0, 1):
        for m in (0, 1):
            r, x, y = _above(own[k]), _above(own[1 - k]), _above(others[1 - m])
            if _above(others[m]) != r**-1:
                continue
            sign = _common_power(x / y, r)
            if sign:
                bound = sp.Max if sign > 0 else sp.Min
                relation = sp.Ge(bound(x.expression, y.expression), 1, evaluate=False)
                return (*relations(shared), relation)
    return None


def _above(condition: Condition) -> Monomial:
    """What a condition on orders says is at least 1."""
    if condition.order is None:
        raise ValueError("a condition on exponents")
    return condition.order if 1 in condition.signs else condition.order**-1


def _common_power(order: Monomial, base: Monomial) -> int:
    """The sign of s where the order is base**s; 0 if it is no such power, or the sign is open."""
    if not base.powers or order.logs or base.logs:
        return 0
    (parameter, exponent), *_ = base.powers
    power = order.exponent(parameter) / exponent
    if power == 0 or order != base**power:
        return 0
    return 1 if power.is_positive else -1 if power.is_negative else 0


def piecewise(regimes: Sequence[Regime], values: Sequence[sp.Expr]) -> sp.Expr:
    """One value per regime as a single expression."""
    if len(set(values)) == 1:
        return values[0]
    return sp.Piecewise(
        *[(value, sp.And(*r.conditions)) for value, r in zip(values, regimes, strict=True)]
    )


def relations(conditions: Sequence[Condition]) -> tuple[sp.Basic, ...]:
    """Conditions as relations, those among exponents first."""
    ordered = sorted(conditions, key=lambda c: (c.order is not None, str(c.relation)))
    return tuple(condition.relation for condition in ordered)


def _grown(
    root: Cell, outcome: Any, members: list[CellOutcome], others: list[CellOutcome]
) -> tuple[Region, list[CellOutcome]]:
    """A region around the first leaf with as many of the others as keep it exact."""
    first, *rest = members
    inside = [first]
    left: list[CellOutcome] = []
    whole = _hull(root, members)
    if not any(leaf.cell.meets(whole) for leaf in others):
        inside = members
    else:
        whole = _hull(root, inside)
        for leaf in rest:
            larger = _hull(root, [*inside, leaf])
            outside = [*others, *[o for o in members if o not in inside and o is not leaf]]
            if any(other.cell.meets(larger) for other in outside):
                left.append(leaf)
            else:
                inside.append(leaf)
                whole = larger
    return Region(outcome, _without_redundant(root, whole), tuple(inside)), left


def _hull(root: Cell, leaves: Sequence[CellOutcome]) -> tuple[Condition, ...]:
    """The conditions of the leaves that hold in all of them, weakened to cover each."""
    known = set(root.conditions)
    found: dict[tuple[sp.Expr, Monomial | None], Condition] = {}
    for leaf in leaves:
        for condition in leaf.cell.conditions:
            key = condition.form, condition.order
            if condition in known or key in found:
                continue
            signs = set().union(*[_signs_in(other.cell, condition) for other in leaves])
            found[key] = condition.with_signs(signs)
    return tuple(c for c in found.values() if not c.cases <= c.signs)


def _signs_in(cell: Cell, condition: Condition) -> set[int]:
    """The signs that the form of a condition has in a cell."""
    for own in cell.conditions:
        if own.form == condition.form:
            return set(own.signs)
    return {sign for sign in condition.cases if cell.meets([condition.with_signs({sign})])}


def _without_redundant(root: Cell, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions that do not follow from others.

    One on exponents is dropped only if it follows from others on exponents: where the parameters
    are all 1, conditions on orders say nothing. Those with logarithms go first.
    """
    kept = list(conditions)
    ordered = sorted(
        conditions, key=lambda c: (c.order is None, c.order is not None and not c.order.logs)
    )
    for condition in ordered:
        others = [other for other in kept if other is not condition]
        pool = (*root.conditions, *others)
        if condition.order is None:
            pool = tuple(other for other in pool if other.order is None)
        if Cell(root.parameters, pool).implies(condition):
            kept = others
    return tuple(kept)
