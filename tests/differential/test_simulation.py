"""The simulated update against the exact risk, on instances drawn over the input space.

All checks together raise a false alarm once in a million draws of their seeds. The bound on one
mean is the normal quantile for its share of that, widened for skewness as in
tests/simulate/test_statistics.py, g (2 z^2 + 1) / (6 sqrt(n)); here the skewness g of an instance
is estimated from its own runs, and doubled, since a sample underestimates it.
"""

import dataclasses
import math
import random
from fractions import Fraction as F
from statistics import NormalDist

import numpy as np
import pytest

import qtheory as qt
from qtheory.model.run import Run
from qtheory.reference import moments as reference
from qtheory.reference.moments import Errors, Setting
from qtheory.simulate.blocks import Work, run_blocks
from tests.differential.instances import (
    COEFFICIENTS,
    EIGENVALUES,
    NOISES,
    TARGETS,
    arguments,
    at,
    moments,
)

INSTANCES = 15
REPLICATES = 5_000
FALSE_ALARMS = 1e-6
OUTPUTS = (("average", "1"), ("last", "1"), ("tail", "1/2"))
#: A run holds B samples. Larger errors and steps leave few runs to make most of the mean, which is
#: then not normal: the moments that decide it are products of the errors of all steps.
BATCHES = (1, 2, 3)
LEVELS = (F(0), F(0), F(1, 10**12), F(1, 10), F(3, 7))
FRACTIONS = (F(1, 4), F(1, 10), F(1, 10**3))


def drawn(number):
    """An instance from a seed of its own, and what it returns."""
    rng = random.Random(number)
    dim = rng.randint(1, 5)
    eigenvalues = [F(1), *(rng.choice(EIGENVALUES) for _ in range(dim - 1))]
    rng.shuffle(eigenvalues)
    errors = {name: Errors(*(rng.choice(LEVELS) for _ in range(3))) for name in TARGETS}
    setting = Setting(
        tuple(eigenvalues), tuple(rng.choice(COEFFICIENTS) for _ in range(dim)),
        rng.choice(NOISES[1:]), F(1), rng.choice(BATCHES), rng.randint(2, 8), **errors,
    )  # fmt: skip
    return at(setting, rng.choice(FRACTIONS)), OUTPUTS[number % 3]


def theory(setting, output):
    return float(reference.risks(setting, moments(setting, *output)).risk)


def risks_of(run, seed):
    with run_blocks(Work.of(Run(*run)), REPLICATES, seed, None, None) as blocks:
        return np.concatenate([np.asarray(block.risks) for block in blocks])


def allowed(risks, checks=INSTANCES):
    """Standard errors that a mean is off once in so many checks and a million draws."""
    deviations = (risks - risks.mean()) / risks.std()
    skewness = 2 * abs(np.mean(deviations**3)) / math.sqrt(len(risks))
    z = NormalDist().inv_cdf(1 - FALSE_ALARMS / (2 * checks))
    return z + skewness * (2 * z**2 + 1) / 6


def wrong(setting):
    """The theory of another instance: with twice the noise, and twice of every error."""

    def twice(errors):
        return Errors(*(2 * level for level in dataclasses.astuple(errors)))

    errors = {name: twice(getattr(setting, name)) for name in TARGETS}
    return dataclasses.replace(setting, noise=2 * setting.noise, **errors)


@pytest.fixture(scope="module")
def found():
    """For each instance by how many allowed distances theory and wrong theory are off."""
    distances = []
    for number in range(INSTANCES):
        setting, output = drawn(number)
        run = arguments(setting, *output)
        estimate = qt.simulate(*run, REPLICATES, seed=number)
        risks = risks_of(run, seed=number)
        assert estimate.mean == pytest.approx(risks.mean(), rel=1e-12)
        limit = allowed(risks)
        distances.append(
            [abs(estimate.distance(theory(s, output))) / limit for s in (setting, wrong(setting))]
        )
    return np.array(distances)


def test_the_mean_is_the_exact_risk(found):
    assert found[:, 0].max() < 1


def test_a_wrong_theory_is_refused(found):
    # not at each instance: where the risk is nearly all bias, noise is too small a part of it
    assert (found[:, 1] > 1).sum() >= INSTANCES // 3


def test_what_is_allowed():
    even = np.array([-1.0, 1.0] * 50)
    assert 2 * NormalDist().cdf(-allowed(even, checks=10)) == pytest.approx(1e-7, rel=1e-3)
    assert allowed(np.array([0.0] * 99 + [1.0]), checks=10) > 3 * allowed(even, checks=10)
