"""The exact risk of an error model beside the simulated risk of what it stands for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qtheory.errors import CostError, HypothesisError, PrecisionError, UnstableError
from qtheory.model.data import SecondMoments, second_moments
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.quantizer import rounding_of
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.display import finite
from qtheory.risk import excess_risk
from qtheory.simulate import Estimate, Ranges, calibrate, ranges
from qtheory.simulate.update import estimate

#: A part of the values, from which on a format is said to leave its range.
_NOTICED = 0.01
#: From so many standard errors on a difference is said to be there (by luck once in 10^6).
_STANDARD_ERRORS = 5
#: With a larger relative standard error, or fewer runs, nothing is said.
_COARSE, _LEAST_RUNS = 0.05, 64
#: From this factor on the fourth moments of a table are said to be those of no Gaussian.
_HEAVY = 1.1


@dataclass(frozen=True)
class Comparison:
    """Theory beside simulation, for one run.

    Parameters
    ----------
    name
        What is compared.
    problem, quantization, sgd
        The run; formats with the scales they had.
    theory
        The exact excess risk of the Gaussian model with the error models of the formats; infinite
        where those are unstable. For biased rounding, that of unbiased rounding to the format. A
        format on the data that no error model describes is taken as it is.
    estimate
        The simulated excess risk of the quantizers themselves; None if it was not asked for.
    ranges
        What the quantizers met; nothing if they were not simulated.
    fourth_moment
        E |x|^4 of the rows of a table over that of Gaussian rows of the same covariance,
        (tr H)^2 + 2 tr H^2; 1 for Gaussian data.
    missing
        Why there is no exact risk, so that ``theory`` is NaN; empty if there is one.
    """

    name: str
    problem: Problem
    quantization: Quantization
    sgd: SGD
    theory: float
    estimate: Estimate | None
    ranges: Ranges
    fourth_moment: float = 1.0
    missing: str = ""

    def as_json(self) -> dict[str, Any]:
        """The numbers and the verdict; what is infinite or missing is None."""
        return {
            "name": self.name,
            "quantization": repr(self.quantization),
            "exact": finite(self.theory),
            "missing": self.missing,
            "mean": self.estimate and finite(self.estimate.mean),
            "stderr": self.estimate and finite(self.estimate.stderr),
            "replicates": self.estimate and self.estimate.replicates,
            "seed": self.estimate and self.estimate.seed,
            "difference": finite(self.difference),
            "distance": finite(self.distance),
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "biased": list(self.quantization.biased),
        }

    @property
    def difference(self) -> float:
        """(simulated - theory) / theory; NaN if one of them is missing."""
        if self.estimate is None:
            return math.nan
        if math.isinf(self.theory):
            return -1.0
        if self.theory == 0:  # nothing to learn and no noise
            return math.inf if self.estimate.mean else 0.0
        return self.estimate.mean / self.theory - 1

    @property
    def distance(self) -> float:
        """simulated - theory, in standard errors; NaN if one of them is missing."""
        if self.estimate is None:
            return math.nan
        return self.estimate.distance(self.theory)

    @property
    def verdict(self) -> str:
        """``"differ"`` from 5 standard errors on, otherwise ``"agree"``.

        ``"unknown"`` with fewer than 64 runs, or where the standard error is above 5 % of the mean:
        then some runs diverge, or more are needed. Nor is anything known without an exact risk.
        """
        if self.missing or self.estimate is None or self.estimate.replicates < _LEAST_RUNS:
            return "unknown"
        if math.isinf(self.theory) or abs(self.distance) >= _STANDARD_ERRORS:
            return "differ"
        mean, stderr = self.estimate.mean, self.estimate.stderr
        return "agree" if stderr <= _COARSE * mean else "unknown"

    @property
    def reasons(self) -> tuple[str, ...]:
        """What may make the theory fail, as far as it was met in the run.

        Values beyond the range saturate; those of a floating-point format below its smallest
        normal number have a constant step; values below half a constant step are not spread
        over a step as the additive model takes them to be; updates below half a step of the
        parameters stagnate under rounding to nearest; rounding may be biased; rows of a table are
        not Gaussian.
        """
        found = [f"no exact risk: {self.missing}"] if self.missing else []
        found += [f"{target} is rounded with bias" for target in self.quantization.biased]
        for target, part in self.ranges.beyond.items():
            if part >= _NOTICED:
                found.append(f"{target} saturates ({part:.0%})")
        for target, part in self.ranges.below.items():
            if part >= _NOTICED:
                verb = "underflows" if self._floating(target) else "below half a step"
                found.append(f"{target} {verb} ({part:.0%})")
        if not 1 / _HEAVY < self.fourth_moment < _HEAVY:
            found.append(f"E|x|^4 is {self.fourth_moment:.3g} times that of Gaussian rows")
        if self.ranges.stagnant >= 0.5:
            found.append(f"updates below half a step ({self.ranges.stagnant:.0%})")
        if math.isinf(self.theory):
            found.append("the error model is unstable")
        coarse = self.estimate is not None and not (
            self.estimate.stderr <= _COARSE * self.estimate.mean
        )
        if coarse:
            found.append("the runs scatter widely: more replicates, or some diverge")
        return tuple(found)

    def _floating(self, target: str) -> bool:
        rounding = rounding_of(getattr(self.quantization, target))
        return rounding is not None and rounding.format.grid.mantissa_bits is not None


def compare(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    replicates: int = 1000,
    seed: int = 0,
    *,
    name: str = "",
    relative_error: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """The exact risk of the error models beside the simulated risk of the quantizers.

    Parameters
    ----------
    problem, quantization, sgd, replicates, seed, relative_error, progress
        As in :func:`qtheory.simulate`.
    name
        What to call it.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=16, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> bfloat16 = qt.Quantization.uniform(qt.formats.get("bfloat16"))
    >>> found = qt.compare(problem, bfloat16, qt.SGD("0.1", steps=200), replicates=2000)
    >>> found.verdict, found.reasons
    ('agree', ())
    >>> narrow = qt.Quantization(label=qt.formats.get("int4", scale="1/4"))
    >>> found = qt.compare(problem, narrow, qt.SGD("0.1", steps=200), replicates=2000)
    >>> found.verdict, found.reasons
    ('differ', ('label saturates (27%)', 'label below half a step (6%)'))
    """
    run = Run(problem, quantization, sgd)
    exact, missing = theory_if_any(run)
    return Comparison(
        name or repr(quantization),
        problem,
        quantization,
        sgd,
        exact,
        estimate(run, replicates, seed, relative_error, progress=progress),
        ranges(run, seed=seed),
        missing=missing,
    )


def compare_rows(
    X: Any,
    y: Any,
    quantization: Quantization,
    sgd: SGD,
    replicates: int = 1000,
    seed: int = 0,
    *,
    calibrated: bool = False,
    relative_error: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """The Gaussian theory with the covariance of a real table beside runs on its rows.

    Parameters
    ----------
    X, y
        Table of shape (n, d) and labels of shape (n,); rows are drawn with replacement.
    quantization, sgd, replicates, seed, relative_error, progress
        As in :func:`qtheory.simulate`.
    calibrated
        Scale every number format to the largest magnitude of a pilot run on the rows.

    Examples
    --------
    >>> import numpy as np
    >>> import qtheory as qt
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((2000, 3))
    >>> y = X @ [1, -1, 2] + rng.standard_normal(2000)
    >>> found = qt.compare_rows(X, y, qt.Quantization(), qt.SGD("0.1", steps=50))
    >>> abs(found.difference) < 0.1
    True
    """
    table = second_moments(X, y)
    problem = Problem.from_moments(table)
    if calibrated:
        quantization = calibrate(problem, quantization, sgd, seed=seed, table=table)
    run = Run(problem, quantization, sgd)
    exact, missing = theory_if_any(run)
    return Comparison(
        "rows of the table",
        problem,
        quantization,
        sgd,
        exact,
        estimate(run, replicates, seed, relative_error, progress=progress, table=table),
        ranges(run, seed=seed, table=table),
        _fourth_moment(table),
        missing,
    )


def _fourth_moment(table: SecondMoments) -> float:
    """E |x|^4 over its Gaussian value."""
    square = (table.scores**2).sum(axis=1)
    values = np.asarray(table.eigenvalues)
    return float((square**2).mean() / (values.sum() ** 2 + 2 * (values**2).sum()))


def theory(run: Run) -> float:
    """The exact risk of the error models of the quantizers, infinite if they are unstable.

    A biased rounding counts as unbiased rounding to its format. A format on the data without an
    error model is taken as it is.
    """

    def unbiased(target: str, quantizer: Any) -> Any:
        rounding = rounding_of(quantizer)
        if rounding is None:
            return quantizer
        try:
            return (rounding.format if rounding.is_biased else rounding).error_model()
        except HypothesisError:
            if target != "data" or rounding.format.is_biased:
                raise
            return rounding.format

    models = Quantization(**{t: unbiased(t, q) for t, q in run.quantization.items()})
    try:
        return float(excess_risk(run.problem, models, run.sgd).total)
    except UnstableError:
        return math.inf


def theory_if_any(run: Run) -> tuple[float, str]:
    """The exact risk, or NaN and the reason: where there is none the simulation still tells."""
    try:
        return theory(run), ""
    except (CostError, HypothesisError, PrecisionError) as error:
        return math.nan, str(error)
