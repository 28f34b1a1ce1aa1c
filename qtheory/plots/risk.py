"""The excess risk against the number of steps, between its bounds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import qtheory.risk as exact
from qtheory.errors import CostError, HypothesisError, InvalidArgumentError, PrecisionError
from qtheory.model import SGD, Problem, Quantization
from qtheory.numbers.arrays import sequence
from qtheory.numbers.exact import require_numeric
from qtheory.plots.style import BLUE, GREY, axes
from qtheory.theory import lower_bound, upper_bound

_POINTS = 25


@dataclass(frozen=True)
class RiskCurves:
    """The exact risk and its bounds at some numbers of steps; a bound is NaN where it has none."""

    steps: tuple[int, ...]
    exact: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]

    def slope(self, last: int = 5) -> float:
        """The slope of log R against log N over the last points."""
        first, end = -min(last, len(self.steps)), -1
        rise = math.log(self.exact[end] / self.exact[first])
        return rise / math.log(self.steps[end] / self.steps[first])


def risk_curves(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    steps: Sequence[int] | None = None,
) -> RiskCurves:
    """The exact risk and the bounds at some numbers of steps.

    Parameters
    ----------
    problem, quantization, sgd
        The run; its steps are the last of the curve if ``steps`` is None.
    steps
        Ascending numbers of steps; None for up to 25, equally spaced in the logarithm from 1 on.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=20, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
    >>> curves = risk_curves(problem, qt.Quantization(), qt.SGD("0.1", steps=10**4))
    >>> curves.steps[0], curves.steps[-1], round(curves.slope(), 2)
    (1, 10000, -1.24)
    """
    if steps is None:
        require_numeric(sgd.steps, "steps")
        last = int(sgd.steps)
        powers = [last ** (k / (_POINTS - 1)) for k in range(_POINTS)]
        steps = sorted({round(power) for power in powers})
    allowed = "a sequence of at least two ascending numbers"
    runs = [sgd.with_steps(number) for number in sequence(steps, "steps", allowed)]
    for run in runs:
        require_numeric(run.steps, "steps")
    numbers = [int(run.steps) for run in runs]
    if len(numbers) < 2 or any(b <= a for a, b in itertools.pairwise(numbers)):
        raise InvalidArgumentError("steps", steps, allowed)
    found = exact.risk_curve(problem, quantization, sgd, numbers)

    def bound(which: Any) -> tuple[float, ...]:
        values = []
        for run in runs:
            try:
                values.append(float(which(problem, quantization, run).total))
            except (CostError, HypothesisError, PrecisionError):
                values.append(math.nan)
        return tuple(values)

    totals = tuple(float(each.total) for each in found)
    return RiskCurves(tuple(numbers), totals, bound(lower_bound), bound(upper_bound))


def risk(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    steps: Sequence[int] | None = None,
) -> Any:
    """The exact risk against N, the bounds as a band, and the slope at the end.

    Parameters
    ----------
    problem, quantization, sgd, steps
        As for :func:`risk_curves`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=20, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
    >>> figure = risk(problem, qt.Quantization(), qt.SGD("0.1", steps=10**4))
    >>> figure.axes[0].get_xscale()
    'log'
    """
    curves = risk_curves(problem, quantization, sgd, steps)
    ax = axes()
    if not all(map(math.isnan, curves.upper)):
        ax.fill_between(
            curves.steps,
            curves.lower,
            curves.upper,
            color=BLUE,
            alpha=0.15,
            linewidth=0,
            label="between the proved bounds",
        )
    ax.plot(curves.steps, curves.exact, color=BLUE, label="exact")
    middle = curves.steps[-min(5, len(curves.steps))], curves.exact[-min(5, len(curves.steps))]
    ax.annotate(
        f"slope {curves.slope():.2f}",
        middle,
        xytext=(4, 8),
        textcoords="offset points",
        fontsize=8,
        color=GREY,
    )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("steps N")
    ax.set_ylabel("excess risk E R")
    ax.legend(frameon=False, fontsize=8)
    return ax.get_figure()
