"""Exact decisions about orders: a cell of parameters and exponents, and how it is split.

A cell is a set of strict conditions on the logarithms of the parameters and on the exponent
symbols. A question is the sign of a form; where a cell has points of both signs it is split.
So a computation is written as if every comparison had an answer, and :func:`explore` runs it once
per cell in which it takes the same course. Conditions are decided by z3 on polynomials with
rational coefficients: linear arithmetic where the exponents are numbers.

Orders are compared up to constants, so what happens where two of them are equal does not matter,
and a cell stands for its interior. A condition on exponents alone is different: where a sum
changes from converging to diverging there are three cases.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Self, TypeVar

import sympy as sp

from qtheory.errors import CostError
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.conditions import Condition
from qtheory.orders.linear import decided
from qtheory.orders.monomial import ONE, Monomial, log_of, tidy
from qtheory.orders.signs import (
    POSITIVE,
    Constraint,
    Point,
    factors_of,
    polynomial_of,
    sign_at,
    signed,
)

if TYPE_CHECKING:
    from qtheory.proof.questions import Answer


_MOST_CELLS = 4000
# The most work of a question, in z3's own units: a busy machine gives the same table later.
_WORK = 5_000_000
# The value of a symbol that no condition is about.
_ANY = Fraction(7, 5)

Outcome = TypeVar("Outcome")


class Undecided(Exception):  # noqa: N818 - it is a question, not an error
    """A comparison has no answer in a cell yet; ``parts`` are the cases to tell apart."""

    def __init__(self, parts: Sequence[Condition]) -> None:
        super().__init__(str(parts[0]))
        self.parts = tuple(parts)


@dataclass(eq=False)
class Cell:
    """Conditions, and what has been decided under them.

    Attributes
    ----------
    parameters
        The parameters; their logarithms are positive (1), negative (-1) or free (0).
    conditions
        Further conditions, all strict but for equalities among exponents.
    values
        Exponent symbols that equalities among the conditions have fixed.
    """

    parameters: dict[sp.Symbol, int]
    conditions: tuple[Condition, ...] = ()
    values: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)
    _signs: dict[sp.Expr, int] = field(default_factory=dict)
    _points: list[Point] = field(default_factory=list)
    _remembered: dict[Any, dict[sp.Basic, Monomial]] = field(default_factory=dict)
    _witness: Answer | None = None
    _own: list[Constraint] | None = None

    def trichotomy(self, exponent: sp.Expr) -> int:
        """The sign of an expression in exponents; zero is a case of its own."""
        return self._decide(exponent, None, three_ways=True)

    def compare(self, left: Monomial, right: Monomial) -> int:
        """The sign of left - right as orders: -1, 0 (the same order) or 1."""
        return self.along_power_laws(left, right)

    def along_power_laws(self, left: Monomial, right: Monomial) -> int:
        """The same where the parameters are powers of each other, as all logarithms grow alike."""
        ratio = (left / right).substitute(self.values)
        if ratio == ONE:
            return 0
        if ratio.powers:
            sign = self._compare_powers(ratio)
            if sign:
                return sign
        return self._compare_logs(ratio)

    def _compare_powers(self, ratio: Monomial) -> int:
        if len(ratio.powers) == 1:  # then the sign is that of an exponent
            ((parameter, exponent),) = ratio.powers
            growth = self.parameters.get(parameter, 0)
            if growth:
                # Where the powers are equal the logarithms decide, so that is a case of its own.
                return growth * self._decide(exponent, None, three_ways=bool(ratio.logs))
        return self._decide(ratio.form, ratio, three_ways=False)

    def _compare_logs(self, ratio: Monomial) -> int:
        """The sign of a product of powers of logarithms, as the parameters grow."""
        signs = {self.trichotomy(exponent) for _, exponent in ratio.logs} - {0}
        if len(signs) < 2:
            return signs.pop() if signs else 0
        # Along power laws all logarithms of one depth grow alike, so their total exponent decides;
        # those of a larger depth matter only where it is zero.
        totals: dict[int, sp.Expr] = {}
        for base, exponent in ratio.logs:
            totals[base.depth] = totals.get(base.depth, sp.S.Zero) + exponent
        for _, total in sorted(totals.items()):
            sign = self.trichotomy(total)
            if sign:
                return sign
        return 0

    def largest(self, orders: Iterable[Monomial]) -> Monomial:
        """The largest of some orders."""
        first, *rest = orders
        for order in rest:
            if self.compare(order, first) > 0:
                first = order
        return first

    def smallest(self, orders: Iterable[Monomial]) -> Monomial:
        """The smallest of some orders."""
        return self.largest([order**-1 for order in orders]) ** -1

    def leading(self, orders: Iterable[Monomial]) -> tuple[Monomial, ...]:
        """The largest order, and those that are larger than it by a logarithm near a boundary.

        The sum of all the orders given is of the order of their sum, throughout the cell.
        """
        found = list(dict.fromkeys(orders))
        first, *rest = found
        for order in rest:
            if self.along_power_laws(order, first) > 0:
                first = order
        more = [m for m in found if m != first and not self.dominates(first, m)]
        return (first, *sorted(more, key=str))

    def dominates(self, large: Monomial, small: Monomial) -> bool:
        """Whether small <= large holds everywhere in the cell, boundaries included."""
        ratio = (large / small).substitute(self.values)
        if any(self.trichotomy(exponent) < 0 for _, exponent in ratio.logs):
            return False
        return not ratio.powers or self._compare_powers(ratio) >= 0

    def at_least_one(self, order: Monomial) -> Condition:
        """The condition order >= 1; of a power of one large or small parameter, on its exponent."""
        if len(order.powers) == 1:
            ((parameter, exponent),) = order.powers
            if self.parameters.get(parameter):
                return Condition(exponent * self.parameters[parameter], POSITIVE)
        return Condition(order.form, POSITIVE, order)

    def with_condition(self, condition: Condition) -> Self | None:
        """The part of the cell where a condition holds, or None if it is empty."""
        values = dict(self.values)
        equality = condition.signs == {0}
        if equality:
            values = _with_equality(values, condition.form)
        part = type(self)(self.parameters, (*self.conditions, condition), values)
        # What is known stays true in a smaller cell; an equality changes the forms asked about.
        if not equality:
            part._signs = dict(self._signs)
            part._remembered = {key: dict(known) for key, known in self._remembered.items()}
        own = self._constraint(condition)
        part._points = [point for point in self._points if self._holds_at(point, [own])]
        return part if part.has_points() else None

    def remembered(self, setting: Hashable) -> dict[sp.Basic, Monomial]:
        """The orders found in this cell in one setting; they hold in every part of it."""
        return self._remembered.setdefault(setting, {})

    def has_points(self) -> bool:
        """Whether the cell has an interior, as far as is known."""
        return bool(self._points) or self._may_meet([])

    @property
    def occurs(self) -> bool | None:
        """Whether the cell has an interior, or None if that is not known."""
        if self._points:
            return True
        verdict = self._found().verdict
        return None if verdict == "unknown" else verdict == "sat"

    def _found(self) -> Answer:
        """A point of the cell."""
        if self._witness is None:
            self._witness = self._ask()
        return self._witness

    def point(self, exponents: Iterable[sp.Symbol] = ()) -> dict[sp.Symbol, Fraction] | None:
        """A point of the cell, or None if none is known.

        Parameters have their logarithms, in some unit; symbols in exponents have their values.
        """
        model = self._found().model
        if model is None:
            return None
        # What no condition is about may be in the model too, with any value, such as log N = 0.
        asked = set().union(*[polynomial.free_symbols for polynomial, _ in self._own or ()])
        known = {s: _fraction(v) for s in asked if (v := _value(model, s)) is not None}
        found = {
            parameter: known.get(log_of(parameter), (sign or 1) * (1 + Fraction(k, 7)))
            for k, (parameter, sign) in enumerate(self.parameters.items())
        }
        found |= {s: known.get(s, _ANY) for s in exponents if s not in self.values}
        for symbol, value in self.values.items():
            number = value.xreplace({s: sp.Rational(v) for s, v in found.items()})
            found[symbol] = Fraction(int(number.p), int(number.q))
        return found

    def implies(self, condition: Condition) -> bool:
        """Whether a condition holds throughout the cell, as far as is known."""
        return not any(self._may_meet([other]) for other in condition.negations())

    def satisfies(self, condition: Condition) -> bool:
        """Whether a condition holds in the cell; splits it if it holds in a part."""
        sign = self._decide(condition.form, condition.order, condition.critical)
        return sign in condition.signs or (sign == 0 and not condition.critical)

    def known_sign(self, exponent: sp.Expr) -> int | None:
        """The sign of an expression in exponents, or None if the cell has several."""
        try:
            return self.trichotomy(exponent)
        except Undecided:
            return None

    def _decide(self, form: sp.Expr, order: Monomial | None, three_ways: bool) -> int:
        """The sign of a form, factor by factor: each factor is a question of its own."""
        form = form.xreplace(self.values)
        logs = {log_of(parameter): parameter for parameter in self.parameters}
        sign, factors = factors_of(form)
        for factor, power, below in factors:
            own = [symbol for symbol in logs if symbol in factor.free_symbols]
            if own and order is not None:
                # A form is linear in logarithms: one factor holds them, the rest scales it.
                rest = tidy(form / factor)
                powers = {logs[symbol]: sp.expand(factor.coeff(symbol, 1)) for symbol in own}
                # Where m is about 1 so is L(m): it does not move the boundary of m >= 1 itself.
                others = [
                    (base, e / rest)
                    for base, e in order.logs
                    if tidy(base.form / factor).free_symbols & set(logs) or not base.powers
                ]
                meaning = Monomial.product(powers, others)
                sign *= self._sign_of(factor, meaning, critical=False)
            else:
                # Where a denominator vanishes the form says nothing: that is a case of its own.
                sign *= self._sign_of(factor, None, critical=three_ways or below) ** power
        return sign

    def _sign_of(self, polynomial: sp.Expr, order: Monomial | None, critical: bool) -> int:
        if polynomial not in self._signs:
            possible = [s for s in (1, -1) if self._is_possible(polynomial, s)]
            if critical and (len(possible) == 2 or self._is_possible(polynomial, 0)):
                possible.append(0)
            if len(possible) > 1:
                raise Undecided(
                    [Condition(polynomial, frozenset({sign}), order, critical) for sign in possible]
                )
            self._signs[polynomial] = possible[0] if possible else 0
        return self._signs[polynomial]

    def _is_possible(self, polynomial: sp.Expr, sign: int) -> bool:
        return self.meets([Condition(polynomial, frozenset({sign}))])

    def meets(self, conditions: Sequence[Condition]) -> bool:
        """Whether some point of the cell meets conditions, as far as is known."""
        own = {condition.form: condition.signs for condition in self.conditions}
        if any(not own.get(c.form, c.signs) & c.signs for c in conditions):
            return False
        return self._may_meet(conditions)

    def _may_meet(self, conditions: Sequence[Condition]) -> bool:
        """The same, by a known point or by a question."""
        asked = [self._constraint(condition) for condition in conditions]
        if any(self._holds_at(point, asked) for point in self._points):
            return True
        found = _decided(self._question(*conditions))
        if isinstance(found, dict):
            self._points.append(dict(found))
            return True
        return found is None and self._ask(*conditions).verdict != "unsat"

    def _holds_at(self, point: Point, constraints: Iterable[Constraint]) -> bool:
        """Whether constraints hold at a point, where symbols without a value get an allowed one."""
        for polynomial, signs in constraints:
            for symbol in polynomial.free_symbols:
                if symbol not in point:
                    point[symbol] = self._allowed(symbol)
            if sign_at(polynomial, point) not in signs:
                return False
        return True

    def _allowed(self, symbol: sp.Symbol) -> Fraction:
        """A value of a symbol that no condition is about."""
        logs = {log_of(parameter): sign for parameter, sign in self.parameters.items()}
        return Fraction(logs.get(symbol) or 1) * _ANY

    def _constraint(self, condition: Condition) -> Constraint:
        return polynomial_of(condition.form.xreplace(self.values)), condition.signs

    def _ask(self, *more: Condition) -> Answer:
        """A point of the cell that meets more conditions; that there is none, or unknown.

        A part of which it is not known whether it is empty is kept: that costs a needless case,
        never a wrong one, and :attr:`occurs` says so.
        """
        question = self._question(*more)
        answer = _answer(question, _WORK)
        if answer.model is not None:
            self._keep(answer.model, set().union(*(p.free_symbols for p, _ in question)))
        return answer

    def _question(self, *more: Condition) -> tuple[Constraint, ...]:
        """The conditions of the cell, and more, as constraints in an order of their own."""
        if self._own is None:
            self._own = [self._constraint(condition) for condition in self.conditions]
        asked = {*self._own, *map(self._constraint, more)}
        symbols: set[sp.Symbol] = set().union(*(polynomial.free_symbols for polynomial, _ in asked))
        for parameter, sign in self.parameters.items():
            if sign and log_of(parameter) in symbols:
                asked.add((log_of(parameter), frozenset({sign})))
        asked |= {(symbol, POSITIVE) for symbol in symbols if symbol.is_positive}
        return tuple(sorted(asked, key=_place))

    def _keep(self, model: Any, symbols: Iterable[sp.Symbol]) -> None:
        """Remember a point of the cell, if it is rational."""
        values = {symbol: _value(model, symbol) for symbol in symbols}
        if all(value is not None and hasattr(value, "as_fraction") for value in values.values()):
            point = {symbol: _fraction(value) for symbol, value in values.items()}
            if point not in self._points:
                self._points.append(point)


def _value(model: Any, symbol: sp.Symbol) -> Any:
    import z3

    return model[z3.Real(symbol.name)]


def _fraction(value: Any) -> Fraction:
    """A number of z3's; one that is irrational to 30 digits."""
    rational = value if hasattr(value, "as_fraction") else value.approx(30)
    return Fraction(rational.as_fraction())


def _place(constraint: Constraint) -> tuple[str, list[int]]:
    """Where a constraint stands in a question, whatever was asked before."""
    polynomial, signs = constraint
    return _text(polynomial), sorted(signs)


_text = cache(str)


@lru_cache(maxsize=100_000)
def _decided(constraints: tuple[Constraint, ...]) -> bool | Point | None:
    """What linear programming says of constraints."""
    return decided(constraints)


@lru_cache(maxsize=100_000)
def _answer(constraints: tuple[Constraint, ...], work: int) -> Answer:
    """Whether constraints have a common point: each question is put once, to z3 if it has to be."""
    import z3

    from qtheory.proof.questions import Answer, ask

    if _decided(constraints) is False:
        return Answer("unsat")
    conditions = [signed(polynomial, signs) for polynomial, signs in constraints]
    return ask(conditions, lambda context: z3.SolverFor("QF_NRA", ctx=context), work)


AnyCell = TypeVar("AnyCell", bound=Cell)


@dataclass(frozen=True, eq=False)
class CellOutcome:
    """A cell in which a computation takes one course, and its outcome."""

    cell: Cell
    outcome: Any


@one_at_a_time
def explore(compute: Callable[[AnyCell], Outcome], cells: Sequence[AnyCell]) -> list[CellOutcome]:
    """Run a computation in every cell, splitting cells where it asks for it.

    Raises
    ------
    CostError
        If there are too many cases.
    """
    waiting = list(reversed(cells))
    leaves: list[CellOutcome] = []
    while waiting:
        cell = waiting.pop()
        try:
            leaves.append(CellOutcome(cell, compute(cell)))
        except Undecided as question:
            parts = [cell.with_condition(condition) for condition in question.parts]
            waiting += [part for part in reversed(parts) if part is not None]
        if len(leaves) + len(waiting) > _MOST_CELLS:
            raise CostError(
                f"more than {_MOST_CELLS} cases have to be told apart: give numbers to some "
                "exponents, or a regime that ties some parameters together"
            )
    return leaves


def _with_equality(values: dict[sp.Symbol, sp.Expr], form: sp.Expr) -> dict[sp.Symbol, sp.Expr]:
    """Values for exponent symbols, with one more fixed by form = 0 if that is linear in it."""
    polynomial = polynomial_of(form)
    for symbol in sorted(polynomial.free_symbols, key=str, reverse=True):
        slope = polynomial.coeff(symbol, 1)
        if slope.is_Rational and sp.degree(polynomial, symbol) == 1:
            value = sp.expand(-polynomial.coeff(symbol, 0) / slope)
            fixed = {
                old: sp.expand(other.xreplace({symbol: value})) for old, other in values.items()
            }
            return {**fixed, symbol: value}
    return values
