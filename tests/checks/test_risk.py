"""The package beside the second copy of the theory: every kind of comparison can fail."""

import dataclasses
from fractions import Fraction

import pytest
import sympy as sp

from qtheory.checks import formats, orders, stability, statements
from qtheory.checks import risk as risk_checks
from qtheory.checks.check import CheckResult
from qtheory.checks.risk import PANEL, PURE
from qtheory.proof.kernel import assume
from qtheory.reference import moments as reference
from qtheory.reference import theorems as stated
from qtheory.theory import notation, theorems
from qtheory.theory.formal import PARAMETERS
from tests.checks.results import passed, status

SETTING = "all/B=3"
NEARLY_ONE = 1 + Fraction(1, 10**20)


@pytest.mark.parametrize("name", PANEL)
def test_section_2(name):
    assert passed(risk_checks.risks_agree(name))


@pytest.mark.parametrize("name", PURE)
def test_section_3(name):
    assert passed(risk_checks.bounds_agree(name))


@pytest.mark.parametrize(
    "check",
    [
        risk_checks.outcomes_agree,
        risk_checks.paths_agree,
        risk_checks.limits_agree,
        statements.bounds_agree,
        statements.recursion_agrees,
        statements.standing_assumptions_hold,
        orders.rule_agrees,
        orders.limits_of_the_risk_agree,
        orders.sums_agree,
    ],
)
def test_the_rest(check):
    assert passed(check())


@pytest.mark.parametrize("name", formats.FORMATS)
def test_formats(name):
    assert passed(formats.format_agrees(name))


@pytest.mark.slow
@pytest.mark.parametrize("check", orders.ORDERS.values())
def test_orders(check):
    assert passed(check())


def test_every_quantizer_and_part_is_in_the_panel():
    parts = {
        (target, part)
        for setting in PANEL.values()
        for target in ("data", "label", "parameter", "activation", "gradient")
        for part in ("additive", "shared", "elementwise")
        if getattr(getattr(setting, target), part)
    }
    assert len(parts) == 15
    assert {setting.batch > 1 for setting in PANEL.values()} == {True, False}


def test_a_check_that_compares_less_is_noticed():
    found = [CheckResult.of("risk/exact", "identity", True, "42 numbers agree to 30 digits")]
    assert status(found) == "passed"
    assert not passed(found)


def test_what_a_report_says():
    def said(pairs, *agree):
        (check,) = risk_checks.report("name", iter(pairs), *agree)
        return check.status, check.detail

    third = Fraction(1, 3)
    ball = risk_checks.ARITHMETIC.number(risk_checks.rational(third))
    assert said([("x", ball, third)] * 2) == ("passed", "2 numbers agree to 30 digits")
    assert said([("x", 1 / 3, third)], risk_checks.close) == (
        "passed", "1 numbers agree up to rounding",
    )  # fmt: skip
    wrong = [(f"x_{k}", 1 / 3, Fraction(1, 2)) for k in range(5)]
    listed = "; ".join(f"x_{k} is 0.333333333, not 0.5" for k in range(3))
    assert said(wrong[:3], risk_checks.close) == ("failed", listed)
    assert said(wrong, risk_checks.close) == ("failed", f"{listed}; and 2 more")
    assert risk_checks.close(1e-16, 0)
    assert not risk_checks.close(1e-14, 0)


# --- twins that must fail ----------------------------------------------------------------------


def test_another_step_is_noticed(monkeypatch):
    def without_cross(setting, m, v):
        return (Fraction(0),) * setting.dim

    monkeypatch.setattr(reference, "cross_samples", without_cross)
    assert status(risk_checks.risks_agree(SETTING)) == "failed"
    assert status(stability.edges_agree()) == "failed"
    assert status(statements.recursion_agrees()) == "failed"


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
    assert status(risk_checks.risks_agree(SETTING)) == "failed"


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("noise_constants", "alpha"),
        ("noise_constants", "s2"),
        ("noise_constants", "k4"),
        ("upper_bound", "variance"),
        ("upper_bound", "effective_dimension"),
        ("refined_bound", "kappa"),
        ("refined_bound", "energy"),
        ("lower_bound", "s2"),
        ("lower_bound", "quantized_risk"),
    ],
)
def test_another_constant_is_noticed(monkeypatch, function, part):
    right = getattr(stated, function)

    def wrong(setting):
        found = right(setting)
        return dataclasses.replace(found, **{part: getattr(found, part) * NEARLY_ONE})

    monkeypatch.setattr(stated, function, wrong)
    assert status(risk_checks.bounds_agree(SETTING)) == "failed"


def test_a_weaker_statement_is_noticed(monkeypatch):
    """It is true, and the kernel proves it; it is not what the theory says."""
    theorem = theorems["upper_bound"]
    left, right = theorem.statement.args
    weaker = dataclasses.replace(theorem, statement=sp.Le(left, 2 * right))
    changed = {**theorems, "upper_bound": weaker}
    monkeypatch.setattr(statements, "theorems", changed)
    assert status(statements.bounds_agree()) == "failed"


def test_an_assumption_that_is_too_strong_is_noticed(monkeypatch):
    noisy = assume(PARAMETERS[notation.sigma2] > 0, meaning="there is noise")
    changed = {**statements.STANDING, "noise": noisy}
    monkeypatch.setattr(statements, "STANDING", changed)
    assert status(statements.standing_assumptions_hold()) == "failed"


def test_a_relation_that_is_turned_around_is_noticed(monkeypatch):
    theorem = theorems["lower_bound"]
    turned = dataclasses.replace(theorem, statement=sp.Le(*theorem.statement.args))
    monkeypatch.setattr(statements, "theorems", {**theorems, "lower_bound": turned})
    assert status(statements.bounds_agree()) == "failed"


def test_another_exponent_is_noticed(monkeypatch):
    monkeypatch.setattr(stated, "variance_order", lambda a: (2 / a, Fraction(-1)))
    monkeypatch.setattr(orders, "POWERS", ((Fraction(2), Fraction(2)),))
    assert status(orders.orders_agree()) == "failed"


def test_another_integral_is_noticed(monkeypatch):
    right = formats._integrated
    monkeypatch.setattr(
        formats, "_integrated", lambda f: {k: v * (1 + 1e-15) for k, v in right(f).items()}
    )
    assert status(formats.format_agrees("int3")) == "failed"
