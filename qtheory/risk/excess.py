"""The exact excess risk and its parts."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import flint
import numpy as np
import sympy as sp

from qtheory.errors import (
    CostError,
    InvalidArgumentError,
    LostDigitsWarning,
    PrecisionError,
    QTheoryError,
)
from qtheory.model.float_range import require_finite, within_float64
from qtheory.model.instance import Instance, instantiate, require_kinds
from qtheory.model.problem import Problem
from qtheory.model.quantization import TARGETS, Quantization
from qtheory.model.sgd import SGD
from qtheory.model.targets import Constant
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Arithmetic, Balls, Intervals, Scalar
from qtheory.numbers.arrays import sequence
from qtheory.numbers.certified_number import CertifiedNumber
from qtheory.numbers.certify import all_good, certified, checked_digits
from qtheory.numbers.display import html_table, shown
from qtheory.numbers.exact import Number, require_numeric
from qtheory.numbers.interval import SLACK, Interval
from qtheory.risk.compression import compressed_instance, is_compressible, working_bits
from qtheory.risk.decomposition import Decomposition, decompose, floor, saturation
from qtheory.risk.methods import MOST_STEPS, is_long, moments, require_affordable
from qtheory.risk.stability import require_stable

__all__ = ["MOST_STEPS", "Risk", "decomposition_at", "excess_risk", "parts_if_any", "risk_curve"]

#: Relative accuracy of a float64 risk; where it cannot be had, a LostDigitsWarning is given.
FLOAT_ACCURACY = 1e-9
#: Balls replace a float64 result that lost digits if they take at most about this long.
_SECONDS_FOR_BALLS = 5.0
_DIGITS_FOR_FLOAT = 17
_BITS_FOR_A_SCALE = 4
_MOST_BITS_FOR_A_SCALE = 300
_MORE_BITS_FOR_COMPRESSION = 96
_LEAST_NORMAL = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Risk:
    r"""The exact excess risk of one run and its parts.

    ``total`` is :math:`E R(w)`; ``approximation`` is A and ``floor`` is F of theorem T1;
    ``saturation`` is the squared bias that the overflow of a number format puts on the signal;
    ``quantized_risk`` is :math:`E R^q(w)`. The parts ``bias + variance + sum(by_target)`` add up
    to the total. They cost a run each and are computed when first asked for; in float64 their error
    is relative to the total.
    """

    problem: Problem
    quantization: Quantization
    sgd: SGD
    digits: int | None
    total: Scalar
    approximation: Scalar
    floor: Scalar
    saturation: Scalar
    quantized_risk: Scalar

    @cached_property
    def _parts(self) -> dict[str, Scalar]:
        return _parts_of(self.problem, self.quantization, self.sgd, self.digits)

    @property
    def bias(self) -> Scalar:
        """The total without label noise and without quantization."""
        return self._parts["bias"]

    @property
    def variance(self) -> Scalar:
        """The part of the unquantized total that is proportional to sigma^2."""
        return self._parts["variance"]

    @property
    def by_target(self) -> Mapping[str, Scalar]:
        """What each quantizer adds, switched on in pipeline order; 0 where a target is exact."""
        return MappingProxyType({target: self._parts[target] for target in TARGETS})

    def __repr__(self) -> str:
        total = self.total if self.digits is None else self.total.str(self.digits, radius=False)
        return f"Risk(total={total})"

    def _repr_html_(self) -> str:
        exact = {target for target, quantizer in self.quantization.items() if quantizer.is_exact}
        names = {target: f"{target} quantization" for target in TARGETS}
        found = parts_if_any(self)
        parts = {"total": self.total}
        parts |= {names.get(name, name): found[name] for name in found if name not in exact}
        parts |= {"approximation A": self.approximation, "floor F": self.floor}
        rows = [
            (name, value if isinstance(value, str) else shown(value, self.digits))
            for name, value in parts.items()
        ]
        certain = "float64" if self.digits is None else f"{self.digits} certified digits"
        return html_table(f"Exact excess risk, {certain}", rows)


def parts_if_any(risk: Risk) -> dict[str, Any]:
    """Bias, variance and what each target adds; where they cannot be had, why there is none."""
    try:
        return {"bias": risk.bias, "variance": risk.variance, **risk.by_target}
    except QTheoryError as error:
        return dict.fromkeys(("bias", "variance", *TARGETS), f"none: {error}")


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
    if not isinstance(sgd, SGD):
        raise InvalidArgumentError("sgd", sgd, "an SGD")
    return risk_curve(problem, quantization, sgd, [sgd.steps], digits)[0]


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
    require_kinds(problem, quantization, sgd)
    numbers = sequence(steps, "steps", "a sequence of at least one number of steps")
    runs = [sgd.with_steps(number) for number in numbers]
    require_numeric(problem.dim, "dim")
    for single in runs:
        require_numeric(single.steps, "steps")
        if single.steps > MOST_STEPS:
            raise InvalidArgumentError("steps", single.steps, "at most 10^15")
    compressed = _is_compressed(problem, quantization, runs, digits)
    if not compressed:
        _digits_in_time(problem, quantization, runs, digits)  # refused before anything is computed
    require_stable(problem, quantization, runs[0])

    def compute(arithmetic: Arithmetic) -> list[dict[str, Scalar]]:
        return _values(problem, quantization, runs, arithmetic, compressed)

    if compressed:
        found = _found_compressed(compute, digits)
    else:
        found = _found(problem, quantization, runs, digits, compute)
    return [
        Risk(problem, quantization, single, digits, **values)
        for single, values in zip(runs, found, strict=True)
    ]


@within_float64
def _parts_of(
    problem: Problem, quantization: Quantization, sgd: SGD, digits: int | None
) -> dict[str, Scalar]:
    compressed = _is_compressed(problem, quantization, [sgd], digits)

    def compute(arithmetic: Arithmetic) -> list[dict[str, Scalar]]:
        return [_parts(problem, quantization, sgd, arithmetic, compressed)]

    if compressed:
        return _found_compressed(compute, digits)[0]
    return _found(problem, quantization, [sgd], digits, compute)[0]


def _found(
    problem: Problem,
    quantization: Quantization,
    runs: list[SGD],
    digits: int | None,
    compute: Callable[[Arithmetic], list[dict[str, Scalar]]],
) -> list[dict[str, Scalar]]:
    """Named values of a spectrum as it is, in balls or float64."""
    wanted = _digits_in_time(problem, quantization, runs, digits)
    if wanted is None:
        return _in_float64(problem, quantization, runs, compute)
    found = _certified(compute, wanted)
    return found if digits is not None else _as_floats(found)


def _is_compressed(
    problem: Problem, quantization: Quantization, runs: list[SGD], digits: int | None
) -> bool:
    longest = max(int(single.steps) for single in runs)
    if problem.dim is sp.oo:
        return True  # or refused, with the reason
    return is_compressible(problem, quantization) and is_long(
        problem.dim, longest, digits is not None
    )


def _digits_in_time(
    problem: Problem, quantization: Quantization, runs: list[SGD], digits: int | None
) -> int | None:
    """The digits to compute with; CostError if it would take hours.

    Powers of the step need balls, and do not mind the number of steps: they may end where float64
    would not.
    """
    longest = max(int(single.steps) for single in runs)
    try:
        require_affordable(problem, quantization, longest, digits)
    except CostError as error:
        if digits is not None:
            raise
        try:
            require_affordable(problem, quantization, longest, _DIGITS_FOR_FLOAT)
        except CostError:
            raise error from None
        return _DIGITS_FOR_FLOAT
    return digits


def decomposition_at(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    arithmetic: Arithmetic,
    compressed: bool = False,
) -> Decomposition:
    """The two sides of T1 in one arithmetic. Call it inside ``working()``."""
    instance, error = _instance(problem, quantization, [sgd], arithmetic, compressed)
    return decompose(instance, *moments(instance, [Window.of(sgd)])[0]).widened(error)


def _values(
    problem: Problem,
    quantization: Quantization,
    runs: list[SGD],
    arithmetic: Arithmetic,
    compressed: bool,
) -> list[dict[str, Scalar]]:
    instance, error = _instance(problem, quantization, runs, arithmetic, compressed)
    lowest, overflow = floor(instance), saturation(instance)
    found = []
    for first, second in moments(instance, [Window.of(single) for single in runs]):
        parts = decompose(instance, first, second).widened(error)
        found.append(
            {
                "total": parts.total,
                "approximation": parts.approximation,
                "floor": lowest if lowest == 0 else lowest + error,
                "saturation": overflow,
                "quantized_risk": parts.quantized_risk,
            }
        )
    return found


def _instance(
    problem: Problem,
    quantization: Quantization,
    runs: list[SGD],
    arithmetic: Arithmetic,
    compressed: bool,
) -> tuple[Instance, Scalar]:
    """The instance, and the ball around 0 that its risk can be off by: 0 if not compressed."""
    if not compressed:
        return instantiate(problem, quantization, runs[0], arithmetic), 0
    longest = max(int(single.steps) for single in runs)
    instance, error = compressed_instance(problem, quantization, runs[0], longest, arithmetic)
    return instance, flint.arb(0, error)


def _certified(
    compute: Callable[[Arithmetic], list[dict[str, Scalar]]], digits: int, **precision: Any
) -> list[dict[str, Scalar]]:
    """Named values in balls, with this many certified digits each."""
    found = certified(compute, digits, judged=_judged, **precision)
    return [
        {name: CertifiedNumber(value, digits) for name, value in values.items()} for values in found
    ]


def _judged(found: list[dict[str, Scalar]]) -> list[list[flint.arb]]:
    """Every run by itself, and its total without the rest, which may be larger by far."""
    runs = [[flint.arb(value) for value in values.values()] for values in found]
    return [*runs, *([flint.arb(values["total"])] for values in found)]


def _found_compressed(
    compute: Callable[[Arithmetic], list[dict[str, Scalar]]], digits: int | None
) -> list[dict[str, Scalar]]:
    """Certified values; the error of the compression is absolute, so small risks need more bits."""
    wanted = digits or _DIGITS_FOR_FLOAT
    tolerance_bits, scale_bits = 10, None
    while scale_bits is None:
        tolerance_bits *= 2
        arithmetic = Balls(bits=working_bits(tolerance_bits))
        with arithmetic.working():
            try:
                runs = _judged(compute(arithmetic))
            except PrecisionError:  # near the edge of stability a rough compression shows nothing
                if tolerance_bits >= _MOST_BITS_FOR_A_SCALE:
                    raise
                continue
            if all_good(runs, _BITS_FOR_A_SCALE, wanted):
                balls = [ball for run in runs for ball in run]
                known = [ball for ball in balls if ball.rel_accuracy_bits() >= _BITS_FOR_A_SCALE]
                sizes = [float(abs(ball.mid()).log()) for ball in known if ball != 0]
                scale_bits = max([0, *(-math.floor(size / math.log(2)) for size in sizes)])
    bits = working_bits(math.ceil(wanted * math.log2(10)) + scale_bits + 9)
    # Each bit costs coordinates there, so the precision is raised by little.
    found = _certified(
        compute,
        wanted,
        first_bits=bits,
        more_bits=lambda bits: bits + _MORE_BITS_FOR_COMPRESSION,
    )
    return found if digits is not None else _as_floats(found)


def _as_floats(found: list[dict[str, Scalar]]) -> list[dict[str, Scalar]]:
    """The values rounded to float64, with a warning where that leaves no digits of a total."""
    plain = [{name: float(value) for name, value in values.items()} for values in found]
    require_finite(value for values in plain for value in values.values())
    for rounded, values in zip(plain, found, strict=True):
        if rounded["total"] < _LEAST_NORMAL and values["total"] != 0:
            _warn(f"the total is {_size(values['total'])}, below the range of float64")
    return plain


def _size(total: Scalar) -> str:
    return str(total.str(3, radius=False)) if isinstance(total, flint.arb) else f"{total:.3g}"


def _in_float64(
    problem: Problem,
    quantization: Quantization,
    runs: list[SGD],
    compute: Callable[[Arithmetic], list[dict[str, Scalar]]],
) -> list[dict[str, Scalar]]:
    """Float64 results whose rounding errors are bounded; balls where digits are lost."""
    try:
        with np.errstate(all="ignore"):
            found = compute(Intervals())
    except PrecisionError:  # rates of decay that float64 takes for equal, in a long run
        return _as_floats(_certified(compute, _DIGITS_FOR_FLOAT))
    lost = {name: loss for name, loss in _losses(found).items() if loss > FLOAT_ACCURACY}
    if not lost:
        return _as_floats(found)
    longest = max(int(single.steps) for single in runs)
    try:
        require_affordable(problem, quantization, longest, _DIGITS_FOR_FLOAT, _SECONDS_FOR_BALLS)
    except CostError:
        names = ", ".join(name.replace("_", " ") for name in lost)
        _warn(f"good to about {max(lost.values()):.1g} relative: {names}")
        return _as_floats(found)
    return _as_floats(_certified(compute, _DIGITS_FOR_FLOAT))


def _warn(loss: str) -> None:
    warnings.warn(
        f"float64 lost digits: {loss}; ask for digits={_DIGITS_FOR_FLOAT} to have them certified",
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


def _parts(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    arithmetic: Arithmetic,
    compressed: bool,
) -> dict[str, Scalar]:
    """Bias, variance and what each target adds; they sum to the total, exactly."""

    def total(problem: Problem, quantization: Quantization) -> Scalar:
        return decomposition_at(problem, quantization, sgd, arithmetic, compressed).total

    dim, spectrum, target = problem.dim, problem.spectrum, problem.target
    # Without quantization the moments are linear in (sigma^2, w* w*^T).
    parts = {
        "bias": total(Problem(dim, spectrum, target, 0), Quantization()),
        "variance": total(Problem(dim, spectrum, Constant(0), problem.noise), Quantization()),
    }
    before = parts["bias"] + parts["variance"]
    for name, model in quantization.items():
        after = before if model.is_exact else total(problem, quantization.up_to(name))
        parts[name] = before * 0 if model.is_exact else after - before
        before = after
    return {**parts, "total": before}
