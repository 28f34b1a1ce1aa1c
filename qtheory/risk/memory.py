r"""Stability and limit of an update that carries more than w, or whose stored weights are rounded.

Its map on the second moments of a coordinate i is a small matrix L_i, and the gradient couples the
coordinates through E w_i^2 alone, with a low rank: S' = L S + sum_r (c u_r) (z_r . E w^2) + const,
c the row of numbers with which E g^2 enters the moments of one coordinate. All of it keeps second
moments what they are, a cone, so by Krein and Rutman the map contracts if and only if every L_i
does and the matrix M_rs = z_r . [(1 - L)^{-1} c u_s]_ww has spectral radius theta < 1. Without
memory this is the theta of :mod:`qtheory.risk.stability`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qtheory.model.instance import Instance
from qtheory.numbers.arithmetic import Array
from qtheory.risk.recursion import update_for
from qtheory.risk.update import BEFORE, MEAN_W, SQUARE_W, Form, Key

_HALVINGS = 100
_OCTAVES, _PER_OCTAVE = 40, 8
_NEAR = 4 * np.finfo(float).eps


@dataclass(frozen=True, eq=False)
class CarriedMap:
    """The map of one update on second moments, in float64; arrays have d as their first axis."""

    forms: dict[Key, Form]
    size: int

    @classmethod
    def of(cls, instance: Instance, stepsize: float) -> CarriedMap:
        """That of an instance at one stepsize and its batch."""
        update = update_for(instance, instance.batch, summing=False)
        return cls(update.at(np.float64(stepsize)), len(update.zero))

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The second moments, that of w first."""
        return tuple(key for key in self.forms if len(key) == 2)

    @cached_property
    def coordinates(self) -> Array:
        """The matrices L_i, of shape (d, k, k)."""
        found = np.zeros((self.size, len(self.keys), len(self.keys)))
        for a, key in enumerate(self.keys):
            for source, block in self.forms[key].blocks.items():
                if source in self.keys:
                    found[:, a, self.keys.index(source)] = block.diagonal
        return found

    @cached_property
    def couplings(self) -> list[tuple[Array, Array]]:
        """For each z of the gradient, sum_r c u_r over the terms that have it, of shape (d, k)."""
        found: dict[int, tuple[Array, Array]] = {}
        for a, key in enumerate(self.keys):
            block = self.forms[key].blocks.get(SQUARE_W)
            for left, right in zip(block.left, block.right, strict=True) if block else ():
                every, _ = found.setdefault(
                    id(right), (np.zeros((self.size, len(self.keys))), right)
                )
                every[:, a] += left
        return list(found.values())

    @cached_property
    def theta(self) -> float:
        """The spectral radius of the feedback; infinite where one coordinate alone grows."""
        if np.max(np.abs(np.linalg.eigvals(self.coordinates))) >= 1:
            return math.inf
        return float(np.max(np.abs(np.linalg.eigvals(self.feedback)), initial=0.0))

    @cached_property
    def responses(self) -> list[Array]:
        """[(1 - L)^{-1} c u_s]_ww for each term of low rank."""
        return [self._resolved(left)[:, 0] for left, _ in self.couplings]

    @cached_property
    def feedback(self) -> Array:
        """The matrix M."""
        rows = [[right @ response for response in self.responses] for _, right in self.couplings]
        return np.array(rows).reshape(len(rows), len(rows))

    def _resolved(self, right: Array) -> Array:
        """(1 - L_i)^{-1} times a vector for each coordinate."""
        unit = np.eye(len(self.keys))
        return np.linalg.solve(unit - self.coordinates, right[..., None])[..., 0]

    def settled(self, mean: Array) -> Array:
        """E w^2 once nothing changes any more, given the mean that all weights have then."""
        means = {key: mean if key in (MEAN_W, (BEFORE,)) else mean * 0 for key in self.forms}
        constant = np.zeros((self.size, len(self.keys)))
        for a, key in enumerate(self.keys):
            form = self.forms[key]
            constant[:, a] = form.constant
            for source, block in form.blocks.items():
                if source not in self.keys:
                    constant[:, a] += block @ means[source]
        alone = self._resolved(constant)[:, 0]
        driven = np.array([right @ alone for _, right in self.couplings])
        weights = np.linalg.solve(np.eye(len(driven)) - self.feedback, driven)
        return alone + sum(w * each for w, each in zip(weights, self.responses, strict=True))


def largest_stepsize(instance: Instance, longest: float) -> float:
    """The largest stable stepsize below one that is not; 0 if there is none.

    Small stepsizes need not be stable: relative errors of stored weights raise E w^2 at every step,
    by a factor that only a long step takes back. So stepsizes are tried from the longest on, and
    the edge is found by bisection above the first that is stable.
    """
    tried = [longest * 2 ** (-k / _PER_OCTAVE) for k in range(_OCTAVES * _PER_OCTAVE)]
    is_stable = (step for step in tried if CarriedMap.of(instance, step).theta < 1)
    low = next(is_stable, 0.0)
    if low == 0.0:
        return 0.0
    high = min(low * 2 ** (1 / _PER_OCTAVE), longest)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if CarriedMap.of(instance, middle).theta < 1:
            low = middle
        else:
            high = middle
        if high - low <= _NEAR * high:
            break
    return low
