"""Bounds: on the right side of the exact risk, refused outside their hypotheses, and controls."""

import dataclasses
from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Float64
from qtheory.testing import problems, quantizations
from qtheory.theory.definitions import bias, variance
from qtheory.theory.lower import floor, risk_lower_bound
from qtheory.theory.lower import lower_bound as t5
from qtheory.theory.upper import upper_bound as t4
from tests.risk.known_totals import PROBLEM

SGD = qt.SGD("0.1", steps=60)


@st.composite
def bounded_instances(draw):
    """Instances inside the hypotheses of at least one upper bound, often near their edge."""
    one_kind = st.one_of(
        st.just(qt.ErrorModel()),
        st.fractions(0, 1, max_denominator=64).map(qt.Additive),
        st.builds(
            qt.Multiplicative,
            st.fractions(0, Fraction(1, 2), max_denominator=64),
            st.sampled_from(("shared", "elementwise")),
        ),
    )
    problem, quantization = draw(problems()), draw(quantizations(data=one_kind))
    batch, steps = draw(st.integers(1, 20)), draw(st.integers(2, 60))
    largest = qt.stability(problem, quantization, qt.SGD(1, batch, steps=1)).largest_stepsize
    fraction = draw(st.fractions(Fraction(1, 64), Fraction(15, 16), max_denominator=64))
    stepsize = fraction * Fraction(largest).limit_denominator(10**6)
    return problem, quantization, qt.SGD(stepsize, batch, steps=steps)


@pytest.mark.parametrize(
    ("formula", "listed"),
    [
        ("max(0, 2 - i)", [1, 0, 0, 0]),
        ("max(0, 1 - i/5)/2", ["2/5", "3/10", "1/5", "1/10", 0]),
        ("max(0, i - 3) + max(0, 2 - i)", [1, 0, 0, 1, 2]),
        ("max(exp(-i) - exp(-2), 0)", [sp.exp(-1) - sp.exp(-2), 0]),
    ],
)
def test_a_formula_that_hits_0_is_refused_for_that(formula, listed):
    """With advice about the steps, as before, nobody finds the eigenvalue."""
    dim = len(listed)
    written = qt.Problem(dim, qt.SpectrumFormula(formula), qt.Constant(1))
    plain = qt.Problem(dim, qt.Explicit(listed), qt.Constant(1))
    first = listed.index(0) + 1
    message = f"spectrum is '0 (in float64 )?at i = {first}', but must be .*qt.Explicit"
    for part in (qt.excess_risk, qt.upper_bound, qt.lower_bound):
        for digits in (None, 25):
            with pytest.raises(qt.InvalidArgumentError, match=message):
                part(written, qt.Quantization(), SGD, digits=digits)
            assert part(plain, qt.Quantization(), SGD, digits=digits).total > 0
    # an additive error of the data lifts it from 0
    noisy = qt.Quantization(data=qt.Additive("0.01"), parameter=qt.Additive("0.001"))
    for part in (qt.excess_risk, qt.upper_bound, qt.lower_bound):
        one, other = (part(p, noisy, SGD, digits=25).total for p in (written, plain))
        assert one.overlaps(other)


def test_an_eigenvalue_too_small_for_float64_is_not_0():
    problem = qt.Problem(800, qt.SpectrumFormula("exp(-i)"), qt.Constant(1))
    assert qt.upper_bound(problem, qt.Quantization(), SGD, digits=20).total > 0


def test_an_eigenvalue_of_0_has_no_coefficient_by_its_energy():
    problem = qt.Problem(3, qt.SpectrumFormula("max(0, 2 - i)"), qt.SourceCondition(2))
    for part in (qt.excess_risk, qt.upper_bound):
        with pytest.raises(qt.InvalidArgumentError, match="where an eigenvalue is 0"):
            part(problem, qt.Quantization(), SGD)


@settings(max_examples=150, deadline=None)
@given(bounded_instances())
def test_lower_exact_upper(instance):
    risk = qt.excess_risk(*instance, digits=15)
    checked = 0
    for form in ("refined", "paper"):
        try:
            upper = qt.upper_bound(*instance, digits=15, form=form)
        except qt.HypothesisError:
            continue
        assert risk.total <= upper.total
        assert risk.quantized_risk <= upper.quantized_risk
        checked += 1
    assume(checked)
    # Equality is possible in the lower bound (no noise at all), so overlap is allowed there.
    lower = qt.lower_bound(*instance, digits=15)
    assert lower.total <= risk.total or lower.total.overlaps(risk.total)
    assert lower.quantized_risk <= risk.quantized_risk or lower.quantized_risk.overlaps(
        risk.quantized_risk
    )


def test_default_is_the_tightest_form_that_holds():
    best = qt.upper_bound(PROBLEM, qt.Quantization(), SGD)
    forms = {
        f: qt.upper_bound(PROBLEM, qt.Quantization(), SGD, form=f) for f in ("refined", "paper")
    }
    assert best.total == min(bound.total for bound in forms.values())
    assert best.form == "refined"
    # (1 + kappa) x <= 1 is more than T4 asks for.
    fast = qt.SGD("0.95", 16, steps=60)
    assert qt.upper_bound(PROBLEM, qt.Quantization(), fast).form == "paper"


def test_terms_add_up_and_the_approximation_is_that_of_the_risk():
    quantization = qt.Quantization.uniform(qt.Additive("0.01"))
    bound = qt.upper_bound(PROBLEM, quantization, SGD, digits=20)
    risk = qt.excess_risk(PROBLEM, quantization, SGD, digits=20)
    assert bound.total.overlaps(bound.approximation + bound.bias + bound.variance)
    assert bound.approximation.overlaps(risk.approximation)
    lower = qt.lower_bound(PROBLEM, quantization, SGD, digits=20)
    assert lower.approximation.overlaps(risk.floor)


@pytest.mark.parametrize(
    ("quantization", "sgd", "form", "message"),
    [
        (qt.Quantization(), qt.SGD("1.1", steps=9), "paper", r"x\[i\] <= 1 .*is 1.1 here"),
        (qt.Quantization(), qt.SGD("0.7", steps=9), "paper", "theta < 1 .*but theta is"),
        (
            qt.Quantization(),
            qt.SGD("0.95", 16, steps=9),
            "refined",
            r"\(no coordinate overshoots, noise",
        ),
        (
            qt.Quantization(data=qt.Additive("0.1") + qt.Multiplicative("0.1")),
            SGD,
            "paper",
            "purely additive or purely multiplicative",
        ),
        (qt.Quantization(), qt.SGD("0.1", steps=9, output="last"), "paper", "output is 'last'"),
    ],
)
def test_outside_the_hypotheses(quantization, sgd, form, message):
    with pytest.raises(qt.HypothesisError, match=message):
        qt.upper_bound(PROBLEM, quantization, sgd, form=form)


def test_no_form_holds_names_both():
    with pytest.raises(qt.HypothesisError, match=r"T4' .*; T4 "):
        qt.upper_bound(PROBLEM, qt.Quantization(), qt.SGD("1.1", steps=9))


def test_lower_bound_needs_two_steps_and_small_steps():
    with pytest.raises(qt.HypothesisError, match=r"N >= 2 .*but N is 1 here"):
        qt.lower_bound(PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=1))
    with pytest.raises(qt.HypothesisError, match=r"x\[i\] <= 1"):
        qt.lower_bound(PROBLEM, qt.Quantization(), qt.SGD("1.01", steps=9))


def test_an_equality_is_decided_exactly():
    # gamma lambda = 1/3 * 3: a ball cannot tell whether that is at most 1, exact arithmetic can.
    problem = qt.Problem(1, qt.Explicit([3]), qt.Constant(1), 1)
    assert (
        qt.lower_bound(problem, qt.Quantization(), qt.SGD("1/3", 60, steps=9), digits=20).total > 0
    )
    slightly_more = sp.Rational(1, 3) + sp.Rational(1, 10**90)
    with pytest.raises(qt.HypothesisError):
        qt.lower_bound(problem, qt.Quantization(), qt.SGD(slightly_more, 60, steps=9))


def test_unknown_form():
    with pytest.raises(qt.InvalidArgumentError, match=r"form is 'best'.*refined, paper"):
        qt.upper_bound(PROBLEM, qt.Quantization(), SGD, form="best")


def test_the_quantized_lower_bound_is_no_bound_on_the_risk():
    # T5 bounds E R^q. With a flat additive floor over a small spectrum it exceeds E R itself.
    problem = qt.Problem(40, qt.Explicit(["1/10"] + ["1/100000"] * 39), qt.Constant(0), 1)
    quantization = qt.Quantization(data=qt.Additive("1/10"))
    sgd = qt.SGD("1/5", 4, steps=400)
    risk = qt.excess_risk(problem, quantization, sgd, digits=15)
    lower = qt.lower_bound(problem, quantization, sgd, digits=15)
    assert lower.quantized_risk > risk.total
    assert lower.quantized_risk <= risk.quantized_risk
    assert lower.total <= risk.total


def scaled(theorem, factor):
    """The theorem with its variance term multiplied."""
    definitions = tuple(
        sp.Eq(item.lhs, factor * item.rhs) if str(item.lhs) == "variance" else item
        for item in theorem.definitions
    )
    return dataclasses.replace(theorem, definitions=definitions)


def test_twins_with_a_false_constant_fail(monkeypatch):
    from qtheory.theory import bounds

    risk = qt.excess_risk(PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=2000), digits=15)
    arguments = (PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=2000))
    assert risk.total <= qt.upper_bound(*arguments, digits=15, form="paper").total
    monkeypatch.setitem(bounds.UPPER_FORMS, "paper", scaled(t4, sp.Rational(1, 50)))
    assert not risk.total <= qt.upper_bound(*arguments, digits=15, form="paper").total
    assert qt.lower_bound(*arguments, digits=15).quantized_risk <= risk.quantized_risk
    monkeypatch.setattr(bounds, "quantized_lower_bound", scaled(t5, 24))
    assert not qt.lower_bound(*arguments, digits=15).quantized_risk <= risk.quantized_risk


# --- float64 bounds are bounds -------------------------------------------------------------------


@pytest.mark.parametrize("stepsize", ["0.1", "1e-3", "6e-17", "1e-100"])
def test_small_steps_cost_no_digits(stepsize):
    """1 - (1 - x)^N as it stands is all rounding there: the bound was above the exact risk."""
    problem = qt.Problem(35, qt.Exponential(1), qt.SourceCondition("1.1"), noise=0)
    run = problem, qt.Quantization(), qt.SGD(stepsize, steps=1000)
    certified = qt.lower_bound(*run, digits=30), qt.upper_bound(*run, digits=30)
    plain = qt.lower_bound(*run), qt.upper_bound(*run)
    exact = qt.excess_risk(*run, digits=30).total
    assert plain[0].total <= certified[0].total
    assert certified[1].total <= plain[1].total
    # at the smallest step they agree to 90 digits, and balls overlap
    assert not certified[0].total > exact
    assert not exact > certified[1].total
    for rounded, balls in zip(plain, certified, strict=True):
        for name in ("total", "approximation", "bias", "variance", "effective_dimension"):
            near = float(getattr(balls, name))
            assert getattr(rounded, name) == pytest.approx(near, rel=1e-11, abs=1e-300)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 40),
    st.sampled_from((qt.Exponential(1), qt.PowerLaw(2), qt.PowerLaw("6/5"))),
    st.sampled_from((qt.Constant(1), qt.SourceCondition("1.1"), qt.SourceCondition(3))),
    st.sampled_from((0, 1, "1e-9")),
    st.sampled_from(("0", "1e-3", "1/4")),
    st.integers(0, 40),
    st.sampled_from((2, 10, 1000, 10**6)),
)
def test_float64_bounds_lie_outside_of_certified_ones(
    dim, spectrum, target, noise, level, power, steps
):
    problem = qt.Problem(dim, spectrum, target, noise)
    quantization = qt.Quantization(data=qt.Additive(level), label=qt.Additive(level))
    run = problem, quantization, qt.SGD(Fraction(1, 4 * 2**power), 4, steps=steps)
    lower, upper = qt.lower_bound(*run), qt.upper_bound(*run)
    assert lower.total <= qt.lower_bound(*run, digits=20).total
    assert upper.total >= qt.upper_bound(*run, digits=20, form=upper.form).total
    assert lower.quantized_risk <= qt.lower_bound(*run, digits=20).quantized_risk
    exact = qt.excess_risk(*run, digits=20)
    assert lower.total <= exact.total <= upper.total
    assert exact.quantized_risk <= upper.quantized_risk


def test_the_formula_in_plain_float64_is_no_bound():
    """The negative control of the two above: this is what was handed out."""
    problem = qt.Problem(35, qt.Exponential(1), qt.SourceCondition("1.1"), noise=0)
    run = problem, qt.Quantization(), qt.SGD("0.1", steps=1000)
    values = risk_lower_bound.values(instantiate(Run(*run), Float64()))
    formula = sum(float(values[part]) for part in (floor, bias, variance))
    assert formula > qt.excess_risk(*run, digits=20).total
