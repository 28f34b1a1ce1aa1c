"""The simulation of the real update against the exact risk, and its reproducibility."""

import pytest

import qtheory as qt
from tests.reference import PROBLEM, SMALL, STEPS

DISTANCE = 4  # standard errors


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
@pytest.mark.parametrize("output", ["average", "last", "tail"])
def test_simulation_agrees_with_the_exact_risk(case, output):
    sgd = qt.SGD("0.1", case.batch, steps=STEPS, output=output)
    estimate = qt.simulate(PROBLEM, case.quantization, sgd, replicates=2000, seed=7)
    exact = qt.excess_risk(PROBLEM, case.quantization, sgd).total
    assert abs(estimate.mean - exact) < DISTANCE * estimate.stderr


def test_a_wrong_model_is_seen():
    sgd = qt.SGD("0.1", steps=STEPS)
    estimate = qt.simulate(PROBLEM, qt.Quantization(), sgd, replicates=2000, seed=7)
    data = qt.Quantization(data=qt.Additive("0.1"))
    wrong = qt.excess_risk(PROBLEM, data, sgd).total
    assert abs(estimate.mean - wrong) > DISTANCE * estimate.stderr


def test_a_seed_gives_the_same_estimate_and_another_does_not():
    arguments = (PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=5))
    first, again, other = (qt.simulate(*arguments, replicates=50, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.mean != other.mean


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"replicates": 1}, "replicates is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1.5}, "seed is 1.5"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.simulate(PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=5), **kwargs)
