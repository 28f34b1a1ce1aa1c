"""T5 beside T4: where the orders agree, where they do not, and what the exact risk says."""

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from tests.asymptotics.test_scales import SCHEMES, table

a, b, N, d, eps = qt.symbols("a b N d eps")


@pytest.mark.parametrize("dim", [d, qt.oo])
@pytest.mark.parametrize("scheme", ["exact", "additive", "multiplicative"])
def test_the_variance_is_tight(scheme, dim):
    if scheme == "additive" and dim is qt.oo:
        with pytest.raises(qt.InfiniteRiskError):  # the trace of the quantized data is infinite
            qt.rates(qt.Problem(dim, qt.PowerLaw(a)), SCHEMES[scheme], qt.SGD("0.1", steps=N))
        return
    rate = table(scheme, dim).variance
    assert rate.is_tight is True
    assert {r.order for r in rate.lower.regimes} == {r.order for r in rate.regimes}


def test_additive_noise_of_each_target_is_tight_and_multiplicative_noise_is_not_known():
    problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.Constant(1), noise=1)
    sgd = qt.SGD("0.1", steps=N)
    for target in ("label", "parameter", "activation", "gradient"):
        additive = qt.rates(problem, qt.Quantization(**{target: qt.Additive(eps)}), sgd)
        assert additive.by_target[target].is_tight is True
        shared = qt.rates(problem, qt.Quantization(**{target: qt.Multiplicative(eps)}), sgd)
        rate = shared.by_target[target]
        assert rate.is_tight is None
        assert "T5 has no such term" in rate.tightness.reason
        assert rate.lower.regimes == ()


@pytest.mark.parametrize("scheme", ["additive", "multiplicative"])
def test_the_approximation_is_not_tight_and_the_floor_is_beside_it(scheme):
    rate = table(scheme).approximation
    assert rate.is_tight is False
    assert "F" in rate.tightness.reason
    assert str(rate.tightness.compact).startswith("eps**2*(1 + ")
    assert rate.tightness.compact.expression != rate.compact.expression


def test_the_exact_risk_decides_for_the_floor():
    """With many steps and no label noise the certified risk is near F, far below A."""
    level, problem = "1e-3", qt.Problem(20, qt.PowerLaw(2), qt.Constant(1), noise=0)
    data = qt.Quantization(data=qt.Multiplicative(level, coupling="elementwise"))
    found = qt.excess_risk(problem, data, qt.SGD("1e-3", steps=10**9), digits=15)
    lam = np.arange(1, 21, dtype=float) ** -2
    approximation, floor = 0.5 * 1e-3 / 1.001 * lam.sum(), 0.5 * (1e-3 / 1.001) ** 2 * lam.sum()
    assert floor < float(found.total) < approximation / 100


def test_the_total_of_exact_data_is_tight():
    rates = table("exact", qt.oo)
    assert rates.total.is_tight is True
    assert "total          ~  bias + variance" in str(rates)


def test_the_total_of_additive_data_is_between_both_bounds():
    problem = qt.Problem(d, qt.PowerLaw(2), qt.Constant(1), noise=1)
    total = qt.rates(problem, SCHEMES["additive"], qt.SGD("0.1", steps=N)).total
    assert total.is_tight is None
    assert "between T4 and T5" in total.tightness.reason
    assert total.lower.regimes


def test_a_zero_term_is_tight():
    rate = table("exact").by_target["data"]
    assert rate.is_tight is True
    assert rate.compact is None
    assert rate.lower.regimes == ()


def test_a_lower_bound_of_another_order_is_seen(monkeypatch):
    """A negative control: T5 with its noise divided by N once more agrees with nothing."""
    from qtheory.asymptotics import derivation

    taken = derivation.lower_terms_of

    def smaller(run, definitions, sketch=None):
        terms = taken(run, definitions, sketch)
        formulas = {name: formula / run.sgd.steps for name, formula in terms.formulas.items()}
        return type(terms)(formulas, terms.risk)

    monkeypatch.setattr(derivation, "lower_terms_of", smaller)
    problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.Constant(1), noise=1)
    found = qt.rates(problem, qt.Quantization(), qt.SGD("0.1", steps=N))
    assert found.variance.is_tight is None
    assert found.bias.is_tight is None


def test_the_transient_of_the_exact_risk_has_the_order_of_the_amplification():
    """T9 where T5 is silent: exact data, d = oo, no label noise, b > 2 a."""
    problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(6), noise=0)
    sharp = qt.sharp_constants(problem, qt.Quantization(), qt.SGD("1/10", steps=N))
    small, large = (float(sharp.at(steps).transient) for steps in (10**6, 10**8))
    slope = np.log(large / small) / np.log(100)
    amplification = qt.rates(problem, qt.Quantization(), qt.SGD("0.1", steps=N)).amplification
    assert abs(slope - float(amplification.exponent(N))) < 1e-6
    assert amplification.exponent(N) == sp.Rational(1, 2) - 2
