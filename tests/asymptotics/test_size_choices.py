"""The best size, steps and stepsize at a budget, beside a search with orders written by hand."""

import itertools
from fractions import Fraction

import pytest
import sympy as sp

import qtheory as qt
from qtheory.errors import InvalidArgumentError

C, eps = sp.symbols("C eps", positive=True)
EXACT = qt.Quantization()


def problem(a, b):
    return qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), noise=1)


def power(order):
    return sp.Mul(sp.S.One, order).as_powers_dict()[C]


def exponent(a, b, mu, g, level=None):
    """Of the bound in C, M = C^mu, N = C^(1-mu), gamma = C^-g, with additive errors C^-level.

    Section 5: M_eff^-(b-1) or M_eff^-a and what leaks, the bias, D_N / N, all as T4 has them.
    """
    x = 1 - mu - g  # N gamma
    if x < 0:
        return Fraction(0)
    k = min(mu, x / a)
    learned, effective, unlearnt = k, mu, max((1 - b) * mu, -a * mu)
    if level is not None:
        if mu - level - g > 0:
            return Fraction(1)  # theta
        effective = min(mu, level / a)
        k = min(k, effective)
        learned = max(learned, mu + 2 * min(Fraction(0), x - level))
        unlearnt = max(unlearnt, (1 - b) * effective, -level)
    bias = max(-2 * x, -2 * x + k * (2 * a + 1 - b), -2 * x + k * (a + 1) - mu)
    variance = learned - (1 - mu)
    amplification = variance - x + max(Fraction(0), k * (a + 1 - b))
    return max(unlearnt, bias, variance, amplification)


SETTINGS = [(2, 2), (3, 2), (2, Fraction(5, 2)), (3, 5), (Fraction(3, 2), 3), (Fraction(3, 2), 6)]


@pytest.mark.parametrize(("a", "b"), SETTINGS)
def test_exponents_are_those_of_a_search(a, b):
    """On both sides of b = a + 1, with steps that are kept and that are cut."""
    (choice,) = qt.best_choice(problem(a, b), EXACT, budget="N*M")
    mu, g, bound = power(choice.size), -power(choice.stepsize), power(choice.bound)
    a, b = Fraction(a), Fraction(b)
    own = exponent(a, b, Fraction(str(mu)), Fraction(str(g)))
    assert sp.Rational(own) == bound
    assert mu + power(choice.steps) == 1
    grid = [Fraction(k, 48) for k in range(49)]
    least = min(exponent(a, b, *place) for place in itertools.product(grid, grid))
    assert sp.Rational(least) >= bound
    assert sp.Rational(least) < bound + sp.Rational(1, 16)
    # the negative control: no other size is as good at its best stepsize
    for other in (mu - sp.Rational(1, 12), mu + sp.Rational(1, 12)):
        worse = min(exponent(a, b, Fraction(str(other)), step) for step in grid)
        assert sp.Rational(worse) > bound


def test_regimes_on_one_side_of_the_source_condition():
    a, b = qt.symbols("a b")
    given = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), noise=1)
    a, b = sp.symbols("a b", positive=True)
    found = qt.best_choice(given, EXACT, assumptions=["a > 1", "b > 1", "b < a + 1"], budget="N*M")
    sizes = {choice.conditions: choice.size for choice in found}
    assert sizes == {(b <= a,): C ** (1 / (a + 1)), (b >= a,): C ** (1 / (b + 1))}
    assert all(sp.simplify(c.bound * c.size ** (b - 1)) == 1 for c in found)
    assert {choice.level for choice in found} == {None}


@pytest.mark.parametrize(("a", "b"), [(2, 2), (3, 2), (2, Fraction(5, 2)), (3, 5)])
def test_bits_that_keep_the_bound(a, b):
    """Integers need (a/2) log2 M, mantissas ((a-1)/2) log2 M, as section 5 says of the size."""
    additive = qt.Quantization(data=qt.Additive(eps))
    (choice,) = qt.best_choice(problem(a, b), additive, budget="N*M*bits")
    (without,) = qt.best_choice(problem(a, b), EXACT, budget="N*M")
    assert (choice.size, choice.steps, choice.bound) == (without.size, without.steps, without.bound)
    size, level = power(choice.size), -power(choice.level)
    assert level == a * size
    assert sp.simplify(choice.bits - a * size * sp.log(C) / (2 * sp.log(2))) == 0
    at = [Fraction(str(part)) for part in (size, -power(choice.stepsize), level)]
    here = exponent(Fraction(a), Fraction(b), *at)
    assert sp.Rational(here) == choice.bound.as_powers_dict()[C]
    at[2] -= Fraction(1, 20)
    assert exponent(Fraction(a), Fraction(b), *at) > here
    floats = qt.Quantization(data=qt.Multiplicative(eps, "elementwise"))
    (choice,) = qt.best_choice(problem(a, b), floats, budget="N*M*bits")
    assert -power(choice.level) == (a - 1) * size


def test_regimes_with_bits_keep_their_conditions():
    b = qt.symbols("b")
    given = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(b), noise=1)
    floats = qt.Quantization(data=qt.Multiplicative(eps, "elementwise"))
    found = qt.best_choice(given, floats, assumptions=["b > 1", "b < 3"], budget="N*M*bits")
    b = sp.Symbol("b", positive=True)
    assert {choice.conditions for choice in found} == {(b <= 2,), (b >= 2,)}


def test_errors_of_a_power_of_the_compute():
    """Levels that are given change the choice where they are felt."""
    additive = qt.Quantization(data=qt.Additive(eps))
    (felt,) = qt.best_choice(problem(2, 2), additive, {eps: C ** sp.Rational(-1, 3)}, budget="N*M")
    (free,) = qt.best_choice(problem(2, 2), additive, {eps: 1 / C}, budget="N*M")
    assert power(felt.bound) == -sp.Rational(1, 6)
    assert power(free.bound) == -sp.Rational(1, 3)


def test_what_no_budget_can_be_is_named():
    additive = qt.Quantization(data=qt.Additive(eps))
    with pytest.raises(InvalidArgumentError, match="budget is 'M', but must be one of"):
        qt.best_choice(problem(2, 2), EXACT, budget="M")
    with pytest.raises(InvalidArgumentError, match="powers of C for eps too"):
        qt.best_choice(problem(2, 2), additive, budget="N*M")
    two = qt.Quantization(data=qt.Additive(eps), label=qt.Additive(qt.symbols("e2")))
    for other in (EXACT, two):
        with pytest.raises(InvalidArgumentError, match="errors of one level that is a symbol"):
            qt.best_choice(problem(2, 2), other, budget="N*M*bits")
