"""The theory a second time, against sums over all outcomes and against itself."""

import dataclasses
import itertools
from fractions import Fraction as F

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.checks.panel import PANEL, PURE, arguments, rational
from qtheory.reference import moments as reference
from qtheory.reference import outcomes
from qtheory.reference import theorems as stated
from qtheory.reference.moments import Errors, Setting

TARGETS = ("data", "label", "parameter", "activation", "gradient")
PARTS = ("additive", "shared", "elementwise")
LEVELS = [(target, part) for target in TARGETS for part in PARTS]


def without(setting, target, part):
    errors = dataclasses.replace(getattr(setting, target), **{part: F(0)})
    return dataclasses.replace(setting, **{target: errors})


def held(setting):
    return [(t, p) for t, p in LEVELS if getattr(getattr(setting, t), p)]


# ------------------------------------------------------------------- the recursion by enumeration


def gap(setting):
    """The largest relative difference between the transcription's step and the enumeration's."""
    before = outcomes.start(setting)
    exact = reference.one_step(setting, before.first, before.second)
    summed = outcomes.one_step(setting, before.first, before.second)
    pairs = zip(exact.first + exact.second, summed.first + summed.second, strict=True)
    return max(abs(float(a / b - 1)) for a, b in pairs)


@pytest.mark.parametrize("setting", outcomes.CASES)
def test_step_is_the_sum_over_all_outcomes(setting):
    assert outcomes.count_outcomes(setting) < 2e6
    assert gap(setting) < 1e-12


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("setting", outcomes.PATHS)
def test_average_is_the_sum_over_all_paths(setting, first):
    exact = reference.average_moments(setting, first)
    summed = outcomes.average_moments(setting, first)
    for a, b in zip(exact.first + exact.second, summed.first + summed.second, strict=True):
        assert abs(float(a / b - 1)) < 1e-12


def test_count_of_outcomes_is_what_is_summed():
    for setting in outcomes.CASES:
        dice = outcomes._Dice()
        before = outcomes.start(setting)
        outcomes._updated(setting, dice, outcomes._vector(dice, before))
        assert dice.outcomes == outcomes.count_outcomes(setting)


@pytest.mark.parametrize("batch", [1, 2])
def test_every_pair_of_levels_is_in_some_case(batch):
    met = set()
    for setting in outcomes.CASES:
        if setting.batch == batch:
            met |= set(itertools.product(held(setting), repeat=2))
    assert met == set(itertools.product(LEVELS, repeat=2))


@pytest.mark.parametrize("setting", outcomes.CASES)
def test_no_level_is_idle(setting):
    before = outcomes.start(setting)
    full = reference.one_step(setting, before.first, before.second)
    for target, part in held(setting):
        less = without(setting, target, part)
        assert reference.one_step(less, before.first, before.second) != full


def caught():
    return sum(gap(setting) > 1e-3 for setting in outcomes.CASES)


def test_a_dropped_cross_term_is_noticed(monkeypatch):
    monkeypatch.setattr(reference, "cross_samples", lambda setting, m, v: (F(0),) * setting.dim)
    assert caught() == sum(setting.batch > 1 for setting in outcomes.CASES)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_a_wrong_moment_of_the_data_factor_is_noticed(monkeypatch, k):
    def truncated(variance):
        moments = [1 + variance, 1 + 3 * variance, 1 + 6 * variance + 3 * variance**2]
        moments[k] -= variance
        return tuple(moments)

    monkeypatch.setattr(reference, "factor_moments", truncated)
    multiplicative = [s for s in outcomes.CASES if s.data.multiplicative]
    assert caught() >= len(multiplicative) // 2


@pytest.mark.parametrize("target", TARGETS)
def test_shared_for_elementwise_is_noticed(target):
    """Coupling matters for all but the parameter, where each coordinate meets only its own."""
    noticed = 0
    for setting in outcomes.CASES:
        errors = getattr(setting, target)
        if errors.shared == errors.elementwise:
            continue
        control = Errors(errors.additive, errors.elementwise, errors.shared)
        before = outcomes.start(setting)
        summed = outcomes.one_step(setting, before.first, before.second)
        swapped = dataclasses.replace(setting, **{target: control})
        wrong = reference.one_step(swapped, before.first, before.second)
        noticed += any(
            abs(float(a / b - 1)) > 1e-3 for a, b in zip(wrong.second, summed.second, strict=True)
        )
    assert (noticed == 0) == (target == "parameter")


def test_vector_with_a_negative_variance_is_refused():
    with pytest.raises(ValueError, match="no variable has"):
        outcomes.one_step(outcomes.CASES[0], (F(1), F(1)), (F(1, 2), F(2)))


def test_more_noises_than_axes_are_refused():
    wide = Setting((F(1),) * 33, (F(1),) * 33, F(1), F(1, 9), batch=1, steps=2)
    with pytest.raises(ValueError, match="more than 32 independent noises"):
        outcomes.average_moments(wide)


# ------------------------------------------------------------- the tables in the page's pure cases


def pure(**levels):
    return Setting((F(1), F(1, 3), F(2, 7)), (F(1),) * 3, F(1), F(1, 4), 1, 1, Errors(**levels))


@pytest.mark.parametrize("additive", [F(0), F(1, 6)])
@pytest.mark.parametrize("shared", [F(0), F(2, 5)])
def test_tables_of_a_shared_factor_are_the_page_s(additive, shared):
    setting = pure(additive=additive, shared=shared)
    f2, f3, f4 = 1 + shared, 1 + 3 * shared, 1 + 6 * shared + 3 * shared**2
    tables, e = reference.data_tables(setting), additive
    for (i, p), (j, q) in itertools.product(enumerate(setting.eigenvalues), repeat=2):
        if i == j:
            expected = 3 * f4 * p * p + 6 * f2 * p * e + 3 * e * e, 3 * f3 * p * p + 3 * e * p
            assert tables.Y[i][i] == 3 * f2 * p * p + p * e
        else:
            expected = f4 * p * q + f2 * e * (p + q) + e * e, f3 * p * q + e * q
            assert tables.Y[i][j] == f2 * p * q + q * e
        assert (tables.Q[i][j], tables.T[i][j]) == expected


def test_tables_of_elementwise_factors_are_the_page_s():
    setting = pure(additive=F(1, 6), elementwise=F(2, 5))
    same = reference.data_tables(pure(additive=F(1, 6), shared=F(2, 5)))
    tables, lq = reference.data_tables(setting), reference.quantized_eigenvalues(setting)
    for (i, _), (j, q) in itertools.product(enumerate(setting.eigenvalues), repeat=2):
        here = tables.Q[i][j], tables.T[i][j], tables.Y[i][j]
        if i == j:
            assert here == (same.Q[i][i], same.T[i][i], same.Y[i][i])
        else:
            assert here == (lq[i] * lq[j], lq[i] * q, lq[i] * q)


# --- the bounds -------------------------------------------------------------------------------
# That the package has these numbers is checks/risk and checks/bounds, and tests/differential.


@pytest.mark.parametrize("name", PURE)
def test_the_bounds_are_in_order(name):
    setting = PANEL[name]
    exact = reference.risks(setting, reference.average_moments(setting))
    paper = stated.upper_bound(setting)
    assert exact.risk == exact.approximation + exact.quantized_risk - exact.gain
    assert exact.quantized_risk <= paper.quantized_risk
    if not setting.data.multiplicative:
        refined, low = stated.refined_bound(setting), stated.lower_bound(setting)
        assert low.quantized_risk <= exact.quantized_risk <= refined.quantized_risk
        assert refined.quantized_risk <= paper.quantized_risk


def test_sum_of_two_factors_on_the_data_is_read_in_two_ways():
    """The page's "pure multiplicative": here one level in two parts, in the package one part."""
    both = Setting.read("1 1/4", "1 1", "1/2", "1/60", 1, 5, data="0 1/9 1/7", gradient="0 0 1/3")
    with pytest.raises(qt.HypothesisError, match="purely shared or purely elementwise"):
        qt.upper_bound(*arguments(both), form="paper")
    exact = reference.risks(both, reference.average_moments(both))
    assert exact.quantized_risk <= stated.upper_bound(both).quantized_risk


@pytest.mark.parametrize(
    ("function", "changes", "hypothesis"),
    [
        ("noise_constants", {"data": Errors(F(1, 9), F(1, 9))}, "purely additive"),
        ("upper_bound", {"stepsize": F(2)}, "lambda\\^q_1 <= 1"),
        ("upper_bound", {"stepsize": F(9, 10)}, "theta < 1"),
        ("refined_bound", {"data": Errors(shared=F(1, 9))}, "additive data error"),
        ("refined_bound", {"stepsize": F(9, 10)}, "kappa"),
        ("lower_bound", {"data": Errors(elementwise=F(1, 9))}, "no multiplicative"),
        ("lower_bound", {"steps": 1}, "N >= 2"),
        ("lower_bound", {"stepsize": F(2)}, "lambda\\^q_1 <= 1"),
    ],
)
def test_outside_the_hypotheses_nothing_is_said(function, changes, hypothesis):
    with pytest.raises(ValueError, match=hypothesis):
        getattr(stated, function)(dataclasses.replace(PANEL["exact"], **changes))


# ------------------------------------------------------------------------ limits, rates, constants


@pytest.mark.parametrize("scheme", PARTS)
def test_limits_in_batch_are_those_of_the_constants(scheme):
    """Both constants are affine in 1/B, so two batches give the limit exactly."""
    levels = {"label": F(1, 3), "parameter": F(1, 5), "activation": F(2, 7), "gradient": F(1, 2)}
    errors = {name: Errors(**{scheme: level}) for name, level in levels.items()}
    base = Setting((F(1), F(1, 4)), (F(1), F(-2)), F(1), F(1, 9), 1, 1, **errors)
    one, two = (stated.noise_constants(dataclasses.replace(base, batch=batch)) for batch in (1, 2))
    expected = 2 * two.alpha - one.alpha, 2 * two.s2 - one.s2
    assert expected == stated.limits_in_batch(
        scheme, eigenvalues=base.eigenvalues, target=base.target, **levels
    )


def test_distortion_is_a_floor_or_a_factor():
    additive, factor = pure(additive=F(1, 6)), pure(elementwise=F(1, 6))
    assert stated.distortion(additive) == (F(7, 6), F(3, 2), F(19, 12))
    assert stated.distortion(factor) == (F(7, 6),) * 3


def test_orders_are_those_of_the_rate_calculus():
    a, b, N = qt.symbols("a b N")
    problem = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), noise=1)
    table = qt.rates(problem, qt.Quantization(), qt.SGD(stepsize="0.1", steps=N))
    (spread,) = table.variance.regimes
    for A, B in ((F(2), F(2)), (F(3, 2), F(3)), (F(2), F(5)), (F(3, 2), F(6))):
        values = {a: rational(A), b: rational(B)}
        reached, steps = stated.variance_order(A)
        assert spread.order.subs(values) == N ** rational(reached + steps)
        (regime,) = (
            r for r in table.bias.regimes if all(bool(c.subs(values)) for c in r.conditions)
        )
        power, logs = stated.bias_order(A, B)
        assert regime.order.subs(values) == N ** rational(power) * sp.log(N) ** logs


@pytest.mark.parametrize("reach", [1e3, 1e5])
@pytest.mark.parametrize("dim", [20, 10**5])
@pytest.mark.parametrize("level", [1e-9, 1e-6, 1e-4, 1e-1])
def test_order_of_the_additive_dimension_is_that_of_its_sum(reach, dim, level):
    """Within a constant factor, whatever regime the numbers fall in."""
    eigenvalues = np.arange(1, dim + 1) ** -2.0 + level
    summed = np.minimum(1, (reach * eigenvalues) ** 2).sum()
    terms = stated.additive_dimension_order(F(2), coarse=reach * level >= 1, wide=dim >= reach**0.5)
    order = sum(dim ** float(p) * reach ** float(q) * level ** float(r) for p, q, r in terms)
    assert 0.5 <= summed / order <= 4


@pytest.mark.parametrize("b", [F(3, 2), F(2), F(3), F(4)])
@pytest.mark.parametrize("wide", [True, False])
def test_order_of_the_additive_approximation_is_that_of_its_sum(b, wide):
    """Nearly the same ratio when eps (and in the narrow case d) moves by a factor of 100."""
    eps, power, log = stated.additive_approximation_order(F(2), b, wide)
    ratios = []
    for level, dim in [(1e-5, 10**6), (1e-7, 10**6)] if wide else [(1e-12, 300), (1e-14, 30_000)]:
        i = np.arange(1.0, dim + 1)
        summed = (i ** -float(b) * level / (i**-2.0 + level)).sum() / 2
        logarithm = np.log(1 / level if wide else dim) ** log
        ratios.append(summed / (level ** float(eps) * dim ** float(power) * logarithm))
    assert ratios[1] / ratios[0] == pytest.approx(1, abs=0.15)


@pytest.mark.long  # the check T9/stated does the same
@pytest.mark.parametrize(
    ("a", "b", "batch", "scale"),
    [("2", "2", 1, "1"), ("3/2", "2", 3, "1/2"), ("11/10", "2", 1, "1"), ("2", "3", 2, "1")],
)
def test_leading_constants_are_the_package_s(a, b, batch, scale):
    problem = qt.Problem(qt.oo, qt.PowerLaw(a, scale=scale), qt.SourceCondition(b), noise="1/3")
    run = qt.SGD("1/10", batch, steps=1000)
    package = qt.sharp_constants(problem, qt.Quantization(), run).evaluate()
    bias, variance = stated.leading_constants(F(a), F(b), F(1, 3), F(1, 10), batch, F(scale))
    assert float(bias) * 1000 ** -float((F(b) - 1) / F(a)) == pytest.approx(
        float(package.bias), rel=1e-13
    )
    assert float(variance) * 1000 ** float(1 / F(a) - 1) == pytest.approx(
        float(package.variance), rel=1e-13
    )


def test_leading_constants_are_the_limit_of_the_exact_risk():
    """Theory page, T9: the ratio is 1.0020 at N = 8000, a = b = 2."""
    problem = qt.Problem(20_000, qt.PowerLaw(2), qt.Constant(1), noise=1)
    risk = qt.excess_risk(problem, qt.Quantization(), qt.SGD("1/10", steps=8000))
    bias, variance = stated.leading_constants(F(2), F(2), F(1), F(1, 10))
    assert float(risk.total) / (float(bias + variance) * 8000**-0.5) == pytest.approx(1, abs=3e-3)
