"""Block formats from their specifications, one number after the other, in fractions.

Code points are written out from the fields of a code word; a number is rounded by searching the
list of all values. Nothing is imported from the package.

Sources: OCP Microscaling Formats (MX) 1.0; NVIDIA, arXiv:2509.25149, for nvfp4.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Value = Fraction
_TWO = Fraction(2)


def float_value(
    code: int, exponent_bits: int, mantissa_bits: int, codes_of_nan: int = 0
) -> Value | None:
    """The magnitude of a code word without its sign, None for a NaN or an infinity.

    The last ``codes_of_nan`` codes are no numbers: 1 in E4M3, 2^m in E5M2.

    >>> float_value(0x7E, 4, 3, 1), float_value(0x7F, 4, 3, 1), float_value(1, 2, 1)
    (Fraction(448, 1), None, Fraction(1, 2))
    """
    if code >= 2 ** (exponent_bits + mantissa_bits) - codes_of_nan:
        return None
    exponent, mantissa = code >> mantissa_bits, code & (2**mantissa_bits - 1)
    bias = 2 ** (exponent_bits - 1) - 1
    fraction = Fraction(mantissa, 2**mantissa_bits)
    if exponent == 0:
        return fraction * _TWO ** (1 - bias)
    return (1 + fraction) * _TWO ** (exponent - bias)


def float_values(exponent_bits: int, mantissa_bits: int, codes_of_nan: int = 0) -> list[Value]:
    """All magnitudes in the order of their codes."""
    codes = range(2 ** (exponent_bits + mantissa_bits))
    found = (float_value(code, exponent_bits, mantissa_bits, codes_of_nan) for code in codes)
    return [value for value in found if value is not None]


@dataclass(frozen=True)
class Specification:
    """A block format: the magnitudes of its elements, its blocks, E4M3 scales or powers of two.

    ``power`` is the exponent of the largest normal number of the elements, as the MX specification
    lists it.
    """

    magnitudes: list[Value]
    numbers: int
    power: int
    has_e4m3_scales: bool = False


#: The table of concrete formats of the specification, and nvfp4.
SPECIFICATIONS = {
    "mxfp8_e4m3": Specification(float_values(4, 3, 1), 32, 8),
    "mxfp8_e5m2": Specification(float_values(5, 2, 4), 32, 15),
    "mxfp6_e2m3": Specification(float_values(2, 3), 32, 2),
    "mxfp6_e3m2": Specification(float_values(3, 2), 32, 4),
    "mxfp4": Specification(float_values(2, 1), 32, 2),
    # two's complement with 6 bits after the point; the code of -2 is left out, as it may be
    "mxint8": Specification([Fraction(k, 64) for k in range(128)], 32, 0),
    "nvfp4": Specification(float_values(2, 1), 16, 2, has_e4m3_scales=True),
}
_E4M3 = float_values(4, 3, 1)


def neighbours(size: Value, magnitudes: list[Value]) -> tuple[int, int]:
    """The codes of the magnitudes around a size, that of the largest twice if it is beyond."""
    above = bisect_right(magnitudes, size)
    return above - 1, min(above, len(magnitudes) - 1)


def nearest(size: Value, magnitudes: list[Value]) -> Value:
    """The nearest magnitude; of two that are as near that of the even code; saturating."""
    codes = neighbours(size, magnitudes)
    return magnitudes[min(codes, key=lambda code: (abs(magnitudes[code] - size), code % 2))]


def toward_zero(size: Value, magnitudes: list[Value]) -> Value:
    """The largest magnitude that is not above."""
    return magnitudes[neighbours(size, magnitudes)[0]]


def stochastic(size: Value, magnitudes: list[Value], random: int, random_bits: int) -> Value:
    """Up if the position between the neighbours and the random number reach one together.

    The position is first rounded to so many bits, to nearest, ties to even.
    """
    below, above = (magnitudes[code] for code in neighbours(size, magnitudes))
    if above == below:
        return below
    position = (size - below) / (above - below)
    return above if round(position * 2**random_bits) + random >= 2**random_bits else below


def scale_of(block: Sequence[Value], form: Specification, tensor_scale: Value) -> Value:
    """The scale of a block."""
    peak = max(abs(value) for value in block)
    if form.has_e4m3_scales:
        return nearest(peak / (form.magnitudes[-1] * tensor_scale), _E4M3) * tensor_scale
    exponent = -127
    while exponent < 127 and _TWO ** (exponent + form.power + 1) <= peak:
        exponent += 1
    return _TWO**exponent


def quantized(
    numbers: Sequence[Value],
    form: Specification,
    tensor_scale: Value = Fraction(1),
    mode: str = "nearest",
    randoms: Sequence[int] = (),
    random_bits: int = 0,
) -> list[Value]:
    """A vector in blocks along its coordinates.

    >>> form = SPECIFICATIONS["mxfp4"]
    >>> quantized([Fraction(1), Fraction(3, 10), Fraction(-1, 10), Fraction(7)], form)
    [Fraction(1, 1), Fraction(1, 2), Fraction(0, 1), Fraction(6, 1)]
    """
    found = []
    for first in range(0, len(numbers), form.numbers):
        block = numbers[first : first + form.numbers]
        scale = scale_of(block, form, tensor_scale)
        for place, value in enumerate(block, start=first):
            size = abs(value) / scale if scale else Fraction(0)
            if mode == "nearest":
                rounded = nearest(size, form.magnitudes)
            elif mode == "toward_zero":
                rounded = toward_zero(size, form.magnitudes)
            else:
                rounded = stochastic(size, form.magnitudes, randoms[place], random_bits)
            found.append(rounded * scale if value >= 0 else -rounded * scale)
    return found
