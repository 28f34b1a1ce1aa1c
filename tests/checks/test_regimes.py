"""The rate calculus beside numbers: every check passes, and fails for another order."""

import dataclasses

import pytest
import sympy as sp

from qtheory.checks import constants
from qtheory.checks import regimes as evaluated
from qtheory.reference import theorems as stated
from tests.checks.results import passed, status


@pytest.mark.parametrize(
    "check",
    [
        evaluated.harmonic_sums_agree,
        evaluated.sums_bracketed,
        evaluated.regimes_of_the_bias,
        evaluated.comparisons_agree,
    ],
)
def test_quick_ones(check):
    assert passed(check())


@pytest.mark.slow
@pytest.mark.parametrize("check", evaluated.REGIMES.values())
def test_all(check):
    assert passed(check())


# --- negative controls -------------------------------------------------------------------------


def test_another_sum_is_noticed(monkeypatch):
    right = evaluated._harmonic_sum
    monkeypatch.setattr(evaluated, "_harmonic_sum", lambda *given: right(*given) * (1 + 1e-5))
    assert status(evaluated.harmonic_sums_agree()) == "failed"


def test_constants_that_do_not_hold_are_noticed(monkeypatch):
    right = evaluated.asymptotic_sum

    def wrong(*given):
        found = right(*given)
        regimes = tuple(dataclasses.replace(r, lower=3 * r.lower) for r in found.regimes)
        return dataclasses.replace(found, regimes=regimes)

    monkeypatch.setattr(evaluated, "asymptotic_sum", wrong)
    assert status(evaluated.sums_bracketed()) == "failed"


def test_a_boundary_elsewhere_is_noticed(monkeypatch):
    right = stated.bias_order
    monkeypatch.setattr(stated, "bias_order", lambda a, b: right(a, b + 1))
    assert status(evaluated.regimes_of_the_bias()) == "failed"


def test_a_regime_with_additive_data_elsewhere_is_noticed(monkeypatch):
    right = stated.additive_dimension_order
    monkeypatch.setattr(
        stated, "additive_dimension_order", lambda a, coarse, wide: right(a, not coarse, wide)
    )
    assert status(evaluated.regimes_with_additive_data()) == "failed"


def test_variance_with_the_noise_of_targets_is_noticed(monkeypatch):
    right = evaluated.rates

    def wrong(*given):
        found = right(*given)
        return dataclasses.replace(found, terms={**found.terms, "variance": found.total})

    monkeypatch.setattr(evaluated, "rates", wrong)
    monkeypatch.setattr(evaluated, "TARGETS", ("label",))
    assert status(evaluated.noise_of_each_target()) == "failed"


def test_a_hypothesis_that_is_not_asked_for_is_noticed(monkeypatch):
    right = evaluated.rates
    monkeypatch.setattr(
        evaluated, "rates", lambda *given: dataclasses.replace(right(*given), assumptions=())
    )
    assert status(evaluated.hypotheses_decided()) == "failed"


def test_another_answer_is_noticed(monkeypatch):
    right = evaluated.compare_orders
    monkeypatch.setattr(
        evaluated, "compare_orders", lambda left, right_, given: right(right_, left, given)
    )
    assert status(evaluated.comparisons_agree()) == "failed"


@pytest.mark.parametrize(("part", "factor"), [("floor", "1.001"), ("variance", "1.01")])
def test_another_constant_in_infinite_dimension_is_noticed(monkeypatch, part, factor):
    """A wrong floor too, though extrapolation in N takes it away."""
    case = next(case for case in constants.CONSTANT_CASES if case.id == "last/everywhere")
    assert passed(constants.constant_agrees(case))
    right = constants.sharp_constants

    def wrong(*given):
        found = right(*given)
        return dataclasses.replace(found, **{part: getattr(found, part) * sp.Rational(factor)})

    monkeypatch.setattr(constants, "sharp_constants", wrong)
    assert status(constants.constant_agrees(case)) == "failed"
