r"""The package beside the theory written down a second time.

:mod:`qtheory.reference.moments` holds sections 2 and 3 as loops over exact rationals, read off
the theory and not off the package, and :mod:`qtheory.reference.outcomes` the update itself, added
up over every outcome. What the package computes, by each of its methods, must be these numbers.
A formula that is changed in the package then differs from its second copy, also where the
change would leave a bound true and only larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import sympy as sp

from qtheory.checks.check import CheckResult
from qtheory.model import (
    SGD,
    TARGETS,
    Additive,
    ErrorModel,
    Explicit,
    Multiplicative,
    Problem,
    Quantization,
)
from qtheory.model.instance import Instance, instantiate
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Balls, Float64
from qtheory.numbers.exact import Number
from qtheory.reference import moments as reference
from qtheory.reference import outcomes
from qtheory.reference import theorems as stated
from qtheory.reference.moments import Errors, Setting
from qtheory.risk import excess_risk, powers, recursion
from qtheory.risk.closed_form import ClosedForm
from qtheory.risk.decomposition import Decomposition, decompose
from qtheory.theory import definitions as symbols
from qtheory.theory import lower_bound, theorems, upper_bound
from qtheory.theory.batch import alpha_limit, s2_limit
from qtheory.theory.lower import s2_low
from qtheory.theory.upper import S_bar

__all__ = [
    "ARITHMETIC",
    "PANEL",
    "PURE",
    "Pair",
    "arguments",
    "by_each_method",
    "close",
    "floats_restated",
    "limits_restated",
    "outcomes_added_up",
    "paths_added_up",
    "rational",
    "report",
    "section_2_restated",
    "section_3_restated",
]

#: Digits to which the package must agree with the exact rational numbers.
DIGITS = 30
ARITHMETIC = Balls(bits=400)
#: The same for float64, relative, and what may be left where the number is 0.
ROUNDING, CANCELLED = 1e-11, 1e-15

Pair = tuple[str, Any, Any]  # what is compared, in the package, written down again


#: Small problems in which every term of every formula counts: each target alone, all together,
#: one sample and several, equal eigenvalues, coordinates without signal, steps up to the edge.
PANEL: dict[str, Setting] = {
    "exact": Setting.read("1 1/4 1/9", "1 1 1", "1", "1/10", 1, 8),
    "exact/B=3": Setting.read("1 1/4 1/4", "1 0 -2", "1/2", "1/3", 3, 6),
    "data/additive": Setting.read(
        "1 1/4 1/9 1/16", "1 -1 2 3", "1/2", "1/8", 3, 8, data="1/10 0 0"
    ),
    "data/shared": Setting.read("1 1/3", "2 -1", "1", "1/40", 3, 8, data="0 1/5 0"),
    "data/elementwise": Setting.read("1 1/4 1/9", "1 1 1", "1", "1/60", 3, 7, data="0 0 1/4"),
    "label": Setting.read("1 1/2", "1 -1/3", "1/2", "1/10", 3, 8, label="1/3 1/4 1/5"),
    "parameter": Setting.read("1 1/2", "1 -1/3", "1/2", "1/10", 3, 8, parameter="1/3 1/4 1/5"),
    "activation": Setting.read("1 1/2", "1 -1/3", "1/2", "1/10", 3, 8, activation="1/3 1/4 1/5"),
    "gradient": Setting.read("1 1/2", "1 -1/3", "1/2", "1/10", 3, 8, gradient="1/3 1/4 1/5"),
    "all/additive": Setting.read(
        "1/9 1 3", "2 -1 1/4", "1", "1/12", 3, 4, data="1/50 0 0", label="1/2 0 0",
        parameter="1/100 0 0", activation="1/3 0 0", gradient="1/5 0 0",
    ),
    "all/B=1": Setting.read(
        "1 1/3 1/5", "2 -1 1", "1", "1/40", 1, 6, data="1/100 0 0", label="0 0 1/4",
        parameter="0 1/8 0", activation="0 1/9 0", gradient="0 0 1/3",
    ),
    "all/B=3": Setting.read(
        "1 1/2", "1 -1/3", "1/2", "1/20", 3, 8, data="1/5 0 0", label="1/3 1/4 1/5",
        parameter="1/6 1/8 1/7", activation="1/5 1/9 1/4", gradient="1/2 1/6 1/3",
    ),
    "all/data shared": Setting.read(
        "1 1/3 1/5", "2 -1 1", "1", "1/80", 1, 8, data="0 1/10 0", label="1/2 0 1/4",
        parameter="1/9 1/8 0", activation="1/5 1/9 0", gradient="0 0 1/3",
    ),
    "all/data elementwise": Setting.read(
        "1 1/4 1/9 1/16", "1 1 1 1", "1", "1/60", 3, 7, data="0 0 1/4", label="1/2 1/4 0",
        parameter="0 1/8 0", activation="0 1/9 0", gradient="0 1/3 0",
    ),
    "all/data mixed": Setting.read(
        "1 1/2 1/3 1/4", "1 -1 1/2 2", "1", "1/20", 3, 7, data="1/10 1/7 1/9",
        label="1/3 1/4 1/5", parameter="1/6 1/8 1/7", activation="1/5 1/9 1/4",
        gradient="1/2 1/6 1/3",
    ),
    "data of both couplings": Setting.read(
        "1 1/2", "1 -1", "1/2", "1/40", 2, 5, data="0 1/7 1/9", gradient="0 1/5 1/4"
    ),
    "one coordinate, two steps": Setting.read(
        "3/2", "-2", "1", "1/20", 2, 2, data="1/10 0 0", label="1/3 1/4 1/5",
        parameter="1/6 1/8 1/7", activation="1/5 1/9 1/4", gradient="1/2 1/6 1/3",
    ),
    "short steps": Setting.read(
        "1 1/2", "1 -1/3", "1", "1/500", 2, 3, data="1/5 0 0", gradient="0 1/2 0"
    ),
    "full steps": Setting.read("1 1 1/100", "1 2 -3", "1", "1/4", 20, 9, label="1/3 1/4 0"),
    "long steps": Setting.read("1 4/5 1/10", "1 -1 2", "1/3", "3/4", 40, 9, data="1/20 0 0"),
    "ties": Setting.read(
        "1 1/4 1/4 1/9 1/9 1/9", "1 -1 2 1 0 3", "1/2", "1/8", 2, 9, data="1/10 0 0",
        activation="0 1/9 0", gradient="0 0 1/3",
    ),
    "nearly ties": Setting.read(
        "1 100000000000000000001/100000000000000000000 1/2", "1 -1 2", "1/2", "1/8", 2, 6,
        gradient="0 0 1/3",
    ),
    "a direction without variance": Setting.read(
        "1 1/2 0", "1 2 -1", "1/3", "1/8", 2, 8, data="1/10 0 0", parameter="1/7 0 0"
    ),
    "all data errors in a direction without variance": Setting.read(
        "1 1/2 0", "1 2 -1", "1/3", "1/12", 2, 8, data="1/10 1/7 1/9", parameter="1/7 0 0"
    ),
    "no noise": Setting.read("1 1/4 1/9", "1 -1 2", "0", "1/6", 2, 12, gradient="0 1/5 1/4"),
}  # fmt: skip
# What keeps the iterates moving where nothing else does: each kind of error on each target.
PANEL |= {
    f"no noise but {kind} errors: {target}": Setting.read(
        "1 1/4", "1 -2", "0", "1/6", 2, 9, **{target: level}
    )
    for target in TARGETS
    for kind, level in (("additive", "1/5 0 0"), ("multiplicative", "0 0 1/4"))
}
#: Those in which data errors are of one kind, which T3 to T5 ask for.
PURE = tuple(
    name
    for name, setting in PANEL.items()
    if sum(bool(level) for level in astuple(setting.data)) <= 1
)


# --- comparing ---------------------------------------------------------------------------------


def rational(number: Fraction) -> sp.Rational:
    """The same number for SymPy."""
    return sp.Rational(number.numerator, number.denominator)


def arguments(setting: Setting, output: str = "average", tail: Number = "1/3") -> Run:
    """The same problem, quantization and run in the package's own terms."""

    def numbers(values: Sequence[Fraction]) -> Explicit:
        return Explicit([rational(value) for value in values])

    def model(errors: Errors) -> ErrorModel:
        additive, shared, elementwise = map(rational, astuple(errors))
        return (
            Additive(additive)
            + Multiplicative(shared, "shared")
            + Multiplicative(elementwise, "elementwise")
        )

    problem = Problem(
        setting.dim, numbers(setting.eigenvalues), numbers(setting.target), rational(setting.noise)
    )
    quantization = Quantization(**{name: model(getattr(setting, name)) for name in TARGETS})
    stepsize = rational(setting.stepsize)
    sgd = SGD(stepsize, setting.batch, steps=setting.steps, output=output, tail=tail)
    return Run(problem, quantization, sgd)


def _agrees(ball: Any, number: Fraction) -> bool:
    """Whether a ball may be the rational number, and is small enough to tell it from others."""
    value = flint.arb(flint.fmpq(number.numerator, number.denominator))
    ball = flint.arb(ball)
    small = ball.rad() <= abs(value) * flint.arb(10) ** -DIGITS
    return bool(ball.overlaps(value) and (small or number == 0))


def close(here: Any, there: Any) -> bool:
    """Whether two numbers are the same up to the rounding of float64."""
    gap = abs(float(here) - float(there))
    return bool(gap <= ROUNDING * abs(float(there)) + CANCELLED)


def report(
    id: str,
    pairs: Iterator[Pair],
    agree: Callable[[Any, Any], bool] = _agrees,
    how: str | None = None,
) -> list[CheckResult]:
    """One check: every number of the package is the one written down again, or stands to it so."""
    with ARITHMETIC.working():
        found = list(pairs)
        wrong = [
            f"{name} is {_short(a)}, not {_short(b)}" for name, a, b in found if not agree(a, b)
        ]
    usual = {_agrees: f"agree to {DIGITS} digits", close: "agree up to rounding"}
    how = how or usual.get(agree, "agree exactly")
    detail = _some(wrong) if wrong else f"{len(found)} numbers {how}"
    return [CheckResult.of(id, "identity", not wrong, detail)]


def _some(wrong: Sequence[str]) -> str:
    """The first few of what is wrong."""
    more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return "; ".join(wrong[:3]) + more


def _short(number: Any) -> str:
    return f"{float(number):.9g}"


def _each(name: str, here: Iterable[Any], there: Sequence[Fraction]) -> Iterator[Pair]:
    for k, (a, b) in enumerate(zip(here, there, strict=True), start=1):
        yield f"{name}_{k}", a, b


def _first(setting: Setting, output: str) -> int:
    """The first iterate of the average; a tail of one third, rounded up."""
    return setting.steps - (-(-setting.steps // 3)) if output == "tail" else 0


def _moments(setting: Setting, output: str) -> reference.Moments:
    if output == "last":
        return reference.last_moments(setting)
    return reference.average_moments(setting, _first(setting, output))


# --- section 2 ---------------------------------------------------------------------------------


def outcomes_added_up() -> list[CheckResult]:
    """T2: one step of the package from given moments is the sum over all outcomes of the update."""

    def pairs() -> Iterator[Pair]:
        for case, setting in enumerate(outcomes.CASES):
            before = outcomes.start(setting)
            after = outcomes.one_step(setting, before.first, before.second)
            step = recursion.Step.of(instantiate(arguments(setting), Float64()))
            m, v = (np.array([float(entry) for entry in each]) for each in astuple(before))
            yield from _each(f"case {case}: E w", step.mean(m), after.first)
            yield from _each(f"case {case}: E w^2", step.second(m, v), after.second)

    return report("T2/outcomes", pairs(), close)


def paths_added_up() -> list[CheckResult]:
    """The averages of the iterates of a few steps are the sums over all paths."""

    def pairs() -> Iterator[Pair]:
        for path, setting in enumerate(outcomes.PATHS):
            instance = instantiate(arguments(setting), Float64())
            for output in ("average", "tail"):
                moments = outcomes.average_moments(setting, _first(setting, output))
                _, _, run = arguments(setting, output)
                first, second = recursion.output_moments(instance, Window.of(run))
                yield from _each(f"path {path}, {output}: E w", first, moments.first)
                yield from _each(f"path {path}, {output}: E w^2", second, moments.second)

    return report("T2/paths", pairs(), close)


def section_2_restated(name: str) -> list[CheckResult]:
    """The exact risk and its parts, for every output and by every method."""
    setting = PANEL[name]

    def pairs() -> Iterator[Pair]:
        yield from _spectrum(setting)
        for output in ("average", "last", "tail"):
            yield from _risks(setting, output)
        yield from _parts(setting)

    return report(f"section 2/{name}", pairs())


def _spectrum(setting: Setting) -> Iterator[Pair]:
    instance = instantiate(arguments(setting), ARITHMETIC)
    again = reference.quantized_eigenvalues(setting)
    yield from _each("lambda^q", instance.quantized_eigenvalues, again)
    yield from _each("w^q", instance.quantized_target, reference.quantized_optimum(setting))


def _risks(setting: Setting, output: str) -> Iterator[Pair]:
    risks = reference.risks(setting, _moments(setting, output))
    run = arguments(setting, output)
    exact = excess_risk(*run, digits=DIGITS)
    yield f"{output}: R", exact.total, risks.risk
    yield f"{output}: R^q", exact.quantized_risk, risks.quantized_risk
    yield f"{output}: A", exact.approximation, risks.approximation
    yield f"{output}: F", exact.floor, risks.floor
    instance, window = instantiate(Run(*run), ARITHMETIC), Window.of(run.sgd)
    for method, found in by_each_method(instance, window):
        yield f"{output}, {method}: R", found.total, risks.risk
        yield f"{output}, {method}: W", found.distortion, risks.gain


def by_each_method(
    instance: Instance, window: Window, rates_differ: bool = True
) -> Iterator[tuple[str, Decomposition]]:
    """The parts of the risk by the recursion, by powers and, where it applies, in closed form.

    It does not where rates of decay are not equal but ``rates_differ`` too little to be told apart.
    """
    wq = instance.quantized_target
    for method in (recursion, powers):
        first, second = method.output_moments(instance, window)
        moments = first - wq, second - 2 * wq * first + wq**2
        yield method.__name__.split(".")[-1], decompose(instance, *moments)
    if rates_differ and len(recursion.Step.of(instance).gain.left) == 1:
        form = ClosedForm(instance)
        moments = form.first_moment(window), form.second_moment(window)
        yield "closed form", decompose(instance, *moments)


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


def floats_restated() -> list[CheckResult]:
    """The same risks in float64, by each method, and as a user gets them."""

    def pairs() -> Iterator[Pair]:
        for name, setting in PANEL.items():
            values = set(setting.eigenvalues)
            rates_differ = len(set(map(float, values))) == len(values)
            for output in ("average", "last", "tail"):
                risks = reference.risks(setting, _moments(setting, output))
                run = arguments(setting, output)
                where = f"{name}, {output}"
                exact = excess_risk(*run)
                yield f"{where}: R", exact.total, risks.risk
                yield f"{where}: R^q", exact.quantized_risk, risks.quantized_risk
                instance, window = instantiate(Run(*run), Float64()), Window.of(run.sgd)
                for method, found in by_each_method(instance, window, rates_differ):
                    yield f"{where}, {method}: R", found.total, risks.risk

    return report("section 2/float64", pairs(), close)


# --- section 3 ---------------------------------------------------------------------------------


def section_3_restated(name: str) -> list[CheckResult]:
    """T3 and its limits, T4, and where the theory states them T4' and T5, term by term."""
    setting = PANEL[name]

    def pairs() -> Iterator[Pair]:
        yield from _constants(setting)
        yield from _paper_bound(setting)
        if not setting.data.multiplicative:
            yield from _refined_bound(setting)
            yield from _lower_bound(setting)

    return report(f"section 3/{name}", pairs())


def _values(theorem: str, setting: Setting) -> Any:
    """The values of a theorem's symbols."""
    return theorems[theorem].values(instantiate(arguments(setting), ARITHMETIC))


def _constants(setting: Setting) -> Iterator[Pair]:
    values, again = (
        _values("noise_constants", setting),
        stated.noise_constants(setting),
    )
    yield "k4", values[symbols.k4], again.k4
    yield "alpha", values[symbols.alpha], again.alpha
    yield "s2", values[symbols.s2], again.s2
    # affine in 1/B, so that two batches give the limit exactly
    one, two = (stated.noise_constants(replace(setting, batch=b)) for b in (1, 2))
    feedback, noise = _values("feedback_limit", setting), _values("noise_limit", setting)
    yield "alpha for B = oo", feedback[alpha_limit], 2 * two.alpha - one.alpha
    yield "s2 for B = oo", noise[s2_limit], 2 * two.s2 - one.s2


def _paper_bound(setting: Setting) -> Iterator[Pair]:
    paper = upper_bound(*arguments(setting), digits=DIGITS, form="paper")
    again = stated.upper_bound(setting)
    yield "T4: bias", paper.bias, again.bias
    yield "T4: variance", paper.variance, again.variance
    yield "D_N", paper.effective_dimension, again.effective_dimension
    yield "T4: R^q", paper.quantized_risk, again.quantized_risk
    yield "T4: R", paper.total, again.risk


def _refined_bound(setting: Setting) -> Iterator[Pair]:
    values = _values("refined_upper_bound", setting)
    again = stated.refined_bound(setting)
    yield "T4': kappa", values[symbols.kappa], again.kappa
    yield "T4': alpha", values[symbols.alpha], again.alpha
    yield "T4': s2", values[symbols.s2], again.s2
    yield "T4': theta", values[symbols.theta], again.theta
    yield "T4': S", values[S_bar], again.energy
    yield from _each("T4': q", np.ravel(values[symbols.q]), again.coordinate_noise)
    refined = upper_bound(*arguments(setting), digits=DIGITS, form="refined")
    yield "T4': variance", refined.variance, again.variance
    yield "T4': R^q", refined.quantized_risk, again.quantized_risk
    yield "T4': R", refined.total, again.risk


def _lower_bound(setting: Setting) -> Iterator[Pair]:
    again = stated.lower_bound(setting)
    yield "T5: s2", _values("lower_bound", setting)[s2_low], again.s2
    low = lower_bound(*arguments(setting), digits=DIGITS)
    yield "T5: R^q", low.quantized_risk, again.quantized_risk


def limits_restated() -> list[CheckResult]:
    """T7: the limits of alpha and s^2 for exact data and one scheme on all other targets."""
    levels = Fraction(1, 3), Fraction(1, 5), Fraction(2, 7), Fraction(1, 2)

    def pairs() -> Iterator[Pair]:
        schemes: tuple[reference.Scheme, ...] = ("additive", "shared", "elementwise")
        for scheme in schemes:
            errors: dict[str, Any] = {
                target: Errors(**{scheme: level})
                for target, level in zip(TARGETS[1:], levels, strict=True)
            }
            setting = replace(PANEL["exact"], **errors)
            alpha, s2 = stated.limits_in_batch(scheme, *levels, setting.eigenvalues, setting.target)
            yield f"{scheme}: alpha", _values("feedback_limit", setting)[alpha_limit], alpha
            yield f"{scheme}: s2", _values("noise_limit", setting)[s2_limit], s2

    return report("T7/bounds", pairs())
