"""Monomials, cells and comparisons: exact answers, and the condition that is missing."""

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.asymptotics.cell import Cell, explore
from qtheory.asymptotics.monomial import ONE, Monomial
from qtheory.asymptotics.regimes import joined
from qtheory.errors import InvalidArgumentError

a, b, N, d, eps = qt.symbols("a b N d eps")
numbers = st.integers(-3, 3)


@settings(deadline=None)
@given(numbers, numbers, numbers, numbers)
def test_monomials_multiply_as_their_expressions(p, q, r, s):
    left = Monomial.of(N) ** p * Monomial.of(d) ** q
    right = Monomial.of(N) ** r * Monomial.of(d) ** s
    assert (left * right).expression == left.expression * right.expression
    assert left / left == ONE
    assert (left**2).form == sp.expand(2 * left.form)


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_comparison_of_numeric_exponents_is_that_of_a_linear_form(p, q, r):
    """Against brute force: the sign of p L_N + q L_d + r L_eps on rays inside the cone."""
    answer = qt.compare_orders(N**p * d**q * eps**r, sp.S.One, ["eps <= 1"]).answer
    rays = [(1, 0, 0), (0, 1, 0), (0, 0, -1)]  # the corners of the cone of N, d >= 1 >= eps
    signs = [p * x + q * y + r * z for x, y, z in rays]
    if all(sign <= 0 for sign in signs):
        assert answer == "yes"
    elif all(sign >= 0 for sign in signs):
        assert answer == "no"
    else:
        assert answer == "undecided"


@pytest.mark.parametrize(
    ("left", "right", "assumptions", "answer"),
    [
        ("d*(N*eps)**2", "d", ["eps <= 1", "N*eps <= 1"], "yes"),
        ("d*(N*eps)**2", "d", ["eps <= 1", "N*eps >= 1"], "no"),
        ("N**((b-1)/a)", "N**2", ["b < 2*a + 1"], "yes"),
        ("N**((b-1)/a)", "N**2", ["b > 2*a + 1"], "no"),
        ("N**((b-1)/a)", "N", ["a > 1", "b > a + 1"], "no"),
        ("min(N, d)", "sqrt(N*d)", [], "yes"),
        ("sqrt(N*d)", "max(N, d)", [], "yes"),
        ("max(N, d)", "N + d", [], "yes"),
        ("N + d", "max(N, d)", [], "yes"),
        ("N**0.5*log(N)**3", "N**0.51", [], "yes"),
        ("N*log(N)", "N", [], "no"),
        ("d**(1/a)", "d", ["a > 1"], "yes"),
        ("N**(1/a)", "d", ["d >= N", "a > 1"], "yes"),
        ("N**(1/a)*d", "N*d**(1/a)", ["d >= N", "a > 1"], "no"),
        ("N**a", "N**b", ["a == b"], "yes"),
        ("N**b", "N**a", ["a == b"], "yes"),
    ],
)
def test_comparisons(left, right, assumptions, answer):
    assert qt.compare_orders(left, right, assumptions).answer == answer


def test_an_undecided_comparison_names_what_is_missing():
    found = qt.compare_orders("N**(1/a)", "d")
    assert found.answer == "undecided"
    ((missing,),) = found.missing
    assert missing == sp.Ge(d**a, N, evaluate=False)
    assert qt.compare_orders("N**(1/a)", "d", [missing]).answer == "yes"
    assert "it holds if d**a >= N" in str(found)


def test_three_cases_of_an_exponent_and_two_of_an_order():
    def compute(cell):
        return cell.trichotomy(b - 2 * a - 1), cell.compare(Monomial.of(N), Monomial.of(d))

    leaves = explore(compute, [Cell({N: 1, d: 1})])
    assert sorted(leaf.outcome for leaf in leaves) == [(x, y) for x in (-1, 0, 1) for y in (-1, 1)]


def test_cells_without_points_are_left_out():
    cell = Cell({N: 1, eps: -1})
    assert cell.with_condition(cell.at_least_one(Monomial.of(eps))) is None
    assert cell.with_condition(cell.at_least_one(Monomial.of(N))) is not None


def test_regions_are_joined_only_where_that_is_exact():
    """Three of four quadrants have one outcome: their union is not convex, so it stays apart."""
    x, y = Monomial.of(N), Monomial.of(d)

    def compute(cell):
        return "corner" if cell.compare(x, ONE) > 0 and cell.compare(y, ONE) > 0 else "rest"

    root = Cell({N: 0, d: 0})
    regions = joined(root, explore(compute, [root]))
    assert sorted(region.outcome for region in regions) == ["corner", "rest", "rest"]
    for region in regions:
        for other in regions:
            if region.outcome != other.outcome:
                both = Cell(root.parameters, (*region.conditions, *other.conditions))
                assert not both.has_points()


@settings(deadline=None)
@given(st.fractions(Fraction(1, 3), 4), st.fractions(Fraction(1, 3), 8))
def test_substituted_exponents_agree_with_symbolic_ones(first, second):
    """The general answer at (a, b) is the answer for the numbers a and b."""
    general = qt.asymptotic_sum("i**-b*min(1, (i**a/x)**2)", "i", 1, sp.oo)
    special = qt.asymptotic_sum(f"i**-({second})*min(1, (i**({first})/x)**2)", "i", 1, sp.oo)
    values = {a: sp.Rational(first), b: sp.Rational(second)}
    if second <= 1:
        assert special.order is sp.oo
        return
    held = [r for r in general.regimes if all(c.subs(values) == sp.true for c in r.conditions)]
    assert [r.order.subs(values) for r in held] == [special.order]


@pytest.mark.parametrize(
    "side", ["0", "-N", "N - d", "N**d*d", "log(1/2)", "f(N)", "N if d else 1"]
)
def test_what_is_not_an_order_is_refused(side):
    with pytest.raises(InvalidArgumentError):
        qt.compare_orders(side, "N")
