"""Rates in a random sketch: orders that section 5 of the theory states, and sampled sketches."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.asymptotics.conditional import KAPPA, PERP
from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.orders.evaluation import Evaluation

a, b, N, M, d, eps = (sp.Symbol(name, positive=True) for name in ("a", "b", "N", "M", "d", "eps"))
GIVEN = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), noise=1)
SQUARE = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
SGD = qt.SGD("0.1", steps=N)
EXACT = qt.Quantization()
ADDITIVE = qt.Quantization(data=qt.Additive(eps))
ELEMENTWISE = qt.Quantization(data=qt.Multiplicative(eps, "elementwise"))
SHARED = qt.Quantization(data=qt.Multiplicative(eps))


def orders(rate):
    """The orders by their conditions."""
    return {tuple(map(str, regime.conditions)): regime.order for regime in rate.regimes}


@pytest.fixture(scope="module")
def exact():
    return qt.rates(GIVEN, EXACT, SGD, size=M)


def test_what_a_sketch_cannot_learn_on_both_sides(exact):
    """S4: M^-(b-1), or M^-a for b > a + 1."""
    assert exact.assumptions == (a > 1, b > 1)
    found = {str(r.conditions[0]): r.order for r in exact.approximation.regimes}
    assert found["b < a + 1"] == M ** (1 - b)
    assert found["b > a + 1"] == M**-a
    assert exact.approximation.is_tight


def test_the_bias_leaks_for_large_b(exact):
    """For b > a + 1 a part M^-1 N^(-1+1/a), which is none for b < a + 1."""
    found = {regime.order: regime.conditions for regime in exact.bias.regimes}
    leak = N ** (-1 + 1 / a) / M
    assert found[leak][0] == (b > a + 1)
    assert any(sp.simplify(order * N ** ((b - 1) / a)) == 1 for order in found)
    assert exact.bias.is_tight


def test_the_variance_is_that_of_the_directions_learned(exact):
    assert exact.variance.compact.written_out == sp.Min(M, N ** (1 / a)) / N
    assert exact.variance.is_tight
    assert exact.terms["sketch"].is_tight


def test_effective_sizes(exact):
    assert exact.effective_size.order == M
    assert exact.effective_samples.order == N
    additive = qt.rates(GIVEN, ADDITIVE, SGD, size=M)
    assert orders(additive.effective_size) == {
        ("M**a*eps >= 1",): eps ** (-1 / a),
        ("M**a*eps <= 1",): M,
    }
    assert additive.effective_size.compact.written_out == sp.Min(M, eps ** (-1 / a))
    assert qt.rates(GIVEN, SHARED, SGD, size=M).effective_size.order == M
    with pytest.raises(InvalidArgumentError, match="size is None"):
        _ = qt.rates(GIVEN, EXACT, SGD).effective_size


def test_effective_samples_fall_with_what_adds_to_small_noise():
    noisy = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=sp.Symbol("s"))
    table = qt.rates(noisy, ADDITIVE, SGD, size=M, assumptions=["s <= 1"])
    s = sp.Symbol("s", positive=True)
    assert set(orders(table.effective_samples).values()) == {N, N * s * M, N * s / sp.sqrt(eps)}


def test_floating_point_keeps_the_exponent_of_the_size_up_to_a_size():
    """S6: past M ~ eps^(-1/(a-1)) the exponent of M falls from b - 1 to (b - 1) / a."""
    table = qt.rates(GIVEN, ELEMENTWISE, SGD, size=M, assumptions=["b < a + 1"])
    exponents = {regime.conditions: regime.exponent(M) for regime in table.approximation.regimes}
    large = sp.Ge(M ** (a - 1) * eps, 1, evaluate=False)
    assert sp.simplify(exponents[(large,)] + (b - 1) / a) == 0
    assert exponents[(sp.Le(M ** (a - 1) * eps, 1, evaluate=False),)] == 1 - b
    assert "additive ones of level eps*tr(H)/M: an approximation" in str(table)


@pytest.mark.parametrize("quantization", [EXACT, ADDITIVE], ids=["exact", "additive"])
def test_what_is_not_learned_by_two_ways(quantization):
    """perp / 2 + A of the conditional problem is S3's sum kappa theta^2 / (lambda + kappa)."""
    derivation = qt.rates(GIVEN, quantization, SGD, size=M).derivation
    sketch = derivation.setting.terms.sketch
    share = sp.Min(1, KAPPA / sketch.eigenvalue)
    i = next(iter(sketch.eigenvalue.free_symbols - {a}))
    by_kappa = sp.Sum(sketch.eigenvalue * sketch.coefficient**2 * share, (i, 1, qt.oo))

    def same(there):
        kappa = sketch.kappa(there, sketch.level)
        values = {**there.values, KAPPA: kappa}
        other = Evaluation(there.cell, values, there.exponents).order(by_kappa)
        return there.cell.compare(
            there.order(derivation.setting.terms.formulas["approximation"]), other
        )

    assert {leaf.outcome for leaf in derivation.explore(same)} == {0}


def test_energies_leak_in_sampled_sketches():
    """s_j v*_j^2 ~ (s_j / M) sum_{i <= j} w*_i^2 where theta_j^2 is far less: 1 / M, and j^-a."""
    dim, power, signal = 480, 2.0, 6.0
    i = np.arange(1, dim + 1.0)
    lam, rng = i**-power, np.random.default_rng(5)
    w = np.sqrt(i**-signal / lam)
    energy = {}
    for size in (60, 240):
        found = np.zeros(size)
        for _ in range(250):
            S = rng.standard_normal((size, dim)) / np.sqrt(size)
            s, U = np.linalg.eigh((S * lam) @ S.T)
            found += ((U.T @ (S @ (lam * w))) ** 2 / s)[::-1] / 250
        energy[size] = found
    few, many = (energy[size][7:14].sum() for size in (60, 240))
    assert abs(np.log(few / many) / np.log(4) - 1) < 0.15  # 1 / M
    near, far = energy[240][7:10].sum(), energy[240][19:25].sum()
    of_formula = [sum(j**-power for j in range(*ends)) for ends in ((8, 11), (20, 26))]
    assert abs(np.log(near / far) / np.log(of_formula[0] / of_formula[1]) - 1) < 0.15
    # the negative control: without the leak the energies would not know M, and fall much faster
    assert near / far < (9 / 22) ** -signal / 20


def test_more_features_than_dimensions_lose_nothing():
    finite = qt.Problem(d, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    table = qt.rates(finite, EXACT, SGD, size=M, assumptions=["M >= d"])
    assert table.approximation.regimes == table.terms["sketch"].regimes == ()
    assert table.effective_size.order == d
    plain = qt.rates(finite, EXACT, SGD)
    assert orders(table.variance) == orders(plain.variance)
    # all M features carry an additive error, though no data have a variance in M - d of them
    additive = qt.rates(finite, ADDITIVE, SGD, size=M, assumptions=["M >= d"])
    learned = sp.Min(d, sp.sqrt(N)) + M * sp.Min(1, N * eps) ** 2
    assert sp.expand(additive.variance.compact.written_out * N - learned) == 0
    fewer = qt.rates(finite, EXACT, SGD, size=M)
    assert fewer.assumptions == (sp.Ge(d, M, evaluate=False),)
    assert fewer.approximation.order == 1 / M


@pytest.mark.parametrize(
    ("dim", "size", "loses"), [(50, 20, True), (50, 50, False), (50, M, False)]
)
def test_sizes_and_dimensions_that_are_numbers(dim, size, loses):
    problem = qt.Problem(dim, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    assert bool(qt.rates(problem, EXACT, SGD, size=size).approximation.regimes) is loses


def test_a_size_that_is_a_power():
    power = qt.rates(SQUARE, EXACT, SGD, size="N**(1/3)")
    regime = qt.rates(SQUARE, EXACT, SGD, {M: N ** sp.Rational(1, 3)}, size=M)
    assert orders(power.total) == orders(regime.total) == {(): N ** sp.Rational(-1, 3)}


def test_phases_in_size_and_precision():
    mu, e = sp.symbols("mu e", positive=True)
    table = qt.rates(SQUARE, ADDITIVE, SGD, {M: N**mu, eps: N**-e}, size=M)
    phases = table.phases(x=mu, y=e)
    found = {(phase.terms, phase.exponent) for phase in phases}
    assert found == {
        (("bias", "variance"), -sp.Rational(1, 2)),
        (("approximation",), -mu),
        (("approximation",), -e / 2),
        (("variance",), mu - 1),
        (("variance",), 1 + mu - 2 * e),
    }
    for x, y in itertools.product(map(Fraction, ("1/8", "3/8", "5/8", "9/8")), repeat=2):
        if x >= y:  # theta
            continue
        k, effective = min(x, Fraction(1, 2)), min(x, y / 2)
        learned = max(k, x + 2 * min(Fraction(0), 1 - y))
        largest = max(-effective, 3 * min(k, effective) - 2, learned - 1)
        (phase, *_) = phases.at(x, y)
        assert phase.exponent.subs({mu: x, e: y}) == sp.Rational(largest)


def test_a_table_says_that_it_is_an_equivalent(exact):
    first, *_ = str(exact).splitlines()
    assert first == "in a random sketch of M features: equivalent (asymptotically)"
    assert "effective size ~ M; effective samples ~ N" in str(exact)
    assert r"equivalent (asymptotically)" in exact.latex()
    record = exact.as_json()
    assert (record["kind"], record["size"]) == ("equivalent", "M")
    assert record["effective_size"] == [{"order": "M", "where": []}]
    assert "kind" not in qt.rates(GIVEN, EXACT, SGD).as_json()


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"size": 0}, InvalidArgumentError, "size is 0, but must be a whole number of at least 1"),
        ({"size": "1/2"}, InvalidArgumentError, "size is '1/2'"),
        ({"size": -M}, InvalidArgumentError, "-M"),
        ({"size": a}, InvalidArgumentError, "either a parameter or a constant of the spectrum"),
        ({"spectrum": qt.Exponential(1)}, HypothesisError, "in a sketch it must be of powers"),
        ({"spectrum": qt.Logarithmic(2)}, HypothesisError, "a spectrum that falls faster than 1/i"),
        (
            {"parameter": qt.Multiplicative(eps, "elementwise")},
            HypothesisError,
            "elementwise errors see the rotation",
        ),
    ],
)  # fmt: skip
def test_what_no_sketch_can_be_is_named(change, error, says):
    spectrum = change.get("spectrum", qt.PowerLaw(a))
    problem = qt.Problem(qt.oo, spectrum, qt.SourceCondition(2), noise=1)
    quantization = qt.Quantization(parameter=change.get("parameter", qt.Additive(0)))
    with pytest.raises(error, match=says.replace("(", r"\(")):
        qt.rates(problem, quantization, SGD, size=change.get("size", M))


def test_elementwise_errors_of_what_the_rotation_leaves_alone():
    everything = qt.Quantization(
        label=qt.Multiplicative(eps, "elementwise"),
        activation=qt.Multiplicative(eps, "elementwise"),
        parameter=qt.Multiplicative(eps), gradient=qt.Multiplicative(eps, "elementwise"),
    )  # fmt: skip
    table = qt.rates(SQUARE, everything, SGD, size=M)
    assert set(orders(table.by_target["label"]).values()) == {
        eps * M / N, eps / sp.sqrt(N)
    }  # fmt: skip


def test_the_noise_of_a_sketch_is_that_of_its_misfit(exact):
    """perp D_N / N, with perp of the order of what is not learned."""
    ratio = exact.terms["sketch"].compact.expression / exact.variance.compact.expression
    assert sp.simplify(ratio - exact.approximation.compact.expression) == 0
    assert PERP not in exact.terms["sketch"].order.free_symbols
