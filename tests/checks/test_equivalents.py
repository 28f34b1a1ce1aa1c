"""Checks of risks averaged over sketches, and what they must notice."""

import dataclasses

import pytest

from qtheory.asymptotics.sketch import Sketch
from qtheory.asymptotics.unlearnt import ElementwiseSketch
from qtheory.checks import equivalents
from tests.checks.results import passed, status


@pytest.mark.parametrize("name", equivalents.EQUIVALENTS)
def test_it_passes_under_its_own_name(name):
    (result,) = equivalents.EQUIVALENTS[name]()
    assert passed([result])
    assert result.id == name


def test_another_number_of_features_is_noticed(monkeypatch):
    right = Sketch.of.__func__
    monkeypatch.setattr(
        Sketch, "of", classmethod(lambda cls, problem, size: right(cls, problem, size + size // 8))
    )
    assert status(equivalents.limits_are_those_of_samples()) == "failed"


def test_a_signal_that_is_lost_is_noticed(monkeypatch):
    right = Sketch.of.__func__

    def wrong(cls, problem, size):
        sketch = right(cls, problem, size)
        return dataclasses.replace(sketch, signal=sketch.signal * 1.001)

    monkeypatch.setattr(Sketch, "of", classmethod(wrong))
    assert status(equivalents.many_features_need_no_sketch()) == "failed"


def test_errors_of_features_that_are_taken_for_shared_are_noticed(monkeypatch):
    """One factor for all features, which does not change what they can learn."""

    def wrong(problem, level, *, size):
        return ElementwiseSketch(*Sketch.of(problem, size).limits(0.0))

    monkeypatch.setattr(equivalents, "elementwise_sketch", wrong)
    assert status(equivalents.elementwise_is_that_of_samples()) == "failed"
