"""The risk along a run beside the matrices of section 2, in fractions and in mpmath."""

import dataclasses
from fractions import Fraction

import mpmath
import pytest

from qtheory.checks.panel import SETTINGS
from qtheory.reference import curve
from qtheory.reference import moments as reference
from qtheory.reference.curve import risk_curve


def by_matrices(setting, steps):
    short = dataclasses.replace(setting, steps=steps)
    return reference.risks(short, reference.average_moments(short)).risk


@pytest.mark.parametrize("name", SETTINGS)
def test_in_fractions_it_is_what_the_matrices_give(name):
    setting = SETTINGS[name]
    steps = sorted({1, 2, setting.steps})
    assert risk_curve(setting, steps) == [by_matrices(setting, n) for n in steps]


@pytest.mark.parametrize("name", ["exact/B=3", "all/data mixed"])
def test_in_mpmath_it_is_the_same_to_its_digits(name):
    setting, context = SETTINGS[name], mpmath.MPContext()
    context.dps = 30

    def number(fraction):
        return context.mpf(fraction.numerator) / fraction.denominator

    (found,) = risk_curve(setting, [setting.steps], number, context.fdot)
    exact = by_matrices(setting, setting.steps)
    assert abs(found / number(exact) - 1) < context.mpf(10) ** -28


def test_another_coefficient_gives_another_risk(monkeypatch):
    """Negative control: each product is in some problem of the panel."""
    right = curve._products
    for k in range(5):

        def wrong(setting, k=k):
            found = list(right(setting))
            found[k] += Fraction(1, 10**9)
            return tuple(found)

        monkeypatch.setattr(curve, "_products", wrong)
        setting = SETTINGS["all/data mixed"]
        same = risk_curve(setting, [setting.steps]) == [by_matrices(setting, setting.steps)]
        assert same == (k in (0, 2))  # f_2 and f_4 are there for c and g
