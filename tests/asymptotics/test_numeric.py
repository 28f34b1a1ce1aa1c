"""Infinite sums to many digits."""

import mpmath
import pytest
import sympy as sp

import qtheory as qt
from qtheory.asymptotics.numeric import agreed, infinite_sum
from qtheory.theory.notation import i


def test_a_sum_in_closed_form():
    # sum 1/(i^2 - c^2) = (1 - pi c cot(pi c)) / (2 c^2), slow as c tends to 1
    c = sp.Rational(999, 1000)
    with mpmath.workdps(60):
        value = infinite_sum(7 / (i**2 * (1 - c**2 / i**2)), 50)
        angle = mpmath.pi * 999 / 1000
        exact = 7 * (1 - angle * mpmath.cot(angle)) / (2 * (mpmath.mpf(999) / 1000) ** 2)
        assert abs(value / exact - 1) < mpmath.mpf(10) ** -50
        other = infinite_sum(7 / (i**2 * (1 - c / i**2)), 50)
        assert abs(other / exact - 1) > 1e-3


def test_irrational_exponents():
    term = i ** -sp.Rational(5, 2) / (2 - sp.Rational(3, 10) / i ** sp.Rational(3, 2))
    with mpmath.workdps(30):
        direct = mpmath.nsum(
            lambda n: n ** mpmath.mpf(-2.5) / (2 - mpmath.mpf(3) / 10 * n ** mpmath.mpf(-1.5)),
            [1, mpmath.inf],
            method="euler-maclaurin",
        )
        assert abs(infinite_sum(term, 25) / direct - 1) < 1e-20


@pytest.mark.parametrize(
    "term",
    [1 / i, sp.exp(-i), 1 / (i**2 * (1 - 1 / i**2)), 1 / (i**2 * (1 - i)), i**-2 / (2 + i**-2)],
)
def test_refused(term):
    with pytest.raises(qt.InvalidArgumentError):
        infinite_sum(term, 15)


def test_digits_out_of_reach():
    with pytest.raises(qt.PrecisionError):
        agreed(lambda digits: mpmath.mpf(digits), 10)
