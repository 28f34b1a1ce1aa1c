r"""Exact risks where a quantizer sees the rotation of the features: a recursion of M x M matrices.

Elementwise errors of data and parameters act on the features z as they are, not on the coordinates
of the eigenbasis of Sigma = E z z^T, so E w w^T = C does not stay diagonal there. With
b = E z y, zq = Q_d(z), Sigma_q = E zq zq^T, n the label noise with what the features miss, and
C^ = E Q_p(w) Q_p(w)^T = (1 + s_p) C + m_p diag C + a_p I, one step is

.. math:: C' = C + \gamma (b m^T + m b^T - \Sigma_q C - C \Sigma_q)
               + \gamma^2 (same / B + (1 - 1/B)\, cross), \qquad m' = m + \gamma (b - \Sigma_q m),

    same = (1 + eps_o) (Yy - 2 X + (1 + eps_a) A + eps_l Yy + (a_l + a_a) Sigma_q) + a_o Sigma_q,
    cross = (1 + s_o) (b b^T (1 + s_l) - b (Sigma_q m)^T - Sigma_q m b^T
                       + (1 + s_a) Sigma_q C^ Sigma_q),

with Yy = E zq zq^T y^2, X = E zq zq^T y zq^T m and A = E zq zq^T (zq^T C^ zq). For
zq_i = z_i (1 + zeta + zeta_i) + e_i, all Gaussian, the moments of the factors of four coordinates
are f_4 + f_2 m (six Kronecker deltas) + m^2 (three pairings), with f_k = E(1 + zeta)^k and m the
elementwise level; what they do to E z_i z_j z_k z_l is products of matrices, O(M^3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flint
import numpy as np

from qtheory.errors import CostError, InvalidArgumentError
from qtheory.model.coordinates import spectrum_and_target
from qtheory.model.error_models import ErrorModel
from qtheory.model.instance import NumericErrorModel
from qtheory.model.problem import Problem
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Arithmetic, Balls, Float64, Scalar
from qtheory.numbers.evaluate import evaluate
from qtheory.risk.cost import LONGEST_SECONDS

Matrix = Any
Vector = Any

_BITS_FOR_FLOAT = 320
_PRODUCTS_PER_STEP = 8
_NEAR = 1e-9
_MOMENT = 1.0  # seconds
_STEPS_PER_PRECISION = 1000


@dataclass(frozen=True, eq=False)
class FeatureStep:
    """One step of C = E w w^T and m = E w, in the coordinates that the quantizers see."""

    covariance: Matrix  # Sigma
    correlation: Vector  # b
    learnable: Scalar  # b^T Sigma^+ b
    energy: Scalar  # E <w*, x>^2
    noise: Scalar  # sigma^2 and what the features miss
    stepsize: Scalar
    batch: Scalar
    data: NumericErrorModel
    label: NumericErrorModel
    parameter: NumericErrorModel
    activation: NumericErrorModel
    gradient: NumericErrorModel
    quantized: Matrix = field(init=False)  # Sigma_q

    def __post_init__(self) -> None:
        data, sigma = self.data, self.covariance
        quantized = (1 + data.shared) * sigma + data.elementwise * _diagonal(sigma)
        identity = _identity_like(sigma)
        object.__setattr__(self, "quantized", quantized + data.additive * identity)

    def __call__(self, mean: Vector, second: Matrix) -> tuple[Vector, Matrix]:
        """E w and E w w^T after a step, from those before it."""
        b, quantized, gamma = self.correlation, self.quantized, self.stepsize
        pulled = product(quantized, mean)
        drift = np.outer(b, mean) - product(quantized, second)
        spread = self._same(mean, second) / self.batch
        if self.batch != 1:
            spread = spread + (1 - 1 / self.batch) * self._cross(pulled, second)
        after = second + gamma * (drift + drift.T) + gamma**2 * spread
        return mean + gamma * (b - pulled), (after + after.T) / 2

    def read(self, second: Matrix) -> Matrix:
        """E Q_p(w) Q_p(w)^T."""
        p = self.parameter
        read = (1 + p.shared) * second + p.elementwise * _diagonal(second)
        return read + p.additive * _identity_like(second)

    def _same(self, mean: Vector, second: Matrix) -> Matrix:
        label, activation, gradient = self.label, self.activation, self.gradient
        core = (1 + label.multiplicative) * self.squared_label()
        core = core - 2 * self.label_times_prediction(mean)
        core = core + (1 + activation.multiplicative) * self.squared_prediction(self.read(second))
        core = core + (label.additive + activation.additive) * self.quantized
        return (1 + gradient.multiplicative) * core + gradient.additive * self.quantized

    def _cross(self, pulled: Vector, second: Matrix) -> Matrix:
        b, quantized = self.correlation, self.quantized
        mixed = np.outer(b, pulled)
        read = product(product(quantized, self.read(second)), quantized)
        both = (1 + self.label.shared) * np.outer(b, b) - mixed - mixed.T
        return (1 + self.gradient.shared) * (both + (1 + self.activation.shared) * read)

    def squared_label(self) -> Matrix:
        """Yy = E zq zq^T y^2."""
        data, b = self.data, self.correlation
        plain = self.learnable * self.covariance + 2 * np.outer(b, b)
        known = (1 + data.shared) * plain + data.elementwise * _diagonal(plain)
        known = known + data.additive * self.learnable * _identity_like(plain)
        return known + self.noise * self.quantized

    def label_times_prediction(self, mean: Vector) -> Matrix:
        """X = E zq zq^T y (zq^T m)."""
        sigma, b, data = self.covariance, self.correlation, self.data
        third, inner = 1 + 3 * data.shared, b @ mean
        plain = inner * sigma + _symmetric(np.outer(product(sigma, mean), b))
        # a factor that two of the three coordinates share: the first two, or one of them with k
        scaled = (2 * mean * b)[:, None] * sigma + np.outer(mean * sigma.diagonal(), b)
        errors = inner * _identity_like(sigma) + _symmetric(np.outer(b, mean))
        own = _diagonal(plain) + _symmetric(scaled)
        return third * plain + data.elementwise * own + data.additive * errors

    def squared_prediction(self, weights: Matrix) -> Matrix:
        """A = E zq zq^T (zq^T W zq) for a symmetric W."""
        sigma, data = self.covariance, self.data
        a, m, s = data.additive, data.elementwise, data.shared
        second, fourth = 1 + s, 1 + 6 * s + 3 * s**2
        turned = product(weights, sigma)
        plain = turned.trace() * sigma + 2 * product(sigma, turned)
        total = fourth * plain
        if m != 0:
            total = total + m * second * self._one_pair(weights, turned, plain)
            total = total + m**2 * self._two_pairs(weights)
        if a != 0:
            identity = _identity_like(sigma)
            clean = second * sigma + m * _diagonal(sigma)  # E p p^T of p = zq - e
            weighted = product(weights, clean)
            total = total + a * (weights.trace() * clean + weighted.trace() * identity)
            total = total + 2 * a * _symmetric(weighted)
            total = total + a**2 * (weights.trace() * identity + 2 * weights)
        return total

    def _one_pair(self, weights: Matrix, turned: Matrix, plain: Matrix) -> Matrix:
        """Two of the four coordinates i, j, k, l are one: six choices."""
        sigma = self.covariance
        inner = _diagonal(weights)
        pair_kl = (inner.diagonal() @ sigma.diagonal()) * sigma
        pair_kl = pair_kl + 2 * product(sigma * inner.diagonal()[None, :], sigma)
        pair_ik = 2 * turned.diagonal()[:, None] * sigma + sigma.diagonal()[:, None] * turned
        return _diagonal(plain) + pair_kl + 2 * _symmetric(pair_ik)

    def _two_pairs(self, weights: Matrix) -> Matrix:
        """The four coordinates are two: three pairings."""
        sigma = self.covariance
        own, squares = sigma.diagonal(), sigma * sigma
        inner = weights.diagonal()
        pair_ij = (inner @ own) * own + 2 * (squares @ inner)
        return _diagonal(pair_ij) + 2 * weights * (np.outer(own, own) + 2 * squares)

    @classmethod
    def of(cls, run: Run, arithmetic: Arithmetic) -> FeatureStep:
        """The step of a run. Call it inside ``working()``."""
        problem, quantization, sgd = run
        features = problem.features
        if features is None:
            raise InvalidArgumentError("problem", problem, "one of features")
        balls = arithmetic if isinstance(arithmetic, Balls) else Balls(bits=_BITS_FOR_FLOAT)
        with balls.working():
            moments = features.second_moments()
            sigma = moments.matrix
            learnable = moments.learnable() if features.perp != 0 else moments.energy
            missed = moments.energy - learnable
        _require_unchanged(problem, float(learnable.mid()))

        def number(value: Any) -> Scalar:
            return evaluate(value, {}, arithmetic)

        def from_balls(values: Any) -> Any:
            return _converted(values, arithmetic)

        return cls(
            covariance=from_balls(sigma.tolist()),
            correlation=from_balls(moments.correlation),
            learnable=arithmetic.from_ball(learnable),
            energy=arithmetic.from_ball(moments.energy),
            noise=number(features.base_noise) + arithmetic.from_ball(missed),
            stepsize=number(sgd.stepsize),
            batch=number(sgd.batch),
            **{target: _levels(model, number) for target, model in quantization.items()},
        )


def _require_unchanged(problem: Problem, learnable: float) -> None:
    """Refuse a problem of features whose noise, spectrum or target were replaced since."""
    eigenvalues, target = spectrum_and_target(problem, Float64())
    found = float(eigenvalues @ target**2)
    noise = problem.features.base_noise + problem.features.perp if problem.features else None
    if problem.noise != noise or abs(found - learnable) > _NEAR * max(found, learnable):
        raise InvalidArgumentError("problem", problem, "as sketched or from_covariance made it")


def _levels(model: ErrorModel, number: Any) -> NumericErrorModel:
    return NumericErrorModel(
        number(model.additive), number(model.shared), number(model.elementwise)
    )


# --- a run ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Sum:
    """Of P = w_first + ... + w_t: E P, E P P^T and E w_t P^T."""

    mean: Vector
    second: Matrix
    mixed: Matrix

    def after(self, step: FeatureStep, mean: Vector, second: Matrix) -> _Sum:
        """With one iterate more, of these moments."""
        decayed = self.mixed - step.stepsize * product(step.quantized, self.mixed)
        mixed = decayed + step.stepsize * np.outer(step.correlation, self.mean)
        total = self.second + mixed + mixed.T + second
        return _Sum(self.mean + mean, total, mixed + second)


def output_moments(step: FeatureStep, windows: Sequence[Window]) -> list[tuple[Vector, Matrix]]:
    """E w and E w w^T of what each run returns."""
    mean, second = step.correlation * 0, step.covariance * 0
    sums: dict[int, _Sum] = {}
    found: dict[int, tuple[Vector, Matrix]] = {}
    starts = {window.first for window in windows if window.averaged}
    for t in range(max(window.last for window in windows) + 1):
        for place, window in enumerate(windows):
            if window.last == t and window.averaged:
                whole, count = sums[window.first], window.count
                found[place] = whole.mean / count, whole.second / count**2
            elif window.last == t:
                found[place] = mean, second
        for first in starts:
            if first == t:
                sums[first] = _Sum(mean, second, second)
            elif first < t:
                sums[first] = sums[first].after(step, mean, second)
        if len(found) < len(windows):
            mean, second = step(mean, second)
    return [found[place] for place in range(len(windows))]


def risks(runs: list[Run], arithmetic: Arithmetic) -> list[dict[str, Scalar]]:
    """The parts of the excess risk of each run; they differ in their steps alone."""
    step = FeatureStep.of(runs[0], arithmetic)
    sigma, b = step.covariance, step.correlation
    if step.data.additive == 0 and step.data.elementwise == 0:  # Sigma may be singular
        pulled = step.learnable / (1 + step.data.shared)
        floor = step.learnable * (step.data.shared / (1 + step.data.shared)) ** 2
    else:
        optimum = _solve(step.quantized, b)
        pulled = b @ optimum
        floor = optimum @ product(sigma, optimum) - 2 * pulled + step.learnable
    missed = step.energy - step.learnable
    found = []
    for mean, second in output_moments(step, [run.window for run in runs]):
        inner = 2 * (b @ mean)
        found.append(
            {
                "total": (_traced(sigma, second) - inner + step.energy) / 2,
                "approximation": (step.learnable - pulled) / 2,
                "floor": floor / 2,
                "saturation": step.noise * 0,
                "quantized_risk": (_traced(step.quantized, second) - inner + pulled) / 2,
                "sketching": missed / 2,
            }
        )
    return found


def seconds_of(size: int, steps: int, balls: bool) -> float:
    """A rough estimate of the time."""
    products = _PRODUCTS_PER_STEP * size**3 * (5e-8 if balls else 5e-10)
    return steps * (products + 40 * size**2 * (2e-7 if balls else 2e-9) + 2e-4)


def require_affordable(size: int, steps: int, balls: bool) -> float:
    """The estimated seconds; CostError where they are hours."""
    seconds = seconds_of(size, steps, balls)
    if seconds > LONGEST_SECONDS:
        raise CostError(
            f"size is {size} and steps is {steps}: an elementwise error of data or parameters "
            f"takes a product of M x M matrices each step, about {seconds / 3600:.2g} hours; the "
            f"limit is {LONGEST_SECONDS / 3600:.2g} hours"
        )
    return seconds


def is_quick_in_balls(size: int, steps: int) -> bool:
    """Whether balls take but a moment, so that float64 results are rounded from them."""
    wider = 1 + steps / _STEPS_PER_PRECISION  # balls of matrices lose bits at every step
    return wider * seconds_of(size, steps, balls=True) < _MOMENT


# --- matrices of any arithmetic -------------------------------------------------------------------


def product(left: Matrix, right: Any) -> Any:
    """left @ right; of balls by flint, whose product of matrices is faster."""
    if left.dtype != object or right.ndim == 1 or not isinstance(left.flat[0], flint.arb):
        return left @ right
    found = flint.arb_mat(left.tolist()) * flint.arb_mat(right.tolist())
    return np.array(found.tolist(), dtype=object)


def _solve(matrix: Matrix, vector: Vector) -> Vector:
    if matrix.dtype != object:
        return np.linalg.solve(matrix, vector)
    column = flint.arb_mat([[entry] for entry in vector])
    found = flint.arb_mat(matrix.tolist()).solve(column)
    return np.array([found[k, 0] for k in range(len(vector))], dtype=object)


def _converted(values: Any, arithmetic: Arithmetic) -> Any:
    shape = np.shape(values) if isinstance(values[0], list) else (len(values),)
    flat = values if len(shape) == 1 else [entry for row in values for entry in row]
    result = np.empty(len(flat), dtype=arithmetic.dtype)
    result[:] = [arithmetic.from_ball(entry) for entry in flat]
    return result.reshape(len(values), -1) if len(shape) > 1 else result


def _diagonal(values: Any) -> Matrix:
    """A matrix without what is off its diagonal, or the diagonal matrix of a vector."""
    inner = values.diagonal() if values.ndim == 2 else values
    result = np.outer(inner, inner) * 0
    np.fill_diagonal(result, inner)
    return result


def _identity_like(matrix: Matrix) -> Matrix:
    return _diagonal(matrix.diagonal() * 0 + 1)


def _symmetric(matrix: Matrix) -> Matrix:
    """The matrix plus its transpose."""
    return matrix + matrix.T


def _traced(left: Matrix, right: Matrix) -> Scalar:
    return (left * right).sum()
