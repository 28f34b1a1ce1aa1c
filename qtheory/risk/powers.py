"""The moments of the iterates by powers of the step, as one matrix.

An update is affine on the moments of what it carries: (1, m, v) and, with the sums of iterates,
(1, m, v, s m, s w, s v), a matrix of size 2d+1 or 5d+1, whose N-th power takes log2(N) products.
It needs no structure of the step, so it serves where the closed form does not apply, and checks it
where it does. Each stretch of a schedule has a power of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import flint
import numpy as np

from qtheory.model.instance import Instance, Stretch
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Array
from qtheory.risk.block_maps import BlockMap
from qtheory.risk.recursion import centred, update_for
from qtheory.risk.update import MEAN_W, SQUARE_W, SUM, Moments, Update


def moments(instance: Instance, windows: Sequence[Window]) -> list[tuple[Array, Array]]:
    """E eta and E eta^2 of eta = w - w^q for each window; in balls, or in complex numbers."""
    return [centred(instance, *output_moments(instance, window)) for window in windows]


def output_moments(instance: Instance, window: Window) -> tuple[Array, Array]:
    """E w and E w^2 of what SGD returns."""
    moments = update_for(instance, instance.batch, summing=window.averaged).start()
    for stretch in instance.stretches(window):
        update = update_for(instance, stretch.batch, summing=stretch.summing)
        moments = moments | _repeated(update, stretch, moments)
    if not window.averaged:
        return moments[MEAN_W], moments[SQUARE_W]
    return moments[(SUM,)] / window.count, moments[(SUM, SUM)] / window.count**2


def _repeated(update: Update, stretch: Stretch, moments: Moments) -> Moments:
    """The moments of an update after a stretch of constant steps."""
    if update.zero.dtype != object:
        block_map = BlockMap.of(update.at(stretch.stepsize), update.zero)
        return block_map.repeated(stretch.steps, moments)
    one = update.zero[:1] + 1
    vector = np.concatenate([one, update.as_vector(moments)])
    return update.as_moments(applied(update.dense(stretch.stepsize), stretch.steps, vector)[1:])


def applied(matrix: Array, times: int, vector: Array) -> Array:
    """matrix^times vector, of balls."""
    power = flint.arb_mat(matrix.tolist()) ** times
    column = flint.arb_mat([[entry] for entry in vector])
    return np.array((power * column).entries(), dtype=object)
