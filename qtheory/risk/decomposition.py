"""The parts of the excess risk, given two moments of eta = w - w^q (theorem T1)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from qtheory.model.instance import Instance, NumericFormat
from qtheory.numbers.arithmetic import Array, Scalar


@dataclass(frozen=True, eq=False)
class Decomposition:
    r"""The two sides of T1, :math:`E R(w) = A + E R^q(w) - W`, each computed by itself."""

    total: Scalar  # E R(w) = 1/2 sum lambda E (w - w*)^2
    approximation: Scalar  # A = 1/2 w*^T H (H^q)^{-1} D w*
    quantized_risk: Scalar  # E R^q(w) = 1/2 sum lambda^q E (w - w^q)^2
    distortion: Scalar  # W = 1/2 E w^T D w, plus <saturation w*, E w> for a biased format

    def widened(self, error: Scalar) -> Decomposition:
        """The same with every part off by at most a ball around 0, but an exact 0 kept."""
        parts = (getattr(self, part.name) for part in fields(self))
        return Decomposition(*(part if part == 0 else part + error for part in parts))


def decompose(instance: Instance, first: Array, second: Array) -> Decomposition:
    """The parts of the risk of a w with E eta = first and E eta^2 = second, shape (d,)."""
    wq, gap, counts = instance.quantized_target, _gap(instance), instance.multiplicity
    to_target = second + 2 * gap * first + gap**2  # E (w - w*)^2
    to_zero = second + 2 * wq * first + wq**2  # E w^2
    return Decomposition(
        total=(instance.eigenvalues * to_target) @ counts / 2,
        approximation=approximation(instance),
        quantized_risk=(instance.quantized_eigenvalues * second) @ counts / 2,
        distortion=(instance.distortion * to_zero) @ counts / 2
        + (instance.saturation * instance.target * (first + wq)) @ counts,
    )


def approximation(instance: Instance) -> Scalar:
    """A = 1/2 w*^T H (H^q)^{-1} D w*, the approximation term of the paper.

    With saturation s = H - E[x Q(x)] it is 1/2 sum (lambda D + s (2 lambda - s)) / lambda^q w*^2.
    """
    lam, lq, s = instance.eigenvalues, instance.quantized_eigenvalues, instance.saturation
    signal = instance.target**2 * instance.multiplicity
    return ((lam * instance.distortion + s * (2 * lam - s)) / lq) @ signal / 2


def floor(instance: Instance) -> Scalar:
    """F = 1/2 ||w^q - w*||_H^2, the risk left when w has reached w^q."""
    return (instance.eigenvalues * _gap(instance) ** 2) @ instance.multiplicity / 2


def saturation(instance: Instance) -> Scalar:
    r"""1/2 sum lambda (s / lambda)^2 w*^2, the squared bias that overflow puts on the signal.

    A format that saturates correlates with the data as E x Q(x) = lambda - s, so the signal
    E Q(x) y is that of (1 - s / lambda) w*.
    """
    lam = instance.eigenvalues
    if not isinstance(instance.data, NumericFormat):
        return (lam * 0).sum()
    return (instance.saturation**2 / lam * instance.target**2).sum() / 2


def _gap(instance: Instance) -> Array:
    """w^q - w* = -(D + saturation) w* / lambda^q, without the cancellation."""
    lost = instance.distortion + instance.saturation
    return -lost * instance.target / instance.quantized_eigenvalues
