r"""Roots of the secular equation :math:`\sum_i w_i / (a_i - b) = 1`, with w_i > 0.

They are 1 minus the eigenvalues of diag(1 - a) + u z^T with w_i = u_i z_i. With the poles a sorted,
one root lies below the first pole and one between each two neighbours (interlacing). A root may
be far closer to a pole than a number of the size of a can tell, so it is kept as its distance from
the nearer end of its interval: b = origin + offset. For the first interval 0 is taken for a pole
without weight.

All roots are found at once, in blocks of matrices with one row for each root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

import flint
import numpy as np

from qtheory.errors import PrecisionError
from qtheory.numbers.arithmetic import Arithmetic, Array, Balls, Intervals, Scalar
from qtheory.numbers.interval import Interval
from qtheory.numbers.precision import working_bits

_MOST_ITERATIONS = 200
_START_BITS = 40
_FIRST_BITS = 64
_EPS = float(np.finfo(float).eps)
#: Entries of a matrix that is worked on at once: few enough for the cache of a processor.
_ENTRIES_OF_A_BLOCK = 2**14

IntArray = np.ndarray[Any, np.dtype[np.integer[Any]]]


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of the rows of a matrix that are worked on at once."""
    most = max(1, _ENTRIES_OF_A_BLOCK // max(1, columns))
    for start in range(0, rows, most):
        yield slice(start, min(start + most, rows))


def sums_within(values: Array, groups: IntArray) -> Array:
    """For every entry the sum of the values in its group."""
    sums = values + 0
    numbers, counts = np.unique(groups, return_counts=True)
    for number in numbers[counts > 1]:
        sums[groups == number] = values[groups == number].sum()
    return sums


@dataclass(frozen=True, eq=False)
class Roots:
    """Roots b, and the exact differences a_i - b of all poles from them."""

    poles: Array  # a_i less the part that all share
    common: Scalar
    ends: Array  # 0 and the distinct poles, from the smallest up, less that part
    positions: IntArray  # of the poles among the ends
    origins: IntArray  # of every root: the position of the nearer end of its interval
    offsets: Array  # b - origin

    def __len__(self) -> int:
        return len(self.origins)

    def __getitem__(self, rows: slice) -> Roots:
        origins, offsets = self.origins[rows], self.offsets[rows]
        return Roots(self.poles, self.common, self.ends, self.positions, origins, offsets)

    @property
    def b(self) -> Array:
        """The roots, shape (roots,)."""
        ends = self.ends + self.common
        ends[0] = ends[0] * 0
        return ends[self.origins] + self.offsets

    @property
    def differences(self) -> Array:
        """a_i - b in a row for each root b, shape (roots, d)."""
        differences = self.poles - self.ends[self.origins, None]
        differences[self.positions == self.origins[:, None]] = 0
        return differences - self.offsets[:, None]


def secular_roots(
    poles: Array, common: Scalar, weights: Array, groups: IntArray, arithmetic: Arithmetic
) -> Roots:
    """One root per distinct pole, from the smallest up.

    Parameters
    ----------
    poles, common, weights
        a_i = poles_i + common > 0 and w_i > 0 with sum w_i / a_i < 1; shapes (d,), () and (d,).
        The part that all share takes no digits from the differences of poles that nearly coincide.
    groups
        Integers, shape (d,): equal exactly where poles are known to be equal.

    Raises
    ------
    PrecisionError
        If the order of the poles, or a root, cannot be certified at this precision.
    """
    _, firsts, members = np.unique(groups, return_index=True, return_inverse=True)
    order = _order(poles[firsts], arithmetic)
    positions = np.empty(len(order), dtype=np.int64)
    positions[order] = np.arange(1, len(order) + 1)
    ends = _after(-common, poles[firsts[order]])
    masses = _after(common * 0, sums_within(weights, groups)[firsts[order]])
    origins, offsets = np.empty(len(order), dtype=np.int64), poles[firsts] * 0
    for rows in blocks(len(order), len(ends)):
        uppers = np.arange(rows.start, rows.stop) + 1
        origins[rows] = _nearer(ends, masses, uppers, arithmetic)
        offsets[rows] = _offsets(ends, masses, uppers, origins[rows], arithmetic)
    return Roots(poles, common, ends, positions[members], origins, offsets)


def _order(poles: Array, arithmetic: Arithmetic) -> IntArray:
    """The distinct poles from the smallest up; neighbours must be certainly distinct."""

    def is_sorted() -> bool:
        return bool(np.all(poles[order[:-1]] < poles[order[1:]]))

    def compared(i: int, j: int) -> int:
        return bool(poles[i] > poles[j]) - bool(poles[i] < poles[j])

    order = np.argsort(arithmetic.floats(poles), kind="stable")
    if not is_sorted():  # neighbours closer than a float
        order = np.array(sorted(order, key=cmp_to_key(compared)))
        if not is_sorted():
            raise PrecisionError("two rates of decay cannot be told apart at this precision")
    return order


def _after(first: Scalar, values: Array) -> Array:
    extended = values[np.append(0, np.arange(len(values)))]
    extended[0] = first
    return extended


@dataclass(frozen=True, eq=False)
class _Equations:
    """The secular equation in the offset from an origin, with the pole there multiplied away.

    With D_i = a_i - origin and W the weight of the origin, a row is
    g(offset) = offset (1 - sum' w_i / (D_i - offset)) + W.
    """

    differences: Array  # D, with anything but the offset in the place of 0
    weights: Array
    origins: IntArray

    def __getitem__(self, rows: Any) -> _Equations:
        return _Equations(self.differences[rows], self.weights, self.origins[rows])

    def __call__(self, offset: Array) -> tuple[Array, Array]:
        """g and its derivative."""
        gaps = self.differences - offset[:, None]
        ratios = self._ratios(gaps)
        rest = 1 - ratios.sum(axis=1)
        slope = (ratios / gaps).sum(axis=1)
        return offset * rest + self.weights[self.origins], rest - offset * slope

    def value(self, offset: Array) -> Array:
        """g alone."""
        rest = 1 - self._ratios(self.differences - offset[:, None]).sum(axis=1)
        return offset * rest + self.weights[self.origins]

    def _ratios(self, gaps: Array) -> Array:
        ratios = self.weights / gaps
        ratios[np.arange(len(self.origins)), self.origins] = 0
        return ratios

    def in_float64(self, arithmetic: Arithmetic) -> _Equations:
        """The same in float64, which is faster by far; what is out of its range is 0 or inf."""
        floats = arithmetic.floats
        return _Equations(floats(self.differences), floats(self.weights), self.origins)


def _equations(ends: Array, weights: Array, uppers: IntArray, origins: IntArray) -> _Equations:
    """For the roots between each of the uppers and the end before it."""
    differences = ends - ends[origins, None]
    # the own pole would stand at 0: its ratio does not count, but must not be 0 / 0
    other = np.where(origins == uppers, uppers - 1, uppers)
    differences[np.arange(len(origins)), origins] = ends[origins] - ends[other]
    return _Equations(differences, weights, origins)


def _nearer(ends: Array, weights: Array, uppers: IntArray, arithmetic: Arithmetic) -> IntArray:
    """The nearer end of each interval, by the sign at its middle; the other one is no mistake."""
    if isinstance(arithmetic, Intervals):
        ends, weights = arithmetic.floats(ends), arithmetic.floats(weights)
    few = Balls(bits=_FIRST_BITS) if isinstance(arithmetic, Balls) else arithmetic
    with few.working():
        half = (ends[uppers - 1] - ends[uppers]) / 2
        value = _equations(ends, weights, uppers, uppers).value(half)
    return np.where(value < 0, uppers, uppers - 1)


def _offsets(
    ends: Array, weights: Array, uppers: IntArray, origins: IntArray, arithmetic: Arithmetic
) -> Array:
    """The roots less their origins, which are the nearer ends of their intervals."""
    equations = _equations(ends, weights, uppers, origins)
    low, high = ends[uppers - 1] - ends[uppers], ends[uppers] - ends[uppers - 1]
    for bound, is_origin in ((low, origins < uppers), (high, origins == uppers)):
        bound[is_origin] = bound[is_origin] * 0
    if not isinstance(arithmetic, Balls | Intervals):
        return _newton(equations, low / 2, high / 2, _EPS)[0]
    floats, rounded = arithmetic.floats, equations.in_float64(arithmetic)
    # a step so small leaves an error of about its square
    with np.errstate(all="ignore"):
        start, slope = _newton(rounded, floats(low) / 2, floats(high) / 2, 2.0**-_START_BITS)
    if isinstance(arithmetic, Intervals):
        return _certified(equations, Interval(start), slope, low, high, arithmetic)
    bits, middles = _FIRST_BITS, (_midpoints(low) / 2, _midpoints(high) / 2)
    with working_bits(bits):
        offset, slope = _newton(equations, *middles, flint.arb(2) ** (-bits // 2), start)
    while bits < arithmetic.bits:
        bits = min(2 * bits - 16, arithmetic.bits)
        with working_bits(bits):
            value, slope = equations(offset)
            offset = _midpoints(offset - value / slope)
    return _certified(equations, offset, slope, low, high, arithmetic)


def _newton(
    equations: _Equations,
    low: Array,
    high: Array,
    tolerance: Scalar,
    start: Array | None = None,
) -> tuple[Array, Array]:
    """Newton's method kept inside brackets, until it moves no root by more than the tolerance.

    The offsets, and the slopes one step before.
    """
    offset = low * 0 + (0 if start is None else start)
    inside = (low < offset) & (offset < high)
    if not inside.all():  # as where a float cannot tell it from the pole
        # Right at a pole the equation is linear to first order: offset = -W / (1 - sum').
        value, slope = equations(low * 0)
        offset = np.where(inside, offset, _midpoints(-value / slope))
        inside = (low < offset) & (offset < high)
        offset = np.where(inside, offset, _midpoints((low + high) / 2))
    found, slopes, rows = offset * 0, offset * 0, np.arange(len(offset))
    for _ in range(_MOST_ITERATIONS):
        value, slope = equations(offset)
        # f decreases through its root, and g = offset f
        is_before = (value > 0) == (offset > 0)
        low, high = np.where(is_before, offset, low), np.where(is_before, high, offset)
        step = _midpoints(offset - value / slope)
        inside = (low <= step) & (step <= high)
        following: Array = np.where(inside, step, _midpoints((low + high) / 2))
        found[rows], slopes[rows] = following, slope
        goes_on = abs(following - offset) > tolerance * abs(following)
        if not goes_on.any():
            break
        equations, rows = equations[goes_on], rows[goes_on]
        low, high, offset = low[goes_on], high[goes_on], following[goes_on]
    return found, slopes


def _midpoints(numbers: Array) -> Array:
    if len(numbers) and isinstance(numbers[0], flint.arb):
        return np.array([number.mid() for number in numbers])
    return numbers


def _certified(
    equations: _Equations,
    offset: Array,
    slope: Array,
    low: Array,
    high: Array,
    arithmetic: Arithmetic,
) -> Array:
    """Enclosures of the roots, by the interval Newton theorem, between their neighbouring ends.

    The slopes are guesses that say how large an interval to try.
    """
    value = equations.value(offset)
    radius = 4 * abs(value / slope) + abs(offset) / 2 ** arithmetic.precision()
    for _ in range(4):
        ball = arithmetic.enclosure(offset, radius)
        _, slope_over_ball = equations(ball)
        image = offset - value / slope_over_ball
        if np.all(arithmetic.is_inside(image, ball) & (low < ball) & (ball < high)):
            return image
        radius = 8 * radius
    raise PrecisionError("a root of the secular equation cannot be certified at this precision")
