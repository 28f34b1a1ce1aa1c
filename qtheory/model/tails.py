"""Problems in infinite dimension: their formulas in the coordinate, and the sums of their tails."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import flint
import sympy as sp

from qtheory.errors import InfiniteRiskError, InvalidArgumentError
from qtheory.model.formats import NumberFormat
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.spectra import SPECTRA, Explicit, Spectrum, in_balls, powers_from
from qtheory.model.targets import Constant, SourceCondition, Target

# Faster decay leaves float64 at the second coordinate.
_LARGEST_EXPONENT = 300
_TARGETS = (Constant, SourceCondition)


def has_sums(problem: Problem) -> bool:
    """Whether the sums of the tails of lambda and of lambda w*^2 are known."""
    spectrum = problem.spectrum
    known = isinstance(spectrum, Spectrum) and bool(spectrum.decay)
    return known and isinstance(problem.target, _TARGETS)


def formulas(problem: Problem) -> tuple[sp.Expr, sp.Expr]:
    """lambda and w*^2 as formulas in the coordinate."""
    spectrum, target = problem.spectrum, problem.target
    if isinstance(spectrum, Explicit) or isinstance(target, Explicit):
        raise InvalidArgumentError("dim", problem.dim, "finite with explicit values")
    return _simplified(spectrum, target)


@lru_cache(maxsize=128)
def _simplified(spectrum: Spectrum, target: Target) -> tuple[sp.Expr, sp.Expr]:
    """The same; kept, since simplifying takes longer than a thousand evaluations."""
    return spectrum.formula, sp.powsimp(target.formula(spectrum.formula) ** 2)


def known_spectrum(problem: Problem) -> Spectrum:
    """The spectrum, if it is given by a formula."""
    if isinstance(problem.spectrum, Explicit):
        raise InvalidArgumentError("spectrum", problem.spectrum, "a formula")
    return problem.spectrum


def sums_from(problem: Problem, first: int) -> tuple[flint.arb, flint.arb]:
    """sum over i >= first of lambda_i, and of lambda_i w*_i^2.

    Where a sum diverges, its analytic continuation: differences of two are finite sums.
    """
    target, trace = problem.target, known_spectrum(problem).sum_from(first)
    if isinstance(target, SourceCondition):
        return trace, powers_from(target.exponent, first)
    return trace, in_balls(formulas(problem)[1]) * trace


def require_usual_exponents(problem: Problem) -> None:
    """Raise where there would be as many panels of a spectrum as there are powers to bound."""
    for part, name in (
        (problem.spectrum, getattr(problem.spectrum, "decay", "")),
        (problem.target, "exponent" if isinstance(problem.target, SourceCondition) else ""),
    ):
        value = getattr(part, name) if name else sp.S.One
        if not value.is_number:
            continue
        if abs(value) > _LARGEST_EXPONENT:
            allowed = f"at most {_LARGEST_EXPONENT} in infinite or large dimension"
            raise InvalidArgumentError(name, value, allowed)
        slowest = getattr(part, "slowest", sp.S.Zero)
        if problem.dim is sp.oo and value < slowest:
            allowed = f"at least {float(slowest):.0e} in infinite dimension"
            raise InvalidArgumentError(name, value, allowed)


def require_finite_risk(problem: Problem, quantization: Quantization) -> None:
    """Raise unless the risk in infinite dimension is finite and can be computed."""
    if problem.dim is not sp.oo:
        return
    if isinstance(quantization.data, NumberFormat):
        raise InvalidArgumentError(
            "dim", problem.dim, "finite with a number format on the data (it underflows)"
        )
    if quantization.data.additive != 0:
        raise InfiniteRiskError(
            "dim is infinite, and an additive data error of variance "
            f"{quantization.data.additive} in every direction has infinite trace: the risk is "
            "infinite. Use a finite dim, or a multiplicative data error."
        )
    spectrum, target = problem.spectrum, problem.target
    formulas(problem)
    if not isinstance(spectrum, Spectrum) or not spectrum.decay:
        known = _names(kind for kind in SPECTRA if kind.decay)
        raise InvalidArgumentError("spectrum", spectrum, f"{known} in infinite dimension")
    if not isinstance(target, _TARGETS):
        allowed = f"{_names(_TARGETS)} in infinite dimension"
        raise InvalidArgumentError("target", target, allowed)
    if not spectrum.summable:
        raise InfiniteRiskError(
            f"the {spectrum.decay} of the spectrum is {getattr(spectrum, spectrum.decay)}, so its "
            "trace is infinite in infinite dimension; it must be above 1"
        )
    if isinstance(target, SourceCondition) and target.exponent <= 1:
        raise InfiniteRiskError(
            f"the exponent of the target is {target.exponent}, so the signal sum lambda w*^2 is "
            "infinite; it must be above 1"
        )


def _names(kinds: Iterable[type]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)
