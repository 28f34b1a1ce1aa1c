"""What a computation of the risk costs: estimated seconds, and what is too much."""

from __future__ import annotations

import math
from typing import Literal

import sympy as sp

from qtheory.errors import CostError

Method = Literal["recursion", "closed form", "powers", "matrix recursion"]

MOST_STEPS = 10**15
#: The longest estimated time that is begun, in seconds.
LONGEST_SECONDS = 2 * 3600
#: About as long a compressed spectrum takes, for it does not depend on the dimension much.
SECONDS_TO_COMPRESS = 5.0
#: The largest dimension in balls; past it memory ends before patience does.
LARGEST_DIM_IN_BALLS = 10**6
_SECONDS_PER_OPERATION = {"float64": 3e-9, "balls": 1.5e-7}  # with bounds on rounding errors
# What NumPy adds to an operation on arrays counts as this many entries.
_ENTRIES_PER_CALL = 1300


def method_for(dim: int, steps: int, rank_one: bool, balls: bool) -> tuple[Method, float]:
    """The cheapest method and its estimated seconds.

    >>> method_for(200, 10**12, rank_one=True, balls=True)[0]
    'closed form'
    >>> method_for(4, 10**12, rank_one=False, balls=True)[0]
    'powers'
    """
    unit = _SECONDS_PER_OPERATION["balls" if balls else "float64"]
    calls = 0 if balls else _ENTRIES_PER_CALL
    costs: dict[Method, float] = {"recursion": 25 * steps * (dim + calls) * unit}
    if rank_one:
        costs["closed form"] = 90 * (dim**2 + 7 * calls) * unit
        if not balls:  # its digits do not depend on the number of steps
            del costs["recursion"]
    elif balls:
        costs["powers"] = (5 * dim + 1) ** 3 * max(1, 1.5 * math.log2(steps)) * 2e-8
    return min(costs.items(), key=lambda item: item[1])


def method_for_stretches(
    dim: int,
    steps: int,
    stretches: int,
    carried: int,
    closed: bool = False,
    floats: bool = False,
) -> tuple[Method, float]:
    """The cheapest method for a step that carries several numbers, and its seconds.

    In balls, but for a closed form (if there is one) where floats are asked, which has bounds too.

    >>> [method_for_stretches(8, steps, 3, carried=2)[0] for steps in (50, 10**9)]
    ['recursion', 'powers']
    """
    moments = carried + carried * (carried + 1) // 2
    unit = _SECONDS_PER_OPERATION["balls"]
    # matrices lose bits at every step of a recursion
    recursion = 8 * steps * moments * dim * unit * max(1, steps / 1000)
    doublings = stretches * max(1, 1.5 * math.log2(max(1, steps / stretches)))
    powers = (moments * dim + 1) ** 3 * doublings * 2e-8
    costs: dict[Method, float] = {"recursion": recursion, "powers": powers}
    if closed:
        kind, calls = ("float64", _ENTRIES_PER_CALL) if floats else ("balls", 0)
        each = 90 * (dim**2 + 7 * calls) * _SECONDS_PER_OPERATION[kind]
        costs["closed form"] = stretches * each
    return min(costs.items(), key=lambda item: item[1])


def seconds_of_recursion(dim: int, steps: int, carried: int) -> float:
    """The time of the recursion in float64 without bounds, in seconds."""
    moments = carried + carried * (carried + 1) // 2
    return steps * moments * 6 * (1e-6 + dim * 6e-10)


def is_long(dim: sp.Expr, steps: int, balls: bool) -> bool:
    """Whether a spectrum takes longer as it is than compressed.

    >>> is_long(sp.Integer(2000), 10**9, balls=False), is_long(sp.Integer(2000), 10**9, balls=True)
    (False, True)
    """
    if dim is sp.oo:
        return True
    return method_for(int(dim), steps, True, balls)[1] > SECONDS_TO_COMPRESS


def require_affordable_compression(coordinates: int, bits: int) -> None:
    """Raise CostError if the closed form of this many coordinates would take hours."""
    seconds = method_for(coordinates, MOST_STEPS, True, balls=True)[1] * max(1.0, bits / 400)
    if seconds > LONGEST_SECONDS:
        raise CostError(
            f"at {bits} bits the spectrum is compressed to {coordinates} coordinates: they would "
            f"take about {seconds / 3600:.2g} hours; the limit is {LONGEST_SECONDS / 3600:.2g} "
            "hours. Ask for fewer digits."
        )
