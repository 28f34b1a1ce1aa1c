"""Budgets: the search against a scan of every choice, and against rates known on paper."""

import math

import pytest

import qtheory as qt
from qtheory.asymptotics import frontier

PROBLEM = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
EXACT = qt.Quantization()
LAST = qt.SGD("0.1", steps=1, output="last")


def risk(size, steps, quantization=EXACT, sgd=LAST):
    return qt.equivalent_risk(PROBLEM, quantization, sgd.with_steps(steps), size=size).total


@pytest.mark.parametrize("batch", [1, 3])
def test_no_other_number_of_features_is_better_by_much(batch):
    budget, sgd = 3000, qt.SGD("0.1", batch, steps=1, output="last")
    found = qt.allocate(PROBLEM, EXACT, sgd, budget=budget)
    sizes = range(1, 120)
    best = min(risk(size, budget // (batch * size), sgd=sgd) for size in sizes)
    assert found.risk.total == risk(found.size, found.steps, sgd=sgd)
    assert found.size * found.steps * batch <= budget
    assert best <= found.risk.total <= best * 1.0005
    # negative control: twice the features are visibly worse
    assert risk(2 * found.size, budget // (2 * batch * found.size), sgd=sgd) > best * 1.01


def test_no_other_number_of_bits_is_better():
    budget = 20_000
    found = qt.allocate(PROBLEM, EXACT, LAST, budget=budget, scheme="additive")
    assert found.size * found.steps * found.bits <= budget

    def best_with(bits):
        data = qt.Quantization(data=qt.Additive(f"1/{4**bits}"))
        sizes = [round(2 ** (k / 8)) for k in range(16, 64)]
        return min(risk(size, budget // (bits * size), data) for size in set(sizes))

    scan = {bits: best_with(bits) for bits in range(1, 9)}
    assert found.bits == min(scan, key=scan.get)
    assert found.risk.total <= scan[found.bits] * 1.0005
    assert found.risk.total < min(scan[found.bits - 1], scan[found.bits + 1])


def test_errors_of_the_label_and_others_stay_as_they_are():
    noisy = qt.Quantization(label=qt.Additive(1))
    found = qt.allocate(PROBLEM, noisy, LAST, budget=3000)
    assert found.risk.total == risk(found.size, found.steps, noisy)
    assert found.bits is None


def test_the_frontier_follows_the_rates_without_noise():
    # M^-(b-1) and N^-(b-1)/a at M N = C are equal at M = C^(1/(1+a)): without noise, the last
    # iterate has no other terms that matter
    problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=0)
    found = frontier(problem, EXACT, LAST, budgets=[10**5, 10**9])
    decades = math.log(10**4)
    size = math.log(found[1].size / found[0].size) / decades
    loss = math.log(found[1].risk.total / found[0].risk.total) / decades
    assert size == pytest.approx(1 / 3, abs=0.01)
    assert loss == pytest.approx(-1 / 3, abs=0.01)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": 0}, "budget is 0"),
        ({"budget": 10**16}, "budget is 1"),
        ({"budget": 10**3, "scheme": "int"}, "scheme is 'int'"),
    ],
)
def test_bad_input_is_named(options, words):
    with pytest.raises(qt.QTheoryError, match=words):
        qt.allocate(PROBLEM, EXACT, LAST, **options)


def test_a_budget_below_one_batch_is_refused():
    sgd = qt.SGD("0.1", 10, steps=1)
    with pytest.raises(qt.InvalidArgumentError, match="at least the batch, 10"):
        qt.allocate(PROBLEM, EXACT, sgd, budget=9)


def test_errors_that_see_the_rotation_are_refused():
    with pytest.raises(qt.HypothesisError, match="elementwise"):
        qt.allocate(PROBLEM, EXACT, LAST, budget=100, scheme="elementwise")


def test_a_stepsize_that_no_size_bears_is_refused():
    sgd = qt.SGD(50, steps=1, output="last")
    with pytest.raises(qt.UnstableError, match="stepsize is 50"):
        qt.allocate(PROBLEM, EXACT, sgd, budget=100)


def test_a_split_prints_and_has_json():
    split = qt.allocate(PROBLEM, EXACT, LAST, budget=500, scheme="shared")
    assert f"bits                {split.bits}" in str(split)
    assert split.as_json()["risk"]["kind"] == "equivalent"
    assert "<table>" in split._repr_html_()
