"""What is computed at one point of a grid."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from qtheory.errors import HypothesisError, QTheoryError
from qtheory.measure.comparison import theory
from qtheory.measure.grid import Point, Settings
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.sgd import SGD
from qtheory.simulate import Estimate, calibrate, simulate
from qtheory.theory import lower_bound, upper_bound

__all__ = ["RESULTS", "TEXTS", "compute_point"]

#: What a result holds, each a number or None.
RESULTS = ("exact", "lower", "upper", "simulated", "stderr", "replicates", "seconds")
#: What it holds besides, each a text or None.
TEXTS = ("biased", "error")

Result = dict[str, Any]


def compute_point(point: Point, settings: Settings, threads: int | None = 1) -> Result:
    """The results of one point; ``error`` says what could not be had, ``biased`` which targets are.

    The exact risk and the bounds are those of the error models, of unbiased rounding where it is
    biased. A bound outside its hypotheses is None; an unstable run has an infinite exact risk.
    """
    begun = time.perf_counter()
    result: Result = dict.fromkeys((*RESULTS, *TEXTS))
    errors = []

    def add(**parts: Callable[[], Any]) -> None:
        for name, part in parts.items():
            try:
                result[name] = part()
            except QTheoryError as error:
                errors.append(f"{name}: {type(error).__name__}: {error}")

    try:
        problem, quantization, sgd, seed = point.model()
        if settings.calibrate:
            quantization = calibrate(problem, quantization, sgd, seed=seed)
    except QTheoryError as error:
        errors.append(f"{type(error).__name__}: {error}")
    else:
        result["biased"] = ", ".join(quantization.biased) or None
        run = problem, quantization, sgd
        if settings.exact:
            add(exact=lambda: theory(*run))
        if settings.bounds:
            add(lower=lambda: _bound(lower_bound, *run), upper=lambda: _bound(upper_bound, *run))
        if settings.replicates:
            add(simulated=lambda: _simulated(run, settings, seed, threads))
    if isinstance(result["simulated"], Estimate):
        estimate = result["simulated"]
        result["simulated"], result["stderr"] = _stored(estimate.mean), _stored(estimate.stderr)
        result["replicates"] = estimate.replicates
    result["error"] = "; ".join(errors) or None
    result["seconds"] = time.perf_counter() - begun
    return result


def _simulated(
    run: tuple[Problem, Quantization, SGD], settings: Settings, seed: int, threads: int | None
) -> Estimate:
    return simulate(
        *run,
        settings.replicates,
        seed,
        relative_error=settings.relative_error,
        threads=threads,
    )


def _bound(bound: Any, problem: Problem, quantization: Quantization, sgd: SGD) -> float | None:
    try:
        return float(bound(problem, quantization.error_models(), sgd).total)
    except HypothesisError:
        return None


def _stored(value: float) -> float:
    """SQLite has no NaN: a run that diverged has an infinite risk."""
    return math.inf if math.isnan(value) else value
