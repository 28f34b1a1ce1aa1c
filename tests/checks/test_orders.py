"""Orders that the theory lists: another exponent is noticed."""

from fractions import Fraction

import pytest

from qtheory.checks import orders
from qtheory.reference import theorems as stated
from tests.checks.results import passed, status


@pytest.mark.parametrize(
    "check", [orders.rule_agrees, orders.limits_of_the_risk_agree, orders.sums_agree]
)
def test_quick_ones(check):
    assert passed(check())


@pytest.mark.slow
@pytest.mark.parametrize("check", orders.ORDERS.values())
def test_orders(check):
    assert passed(check())


def test_another_exponent_is_noticed(monkeypatch):
    monkeypatch.setattr(stated, "variance_order", lambda a: (2 / a, Fraction(-1)))
    monkeypatch.setattr(orders, "POWERS", ((Fraction(2), Fraction(2)),))
    assert status(orders.orders_agree()) == "failed"
