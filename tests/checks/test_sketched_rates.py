"""Checks of orders in a sketch: a wrong order is refused, and so is a wrong choice."""

import dataclasses

import pytest
import sympy as sp

from qtheory.checks import sketched_rates
from tests.checks.results import passed, status

N, M = sp.symbols("N M", positive=True)
QUICK = "rate/sketch/variance/all features"


def passes(name):
    (result,) = sketched_rates.SKETCHED_RATES[name]()
    assert result.id == name
    assert result.status == "passed"
    return result


@pytest.mark.parametrize("name", ["rate/sketch/limits", "rate/sketch/additive/variance"])
def test_it_passes_under_its_own_name(name):
    assert passed([passes(name)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sorted({*sketched_rates.SKETCHED_RATES} - {*sketched_rates.QUICK_SKETCHED_RATES})
)
def test_what_the_thorough_form_checks_passes_too(name):
    passes(name)


def off_by(shift, parameter):
    """Rates whose every order is off by a power of a parameter."""
    derive = sketched_rates.rates

    def wrong(*given, **named):
        table = derive(*given, **named)
        factor = parameter ** sp.Rational(shift)

        class Wrong:
            def __init__(self, rate):
                self.rate = rate

            def __getattr__(self, name):
                found = getattr(self.rate, name)
                if name == "lower":
                    return Wrong(found)
                return found * factor if name in ("order", "exact_order") else found

        class Table:
            def __getattr__(self, name):
                return Wrong(getattr(table, name))

        return Table()

    return wrong


@pytest.mark.parametrize("shift", ["0.02", "-0.02"])
def test_an_exponent_of_the_steps_that_is_off_is_noticed(monkeypatch, shift):
    monkeypatch.setattr(sketched_rates, "rates", off_by(shift, N))
    assert status(sketched_rates.SKETCHED_RATES[QUICK]()) == "failed"


def test_an_exponent_of_the_size_that_is_off_is_noticed_in_every_case(monkeypatch):
    monkeypatch.setattr(sketched_rates, "rates", off_by("0.02", M))
    (result,) = sketched_rates.limits_have_their_orders()
    assert result.status == "failed"
    assert result.detail.count(";") + 1 == result.values["compared"]


@pytest.mark.slow
def test_another_best_size_is_noticed(monkeypatch):
    """The exponents of b = a + 1 / 2 for those of b = a, at one pair of budgets."""
    monkeypatch.setattr(sketched_rates, "_BUDGETS", sketched_rates._BUDGETS[:1])
    choose = sketched_rates.best_choice

    def other(problem, *given, **named):
        (choice,) = choose(problem, *given, **named)
        power = choice.size.as_powers_dict()[sketched_rates._C]
        return (
            dataclasses.replace(choice, size=sketched_rates._C ** (power + sp.Rational(1, 20))),
        )

    monkeypatch.setattr(sketched_rates, "best_choice", other)
    assert status(sketched_rates.best_size_is_that_of_a_search()) == "failed"
