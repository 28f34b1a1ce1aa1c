r"""Section 2 of the theory once more, as plain loops in exact rational numbers.

A second source: written from the page of theory alone and not from the package, so that one slip is
not made twice. Nothing of the package is imported, no table is compressed and no sum is closed: it
is slow, and exact. Section 3 is in :mod:`qtheory.reference.theorems`. Coordinates are
those of the eigenbasis:

.. math:: w_t = w_{t-1} + \frac\gamma B Q_d(X)^T Q_o\bigl(Q_l(y) - Q_a(Q_d(X) Q_p(w_{t-1}))\bigr),
          \qquad x_i \sim N(0, \lambda_i),\quad y = \langle w^*, x\rangle + \xi,\quad w_0 = 0.

Source: Zhang, Su, Zou (arXiv:2510.18259); Zou, Wu, Braverman, Gu, Kakade (JMLR 24, 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

Vector = tuple[Fraction, ...]
Matrix = list[list[Fraction]]
Scheme = Literal["additive", "shared", "elementwise"]

ZERO, ONE = Fraction(0), Fraction(1)


# --- the model -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Errors:
    r"""The levels of one quantizer: :math:`E[e e^T | u] = a I + s\, u u^T + m\, diag(u^2)`."""

    additive: Fraction = ZERO
    shared: Fraction = ZERO
    elementwise: Fraction = ZERO

    @property
    def multiplicative(self) -> Fraction:
        """The relative variance of one entry; the page's eps^m."""
        return self.shared + self.elementwise


@dataclass(frozen=True)
class Setting:
    r"""One problem, its five quantizers and the run; ``noise`` is sigma^2.

    x is tau times independent coordinates: ``kurtosis`` is their :math:`E x_i^4 / \lambda_i^2`, and
    ``fourth`` is :math:`E \tau^4`, with :math:`E \tau^2 = 1`. For Gaussian data they are 3 and 1.
    """

    eigenvalues: Vector
    target: Vector
    noise: Fraction
    stepsize: Fraction
    batch: int
    steps: int
    data: Errors = Errors()
    label: Errors = Errors()
    parameter: Errors = Errors()
    activation: Errors = Errors()
    gradient: Errors = Errors()
    kurtosis: Fraction = Fraction(3)
    fourth: Fraction = ONE

    @classmethod
    def read(
        cls,
        eigenvalues: str,
        target: str,
        noise: str,
        stepsize: str,
        batch: int,
        steps: int,
        kurtosis: str = "3",
        fourth: str = "1",
        **errors: str,
    ) -> Setting:
        """From numbers as text; errors as "additive shared elementwise"."""

        def vector(text: str) -> Vector:
            return tuple(map(Fraction, text.split()))

        models: dict[str, Any] = {n: Errors(*vector(text)) for n, text in errors.items()}
        numbers = vector(eigenvalues), vector(target), Fraction(noise), Fraction(stepsize)
        models |= {"kurtosis": Fraction(kurtosis), "fourth": Fraction(fourth)}
        return cls(*numbers, batch, steps, **models)

    @property
    def dim(self) -> int:
        """The number d of coordinates."""
        return len(self.eigenvalues)


@dataclass(frozen=True)
class Moments:
    """E w_i and E w_i^2 of a random vector."""

    first: Vector
    second: Vector


# --- the exact moments ---------------------------------------------------------------------


def quantized_eigenvalues(setting: Setting) -> Vector:
    r"""Section 2 and T6: :math:`\lambda^q = (1+\epsilon_d^m)\lambda + \epsilon_d^a`."""
    data = setting.data
    return tuple((1 + data.multiplicative) * one + data.additive for one in setting.eigenvalues)


def quantized_optimum(setting: Setting) -> Vector:
    r"""Section 2: :math:`w^q = (H^q)^{-1} H w^*`, zero along a direction without any variance."""
    return tuple(
        one * target / quantized if quantized else ZERO
        for one, target, quantized in zip(
            setting.eigenvalues, setting.target, quantized_eigenvalues(setting), strict=True
        )
    )


def factor_moments(variance: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    r"""Section 1: :math:`E(1+\zeta)^k` for k = 2, 3, 4 and a Gaussian zeta of this variance."""
    return 1 + variance, 1 + 3 * variance, 1 + 6 * variance + 3 * variance**2


@dataclass(frozen=True)
class Tables:
    """The fourth-moment tables Q, T, Y of section 2, as full matrices."""

    Q: Matrix
    T: Matrix
    Y: Matrix


def data_tables(setting: Setting) -> Tables:
    r"""T2: the tables of :math:`x^q_i = x_i (1 + \zeta_s + \zeta_i) + e_i`, all Gaussian.

    Given the factor u = 1 + zeta_s of the sample, the coordinates are independent, and with s, m, a
    the shared, elementwise and additive level

    .. math:: E[(x^q_i)^2 | u] = \lambda_i (u^2 + m) + a, \qquad E[x_i x^q_i | u] = \lambda_i u,

    so off the diagonal, with :math:`f_k = E u^k` under the shared level alone,

    .. math:: Q_{ij} &= \lambda_i\lambda_j (f_4 + 2 m f_2 + m^2)
                        + a (\lambda_i + \lambda_j)(f_2 + m) + a^2, \\
              T_{ij} &= \lambda_i\lambda_j (f_3 + m) + a \lambda_j, \qquad
              Y_{ij} = \lambda_i\lambda_j (f_2 + m) + a \lambda_j .

    On the diagonal only the sum 1 + zeta_s + zeta_i enters, so f_k is that of the level s + m.
    What is of fourth order in x is, off the diagonal, times E tau^4, and on it that of
    :math:`E x_i^4 = k E\tau^4 \lambda_i^2`; what is of second order is that of the variance alone.
    """
    data, eigenvalues = setting.data, setting.eigenvalues
    a, m = data.additive, data.elementwise
    f2, f3, f4 = factor_moments(data.shared)
    g2, g3, g4 = factor_moments(data.multiplicative)
    between = setting.fourth
    own = setting.kurtosis * setting.fourth
    d = setting.dim
    tables = Tables(*([[ZERO] * d for _ in range(d)] for _ in range(3)))
    for i, p in enumerate(eigenvalues):
        for j, q in enumerate(eigenvalues):
            if i == j:
                tables.Q[i][j] = own * g4 * p**2 + 6 * g2 * p * a + 3 * a**2
                tables.T[i][j] = own * g3 * p**2 + 3 * p * a
                tables.Y[i][j] = own * g2 * p**2 + p * a
            else:
                pq = between * p * q
                tables.Q[i][j] = pq * (f4 + 2 * m * f2 + m**2) + a * (p + q) * (f2 + m) + a**2
                tables.T[i][j] = pq * (f3 + m) + a * q
                tables.Y[i][j] = pq * (f2 + m) + a * q
    return tables


def _apply(matrix: Matrix, vector: list[Fraction]) -> list[Fraction]:
    return [
        sum((entry * value for entry, value in zip(row, vector, strict=True)), ZERO)
        for row in matrix
    ]


def _quantized_square(setting: Setting, v: Vector) -> list[Fraction]:
    """E Q_p(w)_i^2, the page's v with a hat."""
    parameter = setting.parameter
    return [(1 + parameter.multiplicative) * value + parameter.additive for value in v]


def same_sample(setting: Setting, m: Vector, v: Vector) -> Vector:
    r"""T2: ``same``, the second moment of one sample's contribution to the update."""
    label, activation, gradient = setting.label, setting.activation, setting.gradient
    eigenvalues = quantized_eigenvalues(setting)
    tables = data_tables(setting)
    target = setting.target
    labels = _apply(tables.Y, [one**2 for one in target])
    products = _apply(tables.T, [one * mean for one, mean in zip(target, m, strict=True)])
    activations = _apply(tables.Q, _quantized_square(setting, v))
    out = []
    for i, quantized in enumerate(eigenvalues):
        squared_label = setting.noise * quantized + labels[i]
        core = squared_label - 2 * products[i] + activations[i]
        core += label.additive * quantized + label.multiplicative * squared_label
        core += activation.additive * quantized + activation.multiplicative * activations[i]
        out.append((1 + gradient.multiplicative) * core + gradient.additive * quantized)
    return tuple(out)


def cross_samples(setting: Setting, m: Vector, v: Vector) -> Vector:
    r"""T2: ``cross``, the product of two different samples' contributions to the update.

    Only a factor that the whole batch shares correlates two samples.
    """
    squares = _quantized_square(setting, v)
    eigenvalues = quantized_eigenvalues(setting)
    out = []
    for i, quantized in enumerate(eigenvalues):
        signal = setting.eigenvalues[i] * setting.target[i]
        activation = quantized**2 * squares[i]
        both = signal**2 - 2 * signal * quantized * m[i] + activation
        both += setting.label.shared * signal**2 + setting.activation.shared * activation
        out.append((1 + setting.gradient.shared) * both)
    return tuple(out)


def one_step(setting: Setting, m: Vector, v: Vector) -> Moments:
    r"""T2: (m, v) of :math:`w_{t-1}` to (m', v') of :math:`w_t`."""
    gamma, batch = setting.stepsize, setting.batch
    same, cross = same_sample(setting, m, v), cross_samples(setting, m, v)
    first, second = [], []
    for i, quantized in enumerate(quantized_eigenvalues(setting)):
        signal = setting.eigenvalues[i] * setting.target[i]
        first.append((1 - gamma * quantized) * m[i] + gamma * signal)
        mixed = same[i] / batch + (1 - Fraction(1, batch)) * cross[i]
        second.append(v[i] + 2 * gamma * (signal * m[i] - quantized * v[i]) + gamma**2 * mixed)
    return Moments(tuple(first), tuple(second))


def trajectory(setting: Setting) -> list[Moments]:
    """T2: the moments of w_0 = 0, w_1, ..., w_N."""
    nothing = (ZERO,) * setting.dim
    out = [Moments(nothing, nothing)]
    for _ in range(setting.steps):
        out.append(one_step(setting, out[-1].first, out[-1].second))
    return out


def last_moments(setting: Setting) -> Moments:
    """T2: the moments of the last iterate w_N."""
    return trajectory(setting)[-1]


def average_moments(setting: Setting, first: int = 0) -> Moments:
    r"""T2: the moments of :math:`(w_k + \dots + w_{N-1})/(N-k)`, k being ``first``.

    The double sum over pairs s <= t, where eta = w - w^q shrinks by rho in expectation,

    .. math:: E[w_s w_t] = w^q E[w_s] + \rho^{t-s} (E[w_s^2] - w^q E[w_s]) .
    """
    path, steps = trajectory(setting), setting.steps
    count = steps - first
    means, squares = [], []
    optimum = quantized_optimum(setting)
    for i, quantized in enumerate(quantized_eigenvalues(setting)):
        rho = 1 - setting.stepsize * quantized
        mean, square = ZERO, ZERO
        for s in range(first, steps):
            m, v = path[s].first[i], path[s].second[i]
            mean += m
            for t in range(s, steps):
                pair = optimum[i] * m + rho ** (t - s) * (v - optimum[i] * m)
                square += pair if s == t else 2 * pair
        means.append(mean / count)
        squares.append(square / count**2)
    return Moments(tuple(means), tuple(squares))


@dataclass(frozen=True)
class Risks:
    r"""What T1 speaks of: ``risk`` = ``approximation`` + ``quantized_risk`` - ``gain``.

    ``gain`` is :math:`W = \frac12 E[w^T D w]` and ``floor`` :math:`F = \frac12\|w^q-w^*\|_H^2`.
    """

    risk: Fraction
    quantized_risk: Fraction
    approximation: Fraction
    gain: Fraction
    floor: Fraction


def approximation(setting: Setting) -> Fraction:
    r"""T1: :math:`A = \frac12 w^{*T} H (H^q)^{-1} D w^*`."""
    total = ZERO
    rows = zip(setting.eigenvalues, setting.target, quantized_eigenvalues(setting), strict=True)
    for one, target, quantized in rows:
        if quantized:
            total += target * one / quantized * (quantized - one) * target
    return total / 2


def risks(setting: Setting, moments: Moments) -> Risks:
    """T1: the excess risk R of a vector with these moments, its R^q, A, W and the floor F."""
    risk, quantized_risk, gain, floor = ZERO, ZERO, ZERO, ZERO
    optimum = quantized_optimum(setting)
    for i, quantized in enumerate(quantized_eigenvalues(setting)):
        one, target = setting.eigenvalues[i], setting.target[i]
        mean, square = moments.first[i], moments.second[i]
        risk += one * (square - 2 * target * mean + target**2)
        quantized_risk += quantized * (square - 2 * optimum[i] * mean + optimum[i] ** 2)
        gain += (quantized - one) * square
        floor += one * (optimum[i] - target) ** 2
    return Risks(risk / 2, quantized_risk / 2, approximation(setting), gain / 2, floor / 2)
