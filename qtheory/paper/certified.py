"""An experiment of the paper in certified numbers: T1 as an identity, lower <= exact <= upper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import flint

from qtheory.errors import HypothesisError
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls
from qtheory.paper.experiments import Experiment
from qtheory.risk.decomposition import Decomposition
from qtheory.risk.excess import decomposition_at
from qtheory.theory import lower_bound, upper_bound

#: Digits to which identities are checked.
DIGITS = 30

_Inequality = tuple[str, flint.arb, flint.arb]  # its name, and the smaller side first


@dataclass(frozen=True)
class Certified:
    """What is certified of one experiment, from one run in balls.

    Attributes
    ----------
    experiment
        What was run.
    digits
        To how many digits the two sides of T1 agree, each computed by itself.
    is_identity
        Whether that is DIGITS or more, in balls; None if these are too wide to say.
    exact, lower
        The excess risk, and the lower bound T5 on it.
    uppers
        The forms of the upper bound that apply: ``"refined"`` (T4') and ``"paper"`` (T4).
    not_certified
        The inequalities between them that the balls do not show, such as ``"lower <= R"``.
    refuted
        Those of them that the balls show to be false.
    """

    experiment: Experiment
    digits: float
    is_identity: bool | None
    exact: float
    lower: float
    uppers: Mapping[str, float]
    not_certified: tuple[str, ...]
    refuted: tuple[str, ...] = ()

    @property
    def upper(self) -> float:
        """The smallest upper bound."""
        return min(self.uppers.values())

    @property
    def holds(self) -> bool:
        """Whether T1 and every bound are certified."""
        return self.is_identity is True and not self.not_certified


def certify_experiment(experiment: Experiment) -> Certified:
    """T1 and the bounds on one experiment, from one certified run.

    >>> found = certify_experiment(Experiment("additive", "1e-2", 20, 1, steps=50))
    >>> found.holds, found.lower < found.exact < found.upper
    (True, True)
    """
    arithmetic = Balls(bits=math.ceil(DIGITS * math.log2(10)) + 64)
    with arithmetic.working():
        parts = decomposition_at(experiment.run, arithmetic)
        gap = _gap(parts)
        limit = flint.arb(10) ** -DIGITS
        lower, uppers, pairs = _bounds(parts, experiment.run)
        return Certified(
            experiment,
            -math.log10(max(float(gap.abs_upper()), 1e-300)),
            True if gap < limit else False if gap >= limit else None,
            float(parts.total),
            lower,
            uppers,
            tuple(name for name, left, right in pairs if not left <= right),
            tuple(name for name, left, right in pairs if left > right),
        )


def _gap(parts: Decomposition) -> flint.arb:
    """The relative distance between the sides of T1."""
    right = parts.approximation + parts.quantized_risk - parts.distortion
    return abs(parts.total - right) / parts.total


def _bounds(parts: Decomposition, run: Run) -> tuple[float, dict[str, float], list[_Inequality]]:
    """The bounds, and the inequalities between them and the exact values."""
    lower = lower_bound(*run, digits=DIGITS)
    pairs: list[_Inequality] = [
        ("lower <= R", lower.total, parts.total),
        ("lower <= R^q", lower.quantized_risk, parts.quantized_risk),
    ]
    uppers = {}
    for form in ("refined", "paper"):
        try:
            upper = upper_bound(*run, digits=DIGITS, form=form)
        except HypothesisError:
            continue
        pairs += [
            (f"R <= {form}", parts.total, upper.total),
            (f"R^q <= {form}", parts.quantized_risk, upper.quantized_risk),
        ]
        uppers[form] = float(upper.total)
    return float(lower.total), uppers, pairs
