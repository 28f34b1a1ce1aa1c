"""What a user may write for a number, and what is refused."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import qtheory as qt
from qtheory.numbers.exact import exact


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, sp.Integer(3)),
        ("0.1", sp.Rational(1, 10)),
        ("1/3", sp.Rational(1, 3)),
        ("1e-3", sp.Rational(1, 1000)),
        (" 2 / 4 ", sp.Rational(1, 2)),
        (Fraction(2, 7), sp.Rational(2, 7)),
        (Decimal("0.1"), sp.Rational(1, 10)),
        (0.5, sp.Rational(1, 2)),
        (0.1, sp.Rational(Fraction(0.1).numerator, Fraction(0.1).denominator)),
        (np.float32(0.1), sp.Rational(*Fraction(float(np.float32(0.1))).as_integer_ratio())),
        (np.int64(4), sp.Integer(4)),
        (sp.sqrt(2), sp.sqrt(2)),
    ],
)
def test_accepted(value, expected):
    assert exact(value, "x") == expected


def test_a_sympy_float_is_its_binary_value():
    assert exact(sp.Float(0.1), "x") == exact(0.1, "x")
    assert not exact(sp.Float("0.1", 40) + sp.Symbol("y"), "x").has(sp.Float)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        "nan",
        "inf",
        "",
        "one",
        "1/0",
        "__import__('os').system('true')",
        "a+1",
        "1e99999",
        "9" * 6000,
        True,
        None,
        [1],
        sp.nan,
        sp.oo,
        sp.I,
        1j,
    ],
    ids=lambda value: str(value)[:20],
)
def test_refused_by_name(value):
    with pytest.raises(qt.InvalidArgumentError, match=r"x is .*must be a finite real number"):
        exact(value, "x")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_binary_value(value):
    assert Fraction(int(exact(value, "x").p), int(exact(value, "x").q)) == Fraction(value)


@given(st.text(max_size=12))
def test_text_is_a_number_or_an_error(text):
    try:
        result = exact(text, "x")
    except qt.InvalidArgumentError:
        return
    assert result.is_Rational
