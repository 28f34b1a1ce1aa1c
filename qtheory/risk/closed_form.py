r"""The moments of the iterates in closed form in the number of steps.

For eta = w - w^q the mean is -w^q rho^t, and n_t = E eta_t^2 (per coordinate) obeys

    n' = G n + c_0 + (terms in rho_j^t),      G = diag(1 - a) + u z^T,

so n_t is a constant plus geometric sequences: one for each eigenvalue of G (1 minus a root of the
secular equation) and one for each rho_j. Averages of iterates weigh each sequence by a sum known
in closed form. Everything costs O(d^2), whatever the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from qtheory.model.instance import Instance, NumericFormat
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Array, Scalar
from qtheory.risk.recursion import Step
from qtheory.risk.secular import Root, secular_roots
from qtheory.risk.stationary import stationary_second_moment

__all__ = ["ClosedForm"]

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


class ClosedForm:
    """The factorisation of one instance; moments for any window of iterates follow from it.

    Needs G of rank one besides its diagonal: no shared and additive data errors at once.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.step = step = Step.of(instance)
        self.a, self.x = step.loss, step.x
        (self.u,), (self.z,) = step.gain.left, step.gain.right
        self.wq = instance.quantized_target
        self.groups = instance.groups
        # Where the noise is independent of the quantized data no rho_j^t enters (theorem T4').
        levels = (instance.parameter, instance.activation)
        self.is_driven = isinstance(instance.data, NumericFormat) or any(
            level.multiplicative != 0 for level in (*levels, instance.data)
        )

    @cached_property
    def roots(self) -> list[Root]:
        """The secular roots, one for each distinct pole."""
        poles, weights = self.a, self.u * self.z
        return secular_roots(poles, weights, self.groups, self.instance.arithmetic)

    @cached_property
    def limit(self) -> Array:
        """The constant part of n_t, its limit as t grows: (1 - G)^{-1} c_0."""
        return stationary_second_moment(self.instance, self.step)

    @cached_property
    def _driven(self) -> list[tuple[Scalar, Scalar]]:
        """The sequences rho_j^t: for each j what multiplies u in P_j, and its own entry.

        n_t contains P_j rho_j^t, where (rho_j - G) P_j = -(2 gain w^q_j^2 + mixed w^q_j) e_j. With
        w = u z, the gaps g_i = a_i - x_j, own_j e_j the diagonal part of that right side, shared_j
        the rest divided by u, and W and r = 1 - sum w_i / g_i summed within the group of j and
        without it,

            P_j = (shared_j g_j + z_j own_j) / (W - r g_j)  u / g - e_j own_j / g_j.

        Alone in its group, coordinate j has the entry (shared_j u_j + own_j r) / (W - r g_j): the
        poles at a_j = x_j cancel there, and numbers must not be left to do it.
        """
        step, wq, z, u = self.step, self.wq, self.z, self.u
        own = 2 * step.gain.diagonal * wq**2 + step.mixed.diagonal * wq
        # The low-rank parts of gain and mixed have parallel left vectors.
        ratio = step.mixed.left[0][0] / u[0]
        shared = 2 * z * wq**2 + ratio * step.mixed.right[0] * wq
        weights = u * z
        found = []
        for j in range(len(wq)):
            gaps, gap, group = self._gaps(j)
            quotients = weights / gaps
            quotients[group] = quotients[group] * 0
            rest = 1 - quotients.sum()
            within = weights[group].sum()
            response = within - rest * gap
            factor = (shared[j] * gap + z[j] * own[j]) / response
            entry = (shared[j] * u[j] + own[j] * rest) / response
            if self._tied[j]:
                entry = entry - own[j] * (within - weights[j]) / (gap * response)
            found.append((factor, entry))
        return found

    def _gaps(self, j: int) -> tuple[Array, Scalar, BoolArray]:
        """a - x_j with 1 in the group of j, a_j - x_j, and which coordinates are in the group."""
        group = self.groups == self.groups[j]
        gaps = self.a - self.x[j]
        gap = gaps[j]
        gaps[group] = gaps[group] * 0 + 1
        return gaps, gap, group

    @property
    def _driving(self) -> range:
        return range(len(self.x) if self.is_driven else 0)

    def _driven_vector(self, j: int) -> Array:
        factor, entry = self._driven[j]
        gaps, gap, group = self._gaps(j)
        if self._tied[j]:
            gaps[group] = gaps[group] * gap
        vector = factor * self.u / gaps
        vector[j] = entry
        return vector

    @cached_property
    def _amplitudes(self) -> tuple[list[Scalar], Array]:
        """The coefficient of each eigenvector, and what equal poles leave beside them."""
        left = self.wq**2 - self.limit  # n_0 minus the constant
        for j in self._driving:
            left = left - self._driven_vector(j)
        amplitudes = []
        rest = left
        tied = self._tied
        for root in self.roots:
            right, row = self.u / root.differences, self.z / root.differences
            amplitude = (row @ left) / (row @ right)
            amplitudes.append(amplitude)
            if tied.any():
                rest = rest - amplitude * right
        return amplitudes, rest

    @cached_property
    def _tied(self) -> BoolArray:
        """Which coordinates share their pole with another."""
        _, inverse, counts = np.unique(self.groups, return_inverse=True, return_counts=True)
        return counts[inverse] > 1

    def first_moment(self, window: Window) -> Array:
        """E of the returned eta, shape (d,)."""
        decay, _ = self._decay(self.x, window.first)
        if not window.averaged:
            return -self.wq * decay
        _, done = self._decay(self.x, window.count)
        return -self.wq * decay * done / (self.x * window.count)

    def second_moment(self, window: Window) -> Array:
        """E of the squared returned eta, shape (d,)."""
        weight = self._weights(window)
        amplitudes, rest = self._amplitudes
        total = self.limit * weight(None, None)
        for root, amplitude in zip(self.roots, amplitudes, strict=True):
            total = total + amplitude * self.u / root.differences * weight(root.b, None)
        for j in self._driving:
            total = total + self._driven_vector(j) * weight(self.x[j], j)
        for i in np.flatnonzero(self._tied):
            total[i] = total[i] + rest[i] * (self.x * 0 + weight(self.a[i], None))[i]
        return total

    def _weights(self, window: Window) -> Callable[[Scalar | None, int | None], Scalar | Array]:
        """By how much a sequence (1 - b)^t counts in the second moment of the returned eta.

        With F(y) = (1 - (1-y)^M) / y = sum_{t<M} (1-y)^t, an average of M iterates weighs it by
        M^-2 (F(b) + 2 (1 - x_i) (F(x_i) - F(b)) / (b - x_i)) in coordinate i. b = None stands
        for the constant sequence, and j for b = x_j exactly.
        """
        x, count = self.x, window.count
        if not window.averaged:
            return lambda b, j: 1 if b is None else self._decay(b, window.first)[0]
        rho = 1 - x
        F_x = self._decay(x, count)[1] / x
        derivative = (F_x - count * self._decay(x, count - 1)[0]) / x  # -F'(x)

        # divided by M twice: M^2 is past the integers that NumPy 1 divides by
        def weight(b: Scalar | None, j: int | None) -> Array:
            if b is None:
                return (count + 2 * rho * (count - F_x) / x) / count / count
            F_b = self._decay(b, count)[1] / b
            gaps = b - x
            if j is None:
                quotient = (F_x - F_b) / gaps
            else:
                same = self.groups == self.groups[j]
                gaps[same] = gaps[same] * 0 + 1
                quotient = (F_x - F_b) / gaps
                quotient[same] = derivative[same]
            start, _ = self._decay(b, window.first)
            return start * (F_b + 2 * rho * quotient) / count / count

        return weight

    def _decay(self, loss: Scalar | Array, n: int) -> tuple[Scalar | Array, Scalar | Array]:
        return self.instance.arithmetic.decay(loss, n)
