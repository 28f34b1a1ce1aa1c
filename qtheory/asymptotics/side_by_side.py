"""Rate tables of several quantizations side by side: which bound is smaller where, and by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, product
from typing import Any

import sympy as sp

from qtheory.asymptotics.comparison_writing import comparison_latex, comparison_text
from qtheory.asymptotics.derivation import RateDerivation
from qtheory.asymptotics.rates_derived import assumed, rates
from qtheory.asymptotics.scales import ScaledSetting
from qtheory.asymptotics.table import Rates
from qtheory.asymptotics.terms import terms_of
from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.assumptions import assume, relations_of
from qtheory.orders.cell import Cell, CellOutcome, explore
from qtheory.orders.compact import Scale
from qtheory.orders.monomial import Monomial
from qtheory.orders.regimes import joined
from qtheory.orders.symbols import formula_of


@dataclass(frozen=True)
class ComparisonCase:
    """Which bounds are the smallest where some conditions hold.

    Attributes
    ----------
    winners
        The names of those with the smallest bound, up to constants.
    factors
        What the bound of each of the others is larger by.
    occurs
        None where it is not known whether any point meets the conditions.
    """

    conditions: tuple[sp.Basic, ...]
    winners: tuple[str, ...]
    factors: Mapping[str, sp.Expr]
    occurs: bool | None = True


@dataclass(frozen=True)
class Contest:
    """The bounds of two schemes: one is larger than the other by ``ratio``, where that is above 1.

    Attributes
    ----------
    ratio
        The order of the first bound over the second, in the scales of the tables; None where no
        compact form is found.
    second_wins
        A form that is above 1 where the second bound is the smaller, or None.
    """

    first: str
    second: str
    ratio: sp.Expr | None
    second_wins: sp.Expr | None


@dataclass(frozen=True)
class RateComparison:
    """Rate tables by name, and which of their bounds is the smallest in which regime.

    Attributes
    ----------
    tables
        The rate table of each quantization, with its own assumptions.
    assumptions, fixed
        What all of them are true under.
    cases
        The regimes, each with its winners.
    """

    tables: Mapping[str, Rates]
    assumptions: tuple[sp.Basic, ...]
    fixed: tuple[sp.Symbol, ...]
    cases: tuple[ComparisonCase, ...]
    _leaves: tuple[CellOutcome, ...] = field(default=(), repr=False, compare=False)

    @property
    def winners(self) -> tuple[str, ...]:
        """The names of those whose bound is among the smallest everywhere."""
        return tuple(
            name for name in self.tables if all(name in case.winners for case in self.cases)
        )

    @cached_property
    def names(self) -> dict[str, dict[sp.Symbol, sp.Symbol]]:
        """New names for scales of one name that differ between tables."""
        seen: dict[sp.Symbol, sp.Expr] = {}
        found: dict[str, dict[sp.Symbol, sp.Symbol]] = {name: {} for name in self.tables}
        for name, table in self.tables.items():
            for scale in _derivation(table).scaled.scales:
                definition = scale.definition.xreplace(found[name])
                if seen.setdefault(scale.symbol, definition) != definition:
                    new = sp.Symbol(f"{scale.symbol.name}_{name}", positive=True)
                    found[name][scale.symbol] = new
                    seen[new] = definition
        return found

    @cached_property
    def scales(self) -> tuple[Scale, ...]:
        """The scales of all tables, by the names that they have here."""
        found: dict[sp.Symbol, Scale] = {}
        for name, table in self.tables.items():
            new = self.names[name]
            for scale in _derivation(table).scaled.scales:
                symbol = new.get(scale.symbol, scale.symbol)
                found[symbol] = Scale(symbol, scale.definition.xreplace(new), scale.meaning)
        return tuple(found.values())

    @cached_property
    def contests(self) -> tuple[Contest, ...]:
        """Two by two, which bound is the larger and by what factor."""
        return tuple(self._contest(*pair) for pair in combinations(self.tables, 2))

    @one_at_a_time
    def _contest(self, first: str, second: str) -> Contest:
        forms = []
        for name in (first, second):
            form = _derivation(self.tables[name]).compact("total")
            if form is None:
                return Contest(first, second, None, None)
            forms.append(form.expression.xreplace(self.names[name]))
        setting = _derivation(self.tables[first]).setting
        scaled = ScaledSetting(setting, (), self.scales, ())
        start = forms[0] / forms[1]
        ratios, signs = [], []
        for leaf in self._leaves:
            orders = dict(zip(self.tables, leaf.outcome, strict=True))
            ratios.append(CellOutcome(leaf.cell, orders[first] / orders[second]))
            # Where both are of one order either may be said to win.
            signs.append(CellOutcome(leaf.cell, leaf.cell.compare(orders[first], orders[second])))
        return Contest(
            first, second, scaled.form_of(start, ratios), scaled.at_least_one(start, signs)
        )

    def as_json(self) -> dict[str, Any]:
        """The tables, and the winners with their factors and conditions, as text."""
        return {
            "assumptions": [str(condition) for condition in self.assumptions],
            "fixed": [str(symbol) for symbol in self.fixed],
            "tables": {name: table.as_json() for name, table in self.tables.items()},
            "cases": [
                {
                    "winners": list(case.winners),
                    "factors": {name: str(factor) for name, factor in case.factors.items()},
                    "where": [str(condition) for condition in case.conditions],
                    "occurs": case.occurs,
                }
                for case in self.cases
            ],
        }

    def latex(self) -> str:
        """The tables and their contests as a LaTeX ``array``."""
        return comparison_latex(self)

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def __str__(self) -> str:
        return comparison_text(self)


@one_at_a_time
def compare_rates(
    problem: Problem,
    quantizations: Mapping[str, Quantization],
    sgd: SGD,
    regime: Mapping[sp.Symbol | str, sp.Expr | str] | None = None,
    assumptions: Sequence[str | sp.Basic] = (),
) -> RateComparison:
    """The rates of several quantizations side by side, and which bound is the smallest where.

    What is compared are the orders of the upper bound T4, where it applies to all of them.

    Parameters
    ----------
    problem, sgd, regime, assumptions
        As for :func:`rates`.
    quantizations
        At least two, by name.

    Raises
    ------
    InvalidArgumentError
        If there are fewer than two, or a symbol is large in one table and small in another.
    HypothesisError
        If T4 applies nowhere to all of them.

    Examples
    --------
    >>> import qtheory as qt
    >>> N, d, eps = qt.symbols("N d eps")
    >>> problem = qt.Problem(dim=d, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> schemes = {
    ...     "additive": qt.Quantization(data=qt.Additive(eps)),
    ...     "multiplicative": qt.Quantization(data=qt.Multiplicative(eps)),
    ... }
    >>> found = qt.compare_rates(problem, schemes, qt.SGD(stepsize="0.1", steps=N))
    >>> found.winners
    ('multiplicative',)

    Source: the comparison of both schemes under polynomial spectra in Zhang, Su, Zou
    (arXiv:2510.18259), derived here from T4.
    """
    given = _named(quantizations)
    own, shared = _assumptions_of(problem, given, sgd, regime or {}, relations_of(assumptions))
    tables = {
        name: rates(problem, quantization, sgd, regime, own[name])
        for name, quantization in given.items()
    }
    derivations = [_derivation(table) for table in tables.values()]
    parts = _common(derivations, shared)

    def compute(cell: Cell) -> tuple[Monomial, ...]:
        orders = []
        for derivation in derivations:
            evaluation = derivation.setting.evaluation(cell)
            formulas = derivation.setting.formulas.values()
            orders.append(cell.largest(map(evaluation.order, formulas)))
        for first, second in combinations(orders, 2):
            cell.compare(first, second)
        return tuple(orders)

    leaves = explore(compute, parts)
    root = parts[0] if len(parts) == 1 else Cell(parts[0].parameters)
    won = [CellOutcome(leaf.cell, _outcome(leaf, list(tables))) for leaf in leaves]
    cases = tuple(
        ComparisonCase(
            region.relations,
            region.outcome[0],
            {name: order.expression for name, order in region.outcome[1:]},
            region.occurs,
        )
        for region in joined(root, won)
    )
    fixed = {symbol for table in tables.values() for symbol in table.fixed}
    conditions = [c for table in tables.values() for c in table.premises] + shared
    return RateComparison(
        tables,
        tuple(dict.fromkeys(conditions)) if len(parts) == 1 else assumed(parts),
        tuple(sorted(fixed, key=str)),
        cases,
        tuple(leaves),
    )


def _named(quantizations: Mapping[str, Quantization]) -> dict[str, Quantization]:
    expected = 'at least two quantizations by name, such as {"additive": ..., "shared": ...}'
    if not isinstance(quantizations, Mapping) or len(quantizations) < 2:
        raise InvalidArgumentError("quantizations", quantizations, expected)
    for name, quantization in quantizations.items():
        if not isinstance(name, str) or not isinstance(quantization, Quantization):
            raise InvalidArgumentError("quantizations", {name: quantization}, expected)
    return dict(quantizations)


def _assumptions_of(
    problem: Problem,
    quantizations: Mapping[str, Quantization],
    sgd: SGD,
    regime: Mapping[sp.Symbol | str, sp.Expr | str],
    given: Sequence[sp.Basic],
) -> tuple[dict[str, list[sp.Basic]], list[sp.Basic]]:
    """The assumptions on the symbols of each quantization, and those on symbols of several."""
    tied = set().union(*[formula_of(value, "regime").free_symbols for value in regime.values()])
    symbols = {}
    for name, quantization in quantizations.items():
        terms = terms_of(Run(problem, quantization, sgd))
        symbols[name] = {*terms.signs, *terms.fixed, *tied}
    known = set().union(*symbols.values())
    # One about no quantization is for the first table to refuse.
    first = next(iter(quantizations))
    own = {
        name: [
            relation
            for relation in given
            if relation.free_symbols <= symbols[name]
            or (name == first and not relation.free_symbols <= known)
        ]
        for name in quantizations
    }
    taken = [relation for relations in own.values() for relation in relations]
    return own, [relation for relation in given if relation not in taken]


def _derivation(table: Rates) -> RateDerivation:
    if table.derivation is None:
        raise TypeError("a table that rates() has not made")
    return table.derivation


def _outcome(leaf: CellOutcome, names: Sequence[str]) -> tuple[Any, ...]:
    """The winners, and the others with what their bound is larger by."""
    cell: Cell = leaf.cell
    orders = dict(zip(names, leaf.outcome, strict=True))
    least = cell.smallest(orders.values())
    winners = tuple(name for name in names if cell.compare(orders[name], least) == 0)
    others = [(name, orders[name] / least) for name in names if name not in winners]
    return (winners, *others)


def _common(derivations: Sequence[RateDerivation], shared: Sequence[sp.Basic]) -> list[Cell]:
    """The cells in which all tables are derived, and assumptions on several of them hold."""
    exponents = frozenset().union(*[derivation.setting.exponents for derivation in derivations])
    parameters: dict[sp.Symbol, int] = {}
    for derivation in derivations:
        for parameter, sign in derivation.setting.root.parameters.items():
            if parameters.setdefault(parameter, sign) != sign:
                raise InvalidArgumentError(
                    "quantizations", parameter, "a symbol that is small, or large, in all of them"
                )
    found = []
    for parts in product(*[derivation.parts for derivation in derivations]):
        cell: Cell | None = Cell(parameters)
        for condition in dict.fromkeys(c for part in parts for c in part.conditions):
            if cell is not None and not cell.implies(condition):
                cell = cell.with_condition(condition)
        if cell is not None:
            found.append(assume(cell, exponents, shared))
    if not found:
        raise HypothesisError("T4 applies nowhere to all of these quantizations")
    return found
