"""Cells and conditions by themselves: signs of products, powers of one parameter, how they read."""

import pytest
import sympy as sp

import qtheory as qt
from qtheory.orders.cell import Cell
from qtheory.orders.conditions import Condition
from qtheory.orders.monomial import Monomial

a, b, N, d = sp.symbols("a b N d", positive=True)
SMALL_A = Cell({N: 1}, (Condition.on(1 - a, 1), Condition.on(b - 1, 1)))


@pytest.mark.parametrize(
    ("form", "sign"),
    [
        (a - 1, -1),
        ((a - 1) ** 2 * (b - 1), 1),
        ((a - 1) ** 3 * (b - 1), -1),
        ((b - 1) / (a - 1) ** 2, 1),
        ((1 - a) * (b - 1) ** 2, 1),
    ],
)
def test_the_sign_of_a_product_of_powers(form, sign):
    assert SMALL_A.trichotomy(form) == sign
    assert SMALL_A.satisfies(Condition.on(form, sign))
    assert not SMALL_A.satisfies(Condition.on(form, -sign))


@pytest.mark.parametrize(("direction", "form"), [(1, -a / 2), (-1, a / 2)])
def test_a_power_of_one_parameter_is_a_condition_on_its_exponent(direction, form):
    order = Monomial.of(N) ** (-a / 2)
    assert Cell({N: direction}).at_least_one(order).form == form
    # of a parameter that may be large or small it is one on its logarithm
    assert Cell({N: 0}).at_least_one(order).order == order


def test_a_condition_is_written_with_a_plain_power_in_front():
    def read(order):
        return str(Condition(order.form, frozenset({1}), order).relation)

    assert read(Monomial.of(N) ** a * Monomial.of(d) ** -b) == "N >= d**(b/a)"
    assert read(Monomial.of(N) ** -a * Monomial.of(d) ** b) == "d**(b/a) >= N"
    assert read(Monomial.of(N) ** 2 * Monomial.of(d) ** -b) == "N >= d**(b/2)"


def test_the_theorems_are_typeset_with_upright_names():
    latex = qt.theorems["upper_bound"].latex()
    assert r"A + \mathrm{bias} + \mathrm{variance}" in latex
    assert r"\mathrm{tr}(H^q)" in latex
