r"""The update, compiled: a block of independent runs, one sample and one coordinate at a time.

.. math:: w_t = w_{t-1} + \frac{\gamma}{B} Q_d(X)^T Q_o(Q_l(y) - Q_a(Q_d(X) Q_p(w_{t-1})))

with momentum and the rounding of stored weights after it, if there are any. A run holds a few
vectors of length d, whatever the number of steps and the batch size. The random numbers are those
of two ``numpy.random.Generator``, drawn inside the compiled code. Its arguments are packed in
``simulate/packing.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from qtheory.model.block_format import LEAST_EXPONENT, MOST_EXPONENT
from qtheory.simulate.packing import (
    BELOW,
    BEYOND,
    DITHERED,
    DONE,
    EXACT,
    GAUSSIAN,
    NEAREST,
    PEAK,
    PEAKS,
    SEEN,
    STOCHASTIC,
    STOP,
    SUBTRACTIVE,
    PackedQuantizer,
    PackedRun,
)

_MANTISSA = 52
_EXPONENT = np.int64(0x7FF << _MANTISSA)
# Exponent fields of a number and of its reciprocal add up to this.
_RECIPROCAL = np.int64(2046 << _MANTISSA)
# The scales that E8M0 has.
_LEAST_SCALE, _MOST_SCALE = 2.0**LEAST_EXPONENT, 2.0**MOST_EXPONENT


def _compiler(**options: Any) -> Callable[[Any], Any]:
    """What compiles a function, and keeps the result on disk if there is a folder for it."""

    def compiled(function: Any) -> Any:
        try:
            return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
        except RuntimeError:  # neither beside this file nor in the home may anything be written
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return compiled


_compiled = _compiler()
# One number at a time, so that the loop around it is vectorised.
_inlined = _compiler(inline="always")
# Sums over coordinates may be taken in any order, so that they are vectorised.
_summing = _compiler(fastmath={"reassoc", "nsz"})


@_compiled
def run_block(
    samples: Any,
    errors: Any,
    run: PackedRun,
    quantizers: Any,
    risks: Any,
    progress: Any,
    observed: Any,
) -> None:
    """Fill ``risks`` with the excess risk of as many runs.

    ``samples`` is the generator of data and label noise, ``errors`` that of the quantizers: with
    the same seed all quantizers see the same data.
    ``progress`` counts the steps done and can ask to stop. ``observed``, if it has rows, counts
    per target the values seen, below and beyond the range of its format and the largest magnitude;
    a last row counts updates, and those below half a step of the parameters. Of vectors the largest
    magnitude of each coordinate is there too.
    """
    data, label, parameter, activation, gradient, stored = quantizers
    mixed = run.mixing.size > 0
    d = run.mixing.shape[0] if mixed else run.eigenvalues.size
    observing = observed.shape[0] > 0
    gaussian = run.labels.size == 0
    deviation, noise = np.sqrt(run.eigenvalues), math.sqrt(run.noise)
    remembers = run.momentum > 0 or run.error_feedback or stored.kind != EXACT
    w, w_read, w_before, w_earlier = np.empty(d), np.empty(d), np.empty(d), np.empty(d)
    lost, added = np.zeros(d), np.empty(d)
    x, x_read, total, draws = np.empty(d), np.empty(d), np.empty(d), np.empty((2, d))
    latent = np.empty(run.eigenvalues.size) if mixed else x
    for replicate in range(risks.size):
        w[:] = 0.0
        w_before[:] = 0.0
        lost[:] = 0.0
        total[:] = 0.0
        for t in range(run.last):
            if run.averaged and t >= run.first:
                for i in range(d):
                    total[i] += w[i]
            if observing:
                _observe(w, parameter, observed[2])
            w_earlier[:] = w_before
            w_before[:] = w
            batch = run.batches[t if run.batches.size > 1 else 0]
            pace = run.stepsizes[t if run.stepsizes.size > 1 else 0] / batch
            quantize_vector(errors, w, parameter, w_read, draws)
            common_label = _common_factor(errors, label)
            common_activation = _common_factor(errors, activation)
            common_gradient = _common_factor(errors, gradient)
            for _ in range(batch):
                if progress[STOP] != 0:
                    return
                if gaussian:
                    _fill_covariates(samples, run, deviation, latent)
                    y = _dot(latent, run.target)
                    if mixed:
                        for i in range(d):
                            x[i] = _dot(run.mixing[i], latent)
                    if noise > 0:
                        y += noise * samples.standard_normal()
                else:
                    row = int(samples.random() * run.labels.size)
                    x[:] = run.rows[row]
                    y = run.labels[row]
                quantize_vector(errors, x, data, x_read, draws)
                prediction = _dot(x_read, w_read)
                residual = quantize(errors, y, label, common_label)
                residual -= quantize(errors, prediction, activation, common_activation)
                pull = pace * quantize(errors, residual, gradient, common_gradient)
                if observing:
                    _observe(x, data, observed[0])
                    _observe_one(y, label, observed[1], 1.0)
                    _observe_one(prediction, activation, observed[3], 1.0)
                    _observe_one(residual, gradient, observed[4], 1.0)
                for i in range(d):
                    w[i] += pull * x_read[i]
            if remembers:
                _remembered(errors, run, stored, w, w_before, w_earlier, lost, added, draws)
            if observing:
                _observe_update(
                    w_before, w, parameter if stored.kind == EXACT else stored, observed
                )
            progress[DONE] += 1
        if run.averaged:
            for i in range(d):
                w[i] = total[i] / (run.last - run.first)
        risk = 0.0
        for i in range(run.eigenvalues.size):
            w_out = w[i]
            if mixed:
                w_out = _dot(run.mixing[:, i], w)
            risk += run.eigenvalues[i] * (w_out - run.target[i]) ** 2
        risks[replicate] = risk / 2 + run.sketching


@_compiled
def _remembered(
    errors: Any,
    run: PackedRun,
    stored: PackedQuantizer,
    w: Any,
    w_before: Any,
    w_earlier: Any,
    lost: Any,
    added: Any,
    draws: Any,
) -> None:
    """Momentum, and the rounding of what is stored, once ``w`` has moved along the gradient."""
    for i in range(w.size):
        w[i] += run.momentum * (w_before[i] - w_earlier[i])
    if not run.error_feedback:
        added[:] = w
        quantize_vector(errors, added, stored, w, draws)
        return
    for i in range(w.size):
        lost[i] += w[i] - w_before[i]
    quantize_vector(errors, lost, stored, added, draws)
    for i in range(w.size):
        w[i] = w_before[i] + added[i]
        lost[i] -= added[i]


@_compiled
def _fill_normal(generator: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = generator.standard_normal()


@_compiled
def _fill_covariates(generator: Any, run: PackedRun, deviation: Any, out: Any) -> None:
    """One sample x: Gaussian, or coordinates of three values, times the size of the sample."""
    size = 1.0
    if run.fourth > 1:  # tau^2 is E tau^4 or 0
        size = math.sqrt(run.fourth) if generator.random() * run.fourth < 1 else 0.0
    if run.kurtosis > 0:
        for i in range(out.size):
            place = generator.random() * run.kurtosis
            out[i] = 0.0
            if place < 1:
                out[i] = math.sqrt(run.kurtosis) if place < 0.5 else -math.sqrt(run.kurtosis)
    else:
        _fill_normal(generator, out)
    for i in range(out.size):
        out[i] *= deviation[i]
    if run.fourth > 1:
        for i in range(out.size):
            out[i] *= size


@_compiled
def _fill_uniform(generator: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = generator.random()


@_summing
def _dot(a: Any, b: Any) -> float:
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@_compiled
def _common_factor(generator: Any, quantizer: PackedQuantizer) -> float:
    """zeta of one vector, for the shared part of an error model."""
    return quantizer.shared * generator.standard_normal() if quantizer.shared > 0 else 0.0


@_compiled
def quantize(generator: Any, u: float, quantizer: PackedQuantizer, common: float) -> float:
    """Q(u) of one number; ``common`` is the factor of the vector it belongs to."""
    if quantizer.kind == EXACT:
        return u
    if quantizer.kind == GAUSSIAN:
        spread = _spread(u, quantizer)
        error = spread * generator.standard_normal() if spread > 0 else 0.0
        return u + u * common + error
    first = generator.random() if _draws(quantizer) > 0 else 0.0
    second = generator.random() if _draws(quantizer) > 1 else 0.0
    scale = quantizer.scale
    if quantizer.blocks.numbers > 0:
        scale = _block_scale(abs(u), quantizer)
    return _quantized(u, quantizer, scale, first, second)


@_inlined
def _quantized(
    u: float, quantizer: PackedQuantizer, scale: float, first: float, second: float
) -> float:
    """One number under its scale; a scale of a block that is rounded to 0 leaves nothing of it."""
    if scale == 0:
        return u * 0.0
    size = _size(u, quantizer, scale)
    if quantizer.kind >= DITHERED:
        return _restored(_dithered(size, u, quantizer, first, second), u, quantizer, scale)
    return _restored(_rounded(size, quantizer, first), u, quantizer, scale)


@_compiled
def quantize_vector(
    generator: Any, u: Any, quantizer: PackedQuantizer, out: Any, draws: Any
) -> None:
    """Q(u) of a vector, as :func:`quantize` of its entries; ``draws`` is working space (2, d).

    All random numbers are drawn first, and each loop does little, so that it is vectorised.
    """
    common = _common_factor(generator, quantizer)
    first, second = draws[0], draws[1]
    if quantizer.kind == EXACT:
        for i in range(u.size):
            out[i] = u[i]
    elif quantizer.kind == GAUSSIAN:
        if quantizer.additive == 0 and quantizer.elementwise == 0:
            for i in range(u.size):
                out[i] = u[i] + u[i] * common
        else:
            _fill_normal(generator, first)
            for i in range(u.size):
                out[i] = u[i] + u[i] * common + _spread(u[i], quantizer) * first[i]
    else:
        if _draws(quantizer) > 0:
            _fill_uniform(generator, first)
        if _draws(quantizer) > 1:
            _fill_uniform(generator, second)
        if quantizer.of_coordinates.size > 0:
            for i in range(u.size):
                scale = quantizer.of_coordinates[i]
                out[i] = _quantized(u[i], quantizer, scale, first[i], second[i])
            return
        if quantizer.blocks.numbers > 0:
            _quantize_blocks(u, quantizer, out, first)
            return
        for i in range(u.size):
            out[i] = _size(u[i], quantizer, quantizer.scale)
        if quantizer.kind >= DITHERED:
            for i in range(u.size):
                out[i] = _dithered(out[i], u[i], quantizer, first[i], second[i])
        else:
            for i in range(u.size):
                out[i] = _rounded(out[i], quantizer, first[i])
        for i in range(u.size):
            out[i] = _restored(out[i], u[i], quantizer, quantizer.scale)


@_compiled
def _quantize_blocks(u: Any, quantizer: PackedQuantizer, out: Any, draws: Any) -> None:
    """Each block under the scale of its largest magnitude."""
    for start in range(0, u.size, quantizer.blocks.numbers):
        stop = min(start + quantizer.blocks.numbers, u.size)
        scale = _scale_at(u, start, quantizer)
        for i in range(start, stop):
            out[i] = _quantized(u[i], quantizer, scale, draws[i], 0.0)


@_compiled
def _scale_at(u: Any, i: int, quantizer: PackedQuantizer) -> float:
    """The scale of an entry of a vector."""
    if quantizer.of_coordinates.size > 0:
        return quantizer.of_coordinates[i]
    numbers = quantizer.blocks.numbers
    if numbers == 0:
        return quantizer.scale
    start, peak = i - i % numbers, 0.0
    for j in range(start, min(start + numbers, u.size)):
        size = abs(u[j])
        peak = size if size > peak else peak  # a NaN is not larger
    return _block_scale(peak, quantizer)


@_compiled
def _block_scale(peak: float, quantizer: PackedQuantizer) -> float:
    """The scale of a block of this largest magnitude; see :mod:`qtheory.model.block_format`."""
    blocks = quantizer.blocks
    relative = (peak if peak > 0 else 0.0) / blocks.top
    if blocks.kind != EXACT:
        most = 4 * blocks.largest
        return _rounded(most if relative > most else relative, blocks, 0.0) * quantizer.scale
    bits = np.float64(relative).view(np.int64) & _EXPONENT  # the power of two below
    power = np.int64(bits).view(np.float64)
    return min(max(power, _LEAST_SCALE), _MOST_SCALE)


@_inlined
def _spread(u: float, quantizer: PackedQuantizer) -> float:
    """Independent Gaussian errors add up to one, of the sum of their variances."""
    if quantizer.elementwise == 0:
        return quantizer.additive
    return math.sqrt(quantizer.additive**2 + (quantizer.elementwise * u) ** 2)


@_inlined
def _draws(quantizer: PackedQuantizer) -> int:
    """How many uniform random numbers the rounding of one number takes."""
    if quantizer.kind == DITHERED:
        return 2
    return 1 if quantizer.kind in (STOCHASTIC, SUBTRACTIVE) else 0


@_inlined
def _size(u: float, quantizer: PackedQuantizer, scale: float) -> float:
    """The magnitude over the scale, cut where it overflows in any case."""
    size, most = abs(u), 4 * quantizer.largest
    if scale != 1:
        size /= scale
    size = most if size > most else size
    if not quantizer.exact_scale:  # a value of the scaled format is one of the format
        step, reciprocal = _step(size, quantizer)
        nearest = np.rint(size * reciprocal) * step
        size = nearest if nearest * scale == abs(u) else size
    return size


@_inlined
def _rounded(size: float, quantizer: PackedQuantizer, draw: float) -> float:
    """A magnitude rounded, as :func:`qtheory.model.rounding.round_to_grid` defines it."""
    step, reciprocal = _step(size, quantizer)
    position = size * reciprocal
    whole = np.rint(position) if quantizer.kind == NEAREST else np.floor(position)
    if quantizer.kind == STOCHASTIC:
        rest = position - whole
        above = rest - draw  # one comparison for both, or the loop is not vectorised
        if quantizer.levels > 0:
            above = np.rint(rest * quantizer.levels) + np.floor(draw * quantizer.levels)
            above -= quantizer.levels - 0.5
        whole = whole + 1 if above > 0 else whole
    value = whole * step
    return quantizer.largest if value > quantizer.largest else value


@_inlined
def _dithered(
    size: float, u: float, quantizer: PackedQuantizer, first: float, second: float
) -> float:
    """The same with a dither, and with its sign: the dither may change it."""
    step, once = quantizer.least_step, quantizer.kind == SUBTRACTIVE
    added = first - 0.5 if once else (first - 0.5) + (second - 0.5)
    whole = np.rint(math.copysign(size / step, u) + added)
    value = abs(whole) * step
    value = math.copysign(quantizer.largest if value > quantizer.largest else value, whole)
    return value - (first - 0.5) * step if once else value


@_inlined
def _restored(value: float, u: float, quantizer: PackedQuantizer, scale: float) -> float:
    """Sign and scale put back; whole numbers have no negative zero."""
    if quantizer.kind < DITHERED:
        value = math.copysign(value, u)
    if quantizer.mantissa_bits < 0:
        value += 0.0
    return value * scale


@_inlined
def _step(size: float, quantizer: PackedQuantizer) -> tuple[float, float]:
    """The step at a magnitude and its reciprocal, powers of two."""
    if quantizer.mantissa_bits < 0:
        return quantizer.least_step, 1 / quantizer.least_step
    normal = quantizer.smallest_normal if size < quantizer.smallest_normal else size
    exponent = np.float64(normal).view(np.int64) & _EXPONENT
    exponent -= np.int64(quantizer.mantissa_bits) << _MANTISSA
    return np.int64(exponent).view(np.float64), np.int64(_RECIPROCAL - exponent).view(np.float64)


@_compiled
def _observe(u: Any, quantizer: PackedQuantizer, counts: Any) -> None:
    for i in range(u.size):
        own = quantizer.of_coordinates.size > 0
        _observe_one(u[i], quantizer, counts, quantizer.of_coordinates[i] if own else 1.0)
        counts[PEAKS + i] = max(counts[PEAKS + i], abs(u[i]))


@_compiled
def _observe_one(u: float, quantizer: PackedQuantizer, counts: Any, unit: float) -> None:
    size = abs(u)
    counts[SEEN] += 1
    counts[BELOW] += 0 < size < quantizer.low * unit
    counts[BEYOND] += size > quantizer.high * unit
    counts[PEAK] = max(counts[PEAK], size)


@_compiled
def _observe_update(before: Any, after: Any, quantizer: PackedQuantizer, observed: Any) -> None:
    """Count the updates, and those that move a parameter by less than half its step."""
    counts = observed[observed.shape[0] - 1]
    rounds = quantizer.kind > GAUSSIAN
    for i in range(before.size):
        counts[SEEN] += 1
        if rounds:
            scale = _scale_at(before, i, quantizer)
            step, _ = _step(abs(before[i]) / scale if scale > 0 else 0.0, quantizer)
            counts[BELOW] += 2 * abs(after[i] - before[i]) < step * scale
