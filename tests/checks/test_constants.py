"""T9 in finite dimension beside the fixed point of the recursion."""

import dataclasses
from fractions import Fraction

import pytest

from qtheory.checks import constants
from qtheory.checks.panel import PANEL
from qtheory.reference import moments as reference

NEARLY_ONE = 1 + Fraction(1, 10**20)


@pytest.fixture(autouse=True)
def _two_problems(monkeypatch):
    """Of the panel only what each kind of problem needs."""
    monkeypatch.setattr(constants, "PANEL", {"exact": PANEL["exact"]})
    one = "source condition"
    monkeypatch.setattr(constants, "FORMULAS", {one: constants.FORMULAS[one]})


def status():
    (check,) = constants.expansions_agree()
    return check.status


def test_the_package_agrees():
    assert status() == "passed"


@pytest.mark.parametrize("part", ["limit", "mean", "variance"])
def test_another_constant_is_noticed(monkeypatch, part):
    right = constants.expansion

    def wrong(setting, output):
        found = right(setting, output)
        return dataclasses.replace(found, **{part: getattr(found, part) * NEARLY_ONE})

    monkeypatch.setattr(constants, "expansion", wrong)
    assert status() == "failed"


def test_another_step_is_noticed(monkeypatch):
    def without_cross(setting, m, v):
        return (Fraction(0),) * setting.dim

    monkeypatch.setattr(reference, "cross_samples", without_cross)
    assert status() == "failed"
