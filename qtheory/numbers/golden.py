"""The minimum of a function that falls and then rises, by golden sections."""

from __future__ import annotations

import math
from collections.abc import Callable

_SHARE = (math.sqrt(5) - 1) / 2


def minimum(
    function: Callable[[float], float], low: float, high: float, accuracy: float
) -> tuple[float, float]:
    """Where a function with one minimum between two numbers has it, and its value.

    One value more is asked for each time that the bracket shrinks by 0.618.

    >>> place, value = minimum(lambda x: (x - 2) ** 2, 0, 5, 1e-6)
    >>> round(place, 5), round(value, 9)
    (2.0, 0.0)
    """
    left, right = high - _SHARE * (high - low), low + _SHARE * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > accuracy:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _SHARE * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _SHARE * (high - low)
            at_right = function(right)
    return (left, at_left) if at_left <= at_right else (right, at_right)
