"""Schedules: the stepsizes they give, and what they refuse."""

import math
from fractions import Fraction

import pytest
import sympy as sp

import qtheory as qt
from qtheory.model.schedules import PiecewiseConstant, paces
from qtheory.model.source import python_code

N = 40


def listed(schedule, steps=N):
    return [float(s.value) for s in schedule.segments(steps) for _ in range(s.steps)]


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (qt.LinearDecay("0.2"), lambda t: 0.2 * (1 - t / N)),
        (qt.CosineDecay("0.2"), lambda t: 0.1 * (1 + math.cos(math.pi * t / N))),
        (qt.ExponentialDecay("0.2", "0.002"), lambda t: 0.2 * 0.01 ** (t / N)),
        (
            qt.WarmupStableDecay("0.2", "1/8", "1/5"),
            lambda t: 0.2 * min(1, (t + 1) / 5, (N - t) / 8),
        ),
        (qt.PiecewiseConstant(["0.2", "0.1", "0.05"], [10, "3/4"]), lambda t: 0.2 / 2 ** (
            (t >= 10) + (t >= 30)
        )),
    ],
)  # fmt: skip
def test_a_schedule_is_its_formula(schedule, formula):
    assert listed(schedule) == pytest.approx([formula(t) for t in range(N)], rel=1e-15)


def test_stretches_are_those_of_stepsize_and_batch_together():
    step, batch = PiecewiseConstant([1, 2], [10]), PiecewiseConstant([1, 4], ["1/2"])
    found = [(p.steps, p.stepsize, p.batch) for p in paces(step, batch, 30)]
    assert found == [(10, 1, 1), (5, 2, 1), (15, 2, 4)]


def test_a_sequence_is_a_schedule_and_equal_neighbours_are_one_stretch():
    sgd = qt.SGD([Fraction(1, 3), Fraction(1, 3), Fraction(1, 4)], steps=3)
    assert [(p.steps, p.stepsize) for p in sgd.paces()] == [
        (2, sp.Rational(1, 3)),
        (1, sp.Rational(1, 4)),
    ]


def test_places_beyond_the_run_do_not_matter():
    assert listed(PiecewiseConstant([2, 1], [100]), 5) == [2.0] * 5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: qt.LinearDecay(0), "stepsize is 0"),
        (lambda: qt.LinearDecay("x"), "stepsize is 'x'"),
        (lambda: qt.WarmupStableDecay("0.1", "3/4", "1/2"), "decay is '1/2'.*at most 1/4"),
        (lambda: qt.WarmupStableDecay("0.1", 2), "warmup is 2"),
        (lambda: qt.PiecewiseConstant([1, 2], []), "1 places for 2 values"),
        (lambda: qt.PiecewiseConstant([1, 2], ["5/2"]), "switch_at is 5/2"),
        (lambda: listed(qt.PiecewiseConstant([1, 2, 3], [10, 5])), "ascending for N = 40"),
        (lambda: qt.SGD("0.1", qt.LinearDecay("0.1"), steps=3), "batch is LinearDecay"),
        (lambda: qt.SGD("0.1", qt.PiecewiseConstant([1, "1/2"], [2]), steps=3), "batch is 1/2"),
        (lambda: list(qt.SGD(["0.1"], steps=3).paces()), "one for each of 3 steps"),
        (lambda: qt.SGD([], steps=3), "stepsize is \\[\\]"),
        (lambda: qt.SGD("0.1", steps=3, momentum=1), "momentum is 1"),
        (lambda: qt.SGD("0.1", steps=3, momentum="-0.1"), "momentum is '-0.1'"),
        (lambda: qt.SGD("0.1", steps=3, error_feedback=1), "error_feedback is 1"),
        (lambda: list(qt.SGD(qt.CosineDecay(1), steps=10**9).paces()), "at most 10000000"),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(qt.QTheoryError, match=words):
        make()


def test_a_warmup_of_a_long_run_is_no_list_of_its_steps():
    schedule = qt.WarmupStableDecay("0.1", "1/1000000", "1/1000000")
    assert [s.steps for s in schedule.segments(10**7)] == [1] * 10 + [10**7 - 20] + [1] * 10


@pytest.mark.parametrize(
    "sgd",
    [
        qt.SGD(qt.WarmupStableDecay("0.1"), steps=20, momentum="0.9", error_feedback=True),
        qt.SGD(["0.1", "0.05"], qt.PiecewiseConstant([1, 2], [1]), steps=2),
    ],
)
def test_code_builds_it_again(sgd):
    code = python_code(qt.Problem(2), qt.Quantization(stored=qt.Additive("0.1")), sgd)
    names = {"qt": qt}
    exec(code, names)
    assert names["sgd"] == sgd
    assert names["quantization"].stored == qt.Additive("0.1")


def test_with_steps_keeps_everything_else():
    sgd = qt.SGD(qt.LinearDecay(1), 2, steps=3, output="last", momentum="1/2", error_feedback=True)
    assert sgd.with_steps(5).with_steps(3) == sgd
