r"""Compact forms of orders: one expression in named scales in place of many regimes.

A form is found, then proved. It is found by starting from one that is right but long, such as the
sum of :math:`k f(k)` over the points k where a summand f changes its power, and leaving out every
part that does not matter at a few points; it is proved by comparing it with the order in every
cell. Where that fails the cell has a point more to be right at, and the search goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import permutations
from typing import Any

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.latex import latex_of
from qtheory.orders.cell import Cell, CellOutcome, explore
from qtheory.orders.conditions import Condition
from qtheory.orders.display import compact_text, shown
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.magnitude import Magnitudes, Point, Size, same
from qtheory.orders.monomial import ONE, Monomial
from qtheory.orders.rewriting import (
    SUMS,
    changed,
    changed_while,
    combined,
    nodes,
    without_a_part,
    without_numbers,
    written,
)

# Every round adds a point that no earlier form was right at: more are not worth their time.
_MOST_ROUNDS = 40


@dataclass(frozen=True)
class Scale:
    """A quantity with a name: what it stands for, in parameters and other scales, and in words."""

    symbol: sp.Symbol
    definition: sp.Expr
    meaning: str


@dataclass(frozen=True)
class CriticalCase:
    """What the order is where exponents are equal: None where only its regimes are known.

    ``factor`` is what it is larger by than the form for other exponents, if that is one logarithm.
    """

    conditions: tuple[sp.Basic, ...]
    expression: sp.Expr | None
    factor: sp.Expr | None = None


@dataclass(frozen=True)
class Compact:
    """The order of a quantity as one expression, proved equal to its regimes up to constants.

    Attributes
    ----------
    expression
        Sums and products of powers, minima, maxima and logarithms of parameters and scales.
    scales
        Those in the expression and the factors, each after the ones that its definition uses.
    critical
        Cases of equal exponents, in which the order is another one: larger by a logarithm.
    """

    expression: sp.Expr
    scales: tuple[Scale, ...] = ()
    critical: tuple[CriticalCase, ...] = ()

    @property
    def written_out(self) -> sp.Expr:
        """The expression in parameters alone."""
        return self.in_parameters(self.expression)

    def in_parameters(self, formula: sp.Expr) -> sp.Expr:
        """A formula in the scales, such as that of a critical case, in parameters alone."""
        for scale in reversed(self.scales):
            formula = formula.xreplace({scale.symbol: scale.definition})
        return formula

    def as_json(self) -> dict[str, Any]:
        """The expression, the scales and the cases of equal exponents as text."""
        return {
            "order": compact_text(self.expression),
            "scales": {
                str(scale.symbol): {
                    "definition": compact_text(scale.definition),
                    "meaning": scale.meaning,
                }
                for scale in self.scales
            },
            "critical": [
                {
                    "where": [str(condition) for condition in case.conditions],
                    "order": None if case.expression is None else compact_text(case.expression),
                }
                for case in self.critical
            ],
        }

    def latex(self) -> str:
        """The expression as LaTeX, its scales by their names."""
        return latex_of(self.expression)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def __str__(self) -> str:
        lines = [compact_text(self.expression)]
        for case in self.critical:
            where = " and ".join(map(shown, case.conditions))
            known = "see the regimes" if case.expression is None else compact_text(case.expression)
            lines.append(f"{known}   if {where}")
        lines += [scale_text(scale) for scale in self.scales]
        return "\n".join(lines)


def scale_text(scale: Scale) -> str:
    """A scale with its definition and its meaning in a line."""
    return f"{scale.symbol} = {compact_text(scale.definition)}: {scale.meaning}"


@dataclass(frozen=True, eq=False)
class Search:
    """What a compact form has to be equal to, and in which words it may be written.

    Attributes
    ----------
    leaves
        Cells with the order in each.
    evaluation
        The orders of expressions in a cell; it knows the definitions of the scales.
    scales, exponents
        The scales, and the symbols that stand in exponents.
    """

    leaves: Sequence[CellOutcome]
    evaluation: Callable[[Cell], Evaluation]
    scales: Sequence[Scale]
    exponents: frozenset[sp.Symbol]

    def of(self, start: sp.Expr) -> Compact | None:
        """A compact form made from a long one by leaving out parts, or None."""
        generic = [leaf for leaf in self.leaves if not _equalities(leaf.cell)]
        form = self._found(combined(without_numbers(start)), generic)
        if form is None:
            return None
        critical = []
        for equalities in dict.fromkeys(_equalities(leaf.cell) for leaf in self.leaves):
            if not equalities:
                continue
            factor = self._factor(form, self._where(equalities))
            if factor != 1:
                conditions = tuple(condition.relation for condition in equalities)
                known = None if factor is None else form * factor
                critical.append(CriticalCase(conditions, known, factor))
        critical.sort(key=lambda case: str(case.conditions))
        forms = [form, *(case.expression for case in critical if case.expression is not None)]
        return Compact(form, used(self.scales, forms), tuple(critical))

    def _where(self, equalities: tuple[Condition, ...]) -> list[CellOutcome]:
        """The parts of all leaves in which equalities hold."""
        found = []
        for leaf in self.leaves:
            cell: Cell | None = leaf.cell
            for condition in equalities:
                if cell is not None and condition not in cell.conditions:
                    cell = cell.with_condition(condition)
            if cell is not None:
                found.append(CellOutcome(cell, leaf.outcome.substitute(cell.values)))
        return found

    def _found(self, start: sp.Expr, leaves: Sequence[CellOutcome]) -> sp.Expr | None:
        """The form with parts left out that is proved in all leaves."""
        seen = [(leaf.cell, leaf.outcome) for leaf in leaves]
        for _ in range(_MOST_ROUNDS):
            at, truth = self._sizes(seen)
            form = self._reduced(start, at, truth)
            if form is None:
                return None
            wrong = self._counterexample(form, leaves)
            if wrong is None:
                return form
            if self._point(wrong[0]) in [None, *at.points]:
                return None
            seen.append(wrong)
        return None

    def _sizes(self, cells: Sequence[tuple[Cell, Any]]) -> tuple[Magnitudes, list[Size]]:
        """Points of cells, and the sizes of their orders there."""
        known = [(p, outcome) for cell, outcome in cells if (p := self._point(cell)) is not None]
        definitions = {scale.symbol: scale.definition for scale in self.scales}
        at = Magnitudes([point for point, _ in known], self.exponents, definitions)
        return at, [self._truth(at, outcome, k) for k, (_, outcome) in enumerate(known)]

    def _truth(self, at: Magnitudes, outcome: Any, k: int) -> Size:
        """The size that a form is compared with at a point."""
        return at.of_order(outcome, k)

    def _fits(self, size: Size, truth: Size) -> bool:
        """Whether the size of a form is right at a point."""
        return same(size, truth)

    def _agrees(self, cell: Cell, found: Monomial, outcome: Any) -> bool:
        """Whether the order of a form is right in a cell."""
        # As orders log N and log d agree along power laws, but not near N = 1 or d = 1.
        ratio = (found / outcome).substitute(cell.values)
        return not ratio.logs and cell.compare(found, outcome) == 0

    def _point(self, cell: Cell) -> Point | None:
        return cell.point(self.exponents)

    def _reduced(self, start: sp.Expr, at: Magnitudes, truth: Sequence[Size]) -> sp.Expr | None:
        """The form with parts left out as long as it is right at the points; None if it is not."""

        def right(form: sp.Expr) -> bool:
            return all(map(self._fits, at.of(form), truth))

        if not right(start):
            return None
        for form in self._guesses(start):
            if right(form):
                return form
        # Which of two parts goes first decides what is left: the heavier one, or the lighter.
        ends = [self._shortened(start, right, sign) for sign in (1, -1)]
        return min(ends, key=self._length)

    def _guesses(self, start: sp.Expr) -> Iterable[sp.Expr]:
        """Forms that are tried before parts are left out, the shortest first."""
        return ()

    def _shortened(self, form: sp.Expr, right: Callable[[sp.Expr], bool], sign: int) -> sp.Expr:
        """The form with parts left out, the longest first, as long as what is left is right."""

        def place(shorter: sp.Expr) -> tuple[int, int]:
            nodes, written_out = self._length(shorter)
            return nodes, sign * written_out

        # Parts are left out first: a scale in the place of a part might keep others that can go.
        form = written(changed_while(form, without_a_part, right, place))
        form = self._renamed(form, right)
        return written(changed_while(form, self._with_another_scale, right, self._length))

    def _renamed(self, form: sp.Expr, right: Callable[[sp.Expr], bool]) -> sp.Expr:
        """The form with powers of scales for sums and minima, where it is shorter for them."""
        while True:
            renamed = [f for f in dict.fromkeys(changed(form, self._with_a_scale)) if right(f)]
            shortest = min([form, *map(written, renamed)], key=self._length)
            if shortest == form:
                return form
            form = shortest

    def _with_a_scale(self, node: sp.Expr) -> Iterator[sp.Expr]:
        """Products of powers of scales and of a parameter, for a sum, maximum or minimum."""
        if not isinstance(node, SUMS):
            return
        names = [scale.symbol for scale in self.scales]
        factors = [item for part in node.args for item in part.as_powers_dict().items()]
        powers = dict.fromkeys(power * sign for _, power in factors for sign in (1, -1))
        scaled = [name**power for name in names for power in powers]
        scaled += [x**power * y**-power for x, y in permutations(names, 2) for power in powers]
        others = [base**power for base, power in factors if base.is_Symbol and base not in names]
        yield from (form * other for form in scaled for other in dict.fromkeys([sp.S.One, *others]))

    def _with_another_scale(self, node: sp.Expr) -> Iterator[sp.Expr]:
        """Scales of shorter definition for a scale."""
        names = [scale.symbol for scale in self.scales]
        if node in names:
            yield from (name for name in names if self._length(name) < self._length(node))

    def _length(self, form: sp.Expr) -> tuple[int, int]:
        """How long a form is; among equals, how long it is with its scales written out."""
        return nodes(form, self._plain), nodes(form, self._written_out)

    @cached_property
    def _plain(self) -> dict[sp.Basic, int]:
        """How long forms are, as far as asked."""
        return {}

    @cached_property
    def _written_out(self) -> dict[sp.Basic, int]:
        """The same with scales for as long as their definitions."""
        lengths: dict[sp.Basic, int] = {}
        for scale in self.scales:
            lengths[scale.symbol] = nodes(scale.definition, lengths)
        return lengths

    def _factor(self, form: sp.Expr, leaves: Sequence[CellOutcome]) -> sp.Expr | None:
        """What the order is larger by than the form in some cells: 1 or a logarithm, or None."""
        if self._counterexample(form, leaves) is None:
            return sp.S.One
        at, truth = self._sizes([(leaf.cell, leaf.outcome) for leaf in leaves])
        for factor in self._logarithms(leaves[0].cell):
            large = all(size >= (0, 0.0) for size in at.of(factor.args[0]))
            if (
                large
                and all(map(self._fits, at.of(form * factor), truth))
                and self._counterexample(form * factor, leaves) is None
            ):
                return factor
        return None

    def _logarithms(self, cell: Cell) -> list[sp.Expr]:
        """Logarithms of scales, of parameters and of their ratios, the shortest first."""
        bases = [scale.symbol for scale in self.scales]
        bases += [p if sign >= 0 else 1 / p for p, sign in cell.parameters.items()]
        ratios = [*bases, *(x / y for x, y in permutations(bases, 2))]
        return sorted({sp.log(ratio) for ratio in ratios}, key=self._length)

    def _counterexample(
        self, form: sp.Expr, leaves: Sequence[CellOutcome]
    ) -> tuple[Cell, Any] | None:
        """A cell in which a form is not right, with what it should be; None if proved."""
        for leaf in leaves:

            def agrees(cell: Cell, outcome: Any = leaf.outcome) -> bool:
                try:
                    found = self.evaluation(cell).order(form)
                except InvalidArgumentError:  # the logarithm of something small
                    return False
                return self._agrees(cell, found, outcome)

            for part in explore(agrees, [leaf.cell]):
                if not part.outcome:
                    return part.cell, leaf.outcome
        return None


@dataclass(frozen=True, eq=False)
class SideSearch(Search):
    """A form need only be at least 1 or not: the outcomes of the leaves are signs.

    It is at least 1 where the sign is 1, and not where it is -1; 0 leaves it free. Cases of equal
    exponents are left out: there logarithms move the boundary.
    """

    def of(self, start: sp.Expr) -> Compact | None:
        """The shortest form found that is at least 1 where the order is, or None."""
        generic = [leaf for leaf in self.leaves if not _equalities(leaf.cell)]
        form = self._found(combined(without_numbers(start)), generic)
        return None if form is None else Compact(form, used(self.scales, [form]))

    def _guesses(self, start: sp.Expr) -> Iterable[sp.Expr]:
        """Ratios of one part above to one part below, in any scales."""
        above, below = (sp.Add.make_args(sp.expand(side)) for side in sp.fraction(start))
        ratios = [x / y for x in self._renamings(above) for y in self._renamings(below)]
        return sorted(dict.fromkeys(map(combined, ratios)), key=self._length)

    def _renamings(self, parts: Sequence[sp.Expr]) -> list[sp.Expr]:
        """Each part as it is, and with one scale in the place of all of its scales."""
        names = [scale.symbol for scale in self.scales]
        renamed = [p.xreplace(dict.fromkeys(names, name)) for p in parts for name in names]
        return list(dict.fromkeys([*parts, *renamed]))

    def _truth(self, at: Magnitudes, outcome: Any, k: int) -> Size:
        return Fraction(outcome), 0.0

    def _fits(self, size: Size, truth: Size) -> bool:
        return truth[0] == 0 or (size[0] >= 0) == (truth[0] > 0)

    def _agrees(self, cell: Cell, found: Monomial, outcome: Any) -> bool:
        return outcome == 0 or (cell.compare(found, ONE) >= 0) == (outcome > 0)


def used(scales: Sequence[Scale], expressions: Iterable[sp.Basic]) -> tuple[Scale, ...]:
    """Those of some scales that expressions hold, and the scales that these are defined by."""
    symbols = set().union(*[expression.free_symbols for expression in expressions])
    for scale in reversed(scales):
        if scale.symbol in symbols:
            symbols |= scale.definition.free_symbols
    return tuple(scale for scale in scales if scale.symbol in symbols)


def _equalities(cell: Cell) -> tuple[Condition, ...]:
    """The equalities among exponents that hold in a cell."""
    found = [condition for condition in cell.conditions if condition.signs == {0}]
    return tuple(sorted(found, key=lambda condition: str(condition.relation)))
