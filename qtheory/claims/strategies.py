"""Hypothesis strategies for random instances; public as ``qtheory.testing``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

from hypothesis import strategies as st

from qtheory.model import (
    SGD,
    Additive,
    Constant,
    ErrorModel,
    Explicit,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
)
from qtheory.model.sgd import OUTPUTS
from qtheory.numbers.exact import whole
from qtheory.risk import stability

# Strategies are made once: Hypothesis looks into each new one, for longer than a draw takes.


@cache
def _fractions(low: str, high: str) -> st.SearchStrategy[Fraction]:
    """Fractions in a range; the first whole number of it, if it has any, is the simplest."""
    least, most = Fraction(low), Fraction(high)
    fractions = st.fractions(least, most, max_denominator=64)
    first = max(0, math.ceil(least))
    return (
        st.one_of(st.integers(first, int(most)).map(Fraction), fractions)
        if (first <= most)
        else fractions
    )


@cache
def _spectra(dim: int) -> st.SearchStrategy[Explicit | PowerLaw]:
    values = st.lists(_fractions("1/64", "2"), min_size=dim, max_size=dim)
    power_laws = st.builds(PowerLaw, _fractions("1/4", "4"), _fractions("1/8", "2"))
    return st.one_of(values.map(Explicit), power_laws)


@cache
def _targets(dim: int) -> st.SearchStrategy[Explicit | Constant]:
    values = st.lists(_fractions("-3", "3"), min_size=dim, max_size=dim)
    return st.one_of(values.map(Explicit), st.builds(Constant, _fractions("-2", "2")))


@st.composite
def problems(draw: st.DrawFn, largest_dim: int = 6) -> Problem:
    """Problems with explicit or power-law spectra, ties and zero coefficients included."""
    dim = draw(st.integers(1, whole(largest_dim, "largest_dim", 1)))
    spectrum, target = draw(_spectra(dim)), draw(_targets(dim))
    return Problem(dim, spectrum, target, draw(_fractions("0", "4")))


@st.composite
def error_models(draw: st.DrawFn) -> ErrorModel:
    """Exact, additive, multiplicative of either coupling, and sums of both."""
    model = ErrorModel()
    if draw(st.booleans()):
        model = model + Additive(draw(_fractions("0", "1")))
    if draw(st.booleans()):
        coupling = draw(st.sampled_from(("shared", "elementwise")))
        model = model + Multiplicative(draw(_fractions("0", "1/2")), coupling)
    return model


@st.composite
def quantizations(
    draw: st.DrawFn, data: st.SearchStrategy[ErrorModel] | None = None
) -> Quantization:
    """Any error model on any target; ``data`` restricts the one on the data."""
    others = [draw(error_models()) for _ in range(4)]
    return Quantization(draw(data if data is not None else error_models()), *others)


@st.composite
def runs(
    draw: st.DrawFn,
    problem: Problem,
    quantization: Quantization,
    outputs: Sequence[str] = OUTPUTS,
) -> SGD:
    """Stable runs: the stepsize is a fraction of the largest stable one."""
    batch, steps = draw(st.integers(1, 20)), draw(st.integers(1, 40))
    largest = stability(problem, quantization, SGD("1", batch, steps=steps)).largest_stepsize
    wanted = draw(_fractions("1/64", "15/16")) * Fraction(largest)
    # the simplest of those that are about as large
    stepsize = next(
        simple
        for digits in range(1, 20)
        if 0 < (simple := wanted.limit_denominator(10**digits)) <= Fraction(largest) * 31 / 32
    )
    output = draw(st.sampled_from(outputs))
    tail = draw(_fractions("1/8", "1")) if output == "tail" else Fraction(1, 2)
    return SGD(stepsize, batch, steps=steps, output=output, tail=tail)


@st.composite
def instances(
    draw: st.DrawFn, largest_dim: int = 6, outputs: Sequence[str] = OUTPUTS
) -> tuple[Problem, Quantization, SGD]:
    """A problem, a quantization and a stable run; ``outputs`` restricts what the run returns."""
    problem = draw(problems(largest_dim))
    quantization = draw(quantizations())
    return problem, quantization, draw(runs(problem, quantization, outputs))
