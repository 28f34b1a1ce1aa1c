"""The moments of the iterates by powers of the step, as one matrix of balls.

The step is affine on (1, m, v) and, with the sums of iterates, on (1, m, v, s m, s w, s v): a
matrix of size 2d+1 or 5d+1, whose N-th power takes log2(N) products. It needs no structure of the
step, so it serves where the closed form does not apply, and checks it where it does.
"""

from __future__ import annotations

from collections.abc import Sequence

import flint
import numpy as np

from qtheory.model.instance import Instance
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Array
from qtheory.risk.recursion import Step, centred


def moments(instance: Instance, windows: Sequence[Window]) -> list[tuple[Array, Array]]:
    """E eta and E eta^2 of eta = w - w^q for each window; balls only."""
    return [centred(instance, *output_moments(instance, window)) for window in windows]


def output_moments(instance: Instance, window: Window) -> tuple[Array, Array]:
    """E w and E w^2 of what SGD returns."""
    d = len(instance.eigenvalues)
    step = Step.of(instance)
    start = np.array([flint.arb(1)] + [flint.arb(0)] * (2 * d), dtype=object)
    state = _applied(_step_matrix(step), window.first, start)
    if not window.averaged:
        return state[1 : d + 1], state[d + 1 :]
    state = np.concatenate([state, [flint.arb(0)] * (3 * d)])
    state = _applied(_step_matrix_with_sums(step), window.count, state)
    sum_m, sum_v = state[2 * d + 1 : 3 * d + 1], state[4 * d + 1 :]
    return sum_m / window.count, sum_v / window.count**2


def _applied(matrix: Array, times: int, vector: Array) -> Array:
    """matrix^times vector."""
    if times == 0:
        return vector
    power = flint.arb_mat(matrix.tolist()) ** times
    column = flint.arb_mat([[entry] for entry in vector])
    return np.array((power * column).entries(), dtype=object)


def _step_matrix(step: Step) -> Array:
    """The step on (1, m, v)."""
    d = len(step.x)
    one, m, v = slice(0, 1), slice(1, d + 1), slice(d + 1, 2 * d + 1)
    matrix = _zeros(2 * d + 1)
    matrix[one, one] = flint.arb(1)
    matrix[m, one], matrix[m, m] = step.drift[:, None], _diagonal(step.rho)
    matrix[v, one], matrix[v, m], matrix[v, v] = step.c[:, None], step.K.dense(), step.G.dense()
    return matrix


def _step_matrix_with_sums(step: Step) -> Array:
    """The step on (1, m, v, s m, s w, s v), with s' = s + w."""
    d = len(step.x)
    unit, rho, drift = np.array([flint.arb(1)] * d), step.rho, step.drift
    m, v, sum_m, sum_w, sum_v = (slice(k * d + 1, (k + 1) * d + 1) for k in range(5))
    matrix = _zeros(5 * d + 1)
    matrix[: 2 * d + 1, : 2 * d + 1] = _step_matrix(step)
    matrix[sum_m, m], matrix[sum_m, sum_m] = _diagonal(unit), _diagonal(unit)
    # E s' w' = rho (E s w + E w^2) + drift (E s + E w)
    matrix[sum_w, m], matrix[sum_w, v] = _diagonal(drift), _diagonal(rho)
    matrix[sum_w, sum_m], matrix[sum_w, sum_w] = _diagonal(drift), _diagonal(rho)
    matrix[sum_v, v], matrix[sum_v, sum_v] = _diagonal(unit), _diagonal(unit)
    matrix[sum_v, sum_w] = _diagonal(2 * unit)
    return matrix


def _zeros(size: int) -> Array:
    return np.full((size, size), flint.arb(0), dtype=object)


def _diagonal(entries: Array) -> Array:
    matrix = _zeros(len(entries))
    np.fill_diagonal(matrix, entries)
    return matrix
