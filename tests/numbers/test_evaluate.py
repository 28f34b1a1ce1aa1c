"""One formula in four arithmetics."""

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.claims.claim import claim_of
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls, Float64, MPMath, Symbolic
from qtheory.numbers.evaluate import decide, evaluate

i, k, d, N = sp.symbols("i k d N", positive=True, integer=True)
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


@pytest.mark.parametrize("arithmetic", [Symbolic(), Balls(bits=100), Float64(), MPMath(digits=20)])
def test_a_sum_is_over_its_limits(arithmetic):
    """x = (1/4, 1, 7/4), by hand."""
    sums = {
        sp.Sum(x[i], (i, 1, d)): 3,
        sp.Sum(x[i], (i, 1, 3)): 3,
        sp.Sum(x[i], (i, 2, 3)): sp.Rational(11, 4),
        sp.Sum(x[i], (i, 2, d - 1)): 1,
        sp.Sum(x[i], (i, 1, N - 1)): sp.Rational(5, 4),
        sp.Sum(x[i], (i, 3, 2)): 0,
        sp.Sum(N, (i, 2, 3)): 6,
        x[2] + sp.Sum(x[1] * x[i], (i, 3, 3)): sp.Rational(23, 16),
        sp.Sum(x[i] * sp.Sum(x[k], (k, 1, 2)), (i, 1, 2)): sp.Rational(25, 16),
    }
    with arithmetic.working():
        for formula, value in sums.items():
            found = evaluate(formula, values(arithmetic), arithmetic)
            assert bool(found == arithmetic.number(sp.Rational(value))), formula


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (sp.Sum(x[i], (i, 2, 4)), "a sum within 1 to 3"),
        (sp.Sum(x[i], (i, 0, 3)), "a sum within 1 to 3"),
        (sp.Sum(x[i], (i, 1, sp.Rational(5, 2))), "between whole numbers"),
        (sp.Sum(x[i] * x[k], (i, 1, 3), (k, 1, 3)), "over one index"),
        (sp.Sum(x[i] * x[k], (i, 1, 3)), "a sum over k too"),
        (sp.Sum(x[k], (i, 1, 3)), "a sum over k too"),
        (x[4], "one coordinate, from 1 to 3"),
        (x[i + 1], "one coordinate, from 1 to 3"),
    ],
)
def test_a_sum_over_other_coordinates_is_refused(formula, message):
    with pytest.raises(qt.QTheoryError, match=message):
        evaluate(formula, values(Float64()), Float64())
    unknown = sp.Symbol("M", integer=True, positive=True)
    with pytest.raises(qt.SymbolicValueError, match="give a value to M"):
        evaluate(sp.Sum(x[i], (i, 1, unknown)), values(Float64()), Float64())


def test_a_claim_on_a_part_of_the_spectrum_is_about_that_part():
    """The second and third eigenvalue are at most the first two, and not all of them."""
    lam = sp.IndexedBase("lambda", nonnegative=True)
    some = sp.Sum(lam[i], (i, 2, 2))
    problem = qt.Problem(3, qt.PowerLaw(2), qt.Constant(1))
    run = problem, qt.Quantization(), qt.SGD("0.1", steps=5)
    assert claim_of(sp.Le(some, sp.Rational(1, 4))).at(Run(*run), 30).holds is True
    assert (
        claim_of(sp.Le(sp.Sum(lam[i], (i, 1, d)), sp.Rational(1, 4))).at(Run(*run), 30).holds
        is False
    )


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
