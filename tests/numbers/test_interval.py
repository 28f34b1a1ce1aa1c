"""Intervals hold what they say: every operation beside the same in balls of 200 bits."""

import operator

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtheory.numbers import interval
from qtheory.numbers.arithmetic import Balls, Intervals
from qtheory.numbers.interval import SLACK, Interval

WIDE = Balls(bits=200)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-200)
RADII = st.sampled_from((0.0, 0.0, 1e-18, 1e-12, 1e-3))


@st.composite
def intervals(draw, numbers=NUMBERS):
    middles = draw(st.lists(numbers, min_size=3, max_size=3))
    radii = [draw(RADII) * abs(middle) for middle in middles]
    return Interval(np.array(middles), np.array(radii))


def balls(number):
    return [
        flint.arb(float(m), float(r)) for m, r in zip(number.midpoint, number.radius, strict=True)
    ]


def holds(found, truths):
    """Whether each interval contains all of a ball; nothing is said where it is unknown."""
    for middle, radius, truth in zip(
        np.ravel(found.midpoint), np.ravel(found.radius), truths, strict=True
    ):
        if np.isfinite(radius) and not flint.arb(float(middle), float(radius * SLACK)).contains(
            truth
        ):
            return False
    return True


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul, operator.truediv])
@settings(max_examples=200, deadline=None)
@given(intervals(), intervals(), st.integers(1, 10**18))
def test_basic_operations(operation, left, right, whole):
    with np.errstate(all="ignore"), WIDE.working():
        assert holds(operation(left, right), map(operation, balls(left), balls(right)))
        assert holds(operation(left, whole), [operation(ball, whole) for ball in balls(left)])
        assert holds(operation(1, left), [operation(1, ball) for ball in balls(left)])


@settings(max_examples=200, deadline=None)
@given(intervals(st.floats(1e-200, 700)), st.sampled_from((2, 3, 17, 1000)))
def test_functions(number, exponent):
    with np.errstate(all="ignore"), WIDE.working():
        there = balls(number)
        for name in ("exp", "log", "log1p", "expm1"):
            assert holds(getattr(number, name)(), [getattr(ball, name)() for ball in there])
        for sign in (1, -1):
            powers = [Balls().integer_power(sign * ball, exponent) for ball in there]
            assert holds((sign * number) ** exponent, powers)
        power = Intervals().power(number, Interval(np.array(-1.25)))
        assert holds(power, [ball ** flint.arb(-1.25) for ball in there])


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.floats(0, 2), st.floats(1e-18, 1e-6)),
    RADII,
    st.sampled_from((0, 1, 2, 7, 10**3, 10**9, 10**15)),
)
def test_decay(loss, radius, steps):
    with np.errstate(all="ignore"), WIDE.working():
        number = Interval(np.array([loss]), np.array([radius * loss]))
        for found, truth in zip(
            Intervals().decay(number, steps), WIDE.decay(balls(number)[0], steps), strict=True
        ):
            assert holds(found, [truth])


@settings(max_examples=100, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=2000))
def test_sums(numbers):
    with WIDE.working():
        assert holds(Interval(np.array(numbers)).sum(), [sum(map(flint.arb, numbers))])


@st.composite
def matrices(draw):
    """Of any size, with terms that cancel and some that are tiny or 0."""
    rows, columns = draw(st.integers(1, 5)), draw(st.sampled_from((1, 2, 9, 200)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = random.choice((0.0, 1e-170, 1e-9, 1.0, 1e6), (rows, columns))
    middles = sizes * random.uniform(-1, 1, sizes.shape)
    if columns > 1:
        middles[:, -1] = -middles[:, :-1].sum(axis=1)
    return Interval(middles, abs(middles) * draw(RADII))


def rows_of(matrix):
    return [balls(row) for row in matrix]


@settings(max_examples=150, deadline=None)
@given(matrices(), st.integers(0, 2**32), RADII)
def test_sums_and_products_of_matrices(matrix, seed, radius):
    rows, columns = matrix.midpoint.shape
    random = np.random.default_rng(seed)

    def vector(length):
        entries = random.normal(size=length) * random.choice((1.0, 1e-170), length)
        return Interval(entries, abs(entries) * radius)

    left, right = vector(rows), vector(columns)
    with WIDE.working():
        there = np.array(rows_of(matrix))
        assert holds(matrix.sum(axis=1), there.sum(axis=1))
        assert holds(matrix.sum(axis=0), there.sum(axis=0))
        assert holds(matrix[:, ::-1].sum(axis=1), there.sum(axis=1))
        assert holds(matrix.sum(), [there.sum()])
        assert holds(matrix @ right, there @ balls(right))
        assert holds(left @ matrix, balls(left) @ there)
        assert holds(right @ right, [np.array(balls(right)) @ balls(right)])
        products, quotients = (matrix * right)[0], (right[:, None] / left)[0]
        assert holds(products, there[0] * balls(right))
        assert holds(quotients, balls(right)[0] / np.array(balls(left)))


def test_a_product_is_zero_only_if_a_factor_is():
    tiny = Interval(np.array([[1e-200, 0.0], [0.0, 0.0]]))
    found = tiny @ Interval(np.array([1e-200, 1.0]))
    assert found.radius[0] > 0
    assert found[1] == 0


def test_products_that_underflow():
    tiny = Interval(np.array([1e-200, 0.0]))
    product = tiny * tiny
    assert product.radius[0] > 0
    assert product[1] == 0


@pytest.mark.parametrize("sizes", [(-320, -156), (-10, -305), (-150, -150), (-300, 300)])
@pytest.mark.parametrize("radius", [0.0, 1e-13, 1e-3])
def test_numbers_near_the_ends_of_float64(sizes, radius):
    """Where the parts of a radius underflow, and the radius must not."""
    random = np.random.default_rng(0)
    left, right = (
        Interval(middles, abs(middles) * radius)
        for middles in (random.uniform(1, 10, 200) * 10.0**size for size in sizes)
    )
    with np.errstate(all="ignore"), WIDE.working():
        for operation in (operator.truediv, operator.mul, operator.add):
            truths = map(operation, _widest(left), _widest(right))
            assert holds(operation(left, right), truths)


def _widest(number):
    """The ends that are farthest from 0 of positive numbers."""
    return [
        flint.arb(m) + flint.arb(r) for m, r in zip(number.midpoint, number.radius, strict=True)
    ]


def test_a_divisor_that_may_be_zero():
    with np.errstate(all="ignore"):
        quotient = 1 / (Interval(np.array(0.1)) * 3 - Interval(np.array(0.3)))
    assert not quotient.is_finite()


def test_comparisons_are_certain():
    third = Interval(np.array(1.0)) / 3
    assert not third * 3 < 1
    assert not third * 3 > 1
    equal, different = third * 3 == 1, third * 3 != 1
    assert not equal
    assert not different
    assert third < 1
    assert third != 1
    assert Interval(np.array(2.0)) == 2


def test_numbers_of_the_package():
    import sympy as sp

    tenth = Intervals().number(sp.Rational(1, 10))
    with WIDE.working():
        assert holds(tenth, [flint.arb(flint.fmpq(1, 10))])
        assert holds(Intervals().from_ball(flint.arb(1) / 3), [flint.arb(1) / 3])
        assert holds(Intervals().constant(sp.pi), [flint.arb.pi()])
    assert Intervals().number(sp.Rational(1, 4)) == 0.25


def test_without_rounding_errors_nothing_holds(monkeypatch):
    """The negative control: intervals that forget their roundings miss the truth."""
    monkeypatch.setattr(interval, "_EPS", 0.0)
    with WIDE.working():
        third = Interval(np.array([1.0])) / 3
        assert not holds(third, [flint.arb(1) / 3])
        tenths = Interval(np.full((1, 3), 0.1))
        assert not holds(tenths @ tenths[0], [3 * flint.arb(0.1) ** 2])
        assert not holds(tenths.sum(axis=1), [3 * flint.arb(0.1)])
