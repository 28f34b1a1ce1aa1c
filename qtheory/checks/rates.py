"""Derived rates against the exact risk: local slopes over decades of N, extrapolated.

The order that :func:`qtheory.rates` derives for the whole bound is divided out of the exact risk,
and what is left must have slope 0 in log N. Slopes over successive factors of N are extrapolated by
Shanks' transformation, which removes corrections that fall like powers of N. A rate whose exponent
is off by 0.02 leaves a slope of 0.02 and is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import mpmath
import sympy as sp

from qtheory.asymptotics import rates
from qtheory.checks.check import CheckResult
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
from qtheory.risk import risk_curve

__all__ = ["RATE_CASES", "TOLERANCE", "WRONG_BY", "RateCase", "deviation", "rate_agrees"]

#: The largest slope that may be left, and an error of the exponent that must be noticed.
TOLERANCE = 0.008
WRONG_BY = 0.02
_N = sp.Symbol("N", positive=True)
_DIGITS = 6


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
    steps: tuple[int, ...] = tuple(10**k for k in range(8, 13))


def _problem(spectrum: Spectrum, target: Target, noise: int) -> Problem:
    return Problem(sp.oo, spectrum, target, noise)


_SHORT = tuple(4**k for k in range(7, 15))
_silent = Constant(0)
RATE_CASES = (
    RateCase("variance/a=2", _problem(PowerLaw(2), _silent, 1)),
    RateCase("variance/a=3/B=16", _problem(PowerLaw(3), _silent, 1), batch=16),
    RateCase("variance/a=3/2", _problem(PowerLaw("3/2"), _silent, 1), steps=_SHORT),
    RateCase("variance/exponential", _problem(Exponential("1/2"), _silent, 1)),
    RateCase("bias/a=2/b=2", _problem(PowerLaw(2), SourceCondition(2), 0)),
    RateCase("bias/a=2/b=3", _problem(PowerLaw(2), SourceCondition(3), 0), steps=_SHORT),
    RateCase("bias/exponential", _problem(Exponential("1/2"), SourceCondition(2), 0)),
    RateCase("amplification/a=2/b=6", _problem(PowerLaw(2), SourceCondition(6), 0), steps=_SHORT),
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
    symbolic = SGD("0.1", case.batch, steps=_N)
    rate = rates(case.problem, case.quantization, symbolic).total
    risks = _risks(case)
    left = deviation(risks, case.steps, rate.exact_order)
    wrong = [
        deviation(risks, case.steps, rate.exact_order * _N ** sp.Rational(shift))
        for shift in (str(WRONG_BY), str(-WRONG_BY))
    ]
    exponent = float(rate.exponent(_N))
    return [
        CheckResult.of(
            f"rate/{case.id}",
            "rate",
            abs(left) <= TOLERANCE and all(abs(other) > TOLERANCE for other in wrong),
            f"{exponent + left:.4f}, derived {exponent:.4f}: {rate.order}, "
            f"N {case.steps[0]:.0e} to {case.steps[-1]:.0e}",
            {"measured": exponent + left, "predicted": exponent, "deviation": left},
        )
    ]


def _risks(case: RateCase) -> list[float]:
    sgd = SGD("0.1", case.batch, steps=1)
    curve = risk_curve(case.problem, case.quantization, sgd, case.steps, digits=_DIGITS)
    return [float(risk.total) for risk in curve]


def deviation(risks: Sequence[float], steps: Sequence[int], order: sp.Expr) -> float:
    """The slope in log N of risk / order, extrapolated to large N."""
    ratios = [
        risk / float(order.subs(_N, n).evalf(30)) for risk, n in zip(risks, steps, strict=True)
    ]
    slopes = [
        math.log(ratios[k + 1] / ratios[k]) / math.log(steps[k + 1] / steps[k])
        for k in range(len(steps) - 1)
    ]
    return float(mpmath.shanks([mpmath.mpf(slope) for slope in slopes])[-1][-1])
