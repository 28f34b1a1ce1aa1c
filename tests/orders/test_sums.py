"""asymptotic_sum against numbers: thirty sums, half of them from outside the theory."""

import math

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.errors import InvalidArgumentError
from qtheory.numbers.grammar import parse_formula

i, x, y, d, N, eps, a, b, c, n, k = (
    sp.Symbol(s, positive=True) for s in ["i", "x", "y", "d", "N", "eps", "a", "b", "c", "n", "k"]
)
oo = sp.oo
SUMMED = 1 << 20


def numeric_sum(f, upper):
    """The sum of f(i) over i = 1, ..., upper: one by one, then by the midpoint rule in log i."""
    last = SUMMED if upper == math.inf else min(SUMMED, int(upper))
    total = float(np.sum(f(np.arange(1.0, last + 1))))
    if last < upper:
        top = 1e30 if upper == math.inf else upper + 0.5
        edges = np.exp(np.linspace(math.log(last + 0.5), math.log(top), 400_001))
        middles = (edges[1:] + edges[:-1]) / 2
        total += float(np.sum(f(middles) * np.diff(edges)))
    return total


# text, upper limit, assumptions, {order: conditions}, values to try
THEORY = [
    (
        "min(1, (x*i**-a)**2)",
        oo,
        ["a > 1"],
        {x ** (1 / a): ()},
        {"x": (10, 1e6, 1e12), "a": (1.5, 2, 3)},
    ),
    ("min(1, x*i**-a)", oo, ["a > 1"], {x ** (1 / a): ()}, {"x": (10, 1e6, 1e12), "a": (2, 3)}),
    (
        "i**-b*min(1, (i**a/x)**2)",
        oo,
        ["b > 1"],
        {x ** ((1 - b) / a): 1, sp.log(x) / x**2: 1, x**-2: 1},
        {"x": (10, 1e4, 1e8), "a": (2,), "b": (2, 3, 5, 6)},
    ),
    (
        "i**(a-b)*min(1, x*i**-a)",
        oo,
        ["b > 1"],
        {x ** ((a - b + 1) / a): 1, sp.log(x): 1, sp.S.One: 1},
        {"x": (10, 1e4, 1e8), "a": (2,), "b": (2, 3, 4)},
    ),
    (
        "min(1, (x*(i**-a + eps))**2)",
        d,
        ["eps <= 1", "a > 1"],
        {d: 2, x ** (1 / a): 1, d * (x * eps) ** 2: 1},
        {"x": (10, 1e5), "eps": (0.5, 1e-3, 1e-6), "d": (10, 1e5), "a": (2,)},
    ),
    (
        "i**-b*eps/(eps + i**-a)",
        d,
        ["eps <= 1", "b > 1"],
        {
            eps * d ** (a - b + 1): 1,
            eps: 1,
            eps ** ((b - 1) / a): 1,
            eps * sp.log(d): 1,
            eps * sp.log(1 / eps): 1,
        },
        {"eps": (0.1, 1e-4, 1e-8), "d": (10, 1e6), "a": (2,), "b": (2, 3, 4)},
    ),
    ("i**-a", oo, ["a > 1"], {sp.S.One: ()}, {"a": (1.5, 2, 3)}),
    ("min(1, (x*2**-i)**2)", oo, [], {sp.log(x): ()}, {"x": (10, 1e6, 1e12)}),
    ("min(1, x*exp(-i/2))", oo, [], {sp.log(x): ()}, {"x": (10, 1e6, 1e12)}),
    ("2**-i*min(1, (2**i/x)**2)", oo, [], {1 / x: ()}, {"x": (10, 1e6, 1e12)}),
    (
        "(i**-2 + eps)**2",
        d,
        ["eps <= 1"],
        {sp.S.One: 1, d * eps**2: 1},
        {"eps": (0.5, 1e-3), "d": (10, 1e7)},
    ),
    (
        "i**-2*min(1, 1/(x*(i**-2 + eps)))",
        d,
        ["eps <= 1"],
        None,
        {"x": (10, 1e5), "eps": (0.5, 1e-3, 1e-6), "d": (10, 1e4)},
    ),
    (
        "i**-3/(i**-2 + eps)",
        d,
        ["eps <= 1"],
        {sp.log(d): 1, sp.log(1 / eps): 1},
        {"eps": (0.5, 1e-3, 1e-8), "d": (10, 1e6)},
    ),
    ("min(1, x/(i*log(i+1)**2))", oo, [], {x / sp.log(x): ()}, {"x": (1e3, 1e6, 1e12)}),
    (
        "min(1, (x*log(i+1)**c*i**-a)**2)",
        oo,
        ["a > 1"],
        {x ** (1 / a) * sp.log(x) ** (c / a): ()},
        {"x": (1e3, 1e6, 1e9), "a": (2,), "c": (1,)},
    ),
]
OUTSIDE = [
    ("1/i", n, [], {sp.log(n): ()}, {"n": (1, 10, 1e6, 1e12)}),
    ("1/(i + x)", d, [], {d / x: 1, sp.log(d / x): 1}, {"x": (1, 100, 1e6), "d": (1, 100, 1e8)}),
    ("i**k", n, [], {n ** (k + 1): ()}, {"n": (1, 10, 1e6), "k": (0.5, 1, 3)}),
    ("3**-i", oo, [], {sp.S.One: ()}, {}),
    ("i**2*3**-i", oo, [], {sp.S.One: ()}, {}),
    ("1/(i**2 + x)", oo, [], {1 / sp.sqrt(x): ()}, {"x": (1, 1e4, 1e12)}),
    ("1/(i**2 + x**2)", n, [], {n / x**2: 1, 1 / x: 1}, {"x": (1, 100, 1e5), "n": (1, 1000, 1e7)}),
    (
        "max(min(i, x), i**2/y)/i**2",
        d,
        ["y >= x**2"],
        None,
        {"x": (2, 30), "y": (1e3, 1e5), "d": (1, 10, 1e4, 1e6)},
    ),
    ("min(i, max(x, y/i))", d, ["y >= x"], None, {"x": (2, 30), "y": (40, 1e5), "d": (1, 10, 1e4)}),
    (
        "min(1, x/i)*max(1, i/y)",
        d,
        ["y >= x"],
        None,
        {"x": (2, 30), "y": (40, 1e4), "d": (1, 10, 1e3, 1e6)},
    ),
    ("sqrt(i)*min(1, (x/i)**2)", oo, [], {x ** sp.Rational(3, 2): ()}, {"x": (1, 10, 1e5)}),
    ("min(i, x)", n, [], {n**2: 1, n * x: 1}, {"x": (1, 50, 1e4), "n": (1, 10, 1e6)}),
    ("1/(i*(i + x))", oo, [], {sp.log(x) / x: ()}, {"x": (1, 1e3, 1e12)}),
    ("1/max(i, x)**3", oo, [], {x**-2: ()}, {"x": (1, 1e3, 1e5)}),
    ("min(1, x*i**-2) + 1/i**3", oo, [], {sp.sqrt(x): ()}, {"x": (1, 1e3, 1e12)}),
    ("2*i + 3", n, [], {n**2: ()}, {"n": (1, 10, 1e6)}),
    ("1/(i*log(i + 1)**3)", oo, [], {sp.S.One: ()}, {}),
]
CASES = THEORY + OUTSIDE


def grid(values):
    points = [{}]
    for name, numbers in values.items():
        points = [{**p, name: v} for p in points for v in numbers]
    return points


def symbols_of(point):
    return {sp.Symbol(name, positive=True): sp.nsimplify(v) for name, v in point.items()}


def holds(condition, point):
    left, right = (side.subs(symbols_of(point)) for side in condition.args)
    return (
        bool(left == right) if isinstance(condition, sp.Eq) else bool(condition.func(left, right))
    )


def number(expression, point):
    return float(expression.subs(symbols_of(point)))


def as_function(text, point):
    formula = parse_formula(text, {"i": i}, "text").subs(symbols_of(point))
    plain = sp.lambdify(i, formula, modules=[{"Min": np.minimum, "Max": np.maximum}, "numpy"])

    def function(values):
        with np.errstate(all="ignore"):  # 2^i overflows to infinity, where the other branch counts
            return plain(values) + 0 * values

    return function


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_order_and_constants_against_numbers(case):
    text, upper, assumptions, orders, values = case
    found = qt.asymptotic_sum(text, i, 1, upper, assumptions)
    if orders is not None:
        got = {regime.order for regime in found.regimes}
        assert {any(sp.simplify(want / have) == 1 for have in got) for want in orders} == {True}, (
            got
        )
    ratios = []
    for point in grid(values):
        if not all(holds(assumption, point) for assumption in found.assumptions):
            continue
        top = math.inf if upper is oo else number(upper, point)
        total = numeric_sum(as_function(text, point), top)
        regimes = [r for r in found.regimes if all(holds(c, point) for c in r.conditions)]
        assert regimes, (text, point)
        for regime in regimes:
            ratio = total / number(regime.exact_order, point)
            ratios.append(ratio)
            if regime.lower is not None:
                low, high = number(regime.lower, point), number(regime.upper, point)
                # the reference sum is accurate to about 1e-6
                assert low * (1 - 1e-6) <= ratio <= high * (1 + 1e-6), (point, low, ratio, high)
    assert max(ratios) / min(ratios) < 100


def test_a_wrong_order_is_seen():
    """The order of the sum is not x^(1/a - 0.02), which leaves every bracket."""
    found = qt.asymptotic_sum("min(1, (x*i**-a)**2)", i, 1, oo, ["a > 1"])
    (regime,) = found.regimes
    point = {"x": 1e12, "a": 2}
    total = numeric_sum(as_function("min(1, (x*i**-a)**2)", point), math.inf)
    wrong = number(regime.exact_order, point) * 1e12**-0.06
    assert not total / wrong <= number(regime.upper, point)


def test_the_constants_of_the_effective_dimension_are_those_that_are_proved():
    """proofs/power_sums.py: X/2 <= D <= 2a/(2a - 1) X for d = infinity."""
    lower, upper = qt.asymptotic_sum("min(1, (x*i**-a)**2)", i, 1, oo).constants
    assert lower == sp.Rational(1, 2)
    assert sp.simplify(upper - 2 * a / (2 * a - 1)) == 0


def test_divergence_names_its_cause():
    found = qt.asymptotic_sum("min(1, x/i)", i, 1, oo)
    assert found.order is sp.oo
    assert "fall too slowly" in found.divergences[0][1]
    found = qt.asymptotic_sum("i**-a", i, 1, oo)
    ((conditions, _),) = found.divergences
    assert [str(c) for c in conditions] == ["a <= 1"]


def test_a_range_that_starts_later():
    assert qt.asymptotic_sum("i**-2", "i", "k", oo).order == 1 / k
    assert qt.asymptotic_sum("i**-2", "i", 7, oo).order == 1


@pytest.mark.parametrize("power", [-2, -1, 0, 1])
def test_a_range_between_two_parameters_is_at_least_twofold(power):
    """At N = M there is one term, M**p, and not M of them."""
    found = qt.asymptotic_sum(f"i**({power})", "i", "M", "N", ["N >= M"])
    assert "N >= 2*M" in str(found)
    assert r"N \geq 2 M" in found.latex()
    M, N = qt.symbols("M N")

    def ratio(start, end):
        return sum(float(k) ** power for k in range(start, end + 1)) / float(
            found.regimes[0].exact_order.subs({M: start, N: end})
        )

    ratios = [ratio(start, times * start) for start in (5, 50, 500) for times in (2, 7, 40)]
    assert max(ratios) < 10 * min(ratios)
    if power != -1:  # the negative control: where it is not assumed the order is wrong by M
        assert ratio(5000, 5000) < min(ratios) / 100


def test_a_range_from_a_number_has_a_term():
    found = qt.asymptotic_sum("i**-2", "i", 3, "d")
    assert found.assumptions == (sp.Ge(sp.Symbol("d", positive=True), 3),)
    assert qt.asymptotic_sum("i**-2", "i", 1, "d").assumptions == ()
    assert qt.asymptotic_sum("i**-2", "i", "d", qt.oo).assumptions == ()


def test_symbols_in_exponents_are_named_as_held_fixed():
    """k^-a exp(-eps k) is of order 1 for fixed eps; for a < 1 it is eps^(a-1) as eps falls."""
    found = qt.asymptotic_sum("k**-a*exp(-eps*k)", "k", 1, "oo", ["eps<=1"])
    a, eps, x = qt.symbols("a eps x")
    assert (found.order, found.fixed) == (1, (a, eps))
    assert str(found).endswith("assuming eps <= 1, for fixed a, eps")
    assert qt.asymptotic_sum("exp(-i/x)", "i", 1, "oo").fixed == (x,)
    assert qt.asymptotic_sum("min(1, x/i)*i**-2", "i", 1, "oo").fixed == ()


def test_logarithms_of_unrelated_parameters_are_kept_apart():
    """log N + log M is of the order of neither, and which is larger is a regime of its own."""
    M, N = qt.symbols("M N")
    found = qt.asymptotic_sum("(log(N) + log(M))*i**-2", "i", 1, "oo")
    orders = {regime.conditions: regime.order for regime in found.regimes}
    assert orders == {(sp.Ge(M, N),): sp.log(M), (sp.Ge(N, M),): sp.log(N)}
    with pytest.raises(InvalidArgumentError, match=r"log\(M\) and N are not comparable"):
        qt.asymptotic_sum("(N + log(M))*i**-2", "i", 1, "oo")


def test_logarithms_below_a_harmonic_sum():
    """The integral of 1 / (x log^a x): log log x where a = 1."""
    d, k = qt.symbols("d k")
    assert qt.asymptotic_sum("1/(i*log(i + 1))", "i", 1, d).order == sp.log(sp.log(d))
    between = qt.asymptotic_sum("1/(i*log(i + 1))", "i", k, d).order
    assert between == sp.log(sp.log(d) / sp.log(k))
    found = qt.asymptotic_sum("1/(i*log(i + 1)**a)", "i", 1, d)
    assert str(found).splitlines() == [
        "1   if a > 1",
        "log(d)**(1 - a)   if a < 1",
        "log(log(d))   if Eq(a, 1)",
        "for fixed a",
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a*i**-a", "i**(-a)"),
        ("x - i", "-i"),
        ("x**i", "x**i"),
        ("exp(-i*i)", "exp(-i**2)"),
        ("2**-i + 3**-i*min(1, 5**i)", "5**i"),
        ("i**x*x", "i**x"),
        ("log(x*i)", "log(i*x)"),
        ("min(1, -x)", "-x"),
        ("exp(-i)*min(1, x/i)", "exp(-i)*Min(1, x/i)"),
    ],
)
def test_what_is_not_covered_is_named(text, part):
    with pytest.raises(InvalidArgumentError, match="but must be") as caught:
        qt.asymptotic_sum(text, i, 1, oo)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ("1/i", "i j", 1, oo),
        ("1/i", i, 0, oo),
        ("1/i", i, 1, "i"),
        ("1/i", i, 5, 3),
        ("1/i", i, 1, "7/2"),
        ("x/i**2", i, 1, oo, ["i >= 3"]),
        ("x/i**2", i, 1, oo, [sp.Ge(x, sp.oo, evaluate=False)]),
        ("1/i", i, 1, oo, ["N"]),
        ("x/i**2", i, 1, oo, ["x*i > 1"]),
        ("x/i**2", i, 1, oo, ["x >= 1", "x*d >= 1", "x*d <= 1/x"]),
    ],
)
def test_bad_arguments(arguments):
    with pytest.raises(InvalidArgumentError):
        qt.asymptotic_sum(*arguments)


def test_what_is_proved_by_machine():
    def proofs(*arguments):
        return [regime.proof for regime in qt.asymptotic_sum(*arguments).regimes]

    assert proofs("min(1, (x*i**-a)**2)", i, 1, oo) == ["power_sums"]
    assert proofs("min(1, (x*i**-a)**2)", i, 1, d, ["a > 1"]) == ["power_sums"] * 2
    assert proofs("i**-a", i, 1, n, ["a > 1"]) == ["power_sums"]
    assert proofs("i**-a", i, 1, n, ["a < 1"]) == [None]
    assert proofs("1/(i**2 + x)", i, 1, oo) == [None]


@pytest.mark.parametrize(
    ("written", "same"),
    [("exp(-i*log(2))", "2**-i"), ("exp(-2*i*log(2))", "4**-i"), ("exp(i*log(1/3))", "3**-i")],
)
def test_an_exponential_may_have_any_rate(written, same):
    found, known = (
        qt.asymptotic_sum(f"min(1, x*{decay})", "i", 1, "oo", ["x >= 1"])
        for decay in (written, same)
    )
    assert str(found) == str(known)
    # two exponentials without a common rate are still refused, and told so
    with pytest.raises(qt.QTheoryError, match="two exponentials"):
        qt.asymptotic_sum("min(1, x*exp(-i)*2**-i)", "i", 1, "oo", ["x >= 1"])
