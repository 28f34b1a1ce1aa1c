"""What a sketch cannot learn: its constant for power laws, and errors of single features."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from qtheory.asymptotics.sketch import MOST_FEATURES, Array, Sketch
from qtheory.errors import InvalidArgumentError, PrecisionError
from qtheory.model.problem import Problem
from qtheory.model.spectra import PowerLaw
from qtheory.model.targets import SourceCondition
from qtheory.numbers.exact import Number, exact, positive, whole

_MOST_STEPS = 1000
_SETTLED = 1e-12
# Two levels so near that their difference is a derivative, to the square of this.
_NEAR = 1.0001


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
    """What relative errors of single features do, averaged over sketches: an equivalent, no bound.

    Attributes
    ----------
    approximation
        A_S, what the sketch and the errors cost together.
    floor
        F_S, the risk left after many steps, to 7 digits of A_S.
    effective_size
        The directions that are learned, sum_k (1 - r_k).
    """

    approximation: float
    floor: float
    effective_size: float


def elementwise_sketch(problem: Problem, level: Number, *, size: Number) -> ElementwiseSketch:
    r"""What elementwise multiplicative data errors of a level do to a sketch of M features.

    A sketch mixes the coordinates, so all features are of one size, and a relative error of each
    acts as an additive one of about eps tr(H) / M. Exactly: with the rows u_j = H^{1/2} S_j of the
    features and their directions v_j = u_j / |u_j|, 2 A_S is

    .. math:: \theta^T \bigl(I + \varepsilon^{-1} \textstyle\sum_j v_j v_j^T\bigr)^{-1} \theta ,

    a resolvent of independent directions. Taking them out one by one gives its equivalent,
    the sum of r_k theta_k^2, with the errors and what they scale in one expectation over standard
    normals g:

    .. math:: 1/r_k = 1 + M\, E\, \frac{\lambda_k g_k^2}
              {\sum_l \lambda_l (\varepsilon + r_l) g_l^2} .

    The floor is F_S = A_S - eps dA_S / d eps. An *asymptotic equivalent*: exact as M grows, and no
    bound.

    Raises
    ------
    PrecisionError
        If the iteration for r does not settle: with as many features as coordinates, and errors
        that are almost none.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(6000, qt.PowerLaw(2), qt.SourceCondition(2))
    >>> [round(elementwise_sketch(problem, "0.01", size=M).approximation, 5) for M in (100, 200)]
    [0.01707, 0.00998]
    """
    features = whole(size, "size", 1, MOST_FEATURES)
    eps = float(positive(level, "level"))
    sketch = Sketch.of(problem, features)
    left = unlearned(sketch, eps)
    lower, upper = (_missed(sketch, unlearned(sketch, eps * by)) for by in (1 / _NEAR, _NEAR))
    slope = (upper - lower) / (2 * math.log(_NEAR))  # eps dA / d eps
    approximation = _missed(sketch, left)
    learned = (sketch.weights * (1 - left)).sum()
    if sketch.rest[0]:
        learned += features * sketch.rest[0] * _mean_weights(sketch, eps, left)[0].sum()
    return ElementwiseSketch(approximation, approximation - slope, float(learned))


def _missed(sketch: Sketch, left: Array) -> float:
    """A_S: half the sum of r_k theta_k^2."""
    return float((sketch.weights * sketch.signal * left).sum() + sketch.rest[1]) / 2


def unlearned(sketch: Sketch, eps: float) -> Array:
    """r_k: the shares of the signal that elementwise errors of this level leave, by position."""
    return _settled(lambda r: 1 / (1 + sketch.size * _shares(sketch, eps, r)), len(sketch.weights))


# The integral over t, at t = e^u over the mean of Q, by the trapezoidal rule: it converges
# geometrically in the step, and what is left of it past the ends is below rounding.
_NODES = np.arange(-40.0, 80.0, 0.25)


def _mean_weights(sketch: Sketch, eps: float, left: Array) -> tuple[Array, Array]:
    """Numbers t with weights: E e^(-t Q) dt, Q = sum_l lambda_l (eps + r_l) g_l^2, and 2 t c_l."""
    scales = sketch.eigenvalues * (eps + left)
    rest = sketch.rest[0] * (eps + 1)  # of which nothing is learned, and which only has a mean
    t = np.exp(_NODES) / ((sketch.weights * scales).sum() + rest)
    doubled = 2 * np.outer(t, scales)
    logs = (sketch.weights * np.log1p(doubled)).sum(axis=1) / 2 + t * rest
    return np.exp(-logs) * t * (_NODES[1] - _NODES[0]), doubled


def _shares(sketch: Sketch, eps: float, left: Array) -> Array:
    """E lambda_k g_k^2 / Q: the integral of E g_k^2 e^(-t Q) over t."""
    weights, doubled = _mean_weights(sketch, eps, left)
    return sketch.eigenvalues * (weights @ (1 / (1 + doubled)))


def _settled(step: Callable[[Array], Array], count: int) -> Array:
    """The fixed point of a map of positive numbers, by secants in their logarithms."""
    here = np.zeros(count)
    before: tuple[Array, Array] | None = None
    for _ in range(_MOST_STEPS):
        following = np.log(step(np.exp(here)))
        change = following - here
        if np.max(np.abs(change)) < _SETTLED:
            return np.exp(following)
        here_next = following
        if before is not None:
            turn = change - before[1]
            share = float(turn @ change) / float(turn @ turn)
            here_next = following - share * (following - before[0])
        before = following, change
        here = np.minimum(here_next, 0.0)
    raise PrecisionError("the equation of a sketch with elementwise errors does not settle")
