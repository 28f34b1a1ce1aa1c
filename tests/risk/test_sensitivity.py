"""Derivatives of the exact risk, beside differences of exact risks at 60 digits."""

from dataclasses import replace
from fractions import Fraction
from importlib import import_module

import flint
import pytest

import qtheory as qt
from qtheory.numbers.dual import Dual
from qtheory.risk.sensitivity import KINDS

PROBLEM = qt.Problem(4, qt.PowerLaw(2), qt.Constant(1), noise="1/2")
# a function has the name of its file
module = import_module("qtheory.risk.sensitivity")
TARGETS = ("data", "label", "parameter", "activation", "gradient", "stored")
STEP = Fraction(1, 10**15)


def with_level(kind, level):
    if kind == "additive":
        return qt.Additive(level)
    return qt.Multiplicative(level, kind)


EVERY = qt.Quantization(
    **{
        target: qt.Additive("0.01") + qt.Multiplicative("0.02")
        for target in TARGETS
        if target != "stored"
    },
    stored=qt.Additive("0.001"),
)
RUNS = {
    "average": qt.SGD("0.1", 2, steps=15),
    "last": qt.SGD("0.1", steps=15, output="last"),
    "tail": qt.SGD("0.1", steps=3000, output="tail"),
    "momentum": qt.SGD(
        qt.LinearDecay("0.1"), 2, steps=12, momentum="0.4", error_feedback=True
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_derivative_is_the_limit_of_differences(name):
    sgd = RUNS[name]
    found = qt.sensitivity(PROBLEM, EVERY, sgd)

    def total(target, kind, step):
        changed = getattr(EVERY, target) + with_level(kind, step)
        risk = qt.excess_risk(PROBLEM, replace(EVERY, **{target: changed}), sgd, digits=60)
        return risk.total

    start = total("data", "additive", 0)
    for target in TARGETS:
        for kind in KINDS:
            steps = [total(target, kind, k * STEP) - start for k in (1, 2)]
            slope = (4 * steps[0] - steps[1]) / 2 * 10**15  # of second order
            gap = abs(found.slopes[target, kind] - slope)
            assert gap < abs(slope) * flint.arb("1e-8") + flint.arb("1e-12")


@pytest.mark.parametrize("output", ["average", "last"])
def test_powers_and_recursion_agree(monkeypatch, output):
    sgd = qt.SGD("0.1", 2, steps=40, output=output)
    ways = []
    for slow in (True, False):
        if slow:
            monkeypatch.setattr(module, "_moments", module._by_powers)
        else:
            monkeypatch.undo()
        ways.append(qt.sensitivity(PROBLEM, EVERY, sgd).slopes)
    for name in ways[0]:
        assert ways[0][name].overlaps(ways[1][name])


def test_additive_errors_of_the_data_may_lower_the_risk_as_a_ridge_does():
    """Much noise, little signal: lambda^q above lambda shrinks what the noise puts into w."""
    problem = qt.Problem(4, qt.PowerLaw(1), qt.Constant("0.1"), noise=1)
    sgd = qt.SGD("0.2", steps=500)
    found = qt.sensitivity(problem, qt.Quantization(), sgd)
    assert found.lowering == (("data", "additive"),)
    plain, rounded = (
        qt.excess_risk(problem, qt.Quantization(data=qt.Additive(level)), sgd, digits=20).total
        for level in (0, "0.1")
    )
    assert rounded < plain * flint.arb("0.96")  # both are balls
    # the negative control: with less noise it does not
    quiet = replace(problem, noise="1/100")
    assert qt.sensitivity(quiet, qt.Quantization(), sgd).lowering == ()


def test_what_prints_says_which_way():
    problem = qt.Problem(4, qt.PowerLaw(1), qt.Constant("0.1"), noise=1)
    found = qt.sensitivity(problem, qt.Quantization(), qt.SGD("0.2", steps=500))
    assert "data        additive         -0.0071656  lowers the risk" in str(found)
    assert found.as_json()["data additive"] == "-0.0071656"
    assert "lowers the risk" in found._repr_html_()
    still = qt.Problem(2, qt.PowerLaw(1), qt.Constant(0), noise=0)
    nothing = qt.sensitivity(still, qt.Quantization(), qt.SGD("0.2", steps=5))
    assert "no effect" in str(nothing)


def test_formats_and_hopeless_sizes_are_refused():
    fp8 = qt.Quantization(data=qt.formats.get("fp8_e4m3"))
    with pytest.raises(qt.HypothesisError, match="data is"):
        qt.sensitivity(PROBLEM, fp8, qt.SGD("0.1", steps=5))
    with pytest.raises(qt.CostError, match="dim is 2000"):
        qt.sensitivity(replace(PROBLEM, dim=2000), EVERY, qt.SGD("0.01", steps=10**6))
    with pytest.raises(qt.UnstableError):
        qt.sensitivity(PROBLEM, qt.Quantization(), qt.SGD("1.9", steps=10))
    wide = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2))
    with pytest.raises(qt.HypothesisError, match="dim is oo"):
        qt.sensitivity(wide, qt.Quantization(), qt.SGD("0.1", steps=10))


def test_dual_numbers_follow_the_rules_of_derivatives():
    x = Dual(flint.arb(2), flint.arb(1))
    for there, slope in (
        (x + 3, 1), (3 - x, -1), (x - 3, 1), (x * x, 4), (1 / x, flint.arb("-0.25")),
        (x / (x + 1), flint.arb(1) / 9), (x**3, 12), (-x, -1), (flint.arb(5) * x, 5),
    ):  # fmt: skip
        assert there.slope.overlaps(flint.arb(slope))
    assert Dual(flint.arb(0), flint.arb(1)) != 0
    assert Dual(flint.arb(0), flint.arb(0)) == 0
