r"""Roots of the secular equation :math:`\sum_i w_i / (a_i - b) = 1`, with w_i > 0.

They are 1 minus the eigenvalues of diag(1 - a) + u z^T with w_i = u_i z_i. With the poles a sorted,
one root lies below the first pole and one between each two neighbours (interlacing). A root may
be far closer to a pole than a number of the size of a can tell, so it is kept as its distance from
the nearer end of its interval: b = origin + offset.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from itertools import pairwise

import flint
import numpy as np

from qtheory.errors import PrecisionError
from qtheory.numbers.arithmetic import Arithmetic, Array, Balls, Intervals, Scalar
from qtheory.numbers.interval import Interval
from qtheory.numbers.precision import working_bits

__all__ = ["Root", "secular_roots"]

_MOST_ITERATIONS = 200
_START_BITS = 40
_FIRST_BITS = 64
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class Root:
    """A root b, and the exact differences a_i - b of all poles from it."""

    b: Scalar
    differences: Array


def secular_roots(
    poles: Array, weights: Array, groups: Array, arithmetic: Arithmetic
) -> list[Root]:
    """One root per distinct pole, from the smallest up.

    Parameters
    ----------
    poles, weights
        a_i > 0 and w_i > 0 with sum w_i / a_i < 1, shape (d,).
    groups
        Integers, shape (d,): equal exactly where poles are known to be equal.

    Raises
    ------
    PrecisionError
        If the order of the poles, or a root, cannot be certified at this precision.
    """
    firsts = _sorted_firsts(poles, groups)
    roots = []
    for k, upper in enumerate(firsts):
        lower = firsts[k - 1] if k else None
        # The sign at the middle says which end of the interval is the nearer one.
        from_upper = _differences(poles, groups, upper)
        gap = poles[upper] if lower is None else -from_upper[lower]
        at_middle = 1 - (weights / (from_upper + gap / 2)).sum()
        if at_middle > 0:
            origin, differences, low, high = upper, from_upper, -gap / 2, gap * 0
        elif lower is None:
            origin, differences, low, high = None, poles, gap * 0, gap / 2
        else:
            origin, low, high = lower, gap * 0, gap / 2
            differences = _differences(poles, groups, lower)
        equation = _Equation(differences, weights, origin, groups)
        offset = _solve(equation, low, high, arithmetic)
        start = 0 if origin is None else poles[origin]
        roots.append(Root(start + offset, differences - offset))
    return roots


def _sorted_firsts(poles: Array, groups: Array) -> list[int]:
    """One index per group, by increasing pole; neighbours must be certainly distinct."""
    _, firsts = np.unique(groups, return_index=True)
    order = sorted((int(i) for i in firsts), key=lambda i: float(poles[i]))
    # float sorts only roughly: neighbours closer than a float are put right here.
    for k in range(1, len(order)):
        j = k
        while j and poles[order[j]] < poles[order[j - 1]]:
            order[j], order[j - 1] = order[j - 1], order[j]
            j -= 1
    for left, right in pairwise(order):
        if not poles[left] < poles[right]:
            raise PrecisionError("two rates of decay cannot be told apart at this precision")
    return order


def _differences(poles: Array, groups: Array, origin: int) -> Array:
    """a_i - a_origin, exactly zero within the group of the origin."""
    differences = poles - poles[origin]
    differences[groups == groups[origin]] = poles[origin] * 0
    return differences


class _Equation:
    """The secular equation in the offset from its origin, with the pole there multiplied away.

    With D_i = a_i - origin and W the weight of the origin's group,
    g(offset) = offset (1 - sum' w_i / (D_i - offset)) + W, or 1 - sum w_i / (D_i - offset)
    where the origin is no pole.
    """

    def __init__(
        self, differences: Array, weights: Array, origin: int | None, groups: Array
    ) -> None:
        self.has_pole = origin is not None
        own = groups == (groups[origin] if origin is not None else -1)
        self.differences, self.weights = differences[~own], weights[~own]
        self.own_weight = weights[own].sum() if origin is not None else weights[0] * 0

    def __call__(self, offset: Scalar) -> tuple[Scalar, Scalar]:
        """g and its derivative."""
        gaps = self.differences - offset
        ratios = self.weights / gaps
        rest = 1 - ratios.sum()
        slope = (ratios / gaps).sum()
        if not self.has_pole:
            return rest, -slope
        return offset * rest + self.own_weight, rest - offset * slope

    def in_float64(self, arithmetic: Arithmetic) -> _Equation:
        """The same in float64, which is faster by far; what is out of its range is 0 or inf."""
        rounded = copy(self)
        rounded.differences = arithmetic.floats(self.differences)
        rounded.weights = arithmetic.floats(self.weights)
        rounded.own_weight = float(self.own_weight)
        return rounded


def _solve(equation: _Equation, low: Scalar, high: Scalar, arithmetic: Arithmetic) -> Scalar:
    ends = float(low), float(high)
    if isinstance(arithmetic, Intervals):
        offset = _newton(equation.in_float64(arithmetic), *ends, _EPS)
        return _certified(equation, Interval(offset), low, high, arithmetic)
    if not isinstance(arithmetic, Balls):
        return _newton(equation, low, high, _EPS)
    with np.errstate(all="ignore"):
        start = _newton(equation.in_float64(arithmetic), *ends, 2.0**-_START_BITS)
    bits = _FIRST_BITS
    with working_bits(bits):
        # a step so small leaves an error of about its square
        offset = _newton(equation, low.mid(), high.mid(), flint.arb(2) ** (-bits // 2), start)
    while bits < arithmetic.bits:
        bits = min(2 * bits - 16, arithmetic.bits)
        with working_bits(bits):
            value, slope = equation(offset)
            offset = (offset - value / slope).mid()
    return _certified(equation, offset, low, high, arithmetic)


def _newton(
    equation: _Equation,
    low: Scalar,
    high: Scalar,
    tolerance: Scalar,
    start: float | None = None,
) -> Scalar:
    """Newton's method kept inside a bracket; the sign of f is that of g at positive offsets."""
    below = bool(low < 0)
    offset = low if start is None else low * 0 + start
    if not (low < offset and offset < high):  # as where a float cannot tell it from the pole
        # Right at a pole the equation is linear to first order: offset = -W / (1 - sum').
        value, slope = equation(low * 0)
        offset = -value / slope
    if not (low < offset and offset < high):
        offset = (low + high) / 2
    for _ in range(_MOST_ITERATIONS):
        value, slope = equation(offset)
        # f decreases through its root; g = offset f where a pole was multiplied away.
        before_root = value < 0 if below and equation.has_pole else value > 0
        if before_root:
            low = _mid(offset)
        else:
            high = _mid(offset)
        following = _mid(offset - value / slope)
        if not (low <= following and following <= high):
            following = (low + high) / 2
        change = abs(following - offset)
        offset = _mid(following)
        if change <= tolerance * abs(offset):
            return offset
    return offset


def _mid(number: Scalar) -> Scalar:
    return number.mid() if isinstance(number, flint.arb) else number


def _certified(
    equation: _Equation, offset: Scalar, low: Scalar, high: Scalar, arithmetic: Arithmetic
) -> Scalar:
    """An enclosure of the root, by the interval Newton theorem, inside the bracket."""
    value, slope = equation(offset)
    radius = 4 * (value / slope).abs_upper() + offset.abs_upper() / 2 ** arithmetic.precision()
    for _ in range(4):
        ball = arithmetic.enclosure(offset, radius)
        _, slope_over_ball = equation(ball)
        image = offset - value / slope_over_ball
        if image.is_finite() and ball.contains_interior(image) and low <= ball and ball <= high:
            return image
        radius = 8 * radius
    raise PrecisionError("a root of the secular equation cannot be certified at this precision")
