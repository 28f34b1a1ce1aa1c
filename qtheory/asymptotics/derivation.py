"""What a rate table is derived from, and what more follows from it when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import sympy as sp

from qtheory.asymptotics.lower import LowerTerms, lower_terms_of
from qtheory.asymptotics.scales import ScaledSetting
from qtheory.asymptotics.setting import RateSetting
from qtheory.errors import InfiniteRiskError
from qtheory.model.run import Run
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.cell import Cell, CellOutcome, explore
from qtheory.orders.compact import Compact, CriticalCase, Scale, used
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.monomial import Monomial
from qtheory.orders.piecewise import Diverges
from qtheory.orders.regimes import Regime, joined, regimes_of
from qtheory.theory import definitions as defined

_EQUAL = "the counterpart in T5 has the same order"
_NO_COUNTERPART = "T5 has no such term: a lower bound is not known"
_GAP = "between T4 and T5: which of them has the order of the risk is not known"
_FLOOR = "the limit of the exact risk without label noise is F, which is of a smaller order than A"


@dataclass(frozen=True)
class RateTightness:
    """A term of T4 beside its counterpart in T5.

    Attributes
    ----------
    is_tight
        True if both are of one order wherever T4 applies, False if the term is known to be of a
        larger order than the risk somewhere, None if neither is known.
    reason
        What this rests on.
    lower, compact
        The order of the counterpart, and its compact form; nothing where T5 has none.
    """

    is_tight: bool | None
    reason: str
    lower: tuple[Regime, ...] = ()
    compact: Compact | None = None


@dataclass(frozen=True)
class Dominance:
    """Which of two terms has the order of the whole bound, if one of them has.

    It is the first one where a form is at least 1, so that the term which is named in every pair
    that it is in dominates. Where exponents are equal a logarithm in one of the terms counts too.

    Attributes
    ----------
    ratio
        The form; None where none is found.
    relation
        The same where the form is a product of powers of parameters.
    """

    first: str
    second: str
    ratio: sp.Expr | None
    relation: sp.Basic | None = None


@dataclass(frozen=True, eq=False)
class RateDerivation:
    """A setting, the cells where T4 applies, and the orders of the terms in them.

    Attributes
    ----------
    leaves
        The orders by term, and for ``"total"`` the names of the largest terms and their order.
    """

    run: Run
    setting: RateSetting
    parts: Sequence[Cell]
    leaves: dict[str, list[CellOutcome]]
    _compact: dict[str, Compact | None] = field(default_factory=dict)
    _tightness: dict[str, RateTightness] = field(default_factory=dict)

    @property
    def root(self) -> Cell:
        """The cell that conditions of regimes are added to."""
        return self.parts[0] if len(self.parts) == 1 else self.setting.root

    def explore(self, compute: Callable[[Evaluation], Any]) -> list[CellOutcome]:
        """The outcomes of a computation in all cells where T4 applies.

        Raises
        ------
        InfiniteRiskError
            If a sum diverges.
        """

        def run(cell: Cell) -> object:
            try:
                return compute(self.setting.evaluation(cell))
            except Diverges as cause:
                raise InfiniteRiskError(f"the bound is infinite: {cause}") from None

        return explore(run, self.parts)

    @one_at_a_time
    def compact(self, name: str) -> Compact | None:
        """The compact form of a term, or of the total."""
        if name not in self._compact:
            if name == "total":
                self._compact[name] = self._compact_total()
            else:
                terms = self.setting.terms
                formula = {**terms.formulas, **terms.sizes}[name]
                self._compact[name] = self.scaled.compact(formula, self.leaves[name])
        return self._compact[name]

    @cached_property
    def scaled(self) -> ScaledSetting:
        """The setting with the scales of its sums."""
        return ScaledSetting.of(self.setting, self.parts)

    @cached_property
    def essential(self) -> tuple[str, ...]:
        """The fewest terms of which one has the order of the whole bound everywhere."""
        largest = {leaf.outcome[0] for leaf in self.leaves["total"]}
        names = list(self.setting.formulas)
        for size in range(1, len(names) + 1):
            for chosen in combinations(names, size):
                if all(set(chosen) & set(cell) for cell in largest):
                    return chosen
        return tuple(names)

    def _compact_total(self) -> Compact | None:
        """The sum of the compact forms of the essential terms."""
        found = [self.compact(name) for name in self.essential]
        forms = [form for form in found if form is not None]
        if len(forms) < len(found):
            return None
        critical = []
        for conditions in dict.fromkeys(
            case.conditions for form in forms for case in form.critical
        ):
            parts = [_under(form, conditions) for form in forms]
            known = None if None in parts else sp.Add(*parts)
            critical.append(CriticalCase(conditions, known))
        total = sp.Add(*[form.expression for form in forms])
        forms_used = [total, *(case.expression for case in critical if case.expression is not None)]
        return Compact(total, used(self.scaled.scales, forms_used), tuple(critical))

    @cached_property
    def dominance(self) -> tuple[Dominance, ...]:
        """Which of the essential terms dominates, two by two."""
        return tuple(self._dominance(*pair) for pair in combinations(self.essential, 2))

    @one_at_a_time
    def _dominance(self, first: str, second: str) -> Dominance:
        above, below = self.compact(first), self.compact(second)
        if above is None or below is None:
            return Dominance(first, second, None)
        leaves = [
            CellOutcome(leaf.cell, (first in leaf.outcome[0]) - (second in leaf.outcome[0]))
            for leaf in self.leaves["total"]
        ]
        ratio = self.scaled.at_least_one(above.expression / below.expression, leaves)
        return Dominance(first, second, ratio, self._relation(ratio))

    def _relation(self, ratio: sp.Expr | None) -> sp.Basic | None:
        """That a product of powers of parameters is at least 1."""
        named = {scale.symbol for scale in self.scaled.scales}
        if ratio is None or ratio == 1:
            return None
        bases = {factor.as_base_exp()[0] for factor in sp.Mul.make_args(ratio)}
        if not all(base.is_Symbol for base in bases) or bases & named:
            return None
        order = self.setting.evaluation(self.root).order(ratio)
        return self.root.at_least_one(order).relation

    @one_at_a_time
    def tightness(self, name: str) -> RateTightness:
        """How a term compares with its counterpart in T5, or the total with T5 for the risk."""
        if name not in self._tightness:
            self._tightness[name] = self._compared(name)
        return self._tightness[name]

    @cached_property
    def _lower(self) -> LowerTerms:
        terms = self.setting.terms
        return lower_terms_of(self.run, terms.definitions, terms.sketch)

    def _compared(self, name: str) -> RateTightness:
        formula = self._lower.risk if name == "total" else self._lower.formulas.get(name, 0)
        if formula == 0:
            return RateTightness(None, _NO_COUNTERPART)
        formulas = self.setting.formulas
        upper = sp.Add(*formulas.values()) if name == "total" else formulas[name]

        def compute(evaluation: Evaluation) -> tuple[Monomial, int]:
            below, above = evaluation.order(formula), evaluation.order(upper)
            return below, evaluation.cell.compare(below, above)

        leaves = self.explore(compute)
        orders = [CellOutcome(leaf.cell, leaf.outcome[0]) for leaf in leaves]
        single = [CellOutcome(leaf.cell, (leaf.outcome,)) for leaf in orders]
        lower = regimes_of(joined(self.root, single))
        if all(leaf.outcome[1] == 0 for leaf in leaves):
            return RateTightness(True, _EQUAL, lower, self.compact(name))
        form = self.scaled.compact(formula, orders)
        if name == "approximation":
            return RateTightness(False, _FLOOR, lower, form)
        return RateTightness(None, _GAP, lower, form)

    @cached_property
    def effective_dimension(self) -> Scale | None:
        """D_N, where it is more than a product."""
        leaves = self.explore(lambda evaluation: evaluation.order(defined.D_N))
        form = self.scaled.compact(defined.D_N, leaves)
        if form is None or not form.expression.is_Add:
            return None
        return Scale(sp.Symbol("D_N", positive=True), form.expression, "effective dimension")


def _under(form: Compact, conditions: tuple[sp.Basic, ...]) -> sp.Expr | None:
    """The order that a compact form stands for where exponents are equal."""
    for case in form.critical:
        if case.conditions == conditions:
            return case.expression
    return form.expression
