"""Random instances up to the edge of the hypotheses, each from its own random numbers.

Many kinds of problems are drawn on purpose: ties, coefficients 0, no noise, stepsizes at the edge
of a form of the upper bound, numbers of steps from 1 to what only the closed form can reach.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from random import Random

from qtheory.model import (
    SGD,
    TARGETS,
    Additive,
    Constant,
    ErrorModel,
    Explicit,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
)
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.spectra import Spectrum
from qtheory.model.targets import Target
from qtheory.numbers.arithmetic import Float64, Symbolic
from qtheory.theory import definitions, notation, theorems

SCHEMES = ("none", "additive", "shared", "elementwise", "mixed")
BATCHES = (1, 2, 4, 16, 256)
#: What is drawn in turn: a scheme of the errors and a batch size.
CELLS = [(scheme, batch) for scheme in SCHEMES for batch in BATCHES]
#: Numbers of steps that one run in six takes.
HUGE = (10**5, 10**7, 10**9, 10**12)


def _level(rng: Random) -> Fraction:
    """An error level: a fraction from 2^-20 to 4."""
    return Fraction(rng.randint(1, 64), rng.choice((16, 64, 1024, 2**20)))


def _error_model(rng: Random, scheme: str) -> ErrorModel:
    """One target's errors; "mixed" adds up any of the three kinds."""
    if scheme == "none" or rng.random() < 0.4:
        return ErrorModel()
    if scheme == "additive":
        return Additive(_level(rng))
    if scheme in ("shared", "elementwise"):
        return Multiplicative(_level(rng), scheme)
    kinds = [kind for kind in ("additive", "shared", "elementwise") if rng.random() < 0.6]
    return sum((_error_model(rng, kind) for kind in kinds), ErrorModel())


def _problem(rng: Random) -> Problem:
    """Up to 12 coordinates, ties and zero coefficients included, with or without noise."""
    dim = rng.randint(1, 12)
    if rng.random() < 0.5:
        values = [Fraction(rng.randint(1, 128), 64) for _ in range(rng.randint(1, dim))]
        spectrum: Spectrum | Explicit = Explicit(values + rng.choices(values, k=dim - len(values)))
    else:
        exponent = Fraction(rng.randint(1, 16), 4)
        spectrum = PowerLaw(exponent, Fraction(rng.randint(1, 16), 8))
    if rng.random() < 0.5:
        coefficients = [rng.randint(-6, 6) * rng.randint(0, 1) for _ in range(dim)]
        coefficients[rng.randrange(dim)] = rng.choice((-3, 1, 2))  # not all are zero
        target: Target | Explicit = Explicit([Fraction(value, 2) for value in coefficients])
    else:
        target = Constant(Fraction(rng.choice((-3, -1, 1, 2, 5)), rng.choice((1, 2, 8))))
    noise = 0 if rng.random() < 0.2 else Fraction(rng.randint(1, 64), rng.choice((16, 256)))
    return Problem(dim, spectrum, target, noise)


def _steps(rng: Random, huge: Sequence[int]) -> int:
    """From 1 to 2000, small numbers as often as large ones; one in six is huge."""
    if rng.random() < 1 / 6:
        return rng.choice(huge)
    return min(2000, int(2 ** rng.uniform(0, math.log2(2001))))


def _edge(
    problem: Problem, quantization: Quantization, batch: int, form: str
) -> tuple[Fraction, bool]:
    """The largest stepsize within the hypotheses of a form, and whether it is attained.

    Attained, it is exact. Otherwise theta = 1 there, and it is a float found by bisection.
    """
    theorem = theorems["refined_upper_bound" if form == "refined" else "upper_bound"]
    unit = SGD(1, batch, steps=2)
    with Symbolic().working():
        exact = theorem.values(instantiate(Run(problem, quantization, unit), Symbolic()))
        factor = 1 + (exact[definitions.kappa] if form == "refined" else 0)
        largest = max(exact[notation.lq], key=float)
    values = theorem.values(instantiate(Run(problem, quantization, unit), Float64()))
    feedback, spectrum = float(values[definitions.alpha]), [float(v) for v in values[notation.lq]]

    def theta(stepsize: float) -> float:
        return feedback * sum(stepsize * v / (2 - float(factor) * stepsize * v) for v in spectrum)

    first = 1 / (factor * largest)
    first = Fraction(int(first.p), int(first.q))
    if theta(float(first)) < 1 - 1e-9:
        return first, True
    low, high = 0.0, float(first)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if theta(middle) < 1 else (low, middle)
    return Fraction(low), False


def random_run(
    rng: Random, scheme: str, batch: int, huge: Sequence[int] = HUGE
) -> tuple[Problem, Quantization, SGD, bool]:
    """A problem, a quantization, a run, and whether its stepsize is at the edge (one in four)."""
    problem = _problem(rng)
    kind = rng.choice(("additive", "shared", "elementwise")) if scheme == "mixed" else scheme
    quantization = Quantization(
        data=_error_model(rng, kind), **{name: _error_model(rng, scheme) for name in TARGETS[1:]}
    )
    largest, attained = _edge(problem, quantization, batch, rng.choice(("refined", "paper")))
    # theta = 1 is approached to 10^-9 and no closer: excess_risk decides stability in float64.
    at_edge = rng.random() < 0.25
    if at_edge:
        stepsize = largest if attained else largest * (1 - Fraction(1, 10 ** rng.randint(2, 9)))
    else:
        stepsize = (
            largest * Fraction(rng.randrange(1, 80, 2), 64) / 2 ** rng.choice((0, 0, 1, 3, 6))
        )
    stepsize = stepsize if attained else stepsize.limit_denominator(10**12)
    return problem, quantization, SGD(stepsize, batch, steps=_steps(rng, huge)), at_edge
