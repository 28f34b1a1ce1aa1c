r"""Stability of the second moments.

One step maps v to diag(g) v + sum_r u_r (z_r . v) + (terms without v), all entries nonnegative.
Such a map contracts if and only if every g_i < 1 and the small matrix
M_rs = z_r . (u_s / (1 - g)) has spectral radius theta < 1 (Perron-Frobenius). Without quantization
theta = sum_i gamma lambda_i / (B (2 - gamma lambda_i (1 + 1/B))).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qtheory.errors import UnstableError
from qtheory.model.instance import Instance, instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.sgd import SGD
from qtheory.numbers.arithmetic import Float64
from qtheory.risk.recursion import Step

__all__ = ["Stability", "require_stable", "stability"]


@dataclass(frozen=True)
class Stability:
    """Where a run stands: it is stable if and only if theta < 1.

    ``theta`` is infinite where a single coordinate already grows;
    ``largest_stepsize`` is the supremum of the stable step sizes.
    """

    theta: float
    largest_stepsize: float

    @property
    def stable(self) -> bool:
        """Whether the second moments stay bounded."""
        return self.theta < 1


def stability(problem: Problem, quantization: Quantization, sgd: SGD) -> Stability:
    """theta and the largest stable step size, in float64.

    Examples
    --------
    >>> from qtheory import PowerLaw, Constant
    >>> problem = Problem(dim=1, spectrum=PowerLaw(2), target=Constant(1))
    >>> result = stability(problem, Quantization(), SGD(stepsize="0.1", steps=10))
    >>> round(result.largest_stepsize, 6)    # d = 1: v' contracts for gamma < 2 / (3 lambda)
    0.666667
    """
    instance = instantiate(problem, quantization, sgd, Float64())
    return Stability(_theta(instance), _largest_stepsize(instance))


def require_stable(problem: Problem, quantization: Quantization, sgd: SGD) -> None:
    """Raise UnstableError, with theta and the largest stable step size, if theta >= 1."""
    instance = instantiate(problem, quantization, sgd, Float64())
    theta = _theta(instance)
    if not theta < 1:
        raise UnstableError(
            f"stepsize is {sgd.stepsize}, past stability: theta = {theta:.6g}, but it must be "
            f"below 1; the largest stable stepsize is {_largest_stepsize(instance):.6g}"
        )


def _theta(instance: Instance) -> float:
    # The step with v replaced by loss = (1 - g) v, without the cancellation at small step sizes.
    gain = Step.of(instance).gain
    loss = 2 * instance.stepsize * instance.quantized_eigenvalues - gain.diagonal
    if np.any(loss <= 0):
        return float("inf")
    small = [[float(right @ (left / loss)) for left in gain.left] for right in gain.right]
    return float(np.max(np.abs(np.linalg.eigvals(np.array(small)))))


def _largest_stepsize(instance: Instance) -> float:
    # theta grows with gamma; past 2 / lambda^q_1 the largest coordinate alone diverges.
    low, high = 0.0, 2 / float(np.max(instance.quantized_eigenvalues))
    for _ in range(60):
        middle = (low + high) / 2
        if _theta(replace(instance, stepsize=np.float64(middle))) < 1:
            low = middle
        else:
            high = middle
    return low
