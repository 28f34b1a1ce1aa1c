"""The paper's experiments: T1 as an identity, and lower <= exact <= upper, certified."""

from __future__ import annotations

from qtheory.checks.check import CheckResult, Status
from qtheory.paper.certified import DIGITS, Certified, certify_experiment
from qtheory.paper.experiments import Experiment

_MORE_DIGITS = f"not decided with {DIGITS} digits; more would decide it"


def experiment_certified(experiment: Experiment) -> list[CheckResult]:
    """T1 and the bounds on one experiment, as two checks."""
    found = certify_experiment(experiment)
    return [_identity(found), _bounds(found)]


def _identity(found: Certified) -> CheckResult:
    status: Status = "passed" if found.is_identity else "failed"
    detail = f"both sides agree to {found.digits:.0f} digits"
    if found.is_identity is None:
        status, detail = "unknown", _MORE_DIGITS
    values = {"digits": found.digits, **vars(found.experiment)}
    return CheckResult(f"T1/{found.experiment.id}", "identity", status, detail, values=values)


def _bounds(found: Certified) -> CheckResult:
    above, below = found.upper / found.exact, found.exact / found.lower
    status: Status = "passed"
    detail = f"upper/exact = {above:.3g}, exact/lower = {below:.3g}"
    if found.not_certified:
        status, detail = "unknown", f"{', '.join(found.not_certified)}: {_MORE_DIGITS}"
    if found.refuted:
        status, detail = "failed", f"false: {', '.join(found.refuted)}"
    values = {
        "exact": found.exact,
        "lower": found.lower,
        "upper": found.upper,
        **found.uppers,
        **vars(found.experiment),
    }
    return CheckResult(f"bounds/{found.experiment.id}", "instance", status, detail, values=values)
