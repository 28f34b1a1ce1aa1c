"""Roots of the secular equation in intervals, beside the same in balls of 300 bits."""

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.errors import PrecisionError
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls, Intervals
from qtheory.numbers.interval import SLACK, Interval
from qtheory.risk import secular
from qtheory.risk.excess import FLOAT_ACCURACY, decomposition_at

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


def differences(poles, weights, groups, arithmetic, common=0.0):
    """Of the roots from the poles; balls add what is common to them, without rounding."""
    with np.errstate(all="ignore"), arithmetic.working():
        if isinstance(arithmetic, Intervals):
            given = Interval(poles), Interval(common), Interval(weights)
        else:
            given = _exact(poles) + flint.arb(common), flint.arb(0), _exact(weights)
        return secular.secular_roots(*given, groups, arithmetic).differences


def _exact(values):
    return WIDE.array([flint.arb(float(value)) for value in values])


def holds(found, truth):
    pairs = zip(found.midpoint.flat, found.radius.flat, truth.flat, strict=True)
    with WIDE.working():
        return all(flint.arb(float(m), float(r * SLACK)).contains(ball) for m, r, ball in pairs)


@settings(max_examples=200, deadline=None)
@given(equations(), st.sampled_from((0.0, 0.75, 100.0, 2.0**40)))
def test_intervals_hold_the_roots(equation, common):
    try:
        found = differences(*equation, Intervals(), common)
    except PrecisionError:  # which balls are for
        return
    assert holds(found, differences(*equation, WIDE, common))


def test_what_poles_have_in_common_takes_no_digits():
    poles, weights, groups = np.arange(1, 50) * 1e-9, np.full(49, 1e-4), np.arange(49)
    found = differences(poles, weights, groups, Intervals(), common=0.125)
    assert holds(found, differences(poles, weights, groups, WIDE, common=0.125))
    assert np.all(found.radius <= 1e-12 * abs(found.midpoint))
    # the negative control: poles that were rounded as a whole
    with np.errstate(all="ignore"), WIDE.working():
        whole = [flint.arb(pole) + flint.arb(0.125) for pole in poles]
        rounded = Intervals().array([Intervals().from_ball(pole) for pole in whole])
        roots = secular.secular_roots(
            rounded, Interval(0.0), Interval(weights), groups, Intervals()
        ).differences
    assert np.max(roots.radius / abs(roots.midpoint)) > 1e-9


def test_many_rates_that_nearly_coincide_keep_their_digits():
    """E R^q at d = 1000 beside additive data errors was good to 2e-7 once."""
    problem = qt.Problem(1000, qt.PowerLaw(2), qt.Constant(1), noise=1)
    run = problem, qt.Quantization.uniform(qt.Additive("0.01")), qt.SGD("0.1", steps=100)
    with np.errstate(all="ignore"):
        parts = decomposition_at(Run(*run), Intervals())
    assert parts.quantized_risk.radius <= FLOAT_ACCURACY * parts.quantized_risk.midpoint


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
