r"""Rounding of float64 arrays to the values of a number format.

Every step is exact in float64 if the scale is a power of two: the step of a binade is read off the
exponent bits of x, x is divided by it, and what is decided is whether the whole part goes up by
one. With another scale x is first divided by it in float64, so that the position between two
neighbours carries a relative error of 2^-53; the values of the format stay fixed points.

The modes, for a magnitude at position f between two neighbours one step s apart:

``"stochastic"``
    Away from zero with probability f, so that E[Q(u) | u] = u. With k random bits, a whole number r
    uniform in 0, ..., 2^k - 1, it goes away from zero if d + r >= 2^k, where d is f 2^k
    rounded to nearest, ties to even. (Truncating f 2^k instead would never round 1.1 up to 1.25
    with one bit; the convention here is ``RoundMode.Stochastic`` of gfloat.)
``"nearest"``
    To the nearest, ties to the even significand.
``"toward_zero"``
    f is cut off.
``"dithered"``
    To the nearest of u + s (U - 1/2) + s (U' - 1/2), with U and U' independent and uniform on
    [0, 1]. The result is a value of the format, and the error has mean 0 and variance s^2/4
    whatever u is: the additive model is exact. It needs a constant step.
``"subtractive"``
    To the nearest of u + d, less the same d = s (U - 1/2). The error is uniform on [-s/2, s/2]
    and independent of u, its variance is s^2/12. The result is not a value of the format: it is
    what a receiver knows who shares the random numbers. It needs a constant step.

Source of the two dithers: Wannamaker, Lipshitz, Vanderkooy, Wright, *A theory of nonsubtractive
dither*, IEEE Trans. Signal Processing 48 (2000).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qtheory.errors import InvalidArgumentError
from qtheory.model.grid import FormatGrid
from qtheory.numbers.arrays import Floats, code_array
from qtheory.numbers.exact import whole

#: Where random bits come from: a generator, or the whole numbers themselves.
Bits = np.random.Generator | np.ndarray[Any, np.dtype[np.integer[Any]]] | int

MODES = ("stochastic", "nearest", "dithered", "subtractive", "toward_zero")
#: The modes that need a constant step.
DITHERS = ("dithered", "subtractive")

# float64 carries 52 bits of a position exactly through d + r.
_MOST_RANDOM_BITS = 52
# So many numbers at a time that the intermediate arrays stay in the cache of a core.
_BLOCK = 1 << 15
_MANTISSA = 52
_EXPONENT = np.int64(0x7FF << _MANTISSA)
# Exponent fields of a number and of its reciprocal add up to this.
_RECIPROCAL = 2046 << _MANTISSA


def checked_random_bits(random_bits: int | None) -> int | None:
    """The number of random bits, None for as many as ``rng.random`` has."""
    if random_bits is None:
        return None
    allowed = f"None or a whole number from 1 to {_MOST_RANDOM_BITS}"
    return whole(random_bits, "random_bits", 1, _MOST_RANDOM_BITS, allowed)


def round_to_grid(
    x: Floats,
    grid: FormatGrid,
    scale: float | Floats,
    mode: str,
    rng: Bits | None,
    random_bits: int | None,
    saturate: bool,
) -> Floats:
    """Every entry of x rounded to a value of the grid times the scale, or times its own scale.

    The numbers drawn do not depend on the values of x. NaN stays NaN, also where the format has
    none, since a number in its place would hide it.

    Raises
    ------
    InvalidArgumentError
        If the mode and the source of random bits do not fit together, or a value overflows
        without saturation in a format that has neither inf nor NaN.
    """
    random_bits = checked_random_bits(random_bits)
    _check_mode(mode, grid, rng, random_bits)
    flat = np.ascontiguousarray(x).reshape(-1)
    result = np.empty_like(flat)
    own = None if isinstance(scale, float) else np.broadcast_to(scale, x.shape).reshape(-1)
    given = (
        None if isinstance(rng, np.random.Generator | None) else _given_bits(rng, x, random_bits)
    )
    for start in range(0, flat.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        draws = given[part] if given is not None else rng
        with np.errstate(over="ignore"):  # x / scale beyond float64 is an overflow as well
            scales = scale if own is None else own[part]
            result[part] = _round_part(flat[part], grid, scales, mode, draws, random_bits, saturate)
    return result.reshape(x.shape)


def _check_mode(mode: str, grid: FormatGrid, rng: Bits | None, random_bits: int | None) -> None:
    if mode not in MODES:
        raise InvalidArgumentError("mode", mode, f"one of {', '.join(MODES)}")
    if mode in DITHERS and grid.mantissa_bits is not None:
        raise InvalidArgumentError(
            "mode",
            mode,
            "stochastic, nearest or toward_zero for a floating-point format: "
            "a dither needs a step that does not change with the value",
        )
    if random_bits is not None and mode != "stochastic":
        raise InvalidArgumentError("random_bits", random_bits, f"None in the mode {mode}")
    if mode in ("nearest", "toward_zero"):
        return
    if isinstance(rng, np.random.Generator):
        return
    if rng is None or random_bits is None:
        allowed = f"a numpy.random.Generator in the mode {mode}"
        if mode == "stochastic":
            allowed += ", or whole numbers together with random_bits"
        raise InvalidArgumentError("rng", rng, allowed)


def _given_bits(rng: Any, x: Floats, random_bits: int | None) -> Floats | None:
    if random_bits is None:
        return None
    allowed = f"a Generator or whole numbers from 0 to 2^{random_bits} - 1"
    bits = code_array(rng, "rng", allowed, random_bits)
    if bits.size == 0:
        raise InvalidArgumentError("rng", rng, allowed)
    try:
        return np.broadcast_to(bits, x.shape).astype(np.float64).reshape(-1)
    except ValueError:
        raise InvalidArgumentError("rng", rng, f"bits of the shape of x, {x.shape}") from None


def _round_part(
    x: Floats,
    grid: FormatGrid,
    scale: float | Floats,
    mode: str,
    draws: Any,
    random_bits: int | None,
    saturate: bool,
) -> Floats:
    size = np.abs(x)
    scaled = not isinstance(scale, float) or scale != 1
    if scaled:
        size = _unscaled(size, grid, scale)
    # so far out that it overflows in any case, but finite
    np.minimum(size, 4 * grid.largest, out=size)
    step, position = _in_steps(size, grid)
    if mode in DITHERS:
        return _dithered(np.copysign(position, x), step, grid, scale, mode, draws, saturate)
    whole = np.rint(position) if mode == "nearest" else np.floor(position)
    if mode == "stochastic":
        position -= whole
        whole += _goes_up(position, draws, random_bits)
    whole *= step
    kept = np.isfinite(x) if mode == "toward_zero" else None
    result = np.copysign(_limited(whole, grid, saturate, kept), x)
    if grid.mantissa_bits is None:
        result += 0.0  # whole numbers have no negative zero
    return result * scale if scaled else result


def _in_steps(size: Floats, grid: FormatGrid) -> tuple[Floats | float, Floats]:
    """The step at each magnitude, and the magnitude in such steps, both exact."""
    if grid.mantissa_bits is None:
        return grid.least_step, size * 2.0**-grid.least_exponent
    exponent = np.maximum(size, grid.smallest_normal).view(np.int64)
    exponent &= _EXPONENT
    exponent -= grid.mantissa_bits << _MANTISSA
    step = exponent.view(np.float64)
    # multiplying by the reciprocal power of two is exact, and quicker than dividing
    return step, size * (_RECIPROCAL - exponent).view(np.float64)


def _unscaled(size: Floats, grid: FormatGrid, scale: float | Floats) -> Floats:
    """The magnitudes over the scale; a value of the scaled format gives that of the format."""
    quotient = np.minimum(size / scale, 4 * grid.largest)
    if np.all(np.frexp(scale)[0] == 0.5):
        return quotient
    step, position = _in_steps(quotient, grid)
    nearest = np.rint(position) * step
    return np.where(nearest * scale == size, nearest, quotient)


def _goes_up(position: Floats, draws: Any, random_bits: int | None) -> Any:
    drawn = isinstance(draws, np.random.Generator)
    bits = draws.random(position.shape) if drawn else draws
    if random_bits is None:
        return bits < position
    whole = 2.0**random_bits
    if drawn:
        bits = np.floor(bits * whole)
    return np.rint(position * whole) + bits >= whole


def _dithered(
    position: Floats,
    step: Floats | float,
    grid: FormatGrid,
    scale: float | Floats,
    mode: str,
    draws: Any,
    saturate: bool,
) -> Floats:
    """Both dithers, on positions with their sign; a block draws one or two numbers per entry."""
    dither = draws.random(position.shape) - 0.5
    added = dither if mode == "subtractive" else dither + (draws.random(position.shape) - 0.5)
    whole = np.rint(position + added)
    whole = np.copysign(_limited(np.abs(whole) * step, grid, saturate), whole)
    if mode == "subtractive":
        whole -= dither * step
    return (whole + 0.0) * scale


def _limited(size: Floats, grid: FormatGrid, saturate: bool, kept: Any = None) -> Floats:
    """Magnitudes beyond the largest value replaced by it, or by inf or NaN as the format says.

    Where ``kept`` holds a magnitude is cut off at the largest value even without saturation.
    """
    if saturate:
        return np.minimum(size, grid.largest)
    beyond = size > grid.largest
    if kept is not None:
        size = np.where(beyond & kept, grid.largest, size)
        beyond &= ~kept
    if not beyond.any():
        return size
    if grid.overflow is None:
        allowed = f"True for values beyond {grid.largest:g} times the scale: no inf, no NaN"
        raise InvalidArgumentError("saturate", saturate, allowed)
    return np.where(beyond, grid.overflow, size)
