"""Covariates: what they are, what refuses them, and the law that a simulation draws."""

import dataclasses

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.model.data import TableMoments, second_moments
from qtheory.model.parse import parse_covariates
from qtheory.model.source import python_code

LAWS = [qt.Independent(5), qt.Elliptical("5/3"), qt.FourthMoment(4)]
SGD = qt.SGD("0.05", steps=40)


def problem(law, dim=4):
    return qt.Problem(dim, qt.PowerLaw(2), qt.Constant(1), 1, covariates=law)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(qt.Independent, "kurtosis"), (qt.Elliptical, "fourth"), (qt.FourthMoment, "alpha")],
)
@pytest.mark.parametrize("value", [0, "1/2", -3, "inf", float("nan"), True])
def test_moments_that_no_variable_has_are_refused(kind, name, value):
    with pytest.raises(qt.InvalidArgumentError, match=f"{name} is "):
        kind(value)
    assert kind(1).fourth_moment >= 1


def test_the_default_is_gaussian_and_not_shown():
    assert qt.Problem(3) == qt.Problem(3, covariates=qt.Gaussian())
    assert "covariates" not in repr(qt.Problem(3))
    assert "Independent(kurtosis=5)" in repr(problem(LAWS[0]))
    with pytest.raises(qt.InvalidArgumentError, match="covariates is 5"):
        qt.Problem(3, covariates=5)


@pytest.mark.parametrize("law", [qt.Gaussian(), *LAWS])
def test_code_and_shorthand_give_the_law_again(law):
    run = problem(law), qt.Quantization(), SGD
    names = {}
    exec(python_code(*run), {"qt": qt}, names)
    assert names["problem"] == run[0]
    text = {"Gaussian": "gaussian", "FourthMoment": "fourth-moment:4"}.get(
        type(law).__name__, f"{type(law).__name__.lower()}:{5 if law == LAWS[0] else '5/3'}"
    )
    assert parse_covariates(text) == law


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    "ask",
    [
        lambda p: qt.lower_bound(p, qt.Quantization(), SGD),
        lambda p: qt.upper_bound(p, qt.Quantization(), SGD, form="refined"),
        lambda p: qt.sharp_constants(p, qt.Quantization(), SGD),
        lambda p: qt.rates(dataclasses.replace(p, dim=qt.oo), qt.Quantization(), SGD),
        lambda p: qt.equivalent_risk(p, qt.Quantization(), SGD, size=2),
        lambda p: p.sketched(size=2),
        lambda p: qt.excess_risk(p, qt.Quantization(data=qt.formats.get("fp8_e4m3")), SGD),
    ],
)
def test_what_needs_gaussian_data_refuses(ask, law):
    gaussian = problem(qt.Gaussian())
    ask(gaussian)
    with pytest.raises(qt.HypothesisError, match=f"covariates is {type(law).__name__}"):
        ask(problem(law))


@pytest.mark.parametrize("ask", [qt.excess_risk, qt.stability, qt.simulate, qt.lower_bound])
def test_a_bound_on_fourth_moments_gives_no_risk(ask):
    with pytest.raises(qt.HypothesisError, match=r"covariates is FourthMoment\(alpha=4\)"):
        ask(problem(LAWS[2]), qt.Quantization(), SGD)


def test_the_moments_of_gaussian_data_are_gaussian():
    """Independent(3) and Elliptical(1) have its fourth moments, and so its risk."""
    quantization = qt.Quantization(data=qt.Additive("0.1"), parameter=qt.Multiplicative("0.05"))
    risks = [
        qt.excess_risk(problem(law), quantization, SGD, digits=25).total
        for law in (qt.Gaussian(), qt.Independent(3), qt.Elliptical(1))
    ]
    assert all((risk - risks[0]).overlaps(0) for risk in risks)


@pytest.mark.parametrize("law", [qt.Independent("9/2"), qt.Independent(1), qt.Elliptical(2)])
@pytest.mark.parametrize("data", [qt.ErrorModel(), qt.Multiplicative("0.01", "elementwise")])
def test_a_long_spectrum_is_compressed_as_it_is(law, data):
    """The compression with its proved error holds the risk of every coordinate by itself."""
    from qtheory.model.run import Run
    from qtheory.numbers.arithmetic import Balls
    from qtheory.risk.excess import decomposition_at

    quantization = qt.Quantization(data=data, label=qt.Multiplicative("0.1"))
    run = Run(problem(law, 300), quantization, qt.SGD("0.05", batch=2, steps=500))
    arithmetic = Balls(bits=600)
    with arithmetic.working():
        whole = decomposition_at(run, arithmetic).total
        short = decomposition_at(run, arithmetic, compressed=True).total
    assert short.overlaps(whole)
    assert short.rad() < abs(whole) * 1e-12
    other = Run(problem(qt.Gaussian(), 300), *run[1:])
    with arithmetic.working():
        assert not short.overlaps(decomposition_at(other, arithmetic).total)


def test_the_law_of_one_coordinate_in_closed_form():
    """One step from w_0 = 0 with d = 1: E w_1^2 = gamma^2 (k w*^2 + sigma^2), typed in."""
    k, gamma = 7, sp.Rational(1, 4)
    one = qt.Problem(1, qt.Explicit([1]), qt.Constant(2), "1/2", covariates=qt.Independent(k))
    found = qt.excess_risk(one, qt.Quantization(), qt.SGD(gamma, steps=1, output="last"))
    second = gamma**2 * (4 * k + sp.Rational(1, 2))  # E w = 2 gamma, R = E (w - 2)^2 / 2
    assert found.total == pytest.approx(float((second - 8 * gamma + 4) / 2), rel=1e-14)


def table(law, rows, rng):
    normal = rng.normal(size=(rows, 3)) * [3, 2, 1]
    if law == "elliptical":
        return normal * np.sqrt(rng.choice([0, 2], size=(rows, 1)))
    if law == "independent":
        return rng.choice([-1, 0, 0, 0, 0, 0, 0, 1], size=(rows, 3)) * [6, 4, 2]
    return normal


@pytest.mark.parametrize(
    ("law", "named"),
    [("gaussian", "Gaussian"), ("elliptical", "Elliptical"), ("independent", "Independent")],
)
def test_a_table_says_which_assumption_it_meets(law, named):
    X = table(law, 40_000, np.random.default_rng(3))
    said = qt.Problem.from_data(X, X[:, 0]).assumptions[2]
    assert f"about those of {named}(" in said
    assert "it meets FourthMoment(alpha) for alpha >= " in said
    assert qt.Problem.from_data(X, X[:, 0], qt.Independent(4)).covariates == qt.Independent(4)


def test_alpha_of_a_table_is_the_least_one():
    """Against random vectors a: none exceeds it, and some come near."""
    rng = np.random.default_rng(5)
    moments = second_moments(rng.standard_t(5, size=(300, 3)) * [3, 2, 1], rng.normal(size=300))
    found = TableMoments.of(moments.scores)
    x, lam = moments.scores, np.array(moments.eigenvalues)
    largest = 0.0
    for a in rng.normal(size=(20_000, 3)) / np.sqrt(lam):
        ratios = (x**2 * ((x @ a) ** 2)[:, None]).mean(axis=0) / (lam * (lam * a**2).sum())
        largest = max(largest, ratios.max())
    assert 0.98 * found.alpha < largest <= found.alpha * (1 + 1e-12)
