"""The paper's experiments: T1 as an identity, and lower <= exact <= upper, certified."""

from __future__ import annotations

from qtheory.checks.check import CheckResult
from qtheory.paper.certified import certify_experiment
from qtheory.paper.experiments import Experiment

__all__ = ["experiment_certified"]


def experiment_certified(experiment: Experiment) -> list[CheckResult]:
    """T1 and the bounds on one experiment, as two checks."""
    found = certify_experiment(experiment)
    values = {"exact": found.exact, "lower": found.lower, "upper": found.upper, **found.uppers}
    detail = (
        f"not certified: {', '.join(found.not_certified)}"
        if found.not_certified
        else f"upper/exact = {found.upper / found.exact:.3g}, "
        f"exact/lower = {found.exact / found.lower:.3g}"
    )
    return [
        CheckResult.of(
            f"T1/{experiment.id}",
            "identity",
            found.is_identity,
            f"both sides agree to {found.digits:.0f} digits",
            {"digits": found.digits},
        ),
        CheckResult.of(
            f"bounds/{experiment.id}", "instance", not found.not_certified, detail, values
        ),
    ]
