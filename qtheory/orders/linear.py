"""Conditions that have a point in common, or contradict each other, by linear programming.

A monomial counts as a variable of its own, so that conditions are linear in monomials. There is no
common point if a combination of them with multipliers that are nowhere negative, some of them at
strict conditions, says 0 > 0. Conditions on exponents multiplied by those on logarithms count too.
What is contradictory for other reasons is not found, and left to z3. All of it is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

import flint
import sympy as sp

from qtheory.orders.signs import Constraint, Point, fractions_of, sign_at

#: A sum of monomials by coefficient, each a sorted tuple of symbols; () is the constant.
_Form: TypeAlias = dict[tuple[sp.Symbol, ...], flint.fmpq]


def decided(constraints: Sequence[Constraint]) -> bool | Point | None:
    """False if conditions are refuted, a point where they hold if one is found, else None.

    Examples
    --------
    >>> a = sp.Symbol("a", positive=True)
    >>> x, y = sp.symbols("x y", real=True)
    >>> positive, negative = frozenset({1}), frozenset({-1})
    >>> decided([(x - y, positive), (x, negative), (y, positive)])
    False
    >>> decided([(x - y, positive), (x, negative)])
    {x: Fraction(-1, 1), y: Fraction(-2, 1)}
    >>> decided([(a * x - y, positive), (a, positive), (x, negative), (y, positive)])
    False
    """
    forms = [(form, signs) for p, signs in constraints if (form := _form(p)) is not None]
    found = _solved(forms)
    if found is None:
        return False
    if len(forms) < len(constraints):
        return None
    # The values of monomials need not be those of symbols: exponents are kept, the rest solved.
    exponents = {s: value for s, value in found.items() if s.is_positive}
    for point in (found, _solved([(_put(f, exponents), signs) for f, signs in forms])):
        if point is not None:
            point |= exponents
            if all(sign_at(polynomial, point) in signs for polynomial, signs in constraints):
                return point
    return None


def _put(form: _Form, values: Point) -> _Form:
    """A form with values for some symbols."""
    found: _Form = {}
    for monomial, number in form.items():
        for symbol in monomial:
            if symbol in values:
                number = number * flint.fmpq(values[symbol].numerator, values[symbol].denominator)
        left = tuple(symbol for symbol in monomial if symbol not in values)
        found[left] = found.get(left, flint.fmpq(0)) + number
    return found


def _solved(forms: Sequence[tuple[_Form, frozenset[int]]]) -> Point | None:
    """Values of symbols at a point of the monomials, or None if there is none."""
    strict: list[_Form] = []
    weak: list[_Form] = []
    for form, signs in forms:
        if signs >= {-1, 1}:
            continue
        if signs == {0}:
            weak += [form, _scaled(form, -1)]
        else:
            sign = max(signs, key=abs)
            (weak if 0 in signs else strict).append(_scaled(form, sign))
    strict += [_product(x, y) for x, y in _pairs(strict)]
    values = _values([*strict, {(): flint.fmpq(1)}], weak)
    if values is None:
        return None
    symbols = {symbol for form, _ in forms for monomial in form for symbol in monomial}
    scale = values[()]
    quotients = {s: values.get((s,), flint.fmpq(0)) / scale for s in sorted(symbols, key=str)}
    return {s: Fraction(int(v.p), int(v.q)) for s, v in quotients.items()}


def _form(polynomial: sp.Expr) -> _Form | None:
    terms = fractions_of(polynomial)
    if terms is None:
        return None
    return {
        tuple(sorted((s for s, k in factors for _ in range(k)), key=str)): flint.fmpq(
            number.numerator, number.denominator
        )
        for number, factors in terms
    }


def _scaled(form: _Form, sign: int) -> _Form:
    return {monomial: sign * number for monomial, number in form.items()}


def _product(left: _Form, right: _Form) -> _Form:
    found: _Form = {}
    for x, p in left.items():
        for y, q in right.items():
            monomial = tuple(sorted((*x, *y), key=str))
            found[monomial] = found.get(monomial, flint.fmpq(0)) + p * q
    return found


def _pairs(forms: Sequence[_Form]) -> Iterator[tuple[_Form, _Form]]:
    """Conditions on positive symbols, which stand in exponents, with linear ones on logarithms."""
    symbols = [{s for monomial in form for s in monomial} for form in forms]
    for left, mine in zip(forms, symbols, strict=True):
        if mine and all(s.is_positive for s in mine):
            for right, theirs in zip(forms, symbols, strict=True):
                if theirs and not any(s.is_positive for s in theirs):
                    yield left, right


def _values(
    strict: Sequence[_Form], weak: Sequence[_Form]
) -> dict[tuple[sp.Symbol, ...], flint.fmpq] | None:
    """Values of monomials where all forms have their signs; None if multipliers sum them to zero.

    The multipliers are not negative, those of the strict forms have the sum 1. Whether there are
    any is the first phase of the simplex; where there are none its prices are the values.
    """
    forms = [*strict, *weak]
    monomials = list(dict.fromkeys(monomial for form in forms for monomial in form))
    zero, one = flint.fmpq(0), flint.fmpq(1)
    rows = [{k: f[m] for k, f in enumerate(forms) if f.get(m, zero) != 0} for m in monomials]
    rows.append(dict.fromkeys(range(len(strict)), one))
    right = [zero] * len(monomials) + [one]
    # Every equation has a variable of its own at first, whose sum is made small.
    basis = [-1 - r for r in range(len(rows))]
    for row, variable in zip(rows, basis, strict=True):
        row[variable] = one
    while True:
        # The gain of a variable: how fast the sum of what the equations are short of falls.
        gains: dict[int, flint.fmpq] = {}
        for row, variable in zip(rows, basis, strict=True):
            if variable < 0:
                for k, number in row.items():
                    gains[k] = gains.get(k, zero) + number
        # The first one that gains: by Bland's rule this ends.
        entering = min((k for k, gain in gains.items() if k >= 0 and gain > 0), default=None)
        if entering is None:
            break
        ratios = [
            (right[r] / row[entering], basis[r], r)
            for r, row in enumerate(rows)
            if row.get(entering, zero) > 0
        ]
        _, _, leaving = min(ratios)
        _pivot(rows, right, leaving, entering)
        basis[leaving] = entering
    if all(value == 0 for value, k in zip(right, basis, strict=True) if k < 0):
        return None
    return {m: -gains.get(-1 - r, zero) for r, m in enumerate(monomials)}


def _pivot(
    rows: list[dict[int, flint.fmpq]], right: list[flint.fmpq], leaving: int, entering: int
) -> None:
    scale = rows[leaving][entering]
    pivot = {k: number / scale for k, number in rows[leaving].items()}
    rows[leaving], right[leaving] = pivot, right[leaving] / scale
    for r, row in enumerate(rows):
        factor = row.get(entering)
        if r == leaving or factor is None:
            continue
        for k, number in pivot.items():
            value = row.get(k, 0) - factor * number
            if value == 0:
                row.pop(k, None)
            else:
                row[k] = value
        right[r] = right[r] - factor * right[leaving]
