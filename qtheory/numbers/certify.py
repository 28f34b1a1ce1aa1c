"""Certified digits: repeat a ball computation with more bits until its digits are certain."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import flint

from qtheory.errors import InexactInputError, PrecisionError
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.exact import whole
from qtheory.numbers.interval import SLACK, Interval
from qtheory.numbers.precision import working_bits

MOST_DIGITS = 10_000
_MOST_BITS = 400_000
_BITS_OF_AN_END = 128
_BITS_PER_DIGIT = math.log2(10)

Result = TypeVar("Result")


def checked_digits(digits: int | None) -> int | None:
    """The digits asked for, if they are None (float64) or a whole number within the limit."""
    if digits is None:
        return None
    allowed = f"None (float64) or a whole number from 1 to {MOST_DIGITS}"
    return whole(digits, "digits", 1, MOST_DIGITS, allowed)


def certified(
    compute: Callable[[Balls], Result],
    digits: int,
    judged: Callable[[Result], Sequence[Sequence[flint.arb]]],
    first_bits: int | None = None,
    more_bits: Callable[[int], int] = lambda bits: 2 * bits,
) -> Result:
    """The result of ``compute`` at the first precision where every judged ball is good.

    The balls are judged in groups. A ball is good if its relative accuracy is at least ``digits``,
    or if it contains zero and is narrower than 10^(-2 digits) of the largest ball of its group (an
    exact zero computed as a difference would otherwise never be accepted). One that is a group of
    its own must have its digits, or be 0 exactly.

    ``first_bits`` is the first precision to try, by default that of the digits and 64 more;
    ``more_bits`` gives the next one.

    Raises
    ------
    PrecisionError
        If the precision limit is reached first, or the input is not known to so many digits.
    """
    wanted = wanted_bits(digits)
    bits = wanted + 64 if first_bits is None else first_bits
    while bits <= _MOST_BITS:
        arithmetic = Balls(bits=bits)
        with arithmetic.working():
            try:
                result = compute(arithmetic)
            except InexactInputError:
                raise  # more bits are of no use
            except PrecisionError:
                bits = more_bits(bits)
                continue
            if all_certified(judged(result), wanted, digits):
                return result
        bits = more_bits(bits)
    raise PrecisionError(
        f"digits is {digits}, but they could not be certified with {_MOST_BITS} bits"
    )


def wanted_bits(digits: int) -> int:
    """The relative accuracy, in bits, of so many digits."""
    return math.ceil(digits * _BITS_PER_DIGIT) + 1


def all_certified(groups: Sequence[Sequence[flint.arb]], wanted: int, digits: int) -> bool:
    """Whether each ball has ``wanted`` bits, or is 0 beside the largest of its group."""
    return all(
        ball.is_finite() and _is_good(ball, balls, wanted, digits)
        for balls in groups
        for ball in balls
    )


def _is_good(ball: flint.arb, balls: Sequence[flint.arb], wanted: int, digits: int) -> bool:
    if ball.is_exact() or ball.rel_accuracy_bits() >= wanted:
        return True
    largest = max(other.abs_lower() for other in balls)
    return bool(ball.contains(0) and ball.abs_upper() < largest * flint.arb(10) ** (-2 * digits))


def outward(number: Interval | flint.arb, upward: bool) -> float:
    """The nearest float64 above all that an interval or a ball may be, or below it.

    >>> third = flint.arb(1) / 3
    >>> outward(third, upward=False) < third < outward(third, upward=True)
    True
    """
    sign = 1 if upward else -1
    if isinstance(number, Interval):
        if number.radius == 0:
            return float(number.midpoint)
        end = float(number.midpoint + sign * SLACK * number.radius)
    else:
        if number.is_exact() and flint.arb(float(number)) == number:
            return float(number)
        with working_bits(_BITS_OF_AN_END):  # whatever the precision of the process is
            end = float(number.upper() if upward else number.lower())
    return math.nextafter(end, sign * math.inf)
