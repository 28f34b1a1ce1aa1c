r"""Section 3 of the theory once more: constants, bounds, orders, in exact rational numbers.

Like :mod:`qtheory.reference.moments` it is written from the page of theory alone. The head and
the tail of the spectrum are split at k*, as on the page, and sums are loops.

Source: Zhang, Su, Zou (arXiv:2510.18259), with the explicit constants of the project's theory.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from qtheory.reference import moments as reference
from qtheory.reference.moments import (
    ONE,
    ZERO,
    Scheme,
    Setting,
    Vector,
    approximation,
    quantized_eigenvalues,
    quantized_optimum,
)

# --- the bounds ----------------------------------------------------------------------------


def _norm(weights: Vector, vector: Vector) -> Fraction:
    """The squared norm of the vector with these weights."""
    return sum((w * u**2 for w, u in zip(weights, vector, strict=True)), ZERO)


def _require(holds: bool, hypothesis: str) -> None:
    if not holds:
        raise ValueError(f"outside the hypotheses: {hypothesis}")


@dataclass(frozen=True)
class NoiseConstants:
    """The constants of T3; ``alpha`` and ``s2`` doubled already where the data error asks it."""

    k4: Fraction
    pi: Fraction
    pi_cross: Fraction
    alpha: Fraction
    same: Fraction
    cross: Fraction
    s2: Fraction


def noise_constants(setting: Setting) -> NoiseConstants:
    r"""T3: the constants of :math:`c' \le \rho^2 c + \gamma^2\lambda^q(\alpha S + s_2)`."""
    data, label, parameter = setting.data, setting.label, setting.parameter
    activation, gradient = setting.activation, setting.gradient
    d, o, a = data.multiplicative, gradient.multiplicative, activation.multiplicative
    p, batch = parameter.multiplicative, setting.batch
    _require(not (data.additive and d), "data error purely additive or purely multiplicative")
    eigenvalues = quantized_eigenvalues(setting)
    k4 = reference.factor_moments(d)[2] / (1 + d) ** 2
    pi = (1 + o) * (1 + a) * (1 + p)
    pi_cross = (1 + gradient.shared) * (1 + activation.shared) * (1 + p)
    alpha = 3 * k4 * pi / batch + (1 - Fraction(1, batch)) * pi_cross - 1

    signal = _norm(setting.eigenvalues, setting.target)
    optimum = _norm(eigenvalues, quantized_optimum(setting))
    trace = sum(eigenvalues, ZERO)
    if d:
        # E (1+zeta)^2 (d-zeta)^2 with E zeta^2 = d, E zeta^4 = 3 d^2 and odd moments zero
        clash = d**2 + d * (1 - 4 * d + d**2) + 3 * d**2
        unexplained = setting.noise + 3 * signal * clash / (1 + d) ** 3
    else:
        unexplained = setting.noise + 2 * approximation(setting)
    same = unexplained + label.additive + activation.additive
    same += label.multiplicative * (setting.noise + 3 * signal)
    same += ((1 + a) * (1 + p) - 1) * 3 * k4 * optimum
    same += (1 + a) * 3 * k4 * parameter.additive * trace
    same = (1 + o) * same + gradient.additive
    cross = label.shared * signal + ((1 + activation.shared) * (1 + p) - 1) * optimum
    cross += (1 + activation.shared) * parameter.additive * trace
    cross *= 1 + gradient.shared
    s2 = same / batch + (1 - Fraction(1, batch)) * cross
    times = 2 if d else 1
    return NoiseConstants(k4, pi, pi_cross, times * alpha, same, cross, times * s2)


@dataclass(frozen=True)
class UpperBound:
    """T4 in its parts; ``quantized_risk`` = bias + variance bounds R^q, ``risk`` bounds R."""

    theta: Fraction
    head: int
    effective_dimension: Fraction
    bias: Fraction
    variance: Fraction
    quantized_risk: Fraction
    risk: Fraction


def _split_bias(setting: Setting) -> Fraction:
    r"""T4: the bias, split at k^*.

    .. math:: \tfrac12\bigl[(N\gamma)^{-2}\|\eta_0\|^2_{(H^q_{0:k^*})^{-1}}
              + \|\eta_0\|^2_{H^q_{k^*:}}\bigr]
    """
    reach = setting.steps * setting.stepsize
    head, tail = ZERO, ZERO
    for quantized, start in zip(
        quantized_eigenvalues(setting), quantized_optimum(setting), strict=True
    ):
        if quantized >= 1 / reach:
            head += start**2 / quantized
        else:
            tail += start**2 * quantized
    return (head / reach**2 + tail) / 2


def _split_dimension(setting: Setting) -> tuple[int, Fraction]:
    r"""T4: k^* and :math:`D_N = k^* + N^2\gamma^2\sum_{i>k^*}(\lambda^q_i)^2`."""
    reach = setting.steps * setting.stepsize
    eigenvalues = quantized_eigenvalues(setting)
    head = [one for one in eigenvalues if one >= 1 / reach]
    tail = [one for one in eigenvalues if one < 1 / reach]
    return len(head), len(head) + reach**2 * sum((one**2 for one in tail), ZERO)


def upper_bound(setting: Setting) -> UpperBound:
    r"""T4: the bound on the risk of the iterate average, split at k^* as in the paper.

    Raises
    ------
    ValueError
        If :math:`\gamma\lambda^q_1 > 1`, theta >= 1 or T3 does not speak of these data errors.
    """
    constants = noise_constants(setting)
    gamma, steps = setting.stepsize, setting.steps
    eigenvalues, optimum = quantized_eigenvalues(setting), quantized_optimum(setting)
    _require(gamma * max(eigenvalues) <= 1, "gamma lambda^q_1 <= 1")
    theta = sum((gamma * constants.alpha * one / (2 - gamma * one) for one in eigenvalues), ZERO)
    _require(theta < 1, "theta < 1")
    head, dimension = _split_dimension(setting)
    reach = steps * gamma
    start = ZERO
    for quantized, distance in zip(eigenvalues, optimum, strict=True):
        if quantized >= 1 / reach:
            start += distance**2
        else:
            start += reach * quantized * distance**2
    noise = constants.s2 + constants.alpha / reach * start
    variance = dimension / steps * noise / (1 - theta)
    bias = _split_bias(setting)
    total = bias + variance
    return UpperBound(theta, head, dimension, bias, variance, total, approximation(setting) + total)


@dataclass(frozen=True)
class RefinedBound:
    """T4' in its parts; ``energy`` is the page's S with a bar."""

    kappa: Fraction
    alpha: Fraction
    s2: Fraction
    coordinate_noise: Vector
    theta: Fraction
    energy: Fraction
    bias: Fraction
    variance: Fraction
    quantized_risk: Fraction
    risk: Fraction


def refined_bound(setting: Setting) -> RefinedBound:
    r"""T4': the bound that keeps the shared noise coordinate by coordinate; k4 = 1.

    Raises
    ------
    ValueError
        With multiplicative data errors, if :math:`(1+\kappa)\gamma\lambda^q > 1` or theta >= 1.
    """
    label, parameter = setting.label, setting.parameter
    activation, gradient = setting.activation, setting.gradient
    _require(not setting.data.multiplicative, "exact data or additive data error")
    o, a, p = gradient.multiplicative, activation.multiplicative, parameter.multiplicative
    o_cross, a_cross = gradient.shared, activation.shared
    gamma, batch, steps = setting.stepsize, setting.batch, setting.steps
    others = 1 - Fraction(1, batch)
    pi, pi_cross = (1 + o) * (1 + a) * (1 + p), (1 + o_cross) * (1 + a_cross) * (1 + p)
    kappa = 2 * pi / batch + others * pi_cross - 1
    alpha = pi / batch
    P = (1 + a) * (1 + p) - 1
    P_cross = (1 + a_cross) * (1 + p) - 1

    eigenvalues, optimum = quantized_eigenvalues(setting), quantized_optimum(setting)
    signal, trace = _norm(setting.eigenvalues, setting.target), sum(eigenvalues, ZERO)
    s2 = setting.noise + 2 * approximation(setting) + label.additive + activation.additive
    s2 += label.multiplicative * (setting.noise + signal)
    s2 += P * _norm(eigenvalues, optimum) + (1 + a) * parameter.additive * trace
    s2 = ((1 + o) * s2 + gradient.additive) / batch
    noises = []
    for best in optimum:
        same = (label.multiplicative + P) * best**2 + (1 + a) * parameter.additive
        cross = label.shared * best**2 + P_cross * best**2 + (1 + a_cross) * parameter.additive
        noises.append(Fraction(2, batch) * (1 + o) * same + others * (1 + o_cross) * cross)

    theta, energy = ZERO, ZERO
    for quantized, distance, noise in zip(eigenvalues, optimum, noises, strict=True):
        x = gamma * quantized
        _require((1 + kappa) * x <= 1, "(1 + kappa) gamma lambda^q <= 1")
        delta = 2 - (1 + kappa) * x
        theta += alpha * x / delta
        energy += distance**2 * min(1 / delta, steps * x) / (steps * gamma)
        energy += (x * s2 + x * quantized * noise) / delta
    _require(theta < 1, "theta < 1")
    energy /= 1 - theta

    variance = ZERO
    for quantized, distance, noise in zip(eigenvalues, optimum, noises, strict=True):
        reached = steps * gamma * quantized
        if not reached:
            continue
        inner = s2 + alpha * energy + quantized * noise
        inner += kappa * quantized * distance**2 * min(ONE, 1 / reached)
        variance += min(ONE, reached**2) * inner
    variance /= steps
    bias = _split_bias(setting)
    total = bias + variance
    risk = approximation(setting) + total
    return RefinedBound(kappa, alpha, s2, tuple(noises), theta, energy, bias, variance, total, risk)


@dataclass(frozen=True)
class LowerBound:
    """T5 in its parts; ``quantized_risk`` = bias + variance is a lower bound on R^q."""

    s2: Fraction
    bias: Fraction
    variance: Fraction
    quantized_risk: Fraction


def lower_bound(setting: Setting) -> LowerBound:
    r"""T5: the lower bound on R^q of the iterate average.

    Raises
    ------
    ValueError
        With multiplicative data errors, if N < 2 or :math:`\gamma\lambda^q_1 > 1`.
    """
    _require(not setting.data.multiplicative, "no multiplicative data error")
    _require(setting.steps >= 2, "N >= 2")
    gamma, steps = setting.stepsize, setting.steps
    eigenvalues, optimum = quantized_eigenvalues(setting), quantized_optimum(setting)
    _require(gamma * max(eigenvalues) <= 1, "gamma lambda^q_1 <= 1")
    s2 = setting.noise + 2 * approximation(setting)
    s2 += setting.label.additive + setting.activation.additive + setting.gradient.additive
    s2 += setting.parameter.additive * sum(eigenvalues, ZERO)
    s2 /= setting.batch
    bias = ZERO
    for quantized, distance in zip(eigenvalues, optimum, strict=True):
        if quantized:
            rho = 1 - gamma * quantized
            shrunk = (1 - rho**steps) / (steps * gamma * quantized)
            bias += quantized * distance**2 * shrunk**2
    bias /= 2
    variance = Fraction(1, 24) * _split_dimension(setting)[1] / steps * s2
    return LowerBound(s2, bias, variance, bias + variance)


def risk_lower_bound(setting: Setting) -> Fraction:
    r"""T5 for R itself: the exact risk of the mean of the average, and a share of its variance."""
    s2, gamma, steps = lower_bound(setting).s2, setting.stepsize, setting.steps
    numbers = (
        setting.eigenvalues,
        setting.target,
        quantized_eigenvalues(setting),
        quantized_optimum(setting),
    )
    bound = ZERO
    for one, aim, quantized, optimum in zip(*numbers, strict=True):
        if quantized:
            step = gamma * quantized
            mean = sum((1 - (1 - step) ** t for t in range(steps)), ZERO) * optimum / steps
            share = min(Fraction(1), (steps * step) ** 2) / quantized
            bound += one * ((mean - aim) ** 2 / 2 + share * s2 / (24 * steps))
    return bound


def distortion(setting: Setting) -> Vector:
    r"""T6: the ratios :math:`\lambda^q_i/\lambda_i`, over the eigenvalues that are not zero."""
    return tuple(
        quantized / one
        for one, quantized in zip(setting.eigenvalues, quantized_eigenvalues(setting), strict=True)
        if one
    )


def limits_in_batch(
    scheme: Scheme,
    label: Fraction,
    parameter: Fraction,
    activation: Fraction,
    gradient: Fraction,
    eigenvalues: Vector,
    target: Vector,
) -> tuple[Fraction, Fraction]:
    r"""T7: what alpha and s2 of T3 tend to as B grows, for exact data and one scheme on the rest.

    Additive errors leave only the parameter's, through the trace; a factor for the whole batch
    leaves all of them; factors for each entry leave the parameter's, which all samples see.
    """
    signal = _norm(eigenvalues, target)
    if scheme == "additive":
        return ZERO, parameter * sum(eigenvalues, ZERO)
    if scheme == "elementwise":
        return parameter, parameter * signal
    product = (1 + activation) * (1 + parameter)
    return (1 + gradient) * product - 1, (1 + gradient) * (label + product - 1) * signal


# --- rates and constants -------------------------------------------------------------------


def bias_order(a: Fraction, b: Fraction) -> tuple[Fraction, int]:
    r"""T8: the bias is of order :math:`(N\gamma)^p \log^l(N\gamma)`; returns (p, l)."""
    if b < 2 * a + 1:
        return -(b - 1) / a, 0
    return Fraction(-2), 1 if b == 2 * a + 1 else 0


def variance_order(a: Fraction) -> tuple[Fraction, Fraction]:
    r"""T8: the variance is of order :math:`s_2 (N\gamma)^p N^q`; returns (p, q)."""
    return 1 / a, Fraction(-1)


def additive_dimension_order(
    a: Fraction, coarse: bool, wide: bool
) -> tuple[tuple[Fraction, Fraction, Fraction], ...]:
    r"""T8: D_N with additive data errors, a sum of terms :math:`d^p (N\gamma)^q \epsilon^r`.

    Parameters
    ----------
    a
        The exponent of the spectrum.
    coarse
        Whether :math:`N\gamma\epsilon \ge 1`: then every direction counts.
    wide
        Whether :math:`d \ge (N\gamma)^{1/a}`; asked only where the step is fine.

    Returns
    -------
    tuple
        The exponents (p, q, r) of each term.
    """
    if coarse:
        return ((ONE, ZERO, ZERO),)
    head = (ZERO, 1 / a, ZERO) if wide else (ONE, ZERO, ZERO)
    return head, (ONE, Fraction(2), Fraction(2))


def additive_approximation_order(
    a: Fraction, b: Fraction, wide: bool
) -> tuple[Fraction, Fraction, int]:
    r"""T8: with additive data errors A ~ :math:`\epsilon^p d^q \log^l`; returns (p, q, l).

    ``wide`` says whether :math:`d \ge \epsilon^{-1/a}`; the logarithm is that of 1/eps if so and
    that of d otherwise.
    """
    if b == a + 1:
        return ONE, ZERO, 1
    if b > a + 1:
        return ONE, ZERO, 0
    return ((b - 1) / a, ZERO, 0) if wide else (ONE, a + 1 - b, 0)


def leading_constants(
    a: Fraction,
    b: Fraction,
    noise: Fraction,
    stepsize: Fraction,
    batch: int = 1,
    scale: Fraction = ONE,
    digits: int = 20,
) -> tuple[Any, Any]:
    r"""T9: C and K of bias ~ C N^{-(b-1)/a}, variance ~ K N^{1/a-1}: average, d = oo, exact data.

    For :math:`\lambda_i = c\, i^{-a}` and :math:`\lambda_i (w^*_i)^2 = i^{-b}` with
    s = (b-1)/a < 2 and :math:`x = c N \gamma`, since only the product of c and gamma enters,

    .. math:: \frac{x^{-s}}{2a} \Gamma(s-2)(2^{2-s}-2), \qquad
              \frac{s^2_{eff}}{2N} \frac{x^{1/a}}{a} \Gamma(-1-1/a)(2-2^{1/a}),

    :math:`s^2_{eff} = (\sigma^2 + S_\infty)/B`, :math:`S_\infty = \sigma^2\Theta/(1-\Theta)`,
    :math:`\Theta = \sum_i \gamma\lambda_i / (B(2 - \gamma\lambda_i(1+1/B)))`.

    Returns
    -------
    tuple
        C and K, two ``mpmath.mpf``.
    """
    import mpmath

    s = (b - 1) / a
    _require(s < 2, "(b-1)/a < 2")
    mp = mpmath.MPContext()
    mp.dps = digits + 10

    def real(value: Fraction) -> Any:
        return mp.mpf(value.numerator) / value.denominator

    A, S, B, power = real(a), real(s), mp.mpf(batch), 1 / real(a)
    reach = real(stepsize * scale)
    # at s = 1 a pole of Gamma meets a zero of the bracket; their product tends to 2 log 2
    mellin = 2 * mp.log(2) if s == 1 else mp.gamma(S - 2) * (mp.power(2, 2 - S) - 2)
    bias = mellin / (2 * A)
    # x/(B(2-rx)) is a geometric series in x, and each power of x sums to a zeta value: no
    # extrapolation, which loses all but four digits at a = 1.1
    ratio = reach * (1 + 1 / B) / 2
    _require(ratio < 1, "gamma lambda_1 (1+1/B) < 2")
    theta, power_of_reach, k = mp.mpf(0), reach / (2 * B), 1
    while power_of_reach / (1 - ratio) > mp.eps * theta:
        theta += power_of_reach * mp.zeta(k * A)
        power_of_reach *= ratio
        k += 1
    _require(theta < 1, "Theta < 1")
    energy = real(noise) * theta / (1 - theta)
    effective = (real(noise) + energy) / B
    variance = effective / 2 / A * mp.gamma(-1 - power) * (2 - mp.power(2, power))
    return bias * mp.power(reach, -S), variance * mp.power(reach, power)
