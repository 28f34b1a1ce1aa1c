r"""The risk: what the package computes, by each of its methods, beside the loops of the reference.

One step and whole paths are also held against the update itself, added up over every outcome of
all random numbers (:mod:`qtheory.reference.outcomes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from qtheory.checks.check import CheckResult, refusals
from qtheory.checks.panel import (
    ARITHMETIC,
    DIGITS,
    SETTINGS,
    Pair,
    arguments,
    close,
    entries,
    report,
)
from qtheory.errors import PrecisionError
from qtheory.model import TARGETS
from qtheory.model.instance import Instance, instantiate
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Float64
from qtheory.reference import moments as reference
from qtheory.reference import outcomes
from qtheory.reference.moments import Errors, Setting
from qtheory.risk import closed_form, excess_risk, powers, recursion
from qtheory.risk.decomposition import Decomposition, decompose
from qtheory.risk.secular import Roots, secular_roots


def _first(setting: Setting, output: str) -> int:
    """The first iterate of the average; a tail of one third, rounded up."""
    return setting.steps - (-(-setting.steps // 3)) if output == "tail" else 0


def _moments(setting: Setting, output: str) -> reference.Moments:
    if output == "last":
        return reference.last_moments(setting)
    return reference.average_moments(setting, _first(setting, output))


def outcomes_agree() -> list[CheckResult]:
    """T2: one step of the package from given moments is the sum over all outcomes of the update."""

    def pairs() -> Iterator[Pair]:
        for case, setting in enumerate(outcomes.CASES):
            before = outcomes.start(setting)
            after = outcomes.one_step(setting, before.first, before.second)
            step = recursion.Step.of(instantiate(arguments(setting), Float64()))
            m, v = (np.array([float(entry) for entry in each]) for each in astuple(before))
            yield from entries(f"case {case}: E w", step.mean(m), after.first)
            yield from entries(f"case {case}: E w^2", step.second(m, v), after.second)

    return report("recursion/outcomes", pairs(), close)


def paths_agree() -> list[CheckResult]:
    """The averages of the iterates of a few steps are the sums over all paths."""

    def pairs() -> Iterator[Pair]:
        for path, setting in enumerate(outcomes.PATHS):
            instance = instantiate(arguments(setting), Float64())
            for output in ("average", "tail"):
                moments = outcomes.average_moments(setting, _first(setting, output))
                _, _, run = arguments(setting, output)
                first, second = recursion.output_moments(instance, Window.of(run))
                yield from entries(f"path {path}, {output}: E w", first, moments.first)
                yield from entries(f"path {path}, {output}: E w^2", second, moments.second)

    return report("recursion/paths", pairs(), close)


def risks_agree(name: str) -> list[CheckResult]:
    """The exact risk and its parts, for every output and by every method."""
    setting = SETTINGS[name]

    def pairs() -> Iterator[Pair]:
        yield from _spectrum(setting)
        for output in ("average", "last", "tail"):
            yield from _risks(setting, output)
        yield from _parts(setting)

    return report(f"risk/{name}", pairs())


def _spectrum(setting: Setting) -> Iterator[Pair]:
    instance = instantiate(arguments(setting), ARITHMETIC)
    again = reference.quantized_eigenvalues(setting)
    yield from entries("lambda^q", instance.quantized_eigenvalues, again)
    yield from entries("w^q", instance.quantized_target, reference.quantized_optimum(setting))


def _risks(setting: Setting, output: str) -> Iterator[Pair]:
    risks = reference.risks(setting, _moments(setting, output))
    run = arguments(setting, output)
    exact = excess_risk(*run, digits=DIGITS)
    yield f"{output}: R", exact.total, risks.risk
    yield f"{output}: R^q", exact.quantized_risk, risks.quantized_risk
    yield f"{output}: A", exact.approximation, risks.approximation
    yield f"{output}: F", exact.floor, risks.floor
    instance, window = instantiate(run, ARITHMETIC), run.window
    for method, found in by_each_method(instance, window):
        yield f"{output}, {method}: R", found.total, risks.risk
        yield f"{output}, {method}: W", found.distortion, risks.gain


def by_each_method(
    instance: Instance, window: Window, rates_differ: bool = True
) -> Iterator[tuple[str, Decomposition]]:
    """The parts of the risk by the recursion, by powers and, where it applies, in closed form.

    It does not where rates of decay are not equal but ``rates_differ`` too little to be told apart.
    """
    has_closed_form = rates_differ and len(recursion.Step.of(instance).gain.left) == 1
    for method in (recursion, powers, *([closed_form] if has_closed_form else [])):
        (moments,) = method.moments(instance, [window])
        name = method.__name__.rpartition(".")[2].replace("_", " ")
        yield name, decompose(instance, *moments)


def _parts(setting: Setting) -> Iterator[Pair]:
    """Bias, variance and what each target adds, by their definitions as differences of risks."""

    def total(one: Setting) -> Fraction:
        return reference.risks(one, _moments(one, "average")).risk

    risk = excess_risk(*arguments(setting), digits=DIGITS)
    exact: dict[str, Any] = {target: Errors() for target in TARGETS}
    sofar = replace(setting, **exact)
    bias, before = total(replace(sofar, noise=Fraction(0))), total(sofar)
    yield "bias", risk.bias, bias
    yield "variance", risk.variance, before - bias
    for target in TARGETS:
        sofar = replace(sofar, **{target: getattr(setting, target)})
        after = total(sofar)
        yield target, risk.by_target[target], after - before
        before = after


def floats_agree() -> list[CheckResult]:
    """The same risks in float64, by each method, and as a user gets them."""

    def pairs() -> Iterator[Pair]:
        for name, setting in SETTINGS.items():
            values = set(setting.eigenvalues)
            rates_differ = len(set(map(float, values))) == len(values)
            for output in ("average", "last", "tail"):
                risks = reference.risks(setting, _moments(setting, output))
                run = arguments(setting, output)
                where = f"{name}, {output}"
                exact = excess_risk(*run)
                yield f"{where}: R", exact.total, risks.risk
                yield f"{where}: R^q", exact.quantized_risk, risks.quantized_risk
                instance, window = instantiate(run, Float64()), run.window
                for method, found in by_each_method(instance, window, rates_differ):
                    yield f"{where}, {method}: R", found.total, risks.risk

    return report("risk/float64", pairs(), close)


def uncertain_roots_are_refused() -> list[CheckResult]:
    """No root of the secular equation without an enclosure, nor between poles that may be equal."""

    def roots(second: str, of_poles: float, of_weights: float) -> Roots:
        """Those of 1/10 / (1/4 - b) + 1/10 / (second - b) = 1, from numbers known up to errors."""
        with ARITHMETIC.working():
            poles = np.array([flint.arb(pole, of_poles) for pole in ("1/4", second)])
            weights = np.array([flint.arb("1/10", of_weights)] * 2)
            return secular_roots(poles, flint.arb(0), weights, np.arange(2), ARITHMETIC)

    roots("1/2", 1e-9, 1e-9)
    attempts = {
        "weights known to a tenth": lambda: roots("1/2", 0, 0.01),
        "weights known to a third": lambda: roots("1/2", 0, 0.03),
        "poles that may be equal": lambda: roots("0.250001", 1e-3, 0),
    }
    return refusals("risk/roots", "identity", attempts, PrecisionError)
