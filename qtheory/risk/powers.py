"""The moments of the iterates by powers of the step, as one matrix.

An update is affine on the moments of what it carries: (1, m, v) and, with the sums of iterates,
(1, m, v, s m, s w, s v), a matrix of size 2d+1 or 5d+1, whose N-th power takes log2(N) products.
It needs no structure of the step, so it serves where the closed form does not apply, and checks it
where it does. Each stretch of a schedule has a power of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import flint
import numpy as np

from qtheory.model.instance import Instance
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Array, Scalar
from qtheory.risk.recursion import centred, update_for
from qtheory.risk.update import MEAN_W, SQUARE_W, SUM, Key, Update


def moments(instance: Instance, windows: Sequence[Window]) -> list[tuple[Array, Array]]:
    """E eta and E eta^2 of eta = w - w^q for each window; in balls, or in complex numbers."""
    return [centred(instance, *output_moments(instance, window)) for window in windows]


def output_moments(instance: Instance, window: Window) -> tuple[Array, Array]:
    """E w and E w^2 of what SGD returns."""
    alone, state = update_for(instance, instance.batch, summing=False), None
    for update, stepsize, times in stretches(instance, window):
        state = _applied(step_matrix(update, stepsize), times, _state(update, alone, state))
    update = update_for(instance, instance.batch, summing=window.averaged and window.count > 0)
    state = _state(update, alone, state)
    if not window.averaged:
        return _part(update, state, MEAN_W), _part(update, state, SQUARE_W)
    sum_m, sum_v = _part(update, state, (SUM,)), _part(update, state, (SUM, SUM))
    return sum_m / window.count, sum_v / window.count**2


def stretches(instance: Instance, window: Window) -> Iterator[tuple[Update, Scalar, int]]:
    """The updates that a run repeats, with their stepsize and how often; sums begin on time."""
    done = 0
    for count, stepsize, batch in instance.paces():
        for begin, end, summing in ((0, window.first, False), (window.first, window.last, True)):
            times = min(done + count, end) - max(done, begin)
            if times > 0:
                yield update_for(instance, batch, summing=summing), stepsize, times
        done += count


def step_matrix(update: Update, stepsize: Scalar) -> Array:
    """The step on (1, and the moments in the order of the keys of the update)."""
    return update.dense(stepsize)


def _state(update: Update, before: Update, state: Array | None) -> Array:
    """A vector of the moments of an update, from one that may lack those of the sums: 0 so far."""
    d, zero = len(update.zero), update.zero
    vector = np.concatenate([zero[:1] + 1, *([zero] * len(update.keys))])
    if state is None or len(state) == len(vector):
        return vector if state is None else state
    for k, key in enumerate(update.keys):
        if key in before.keys:
            vector[1 + k * d : 1 + (k + 1) * d] = _part(before, state, key)
    return vector


def _part(update: Update, state: Array, key: Key) -> Array:
    """One moment in a vector of them."""
    d, k = len(update.zero), update.keys.index(key)
    return state[1 + k * d : 1 + (k + 1) * d]


def _applied(matrix: Array, times: int, vector: Array) -> Array:
    """matrix^times vector; of balls by flint."""
    if matrix.dtype != object:
        return _powered(matrix, times, vector)
    power = flint.arb_mat(matrix.tolist()) ** times
    column = flint.arb_mat([[entry] for entry in vector])
    return np.array((power * column).entries(), dtype=object)


def _powered(matrix: Array, times: int, vector: Array) -> Array:
    """matrix^times vector, of machine numbers."""
    while times:
        if times % 2:
            vector = matrix @ vector
        times //= 2
        if times:
            matrix = matrix @ matrix
    return vector
