"""The best constant stepsize beside the best that decays, at every number of steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp

from qtheory.errors import UnstableError
from qtheory.model import (
    SGD,
    CosineDecay,
    LinearDecay,
    Problem,
    Quantization,
    WarmupStableDecay,
)
from qtheory.numbers.arrays import sequence
from qtheory.numbers.exact import whole
from qtheory.numbers.golden import minimum
from qtheory.plots.style import BLUE, GREEN, ORANGE, PURPLE, axes
from qtheory.risk import excess_risk, stability

#: Stepsizes, constant or not, by their largest.
SCHEDULES: Mapping[str, Callable[[sp.Expr], Any]] = MappingProxyType(
    {
        "constant": lambda largest: largest,
        "linear decay": LinearDecay,
        "cosine decay": CosineDecay,
        "warmup, stable, decay": WarmupStableDecay,
    }
)
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
_SMALLEST, _LARGEST = 1e-4, 0.999  # as parts of the largest stable stepsize
_ACCURACY = 0.02  # of the logarithm of the best stepsize


@dataclass(frozen=True)
class ScheduleCurves:
    """By schedule: the best largest stepsize at each number of steps, and the risk with it."""

    steps: tuple[int, ...]
    stepsizes: Mapping[str, tuple[float, ...]]
    risks: Mapping[str, tuple[float, ...]]

    def slope(self, name: str) -> float:
        """The slope of log R against log N, over the second half of the curve."""
        half = len(self.steps) // 2
        x, y = np.log(self.steps[half:]), np.log(self.risks[name][half:])
        return float(np.polyfit(x, y, 1)[0])


def schedule_curves(
    problem: Problem, quantization: Quantization, steps: Sequence[int], batch: int = 1
) -> ScheduleCurves:
    """The exact risk of the last iterate with the best stepsize of each kind of schedule.

    Parameters
    ----------
    problem, quantization
        Of finite dimension.
    steps
        At least two numbers of steps, ascending.
    batch
        B.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(8, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    >>> found = schedule_curves(problem, qt.Quantization(), [30, 100])
    >>> found.risks["linear decay"][1] < found.risks["constant"][1]
    True
    """
    allowed = "a sequence of at least two numbers of steps"
    numbers = [whole(n, "steps", 1) for n in sequence(steps, "steps", allowed, 2)]
    edge = stability(problem, quantization, SGD("1/1000", batch, steps=1)).largest_stepsize
    stepsizes: dict[str, list[float]] = {name: [] for name in SCHEDULES}
    risks: dict[str, list[float]] = {name: [] for name in SCHEDULES}
    for count in numbers:
        for name, schedule in SCHEDULES.items():

            def risk(log: float, schedule: Any = schedule, count: int = count) -> float:
                step = schedule(sp.Rational(str(round(edge * math.exp(log), 12))))
                sgd = SGD(step, batch, steps=count, output="last")
                try:
                    return float(excess_risk(problem, quantization, sgd).total)
                except UnstableError:
                    return math.inf

            best, value = minimum(risk, math.log(_SMALLEST), math.log(_LARGEST), _ACCURACY)
            stepsizes[name].append(edge * math.exp(best))
            risks[name].append(value)
    return ScheduleCurves(
        tuple(numbers),
        MappingProxyType({name: tuple(values) for name, values in stepsizes.items()}),
        MappingProxyType({name: tuple(values) for name, values in risks.items()}),
    )


def schedules(
    problem: Problem, quantization: Quantization, steps: Sequence[int], batch: int = 1
) -> Any:
    """The best constant stepsize against the best that decays: risks against N, with slopes.

    Parameters
    ----------
    problem, quantization, steps, batch
        As for :func:`schedule_curves`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(8, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    >>> figure = schedules(problem, qt.Quantization(), [30, 100])
    >>> figure.axes[0].get_xscale()
    'log'
    """
    return draw_schedules(schedule_curves(problem, quantization, steps, batch))


def draw_schedules(curves: ScheduleCurves) -> Any:
    """Curves that are already there.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = axes()
    for (name, values), colour in zip(curves.risks.items(), _COLOURS, strict=True):
        label = f"{name}, slope {curves.slope(name):.2f}" if len(curves.steps) > 2 else name
        ax.loglog(curves.steps, values, marker="o", markersize=3, color=colour, label=label)
    ax.set_xlabel("steps N")
    ax.set_ylabel("excess risk E R of the last iterate")
    ax.set_title("best stepsize of each kind", fontsize=9)
    ax.legend(frameon=False, fontsize=8)
    return ax.get_figure()
