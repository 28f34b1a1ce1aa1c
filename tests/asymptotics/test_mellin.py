"""Mellin transforms against quadrature, and expansions against the sums themselves."""

import flint
import mpmath
import pytest
import sympy as sp

import qtheory as qt
from qtheory.asymptotics.mellin import (
    DecayTerm,
    expansion,
    leading_terms,
    mellin_transform,
    terms_of,
)

x, y, z = sp.symbols("x y z", positive=True)
a, b = sp.symbols("a b", positive=True)

PSI = (1 - sp.exp(-y)) / y
SPREAD = 1 - (sp.Rational(3, 2) - 2 * sp.exp(-y) + sp.exp(-2 * y) / 2) / y
FUNCTIONS = {
    "decay": sp.exp(-y),
    "mean": PSI,
    "square": PSI**2,
    "cube": PSI**3,
    "spread": SPREAD,
    "start": (1 - sp.exp(-y)) ** 2,
    "powers": y**2 * sp.exp(-2 * y) + y * sp.exp(-y) * (1 - sp.exp(-y)),
}


@pytest.fixture(autouse=True)
def _many_digits():
    with mpmath.workdps(40):
        yield


def number(expression):
    return sp.N(expression, mpmath.mp.dps + 5)._to_mpmath(mpmath.mp.prec)


def harmonic_sum(g, size, a, b, order=60):
    """sum_i i^-b g(size i^-a): term by term down to an argument of 1, then the power series."""
    value = sp.lambdify(y, g, "mpmath")
    head = int(size ** (1 / float(a))) + 2
    with mpmath.workdps(80):  # g cancels near 0
        total = mpmath.fsum(
            mpmath.mpf(i) ** -b * value(size * mpmath.mpf(i) ** -a) for i in range(1, head)
        )
        for n in range(order):
            coefficient = mpmath.fsum(
                number(t.coefficient)
                * (-number(t.rate)) ** (n - t.power)
                / mpmath.factorial(n - t.power)
                for t in terms_of(g, y)
                if n >= t.power
            )
            total += coefficient * size**n * hurwitz(b + a * n, head)
        return total


def hurwitz(s, start):
    """The Hurwitz zeta function in balls: mpmath loses the relative accuracy where it is tiny."""
    with flint.ctx.workprec(300):
        value = flint.arb(mpmath.nstr(s, 50)).zeta(flint.arb(start))
        assert value.rel_accuracy_bits() > 150
        return mpmath.mpf(value.mid().str(60, radius=False))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_transform_against_quadrature(name):
    g = FUNCTIONS[name]
    M = mellin_transform(g, y)
    at = M.lower + sp.Rational(1, 2)
    value, power, end = sp.lambdify(y, g, "mpmath"), mpmath.mpf(M.lower) + 0.5, 150

    def integrand(t):  # y = e^t makes both ends exponential
        with mpmath.workdps(300):  # the terms of g cancel near 0
            height = value(mpmath.exp(t))
        return height * mpmath.exp(power * t)

    integral = mpmath.quad(integrand, range(-end, end + 1, 10))
    # what a pure power leaves beyond the end
    integral -= sum(
        number(c) * mpmath.exp(end * (k + power)) / (k + power) for k, c in M.flat.items()
    )
    assert abs(integral / number(M(at)) - 1) < 1e-25
    assert abs(integral / number(M(at + sp.Rational(1, 100))) - 1) > 1e-4


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("exponent", "decay"), [("2", "15/4"), ("3/2", "5/2"), ("2", "5")])
def test_expansion_is_the_sum(name, exponent, decay):
    g, exponent, decay = FUNCTIONS[name], sp.Rational(exponent), sp.Rational(decay)
    size = 10**5
    exact = harmonic_sum(g, size, number(exponent), number(decay))
    predicted = number(expansion(g, y, sp.Integer(size), exponent, decay))
    assert abs(predicted / exact - 1) < 1e-20
    lead = number(leading_terms(g, y, sp.Integer(size), exponent, decay))
    assert abs(lead / exact - 1) < 0.02


def test_a_wrong_constant_is_seen():
    exact = harmonic_sum(PSI**2, 10**5, 2, 5)
    right = expansion(PSI**2, y, sp.Integer(10**5), sp.Integer(2), sp.Integer(5))
    without_euler = right.subs(sp.EulerGamma, 0)
    assert abs(number(right) / exact - 1) < 1e-20
    assert abs(number(without_euler) / exact - 1) > 0.1


def test_removable_poles_are_limits():
    M = mellin_transform(PSI**2, y)
    assert M.laurent(1) == (0, 2 * sp.log(2))
    near = number(M(1 + sp.Rational(1, 10**20)))
    assert abs(near - number(2 * sp.log(2))) < 1e-18
    spread = mellin_transform(SPREAD, y)
    assert (spread.lower, spread.upper) == (-2, 0)


def test_symbolic_cases_join_the_numeric_ones():
    symbolic = leading_terms(PSI**2, y, x, a, b)
    assert isinstance(symbolic, sp.Piecewise)
    for decay in ("3/2", "2", "3", "4", "5", "6"):
        numbers = {a: sp.Integer(2), b: sp.Rational(decay)}
        direct = leading_terms(PSI**2, y, x, numbers[a], numbers[b])
        assert sp.simplify(symbolic.subs(numbers) - direct) == 0
    # assumptions can decide: b = a is always before 2a + 1
    assert not leading_terms(PSI**2, y, x, a, a).has(sp.zeta)
    assert leading_terms(PSI**2, y, x, a, 3 * a + 1) == sp.zeta(a + 1) / x**2


def test_terms():
    assert terms_of(2 * y * sp.exp(-y) - sp.exp(-y) * y + 0 * y, y) == (
        DecayTerm(sp.S.One, 1, sp.S.One),
    )


@pytest.mark.parametrize(
    ("g", "error", "message"),
    [
        (sp.sin(y), qt.InvalidArgumentError, "terms"),
        (sp.sqrt(y), qt.InvalidArgumentError, "terms"),
        (sp.exp(-(y**2)), qt.InvalidArgumentError, "terms"),
        (sp.exp(y), qt.InvalidArgumentError, "growing"),
        (1 / y, qt.InvalidArgumentError, "analytic at 0"),
        (sp.exp(-y) - sp.exp(-y), qt.InvalidArgumentError, "not zero"),
        (1 + y, qt.InvalidArgumentError, "converges somewhere"),
        (sp.exp(-sp.Symbol("m", real=True) * y), qt.SymbolicValueError, "not decided"),
    ],
)
def test_refused_functions(g, error, message):
    with pytest.raises(error, match=message):
        mellin_transform(g, y)


def test_refused_exponents():
    with pytest.raises(qt.InvalidArgumentError, match="diverges"):
        leading_terms(sp.exp(-y), y, x, sp.Integer(2), sp.S.One)
    with pytest.raises(qt.SymbolicValueError, match="exponent a"):
        leading_terms(sp.exp(-y), y, x, sp.Symbol("c", real=True), sp.Integer(2))
    with pytest.raises(qt.SymbolicValueError, match="number is needed"):
        expansion(sp.exp(-y), y, x, a, sp.Integer(2))
