"""What a user is handed: its digits, its precision, its mixing with other numbers, its pickle."""

import copy
import math
import pickle
from decimal import Decimal
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.numbers.certified_number import CertifiedNumber
from qtheory.numbers.precision import working_bits

PROBLEM = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
RUN = PROBLEM, qt.Quantization(data=qt.Additive("0.01")), qt.SGD("0.1", steps=60)


@pytest.fixture(autouse=True)
def _the_precision_of_a_user():
    with flint.ctx.workprec(53):
        yield


@pytest.fixture(scope="module")
def total():
    return qt.excess_risk(*RUN, digits=30).total


def reference(total):
    with mpmath.workdps(60):
        mantissa, exponent = total.mid().man_exp()
        return mpmath.mpf(int(mantissa)) * mpmath.mpf(2) ** int(exponent)


def test_it_prints_the_digits_asked_for(total):
    with mpmath.workdps(60):
        assert str(total) == mpmath.nstr(reference(total), 30, strip_zeros=False)
    assert repr(total) == str(total) == f"{total}"
    assert len(str(qt.upper_bound(*RUN, digits=40).total).lstrip("0.")) == 40


def test_it_prints_no_digit_that_is_not_certain():
    assert str(CertifiedNumber(flint.arb("0.123456", "1e-4"), 30)) == "0.123"
    assert str(CertifiedNumber(flint.arb(0, "1e-40"), 30)) == "0 to within 1.0e-40"
    assert str(CertifiedNumber(flint.arb(0), 5)) == "0"


def test_differences_keep_their_precision(total):
    bound = qt.upper_bound(*RUN, digits=30).total
    for difference in (bound - total, -(total - bound), bound + -total):
        assert difference.rel_accuracy_bits() > 90
        assert isinstance(difference, CertifiedNumber)
    with mpmath.workdps(60):
        gap = reference(bound) - reference(total)
        assert abs(reference(bound - total) - gap) < mpmath.mpf(10) ** -35
    assert (flint.arb(bound) - flint.arb(total)).rel_accuracy_bits() < 60  # the negative control


@pytest.mark.parametrize(
    "other",
    [
        1, True, 0.5, np.float64(0.5), np.float32(0.5), np.int64(1), Fraction(1, 3), Decimal("0.1"),
        sp.Integer(1), sp.Rational(1, 3), sp.sqrt(2), sp.pi, sp.Float("0.5"), flint.fmpz(1),
        flint.fmpq(1, 3), flint.arb(1),
    ],
    ids=lambda other: f"{type(other).__name__} {other}",
)  # fmt: skip
def test_it_mixes_with_other_numbers(total, other):
    exact = Fraction(int(other.p), int(other.q)) if isinstance(other, flint.fmpq) else other
    value = float(exact)  # the oldest python-flint has no float of a fraction
    assert float(total + other) == pytest.approx(float(total) + value)
    assert float(other + total) == pytest.approx(float(total) + value)
    assert float(total - other) == pytest.approx(float(total) - value)
    assert float(other - total) == pytest.approx(value - float(total))
    assert float(total * other) == pytest.approx(float(total) * value)
    assert float(other * total) == pytest.approx(float(total) * value)
    assert float(total / other) == pytest.approx(float(total) / value)
    assert float(other / total) == pytest.approx(value / float(total))
    assert bool(total < other) is bool(other > total) is (float(total) < value)
    assert bool(total <= other) is bool(other >= total) is (float(total) < value)
    assert bool(total >= other) is bool(other <= total) is (float(total) > value)
    assert total != other


def test_what_is_no_number_is_refused(total):
    for other in ("1", None, sp.Symbol("x"), sp.oo, [1]):
        with pytest.raises(TypeError):
            total + other
        with pytest.raises(TypeError):
            other * total if other != "1" else other + total


def test_sympy_takes_it_with_its_digits(total):
    with mpmath.workdps(60):
        assert sp.sympify(total) == sp.Float(mpmath.nstr(reference(total), 40), 30)
    assert isinstance(sp.Integer(1) + total, CertifiedNumber)
    assert (sp.Rational(1, 3) * total).rel_accuracy_bits() > 90


def test_formats_and_rounding(total):
    assert f"{total:.3f}" == f"{float(total):.3f}"
    assert f"{total:12.4e}" == f"{float(total):12.4e}"
    assert f"{total:>40}" == str(total).rjust(40)
    with mpmath.workdps(60):
        assert f"{total:.25f}" == f"0.{int(mpmath.nint(reference(total) * 10**25)):025d}"
    assert round(total, 3) == round(float(total), 3)
    assert round(total) == 0
    assert round(total, 3) != round(total, 4)


def test_pickles_and_copies(total):
    for again in (pickle.loads(pickle.dumps(total)), copy.deepcopy(total), copy.copy(total)):
        assert again.mid() == total.mid()
        assert again.contains(total)
        assert float(again.rad()) == pytest.approx(float(total.rad()), rel=1e-8)
        assert str(again) == str(total)
        assert again.digits == 30


@pytest.mark.parametrize("digits", [None, 30])
def test_results_pickle(digits):
    risk, upper = qt.excess_risk(*RUN, digits=digits), qt.upper_bound(*RUN, digits=digits)
    assert risk.bias > 0  # the parts are kept with it
    again = pickle.loads(pickle.dumps((risk, upper, qt.lower_bound(*RUN, digits=digits))))
    assert str(again[0].total) == str(risk.total)
    assert str(again[0].by_target["data"]) == str(risk.by_target["data"])
    assert again[1].form == upper.form
    assert str(again[2].total) == str(qt.lower_bound(*RUN, digits=digits).total)


def test_counterexamples_pickle():
    found = qt.falsify("risk <= 2*noise", max_examples=100)
    again = pickle.loads(pickle.dumps(found))
    assert str(again) == str(found)
    assert again.sides.left > again.sides.right


def test_functions_keep_their_precision(total):
    assert total.sqrt().rel_accuracy_bits() > 90
    assert total.log().exp().rel_accuracy_bits() > 90
    assert (total**2 - total * total).contains(0)
    assert abs(-total).rel_accuracy_bits() > 90


def test_what_is_left_of_a_difference_keeps_its_digits():
    """Its midpoint has few bits, which say nothing of what is added to it."""
    with working_bits(200):
        left = CertifiedNumber(flint.arb(flint.arb(2) ** -163, flint.arb(2) ** -160), 30)
    assert (left + 1).rel_accuracy_bits() > 30 / math.log10(2)
    assert str(left + 1) == "1.00000000000000000000000000000"
