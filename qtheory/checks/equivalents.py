"""Risks averaged over sketches, beside sampled sketches and beside what needs no sketch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from qtheory.asymptotics.equivalent import equivalent_risk
from qtheory.asymptotics.sketch import Sketch
from qtheory.asymptotics.unlearnt import elementwise_sketch
from qtheory.checks.check import CheckResult
from qtheory.checks.panel import Pair, report
from qtheory.model import SGD, Additive, Multiplicative, PowerLaw, Problem, Quantization
from qtheory.model.targets import SourceCondition
from qtheory.risk import excess_risk

STANDARD_ERRORS, REMAINDER = 4, 0.01
_SAMPLES, _DIM, _SEED = 40, 300, 1
_SIZES = ((30, 0.0), (30, 0.01), (80, 0.0), (80, 0.002))
_ELEMENTWISE = ((30, "1/10"), (80, "1/100"))
_PROBLEM = Problem(_DIM, PowerLaw(2), SourceCondition(2), "1/4")
#: Of every kind that does not see the rotation, nor grows with the features.
_ERRORS = Quantization(
    data=Multiplicative("1/100"),
    label=Multiplicative("1/5"),
    parameter=Additive("1/300"),
    activation=Multiplicative("1/10", "elementwise"),
    gradient=Multiplicative("1/10"),
)


def limits_are_those_of_samples() -> list[CheckResult]:
    """A_S and F_S within 4 standard errors of the mean over sketches, and 1 % for finite M."""
    within = []
    for size, level in _SIZES:
        found = Sketch.of(_PROBLEM, size).limits(level)[:2]
        sampled = np.array(list(_samples(size, level)))
        errors = sampled.std(axis=0) / np.sqrt(_SAMPLES)
        for here, mean, error in zip(found, sampled.mean(axis=0), errors, strict=True):
            within.append(abs(here - mean) / (STANDARD_ERRORS * error + REMAINDER * here))
    detail = f"{len(within)} numbers within {STANDARD_ERRORS} standard errors of sampled sketches"
    values = {"compared": len(within), "largest": max(within)}
    id = "equivalents/samples"
    return [CheckResult.of(id, "simulation", max(within) <= 1, detail, values)]


def _samples(size: int, level: float, elementwise: bool = False) -> Iterator[tuple[float, float]]:
    """A and F of sketches, by linear algebra alone."""
    i = np.arange(1, _DIM + 1.0)
    lam, w = i**-2.0, np.ones(_DIM)  # lambda w*^2 = i^-2
    rng = np.random.default_rng(_SEED)
    for _ in range(_SAMPLES):
        S = rng.standard_normal((size, _DIM)) / np.sqrt(size)
        signal = S @ (lam * w)
        Sigma = (S * lam) @ S.T
        errors = np.diag(np.diag(Sigma)) if elementwise else np.eye(size)
        v = np.linalg.solve(Sigma + level * errors, signal)
        yield (lam.sum() - signal @ v) / 2, (lam * (S.T @ v - w) ** 2).sum() / 2


def elementwise_is_that_of_samples() -> list[CheckResult]:
    """A_S with relative errors of single features, as above."""
    within = []
    for size, level in _ELEMENTWISE:
        found = elementwise_sketch(_PROBLEM, level, size=size).approximation
        sampled = np.array([a for a, _ in _samples(size, float(Fraction(level)), elementwise=True)])
        error = sampled.std() / np.sqrt(_SAMPLES)
        within.append(abs(found - sampled.mean()) / (STANDARD_ERRORS * error + REMAINDER * found))
    detail = f"{len(within)} numbers within {STANDARD_ERRORS} standard errors of sampled sketches"
    values = {"compared": len(within), "largest": max(within)}
    id = "equivalents/elementwise"
    return [CheckResult.of(id, "simulation", max(within) <= 1, detail, values)]


def many_features_need_no_sketch() -> list[CheckResult]:
    """As M grows the risk tends to that of the problem without sketch."""

    def pairs() -> Iterator[Pair]:
        problem = replace(_PROBLEM, dim=20)
        for output in ("last", "average"):
            run = SGD("1/20", 2, steps=300, output=output)
            for name, quantization in (("exact", Quantization()), ("errors", _ERRORS)):
                here = equivalent_risk(problem, quantization, run, size=10**8).total
                yield f"{name} {output}", here, excess_risk(problem, quantization, run).total

    return report(
        "equivalents/many features", pairs(), lambda a, b: bool(abs(a / b - 1) < 1e-5),
        how="agree to 5 digits",
    )  # fmt: skip


#: Every check by its id.
EQUIVALENTS: dict[str, Callable[[], list[CheckResult]]] = {
    "equivalents/samples": limits_are_those_of_samples,
    "equivalents/elementwise": elementwise_is_that_of_samples,
    "equivalents/many features": many_features_need_no_sketch,
}
