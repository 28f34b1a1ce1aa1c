"""Derived rates beside exact risks: an order that is a little off is refused."""

from types import SimpleNamespace

import pytest
import sympy as sp

import qtheory as qt
from qtheory.checks import rates

(QUICK,) = (case for case in rates.RATE_CASES if case.id == "variance/exponential")


def test_a_derived_rate_agrees_and_one_off_by_two_percent_does_not(monkeypatch):
    (good,) = rates.rate_agrees(QUICK)
    assert good.status == "passed"
    derive = rates.rates
    for wrong_by in ("0.02", "-0.02"):

        def sabotaged(problem, quantization, sgd, wrong_by=wrong_by):
            table = derive(problem, quantization, sgd)
            off = qt.symbols("N") ** sp.Rational(wrong_by)
            total = SimpleNamespace(
                exact_order=table.total.exact_order * off,
                order=table.total.order * off,
                exponent=table.total.exponent,
            )
            return SimpleNamespace(total=total)

        monkeypatch.setattr(rates, "rates", sabotaged)
        (wrong,) = rates.rate_agrees(QUICK)
        assert wrong.status == "failed"


def test_a_deviation_that_leaves_room_for_an_error_of_two_percent_is_refused(monkeypatch):
    """What is left may be small enough, and the check still not tell 0.02 from nothing."""
    monkeypatch.setattr(rates, "deviation", lambda *given: 0.004)
    assert rates.rate_agrees(QUICK)[0].status == "failed"
    assert rates.WRONG_BY == 0.02  # as docs/rates.md says


def test_extrapolation_removes_corrections_that_fall_like_powers():
    N = qt.symbols("N")
    steps = [10**k for k in range(4, 9)]
    risks = [3 * n**-0.5 + 7 / n for n in steps]
    assert abs(rates.deviation(risks, steps, 1 / sp.sqrt(N))) < 1e-4
    assert rates.deviation(risks, steps, N ** sp.Rational("-0.52")) == pytest.approx(0.02, abs=1e-4)


# --- step by step ------------------------------------------------------------------------------


@pytest.fixture
def short(monkeypatch):
    """A tenth of the steps: what a wrong number or order does shows there too."""
    monkeypatch.setattr(rates, "_REACHED", (25, 50, 100, 200))
    monkeypatch.setattr(rates, "ROUGH_TOLERANCE", 0.03)
    return rates.STEP_BY_STEP[1]


def test_what_is_held_against_the_recursion():
    """Exact, additive, shared and elementwise errors; N to 2000, d = 100."""
    assert [case.id.rpartition("/")[2] for case in rates.STEP_BY_STEP] == [
        "exact", "additive", "shared", "elementwise",
    ]  # fmt: skip
    assert {case.setting.dim for case in rates.STEP_BY_STEP} == {100}
    assert {case.setting.steps for case in rates.STEP_BY_STEP} == {2000}
    assert rates.ROUGHLY_WRONG_BY <= 0.1


def test_closed_form_and_order_are_those_of_the_recursion(short):
    (check,) = rates.rate_agrees_step_by_step(short)
    assert check.status == "passed"
    assert check.values["by"] == "recursion"


@pytest.mark.slow
@pytest.mark.parametrize("case", rates.STEP_BY_STEP, ids=lambda case: case.id)
def test_every_case_passes(case):
    (check,) = rates.rate_agrees_step_by_step(case)
    assert check.status == "passed"
    assert check.values["gap"] < 1e-25


@pytest.mark.parametrize("wrong_by", ["0.1", "-0.1", "0.05", "-0.05"])
def test_an_order_that_is_off_is_refused_step_by_step(monkeypatch, short, wrong_by):
    derive = rates.rates

    def sabotaged(*given):
        right = derive(*given).total
        off = qt.symbols("N") ** sp.Rational(wrong_by)
        total = SimpleNamespace(
            exact_order=right.exact_order * off, order=right.order * off, exponent=right.exponent
        )
        return SimpleNamespace(total=total)

    monkeypatch.setattr(rates, "rates", sabotaged)
    assert rates.rate_agrees_step_by_step(short)[0].status == "failed"


def test_a_closed_form_that_is_off_in_the_25th_digit_is_refused(monkeypatch, short):
    right = rates.risk_curve

    def wrong(*given, **options):
        near = 1 + sp.Rational(1, 10**24)
        return [SimpleNamespace(total=risk.total * near) for risk in right(*given, **options)]

    monkeypatch.setattr(rates, "risk_curve", wrong)
    assert rates.rate_agrees_step_by_step(short)[0].status == "failed"
