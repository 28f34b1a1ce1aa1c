"""The measured slope of the variance part against the exponent 1/a - 1 of the theory."""

from __future__ import annotations

import math

from qtheory.model import SGD, Constant, PowerLaw, Problem, Quantization
from qtheory.numbers.exact import exact
from qtheory.risk import risk_curve
from qtheory.verify.check import CheckResult

__all__ = ["STEPS", "TOLERANCE", "slope_of", "variance_slope"]

#: Numbers of steps, each twice the one before.
STEPS = (1024, 2048, 4096)
#: The largest distance between the extrapolated slope and the exponent.
TOLERANCE = 0.01


def variance_slope(exponent: str, batch: int, dim: int = 2000) -> list[CheckResult]:
    """Check the slope of log(variance) in log(N) for lambda_i = i^-a, no quantization.

    At w* = 0 the excess risk is the variance part.
    """
    problem = Problem(dim=dim, spectrum=PowerLaw(exponent), target=Constant(0), noise=1)
    sgd = SGD(stepsize="0.1", batch=batch, steps=STEPS[-1])
    variances = [risk.total for risk in risk_curve(problem, Quantization(), sgd, STEPS)]
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
