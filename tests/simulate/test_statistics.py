"""Simulated means against exact risks, so sharp that an error variance wrong by 5% is refused.

All the checks of this file together raise a false alarm once in a million runs. The bound on one
mean is the normal quantile for its share of that, widened by the first term of the Cornish-Fisher
expansion of a studentized mean, since risks are skewed: if the skewness of the risk of a run is
g, the quantile z of the mean of n runs becomes z + g (2 z^2 + 1) / (6 sqrt(n)). Source: Hall,
*Edgeworth expansion for Student's t statistic under minimal moment conditions*, Annals of
Probability 15 (1987).
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest

import qtheory as qt
from qtheory.model import formats
from tests.simulate.numpy_update import numpy_risks

FALSE_ALARMS = 1e-6
MOST_SKEWNESS = 0.03  # of the mean; the slow test below looks after it
WRONG = Fraction(19, 20), Fraction(21, 20)


@dataclass(frozen=True)
class Case:
    """One quantizer on one target, in a run where it makes most of the risk."""

    target: str
    kind: str
    eps: str
    batch: int
    dim: int
    stepsize: str
    steps: int
    output: str
    replicates: int

    @property
    def problem(self):
        # a small signal without noise shows additive errors, noise without signal those of labels
        # and residuals that are proportional to them; the others need a signal
        noise = self.kind not in ADDITIVE and self.target in ("label", "gradient")
        weak = self.target != "data" and (self.kind in ADDITIVE or noise)
        spectrum = [1 - Fraction(i, 2 * self.dim) for i in range(self.dim)]
        return qt.Problem(
            self.dim, qt.Explicit(spectrum), qt.Constant("1/20" if weak else 1), int(noise)
        )

    @property
    def sgd(self):
        return qt.SGD(self.stepsize, self.batch, steps=self.steps, output=self.output)

    @property
    def quantization(self):
        """What is simulated."""
        eps = Fraction(self.eps)
        if self.kind in formats.names():
            quantizer = formats.get(self.kind, scale=eps)
        elif self.kind in ("dithered", "subtractive"):
            quantizer = formats.Rounding(formats.get("int16", scale=eps), self.kind)
        else:
            quantizer = MODELS[self.kind](eps)
        return qt.Quantization(**{self.target: quantizer})

    def exact(self, factor=1):
        """The exact risk with an error variance wrong by a factor."""
        if self.kind in formats.names():
            # the variance of the error is proportional to the square of the step
            root = Fraction(math.sqrt(factor)).limit_denominator(1000)
            theory = replace(self, eps=str(Fraction(self.eps) * root)).quantization
        else:
            model = getattr(self.quantization.error_models(), self.target)
            parts = (model.additive, model.shared, model.elementwise)
            theory = qt.Quantization(**{self.target: qt.ErrorModel(*(factor * p for p in parts))})
        return float(qt.excess_risk(self.problem, theory, self.sgd).total)

    def __str__(self):
        return f"{self.target} {self.kind} batch {self.batch} {self.output}"


ADDITIVE = ("additive", "dithered", "subtractive")
MODELS = {
    "additive": qt.Additive,
    "shared": qt.Multiplicative,
    "elementwise": lambda eps: qt.Multiplicative(eps, coupling="elementwise"),
}

# With B = 1 a shared and an elementwise error of a label, activation or gradient are the same.
CASES = [
    Case("data", "additive", "1/2", 1, 4, "1/20", 80, "tail", 9_000),
    Case("data", "additive", "1", 3, 4, "1/10", 40, "tail", 5_000),
    Case("data", "shared", "1", 1, 4, "1/40", 80, "tail", 18_000),
    Case("data", "shared", "1/2", 3, 4, "1/10", 40, "tail", 10_000),
    Case("data", "elementwise", "1/2", 1, 4, "1/20", 40, "last", 36_000),
    Case("data", "elementwise", "1/2", 3, 4, "1/10", 40, "tail", 7_000),
    Case("label", "additive", "4", 1, 8, "1/20", 20, "last", 24_000),
    Case("label", "additive", "4", 3, 8, "1/10", 12, "average", 30_000),
    Case("label", "shared", "12", 1, 8, "1/40", 20, "last", 60_000),
    Case("label", "shared", "12", 3, 8, "1/20", 8, "last", 75_000),
    Case("label", "elementwise", "12", 3, 8, "1/20", 8, "last", 60_000),
    Case("parameter", "additive", "4", 1, 8, "1/20", 20, "last", 35_000),
    Case("parameter", "additive", "4", 3, 8, "1/10", 8, "last", 34_000),
    Case("parameter", "shared", "1/4", 1, 8, "1/10", 80, "tail", 56_000),
    Case("parameter", "shared", "1/4", 3, 8, "1/5", 20, "last", 100_000),
    Case("parameter", "elementwise", "1/4", 1, 8, "1/10", 80, "tail", 29_000),
    Case("parameter", "elementwise", "1/2", 3, 8, "1/5", 20, "last", 46_000),
    Case("activation", "additive", "4", 1, 8, "1/20", 20, "average", 35_000),
    Case("activation", "additive", "4", 3, 8, "1/10", 8, "last", 24_000),
    Case("activation", "shared", "1/4", 1, 8, "1/10", 80, "tail", 56_000),
    Case("activation", "shared", "1/4", 3, 8, "1/5", 20, "last", 100_000),
    Case("activation", "elementwise", "1/4", 3, 8, "1/5", 40, "tail", 46_000),
    Case("gradient", "additive", "4", 1, 8, "1/20", 20, "tail", 30_000),
    Case("gradient", "additive", "4", 3, 8, "1/10", 8, "last", 24_000),
    Case("gradient", "shared", "4", 1, 8, "1/40", 20, "last", 70_000),
    Case("gradient", "shared", "4", 3, 8, "1/20", 20, "last", 52_000),
    Case("gradient", "elementwise", "4", 3, 8, "1/20", 20, "last", 48_000),
    # a step of 4, of 7: error variances 4^2/4 and 7^2/12
    Case("label", "dithered", "4", 1, 8, "1/20", 20, "last", 26_000),
    Case("label", "subtractive", "7", 3, 8, "1/10", 8, "last", 24_000),
    Case("parameter", "dithered", "4", 3, 8, "1/10", 8, "last", 34_000),
    Case("parameter", "subtractive", "7", 1, 8, "1/20", 20, "last", 35_000),
    Case("activation", "dithered", "4", 1, 8, "1/20", 20, "last", 22_000),
    Case("activation", "subtractive", "7", 3, 8, "1/10", 8, "last", 24_000),
    Case("gradient", "dithered", "4", 3, 8, "1/10", 8, "last", 24_000),
    Case("gradient", "subtractive", "7", 1, 8, "1/20", 20, "last", 22_000),
    # the exact risk takes formats on data as they are; this fp4 rounds in its subnormal numbers
    Case("data", "int4", "3", 1, 4, "1/20", 40, "last", 30_000),
    Case("data", "int4", "3", 3, 4, "1/10", 40, "tail", 10_000),
    Case("data", "fp4_e2m1", "4", 1, 4, "1/20", 40, "last", 30_000),
    Case("data", "fp4_e2m1", "4", 3, 4, "1/10", 40, "average", 10_000),
]


def bound(checks):
    """Standard errors that a mean is off once in so many checks and a million runs."""
    z = NormalDist().inv_cdf(1 - FALSE_ALARMS / (2 * checks))
    return z + MOST_SKEWNESS * (2 * z**2 + 1) / 6


BOUND = bound(len(CASES))


def test_the_bound():
    share = FALSE_ALARMS / len(CASES)
    z = BOUND - MOST_SKEWNESS * (2 * 5.55**2 + 1) / 6
    assert 2 * NormalDist().cdf(-z) == pytest.approx(share, rel=0.1)
    assert bound(1) < BOUND < bound(10 * len(CASES))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_mean_is_the_exact_risk_and_not_that_of_a_wrong_variance(case):
    estimate = qt.simulate(case.problem, case.quantization, case.sgd, case.replicates, seed=1)
    exact = case.exact()
    assert abs(estimate.distance(exact)) < BOUND
    for factor in WRONG:
        wrong = case.exact(factor)
        # so far apart that whatever passes for the one is refused for the other
        assert abs(wrong - exact) > 2 * BOUND * estimate.stderr
        assert abs(estimate.distance(wrong)) > BOUND


@pytest.mark.long
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_means_are_as_little_skewed_as_the_bound_assumes(case):
    risks = numpy_risks(case.problem, case.quantization, case.sgd, 200_000, seed=2)
    deviations = (risks - risks.mean()) / risks.std()
    skewness = np.mean(deviations**3)
    assert abs(skewness) < MOST_SKEWNESS * math.sqrt(case.replicates)
    # a mean of few runs is more skewed than that
    assert abs(skewness) > MOST_SKEWNESS * math.sqrt(4)
