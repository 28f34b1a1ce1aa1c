"""Stability, inputs, formats and short simulations: each check, and its twin."""

import dataclasses

import mpmath
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.checks import formats as format_checks
from qtheory.checks import inputs, simulation, stability
from qtheory.checks import risk as risk_checks
from qtheory.checks.suite import SEED
from qtheory.errors import HypothesisError
from qtheory.model import formats
from qtheory.risk.closed_form import ClosedForm
from tests.checks.results import passed, status


@pytest.mark.parametrize(
    "check",
    [
        risk_checks.floats_agree,
        stability.edges_agree,
        stability.limits_agree,
        inputs.inputs_agree,
        inputs.hypotheses_are_required,
        format_checks.formats_as_in_standards,
        format_checks.levels_agree,
    ],
)
def test_a_check_passes(check):
    assert passed(check())


@pytest.mark.parametrize("name", ["gradient, shared by all", "parameter, last", "int3"])
def test_a_short_simulation_agrees(name):
    assert passed(simulation.small_simulation_agrees(name, SEED))


# --- twins that must fail ----------------------------------------------------------------------


def test_float64_that_is_off_in_the_tenth_digit_is_noticed(monkeypatch):
    right = ClosedForm.second_moment
    monkeypatch.setattr(ClosedForm, "second_moment", lambda *a: right(*a) * (1 + 1e-10))
    assert status(risk_checks.floats_agree()) == "failed"


@pytest.mark.parametrize("part", ["theta", "limit"])
def test_another_limit_is_noticed(monkeypatch, part):
    right = stability.stability

    def wrong(*run):
        found = right(*run)
        return dataclasses.replace(found, **{part: getattr(found, part) * (1 + 1e-10)})

    monkeypatch.setattr(stability, "stability", wrong)
    assert status(stability.limits_agree()) == "failed"


def test_another_edge_is_noticed(monkeypatch):
    right = stability.stability

    def wrong(*run):
        found = right(*run)
        return dataclasses.replace(found, largest_stepsize=found.largest_stepsize * 1.001)

    monkeypatch.setattr(stability, "stability", wrong)
    assert status(stability.edges_agree()) == "failed"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda patch: patch.setattr(inputs, "Multiplicative",
                                    lambda *e: qt.Multiplicative(e[0], "elementwise")),
        lambda patch: patch.setattr(inputs, "PowerLaw", lambda a, s: qt.PowerLaw(a, 2 * sp.S(s))),
        lambda patch: patch.setattr(inputs, "SGD", lambda g, steps: qt.SGD(g, 2, steps=steps)),
        lambda patch: patch.setattr(qt.Quantization, "up_to", lambda q, target: q),
    ],
    ids=["coupling", "scale", "batch", "up to"],
)  # fmt: skip
def test_an_input_that_means_something_else_is_noticed(monkeypatch, wrong):
    wrong(monkeypatch)
    assert status(inputs.inputs_agree()) == "failed"


def test_a_hypothesis_that_is_not_required_is_noticed(monkeypatch):
    def refusing(*args, **kwargs):
        raise HypothesisError("always")

    right = inputs.upper_bound
    for wrong in (refusing, lambda p, q, sgd, digits=None, form=None: right(p, q, SHORT)):
        monkeypatch.setattr(inputs, "upper_bound", wrong)
        assert status(inputs.hypotheses_are_required()) == "failed"


SHORT = qt.SGD("1/100", steps=5)


def test_a_larger_bound_than_the_smallest_is_noticed(monkeypatch):
    right = inputs.upper_bound

    def wrong(problem, quantization, sgd, digits=None, form=None):
        return right(problem, quantization, sgd, digits, form or "paper")

    monkeypatch.setattr(inputs, "upper_bound", wrong)
    assert status(inputs.hypotheses_are_required()) == "failed"


def test_a_format_with_another_largest_value_is_noticed(monkeypatch):
    other = {**formats._FLOATS, "fp8_e4m3": formats.FP(4, 3)}
    monkeypatch.setattr(formats, "_FLOATS", other)
    assert status(format_checks.formats_as_in_standards()) == "failed"


def test_another_level_of_a_format_is_noticed(monkeypatch):
    right = format_checks._gap
    monkeypatch.setattr(
        format_checks, "_gap", lambda a, b: right(a, b * (1 + mpmath.mpf(10) ** -10))
    )
    assert status(format_checks.levels_agree()) == "failed"


def test_another_risk_of_a_format_is_noticed(monkeypatch):
    right = format_checks._integrated_risks

    def wrong(tables, output):
        found = right(tables, output)
        return {name: np.array(v) * (1 + mpmath.mpf(10) ** -18) for name, v in found.items()}

    monkeypatch.setattr(format_checks, "_integrated_risks", wrong)
    assert status(format_checks.format_agrees("int3")) == "failed"


def test_a_factor_that_is_not_shared_is_noticed(monkeypatch):
    """As if each sample of a batch had a factor of its own."""
    right = simulation.excess_risk
    elementwise = qt.Quantization(gradient=qt.Multiplicative("1/4", "elementwise"))
    monkeypatch.setattr(simulation, "excess_risk", lambda p, q, sgd: right(p, elementwise, sgd))
    assert status(simulation.small_simulation_agrees("gradient, shared by all", SEED)) == "failed"
