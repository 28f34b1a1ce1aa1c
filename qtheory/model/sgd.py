"""The algorithm: SGD, its steps, and which combination of its iterates is returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.model.schedules import ListedStepsizes, Pace, PiecewiseConstant, Schedule, paces
from qtheory.numbers.exact import Number, nonnegative, positive, positive_integer

OUTPUTS = ("average", "last", "tail")


# As a power of ten: a batch so large stands for infinity, and float64 still holds it.
_LARGEST_BATCH = 300


@dataclass(frozen=True)
class SGD:
    r"""Mini-batch SGD from :math:`w_0 = 0`.

    Parameters
    ----------
    stepsize
        gamma > 0; a schedule, such as :class:`LinearDecay`; or a sequence of N stepsizes.
    batch
        B, samples per step, at least 1, or :class:`PiecewiseConstant` of such numbers.
    steps
        N, at least 1.
    output
        ``"average"``: :math:`\bar w_N = \frac1N \sum_{t<N} w_t`; ``"last"``: :math:`w_N`;
        ``"tail"``: the average of the last fraction ``tail`` of :math:`w_0, \dots, w_{N-1}`.
    tail
        The fraction for ``output="tail"``, in (0, 1]; the number of iterates averaged is
        ``ceil(tail * N)``.
    momentum
        mu in [0, 1) of the heavy ball, w' = w + mu (w - w_before) + gamma g.
    error_feedback
        Whether the quantizer of stored weights rounds what is added to them, and what it loses is
        added to the next: w' = w + Q(u), e' = u - Q(u), where u = e + mu (w - w_before) + gamma g.

    Examples
    --------
    >>> SGD(stepsize="0.1", steps=1000)
    SGD(stepsize=1/10, batch=1, steps=1000, output='average', tail=1/2)
    >>> import qtheory as qt
    >>> SGD(qt.LinearDecay("0.1"), steps=1000, momentum="0.9").momentum
    9/10
    """

    stepsize: Any  # a SymPy expression or a Schedule
    batch: Any
    steps: sp.Expr
    output: str
    tail: sp.Expr
    momentum: sp.Expr
    error_feedback: bool

    def __init__(
        self,
        stepsize: Number | Schedule | Sequence[Number],
        batch: Number | PiecewiseConstant = 1,
        *,
        steps: Number,
        output: str = "average",
        tail: Number = "1/2",
        momentum: Number = 0,
        error_feedback: bool = False,
    ) -> None:
        if not isinstance(output, str) or output not in OUTPUTS:
            raise InvalidArgumentError("output", output, "'average', 'last' or 'tail'")
        fraction = positive(tail, "tail")
        if fraction.is_number and fraction > 1:
            raise InvalidArgumentError("tail", tail, "a fraction in (0, 1]")
        inertia = nonnegative(momentum, "momentum")
        if inertia.is_number and inertia >= 1:
            raise InvalidArgumentError("momentum", momentum, "a number in [0, 1)")
        if not isinstance(error_feedback, bool):
            raise InvalidArgumentError("error_feedback", error_feedback, "True or False")
        object.__setattr__(self, "stepsize", _stepsize(stepsize))
        object.__setattr__(self, "batch", _batch(batch))
        object.__setattr__(self, "steps", positive_integer(steps, "steps"))
        object.__setattr__(self, "output", output)
        object.__setattr__(self, "tail", fraction)
        object.__setattr__(self, "momentum", inertia)
        object.__setattr__(self, "error_feedback", error_feedback)

    def __repr__(self) -> str:
        shown = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.momentum == 0:
            del shown["momentum"]
        if not self.error_feedback:
            del shown["error_feedback"]
        parts = (f"{k}={v!r}" if isinstance(v, str) else f"{k}={v}" for k, v in shown.items())
        return f"SGD({', '.join(parts)})"

    def with_steps(self, steps: Number) -> SGD:
        """The same run with another number of steps."""
        return replace(self, steps=steps)

    @property
    def changes(self) -> tuple[str, ...]:
        """What it does beyond constant steps without memory, which bounds and rates assume."""
        found = {
            "stepsize": isinstance(self.stepsize, Schedule),
            "batch": isinstance(self.batch, Schedule),
            "momentum": self.momentum != 0,
            "error_feedback": self.error_feedback,
        }
        return tuple(name for name, is_there in found.items() if is_there)

    def paces(self) -> Iterator[Pace]:
        """The stretches on which neither stepsize nor batch changes; the steps are a number."""
        return paces(self.stepsize, self.batch, int(self.steps))

    def stretches(self, most: int) -> int:
        """How many stretches of constant steps there are, counted up to this many."""
        return sum(1 for _ in islice(self.paces(), most))

    @property
    def first_averaged(self) -> sp.Expr:
        """Index of the first iterate in the average (0 for the plain average)."""
        if self.output == "tail":
            return self.steps - sp.ceiling(self.tail * self.steps)
        return sp.S.Zero


def _stepsize(given: Any) -> Any:
    if isinstance(given, Schedule):
        return given
    if isinstance(given, list | tuple) or getattr(given, "shape", ()) != ():
        return ListedStepsizes(given)
    return positive(given, "stepsize")


def _batch(given: Any) -> Any:
    if isinstance(given, PiecewiseConstant):
        for value in given.values:
            positive_integer(value, "batch", _LARGEST_BATCH)
        return given
    if isinstance(given, Schedule):
        allowed = "a whole number of at least 1, or qt.PiecewiseConstant of such numbers"
        raise InvalidArgumentError("batch", given, allowed)
    return positive_integer(given, "batch", _LARGEST_BATCH)
