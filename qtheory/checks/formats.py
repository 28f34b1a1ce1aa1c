r"""Number formats on the data: the moments of (x, Q(x)) and the tables, by numerical integration.

For an elementwise unbiased Q the tables of section 2 are products of one-dimensional moments
between two coordinates, E Q_i^2 Q_j^2 = E Q_i^2 E Q_j^2, and on the diagonal E Q^4, E Q^3 x and
E Q^2 x^2. Here the integrals over the cells of a format are done by quadrature in mpmath, and a few
steps of the recursion with dense tables give the risk. Where a format overflows E x Q is not
lambda; the risk and its parts are then compared by their definitions,

.. math:: R = \tfrac12 E \|w - w^*\|_H^2, \quad R^q = \tfrac12 E \|w - w^q\|_{H^q}^2,
          \quad w^q_i = E[x Q]_i\, w^*_i / \lambda^q_i .
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

from qtheory.checks.check import CheckResult
from qtheory.checks.panel import ARITHMETIC
from qtheory.checks.risk import by_each_method
from qtheory.model import SGD, Explicit, Problem, Quantization, formats
from qtheory.model.formats import NumberFormat
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import MPMath
from qtheory.risk import excess_risk
from qtheory.risk.decomposition import approximation, saturation
from qtheory.risk.moments import fourth_moments

#: One format of integers, one of floating point with subnormals; both overflow at these variances.
FORMATS = ("int3", "fp4_e2m1")
_EIGENVALUES, _TARGET, _NOISE = (4, 1), (1, -2), 1
_STEPSIZE, _BATCH, _STEPS = Fraction(1, 100), 2, 3
_SCALE = Fraction(2, 3)  # which float64 does not know
_DIGITS = 20
_METHODS = ("recursion", "powers", "closed form")


def format_agrees(name: str) -> list[CheckResult]:
    """Spectrum, correlation, tables and risks of a problem with two coordinates."""
    number_format = formats.get(name, scale=_SCALE)
    arithmetic = MPMath(digits=_DIGITS + 10)
    with arithmetic.working(), mpmath.workdps(_DIGITS + 15):
        instance = instantiate(Run(*_run(number_format)), arithmetic)
        here: dict[str, Any] = {
            "lambda^q": instance.quantized_eigenvalues,
            "E x Q": instance.correlation,
            **{k: _dense(getattr(fourth_moments(instance), k)) for k in ("Q", "T", "Y")},
            "A": [approximation(instance)],
            "overflow": [saturation(instance)],
        }
        there = _integrated(number_format)
        for output in ("average", "last"):
            here |= _risks(number_format, output)
            there |= _integrated_risks(there, output)
        gaps = {k: max(map(abs, np.ravel(np.subtract(here[k], there[k])))) for k in there}
    worst = max(gaps, key=lambda k: gaps[k])
    holds = here.keys() == there.keys() and gaps[worst] < mpmath.mpf(10) ** -_DIGITS
    detail = f"agrees with quadrature to {mpmath.nstr(gaps[worst], 2)} ({worst} is the worst)"
    count = sum(np.size(each) for each in there.values())
    return [CheckResult.of(f"format/{name}", "identity", bool(holds), detail, {"compared": count})]


def _run(number_format: NumberFormat, output: str = "average") -> Run:
    problem = Problem(2, Explicit(_EIGENVALUES), Explicit(_TARGET), _NOISE)
    sgd = SGD(_STEPSIZE, _BATCH, steps=_STEPS, output=output)
    return Run(problem, Quantization(data=number_format), sgd)


def _risks(number_format: NumberFormat, output: str) -> dict[str, Any]:
    """In balls: R, R^q and F by the method that is chosen, R and A - W by each method."""
    run = _run(number_format, output)
    exact = excess_risk(*run, digits=_DIGITS + 5)
    found = {f"{output}: R, R^q, F": [exact.total, exact.quantized_risk, exact.floor]}
    with ARITHMETIC.working():
        instance = instantiate(run, ARITHMETIC)
        for method, parts in by_each_method(instance, run.window):
            gained = parts.approximation - parts.distortion
            found[f"{output}, {method}: R, A - W"] = [parts.total, gained]
    return {
        name: [mpmath.mpf(ball.str(_DIGITS + 5, radius=False)) for ball in balls]
        for name, balls in found.items()
    }


def _integrated_risks(tables: dict[str, Any], output: str) -> dict[str, Any]:
    """The same from a few steps with the integrated tables, by the definitions of the risks."""
    lam, target = (np.array([mpmath.mpf(v) for v in each]) for each in (_EIGENVALUES, _TARGET))
    gamma, noise = _number(_STEPSIZE), mpmath.mpf(_NOISE)
    lq, signal = tables["lambda^q"], tables["E x Q"] * target
    wq = signal / lq
    path = [(0 * lq, 0 * lq)]  # E w_t and E w_t^2
    for _ in range(_STEPS):
        m, v = path[-1]
        same = noise * lq + tables["Y"] @ target**2 - 2 * tables["T"] @ (target * m)
        same = same + tables["Q"] @ v
        cross = signal**2 - 2 * signal * lq * m + lq**2 * v
        noisy = same / _BATCH + (1 - mpmath.mpf(1) / _BATCH) * cross
        path.append(
            (
                m + gamma * (signal - lq * m),
                v + 2 * gamma * (signal * m - lq * v) + gamma**2 * noisy,
            )
        )
    m, v = path[-1]
    if output == "average":
        kept = path[:-1]
        m = sum(first for first, _ in kept) / _STEPS
        v = 0 * lq
        for s, (first, second) in enumerate(kept):
            for t in range(s, _STEPS):
                pair = wq * first + (1 - gamma * lq) ** (t - s) * (second - wq * first)
                v = v + (pair if s == t else 2 * pair) / _STEPS**2
    risk = sum(lam * (v - 2 * target * m + target**2)) / 2
    quantized = sum(lq * (v - 2 * wq * m + wq**2)) / 2
    overflow = lam - tables["E x Q"]
    return {
        f"{output}: R, R^q, F": [risk, quantized, sum(lam * (wq - target) ** 2) / 2],
        **{f"{output}, {method}: R, A - W": [risk, risk - quantized] for method in _METHODS},
        # at w = 0 nothing is gained, so A is R - R^q there
        "A": [sum(lam * target**2 - lq * wq**2) / 2],
        "overflow": [sum(overflow**2 / lam * target**2) / 2],
    }


def _dense(table: Any) -> Any:
    """A table as a matrix, column by column."""
    zero, one = mpmath.mpf(0), mpmath.mpf(1)
    return np.column_stack([table @ np.array(unit) for unit in ((one, zero), (zero, one))])


def _number(fraction: Fraction) -> Any:
    return mpmath.mpf(fraction.numerator) / fraction.denominator


def _integrated(number_format: NumberFormat) -> dict[str, Any]:
    knots = [mpmath.mpf(float(value)) * _number(_SCALE) for value in number_format.magnitudes]

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


# --- the formats themselves --------------------------------------------------------------------

#: Largest value, least normal and least positive value: the OCP specifications of 8-bit and of
#: microscaling formats, IEEE 754 for float16, and the same rules for bfloat16 and tf32.
_STANDARDS = {
    "fp4_e2m1": ("6", 0, -1),
    "fp6_e2m3": ("15/2", 0, -3),
    "fp6_e3m2": ("28", -2, -4),
    "fp8_e4m3": ("448", -6, -9),
    "fp8_e5m2": ("57344", -14, -16),
    "float16": ("65504", -14, -24),
    "bfloat16": (str((2**8 - 1) * 2**120), -126, -133),
    "tf32": (str((2**11 - 1) * 2**117), -126, -136),
}


def formats_as_in_standards() -> list[CheckResult]:
    """Largest, least normal and least values; between neighbours the step is that of a binade."""
    wrong = []
    for name, (largest, normal, least) in _STANDARDS.items():
        known = formats.get(name)
        values = known.magnitudes
        steps = np.diff(values[values >= 2.0**normal])
        binades = np.log2(steps[:-1] / values[values >= 2.0**normal][:-2])
        relative = least - normal  # the mantissa bits, negative
        holds = Fraction(str(known.largest)) == Fraction(largest) == Fraction(float(values[-1]))
        holds &= values[0] == 0 and values[1] == 2.0**least and 2.0**normal in values
        holds &= bool(np.all((binades <= relative) & (binades > relative - 1)))
        if not holds:
            wrong.append(name)
    for bits in range(2, 17):
        top = 2 ** (bits - 1) - 1
        if not np.array_equal(formats.integer(bits).magnitudes, np.arange(top + 1)):
            wrong.append(f"int{bits}")
    count = len(_STANDARDS) + 15
    detail = f"not as stated: {', '.join(wrong)}" if wrong else f"{count} formats are as stated"
    return [CheckResult.of("format/standards", "identity", not wrong, detail, {"compared": count})]


def levels_agree() -> list[CheckResult]:
    r"""The level of each error model is E[e^2|u] over the position in a step, by quadrature.

    With stochastic rounding E[e^2|u] = (u - l)(h - u) between neighbours l < h. It is averaged over
    a uniform position for a constant step, and relative to u^2 over a log-uniform position in a
    binade for floating point.
    """
    gaps = {}
    with mpmath.workdps(20):
        for bits, scale in ((3, Fraction(1, 2)), (8, Fraction(1, 32))):
            level = formats.integer(bits, scale).error_model().additive
            step = _number(scale)
            there = mpmath.quad(lambda u, s=step: u * (s - u) / s, [0, step])
            gaps[f"int{bits}"] = _gap(level, there)
        for mantissa in (1, 2, 3, 5, 7):
            level = formats.FP(5, mantissa).error_model().multiplicative
            knots = [1 + mpmath.mpf(k) / 2**mantissa for k in range(2**mantissa + 1)]
            there = sum(
                mpmath.quad(lambda u, a=a, b=b: (u - a) * (b - u) / u**3, [a, b])
                for a, b in pairwise(knots)
            ) / mpmath.log(2)
            # above three bits the leading term is given: off by less than 4^-m / 8 of itself
            allowed = mpmath.mpf(4) ** -mantissa / 8 if mantissa > 3 else 0
            gaps[f"{mantissa} mantissa bits"] = max(_gap(level, there) - allowed, 0)
    worst = max(gaps, key=lambda name: gaps[name])
    detail = f"{len(gaps)} levels agree with quadrature to {mpmath.nstr(gaps[worst], 2)} ({worst})"
    holds = bool(gaps[worst] < 1e-12)
    return [CheckResult.of("format/levels", "identity", holds, detail, {"compared": len(gaps)})]


def _gap(level: Any, there: Any) -> Any:
    return abs(mpmath.mpf(str(level.evalf(20))) / there - 1)
