"""Rational functions by flint beside SymPy: the same normal form, and the same order of factors."""

import random

import pytest
import sympy as sp

from qtheory.orders.rational import quotient_of
from qtheory.orders.signs import factors_of, polynomial_of

a, b, e = sp.symbols("a b e", positive=True)
log_n, log_eps = sp.symbols("log(N) log(eps)", real=True)
SYMBOLS = [a, b, e, log_n, log_eps]
CHOICE = random.Random(20261128)


def drawn(depth):
    """A rational function in the symbols."""
    if depth == 0:
        return CHOICE.choice([*SYMBOLS, sp.Rational(CHOICE.randint(-3, 3), CHOICE.randint(1, 4))])
    left, right = drawn(depth - 1), drawn(depth - 1)
    sums = [left + right, left - right, left * right, left + 1]
    return CHOICE.choice([*sums, left / right] if right != 0 else sums)


def finite(depth):
    """One that is divided by no zero."""
    while (form := drawn(depth)).has(sp.zoo, sp.nan):
        pass
    return form


FORMS = [finite(1 + k % 4) for k in range(120)]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_normal_form_is_that_of_sympy(form):
    assert quotient_of(form).expanded == sp.expand(sp.cancel(form))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_sign_of_a_form_is_that_of_its_polynomial_and_of_its_factors(form):
    for _ in range(5):
        point = {s: sp.Rational(CHOICE.randint(1, 9), CHOICE.randint(1, 9)) for s in SYMBOLS[:3]}
        point |= {s: sp.Rational(CHOICE.randint(-9, 9), 2) for s in SYMBOLS[3:]}
        value = form.xreplace(point)
        if not value.is_Rational:  # a pole
            continue
        assert sp.sign(polynomial_of(form).xreplace(point)) == sp.sign(value)
        sign, factors = factors_of(form)
        product = sp.Mul(*[factor.xreplace(point) ** power for factor, power, _ in factors])
        assert sign * sp.sign(product) == sp.sign(value)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_factors_stand_in_the_order_of_sympy(form):
    """The first factor whose sign is open splits a cell, so that tables depend on the order."""
    expected = []
    for part in sp.fraction(sp.cancel(form)):
        found = [] if part.is_number else sp.factor_list(part)[1]
        expected += [factor for factor, _ in found if not factor.is_positive]
    factors = [factor for factor, _, _ in factors_of(form)[1]]
    assert [{factor, sp.expand(-factor)} for factor in factors] == [
        {factor, sp.expand(-factor)} for factor in expected
    ]


def test_what_is_no_rational_function_has_no_quotient():
    for form in (sp.sqrt(a), sp.sqrt(2) * a, sp.log(a), 2**a):
        assert quotient_of(form) is None
    # SymPy takes an irrational number for a coefficient
    assert factors_of(-sp.sqrt(2) * log_n) == (-1, ((log_n, 1, False),))
