"""How a risk is computed, decided once: the method, the numbers, and whether it is compressed.

================  ================================  ==============================================
recursion         O(d N)                            any instance, any arithmetic: the specification
closed form       O(d^2), whatever N                any arithmetic, if G is diagonal plus rank one
powers            O(d^3 log N)                      balls, any instance
matrix recursion  O(M^3 N)                          features whose rotation an error sees
================  ================================  ==============================================

G has rank two with shared multiplicative and additive data errors at once. In infinite dimension,
and where the closed form would take long in a finite one, the spectrum is compressed first
(``risk/compression.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import sympy as sp

from qtheory.errors import CostError, HypothesisError
from qtheory.model.covariates import KnownMoments
from qtheory.model.formats import NumberFormat
from qtheory.model.run import Run
from qtheory.risk import closed_form, matrix_recursion, powers, recursion
from qtheory.risk.compression import is_compressible
from qtheory.risk.cost import (
    LARGEST_DIM_IN_BALLS,
    LONGEST_SECONDS,
    SECONDS_TO_COMPRESS,
    Method,
    is_long,
    method_for,
    method_for_stretches,
    seconds_of_recursion,
)

#: Each gives E eta and E eta^2 of eta = w - w^q: ``METHODS[name](instance, windows)``.
METHODS: Mapping[Method, Callable[..., Any]] = MappingProxyType(
    {
        "recursion": recursion.moments,
        "closed form": closed_form.moments,
        "powers": powers.moments,
    }
)
#: Certified digits that are computed where float64 would not have its own.
DIGITS_FOR_FLOAT = 17
# Past so many stretches a power for each is no gain.
_MANY_STRETCHES = 10_000
# About as long balls may take where float64 would have no bounds.
_MOMENT = 2.0


@dataclass(frozen=True)
class Plan:
    """How a risk is computed, and why.

    Attributes
    ----------
    method
        ``"recursion"``, ``"closed form"``, ``"powers"`` (of the step), or ``"matrix recursion"``
        where an error sees the rotation of the features.
    digits
        Certified digits that are computed, in balls; None for float64 with bounded rounding errors.
    compressed
        Whether few coordinates stand for the spectrum, with a proved error.
    seconds
        A rough estimate of the time.
    reason
        Why so.
    bounded
        Whether rounding errors are: not those of float64 in matrices, or with changing steps.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> print(qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=60)).plan)
    closed form, in float64 with bounded rounding errors: its time does not grow with the steps
    """

    method: Method
    digits: int | None
    compressed: bool
    seconds: float
    reason: str
    bounded: bool = True

    def __str__(self) -> str:
        numbers = f"in balls to {self.digits} certified digits"
        if self.digits is None:
            known = "with bounded" if self.bounded else "without bounds on"
            numbers = f"in float64 {known} rounding errors"
        spectrum = " of a compressed spectrum" if self.compressed else ""
        return f"{self.method}{spectrum}, {numbers}: {self.reason}"

    def with_coordinates(self, coordinates: int, steps: int) -> Plan:
        """The plan for a compressed spectrum once it is known how long it is."""
        method, _ = method_for(coordinates, steps, rank_one=True, balls=True)
        return replace(self, method=method)

    def because(self, reason: str) -> Plan:
        """The same for another reason."""
        return replace(self, reason=reason)


def plan_for(
    run: Run,
    steps: Sequence[int],
    digits: int | None,
    rates_apart: bool = True,
    longest: float = LONGEST_SECONDS,
) -> Plan:
    """The cheapest way to the risks of a run after some numbers of steps.

    Parameters
    ----------
    rates_apart
        Whether rates of decay can be told apart, which the closed form needs.
    longest
        The longest estimated time, in seconds.

    Raises
    ------
    CostError
        If it would take longer, or more memory than there is.
    """
    dim, last = run.problem.dim, max(steps)
    balls = digits is not None
    if run.sees_rotation:
        return _matrix_recursion(run, last, digits)
    if run.changes:
        return _changed_step(run, digits, longest, rates_apart)
    long = rates_apart and is_long(dim, last, balls)
    if dim is sp.oo or (long and is_compressible(run.problem, run.quantization)):
        why = "its dimension is infinite" if dim is sp.oo else "every coordinate would take long"
        wanted = digits or DIGITS_FOR_FLOAT
        return Plan("closed form", wanted, True, SECONDS_TO_COMPRESS, why)
    rank_one = rates_apart and has_rank_one(run)
    try:
        return _affordable(int(dim), last, rank_one, digits, longest)
    except CostError:
        if balls:
            raise
        # Powers of the step need balls, and do not mind the number of steps.
        with suppress(CostError):
            in_balls = _affordable(int(dim), last, rank_one, DIGITS_FOR_FLOAT, longest)
            return in_balls.because("in float64 it would take hours")
        raise


def _matrix_recursion(run: Run, steps: int, digits: int | None) -> Plan:
    size, why = int(run.problem.dim), f"errors of {', '.join(run.sees_rotation)} see the rotation"
    quick = digits is None and matrix_recursion.is_quick_in_balls(size, steps)
    digits = DIGITS_FOR_FLOAT if quick else digits
    seconds = matrix_recursion.require_affordable(size, steps, digits is not None)
    reason = f"{why}, at O(M^3) a step"
    return Plan("matrix recursion", digits, False, seconds, reason, digits is not None)


def _changed_step(run: Run, digits: int | None, longest: float, rates_apart: bool) -> Plan:
    """For what is no constant step without memory: each stretch by itself, or step by step."""
    if run.problem.dim is sp.oo:
        raise HypothesisError(
            f"dim is oo, but with {', '.join(run.changes)} every coordinate is followed: give a "
            "finite dimension"
        )
    stretches = run.sgd.stretches(_MANY_STRETCHES)
    carried = 1 + (run.sgd.momentum != 0) + run.sgd.error_feedback + run.window.averaged
    # a closed form goes on from any state, but has no memory
    closed = rates_apart and {*run.changes} <= {"stepsize", "batch"}
    closed = closed and has_rank_one(run) and stretches < _MANY_STRETCHES
    dim, steps = int(run.problem.dim), run.window.last
    method, seconds = method_for_stretches(dim, steps, stretches, carried, closed, digits is None)
    reason = f"{stretches} stretches of one stepsize"
    if method != "closed form":
        reason = f"{', '.join(run.changes)}, for which there is no cheap closed form"
    if digits is None and method == "closed form":
        plan = Plan(method, None, False, seconds, reason)
    elif digits is None and seconds > _MOMENT:
        seconds = seconds_of_recursion(int(run.problem.dim), run.window.last, carried)
        plan = Plan("recursion", None, False, seconds, reason, bounded=False)
    else:
        plan = Plan(method, digits or DIGITS_FOR_FLOAT, False, seconds, reason)
    if plan.seconds > longest:
        raise CostError(
            f"dim is {run.problem.dim} and steps is {run.sgd.steps}: with {', '.join(run.changes)} "
            f"the {plan.method} would take about {plan.seconds / 3600:.2g} hours; the limit is "
            f"{longest / 3600:.2g} hours"
        )
    return plan


def has_rank_one(run: Run) -> bool:
    """Whether G is diagonal plus rank one.

    Not with additive data errors beside a factor that all coordinates of a sample share: that of
    shared errors, or of elliptical covariates.
    """
    data, law = run.quantization.data, run.problem.covariates
    shares = isinstance(law, KnownMoments) and law.between != 1
    return isinstance(data, NumberFormat) or data.additive == 0 or (data.shared == 0 and not shares)


_REASONS: dict[Method, str] = {
    "closed form": "its time does not grow with the steps",
    "recursion": "the cheapest for so few steps",
    "powers": "its time grows with the logarithm of the steps alone",
}


def _affordable(dim: int, steps: int, rank_one: bool, digits: int | None, longest: float) -> Plan:
    """The cheapest method; CostError, with an estimate, where it is hopeless."""
    method, seconds = method_for(dim, steps, rank_one, digits is not None)
    if digits is not None:
        seconds *= max(1.0, digits / 100)
    if seconds > longest or (digits is not None and dim > LARGEST_DIM_IN_BALLS):
        raise CostError(
            f"dim is {dim}, steps is {steps} and digits is {digits}: the {method} would "
            f"take about {seconds / 3600:.2g} hours; the limits are {longest / 3600:.2g} hours "
            f"and, with certified digits, dim {LARGEST_DIM_IN_BALLS}"
        )
    reason = _REASONS[method]
    if method == "recursion" and not rank_one and digits is None:
        reason = "the only one in float64 where the step has rank two"
    return Plan(method, digits, False, seconds, reason)
