"""Schedules, momentum, stored weights and error feedback, beside the loops of the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np

from qtheory.checks.check import CheckResult
from qtheory.checks.panel import ARITHMETIC, PANEL, Pair, arguments, entries, rational, report
from qtheory.model import Additive, Multiplicative, PiecewiseConstant
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Float64
from qtheory.reference.moments import Errors, Setting
from qtheory.reference.steps import Steps, moments_of_steps
from qtheory.risk import powers, recursion, stability
from qtheory.risk.update import Update
from qtheory.simulate import simulate

_SETTINGS = ("all/B=3", "all/data mixed")
_STORED = Errors(Fraction(1, 50), Fraction(1, 20), Fraction(1, 30))
_STEPS, _SWITCH = 6, 4
#: Momentum, stored weights or not, with feedback or not.
CHANGES = tuple(
    (momentum, stored, feedback)
    for momentum, stored, feedback in product((Fraction(0), Fraction(2, 5)), (False, True), (0, 1))
    if stored or not feedback
)
STANDARD_ERRORS, _REPLICATES = 4, 20_000


def changed(
    setting: Setting, momentum: Fraction, stored: bool, feedback: int, output: str = "average"
) -> tuple[Run, Steps]:
    """A setting with other steps, as a run of the package and for the reference."""
    stepsizes = tuple(setting.stepsize / (1 + t) for t in range(_STEPS))
    batches = (setting.batch,) * _SWITCH + (setting.batch + 1,) * (_STEPS - _SWITCH)
    problem, quantization, sgd = arguments(setting, output)
    levels = _STORED if stored else Errors()
    additive, shared, elementwise = map(
        rational, (levels.additive, levels.shared, levels.elementwise)
    )
    run = Run(
        problem,
        replace(
            quantization,
            stored=Additive(additive)
            + Multiplicative(shared)
            + Multiplicative(elementwise, "elementwise"),
        ),
        replace(
            sgd,
            stepsize=[rational(each) for each in stepsizes],
            batch=PiecewiseConstant([setting.batch, setting.batch + 1], [_SWITCH]),
            steps=_STEPS,
            momentum=rational(momentum),
            error_feedback=bool(feedback),
        ),
    )
    return run, Steps(stepsizes, batches, momentum, levels, bool(feedback))


def recursions_agree() -> list[CheckResult]:
    """Moments of every kind of step: the recursion, powers of stretches, and plain loops."""

    def pairs() -> Iterator[Pair]:
        for name, change, output in product(_SETTINGS, CHANGES, ("last", "average", "tail")):
            setting = PANEL[name]
            run, steps = changed(setting, *change, output)
            first = None if output == "last" else run.window.first
            there = moments_of_steps(setting, steps, first)
            instance = instantiate(run, ARITHMETIC)
            for method in (recursion, powers):
                here = method.output_moments(instance, run.window)
                what = f"{name}, {change}, {output}, {method.__name__}"
                yield from entries(f"{what}: E w", here[0], there.first)
                yield from entries(f"{what}: E w^2", here[1], there.second)

    return report("steps/moments", pairs())


def edges_agree() -> list[CheckResult]:
    """The map of one step on all second moments has spectral radius 1 at the largest stepsize."""
    wrong, count = [], 0
    for name, (momentum, stored, feedback) in product(_SETTINGS, CHANGES[1:]):
        run, _ = changed(PANEL[name], momentum, stored, feedback)
        run = Run(run.problem, run.quantization, replace(run.sgd, stepsize="1/100", batch=2))
        instance = instantiate(run, Float64())
        update = recursion.update_for(instance, instance.batch, summing=False)
        largest = stability(*run).largest_stepsize

        def radius(stepsize: float, update: Update = update) -> float:
            return float(max(abs(np.linalg.eigvals(update.dense(stepsize)[1:, 1:]))))

        count += 2
        if largest == 0:
            is_right = min(radius(step) for step in np.geomspace(1e-4, 10, 50)) > 1
        else:
            is_right = radius(largest * 0.9999) < 1 < radius(largest * 1.0001)
        if not is_right:
            wrong.append(f"{name}, {momentum}, {stored}, {feedback}: {largest}")
    detail = "; ".join(wrong) if wrong else f"the edge is right to 1e-4 in {count // 2} settings"
    return [CheckResult.of("steps/edges", "identity", not wrong, detail, {"compared": count})]


def simulations_agree() -> list[CheckResult]:
    """The simulated mean of every kind of step lies within 4 standard errors of the loops."""
    distances = []
    setting = replace(PANEL["all/B=3"], stepsize=Fraction(1, 30))
    for seed, change in enumerate(CHANGES):
        run, steps = changed(setting, *change, "last")
        moments = moments_of_steps(setting, steps)
        exact = _risk(setting, moments.first, moments.second)
        estimate = simulate(*run, replicates=_REPLICATES, seed=seed, threads=1)
        distances.append((estimate.mean - float(exact)) / estimate.stderr)
    largest = max(map(abs, distances))
    detail = f"{len(distances)} kinds of step within {largest:.1f} standard errors of the loops"
    values = {"compared": len(distances), "largest": largest}
    is_near = largest <= STANDARD_ERRORS
    return [CheckResult.of("steps/simulation", "simulation", is_near, detail, values)]


def _risk(setting: Setting, first: tuple[Fraction, ...], second: tuple[Fraction, ...]) -> Fraction:
    rows = zip(setting.eigenvalues, setting.target, first, second, strict=True)
    squares = (lam * (v - 2 * w * m + w**2) for lam, w, m, v in rows)
    return sum(squares, Fraction(0)) / 2


#: Every check by its id.
STEPS: dict[str, Callable[[], list[CheckResult]]] = {
    "steps/moments": recursions_agree,
    "steps/edges": edges_agree,
    "steps/simulation": simulations_agree,
}
