"""Forms as polynomials with rational coefficients, and their signs as questions for z3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import gcd
from typing import Any, TypeAlias

import flint
import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.orders.rational import Quotient, Term, quotient_of, terms_of

POSITIVE = frozenset({1})
#: A polynomial, and the signs that it may have.
Constraint: TypeAlias = tuple[sp.Expr, frozenset[int]]
#: Values of logarithms of parameters and of symbols in exponents.
Point: TypeAlias = dict[sp.Symbol, Fraction]
#: The sign of a constant, and polynomials with their powers.
_Factors: TypeAlias = tuple[int, list[tuple[sp.Expr, int]]]


@cache
def factors_of(form: sp.Expr) -> tuple[int, tuple[tuple[sp.Expr, int, bool], ...]]:
    """The sign of a constant, and irreducible polynomials with their powers, that make up a form.

    The last entry tells whether a factor stands in the denominator. Factors that are known to be
    positive are left out, and each is written so that its leading sign is plus.
    """
    quotient = quotient_of(form)
    if quotient is None:  # an irrational number, which is a coefficient for SymPy
        parts = [_factored_by_sympy(part) for part in _fraction(form)]
    else:
        parts = [_factored(quotient, part) for part in (quotient.numerator, quotient.denominator)]
    sign = 1
    found = []
    for (content, factors), below in zip(parts, (False, True), strict=True):
        sign *= content
        for factor, power in factors:
            if factor.is_positive:
                continue
            if factor.could_extract_minus_sign():
                factor = sp.expand(-factor)
                sign *= (-1) ** power
            found.append((factor, power, below))
    return sign, tuple(found)


def _fraction(form: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    numerator, denominator = sp.fraction(sp.cancel(sp.together(form)))
    return numerator, denominator


def _factored_by_sympy(part: sp.Expr) -> _Factors:
    if part.is_number:
        return int(sp.sign(part)), []
    content, factors = sp.factor_list(part)
    return int(sp.sign(content)), [(factor, int(power)) for factor, power in factors]


def _factored(quotient: Quotient, part: flint.fmpz_mpoly) -> _Factors:
    """Factors in the order that SymPy has them in: symbols alone, and those of a low degree."""
    content, found = part.factor()
    factors = [(quotient.polynomial(f), int(power), f) for f, power in found]
    symbols = sp.Mul(*[factor for factor, _, _ in factors if factor.is_Symbol]).args
    sums = [f for factor, _, f in factors if not factor.is_Symbol]
    used = [k for k in range(len(quotient.symbols)) if any(f.degrees()[k] for f in sums)]

    def place(item: tuple[sp.Expr, int, flint.fmpz_mpoly]) -> tuple[int, int, int, Any, int]:
        factor, power, polynomial = item
        if factor.is_Symbol:
            return 2, 1, power, [1, 0], symbols.index(factor) if symbols else 0
        dense = _dense(terms_of(polynomial), used)
        return len(dense), len(used), power, dense, 0

    if len(factors) > 1:
        factors.sort(key=place)
    return (content > 0) - (content < 0), [(factor, power) for factor, power, _ in factors]


def _dense(terms: Sequence[Term], used: Sequence[int]) -> Any:
    """The coefficients of a polynomial, nested: of the powers of the first symbol, and so on."""
    if not used:
        ((_, coefficient),) = terms
        return int(coefficient)
    first, *others = used
    by_power: dict[int, list[Term]] = {}
    for term in terms:
        by_power.setdefault(term[0][first], []).append(term)
    empty: Any = [] if others else 0
    return [
        _dense(by_power[k], others) if k in by_power else empty
        for k in range(max(by_power), -1, -1)
    ]


@cache
def polynomial_of(form: sp.Expr) -> sp.Expr:
    """A primitive polynomial of the same sign as a rational function.

    Denominators come from exponents such as 1/a; they are squared away.
    """
    quotient = quotient_of(form)
    if quotient is None:
        return _polynomial_by_sympy(form)
    product = quotient.numerator * quotient.denominator
    if product.is_constant():
        return sp.sign(quotient.polynomial(product))
    terms = terms_of(product / gcd(*map(int, product.coeffs())))
    # A factor that is known to be positive says nothing about the sign.
    positive = [symbol.is_positive is True for symbol in quotient.symbols]
    lowest = [
        min(column) if known else 0
        for column, known in zip(
            zip(*[powers for powers, _ in terms], strict=True), positive, strict=True
        )
    ]
    return quotient.sum(
        (tuple(k - m for k, m in zip(powers, lowest, strict=True)), c) for powers, c in terms
    )


def _polynomial_by_sympy(form: sp.Expr) -> sp.Expr:
    numerator, denominator = _fraction(form)
    product = sp.expand(numerator * denominator)
    if product.is_number:
        return sp.sign(product)
    content, primitive = product.as_content_primitive()
    primitive = sp.expand(primitive)
    symbols = sorted(primitive.free_symbols, key=str)
    for symbol in symbols:
        if symbol.is_positive:
            while not symbol.is_number and primitive.subs(symbol, 0) == 0:
                primitive = sp.expand(sp.cancel(primitive / symbol))
    return primitive if content > 0 else -primitive


def _to_z3(expression: sp.Expr, roots: list[Any]) -> Any:
    """A polynomial for z3; a root is a symbol of its own, and what it is joins ``roots``."""
    import z3

    if expression.is_Symbol:
        return z3.Real(expression.name)
    if expression.is_Rational:
        return z3.Q(int(expression.p), int(expression.q))
    if expression.is_Add:
        return z3.Sum([_to_z3(part, roots) for part in expression.args])
    if expression.is_Mul:
        return z3.Product([_to_z3(part, roots) for part in expression.args])
    base, exponent = expression.as_base_exp()
    if not exponent.is_Rational:
        allowed = "in exponents built from numbers and symbols with + - * / and roots"
        raise InvalidArgumentError("expression", expression, allowed)
    inside = _to_z3(base, roots)
    power = z3.Product([inside] * abs(int(exponent.p)))
    if exponent.is_Integer and exponent > 0:
        return power
    root = z3.Real(str(expression))
    raised = z3.Product([root] * int(exponent.q))
    roots += [root > 0, inside > 0, raised == power if exponent > 0 else raised * power == 1]
    return root


@cache
def signed(polynomial: sp.Expr, signs: frozenset[int]) -> Any:
    """The z3 condition that a polynomial has one of some signs."""
    import z3

    roots: list[Any] = []
    value = _to_z3(polynomial, roots)
    cases = {1: value > 0, 0: value == 0, -1: value < 0}
    found = cases[min(signs)] if len(signs) == 1 else z3.Or([cases[sign] for sign in sorted(signs)])
    return z3.And(*roots, found) if roots else found


def sign_at(polynomial: sp.Expr, point: Mapping[sp.Symbol, Fraction]) -> int | None:
    """The sign of a polynomial at a point by exact arithmetic; None if a number is irrational."""
    terms = fractions_of(polynomial)
    if terms is None:
        return None
    total = Fraction(0)
    for coefficient, factors in terms:
        value = coefficient
        for symbol, power in factors:
            value *= point[symbol] ** power
        total += value
    return (total > 0) - (total < 0)


@cache
def fractions_of(
    polynomial: sp.Expr,
) -> list[tuple[Fraction, list[tuple[sp.Symbol, int]]]] | None:
    """The terms of a polynomial, each a coefficient and powers of symbols."""
    quotient = quotient_of(polynomial)
    if quotient is None:
        return None
    return [
        (
            Fraction(int(coefficient), int(quotient.denominator.leading_coefficient())),
            [(s, k) for s, k in zip(quotient.symbols, powers, strict=True) if k],
        )
        for powers, coefficient in terms_of(quotient.numerator)
    ]
