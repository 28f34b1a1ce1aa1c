"""One formula in four arithmetics."""

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.numbers.arithmetic import Balls, Float64, MPMath, Symbolic
from qtheory.numbers.evaluate import decide, evaluate

i, d, N = sp.symbols("i d N", positive=True, integer=True)
x = sp.IndexedBase("x", positive=True)
FORMULAS = [
    sp.Sum(x[i] ** 2, (i, 1, d)),
    sp.Sum(sp.Min(1, N * x[i]), (i, 1, d)),
    sp.Sum(sp.Max(x[i], 1) ** sp.Rational(-3, 2), (i, 1, d)),
    sp.exp(-N) + sp.log(N) / sp.pi,
    sp.Sum((1 - x[i]) ** N, (i, 1, d)),
    sp.Piecewise((N, N < 2), (N**2, True)),
    sp.E**2 - sp.sqrt(3),
]


def values(arithmetic):
    numbers = [arithmetic.number(sp.Rational(k, 4)) for k in (1, 4, 7)]
    return {x: arithmetic.array(numbers), N: arithmetic.number(3)}


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_arithmetics_agree(formula):
    exact = evaluate(formula, values(Symbolic()), Symbolic())
    reference = mpmath.mpf(str(sp.N(exact, 45)))
    balls = Balls(bits=200)
    with balls.working():
        ball = evaluate(formula, values(balls), balls)
        assert ball.contains(flint.arb(str(sp.N(exact, 45)))) or abs(
            ball - flint.arb(str(sp.N(exact, 45)))
        ) < flint.arb("1e-40")
    assert float(evaluate(formula, values(Float64()), Float64())) == pytest.approx(float(reference))
    mp = MPMath(digits=40)
    assert abs(evaluate(formula, values(mp), mp) - mp.context.mpf(str(sp.N(exact, 45)))) < 1e-37


def test_a_missing_value_is_named():
    with pytest.raises(qt.SymbolicValueError, match="give a value to d"):
        evaluate(d + 1, {}, Float64())


def test_unknown_functions_are_refused():
    with pytest.raises(TypeError, match="sin"):
        evaluate(sp.sin(N), {N: np.float64(1)}, Float64())


def test_overlapping_balls_decide_nothing():
    y = sp.Symbol("y", real=True)
    arithmetic = Balls(bits=64)
    with arithmetic.working():
        third = arithmetic.number(sp.Rational(1, 3))
        assert decide(sp.Le(3 * y, 1), {y: third}, arithmetic) is None
        assert decide(sp.Le(2 * y, 1), {y: third}, arithmetic) is True
        assert decide(sp.Le(4 * y, 1), {y: third}, arithmetic) is False
        several = arithmetic.array([third, arithmetic.number(2)])
        assert decide(sp.Le(x[i], 1), {x: several}, arithmetic) is False
    assert decide(sp.Le(3 * y, 1), {y: sp.Rational(1, 3)}, Symbolic()) is True


def test_powers_of_balls_around_zero_stay_finite():
    ball = flint.arb(0, "1e-3")
    power = Balls().integer_power(ball, 2)
    assert power.is_finite()
    assert power.contains(flint.arb("1e-6"))
    assert not power.contains(flint.arb("2e-6"))
