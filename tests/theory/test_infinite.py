"""Bounds in infinite dimension: beside sums to 10^6 with known tails, and around the exact risk."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

import qtheory as qt
from qtheory.theory import infinite

GAMMA, SIGMA2 = 0.1, 1.0
EXACT = qt.Quantization()
PLACES = 10**6


def problem(a=2, b=2):
    return qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), SIGMA2)


def sgd(steps, stepsize="0.1"):
    return qt.SGD(stepsize, steps=steps)


def tail(exponent):
    """The sum of i^-exponent past the places that are added one by one."""
    return float(mpmath.zeta(exponent, PLACES + 1))


def by_hand(a, b, steps):
    """T4, T4' and T5 of exact data and B = 1, as theory says them, and D_N.

    alpha = 3 - 1 in T4; alpha = kappa = 1 and delta = 2 - 2 x in T4'; s^2 = sigma^2. Past the
    places N x is so small that only first orders count.
    """
    i = np.arange(1, PLACES + 1, dtype=np.float64)
    x, signal = GAMMA * i**-a, i**-b  # signal = lambda w*^2
    eta2 = signal * GAMMA / x
    trace, energy = GAMMA * tail(a), tail(b)
    D = np.minimum(1, (steps * x) ** 2).sum() + (steps * GAMMA) ** 2 * tail(2 * a)
    bias = 0.5 * ((signal * np.minimum(1, 1 / (steps * x) ** 2)).sum() + energy)

    theta = 2 * ((x / (2 - x)).sum() + trace / 2)
    start = (eta2 * np.minimum(1, steps * x)).sum() + steps * GAMMA * energy
    paper = bias + D / steps * (SIGMA2 + 2 / (steps * GAMMA) * start) / (1 - theta)

    delta = 2 - 2 * x
    theta = (x / delta).sum() + trace / 2
    start = (eta2 * np.minimum(1 / delta, steps * x)).sum() + steps * GAMMA * energy
    mean = (start / (steps * GAMMA) + SIGMA2 * theta) / (1 - theta)
    weights = np.minimum(1, (steps * x) ** 2)
    own = (weights * signal * np.minimum(1, 1 / (steps * x))).sum()
    refined = bias + (D * (SIGMA2 + mean) + own) / steps

    shrinkage = -np.expm1(steps * np.log1p(-x)) / (steps * x)
    lower = 0.5 * ((signal * shrinkage**2).sum() + energy) + D / steps * SIGMA2 / 24
    return {"paper": paper, "refined": refined, "lower": lower, "D": D}


@pytest.mark.parametrize(("a", "b", "steps"), [(2, 2, 300), (2, 3, 7), (3, "3/2", 5000)])
def test_each_bound_is_the_sum_over_all_coordinates(a, b, steps):
    expected = by_hand(float(a), float(Fraction(b)), steps)
    given = problem(a, b), EXACT, sgd(steps)
    upper = {form: qt.upper_bound(*given, form=form) for form in ("paper", "refined")}
    lower = qt.lower_bound(*given)
    for form, bound in upper.items():
        assert bound.total == pytest.approx(expected[form], rel=1e-8)
        assert bound.effective_dimension == pytest.approx(expected["D"], rel=1e-9)
    assert lower.total == pytest.approx(expected["lower"], rel=1e-8)
    # the negative control: without what is past the places of the first panels, digits are wrong
    finite = qt.Problem(200, qt.PowerLaw(a), qt.SourceCondition(b), SIGMA2)
    assert qt.lower_bound(finite, EXACT, sgd(steps)).total < lower.total * (1 - 1e-8)


SPECTRA = [
    qt.PowerLaw(2),
    qt.PowerLaw("11/10", scale="1/2"),
    qt.PowerLaw(5),
    qt.Exponential("1/10"),
    qt.Logarithmic(2),
]
QUANTIZATIONS = [
    EXACT,
    qt.Quantization(
        data=qt.Multiplicative("1/50"),
        parameter=qt.Additive("1/1000"),
        label=qt.Multiplicative("1/20"),
        activation=qt.Additive("1/100"),
    ),
]


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
@pytest.mark.parametrize("spectrum", SPECTRA, ids=str)
def test_the_exact_risk_lies_between_them(spectrum, quantization):
    infinite_dimension = qt.Problem(qt.oo, spectrum, qt.Constant(1), "1/4")
    given = infinite_dimension, quantization, sgd(50, "1/40")
    lower, upper = qt.lower_bound(*given), qt.upper_bound(*given)
    assert 0 < lower.total <= qt.excess_risk(*given).total <= upper.total


def test_finite_dimensions_tend_to_it():
    given = EXACT, sgd(100)
    limit = qt.upper_bound(problem(), *given).total
    near = [
        qt.upper_bound(qt.Problem(dim, qt.PowerLaw(2), qt.SourceCondition(2), 1), *given).total
        for dim in (100, 1000, 10_000)
    ]
    gaps = [limit - each for each in near]
    assert gaps[0] > 5 * gaps[1] > 25 * gaps[2] > 0  # about 1 / dim


def test_digits_are_those_of_more_digits():
    given = problem(2, 3), QUANTIZATIONS[1], sgd(1000)
    for bound in (qt.upper_bound, qt.lower_bound):
        thirty, twelve = (bound(*given, digits=digits).total for digits in (30, 12))
        assert abs(thirty - twelve) < 1e-12 * thirty
        assert abs(float(thirty) - bound(*given).total) < 1e-14


def test_a_rule_that_is_wrong_shows(monkeypatch):
    given = problem(), EXACT, sgd(10**5)
    right = qt.lower_bound(*given).total
    rule = infinite.discrete_gauss

    def wrong(n, p):
        nodes, weights = rule(n, p)
        return nodes, [weight * 2 for weight in weights]

    monkeypatch.setattr(infinite, "discrete_gauss", wrong)
    assert qt.lower_bound(*given).total > right * (1 + 1e-3)


def test_what_the_sums_do_not_cover_is_refused():
    with pytest.raises(qt.InfiniteRiskError, match="infinite trace"):
        qt.upper_bound(problem(), qt.Quantization(data=qt.Additive("1/10")), sgd(10))
    with pytest.raises(qt.InfiniteRiskError, match="must be above 1"):
        qt.lower_bound(problem(1), EXACT, sgd(10))
    with pytest.raises(qt.HypothesisError, match="carries the number format"):
        qt.upper_bound(problem(), qt.Quantization(data=qt.formats.get("fp8_e4m3")), sgd(10))
    with pytest.raises(qt.HypothesisError, match="noise does not feed itself"):
        qt.upper_bound(problem("11/10"), EXACT, sgd(10, "1/5"))
    with pytest.raises(qt.HypothesisError, match=r"x\[i\] is 2"):
        qt.lower_bound(problem(), EXACT, sgd(10, 2))


def test_a_step_at_the_edge_of_a_hypothesis_is_admitted():
    """gamma lambda_1 = 1 exactly, which no ball can tell."""
    assert qt.lower_bound(problem(), EXACT, sgd(10, 1)).total > 0
    with pytest.raises(qt.HypothesisError):
        qt.lower_bound(problem(), EXACT, sgd(10, "1.0000001"))
