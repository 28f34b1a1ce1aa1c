r"""Conditions that contradict each other, refuted by exact linear programming.

A monomial counts as a variable of its own, so that conditions are linear in monomials. There is no
common point if a combination of them with multipliers that are nowhere negative, some of them at
strict conditions, says 0 > 0. Conditions on exponents multiplied by those on logarithms count too.
What is contradictory for other reasons is not found, and left to z3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import flint
import sympy as sp

from qtheory.orders.signs import Constraint, fractions_of

#: A sum of monomials by coefficient, each a sorted tuple of symbols; () is the constant.
_Form: TypeAlias = dict[tuple[sp.Symbol, ...], flint.fmpq]


def contradict(constraints: Sequence[Constraint]) -> bool:
    """Whether conditions are refuted; False says nothing.

    Examples
    --------
    >>> a = sp.Symbol("a", positive=True)
    >>> x, y = sp.symbols("x y", real=True)
    >>> positive, negative = frozenset({1}), frozenset({-1})
    >>> contradict([(x - y, positive), (x, negative), (y, positive)])
    True
    >>> contradict([(x - y, positive), (x, negative)])
    False
    >>> contradict([(a * x - y, positive), (a, positive), (x, negative), (y, positive)])
    True
    """
    strict: list[_Form] = []
    weak: list[_Form] = []
    for polynomial, signs in constraints:
        form = _form(polynomial)
        if form is None or signs >= {-1, 1}:
            continue
        if signs == {0}:
            weak += [form, _scaled(form, -1)]
        else:
            sign = max(signs, key=abs)
            (weak if 0 in signs else strict).append(_scaled(form, sign))
    strict += [_product(x, y) for x, y in _pairs(strict)]
    return _combines_to_zero([*strict, {(): flint.fmpq(1)}], weak)


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


def _combines_to_zero(strict: Sequence[_Form], weak: Sequence[_Form]) -> bool:
    """Whether multipliers, those of the strict forms with the sum 1, make the forms sum to zero."""
    forms = [*strict, *weak]
    monomials = list(dict.fromkeys(monomial for form in forms for monomial in form))
    zero, one = flint.fmpq(0), flint.fmpq(1)
    rows = [{k: f[m] for k, f in enumerate(forms) if f.get(m, zero) != 0} for m in monomials]
    rows.append(dict.fromkeys(range(len(strict)), one))
    return _is_feasible(rows, [zero] * len(monomials) + [one])


def _is_feasible(rows: list[dict[int, flint.fmpq]], right: list[flint.fmpq]) -> bool:
    """Whether equations have a solution that is nowhere negative: the first phase of the simplex.

    Every equation has a variable of its own at first, whose sum is made small; Bland's rule ends.
    """
    zero = flint.fmpq(0)
    basis = [-1] * len(rows)
    while True:
        # The gain of a variable: how fast the sum of what the equations are short of falls.
        gains: dict[int, flint.fmpq] = {}
        for row, variable in zip(rows, basis, strict=True):
            if variable < 0:
                for k, number in row.items():
                    gains[k] = gains.get(k, zero) + number
        entering = min((k for k, gain in gains.items() if gain > 0), default=None)
        if entering is None:
            return all(value == 0 for value, k in zip(right, basis, strict=True) if k < 0)
        ratios = [
            (right[r] / row[entering], basis[r], r)
            for r, row in enumerate(rows)
            if row.get(entering, zero) > 0
        ]
        _, _, leaving = min(ratios)
        _pivot(rows, right, leaving, entering)
        basis[leaving] = entering


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
