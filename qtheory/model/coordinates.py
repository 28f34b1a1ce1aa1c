"""The eigenvalues and coefficients of a problem as numbers of one arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flint
import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.model.spectra import Explicit, SpectrumFormula, coordinate
from qtheory.numbers.arithmetic import Arithmetic, Array, Balls, Scalar
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.exact import require_numeric

if TYPE_CHECKING:  # a problem of features is made with these
    from qtheory.model.problem import Problem

_BITS_OF_ZERO = 400
_LARGEST_POWER = 1000
_NEAR_ZERO = 1e-12  # of the largest eigenvalue: rounding can leave this of a 0


def spectrum_and_target(problem: Problem, arithmetic: Arithmetic) -> tuple[Array, Array]:
    """lambda and w* of a problem of finite dimension, each an array of shape (d,)."""
    return coordinates_at(problem, arithmetic, arithmetic.indices(int(problem.dim)))


def coordinates_at(problem: Problem, arithmetic: Arithmetic, indices: Array) -> tuple[Array, Array]:
    """lambda and w* at some positions, which need not be whole numbers where formulas give them."""
    values = {coordinate: indices}

    def fill(formula: sp.Expr, name: str) -> Array:
        require_numeric(formula, name, given=coordinate)
        result = evaluate(formula, values, arithmetic)
        return arithmetic.array([result] * len(indices)) if formula.is_number else result

    def listed(explicit: Explicit, name: str) -> Array:
        for value in explicit.values:
            require_numeric(value, name)
        if explicit.radii:
            return arithmetic.array(list(map(arithmetic.around, explicit.values, explicit.radii)))
        return arithmetic.array([evaluate(value, {}, arithmetic) for value in explicit.values])

    if isinstance(problem.spectrum, Explicit):
        eigenvalues = listed(problem.spectrum, "spectrum")
    else:
        eigenvalues = fill(problem.spectrum.formula, "spectrum")
    if isinstance(problem.target, Explicit):
        return eigenvalues, listed(problem.target, "target")
    eigenvalue = sp.Symbol("lambda_i", positive=True)
    formula = problem.target.formula(eigenvalue)
    if (
        formula.has(eigenvalue)
        and len(indices) == problem.dim
        and any(vanishing(problem, eigenvalues))
    ):
        raise InvalidArgumentError(
            "target", problem.target, "coefficients by themselves where an eigenvalue is 0"
        )
    if not isinstance(problem.spectrum, Explicit):
        return eigenvalues, fill(problem.target.formula(problem.spectrum.formula), "target")
    values[eigenvalue] = eigenvalues
    require_numeric(formula.subs(eigenvalue, 1), "target", given=coordinate)
    result = evaluate(formula, values, arithmetic)
    return eigenvalues, arithmetic.array([result] * len(indices)) if formula.is_number else result


def vanishing(problem: Problem, eigenvalues: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which eigenvalues are exactly 0; one that is too small for the arithmetic is not."""
    spectrum = problem.spectrum
    if isinstance(spectrum, Explicit):
        return np.array([value == 0 for value in spectrum.values])
    zeros = np.zeros(len(eigenvalues), dtype=bool)
    if isinstance(spectrum, SpectrumFormula) and not spectrum.formula.is_positive:
        size = np.array([abs(float(value)) for value in eigenvalues])
        small = np.flatnonzero(size <= _NEAR_ZERO * size.max())
        zeros[small] = _zeros_at(spectrum.formula, [int(place) + 1 for place in small])
    return zeros


class _Rationals(Arithmetic):
    """Exact rational numbers, for formulas that have no others."""

    def number(self, value: sp.Rational | int) -> flint.fmpq:
        value = sp.Rational(value)
        return flint.fmpq(int(value.p), int(value.q))

    def integer_power(self, base: Scalar, exponent: int) -> Scalar:
        if exponent > _LARGEST_POWER:
            raise TypeError("a number too long to write out")
        return base**exponent


def _zeros_at(formula: sp.Expr, places: list[int]) -> list[bool]:
    """Where a formula is exactly 0."""
    exact = _Rationals()
    try:
        at = np.array([exact.number(place) for place in places], dtype=object)
        return [bool(value == 0) for value in evaluate(formula, {coordinate: at}, exact)]
    except (TypeError, ValueError, ArithmeticError):  # it is not rational
        return [_is_zero(formula, place) for place in places]


def _is_zero(formula: sp.Expr, place: int) -> bool:
    """By SymPy only where balls do not tell: it would write out a tower of powers."""
    balls = Balls(bits=_BITS_OF_ZERO)
    with balls.working():
        value: Any = evaluate(formula, {coordinate: balls.number(place)}, balls)
    return bool(value.contains(0)) and formula.xreplace({coordinate: sp.Integer(place)}) == 0
