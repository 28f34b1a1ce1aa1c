"""What is computed at one point of a grid."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from qtheory.errors import HypothesisError, QTheoryError
from qtheory.measure.comparison import theory
from qtheory.measure.grid import Point, Settings
from qtheory.model.run import Run
from qtheory.simulate import calibrate, simulate
from qtheory.theory import lower_bound, upper_bound

#: What a result holds, each a number or None.
RESULTS = ("exact", "lower", "upper", "simulated", "stderr", "replicates", "seconds")
#: What it holds besides, each a text or None.
TEXTS = ("biased", "error")

Result = dict[str, Any]


def compute_point(point: Point, settings: Settings, threads: int | None = 1) -> Result:
    """The results of one point; ``error`` says what could not be had, ``biased`` which targets are.

    The exact risk and the bounds are those of the error models. Where a rounding is biased, the
    exact risk is that of unbiased rounding, and there is no bound. A bound outside its hypotheses
    is None; an unstable run has an infinite exact risk.
    """
    begun = time.perf_counter()
    result: Result = dict.fromkeys((*RESULTS, *TEXTS))
    errors = []
    try:
        parts = _parts(point, settings, threads)
    except QTheoryError as error:
        parts = {}
        errors.append(f"{type(error).__name__}: {error}")
    for name, part in parts.items():
        try:
            result |= part()
        except QTheoryError as error:
            errors.append(f"{name}: {type(error).__name__}: {error}")
    result["error"] = "; ".join(errors) or None
    result["seconds"] = time.perf_counter() - begun
    return result


def _parts(
    point: Point, settings: Settings, threads: int | None
) -> dict[str, Callable[[], Result]]:
    """What is to be computed; each part gives entries of the result."""
    problem, quantization, sgd, seed = point.model()
    if settings.calibrate:
        quantization = calibrate(problem, quantization, sgd, seed=seed)
    run = Run(problem, quantization, sgd)
    parts: dict[str, Callable[[], Result]] = {
        "biased": lambda: {"biased": ", ".join(quantization.biased) or None}
    }
    if settings.exact:
        parts["exact"] = lambda: {"exact": theory(run)}
    if settings.bounds:
        parts["lower"] = lambda: {"lower": _bound(lower_bound, run)}
        parts["upper"] = lambda: {"upper": _bound(upper_bound, run)}
    if settings.replicates:
        parts["simulated"] = lambda: _simulated(run, settings, seed, threads)
    return parts


def _simulated(run: Run, settings: Settings, seed: int, threads: int | None) -> Result:
    estimate = simulate(
        *run,
        settings.replicates,
        seed,
        relative_error=settings.relative_error,
        threads=threads,
    )
    return {
        "simulated": _stored(estimate.mean),
        "stderr": _stored(estimate.stderr),
        "replicates": estimate.replicates,
    }


def _bound(bound: Any, run: Run) -> float | None:
    try:
        return float(bound(run.problem, run.quantization.error_models(), run.sgd).total)
    except HypothesisError:
        return None


def _stored(value: float) -> float:
    """SQLite has no NaN: a run that diverged has an infinite risk."""
    return math.inf if math.isnan(value) else value
