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

# Twice the unit roundoff.
_EPS = 2.0**-52
#: Radii are sums of products of positive numbers, rounded to nearest themselves: a long chain of
#: them is off by far less than a hundredth, which is added where a radius is judged.
SLACK = 1.01
# More than some roundings next to 0 take away, in a result and in its radius.
_SMALLEST = 2e-323
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
        # one number is a NumPy scalar: an array without axes takes several times as long
        self.midpoint = np.asarray(midpoint, dtype=np.float64)[()]
        self.radius = (np.zeros_like(self.midpoint) if radius is None else np.asarray(radius))[()]

    # -- arithmetic -------------------------------------------------------------------------

    def __neg__(self) -> Interval:
        return _made(-self.midpoint, self.radius)

    def __abs__(self) -> Interval:
        return _made(abs(self.midpoint), self.radius)

    def __add__(self, other: Any) -> Interval:
        middle, radius = _parts(other)
        total = self.midpoint + middle
        return _made(total, _spread(abs(total), self.radius, radius))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Interval:
        middle, radius = _parts(other)
        total = self.midpoint - middle
        return _made(total, _spread(abs(total), self.radius, radius))

    def __rsub__(self, other: Any) -> Interval:
        middle, radius = _parts(other)
        total = middle - self.midpoint
        return _made(total, _spread(abs(total), self.radius, radius))

    def __mul__(self, other: Any) -> Interval:
        if not isinstance(other, _OPERANDS):  # a matrix knows how it is multiplied
            return NotImplemented
        middle, radius = _parts(other)
        product, factor = self.midpoint * middle, abs(middle)
        size = abs(product)
        lost = _lost_to_underflow(size, (self.midpoint, self.radius), (factor, radius))
        if radius is None:
            return _made(product, _spread(size, self.radius * factor, lost))
        of_other = abs(self.midpoint) * radius
        return _made(product, _spread(size, self.radius * (factor + radius), of_other, lost))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Interval:
        return _quotient((self.midpoint, self.radius), _parts(other))

    def __rtruediv__(self, other: Any) -> Interval:
        return _quotient(_parts(other), (self.midpoint, self.radius))

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

    def sum(self, axis: int | None = None) -> Interval:
        """The sum of all entries, or along one axis."""
        spread = _roundings(self.midpoint, axis) * _EPS * abs(self.midpoint).sum(axis)
        return _made(self.midpoint.sum(axis), spread + self.radius.sum(axis))

    def __matmul__(self, other: Any) -> Interval:
        """The product of two vectors, or of a matrix and a vector."""
        return _product(self, Interval(*_parts(other)))

    def __rmatmul__(self, other: Any) -> Interval:
        return _product(Interval(*_parts(other)), self)

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
        exact = self.radius == 0 if radius is None else (self.radius == 0) & (radius == 0)
        return exact & (self.midpoint == middle)

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
        middle, radius = _parts(value)
        self.midpoint[index], self.radius[index] = middle, 0.0 if radius is None else radius

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
    """Midpoint and radius of an operand; None is the radius of an exact one."""
    if isinstance(number, Interval):
        return number.midpoint, number.radius
    if isinstance(number, int) and abs(number) > 2**53:
        return float(number), abs(float(number)) * _EPS
    return number, None


def _spread(size: Any, *radii: Any) -> Any:
    """The radius of a number of this size that was rounded once and was off by these already.

    The array of sizes is overwritten: much of the time goes into moving memory.
    """
    size *= _EPS
    for radius in radii:
        if radius is not None:
            size += radius
    return size


def _least(sizes: Any) -> float:
    if isinstance(sizes, float):
        return sizes
    return float(sizes.item(sizes.argmin())) if sizes.size else math.inf


def _may_differ_from_zero(number: tuple[Any, Any]) -> Any:
    middle, radius = number
    return (abs(middle) if radius is None else abs(middle) + radius) > 0


def _lost_to_underflow(size: Any, left: tuple[Any, Any], right: tuple[Any, Any]) -> Any:
    """By how much products or quotients near 0 are off, unless they are 0 because a factor is."""
    if _least(size) >= _NEAR_UNDERFLOW:
        return None
    return _SMALLEST * (_may_differ_from_zero(left) & _may_differ_from_zero(right))


def _quotient(dividend: tuple[Any, Any], divisor: tuple[Any, Any]) -> Interval:
    (above, above_radius), (below, radius) = dividend, divisor
    quotient, least = above / below, abs(below)
    size = abs(quotient)
    lost = _lost_to_underflow(size, dividend, divisor)
    if radius is None:
        known = least > 0
        spread = None if above_radius is None else above_radius / least
    else:
        least = least - radius
        # else the divisor may be 0, or its radius is rounded too much
        known = radius < least
        spread = size * (radius / least)
        if above_radius is not None:
            spread += above_radius / least
    spread = _spread(size, spread, lost)
    if not (known.all() if isinstance(known, np.ndarray) else known):
        quotient, spread = np.where(known, quotient, 0.0), np.where(known, spread, np.inf)
    return _made(quotient, spread)


def _roundings(terms: FloatArray, axis: int | None) -> float:
    """How many roundings there are at most between a term and the sum."""
    count = terms.size if axis is None else terms.shape[axis]
    if terms.ndim == 1 or (terms.flags.c_contiguous and axis != 0):
        return _LEVELS_OF_A_BLOCK + math.log2(max(1, count))
    return float(count)  # one after the other


def _product(left: Interval, right: Interval) -> Interval:
    """The matrix product, if one of the two is a vector.

    Radii come from sums of positive numbers, which may be rounded in any order; midpoints of long
    rows are summed as a tree.
    """
    if right.midpoint.ndim == 1:
        terms = left.midpoint * right.midpoint
        middle, roundings = terms.sum(axis=-1), _roundings(terms, -1)
    else:
        middle, roundings = left.midpoint @ right.midpoint, float(len(left))
    here, there = abs(left.midpoint), abs(right.midpoint)
    size = here @ there
    spread = left.radius @ (there + right.radius) + here @ right.radius
    if _least(size) < _NEAR_UNDERFLOW:
        may_be_lost = (here + left.radius > 0) @ (there + right.radius > 0)
        spread = spread + len(right) * _SMALLEST * may_be_lost
    return _made(middle, spread + (roundings + 1) * _EPS * size)


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
