r"""The panel: small problems on which the package is held against the loops of the reference.

Every term of every formula counts in one of them. :mod:`qtheory.reference.moments` and
:mod:`qtheory.reference.theorems` hold the theory as loops over exact rationals, read off the theory
and not off the package. A formula that is changed in the package then differs from its second
copy, also where the change would leave a bound true and only larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple
from fractions import Fraction
from typing import Any

import flint
import sympy as sp

from qtheory.checks.check import CheckResult
from qtheory.model import (
    SGD,
    TARGETS,
    Additive,
    Covariates,
    Elliptical,
    ErrorModel,
    Explicit,
    Gaussian,
    Independent,
    Multiplicative,
    Problem,
    Quantization,
)
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.exact import Number
from qtheory.reference.moments import Errors, Setting

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
#: The same for covariates that are not Gaussian, of which T3 to T5 do not speak.
OTHER_COVARIATES: dict[str, Setting] = {
    "covariates/independent": Setting.read(
        "1 1/4 1/9", "1 -1 2", "1/2", "1/8", 1, 8, kurtosis="5"
    ),
    "covariates/two values": Setting.read(
        "1 1/2", "1 -1/3", "1/2", "1/4", 3, 8, kurtosis="1", label="1/3 1/4 1/5",
        parameter="1/6 1/8 1/7", activation="1/5 1/9 1/4", gradient="1/2 1/6 1/3",
    ),
    "covariates/independent, additive data": Setting.read(
        "1 1/2 1/3", "1 -1/3 2", "1/2", "1/40", 2, 8, kurtosis="6", data="1/5 0 0",
        label="1/3 1/4 1/5", gradient="1/2 1/6 1/3",
    ),
    "covariates/independent, data mixed": Setting.read(
        "1 1/2", "1 -1/3", "1/2", "1/40", 3, 8, kurtosis="9/2", data="1/10 1/7 1/9",
        label="1/3 1/4 1/5", parameter="1/6 1/8 1/7", activation="1/5 1/9 1/4",
        gradient="1/2 1/6 1/3",
    ),
    "covariates/elliptical": Setting.read(
        "1 1/4 1/9", "1 -1 2", "1/2", "1/12", 1, 8, fourth="2", gradient="0 0 1/3"
    ),
    "covariates/elliptical, additive data": Setting.read(
        "1 1/2 1/3", "1 -1/3 2", "1/2", "1/40", 2, 7, fourth="5/3", data="1/5 0 0",
        label="1/3 1/4 1/5", gradient="1/2 1/6 1/3",
    ),
    "covariates/elliptical, data elementwise": Setting.read(
        "1 1/4 1/9", "1 1 1", "1", "1/80", 3, 7, fourth="3/2", data="0 0 1/4",
        parameter="1/6 1/8 1/7",
    ),
    "covariates/elliptical, data mixed": Setting.read(
        "1 1/2", "1 -1/3", "1/2", "1/60", 3, 6, fourth="7/4", data="1/10 1/7 1/9",
        label="1/3 1/4 1/5", parameter="1/6 1/8 1/7", activation="1/5 1/9 1/4",
        gradient="1/2 1/6 1/3",
    ),
}  # fmt: skip
#: Every setting of which the exact risk speaks.
SETTINGS = PANEL | OTHER_COVARIATES
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

    law: Covariates = Gaussian()
    if setting.fourth != 1:
        law = Elliptical(rational(setting.fourth))
    elif setting.kurtosis != 3:
        law = Independent(rational(setting.kurtosis))
    problem = Problem(
        setting.dim,
        numbers(setting.eigenvalues),
        numbers(setting.target),
        rational(setting.noise),
        covariates=law,
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
    return [CheckResult.of(id, "identity", not wrong, detail, {"compared": len(found)})]


def _some(wrong: Sequence[str]) -> str:
    """The first few of what is wrong."""
    more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return "; ".join(wrong[:3]) + more


def _short(number: Any) -> str:
    return f"{float(number):.9g}"


def entries(name: str, here: Iterable[Any], there: Sequence[Fraction]) -> Iterator[Pair]:
    """Two vectors, compared entry by entry."""
    for k, (a, b) in enumerate(zip(here, there, strict=True), start=1):
        yield f"{name}_{k}", a, b
