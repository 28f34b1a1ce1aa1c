"""Inputs and hypotheses: what means something else, or is not required, is noticed."""

import pytest
import sympy as sp

import qtheory as qt
from qtheory.checks import inputs
from qtheory.errors import HypothesisError
from tests.checks.results import passed, status


@pytest.mark.parametrize("check", [inputs.inputs_agree, inputs.hypotheses_are_required])
def test_a_check_passes(check):
    assert passed(check())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda patch: patch.setattr(inputs, "Multiplicative",
                                    lambda *e: qt.Multiplicative(e[0], "elementwise")),
        lambda patch: patch.setattr(inputs, "PowerLaw", lambda a, s: qt.PowerLaw(a, 2 * sp.S(s))),
        lambda patch: patch.setattr(inputs, "SGD", lambda g, steps: qt.SGD(g, 2, steps=steps)),
        lambda patch: patch.setattr(qt.Quantization, "up_to", lambda q, target: q),
    ],
    ids=["coupling", "scale", "batch", "up to"],
)  # fmt: skip
def test_an_input_that_means_something_else_is_noticed(monkeypatch, wrong):
    wrong(monkeypatch)
    assert status(inputs.inputs_agree()) == "failed"


def test_a_hypothesis_that_is_not_required_is_noticed(monkeypatch):
    def refusing(*args, **kwargs):
        raise HypothesisError("always")

    right = inputs.upper_bound
    for wrong in (refusing, lambda p, q, sgd, digits=None, form=None: right(p, q, SHORT)):
        monkeypatch.setattr(inputs, "upper_bound", wrong)
        assert status(inputs.hypotheses_are_required()) == "failed"


SHORT = qt.SGD("1/100", steps=5)


def test_a_larger_bound_than_the_smallest_is_noticed(monkeypatch):
    right = inputs.upper_bound

    def wrong(problem, quantization, sgd, digits=None, form=None):
        return right(problem, quantization, sgd, digits, form or "paper")

    monkeypatch.setattr(inputs, "upper_bound", wrong)
    assert status(inputs.hypotheses_are_required()) == "failed"
