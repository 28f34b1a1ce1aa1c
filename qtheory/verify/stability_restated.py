r"""Stability and long spectra beside the second copy of the theory.

The second moments obey v' = G v + g. The edge of stability is where the spectral radius of G passes
1, the last iterate settles at the solution of v = G v + g, and averages settle at w^q
(:mod:`qtheory.verify.stationary_restated` has G, g and the solution in exact rationals).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from qtheory.model import (
    SGD,
    Additive,
    Constant,
    Explicit,
    Exponential,
    Logarithmic,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
    SourceCondition,
)
from qtheory.model.instance import Instance, instantiate
from qtheory.model.spectra import Spectrum
from qtheory.model.targets import Target
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Balls, Float64
from qtheory.risk import excess_risk, risk_curve, stability
from qtheory.risk.closed_form import ClosedForm
from qtheory.risk.compression import compressed_instance, sums_from
from qtheory.risk.decomposition import decompose
from qtheory.verify.check import CheckResult
from qtheory.verify.restated import PANEL, Pair, arguments, by_each_method, close, report
from qtheory.verify.stationary_restated import affine_step, expansion
from qtheory.verify.transcription import Setting

__all__ = ["limits_of_the_risk_restated", "long_spectra_restated", "stability_restated"]


def stability_restated() -> list[CheckResult]:
    """The second moments shrink just below the largest stable stepsize and grow just above it."""
    wrong = []
    for name, setting in PANEL.items():
        largest = Fraction(stability(*arguments(setting)).largest_stepsize)
        below, above = (
            max(abs(np.linalg.eigvals(_feedback(replace(setting, stepsize=edge)))))
            for edge in (largest * Fraction("0.9999"), largest * Fraction("1.0001"))
        )
        if not below < 1 < above:
            wrong.append(f"{name}: {below} below and {above} above {float(largest):.6g}")
    detail = "; ".join(wrong) if wrong else f"the edge is right to 1e-4 in {len(PANEL)} settings"
    return [CheckResult.of("stability", "identity", not wrong, detail)]


def limits_of_the_risk_restated() -> list[CheckResult]:
    """The limits of the risk in the number of steps, and theta where it follows from G alone."""

    def pairs() -> Iterator[Pair]:
        for name, setting in PANEL.items():
            for output in ("average", "last"):
                here = stability(*arguments(setting, output)).limit
                yield f"{name}, {output}: limit", here, expansion(setting, output).limit
            one_kind = not (setting.data.shared and setting.data.additive)
            if one_kind and setting.dim > 2 and all(setting.eigenvalues):
                here = stability(*arguments(setting)).theta
                yield f"{name}: theta", here, _theta(setting)

    return report("stability/limits", pairs(), close)


def _feedback(setting: Setting) -> Any:
    """G in float64."""
    return np.array([[float(entry) for entry in row] for row in affine_step(setting)[0]])


def _theta(setting: Setting) -> float:
    r"""With G = diag(g) + u z^T it is :math:`\sum u_i z_i / (1 - g_i)`, u_i z_j being G_ij."""
    G = _feedback(setting)
    total = 0.0
    for i in range(setting.dim):
        j, k = (n for n in range(3) if n != i) if i < 3 else (0, 1)
        own = G[i, j] * G[k, i] / G[k, j]
        total += own / (1 - (G[i, i] - own))
    return total


# --- spectra that are compressed ---------------------------------------------------------------

#: Each spectrum, each target and each data error at least once; the sum of 1/i is not finite.
_LONG: tuple[tuple[Spectrum, Target, Quantization], ...] = (
    (PowerLaw("3/2", "1/2"), SourceCondition(2), Quantization(label=Additive("1/10"))),
    (PowerLaw(2), Constant("2/3"), Quantization(data=Additive("1/1000"))),
    (PowerLaw(1), SourceCondition(1), Quantization(data=Multiplicative("1/10"))),
    (Exponential("1/20"), Constant(2), Quantization(data=Multiplicative("1/10", "elementwise"))),
    (Exponential("1/9"), SourceCondition("3/2"), Quantization(data=Additive("1/1000"))),
    (Logarithmic(2), Constant(1), Quantization(parameter=Multiplicative("1/10"))),
    (Logarithmic(3), SourceCondition("3/2"), Quantization(gradient=Additive("1/10"))),
)
#: What is too small to be told apart is one coordinate: so many of them, and one sum over all.
_RESTS: tuple[tuple[Spectrum, Target, Quantization], ...] = (
    (PowerLaw(40), Constant(2), Quantization(data=Additive("1e-2"))),
    (PowerLaw(8), SourceCondition("6/5"), Quantization(data=Additive("1e-4"))),
    (PowerLaw(9), SourceCondition(1), Quantization(label=Additive("1/10"))),
)
_DIM, _MANY, _STEPS, _DIGITS = 150, 2000, 400, 12
#: The average of one iterate is w_0 = 0, whose risk is half the sum of lambda_i w*_i^2: slow sums,
#: so that what is beyond all coordinates counts.
_UNLEARNT: tuple[tuple[Spectrum, Target, Callable[[], Any]], ...] = (
    (PowerLaw(2), SourceCondition("11/10"), lambda: mpmath.zeta(mpmath.mpf(11) / 10)),
    (PowerLaw("6/5", 3), Constant("1/2"), lambda: 3 * mpmath.zeta(mpmath.mpf(6) / 5) / 4),
    (Exponential("1/90"), Constant(2), lambda: 4 / mpmath.expm1(mpmath.mpf(1) / 90)),
)


def long_spectra_restated() -> list[CheckResult]:
    """What is compressed is within its proved error; sums of the rest are those of mpmath."""
    wrong: list[str] = []
    numbers = 0
    arithmetic = Balls(bits=400)
    with arithmetic.working():
        for spectrum, target, quantization in _LONG:
            problem = Problem(_DIM, spectrum, target, "1/2")
            run = SGD("1/10", 2, steps=_STEPS)
            whole = instantiate(problem, quantization, run, arithmetic)
            short, error = compressed_instance(problem, quantization, run, _STEPS, arithmetic)
            gap = abs(_total(whole, run) - _total(short, run))
            fits = len(short.eigenvalues) < _DIM and error < 1e-9 and gap <= error
            sums = _sums_are_right(spectrum, target)
            numbers += 3
            if not (fits and sums):
                wrong.append(f"{spectrum} with {target}: off by {gap.str(3)}, bound {error.str(3)}")
    for spectrum, target, quantization in _RESTS:
        numbers += 1
        problem = Problem(_MANY, spectrum, target, "1/2")
        run = SGD("1/20", 2, steps=50)
        there = _by_recursion(problem, quantization, run)
        with arithmetic.working():
            short, _ = compressed_instance(problem, quantization, run, 50, arithmetic)
            here = _total(short, run)
        if not (len(short.eigenvalues) < _MANY / 2 and close(here, there)):
            wrong.append(f"{spectrum} with {target}, {_MANY} coordinates: {here.str(12)}, {there}")
    for spectrum, target, energy in _UNLEARNT:
        numbers += 1
        problem = Problem(sp.oo, spectrum, target)
        zero = excess_risk(problem, Quantization(), SGD("1/1000", steps=1), _DIGITS).total
        with mpmath.workdps(20):
            there = energy() / 2
        if not close(zero, there):
            wrong.append(f"{spectrum} with {target} in infinite dimension: the risk of 0")
    numbers += 1
    if not _a_curve_ends_as_its_last_run():
        wrong.append("a curve in infinite dimension ends otherwise than its last run by itself")
    for quantization in (
        Quantization(data=Additive("1/900") + Multiplicative("1/10")),
        Quantization(data=Multiplicative("1/10") + Multiplicative("1/5", "elementwise")),
    ):
        numbers += 1
        if not _same_edge(quantization):
            wrong.append(f"{quantization.data!r}: another theta in 250 dimensions than for a list")
    detail = "; ".join(wrong) if wrong else f"{numbers} numbers agree within what is proved"
    return [CheckResult.of("section 2/long spectra", "identity", not wrong, detail)]


def _by_recursion(problem: Problem, quantization: Quantization, run: SGD) -> float:
    """The risk in float64, every coordinate by itself."""
    instance = instantiate(problem, quantization, run, Float64())
    method, found = next(by_each_method(instance, Window.of(run)))
    assert method == "recursion"
    return float(found.total)


def _total(instance: Instance, run: SGD) -> Any:
    form, window = ClosedForm(instance), Window.of(run)
    return decompose(instance, form.first_moment(window), form.second_moment(window)).total


def _sums_are_right(spectrum: Spectrum, target: Target) -> bool:
    """Sums of lambda_i and lambda_i w*_i^2 over 65 <= i < 1065, as differences of the rests."""
    problem = Problem(_DIM, spectrum, target)
    (trace, signal), (trace_after, signal_after) = (sums_from(problem, k) for k in (65, 1065))
    with mpmath.workdps(30):
        i = sp.Symbol("i")
        value, weight = (
            sp.lambdify(i, form.subs(form.free_symbols.pop(), i) if form.free_symbols else form,
                        "mpmath")
            for form in (spectrum.formula, target.formula(spectrum.formula) ** 2)
        )  # fmt: skip
        values = [mpmath.mpf(value(mpmath.mpf(k))) for k in range(65, 1065)]
        weights = [mpmath.mpf(weight(mpmath.mpf(k))) for k in range(65, 1065)]
        there = mpmath.fsum(values), mpmath.fsum(map(mpmath.fmul, values, weights))
    heres = trace - trace_after, signal - signal_after
    # the rest of a logarithmic spectrum is known to one part in its first position
    return all(
        abs(float(here.mid()) - float(known)) <= float(here.rad()) + 1e-12 * float(known)
        and float(here.rad()) < float(known) / 3
        for here, known in zip(heres, there, strict=True)
    )


def _a_curve_ends_as_its_last_run() -> bool:
    """To the last bit: one compression serves all runs, and its error is that of the longest."""
    problem, run = Problem(sp.oo, PowerLaw(8), SourceCondition(9)), SGD("1/10", 2, steps=10**8)
    quantization = Quantization(label=Additive("1/10"))
    *_, longest = risk_curve(problem, quantization, run, [1, 10**8], digits=12)
    here, there = longest.total, excess_risk(problem, quantization, run, digits=12).total
    return bool(here.mid() == there.mid() and here.rad() == there.rad())


def _same_edge(quantization: Quantization) -> bool:
    """theta of 250 coordinates by formula and as a list, which is never compressed."""
    formula = Problem(250, PowerLaw(2), Constant(1))
    listed = replace(formula, spectrum=Explicit([sp.Rational(1, k**2) for k in range(1, 251)]))
    run = SGD("1/100", 2, steps=10)
    here, there = (stability(problem, quantization, run).theta for problem in (formula, listed))
    return close(here, there)
