"""Infinite dimension: against large finite ones, against T9, and what is refused."""

import flint
import mpmath
import pytest

import qtheory as qt
from qtheory.model import tails
from qtheory.model.instance import Compression, Rest, instantiate
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Balls, Float64
from qtheory.numbers.gauss_sums import discrete_gauss
from qtheory.risk import compression, recursion
from qtheory.risk.closed_form import ClosedForm
from qtheory.risk.decomposition import decompose

QUANTIZATIONS = {
    "none": qt.Quantization(),
    "shared": qt.Quantization.uniform(qt.Multiplicative("0.02")),
    "elementwise": qt.Quantization.uniform(qt.Multiplicative("0.02", coupling="elementwise")),
    "parameter": qt.Quantization(parameter=qt.Additive("0.01") + qt.Multiplicative("0.05")),
    "noise": qt.Quantization(
        label=qt.Additive("0.1"), activation=qt.Additive("0.1"), gradient=qt.Additive("0.1")
    ),
}


def both(spectrum, target, dim, quantization, sgd, digits):
    """The risk in infinite dimension, and in a dimension so large that the rest is negligible."""
    return [
        qt.excess_risk(qt.Problem(d, spectrum, target, 1), quantization, sgd, digits=digits)
        for d in (qt.oo, dim)
    ]


@pytest.mark.parametrize("output", ["average", "last", "tail"])
@pytest.mark.parametrize("name", QUANTIZATIONS)
def test_exponential_spectrum_is_a_large_finite_one(name, output):
    # e^(-200 / 2) is below 1e-43
    sgd = qt.SGD("0.2", 3, steps=300, output=output)
    infinite_risk, finite = both(
        qt.Exponential("1/2"), qt.Constant(1), 200, QUANTIZATIONS[name], sgd, 15
    )
    assert infinite_risk.total.rel_accuracy_bits() >= 15 * 3.32
    assert abs(infinite_risk.total - finite.total) < flint.arb("1e-15")
    assert abs(infinite_risk.quantized_risk - finite.quantized_risk) < flint.arb("1e-15")
    assert abs(infinite_risk.approximation - finite.approximation) < flint.arb("1e-15")


@pytest.mark.parametrize("name", ["none", "shared"])
def test_slow_exponential_spectrum_is_a_large_finite_one(name):
    # Here most coordinates are nodes of Gauss rules; e^(-400 / 8) is below 1e-21.
    sgd = qt.SGD("0.05", 2, steps=1000)
    spectrum = qt.Exponential("1/8")
    infinite_risk, finite = both(spectrum, qt.Constant(1), 400, QUANTIZATIONS[name], sgd, 15)
    assert abs(infinite_risk.total - finite.total) < flint.arb("1e-15")


@pytest.mark.parametrize("name", ["none", "elementwise"])
def test_steep_power_law_is_a_large_finite_one(name):
    # sum over i > 300 of i^-6 is about 8e-14
    sgd = qt.SGD("0.1", 2, steps=1000)
    infinite_risk, finite = both(
        qt.PowerLaw(4, scale="1/2"), qt.SourceCondition(6), 300, QUANTIZATIONS[name], sgd, 12
    )
    gap = float(infinite_risk.total - finite.total)
    tail = float(flint.arb(6).zeta(flint.arb(301)) / 2)
    assert gap == pytest.approx(tail, rel=0.02)


def test_logarithmic_spectrum_against_a_long_head_and_a_frozen_rest():
    # Past 1500 a coordinate moves by N gamma lambda < 2e-5 of itself: no Gauss rule is needed.
    problem = qt.Problem(qt.oo, qt.Logarithmic(2), qt.Constant(1), 1)
    sgd, head = qt.SGD("0.05", steps=30), 1500
    certified = qt.excess_risk(problem, qt.Quantization(), sgd, digits=6).total
    arithmetic = Balls(bits=120)
    with arithmetic.working():
        trace, signal = tails.sums_from(problem, head + 1)
        assert trace.rel_accuracy_bits() > 8
        places = [flint.arb(i) for i in range(1, head + 1)]
        tiny = flint.arb("1e-6")
        rest = Rest(tiny, trace.mid() / tiny, signal.mid())
        short = Compression(places, [flint.arb(1)] * head, rest)
    plain = instantiate(Run(problem, qt.Quantization(), sgd), Float64(), short)
    first, second = recursion.output_moments(plain, Window.of(sgd))
    wq = plain.quantized_target
    direct = decompose(plain, first - wq, second - 2 * wq * first + wq**2).total
    assert direct == pytest.approx(float(certified), rel=2e-4)
    assert direct != pytest.approx(float(certified) * 1.001, rel=2e-4)


def test_the_parts_sum_to_the_total():
    problem = qt.Problem(qt.oo, qt.Exponential(1), qt.Constant(1), 1)
    risk = qt.excess_risk(problem, QUANTIZATIONS["shared"], qt.SGD("0.2", 2, steps=50), digits=12)
    parts = risk.bias + risk.variance + sum(risk.by_target.values())
    assert abs(parts - risk.total) < flint.arb("1e-11") * risk.total


def test_float64_in_infinite_dimension_is_a_float():
    problem = qt.Problem(qt.oo, qt.Exponential(1), qt.Constant(1), 1)
    sgd = qt.SGD("0.2", steps=50)
    total = qt.excess_risk(problem, qt.Quantization(), sgd).total
    assert isinstance(total, float)
    assert total == pytest.approx(
        float(qt.excess_risk(problem, qt.Quantization(), sgd, digits=20).total), rel=1e-14
    )


def test_a_larger_error_bound_than_the_error():
    # The same risk at two tolerances: each ball must hold the other's midpoint.
    problem = qt.Problem(qt.oo, qt.PowerLaw(3), qt.Constant(1), 1)
    sgd = qt.SGD("0.1", steps=200)
    rough, fine = (
        qt.excess_risk(problem, qt.Quantization(), sgd, digits=digits).total for digits in (3, 12)
    )
    assert rough.contains(fine.mid())
    assert rough.rad() > fine.rad()


def test_a_wrong_rule_is_seen(monkeypatch):
    def wrong(n, p):
        nodes, weights = discrete_gauss(n, p)
        return nodes, [weight * flint.arb("1.0001") for weight in weights]

    sgd = qt.SGD("0.05", 3, steps=300)
    problem = qt.Problem(qt.oo, qt.Exponential("1/50"), qt.Constant(1), 1)
    right = qt.excess_risk(problem, qt.Quantization(), sgd, digits=8).total
    monkeypatch.setattr(compression, "discrete_gauss", wrong)
    assert not qt.excess_risk(problem, qt.Quantization(), sgd, digits=8).total.overlaps(right)


@pytest.mark.parametrize(("n", "p"), [(5, 4), (64, 20), (10**12, 30)])
def test_gauss_rules_integrate_polynomials_exactly(n, p):
    nodes, weights = discrete_gauss(n, p)
    assert sum(weights).overlaps(flint.arb(n))
    second = sum(w * t**2 for t, w in zip(nodes, weights, strict=True))
    assert second.overlaps(flint.arb(flint.fmpq(n * (n * n - 1), 12)))
    if n <= 64:
        middle = flint.arb(n - 1) / 2
        for degree in (2 * p - 2, 2 * p):
            exact = sum(((i - middle) ** degree for i in range(n)), start=flint.arb(0))
            rule = sum(w * t**degree for t, w in zip(nodes, weights, strict=True))
            assert rule.overlaps(exact) == (degree < 2 * p)


@pytest.mark.parametrize(
    ("problem", "quantization", "message"),
    [
        (
            qt.Problem(qt.oo),
            qt.Quantization(data=qt.Additive("0.1")),
            "additive data error .*infinite trace",
        ),
        (qt.Problem(qt.oo, qt.PowerLaw(1)), qt.Quantization(), "exponent of the spectrum is 1"),
        (
            qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(1)),
            qt.Quantization(),
            "exponent of the target is 1",
        ),
        (qt.Problem(qt.oo, qt.Logarithmic(1)), qt.Quantization(), "power of the spectrum is 1"),
        (
            qt.Problem(qt.oo),
            qt.Quantization(data=qt.formats.get("int8")),
            "dim is oo.*number format",
        ),
    ],
)
def test_refused(problem, quantization, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.excess_risk(problem, quantization, qt.SGD("0.1", steps=10), digits=10)


def test_an_unstable_stepsize_is_refused():
    with pytest.raises(qt.UnstableError, match="largest stable stepsize"):
        qt.excess_risk(qt.Problem(qt.oo), qt.Quantization(), qt.SGD(1, steps=10), digits=10)


def test_the_closed_form_needs_no_drive_without_multiplicative_errors():
    problem = qt.Problem(qt.oo, qt.Exponential(1))
    sgd = qt.SGD("0.1", steps=9)
    arithmetic = Balls(bits=200)
    with arithmetic.working():
        instance, _ = compression.compressed_instance(
            Run(problem, qt.Quantization(), sgd), 9, arithmetic
        )
        form = ClosedForm(instance)
        assert not form.is_driven
        assert all(number.contains(0) for pair in form._driven for number in pair)


@pytest.mark.slow
def test_sharp_constants_at_a_trillion_steps():
    # T9 for a = b = 2: bias and variance from Mellin transforms, B = 1, gamma = 1/10.
    problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.Constant(1), 1)
    steps = 10**12
    risk = qt.excess_risk(problem, qt.Quantization(), qt.SGD("1/10", steps=steps), digits=20)
    with mpmath.workdps(30):
        gamma, s, a = mpmath.mpf(1) / 10, mpmath.mpf(1) / 2, 2
        x = steps * gamma
        bias = x**-s * mpmath.gamma(s - 2) * (2 ** (2 - s) - 2) / (2 * a)
        theta = mpmath.nsum(lambda i: gamma / (2 * i**2 - 2 * gamma), [1, mpmath.inf])
        noise = 1 + theta / (1 - theta)
        variance = noise / (2 * steps) * x ** (1 / mpmath.mpf(a)) / a
        variance *= mpmath.gamma(-1 - 1 / mpmath.mpf(a)) * (2 - 2 ** (1 / mpmath.mpf(a)))
        leading = float(bias + variance)
    assert risk.total.rel_accuracy_bits() >= 20 * 3.32
    assert float(risk.total) / leading == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_the_longest_runs_with_errors_end_in_seconds():
    """A certified digit more costs coordinates: doubling the bits at once took hours here."""
    problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    quantization = qt.Quantization.uniform(qt.Multiplicative("0.01", "elementwise"))
    risk = qt.excess_risk(problem, quantization, qt.SGD("0.1", 2, steps=10**15), digits=10)
    assert risk.total.rel_accuracy_bits() > 33
    # All that is left is F, but for the variance, which is of order N^(1/2 - 1).
    assert 0 < risk.total / risk.floor - 1 < 1e-3
