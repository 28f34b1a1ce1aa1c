r"""Error models of number formats: what is exact in them, and what is averaged over.

Stochastic rounding of u between two neighbours one step s apart, at position f in [0, 1], has

.. math:: E[e | u] = 0, \qquad E[e^2 | u] = f (1 - f) s^2,

and the errors of different entries are independent. An error model has one number where f is
needed, so f is averaged: uniform over a constant step, log-uniform over a binade.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from qtheory.model.error_models import Additive, ErrorModel, Multiplicative

# Past so many mantissa bits the exact average is its leading term, see floating_point.
_EXACT_AVERAGE = 3


@dataclass(frozen=True)
class ErrorEstimate:
    """An error model of a number format and how it was derived.

    Parameters
    ----------
    model
        E[e e^T | u] with the position between two neighbours averaged out.
    worst
        An error model that E[e^2 | u] does not exceed for any u in the valid range.
    exact
        What holds for every u.
    averaged
        What the model averages over.
    valid
        The magnitudes of u, from and to, for which it was derived.
    """

    model: ErrorModel
    worst: ErrorModel
    exact: str
    averaged: str
    valid: tuple[sp.Expr, sp.Expr]


def constant_step(step: sp.Expr, largest: sp.Expr, mode: str = "stochastic") -> ErrorEstimate:
    r"""Integers and fixed point.

    - Stochastic rounding: :math:`\int_0^1 f (1-f)\, df\, s^2 = s^2/6`, at most :math:`s^2/4`.
    - Dithered: u + d + d' with d, d' independent and uniform on [-s/2, s/2] is rounded to the
      nearest. Given d' the sum u + d' + d lies between two neighbours as in stochastic rounding,
      so :math:`E[Q | u, d'] = u + d'` and :math:`E[(Q - u - d')^2 | u, d']` is that of a uniform
      position, as d' covers one step: :math:`E[e^2 | u] = s^2/6 + E d'^2 = s^2/4`.
    - Subtractive: the error of rounding u + d to the nearest is uniform on [-s/2, s/2] whatever
      u is, of variance :math:`s^2/12`.

    Parameters
    ----------
    step
        s, in the units of u.
    largest
        The largest value.
    mode
        stochastic, dithered or subtractive.

    Examples
    --------
    >>> constant_step(sp.Integer(1), sp.Integer(127)).model
    Additive('1/6')
    """
    if mode == "stochastic":
        return ErrorEstimate(
            model=Additive(step**2 / 6),
            worst=Additive(step**2 / 4),
            exact="E[e|u] = 0, E[e^2|u] = f(1-f) s^2 at position f in the step; "
            "entries are independent",
            averaged="f uniform on [0, 1]",
            valid=(sp.S.Zero, largest),
        )
    if mode == "dithered":
        model, reach = Additive(step**2 / 4), largest - step / 2  # dither reaches one step
        exact = "E[e|u] = 0 and E[e^2|u] = s^2/4 for every u; entries are independent"
    else:
        model, reach = Additive(step**2 / 12), largest
        exact = "e is uniform on [-s/2, s/2] and independent of u; entries are independent"
    higher = (
        ". On the data the exact risk also uses the fourth moment, which the additive model takes "
        "to be that of a Gaussian"
    )
    return ErrorEstimate(model, model, exact + higher, "nothing", (sp.S.Zero, reach))


def log_uniform_variance(mantissa_bits: int) -> sp.Expr:
    r"""E[e^2/u^2] of stochastic rounding for log \|u\| uniform over one binade, exactly.

    With n = 2^m steps in the binade [1, 2), cells from l = j/n to h = (j+1)/n, j = n, ..., 2n - 1,

    .. math::
        \int_l^h \frac{(u-l)(h-u)}{u^2} \frac{du}{u}
            = \frac12 \Big(\frac hl - \frac lh\Big) - \log\frac hl,
        \qquad \frac hl - \frac lh = \frac1j + \frac1{j+1},

    which sum to :math:`H_{2n} - H_n + 1/(4n) - \log 2`; the density is 1/(u log 2). By
    Euler and Maclaurin the sum lies between :math:`1/(16 n^2) - 1/(128 n^4)` and
    :math:`1/(16 n^2)`.

    Examples
    --------
    >>> log_uniform_variance(1)
    -1 + 17/(24*log(2))
    """
    n = 2**mantissa_bits
    total = sum((Fraction(1, j) for j in range(n + 1, 2 * n + 1)), Fraction(1, 4 * n))
    return sp.Rational(total.numerator, total.denominator) / sp.log(2) - 1


def floating_point(
    mantissa_bits: int,
    smallest_normal: sp.Expr,
    largest: sp.Expr,
    subnormals: bool = False,
) -> ErrorEstimate:
    r"""Floating point with stochastic rounding: elementwise multiplicative.

    - The average of :math:`r(u) = E[e^2|u]/u^2` over a log-uniform position in the binade,
      :func:`log_uniform_variance`. For u = c z with z of any distribution it is also the average
      of :math:`E[e^2]/E[u^2] = E_z[z^2 r(c z)]/E[z^2]` over the scale c, log c uniform over a
      binade, because the average of r(c z) over c is the same for every z.
    - Above 3 mantissa bits its leading term :math:`4^{-m} / (16 \log 2)` is taken, which exceeds
      it by less than :math:`4^{-m}/8 \le 2^{-11}` of itself: the exact expression has hundreds of
      digits, which cancel in float64.
    - The worst position is f = n/(2n+1) in the first of the n = 2^m cells:
      :math:`E[e^2|u] \le u^2 / (4 n (n+1))`.
    - Below the smallest normal number the step is the constant :math:`s_0`. With ``subnormals`` its
      :math:`s_0^2/6` is added as an additive part, for every u.
    """
    n = sp.Integer(2) ** mantissa_bits
    leading = 1 / (16 * n**2 * sp.log(2))
    short = mantissa_bits <= _EXACT_AVERAGE
    model = Multiplicative(
        log_uniform_variance(mantissa_bits) if short else leading, coupling="elementwise"
    )
    worst = Multiplicative(1 / (4 * n * (n + 1)), coupling="elementwise")
    averaged = "log |u| uniform over a binade"
    if not short:
        averaged += f" (leading term; the exact average is smaller by less than 1 in {8 * n**2})"
    if subnormals:
        least_step = smallest_normal / n
        model += Additive(least_step**2 / 6)
        worst += Additive(least_step**2 / 4)
        averaged += "; position uniform in the constant step of the subnormal numbers"
    return ErrorEstimate(
        model=model,
        worst=worst,
        exact="E[e|u] = 0, E[e^2|u] = f(1-f) s^2 with s = 2^(E-m) in the binade from 2^E, at "
        "position f in the step; entries are independent",
        averaged=averaged,
        valid=(sp.S.Zero if subnormals else smallest_normal, largest),
    )
