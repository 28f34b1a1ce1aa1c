"""The measured slope of the variance part against the exponent 1/a - 1 of the theory."""

from __future__ import annotations

import math
from itertools import islice

from qtheory.model import SGD, Constant, PowerLaw, Problem, Quantization
from qtheory.model.instance import instantiate
from qtheory.numbers.arithmetic import Float64
from qtheory.numbers.exact import exact
from qtheory.risk.decomposition import decompose
from qtheory.risk.recursion import output_moments, trajectory
from qtheory.verify.check import CheckResult

__all__ = ["STEPS", "TOLERANCE", "slope_of", "variance_slope"]

#: Numbers of steps, each twice the one before.
STEPS = (1024, 2048, 4096)
#: The largest distance between the extrapolated slope and the exponent.
TOLERANCE = 0.01


def variance_slope(exponent: str, batch: int, dim: int = 2000) -> list[CheckResult]:
    """Check the slope of log(variance) in log(N) for lambda_i = i^-a, no quantization.

    At w* = 0 the excess risk is the variance part. One trajectory gives it at every N.
    """
    problem = Problem(dim=dim, spectrum=PowerLaw(exponent), target=Constant(0), noise=1)
    sgd = SGD(stepsize="0.1", batch=batch, steps=STEPS[-1])
    instance = instantiate(problem, Quantization(), sgd, Float64())
    variances = [
        float(decompose(instance, *output_moments(instance, moments)).total)
        for moments in islice(trajectory(instance), STEPS[-1] + 1)
        if moments.t in STEPS
    ]
    predicted = float(1 / exact(exponent, "exponent") - 1)
    raw, extrapolated = slope_of(variances)
    return [
        CheckResult.of(
            f"variance-slope/a={exponent}/B={batch}",
            "rate",
            abs(extrapolated - predicted) <= TOLERANCE,
            f"measured {extrapolated:.4f} (last octave {raw:.4f}), predicted {predicted:.4f}",
            {"measured": extrapolated, "raw": raw, "predicted": predicted},
        )
    ]


def slope_of(variances: list[float]) -> tuple[float, float]:
    """The slope over the last octave, and the one extrapolated from three values.

    N * variance = C N^(1/a) + c + ...: the ratio of two successive differences is 2^(1/a),
    free of the constant c.
    """
    first, second, third = (n * v for n, v in zip(STEPS, variances, strict=True))
    raw = math.log2(third / second) - 1
    return raw, math.log2((third - second) / (second - first)) - 1
