"""Recursion, closed form and powers of the step agree wherever more than one applies."""

from fractions import Fraction

import flint
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.errors import PrecisionError
from qtheory.numbers.arithmetic import Balls, Float64, MPMath
from qtheory.risk import closed_form, cost
from qtheory.testing import instances
from tests.risk.known_totals import PROBLEM, SMALL
from tests.risk.three_ways import by_closed_form, by_powers, by_recursion

BITS = Balls(bits=400)
RANK_ONE = [
    case for case in SMALL if case.quantization.data.additive * case.quantization.data.shared == 0
]


def agree(left, right, digits):
    gap = abs(left - right)
    assert left.is_finite()
    assert right.is_finite()
    return bool(gap <= flint.arb(10) ** -digits * abs(right))


@settings(max_examples=120, deadline=None)
@given(instances())
def test_on_random_instances(instance):
    problem, quantization, sgd = instance
    exact = by_recursion(problem, quantization, sgd, BITS).total
    assume(exact > 0)
    assert agree(by_powers(problem, quantization, sgd, BITS).total, exact, 40)
    # whatever method excess_risk takes, and in float64
    assert agree(qt.excess_risk(problem, quantization, sgd, digits=30).total, exact, 30)
    assert float(qt.excess_risk(problem, quantization, sgd).total) == pytest.approx(
        float(exact), rel=1e-9
    )
    if quantization.data.additive == 0 or quantization.data.shared == 0:
        try:
            closed = by_closed_form(problem, quantization, sgd, BITS).total
        except (PrecisionError, ZeroDivisionError):
            return  # equal rates of decay, which test_equal_rates is about
        if closed.is_finite():
            assert closed.overlaps(exact)


@pytest.mark.parametrize("output", ["average", "last", "tail"])
@pytest.mark.parametrize("steps", [1, 2, 1000, 10**6, 10**12])
@pytest.mark.parametrize("case", RANK_ONE, ids=lambda case: case.name)
def test_closed_form_and_powers_for_many_steps(case, output, steps):
    sgd = qt.SGD("0.1", case.batch, steps=steps, output=output, tail="1/3")
    wide = Balls(bits=700)
    closed = by_closed_form(PROBLEM, case.quantization, sgd, wide)
    powers = by_powers(PROBLEM, case.quantization, sgd, wide)
    assert agree(closed.total, powers.total, 60)
    assert agree(closed.quantized_risk, powers.quantized_risk, 60)


@pytest.mark.parametrize("steps", [60, 10**12])
def test_rank_two_falls_back_to_powers(steps):
    case = SMALL[-1]
    sgd = qt.SGD("0.1", case.batch, steps=steps)
    assert cost.method_for(8, 10**12, rank_one=False, balls=True)[0] == "powers"
    exact = qt.excess_risk(PROBLEM, case.quantization, sgd, digits=40).total
    assert agree(by_powers(PROBLEM, case.quantization, sgd, Balls(bits=700)).total, exact, 40)


@pytest.mark.parametrize(
    ("problem", "stepsize"),
    [
        (qt.Problem(3, qt.Explicit([1, "1/2", "1/2"]), qt.Explicit([1, 2, -1])), "0.1"),
        (qt.Problem(4, qt.Explicit([1, 1, 1, 1]), qt.Explicit([1, 2, 0, 0])), "0.2"),
        # d = 1 and gamma lambda = 1/3: the root of G equals rho exactly.
        (qt.Problem(1, qt.Explicit([1]), qt.Constant(1)), "1/3"),
        # Without noise a = 2x - 2x^2 at B = 1, the same for x = 4/5 and x = 1/5.
        (qt.Problem(2, qt.Explicit([1, "1/4"]), qt.Constant(1)), "4/5"),
    ],
    ids=["tie", "all equal", "resonance", "equal poles"],
)
@pytest.mark.parametrize("output", ["average", "last", "tail"])
@pytest.mark.parametrize("batch", [1, 3])
def test_equal_rates(problem, stepsize, output, batch):
    for quantization in (qt.Quantization(), qt.Quantization(parameter=qt.Multiplicative("0.1"))):
        if not qt.stability(problem, quantization, qt.SGD(stepsize, batch, steps=1)).stable:
            continue
        for steps in (7, 500):
            sgd = qt.SGD(stepsize, batch, steps=steps, output=output)
            exact = by_recursion(problem, quantization, sgd, Balls(bits=2000)).total
            certified = qt.excess_risk(problem, quantization, sgd, digits=30).total
            assert agree(certified, exact, 30)
            assert qt.excess_risk(problem, quantization, sgd).total == pytest.approx(
                float(exact), rel=1e-9
            )


def test_one_dimension_by_hand():
    # d = 1, last iterate, lambda = sigma = w* = 1: n' = (1 - 2 x + 3 x^2) n + x^2 with n_0 = 1.
    problem = qt.Problem(1, qt.Explicit([1]), qt.Constant(1), 1)
    x, steps = Fraction(1, 10), 25
    growth = 1 - 2 * x + 3 * x**2
    n = Fraction(1)
    for _ in range(steps):
        n = growth * n + x**2
    sgd = qt.SGD(x, steps=steps, output="last")
    exact = qt.excess_risk(problem, qt.Quantization(), sgd, digits=30).total
    assert exact.contains(flint.arb(flint.fmpq(n.numerator, n.denominator)) / 2)


def test_a_curve_is_its_points():
    case = SMALL[5]
    sgd = qt.SGD("0.1", case.batch, steps=1, output="tail")
    numbers = [3, 60, 10**9]
    curve = qt.risk_curve(PROBLEM, case.quantization, sgd, steps=numbers, digits=25)
    for risk, steps in zip(curve, numbers, strict=True):
        single = qt.excess_risk(PROBLEM, case.quantization, sgd.with_steps(steps), digits=25)
        assert risk.total.overlaps(single.total)
        assert risk.run.sgd.steps == steps


def test_the_limit_of_many_steps():
    for case in SMALL:
        for output in ("average", "last", "tail"):
            sgd = qt.SGD("0.1", case.batch, steps=10**14, output=output)
            limit = qt.stability(PROBLEM, case.quantization, sgd).limit
            far = qt.excess_risk(PROBLEM, case.quantization, sgd, digits=17).total
            assert float(far) == pytest.approx(limit, rel=1e-9, abs=1e-11)


def test_a_root_left_out_is_seen(monkeypatch):
    sgd = qt.SGD("0.1", steps=60)
    exact = by_recursion(PROBLEM, qt.Quantization(), sgd, BITS).total
    right = closed_form.secular_roots
    monkeypatch.setattr(closed_form, "secular_roots", lambda *arguments: right(*arguments)[1:])
    wrong = by_closed_form(PROBLEM, qt.Quantization(), sgd, BITS).total
    assert not wrong.overlaps(exact)


def test_float64_gives_way_to_balls_where_it_loses_digits():
    # With little noise the risk falls far below the rounding errors of the terms it is made of.
    problem = qt.Problem(8, qt.PowerLaw(2), qt.Constant(1), noise="1e-25")
    sgd = qt.SGD("0.1", steps=20_000, output="last")
    plain = by_closed_form(problem, qt.Quantization(), sgd, Float64()).total
    exact = qt.excess_risk(problem, qt.Quantization(), sgd, digits=20).total
    assert abs(float(plain) / float(exact) - 1) > 1e-9
    assert qt.excess_risk(problem, qt.Quantization(), sgd).total == pytest.approx(
        float(exact), rel=1e-12
    )


def test_a_warning_where_balls_would_take_too_long(monkeypatch):
    from qtheory.risk import excess

    monkeypatch.setattr(excess, "_SECONDS_FOR_BALLS", 0.0)
    problem = qt.Problem(8, qt.PowerLaw(2), qt.Constant(1), noise="1e-25")
    with pytest.warns(qt.LostDigitsWarning, match="digits=17"):
        risk = qt.excess_risk(
            problem, qt.Quantization(), qt.SGD("0.1", steps=20_000, output="last")
        )
    quantization = qt.Quantization(label=qt.Additive("1e-25"))
    sgd = qt.SGD("0.1", steps=20_000, output="last")
    with pytest.warns(qt.LostDigitsWarning, match="relative: total"):
        risk = qt.excess_risk(problem, quantization, sgd)
    with pytest.warns(qt.LostDigitsWarning, match="relative: .*label"):
        assert risk.by_target["label"] != 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fractions(Fraction(1, 10**6), 1, max_denominator=10**6),
        min_size=1,
        max_size=8,
        unique=True,
    ),
    st.fractions(Fraction(1, 100), Fraction(99, 100)),
)
@example([Fraction(1, 10**6), Fraction(2, 10**6), Fraction(1)], Fraction(1, 2))
def test_secular_roots_interlace_and_solve(poles, theta):
    import numpy as np

    from qtheory.risk.secular import secular_roots

    with BITS.working():
        a = BITS.array([flint.arb(flint.fmpq(p.numerator, p.denominator)) for p in poles])
        w = a * 0 + 1
        w = w / (w / a).sum() * flint.arb(flint.fmpq(theta.numerator, theta.denominator))
        roots = secular_roots(a, 0, w, np.arange(len(poles)), BITS)
        ends = [flint.arb(0), *sorted(a, key=float)]
        for k in range(len(roots)):
            assert ends[k] < roots.b[k]
            assert roots.b[k] < ends[k + 1]
            assert (w / roots.differences[k]).sum().overlaps(flint.arb(1))
            assert roots.b[k].rel_accuracy_bits() > 300


@pytest.mark.parametrize("power", [40, 600, 3000])
def test_secular_roots_nearer_to_their_poles_than_floats_can_tell(power):
    """Of sum_i w / (a_i - b) = 1 they are a_i - w + O(w^2)."""
    import numpy as np

    from qtheory.risk.secular import secular_roots

    with BITS.working():
        weight = flint.arb(2) ** -power
        a = BITS.array([flint.arb(1) / 4, flint.arb(1) / 2, flint.arb(1)])
        roots = secular_roots(a, 0, a * 0 + weight, np.arange(3), BITS)
        for k in range(len(roots)):
            offset = roots.differences[k, k]
            assert offset.rel_accuracy_bits() > 300
            assert abs(offset / weight - 1) < 32 * weight + flint.arb(2) ** -380


@pytest.mark.parametrize(
    ("problem", "steps", "digits", "message"),
    [
        (qt.Problem(8), 10**18, None, r"steps is 1000000000000000000.*10\^15"),
        (qt.Problem(10**7), 100, 1000, "about .* hours"),
        (qt.Problem(8), 10, 10**6, "digits is 1000000"),
    ],
)
def test_limits(problem, steps, digits, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=steps), digits=digits)


def test_mpmath_runs_the_closed_form_too():
    sgd = qt.SGD("0.1", steps=60)
    arithmetic = MPMath(digits=40)
    recursion = by_recursion(PROBLEM, qt.Quantization(), sgd, arithmetic).total
    # The same few lines, evaluated in a third arithmetic.
    assert (
        abs(by_closed_form(PROBLEM, qt.Quantization(), sgd, arithmetic).total - recursion) < 1e-12
    )


@pytest.mark.parametrize("output", ["average", "last", "tail"])
def test_without_noise_tiny_risks_keep_their_digits(output):
    # The risk of the last iterate is about exp(-2 gamma lambda_d N): c_0 must cancel exactly.
    problem = qt.Problem(3, qt.PowerLaw(2), qt.Constant(1), noise=0)
    quantization = qt.Quantization(gradient=qt.Multiplicative("0.1"))
    sgd = qt.SGD("0.1", 2, steps=10**7, output=output)
    risk = qt.excess_risk(problem, quantization, sgd, digits=30).total
    assert risk > 0
    assert risk.rel_accuracy_bits() >= 100
    wide = Balls(bits=1500)
    if output == "average":
        assert agree(risk, by_powers(problem, quantization, sgd, wide).total, 30)
    # The negative control: the smallest label noise is there after the bias has gone.
    label = qt.Quantization(label=qt.Additive("1e-30"))
    assert qt.excess_risk(problem, label, sgd, digits=30).total > 1e-40


def test_float64_takes_powers_where_only_they_end():
    problem = qt.Problem(4, qt.PowerLaw(2), qt.Constant(1), noise=1)
    quantization = qt.Quantization(data=qt.Additive("0.01") + qt.Multiplicative("0.01"))
    sgd = qt.SGD("0.1", steps=10**12)
    plain = qt.excess_risk(problem, quantization, sgd)
    certified = qt.excess_risk(problem, quantization, sgd, digits=20)
    assert plain.total == pytest.approx(float(certified.total), rel=1e-15)
    assert plain.by_target["data"] == pytest.approx(float(certified.by_target["data"]), rel=1e-9)


def test_float64_parts_are_accurate_relative_to_the_total():
    problem = qt.Problem(50, qt.PowerLaw(2), qt.Constant(1), noise=1)
    quantization = qt.Quantization.uniform(qt.Multiplicative("0.01"))
    sgd = qt.SGD("0.1", steps=10**9)
    plain = qt.excess_risk(problem, quantization, sgd)
    certified = qt.excess_risk(problem, quantization, sgd, digits=20)
    for target, part in plain.by_target.items():
        assert abs(part - float(certified.by_target[target])) <= 1e-9 * plain.total


@pytest.mark.parametrize("steps", [10**3, 10**9, 10**15])
def test_eigenvalues_that_float64_takes_for_equal(steps):
    """The closed form divides by their difference, and the recursion would take days."""
    near = [1, "1.00000000000000000001", "1/2"]
    quantization = qt.Quantization(gradient=qt.Multiplicative("1/3"))
    sgd = qt.SGD("1/8", 2, steps=steps)
    problem = qt.Problem(3, qt.Explicit(near), qt.Constant(1), 1)
    total = qt.excess_risk(problem, quantization, sgd).total
    equal = qt.Problem(3, qt.Explicit([1, 1, "1/2"]), qt.Constant(1), 1)
    assert total == pytest.approx(qt.excess_risk(equal, quantization, sgd).total, rel=1e-12)
    certified = qt.excess_risk(problem, quantization, sgd, digits=20).total
    assert total == pytest.approx(float(certified), rel=1e-12)
