"""Roots of the secular equation in intervals, beside the same in balls of 300 bits."""

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.errors import PrecisionError
from qtheory.numbers.arithmetic import Balls, Intervals
from qtheory.numbers.interval import SLACK, Interval
from qtheory.risk import secular

WIDE = Balls(bits=300)


@st.composite
def equations(draw):
    """Poles apart, nearly equal and equal, with weights of any size; exact in float64."""
    poles = draw(st.lists(st.floats(1e-3, 1), min_size=1, max_size=6, unique=True))
    near = draw(st.sampled_from((None, 2.0**-20, 2.0**-45)))
    if near is not None:
        poles.append(poles[0] * (1 + near))
    groups = list(range(len(poles)))
    if draw(st.booleans()):  # the first one twice
        poles, groups = [*poles, poles[0]], [*groups, 0]
    sizes = st.sampled_from((1.0, 1e-3, 1e-12, 1e-200))
    shares = np.array([draw(st.floats(0.1, 1)) * draw(sizes) for _ in poles])
    weights = shares * np.array(poles) * draw(st.floats(0.01, 0.99)) / shares.sum()
    return np.array(poles), weights, np.array(groups)


def differences(poles, weights, groups, arithmetic):
    with np.errstate(all="ignore"), arithmetic.working():
        number = Interval if isinstance(arithmetic, Intervals) else _exact
        return secular.secular_roots(number(poles), number(weights), groups, arithmetic).differences


def _exact(values):
    return WIDE.array([flint.arb(float(value)) for value in values])


def holds(found, truth):
    pairs = zip(found.midpoint.flat, found.radius.flat, truth.flat, strict=True)
    with WIDE.working():
        return all(flint.arb(float(m), float(r * SLACK)).contains(ball) for m, r, ball in pairs)


@settings(max_examples=200, deadline=None)
@given(equations())
def test_intervals_hold_the_roots(equation):
    try:
        found = differences(*equation, Intervals())
    except PrecisionError:  # which balls are for
        return
    assert holds(found, differences(*equation, WIDE))


def test_roots_far_apart_have_nearly_all_digits():
    equation = (np.array([0.1, 0.3, 0.9]), np.array([0.01, 1e-12, 0.1]), np.arange(3))
    found = differences(*equation, Intervals())
    assert np.all(found.radius <= 1e-13 * abs(found.midpoint))


def test_roots_without_their_roundings_are_missed(monkeypatch):
    """The negative control: the root of one bare step of Newton's method is no enclosure."""

    def bare(equations, offset, slope, low, high, arithmetic):
        return Interval((offset - equations.value(offset) / slope).midpoint)

    monkeypatch.setattr(secular, "_certified", bare)
    equation = (np.array([0.1, 0.3, 0.9]), np.array([0.01, 1e-3, 0.1]), np.arange(3))
    found = differences(*equation, Intervals())
    monkeypatch.undo()
    assert not holds(Interval(found.midpoint), differences(*equation, WIDE))


@pytest.mark.parametrize("quantization", [
    qt.Quantization.uniform(qt.Multiplicative("0.01")), qt.Quantization(),
])  # fmt: skip
@pytest.mark.parametrize("output", ["average", "last"])
def test_blocks_do_not_matter(monkeypatch, quantization, output):
    """In blocks of one row or in one block, with poles that are equal among them."""
    problem = qt.Problem(5, qt.Explicit(["1", "1/2", "1/2", "1/9", "0.01"]), qt.Constant(1), 1)
    run = problem, quantization, qt.SGD("0.1", steps=50, output=output)
    whole = qt.excess_risk(*run).total
    monkeypatch.setattr(secular, "_ENTRIES_OF_A_BLOCK", 1)
    assert qt.excess_risk(*run).total == pytest.approx(whole, rel=1e-13)
    assert float(qt.excess_risk(*run, digits=20).total) == pytest.approx(whole, rel=1e-13)
