"""Negative controls, to be refused by the kernel and refuted by the exact recursion.

A negative control is a theorem with one thing made false: a constant too small, an exponent off by
one, a hypothesis dropped, an inequality turned. Its counterexample is evaluated from its own
statement, with balls, against exact moments; the true theorem holds at the same place.
Those of T2 are in ``test_update.py``, those of the sums of powers in ``test_power_sums.py``.
"""

from dataclasses import dataclass, replace
from itertools import islice, pairwise

import sympy as sp

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.evaluate import decide
from qtheory.risk import recursion
from qtheory.theory import theorems
from qtheory.theory.batch import alpha_limit
from qtheory.theory.decomposition import W, first, second
from qtheory.theory.definitions import D_N, A, Pi, Pi_c, alpha, bias, k4, risk, risk_q, s2
from qtheory.theory.definitions import q as own_noise
from qtheory.theory.definitions import variance as variance_symbol
from qtheory.theory.fourth_moments import alpha_q, beta_q
from qtheory.theory.lower import floor, s2_low
from qtheory.theory.notation import B, N, additive, i, lam, multiplicative, perp
from qtheory.theory.sketch import energy, risk_on_features
from qtheory.theory.sketch import noise as noise_S
from qtheory.theory.theorem import Theorem
from qtheory.theory.upper import S as sum_symbol
from qtheory.theory.upper import c as variance_of_w
from qtheory.theory.upper import t

ADD, MUL = qt.Additive, qt.Multiplicative


def instance(dim=1, noise=1, target=1, gamma="0.5", batch=1, steps=1, **errors):
    problem = qt.Problem(dim, qt.PowerLaw(2), qt.Constant(target), noise)
    return problem, qt.Quantization(**errors), qt.SGD(gamma, batch, steps=steps)


def defined(theorem, symbol, change):
    """The theorem with one definition changed."""
    name = symbol[i] if isinstance(symbol, sp.IndexedBase) else symbol
    found = tuple(
        sp.Eq(item.lhs, change(item.rhs)) if item.lhs == name else item
        for item in theorem.definitions
    )
    assert found != theorem.definitions
    return replace(theorem, definitions=found)


def without(theorem, words):
    """The theorem with one hypothesis dropped."""
    kept = tuple(h for h in theorem.hypotheses if words not in h.meaning)
    assert len(kept) == len(theorem.hypotheses) - 1
    return replace(theorem, hypotheses=kept)


def turned(theorem):
    """The theorem with its inequality turned."""
    other = {sp.Le: sp.Ge, sp.Ge: sp.Le}[type(theorem.statement)]
    return replace(theorem, statement=other(*theorem.statement.args))


def stated(theorem, change):
    return replace(theorem, statement=change(theorem.statement))


def to_power(exponent):
    """Change min(1, (N x)^2) to another power."""
    y = N * sp.IndexedBase("x", positive=True)[i]
    return lambda e: e.xreplace({sp.Min(1, y**2): sp.Min(1, y**exponent)})


T1, T3, T4 = theorems["decomposition"], theorems["noise_constants"], theorems["upper_bound"]
T4R, T5, T5R = (
    theorems[name] for name in ("refined_upper_bound", "lower_bound", "risk_lower_bound")
)
T4F = theorems["fourth_moment_bound"]
FLOOR, SHAPE = theorems["spectral_floor"], theorems["spectral_shape"]
FEEDBACK, NOISE = theorems["feedback_limit"], theorems["noise_limit"]
S1, T4S = theorems["sketched_risk"], theorems["sketched_upper_bound"]
T4RS, T5S = theorems["sketched_refined_upper_bound"], theorems["sketched_lower_bound"]

PLAIN = instance(3, gamma="0.1", steps=9)
ADDITIVE = instance(3, gamma="0.1", steps=9, data=ADD("0.1"))
RELATIVE = instance(3, gamma="0.1", steps=9, data=MUL("0.1"))
MANY = instance(steps=10**5)  # the risk is almost all variance
TWO = instance(target=0, gamma="0.001", steps=2)  # N x is small, and nothing but variance
ONE = instance(noise=0, gamma="0.001")  # nothing but bias
FAR = instance(noise=0, gamma="0.001", batch=10**9, steps=10**7, data=ADD(1))  # at the floor
OWN = instance(noise=0, gamma="0.3", batch=10**9, steps=10**6, label=MUL(1))  # the noise q alone
OVERSHOOT = instance(noise=0, gamma="1.9", batch=10**6, steps=3)
FAST = instance(8, gamma="0.6", steps=9)  # stable, though theta > 1 in T4
HEAVY = instance(gamma="0.03", steps=10**5)  # feeds on itself: theta = 0.97
HEAVY = (replace(HEAVY[0], covariates=qt.Independent(65)), *HEAVY[1:])
FLAT = (replace(ONE[0], covariates=qt.Elliptical(3)), *ONE[1:])
BATCH = instance(3, gamma="0.1", batch=2, steps=9, activation=MUL("0.1", "elementwise"))


def sketched(gamma, steps, noise=0):
    """One feature, the first coordinate of four, of which the label has nothing: all is missed."""
    problem = qt.Problem(4, qt.PowerLaw(2), qt.Explicit([0, 1, 1, 1]), noise)
    return problem.sketched(matrix=[[1, 0, 0, 0]]), qt.Quantization(), qt.SGD(gamma, steps=steps)


MISSED, TWO_MISSED = sketched("0.1", 1000), sketched("0.001", 2)
LOUDER = (replace(MISSED[0], noise=1000), *MISSED[1:])  # than what its features miss


@dataclass(frozen=True)
class NegativeControl:
    what: str
    theorem: Theorem
    false_at: tuple[qt.Problem, qt.Quantization, qt.SGD]

    def __str__(self):
        return f"{self.theorem.label}: {self.what}"


def times(factor):
    return lambda expression: factor * expression


def of_gaussian_data(expression):
    """3 and 2 for what bounds the fourth moments, whatever they are."""
    return expression.xreplace({alpha_q: 3 * k4, beta_q: 2 * k4})


NEGATIVE_CONTROLS = [
    NegativeControl("A halved", defined(T1, A, times(1 / sp.Integer(2))), ADDITIVE),
    NegativeControl("W doubled", defined(T1, W, times(2)), ADDITIVE),
    NegativeControl(
        "W with the wrong sign", stated(T1, lambda s: sp.Eq(s.lhs, s.rhs + 2 * W)), ADDITIVE
    ),
    NegativeControl(
        "alpha halved", defined(T3, alpha, times(sp.Rational(1, 2))), instance(steps=20)
    ),
    NegativeControl("noise halved", defined(T3, s2, times(sp.Rational(1, 2))), instance(steps=20)),
    NegativeControl("turned", turned(T3), PLAIN),
    NegativeControl(
        "variance cut to a third", defined(T4, variance_symbol, times(sp.Rational(1, 3))), MANY
    ),
    NegativeControl("bias halved", defined(T4, bias, times(sp.Rational(1, 2))), ONE),
    NegativeControl("D_N with the power 3", defined(T4, D_N, to_power(3)), TWO),
    NegativeControl("A cut to a third", defined(T4, A, times(sp.Rational(1, 3))), FAR),
    NegativeControl("large steps allowed", without(T4, "no coordinate overshoots"), OVERSHOOT),
    NegativeControl("theta >= 1 allowed", without(T4, "the noise does not feed itself"), FAST),
    NegativeControl("turned", turned(T4), PLAIN),
    NegativeControl(
        "variance cut to a third", defined(T4F, variance_symbol, times(sp.Rational(1, 3))), MANY
    ),
    NegativeControl("alpha halved", defined(T4F, alpha, times(sp.Rational(1, 2))), HEAVY),
    NegativeControl("alpha of Gaussian data", defined(T4F, alpha, of_gaussian_data), HEAVY),
    NegativeControl("bias halved", defined(T4F, bias, times(sp.Rational(1, 2))), FLAT),
    NegativeControl("D_N with the power 3", defined(T4F, D_N, to_power(3)), TWO),
    NegativeControl("A cut to a third", defined(T4F, A, times(sp.Rational(1, 3))), FAR),
    NegativeControl("large steps allowed", without(T4F, "no coordinate overshoots"), OVERSHOOT),
    NegativeControl("turned", turned(T4F), PLAIN),
    NegativeControl(
        "variance halved", defined(T4R, variance_symbol, times(sp.Rational(1, 2))), MANY
    ),
    NegativeControl(
        "alpha cut to a hundredth", defined(T4R, alpha, times(sp.Rational(1, 100))), MANY
    ),
    NegativeControl("s^2 halved", defined(T4R, s2, times(sp.Rational(1, 2))), MANY),
    NegativeControl("q cut to a third", defined(T4R, own_noise, times(sp.Rational(1, 3))), OWN),
    NegativeControl("weights with the power 3", defined(T4R, variance_symbol, to_power(3)), TWO),
    NegativeControl("bias halved", defined(T4R, bias, times(sp.Rational(1, 2))), ONE),
    NegativeControl("large steps allowed", without(T4R, "no coordinate overshoots"), OVERSHOOT),
    NegativeControl("turned", turned(T4R), PLAIN),
    NegativeControl("1/12 for 1/24", defined(T5, variance_symbol, times(2)), TWO),
    NegativeControl(
        "label noise twice",
        defined(T5, s2_low, lambda e: e + additive["label"] / B),
        instance(noise=0, target=0, gamma="0.001", steps=2, label=ADD(1)),
    ),
    NegativeControl("D_N with the power 1", defined(T5, D_N, to_power(1)), TWO),
    NegativeControl("one step allowed", without(T5, "one step returns w_0"), instance(target=0)),
    NegativeControl("turned", turned(T5), PLAIN),
    NegativeControl("1/12 for 1/24", defined(T5R, variance_symbol, times(2)), TWO),
    NegativeControl("F doubled", defined(T5R, floor, times(2)), FAR),
    NegativeControl("one step allowed", without(T5R, "one step returns w_0"), instance(target=0)),
    NegativeControl("turned", turned(T5R), PLAIN),
    NegativeControl(
        "a floor of 2 eps",
        stated(FLOOR, lambda s: sp.Eq(s.lhs, s.rhs + additive["data"] / lam[i])),
        ADDITIVE,
    ),
    NegativeControl("any data errors", without(FLOOR, "data errors are additive"), RELATIVE),
    NegativeControl(
        "(1 + 2 eps) lambda",
        stated(SHAPE, lambda s: sp.Eq(s.lhs, s.rhs + multiplicative["data"] * lam[i])),
        RELATIVE,
    ),
    NegativeControl("any data errors", without(SHAPE, "data errors are multiplicative"), ADDITIVE),
    NegativeControl(
        "Pi for Pi_c", defined(FEEDBACK, alpha_limit, lambda e: e.xreplace({Pi_c: Pi})), BATCH
    ),
    NegativeControl("the rate 1/B^2", stated(FEEDBACK, lambda s: sp.Eq(s.lhs, s.rhs / B)), BATCH),
    NegativeControl("the rate 1/B^2", stated(NOISE, lambda s: sp.Eq(s.lhs, s.rhs / B)), BATCH),
    NegativeControl("perp twice", stated(S1, lambda s: sp.Eq(s.lhs, s.rhs + perp)), MISSED),
    *(
        NegativeControl("perp / 4", stated(each, lambda s: sp.Le(s.lhs, s.rhs - perp / 4)), MISSED)
        for each in (T4S, T4RS)
    ),
    *(
        NegativeControl(
            "what is missed is no noise", defined(each, noise_S, lambda e: e - perp), MISSED
        )
        for each in (T4S, T4RS)
    ),
    *(
        NegativeControl("other noise in the label", without(each, "noise of its own"), LOUDER)
        for each in (T4S, T4RS)
    ),
    NegativeControl(
        "perp for perp / 2", stated(T5S, lambda s: sp.Ge(s.lhs, s.rhs + perp / 2)), MISSED
    ),
    NegativeControl("what is missed is noise twice", defined(T5S, noise_S, times(2)), TWO_MISSED),
    NegativeControl("turned", turned(T4S), MISSED),
    NegativeControl("turned", turned(T4RS), MISSED),
    NegativeControl("turned", turned(T5S), MISSED),
]


def verdict(theorem, problem, quantization, sgd):
    """Whether the statement of a theorem holds at an instance: True, False or None (undecided)."""
    arithmetic = Balls(bits=400)
    exact = qt.excess_risk(problem, quantization, sgd, digits=60)
    with arithmetic.working():
        numbers = instantiate(Run(problem, quantization, sgd), arithmetic)
        values = theorem.values(numbers)
        if theorem.name in ("decomposition", "sketched_risk"):
            moments = recursion.output_moments(numbers, Window.of(sgd))
            values[first], values[second] = moments
        else:
            values[risk_on_features], values[risk_q] = exact.total, exact.quantized_risk
            values[risk] = exact.total - exact.sketching
        if theorem.name == "sketched_risk":
            values[energy] = problem.features.second_moments().energy
        theorem = theorem.in_the_model
        if theorem.name != "noise_constants":
            return decide(theorem.statement, values, arithmetic)
        verdicts = []
        wq, lq = numbers.quantized_target, numbers.quantized_eigenvalues
        for now, after in pairwise(islice(recursion.trajectory(numbers), int(sgd.steps))):
            values[variance_of_w[t, i]] = now.v - now.m**2
            values[variance_of_w[t + 1, i]] = after.v - after.m**2
            values[sum_symbol[t]] = (lq * (now.v - 2 * wq * now.m + wq**2)).sum()
            verdicts.append(decide(theorem.statement, values, arithmetic))
        return False if False in verdicts else None if None in verdicts else True
