"""Monte-Carlo runs of the real update against the exact risk."""

from __future__ import annotations

from qtheory.risk import excess_risk
from qtheory.simulate import simulate
from qtheory.verify.check import CheckResult
from qtheory.verify.experiments import Experiment

__all__ = ["STANDARD_ERRORS", "simulation_agrees"]

STANDARD_ERRORS = 4


def simulation_agrees(experiment: Experiment, replicates: int, seed: int) -> list[CheckResult]:
    """The simulated mean lies within 4 standard errors of the exact risk."""
    problem, quantization, sgd = experiment.problem, experiment.quantization, experiment.sgd
    exact = float(excess_risk(problem, quantization, sgd).total)
    estimate = simulate(problem, quantization, sgd, replicates=replicates, seed=seed)
    distance = (estimate.mean - exact) / estimate.stderr
    return [
        CheckResult.of(
            f"simulation/{experiment.id}",
            "simulation",
            abs(distance) <= STANDARD_ERRORS,
            f"{estimate.mean:.6f} +- {estimate.stderr:.6f}, exact {exact:.6f}: "
            f"{distance:+.1f} std. errors",
            {
                "exact": exact,
                "mean": estimate.mean,
                "stderr": estimate.stderr,
                "distance": distance,
                "replicates": replicates,
            },
        )
    ]
