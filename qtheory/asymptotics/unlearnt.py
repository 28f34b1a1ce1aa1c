"""What a sketch cannot learn: its constant for power laws, and errors of single features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy as sp

from qtheory.asymptotics.sketch import MOST_FEATURES, Sketch, root
from qtheory.errors import InvalidArgumentError
from qtheory.model.problem import Problem
from qtheory.model.spectra import PowerLaw
from qtheory.model.targets import SourceCondition
from qtheory.numbers.exact import Number, exact, positive, whole


def sketching_constant(problem: Problem, size: sp.Symbol | Number) -> sp.Expr:
    r"""The leading term of A_S for a power law: what a sketch of M features cannot learn.

    For lambda_i = i^-a and lambda_i w*_i^2 = i^-b, 1 < b < a + 1, d = oo and exact data:

    .. math:: A_S \sim \frac{1}{2} \frac{\pi/a}{\sin(\pi (b-1)/a)}
              \Bigl(\frac{\pi/a}{M \sin(\pi/a)}\Bigr)^{b-1} .

    Examples
    --------
    >>> import qtheory as qt
    >>> M = qt.symbols("M")
    >>> sketching_constant(qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2)), M)
    pi**2/(8*M)
    """
    spectrum, target = problem.spectrum, problem.target
    if problem.dim is not sp.oo or not isinstance(spectrum, PowerLaw):
        raise InvalidArgumentError("problem", problem, "a PowerLaw in infinite dimension")
    if not isinstance(target, SourceCondition):
        raise InvalidArgumentError("target", target, "a SourceCondition")
    a, b = spectrum.exponent, target.exponent
    if (b < a + 1) is sp.false or (b > 1) is sp.false or (a > 1) is sp.false:
        raise InvalidArgumentError("target", target, "one with 1 < b < a + 1, for a > 1")
    M = exact(size, "size")
    kappa = spectrum.scale * (sp.pi / a / (M * sp.sin(sp.pi / a))) ** a
    share = sp.pi / a / sp.sin(sp.pi * (b - 1) / a)
    return sp.powdenest(share * (kappa / spectrum.scale) ** ((b - 1) / a), force=True) / 2


@dataclass(frozen=True)
class ElementwiseSketch:
    """Relative errors of single features: an approximation, not an equivalent.

    Attributes
    ----------
    kappa
        The scale below which directions are not learned.
    approximation
        A_S with that kappa: up to 2.5 % below what sampled sketches give.
    effective_size
        df1(kappa).
    """

    kappa: float
    approximation: float
    effective_size: float


def elementwise_sketch(problem: Problem, level: Number, *, size: Number) -> ElementwiseSketch:
    r"""What elementwise multiplicative data errors of a level do to a sketch of M features.

    A sketch mixes the coordinates, so all features are of one size, and a relative error of each
    acts as an additive one of level eps D, D = M^{-1} sum_k lambda_k g_k^2 with Gaussian g. kappa
    solves

    .. math:: 1/\kappa = E\, 1 / (\varepsilon D + \kappa\, df_1(\kappa) / M) ,

    as if D and the row of the sketch that it scales were independent, which they are not quite: an
    *approximation*. For the orders D may be replaced by tr(H) / M.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(6000, qt.PowerLaw(2), qt.SourceCondition(2))
    >>> [round(elementwise_sketch(problem, "0.01", size=M).approximation, 5) for M in (100, 200)]
    [0.01689, 0.0099]
    """
    features = whole(size, "size", 1, MOST_FEATURES)
    eps = float(positive(level, "level"))
    sketch = Sketch.of(problem, features)
    scales = 2 * eps * sketch.eigenvalues / features

    def inverse(c: float) -> float:
        """E 1 / (c + eps D): the integral of exp(-t c) E exp(-t eps D) over t."""
        # t = (1/c) e^u: the integrand falls on both sides
        u = np.linspace(-30.0, 4.5, 1400)
        t = np.exp(u) / c
        logs = -t * c - (sketch.weights * np.log1p(np.outer(t, scales))).sum(axis=1) / 2
        logs -= t * eps * sketch.rest[0] / features
        return float((np.exp(logs) * t).sum() * (u[1] - u[0]))

    def excess(kappa: float) -> float:
        return kappa * inverse(kappa * float(sketch.df1(kappa)) / features) - 1

    kappa = root(excess, 1e-20 * sketch.trace, 2 * sketch.trace * (1 + eps))
    approximation = (sketch.energy - float(sketch.learnt(kappa))) / 2
    return ElementwiseSketch(kappa, approximation, float(sketch.df1(kappa)))
