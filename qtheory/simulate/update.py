"""Monte-Carlo simulation of the real quantized update, many replicates at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qtheory.errors import InvalidArgumentError
from qtheory.model.formats import NumberFormat
from qtheory.model.instance import Instance, instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.sgd import SGD
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Float64

__all__ = ["Estimate", "simulate"]

DataQuantizer = Callable[..., Any]
Floats = np.ndarray[Any, np.dtype[np.float64]]

# Replicates per chunk are chosen so that one batch of samples fills about this many numbers.
_NUMBERS_PER_CHUNK = 400_000


@dataclass(frozen=True)
class Estimate:
    """A simulated excess risk: the mean over replicates and its standard error.

    The expectation over the test point is exact; only the training runs are sampled.
    """

    mean: float
    stderr: float
    replicates: int
    seed: int


def simulate(
    problem: Problem, quantization: Quantization, sgd: SGD, replicates: int = 1000, seed: int = 0
) -> Estimate:
    r"""Run the update with sampled data, labels and quantization errors.

    .. math:: w_t = w_{t-1} + \frac{\gamma}{B} Q_d(X)^T Q_o(Q_l(y) - Q_a(Q_d(X) Q_p(w_{t-1})))

    Parameters
    ----------
    replicates
        Independent runs, at least 2.
    seed
        Seed of the random streams; the same seed gives the same estimate.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD(stepsize="0.1", steps=60)
    >>> estimate = qt.simulate(problem, qt.Quantization(), sgd, replicates=2000)
    >>> exact = qt.excess_risk(problem, qt.Quantization(), sgd).total
    >>> bool(abs(estimate.mean - exact) < 4 * estimate.stderr)
    True
    """
    for name, value, least in (("replicates", replicates, 2), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidArgumentError(name, value, f"a whole number of at least {least}")
    instance = instantiate(problem, quantization, sgd, Float64())

    def quantized_data(x: Floats, rng: np.random.Generator) -> Floats:
        if isinstance(quantization.data, NumberFormat):
            return quantization.data.round(x, rng)
        return _quantized(instance.data, x, rng)

    numbers = int(instance.batch) * max(1, len(instance.eigenvalues))
    chunk = max(1, min(replicates, _NUMBERS_PER_CHUNK // numbers))
    sizes = [min(chunk, replicates - done) for done in range(0, replicates, chunk)]
    streams = np.random.SeedSequence(seed).spawn(len(sizes))
    risks = np.concatenate(
        [
            _risks(instance, quantized_data, Window.of(sgd), size, np.random.default_rng(stream))
            for size, stream in zip(sizes, streams, strict=True)
        ]
    )
    stderr = float(np.std(risks, ddof=1) / np.sqrt(replicates))
    return Estimate(float(np.mean(risks)), stderr, replicates, seed)


def _risks(
    instance: Instance,
    quantized_data: DataQuantizer,
    window: Window,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    """The excess risk of each of some independent runs, shape (replicates,)."""
    lam, w_star = instance.eigenvalues, instance.target
    gamma, B, d = instance.stepsize, int(instance.batch), len(instance.eigenvalues)
    scale, noise = np.sqrt(lam), np.sqrt(instance.noise)
    w = np.zeros((replicates, d))
    total = np.zeros((replicates, d))
    for t in range(window.last):
        if t >= window.first:
            total += w
        x = rng.standard_normal((replicates, B, d)) * scale
        y = x @ w_star + noise * rng.standard_normal((replicates, B))
        xq = quantized_data(x, rng)
        yq = _quantized(instance.label, y, rng)
        prediction = np.matmul(xq, _quantized(instance.parameter, w, rng)[:, :, None])[:, :, 0]
        residual = yq - _quantized(instance.activation, prediction, rng)
        gradient = _quantized(instance.gradient, residual, rng)
        w = w + gamma / B * np.matmul(gradient[:, None, :], xq)[:, 0, :]
    returned = total / window.count if window.averaged else w
    risks: Floats = ((returned - w_star) ** 2 @ lam) / 2
    return risks


def _quantized(model: Any, u: Floats, rng: np.random.Generator) -> Floats:
    """u + e with Gaussian errors of the model's second moments; the last axis is the vector u."""
    result = u
    if model.shared > 0:
        result = result + u * np.sqrt(model.shared) * rng.standard_normal((*u.shape[:-1], 1))
    if model.elementwise > 0:
        result = result + u * np.sqrt(model.elementwise) * rng.standard_normal(u.shape)
    if model.additive > 0:
        result = result + np.sqrt(model.additive) * rng.standard_normal(u.shape)
    return result
