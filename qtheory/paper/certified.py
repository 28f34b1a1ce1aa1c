"""Certified checks on one experiment: T1 as an identity, and lower <= exact <= upper."""

from __future__ import annotations

import math

import flint

from qtheory.errors import HypothesisError
from qtheory.model import SGD, Problem, Quantization
from qtheory.numbers.arithmetic import Balls
from qtheory.risk.decomposition import Decomposition
from qtheory.risk.excess import decomposition_at
from qtheory.theory import lower_bound, upper_bound
from qtheory.verify.check import CheckResult
from qtheory.verify.experiments import Experiment

__all__ = ["DIGITS", "bounds_hold", "decomposition_holds", "verify_experiment"]

#: Digits to which identities are checked.
DIGITS = 30


def verify_experiment(experiment: Experiment) -> list[CheckResult]:
    """T1 and the bounds on one experiment, from one certified run."""
    problem, quantization, sgd = experiment.problem, experiment.quantization, experiment.sgd
    arithmetic = Balls(bits=math.ceil(DIGITS * math.log2(10)) + 64)
    with arithmetic.working():
        parts = decomposition_at(problem, quantization, sgd, arithmetic)
        return [
            decomposition_holds(experiment.id, parts),
            bounds_hold(experiment.id, parts, problem, quantization, sgd),
        ]


def decomposition_holds(id: str, parts: Decomposition) -> CheckResult:
    """T1: both sides, each computed by itself, agree to DIGITS digits."""
    right = parts.approximation + parts.quantized_risk - parts.distortion
    gap = abs(parts.total - right) / parts.total
    holds = bool(gap < flint.arb(10) ** -DIGITS)
    digits = -math.log10(max(float(gap.abs_upper()), 1e-300))
    return CheckResult.of(
        f"T1/{id}",
        "identity",
        holds,
        f"both sides agree to {digits:.0f} digits",
        {"digits": digits},
    )


def bounds_hold(
    id: str, parts: Decomposition, problem: Problem, quantization: Quantization, sgd: SGD
) -> CheckResult:
    """Every bound lies on its side of the exact value, certified by balls that do not overlap."""
    lower = lower_bound(problem, quantization, sgd, digits=DIGITS)
    pairs = [
        ("lower <= R", lower.total, parts.total),
        ("lower <= R^q", lower.quantized_risk, parts.quantized_risk),
    ]
    values = {"exact": float(parts.total), "lower": float(lower.total)}
    for form in ("refined", "paper"):
        try:
            upper = upper_bound(problem, quantization, sgd, digits=DIGITS, form=form)
        except HypothesisError:
            continue
        pairs += [
            (f"R <= {form}", parts.total, upper.total),
            (f"R^q <= {form}", parts.quantized_risk, upper.quantized_risk),
        ]
        values[form] = float(upper.total)
    values["upper"] = min(values[form] for form in ("refined", "paper") if form in values)
    broken = [name for name, left, right in pairs if not left <= right]
    detail = (
        f"not certified: {', '.join(broken)}"
        if broken
        else f"upper/exact = {values['upper'] / values['exact']:.3g}, "
        f"exact/lower = {values['exact'] / values['lower']:.3g}"
    )
    return CheckResult.of(f"bounds/{id}", "instance", not broken, detail, values)
