r"""Spectra that are compressed, beside the same spectra as they are.

Coordinates too small to be told apart are one (:mod:`qtheory.risk.compression`), so that d may be
large or infinite. What that changes is compared with its proved error; the rest of a spectrum with
its coordinates one by one, its sums with mpmath's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import mpmath
import sympy as sp

from qtheory.checks.check import CheckResult, refusals
from qtheory.checks.panel import ARITHMETIC, Pair, close, report
from qtheory.checks.risk import by_each_method
from qtheory.errors import PrecisionError
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
from qtheory.model.run import Run
from qtheory.model.spectra import Spectrum
from qtheory.model.tails import sums_from
from qtheory.model.targets import Target
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Balls, Float64
from qtheory.risk import excess_risk, risk_curve, stability
from qtheory.risk.closed_form import ClosedForm
from qtheory.risk.compression import compressed_instance
from qtheory.risk.decomposition import decompose, floor
from qtheory.risk.excess import decomposition_at
from qtheory.theory.bounds import Bound, lower_bound, upper_bound

#: Each spectrum, each target and each data error at least once; the sum of 1/i is not finite.
LONG: tuple[tuple[Spectrum, Target, Quantization], ...] = (
    (PowerLaw("3/2", "1/2"), SourceCondition(2), Quantization(label=Additive("1/10"))),
    (PowerLaw(2), Constant("2/3"), Quantization(data=Additive("1/1000"))),
    (PowerLaw(1), SourceCondition(1), Quantization(data=Multiplicative("1/10"))),
    (Exponential("1/20"), Constant(2), Quantization(data=Multiplicative("1/10", "elementwise"))),
    (Exponential("1/9"), SourceCondition("3/2"), Quantization(data=Additive("1/1000"))),
    (Logarithmic(2), Constant(1), Quantization(parameter=Multiplicative("1/10"))),
    (Logarithmic(3), SourceCondition("3/2"), Quantization(gradient=Additive("1/10"))),
)
#: What is too small to be told apart is one coordinate; how many, and one sum over all.
RESTS: tuple[tuple[Spectrum, Target, Quantization], ...] = (
    (PowerLaw(40), Constant(2), Quantization(data=Additive("1e-2"))),
    (PowerLaw(8), SourceCondition("6/5"), Quantization(data=Additive("1e-4"))),
    (PowerLaw(9), SourceCondition(1), Quantization(label=Additive("1/10"))),
)
#: The average of one iterate is w_0 = 0, whose risk is half the sum of lambda_i w*_i^2: slow sums,
#: so that what is beyond all coordinates counts.
UNLEARNT: tuple[tuple[Spectrum, Target, Callable[[], Any]], ...] = (
    (PowerLaw(2), SourceCondition("11/10"), lambda: mpmath.zeta(mpmath.mpf(11) / 10)),
    (PowerLaw("6/5", 3), Constant("1/2"), lambda: 3 * mpmath.zeta(mpmath.mpf(6) / 5) / 4),
    (Exponential("1/90"), Constant(2), lambda: 4 / mpmath.expm1(mpmath.mpf(1) / 90)),
)
_DIM, _MANY = 150, 2000


def compression_keeps_its_bounds() -> list[CheckResult]:
    """There are fewer coordinates, and no part of the risk is off by more than is proved."""

    def pairs() -> Iterator[Pair]:
        for name, run in _long_runs():
            short, error = _compressed(run)
            whole = instantiate(run, ARITHMETIC)
            heres, theres = _parts(short, run.sgd), _parts(whole, run.sgd)
            for part, there in theres.items():
                yield f"{name}: {part}", abs(heres[part] - there), error
            yield f"{name}: the proved error", error, 1e-9
            yield f"{name}: coordinates", len(short.eigenvalues), _DIM - 1
        for name, run in _runs_with_rests():
            yield f"{name}: coordinates", len(_compressed(run)[0].eigenvalues), _MANY // 2 - 1

    return _at_most("long spectra/bounds", pairs())


def rests_one_by_one() -> list[CheckResult]:
    """The risk with one coordinate for the rest is that of the recursion with all of them."""

    def pairs() -> Iterator[Pair]:
        for name, run in _runs_with_rests():
            instance = instantiate(run, Float64())
            method, there = next(by_each_method(instance, run.window))
            assert method == "recursion"
            yield name, _parts(_compressed(run)[0], run.sgd)["total"], there.total

    return report("long spectra/rests", pairs(), close)


def sums_of_the_rest() -> list[CheckResult]:
    """Sums of lambda_i and lambda_i w*_i^2 over 65 <= i < 1065, as differences of the rests."""

    def pairs() -> Iterator[Pair]:
        for spectrum, target, _ in LONG:
            name, problem = f"{spectrum} with {target}", Problem(_DIM, spectrum, target)
            heres = map(operator.sub, sums_from(problem, 65), sums_from(problem, 1065))
            theirs = _sums_by_mpmath(spectrum, target, range(65, 1065))
            for what, here, there in zip(("trace", "signal"), heres, theirs, strict=True):
                gap, known = abs(float(here.mid()) - float(there)), float(there)
                yield f"{name}: {what}", gap, float(here.rad()) + 1e-12 * known
                # the rest of a logarithmic spectrum is known to one part in its first position
                yield f"{name}: radius of the {what}", float(here.rad()), known / 3

    return _at_most("long spectra/sums", pairs())


def unlearnt_spectra_agree() -> list[CheckResult]:
    """In infinite dimension the risk of w_0 = 0 is half the energy of w*."""

    def pairs() -> Iterator[Pair]:
        for spectrum, target, energy in UNLEARNT:
            problem = Problem(sp.oo, spectrum, target)
            here = excess_risk(problem, Quantization(), SGD("1/1000", steps=1), digits=12).total
            with mpmath.workdps(20):
                yield f"{spectrum} with {target}", here, energy() / 2

    return report("long spectra/unlearnt", pairs(), close)


def curves_in_infinite_dimension() -> list[CheckResult]:
    """A curve ends as its last run by itself: one compression, its error that of the longest."""

    def pairs() -> Iterator[Pair]:
        problem, run = Problem(sp.oo, PowerLaw(8), SourceCondition(9)), SGD("1/10", 2, steps=10**8)
        quantization = Quantization(label=Additive("1/10"))
        *_, longest = risk_curve(problem, quantization, run, [1, 10**8], digits=12)
        here, there = longest.total, excess_risk(problem, quantization, run, digits=12).total
        yield "midpoint", here.mid(), there.mid()
        yield "radius", here.rad(), there.rad()

    return report("long spectra/curves", pairs(), operator.eq)


def bounds_in_infinite_dimension() -> list[CheckResult]:
    """T4, T4' and T5 with all coordinates, and with as many as matter, one by one."""

    def pairs() -> Iterator[Pair]:
        run = SGD("1/100", steps=500)
        quantization = Quantization(Multiplicative("1/50"), parameter=Additive("1/1000"))
        every, most = (Problem(d, Exponential("1/20"), Constant(1), 1) for d in (sp.oo, 1500))
        bounds: dict[str, Callable[[Problem], Bound]] = {
            "T4": lambda problem: upper_bound(problem, quantization, run, form="paper"),
            "T4'": lambda problem: upper_bound(problem, quantization, run, form="refined"),
            "T5": lambda problem: lower_bound(problem, quantization, run),
        }
        for label, bound in bounds.items():
            here, there = bound(every), bound(most)
            for part in ("bias", "variance", "effective_dimension", "quantized_risk", "total"):
                yield f"{label} {part}", getattr(here, part), getattr(there, part)

    return report("long spectra/infinite bounds", pairs(), close)


def edges_of_long_spectra() -> list[CheckResult]:
    """theta of 250 coordinates by formula, and as a list, which is never compressed."""
    formula = Problem(250, PowerLaw(2), Constant(1))
    listed = replace(formula, spectrum=Explicit([sp.Rational(1, k**2) for k in range(1, 251)]))
    run = SGD("1/100", 2, steps=10)

    def pairs() -> Iterator[Pair]:
        for data in (
            Additive("1/900") + Multiplicative("1/10"),
            Multiplicative("1/10") + Multiplicative("1/5", "elementwise"),
        ):
            here, there = (stability(p, Quantization(data), run).theta for p in (formula, listed))
            yield f"{data!r}", here, there

    return report("long spectra/edges", pairs(), close)


def rough_balls_hold_finer_ones() -> list[CheckResult]:
    """What a compression leaves out is in the radius of a risk: far more than its rounding."""

    def pairs() -> Iterator[Pair]:
        for name, run in _long_runs():
            rough, fine = (_total_from_compression(run, bits) for bits in (200, 500))
            yield name, abs(rough.mid() - fine.mid()), rough.rad()
            yield f"{name}: digits", 2.0**-150, rough.rad()

    return _at_most("long spectra/radius", pairs())


def _total_from_compression(run: Run, bits: int) -> Any:
    balls = Balls(bits=bits)
    with balls.working():
        return decomposition_at(run, balls, True).total


def what_does_not_contract_is_refused() -> list[CheckResult]:
    """No compression, and no proved error, where theta < 1 is not shown."""

    def attempt(gamma: str) -> Callable[[], object]:
        run = Run(Problem(sp.oo, PowerLaw(2), Constant(1), 1), Quantization(), SGD(gamma, steps=5))
        return lambda: _compressed(run)

    attempt("61/100")()  # theta = 1 at 0.61099
    steps = {f"stepsize {gamma}": attempt(gamma) for gamma in ("62/100", "13/20")}
    return refusals("long spectra/refused", "identity", steps, PrecisionError)


def _at_most(id: str, pairs: Iterator[Pair]) -> list[CheckResult]:
    return report(id, pairs, operator.le, how="are at most what they may be")


def _long_runs() -> Iterator[tuple[str, Run]]:
    for spectrum, target, quantization in LONG:
        problem = Problem(_DIM, spectrum, target, "1/2")
        yield f"{spectrum} with {target}", Run(problem, quantization, SGD("1/10", 2, steps=400))


def _runs_with_rests() -> Iterator[tuple[str, Run]]:
    for spectrum, target, quantization in RESTS:
        problem = Problem(_MANY, spectrum, target, "1/2")
        yield f"{spectrum} with {target}", Run(problem, quantization, SGD("1/20", 2, steps=50))


def _compressed(run: Run) -> tuple[Instance, Any]:
    """The run with fewer coordinates, and the proved error of its risk."""
    return compressed_instance(run, int(run.sgd.steps), ARITHMETIC)


def _parts(instance: Instance, run: SGD) -> dict[str, Any]:
    """Both sides of T1 and the floor."""
    form, window = ClosedForm(instance), Window.of(run)
    found = decompose(instance, form.first_moment(window), form.second_moment(window))
    return {**vars(found), "floor": floor(instance)}


def _sums_by_mpmath(spectrum: Spectrum, target: Target, positions: range) -> tuple[Any, Any]:
    """Of lambda_i and of lambda_i w*_i^2."""
    i = sp.Symbol("i")

    def values(formula: sp.Expr) -> list[Any]:
        value = sp.lambdify(i, formula.subs(dict.fromkeys(formula.free_symbols, i)), "mpmath")
        return [mpmath.mpf(value(mpmath.mpf(k))) for k in positions]

    with mpmath.workdps(30):
        eigenvalues = values(spectrum.formula)
        energies = values(target.formula(spectrum.formula) ** 2)
        return mpmath.fsum(eigenvalues), mpmath.fsum(map(mpmath.fmul, eigenvalues, energies))


#: Every check by its id.
LONG_SPECTRA: dict[str, Callable[[], list[CheckResult]]] = {
    "long spectra/bounds": compression_keeps_its_bounds,
    "long spectra/rests": rests_one_by_one,
    "long spectra/sums": sums_of_the_rest,
    "long spectra/unlearnt": unlearnt_spectra_agree,
    "long spectra/curves": curves_in_infinite_dimension,
    "long spectra/infinite bounds": bounds_in_infinite_dimension,
    "long spectra/edges": edges_of_long_spectra,
    "long spectra/radius": rough_balls_hold_finer_ones,
    "long spectra/refused": what_does_not_contract_is_refused,
}
