"""The risk beside the loops of the reference: every kind of comparison can fail."""

import dataclasses
from fractions import Fraction

import pytest

from qtheory.checks import risk as risk_checks
from qtheory.checks import stability, statements
from qtheory.checks.panel import OTHER_COVARIATES, SETTINGS
from qtheory.reference import moments as reference
from qtheory.risk import secular
from qtheory.risk.closed_form import ClosedForm
from tests.checks.results import passed, status

NEARLY_ONE = 1 + Fraction(1, 10**20)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_risks_agree(name):
    assert passed(risk_checks.risks_agree(name))


@pytest.mark.parametrize(
    "check", [risk_checks.outcomes_agree, risk_checks.paths_agree, risk_checks.floats_agree]
)
def test_the_rest(check):
    assert passed(check())


# --- negative controls -------------------------------------------------------------------------


def test_another_step_is_noticed(monkeypatch):
    def without_cross(setting, m, v):
        return (Fraction(0),) * setting.dim

    monkeypatch.setattr(reference, "cross_samples", without_cross)
    assert status(risk_checks.risks_agree("all/B=3")) == "failed"
    assert status(stability.edges_agree()) == "failed"
    assert status(statements.recursion_agrees()) == "failed"


@pytest.mark.parametrize("name", OTHER_COVARIATES)
def test_a_law_that_is_ignored_is_noticed(monkeypatch, name):
    """The exact risk of Gaussian data in the place of that of the law."""
    gaussian = dataclasses.replace(SETTINGS[name], kurtosis=Fraction(3), fourth=Fraction(1))
    assert passed(risk_checks.risks_agree(name))
    right = risk_checks.arguments
    monkeypatch.setattr(risk_checks, "arguments", lambda _, *more: right(gaussian, *more))
    assert status(risk_checks.risks_agree(name)) == "failed"


def test_outcomes_that_are_added_up_otherwise_are_noticed(monkeypatch):
    right = risk_checks.outcomes.one_step

    def wrong(setting, m, v):
        after = right(setting, m, v)
        return reference.Moments(after.first, tuple(x * Fraction(1001, 1000) for x in after.second))

    monkeypatch.setattr(risk_checks.outcomes, "one_step", wrong)
    assert status(risk_checks.outcomes_agree()) == "failed"


@pytest.mark.parametrize("part", ["risk", "gain", "approximation", "floor", "quantized_risk"])
def test_another_risk_is_noticed(monkeypatch, part):
    right = reference.risks

    def wrong(setting, moments):
        found = right(setting, moments)
        return dataclasses.replace(found, **{part: getattr(found, part) * NEARLY_ONE})

    monkeypatch.setattr(reference, "risks", wrong)
    assert status(risk_checks.risks_agree("all/B=3")) == "failed"


def test_float64_that_is_off_in_the_tenth_digit_is_noticed(monkeypatch):
    right = ClosedForm.second_moment
    monkeypatch.setattr(ClosedForm, "second_moment", lambda *a: right(*a) * (1 + 1e-10))
    assert status(risk_checks.floats_agree()) == "failed"


def test_roots_without_an_enclosure_are_noticed(monkeypatch):
    assert passed(risk_checks.uncertain_roots_are_refused())
    monkeypatch.setattr(secular, "_certified", lambda equations, offset, *_: offset)
    (check,) = risk_checks.uncertain_roots_are_refused()
    assert check.detail.startswith(
        "NOT refused: weights known to a tenth; weights known to a third"
    )
