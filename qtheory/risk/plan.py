"""Three ways to the moments of what SGD returns, and which one to take.

==============  ==================================  ==============================================
recursion       O(d N)                              any instance, any arithmetic: the specification
closed form     O(d^2), whatever N                  any arithmetic, if G is diagonal plus rank one
powers          O(d^3 log N)                        balls, any instance
==============  ==================================  ==============================================

G has rank two with shared multiplicative and additive data errors at once.

In infinite dimension, and where the closed form would take long in a finite one, the spectrum is
compressed first (``risk/compression.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import sympy as sp

from qtheory.errors import CostError, PrecisionError
from qtheory.model.formats import NumberFormat
from qtheory.model.instance import Instance
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Array, Balls
from qtheory.risk import powers, recursion
from qtheory.risk.closed_form import ClosedForm

__all__ = [
    "is_long",
    "method_for",
    "moments",
    "require_affordable",
    "require_affordable_compression",
]

MOST_STEPS = 10**15
#: The longest estimated time that is begun, in seconds.
LONGEST_SECONDS = 2 * 3600
#: About as long a compressed spectrum takes, for it does not depend on the dimension much.
SECONDS_TO_COMPRESS = 5.0
#: The largest dimension in balls; past it memory ends before patience does.
LARGEST_DIM_IN_BALLS = 10**6
# Rates of decay that balls of this many bits cannot tell apart are taken for equal.
_BITS_ENOUGH = 1000
_SECONDS_TO_GO_ON = 1.0
_SECONDS_PER_OPERATION = {"float64": 3e-9, "balls": 1.5e-7}  # with bounds on rounding errors
# What NumPy adds to an operation on arrays counts as this many entries.
_ENTRIES_PER_CALL = 1300


def moments(instance: Instance, windows: Sequence[Window]) -> list[tuple[Array, Array]]:
    """First and second moment of eta = w - w^q for each window, by the cheapest method."""
    balls = isinstance(instance.arithmetic, Balls)
    form = ClosedForm(instance)
    wq = instance.quantized_target
    moving = [window for window in windows if window.last > 1 or not window.averaged]
    if len(moving) < len(windows):  # w_0 = 0 alone: known, and exactly so
        rest = iter(moments(instance, moving) if moving else ())
        return [next(rest) if window in moving else (-wq, wq**2) for window in windows]
    dim, steps = len(instance.eigenvalues), max(window.last for window in windows)
    method, _ = method_for(dim, steps, form.has_rank_one, balls)
    if method == "closed form":
        try:
            return _by_closed_form(form, windows)
        except PrecisionError:
            if isinstance(instance.arithmetic, Balls) and instance.arithmetic.bits < _BITS_ENOUGH:
                raise  # more bits will do, unless two rates of decay are exactly equal
            method, seconds = method_for(dim, steps, False, balls)
            if not balls and seconds > _SECONDS_TO_GO_ON:
                raise  # balls will tell the rates apart, and sooner
    compute = powers.output_moments if method == "powers" else recursion.output_moments
    found = []
    for window in windows:
        first, second = compute(instance, window)
        found.append((first - wq, second - 2 * wq * first + wq**2))
    return found


def _by_closed_form(form: ClosedForm, windows: Sequence[Window]) -> list[tuple[Array, Array]]:
    found = [(form.first_moment(window), form.second_moment(window)) for window in windows]
    if isinstance(form.instance.arithmetic, Balls):
        for _, second in found:
            if not all(entry.is_finite() for entry in second):
                raise PrecisionError("two rates of decay cannot be told apart at this precision")
    return found


def method_for(dim: int, steps: int, rank_one: bool, balls: bool) -> tuple[str, float]:
    """The cheapest method and its estimated seconds.

    >>> method_for(200, 10**12, rank_one=True, balls=True)[0]
    'closed form'
    >>> method_for(4, 10**12, rank_one=False, balls=True)[0]
    'powers'
    """
    unit = _SECONDS_PER_OPERATION["balls" if balls else "float64"]
    calls = 0 if balls else _ENTRIES_PER_CALL
    costs = {"recursion": 25 * steps * (dim + calls) * unit}
    if rank_one:
        costs["closed form"] = 90 * (dim**2 + 7 * calls) * unit
        if not balls:  # its digits do not depend on the number of steps
            del costs["recursion"]
    elif balls:
        costs["powers"] = (5 * dim + 1) ** 3 * max(1, 1.5 * math.log2(steps)) * 2e-8
    return min(costs.items(), key=lambda item: item[1])


def require_affordable(
    problem: Problem,
    quantization: Quantization,
    steps: int,
    digits: int | None,
    longest: float = LONGEST_SECONDS,
) -> None:
    """Raise CostError, with an estimate of the time, before a hopeless computation is begun."""
    data = quantization.data
    rank_one = isinstance(data, NumberFormat) or data.additive == 0 or data.shared == 0
    method, seconds = method_for(int(problem.dim), steps, rank_one, digits is not None)
    if digits is not None:
        seconds *= max(1.0, digits / 100)
    if seconds > longest or (digits is not None and problem.dim > LARGEST_DIM_IN_BALLS):
        raise CostError(
            f"dim is {problem.dim}, steps is {steps} and digits is {digits}: the {method} would "
            f"take about {seconds / 3600:.2g} hours; the limits are {longest / 3600:.2g} hours "
            f"and, with certified digits, dim {LARGEST_DIM_IN_BALLS}"
        )


def is_long(dim: sp.Expr, steps: int, balls: bool) -> bool:
    """Whether a spectrum takes longer as it is than compressed.

    >>> is_long(sp.Integer(2000), 10**9, balls=False), is_long(sp.Integer(2000), 10**9, balls=True)
    (False, True)
    """
    if dim is sp.oo:
        return True
    return method_for(int(dim), steps, True, balls)[1] > SECONDS_TO_COMPRESS


def require_affordable_compression(coordinates: int, bits: int) -> None:
    """Raise CostError if the closed form of so many coordinates would take hours."""
    seconds = method_for(coordinates, MOST_STEPS, True, balls=True)[1] * max(1.0, bits / 400)
    if seconds > LONGEST_SECONDS:
        raise CostError(
            f"at {bits} bits the spectrum is compressed to {coordinates} coordinates: they would "
            f"take about {seconds / 3600:.2g} hours; the limit is {LONGEST_SECONDS / 3600:.2g} "
            "hours. Ask for fewer digits."
        )
