r"""Block formats: neighbouring numbers of a vector share a scale that their largest one decides.

The scale of a block of numbers :math:`u`, with the tensor scale :math:`s`, elements of the largest
value :math:`M` and :math:`e = \lfloor \log_2 M \rfloor`, is

.. math::
    X = 2^{\lfloor \log_2 \max |u| \rfloor - e} \ \text{(E8M0)}, \qquad
    X = s \cdot \mathrm{RN}\big(\max |u| / (M s)\big) \ \text{(E4M3)},

the first cut to :math:`2^{\pm 127}`, the second rounded to the nearest value of E4M3, ties to even,
and saturated. Every :math:`u / X` is then rounded to an element, with saturation. Powers of two
scale exactly, so that an E8M0 block is rounded without any error of float64.

- **Biased.** The largest number of a block lands in :math:`[2^e, 2^{e+1})`, which reaches beyond M,
  and is cut there; under an E4M3 scale it is if the scale was rounded down. So E[Q(u) | u] is not u
  and there is no error model; the other numbers of the block are rounded without bias.
- NaN stays NaN and decides no scale. An infinite number gets the largest scale and saturates. A
  block of zeros has the least scale, and an E4M3 scale that is rounded to 0 makes its block 0.
- Blocks go along the last axis in the order of the coordinates; the last one may be shorter. One
  number by itself (a label, an activation, the gradient of one sample) is a block of its own.

Sources: Open Compute Project, *OCP Microscaling Formats (MX)*, version 1.0, sections 5 and 6.3, for
E8M0, whose codes are 2^-127 to 2^127; NVIDIA, *Pretraining Large Language Models with NVFP4*
(arXiv:2509.25149), for blocks of 16 with E4M3 scales and a tensor scale in single precision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn, Self

import numpy as np
import sympy as sp

from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.number_format import NumberFormat, UnevenFormat, real_numbers
from qtheory.model.rounding import DITHERS, Bits, round_to_grid
from qtheory.numbers.arrays import Floats
from qtheory.numbers.exact import Number

_SCALE_BITS = 8
#: The exponents of E8M0.
LEAST_EXPONENT, MOST_EXPONENT = -127, 127
# Single precision, of normal numbers.
_LEAST_TENSOR_SCALE, _MOST_TENSOR_SCALE = Fraction(1, 2**126), Fraction((2**24 - 1) * 2**104)


@dataclass(frozen=True, repr=False)
class BlockFormat(UnevenFormat):
    """Elements that share a scale in blocks; get one with ``qt.formats.get("mxfp8_e4m3")``.

    ``scale`` is the tensor scale of a format with E4M3 scales, a number of single precision; the MX
    formats have none.

    Examples
    --------
    >>> from qtheory.model.formats import get
    >>> mxfp4 = get("mxfp4")
    >>> mxfp4.round([1.0, 0.3, -0.1, 7.9e-3], mode="nearest")
    array([ 1.   ,  0.25 , -0.125,  0.   ])
    >>> mxfp4.bits_per_number, get("nvfp4").bits_per_number
    (Fraction(17, 4), Fraction(9, 2))
    """

    block: int
    #: The format of the scales, or None for E8M0.
    scales: NumberFormat | None = None

    def __post_init__(self) -> None:
        if self.scales is None:
            if self.scale != 1:
                allowed = "1: the scales of an MX format are those of its blocks"
                raise InvalidArgumentError("scale", self.scale, allowed)
            return
        if not self.scale.is_Rational:
            return  # which the first use of it says
        given = Fraction(int(self.scale.p), int(self.scale.q))
        in_range = _LEAST_TENSOR_SCALE <= given <= _MOST_TENSOR_SCALE
        if not in_range or Fraction(float(np.float32(float(given)))) != given:
            allowed = "a normal number of single precision (scaled_to finds one)"
            raise InvalidArgumentError("scale", self.scale, allowed)

    @property
    def bits_per_number(self) -> Fraction:
        """The width of an element and its part of the scale of a full block."""
        return self.bits + Fraction(_SCALE_BITS, self.block)

    @property
    def bits_of_one(self) -> int:
        """What one number by itself takes, with a scale of its own."""
        return self.bits + _SCALE_BITS

    @property
    def is_biased(self) -> bool:
        """The largest number of a block may saturate."""
        return True

    @property
    def largest(self) -> sp.Expr:
        """The largest value, under the largest scale of a block."""
        most = 2**MOST_EXPONENT if self.scales is None else self.scales.largest
        return super().largest * most

    @property
    def top(self) -> float:
        """What the largest magnitude of a block is divided by: 2^e for E8M0, M s for E4M3."""
        if self.scales is None:
            return 2.0 ** (math.frexp(self.grid.largest)[1] - 1)
        return self.grid.largest * self.unit

    def block_scales(self, x: Any) -> Floats:
        """The scale that every entry of x is divided by; 0 where an E4M3 scale is.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> get("mxfp8_e4m3").block_scales([1.0, 1e-3, 300.0])
        array([1., 1., 1.])
        """
        sizes = np.nan_to_num(np.abs(np.atleast_1d(real_numbers(x))), nan=0.0, posinf=np.inf)
        length = sizes.shape[-1]
        padding = [(0, 0)] * (sizes.ndim - 1) + [(0, -length % self.block)]
        blocks = np.pad(sizes, padding).reshape(*sizes.shape[:-1], -1, self.block)
        scales = self._of_peaks(blocks.max(axis=-1))
        found = np.repeat(scales, self.block, axis=-1)[..., :length]
        return found.reshape(np.shape(x))

    def _of_peaks(self, peaks: Floats) -> Floats:
        with np.errstate(over="ignore"):
            relative = peaks / self.top
        if self.scales is not None:
            nearest = round_to_grid(relative, self.scales.grid, 1.0, "nearest", None, None, True)
            return nearest * self.unit
        # frexp is exact where a logarithm may be rounded up to a whole number
        exponents = np.where(np.isinf(peaks), MOST_EXPONENT, np.frexp(relative)[1] - 1)
        exponents = np.where(relative == 0, LEAST_EXPONENT, exponents)
        return np.ldexp(1.0, np.clip(exponents, LEAST_EXPONENT, MOST_EXPONENT))

    def round(
        self,
        x: Any,
        rng: Bits | None = None,
        mode: str = "stochastic",
        random_bits: int | None = None,
        *,
        saturate: bool = True,
    ) -> Floats:
        """Every entry of x rounded, in blocks along the last axis.

        As :meth:`NumberFormat.round`, but always with saturation, as the MX specification has it,
        and without the dithers: their step must not depend on the numbers.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> get("mxint8").round([1.0, 0.011, -0.5], mode="nearest")
        array([ 1.      ,  0.015625, -0.5     ])
        """
        if saturate is not True:
            allowed = "True: the conversion to a block format saturates"
            raise InvalidArgumentError("saturate", saturate, allowed)
        if mode in DITHERS:
            allowed = "stochastic, nearest or toward_zero: the step depends on the other numbers"
            raise InvalidArgumentError("mode", mode, allowed)
        array = real_numbers(x)
        scales = self.block_scales(array)
        empty = scales == 0
        array = np.where(empty & ~np.isnan(array), np.copysign(0.0, array), array)
        scales = np.where(empty, 1.0, scales)
        return round_to_grid(array, self.grid, scales, mode, rng, random_bits, True)[()]

    def scaled_to(self, x: Any, *, power_of_two: bool = False) -> Self:
        """The format with the tensor scale max |x| / (448 M) in single precision; MX has none.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> get("nvfp4").scaled_to([0.5, -21.0]).scale
        1/128
        """
        return super().scaled_to(x, power_of_two=power_of_two)

    def _with_scale(self, scale: Fraction) -> Self:
        if self.scales is None:
            return self
        within = min(max(scale, _LEAST_TENSOR_SCALE), _MOST_TENSOR_SCALE)
        return super()._with_scale(Fraction(float(np.float32(float(within)))))

    def fitted_to(self, peaks: Floats) -> NumberFormat:
        """The format with the tensor scale of what it meets."""
        return self.scaled_to(peaks)

    def scaled_by(self, by: str, scales: Sequence[Number] | None = None) -> NumberFormat:
        """Itself for ``"tensor"``; blocks along the coordinates leave nothing for channels."""
        if by != "tensor" or scales is not None:
            allowed = "'tensor' alone, for a format whose blocks have scales of their own"
            raise InvalidArgumentError("by", by, allowed)
        return self

    @property
    def _reach(self) -> Fraction:
        most = 1 if self.scales is None else Fraction(self.scales.grid.largest)
        return Fraction(self.grid.largest) * most

    def error_estimate(
        self, scale: Number | None = None, mode: str = "stochastic", *, subnormals: bool = False
    ) -> NoReturn:
        """There is none.

        Raises
        ------
        HypothesisError
            Always; it says what to do.
        """
        raise HypothesisError(
            f"{self.name} rounds in blocks whose largest number may saturate, which is a bias, and "
            "an error model needs E[Q(u) | u] = u: the theory does not cover it, simulate and "
            "compare_formats show what happens"
        )

    def as_json(self) -> dict[str, Any]:
        """The format; there is no error model, and why."""
        return {
            "name": self.name,
            "bits": self.bits,
            "bits_per_number": str(self.bits_per_number),
            "block": self.block,
            "largest": str(self.largest),
            "error_model": None,
        }

    def _scale_of_one(self, point: Fraction) -> Fraction:
        return Fraction(float(self.block_scales(float(point))))


def block_formats(known: Mapping[str, NumberFormat]) -> dict[str, BlockFormat]:
    """The block formats by name, made of the formats of their elements and scales."""
    elements = {
        "mxfp8_e4m3": "fp8_e4m3",
        "mxfp8_e5m2": "fp8_e5m2",
        "mxfp6_e2m3": "fp6_e2m3",
        "mxfp6_e3m2": "fp6_e3m2",
        "mxfp4": "fp4_e2m1",
        "mxint8": "fixed_point(1, 6)",
    }
    found = {name: BlockFormat(name, known[element], 32) for name, element in elements.items()}
    found["nvfp4"] = BlockFormat("nvfp4", known["fp4_e2m1"], 16, known["fp8_e4m3"])
    return found


#: Another name for the format of six bits that comes first.
ALIASES = {"mxfp6": "mxfp6_e2m3"}
