"""Best choices, break-evens and tolerances: every check passes, and fails for another answer."""

import dataclasses

import pytest

from qtheory.checks import choices, orders
from tests.checks.results import passed, status


@pytest.mark.parametrize("check", [choices.choices_searched, choices.break_evens])
def test_quick_ones(check):
    assert passed(check())


@pytest.mark.slow
def test_tolerances():
    assert passed(choices.tolerances_of_each_target())


# --- negative controls -------------------------------------------------------------------------


def test_a_choice_that_is_not_the_best_is_noticed(monkeypatch):
    right = choices.best_choice

    def wrong(*given):
        return tuple(dataclasses.replace(one, bound=one.bound**2) for one in right(*given))

    monkeypatch.setattr(choices, "best_choice", wrong)
    assert status(choices.choices_searched()) == "failed"


@pytest.mark.parametrize("part", ["lower", "upper", "rule"])
def test_another_break_even_is_noticed(monkeypatch, part):
    right = choices.break_even
    shift = -1 if part == "upper" else 1

    def wrong(*given):
        found = right(*given)
        return dataclasses.replace(found, **{part: getattr(found, part) + shift})

    monkeypatch.setattr(choices, "break_even", wrong)
    assert status(choices.break_evens()) == "failed"


def test_another_coupling_is_noticed(monkeypatch):
    right = choices.break_even
    monkeypatch.setattr(choices, "break_even", lambda *given: right(*given[:-1], "elementwise"))
    assert status(choices.break_evens()) == "failed"


def test_another_tolerance_is_noticed(monkeypatch):
    def wrong(problem, run, scheme, regime):
        found = right(problem, run, scheme, regime=regime)
        return {**found, "label": found["parameter"]}

    right = choices.tolerances
    monkeypatch.setattr(choices, "tolerances", wrong)
    assert status(choices.tolerances_of_each_target()) == "failed"


@pytest.mark.parametrize("part", ["risk", "uniform_risk", "uniform_bound"])
def test_another_allocation_is_noticed(monkeypatch, part):
    right = orders.allocate_bits

    def wrong(*given):
        found = right(*given)
        return dataclasses.replace(found, **{part: getattr(found, part) * 1.001})

    monkeypatch.setattr(orders, "allocate_bits", wrong)
    assert status(orders.allocation_is_best()) == "failed"
