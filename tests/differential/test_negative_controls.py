"""Every comparison has a negative control: an error is planted, and exactly it is noticed."""

import dataclasses
import importlib

import flint
import pytest
import sympy as sp

import qtheory as qt
from qtheory.errors import PrecisionError
from qtheory.numbers.arithmetic import Float64, MPMath
from qtheory.reference import moments as reference
from qtheory.risk import closed_form, excess, moments
from qtheory.risk.update import Update
from qtheory.theory import bounds as package_bounds
from qtheory.theory import definitions as symbols
from tests.differential import comparisons
from tests.differential.comparisons import (
    COMPARISONS,
    bounds,
    curve,
    decomposition,
    disagreements,
    examine,
    methods,
    parts,
    risk,
    stability,
)
from tests.differential.instances import SPECIAL

#: The module, which the function of that name hides in its package.
STABILITY = importlib.import_module("qtheory.risk.stability")
TINY = "1e-20"  # seen by 25 digits only
OFF = 1 + sp.Rational(TINY)
PURE = SPECIAL["additive everywhere"]
SHARED = SPECIAL["shared everywhere"]
MIXED = SPECIAL["equal eigenvalues, all errors"]
EDGE = SPECIAL["edge"]


@pytest.fixture(autouse=True)
def _nothing_remembered():
    comparisons.truth.cache_clear()
    yield
    comparisons.truth.cache_clear()


def patched(module, name, change):
    """Plant ``change(original)`` in the place of an attribute."""

    def plant(monkeypatch):
        monkeypatch.setattr(module, name, change(getattr(module, name)))

    return plant


def _theorem(name, change):
    """Plant a changed theorem where the bounds are evaluated."""
    if name in package_bounds.UPPER_FORMS:
        return patched(
            package_bounds, "UPPER_FORMS", lambda forms: forms | {name: change(forms[name])}
        )
    return patched(package_bounds, name, change)


def redefined(name, symbol, factor=OFF):
    """Plant a theorem in which one definition is off by a factor."""

    def change(theorem):
        definitions = tuple(
            sp.Eq(one.lhs, one.rhs * factor) if one.lhs == symbol else one
            for one in theorem.definitions
        )
        assert definitions != theorem.definitions
        return dataclasses.replace(theorem, definitions=definitions)

    return _theorem(name, change)


def unconditional(name):
    """Plant a theorem without hypotheses."""
    return _theorem(name, lambda theorem: dataclasses.replace(theorem, hypotheses=()))


def wrong_moment(original):
    """The third moment of the factor of a sample, off in the 20th digit."""

    def moment(level, power):
        found = original(level, power)
        third = power == 3 and isinstance(level, flint.arb)
        return found * (1 + flint.arb(TINY)) if third else found

    return moment


def more(*names):
    """Parts of a result in balls, or of each of several, off in the 20th digit."""

    def off(found):
        if not all(isinstance(found[name], flint.arb) for name in names):
            return found
        return found | {name: found[name] * (1 + flint.arb(TINY)) for name in names}

    def change(original):
        def function(*arguments):
            found = original(*arguments)
            if hasattr(found, "runs"):
                return dataclasses.replace(found, runs=list(map(off, found.runs)))
            return off(found)

        return function

    return change


def more_distortion(original):
    def decompose(*arguments):
        found = original(*arguments)
        return dataclasses.replace(found, distortion=found.distortion * (1 + flint.arb(TINY)))

    return decompose


def scaled(factor):
    """The result of a function, or of each entry of what it returns, times a factor."""

    def change(original):
        def function(*arguments, **options):
            found = original(*arguments, **options)
            if hasattr(found, "runs"):
                runs = [{name: value * factor for name, value in one.items()} for one in found.runs]
                return dataclasses.replace(found, runs=runs)
            return found * factor

        return function

    return change


def shifted(original):
    return lambda *run, steps, digits: original(*run, [n + 1 for n in steps], digits)


def with_gain(original):
    def risks(setting, moments):
        found = original(setting, moments)
        return dataclasses.replace(found, gain=found.gain + 1)

    return risks


def gives_up(original):
    def roots(*arguments):
        raise PrecisionError("two rates of decay cannot be told apart at this precision")

    return roots


def a_hundredfold_lower(original):
    def bound(form, *arguments):
        found = original(form, *arguments)
        if form != "lower":
            return found
        larger = {name: 100 * getattr(found, name) for name in ("total", "quantized_risk")}
        return dataclasses.replace(found, **larger)

    return bound


CERTIFIED = {"R, average, certified", "R, last, certified", "R, tail, certified"}
PARTS = {f"by_target {name}" for name in ("data", "parameter", "activation", "gradient")}
#: Where an error is planted, at which instance, in what it is looked for, and what must notice it.
CONTROLS = {
    "a moment of the data": (
        patched(moments, "factor_moment", wrong_moment), SHARED, COMPARISONS,
        {
            *CERTIFIED, "R^q, certified", "curve, certified", "W", "T1, balls", "recursion, balls",
            "powers, balls", "closed form, balls", "sum of the parts", *PARTS,
        },
    ),
    "floats": (
        patched(excess, "_as_floats", scaled(1 + 1e-8)), PURE, [risk], {"R, float64 of excess_risk"}
    ),
    "A and F": (
        patched(excess, "_values", more("approximation", "floor")), PURE, [risk],
        {"A, certified", "F, certified"},
    ),
    "a float of each number": (
        patched(Float64, "number", scaled(1 + 1e-11)), PURE, [methods], {"recursion, float64"}
    ),
    "an mpmath of each number": (
        patched(MPMath, "number", scaled(1 + 2**-50)), PURE, [methods], {"recursion, mpmath"}
    ),
    "powers": (
        patched(Update, "dense", scaled(1 + flint.arb(TINY))), PURE, [methods],
        {"powers, balls"},
    ),
    "a root left out": (
        patched(closed_form, "secular_roots", lambda f: lambda *arguments: f(*arguments)[1:]),
        PURE, [methods], {"closed form, balls"},
    ),
    "a closed form that gives up": (
        patched(closed_form, "secular_roots", gives_up), PURE, [methods],
        {"closed form, two rates are equal"},
    ),
    "a part": (
        patched(excess, "_parts", more("label")), PURE, [parts],
        {"by_target label", "sum of the parts"},
    ),
    "bias and variance": (
        patched(excess, "_parts", more("bias", "variance")), PURE, [parts],
        {"bias", "variance", "sum of the parts"},
    ),
    "W": (
        patched(excess, "decompose", more_distortion), PURE, [decomposition], {"W", "T1, balls"}
    ),
    "W of the second source": (
        patched(reference, "risks", with_gain), PURE, [decomposition], {"T1, rational", "W"}
    ),
    "other numbers of steps": (
        patched(qt, "risk_curve", shifted), PURE, [curve],
        {"curve = its points", "curve, certified"},
    ),
    "theta": (
        patched(STABILITY, "_spectral_radius", scaled(1 + 1e-7)), EDGE, [stability],
        {"stable", "largest stepsize, to 10^-9"},
    ),
    "no refusal": (
        patched(excess, "require_stable", lambda original: lambda *arguments: None), PURE,
        [stability], {"refused past the edge"},
    ),
    "T4, bias": (
        redefined("paper", symbols.bias), PURE, [bounds], {"T4, bias", "T4, R^q", "T4, R"}
    ),
    "T4, variance": (
        redefined("paper", symbols.variance), PURE, [bounds], {"T4, variance", "T4, R^q", "T4, R"}
    ),
    "T4, D_N": (redefined("paper", symbols.D_N), PURE, [bounds], {"T4, D_N", "T4, variance"}),
    "T4'": (
        redefined("refined", symbols.variance), PURE, [bounds],
        {"T4', variance", "T4', R^q", "T4', R"},
    ),
    "T5": (redefined("quantized_lower_bound", symbols.variance), PURE, [bounds], {"T5, R^q"}),
    "T4' without a variance": (
        redefined("refined", symbols.variance, 0), SPECIAL["eps = 0"], [bounds],
        {"exact <= upper", "exact <= upper, R^q"},
    ),
    "T5 a hundredfold": (
        patched(package_bounds, "_bound", a_hundredfold_lower), PURE, [bounds],
        {"lower <= exact", "lower <= exact, R^q"},
    ),
    "T4 anywhere": (unconditional("paper"), MIXED, [bounds], {"T4, hypotheses"}),
    "T4' anywhere": (unconditional("refined"), MIXED, [bounds], {"T4', hypotheses"}),
    "T5 anywhere": (
        unconditional("risk_lower_bound"), SPECIAL["d = N = B = 1"], [bounds], {"T5, hypotheses"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTROLS)
def test_an_error_is_noticed(name, monkeypatch):
    plant, setting, compared, expected = CONTROLS[name]
    plant(monkeypatch)
    assert expected <= set(disagreements(setting, compared))


INSTANCES = (PURE, SHARED, MIXED, EDGE, SPECIAL["resonance"], SPECIAL["d = N = B = 1"])


def test_every_comparison_has_a_negative_control():
    gaps = [gap for setting in INSTANCES for gap in examine(setting)]
    assert all(gap.agrees for gap in gaps)
    assert {gap.name for gap in gaps} == set().union(*(names for *_, names in CONTROLS.values()))
