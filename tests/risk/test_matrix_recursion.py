"""Exact risks of features whose rotation an error sees: numbers, plans, costs."""

import numpy as np
import pytest

import qtheory as qt
from qtheory.errors import CostError, InvalidArgumentError
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls, Float64
from qtheory.risk import matrix_recursion

PROBLEM = qt.Problem(dim=12, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise="1/4")
SKETCHED = PROBLEM.sketched(size=5, seed=1)
ELEMENTWISE = qt.Multiplicative("0.2", "elementwise")
ERRORS = qt.Quantization(
    data=ELEMENTWISE + qt.Additive("0.02"),
    label=qt.Multiplicative("0.1"),
    parameter=ELEMENTWISE + qt.Multiplicative("0.1"),
    activation=qt.Additive("0.1"),
    gradient=ELEMENTWISE,
)
NAMES = ("total", "approximation", "floor", "quantized_risk", "sketching")


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("output", ["average", "last", "tail"])
def test_float64_is_in_the_balls(batch, output):
    run = Run(SKETCHED, ERRORS, qt.SGD("0.1", batch, steps=30, output=output))
    (rough,) = matrix_recursion.risks([run], Float64())
    exact = qt.excess_risk(*run, digits=25)
    for name in NAMES:
        assert float(rough[name]) == pytest.approx(float(getattr(exact, name)), rel=1e-11)
        assert getattr(exact, name).rel_accuracy_bits() > 80


def test_a_diagonal_covariance_needs_no_matrix():
    """Nothing is rotated there, so that the O(d) recursion knows the answer."""
    listed = qt.Problem(3, qt.Explicit([2, 1, "1/4"]), qt.Explicit([1, -1, 2]), 1)
    full = qt.Problem.from_covariance(np.diag([2, 1, 0.25]), [1, -1, 2], noise=1)
    for batch in (1, 2):
        for output in ("average", "last"):
            sgd = qt.SGD("0.1", batch, steps=25, output=output)
            there = qt.excess_risk(listed, ERRORS, sgd, digits=30)
            here = qt.excess_risk(full, ERRORS, sgd, digits=30)
            assert here.plan.method == "matrix recursion"
            for name in (*NAMES, "bias", "variance"):
                assert getattr(here, name).overlaps(getattr(there, name))
            for target, part in there.by_target.items():
                assert here.by_target[target].overlaps(part)


def test_a_rotation_is_seen():
    """The same problem in another basis has another risk: else nothing here would be needed."""
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    covariance = turn @ np.diag([2.0, 0.5]) @ turn.T
    covariance = (covariance + covariance.T) / 2
    turned = qt.Problem.from_covariance(covariance, turn @ [1, 2], noise=1)
    straight = qt.Problem.from_covariance(np.diag([2.0, 0.5]), [1, 2], noise=1)
    sgd = qt.SGD("0.1", steps=50)
    data = qt.Quantization(data=ELEMENTWISE)
    here, there = (qt.excess_risk(p, data, sgd).total for p in (turned, straight))
    assert abs(here / there - 1) > 0.01
    shared = qt.Quantization(data=qt.Multiplicative("0.2"))
    here, there = (qt.excess_risk(p, shared, sgd).total for p in (turned, straight))
    assert here == pytest.approx(there, rel=1e-12)


def test_the_parts_add_up():
    risk = qt.excess_risk(SKETCHED, ERRORS, qt.SGD("0.1", 2, steps=40), digits=20)
    parts = [risk.bias, risk.variance, *risk.by_target.values(), risk.sketching]
    assert risk.total.overlaps(sum(parts[1:], parts[0]))
    assert all(part > 0 for part in parts)


def test_a_curve_is_its_points():
    sgd = qt.SGD("0.1", steps=1, output="tail")
    numbers = [1, 2, 7, 20]
    curve = qt.risk_curve(SKETCHED, ERRORS, sgd, numbers)
    for risk, steps in zip(curve, numbers, strict=True):
        point = qt.excess_risk(SKETCHED, ERRORS, sgd.with_steps(steps))
        assert risk.total == pytest.approx(point.total, rel=1e-12)


def test_more_features_than_data_and_a_parameter_that_is_rounded():
    """Sigma is singular then, and only the data's errors would make it regular."""
    problem = qt.Problem(dim=2, target=qt.Constant(1)).sketched(size=4, seed=3)
    sgd = qt.SGD("0.1", steps=30)
    for quantization in (
        qt.Quantization(parameter=ELEMENTWISE),
        qt.Quantization(parameter=ELEMENTWISE, data=qt.Multiplicative("0.1")),
        ERRORS,
    ):
        risk = qt.excess_risk(problem, quantization, sgd)
        estimate = qt.simulate(problem, quantization, sgd, 20_000, seed=1)
        assert abs(estimate.distance(risk.total)) < 4
    assert qt.excess_risk(problem, qt.Quantization(parameter=ELEMENTWISE), sgd).floor == 0


def test_the_plan_says_why_and_what_it_costs():
    sgd = qt.SGD("0.1", steps=30)
    plan = qt.excess_risk(SKETCHED, ERRORS, sgd).plan
    assert str(plan).startswith("matrix recursion, in balls to 17 certified digits: errors of data")
    assert "O(M^3) a step" in str(plan)
    long = qt.excess_risk(SKETCHED, ERRORS, qt.SGD("0.1", steps=20_000)).plan
    assert "in float64 without bounds on rounding errors" in str(long)
    with pytest.raises(CostError, match="a product of M x M matrices each step, about"):
        qt.excess_risk(SKETCHED, ERRORS, qt.SGD("0.1", steps=10**9))


def test_a_format_is_refused_with_what_to_do():
    rounded = qt.Quantization(data=qt.formats.get("fp8_e4m3"))
    with pytest.raises(InvalidArgumentError, match=r"error_models\(\)"):
        qt.excess_risk(SKETCHED, rounded, qt.SGD("0.1", steps=5))


@pytest.mark.parametrize("name", ["noise", "target", "spectrum"])
def test_a_problem_that_was_changed_since_is_refused(name):
    from dataclasses import replace

    others = {"noise": 3, "target": qt.Constant(2), "spectrum": qt.PowerLaw(3)}
    changed = replace(SKETCHED, **{name: others[name]})
    with pytest.raises(InvalidArgumentError, match="as sketched or from_covariance made it"):
        qt.excess_risk(changed, ERRORS, qt.SGD("0.1", steps=5))


def test_a_step_in_balls_encloses_one_in_more_bits():
    run = Run(SKETCHED, ERRORS, qt.SGD("0.1", 2, steps=15))
    found = []
    for bits in (100, 400):
        arithmetic = Balls(bits=bits)
        with arithmetic.working():
            (values,) = matrix_recursion.risks([run], arithmetic)
            found.append(values["total"])
    assert found[0].contains(found[1])
    assert found[0].rad() > found[1].rad()
