"""The exact risk: reference totals, arithmetics against each other, parts, and bad input."""

import dataclasses

import flint
import pytest
import sympy as sp
from hypothesis import given, settings

import qtheory as qt
from qtheory.numbers.arithmetic import Balls, MPMath, Symbolic
from qtheory.risk import recursion
from qtheory.testing import instances
from tests.risk.known_totals import LARGE, PROBLEM, SMALL, STEPS
from tests.risk.three_ways import by_recursion


def sgd(batch, output="average"):
    return qt.SGD("0.1", batch, steps=STEPS, output=output)


@pytest.mark.parametrize("output", ["average", "last"])
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_reference_totals_to_all_digits(case, output):
    risk = qt.excess_risk(PROBLEM, case.quantization, sgd(case.batch, output))
    assert f"{risk.total:.12f}" == getattr(case, output)


@pytest.mark.parametrize(("name", "quantization", "total"), LARGE, ids=[row[0] for row in LARGE])
def test_reference_totals_of_the_paper_scale(name, quantization, total):
    problem = qt.Problem(dim=200, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    risk = qt.excess_risk(problem, quantization, qt.SGD("0.1", steps=2000))
    assert f"{risk.total:.12f}" == total


@pytest.mark.long
@pytest.mark.parametrize(("name", "quantization", "total"), LARGE, ids=[row[0] for row in LARGE])
def test_mpmath_agrees_at_the_paper_scale(name, quantization, total):
    problem = qt.Problem(dim=200, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    paper = qt.SGD("0.1", steps=2000)
    reference = by_recursion(problem, quantization, paper, MPMath(digits=30)).total
    assert abs(qt.excess_risk(problem, quantization, paper).total / reference - 1) <= 1e-11


@pytest.mark.parametrize("output", ["average", "last", "tail"])
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_mpmath_balls_and_float64_agree(case, output):
    run_sgd = sgd(case.batch, output)
    reference = by_recursion(PROBLEM, case.quantization, run_sgd, MPMath(digits=40)).total
    fast = qt.excess_risk(PROBLEM, case.quantization, run_sgd).total
    assert abs(fast - reference) <= 1e-11 * reference
    certified = qt.excess_risk(PROBLEM, case.quantization, run_sgd, digits=30).total
    assert certified.rel_accuracy_bits() >= 30 * 3.3
    text = reference.context.nstr(reference, 35)
    assert abs(certified - flint.arb(text)) < flint.arb("1e-30")


def test_one_step_by_hand():
    # d = 1, N = 2, lambda = w* = 1: wbar = w_1 / 2 and w_1 = gamma x y, so with sigma^2 = s
    # E R = 1/2 E(w_1/2 - 1)^2 = 1/2 (gamma^2 (3 + s)/4 - gamma + 1).
    s, gamma = sp.symbols("s gamma", positive=True)
    expected = (gamma**2 * (3 + s) / 4 - gamma + 1) / 2
    problem = qt.Problem(1, qt.Explicit([1]), qt.Constant(1), 1)
    total = by_recursion(problem, qt.Quantization(), qt.SGD("1/3", steps=2), Symbolic()).total
    assert total == expected.subs({s: 1, gamma: sp.Rational(1, 3)})


def test_average_is_over_w0_to_w_before_last():
    # With N = 1 the average is w_0 = 0, so the risk is 1/2 sum lambda w*^2 whatever the noise.
    for quantization in (qt.Quantization(), qt.Quantization.uniform(qt.Additive("0.5"))):
        risk = qt.excess_risk(PROBLEM, quantization, qt.SGD("0.1", steps=1))
        assert risk.total == pytest.approx(sum(i**-2 for i in range(1, 9)) / 2, rel=1e-14)


def test_tail_of_one_is_the_average():
    average = qt.excess_risk(PROBLEM, qt.Quantization(), sgd(1)).total
    tail = qt.SGD("0.1", 1, steps=STEPS, output="tail", tail=1)
    assert qt.excess_risk(PROBLEM, qt.Quantization(), tail).total == average
    half = qt.SGD("0.1", 1, steps=STEPS, output="tail", tail="1/2")
    assert qt.excess_risk(PROBLEM, qt.Quantization(), half).total < average


def test_zero_eigenvalues_carry_no_risk():
    with_zero = qt.Problem(3, qt.Explicit([1, "1/4", 0]), qt.Constant(1), 1)
    without = qt.Problem(2, qt.Explicit([1, "1/4"]), qt.Constant(1), 1)
    quantization = qt.Quantization(data=qt.Multiplicative("0.1"), label=qt.Additive("0.1"))
    totals = [qt.excess_risk(p, quantization, sgd(2)).total for p in (with_zero, without)]
    assert totals[0] == totals[1]
    # an additive data error does move the empty direction
    noisy = qt.Quantization(data=qt.Additive("0.1"))
    assert qt.excess_risk(with_zero, noisy, sgd(2)).total != pytest.approx(
        qt.excess_risk(without, noisy, sgd(2)).total, rel=1e-9
    )


@settings(max_examples=40, deadline=None)
@given(instances())
def test_parts_sum_to_the_total(instance):
    risk = qt.excess_risk(*instance, digits=20)
    total = risk.bias + risk.variance + sum(risk.by_target.values())
    assert total.overlaps(risk.total)
    assert abs(total - risk.total) <= flint.arb("1e-18") * risk.total


def test_parts_are_what_the_contract_says():
    quantization = qt.Quantization(data=qt.Additive("0.1"), activation=qt.Multiplicative("0.2"))
    risk = qt.excess_risk(PROBLEM, quantization, sgd(2))
    quiet = qt.Problem(8, qt.PowerLaw(2), qt.Constant(1), 0)
    bias = qt.excess_risk(quiet, qt.Quantization(), sgd(2)).total
    plain = qt.excess_risk(PROBLEM, qt.Quantization(), sgd(2)).total
    data = qt.excess_risk(PROBLEM, qt.Quantization(data=qt.Additive("0.1")), sgd(2)).total
    assert risk.bias == pytest.approx(bias, rel=1e-13)
    assert risk.variance == pytest.approx(plain - bias, rel=1e-12)
    assert risk.by_target["data"] == pytest.approx(data - plain, rel=1e-11)
    assert risk.by_target["activation"] == pytest.approx(risk.total - data, rel=1e-9)
    assert risk.by_target["label"] == risk.by_target["gradient"] == 0


def test_a_wrong_coupling_is_seen():
    shared = qt.excess_risk(PROBLEM, qt.Quantization(label=qt.Multiplicative("0.3")), sgd(4)).total
    elementwise = qt.Quantization(label=qt.Multiplicative("0.3", coupling="elementwise"))
    assert qt.excess_risk(PROBLEM, elementwise, sgd(4)).total < shared * (1 - 1e-6)


def test_a_dropped_cross_term_is_seen(monkeypatch):
    right = qt.excess_risk(PROBLEM, qt.Quantization(), sgd(4)).total
    of = recursion.Step.of

    def without_cross(instance):
        step = of(instance)
        factor = instance.stepsize**2 * (1 - 1 / instance.batch)
        cross = factor * instance.quantized_eigenvalues**2
        return dataclasses.replace(step, gain=step.gain + (-cross))

    monkeypatch.setattr(recursion.Step, "of", without_cross)
    assert abs(qt.excess_risk(PROBLEM, qt.Quantization(), sgd(4)).total / right - 1) > 1e-3


def test_digits_are_certified_not_merely_printed():
    low = qt.excess_risk(PROBLEM, qt.Quantization(), sgd(1), digits=10).total
    high = qt.excess_risk(PROBLEM, qt.Quantization(), sgd(1), digits=200).total
    assert low.contains(high.mid())
    assert high.rel_accuracy_bits() >= 200 * 3.32
    coarse = Balls(bits=30)
    with coarse.working():
        rough = by_recursion(PROBLEM, qt.Quantization(), sgd(1), coarse).total
    assert rough.contains(high.mid())
    assert rough.rel_accuracy_bits() < 30


a_symbol = qt.symbols("a")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"digits": 0}, "digits is 0"),
        ({"digits": 10**6}, "digits is 1000000.*10000"),
        ({"digits": True}, "digits is True"),
    ],
)
def test_bad_digits(kwargs, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.excess_risk(PROBLEM, qt.Quantization(), sgd(1), **kwargs)


@pytest.mark.parametrize(
    ("problem", "quantization", "run_sgd", "message"),
    [
        (qt.Problem(8, qt.PowerLaw(a_symbol)), qt.Quantization(), sgd(1), "spectrum .*value to a"),
        (PROBLEM, qt.Quantization(data=qt.Additive(a_symbol)), sgd(1), "data additive.*to a"),
        (PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=a_symbol), "steps is a"),
        (PROBLEM, qt.Quantization(), qt.SGD(a_symbol, steps=3), "stepsize is a"),
        (qt.Problem(8, noise=a_symbol), qt.Quantization(), sgd(1), "noise is a"),
        (qt.Problem(8, target=qt.Constant(a_symbol)), qt.Quantization(), sgd(1), "target .*to a"),
        (qt.Problem(a_symbol), qt.Quantization(), sgd(1), "dim is a"),
    ],
)
def test_a_symbol_where_a_number_is_needed(problem, quantization, run_sgd, message):
    with pytest.raises(qt.SymbolicValueError, match=message):
        qt.excess_risk(problem, quantization, run_sgd)


def test_infinite_dimension_and_wrong_objects():
    with pytest.raises(qt.QTheoryError, match="dim is oo"):
        qt.simulate(qt.Problem(qt.oo), qt.Quantization(), sgd(1))
    with pytest.raises(qt.QTheoryError, match="quantization is None"):
        qt.excess_risk(PROBLEM, None, sgd(1))


@pytest.mark.parametrize("digits", [None, 25])
def test_before_the_first_step_nothing_is_rounded(digits):
    """The average of w_0 = 0 alone: its risk is that of 0, and 0 itself where w* = 0."""
    quantization = qt.Quantization.uniform(qt.Additive("0.1") + qt.Multiplicative("0.1"))
    for target, total in ((qt.Constant(0), 0), (qt.Constant(1), 5 / 8)):
        problem = qt.Problem(2, qt.PowerLaw(2), target, noise=1)
        sgd = qt.SGD("0.1", steps=1)
        first, later = qt.risk_curve(problem, quantization, sgd, [1, 2], digits)
        assert float(first.total) == pytest.approx(total, rel=1e-15)
        assert bool(first.total == 0) is (total == 0)
        assert float(later.total) != pytest.approx(total, rel=1e-6)
