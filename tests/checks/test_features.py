"""Features: another step of matrices, or another eigenbasis, is noticed."""

import dataclasses

import pytest
import sympy as sp

from qtheory.checks import features
from qtheory.model import Explicit, Problem
from qtheory.risk.matrix_recursion import FeatureStep
from tests.checks.results import passed, status

FEW = features.FEATURE_CASES[2:3], features.FEATURE_CASES[10:11]


@pytest.mark.slow
def test_matrices():
    assert passed(features.matrices_agree())


def test_the_eigenbasis():
    assert passed(features.eigenbasis_agrees())


@pytest.mark.parametrize(
    "part", ["squared_label", "label_times_prediction", "squared_prediction", "read"]
)
def test_another_step_of_matrices_is_noticed(part, monkeypatch):
    monkeypatch.setattr(features, "FEATURE_CASES", (*FEW[0], *FEW[1]))
    assert status(features.matrices_agree()) == "passed"
    right = getattr(FeatureStep, part)

    def wrong(self, *arguments):
        found = right(self, *arguments).copy()
        found[0, 1] *= 1 + sp.Rational(1, 10**9)
        return found

    monkeypatch.setattr(FeatureStep, part, wrong)
    assert status(features.matrices_agree()) == "failed"


def test_a_step_that_forgets_one_pairing_is_noticed(monkeypatch):
    """What an elementwise error adds where two of four coordinates are one."""
    monkeypatch.setattr(features, "FEATURE_CASES", FEW[0])
    right = FeatureStep._two_pairs
    monkeypatch.setattr(FeatureStep, "_two_pairs", lambda self, w: right(self, w) * 2 / 3)
    assert status(features.matrices_agree()) == "failed"


@pytest.mark.parametrize("name", ["spectrum", "target"])
def test_another_eigenbasis_is_noticed(name, monkeypatch):
    right = Problem.sketched

    def wrong(self, **arguments):
        found = right(self, **arguments)
        values = list(getattr(found, name).values)
        values[0] += sp.Rational(1, 10**12)
        return dataclasses.replace(found, **{name: Explicit(values)})

    monkeypatch.setattr(Problem, "sketched", wrong)
    monkeypatch.setattr(features.matrix_recursion, "_require_unchanged", lambda *arguments: None)
    assert status(features.eigenbasis_agrees()) == "failed"
