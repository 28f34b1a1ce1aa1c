"""Affine maps by blocks, most of which are diagonal: their products in machine numbers.

The map of one update acts on (1, the moments). Its power keeps diagonal what no low rank touches,
so that with the sums of an average six dense blocks are multiplied in the place of 25.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qtheory.numbers.arithmetic import Array
from qtheory.risk.update import Form, Key, Moments


@dataclass(frozen=True, eq=False)
class BlockMap:
    """A block of shape (d,), a diagonal, or (d, d) for each pair of moments, and constants."""

    blocks: Mapping[tuple[Key, Key], Array]
    constants: Mapping[Key, Array]

    @classmethod
    def of(cls, forms: Mapping[Key, Form], zero: Array) -> BlockMap:
        """That of one update."""
        blocks = {
            (key, source): block.dense() if block.left else block.diagonal + zero
            for key, form in forms.items()
            for source, block in form.blocks.items()
        }
        return cls(blocks, {key: form.constant + zero for key, form in forms.items()})

    def __call__(self, moments: Moments) -> Moments:
        """The moments after it."""
        after = dict(self.constants)
        for (key, source), block in self.blocks.items():
            after[key] = after[key] + _applied(block, moments[source])
        return after

    def __matmul__(self, first: BlockMap) -> BlockMap:
        """The map that is this one after another."""
        blocks: dict[tuple[Key, Key], Any] = {}
        for (key, middle), left in self.blocks.items():
            for source in self.constants:
                right = first.blocks.get((middle, source))
                if right is not None:
                    product = _product(left, right)
                    found = blocks.get((key, source))
                    blocks[key, source] = product if found is None else _sum(found, product)
        return BlockMap(blocks, self(dict(first.constants)))

    def repeated(self, times: int, moments: Moments) -> Moments:
        """The moments after it has been applied this many times."""
        power = self
        while times:
            if times % 2:
                moments = power(moments)
            times //= 2
            if times:
                power = power @ power
        return moments


def _applied(block: Array, vector: Array) -> Array:
    return block @ vector if block.ndim == 2 else block * vector


def _product(left: Array, right: Array) -> Array:
    if left.ndim == right.ndim == 2:
        return left @ right
    return left * right if left.ndim == right.ndim or left.ndim == 2 else left[:, None] * right


def _sum(left: Array, right: Array) -> Array:
    if left.ndim == right.ndim:
        return left + right
    dense, diagonal = (left, right) if left.ndim == 2 else (right, left)
    total = dense.copy()
    total[np.diag_indices(len(diagonal))] += diagonal
    return total
