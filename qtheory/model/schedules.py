r"""Stepsizes, and batches, that change during a run.

A schedule gives :math:`\gamma_t`, the stepsize of the step from :math:`w_t` to :math:`w_{t+1}`,
for t = 0, ..., N-1. Each keeps its largest stepsize first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import flint
import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.arrays import sequence
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.exact import Number, positive, require_numeric

_MOST_STEPS = 10**7  # of schedules with a stepsize for each


@dataclass(frozen=True)
class Segment:
    """A number of steps that are alike, and their value."""

    steps: int
    value: sp.Expr | flint.arb


@dataclass(frozen=True)
class Schedule:
    """Base class: what a run of N steps takes one after the other."""

    def segments(self, steps: int) -> Iterator[Segment]:
        """The values in order; numbers are exact, or balls of the working precision."""
        if steps > _MOST_STEPS:
            allowed = f"at most {_MOST_STEPS} where each has a stepsize of its own"
            raise InvalidArgumentError("steps", steps, allowed)
        for stepsize in self._each(steps):
            yield Segment(1, stepsize)

    def _each(self, steps: int) -> Iterator[flint.arb]:
        raise TypeError(f"{type(self).__name__} has no stepsize of its own for every step")


def _ball(value: sp.Expr) -> flint.arb:
    require_numeric(value, "stepsize")
    return evaluate(value, {}, Balls(bits=flint.ctx.prec))


@dataclass(frozen=True)
class _Decay(Schedule):
    """A shape that is known by its largest stepsize."""

    largest: sp.Expr

    def __init__(self, largest: Number) -> None:
        object.__setattr__(self, "largest", positive(largest, "stepsize"))


@dataclass(frozen=True, init=False)
class LinearDecay(_Decay):
    r"""From ``largest`` linearly to 0: :math:`\gamma_t = \gamma (1 - t/N)`.

    Examples
    --------
    >>> [round(float(segment.value), 4) for segment in LinearDecay("0.1").segments(4)]
    [0.1, 0.075, 0.05, 0.025]
    """

    def _each(self, steps: int) -> Iterator[flint.arb]:
        unit = _ball(self.largest) / steps
        return (unit * (steps - t) for t in range(steps))


@dataclass(frozen=True, init=False)
class CosineDecay(_Decay):
    r"""Half a cosine to 0: :math:`\gamma_t = \gamma (1 + \cos(\pi t / N)) / 2`.

    Examples
    --------
    >>> [round(float(segment.value), 4) for segment in CosineDecay("0.1").segments(4)]
    [0.1, 0.0854, 0.05, 0.0146]
    """

    def _each(self, steps: int) -> Iterator[flint.arb]:
        half = _ball(self.largest) / 2
        return (half * (1 + (flint.arb(t) / steps).cos_pi()) for t in range(steps))


@dataclass(frozen=True)
class ExponentialDecay(_Decay):
    r"""Geometric from ``largest`` towards ``final``: :math:`\gamma_t = \gamma (f/\gamma)^{t/N}`.

    Examples
    --------
    >>> [round(float(s.value), 4) for s in ExponentialDecay("0.1", final="0.001").segments(4)]
    [0.1, 0.0316, 0.01, 0.0032]
    """

    final: sp.Expr

    def __init__(self, largest: Number, final: Number) -> None:
        super().__init__(largest)
        object.__setattr__(self, "final", positive(final, "final"))

    def _each(self, steps: int) -> Iterator[flint.arb]:
        largest = _ball(self.largest)
        rate = (_ball(self.final) / largest).log() / steps
        return (largest * (rate * t).exp() for t in range(steps))


@dataclass(frozen=True)
class WarmupStableDecay(_Decay):
    r"""A linear rise, a constant stretch, and a linear fall to 0.

    With W = ceil(warmup N) and D = ceil(decay N),
    :math:`\gamma_t = \gamma \min(1, (t+1)/W, (N-t)/D)`.

    Examples
    --------
    >>> schedule = WarmupStableDecay("0.1", warmup="1/4", decay="1/2")
    >>> [(segment.steps, round(float(segment.value), 4)) for segment in schedule.segments(8)]
    [(1, 0.05), (1, 0.1), (2, 0.1), (1, 0.1), (1, 0.075), (1, 0.05), (1, 0.025)]
    """

    warmup: sp.Expr
    decay: sp.Expr

    def __init__(self, largest: Number, warmup: Number = "1/100", decay: Number = "1/5") -> None:
        super().__init__(largest)
        for name, value in (("warmup", warmup), ("decay", decay)):
            object.__setattr__(self, name, _fraction(value, name))
        if self.warmup + self.decay > 1:
            raise InvalidArgumentError("decay", decay, f"at most {1 - self.warmup}, after warmup")

    def segments(self, steps: int) -> Iterator[Segment]:
        """The rise, one segment that is constant, and the fall."""
        rise, fall = (int(sp.ceiling(part * steps)) for part in (self.warmup, self.decay))
        if rise + fall > _MOST_STEPS:
            allowed = f"so few that warmup and decay have at most {_MOST_STEPS}"
            raise InvalidArgumentError("steps", steps, allowed)
        rise = min(rise, steps - fall)
        for t in range(rise):
            yield Segment(1, self.largest * (t + 1) / rise)
        if steps > rise + fall:
            yield Segment(steps - rise - fall, self.largest)
        for left in range(fall, 0, -1):
            yield Segment(1, self.largest * left / fall)


@dataclass(frozen=True)
class PiecewiseConstant(Schedule):
    r"""One value after the other, each from a given step on.

    Parameters
    ----------
    values
        Stepsizes, or batches.
    switch_at
        Where the next value begins, one place less than values: whole numbers of steps, or
        fractions of N between 0 and 1, ascending.

    Examples
    --------
    >>> [(s.steps, s.value) for s in PiecewiseConstant(["0.1", "0.01"], ["3/4"]).segments(100)]
    [(75, 1/10), (25, 1/100)]
    >>> [(s.steps, s.value) for s in PiecewiseConstant([1, 8], [1000]).segments(5000)]
    [(1000, 1), (4000, 8)]
    """

    values: tuple[sp.Expr, ...]
    switch_at: tuple[sp.Expr, ...]

    def __init__(self, values: Sequence[Number], switch_at: Sequence[Number]) -> None:
        given = sequence(values, "values", "a sequence of at least one number")
        places = sequence(switch_at, "switch_at", "a sequence, one shorter than values", 0)
        if len(places) != len(given) - 1:
            allowed = f"{len(given) - 1} places for {len(given)} values"
            raise InvalidArgumentError("switch_at", switch_at, allowed)
        ends = tuple(positive(place, "switch_at") for place in places)
        for end in ends:
            if end >= 1 and not end.is_Integer:
                allowed = "whole numbers of steps, or fractions of them between 0 and 1"
                raise InvalidArgumentError("switch_at", end, allowed)
        object.__setattr__(self, "values", tuple(positive(value, "values") for value in given))
        object.__setattr__(self, "switch_at", ends)

    def segments(self, steps: int) -> Iterator[Segment]:
        """As many as there are values, those beyond N left out."""
        ends = [int(sp.ceiling(end * steps)) if end < 1 else int(end) for end in self.switch_at]
        if sorted(set(ends)) != ends:
            raise InvalidArgumentError("switch_at", self.switch_at, f"ascending for N = {steps}")
        begun = 0
        for value, end in zip(self.values, [*ends, steps], strict=True):
            end = min(end, steps)
            if end > begun:
                yield Segment(end - begun, value)
                begun = end


@dataclass(frozen=True)
class ListedStepsizes(Schedule):
    """A stepsize for each step, as listed."""

    values: tuple[sp.Expr, ...]

    def __init__(self, values: Sequence[Number]) -> None:
        given = sequence(values, "stepsize", "a number, a schedule or a sequence of N stepsizes")
        object.__setattr__(self, "values", tuple(positive(value, "stepsize") for value in given))

    def segments(self, steps: int) -> Iterator[Segment]:
        """Each by itself, where it is not the one before once more."""
        if len(self.values) < steps:
            allowed = f"one for each of {steps} steps, but there are {len(self.values)}"
            raise InvalidArgumentError("stepsize", f"{len(self.values)} numbers", allowed)
        count, last = 0, self.values[0]
        for value in self.values[:steps]:
            if value != last:
                yield Segment(count, last)
                count, last = 0, value
            count += 1
        yield Segment(count, last)


def _fraction(value: Any, name: str) -> sp.Expr:
    fraction = positive(value, name)
    if not fraction.is_Rational or fraction >= 1:
        raise InvalidArgumentError(name, value, "a fraction between 0 and 1")
    return fraction


@dataclass(frozen=True)
class Pace:
    """A number of steps with one stepsize and one batch."""

    steps: int
    stepsize: sp.Expr | flint.arb
    batch: sp.Expr


def paces(stepsize: Any, batch: Any, steps: int) -> Iterator[Pace]:
    """The stretches of a run on which neither stepsize nor batch changes.

    Examples
    --------
    >>> list(paces(sp.Rational(1, 10), PiecewiseConstant([1, 8], [30]), 50))
    [Pace(steps=30, stepsize=1/10, batch=1), Pace(steps=20, stepsize=1/10, batch=8)]
    """
    stepsizes, batches = _segments(stepsize, steps), _segments(batch, steps)
    step, size = next(stepsizes, None), next(batches, None)
    while step is not None and size is not None:
        count = min(step.steps, size.steps)
        yield Pace(count, step.value, size.value)
        step, size = _after(step, count, stepsizes), _after(size, count, batches)


def _after(segment: Segment, count: int, following: Iterator[Segment]) -> Segment | None:
    """What comes after this many steps of a segment: the rest of it, or the next one."""
    if segment.steps > count:
        return Segment(segment.steps - count, segment.value)
    return next(following, None)


def _segments(value: Any, steps: int) -> Iterator[Segment]:
    return value.segments(steps) if isinstance(value, Schedule) else iter([Segment(steps, value)])
