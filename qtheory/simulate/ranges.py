"""What the quantizers of a run meet: magnitudes, and how often they leave the range of a format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from qtheory.errors import UnstableError
from qtheory.model.data import SecondMoments
from qtheory.model.float_range import within_float64
from qtheory.model.problem import Problem
from qtheory.model.quantization import STORED, TARGETS, Quantization
from qtheory.model.quantizer import rounding_of
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.simulate.blocks import (
    Work,
    require_affordable,
    run_blocks,
    sampling,
)
from qtheory.simulate.packing import BELOW, BEYOND, PEAK, PEAKS, SEEN

_REPLICATES = 16


@dataclass(frozen=True)
class Ranges:
    """What was met in some runs; the maps go from targets to numbers.

    Parameters
    ----------
    largest
        The largest magnitude of each target.
    below
        The part of the values that are too small for the format, but not 0: below its smallest
        normal number, or below half a constant step.
    beyond
        The part of the values beyond its largest value: they saturate.
    stagnant
        The part of the updates of a coordinate that are below half the step of the parameters
        there, so that rounding to nearest would not notice; 0 without a format on the parameters.
    peaks
        The largest magnitude of each coordinate, of the targets that are vectors.
    """

    largest: Mapping[str, float]
    below: Mapping[str, float]
    beyond: Mapping[str, float]
    stagnant: float
    peaks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@within_float64
def ranges(
    run: Run,
    replicates: int = _REPLICATES,
    seed: int = 0,
    table: SecondMoments | None = None,
) -> Ranges:
    """Run the update and look at what its quantizers are given.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> narrow = qt.Quantization(label=qt.formats.get("int4", scale="1/4"))
    >>> met = ranges(Run(problem, narrow, qt.SGD("0.1", steps=100)))
    >>> met.largest["label"] > 2, met.beyond["label"] > 0.05, met.beyond["data"]
    (True, True, 0.0)
    """
    replicates, seed = sampling(replicates, seed)
    work = Work.of(run, table)
    require_affordable(work, replicates)
    found = np.zeros((len(TARGETS) + 1, PEAKS + work.run.length))
    with run_blocks(work, replicates, seed, observing=True) as blocks:
        for block in blocks:
            peaks = np.maximum(found[:, PEAK:], block.observed[:, PEAK:])
            found += block.observed
            found[:, PEAK:] = peaks
    seen = np.maximum(found[:, SEEN], 1)

    def by_target(values: Any) -> dict[str, float]:
        return dict(zip(TARGETS, map(float, values), strict=False))

    return Ranges(
        largest=by_target(found[:, PEAK]),
        below=by_target(found[:, BELOW] / seen),
        beyond=by_target(found[:, BEYOND] / seen),
        stagnant=float(found[-1, BELOW] / seen[-1]),
        peaks={
            target: tuple(found[TARGETS.index(target), PEAKS:].tolist())
            for target in ("data", "parameter")
        },
    )


def calibrate(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    replicates: int = _REPLICATES,
    seed: int = 0,
    table: SecondMoments | None = None,
) -> Quantization:
    """Every number format scaled to the largest magnitude its target meets without quantization.

    One scale per target, or one per coordinate for ``format.scaled_by("channel")`` on a vector,
    from a pilot run in float64. Integers and fixed point put the largest magnitude on their largest
    value; floating point gets the power of two above that, since its relative step does not change.
    Of block formats nvfp4 gets its tensor scale. Stored weights are scaled as parameters are.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> int8 = qt.Quantization.uniform(qt.formats.get("int8"))
    >>> calibrated = calibrate(problem, int8, qt.SGD("0.1", steps=100))
    >>> 3 < calibrated.data.largest < 7, calibrated.parameter.largest < 3
    (True, True)

    Raises
    ------
    UnstableError
        If the pilot run diverges.
    """
    run = Run(problem, quantization, sgd)
    return scaled(run.quantization, pilot(problem, sgd, replicates, seed, table))


def pilot(
    problem: Problem,
    sgd: SGD,
    replicates: int = _REPLICATES,
    seed: int = 0,
    table: SecondMoments | None = None,
) -> Ranges:
    """What each target meets without quantization."""
    met = ranges(Run(problem, Quantization(), sgd), replicates, seed, table)
    for target, largest in met.largest.items():
        if not math.isfinite(largest):
            raise UnstableError(f"the pilot run diverges: the {target} reaches {largest}")
    return met


def scaled(quantization: Quantization, met: Ranges) -> Quantization:
    """Every number format scaled to the largest magnitudes of its target."""

    def fitted(target: str, quantizer: Any) -> Any:
        rounding = rounding_of(quantizer)
        if rounding is None:
            return quantizer
        like = "parameter" if target == STORED else target
        peaks = np.array(met.peaks.get(like, met.largest[like]))
        return replace(rounding, format=rounding.format.fitted_to(np.atleast_1d(peaks)))

    return Quantization(**{target: fitted(target, q) for target, q in quantization.items()})
