"""Digits are raised until certified, and refused rather than guessed."""

import flint
import pytest

import qtheory as qt
from qtheory.numbers.certify import certified, outward


def test_precision_is_raised_through_cancellation():
    def cancelling(arithmetic):
        third = flint.arb(1) / 3
        return (third + flint.arb("1e-200")) - third

    result = certified(cancelling, 20, judged=lambda ball: [[ball]])
    assert result.rel_accuracy_bits() >= 66


def test_a_limit_stops_what_cannot_be_certified():
    def hopeless(arithmetic):
        return flint.arb(1, "1e-3")

    with pytest.raises(qt.PrecisionError, match="digits is 20"):
        certified(hopeless, 20, judged=lambda ball: [[ball]])


def test_a_true_zero_is_accepted_beside_a_larger_number():
    def with_zero(arithmetic):
        third = flint.arb(1) / 3
        return third, third - third

    _, zero = certified(with_zero, 20, judged=lambda pair: [pair])
    assert zero.contains(0)
    assert zero.abs_upper() < flint.arb("1e-40")


def test_a_number_in_a_group_of_its_own_has_digits_or_none():
    """Beside the first total of a curve the last one may be as small as nothing; it is no zero."""

    def falling(arithmetic):
        third = flint.arb(1) / 3
        return third, (third + flint.arb("1e-30")) - third

    _, small = certified(falling, 2, judged=lambda pair: [pair])
    assert small.rel_accuracy_bits() < 7  # accepted as 0 beside 1/3
    _, small = certified(falling, 2, judged=lambda pair: [[each] for each in pair])
    assert small.rel_accuracy_bits() >= 7


@pytest.mark.parametrize("number", [flint.arb(1) / 3, flint.arb(-2), flint.arb(0, "1e-3")])
def test_outward_encloses(number):
    low, high = outward(number, upward=False), outward(number, upward=True)
    assert flint.arb(low) <= number.lower()
    assert flint.arb(high) >= number.upper()
    assert high - low <= 4e-16 * abs(high) + 2 * float(number.rad()) * 1.01
