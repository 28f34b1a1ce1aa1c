r"""The moments of the iterates in closed form in the number of steps.

For eta = w - w^q the mean is -w^q rho^t, and n_t = E eta_t^2 (per coordinate) obeys

    n' = G n + c_0 + (terms in rho_j^t),      G = diag(1 - a) + u z^T,

so n_t is a constant plus geometric sequences: one for each eigenvalue of G (1 minus a root of the
secular equation) and one for each rho_j. Averages of iterates weigh each sequence by a sum known
in closed form. Everything costs O(d^2), whatever the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from qtheory.errors import PrecisionError
from qtheory.model.instance import Instance, NumericFormat
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Array, Balls, Scalar
from qtheory.risk.recursion import Step
from qtheory.risk.secular import Roots, blocks, secular_roots, sums_within
from qtheory.risk.stationary import stationary_second_moment

#: E eta and E eta^2.
Moments = tuple[Array, Array]
# The factor of each of several sequences (1 - b)^t, and that of each of them in each coordinate.
_Weights = Callable[[Array, slice | None], tuple[Array, Array | None]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
IntArray = np.ndarray[Any, np.dtype[np.integer[Any]]]


def moments(instance: Instance, windows: Sequence[Window]) -> list[tuple[Array, Array]]:
    """E eta and E eta^2 of eta = w - w^q for each window, from one factorisation.

    Raises
    ------
    PrecisionError
        If two rates of decay cannot be told apart at this precision.
    """
    if instance.schedule is not None:
        found = [_over_stretches(instance, window) for window in windows]
    else:
        form = ClosedForm(instance)
        found = [_of_window(form, window) for window in windows]
    if isinstance(instance.arithmetic, Balls):
        for _, second in found:
            if not all(entry.is_finite() for entry in second):
                raise PrecisionError("two rates of decay cannot be told apart at this precision")
    return found


def _of_window(form: ClosedForm, window: Window) -> Moments:
    if window.is_start:
        return -form.wq, form.wq**2  # w_0 = 0, exactly so
    return form.first_moment(window), form.second_moment(window)


def _over_stretches(instance: Instance, window: Window) -> Moments:
    """The same where stepsize and batch change a few times: each stretch from where it begins.

    Of eta and of the sum s of the eta in the window, E eta, E eta^2, E s, E s eta and E s^2.
    """
    wq = instance.quantized_target
    mean, square = -wq, wq**2
    sum_mean = sum_eta = sum_square = wq * 0
    for stretch in instance.stretches(window):
        times = stretch.steps
        alone = Window(times, 1, averaged=False)
        constant = replace(instance, schedule=None, stepsize=stretch.stepsize, batch=stretch.batch)
        form = ClosedForm(constant, (mean, square))
        if stretch.summing:
            whole = Window(0, times, averaged=True)
            decay, done = form._decay(form.x, times)
            own = form.second_moment(whole) * times * times
            sum_square = sum_square + 2 * sum_eta * done / form.x + own
            sum_mean = sum_mean + form.first_moment(whole) * times
            sum_eta = sum_eta * decay + form.sum_with_end(times)
        mean, square = form.first_moment(alone), form.second_moment(alone)
    if not window.averaged:
        return mean, square
    return sum_mean / window.count, sum_square / window.count / window.count


class ClosedForm:
    """The factorisation of one instance; moments for any window of iterates follow from it.

    ``start`` is E eta and E eta^2 at the first step; without it w_0 = 0.

    Needs G of rank one besides its diagonal: no additive data errors beside shared ones, or beside
    covariates whose coordinates share a factor. Until a second moment is asked for, nothing is
    factorised.
    """

    def __init__(self, instance: Instance, start: Moments | None = None) -> None:
        self.instance = instance
        self.step = step = Step.of(instance)
        self.a, self.x = step.loss, step.x
        self.wq = instance.quantized_target
        self.start_mean, self.start_square = start or (-self.wq, self.wq**2)
        self.groups = instance.groups
        # Where the noise is independent of the quantized data no rho_j^t enters (theorem T4').
        levels = (instance.parameter, instance.activation)
        # Of additive data errors it is independent only if x is Gaussian.
        self.is_driven = (
            isinstance(instance.data, NumericFormat)
            or any(level.multiplicative != 0 for level in (*levels, instance.data))
            or (instance.data.additive != 0 and not _is_gaussian(instance))
        )

    @property
    def has_rank_one(self) -> bool:
        """Whether G has rank one besides its diagonal."""
        return len(self.step.gain.left) == 1

    @cached_property
    def u(self) -> Array:
        """The left vector of G."""
        (left,) = self.step.gain.left
        return left

    @cached_property
    def z(self) -> Array:
        """The right vector of G."""
        (right,) = self.step.gain.right
        return right

    @cached_property
    def roots(self) -> Roots:
        """The secular roots, one for each distinct pole."""
        poles, weights = (self.step.own_loss, self.step.common_loss), self.u * self.z
        return secular_roots(*poles, weights, self.groups, self.instance.arithmetic)

    @cached_property
    def limit(self) -> Array:
        """The constant part of n_t, its limit as t grows: (1 - G)^{-1} c_0."""
        return stationary_second_moment(self.instance, self.step)

    @cached_property
    def _driven(self) -> tuple[Array, Array]:
        """The sequences rho_j^t: for each j what multiplies u in P_j, and its own entry.

        n_t contains P_j rho_j^t, where (rho_j - G) P_j = (2 gain w^q_j + mixed) E eta_0j e_j. With
        w = u z, the gaps g_i = a_i - x_j, own_j e_j the diagonal part of that right side, shared_j
        the rest divided by u, and W and r = 1 - sum w_i / g_i summed within the group of j and
        without it,

            P_j = (shared_j g_j + z_j own_j) / (W - r g_j)  u / g - e_j own_j / g_j.

        Alone in its group, coordinate j has the entry (shared_j u_j + own_j r) / (W - r g_j): the
        poles at a_j = x_j cancel there, and numbers must not be left to do it.
        """
        step, wq, z, u = self.step, self.wq, self.z, self.u
        pull = -self.start_mean
        own = (2 * step.gain.diagonal * wq + step.mixed.diagonal) * pull
        # The low-rank parts of gain and mixed have parallel left vectors.
        ratio = step.mixed.left[0][0] / u[0]
        shared = (2 * z * wq + ratio * step.mixed.right[0]) * pull
        weights, gap, rest = u * z, self.a - self.x, self.a * 0
        for rows in blocks(len(wq), len(wq)):
            j, i = self._groups(rows)
            gaps = self.a - self.x[rows, None]
            gaps[j, i] = 1
            quotients = weights / gaps
            quotients[j, i] = 0
            rest[rows] = 1 - quotients.sum(axis=1)
        within = sums_within(weights, self.groups)
        response = within - rest * gap
        factor = (shared * gap + z * own) / response
        entry = (shared * u + own * rest) / response
        tied = np.flatnonzero(self._tied)
        others = own[tied] * (within - weights)[tied] / (gap * response)[tied]
        entry[tied] = entry[tied] - others
        return factor, entry

    def _groups(self, rows: slice) -> tuple[IntArray, IntArray]:
        """Row and column of each coordinate that is in the group of the row."""
        j, i = np.nonzero(self.groups[rows, None] == self.groups)
        return j, i

    @property
    def _driving(self) -> Iterator[slice]:
        return blocks(len(self.x) if self.is_driven else 0, len(self.x))

    def _driven_vectors(self, rows: slice) -> Array:
        """P_j / u in rows."""
        factor, entry = self._driven
        own = np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)
        gaps = self.a - self.x[rows, None]
        gaps[own] = 1
        vectors = factor[rows, None] / gaps
        vectors[own] = (entry / self.u)[rows]
        return vectors

    @cached_property
    def _amplitudes(self) -> tuple[Array, Array]:
        """The coefficient of each eigenvector, and what equal poles leave beside them."""
        rest = self.start_square - self.limit  # n_0 minus the constant
        for rows in self._driving:
            rest = rest - self.u * self._driven_vectors(rows).sum(axis=0)
        left, weights = self.z * rest, self.u * self.z
        amplitudes = self.roots.offsets * 0
        for rows in blocks(len(self.roots), len(self.x)):
            inverse = 1 / self.roots[rows].differences
            amplitudes[rows] = (inverse @ left) / (inverse**2 @ weights)
            if self._tied.any():
                rest = rest - self.u * (amplitudes[rows] @ inverse)
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
            return self.start_mean * decay
        _, done = self._decay(self.x, window.count)
        return self.start_mean * decay * done / (self.x * window.count)

    def second_moment(self, window: Window) -> Array:
        """E of the squared returned eta, shape (d,)."""
        return self._weighted(*self._weights(window))

    def sum_with_end(self, steps: int) -> Array:
        """E (eta_0 + ... + eta_{N-1}) eta_N, shape (d,): the sum of rho^{N-t} E eta_t^2."""
        x, rho = self.x, 1 - self.x
        decay_x, done_x = self._decay(x, steps)
        before, _ = self._decay(x, steps - 1)

        def weights(b: Array, rows: slice | None) -> tuple[Array, Array]:
            decay_b, _ = self._decay(b, steps)
            gaps = x - b[:, None]
            if rows is not None:
                j, i = self._groups(rows)
                gaps[j, i] = 1
            quotient = (decay_b[:, None] - decay_x) / gaps
            if rows is not None:
                quotient[j, i] = steps * before[i]
            return b * 0 + 1, rho * quotient

        return self._weighted(rho * done_x / x, weights)

    def _weighted(self, constant: Any, weights: _Weights) -> Array:
        """The sequences of E eta_t^2, each counted by its weight."""
        amplitudes, rest = self._amplitudes
        total = self.limit * constant
        for rows in blocks(len(self.roots), len(self.x)):
            roots = self.roots[rows]
            common, own = weights(roots.b, None)
            sequences = 1 / roots.differences
            total = total + self.u * _summed(amplitudes[rows] * common, sequences, own)
        for rows in self._driving:
            common, own = weights(self.x[rows], rows)
            total = total + self.u * _summed(common, self._driven_vectors(rows), own)
        tied = np.flatnonzero(self._tied)
        if len(tied):
            common, own = weights(self.a[tied], None)
            beside = rest[tied] * common
            if own is not None:
                beside = beside * own[np.arange(len(tied)), tied]
            total[tied] = total[tied] + beside
        return total

    def _weights(self, window: Window) -> tuple[Array | int, _Weights]:
        """By how much sequences (1 - b)^t count in the second moment of the returned eta.

        With F(y) = (1 - (1-y)^M) / y = sum_{t<M} (1-y)^t, an average of M iterates weighs each by
        M^-2 (F(b) + 2 (1 - x_i) (F(x_i) - F(b)) / (b - x_i)) in coordinate i. First that of the
        constant sequence, then a function for several b (equal to x of some rows, if these are
        given): it gives the factor of each sequence, and that of each sequence in each coordinate.
        """
        x, count = self.x, window.count
        if not window.averaged:
            return 1, lambda b, rows: (self._decay(b, window.first)[0], None)
        rho = 1 - x
        F_x = self._decay(x, count)[1] / x
        derivative = (F_x - count * self._decay(x, count - 1)[0]) / x  # -F'(x)

        def weights(b: Array, rows: slice | None) -> tuple[Array, Array]:
            F_b = self._decay(b, count)[1] / b
            gaps = b[:, None] - x
            if rows is None:
                quotient = (F_x - F_b[:, None]) / gaps
            else:
                j, i = self._groups(rows)
                gaps[j, i] = 1
                quotient = (F_x - F_b[:, None]) / gaps
                quotient[j, i] = derivative[i]
            start, _ = self._decay(b, window.first)
            # divided by M twice: M^2 is past the integers that NumPy 1 divides by
            return start / count / count, F_b[:, None] + 2 * rho * quotient

        return (count + 2 * rho * (count - F_x) / x) / count / count, weights

    def _decay(self, loss: Scalar | Array, n: int) -> tuple[Scalar | Array, Scalar | Array]:
        return self.instance.arithmetic.decay(loss, n)


def _is_gaussian(instance: Instance) -> bool:
    """Whether the covariates have the fourth moments of Gaussian ones."""
    return instance.fourth is not None and (instance.fourth.own, instance.fourth.between) == (3, 1)


def _summed(coefficients: Array, sequences: Array, weights: Array | None) -> Array:
    """The sum of the rows with these coefficients, and with a weight for each entry if given."""
    return coefficients @ (sequences if weights is None else sequences * weights)
