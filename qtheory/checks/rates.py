"""Derived rates against the exact risk: local slopes over decades of N, extrapolated.

The order that :func:`qtheory.rates` derives for the whole bound is divided out of the exact risk,
and what is left must have slope 0 in log N. Slopes over successive factors of N are extrapolated by
Shanks' transformation, which removes corrections that fall like powers of N. A rate whose exponent
is off by 0.02 leaves a slope of 0.02 and is refused.

Four rates are held against the recursion itself too, step by step in mpmath with 30 digits, by the
loops of :mod:`qtheory.reference.curve`: nothing of the package computes those risks. The closed
form must give the same, to 25 digits, and the order must be theirs; since N is but 2000, only an
exponent that is off by 0.05 is sure to be refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import flint
import mpmath
import sympy as sp

from qtheory.asymptotics import rates
from qtheory.checks.check import CheckResult
from qtheory.checks.panel import ARITHMETIC, arguments
from qtheory.model import (
    SGD,
    Additive,
    Constant,
    Exponential,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
    SourceCondition,
)
from qtheory.model.spectra import Spectrum
from qtheory.model.targets import Target
from qtheory.reference.curve import risk_curve as risks_step_by_step
from qtheory.reference.moments import Errors, Setting
from qtheory.risk import risk_curve

#: The largest slope that may be left, and an error of the exponent that must be noticed.
TOLERANCE = 0.008
WRONG_BY = 0.02
_N = sp.Symbol("N", positive=True)
_DIGITS = 4
_LEVEL = 1e-9


@dataclass(frozen=True)
class RateCase:
    """A setting whose exact risk is compared with the derived order of its bound.

    ``steps`` are the numbers of steps. With noise 0 the bound has bias and amplification, with
    target 0 variance and noise of the targets.
    """

    id: str
    problem: Problem
    quantization: Quantization = field(default_factory=Quantization)
    batch: int = 1
    steps: tuple[int, ...] = tuple(10**k for k in range(4, 8))


def _problem(spectrum: Spectrum, target: Target, noise: int) -> Problem:
    return Problem(sp.oo, spectrum, target, noise)


#: Corrections that fall like 1 / log N need larger N, and an order of two terms more of them.
_LARGE = tuple(10**k for k in range(8, 13))
_CLOSE = tuple(4**k for k in range(6, 12))
_silent = Constant(0)
RATE_CASES = (
    RateCase("variance/a=2", _problem(PowerLaw(2), _silent, 1)),
    RateCase("variance/a=3/B=16", _problem(PowerLaw(3), _silent, 1), batch=16),
    RateCase("variance/a=3/2", _problem(PowerLaw("3/2"), _silent, 1)),
    RateCase("variance/exponential", _problem(Exponential("1/2"), _silent, 1), steps=_LARGE),
    RateCase("bias/a=2/b=2", _problem(PowerLaw(2), SourceCondition(2), 0)),
    RateCase("bias/a=2/b=3", _problem(PowerLaw(2), SourceCondition(3), 0)),
    RateCase("bias/exponential", _problem(Exponential("1/2"), SourceCondition(2), 0), steps=_LARGE),
    RateCase("amplification/a=2/b=6", _problem(PowerLaw(2), SourceCondition(6), 0), steps=_CLOSE),
    RateCase(
        "label/additive",
        _problem(PowerLaw(3), _silent, 0),
        Quantization(label=Additive("0.01")),
    ),
    RateCase(
        "parameter/additive",
        _problem(PowerLaw(3), _silent, 0),
        Quantization(parameter=Additive("0.01")),
    ),
    RateCase(
        "gradient/elementwise",
        _problem(PowerLaw(3), _silent, 1),
        Quantization(gradient=Multiplicative("0.1", "elementwise")),
        batch=4,
    ),
    RateCase(
        "data/shared",
        _problem(PowerLaw(3), _silent, 1),
        Quantization(data=Multiplicative("0.1")),
    ),
)


def rate_agrees(case: RateCase) -> list[CheckResult]:
    """Check the derived order of the bound against the exact risk, and that a wrong one is seen."""
    rate = rates(case.problem, case.quantization, SGD("0.1", case.batch, steps=_N)).total
    found = _compared(_risks(case), case.steps, rate, TOLERANCE, WRONG_BY)
    return [_result(case.id, found, case.steps, "closed form")]


@dataclass(frozen=True)
class _Compared:
    """What is left of a slope when the derived one is taken away, and whether that tells."""

    order: sp.Expr
    derived: float
    left: float
    holds: bool


def _compared(
    risks: Sequence[Any], steps: Sequence[int], rate: Any, tolerance: float, wrong_by: float
) -> _Compared:
    """The order holds if what is left is small, and would not be for a wrong exponent."""
    left, *wrong = (
        deviation(risks, steps, rate.exact_order * _N ** sp.Rational(shift))
        for shift in ("0", str(wrong_by), str(-wrong_by))
    )
    holds = abs(left) <= tolerance and all(abs(other) > tolerance for other in wrong)
    return _Compared(rate.order, float(rate.exponent(_N)), left, holds)


def _result(
    id: str, found: _Compared, steps: Sequence[int], by: str, gap: float = 0.0, more: str = ""
) -> CheckResult:
    measured = found.derived + found.left
    detail = (
        f"{measured:.4f}, derived {found.derived:.4f}: {found.order}, "
        f"N {steps[0]:.0e} to {steps[-1]:.0e}{more}"
    )
    values = {
        "case": id,
        "by": by,
        "order": str(found.order),
        "measured": measured,
        "predicted": found.derived,
        "deviation": found.left,
        "steps": steps[-1],
        "gap": gap,
    }
    holds = found.holds and gap <= 10.0**-_AGREED_DIGITS
    return CheckResult.of(f"rate/{id}", "rate", holds, detail, values)


def _risks(case: RateCase) -> list[float]:
    sgd = SGD("0.1", case.batch, steps=1)
    curve = risk_curve(case.problem, case.quantization, sgd, case.steps, digits=_DIGITS)
    return [float(risk.total) for risk in curve]


def deviation(risks: Sequence[Any], steps: Sequence[int], order: sp.Expr) -> float:
    """The slope in log N of risk / order, extrapolated to large N."""
    ratios = [
        float(risk) / float(order.subs(_N, n).evalf(30))
        for risk, n in zip(risks, steps, strict=True)
    ]
    slopes = [
        math.log(ratios[k + 1] / ratios[k]) / math.log(steps[k + 1] / steps[k])
        for k in range(len(steps) - 1)
    ]
    if max(slopes) - min(slopes) < _LEVEL:  # what the transformation would divide by
        return slopes[-1]
    return float(mpmath.shanks([mpmath.mpf(slope) for slope in slopes])[-1][-1])


# --- step by step ------------------------------------------------------------------------------

#: The same for N = 2000, where terms of smaller order still count.
ROUGH_TOLERANCE = 0.02
ROUGHLY_WRONG_BY = 0.05
_REACHED = (250, 500, 1000, 2000)
_MPMATH_DIGITS = 30
_AGREED_DIGITS = 25


@dataclass(frozen=True)
class SteppedCase:
    """The first hundred coordinates of a power law, a run of 2000 steps, and its errors.

    The coefficients of the target are all the same. The order is that in infinite dimension: by
    step 2000 no more than some twenty directions are learnt.
    """

    id: str
    exponent: int
    coefficient: int
    noise: int
    batch: int = 1
    errors: dict[str, Errors] = field(default_factory=dict)
    stepsize: Fraction = Fraction(1, 4)

    @property
    def setting(self) -> Setting:
        """For the loops of the reference."""
        eigenvalues = tuple(Fraction(1, i**self.exponent) for i in range(1, 101))
        target = (Fraction(self.coefficient),) * len(eigenvalues)
        numbers = Fraction(self.noise), self.stepsize, self.batch, _REACHED[-1]
        models: dict[str, Any] = dict(self.errors)
        return Setting(eigenvalues, target, *numbers, **models)


STEP_BY_STEP = (
    SteppedCase("exact", 3, 1, 0),
    SteppedCase("label/additive", 2, 0, 0, errors={"label": Errors(additive=Fraction(1, 100))}),
    SteppedCase("data/shared", 3, 0, 1, errors={"data": Errors(shared=Fraction(1, 10))}),
    SteppedCase(
        "gradient/elementwise", 2, 0, 1, 4, {"gradient": Errors(elementwise=Fraction(1, 10))}
    ),
)


def rate_agrees_step_by_step(case: SteppedCase) -> list[CheckResult]:
    """Check closed form and derived order against the recursion in mpmath, every step of it."""
    setting = case.setting
    there = _stepped(setting)
    problem, quantization, sgd = arguments(setting)
    curve = risk_curve(problem, quantization, sgd, _REACHED, digits=_MPMATH_DIGITS)
    gap = max(_gap(risk.total, exact) for risk, exact in zip(curve, there, strict=True))
    endless = Problem(sp.oo, PowerLaw(case.exponent), Constant(case.coefficient), case.noise)
    run = SGD(sgd.stepsize, case.batch, steps=_N)
    rate = rates(endless, quantization, run).total
    found = _compared(there, _REACHED, rate, ROUGH_TOLERANCE, ROUGHLY_WRONG_BY)
    more = f" in mpmath, step by step; the closed form is off by {gap:.0e}"
    id = f"step by step/{case.id}"
    return [_result(id, found, _REACHED, "recursion", gap, more)]


def _stepped(setting: Setting) -> list[Any]:
    context = mpmath.MPContext()
    context.dps = _MPMATH_DIGITS

    def number(fraction: Fraction) -> Any:
        return context.mpf(fraction.numerator) / fraction.denominator

    return risks_step_by_step(setting, _REACHED, number, context.fdot)


def _gap(ball: Any, exact: Any) -> float:
    """The relative distance of a certified number from one of mpmath."""
    with ARITHMETIC.working():
        other = flint.arb(mpmath.nstr(exact, _MPMATH_DIGITS))
        return float(abs(flint.arb(ball) / other - 1).abs_upper())
