"""Cells and conditions by themselves: signs, how they read, and what is not known of them."""

from itertools import pairwise, permutations

import pytest
import sympy as sp
import z3

import qtheory as qt
from qtheory.orders import cell
from qtheory.orders.cell import Cell, Undecided
from qtheory.orders.conditions import Condition
from qtheory.orders.monomial import Monomial
from qtheory.proof.questions import Answer

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


# --- questions that reach their limit of work ----------------------------------------------------


def table():
    problem = qt.Problem(dim=qt.oo, spectrum=qt.PowerLaw(2), target=qt.SourceCondition(b), noise=1)
    return qt.rates(problem, qt.Quantization(), qt.SGD(stepsize="0.1", steps=N))


@pytest.fixture
def no_work(monkeypatch):
    """Every question to z3 reaches its limit, and none is decided without it."""
    monkeypatch.setattr(cell, "_WORK", 1)
    monkeypatch.setattr(cell, "_decided", lambda constraints: None)


def test_a_cell_of_which_nothing_is_known_is_neither_empty_nor_not(no_work):
    empty = Cell({N: 1}, (Condition.on(b - 1, 1), Condition.on(2 - b, 1), Condition.on(b - 3, 1)))
    assert empty.occurs is None
    assert empty.has_points()  # it is kept
    assert not empty.implies(Condition.on(b - 1, 1))
    with pytest.raises(Undecided):
        SMALL_A.with_condition(Condition.on(b - 2, 1)).trichotomy(b - 3)


def test_with_work_the_same_cell_is_empty():
    empty = Cell({N: 1}, (Condition.on(b - 1, 1), Condition.on(2 - b, 1), Condition.on(b - 3, 1)))
    assert empty.occurs is False
    assert SMALL_A.occurs is True


def test_a_regime_of_which_it_is_not_known_whether_it_is_empty_says_so(no_work):
    found = table()
    says = "unknown whether this occurs"
    regimes = [regime for rate in found.terms.values() for regime in rate.regimes]
    assert regimes
    assert all(regime.occurs is None for regime in (*regimes, *found.dominations))
    assert str(found).count(says) == len(regimes) + len(found.dominations)
    assert found.latex().count(says) == len(regimes)
    assert str(found.bias).count(says) == found.bias.latex().count(says) == 3
    written = found.as_json()
    assert {case["occurs"] for rows in written["terms"].values() for case in rows} == {None}
    assert {case["occurs"] for case in written["dominating"]} == {None}
    total = qt.asymptotic_sum("i**-a", "i", 1, "N")
    assert str(total).count(says) == total.latex().count(says) == 3


def test_with_work_no_regime_is_unknown():
    found = table()
    assert "unknown" not in str(found) + found.latex() + str(found.as_json())
    assert all(case["occurs"] for rows in found.as_json()["terms"].values() for case in rows)
    total = qt.asymptotic_sum("i**-a", "i", 1, "N")
    assert "unknown" not in str(total) + total.latex()


def test_one_question_that_reaches_its_limit_is_the_one_that_is_shown(monkeypatch):
    """Only questions that hold b > 5 have no answer: one regime of the bias, and nothing else."""
    answered, decided = cell._answer, cell._decided
    lost = (b - 5, frozenset({1}))

    def answer(constraints, work):
        return answered(constraints, 1 if lost in constraints else work)

    monkeypatch.setattr(cell, "_answer", answer)
    monkeypatch.setattr(cell, "_decided", lambda c: None if lost in c else decided(c))
    found = table()
    assert [str(r.order) for r in found.bias.regimes if r.occurs is None] == ["N**(-2)"]
    assert all(r.occurs for r in (*found.variance.regimes, *found.amplification.regimes))


def test_a_table_is_the_same_whatever_was_asked_before():
    cell._answer.cache_clear()
    cell._decided.cache_clear()
    first = table()
    numbers = z3.Reals(" ".join(f"y{n}" for n in range(200)))
    solver = z3.Solver()
    solver.add(*[u * v > 1 for u, v in pairwise(numbers)])
    solver.check()
    qt.compare_orders("N**(1/a)", "d")
    cell._answer.cache_clear()
    cell._decided.cache_clear()
    again = table()
    assert (str(again), again.latex(), again.as_json()) == (
        str(first),
        first.latex(),
        first.as_json(),
    )
    known = table()  # with every answer remembered
    assert str(known) == str(first)


def test_a_question_is_the_same_in_whatever_order_its_conditions_come(monkeypatch):
    asked = []

    def answer(constraints, work):
        asked.append(constraints)
        return Answer("unknown")

    monkeypatch.setattr(cell, "_answer", answer)
    parts = [Condition.on(a - 1, 1), Condition.on(b - a, -1), Condition.on(2 - b, 1)]
    for order in permutations(parts):
        Cell({N: 1}, order)._ask()
    assert len(asked) == 6
    assert len(set(asked)) == 1
