"""What the compiled kernel is told: the run and its quantizers as plain numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.model.block_format import BlockFormat
from qtheory.model.channel_format import ChannelFormat
from qtheory.model.error_models import ErrorModel
from qtheory.model.grid import FormatGrid
from qtheory.model.quantization import VECTORS
from qtheory.model.quantizer import Rounding, rounding_of
from qtheory.numbers.arithmetic import Float64
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.exact import require_numeric

EXACT, GAUSSIAN, STOCHASTIC, NEAREST, TOWARD_ZERO, DITHERED, SUBTRACTIVE = range(7)
_KINDS = {
    "stochastic": STOCHASTIC,
    "nearest": NEAREST,
    "toward_zero": TOWARD_ZERO,
    "dithered": DITHERED,
    "subtractive": SUBTRACTIVE,
}


# The entries of the progress array of a block: steps done, and the wish to stop.
DONE, STOP = range(2)
# The columns of what is observed of a target, and from where on the peaks of coordinates are.
SEEN, BELOW, BEYOND, PEAK, PEAKS = range(5)


class PackedRun(NamedTuple):
    """The numbers of one run; arrays have shape (d,), ``rows`` (rows, d), ``labels`` (rows,).

    With a ``mixing`` F of shape (M, d) the features are F x, and so is the model of length M.
    """

    eigenvalues: Any
    target: Any
    noise: float
    stepsizes: Any  # of each step, or of all of them
    batches: Any
    momentum: float
    error_feedback: bool
    first: int  # the first iterate in the average
    last: int  # the number of steps
    averaged: bool
    kurtosis: float  # of independent coordinates of three values; 0 for Gaussian ones
    fourth: float  # E tau^4 of the random size of a sample; 1 for none
    rows: Any  # samples to draw from, in place of x by its law
    labels: Any
    mixing: Any  # of shape (0, 0) if the features are x itself
    sketching: float  # the excess risk that the features miss

    @property
    def length(self) -> int:
        """Of the vectors that are quantized."""
        return len(self.mixing) or len(self.eigenvalues)


class PackedScales(NamedTuple):
    """How a block finds its scale; the fields of a grid are those of the format of the scales."""

    numbers: int = 0  # in a block, 0 for no blocks
    top: float = 1.0  # what the largest magnitude is divided by
    kind: int = NEAREST  # EXACT for E8M0, the power of two below
    mantissa_bits: int = -1
    least_step: float = 1.0
    smallest_normal: float = 1.0
    largest: float = math.inf
    levels: float = 0.0


class PackedQuantizer(NamedTuple):
    """One quantizer. Every field is there for every kind, so that the kernel is compiled once."""

    kind: int
    # error models: standard deviations
    additive: float = 0.0
    shared: float = 0.0
    elementwise: float = 0.0
    # number formats
    scale: float = 1.0
    exact_scale: bool = True  # a power of two
    mantissa_bits: int = -1  # -1 for a constant step
    least_step: float = 1.0
    smallest_normal: float = 1.0
    largest: float = math.inf
    levels: float = 0.0  # 2^k for k random bits, 0 for all bits there are
    # magnitudes below and beyond which a value is counted as out of the range of the format, to be
    # multiplied by the scale of its coordinate if that has one
    low: float = 0.0
    high: float = math.inf
    # scales that are not the same for all numbers
    blocks: PackedScales = PackedScales()
    of_coordinates: Any = np.empty(0)


def packed(quantizer: Any, target: str) -> PackedQuantizer:
    """The numbers of the quantizer of a target.

    >>> from qtheory.model import Additive
    >>> packed(Additive("1/4"), "label").additive
    0.5
    """
    rounding = rounding_of(quantizer)
    if rounding is None:
        return _error_model(quantizer, target)
    number_format = rounding.format
    grid, floating = number_format.grid, number_format.grid.mantissa_bits is not None
    if isinstance(number_format, ChannelFormat):
        return _by_channel(number_format, rounding, target)
    scale = number_format.unit
    found = PackedQuantizer(
        kind=_KINDS[rounding.mode],
        scale=scale,
        exact_scale=math.frexp(scale)[0] == 0.5,
        mantissa_bits=_mantissa_bits(grid),
        least_step=grid.least_step,
        smallest_normal=grid.smallest_normal,
        largest=grid.largest,
        levels=0.0 if rounding.random_bits is None else 2.0**rounding.random_bits,
        low=scale * (grid.smallest_normal if floating else grid.least_step / 2),
        high=scale * grid.largest,
    )
    return _by_blocks(found, number_format) if isinstance(number_format, BlockFormat) else found


def _by_channel(by_channel: ChannelFormat, rounding: Rounding, target: str) -> PackedQuantizer:
    if target not in VECTORS:
        allowed = f"a format with one scale, since a {target} is one number"
        raise InvalidArgumentError(target, by_channel, allowed)
    element = replace(by_channel.element, scale=sp.S.One)
    units = by_channel.units
    exact = bool((np.frexp(units)[0] == 0.5).all())
    plain = packed(replace(rounding, format=element), target)
    return plain._replace(of_coordinates=units, exact_scale=exact)


def _by_blocks(plain: PackedQuantizer, number_format: BlockFormat) -> PackedQuantizer:
    """No magnitude is out of range, as far as the scales of blocks reach."""
    scales = PackedScales(number_format.block, number_format.top, kind=EXACT)
    if number_format.scales is not None:
        grid = number_format.scales.grid
        scales = PackedScales(
            number_format.block,
            number_format.top,
            mantissa_bits=_mantissa_bits(grid),
            least_step=grid.least_step,
            smallest_normal=grid.smallest_normal,
            largest=grid.largest,
        )
    # quotients of values of the format by their scales are exact
    return plain._replace(
        low=0.0, high=float(number_format.largest), exact_scale=True, blocks=scales
    )


def _mantissa_bits(grid: FormatGrid) -> int:
    return -1 if grid.mantissa_bits is None else grid.mantissa_bits


def _error_model(model: ErrorModel, target: str) -> PackedQuantizer:
    if model.is_exact:
        return PackedQuantizer(EXACT)

    def deviation(value: Any) -> float:
        require_numeric(value, f"{target} error")
        return math.sqrt(evaluate(value, {}, Float64()))

    return PackedQuantizer(
        GAUSSIAN, deviation(model.additive), deviation(model.shared), deviation(model.elementwise)
    )
