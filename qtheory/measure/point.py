"""What is computed at one point of a grid."""

from __future__ import annotations

import math
import time
from typing import Any

from qtheory.errors import HypothesisError, QTheoryError
from qtheory.measure.comparison import theory
from qtheory.measure.grid import Point, Settings
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.sgd import SGD
from qtheory.simulate import calibrate, simulate
from qtheory.theory import lower_bound, upper_bound

__all__ = ["RESULTS", "compute_point"]

#: What a result holds, each a number or None.
RESULTS = ("exact", "lower", "upper", "mean", "stderr", "replicates", "seconds")

Result = dict[str, Any]


def compute_point(point: Point, settings: Settings, threads: int | None = 1) -> Result:
    """The results of one point, with ``error`` for what could not be had, or None.

    The exact risk and the bounds are those of the error models. A bound outside its hypotheses is
    None; an unstable run has an infinite exact risk.
    """
    begun = time.perf_counter()
    result: Result = dict.fromkeys((*RESULTS, "error"))
    try:
        problem, quantization, sgd, seed = point.model()
        if settings.calibrate:
            quantization = calibrate(problem, quantization, sgd, seed=seed)
        if settings.exact:
            result["exact"] = theory(problem, quantization, sgd)
        if settings.bounds:
            result["lower"] = _bound(lower_bound, problem, quantization, sgd)
            result["upper"] = _bound(upper_bound, problem, quantization, sgd)
        if settings.replicates:
            estimate = simulate(
                problem,
                quantization,
                sgd,
                settings.replicates,
                seed,
                relative_error=settings.relative_error,
                threads=threads,
            )
            result["mean"], result["stderr"] = _stored(estimate.mean), _stored(estimate.stderr)
            result["replicates"] = estimate.replicates
    except QTheoryError as error:
        result["error"] = f"{type(error).__name__}: {error}"
    result["seconds"] = time.perf_counter() - begun
    return result


def _bound(bound: Any, problem: Problem, quantization: Quantization, sgd: SGD) -> float | None:
    try:
        return float(bound(problem, quantization.error_models(), sgd).total)
    except HypothesisError:
        return None


def _stored(value: float) -> float:
    """SQLite has no NaN: a run that diverged has an infinite risk."""
    return math.inf if math.isnan(value) else value
