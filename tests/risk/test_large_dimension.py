"""Huge finite dimension: compressed spectra against the spectra as they are."""

import functools
import random
import sys
from dataclasses import replace
from fractions import Fraction

import flint
import pytest

import qtheory as qt
from qtheory.model.instance import Compression, Rest, instantiate
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Balls, Float64
from qtheory.numbers.gauss_sums import discrete_gauss
from qtheory.risk import closed_form, compression, compression_error, excess, recursion
from qtheory.risk.decomposition import decompose
from qtheory.risk.plan import Plan
from qtheory.risk.stability import _is_certainly_stable
from tests.risk.three_ways import by_closed_form, by_recursion

DIGITS = 15
SPECTRA = [
    qt.PowerLaw("1/2"),
    qt.PowerLaw(1),
    qt.PowerLaw("3/2", scale="1/3"),
    qt.PowerLaw(2),
    qt.PowerLaw(4),
    qt.PowerLaw(12),
    qt.Exponential("1/2"),
    qt.Exponential("1/50"),
    qt.Exponential("1/300"),
    qt.Logarithmic(2),
    qt.Logarithmic("1/2"),
]
TARGETS = [
    qt.Constant(1),
    qt.Constant(0),
    qt.SourceCondition(2),
    qt.SourceCondition("1/2"),
    qt.SourceCondition(1),
    qt.SourceCondition(-1),
    qt.SourceCondition(6),
]
DATA = {
    "exact": [qt.ErrorModel()],
    "shared": [qt.Multiplicative("0.1"), qt.Multiplicative("1e-3")],
    "elementwise": [qt.Multiplicative("0.1", "elementwise")],
    "additive": [qt.Additive(eps) for eps in ("2", "1e-2", "1e-5", "1e-9")],
}
SLOW = pytest.mark.slow
BITS = Balls(bits=300)
ADDITIVE = qt.Quantization(data=qt.Additive("1e-6"))


def random_instance(seed, dim, data, steps, spectra=SPECTRA):
    """A stable run on a spectrum with a formula, with errors on all five targets."""
    rng = random.Random(seed)
    spectrum, target = rng.choice(spectra), rng.choice(TARGETS)
    others = []
    for _ in range(4):
        model = qt.ErrorModel()
        if rng.random() < 0.5:
            model = model + qt.Additive(rng.choice(["0.1", "1e-3", "1e-6"]))
        if rng.random() < 0.5:
            coupling = rng.choice(["shared", "elementwise"])
            model = model + qt.Multiplicative(rng.choice(["0.1", "1e-3"]), coupling)
        others.append(model)
    problem = qt.Problem(dim, spectrum, target, rng.choice([0, "1/4", 1]))
    quantization = qt.Quantization(rng.choice(DATA[data]), *others)
    batch = rng.choice([1, 4])
    largest = qt.stability(problem, quantization, qt.SGD(1, batch, steps=1)).largest_stepsize
    stepsize = Fraction(largest * rng.choice([0.02, 0.3, 0.8]))
    output = rng.choice(["average", "last", "tail"])
    return problem, quantization, qt.SGD(stepsize, batch, steps=rng.choice(steps), output=output)


def compressed(problem, quantization, sgd, digits=DIGITS):
    """The named values by the compressed path, whatever the dimension."""
    runs = [Run(problem, quantization, sgd)]
    plan = Plan("closed form", digits, True, 0, "asked for here")
    compute = functools.partial(excess._values, runs)
    return excess._compressed(compute, plan).runs[0]


def assert_same(values, parts):
    for name in ("total", "approximation", "quantized_risk"):
        assert values[name].overlaps(getattr(parts, name))
    for ball in (values["total"], parts.total):
        assert ball.is_exact() or ball.rel_accuracy_bits() > DIGITS * 3.32


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=SLOW) for k in range(1, 4))])
def test_the_same_as_the_closed_form_at_300(data, seed):
    instance = random_instance(f"{seed} {data}", 300, data, [1, 100, 10**4, 10**9])
    assert_same(compressed(*instance), by_closed_form(*instance, BITS))


@pytest.mark.parametrize("dim", [1000, 2500])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=SLOW) for k in range(1, 2))])
def test_the_same_as_the_recursion(dim, data, seed):
    instance = random_instance(f"{seed} {data} {dim}", dim, data, [5, 20])
    assert_same(compressed(*instance), by_recursion(*instance, BITS))


@pytest.mark.parametrize("dim", [1000])
@pytest.mark.parametrize(
    "data", [pytest.param(d, marks=SLOW if d == "additive" else pytest.mark.long) for d in DATA]
)
def test_the_same_as_the_closed_form_in_long_runs(dim, data):
    # With an additive error the closed form cannot tell e^(-1250) from 0, nor need it.
    spectra = [spectrum for spectrum in SPECTRA if spectrum != qt.Exponential("1/2")]
    instance = random_instance(f"{data} {dim}", dim, data, [10**4, 10**9], spectra)
    assert_same(compressed(*instance), by_closed_form(*instance, Balls(bits=400)))


@pytest.mark.parametrize("dim", [1, 64, 65, 129, 257])
def test_the_last_panel_may_have_any_width(dim):
    problem = qt.Problem(dim, qt.PowerLaw(2), qt.SourceCondition(2), 1)
    sgd = qt.SGD("1/100", 2, steps=10**6)
    quantization = qt.Quantization(data=qt.Additive("1e-4"), label=qt.Multiplicative("0.1"))
    values = compressed(problem, quantization, sgd)
    assert_same(values, by_closed_form(problem, quantization, sgd, BITS))


def rough(problem, quantization, sgd, bits):
    """The total of a rough compression, and its error bound."""
    arithmetic = Balls(bits=compression.working_bits(bits))
    with arithmetic.working():
        instance, error = compression.compressed_instance(
            Run(problem, quantization, sgd), int(sgd.steps), arithmetic
        )
        total = decompose(instance, *closed_form.moments(instance, [Window.of(sgd)])[0]).total
    return total, error


@pytest.mark.parametrize(
    ("spectrum", "target", "data"),
    [
        (qt.Logarithmic(2), qt.Constant(1), qt.ErrorModel()),
        (qt.PowerLaw("3/2"), qt.SourceCondition("1/2"), qt.Multiplicative("0.1")),
        (qt.PowerLaw(1), qt.SourceCondition(1), qt.Additive("1e-5")),
        (qt.PowerLaw(4), qt.SourceCondition(2), qt.Additive("0.1")),  # the rest moves alike
        (qt.PowerLaw(4), qt.SourceCondition(2), qt.ErrorModel()),  # the rest does not move
    ],
)
def test_the_bound_covers_the_error_and_no_bound_does_not(spectrum, target, data):
    problem = qt.Problem(300, spectrum, target, 1)
    quantization = qt.Quantization(data=data)
    sgd = qt.SGD("1/50", 2, steps=100)
    truth = by_closed_form(problem, quantization, sgd, BITS).total
    for bits in (6, 12):
        total, error = rough(problem, quantization, sgd, bits)
        assert abs(total - truth) < error
        assert not total.overlaps(truth)  # the negative control: the error bound set to zero


def test_a_missing_node_is_seen(monkeypatch):
    def without_the_last(n, p):
        nodes, weights = discrete_gauss(n, p)
        return nodes[:-1], weights[:-1]

    problem = qt.Problem(10**6, qt.PowerLaw(2), qt.SourceCondition(2), 1)
    sgd = qt.SGD("0.1", steps=100)
    right = compressed(problem, ADDITIVE, sgd, 6)["total"]
    monkeypatch.setattr(compression, "discrete_gauss", without_the_last)
    assert not compressed(problem, ADDITIVE, sgd, 6)["total"].overlaps(right)


def test_additive_data_is_exact_data_of_another_spectrum():
    """What the proof rests on: y = <w^q, x^q> + noise of variance sigma^2 + 2 A."""
    plain = qt.Problem(5, qt.PowerLaw(2), qt.Constant(1), 1)
    values = [Fraction(1, i * i) for i in range(1, 6)]
    eps = Fraction(1, 100)
    lifted = [value + eps for value in values]
    shrunk = [value / (value + eps) for value in values]
    noise = 1 + sum(value * eps / (value + eps) for value in values)
    other = qt.Problem(5, qt.Explicit(lifted), qt.Explicit(shrunk), noise)
    others = [qt.Multiplicative("0.1"), qt.Additive("0.1") + qt.Multiplicative("0.2")] * 2
    sgd = qt.SGD("0.1", 3, steps=50)

    def quantized_risk(problem, data):
        quantization = qt.Quantization(data, *others)
        return by_recursion(problem, quantization, sgd, Balls(bits=200)).quantized_risk

    risk = quantized_risk(plain, qt.Additive(eps))
    assert risk.overlaps(quantized_risk(other, qt.ErrorModel()))
    assert risk.rel_accuracy_bits() > 150
    without = qt.Problem(5, other.spectrum, other.target, 1)
    assert not risk.overlaps(quantized_risk(without, qt.ErrorModel()))


@pytest.mark.parametrize("target", [qt.Constant(1), qt.SourceCondition("3/2")])
@pytest.mark.parametrize("data", ["1e-7", 0])
def test_an_exponential_spectrum_far_past_underflow(target, data):
    """Past 400 every coordinate is like the others; w*^2 grows to e^(10^6 / 2)."""
    dim, head = 10**6, 400
    problem = qt.Problem(dim, qt.Exponential("1/2"), target, 1)
    quantization = qt.Quantization(qt.Additive(data), qt.Multiplicative("0.1"))
    sgd = qt.SGD("0.1", 2, steps=100)
    values = compressed(problem, quantization, sgd)
    arithmetic = Balls(bits=300)
    with arithmetic.working():
        tiny = flint.arb(-200).exp()
        signal = flint.arb(0)
        if target != qt.Constant(1):
            power = flint.arb("1.5")
            signal = power.zeta(flint.arb(head + 1)) - power.zeta(flint.arb(dim + 1))
        short = Compression(
            [flint.arb(i) for i in range(1, head + 1)],
            [flint.arb(1)] * head,
            Rest(tiny, flint.arb(dim - head), signal),
        )
        instance = instantiate(Run(problem, quantization, sgd), arithmetic, short)
        first, second = recursion.output_moments(instance, Window.of(sgd))
        wq = instance.quantized_target
        parts = decompose(instance, first - wq, second - 2 * wq * first + wq**2)
        for name in ("total", "approximation", "quantized_risk"):
            value = getattr(parts, name)
            assert abs(values[name] - value) <= value * flint.arb(10) ** -DIGITS


@pytest.mark.parametrize(("dim", "digits"), [(10**7, 11), pytest.param(10**12, 16, marks=SLOW)])
def test_infinite_dimension_is_the_limit(dim, digits):
    sgd = qt.SGD("0.1", 2, steps=1000)
    quantization = qt.Quantization(data=qt.Multiplicative("0.1"))
    limit, total = (
        compressed(qt.Problem(d, qt.PowerLaw(2), qt.Constant(1), 1), quantization, sgd, digits)
        for d in (qt.oo, dim)
    )
    # The coordinates past d keep their signal, 1 / (2 d), and add as little to the noise.
    gap = limit["total"] - total["total"]
    assert float(gap * 2 * dim) == pytest.approx(1, rel=0.05)


def test_it_is_taken_where_the_closed_form_takes_long():
    sgd = qt.SGD("0.1", steps=10)
    problem = qt.Problem(10**6, qt.PowerLaw(2), qt.SourceCondition(2), 1)
    curve = qt.risk_curve(problem, ADDITIVE, sgd, [10**k for k in (3, 6, 9)])
    assert all(isinstance(risk.total, float) for risk in curve)
    assert curve[0].total > curve[1].total > curve[2].total > curve[2].floor > 0
    certified = qt.excess_risk(problem, ADDITIVE, sgd.with_steps(10**6), digits=20).total
    assert curve[1].total == pytest.approx(float(certified), rel=1e-15)


def test_the_parts_sum_to_the_total():
    problem = qt.Problem(10**6, qt.PowerLaw(3), qt.SourceCondition(2), 1)
    quantization = replace(ADDITIVE, label=qt.Multiplicative("0.1"))
    risk = qt.excess_risk(problem, quantization, qt.SGD("0.1", steps=1000), digits=5)
    parts = risk.bias + risk.variance + sum(risk.by_target.values())
    assert abs(parts - risk.total) < flint.arb("1e-4") * risk.total
    assert risk.by_target["data"] > 0
    assert risk.by_target["label"] > 0


def test_other_data_errors_and_lists_are_not_compressed():
    formulas, run = qt.Problem(10**6), qt.SGD("0.1", steps=10)
    both = qt.Quantization(data=qt.Additive("1e-9") + qt.Multiplicative("0.1"))
    number_format = qt.Quantization(data=qt.formats.get("int8"))
    listed = qt.Problem(2, qt.Explicit([1, 2]), qt.Constant(1))
    typed = qt.Problem(10**6, qt.SpectrumFormula("i**-2"))
    assert compression.is_compressible(formulas, qt.Quantization())
    assert not compression.is_compressible(formulas, both)
    assert not compression.is_compressible(formulas, number_format)
    assert not compression.is_compressible(listed, qt.Quantization())
    assert not compression.is_compressible(typed, qt.Quantization())
    with pytest.raises(qt.CostError, match=r"about .* hours"):
        qt.excess_risk(formulas, both, run.with_steps(10**9), digits=10)


@pytest.mark.parametrize("digits", [None, 15])
def test_a_formula_typed_in_is_not_compressed_but_computed(digits):
    sgd = qt.SGD("0.1", steps=10)
    spectrum, target = qt.SpectrumFormula("2*i**-2"), qt.SignalFormula("2*i**-2")
    known = qt.Problem(400, qt.PowerLaw(2, 2))
    for problem in (qt.Problem(400, spectrum), replace(known, target=target)):
        risks = [qt.excess_risk(p, ADDITIVE, sgd, digits).total for p in (problem, known)]
        assert float(risks[0]) == pytest.approx(float(risks[1]), rel=1e-12)
    with pytest.raises(qt.CostError, match=r"would take about .* hours"):
        qt.excess_risk(qt.Problem(10**8, spectrum), qt.Quantization(), sgd)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"spectrum": qt.SpectrumFormula("i**-2")}, "PowerLaw or Exponential or Logarithmic in"),
        ({"target": qt.SignalFormula("i**-2")}, "Constant or SourceCondition in infinite dim"),
    ],
)
def test_a_formula_typed_in_has_no_known_sums(given, message):
    problem = qt.Problem(qt.oo, **{"spectrum": qt.PowerLaw(2), **given})
    with pytest.raises(qt.InvalidArgumentError, match=message):
        qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=10))


@pytest.mark.parametrize("dim", [10**6, 10**12])
@pytest.mark.parametrize("eps", ["100", "1e-3"])
def test_too_much_noise_in_too_many_directions_is_unstable(dim, eps):
    quantization = qt.Quantization(data=qt.Additive(eps))
    with pytest.raises(qt.UnstableError, match="largest stable stepsize"):
        qt.excess_risk(qt.Problem(dim), quantization, qt.SGD("0.1", steps=10))


@pytest.mark.parametrize("data", [qt.ErrorModel(), qt.Multiplicative("0.1"), qt.Additive("1e-3")])
@pytest.mark.parametrize("spectrum", [qt.PowerLaw(2), qt.Exponential("1/40"), qt.Logarithmic(2)])
def test_stability_is_that_of_the_whole_spectrum(monkeypatch, spectrum, data):
    problem = qt.Problem(3000, spectrum, qt.Constant(1), 1)
    for stepsize in ("1/100", "1.5"):
        sgd = qt.SGD(stepsize, 4, steps=10, output="last")
        short = qt.stability(problem, qt.Quantization(data=data), sgd)
        with monkeypatch.context() as patch:
            patch.setattr(sys.modules["qtheory.risk.stability"], "_LONG", 10**9)
            whole = qt.stability(problem, qt.Quantization(data=data), sgd)
        assert short.theta == pytest.approx(whole.theta, rel=1e-10)
        assert short.limit == pytest.approx(whole.limit, rel=1e-10)
        assert short.largest_stepsize == pytest.approx(whole.largest_stepsize, rel=1e-10)


def test_a_spectrum_that_underflows_is_not_taken_for_unstable():
    # lambda_2000 is e^(-1000), which is 0 in float64
    problem = qt.Problem(2000, qt.Exponential("1/2"), qt.SourceCondition(2), 1)
    assert qt.stability(problem, qt.Quantization(), qt.SGD("0.1", steps=10)).theta < 0.1


def test_the_edge_of_stability_is_decided_in_balls():
    problem = qt.Problem(10**6, qt.PowerLaw(2), qt.Constant(1), 1)
    largest = qt.stability(problem, ADDITIVE, qt.SGD(1, steps=10)).largest_stepsize
    for factor, stable in ((1 - 1e-11, True), (1 + 1e-11, False)):
        sgd = qt.SGD(Fraction(largest) * Fraction(factor), steps=10)
        theta = qt.stability(problem, ADDITIVE, sgd).theta
        assert abs(theta - 1) < 1e-9
        assert _is_certainly_stable(Run(problem, ADDITIVE, sgd)) == stable
    problem = qt.Problem(300, qt.PowerLaw(2), qt.Constant(1), 1)
    largest = qt.stability(problem, ADDITIVE, qt.SGD(1, steps=10)).largest_stepsize
    sgd = qt.SGD(Fraction(largest) * Fraction(1 - 1e-11), steps=10)
    assert_same(compressed(problem, ADDITIVE, sgd), by_recursion(problem, ADDITIVE, sgd, BITS))


def test_couplings_do_not_depend_on_the_coordinate():
    arithmetic = Balls(bits=200)
    quantization = qt.Quantization(
        qt.Additive("1e-3"), *[qt.Additive("0.1") + qt.Multiplicative("0.2")] * 4
    )
    problem = qt.Problem(10**6, qt.PowerLaw(2), qt.SourceCondition(2), 1)
    with arithmetic.working():
        found = [
            compression_error.Couplings.of(
                instantiate(
                    Run(problem, quantization, qt.SGD("0.1", 3, steps=5)),
                    arithmetic,
                    Compression([flint.arb(place)], [flint.arb(1)]),
                )
            )
            for place in (1, "777.5")
        ]
        for name in compression_error.Couplings.__dataclass_fields__:
            assert getattr(found[0], name).overlaps(getattr(found[1], name))


def test_float64_of_a_rest():
    """The rest of an estimate is a number like the others, whatever its coefficient."""
    problem = qt.Problem(10**9, qt.Exponential("1/2"), qt.SourceCondition(2), 1)
    instance, error = compression.compressed_instance(
        Run(problem, ADDITIVE, qt.SGD("0.1", steps=5)), 1, Float64()
    )
    assert not error.is_finite()
    assert instance.multiplicity.sum() == pytest.approx(10**9, rel=1e-12)


def test_many_digits_where_the_eigenvalues_are_lost_beside_the_error():
    """Poles that differ by 2^-170 of themselves: the precision must follow the tolerance."""
    problem = qt.Problem(10**6, qt.Exponential("1/2"), qt.SourceCondition(2), 1)
    sgd = qt.SGD("0.1", steps=10**6)
    few, many = (compressed(problem, ADDITIVE, sgd, digits)["total"] for digits in (15, 50))
    assert many.rel_accuracy_bits() > 50 * 3.32
    assert few.contains(many.mid())


@pytest.mark.parametrize(
    ("spectrum", "target", "message"),
    [
        (qt.PowerLaw(301), qt.Constant(1), "exponent is 301, but must be at most 300 in"),
        (qt.PowerLaw(2), qt.SourceCondition(301), "exponent is 301, but must be at most 300 in"),
        (qt.Exponential(301), qt.Constant(1), "rate is 301, but must be at most 300 in"),
        (qt.Exponential("1e-7"), qt.Constant(1), "at least 1e-06 in infinite dimension"),
    ],
)
def test_exponents_past_usual_ones_are_refused_where_spectra_are_compressed(
    spectrum, target, message
):
    problem = qt.Problem(qt.oo, spectrum, target)
    with pytest.raises(qt.InvalidArgumentError, match=message):
        qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=10), digits=5)


def test_the_last_usual_exponent_is_only_refused_by_float64():
    problem = qt.Problem(qt.oo, qt.PowerLaw(300))
    with pytest.raises(qt.InvalidArgumentError, match="leave float64"):
        qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=10), 5)


def test_tolerances_and_precisions_are_whole_and_belong_together():
    for bits in (1, 7, 80):
        precision = compression.working_bits(bits)
        assert [compression.tolerance_bits(precision + k) for k in (0, 2, 3)] == [
            bits,
            bits,
            bits + 1,
        ]
        assert isinstance(compression.tolerance_bits(precision), int)
    assert compression.tolerance_bits(1) == 1
