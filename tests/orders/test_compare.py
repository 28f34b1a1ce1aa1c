"""Monomials, cells and comparisons: exact answers, and the condition that is missing."""

import re
from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.errors import InvalidArgumentError
from qtheory.orders.cell import Cell, explore
from qtheory.orders.monomial import ONE, Monomial
from qtheory.orders.regimes import joined

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
    ("left", "right", "assumptions", "answer"),
    [
        ("log(N)", "log(log(N))", [], "no"),
        ("log(log(N))", "log(N)", [], "yes"),
        ("log(N)**(1/2)", "log(log(N))", [], "no"),
        ("log(log(N))**2", "log(N)", [], "yes"),
        ("log(log(log(N)))**3", "log(log(N))", [], "yes"),
        ("log(log(N))", "log(log(log(N)))**3", [], "no"),
        ("log(log(N**5))", "log(log(N))", [], "yes"),
        ("N*log(log(N))", "N*log(N)**(1/9)", [], "yes"),
        ("log(N)", "log(d)", [], "undecided"),
        ("log(N)", "log(d)", ["d >= N"], "yes"),
        ("log(N)", "log(d)", ["N <= d**7"], "yes"),
        ("log(N)", "log(d)", ["N >= d"], "undecided"),
        ("log(N)**2", "log(d)", [], "undecided"),
        ("log(N)", "d", [], "undecided"),
        ("d", "log(N)", [], "undecided"),
        ("log(N)", "d*N**(1/100)", [], "yes"),
        ("N/log(N)", "N/log(d)", ["N >= d"], "yes"),
        ("log(N*log(d))", "log(N)", [], "undecided"),
        ("log(N*log(N))", "log(N)", [], "yes"),
        ("log(N)", "log(N/log(N))", [], "yes"),
        ("log(N) + log(d)", "log(N*d)", [], "yes"),
        ("log(N*d)", "log(N) + log(d)", [], "yes"),
        ("log(N) + log(d)", "log(N)", [], "undecided"),
        ("min(log(N), log(d))", "sqrt(log(N)*log(d))", [], "yes"),
        ("log(1/eps)", "1/eps", ["eps <= 1"], "yes"),
    ],
)
def test_logarithms_compare_with_one_constant(left, right, assumptions, answer):
    assert qt.compare_orders(left, right, assumptions).answer == answer


_POWERS = st.tuples(*[st.integers(-2, 2)] * 2)


@settings(deadline=None, max_examples=150)
@given(_POWERS, _POWERS, _POWERS, st.booleans())
def test_a_yes_is_a_constant_whatever_the_parameters(powers, logs, twice, ordered):
    """Against numbers: log N and log d from 0 to exp(exp(30)), in any combination.

    Where the answer is yes the ratio stays below a constant, where it is not it has no bound.
    """
    parts = {sp.log(N): logs[0], sp.log(d): logs[1]}
    parts |= {sp.log(sp.log(N)): twice[0], sp.log(sp.log(d)): twice[1]}
    order = N ** powers[0] * d ** powers[1] * sp.Mul(*[base**e for base, e in parts.items()])
    found = qt.compare_orders(order, sp.S.One, ["N >= d"] if ordered else [])
    with mpmath.workdps(30):
        scales = [mpmath.mpf(0), mpmath.exp(30), mpmath.exp(mpmath.exp(30))]

        def size(x, y):
            value = powers[0] * x + powers[1] * y
            for k, log in enumerate((x, y)):
                value += logs[k] * mpmath.log1p(log) + twice[k] * mpmath.log1p(mpmath.log1p(log))
            return value

        points = [(x, y) for x in scales for y in scales if x >= y or not ordered]
        # beside the corners of N >= d, where both are equal, the cone has no others
        largest = max(size(x, y) for x, y in points)
    assert (found.answer == "yes") is bool(largest < 20)


def test_what_would_help_is_said():
    M, K = qt.symbols("M K")
    assert qt.compare_orders("log(K)", "log(M)").missing == ((sp.Ge(M, K),),)
    assert qt.compare_orders("log(K)", "M").missing == ((sp.Ge(M, K),),)


@pytest.mark.parametrize(
    ("left", "right", "named"),
    [
        ("3**N", "2**N", "3**N"),
        ("2**N", "1", "2**N"),
        ("N", "2**d", "2**d"),
        ("exp(sqrt(log(N)))", "d", "exp(sqrt(log(N)))"),
        ("N", "exp(-d)", "exp(-d)"),
    ],
)
def test_an_exponential_is_refused_by_name(left, right, named):
    with pytest.raises(InvalidArgumentError, match=re.escape(f"expression is {named},")):
        qt.compare_orders(left, right)


def test_an_exponential_in_an_assumption_is_refused_too():
    with pytest.raises(InvalidArgumentError, match=re.escape("expression is 2**d,")):
        qt.compare_orders("N", "1", ["N <= 2**d"])


def test_symbols_in_exponents_of_parameters_are_held_fixed_and_named():
    found = qt.compare_orders("2**a*N**a", "N**a")
    assert (found.answer, found.fixed) == ("yes", (a,))
    assert str(found).endswith("yes, for fixed a")
    assert qt.compare_orders("N", "N**2").fixed == ()


def test_an_assumption_with_a_logarithm_on_the_larger_side_is_refused():
    """d = N log N fulfils it, and is of no smaller order than N."""
    with pytest.raises(InvalidArgumentError, match="free of logarithms on the larger side"):
        qt.compare_orders("d", "N", ["N*log(N) >= d"])
    assert qt.compare_orders("d", "N", ["N >= d*log(d)"]).answer == "yes"


def test_a_sum_that_may_have_one_term_is_refused():
    i, M = sp.symbols("i M", positive=True)
    with pytest.raises(InvalidArgumentError, match="one term"):
        qt.compare_orders(sp.Sum(i**-2, (i, M, N)), 1 / M)
    twofold = sp.Sum(1 / i / M, (i, 1, N), (M, 1, N))
    with pytest.raises(InvalidArgumentError, match="several indices"):
        qt.compare_orders(twofold, N)
    assert qt.compare_orders(sp.Sum(1 / i, (i, 1, N)), sp.log(N)).answer == "yes"


@pytest.mark.parametrize(
    "vacuous", ["N > 0", "N >= 0", "a > 0", "eps >= 0", N > 0, sp.Symbol("t") > 0, "2*N >= N"]
)
def test_an_assumption_that_positive_symbols_fulfil_says_nothing(vacuous):
    assert qt.compare_orders("N", "d", [vacuous]) == qt.compare_orders("N", "d")
    assert qt.compare_orders("N", "d", [vacuous, "N <= d"]).answer == "yes"


@pytest.mark.parametrize("wrong", ["a < 0", "a<0", "N <= 0", N < 0, "N == 0", sp.Symbol("t") < 0])
def test_an_assumption_that_positive_symbols_contradict_is_refused_for_that(wrong):
    with pytest.raises(InvalidArgumentError, match="every symbol is positive"):
        qt.compare_orders("N", "d", [wrong])


def test_one_assumption_need_not_stand_in_a_list():
    for assumption in ("N<=d", d >= N):
        assert qt.compare_orders("N", "d", assumption).answer == "yes"
        found = qt.asymptotic_sum("min(1, N/i)", "i", 1, "d", assumption)
        assert found.assumptions in {(sp.Le(N, d),), (sp.Ge(d, N),)}
    problem = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b))
    tables = [
        qt.rates(problem, qt.Quantization(), qt.SGD("0.1", steps=N), assumptions=given)
        for given in ("b > a", ["b > a"])
    ]
    assert str(tables[0]) == str(tables[1])
    with pytest.raises(InvalidArgumentError, match="assumptions is 5"):
        qt.compare_orders("N", "d", 5)


@pytest.mark.parametrize(
    "side", ["0", "-N", "N - d", "N**d*d", "log(1/2)", "f(N)", "N if d else 1"]
)
def test_what_is_not_an_order_is_refused(side):
    with pytest.raises(InvalidArgumentError):
        qt.compare_orders(side, "N")
