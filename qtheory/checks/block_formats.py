"""Block formats beside their specifications in fractions: scales and code points, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from qtheory.checks.check import CheckResult
from qtheory.model import formats
from qtheory.reference.block_formats import SPECIFICATIONS, Specification, quantized, scale_of

#: The formats that are checked.
BLOCK_FORMATS = tuple(SPECIFICATIONS)
_SEED, _BLOCKS, _RANDOM_BITS = 21, 24, 3
_TENSOR_SCALES = (Fraction(1), Fraction(3, 2**9), Fraction(10066329, 2**26))
#: Powers of two of the scales under which every code point is rounded, to both ends of E8M0.
_POWERS = (-127, -126, -3, 0, 5, 120, 127)
_MODES = ("nearest", "toward_zero", "stochastic")


def vectors(form: Specification, rng: np.random.Generator, blocks: int) -> Iterator[Any]:
    """Float64 vectors: blocks drawn at random of every kind, then every place of the elements.

    Normal numbers of all sizes, numbers of very different sizes in one block, zeros among them,
    nothing but zeros, one number alone, blocks beyond the largest scale and below the least one. Of
    the elements every code point, every middle, and the floats beside them, at several scales.
    """
    for kind in range(blocks):
        count = int(rng.integers(1, 2 * form.numbers + 2))
        sizes = np.exp2(rng.uniform(-6, 3, count))
        if kind % 4 == 1:  # of very different sizes
            sizes = np.exp2(rng.uniform(-160, 160, count))
        sizes *= np.exp2(float(rng.integers(-9, 9) if kind % 3 else rng.integers(-200, 200)))
        if kind % 4 == 2:
            sizes = sizes * rng.integers(0, 2, count)
        yield sizes * rng.choice([-1.0, 1.0], count)
    yield np.zeros(form.numbers + 3)
    yield np.array([5e-324, -1e-320, 0.0])
    yield np.array([1e300, -1e290, 1.0])
    values = np.array([float(value) for value in form.magnitudes])
    middles = (values[1:] + values[:-1]) / 2
    places = np.concatenate([values, middles, [values[-1] * 1.01, values[-1] * 1.1]])
    places = np.concatenate([places, np.nextafter(places, 0), np.nextafter(places, np.inf)])
    # each block is led by what gives it the scale 1
    lead = values[-1] if form.has_e4m3_scales else 2.0**form.power
    rows = np.full((-(-len(places) // (form.numbers - 1)), form.numbers), lead)
    filled = np.zeros(rows[:, 1:].size)
    filled[: len(places)] = places * rng.choice([-1.0, 1.0], len(places))
    rows[:, 1:] = filled.reshape(len(rows), -1)
    for power in _POWERS if not form.has_e4m3_scales else (-9, -6, -1, 0, 3, 8):
        yield np.ldexp(rows, power).reshape(-1)


def block_format_agrees(name: str) -> list[CheckResult]:
    """Scales and values, by three ways of rounding, of random blocks and of every code point."""
    form, rng, compared, wrong = SPECIFICATIONS[name], np.random.default_rng(_SEED), 0, ""
    for tensor_scale in _TENSOR_SCALES if form.has_e4m3_scales else (Fraction(1),):
        number_format: Any = formats.get(name, scale=tensor_scale)
        for x in vectors(form, rng, _BLOCKS):
            x = x * float(tensor_scale)
            numbers = [Fraction(float(value)) for value in x]
            randoms = rng.integers(0, 2**_RANDOM_BITS, len(x))
            firsts = range(0, len(x), form.numbers)
            scales = [scale_of(numbers[i : i + form.numbers], form, tensor_scale) for i in firsts]
            same = {"scales": _fractions(number_format.block_scales(x)[:: form.numbers]) == scales}
            for mode in _MODES:
                drawn = (randoms, mode, _RANDOM_BITS) if mode == "stochastic" else (None, mode)
                here = number_format.round(x, *drawn)
                given = [int(each) for each in randoms]
                there = quantized(numbers, form, tensor_scale, mode, given, _RANDOM_BITS)
                same[mode] = _fractions(here) == there
                compared += len(there)
            compared += len(scales)
            if not all(same.values()) and not wrong:
                first = next(each for each, holds in same.items() if not holds)
                wrong = f"{first}, tensor scale {tensor_scale}: {x[:4].tolist()}, ..."
    detail = f"differs at {wrong}" if wrong else f"{compared} values and scales are equal"
    id = f"format/{name}"
    return [CheckResult.of(id, "identity", not wrong, detail, {"compared": compared})]


def _fractions(values: Any) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]
