r"""T9 in finite dimension, from the fixed point of the recursion in exact rational numbers.

Once the mean of the iterates has reached w^q, the step of section 2 leaves their second moments
alone: :math:`v = G v + r`, a linear system that is solved here as it stands. With c_i = v_i -
(w^q_i)^2 and :math:`E[\eta_s \eta_t] = \rho^{t-s} E \eta_s^2` the last iterate tends to it, and an
average over the last fN iterates has the variance and, for f = 1, the mean

.. math:: \frac{c_i}{fN} \Big(1 + 2 \sum_{k \ge 1} \rho_i^k\Big), \qquad
          w^q_i - \frac{w^q_i}{N} \sum_{s \ge 0} \rho_i^s

up to terms of order N^-2. The package solves the same by hand, in symbols.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint
import mpmath

from qtheory.asymptotics import sharp_constants
from qtheory.model import Constant, PowerLaw, Problem, SourceCondition
from qtheory.verify import transcription
from qtheory.verify.check import CheckResult
from qtheory.verify.restated import DIGITS, PANEL, Pair, arguments, report
from qtheory.verify.transcription import Errors, Moments, Setting

__all__ = ["FORMULAS", "Expansion", "affine_step", "expansion", "stationary_restated"]

_TAIL = Fraction(1, 4)


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


@dataclass(frozen=True)
class Expansion:
    """The risk for N steps, to the order 1/N: ``limit`` + (``mean`` + ``variance``) / N."""

    limit: Fraction
    mean: Fraction
    variance: Fraction


def expansion(setting: Setting, output: str) -> Expansion:
    """The limit of the risk, and what the mean and the variance of an average add to it."""
    optimum = transcription.quantized_optimum(setting)
    standing = _fixed_point(setting)
    if output == "last":
        risk = transcription.risks(setting, Moments(optimum, standing)).risk
        return Expansion(risk, Fraction(0), Fraction(0))
    fraction = _TAIL if output == "tail" else Fraction(1)
    mean, variance = Fraction(0), Fraction(0)
    for i, quantized in enumerate(transcription.quantized_eigenvalues(setting)):
        one, best = setting.eigenvalues[i], optimum[i]
        rho = 1 - setting.stepsize * quantized
        if output == "average":
            # half of lambda E (w - w*)^2, where w is short of w^q by w^q (1 + rho + ...) / N
            mean += one * (setting.target[i] - best) * best / (1 - rho)
        lags = 1 + 2 * rho / (1 - rho)
        variance += one * (standing[i] - best**2) * lags / fraction / 2
    floor = transcription.risks(setting, Moments(optimum, tuple(w**2 for w in optimum))).risk
    return Expansion(floor, mean, variance)


def affine_step(setting: Setting) -> tuple[transcription.Matrix, transcription.Vector]:
    """G and r of v' = G v + r, the mean being w^q: the answers of one step to unit vectors."""
    dim, optimum = setting.dim, transcription.quantized_optimum(setting)
    rest = transcription.one_step(setting, optimum, (Fraction(0),) * dim).second
    columns = []
    for j in range(dim):
        unit = tuple(Fraction(i == j) for i in range(dim))
        after = transcription.one_step(setting, optimum, unit).second
        columns.append([a - b for a, b in zip(after, rest, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)], rest


def _fixed_point(setting: Setting) -> tuple[Fraction, ...]:
    """The second moments that one more step does not change, the mean being w^q."""
    G, rest = affine_step(setting)
    rows = [[_exact((i == j) - entry) for j, entry in enumerate(row)] for i, row in enumerate(G)]
    right = flint.fmpq_mat(setting.dim, 1, [_exact(value) for value in rest])
    solved = flint.fmpq_mat(rows).solve(right)
    return tuple(Fraction(int(entry.p), int(entry.q)) for entry in solved.entries())


def _exact(number: Fraction) -> flint.fmpq:
    return flint.fmpq(number.numerator, number.denominator)


def stationary_restated() -> list[CheckResult]:
    """T9 in finite dimension: limit, mean and variance of each output, for errors everywhere."""

    def pairs() -> Iterator[Pair]:
        panel: dict[str, tuple[Problem | None, Setting]] = {
            name: (None, setting)
            for name, setting in PANEL.items()
            if not (setting.data.additive and setting.data.multiplicative)
        }
        for name, (problem, setting) in {**panel, **FORMULAS}.items():
            for output, tail in (("average", 1), ("last", 1), ("tail", _TAIL), ("tail", 1)):
                listed, quantization, run = arguments(setting, output, tail=str(tail))
                constants = sharp_constants(problem or listed, quantization, run)
                found = constants.at(1, digits=DIGITS + 4)  # the coefficients of 1/N
                again = expansion(setting, "average" if output == "tail" and tail == 1 else output)
                where = f"{name}, {output} {tail}"
                yield f"{where}: limit", _ball(found.floor), again.limit
                yield f"{where}: N mean", _ball(found.bias), again.mean
                yield f"{where}: N variance", _ball(found.variance), again.variance
                if name in ("exact", "data/additive"):
                    whole = replace(constants, bias=constants.inverse_steps)
                    both = whole.at(1, digits=DIGITS + 4).bias
                    yield f"{where}: 1/N", _ball(both), again.mean + again.variance

    return report("T9/finite dimension", pairs())


def _ball(number: Any) -> flint.arb:
    """A number that is right to a few digits more than are compared, as a ball."""
    with mpmath.workdps(DIGITS + 10):
        text = mpmath.nstr(mpmath.mpf(number), DIGITS + 8)
    return flint.arb(text) * flint.arb(1, f"1e-{DIGITS + 3}")
