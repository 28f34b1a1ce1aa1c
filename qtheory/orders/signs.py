"""Forms as polynomials with rational coefficients, and their signs as questions for z3."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

POSITIVE = frozenset({1})


@cache
def factors_of(form: sp.Expr) -> tuple[int, tuple[tuple[sp.Expr, int, bool], ...]]:
    """The sign of a constant, and irreducible polynomials with their powers, that make up a form.

    The last entry tells whether a factor stands in the denominator. Factors that are known to be
    positive are left out, and each is written so that its leading sign is plus.
    """
    numerator, denominator = sp.fraction(sp.cancel(sp.together(form)))
    sign = 1
    found = []
    for part, below in ((numerator, False), (denominator, True)):
        if part.is_number:
            sign *= int(sp.sign(part))
            continue
        content, factors = sp.factor_list(part)
        sign *= int(sp.sign(content))
        for factor, power in factors:
            if factor.is_positive:
                continue
            if factor.could_extract_minus_sign():
                factor = sp.expand(-factor)
                sign *= (-1) ** int(power)
            found.append((factor, int(power), below))
    return sign, tuple(found)


@cache
def polynomial_of(form: sp.Expr) -> sp.Expr:
    """A primitive polynomial of the same sign as a rational function.

    Denominators come from exponents such as 1/a; they are squared away.
    """
    numerator, denominator = sp.fraction(sp.cancel(sp.together(form)))
    product = sp.expand(numerator * denominator)
    if product.is_number:
        return sp.sign(product)
    content, primitive = product.as_content_primitive()
    primitive = sp.expand(primitive)
    # A factor that is known to be positive says nothing about the sign.
    symbols = sorted(primitive.free_symbols, key=str)
    for symbol in symbols:
        if symbol.is_positive:
            while not symbol.is_number and primitive.subs(symbol, 0) == 0:
                primitive = sp.expand(sp.cancel(primitive / symbol))
    return primitive if content > 0 else -primitive


@cache
def _to_z3(expression: sp.Expr) -> Any:
    import z3

    if expression.is_Symbol:
        return z3.Real(expression.name)
    if expression.is_Rational:
        return z3.Q(int(expression.p), int(expression.q))
    if expression.is_Add:
        return z3.Sum([_to_z3(part) for part in expression.args])
    if expression.is_Mul:
        return z3.Product([_to_z3(part) for part in expression.args])
    base, exponent = expression.as_base_exp()
    return z3.Product([_to_z3(base)] * int(exponent))


@cache
def signed(polynomial: sp.Expr, signs: frozenset[int]) -> Any:
    """The z3 condition that a polynomial has one of some signs."""
    import z3

    value = _to_z3(polynomial)
    cases = {1: value > 0, 0: value == 0, -1: value < 0}
    if len(signs) == 1:
        return cases[min(signs)]
    return z3.Or([cases[sign] for sign in sorted(signs)])
