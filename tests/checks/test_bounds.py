"""The bounds: every kind of comparison can fail."""

import dataclasses
from fractions import Fraction

import pytest

from qtheory.checks import bounds
from qtheory.checks.panel import PURE
from qtheory.reference import theorems as stated
from tests.checks.results import passed, status

NEARLY_ONE = 1 + Fraction(1, 10**20)


@pytest.mark.parametrize("name", PURE)
def test_the_bounds_agree(name):
    assert passed(bounds.bounds_agree(name))


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("noise_constants", "alpha"),
        ("noise_constants", "s2"),
        ("noise_constants", "k4"),
        ("upper_bound", "variance"),
        ("upper_bound", "effective_dimension"),
        ("refined_bound", "kappa"),
        ("refined_bound", "energy"),
        ("lower_bound", "s2"),
        ("lower_bound", "quantized_risk"),
    ],
)
def test_another_constant_is_noticed(monkeypatch, function, part):
    right = getattr(stated, function)

    def wrong(setting):
        found = right(setting)
        return dataclasses.replace(found, **{part: getattr(found, part) * NEARLY_ONE})

    monkeypatch.setattr(stated, function, wrong)
    assert status(bounds.bounds_agree("all/B=3")) == "failed"


def test_limits():
    assert passed(bounds.limits_agree())
