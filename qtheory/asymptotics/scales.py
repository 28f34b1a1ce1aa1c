"""Named scales of the terms of T4, and the terms written in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import sympy as sp

from qtheory.asymptotics.setting import RateSetting
from qtheory.asymptotics.terms import Count
from qtheory.orders.cell import Cell, CellOutcome, explore
from qtheory.orders.compact import Compact, Scale, Search, SideSearch
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.monomial import ONE, Monomial
from qtheory.orders.piecewise import Unsupported

_BOTH = "both"


@dataclass(frozen=True, eq=False)
class ScaledSetting:
    """A setting, where it applies, and the scales that its sums split at.

    ``corners`` are the scales and the plain powers of parameters at which they split.
    """

    setting: RateSetting
    parts: Sequence[Cell]
    scales: tuple[Scale, ...]
    corners: tuple[sp.Expr, ...]

    @classmethod
    def of(cls, setting: RateSetting, parts: Sequence[Cell]) -> ScaledSetting:
        """With the scales of the spectrum."""
        scales: list[Scale] = []
        corners: list[sp.Expr] = []
        for count in setting.terms.counts:
            definition = _definition(setting, parts, count)
            if definition is not None:
                corners.append(_named(scales, count.name, definition, count.meaning))
        for first, second in combinations(corners, 2):
            corners.append(_named(scales, "k", sp.Min(first, second), _BOTH))
        sketch = setting.terms.sketch
        if sketch is not None and sketch.loses:
            corners.append(sketch.size.xreplace(setting.regime))
        return cls(setting, parts, tuple(scales), tuple(corners))

    def compact(self, formula: sp.Expr, leaves: Sequence[CellOutcome]) -> Compact | None:
        """A term as one expression, proved to have the orders of its leaves; or None."""
        orders = {leaf.outcome for leaf in leaves}
        if len(orders) == 1:
            return Compact(orders.pop().expression)
        start = self._start(formula)
        return None if start is None else self._search(leaves).of(start)

    def form_of(self, start: sp.Expr, leaves: Sequence[CellOutcome]) -> sp.Expr | None:
        """A shorter form of a ratio of compact forms for generic exponents, or None."""
        found = self._search(leaves).of(start)
        return None if found is None else found.expression

    def _search(self, leaves: Sequence[CellOutcome]) -> Search:
        return Search(leaves, self._evaluation, self.scales, self.setting.exponents)

    def at_least_one(self, ratio: sp.Expr, leaves: Sequence[CellOutcome]) -> sp.Expr | None:
        """A shorter form that is at least 1 where a ratio of compact forms is; or None."""
        found = SideSearch(leaves, self._evaluation, self.scales, self.setting.exponents).of(ratio)
        return None if found is None else found.expression

    def _evaluation(self, cell: Cell) -> Evaluation:
        evaluation = self.setting.evaluation(cell)
        named = {scale.symbol: scale.definition for scale in self.scales}
        definitions = {**evaluation.definitions, **named}
        return replace(evaluation, definitions=definitions, _known=cell.remembered(self))

    def _start(self, formula: sp.Expr) -> sp.Expr | None:
        """The formula with every sum over f written as the sum of k f(k) over its corners k."""
        definitions = self.setting.terms.definitions
        while formula.free_symbols & set(definitions):
            formula = formula.xreplace(dict(definitions))
        formula = self._without_sums(formula)
        formula = formula.xreplace(self.setting.regime)
        return None if formula.has(sp.oo, sp.zoo, sp.nan, sp.exp) else formula

    def _without_sums(self, formula: sp.Expr) -> sp.Expr:
        """The formula with its sums at their corners, and those inside of them at their ends."""
        outside = {part: self._at_corners(part, self.corners) for part in formula.atoms(sp.Sum)}
        formula = formula.xreplace(outside)
        return formula.xreplace(
            {part: self._at_corners(part, ()) for part in formula.atoms(sp.Sum)}
        )

    def _at_corners(self, part: sp.Sum, inside: Sequence[sp.Expr]) -> sp.Expr:
        index, low, high = part.limits[0]
        corners = [low, *inside, *([] if high is sp.oo else [high])]
        # log 1 is 0, but L(1) is 1.
        logs = {log: sp.log(1 + log.args[0]) for log in part.function.atoms(sp.log)}
        function = part.function.xreplace({k: v for k, v in logs.items() if k.has(index)})
        return sp.Add(*[k * function.xreplace({index: k}) for k in corners])


def _named(scales: list[Scale], name: str, definition: sp.Expr, meaning: str) -> sp.Expr:
    """A scale with a name for what is more than a power, which is added to the scales."""
    if not definition.has(sp.Min, sp.Max):
        return definition
    symbol = sp.Symbol(name, positive=True)
    scales.append(Scale(symbol, definition, meaning))
    return symbol


def _definition(setting: RateSetting, parts: Sequence[Cell], count: Count) -> sp.Expr | None:
    """The number of coordinates that a sum of min(1, strength) counts, from where it splits."""
    limits = count.sum.limits[0]

    def splits(cell: Cell) -> tuple[Monomial, ...]:
        try:
            function = setting.evaluation(cell).summand(count.sum.function, *limits)
        except Unsupported:
            return ()
        if function.range.step == 0:
            return ()
        return tuple(piece.left for piece in function.pieces[1:])

    leaves = explore(splits, parts)
    found = {order for leaf in leaves for order in leaf.outcome}
    if len(found) != 1:
        return None
    (crossing,) = found
    ends = [(1, sp.Max, ONE)]
    if limits[2] is not sp.oo:
        ends.append((-1, sp.Min, limits[2]))
    definition = crossing.expression
    for sign, bound, end in ends:

        def beyond(cell: Cell, sign: int = sign, end: sp.Expr = end) -> bool:
            evaluation = setting.evaluation(cell)
            limit = end if isinstance(end, Monomial) else evaluation.order(end)
            return cell.compare(crossing, limit) * sign < 0

        if any(leaf.outcome for leaf in explore(beyond, parts)):
            definition = bound(end if not isinstance(end, Monomial) else sp.S.One, definition)
    return definition.xreplace(setting.regime)
