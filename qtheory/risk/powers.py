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
from qtheory.risk.block_maps import BlockMap
from qtheory.risk.recursion import centred, update_for
from qtheory.risk.update import MEAN_W, SQUARE_W, SUM, Moments, Update


def moments(instance: Instance, windows: Sequence[Window]) -> list[tuple[Array, Array]]:
    """E eta and E eta^2 of eta = w - w^q for each window; in balls, or in complex numbers."""
    return [centred(instance, *output_moments(instance, window)) for window in windows]


def output_moments(instance: Instance, window: Window) -> tuple[Array, Array]:
    """E w and E w^2 of what SGD returns."""
    moments = update_for(instance, instance.batch, summing=window.averaged).start()
    for update, stepsize, times in stretches(instance, window):
        moments = moments | _repeated(update, stepsize, times, moments)
    if not window.averaged:
        return moments[MEAN_W], moments[SQUARE_W]
    return moments[(SUM,)] / window.count, moments[(SUM, SUM)] / window.count**2


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


def _repeated(update: Update, stepsize: Scalar, times: int, moments: Moments) -> Moments:
    """The moments of an update after this many steps."""
    if update.zero.dtype != object:
        return BlockMap.of(update.at(stepsize), update.zero).repeated(times, moments)
    d = len(update.zero)
    vector = np.concatenate([update.zero[:1] + 1, *(moments[key] for key in update.keys)])
    power = flint.arb_mat(step_matrix(update, stepsize).tolist()) ** times
    column = (power * flint.arb_mat([[entry] for entry in vector])).entries()
    after = np.array(column, dtype=object)
    return {key: after[1 + k * d : 1 + (k + 1) * d] for k, key in enumerate(update.keys)}
