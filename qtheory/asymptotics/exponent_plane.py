"""The least exponent of the bound over two exponents that are free, by their corners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import sympy as sp

from qtheory.asymptotics.phases import meeting_point
from qtheory.asymptotics.setting import RateSetting, restricted
from qtheory.errors import HypothesisError, InfiniteRiskError, InvalidArgumentError
from qtheory.orders.cell import Cell, explore
from qtheory.orders.conditions import Condition
from qtheory.orders.monomial import ONE, Monomial, log_of
from qtheory.orders.piecewise import Diverges
from qtheory.orders.regimes import Region, joined

Pair = tuple[sp.Expr, sp.Expr]


@dataclass(frozen=True, eq=False)
class ExponentPlane:
    """A setting with two free exponents in its regime.

    Attributes
    ----------
    scale
        The parameter that all others are powers of.
    limits
        Linear forms in the free exponents that must not be negative.
    corners
        Where two of the lines meet that bound the pieces of the exponent of the bound.
    """

    setting: RateSetting
    scale: Monomial
    free: Pair
    limits: tuple[sp.Expr, ...]
    corners: tuple[Pair, ...]

    @classmethod
    def of(
        cls,
        setting: RateSetting,
        scale: sp.Symbol,
        free: Pair,
        limits: tuple[sp.Expr, ...],
        regime: Mapping[sp.Symbol | str, sp.Expr | str],
    ) -> ExponentPlane:
        """With its corners.

        Raises
        ------
        InvalidArgumentError
            If the regime leaves a parameter that is no power of the scale.
        """
        left = set(setting.root.parameters) - {scale}
        if left:
            names = ", ".join(sorted(map(str, left)))
            raise InvalidArgumentError("regime", regime, f"powers of {scale} for {names} too")
        # Exponents are positive as all symbols are: their own limits need not be asked for.
        inside = [Condition.on(form, 1) for form in limits if form not in free]
        lines = {*limits, *free}
        for condition in pieces_of(setting, restricted(setting.root, inside)):
            form = sp.expand(condition.form.subs(log_of(scale), 1))
            if form.has(*free):
                lines.add(form)
        corners: dict[Pair, None] = {}
        for first, second in combinations(sorted(lines, key=str), 2):
            point = meeting_point(first, second, *free)
            if point is not None:
                corners[point] = None
        return cls(setting, Monomial.of(scale), free, limits, tuple(corners))

    def regions(self, best: Callable[[ExponentPlane, Cell], tuple[Monomial, ...]]) -> list[Region]:
        """What is best, by regimes of the exponents in which the bound is finite.

        Raises
        ------
        InfiniteRiskError
            If it is finite in none.
        """

        def compute(cell: Cell) -> tuple[Monomial, ...] | str:
            try:
                return best(self, cell)
            except Diverges as cause:
                return str(cause)

        found = joined(self.setting.root, explore(compute, [self.setting.root]))
        finite = [region for region in found if not isinstance(region.outcome, str)]
        if not finite:
            causes = "; ".join(region.outcome for region in found)
            raise InfiniteRiskError(f"the bound is infinite: {causes}")
        return finite

    def best(self, cell: Cell) -> tuple[list[Pair], Monomial]:
        """The corners where the bound is least in a cell, and its order there without logarithms.

        Raises
        ------
        HypothesisError
            If T4 applies at no corner.
        """
        found: list[Pair] = []
        least: Monomial | None = None
        for corner in self.corners:
            # where two lines are parallel they have no corner
            point = tuple(value.xreplace(cell.values) for value in corner)
            if any(value.has(sp.zoo, sp.nan) for value in point):
                continue
            bound = self.bound_at(cell, point)
            if bound is None:
                continue
            order = -1 if least is None else cell.compare(bound, least)
            if order < 0:
                found, least = [], bound
            if order <= 0:
                found.append(corner)
        if least is None:
            raise HypothesisError("T4 applies for no choice of the exponents")
        return found, least

    def bound_at(self, cell: Cell, point: Pair) -> Monomial | None:
        """The order of the bound at a point, without logarithms; None where T4 does not apply."""
        values = dict(zip(self.free, point, strict=True))
        if any(cell.compare(self.scale ** form.xreplace(values), ONE) < 0 for form in self.limits):
            return None
        return bound_in(self.setting.at(values), cell)


def bound_in(setting: RateSetting, cell: Cell) -> Monomial | None:
    """The order of the bound in a cell, without logarithms; None where T4 does not apply."""
    evaluation = setting.evaluation(cell)
    if not setting.applies(evaluation):
        return None
    return cell.largest(map(evaluation.order, setting.formulas.values())).without_logs


def pieces_of(setting: RateSetting, root: Cell) -> list[Condition]:
    """The conditions that bound the pieces of the exponent of the bound."""

    def compute(cell: Cell) -> Monomial | str:
        evaluation = setting.evaluation(cell)
        try:
            setting.applies(evaluation)
            return cell.largest(map(evaluation.order, setting.formulas.values()))
        except Diverges as cause:
            return str(cause)

    leaves = explore(compute, [root])
    return list(dict.fromkeys(c for leaf in leaves for c in leaf.cell.conditions))
