"""The sharp constants of T9 against certified exact risks, and against their expansion.

In infinite dimension a ratio of risks tends to 1; in finite dimension the terms themselves are
those of :mod:`qtheory.reference.stationary`, in exact rational numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint
import mpmath
import sympy as sp

from qtheory.asymptotics import SharpConstants, sharp_constants
from qtheory.checks.check import CheckResult
from qtheory.checks.panel import DIGITS, PANEL, Pair, arguments, report
from qtheory.model import (
    SGD,
    Additive,
    Constant,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
    SourceCondition,
)
from qtheory.reference.moments import Errors, Setting
from qtheory.reference.stationary import TAIL, expansion
from qtheory.risk import risk_curve

#: The largest relative error of the constants, after extrapolation in N.
ACCURACY = 1e-4
_DIGITS = 6


@dataclass(frozen=True)
class ConstantCase:
    """A run whose exact risk, less its limit, is divided by its leading terms."""

    id: str
    problem: Problem
    quantization: Quantization
    sgd: SGD
    steps: tuple[int, ...]


_MIXED = Quantization(
    data=Multiplicative("0.1", "elementwise"),
    label=Additive("0.01"),
    parameter=Multiplicative("0.02"),
    activation=Multiplicative("0.05", "elementwise"),
    gradient=Additive("0.02"),
)
#: Every kind of error on every target that T9 allows it on, no two of the same size.
_EVERYWHERE = Quantization(
    data=Multiplicative("1/5"),
    label=Additive("1/3") + Multiplicative("1/4") + Multiplicative("1/6", "elementwise"),
    parameter=Additive("1/6") + Multiplicative("1/8") + Multiplicative("1/7", "elementwise"),
    activation=Additive("1/5") + Multiplicative("1/9") + Multiplicative("1/4", "elementwise"),
    gradient=Additive("1/2") + Multiplicative("1/6") + Multiplicative("1/3", "elementwise"),
)
_GRADIENT = Quantization(
    gradient=Multiplicative("1/6") + Multiplicative("1/3", "elementwise"),
)
_POWER_LAW = Problem(sp.oo, PowerLaw(2), SourceCondition(2), 1)
_SCALED = Problem(sp.oo, PowerLaw(3, scale="1/2"), Constant(3), "1/3")
# Without noise the start of the run is what fluctuates: more than the bias for b > 2a, but for
# b < a + 1 its total would be infinite, and the bias is all there is.
_SILENT = Problem(sp.oo, PowerLaw(5, scale="1/2"), SourceCondition(12), 0)
_SILENT_ROUGH = Problem(sp.oo, PowerLaw(5, scale="1/2"), SourceCondition("11/2"), 0)
_FINITE = Problem(100, PowerLaw(2), Constant(1), 1)
_GROWING = (10**4, 10**5, 10**6)
_LARGER = (10**5, 10**6, 10**7)
_LARGE = (10**9, 10**10, 10**11)
_EXACT = Quantization()
_ADDITIVE = Quantization.uniform(Additive("1e-4"))


def _run(output: str, batch: int = 1, tail: str = "1/2") -> SGD:
    return SGD("0.1", batch, steps=1, output=output, tail=tail)


CONSTANT_CASES = (
    ConstantCase("average", _POWER_LAW, _EXACT, _run("average"), _GROWING),
    ConstantCase("average/mixed/B=4", _POWER_LAW, _MIXED, _run("average", 4), _GROWING),
    ConstantCase("last/mixed", _POWER_LAW, _MIXED, _run("last"), _GROWING),
    ConstantCase("tail=1/4", _POWER_LAW, _EXACT, _run("tail", tail="1/4"), _GROWING),
    ConstantCase("average/everywhere", _SCALED, _EVERYWHERE, _run("average", 3), _LARGE),
    ConstantCase("last/everywhere", _SCALED, _EVERYWHERE, _run("last", 3), _LARGE),
    ConstantCase("tail/everywhere", _SCALED, _EVERYWHERE, _run("tail", 3, "1/4"), _LARGE),
    ConstantCase("last/no noise", _SILENT, _GRADIENT, _run("last"), _LARGER),
    ConstantCase("tail/no noise", _SILENT, _GRADIENT, _run("tail", 1, "1/4"), _LARGER),
    ConstantCase("average/no noise/b<a+1", _SILENT_ROUGH, _GRADIENT, _run("average"), _LARGER),
    ConstantCase("d=100/additive", _FINITE, _ADDITIVE, _run("average"), _LARGE),
    ConstantCase("d=100/additive/tail", _FINITE, _ADDITIVE, _run("tail", 4), _LARGE),
)


def constant_agrees(case: ConstantCase) -> list[CheckResult]:
    """Check that (risk - floor) / leading terms tends to 1, and that 1 % more does not.

    Extrapolation takes a ratio that grows like a power of N to its constant part, so a wrong floor
    does not show in it: the ratio at the last N must be near 1 as it stands.
    """
    constants = sharp_constants(case.problem, case.quantization, case.sgd)
    curve = risk_curve(case.problem, case.quantization, case.sgd, case.steps, digits=_digits(case))
    last, ratio = ratios_to(constants, [_number(risk.total) for risk in curve], case.steps)
    wrong = ratio / 1.01
    return [
        CheckResult.of(
            f"constant/{case.id}",
            "rate",
            abs(ratio - 1) <= ACCURACY < abs(wrong - 1) and abs(last - 1) <= 10 * ACCURACY,
            f"(risk - floor)/leading terms = 1 {ratio - 1:+.1e}, N to {case.steps[-1]:.0e}"
            f" (1 {last - 1:+.1e} there)",
            {"case": case.id, "ratio": ratio, "steps": case.steps[-1]},
        )
    ]


def _digits(case: ConstantCase) -> int:
    """In finite dimension the limit cancels twelve digits of the risk."""
    return _DIGITS if case.problem.dim is sp.oo else 40


def _number(ball: flint.arb) -> mpmath.mpf:
    with mpmath.workdps(60):
        return mpmath.mpf(ball.mid().str(60, radius=False))


def ratios_to(
    constants: SharpConstants, risks: list[mpmath.mpf], steps: tuple[int, ...]
) -> tuple[float, float]:
    """(risk - floor) / (total - floor) at the last of three N, and extrapolated by Aitken."""
    ratios = []
    with mpmath.workdps(60):
        for risk, n in zip(risks, steps, strict=True):
            parts = constants.at(n, digits=40)
            ratios.append((risk - parts.floor) / (parts.total - parts.floor))
        return float(ratios[-1]), float(mpmath.shanks(ratios)[-1][-1])


# --- finite dimension, in exact rationals -------------------------------------------------------


def _with_all_errors(eigenvalues: str, target: str, data: Errors) -> Setting:
    """Errors everywhere, on a problem of numbers as text."""
    values, optimum = (tuple(map(Fraction, text.split())) for text in (eigenvalues, target))
    return replace(PANEL["all/B=3"], eigenvalues=values, target=optimum, data=data)


#: Problems given by formulas, which the package expands in the index and not value by value.
FORMULAS: dict[str, tuple[Problem, Setting]] = {
    "constant target": (
        Problem(3, PowerLaw(2, scale="1/2"), Constant(3), "1/2"),
        _with_all_errors("1/2 1/8 1/18", "3 3 3", Errors(additive=Fraction(1, 5))),
    ),
    "source condition": (
        Problem(3, PowerLaw(2, scale="1/4"), SourceCondition(4), "1/2"),
        _with_all_errors("1/4 1/16 1/36", "2 1 2/3", Errors(shared=Fraction(1, 10))),
    ),
}


_OUTPUTS = (("average", Fraction(1)), ("last", Fraction(1)), ("tail", Fraction(TAIL)))
#: Here a tail of all iterates is the average, and all terms of 1/N together are theirs.
_IN_FULL = ("exact", "all/B=3", "data/additive")


def expansions_agree() -> list[CheckResult]:
    """T9 in finite dimension: limit, mean and variance of each output, for errors everywhere."""

    def pairs() -> Iterator[Pair]:
        panel: dict[str, tuple[Problem | None, Setting]] = {
            name: (None, setting)
            for name, setting in PANEL.items()
            if not (setting.data.additive and setting.data.multiplicative)
        }
        for name, (problem, setting) in {**panel, **FORMULAS}.items():
            everything = [("tail", Fraction(1))] if name in _IN_FULL else []
            for output, tail in (*_OUTPUTS, *everything):
                listed, quantization, run = arguments(setting, output, tail=str(tail))
                constants = sharp_constants(problem or listed, quantization, run)
                found = constants.at(1, digits=DIGITS + 4)  # the coefficients of 1/N
                again = expansion(setting, "average" if output == "tail" and tail == 1 else output)
                where = f"{name}, {output} {tail}"
                yield f"{where}: limit", _ball(found.floor), again.limit
                yield f"{where}: N mean", _ball(found.bias), again.mean
                yield f"{where}: N variance", _ball(found.variance), again.variance
                if name in _IN_FULL:
                    whole = replace(constants, bias=constants.inverse_steps)
                    both = whole.at(1, digits=DIGITS + 4).bias
                    yield f"{where}: 1/N", _ball(both), again.mean + again.variance

    return report("T9/finite dimension", pairs())


def _ball(number: Any) -> flint.arb:
    """A number that is right to a few digits more than are compared, as a ball."""
    with mpmath.workdps(DIGITS + 10):
        text = mpmath.nstr(mpmath.mpf(number), DIGITS + 8)
    return flint.arb(text) * flint.arb(1, f"1e-{DIGITS + 3}")
