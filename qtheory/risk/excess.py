"""The exact excess risk and its parts."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import flint
import numpy as np

from qtheory.errors import (
    CostError,
    InvalidArgumentError,
    LostDigitsWarning,
    PrecisionError,
    QTheoryError,
)
from qtheory.model.covariates import KnownMoments
from qtheory.model.float_range import require_finite, within_float64
from qtheory.model.instance import Instance, instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.model.targets import Constant
from qtheory.numbers.arithmetic import Arithmetic, Balls, Float64, Intervals, Scalar
from qtheory.numbers.arrays import sequence
from qtheory.numbers.certified_number import CertifiedNumber
from qtheory.numbers.certify import all_certified, certified, checked_digits
from qtheory.numbers.display import as_number, html_table, shown
from qtheory.numbers.exact import Number, require_numeric
from qtheory.numbers.interval import SLACK, Interval
from qtheory.risk import matrix_recursion
from qtheory.risk.compression import compressed_instance, working_bits
from qtheory.risk.cost import MOST_STEPS
from qtheory.risk.decomposition import Decomposition, decompose, floor, saturation
from qtheory.risk.plan import DIGITS_FOR_FLOAT, METHODS, Plan, plan_for
from qtheory.risk.stability import require_stable

#: Relative accuracy of a float64 risk; where it cannot be had, a LostDigitsWarning is given.
FLOAT_ACCURACY = 1e-9
#: Balls replace a float64 result that lost digits if they take at most about this long.
_SECONDS_FOR_BALLS = 5.0
# Rates of decay that balls of this many bits cannot tell apart are taken for equal.
_BITS_ENOUGH = 1000
_SECONDS_WITHOUT_BALLS = 1.0
_BITS_FOR_A_SCALE = 4
_MOST_BITS_FOR_A_SCALE = 300
_MORE_BITS_FOR_COMPRESSION = 96
_BITS_OF_AN_EIGENBASIS = 400
_LEAST_NORMAL = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Risk:
    r"""The exact excess risk of one run and its parts.

    ``total`` is :math:`E R(w)`; ``approximation`` is A and ``floor`` is F of theorem T1;
    ``saturation`` is the squared bias that the overflow of a number format puts on the signal;
    ``quantized_risk`` is :math:`E R^q(w)`; ``sketching`` is what no model on the features of a
    sketched problem can learn, 0 for any other. The parts
    ``bias + variance + sum(by_target) + sketching`` add up to the total. They cost a run each and
    are computed when first asked for; in float64 their error is relative to the total. ``plan``
    says how the total was computed, and why so.
    """

    run: Run
    digits: int | None
    plan: Plan
    total: Scalar
    approximation: Scalar
    floor: Scalar
    saturation: Scalar
    quantized_risk: Scalar
    sketching: Scalar

    @cached_property
    def _parts(self) -> dict[str, Scalar]:
        return _parts_of(self.run, self.digits)

    @property
    def bias(self) -> Scalar:
        """The total without label noise and without quantization."""
        return self._parts["bias"]

    @property
    def variance(self) -> Scalar:
        """The part of the unquantized total that is proportional to the noise of the problem.

        That is sigma^2, and with it what a sketch misses of the label.
        """
        return self._parts["variance"]

    @property
    def by_target(self) -> Mapping[str, Scalar]:
        """What each quantizer adds, switched on in pipeline order; 0 where a target is exact.

        Stored weights are the last of them where they are not exact.
        """
        return MappingProxyType({target: self._parts[target] for target in self._targets})

    @property
    def _targets(self) -> list[str]:
        return [target for target, _ in self.run.quantization.items()]

    @cached_property
    def parts_if_any(self) -> dict[str, Any]:
        """Bias, variance, what each target adds, and what a sketch misses if there is one.

        Where they cannot be had, why there is none.
        """
        try:
            parts = {"bias": self.bias, "variance": self.variance, **self.by_target}
        except QTheoryError as error:
            parts = dict.fromkeys(("bias", "variance", *self._targets), f"none: {error}")
        return parts if self.sketching == 0 else {**parts, "sketching": self.sketching}

    def __repr__(self) -> str:
        total = self.total if self.digits is None else self.total.str(self.digits, radius=False)
        return f"Risk(total={total})"

    def as_json(self) -> dict[str, Any]:
        """Every part as a number, or as text: certified digits, or why there is none."""
        parts = {name: as_number(value, self.digits) for name, value in self.parts_if_any.items()}
        return {
            "total": as_number(self.total, self.digits),
            "bias": parts["bias"],
            "variance": parts["variance"],
            "by_target": {target: parts[target] for target in self._targets},
            "approximation": as_number(self.approximation, self.digits),
            "floor": as_number(self.floor, self.digits),
            "saturation": as_number(self.saturation, self.digits),
            "sketching": as_number(self.sketching, self.digits),
            "digits": self.digits,
            "plan": str(self.plan),
        }

    def _repr_html_(self) -> str:
        quantizers = self.run.quantization.items()
        exact = {target for target, quantizer in quantizers if quantizer.is_exact}
        names = {target: f"{target} quantization" for target in self._targets}
        names["sketching"] = "missed by the sketch"
        found = self.parts_if_any
        parts = {"total": self.total}
        parts |= {names.get(name, name): found[name] for name in found if name not in exact}
        parts |= {"approximation A": self.approximation, "floor F": self.floor}
        rows = [
            (name, value if isinstance(value, str) else shown(value, self.digits))
            for name, value in parts.items()
        ]
        certain = "float64" if self.digits is None else f"{self.digits} certified digits"
        return html_table(f"Exact excess risk, {certain}", rows)


def excess_risk(
    problem: Problem, quantization: Quantization, sgd: SGD, digits: int | None = None
) -> Risk:
    r"""The exact expected excess risk :math:`E R(w)`, :math:`R(w) = \frac12\|w - w^*\|_H^2`.

    Its cost does not depend on the number of steps: O(d^2) by the closed form. In infinite
    dimension, and where that would take more than some seconds, formulas of spectrum and target are
    compressed to some hundred coordinates, with a proved error. With shared multiplicative and
    additive data errors at once it is O(d^3 log N), by powers of the step.

    Parameters
    ----------
    problem, quantization, sgd
        What to learn, with which errors, by which run; all numeric, at most 10^15 steps.
    digits
        None for float64, with a bound on every rounding error (relative accuracy 1e-9 of the total
        and of ``quantized_risk``, or a LostDigitsWarning), or the number of certified digits: the
        results are then ``flint.arb`` balls with at least that relative accuracy.

    Raises
    ------
    UnstableError
        If the stepsize is too large for the second moments to stay bounded.
    SymbolicValueError
        If a symbol stands where a number is needed.
    CostError
        If the computation would take hours, with an estimate.
    PrecisionError
        If the digits cannot be certified within the precision limit.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD(stepsize="0.1", steps=60)
    >>> round(qt.excess_risk(problem, qt.Quantization(), sgd).total, 12)
    0.160463542794
    >>> qt.excess_risk(problem, qt.Quantization(), sgd, digits=20)
    Risk(total=0.16046354279434186373)

    Source: section 2 of the project's theory; the full-precision recursion is that of Zou, Wu,
    Braverman, Gu, Kakade (JMLR 24, 2023).
    """
    run = Run(problem, quantization, sgd)
    return risk_curve(*run, [run.sgd.steps], digits)[0]


@within_float64
def risk_curve(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    steps: Sequence[Number],
    digits: int | None = None,
) -> list[Risk]:
    """The exact excess risk at several numbers of steps, from one factorisation.

    Parameters
    ----------
    steps
        The numbers of steps; those of ``sgd`` are not used.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=50, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD(stepsize="0.1", steps=1)
    >>> curve = qt.risk_curve(problem, qt.Quantization(), sgd, steps=[10**3, 10**6, 10**9])
    >>> [f"{risk.total:.3e}" for risk in curve]
    ['4.318e-02', '2.924e-05', '2.744e-08']
    """
    digits = checked_digits(digits)
    run = Run(problem, quantization, sgd).covered(
        in_full=True, any_step=True, covariates=KnownMoments
    )
    numbers = sequence(steps, "steps", "a sequence of at least one number of steps")
    runs = [run.with_steps(number) for number in numbers]
    require_numeric(problem.dim, "dim")
    for single in runs:
        require_numeric(single.sgd.steps, "steps")
        if single.sgd.steps > MOST_STEPS:
            raise InvalidArgumentError("steps", single.sgd.steps, "at most 10^15")
    plan = _plan_for(runs, digits)  # refused before anything is computed
    if not run.sees_rotation:
        require_stable(runs[0])
    found = _computed(lambda arithmetic, plan: _values(runs, arithmetic, plan), runs, plan, digits)
    return [
        Risk(single, digits, found.plan, **values)
        for single, values in zip(runs, found.runs, strict=True)
    ]


@within_float64
def _parts_of(run: Run, digits: int | None) -> dict[str, Scalar]:
    def compute(arithmetic: Arithmetic, plan: Plan) -> _Found:
        return _Found(plan, [_parts(run, arithmetic, plan)])

    return _computed(compute, [run], _plan_for([run], digits), digits).runs[0]


@dataclass(frozen=True)
class _Found:
    """Named values of each run, and the plan by which they were found."""

    plan: Plan
    runs: list[dict[str, Scalar]]


_Compute = Callable[[Arithmetic, Plan], _Found]


def _plan_for(runs: list[Run], digits: int | None, **options: Any) -> Plan:
    return plan_for(runs[0], [int(single.sgd.steps) for single in runs], digits, **options)


# --- in one arithmetic --------------------------------------------------------------------------


def decomposition_at(run: Run, arithmetic: Arithmetic, compressed: bool = False) -> Decomposition:
    """The two sides of T1 in one arithmetic. Call it inside ``working()``."""
    instance, error = _instance([run], arithmetic, compressed)
    digits = DIGITS_FOR_FLOAT if isinstance(arithmetic, Balls) else None
    plan = replace(_plan_for([run], digits), compressed=compressed)
    (eta,), _ = _moments(instance, [run], arithmetic, plan)
    return decompose(instance, *eta).widened(error)


def _values(runs: list[Run], arithmetic: Arithmetic, plan: Plan) -> _Found:
    if not plan.bounded:
        arithmetic = Float64()
    if runs[0].sees_rotation:
        return _Found(plan, matrix_recursion.risks(runs, arithmetic))
    if runs[0].changes and len(runs) > 1:  # a schedule may depend on the number of steps
        return _Found(plan, [_values([run], arithmetic, plan).runs[0] for run in runs])
    instance, error = _instance(runs, arithmetic, plan.compressed)
    lowest, overflow = floor(instance), saturation(instance)
    moments, plan = _moments(instance, runs, arithmetic, plan)
    found = []
    for first, second in moments:
        parts = decompose(instance, first, second).widened(error)
        found.append(
            {
                "total": parts.total + instance.sketching,
                "sketching": instance.sketching,
                "approximation": parts.approximation,
                "floor": lowest if lowest == 0 else lowest + error,
                "saturation": overflow,
                "quantized_risk": parts.quantized_risk,
            }
        )
    return _Found(plan, found)


def _instance(runs: list[Run], arithmetic: Arithmetic, compressed: bool) -> tuple[Instance, Scalar]:
    """The instance, and the ball around 0 that its risk can be off by: 0 if not compressed."""
    if not compressed:
        return instantiate(runs[0], arithmetic), 0
    longest = max(int(single.sgd.steps) for single in runs)
    instance, error = compressed_instance(runs[0], longest, arithmetic)
    return instance, flint.arb(0, error)


def _moments(
    instance: Instance, runs: list[Run], arithmetic: Arithmetic, plan: Plan
) -> tuple[list[Any], Plan]:
    """E eta and E eta^2 for each run, by the plan or by what is left where rates are equal."""
    windows = [single.window for single in runs]
    balls = isinstance(arithmetic, Balls)
    if plan.compressed:
        plan = plan.with_coordinates(len(instance.eigenvalues), max(w.last for w in windows))
    try:
        return METHODS[plan.method](instance, windows), plan
    except PrecisionError:
        if plan.compressed or (isinstance(arithmetic, Balls) and arithmetic.bits < _BITS_ENOUGH):
            raise  # more bits will do, unless two rates of decay are exactly equal
    other = _plan_for(runs, DIGITS_FOR_FLOAT if balls else None, rates_apart=False)
    if not balls and (other.digits is not None or other.seconds > _SECONDS_WITHOUT_BALLS):
        raise PrecisionError("two rates of decay cannot be told apart in float64")
    other = other.because("two rates of decay are equal, which the closed form divides by")
    return METHODS[other.method](instance, windows), other


def _parts(run: Run, arithmetic: Arithmetic, plan: Plan) -> dict[str, Scalar]:
    """Bias, variance and what each target adds; they sum to the total, exactly."""
    problem, quantization, sgd = run
    if not plan.bounded:
        arithmetic = Float64()

    def total(problem: Problem, quantization: Quantization) -> Scalar:
        part = Run(problem, quantization, sgd)
        if part.sees_rotation:
            (values,) = matrix_recursion.risks([part], arithmetic)
            return values["total"] - values["sketching"]
        if isinstance(arithmetic, Balls) and run.sees_rotation:
            # matrices lose bits with the steps, the eigenbasis does not, and has not so many
            arithmetic_ = Balls(bits=min(arithmetic.bits, _BITS_OF_AN_EIGENBASIS))
            with arithmetic_.working():
                return decomposition_at(part, arithmetic_).total
        return decomposition_at(part, arithmetic, plan.compressed).total

    # Without quantization the moments are linear in (sigma^2, w* w*^T).
    parts = {
        "bias": total(replace(problem, noise=0), Quantization()),
        "variance": total(replace(problem, target=Constant(0)), Quantization()),
    }
    before = parts["bias"] + parts["variance"]
    for name, model in quantization.items():
        after = before if model.is_exact else total(problem, quantization.up_to(name))
        parts[name] = before * 0 if model.is_exact else after - before
        before = after
    return {**parts, "total": before}


# --- to this many digits -------------------------------------------------------------------------


def _computed(compute: _Compute, runs: list[Run], plan: Plan, digits: int | None) -> _Found:
    """Named values by a plan: certified to the digits wanted, or float64 good to 1e-9."""
    if plan.compressed:
        found = _compressed(compute, plan)
    elif plan.digits is not None:
        found = _certified(compute, plan)
    else:
        return _in_float64(compute, runs, plan)
    return found if digits is not None else _as_floats(found)


def _certified(compute: _Compute, plan: Plan, **precision: Any) -> _Found:
    """Named values in balls, with the certified digits of the plan each."""
    digits = plan.digits or DIGITS_FOR_FLOAT
    found = certified(lambda balls: compute(balls, plan), digits, judged=_judged, **precision)
    return _with_digits(found, digits)


def _with_digits(found: _Found, digits: int) -> _Found:
    """The balls as the numbers that are handed out."""
    return _Found(
        found.plan,
        [
            {name: CertifiedNumber(value, digits) for name, value in values.items()}
            for values in found.runs
        ],
    )


def _judged(found: _Found) -> list[list[flint.arb]]:
    """Every run by itself, and its total without the rest, which may be larger by far."""
    runs = [[flint.arb(value) for value in values.values()] for values in found.runs]
    return [*runs, *([flint.arb(values["total"])] for values in found.runs)]


def _compressed(compute: _Compute, plan: Plan) -> _Found:
    """Certified values; the error of the compression is absolute, so small risks need more bits."""
    wanted = plan.digits or DIGITS_FOR_FLOAT
    tolerance_bits, scale_bits = 10, None
    while scale_bits is None:
        tolerance_bits *= 2
        arithmetic = Balls(bits=working_bits(tolerance_bits))
        with arithmetic.working():
            try:
                found = compute(arithmetic, plan)
            except PrecisionError:  # near the edge of stability a rough compression shows nothing
                if tolerance_bits >= _MOST_BITS_FOR_A_SCALE:
                    raise
                continue
            runs = _judged(found)
            if all_certified(runs, math.ceil(wanted * math.log2(10)) + 1, wanted):
                return _with_digits(found, wanted)
            if all_certified(runs, _BITS_FOR_A_SCALE, wanted):
                balls = [ball for run in runs for ball in run]
                known = [ball for ball in balls if ball.rel_accuracy_bits() >= _BITS_FOR_A_SCALE]
                sizes = [float(abs(ball.mid()).log()) for ball in known if ball != 0]
                scale_bits = max([0, *(-math.floor(size / math.log(2)) for size in sizes)])
    bits = working_bits(math.ceil(wanted * math.log2(10)) + scale_bits + 9)
    # Each bit costs coordinates there, so the precision is raised by little.
    return _certified(
        compute,
        plan,
        first_bits=bits,
        more_bits=lambda bits: bits + _MORE_BITS_FOR_COMPRESSION,
    )


def _in_float64(compute: _Compute, runs: list[Run], plan: Plan) -> _Found:
    """Float64 results whose rounding errors are bounded; balls where digits are lost."""

    def in_balls(why: str, **options: Any) -> _Found:
        balls = _plan_for(runs, DIGITS_FOR_FLOAT, **options).because(why)
        return _as_floats((_compressed if balls.compressed else _certified)(compute, balls))

    try:
        with np.errstate(all="ignore"):
            found = compute(Intervals(), plan)
    except PrecisionError:
        return in_balls("rates of decay that float64 takes for equal, in a long run")
    lost = {name: loss for name, loss in _losses(found.runs).items() if loss > FLOAT_ACCURACY}
    if not lost:
        return _as_floats(found)
    names = ", ".join(name.replace("_", " ") for name in lost)
    try:
        return in_balls(f"float64 loses digits: {names}", longest=_SECONDS_FOR_BALLS)
    except CostError:
        _warn(f"good to about {max(lost.values()):.1g} relative: {names}")
        return _as_floats(found)


def _as_floats(found: _Found) -> _Found:
    """The values rounded to float64, with a warning where that leaves no digits of a total."""
    plain = [{name: float(value) for name, value in values.items()} for values in found.runs]
    require_finite(value for values in plain for value in values.values())
    for rounded, values in zip(plain, found.runs, strict=True):
        if rounded["total"] < _LEAST_NORMAL and values["total"] != 0:
            _warn(f"the total is {_size(values['total'])}, below the range of float64")
    return _Found(found.plan, plain)


def _size(total: Scalar) -> str:
    return str(total.str(3, radius=False)) if isinstance(total, flint.arb) else f"{total:.3g}"


def _warn(loss: str) -> None:
    warnings.warn(
        f"float64 lost digits: {loss}; ask for digits={DIGITS_FOR_FLOAT} to have them certified",
        LostDigitsWarning,
        stacklevel=_levels_to_the_caller(),
    )


def _levels_to_the_caller() -> int:
    """How far up the first frame outside this package is, seen from the function that warns."""
    frame, levels = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("qtheory."):
        frame, levels = frame.f_back, levels + 1
    return levels


def _losses(found: list[dict[str, Interval]]) -> dict[str, float]:
    """By name the largest bound on an error, relative to the value or to a larger total."""
    worst = dict.fromkeys(found[0], 0.0)
    for values in found:
        total = abs(float(values["total"]))
        for name, value in values.items():
            radius = SLACK * float(value.radius) if isinstance(value, Interval) else 0.0
            scale = max(abs(float(value)), total)
            if radius != 0:
                loss = radius / scale if scale and radius < math.inf else math.inf
                worst[name] = max(worst[name], loss)
    return worst
