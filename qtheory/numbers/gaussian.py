r"""Moments of a stochastically rounded Gaussian, certified.

For x ~ N(0, variance) and rounding to a symmetric grid 0 = v_0 < v_1 < ... < v_K (and its
negatives), E[Q^k | x] is linear in x between two neighbours l < h,

    E[Q^k | x] = l^k + (h^k - l^k) / (h - l) (x - l),

and v_K^k beyond v_K, so every moment is a sum of partial moments of the Gaussian over the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from qtheory.numbers.arithmetic import Array
from qtheory.numbers.precision import working_bits

Grid = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class RoundedMoments:
    """One-dimensional moments of x and Q = Q(x)."""

    square: flint.arb  # E Q^2
    product: flint.arb  # E x Q
    fourth: flint.arb  # E Q^4
    cube_product: flint.arb  # E Q^3 x
    square_square: flint.arb  # E Q^2 x^2


def rounded_moments(
    magnitudes: Grid, scale: Fraction, variance: flint.arb, bits: int
) -> RoundedMoments:
    """The moments in balls of about this many bits.

    Cells so small, or so far out, that they matter less than 2^-bits are bounded, not summed.
    """
    with working_bits(bits + 60):
        grid = magnitudes
        first, last = _cells_that_matter(grid, float(scale), float(variance), bits)
        unit = flint.arb(flint.fmpq(scale.numerator, scale.denominator))
        # float64 holds the values of a format exactly
        knots = np.array([flint.arb(float(v)) * unit for v in grid[first : last + 1]], dtype=object)
        saturates = last == len(grid) - 1
        half = _HalfLine(knots, variance, first > 0, saturates)
        return RoundedMoments(
            square=half.moment(2, 0),
            product=half.moment(1, 1),
            fourth=half.moment(4, 0),
            cube_product=half.moment(3, 1),
            square_square=half.moment(2, 2),
        )


def cells(magnitudes: Grid, scale: Fraction, variance: flint.arb, bits: int) -> int:
    """Over how many cells :func:`rounded_moments` sums."""
    first, last = _cells_that_matter(magnitudes, float(scale), float(variance), bits)
    return last - first


def _cells_that_matter(grid: Grid, scale: float, variance: float, bits: int) -> tuple[int, int]:
    deviation = variance**0.5 / scale
    first = int(np.searchsorted(grid, deviation * 2.0 ** (-bits / 3), side="right")) - 1
    last = int(np.searchsorted(grid, deviation * (2 * bits * 0.6932 + 20) ** 0.5))
    return max(first, 0), min(max(last, first + 1), len(grid) - 1)


class _HalfLine:
    """Moments over x > 0 of the cells between the knots, doubled by symmetry."""

    def __init__(
        self, knots: Array, variance: flint.arb, inner_left_out: bool, saturates: bool
    ) -> None:
        self.low, self.high = knots[:-1], knots[1:]
        self.inner, self.outer, self.largest = inner_left_out, not saturates, knots[-1]
        self.smallest = knots[0]
        deviation = variance.sqrt()
        root = (2 * flint.arb.pi()).sqrt() * deviation
        density = np.array([(-(v * v) / (2 * variance)).exp() / root for v in knots], dtype=object)
        tail = np.array(
            [(v / (deviation * flint.arb(2).sqrt())).erfc() / 2 for v in knots], dtype=object
        )
        self.peak = 1 / root
        # partial[n] = int over each cell of x^n, beyond[n] = int over x > v_K of x^n
        self.partial, self.beyond = [tail[:-1] - tail[1:]], [tail[-1]]
        for n in range(1, 5):
            edge = density if n == 1 else knots ** (n - 1) * density
            cell, rest = edge[:-1] - edge[1:], edge[-1]
            if n > 1:
                cell = cell + (n - 1) * self.partial[n - 2]
                rest = rest + (n - 1) * self.beyond[n - 2]
            self.partial.append(variance * cell)
            self.beyond.append(variance * rest)

    def moment(self, k: int, j: int) -> flint.arb:
        """E Q^k x^j for k >= 1 and k + j even."""
        low, high = self.low, self.high
        # (h^k - l^k) / (h - l), without the division
        slope = low * 0
        for p in range(k):
            slope = slope + high**p * low ** (k - 1 - p)
        level = low**k - slope * low
        total = (level * self.partial[j] + slope * self.partial[j + 1]).sum()
        if self.outer:
            # Beyond the last knot Q <= 2 x: neighbours of a float differ by at most a factor 2.
            total = total + _between_zero_and(2**k * self.beyond[k + j])
        else:
            total = total + self.largest**k * self.beyond[j]
        if self.inner:
            # Below the first knot both Q and x are at most that knot.
            total = total + _between_zero_and(self.smallest ** (k + j + 1) * self.peak)
        return 2 * total


def _between_zero_and(bound: flint.arb) -> flint.arb:
    half = bound.abs_upper() / 2
    return flint.arb(half, half.abs_upper())
