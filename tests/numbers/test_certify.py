"""Digits are raised until certified, and refused rather than guessed."""

import flint
import pytest

import qtheory as qt
from qtheory.numbers.certify import certified


def test_precision_is_raised_through_cancellation():
    def cancelling(arithmetic):
        third = flint.arb(1) / 3
        return (third + flint.arb("1e-200")) - third

    result = certified(cancelling, 20, judged=lambda ball: [ball])
    assert result.rel_accuracy_bits() >= 66


def test_a_limit_stops_what_cannot_be_certified():
    def hopeless(arithmetic):
        return flint.arb(1, "1e-3")

    with pytest.raises(qt.PrecisionError, match="digits is 20"):
        certified(hopeless, 20, judged=lambda ball: [ball])


def test_a_true_zero_is_accepted_beside_a_larger_number():
    def with_zero(arithmetic):
        third = flint.arb(1) / 3
        return third, third - third

    _, zero = certified(with_zero, 20, judged=list)
    assert zero.contains(0)
    assert zero.abs_upper() < flint.arb("1e-40")
