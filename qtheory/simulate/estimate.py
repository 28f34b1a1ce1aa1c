"""What a simulation gives: a mean with its standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A simulated excess risk: the mean over replicates and its standard error.

    The expectation over the test point is exact; only the training runs are sampled.

    Parameters
    ----------
    mean, stderr
        The mean over the replicates, and the standard error of that mean.
    replicates
        How many independent runs there were.
    seed
        The seed they came from.
    biased
        The targets whose rounding is biased: the theory does not cover such a run.
    """

    mean: float
    stderr: float
    replicates: int
    seed: int
    biased: tuple[str, ...] = ()

    def distance(self, value: float) -> float:
        """How many standard errors the mean lies above a value.

        >>> Estimate(1.5, 0.25, 100, 0).distance(1)
        2.0
        """
        difference = self.mean - float(value)
        if self.stderr > 0:
            return difference / self.stderr
        return math.copysign(math.inf, difference) if difference else 0.0


@dataclass(frozen=True)
class Welford:
    """Mean and sum of squared deviations, updated by groups of values; no value is kept.

    Source: Chan, Golub, LeVeque, *Algorithms for computing the sample variance*, The American
    Statistician 37 (1983), the pairwise form of Welford's update.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def with_values(self, values: Any) -> Welford:
        """The statistics with these values added.

        >>> Welford().with_values([1.0, 2.0]).with_values([6.0])
        Welford(count=3, mean=3.0, squares=14.0)
        """
        array = np.asarray(values, dtype=np.float64)
        count = self.count + array.size
        with np.errstate(over="ignore", invalid="ignore"):  # a run that diverged says so
            mean = float(array.mean())
            squares = float(((array - mean) ** 2).sum())
            difference = mean - self.mean
            return Welford(
                count,
                self.mean + difference * array.size / count,
                self.squares
                + squares
                + (difference * self.count) * (difference * array.size) / count,
            )

    @property
    def stderr(self) -> float:
        """The standard error of the mean, infinite for fewer than two values."""
        if self.count < 2:
            return math.inf
        return math.sqrt(self.squares / (self.count - 1) / self.count)
