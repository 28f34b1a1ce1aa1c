"""Float64 that knows its own rounding errors: midpoint-radius intervals, a whole array at once.

An :class:`Interval` holds midpoints and radii, two arrays of float64 of one shape. Every operation
rounds its midpoint to nearest and adds to the radius what the rounding, and the radii of the
operands, can have changed; so where terms cancel, the radius stays while the midpoint goes, and a
difference of numbers that cannot be told apart is an interval around 0. It costs some five times
float64, and no agreement of two roundings of one formula is taken for evidence.

Basic operations are taken as IEEE 754 has them, exp, log and powers as good to 8 units in the last
place. Certified digits are the business of :class:`~qtheory.numbers.arithmetic.Balls`.

Source: S. M. Rump, *Fast and parallel interval arithmetic*, BIT 39 (1999).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["Interval"]

# Twice the unit roundoff.
_EPS = 2.0**-52
#: Radii are sums of products of positive numbers, rounded to nearest themselves: a long chain of
#: them is off by far less than a hundredth, which is added where a radius is judged.
SLACK = 1.01
_SMALLEST = 5e-324
# Products nearer to 0 than this may have lost bits to underflow.
_NEAR_UNDERFLOW = 1e-290
# A sum of n terms in NumPy is a tree: blocks of 128 by eight, then halves.
_LEVELS_OF_A_BLOCK = 24
_ULPS_OF_A_FUNCTION = 8

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


class Interval:
    """Real numbers known to lie within ``radius`` of ``midpoint``; an array of them, or one.

    Comparisons are certain: ``x < y`` holds if every number of x is below every number of y.

    >>> third = Interval(np.array([1.0])) / 3
    >>> difference = third * 3 - 1
    >>> float(difference[0]), bool(abs(difference.radius[0]) < 1e-15), bool(difference[0] == 0)
    (0.0, True, False)
    """

    __slots__ = ("midpoint", "radius")
    # NumPy hands "array * interval" to __rmul__ instead of looping over it
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    midpoint: FloatArray
    radius: FloatArray

    def __init__(self, midpoint: Any, radius: Any = None) -> None:
        self.midpoint = np.asarray(midpoint, dtype=np.float64)
        self.radius = np.zeros_like(self.midpoint) if radius is None else np.asarray(radius)

    # -- arithmetic -------------------------------------------------------------------------

    def __neg__(self) -> Interval:
        return _made(-self.midpoint, self.radius)

    def __abs__(self) -> Interval:
        return _made(np.abs(self.midpoint), self.radius)

    def __add__(self, other: Any) -> Interval:
        middle, radius = _parts(other)
        total = self.midpoint + middle
        return _made(total, self.radius + radius + _EPS * np.abs(total))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Interval:
        middle, radius = _parts(other)
        total = self.midpoint - middle
        return _made(total, self.radius + radius + _EPS * np.abs(total))

    def __rsub__(self, other: Any) -> Interval:
        return -self + other

    def __mul__(self, other: Any) -> Interval:
        if not isinstance(other, _OPERANDS):  # a matrix knows how it is multiplied
            return NotImplemented
        middle, radius = _parts(other)
        product = self.midpoint * middle
        size = np.abs(product)
        spread = self.radius * (np.abs(middle) + radius) + np.abs(self.midpoint) * radius
        spread = spread + _EPS * size
        if size.size and np.minimum.reduce(size, axis=None) < _NEAR_UNDERFLOW:
            spread = spread + _SMALLEST * _may_be_lost(self, middle, radius)
        return _made(product, spread)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Interval:
        middle, radius = _parts(other)
        quotient = self.midpoint / middle
        size, divisor = np.abs(quotient), np.abs(middle)
        known = (
            radius <= divisor / 2
        )  # else the divisor may be 0, or its radius is rounded too much
        spread = (self.radius + size * radius) / (divisor - radius) + _EPS * size
        if size.size and np.minimum.reduce(size, axis=None) < _NEAR_UNDERFLOW:
            spread = spread + _SMALLEST * _may_be_lost(self, middle, radius)
        if not (known & (divisor > 0)).all():
            known = known & (divisor > 0)
            quotient, spread = np.where(known, quotient, 0.0), np.where(known, spread, np.inf)
        return _made(quotient, spread)

    def __rtruediv__(self, other: Any) -> Interval:
        return Interval(*_parts(other)) / self

    def __pow__(self, exponent: int) -> Interval:
        """For a whole exponent >= 0 and entries of any sign."""
        if exponent == 2:  # what moments need, and one rounding
            return self * self
        size = np.abs(self.midpoint)
        # the base is rounded, and a high power makes much of it
        largest = np.power((size + self.radius * SLACK) * (1 + _EPS), float(exponent))
        least = np.power(np.maximum(size - self.radius * SLACK, 0.0) * (1 - _EPS), float(exponent))
        value = np.power(size, float(exponent))
        sign = np.sign(self.midpoint) if exponent % 2 else 1.0
        spread = np.where(self.radius > 0, np.maximum(largest - value, value - least), 0.0)
        rounding = _ULPS_OF_A_FUNCTION * _EPS * largest + _SMALLEST * (size + self.radius > 0)
        return _made(sign * value, spread + rounding)

    def sum(self) -> Interval:
        """The sum of all entries."""
        levels = _LEVELS_OF_A_BLOCK + math.log2(max(1, self.midpoint.size))
        rounding = levels * _EPS * np.abs(self.midpoint).sum()
        return _made(self.midpoint.sum(), self.radius.sum() + rounding)

    def __matmul__(self, other: Any) -> Interval:
        return (self * other).sum()

    def __rmatmul__(self, other: Any) -> Interval:
        return (self * other).sum()

    # -- functions of one real variable -----------------------------------------------------

    def exp(self) -> Interval:
        """The exponential function of every entry."""
        value = np.exp(self.midpoint)
        return _of_function(value, value * np.expm1(self.radius * SLACK))

    def expm1(self) -> Interval:
        """exp(x) - 1 of every entry x."""
        spread = np.exp(self.midpoint) * np.expm1(self.radius * SLACK)
        return _of_function(np.expm1(self.midpoint), spread)

    def log(self) -> Interval:
        """The natural logarithm of every entry; unknown where an entry may be near 0 or less."""
        relative = _relative(self)
        value = np.log(np.where(np.isfinite(relative), self.midpoint, 1.0))
        return _of_function(value, relative)

    def log1p(self) -> Interval:
        """log(1 + x) of every entry x; unknown where an entry may be near -1 or less."""
        relative = _relative(1 + self)
        value = np.log1p(np.where(np.isfinite(relative), self.midpoint, 0.0))
        # what 1 + x rounds away is no part of the argument
        own = self.radius / np.maximum(1 + self.midpoint - self.radius, 0.1)
        return _of_function(value, np.where(np.isfinite(relative), own, np.inf))

    def power(self, exponent: Interval) -> Interval:
        """Every entry to a real exponent; unknown where an entry may be near 0 or less."""
        relative = _relative(self)
        middle = np.where(np.isfinite(relative), self.midpoint, 1.0)
        value = np.power(middle, exponent.midpoint)
        change = (np.abs(exponent.midpoint) + exponent.radius) * relative
        change = change + np.abs(np.log(middle)) * exponent.radius
        return _of_function(value, value * np.expm1(change * SLACK))

    # -- comparisons ------------------------------------------------------------------------

    def __lt__(self, other: Any) -> Any:
        return (-self) > -other

    def __gt__(self, other: Any) -> Any:
        difference = self - other
        return difference.midpoint > difference.radius * SLACK

    def __le__(self, other: Any) -> Any:
        return (self < other) | (self == other)

    def __ge__(self, other: Any) -> Any:
        return (self > other) | (self == other)

    def __eq__(self, other: Any) -> Any:
        """Whether both are single numbers, and the same."""
        middle, radius = _parts(other)
        return (self.radius == 0) & (radius == 0) & (self.midpoint == middle)

    def __ne__(self, other: Any) -> Any:
        """Whether they are certainly different."""
        return (self < other) | (self > other)

    # -- as a container, and in the words of ``flint.arb`` -------------------------------------

    def __len__(self) -> int:
        return len(self.midpoint)

    def __iter__(self) -> Iterator[Interval]:
        return map(_made, self.midpoint, self.radius)

    def __getitem__(self, index: Any) -> Interval:
        return _made(self.midpoint[index], self.radius[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.midpoint[index], self.radius[index] = _parts(value)

    def __float__(self) -> float:
        return float(self.midpoint)

    def __repr__(self) -> str:
        return f"Interval({self.midpoint}, {self.radius})"

    def mid(self) -> Interval:
        """The midpoint as an exact number."""
        return Interval(self.midpoint)

    def abs_upper(self) -> Interval:
        """No entry is larger in absolute value."""
        return Interval((np.abs(self.midpoint) + self.radius) * SLACK)

    def is_finite(self) -> Any:
        """Whether a number is known at all."""
        return np.isfinite(self.midpoint) & np.isfinite(self.radius)

    def contains_interior(self, other: Interval) -> Any:
        """Whether the other lies inside, away from both ends."""
        distance = np.abs(self.midpoint - other.midpoint)
        return (distance + other.radius) * SLACK < self.radius


_OPERANDS = (Interval, int, float, np.number, np.ndarray)


def _made(midpoint: Any, radius: Any) -> Interval:
    """An interval of what NumPy has just computed."""
    interval = Interval.__new__(Interval)
    interval.midpoint, interval.radius = midpoint, radius
    return interval


def _parts(number: Any) -> tuple[Any, Any]:
    """Midpoint and radius of an operand."""
    if isinstance(number, Interval):
        return number.midpoint, number.radius
    if isinstance(number, int) and abs(number) > 2**53:
        return float(number), abs(float(number)) * _EPS
    return number, 0.0


def _may_be_lost(left: Interval, middle: Any, radius: Any) -> Any:
    """Where a product or quotient that is 0 may come of numbers that are not."""
    return (np.abs(left.midpoint) + left.radius > 0) & (np.abs(middle) + radius > 0)


def _relative(number: Interval) -> FloatArray:
    """By how much the logarithm can be off; infinite where half of the number is not known."""
    known = number.radius <= number.midpoint / 2
    known = known & (number.midpoint > 0)
    ratio = np.where(known, number.radius, 0.0) / np.where(known, number.midpoint, 1.0)
    relative: FloatArray = np.where(known, -np.log1p(-ratio * SLACK), np.inf)
    return relative


def _of_function(midpoint: Any, radius: Any) -> Interval:
    rounding = np.abs(midpoint) * (_ULPS_OF_A_FUNCTION * _EPS) + _SMALLEST
    return _made(midpoint, radius + rounding)
