r"""Each theorem on random instances, decided in balls: it holds, it fails, or it is silent there.

Every instance is drawn from its own seed, so which ones are examined does not depend on how the
work is divided. A theorem that fails on an instance names it as code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from random import Random
from typing import Any

import flint
import numpy as np

from qtheory.checks.check import CheckResult
from qtheory.checks.random_runs import CELLS, random_run
from qtheory.errors import HypothesisError, PrecisionError, UnstableError
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.source import python_code
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.evaluate import evaluate
from qtheory.risk import excess_risk, powers, recursion
from qtheory.risk.closed_form import ClosedForm
from qtheory.risk.excess import decomposition_at
from qtheory.theory import definitions, lower_bound, theorems, upper_bound

#: Numbers of steps that one run in six takes: to the largest that a risk is computed for.
_HUGE = (10**5, 10**7, 10**9, 10**12, 10**15)
#: Digits to compute with until two balls are apart.
_DIGITS = (20, 40, 80, 160, 320)
#: Identities must agree to this many digits.
_AGREED = 25
# T3 is a statement on every step; it is examined on this many.
_STEPS_OF_T3 = 100
# Of a longer run the recursion is not one of the methods that are compared.
_SHORT = 500

#: True and False are certain; None where the theorem says nothing.
Verdict = bool | None


def _decided(compare: Callable[[int], Verdict]) -> Verdict:
    """The verdict at the first number of digits at which the balls are apart."""
    for digits in _DIGITS:
        with flint.ctx.workprec(4 * digits + 64):
            try:
                return compare(digits)
            except PrecisionError:
                continue
    raise PrecisionError(f"undecided with {_DIGITS[-1]} digits")


def _apart(larger: Any, smaller: Any) -> bool:
    """Whether one ball is above the other, or PrecisionError if they overlap."""
    if larger > smaller:
        return True
    if larger < smaller:
        return False
    raise PrecisionError("the balls overlap")


def _same(left: Any, right: Any, scale: Any) -> bool:
    """Whether two balls agree, relative to a third number; PrecisionError if they are too wide."""
    limit = abs(scale) * flint.arb(10) ** -_AGREED
    gap = abs(flint.arb(left) - right)
    if gap <= limit:
        return True
    if gap > limit:
        return False
    raise PrecisionError("the balls are too wide")


# --- the theorems ------------------------------------------------------------------------------


def _decomposition(run: Run) -> Verdict:
    def compare(digits: int) -> Verdict:
        arithmetic = Balls(bits=8 * digits)
        with arithmetic.working():
            parts = decomposition_at(run, arithmetic)
            right = parts.approximation + parts.quantized_risk - parts.distortion
            scale = parts.approximation + parts.quantized_risk + abs(parts.distortion)
            return _same(parts.total, right, scale)

    return _decided(compare)


def _recursion(run: Run) -> Verdict:
    """All methods that can, give the same moments."""

    def compare(digits: int) -> Verdict:
        arithmetic = Balls(bits=16 * digits)
        with arithmetic.working():
            instance, window = instantiate(run, arithmetic), run.window
            found = [powers.output_moments(instance, window)]
            if instance.steps <= _SHORT:
                found.append(recursion.output_moments(instance, window))
            step = recursion.Step.of(instance)
            ties = len(set(instance.groups)) < len(instance.groups)
            if len(step.gain.left) == 1 and not ties:
                form, wq = ClosedForm(instance), instance.quantized_target
                first, second = form.first_moment(window), form.second_moment(window)
                moments = first + wq, second + 2 * wq * first + wq**2
                if all(ball.is_finite() for ball in np.concatenate(moments)):  # no two rates equal
                    found.append(moments)
            if len(found) == 1:
                return None
            first, *others = (np.concatenate(moments) for moments in found)
            pairs = [(a, b) for other in others for a, b in zip(first, other, strict=True)]
            scale = max(abs(a).abs_upper() for a in first)
            return all(_same(a, b, scale) for a, b in pairs)

    return _decided(compare)


def _noise_constants(run: Run) -> Verdict:
    """T3 on the first steps: c' is at most what it says, coordinate by coordinate."""
    theorem = theorems["noise_constants"]
    theorem.require(run)

    def compare(digits: int) -> Verdict:
        arithmetic = Balls(bits=8 * digits)
        with arithmetic.working():
            instance = instantiate(run, arithmetic)
            values = theorem.values(instance)
            alpha, s2 = values[definitions.alpha], values[definitions.s2]
            wq, lq = instance.quantized_target, instance.quantized_eigenvalues
            steps = islice(recursion.trajectory(instance), min(instance.steps, _STEPS_OF_T3) + 1)
            spread, energy = [], []
            for moments in steps:
                spread.append(moments.v - moments.m**2)
                energy.append(lq @ (moments.v - 2 * wq * moments.m + wq**2))
            factor = (1 - instance.stepsize * lq) ** 2
            noise = instance.stepsize**2 * lq
            for k in range(len(spread) - 1):
                right = factor * spread[k] + noise * (alpha * energy[k] + s2)
                for a, b in zip(right, spread[k + 1], strict=True):
                    if not (a >= b or _apart(a, b)):
                        return False
            return True

    return _decided(compare)


def _bound(name: str) -> Callable[[Run], Verdict]:
    theorem = theorems[name]

    def claim(run: Run) -> Verdict:
        theorem.require(run)

        def compare(digits: int) -> Verdict:
            exact = excess_risk(*run, digits=digits)
            if name == "lower_bound":
                return _apart(exact.quantized_risk, lower_bound(*run, digits=digits).quantized_risk)
            if name == "risk_lower_bound":
                return _apart(exact.total, lower_bound(*run, digits=digits).total)
            form = "refined" if name == "refined_upper_bound" else "paper"
            bound = upper_bound(*run, digits=digits, form=form)
            return _apart(bound.quantized_risk, exact.quantized_risk) and _apart(
                bound.total, exact.total
            )

        return _decided(compare)

    return claim


def _identity(name: str) -> Callable[[Run], Verdict]:
    """A theorem that is an equation: both sides, evaluated."""
    theorem = theorems[name]
    left, right = theorem.statement.args

    def claim(run: Run) -> Verdict:
        theorem.require(run)

        def compare(digits: int) -> Verdict:
            arithmetic = Balls(bits=8 * digits)
            with arithmetic.working():
                values = theorem.values(instantiate(run, arithmetic))
                pairs = zip(
                    *(np.ravel(evaluate(side, values, arithmetic)) for side in (left, right)),
                    strict=True,
                )
                return all(_same(a, b, abs(a) + abs(b) + 1) for a, b in pairs)

        return _decided(compare)

    return claim


#: What is asked of each theorem on an instance.
CLAIMS: Mapping[str, Callable[[Run], Verdict]] = {
    "decomposition": _decomposition,
    "recursion": _recursion,
    "noise_constants": _noise_constants,
    **{
        name: _bound(name)
        for name in ("upper_bound", "refined_upper_bound", "lower_bound", "risk_lower_bound")
    },
    **{
        name: _identity(name)
        for name in ("spectral_floor", "spectral_shape", "feedback_limit", "noise_limit")
    },
}


def theorem_on_random_instances(
    name: str, first: int, count: int, seed: int = 0
) -> list[CheckResult]:
    """The instances with these numbers, drawn again until the theorem says something.

    Parameters
    ----------
    name
        A key of :data:`CLAIMS`.
    first, count
        The numbers of the instances: first, ..., first + count - 1.
    """
    claim, counts = CLAIMS[name], Counter[str]()
    broken: list[str] = []
    for index in range(first, first + count):
        rng = Random(f"{seed}/{name}/{index}")
        verdict: Verdict = None
        while verdict is None:
            problem, quantization, sgd, _ = random_run(rng, *CELLS[index % len(CELLS)], huge=_HUGE)
            run = Run(problem, quantization, sgd)
            try:
                verdict = claim(run)
            except (HypothesisError, UnstableError):
                counts["outside"] += 1
            except PrecisionError:
                counts["undecided"] += 1
                break
        counts["held"] += verdict is True
        if verdict is False:
            broken.append("; ".join(python_code(*run).splitlines()))
    held, undecided = counts["held"], counts["undecided"]
    detail = f"certified on {held} instances"
    if undecided:
        detail += f", undecided on {undecided}"
    if broken:
        detail = f"fails on {len(broken)} of {count} instances, first on: {broken[0]}"
    values = {"held": held, "undecided": undecided, "outside": counts["outside"]}
    id = f"random/{name}/{first}"
    return [CheckResult.of(id, "instance", not broken, detail, values)]
