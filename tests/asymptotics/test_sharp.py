"""Theorem T9 against the exact risk: every constant, and that a wrong one is noticed."""

from dataclasses import replace

import mpmath
import pytest
import sympy as sp

import qtheory as qt
from qtheory.asymptotics import sharp
from qtheory.asymptotics import stationary as stationary_module
from qtheory.asymptotics.numeric import value_of
from qtheory.asymptotics.sharp import sharp_constants
from qtheory.asymptotics.stationary import stationary
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Symbolic
from qtheory.risk.moments import fourth_moments
from qtheory.theory import definitions
from qtheory.theory.coordinate import constants
from qtheory.theory.notation import N

POWER = qt.Problem(qt.oo, qt.PowerLaw(2), qt.Constant(1), 1)
NOTHING = qt.Quantization()


def relative(epsilon):
    return qt.Multiplicative(epsilon, "elementwise")


MIXED = qt.Quantization(
    data=qt.Multiplicative("0.05") + relative("0.08"),
    label=qt.Additive("0.3") + qt.Multiplicative("0.1") + relative("0.2"),
    parameter=qt.Additive("0.02") + qt.Multiplicative("0.1"),
    activation=qt.Additive("0.2") + qt.Multiplicative("0.05") + relative("0.07"),
    gradient=qt.Additive("0.1") + qt.Multiplicative("0.04") + relative("0.03"),
)


@pytest.fixture(autouse=True)
def _many_digits():
    with mpmath.workdps(60):
        yield


def exact(problem, quantization, sgd, steps, digits):
    curve = qt.risk_curve(problem, quantization, sgd, steps, digits=digits)
    return [mpmath.mpf(risk.total.mid().str(60, radius=False)) for risk in curve]


def errors(constants, steps, totals):
    """How far (R - floor) / (leading terms) is from 1."""
    found = []
    for n, total in zip(steps, totals, strict=True):
        value = constants.at(n, digits=30)
        found.append((total - value.floor) / (value.total - value.floor) - 1)
    return found


def limit(constants, steps, totals, order=0.5):
    """The error with its slowest part, of order N^-order, removed by extrapolation."""
    first, second = errors(constants, steps, totals)
    factor = (mpmath.mpf(steps[1]) / steps[0]) ** order
    return float(abs(factor * second - first) / (factor - 1))


def times(constants, factor, part="variance"):
    return replace(constants, **{part: getattr(constants, part) * factor})


def test_the_ratios_of_the_theory_page():
    constants = sharp_constants(POWER, NOTHING, qt.SGD("0.1", steps=1))
    steps = [10**3, 8 * 10**3]
    found = errors(constants, steps, exact(POWER, NOTHING, constants.sgd, steps, 8))
    assert [round(float(1 + error), 4) for error in found] == [1.0055, 1.0020]


# name: quantization, batch, output, tail, negative controls as factors on the variance
ROOT2 = sp.sqrt(2)
CASES = {
    "exact": (NOTHING, 1, "average", 1, {"2 - 2^(1/a)": 2 / (2 - ROOT2)}),
    "shared": (
        qt.Quantization.uniform(qt.Multiplicative("0.1")),
        4,
        "average",
        1,
        {"1 + eps": sp.sqrt(sp.Rational(11, 10)), "batch": 4},
    ),
    "mixed": (MIXED, 1, "average", 1, {"one of 3 %": sp.Rational(103, 100)}),
    "tail 1/4": (MIXED, 4, "tail", "1/4", {"1/f^2 ignored": sp.Rational(1, 16)}),
    "tail 1/2": (
        qt.Quantization(data=relative("0.1")),
        1,
        "tail",
        "1/2",
        {"1/f^2 ignored": sp.Rational(1, 4), "1 + eps": sp.sqrt(sp.Rational(11, 10))},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_averages_in_infinite_dimension(name):
    quantization, batch, output, tail, controls = CASES[name]
    sgd = qt.SGD("0.1", batch, steps=1, output=output, tail=tail)
    constants = sharp_constants(POWER, quantization, sgd)
    steps = [10**6, 10**8]
    totals = exact(POWER, quantization, sgd, steps, 8)
    assert limit(constants, steps, totals) < 2e-6
    for factor in controls.values():
        assert limit(times(constants, factor), steps, totals) > 1e-3
    assert limit(times(constants, sp.Rational(101, 100), "bias"), steps, totals) > 1e-3


@pytest.mark.parametrize("name", ["exact", "shared", "mixed"])
def test_last_iterate_in_infinite_dimension(name):
    quantization, batch = CASES[name][:2]
    sgd = qt.SGD("0.1", batch, steps=1, output="last")
    constants = sharp_constants(POWER, quantization, sgd)
    steps = [10**6, 10**8]
    totals = exact(POWER, quantization, sgd, steps, 9)
    assert limit(constants, steps, totals) < 2e-6
    state = stationary(Run(POWER, quantization, sgd))
    no_feedback = 1 - state.alpha * state.theta
    assert limit(times(constants, no_feedback), steps, totals) > 1e-3
    assert limit(times(constants, no_feedback, "bias"), steps, totals) > 1e-3
    # a floor that is off by 1e-5 is seen
    assert limit(times(constants, 1 + sp.Rational(1, 10**5), "floor"), steps, totals) > 1e-3


def test_a_wrong_fourth_moment_is_seen(monkeypatch):
    sgd = qt.SGD("0.1", steps=1)
    steps = [10**6, 10**8]
    totals = exact(POWER, MIXED, sgd, steps, 9)

    def wrong(quantization, batch):
        found = dict(constants(quantization, batch))
        found[definitions.s2] -= found[definitions.r_s] * definitions.norm  # twice
        return found

    monkeypatch.setattr(stationary_module, "constants", wrong)
    assert limit(sharp_constants(POWER, MIXED, sgd), steps, totals) > 1e-3


GRADIENT = qt.Quantization(gradient=qt.Multiplicative("0.3") + relative("0.4"))
SLOW_CASES = [
    # a, scale, b, sigma^2, quantization, output, tail, order of the error, tolerance
    ("3/2", "1/2", "5/2", "0.7", MIXED, "average", 1, 1 / 3, 1e-3),  # s = 1: (log 2) / a
    ("3/2", "1/2", "5/2", "0.7", NOTHING, "average", 1, 1 / 3, 1e-3),
    ("2", 1, "3", 0, NOTHING, "average", 1, 0.5, 2e-4),  # s = 1 alone
    ("2", 1, "3", 0, NOTHING, "tail", "1/4", 0.5, 2e-4),
    ("2", 1, "3", 0, NOTHING, "last", 1, 0.5, 2e-4),
    ("2", 1, "4", 0, NOTHING, "last", 1, 0.5, 2e-4),  # s = 3/2: bias and transient tie
    ("2", 1, "6", 0, NOTHING, "average", 1, 0.5, 1e-3),  # s > 2: the transient
    ("2", 1, "6", 0, NOTHING, "last", 1, 1, 1e-4),
    ("2", 1, "6", 0, NOTHING, "tail", "1/4", 0.5, 1e-4),
    ("2", 1, "6", 0, GRADIENT, "tail", "1/4", 0.5, 1e-4),
    ("2", 1, "6", 0, GRADIENT, "last", 1, 1, 1e-4),
    ("2", 1, "3", 0, qt.Quantization(data=relative("0.1")), "average", 1, 0.5, 1e-3),  # log
    ("2", 1, "6", 0, qt.Quantization(data=relative("0.1")), "average", 1, 0.5, 1e-3),
    ("2", 1, "4", 0, qt.Quantization(data=qt.Multiplicative("0.1")), "last", 1, 0.5, 1e-4),
]


#: One of each kind in CI: s = 1 with everything, gradient errors past s = 2, a logarithm.
IN_CI = (0, 10, 11)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if k in IN_CI else pytest.mark.long)
        for k, case in enumerate(SLOW_CASES)
    ],
    ids=lambda case: "-".join(map(str, case[:4] + case[5:7])),
)
def test_source_conditions(case):
    a, scale, b, noise, quantization, output, tail, order, tolerance = case
    problem = qt.Problem(qt.oo, qt.PowerLaw(a, scale), qt.SourceCondition(b), noise)
    sgd = qt.SGD("0.1", 2, steps=1, output=output, tail=tail)
    constants = sharp_constants(problem, quantization, sgd)
    steps = [10**5, 10**7]
    totals = exact(
        problem, quantization, sgd, steps, 6 if noise == 0 and quantization.data.is_exact else 9
    )
    assert limit(constants, steps, totals, order) < tolerance
    largest = max(
        ("bias", "variance", "transient"), key=lambda part: abs(getattr(constants.at(10**7), part))
    )
    control = times(constants, sp.Rational(102, 100), largest)
    assert limit(control, steps, totals, order) > 5e-3


ERRORS = {
    "additive": qt.Additive("0.07"),
    "shared": qt.Multiplicative("0.07"),
    "elementwise": relative("0.07"),
}
LISTED = qt.Problem(4, qt.Explicit([1, "0.5", "0.5", "0.1"]), qt.Explicit([1, -2, 3, 4]), "0.7")


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("target", [*qt.model.TARGETS, "all"])
def test_finite_dimension(target, error, batch):
    model = ERRORS[error]
    quantization = (
        qt.Quantization.uniform(model) if target == "all" else qt.Quantization(**{target: model})
    )
    steps = [10**12, 10**13]
    for output, tail in (("average", 1) if batch == 1 else ("tail", "1/4"), ("last", 1)):
        sgd = qt.SGD("0.1", batch, steps=1, output=output, tail=tail)
        constants = sharp_constants(LISTED, quantization, sgd)
        totals = exact(LISTED, quantization, sgd, steps, 50)
        if output == "last":
            floor = constants.at(1, digits=40).floor
            assert all(abs(total / floor - 1) < mpmath.mpf(10) ** -40 for total in totals)
            assert constants.inverse_steps == 0
            continue
        # what follows is of order 1/N, relative
        assert limit(constants, steps, totals, order=1) < 1e-18
        assert limit(times(constants, 1 + sp.Rational(1, 10**8)), steps, totals, order=1) > 1e-10


@pytest.mark.parametrize("spectrum", [qt.PowerLaw("3/2", "1/2"), qt.Exponential("1/3")])
def test_finite_dimension_with_formulas_and_a_mean_part(spectrum):
    problem = qt.Problem(6, spectrum, qt.SourceCondition("5/2"), "0.7")
    sgd = qt.SGD("0.1", 3, steps=1)
    steps = [10**12, 10**13]
    for quantization in (MIXED, replace(MIXED, data=qt.Additive("0.05"))):
        constants = sharp_constants(problem, quantization, sgd)
        totals = exact(problem, quantization, sgd, steps, 50)
        assert limit(constants, steps, totals, order=1) < 1e-18
        assert limit(times(constants, 0, "bias"), steps, totals, order=1) > 1e-6


@pytest.mark.parametrize("error", ERRORS)
def test_what_large_batches_leave(error):
    """T7: N variance -> 1/2 sum lambda Q (2 - gamma lambda)/(2 - kappa gamma lambda)."""
    eps = sp.Rational(7, 100)
    names = ("label", "parameter", "activation", "gradient")
    quantization = qt.Quantization(**dict.fromkeys(names, ERRORS[error]))
    value = sharp_constants(LISTED, quantization, qt.SGD("0.1", 10**30, steps=1)).at(1, digits=40)
    squares = {"additive": 0, "shared": (1 + eps) * (eps + (1 + eps) ** 2 - 1), "elementwise": eps}
    kappa = {"additive": 1, "shared": (1 + eps) ** 3, "elementwise": 1 + eps}[error]
    total = sp.S.Zero
    for lam, w in zip(LISTED.spectrum.values, LISTED.target.values, strict=True):
        Q = squares[error] * w**2 + (eps if error == "additive" else 0)
        total += lam * Q * (2 - lam / 10) / (2 - kappa * lam / 10) / 2
    assert abs(value.variance / sp.N(total, 40)._to_mpmath(150) - 1) < mpmath.mpf(10) ** -25


def test_eigenvalues_that_vanish():
    problem = qt.Problem(3, qt.Explicit([1, 0, "0.5"]), qt.Constant(2), 1)
    sgd = qt.SGD("0.1", steps=1)
    for data in (qt.Additive("0.1"), qt.Multiplicative("0.1")):
        quantization = qt.Quantization(data=data, parameter=qt.Additive("0.1"))
        constants = sharp_constants(problem, quantization, sgd)
        steps = [10**12, 10**13]
        totals = exact(problem, quantization, sgd, steps, 50)
        assert limit(constants, steps, totals, order=1) < 1e-18


def test_a_formula_that_vanishes_is_refused():
    """Its coordinates of eigenvalue 0 do not move, and the sums do not know that."""
    problem = qt.Problem(3, qt.SpectrumFormula("max(0, 3 - i)/4"), qt.Constant(2), 1)
    constants = sharp_constants(problem, NOTHING, qt.SGD("0.1", steps=100))
    with pytest.raises(qt.InvalidArgumentError, match="positive up to dim"):
        constants.evaluate()


@pytest.mark.parametrize("seed", range(3))
def test_the_form_of_the_theory_page(seed):
    """Bias and variance as T9 has them, at exponents without any pattern."""
    numbers = [mpmath.frac(mpmath.sqrt(p) * (seed + 1)) for p in (2, 3, 5, 7)]
    a, s, gamma = 1 + 3 * numbers[0], 2 * numbers[1], numbers[2] / 4
    A, b, g, sigma2 = qt.symbols("a b gamma sigma2")
    problem = qt.Problem(qt.oo, qt.PowerLaw(A), qt.SourceCondition(b), sigma2)
    constants = sharp_constants(problem, NOTHING, qt.SGD(g, steps=10))
    values = {A: a, b: a * s + 1, g: gamma, sigma2: mpmath.mpf(3)}
    values = {symbol: sp.Float(value, 50) for symbol, value in values.items()}
    steps = 10**6
    x = steps * gamma
    bias = value_of(constants.bias.subs(values).subs(N, steps), 30)
    predicted = x**-s * mpmath.gamma(s - 2) * (2 ** (2 - s) - 2) / (2 * a)
    assert abs(bias / predicted - 1) < 1e-28
    theta = mpmath.nsum(lambda k: gamma**k * mpmath.zeta(a * k) / 2, [1, mpmath.inf])
    noise = value_of(constants.noise.subs(values), 30)
    assert abs(noise / (3 + 3 * theta / (1 - theta)) - 1) < 1e-28
    variance = value_of(constants.variance.subs(values).subs(N, steps), 30)
    predicted = noise / (2 * steps) * x ** (1 / a) / a
    predicted *= mpmath.gamma(-1 - 1 / a) * (2 - 2 ** (1 / a))
    assert abs(variance / predicted - 1) < 1e-28
    assert abs(variance / (predicted * (2 - 2 ** (1 / a)) / 2) - 1) > 1e-3


@pytest.mark.parametrize("f", ["1", "1/2", "1/4", "2/7"])
def test_the_spread_is_its_integral(f):
    fraction = sp.Rational(f)
    value = sp.lambdify(sharp._y, sharp._spread(fraction), "mpmath")
    f = mpmath.mpf(fraction.p) / fraction.q
    for y in (mpmath.mpf("0.3"), mpmath.mpf(2), mpmath.mpf(15)):
        integral = mpmath.quad(
            lambda t, y=y: (1 - mpmath.exp(-2 * y * t)) * (1 - mpmath.exp(-y * (1 - t))), [1 - f, 1]
        )
        assert abs(value(y) / integral - 1) < 1e-40


@pytest.mark.parametrize(
    ("output", "b"), [("average", "3"), ("average", "5"), ("last", "3"), ("tail", "3")]
)
def test_symbols_give_the_numbers(output, b):
    a, B, g, e, s = sp.symbols("a b g e s", positive=True)
    count = sp.Symbol("B", integer=True, positive=True)
    values = [
        sp.Integer(2),
        sp.Rational(b),
        *map(sp.Rational, ("1/10", "1/20", "1/3")),
        sp.Integer(4),
    ]
    symbols = (a, B, g, e, s, count)

    def constants(a, b, g, e, s, count):
        problem = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), s)
        errors = qt.Quantization(data=qt.Multiplicative(e), label=relative(e))
        return sharp_constants(problem, errors, qt.SGD(g, count, steps=10**6, output=output))

    symbolic = constants(*symbols).total.subs(dict(zip(symbols, values, strict=True)))
    with pytest.raises(qt.SymbolicValueError):
        constants(*symbols).evaluate()
    direct = constants(*values).evaluate(20).total
    assert abs(value_of(symbolic.subs(N, 10**6), 30) / direct - 1) < 1e-20


def test_digits():
    constants = sharp_constants(POWER, MIXED, qt.SGD("0.1", steps=10**6, output="last"))
    few, many = constants.evaluate(), constants.evaluate(50)
    assert abs(few.total / many.total - 1) < 1e-15


def test_the_constants_of_the_data_are_those_of_section_2():
    """Beside the tables of one step, for errors of both couplings at once."""
    shared, own = qt.Multiplicative("1/5"), relative("2/7")
    lam = (1, 2)
    problem = qt.Problem(2, qt.Explicit(lam), qt.Explicit([1, 1]))
    for model in (shared, own, shared + own):
        quantization = qt.Quantization(model)
        run = Run(problem, quantization, qt.SGD(1, steps=1))
        tables = fourth_moments(instantiate(run, Symbolic()))
        Q, T, Y = (table.dense() for table in (tables.Q, tables.T, tables.Y))
        found = constants(quantization, sp.Integer(1))
        k_s, k_d, t_s, u_d, r_s = (
            found[getattr(definitions, name)] for name in ("k_s", "k_d", "t_s", "u_d", "r_s")
        )
        ratio = 1 / (1 + model.multiplicative)
        lq = [one / ratio for one in lam]
        assert sp.simplify(Q[0, 1] - k_s * lq[0] * lq[1]) == 0
        assert sp.simplify(Q[1, 1] - (k_s + k_d) * lq[1] ** 2) == 0
        assert sp.simplify(T[0, 1] - t_s * lq[0] * lam[1]) == 0
        # the misfit of w^q in the first coordinate, where w* = 1
        row = sum((Y - 2 * T * ratio + Q * ratio**2)[0])
        A = model.multiplicative * ratio * sum(lam) / 2
        misfit = lq[0] * (2 * A - r_s * sum(lam)) + u_d * lq[0] ** 2 * ratio**2
        assert sp.simplify(row - misfit) == 0
        assert sp.simplify(row - misfit * sp.Rational(11, 10)) != 0


def test_latex():
    constants = sharp_constants(
        qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(5), 1), NOTHING, qt.SGD("0.1", steps=1)
    )
    shown = constants._repr_latex_()
    assert shown.startswith(r"$\begin{aligned}E R &\sim")
    assert r"\gamma_{E}" in shown


@pytest.mark.parametrize(
    ("problem", "quantization", "sgd", "error", "message"),
    [
        (POWER, qt.Quantization(data=qt.Additive(1)), {}, qt.InfiniteRiskError, "infinite trace"),
        (
            LISTED,
            qt.Quantization(data=qt.Additive(1) + qt.Multiplicative(1)),
            {},
            qt.InvalidArgumentError,
            "not both",
        ),
        (
            LISTED,
            qt.Quantization(data=qt.formats.get("int8")),
            {},
            qt.InvalidArgumentError,
            "not both",
        ),
        (qt.Problem(qt.oo, qt.PowerLaw(1)), NOTHING, {}, qt.InfiniteRiskError, "above 1"),
        (
            qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(1)),
            NOTHING,
            {},
            qt.InfiniteRiskError,
            "exponent of the target",
        ),
        (qt.Problem(qt.oo, qt.Exponential(1)), NOTHING, {}, qt.InvalidArgumentError, "PowerLaw"),
        (POWER, NOTHING, {"stepsize": 1}, qt.UnstableError, "stepsize"),
        (
            POWER,
            NOTHING,
            {"output": "tail", "tail": sp.Symbol("f", positive=True)},
            qt.SymbolicValueError,
            "tail",
        ),
        (None, NOTHING, {}, qt.InvalidArgumentError, "problem"),
    ],
)
def test_refused(problem, quantization, sgd, error, message):
    with pytest.raises(error, match=message):
        sharp_constants(problem, quantization, qt.SGD(**{"stepsize": "0.1", "steps": 10, **sgd}))


def test_no_expansion_in_inverse_steps_in_infinite_dimension():
    with pytest.raises(qt.InvalidArgumentError, match="finite"):
        _ = sharp_constants(POWER, NOTHING, qt.SGD("0.1", steps=1)).inverse_steps
