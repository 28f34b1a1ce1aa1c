r"""The theory along a run: the risk of the average of N iterates, for every N on the way.

The recursion of :mod:`qtheory.reference.moments`, for more coordinates and steps than its matrices
allow. Beside the diagonal every table is a sum of products, so that a row times a vector is a few
sums over all coordinates,

.. math:: (Q\hat v)_i = \lambda_i (c\, V_1 + a g\, V_0) + a g\, V_1 + a^2 V_0 + q_i \hat v_i,
          \qquad V_k = \sum_j \lambda_j^k \hat v_j ,

with c = f_4 + 2 m f_2 + m^2, g = f_2 + m, and q_i what the diagonal has beyond that. The numbers
may be of any kind; :class:`fractions.Fraction` gives those of the matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from fractions import Fraction
from typing import Any

from qtheory.reference.moments import (
    Setting,
    factor_moments,
    quantized_eigenvalues,
    quantized_optimum,
)

Pairs = Iterable[tuple[Any, Any]]


def added_up(pairs: Pairs) -> Any:
    """The sum of products."""
    return sum((a * b for a, b in pairs), Fraction(0))


@dataclass(frozen=True)
class _Row:
    """One coordinate of one step, as the coefficients of what it is made of.

    E w' is ``rho`` E w + ``pull``; E w'^2 has ``of_square`` E w^2, ``of_mean`` E w, the constant
    ``noise``, and what all coordinates share.
    """

    eigenvalue: Any
    signal: Any  # lambda w*
    offset: Any  # lambda w^q
    rho: Any
    pull: Any
    back: Any  # - rho w^q
    of_square: Any
    of_mean: Any
    noise: Any


def risk_curve(
    setting: Setting,
    steps: Sequence[int],
    number: Callable[[Fraction], Any] = Fraction,
    dot: Callable[[Pairs], Any] = added_up,
) -> list[Any]:
    r"""T1 and T2: the excess risk of (w_0 + ... + w_{N-1}) / N for each N, in increasing order.

    With c_t = E[w_t^2] - w^q E[w_t], and rho the factor by which w - w^q shrinks in expectation,

    .. math:: \sum_{s, t < N} E[w_s w_t]
              = \sum_{t<N} \Bigl( E[w_t^2] + 2 U_t + 2 w^q \sum_{s<t} E[w_s] \Bigr),
              \qquad U_{t+1} = \rho\, (U_t + c_t).

    Parameters
    ----------
    number
        Makes a number of a fraction, such as one of mpmath.
    dot
        The sum of products of such numbers.
    """
    rows = [_Row(*map(number, astuple(row))) for row in _rows(setting)]
    shared = [[number(entry) for entry in each] for each in _shared(setting)]
    zero, one = number(Fraction(0)), number(Fraction(1))
    energy = number(_energy(setting))
    eigenvalues = [row.eigenvalue for row in rows]
    signals, offsets = [row.signal for row in rows], [row.offset for row in rows]
    m, v, U = ([zero] * len(rows) for _ in range(3))
    pairs, past, means = zero, zero, zero  # over all t so far, weighed by the eigenvalues
    found = []
    for t in range(1, steps[-1] + 1):
        mean, square = _along(dot, signals, m), _along(dot, eigenvalues, v)
        pairs += square + 2 * _along(dot, eigenvalues, U) + 2 * past
        past += _along(dot, offsets, m)
        means += mean
        if t in steps:
            found.append((pairs / t**2 - 2 * means / t + energy) / 2)
        sums = square, _along(dot, [one] * len(v), v), mean
        stretched, flat = (_along(dot, weights, sums) for weights in shared)
        before = list(zip(rows, m, v, U, strict=True))
        U = [dot(((row.rho, u), (row.rho, b), (row.back, a))) for row, a, b, u in before]
        v = [_next_square(row, a, b, stretched, flat, one, dot) for row, a, b, _ in before]
        m = [dot(((row.rho, a), (row.pull, one))) for row, a, _, _ in before]
    return found


def _along(dot: Callable[[Pairs], Any], weights: Iterable[Any], values: Iterable[Any]) -> Any:
    return dot(zip(weights, values, strict=True))


def _next_square(
    row: _Row,
    mean: Any,
    square: Any,
    stretched: Any,
    flat: Any,
    one: Any,
    dot: Callable[[Pairs], Any],
) -> Any:
    """E w'^2 of one coordinate, where all share ``stretched`` times lambda, and ``flat``."""
    return dot(
        (
            (row.of_square, square),
            (row.of_mean, mean),
            (row.eigenvalue, stretched),
            (row.noise, one),
            (flat, one),
        )
    )


def _shared(setting: Setting) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """What all coordinates share, times lambda and as it is, of V_1, V_0 and sum lambda w* E w."""
    data, parameter = setting.data, setting.parameter
    a, m = data.additive, data.elementwise
    _, f3, _, c, g = _products(setting)
    same = setting.stepsize**2 / setting.batch * (1 + setting.gradient.multiplicative)
    read = same * (1 + setting.activation.multiplicative) * (1 + parameter.multiplicative)
    return (
        (read * c, read * a * g, -2 * same * setting.fourth * (f3 + m)),
        (read * a * g, read * a**2, -2 * same * a),
    )


def _rows(setting: Setting) -> Iterator[_Row]:
    gamma, a = setting.stepsize, setting.data.additive
    _, f3, _, c, g = _products(setting)
    g2, g3, g4 = factor_moments(setting.data.multiplicative)
    same = gamma**2 / setting.batch
    cross = gamma**2 - same
    every, both = 1 + setting.gradient.multiplicative, 1 + setting.gradient.shared
    read, read_by_all = 1 + setting.activation.multiplicative, 1 + setting.activation.shared
    label, parameter = setting.label, setting.parameter
    between, own = setting.fourth, setting.kurtosis * setting.fourth
    trace, energy = sum(setting.eigenvalues, Fraction(0)), _energy(setting)
    spectra = setting.eigenvalues, quantized_eigenvalues(setting)
    optima = setting.target, quantized_optimum(setting)
    for one, quantized, target, optimum in zip(*spectra, *optima, strict=True):
        signal, rho = one * target, 1 - gamma * quantized
        # what the diagonals have beyond the products
        q = own * g4 * one**2 + 6 * g2 * one * a + 3 * a**2
        q -= c * one**2 + 2 * a * g * one + a**2
        t = own * g3 * one**2 + 3 * one * a
        t -= between * (f3 + setting.data.elementwise) * one**2 + a * one
        y = own * g2 * one**2 + one * a - (between * g * one**2 + a * one)
        labels = setting.noise * quantized + (between * g * one + a) * energy + y * target**2
        # of parameters that are nothing but error
        row = one * (c * trace + a * g * setting.dim) + a * g * trace + a**2 * setting.dim + q
        noise = (1 + label.multiplicative) * labels + read * row * parameter.additive
        noise += (label.additive + setting.activation.additive) * quantized
        common = (1 + label.shared) * signal**2 + read_by_all * quantized**2 * parameter.additive
        squares = 1 + parameter.multiplicative
        yield _Row(
            eigenvalue=one,
            signal=signal,
            offset=one * optimum,
            rho=rho,
            pull=gamma * signal,
            back=-rho * optimum,
            of_square=1
            - 2 * gamma * quantized
            + same * every * read * squares * q
            + cross * both * read_by_all * squares * quantized**2,
            of_mean=2 * gamma * signal
            - 2 * same * every * t * target
            - 2 * cross * both * signal * quantized,
            noise=same * (every * noise + setting.gradient.additive * quantized)
            + cross * both * common,
        )


def _products(setting: Setting) -> tuple[Fraction, ...]:
    """f_2, f_3, f_4 and the coefficients c and g of the products."""
    m = setting.data.elementwise
    f2, f3, f4 = factor_moments(setting.data.shared)
    return f2, f3, f4, setting.fourth * (f4 + 2 * m * f2 + m**2), f2 + m


def _energy(setting: Setting) -> Fraction:
    """The sum of lambda w*^2."""
    terms = zip(setting.eigenvalues, setting.target, strict=True)
    return sum((one * target**2 for one, target in terms), Fraction(0))
