"""The order of a SymPy expression in a cell: sums are maxima, sums over an index are solved.

What the calculus does not cover raises an error that names the sub-expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.orders.cell import Cell
from qtheory.orders.monomial import ONE, Monomial
from qtheory.orders.piecewise import (
    Diverges,
    PiecewisePower,
    Range,
    Term,
    Unsupported,
    largest,
    partial_sums,
    product,
    shares,
    smallest,
)

_ALLOWED = (
    "built from the index, positive parameters, positive numbers, + * / **, min, max, exp(-r i), "
    "log(i) and log of a large parameter"
)
_NOT_POSITIVE = "it is not positive, and the order of a difference is not known"


def unsupported(part: sp.Basic, why: str) -> InvalidArgumentError:
    """The error for a sub-expression outside the calculus."""
    return InvalidArgumentError("expression", part, f"{_ALLOWED} ({why})")


def exponentials_in(part: sp.Expr, index: sp.Symbol) -> list[tuple[sp.Expr, sp.Expr]]:
    """Base and exponent of the sub-expressions that are exponential in the index."""
    found = [
        node.as_base_exp()
        for node in sp.preorder_traversal(part)
        if isinstance(node, sp.Pow | sp.exp)
    ]
    return [(base, exponent) for base, exponent in found if index in exponent.free_symbols]


def _require_no_minus(part: sp.Expr) -> None:
    if isinstance(part, sp.Mul) and part.as_coeff_Mul()[0].is_negative:
        raise unsupported(part, _NOT_POSITIVE)


@dataclass(frozen=True)
class Roles:
    """Which symbols are parameters (they grow or fall) and which stand in exponents (fixed)."""

    parameters: frozenset[sp.Symbol]
    exponents: frozenset[sp.Symbol]


def require_no_exponentials(expressions: Iterable[sp.Basic]) -> None:
    """Refuse a number to a symbol that is the exponent of no parameter: it is no fixed exponent.

    Raises
    ------
    InvalidArgumentError
        Naming the exponential.
    """
    powers = [
        part.as_base_exp()
        for expression in expressions
        for part in sp.preorder_traversal(expression)
        if isinstance(part, sp.Pow | sp.exp)
    ]
    exponents = set().union(*[exp.free_symbols for base, exp in powers if base.free_symbols])
    for base, exponent in powers:
        alone = sorted(exponent.free_symbols - exponents, key=str)
        if not base.free_symbols and alone:
            raise unsupported(
                base**exponent,
                f"an exponential of {alone[0]}, which is the exponent of no parameter",
            )


def roles_of(expression: sp.Expr, index: sp.Symbol | None, fixed: set[sp.Symbol]) -> Roles:
    """Parameters and exponent symbols of an expression, by where they stand.

    Parameters
    ----------
    fixed
        Symbols known to be exponents.

    Raises
    ------
    InvalidArgumentError
        If a symbol is both.
    """
    exponents, places = set(fixed), {}

    def visit(part: sp.Basic) -> None:
        if isinstance(part, sp.Pow | sp.exp):
            base, exponent = part.as_base_exp()
            for symbol in exponent.free_symbols - {index}:
                exponents.add(symbol)
                places[symbol] = part
            visit(base)
        else:
            for child in part.args:
                visit(child)

    visit(expression)
    bases = _outside_exponents(expression)
    for symbol in sorted(bases & exponents, key=str):
        part = places.get(symbol, expression)
        raise unsupported(part, f"{symbol} is ambiguous: it is a base and stands in an exponent")
    return Roles(frozenset(expression.free_symbols - exponents - {index}), frozenset(exponents))


def _outside_exponents(part: sp.Basic) -> set[sp.Symbol]:
    if isinstance(part, sp.Symbol):
        return {part}
    if isinstance(part, sp.Pow | sp.exp):
        return _outside_exponents(part.as_base_exp()[0])
    return set().union(*[_outside_exponents(child) for child in part.args])


@dataclass(eq=False)
class Evaluation:
    """Orders of expressions in one cell.

    Attributes
    ----------
    values
        Orders that some symbols stand for.
    definitions
        Formulas that some symbols stand for, evaluated when needed.
    exponents
        The symbols that stand in exponents.
    """

    cell: Cell
    values: Mapping[sp.Basic, Monomial]
    exponents: frozenset[sp.Symbol]
    definitions: Mapping[sp.Basic, sp.Expr] = field(default_factory=dict)
    _known: dict[sp.Basic, Monomial] = field(default_factory=dict)

    @classmethod
    def of_parameters(cls, cell: Cell, exponents: frozenset[sp.Symbol]) -> Evaluation:
        """An evaluation in which every parameter of the cell stands for itself."""
        return cls(cell, {p: Monomial.of(p) for p in cell.parameters}, exponents)

    def order(self, part: sp.Expr) -> Monomial:
        """The order of an expression without an index."""
        if part not in self._known:
            self._known[part] = self._order(part)
        return self._known[part]

    def _order(self, part: sp.Expr) -> Monomial:
        if part in self.values:
            return self.values[part]
        if part in self.definitions:
            return self.order(self.definitions[part])
        # in this order: the symbols of a sum take SymPy milliseconds
        if not part.has(sp.Sum) and not part.free_symbols - self.exponents:
            return self._constant(part)
        _require_no_minus(part)
        match part:
            case sp.Add() | sp.Max():
                return self.cell.largest(map(self.order, part.args))
            case sp.Min():
                return self.cell.smallest(map(self.order, part.args))
            case sp.Mul():
                return reduce(lambda x, y: x * y, map(self.order, part.args))
            case sp.Pow():
                return self.order(part.base) ** self._exponent(part)
            case sp.log():
                return self._log(part)
            case sp.Sum():
                return self.sum(part)
        raise unsupported(part, f"{type(part).__name__} is not known")

    def _constant(self, part: sp.Expr) -> Monomial:
        if part.is_positive is False or (part.is_number and not part > 0):
            raise unsupported(part, _NOT_POSITIVE)
        return ONE

    def _exponent(self, part: sp.Pow) -> sp.Expr:
        if part.exp.free_symbols - self.exponents:
            raise unsupported(part, "a parameter stands in an exponent")
        return part.exp.xreplace(self.cell.values)

    def _log(self, part: sp.Expr) -> Monomial:
        """L of what is at least of order 1: the largest L of its factors."""
        inside, cell = self.order(part.args[0]), self.cell
        powers = inside.without_logs
        if cell.compare(powers, ONE) < 0 or cell.compare(inside, ONE) < 0:
            raise unsupported(part, "the logarithm of something small")
        above, below = [], ONE
        for base, exponent in inside.logs:
            factor = Monomial((), ((base, sp.S.One),))
            if cell.trichotomy(exponent) > 0:
                above.append(factor.log())
            else:
                below = below * factor**-exponent
        # Half of the logarithm of what is above is left if what is below is at most its root.
        if below != ONE and cell.compare(below**2, inside * below) > 0:
            raise unsupported(part, "the logarithm of a quotient that need not be large")
        return cell.largest([*([powers.log()] if powers != ONE or not above else []), *above])

    def sum(self, part: sp.Sum) -> Monomial:
        """The order of a sum over an index, from 1 or without an end: others may have one term.

        Raises
        ------
        Diverges
            If it is infinite.
        """
        if any(limit[1] != 1 and limit[2] is not sp.oo for limit in part.limits):
            raise unsupported(part, "it may have one term only: asymptotic_sum says what it needs")
        return self.cell.largest(self.shares(part))

    def shares(self, part: sp.Sum) -> list[Monomial]:
        """What the addends contribute to a sum over an index, piece by piece."""
        if len(part.limits) != 1:
            raise unsupported(part, "a sum over several indices")
        index, low, high = part.limits[0]
        found, causes = [], []
        for addend in sp.Add.make_args(part.function):
            function = self.summand(addend, index, low, high)
            try:
                found += shares(self.cell, function)
            except Diverges as cause:
                causes.append(f"the sum of {addend}: {cause}")
            except Unsupported as cause:
                raise unsupported(addend, str(cause)) from None
        if causes:
            raise Diverges("; ".join(causes))
        return found

    def summand(
        self, part: sp.Expr, index: sp.Symbol, low: sp.Expr, high: sp.Expr
    ) -> PiecewisePower:
        """An expression in the index as powers on pieces."""
        exponentials = list(exponentials_in(part, index))
        start = self.order(low)
        if low == 1:
            _require_finite_first_term(part, index)
        if exponentials:
            if start != ONE:
                raise unsupported(low, "an exponential sum starts at a number")
            end = None if high is sp.oo else self.order(high)
            unit = _unit(*exponentials[0], index)
            span = Range(ONE, None, step=0, index_at_end=end, unit=unit)
            if end == ONE:
                span = Range(ONE, ONE, step=0, unit=unit)
        else:
            span = Range(start, None if high is sp.oo else self.order(high))
        try:
            return _Summand(self, index, span).build(part)
        except Unsupported as cause:
            raise unsupported(part, str(cause)) from None


def _unit(base: sp.Expr, exponent: sp.Expr, index: sp.Symbol) -> sp.Expr:
    """The rate of an exponential up to rational factors and symbols: log(2) for 2**(-3*i)."""
    rate = exponent.coeff(index, 1)
    number = rate.as_independent(*rate.free_symbols, as_Add=False)[0] if rate.free_symbols else rate
    unit = sp.expand_log(sp.log(base) * number.as_coeff_Mul()[1], force=True)
    unit = unit.as_coeff_Mul()[1]
    return -unit if unit.is_negative else unit


def _require_finite_first_term(part: sp.Expr, index: sp.Symbol) -> None:
    """Refuse what is divided by log(i), which vanishes at i = 1."""
    for node in part.atoms(sp.Pow):
        if sp.log(index) in node.base.atoms(sp.log) and not node.exp.is_positive:
            raise unsupported(node, "log(i) is 0 at i = 1: write log(i + 1)")


@dataclass(frozen=True, eq=False)
class _Summand:
    """The walk over an expression in the index."""

    outer: Evaluation
    index: sp.Symbol
    range: Range

    def build(self, part: sp.Expr) -> PiecewisePower:
        cell = self.outer.cell
        if self.index not in part.free_symbols:
            return self._term(Term(self.outer.order(part)))
        _require_no_minus(part)
        match part:
            case sp.Symbol():
                return self._term(self._index_power(sp.S.One))
            case sp.Add() | sp.Max():
                return reduce(lambda f, g: largest(cell, f, g), map(self.build, part.args))
            case sp.Min():
                return reduce(lambda f, g: smallest(cell, f, g), map(self.build, part.args))
            case sp.Mul():
                return reduce(lambda f, g: product(cell, f, g), map(self.build, part.args))
            case sp.Pow() | sp.exp():
                return self._power(part)
            case sp.log():
                return self._log(part)
            case sp.Sum():
                return self._partial_sums(part)
        raise unsupported(part, f"{type(part).__name__} of the index is not known")

    def _partial_sums(self, part: sp.Sum) -> PiecewisePower:
        """A sum up to the index, of a function of its own index."""
        inner, *limits = part.limits[0]
        if (
            len(part.limits) > 1
            or limits != [1, self.index]
            or self.index in part.function.free_symbols
        ):
            raise unsupported(part, "a sum inside of a sum must be over 1, ..., the outer index")
        function = _Summand(self.outer, inner, self.range).build(part.function)
        return partial_sums(self.outer.cell, function)

    def _term(self, term: Term) -> PiecewisePower:
        return PiecewisePower.constant(self.range, term)

    def _index_power(self, exponent: sp.Expr) -> Term:
        return Term(slope=exponent) if self.range.step else Term(log_slope=exponent)

    def _power(self, part: sp.Expr) -> PiecewisePower:
        base, exponent = part.as_base_exp()
        if self.index not in exponent.free_symbols:
            if exponent.free_symbols - self.outer.exponents:
                raise unsupported(part, "a parameter stands in an exponent")
            return self.build(base).power(exponent.xreplace(self.outer.cell.values))
        rate = exponent.coeff(self.index, 1)
        rest = sp.expand(exponent - rate * self.index)
        if not base.is_number or not base > 0 or self.index in rest.free_symbols:
            raise unsupported(part, "an exponential must be a positive number to a multiple of i")
        if (rate.free_symbols | rest.free_symbols) - self.outer.exponents:
            raise unsupported(part, "the rate of an exponential must be fixed")
        slope = sp.simplify(rate * sp.log(base) / self.range.unit)
        if (slope.is_number and not slope.is_Rational) or slope.has(sp.log):
            raise unsupported(part, "two exponentials whose rates have no rational ratio")
        return self._term(Term(slope=slope))

    def _log(self, part: sp.Expr) -> PiecewisePower:
        inside = part.args[0]
        power = sp.Wild("power", exclude=[self.index])
        shift = sp.Wild("shift", exclude=[self.index])
        found = inside.match((self.index + shift) ** power)
        plain = found is not None and found[power].is_positive and found[shift].is_nonnegative
        if not plain or not found[shift].is_number:
            raise unsupported(part, "of the index only log(i) and log(i + number) are known")
        if self.range.step == 0:
            raise unsupported(part, "logarithms of the index beside exponentials of it")
        return self._term(Term(log_slope=sp.S.One))
