"""Simulations: a bias, and an error drawn otherwise, are noticed."""

import dataclasses

import pytest

import qtheory as qt
from qtheory.checks import simulation
from qtheory.checks.suite import SEED
from qtheory.paper.experiments import Experiment
from tests.checks.results import passed, status

SMALL = Experiment("additive", "1e-2", 20, 1, steps=50)


@pytest.mark.parametrize("name", ["gradient, shared by all", "parameter, last", "int3"])
def test_a_short_simulation_agrees(name):
    assert passed(simulation.small_simulation_agrees(name, SEED))


def test_a_factor_that_is_not_shared_is_noticed(monkeypatch):
    """As if each sample of a batch had a factor of its own."""
    right = simulation.excess_risk
    elementwise = qt.Quantization(gradient=qt.Multiplicative("1/4", "elementwise"))
    monkeypatch.setattr(simulation, "excess_risk", lambda p, q, sgd: right(p, elementwise, sgd))
    assert status(simulation.small_simulation_agrees("gradient, shared by all", SEED)) == "failed"


def test_a_biased_simulation_fails(monkeypatch):
    assert simulation.simulation_agrees(SMALL, 200, 1)[0].status == "passed"
    simulate = simulation.simulate

    def biased(*arguments, **options):
        estimate = simulate(*arguments, **options)
        return dataclasses.replace(estimate, mean=estimate.mean + 5 * estimate.stderr)

    monkeypatch.setattr(simulation, "simulate", biased)
    assert simulation.simulation_agrees(SMALL, 200, 1)[0].status == "failed"
