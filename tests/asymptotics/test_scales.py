"""Compact forms of T4's terms against its sums, evaluated by plain loops that know no orders."""

import random
from functools import cache

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.orders.symbols import formula_of

a, b, N, d, eps = qt.symbols("a b N d eps")
STEPSIZE = 1
# The constants of the forms, for exponents that are at least 0.3 from a critical one.
LOW = 1 / 10
HIGH = {"variance": 3, "approximation": 30, "data": 30, "amplification": 30, "bias": 100}
SCHEMES = {
    "exact": qt.Quantization(),
    "additive": qt.Quantization(data=qt.Additive(eps)),
    "multiplicative": qt.Quantization(data=qt.Multiplicative(eps)),
    "elementwise": qt.Quantization(data=qt.Multiplicative(eps, coupling="elementwise")),
}


@cache
def table(scheme, dim=d):
    problem = qt.Problem(dim, qt.PowerLaw(a), qt.SourceCondition(b), noise=1)
    return qt.rates(problem, SCHEMES[scheme], qt.SGD(stepsize=STEPSIZE, steps=N))


def sums(scheme, values):
    """The terms of T4 as they are written down in the theory, coordinate by coordinate."""
    i, weight = coordinates(values["d"])
    lam, w2 = i ** -values["a"], i ** (values["a"] - values["b"])
    level, n = values["eps"], values["N"]
    noise = {"exact": 0, "additive": level}.get(scheme, level * lam)
    lq = lam + noise
    x, eta2 = STEPSIZE * lq, (lam / lq) ** 2 * w2
    found = {"bias": 0.5 * np.sum(weight * lq * eta2 * np.minimum(1, (n * x) ** -2.0))}
    dimension = np.sum(weight * np.minimum(1, (n * x) ** 2))
    found["variance"] = dimension / n
    feedback = np.sum(weight * eta2 * np.minimum(1, n * x)) / (n * STEPSIZE)
    found["amplification"] = dimension / n * feedback
    if scheme != "exact":
        found["approximation"] = 0.5 * np.sum(weight * lam / lq * noise * w2)
        misfit = (
            2 * found["approximation"]
            if scheme == "additive"
            else level * np.sum(weight * lam * w2)
        )
        found["data"] = dimension / n * misfit
    return found


def coordinates(dim):
    """The coordinates; without an end, those beyond 10,000 by the trapezoidal rule in log i."""
    if dim is not qt.oo:
        return np.arange(1, dim + 1, dtype=float), 1
    first, log_rest = np.arange(1, 10_001, dtype=float), np.linspace(np.log(10_000.5), 46, 40_001)
    weight = np.exp(log_rest) * (log_rest[1] - log_rest[0])
    weight[[0, -1]] /= 2
    return np.append(first, np.exp(log_rest)), np.append(np.ones(10_000), weight)


def points(count=200, seed=0, infinite=False):
    """Random parameters; many lie on a boundary of regimes or on equal exponents."""
    draw = random.Random(seed)
    while count:
        first = draw.choice([1.3, 1.5, 2, 2.5, 3])
        critical = [first + 1, 2 * first + 1, *([] if infinite else [1])]
        least = 1.3 if infinite else 0.2
        second = draw.choice([draw.uniform(least, 8), *(critical if draw.random() < 0.4 else [])])
        if any(0 < abs(second - c) < 0.3 for c in critical):
            continue
        dim = int(10 ** draw.uniform(0, 4))
        steps, level = 10 ** draw.uniform(0, 7), 10 ** draw.uniform(-7, 0) / dim
        match draw.randrange(8):
            case 0:
                steps = dim**first
            case 1:
                level = min(1 / steps, 1 / dim)
            case 2:
                level = min(dim**-first, 1 / dim)
            case 3:
                steps, dim, level = 1, 1, draw.choice([1, 0.1])
        size = qt.oo if infinite else dim
        yield {"a": first, "b": second, "d": size, "N": steps, "eps": level}
        count -= 1


def value(form, values):
    """A compact form at a point, with 1 + log in place of log as the convention has it."""
    expression = form.expression
    for case in form.critical:
        if all(abs(number(c.lhs - c.rhs, values)) < 1e-12 for c in case.conditions):
            assert case.expression is not None
            expression = case.expression
    return number(form.in_parameters(expression).replace(sp.log, lambda x: 1 + sp.log(x)), values)


def number(expression, values):
    named = {symbol: values[symbol.name] for symbol in expression.free_symbols}
    return float(sp.lambdify(list(named), expression, "math")(*named.values()))


def spread(scheme, forms, infinite=False):
    """The smallest and the largest factor between forms and sums, over all points and terms."""
    ratios = []
    for values in points(infinite=infinite):
        found = sums(scheme, values)
        ratios += [value(form, values) / found[name] for name, form in forms.items()]
    return min(ratios), max(ratios)


def forms(scheme, dim=d):
    rates = table(scheme, dim).terms
    return {name: r.compact for name, r in rates.items() if r.regimes and name != "total"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_compact_forms_stay_within_constants_of_the_sums(scheme):
    found = forms(scheme)
    assert set(found) == set(sums(scheme, {"a": 2, "b": 2, "d": 3, "N": 5, "eps": 0.1}))
    for name, form in found.items():
        low, high = spread(scheme, {name: form})
        assert LOW < low < high < HIGH[name]


@pytest.mark.parametrize("scheme", ["exact", "multiplicative"])
def test_compact_forms_in_infinite_dimension(scheme):
    for name, form in forms(scheme, qt.oo).items():
        low, high = spread(scheme, {name: form}, infinite=True)
        assert LOW < low < high < HIGH[name]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("variance", "k_N/N"),  # without what all directions add
        ("variance", "(k_N + d*min(1, N*eps))/N"),
        ("bias", "(1 + k**(2*a - b + 2) + k**(2*a)*k_eps**(1 - b))/N**2"),
        ("approximation", "eps*(1 + k_eps**(a - b + 1))"),  # right for b > 1 only
    ],
)
def test_a_wrong_form_is_seen(name, wrong):
    """A negative control: a part left out, a power missing, an exponent off by one."""
    form = forms("additive")[name]
    changed = type(form)(formula_of(wrong, "form"), forms("additive")["bias"].scales)
    low, high = spread("additive", {name: changed})
    assert not LOW < low < high < HIGH[name]


def test_the_forms_are_those_of_the_theory():
    """The five terms of the paper's comparison under polynomial spectra, d finite and b > 1."""
    k_N, k_eps, k = (sp.Symbol(name, positive=True) for name in ("k_N", "k_eps", "k"))
    p = [positive(s) for s in (a, b, N, d, eps)]
    a_, b_, N_, d_, eps_ = p
    rates = qt.rates(
        qt.Problem(d, qt.PowerLaw(a), qt.SourceCondition(b), noise=1),
        SCHEMES["additive"],
        qt.SGD(stepsize="0.1", steps=N),
        assumptions=["b > 1"],
    )
    dimension = k_N + d_ * sp.Min(1, N_ * eps_) ** 2
    floor = eps_ * (1 + k_eps ** (a_ - b_ + 1))
    expected = {
        "approximation": floor,
        "bias": (1 + k ** (2 * a_ - b_ + 1)) / N_**2,
        "variance": dimension / N_,
        "amplification": dimension * (1 + k ** (a_ - b_ + 1)) / N_**2,
        "data": dimension * floor / N_,
    }
    for name, form in expected.items():
        assert sp.simplify(rates.terms[name].compact.expression - form) == 0
    scales = {str(s.symbol): s.definition for s in rates.bias.compact.scales}
    assert scales["k_N"] == sp.Min(d_, N_ ** (1 / a_))
    assert scales["k_eps"] == sp.Min(d_, eps_ ** (-1 / a_))
    assert scales["k"] == sp.Min(k_N, k_eps)


def positive(symbol):
    return sp.Symbol(symbol.name, positive=True)


def test_scales_hold_the_stepsize_and_a_spectrum_with_a_logarithm():
    gamma = sp.Symbol("gamma")
    problem = qt.Problem(d, qt.PowerLaw(2), qt.Constant(1), noise=1)
    sgd = qt.SGD(stepsize=gamma, steps=N)
    rates = qt.rates(problem, qt.Quantization(), sgd, assumptions=["N*gamma >= 1"])
    (scale,) = rates.variance.compact.scales
    assert str(scale.definition) in ("Min(d, sqrt(N)*sqrt(gamma))", "Min(d, sqrt(N*gamma))")
    free = qt.rates(problem, qt.Quantization(), sgd).variance.compact
    assert free is None or "max(1" in str(free)  # N gamma may be below 1
    spectrum = qt.SpectrumFormula("i**-a*log(i+1)**c")
    problem = qt.Problem(d, spectrum, qt.SourceCondition(2), noise=1)
    found = qt.rates(problem, qt.Quantization(), qt.SGD("0.1", steps=N)).variance.compact
    assert "log(N)**(c/a)" in str(found)


def test_a_term_without_a_compact_form_says_so():
    problem = qt.Problem(d, qt.Exponential(1), qt.Constant(1), noise=1)
    rates = qt.rates(problem, SCHEMES["additive"], qt.SGD("0.1", steps=N))
    assert rates.variance.compact is None
    assert "no compact form found: bias, variance" in str(rates)
    for regime in rates.variance.regimes:
        assert any(str(regime.order) in line for line in str(rates).splitlines())
