"""The number formats, by name and by their parameters.

Floating point is a sign, an exponent field of bias 2^(e-1) - 1 and a mantissa field, with subnormal
numbers at exponent field 0. Integers and fixed point have a symmetric range: the code of the most
negative number of two's complement is not used, so that data stay centred.

Sources: Open Compute Project, *OCP 8-bit Floating Point Specification (OFP8)* for E4M3 and E5M2 and
*OCP Microscaling Formats (MX)* for E2M1, E2M3 and E3M2; IEEE 754 for float16. bfloat16 and tf32
(19 bits) have the exponents of IEEE single precision. The tests compare all of them with gfloat.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qtheory.errors import InvalidArgumentError
from qtheory.model.block_format import ALIASES, BlockFormat, block_formats
from qtheory.model.channel_format import ChannelFormat, PlainFormat
from qtheory.model.grid import FormatGrid
from qtheory.model.number_format import NumberFormat
from qtheory.model.quantizer import Rounding
from qtheory.numbers.arrays import Floats, code_array
from qtheory.numbers.exact import Number, positive, whole

__all__ = [
    "FP",
    "BlockFormat",
    "ChannelFormat",
    "FixedFormat",
    "FloatFormat",
    "NumberFormat",
    "Rounding",
    "fixed_point",
    "get",
    "integer",
    "names",
]


def __dir__() -> list[str]:
    """What is for users, so that tab completion shows nothing else."""
    return __all__


#: What the codes with the largest exponent field stand for.
_SPECIALS = ("ieee", "nan", "none")

# Within these float64 holds every value, and the reciprocal of every step, as a normal number.
_MOST_EXPONENT_BITS, _MOST_MANTISSA_BITS = 10, 40
_MOST_FIXED_BITS = 32
# The bits of formats that are none of these.
_OTHER_WIDTHS = {"1", "32", "64", "128"}
# Comparing a longer text with the names takes time, and none of them is near.
_LONGEST_NAME = 100


@dataclass(frozen=True, repr=False)
class FloatFormat(PlainFormat):
    """A floating-point format; see :func:`FP`."""

    exponent_bits: int
    mantissa_bits: int
    specials: str

    @property
    def grid(self) -> FormatGrid:
        """The values at scale 1."""
        bias = 2 ** (self.exponent_bits - 1) - 1
        largest_exponent = bias if self.specials == "ieee" else bias + 1
        # in E4M3 the significand of all ones is the NaN
        last = 2 if self.specials == "nan" else 1
        return FormatGrid(
            mantissa_bits=self.mantissa_bits,
            least_exponent=1 - bias - self.mantissa_bits,
            largest=(2 - last * 2.0**-self.mantissa_bits) * 2.0**largest_exponent,
            overflow={"ieee": float("inf"), "nan": float("nan"), "none": None}[self.specials],
        )

    @property
    def bits(self) -> int:
        """The width of a code word, the sign included."""
        return 1 + self.exponent_bits + self.mantissa_bits

    def decode(self, codes: Any) -> Floats:
        """The values of code words, before scaling.

        Examples
        --------
        >>> get("fp8_e4m3").decode([0x01, 0x38, 0x7E, 0x7F, 0x80]).tolist()
        [0.001953125, 1.0, 448.0, nan, -0.0]
        """
        allowed = f"whole numbers from 0 to 2^{self.bits} - 1"
        words = code_array(codes, "codes", allowed, self.bits)
        grid, significands = self.grid, 2**self.mantissa_bits
        exponent, fraction = np.divmod(words % 2 ** (self.bits - 1), significands)
        significand = np.where(exponent > 0, fraction + significands, fraction)
        size = np.ldexp(
            significand.astype(float), np.maximum(exponent, 1) - 1 + grid.least_exponent
        )
        if grid.overflow is not None:
            size = np.where(size > grid.largest, np.nan, size)
        if self.specials == "ieee":
            top = exponent == 2**self.exponent_bits - 1
            size = np.where(top & (fraction == 0), np.inf, size)
        return np.where(words >= 2 ** (self.bits - 1), -size, size)

    def _call(self) -> tuple[str, str]:
        if self.name in _FLOATS:
            return super()._call()
        specials = "" if self.specials == "ieee" else f", specials='{self.specials}'"
        return "FP", f"{self.exponent_bits}, {self.mantissa_bits}{specials}"


@dataclass(frozen=True, repr=False)
class FixedFormat(PlainFormat):
    """Whole multiples of a constant step; see :func:`integer` and :func:`fixed_point`."""

    width: int
    fraction_bits: int

    @property
    def grid(self) -> FormatGrid:
        """The values at scale 1."""
        step = 2.0**-self.fraction_bits
        return FormatGrid(None, -self.fraction_bits, (2 ** (self.width - 1) - 1) * step, None)

    @property
    def bits(self) -> int:
        """The width of a code word, the sign included."""
        return self.width

    def _call(self) -> tuple[str, str]:
        if self.name in _INTEGERS:
            return super()._call()
        return "fixed_point", f"{self.width - 1 - self.fraction_bits}, {self.fraction_bits}"


_FLOATS = {
    name: FloatFormat(name, exponent_bits, mantissa_bits, specials)
    for name, exponent_bits, mantissa_bits, specials in (
        ("fp4_e2m1", 2, 1, "none"),
        ("fp6_e2m3", 2, 3, "none"),
        ("fp6_e3m2", 3, 2, "none"),
        ("fp8_e4m3", 4, 3, "nan"),
        ("fp8_e5m2", 5, 2, "ieee"),
        ("bfloat16", 8, 7, "ieee"),
        ("float16", 5, 10, "ieee"),
        ("tf32", 8, 10, "ieee"),
    )
}
_INTEGERS = {f"int{bits}": FixedFormat(f"int{bits}", bits, 0) for bits in range(2, 17)}
# MXINT8 has six bits after the point
_BLOCKS = block_formats(_FLOATS | {"fixed_point(1, 6)": FixedFormat("fixed_point(1, 6)", 8, 6)})


def names() -> tuple[str, ...]:
    """The names that :func:`get` knows.

    >>> names()[:8]
    ('fp4_e2m1', 'fp6_e2m3', 'fp6_e3m2', 'fp8_e4m3', 'fp8_e5m2', 'bfloat16', 'float16', 'tf32')
    >>> names()[8], names()[22], names()[23:]
    ('int2', 'int16', ('mxfp8_e4m3', 'mxfp8_e5m2', 'mxfp6_e2m3', 'mxfp6_e3m2', 'mxfp4', \
'mxint8', 'nvfp4'))
    """
    return (*_FLOATS, *_INTEGERS, *_BLOCKS)


def get(name: str, scale: Number = 1) -> NumberFormat:
    """A number format by its name.

    Parameters
    ----------
    name
        One of :func:`names`, or "mxfp6" for the first of the two.
    scale
        The value that 1 of the format stands for, positive. A power of two is exact in float64.
        For nvfp4 it is the tensor scale, a number of single precision; MX formats have none.

    Raises
    ------
    InvalidArgumentError
        If there is no such format; names that are near are suggested.

    Examples
    --------
    >>> get("int8", scale="1/32").magnitudes[-1]
    np.float64(127.0)
    >>> get("fp8_e4m3").largest, get("float16").largest
    (448, 65504)
    >>> get("float8_e4m3")
    Traceback (most recent call last):
    qtheory.errors.InvalidArgumentError: name is 'float8_e4m3', but must be one of fp4_e2m1, \
fp6_e2m3, fp6_e3m2, fp8_e4m3, fp8_e5m2, bfloat16, float16, tf32, mxfp8_e4m3, mxfp8_e5m2, \
mxfp6_e2m3, mxfp6_e3m2, mxfp4, mxint8, nvfp4, int2 to int16 (did you mean fp8_e4m3?)
    """
    known: dict[str, NumberFormat] = {**_FLOATS, **_INTEGERS, **_BLOCKS}
    if isinstance(name, str):
        name = ALIASES.get(name, name)
    if not isinstance(name, str) or name not in known:
        first, *_, last = _INTEGERS
        allowed = f"one of {', '.join([*_FLOATS, *_BLOCKS])}, {first} to {last}"
        near = near_names(name) if isinstance(name, str) and len(name) <= _LONGEST_NAME else []
        if near:
            allowed += f" (did you mean {' or '.join(near)}?)"
        raise InvalidArgumentError("name", name, allowed)
    return replace(known[name], scale=positive(scale, "scale"))


def near_names(name: str) -> list[str]:
    """At most three names, those most like this one, of which it may be another spelling.

    >>> near_names("FP16"), near_names("float8_e4m3fn"), near_names("float8_e4m3fnuz")
    (['float16'], ['fp8_e4m3'], [])
    """
    given = _spelled(name)

    def likeness(known: str) -> float:
        whole = _spelled(known)
        width, _, fields = whole.partition("_")
        forms = [form for form in (whole, width, fields) if form]
        return max(difflib.SequenceMatcher(None, given, form).ratio() for form in forms)

    found = {known: likeness(known) for known in names() if _may_be(given, _spelled(known))}
    best = max(found.values(), default=0)
    return [known for known in found if found[known] >= max(0.6, best - 0.05)][:3]


def _spelled(name: str) -> str:
    """In one way of writing: fp8 is float8, and PyTorch's e4m3fn is e4m3."""
    text = name.lower().replace("-", "_").replace(" ", "_").replace("fp", "float")
    return re.sub(r"(e\d+m\d+)fn$", r"\1", text)


def _may_be(given: str, known: str) -> bool:
    """Whether a name may be a slip for one that is known, rather than that of another format.

    A letter more is another format (uint8, nf4, e4m3fnuz), and so are two other numbers (e3m4)
    or another width (float32, int17).
    """
    if Counter(filter(str.isalpha, given)) - Counter(filter(str.isalpha, known)):
        return False
    numbers, those = (re.findall(r"\d+", text) for text in (given, known))
    slips = Counter(numbers) - Counter(those)
    if not slips:
        rest = iter(those)
        return all(number in rest for number in numbers)  # in the same order
    other = known in _INTEGERS or _OTHER_WIDTHS & slips.keys()
    return slips.total() == 1 and not other


def FP(  # noqa: N802
    exponent_bits: int, mantissa_bits: int, scale: Number = 1, *, specials: str = "ieee"
) -> FloatFormat:
    """A floating-point format with a sign, so many exponent bits and so many mantissa bits.

    Parameters
    ----------
    exponent_bits
        2 to 10; the bias is 2^(exponent_bits - 1) - 1.
    mantissa_bits
        1 to 40, without the leading one.
    scale
        The value that 1 of the format stands for, positive.
    specials
        ``"ieee"``: the largest exponent field is kept for infinities and NaN. ``"nan"``: only the
        code of all ones is a NaN and there is no infinity (E4M3). ``"none"``: every code is a
        number (the OCP formats of 4 and 6 bits).

    Examples
    --------
    >>> FP(5, 2) == get("fp8_e5m2")
    True
    >>> FP(4, 3).largest, FP(4, 3, specials="nan").largest, FP(4, 3, specials="none").largest
    (240, 448, 480)
    >>> FP(3, 4, scale="1/8")
    formats.FP(3, 4, scale='1/8')
    """
    exponent_bits = whole(exponent_bits, "exponent_bits", 2, _MOST_EXPONENT_BITS)
    mantissa_bits = whole(mantissa_bits, "mantissa_bits", 1, _MOST_MANTISSA_BITS)
    if not isinstance(specials, str) or specials not in _SPECIALS:
        raise InvalidArgumentError("specials", specials, f"one of {', '.join(_SPECIALS)}")
    name = f"FP({exponent_bits}, {mantissa_bits})"
    scale = positive(scale, "scale")
    return FloatFormat(name, exponent_bits, mantissa_bits, specials, scale=scale)


def integer(bits: int, scale: Number = 1) -> FixedFormat:
    """Integers of so many bits times a scale: -(2^(bits-1) - 1), ..., 2^(bits-1) - 1.

    Examples
    --------
    >>> integer(4, scale="0.5").largest
    7/2
    """
    bits = whole(bits, "bits", 2, 16)
    return replace(_INTEGERS[f"int{bits}"], scale=positive(scale, "scale"))


def fixed_point(integer_bits: int, fraction_bits: int, scale: Number = 1) -> FixedFormat:
    """Fixed point: a sign, integer bits and fraction bits, with a step of 2^-fraction_bits.

    The largest value is 2^integer_bits - 2^-fraction_bits.

    Examples
    --------
    >>> fixed_point(3, 4).largest
    127/16
    >>> fixed_point(7, 0) == get("int8")
    True
    """
    integer_bits = whole(integer_bits, "integer_bits", 0, _MOST_FIXED_BITS)
    fraction_bits = whole(fraction_bits, "fraction_bits", 0, _MOST_FIXED_BITS)
    width = 1 + integer_bits + fraction_bits
    if not 2 <= width <= _MOST_FIXED_BITS:
        allowed = f"with integer_bits, 1 to {_MOST_FIXED_BITS - 1} together"
        raise InvalidArgumentError("fraction_bits", fraction_bits, allowed)
    name = f"fixed_point({integer_bits}, {fraction_bits})"
    return FixedFormat(name, width, fraction_bits, scale=positive(scale, "scale"))
