"""T9 in finite dimension beside the fixed point of the recursion."""

import dataclasses
from fractions import Fraction

import pytest

from qtheory.verify import stationary_restated as restated
from qtheory.verify import transcription
from qtheory.verify.restated import PANEL

NEARLY_ONE = 1 + Fraction(1, 10**20)


@pytest.fixture(autouse=True)
def _two_problems(monkeypatch):
    """Of the panel only what each kind of problem needs."""
    monkeypatch.setattr(restated, "PANEL", {"exact": PANEL["exact"]})
    one = "source condition"
    monkeypatch.setattr(restated, "FORMULAS", {one: restated.FORMULAS[one]})


def status():
    (check,) = restated.stationary_restated()
    return check.status


def test_the_package_agrees():
    assert status() == "passed"


@pytest.mark.parametrize("part", ["limit", "mean", "variance"])
def test_another_constant_is_noticed(monkeypatch, part):
    right = restated.expansion

    def wrong(setting, output):
        found = right(setting, output)
        return dataclasses.replace(found, **{part: getattr(found, part) * NEARLY_ONE})

    monkeypatch.setattr(restated, "expansion", wrong)
    assert status() == "failed"


def test_another_step_is_noticed(monkeypatch):
    def without_cross(setting, m, v):
        return (Fraction(0),) * setting.dim

    monkeypatch.setattr(transcription, "cross_samples", without_cross)
    assert status() == "failed"


@pytest.mark.parametrize("output", ["average", "last", "tail"])
def test_the_expansion_is_that_of_a_long_run(output):
    """What is left after the order 1/N falls like 1/N^2."""
    short = dataclasses.replace(PANEL["all/B=3"], stepsize=Fraction(1, 5))
    left = []
    for steps in (48, 96):
        setting = dataclasses.replace(short, steps=steps)
        first = steps - steps // 4 if output == "tail" else 0
        moments = (
            transcription.last_moments(setting)
            if output == "last"
            else transcription.average_moments(setting, first)
        )
        found = restated.expansion(setting, output)
        predicted = found.limit + (found.mean + found.variance) / steps
        left.append(abs(transcription.risks(setting, moments).risk - predicted))
    assert left[1] < left[0] / 3
