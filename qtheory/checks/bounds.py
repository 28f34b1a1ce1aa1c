"""The bounds: T3 and its limits, T4, T4' and T5, term by term beside the loops of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from qtheory.checks.check import CheckResult
from qtheory.checks.panel import ARITHMETIC, DIGITS, PANEL, Pair, arguments, entries, report
from qtheory.model import TARGETS
from qtheory.model.instance import instantiate
from qtheory.reference import theorems as reference
from qtheory.reference.moments import Errors, Scheme, Setting
from qtheory.theory import definitions as symbols
from qtheory.theory import lower_bound, theorems, upper_bound
from qtheory.theory.batch import alpha_limit, s2_limit
from qtheory.theory.lower import s2_low
from qtheory.theory.upper import S_bar


def bounds_agree(name: str) -> list[CheckResult]:
    """T3 and its limits, T4, and where the theory states them T4' and T5, term by term."""
    setting = PANEL[name]

    def pairs() -> Iterator[Pair]:
        yield from _constants(setting)
        yield from _paper_bound(setting)
        if not setting.data.multiplicative:
            yield from _refined_bound(setting)
            yield from _lower_bound(setting)

    return report(f"bounds/{name}", pairs())


def _values(theorem: str, setting: Setting) -> Any:
    """The values of a theorem's symbols."""
    return theorems[theorem].values(instantiate(arguments(setting), ARITHMETIC))


def _constants(setting: Setting) -> Iterator[Pair]:
    values, again = (
        _values("noise_constants", setting),
        reference.noise_constants(setting),
    )
    yield "k4", values[symbols.k4], again.k4
    yield "alpha", values[symbols.alpha], again.alpha
    yield "s2", values[symbols.s2], again.s2
    # affine in 1/B, so that two batches give the limit exactly
    one, two = (reference.noise_constants(replace(setting, batch=b)) for b in (1, 2))
    feedback, noise = _values("feedback_limit", setting), _values("noise_limit", setting)
    yield "alpha for B = oo", feedback[alpha_limit], 2 * two.alpha - one.alpha
    yield "s2 for B = oo", noise[s2_limit], 2 * two.s2 - one.s2


def _paper_bound(setting: Setting) -> Iterator[Pair]:
    paper = upper_bound(*arguments(setting), digits=DIGITS, form="paper")
    again = reference.upper_bound(setting)
    yield "T4: bias", paper.bias, again.bias
    yield "T4: variance", paper.variance, again.variance
    yield "D_N", paper.effective_dimension, again.effective_dimension
    yield "T4: R^q", paper.quantized_risk, again.quantized_risk
    yield "T4: R", paper.total, again.risk


def _refined_bound(setting: Setting) -> Iterator[Pair]:
    values = _values("refined_upper_bound", setting)
    again = reference.refined_bound(setting)
    yield "T4': kappa", values[symbols.kappa], again.kappa
    yield "T4': alpha", values[symbols.alpha], again.alpha
    yield "T4': s2", values[symbols.s2], again.s2
    yield "T4': theta", values[symbols.theta], again.theta
    yield "T4': S", values[S_bar], again.energy
    yield from entries("T4': q", np.ravel(values[symbols.q]), again.coordinate_noise)
    refined = upper_bound(*arguments(setting), digits=DIGITS, form="refined")
    yield "T4': variance", refined.variance, again.variance
    yield "T4': R^q", refined.quantized_risk, again.quantized_risk
    yield "T4': R", refined.total, again.risk


def _lower_bound(setting: Setting) -> Iterator[Pair]:
    again = reference.lower_bound(setting)
    yield "T5: s2", _values("lower_bound", setting)[s2_low], again.s2
    low = lower_bound(*arguments(setting), digits=DIGITS)
    yield "T5: R^q", low.quantized_risk, again.quantized_risk


def limits_agree() -> list[CheckResult]:
    """T7: the limits of alpha and s^2 for exact data and one scheme on all other targets."""
    levels = Fraction(1, 3), Fraction(1, 5), Fraction(2, 7), Fraction(1, 2)

    def pairs() -> Iterator[Pair]:
        schemes: tuple[Scheme, ...] = ("additive", "shared", "elementwise")
        for scheme in schemes:
            errors: dict[str, Any] = {
                target: Errors(**{scheme: level})
                for target, level in zip(TARGETS[1:], levels, strict=True)
            }
            setting = replace(PANEL["exact"], **errors)
            alpha, s2 = reference.limits_in_batch(
                scheme, *levels, setting.eigenvalues, setting.target
            )
            yield f"{scheme}: alpha", _values("feedback_limit", setting)[alpha_limit], alpha
            yield f"{scheme}: s2", _values("noise_limit", setting)[s2_limit], s2

    return report("T7/bounds", pairs())
