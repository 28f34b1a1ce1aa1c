"""Stability and limits of steps with memory, beside the whole map and long runs."""

import math
from dataclasses import replace

import numpy as np
import pytest

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Float64
from qtheory.risk.recursion import update_for

PROBLEM = qt.Problem(6, qt.PowerLaw(2), qt.Constant(1), noise="1/4")
DATA = qt.Additive("0.01") + qt.Multiplicative("0.1")  # G of rank two
SETTINGS = {
    "momentum": (qt.Quantization(), {"momentum": "0.9"}),
    "rank two": (qt.Quantization(data=DATA), {"momentum": "0.5"}),
    "stored": (qt.Quantization(data=DATA, stored=qt.Additive("0.001")), {}),
    "feedback": (
        qt.Quantization(data=DATA, stored=qt.Additive("0.001") + qt.Multiplicative("0.01")),
        {"momentum": "0.3", "error_feedback": True},
    ),
}


def radius(run, stepsize):
    instance = instantiate(run, Float64())
    matrix = update_for(instance, instance.batch, summing=False).dense(stepsize)
    return max(abs(np.linalg.eigvals(matrix[1:, 1:])))


@pytest.mark.parametrize("name", SETTINGS)
def test_the_edge_is_where_the_whole_map_has_radius_one(name):
    quantization, memory = SETTINGS[name]
    run = Run(PROBLEM, quantization, qt.SGD("0.01", 2, steps=5, **memory))
    largest = qt.stability(*run).largest_stepsize
    assert radius(run, largest * (1 - 1e-6)) < 1 < radius(run, largest * (1 + 1e-6))
    past = replace(run.sgd, stepsize=largest * 1.001)
    with pytest.raises(qt.UnstableError, match="the largest stable stepsize is"):
        qt.excess_risk(PROBLEM, quantization, past)
    inside = replace(run.sgd, stepsize=largest * 0.999)
    assert qt.excess_risk(PROBLEM, quantization, inside).total > 0


@pytest.mark.parametrize("name", SETTINGS)
def test_a_long_run_settles_at_the_limit(name):
    quantization, memory = SETTINGS[name]
    sgd = qt.SGD("0.05", 2, steps=10**5, output="last", **memory)
    found = qt.stability(PROBLEM, quantization, sgd)
    assert qt.excess_risk(PROBLEM, quantization, sgd).total == pytest.approx(found.limit, rel=1e-9)


def test_little_momentum_is_none():
    plain = qt.stability(PROBLEM, qt.Quantization(DATA), qt.SGD("0.05", 2, steps=5, output="last"))
    sgd = qt.SGD("0.05", 2, steps=5, output="last", momentum="1e-9")
    found = qt.stability(PROBLEM, qt.Quantization(DATA), sgd)
    for name in ("theta", "largest_stepsize", "limit"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name), rel=1e-7)


def test_relative_errors_of_stored_weights_may_leave_no_stable_stepsize():
    """E w^2 grows by a factor 1.2 a step, which slow directions never take back."""
    quantization = qt.Quantization(stored=qt.Multiplicative("0.2"))
    sgd = qt.SGD("0.1", steps=5)
    assert qt.stability(PROBLEM, quantization, sgd).largest_stepsize == 0
    assert qt.stability(PROBLEM, quantization, sgd).limit == math.inf
    assert 0 < qt.excess_risk(PROBLEM, quantization, sgd).total < 10  # of five steps
    one = replace(PROBLEM, dim=1)
    assert qt.stability(one, quantization, replace(sgd, stepsize="0.3")).stable
    assert not qt.stability(one, quantization, replace(sgd, stepsize="0.01")).stable


def test_a_schedule_has_the_theta_of_its_worst_stretch_and_the_limit_of_its_last():
    sgd = qt.SGD(qt.PiecewiseConstant(["0.5", "0.05"], [10]), 2, steps=20, output="last")
    parts = [
        qt.stability(PROBLEM, qt.Quantization(), replace(sgd, stepsize=step))
        for step in ("0.5", "0.05")
    ]
    found = qt.stability(PROBLEM, qt.Quantization(), sgd)
    assert found.theta == pytest.approx(parts[0].theta)
    assert found.limit == pytest.approx(parts[1].limit)
    assert found.largest_stepsize == pytest.approx(parts[0].largest_stepsize)
    too_long = replace(sgd, stepsize=qt.PiecewiseConstant([3, "0.05"], [2]))
    assert qt.stability(PROBLEM, qt.Quantization(), too_long).theta == math.inf
    assert qt.excess_risk(PROBLEM, qt.Quantization(), too_long).total < math.inf
