"""A number format with one scale per channel, which is one per coordinate of a vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Self

import numpy as np
import sympy as sp

from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.error_estimates import ErrorEstimate
from qtheory.model.number_format import NumberFormat, UnevenFormat, real_numbers
from qtheory.model.rounding import Bits, round_to_grid
from qtheory.numbers.arrays import Floats, sequence
from qtheory.numbers.exact import Number, positive

# As many scales as are written out.
_SHOWN = 8


@dataclass(frozen=True, repr=False)
class ChannelFormat(UnevenFormat):
    """A format with a scale of its own on every coordinate; see :meth:`NumberFormat.scaled_by`.

    Without scales it is a wish: :meth:`scaled_to`, :func:`qtheory.calibrate` and
    :func:`qtheory.compare_formats` find them. One number by itself has one scale, and the plain
    format does the same.

    Examples
    --------
    >>> from qtheory.model.formats import get
    >>> int8 = get("int8").scaled_by("channel").scaled_to([[127, 1], [-63.5, 0.5]])
    >>> int8
    formats.get('int8').scaled_by('channel', ['1', '1/127'])
    >>> int8.round([3.2, 0.25], mode="nearest")
    array([3.       , 0.2519685])
    """

    scales: tuple[sp.Expr, ...] = ()

    @property
    def largest(self) -> sp.Expr:
        """The largest value of all coordinates."""
        return max(each.largest for each in self.formats)

    @property
    def formats(self) -> tuple[NumberFormat, ...]:
        """The plain format of each coordinate."""
        if not self.scales:
            allowed = "known: scaled_to(x) or calibrate finds a scale for every coordinate"
            raise InvalidArgumentError("scales", self.scales, allowed)
        return tuple(replace(self.element, scale=scale) for scale in self.scales)

    def of_coordinates(self, dim: int) -> list[NumberFormat]:
        """The format of each coordinate of a vector; InvalidArgumentError if it has not as many."""
        found = list(self.formats)
        if len(found) != dim:
            raise InvalidArgumentError("scales", self.scales, f"{dim} of them, one per coordinate")
        return found

    @cached_property
    def units(self) -> Floats:
        """The scales in float64, shape (d,)."""
        return np.array([each.unit for each in self.formats])

    def round(
        self,
        x: Any,
        rng: Bits | None = None,
        mode: str = "stochastic",
        random_bits: int | None = None,
        *,
        saturate: bool = True,
    ) -> Floats:
        """Every entry of x, of shape (..., d), rounded under the scale of its coordinate."""
        array, units = real_numbers(x), self.units
        if array.ndim == 0 or array.shape[-1] != len(units):
            raise InvalidArgumentError("x", x, f"an array of shape (..., {len(units)})")
        return round_to_grid(array, self.grid, units, mode, rng, random_bits, saturate)

    def scaled_to(self, x: Any, *, power_of_two: bool = False) -> Self:
        """The format scaled, per coordinate, so that the largest magnitude is the largest value.

        Parameters
        ----------
        x
            Finite numbers of shape (..., d), such as the rows of a table. A coordinate of zeros
            keeps the scale 1.
        power_of_two
            Whether the scales are rounded up to powers of two.
        """
        array = real_numbers(x)
        if array.ndim == 0 or array.size == 0:
            raise InvalidArgumentError("x", x, "an array of shape (..., d)")
        peaks = np.abs(array).reshape(-1, array.shape[-1]).max(axis=0)
        plain = replace(self.element, scale=sp.S.One)
        scaled = (plain.scaled_to(peak, power_of_two=power_of_two) for peak in peaks)
        return replace(self, scales=tuple(each.scale for each in scaled))

    def fitted_to(self, peaks: Floats) -> NumberFormat:
        """The format scaled to what it meets, the plain one for numbers by themselves."""
        if np.size(peaks) == 1:
            return self.element.fitted_to(peaks)
        return self.scaled_to(peaks, power_of_two=self.grid.mantissa_bits is not None)

    def scaled_by(self, by: str, scales: Sequence[Number] | None = None) -> NumberFormat:
        """Other scales of the same element, or one for all."""
        return self.element.scaled_by(by, scales)

    def error_estimate(
        self, scale: Number | None = None, mode: str = "stochastic", *, subnormals: bool = False
    ) -> ErrorEstimate:
        """The error model, if it is the same for all coordinates.

        Raises
        ------
        HypothesisError
            If the step is constant on a coordinate and differs between coordinates.
        """
        if scale is not None:
            raise InvalidArgumentError("scale", scale, "None: the scales are those of coordinates")
        found = [each.error_estimate(None, mode, subnormals=subnormals) for each in self.formats]
        if any(each.model != found[0].model for each in found):
            raise HypothesisError(
                f"{self!r} has an additive error of another level on every coordinate, which no "
                "single level describes: excess_risk takes it as it is on the data, and simulate "
                "takes it everywhere"
            )
        low = max(each.valid[0] for each in found)
        high = min(each.valid[1] for each in found)
        return replace(found[0], valid=(low, high))

    def _scale_of_one(self, point: Fraction) -> Fraction:
        allowed = "a format with one scale where the law of one number is asked"
        raise InvalidArgumentError("format", self, allowed)

    def __repr__(self) -> str:
        if not self.scales:
            return f"{self.element!r}.scaled_by('channel')"
        shown = [str(scale) for scale in self.scales[:_SHOWN]]
        rest = len(self.scales) - len(shown)
        more = f" and {rest} more" if rest else ""
        return f"{self.element!r}.scaled_by('channel', {shown}{more})"


@dataclass(frozen=True, repr=False)
class PlainFormat(NumberFormat):
    """A format of which every number is rounded for itself, under a scale of its channel or one."""

    def scaled_by(self, by: str, scales: Sequence[Number] | None = None) -> NumberFormat:
        """As it is, with one scale, or with one per channel."""
        if by == "channel":
            allowed = "a sequence of positive numbers"
            given = () if scales is None else sequence(scales, "scales", allowed)
            known = tuple(positive(each, "scales") for each in given)
            return ChannelFormat(f"{self.name} per channel", self, known)
        if by != "tensor":
            raise InvalidArgumentError("by", by, "'tensor' or 'channel'")
        if scales is not None:
            raise InvalidArgumentError("scales", scales, "None by tensor: get(name, scale=...)")
        return self
