"""The expansion of the risk in 1/N beside long runs in exact rational numbers."""

import dataclasses
from fractions import Fraction

import pytest

from qtheory.checks.panel import PANEL
from qtheory.reference import moments as reference
from qtheory.reference.stationary import expansion


@pytest.mark.parametrize("output", ["average", "last", "tail"])
def test_the_expansion_is_that_of_a_long_run(output):
    """What is left after the order 1/N falls like 1/N^2."""
    short = dataclasses.replace(PANEL["all/B=3"], stepsize=Fraction(1, 5))
    left = []
    for steps in (48, 96):
        setting = dataclasses.replace(short, steps=steps)
        first = steps - steps // 4 if output == "tail" else 0
        moments = (
            reference.last_moments(setting)
            if output == "last"
            else reference.average_moments(setting, first)
        )
        found = expansion(setting, output)
        predicted = found.limit + (found.mean + found.variance) / steps
        left.append(abs(reference.risks(setting, moments).risk - predicted))
    assert left[1] < left[0] / 3
