"""Certified digits: repeat a ball computation with more bits until its digits are certain."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import flint

from qtheory.errors import PrecisionError
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.exact import whole

__all__ = ["MOST_DIGITS", "certified", "checked_digits", "is_good"]

MOST_DIGITS = 10_000
_MOST_BITS = 400_000
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
    judged: Callable[[Result], list[flint.arb]],
    first_bits: int | None = None,
    more_bits: Callable[[int], int] = lambda bits: 2 * bits,
) -> Result:
    """The result of ``compute`` at the first precision where every judged ball is good.

    A ball is good if its relative accuracy is at least ``digits``, or if it contains zero and
    is narrower than 10^(-2 digits) of the largest judged ball (an exact zero computed as a
    difference would otherwise never be accepted).

    ``first_bits`` is the first precision to try, by default that of the digits and 64 more;
    ``more_bits`` gives the next one.

    Raises
    ------
    PrecisionError
        If the precision limit is reached first.
    """
    wanted = math.ceil(digits * _BITS_PER_DIGIT) + 1
    bits = wanted + 64 if first_bits is None else first_bits
    while bits <= _MOST_BITS:
        arithmetic = Balls(bits=bits)
        with arithmetic.working():
            try:
                result = compute(arithmetic)
            except PrecisionError:
                bits = more_bits(bits)
                continue
            balls = judged(result)
            if all(ball.is_finite() for ball in balls) and all(
                is_good(ball, balls, wanted, digits) for ball in balls
            ):
                return result
        bits = more_bits(bits)
    raise PrecisionError(
        f"digits is {digits}, but they could not be certified with {_MOST_BITS} bits"
    )


def is_good(ball: flint.arb, balls: list[flint.arb], wanted: int, digits: int) -> bool:
    """Whether a ball has ``wanted`` bits, or is 0 beside the largest ball to 2 ``digits``."""
    if ball.is_exact() or ball.rel_accuracy_bits() >= wanted:
        return True
    largest = max(other.abs_lower() for other in balls)
    return bool(ball.contains(0) and ball.abs_upper() < largest * flint.arb(10) ** (-2 * digits))
