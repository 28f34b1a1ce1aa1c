"""Monte-Carlo runs of the real update against the exact risk."""

from __future__ import annotations

from qtheory.model import SGD, Problem, Quantization
from qtheory.risk import excess_risk
from qtheory.simulate import simulate
from qtheory.verify.check import CheckResult
from qtheory.verify.experiments import Experiment

__all__ = ["STANDARD_ERRORS", "mean_agrees", "simulation_agrees"]

STANDARD_ERRORS = 4


def simulation_agrees(experiment: Experiment, replicates: int, seed: int) -> list[CheckResult]:
    """The simulated mean of an experiment lies within 4 standard errors of the exact risk."""
    run = experiment.problem, experiment.quantization, experiment.sgd
    return mean_agrees(f"simulation/{experiment.id}", run, replicates, seed, STANDARD_ERRORS)


def mean_agrees(
    id: str,
    run: tuple[Problem, Quantization, SGD],
    replicates: int,
    seed: int,
    standard_errors: float,
) -> list[CheckResult]:
    """The simulated mean lies within so many standard errors of the exact risk."""
    problem, quantization, sgd = run
    exact = float(excess_risk(problem, quantization, sgd).total)
    estimate = simulate(problem, quantization, sgd, replicates=replicates, seed=seed)
    distance = (estimate.mean - exact) / estimate.stderr
    return [
        CheckResult.of(
            id,
            "simulation",
            abs(distance) <= standard_errors,
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
