"""What a user gives, and what is refused: spectra, targets, tables, defaults, hypotheses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from qtheory.checks.check import CheckResult
from qtheory.checks.panel import PANEL, PURE, Pair, arguments, close, report
from qtheory.errors import HypothesisError
from qtheory.model import (
    SGD,
    TARGETS,
    Additive,
    Constant,
    Explicit,
    Exponential,
    Logarithmic,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
    SignalFormula,
    SourceCondition,
    SpectrumFormula,
)
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.spectra import Spectrum
from qtheory.model.targets import Target
from qtheory.numbers.arithmetic import Float64
from qtheory.theory import lower_bound, upper_bound

Formula = Callable[[int], float]


def inputs_agree() -> list[CheckResult]:
    """Spectra, targets, the moments of a table, windows and defaults mean what they say."""

    def pairs() -> Iterator[Pair]:
        yield from _spectra_and_targets()
        yield from _table()
        yield from _defaults()

    return report("inputs", pairs(), close)


def _spectra_and_targets() -> Iterator[Pair]:
    spectra: tuple[tuple[Spectrum | Explicit, Formula], ...] = (
        (PowerLaw("3/2", "2/3"), lambda i: 2 / 3 * i**-1.5),
        (Exponential("1/5"), lambda i: math.exp(-i / 5)),
        (Logarithmic(3), lambda i: 1 / (i * math.log(i + 1) ** 3)),
        (SpectrumFormula("2*i**-2"), lambda i: 2 * i**-2),
        (Explicit([2, 3, 1]), lambda i: (2, 3, 1)[i - 1]),
    )
    for spectrum, value in spectra:
        targets: tuple[tuple[Target | Explicit, Formula], ...] = (
            (Constant("2/3"), lambda i: 2 / 3),
            (SourceCondition("5/2"), partial(_coefficient, value, lambda i: i**-2.5)),
            (SignalFormula("3*i**-2"), partial(_coefficient, value, lambda i: 3 * i**-2)),
            (Explicit([1, -2, "1/2"]), lambda i: (1, -2, 1 / 2)[i - 1]),
        )
        for target, weight in targets:
            problem = Problem(3, spectrum, target)
            instance = instantiate(Run(problem, Quantization(), SGD(1, steps=1)), Float64())
            for i in (1, 2, 3):
                yield f"{spectrum!r}: lambda_{i}", instance.eigenvalues[i - 1], value(i)
                yield f"{spectrum!r}, {target!r}: w*_{i}", instance.target[i - 1], weight(i)


def _coefficient(value: Formula, energy: Formula, i: int) -> float:
    """w*_i from lambda_i w*_i^2."""
    return math.sqrt(energy(i) / value(i))


def _table() -> Iterator[Pair]:
    """Covariance divided by n, least squares, residual variance, of columns that are orthogonal."""
    columns = ((1, 1, -1, -1), (3, -3, 3, -3))
    labels = (4, 1, 2, -3)
    problem = Problem.from_data(list(zip(*columns, strict=True)), labels)
    mean = Fraction(sum(labels), 4)
    centred = [label - mean for label in labels]
    left = sum((value**2 for value in centred), Fraction(0))
    moments = []
    for column in columns:
        square = sum(x * x for x in column)
        product = sum((x * y for x, y in zip(column, centred, strict=True)), Fraction(0))
        moments.append((Fraction(square, 4), abs(product / square)))
        left -= product**2 / square
    spectrum, target = problem.spectrum, problem.target
    assert isinstance(spectrum, Explicit)
    assert isinstance(target, Explicit)
    here = zip(spectrum.values, target.values, strict=True)
    # the largest first; the sign of a direction is free
    for (value, weight), (variance, size) in zip(here, sorted(moments, reverse=True), strict=True):
        yield "eigenvalue of a table", value, variance
        yield "coefficient of a table", abs(weight), size
    yield "residual variance of a table", problem.noise, left / 4


def _defaults() -> Iterator[Pair]:
    """What is not given is as in the paper: shared factors, one sample a step, the average."""
    run = SGD("1/2", steps=10)
    chosen = Multiplicative("1/3"), run.batch, run.output
    yield "default coupling", chosen[0].shared, Fraction(1, 3)
    yield "default elementwise level", chosen[0].elementwise, 0
    yield "default batch", chosen[1], 1
    yield "default output is not the average", chosen[2] != "average", 0
    yield "default fraction of a tail", run.tail, Fraction(1, 2)
    levels = Quantization.uniform(Additive("1/7"))
    for position, target in enumerate(TARGETS):
        yield f"uniform: {target}", getattr(levels, target).additive, Fraction(1, 7)
        kept = levels.up_to(target)
        for other in range(5):
            expected = Fraction(1, 7) if other <= position else 0
            yield (
                f"up to {target}: {TARGETS[other]}",
                getattr(kept, TARGETS[other]).additive,
                expected,
            )
    both = Additive("1/3") + Additive("1/5")
    both += Multiplicative("1/3") + Multiplicative("1/5", "elementwise")
    both += both
    for name, level in (("additive", "16/15"), ("shared", "2/3"), ("elementwise", "2/5")):
        yield f"sum of models: {name}", getattr(both, name), Fraction(level)
    for given, value in (("data", Additive("1/3")), ("gradient", Multiplicative("1/5"))):
        alone: Any = Quantization(**{given: value})
        yield f"{given} alone", sum(getattr(alone, t) != Quantization().data for t in TARGETS), 1


# --- hypotheses --------------------------------------------------------------------------------


def hypotheses_are_required() -> list[CheckResult]:
    """A bound is refused where one hypothesis fails, at its edge too, and given within it.

    For one coordinate without quantization and B = 1, alpha is 2 and theta = 2 x / (2 - x) in T4:
    it is 1 at x = 2/3.
    """
    one = Problem(1, Explicit([1]), Constant(1), 1)
    exact = Quantization()
    mixed = Quantization(data=Additive("1/10") + Multiplicative("1/10"))
    short = SGD("1/100", steps=5)
    wrong = []
    given = (
        ("T4", lambda x: upper_bound(one, exact, SGD(x, steps=5), form="paper"), "2/3", "13/20"),
        ("T4, many samples",
         lambda x: upper_bound(one, exact, SGD(x, 10**6, steps=5), form="paper"), "1001/1000", "1"),
        ("T5", lambda x: lower_bound(one, exact, SGD(x, steps=5)), "1001/1000", "1"),
        ("T5, steps", lambda n: lower_bound(one, exact, SGD("1/2", steps=n)), 1, 2),
        ("T4, output", lambda kind: upper_bound(one, exact, replace(short, output=kind)),
         "tail", "average"),
        ("T5, output", lambda kind: lower_bound(one, exact, replace(short, output=kind)),
         "last", "average"),
        ("T4, data", lambda q: upper_bound(one, q, short, form="paper"), mixed, exact),
        ("T4', data", lambda q: upper_bound(one, q, short, form="refined"), mixed, exact),
    )  # fmt: skip
    for name, ask, refused, admitted in given:
        if _is_refused(ask, admitted):
            wrong.append(f"{name}: {admitted} is refused")
        if not _is_refused(ask, refused):
            wrong.append(f"{name}: {refused} is admitted")
    for name in PURE:
        run = arguments(PANEL[name])
        forms = partial(_bound_of_form, run)
        totals = [forms(form) for form in ("paper", "refined") if not _is_refused(forms, form)]
        if totals and upper_bound(*run).total != min(totals):
            wrong.append(f"{name}: the smaller of two bounds is not the one that is given")
    count = 2 * len(given) + len(PURE)
    detail = "; ".join(wrong) if wrong else f"{count} answers are as stated"
    return [CheckResult.of("hypotheses", "identity", not wrong, detail, {"compared": count})]


def _bound_of_form(run: tuple[Problem, Quantization, SGD], form: str) -> Any:
    return upper_bound(*run, None, form).total


def _is_refused(ask: Any, value: Any) -> bool:
    try:
        ask(value)
    except HypothesisError:
        return True
    return False
