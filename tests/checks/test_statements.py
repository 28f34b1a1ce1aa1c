"""The statements of the theorems: a weaker one, or another recursion, is noticed."""

import dataclasses

import pytest
import sympy as sp

from qtheory.checks import statements
from qtheory.proof.kernel import assume
from qtheory.theory import notation, theorems
from qtheory.theory.formal import PARAMETERS
from tests.checks.results import passed, status


@pytest.mark.parametrize(
    "check",
    [
        statements.bounds_agree,
        statements.recursion_agrees,
        statements.standing_assumptions_hold,
        statements.decomposition_is_identity,
    ],
)
def test_a_check_passes(check):
    assert passed(check())


def test_a_weaker_statement_is_noticed(monkeypatch):
    """It is true, and the kernel proves it; it is not what the theory says."""
    theorem = theorems["upper_bound"]
    left, right = theorem.statement.args
    weaker = dataclasses.replace(theorem, statement=sp.Le(left, 2 * right))
    changed = {**theorems, "upper_bound": weaker}
    monkeypatch.setattr(statements, "theorems", changed)
    assert status(statements.bounds_agree()) == "failed"


def test_an_assumption_that_is_too_strong_is_noticed(monkeypatch):
    noisy = assume(PARAMETERS[notation.sigma2] > 0, meaning="there is noise")
    changed = {**statements.STANDING, "noise": noisy}
    monkeypatch.setattr(statements, "STANDING", changed)
    assert status(statements.standing_assumptions_hold()) == "failed"


def test_a_relation_that_is_turned_around_is_noticed(monkeypatch):
    theorem = theorems["lower_bound"]
    turned = dataclasses.replace(theorem, statement=sp.Le(*theorem.statement.args))
    monkeypatch.setattr(statements, "theorems", {**theorems, "lower_bound": turned})
    assert status(statements.bounds_agree()) == "failed"


def test_a_wrong_sign_in_the_decomposition_is_no_identity():
    theorem = theorems["decomposition"]
    assert statements.residue_per_coordinate(theorem) == 0
    W = sp.Symbol("W", nonnegative=True)
    wrong = dataclasses.replace(theorem, statement=theorem.statement.subs(W, -W))
    assert statements.residue_per_coordinate(wrong) != 0
