r"""Number formats on the data: the moments of (x, Q(x)) and the tables, by numerical integration.

For an elementwise unbiased Q the tables of section 2 are products of one-dimensional moments
between two coordinates, E Q_i^2 Q_j^2 = E Q_i^2 E Q_j^2, and on the diagonal E Q^4, E Q^3 x and
E Q^2 x^2. Here the integrals over the cells of a format are done by quadrature in mpmath.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

from qtheory.model import SGD, Explicit, Problem, Quantization, formats
from qtheory.model.formats import NumberFormat
from qtheory.model.instance import instantiate
from qtheory.numbers.arithmetic import MPMath
from qtheory.risk.moments import fourth_moments
from qtheory.verify.check import CheckResult

__all__ = ["FORMATS", "format_integrated"]

#: One format of integers, one of floating point with subnormals; both overflow at these variances.
FORMATS = ("int3", "fp4_e2m1")
_EIGENVALUES = (4, 1)
_DIGITS = 20


def format_integrated(name: str) -> list[CheckResult]:
    """Spectrum, correlation and the three tables of a problem with two coordinates."""
    number_format = formats.get(name)
    problem = Problem(2, Explicit(_EIGENVALUES), Explicit((1, -1)), 1)
    arithmetic = MPMath(digits=_DIGITS + 10)
    with arithmetic.working(), mpmath.workdps(_DIGITS + 15):
        instance = instantiate(
            problem, Quantization(data=number_format), SGD("0.01", steps=1), arithmetic
        )
        here = {
            "lambda^q": instance.quantized_eigenvalues,
            "E x Q": instance.correlation,
            **{k: _dense(getattr(fourth_moments(instance), k)) for k in ("Q", "T", "Y")},
        }
        there = _integrated(number_format)
        gaps = {k: max(map(abs, np.ravel(here[k] - there[k]))) for k in here}
    worst = max(gaps, key=lambda k: gaps[k])
    holds = gaps[worst] < mpmath.mpf(10) ** -_DIGITS
    detail = f"agrees with quadrature to {mpmath.nstr(gaps[worst], 2)} ({worst} is the worst)"
    return [CheckResult.of(f"format/{name}", "identity", bool(holds), detail)]


def _dense(table: Any) -> Any:
    """A table as a matrix, column by column."""
    zero, one = mpmath.mpf(0), mpmath.mpf(1)
    return np.column_stack([table @ np.array(unit) for unit in ((one, zero), (zero, one))])


def _integrated(number_format: NumberFormat) -> dict[str, Any]:
    knots = [mpmath.mpf(float(value)) for value in number_format.magnitudes]

    def moment(variance: int, k: int, j: int) -> Any:
        """E Q^k x^j, k + j even, where Q is one of the two neighbours of x."""

        def density(x: Any) -> Any:
            return mpmath.exp(-x * x / (2 * variance)) / mpmath.sqrt(2 * mpmath.pi * variance)

        def within(low: Any, high: Any) -> Callable[[Any], Any]:
            def integrand(x: Any) -> Any:
                up = (x - low) / (high - low)  # the probability of rounding up
                return ((1 - up) * low**k + up * high**k) * x**j * density(x)

            return integrand

        cells = [mpmath.quad(within(a, b), [a, b]) for a, b in pairwise(knots)]
        beyond = mpmath.quad(lambda x: knots[-1] ** k * x**j * density(x), [knots[-1], mpmath.inf])
        return 2 * (sum(cells) + beyond)

    def column(k: int, j: int) -> Any:
        return np.array([moment(variance, k, j) for variance in _EIGENVALUES])

    square, product, exact = column(2, 0), column(1, 1), np.array(_EIGENVALUES)

    def table(diagonal: Any, rows: Any, columns: Any) -> Any:
        found = np.outer(rows, columns)
        np.fill_diagonal(found, diagonal)
        return found

    return {
        "lambda^q": square,
        "E x Q": product,
        "Q": table(column(4, 0), square, square),
        "T": table(column(3, 1), square, product),
        "Y": table(column(2, 2), square, exact),
    }
