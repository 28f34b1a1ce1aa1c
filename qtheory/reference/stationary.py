r"""T9 in finite dimension, from the fixed point of the recursion in exact rational numbers.

Once the mean of the iterates has reached w^q, the step of section 2 leaves their second moments
alone: :math:`v = G v + r`, a linear system that is solved here as it stands. With c_i = v_i -
(w^q_i)^2 and :math:`E[\eta_s \eta_t] = \rho^{t-s} E \eta_s^2` the last iterate tends to it, and an
average over the last fN iterates has the variance and, for f = 1, the mean

.. math:: \frac{c_i}{fN} \Big(1 + 2 \sum_{k \ge 1} \rho_i^k\Big), \qquad
          w^q_i - \frac{w^q_i}{N} \sum_{s \ge 0} \rho_i^s

up to terms of order N^-2. The package solves the same by hand, in symbols.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import flint

from qtheory.reference import moments as reference
from qtheory.reference.moments import Moments, Setting

#: The part of the run that a tail averages over.
TAIL = Fraction(1, 4)


@dataclass(frozen=True)
class Expansion:
    """The risk for N steps, to the order 1/N: ``limit`` + (``mean`` + ``variance``) / N."""

    limit: Fraction
    mean: Fraction
    variance: Fraction


def expansion(setting: Setting, output: str) -> Expansion:
    """The limit of the risk, and what the mean and the variance of an average add to it."""
    optimum = reference.quantized_optimum(setting)
    standing = _fixed_point(setting)
    if output == "last":
        risk = reference.risks(setting, Moments(optimum, standing)).risk
        return Expansion(risk, Fraction(0), Fraction(0))
    fraction = TAIL if output == "tail" else Fraction(1)
    mean, variance = Fraction(0), Fraction(0)
    for i, quantized in enumerate(reference.quantized_eigenvalues(setting)):
        one, best = setting.eigenvalues[i], optimum[i]
        rho = 1 - setting.stepsize * quantized
        if output == "average":
            # half of lambda E (w - w*)^2, where w is short of w^q by w^q (1 + rho + ...) / N
            mean += one * (setting.target[i] - best) * best / (1 - rho)
        lags = 1 + 2 * rho / (1 - rho)
        variance += one * (standing[i] - best**2) * lags / fraction / 2
    floor = reference.risks(setting, Moments(optimum, tuple(w**2 for w in optimum))).risk
    return Expansion(floor, mean, variance)


def affine_step(setting: Setting) -> tuple[reference.Matrix, reference.Vector]:
    """G and r of v' = G v + r, the mean being w^q: the answers of one step to unit vectors."""
    dim, optimum = setting.dim, reference.quantized_optimum(setting)
    rest = reference.one_step(setting, optimum, (Fraction(0),) * dim).second
    columns = []
    for j in range(dim):
        unit = tuple(Fraction(i == j) for i in range(dim))
        after = reference.one_step(setting, optimum, unit).second
        columns.append([a - b for a, b in zip(after, rest, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)], rest


def _fixed_point(setting: Setting) -> tuple[Fraction, ...]:
    """The second moments that one more step does not change, the mean being w^q."""
    G, rest = affine_step(setting)
    rows = [[_exact((i == j) - entry) for j, entry in enumerate(row)] for i, row in enumerate(G)]
    right = flint.fmpq_mat(setting.dim, 1, [_exact(value) for value in rest])
    solved = flint.fmpq_mat(rows).solve(right)
    return tuple(Fraction(int(entry.p), int(entry.q)) for entry in solved.entries())


def _exact(number: Fraction) -> flint.fmpq:
    return flint.fmpq(number.numerator, number.denominator)
