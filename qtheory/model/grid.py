r"""The values of a number format at scale 1, and which two of them enclose a number.

The grid is symmetric. In the binade :math:`2^E \le |u| < 2^{E+1}` its step is :math:`2^{E-m}`
for m mantissa bits, but never below the least step :math:`2^k`: under the smallest normal number
the step is constant (subnormal numbers). Integers and fixed point have the least step everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class FormatGrid:
    """The values of a format at scale 1; every one is exact in float64.

    Parameters
    ----------
    mantissa_bits
        m, or None where the step is constant.
    least_exponent
        k: the least step is 2^k.
    largest
        The largest finite value.
    overflow
        What stands for a value beyond it: inf, nan, or None if the format has neither.
    """

    mantissa_bits: int | None
    least_exponent: int
    largest: float
    overflow: float | None

    @property
    def least_step(self) -> float:
        """The smallest value above 0."""
        return 2.0**self.least_exponent

    @property
    def smallest_normal(self) -> float:
        """The least magnitude from which the step grows, inf if it never does."""
        if self.mantissa_bits is None:
            return float("inf")
        return 2.0 ** (self.least_exponent + self.mantissa_bits)

    def step(self, size: Fraction) -> Fraction:
        """The step at a magnitude, as if the largest value were no limit."""
        exponent = self.least_exponent
        if self.mantissa_bits is not None and size > 0:
            exponent = max(exponent, _floor_log2(size) - self.mantissa_bits)
        return Fraction(2) ** exponent


def _floor_log2(value: Fraction) -> int:
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if Fraction(2) ** exponent <= value else exponent - 1


def law_of_stochastic_rounding(
    x: Fraction, grid: FormatGrid, random_bits: int | None
) -> list[tuple[Fraction, Fraction]]:
    r"""The values that saturating stochastic rounding gives to x, with their probabilities.

    With f the position of \|x\| between its neighbours, 0 at the one nearer to 0, the probability
    of the outer one is f rounded to a multiple of 2^-k, to nearest with ties to even, for k random
    bits. Without a number of bits it is f rounded up to a multiple of 2^-53, the resolution of
    ``rng.random``: that is f itself wherever \|x\| is at least one step, because x is a float64.

    Examples
    --------
    >>> law_of_stochastic_rounding(Fraction(5, 4), FormatGrid(None, 0, 7.0, None), random_bits=8)
    [(Fraction(1, 1), Fraction(3, 4)), (Fraction(2, 1), Fraction(1, 4))]
    """
    size, sign = abs(x), -1 if x < 0 else 1
    largest = Fraction(grid.largest)
    if size >= largest:
        return [(sign * largest, Fraction(1))]
    step = grid.step(size)
    low = size // step * step
    position = (size - low) / step
    if random_bits is None:
        up = Fraction(-(-position * 2**53 // 1), 2**53)
    else:
        up = Fraction(round(position * 2**random_bits), 2**random_bits)
    outcomes = [(low, 1 - up), (low + step, up)]
    return [(sign * value, chance) for value, chance in outcomes if chance > 0]
