"""Where two orders are equal: beside roots by bisection, and what has no root or several."""

import math

import pytest
import sympy as sp

from qtheory.orders.balance import balance
from qtheory.orders.cell import Cell, explore
from qtheory.orders.conditions import Condition
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.piecewise import Diverges, Unsupported
from qtheory.orders.regimes import joined

a, x, M, N, eps, d = sp.symbols("a x M N eps d", positive=True)
i = sp.Symbol("i", positive=True)


def found(left, right, root, exponents=frozenset({a})):
    """What balances by region, as expressions."""

    def compute(cell):
        return balance(Evaluation.of_parameters(cell, exponents), x, left, right)

    regions = joined(root, explore(compute, [root]))
    return {region.outcome.expression: region.relations for region in regions}


def bisected(function):
    """The root of a rising function of log x."""
    low, high = -200.0, 200.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return low


@pytest.mark.parametrize("e", ["1/2", 1, "3/2", 3])
def test_a_root_has_the_exponent_of_the_root_by_bisection(e):
    """x + x^2 N^2 = N^-e + x^(1/2) / N, at N = 10^30 and 10^31."""
    e = sp.Rational(e)
    left, right = x + x**2 * N**2, N ** (-e) + sp.sqrt(x) / N
    (order,) = found(left, right, Cell({N: 1}))

    def log_of_root(n):
        def gap(u):
            t = math.exp(u)
            return math.log(t + t**2 * n**2) - math.log(n ** -float(e) + math.sqrt(t) / n)

        return bisected(gap)

    slope = (log_of_root(1e31) - log_of_root(1e30)) / math.log(10)
    assert abs(slope - float(sp.Mul(order).as_powers_dict()[N])) < 1e-6


def test_kappa_of_a_sketch_in_every_regime():
    learnt = sp.Sum(sp.Min(1, i**-a / x), (i, 1, sp.oo))
    root = Cell({M: 1, eps: -1}).with_condition(Condition.on(a - 1, 1))
    kappa = found(x, eps + x * learnt / M, root)
    assert set(kappa) == {eps, M**-a}
    assert kappa[eps] == (sp.Ge(M**a * eps, 1, evaluate=False),)


def test_logarithms_in_the_equation():
    """a = 1: d / M is in the logarithm of kappa = log(d / M) / M."""
    learnt = sp.Sum(sp.Min(1, 1 / (i * x)), (i, 1, d))
    root = Cell({M: 1, d: 1})
    root = root.with_condition(
        root.at_least_one(Evaluation.of_parameters(root, frozenset()).order(d / M))
    )
    assert set(found(learnt, M, root)) == {sp.log(d / M) / M}


def test_no_root_and_several_roots_are_refused():
    cell = Cell({N: 1})
    there = Evaluation.of_parameters(cell, frozenset())
    with pytest.raises(Unsupported, match="no order"):
        balance(there, x, x + N, sp.Min(x, 1))
    with pytest.raises(Unsupported, match="several orders"):
        balance(there, x, x + N / x**2, N**2 / x)
    with pytest.raises(Diverges):
        balance(there, x, x, sp.Sum(1 / (i * x), (i, 1, sp.oo)))


def test_a_sum_that_diverges_elsewhere_does_no_harm():
    """For a <= 1 the sum is infinite, which is said only there."""
    learnt = sp.Sum(sp.Min(1, i**-a / x), (i, 1, sp.oo))
    causes = []

    def compute(cell):
        try:
            return balance(Evaluation.of_parameters(cell, frozenset({a})), x, learnt, M)
        except Diverges as cause:
            causes.append(cause)
            return str(cause)

    outcomes = joined(Cell({M: 1}), explore(compute, [Cell({M: 1})]))
    finite = [region for region in outcomes if not isinstance(region.outcome, str)]
    assert causes
    assert [(r.outcome.expression, r.relations) for r in finite] == [(M**-a, (a > 1,))]


@pytest.mark.parametrize("p", ["1/2", "-1/2", -1, -2])
@pytest.mark.parametrize("q", ["1/3", -1, "-5/2"])
def test_sums_inside_of_sums(p, q):
    """sum_i i^q sum_{k <= i} k^p beside the numbers for N = 10^3 to 10^5."""
    p, q = sp.Rational(p), sp.Rational(q)
    k = sp.Symbol("k", positive=True)
    part = sp.Sum(i**q * sp.Sum(k**p, (k, 1, i)), (i, 1, N))
    (leaf,) = explore(
        lambda cell: Evaluation.of_parameters(cell, frozenset()).order(part), [Cell({N: 1})]
    )
    total = inner = 0.0
    values = {}
    for index in range(1, 10**5 + 1):
        inner += index ** float(p)
        total += index ** float(q) * inner
        if index in (10**3, 10**5):
            values[index] = total
    order = leaf.outcome.exact_expression
    growth = float(order.subs(N, 10**5) / order.subs(N, 10**3))
    assert 0.7 < values[10**5] / values[10**3] / growth < 1.4


def test_sums_inside_of_sums_that_are_not_known_are_refused():
    k = sp.Symbol("k", positive=True)
    there = Evaluation.of_parameters(Cell({N: 1}), frozenset())
    for inside in (sp.Sum(k, (k, 1, i + 1)), sp.Sum(k**i, (k, 1, i)), sp.Sum(k, (k, 2, i))):
        with pytest.raises(ValueError, match="sum inside of a sum"):
            there.order(sp.Sum(inside / i, (i, 1, N)))
    with pytest.raises(ValueError, match="no single power"):
        there.order(sp.Sum(sp.Sum(sp.Min(1, sp.sqrt(N) / k), (k, 1, i)) / i, (i, 1, N)))
