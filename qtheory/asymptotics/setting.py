"""The terms of T4 in a regime: the cell they are evaluated in, and where T4 applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from qtheory.asymptotics.conditional import PERP, RandomSketch
from qtheory.asymptotics.terms import Terms, sketch_of, terms_of
from qtheory.errors import HypothesisError, InfiniteRiskError, InvalidArgumentError
from qtheory.model.run import Run
from qtheory.orders.assumptions import assume
from qtheory.orders.cell import Cell, explore
from qtheory.orders.conditions import Condition
from qtheory.orders.evaluation import Evaluation, roles_of
from qtheory.orders.monomial import ONE
from qtheory.orders.piecewise import Diverges
from qtheory.orders.regimes import joined
from qtheory.orders.symbols import formula_of, symbol_named
from qtheory.theory import definitions as defined

_INSIDE, _OUTSIDE = "inside", "outside"
_FALLS_SLOWLY = "in a sketch a spectrum that falls faster than 1/i"


@dataclass(frozen=True, eq=False)
class RateSetting:
    """Terms, the cell of their parameters, and parameters given as powers of others."""

    terms: Terms
    root: Cell
    regime: dict[sp.Symbol, sp.Expr]
    exponents: frozenset[sp.Symbol]

    @property
    def formulas(self) -> dict[str, sp.Expr]:
        """The terms that are not zero."""
        return {name: f for name, f in self.terms.formulas.items() if f != 0}

    @property
    def fixed(self) -> tuple[sp.Symbol, ...]:
        """The symbols in exponents, and the constants of the spectrum and the target, in order."""
        return tuple(sorted(self.exponents, key=str))

    @property
    def limits(self) -> tuple[sp.Basic, ...]:
        """Parameters that are assumed to be large, or small, where they need not be."""
        return tuple(
            (sp.Ge if sign > 0 else sp.Le)(parameter, 1, evaluate=False)
            for parameter, sign in self.root.parameters.items()
            if sign != self.terms.signs.get(parameter, 1)
        )

    def evaluation(self, cell: Cell) -> Evaluation:
        """Orders in a cell, with the parameters of the regime replaced."""
        plain = Evaluation.of_parameters(cell, self.exponents)
        values = {**plain.values, **{p: plain.order(v) for p, v in self.regime.items()}}
        known = cell.remembered(self)
        return Evaluation(cell, values, self.exponents, self.terms.definitions, known)

    def applies(self, evaluation: Evaluation) -> bool:
        """Whether theta and x_1 of T4 are at most of the order of 1 in a cell.

        In a sketch, whether its spectrum is that of the problem too.

        Raises
        ------
        Diverges
            If a sum in them is infinite.
        """
        for symbol in (defined.norm, defined.tr, PERP):
            if self.terms.definitions[symbol] != 0:
                evaluation.order(symbol)
        sketch = self.terms.sketch
        if sketch is not None and not sketch.keeps_spectrum(evaluation):
            return False
        steps = (self.terms.feedback, self.terms.largest_step)
        return all(evaluation.cell.compare(evaluation.order(step), ONE) <= 0 for step in steps)

    def at(self, values: Mapping[sp.Symbol, sp.Expr]) -> RateSetting:
        """The same with values for symbols in the exponents of the regime."""
        fixed = {p: value.xreplace(dict(values)) for p, value in self.regime.items()}
        return replace(self, regime=fixed)


def setting_of(
    run: Run,
    regime: Mapping[sp.Symbol | str, sp.Expr | str],
    assumptions: Sequence[str | sp.Basic],
    size: sp.Expr | None = None,
) -> RateSetting:
    """The terms of T4 for a problem, with a regime put in and assumptions made.

    In a random sketch of M features those of the conditional problem: for M <= d, but where the
    assumptions say that M >= d.
    """
    if size is None:
        return _setting(run, regime, assumptions, None)
    sketch = sketch_of(run, size, loses=True)
    setting = _setting(run, regime, assumptions, sketch)
    if sketch.dim is sp.oo:
        return setting
    evaluation = setting.evaluation(setting.root)
    ratio = evaluation.order(size) / evaluation.order(sketch.dim)
    if not ratio.powers:
        wide = (size >= sketch.dim) is sp.true
        return _setting(run, regime, assumptions, replace(sketch, loses=not wide))
    if setting.root.implies(setting.root.at_least_one(ratio)):
        return _setting(run, regime, assumptions, replace(sketch, loses=False))
    fewer = setting.root.at_least_one(ratio**-1)
    if setting.root.implies(fewer):
        return setting
    return replace(setting, root=restricted(setting.root, [fewer]))


def _setting(
    run: Run,
    regime: Mapping[sp.Symbol | str, sp.Expr | str],
    assumptions: Sequence[str | sp.Basic],
    sketch: RandomSketch | None,
) -> RateSetting:
    terms = terms_of(run, sketch)
    if not isinstance(regime, Mapping):
        raise InvalidArgumentError("regime", regime, "a mapping such as {d: N**2}")
    replaced = {symbol_named(key, "regime"): _power(value) for key, value in regime.items()}
    for symbol in replaced:
        if symbol not in terms.signs:
            known = ", ".join(sorted(map(str, terms.signs)))
            raise InvalidArgumentError("regime", symbol, f"one of the parameters {known}")
    exponents = set(terms.fixed)
    signs = {p: sign for p, sign in terms.signs.items() if p not in replaced}
    for value in replaced.values():
        roles = roles_of(value, None, exponents)
        exponents |= roles.exponents
        for parameter in roles.parameters:
            signs.setdefault(parameter, 1)
    both = exponents & (set(signs) | set(replaced))
    if both:
        symbol = min(both, key=str)
        raise InvalidArgumentError(
            "regime", symbol, "either a parameter or a fixed exponent, not both"
        )
    fixed = frozenset(exponents)
    setting = RateSetting(terms, assume(Cell(signs), fixed, assumptions), replaced, fixed)
    return replace(setting, root=_within_limits(setting))


def _within_limits(setting: RateSetting) -> Cell:
    """The part of the root where replaced parameters are at least 1, or at most 1, as they must."""
    evaluation = setting.evaluation(setting.root)
    root = setting.root
    for parameter in setting.regime:
        order = evaluation.values[parameter]
        sign = setting.terms.signs[parameter]
        if not sign or not order.powers:
            continue
        within = root.at_least_one(order**sign)
        part = root.with_condition(within)
        if part is None:
            limit = "at least 1" if sign > 0 else "at most 1"
            raise InvalidArgumentError("regime", setting.regime[parameter], f"{limit}, as a power")
        root = root if root.implies(within) else part
    return root


def _power(value: sp.Expr | str) -> sp.Expr:
    formula = formula_of(value, "regime")
    for part in formula.atoms(sp.Pow):
        if part.exp.is_extended_real is False:
            raise InvalidArgumentError("regime", value, "a product of real powers")
    return formula


def where_it_applies(setting: RateSetting) -> list[Cell]:
    """The convex parts of the root where all sums are finite and the hypotheses of T4 hold.

    Raises
    ------
    InfiniteRiskError, HypothesisError
        If there are none.
    """

    def compute(cell: Cell) -> str:
        try:
            return _INSIDE if setting.applies(setting.evaluation(cell)) else _OUTSIDE
        except Diverges as cause:
            return str(cause)

    regions = joined(setting.root, explore(compute, [setting.root]))
    inside = [region for region in regions if region.outcome == _INSIDE]
    if not inside:
        causes = sorted({region.outcome for region in regions} - {_OUTSIDE})
        if causes:
            raise InfiniteRiskError(f"the bound is infinite: {'; '.join(causes)}")
        raise HypothesisError(
            "T4 applies nowhere: theta, the feedback of the noise, is not below 1; a smaller "
            "stepsize or smaller errors are needed"
            + ("" if setting.terms.sketch is None else f", or {_FALLS_SLOWLY}")
        )
    return [restricted(setting.root, region.conditions) for region in inside]


def restricted(cell: Cell, conditions: Sequence[Condition]) -> Cell:
    """The part of a cell where conditions hold.

    Raises
    ------
    HypothesisError
        If there is none.
    """
    for condition in conditions:
        part = cell.with_condition(condition)
        if part is None:
            raise HypothesisError(f"T4 applies nowhere: it needs {condition.relation}")
        cell = part
    return cell
