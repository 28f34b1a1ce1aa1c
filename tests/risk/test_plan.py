"""How a risk is computed is decided once, said, and what was done."""

import pytest

import qtheory as qt
from qtheory.model.run import Run
from qtheory.risk.cost import method_for
from qtheory.risk.plan import METHODS, plan_for

SMALL = qt.Problem(3, qt.PowerLaw(2), qt.Constant(1), 1)
BOTH = qt.Quantization(qt.Additive("0.1") + qt.Multiplicative("0.1"))


def plan(problem=SMALL, quantization=None, steps=60, **options):
    quantization = qt.Quantization() if quantization is None else quantization
    return qt.excess_risk(problem, quantization, qt.SGD("0.1", steps=steps), **options).plan


@pytest.mark.parametrize(
    ("found", "method", "digits", "compressed"),
    [
        (plan(), "closed form", None, False),
        (plan(digits=30), "closed form", 30, False),
        (plan(steps=2, digits=30), "recursion", 30, False),
        (plan(quantization=BOTH), "recursion", None, False),
        (plan(quantization=BOTH, steps=10**12), "powers", 17, False),
        (plan(qt.Problem(qt.oo, qt.PowerLaw(2), qt.Constant(1), 1)), "recursion", 17, True),
        (
            plan(qt.Problem(10**9, qt.PowerLaw(2), qt.Constant(1), 1), digits=5),
            "recursion",
            5,
            True,
        ),
    ],
)
def test_what_is_done_is_said(found, method, digits, compressed):
    assert (found.method, found.digits, found.compressed) == (method, digits, compressed)
    assert found.method in METHODS
    assert str(found).startswith(method)
    assert ("compressed" in str(found)) == compressed
    assert ("float64" in str(found).split(":")[0]) == (digits is None)


def test_balls_in_the_place_of_float64_are_said_with_their_reason():
    near = qt.Explicit([1, "1.00000000000000000001", "1/2"])
    equal = qt.Problem(3, near, qt.Constant(1), 1)
    quantization = qt.Quantization(gradient=qt.Multiplicative("1/3"))
    found = plan(equal, quantization, steps=10**9)
    assert found.digits == 17
    assert "float64 takes for equal" in found.reason
    assert "hours" in plan(quantization=BOTH, steps=10**12).reason


def test_the_plan_is_the_cheapest_method():
    run = Run(SMALL, qt.Quantization(), qt.SGD("0.1", steps=2))
    for steps in (2, 10**3, 10**9):
        chosen = plan_for(run, [1, steps], 30)
        assert chosen.method == method_for(3, steps, rank_one=True, balls=True)[0]
    assert plan_for(run, [10**9], 30, rates_apart=False).method == "powers"
    with pytest.raises(qt.CostError, match="would take about"):
        plan_for(run, [10**15], None, rates_apart=False, longest=1e-9)
