"""The table of T8, derived; regimes, other spectra, phases, choices and tolerances."""

import subprocess
import sys
from functools import cache

import pytest
import sympy as sp

import qtheory as qt
from qtheory.asymptotics import terms
from qtheory.errors import HypothesisError, InfiniteRiskError, InvalidArgumentError

a, b, c, N, B, d, eps, gamma, delta, e = qt.symbols("a b c N B d eps gamma delta e")
SGD = qt.SGD(stepsize="0.1", steps=N)


def power_law(dim=qt.oo, exponent=a, source=b, noise=1):
    return qt.Problem(dim, qt.PowerLaw(exponent), qt.SourceCondition(source), noise)


def by_condition(rate):
    return {tuple(map(str, r.conditions)): r.order for r in rate.regimes}


def same(left, right):
    return sp.simplify(sp.powsimp(left / right, force=True)) == 1


def test_the_contract_of_the_design():
    table = qt.rates(power_law(), qt.Quantization(), SGD)
    assert sp.simplify(table.variance.exponent(N) - (1 / a - 1)) == 0
    assert set(map(str, table.assumptions)) == {"a > 1", "b > 1"}


def test_t8_without_additive_data_errors():
    sgd = qt.SGD(stepsize=gamma, batch=B, steps=N)
    table = qt.rates(power_law(), qt.Quantization(data=qt.Multiplicative(eps)), sgd,
                     assumptions=["N*gamma >= 1"])  # fmt: skip
    x = N * gamma
    bias = by_condition(table.bias)
    assert same(bias["b < 2*a + 1",], x ** ((1 - b) / a))
    assert same(bias["b > 2*a + 1",], x**-2)
    assert same(bias["Eq(b, 2*a + 1)",], x**-2 * sp.log(x))
    ((_, variance),) = by_condition(table.variance).items()
    assert same(variance, x ** (1 / a) / N / B)
    assert table.approximation.order == eps
    (noise,) = table.by_target["data"].regimes
    assert noise.exponent(eps) == 1
    assert same(noise.order / eps, variance)


def test_t8_with_additive_data_errors():
    table = qt.rates(power_law(d, 2, 2), qt.Quantization(data=qt.Additive(eps)), SGD)
    assert [str(condition) for condition in table.assumptions] == ["d*eps <= 1"]
    floor = by_condition(table.approximation)
    assert floor["d*sqrt(eps) >= 1",] == sp.sqrt(eps)
    assert floor["d*sqrt(eps) <= 1",] == d * eps
    assert {r.order for r in table.variance.regimes} == {d / N, 1 / sp.sqrt(N), N * d * eps**2}
    general = qt.rates(power_law(d), qt.Quantization(data=qt.Additive(eps)), SGD,
                       assumptions=["b > 1"])  # fmt: skip
    found = by_condition(general.approximation)
    assert same(found["b < a + 1", "d**a*eps >= 1"], eps ** ((b - 1) / a))
    assert same(found["Eq(b, a + 1)", "d**a*eps >= 1"], eps * sp.log(1 / eps))
    assert same(found["b < a + 1", "d**a*eps <= 1"], eps * d ** (a + 1 - b))
    assert same(found["Eq(b, a + 1)", "d**a*eps <= 1"], eps * sp.log(d))
    assert found["b > a + 1",] == eps


@pytest.mark.parametrize("scheme", ["shared", "elementwise"])
def test_noise_of_each_target(scheme):
    """Multiplicative errors: with a large batch only what is shared, or the parameter, stays."""
    sgd = qt.SGD("0.1", B, steps=N)
    for target in ("label", "parameter", "activation", "gradient"):
        model = qt.Multiplicative(eps, coupling=scheme)
        table = qt.rates(power_law(exponent=2, source=2), qt.Quantization(**{target: model}), sgd)
        (regime,) = table.by_target[target].regimes
        cured = scheme == "elementwise" and target != "parameter"
        if target == "gradient":
            cured = True  # same/B is multiplied by 1 + eps_o; cross only if it is not zero
        assert regime.exponent(B) == (-1 if cured else 0), target
        assert regime.exponent(eps) == 1


def test_logarithms_change_the_answer():
    spectrum = qt.SpectrumFormula("i**-a*log(i+1)**c")
    table = qt.rates(qt.Problem(qt.oo, spectrum, qt.SourceCondition(b)), qt.Quantization(), SGD)
    assert same(table.variance.order, N ** (1 / a - 1) * sp.log(N) ** (c / a))
    assert same(
        by_condition(table.bias)["b < 2*a + 1",],
        N ** ((1 - b) / a) * sp.log(N) ** (c * (1 - b) / a),
    )
    problem = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SignalFormula("i**-b*log(i+1)"))
    table = qt.rates(problem, qt.Quantization(), SGD)
    assert same(by_condition(table.bias)["b < 2*a + 1",], N ** ((1 - b) / a) * sp.log(N))
    assert same(by_condition(table.bias)["Eq(b, 2*a + 1)",], N**-2 * sp.log(N) ** 2)


def test_exponential_and_logarithmic_spectra():
    p = qt.symbols("p")
    table = qt.rates(qt.Problem(qt.oo, qt.Exponential("1/2")), qt.Quantization(), SGD)
    assert table.variance.order == sp.log(N) / N
    assert table.bias.order == 1 / N
    table = qt.rates(qt.Problem(qt.oo, qt.Logarithmic(p)), qt.Quantization(), SGD)
    assert table.variance.order == sp.log(N) ** -p
    assert table.bias.order == sp.log(N) ** (1 - p)
    assert [str(condition) for condition in table.assumptions] == ["p > 1"]


def test_a_fixed_dimension_is_a_constant():
    problem = qt.Problem(200, qt.PowerLaw(2), qt.Constant(1))
    table = qt.rates(problem, qt.Quantization(data=qt.Additive("0.01")), SGD)
    assert table.variance.order == 1 / N
    assert table.approximation.order == 1
    assert table.dominating == ("approximation",)


def test_no_exponent_is_typed_in(monkeypatch):
    """The rates follow the statement of T4: with one more factor 1/N in it they are others."""
    wrong = dict(terms._FORMULA)
    wrong[terms.defined.variance] = wrong[terms.defined.variance] / terms.n.N
    monkeypatch.setattr(terms, "_FORMULA", wrong)
    table = qt.rates(power_law(), qt.Quantization(), SGD)
    assert sp.simplify(table.variance.exponent(N) - (1 / a - 2)) == 0


def test_infinite_and_uncovered_settings():
    with pytest.raises(InfiniteRiskError, match="the sum of eps"):
        qt.rates(power_law(), qt.Quantization(data=qt.Additive(eps)), SGD)
    with pytest.raises(InfiniteRiskError, match="fall too slowly"):
        qt.rates(power_law(source=1), qt.Quantization(), SGD)
    both = qt.Additive(eps) + qt.Multiplicative(eps)
    with pytest.raises(HypothesisError, match="purely additive"):
        qt.rates(power_law(d), qt.Quantization(data=both), SGD)
    last = qt.SGD("0.1", steps=N, output="last")
    with pytest.raises(HypothesisError, match="output"):
        qt.rates(power_law(), qt.Quantization(), last)
    with pytest.raises(HypothesisError, match="number format"):
        qt.rates(power_law(d), qt.Quantization(data=qt.formats.get("int8")), SGD)
    with pytest.raises(InvalidArgumentError, match="explicit"):
        qt.rates(qt.Problem(2, qt.Explicit([1, 1])), qt.Quantization(), SGD)
    with pytest.raises(InvalidArgumentError, match="not both"):
        qt.rates(power_law(exponent=N), qt.Quantization(), SGD)
    with pytest.raises(InvalidArgumentError, match="one of the parameters N"):
        qt.rates(power_law(), qt.Quantization(), SGD, regime={"M": N**2})
    with pytest.raises(InvalidArgumentError, match="compatible"):
        qt.rates(power_law(), qt.Quantization(), SGD, assumptions=["b > 3", "b < 2"])


@cache
def additive_scheme():
    problem = qt.Problem(d, qt.PowerLaw(2), qt.Constant(1))
    return qt.rates(problem, qt.Quantization(data=qt.Additive(eps)), SGD,
                    regime={d: N**delta, eps: N**-e})  # fmt: skip


def test_phases_of_the_additive_scheme():
    phases = additive_scheme().phases(x=delta, y=e)
    assert len(phases) == 6
    found = {(phase.terms, phase.exponent) for phase in phases}
    assert found == {
        (("variance",), delta - 2 * e + 1),
        (("variance",), delta - 1),
        (("bias", "variance"), -sp.Rational(1, 2)),
        (("approximation",), -e / 2),
        (("approximation",), delta - e),
    }
    lines = {str(boundary.line) for boundary in phases.boundaries}
    assert lines == {
        "Eq(e, 1)", "Eq(e, delta)", "Eq(e, delta/2 + 3/4)", "Eq(delta, 1/2)",
        "Eq(e, 2 - 2*delta)", "Eq(e, 2*delta)",
    }  # fmt: skip
    half = sp.Rational(1, 2)
    assert (half, 1) in phases.phases[0].vertices


def test_phases_tile_the_part_where_t4_applies():
    phases = additive_scheme().phases(x=delta, y=e, window=((0, 2), (0, 2)))

    def area(vertices):
        return abs(sp.Polygon(*vertices).area)

    assert sum(area(phase.vertices) for phase in phases) == 2  # e >= delta in a square of 4
    for x in range(1, 8):
        for y in range(x + 1, 8):
            point = (
                sp.Rational(2 * x, 8) + sp.Rational(1, 97),
                sp.Rational(2 * y, 8) + sp.Rational(1, 89),
            )
            assert len(phases.at(*point)) == 1


def test_phases_agree_with_the_exponents_at_a_point():
    table = additive_scheme()
    for phase in table.phases(x=delta, y=e):
        x, y = phase.centre
        exponents = table.exponents_at(N, {delta: x, e: y})
        largest = exponents.pop("total")
        assert largest == phase.exponent.subs({delta: x, e: y})
        assert {name for name, value in exponents.items() if value == largest} == set(phase.terms)
    with pytest.raises(HypothesisError, match="does not apply"):
        table.exponents_at(N, {delta: 2, e: 1})


def test_a_phase_plot_shows_the_lines():
    ax = additive_scheme().phases(x=delta, y=e).plot()
    texts = [text.get_text() for text in ax.texts]
    assert sum("variance" in text for text in texts) == 4
    assert any("=" in text and "delta" in text for text in texts)
    assert len(ax.patches) == 6
    assert all(patch.get_linewidth() > 0 for patch in ax.patches)


def test_phases_need_numbers_and_axes():
    problem = qt.Problem(d, qt.PowerLaw(a), qt.Constant(1))
    table = qt.rates(problem, qt.Quantization(data=qt.Additive(eps)), SGD,
                     regime={d: N**delta, eps: N**-e})  # fmt: skip
    with pytest.raises(InvalidArgumentError, match="give numbers to a"):
        table.phases(x=delta, y=e)
    with pytest.raises(InvalidArgumentError, match="exponents of the regime"):
        additive_scheme().phases(x=delta, y=a)


def test_the_best_choice_is_the_minimax_rate():
    choices = qt.best_choice(power_law(), qt.Quantization(), assumptions=["a > 1", "b > 1"])
    found = {tuple(map(str, choice.conditions)): choice for choice in choices}
    low = found["b <= a",]
    assert (
        sp.simplify(sp.log(low.bound) / sp.log(sp.Symbol("n", positive=True)))
        .subs({a: 3, b: 2})
        .equals(-sp.Rational(1, 3))
    )
    assert any(
        same(choice.bound, sp.Symbol("n", positive=True) ** (1 / b - 1)) for choice in choices
    )


def test_the_best_choice_against_brute_force():
    """At a = 2, b = 3 and eps = n^(-1/5) on the parameters: exponents on a grid of choices."""
    n = sp.Symbol("n", positive=True)
    g, beta = qt.symbols("g beta")
    quantization = qt.Quantization(parameter=qt.Additive(eps))
    problem = power_law(exponent=2, source=3)
    (choice,) = qt.best_choice(problem, quantization, regime={eps: n ** -sp.Rational(1, 5)})
    best = sp.log(choice.bound).subs(n, sp.E)
    sgd = qt.SGD(gamma, B, steps=N)
    sizes = {gamma: n**-g, B: n**beta, N: n ** (1 - beta), eps: n ** -sp.Rational(1, 5)}
    table = qt.rates(problem, quantization, sgd, regime=sizes, assumptions=["beta < 1"])
    grid = [
        table.exponents_at(n, {g: sp.Rational(j, 15), beta: sp.Rational(k, 15)})["total"]
        for j in range(1, 16)
        for k in range(1, 15)
    ]
    assert min(grid) >= best
    assert min(grid) <= best + sp.Rational(1, 15)


def test_tolerances_of_t11():
    """theory.md: additive data needs N gamma eps <~ sqrt(k*/d) and A <~ R_0."""
    found = qt.tolerances(power_law(d, 2, 2), SGD, "additive", assumptions=["d > N**2"])
    assert found["data"].order == 1 / d  # stability: d eps <~ 1 is the strongest there
    found = qt.tolerances(power_law(d, 2, 2), SGD, "additive",
                          assumptions=["d**2 > N", "d**3 < N**2"])  # fmt: skip
    assert same(found["data"].order, N ** -sp.Rational(3, 4) / sp.sqrt(d))
    assert found["label"].order == 1
    multiplicative = qt.tolerances(power_law(qt.oo, 2, 2), qt.SGD("0.1", B, steps=N), "elementwise")
    assert multiplicative["parameter"].order == 1 / B
    assert multiplicative["label"].order == 1
    with pytest.raises(InvalidArgumentError, match="additive, shared"):
        qt.tolerances(power_law(), SGD, "round")
    with pytest.raises(qt.HypothesisError, match="no error of data is tolerated"):
        qt.tolerances(power_law(qt.oo, 2, 2), SGD, "additive")


def test_a_table_reads_well():
    table = qt.rates(power_law(), qt.Quantization(), SGD)
    text = str(table)
    assert "assuming a > 1, b > 1" in text
    assert max(map(len, text.splitlines())) <= 80
    for line in (
        "bias           ~  N**(-2) + N**(-(b - 1)/a)",
        "variance       ~  N**(-1 + 1/a)",
        "b = 2*a + 1: bias * log(N)",
        "bias over variance if b <= a",
    ):
        assert line in text.splitlines()
    given = "assuming a > 1, b > 1, for fixed a, b"
    assert str(table.variance) == f"N**(-1 + 1/a)\n{given}"
    assert "log(N)/N**2   if Eq(b, 2*a + 1)" in str(table.bias).splitlines()
    assert table.bias.latex().startswith(r"\begin{cases}")


def test_what_the_orders_are_true_under_is_shown():
    """The regime, the assumptions, and constants of the spectrum that no order shows."""
    problem = qt.Problem(d, qt.PowerLaw(2, scale=c), qt.SourceCondition(2), noise=e)
    sgd = qt.SGD("0.1", steps=N)
    table = qt.rates(problem, qt.Quantization(), sgd, {d: N**delta}, "e <= 1")
    assert table.fixed == (c, delta)
    assert table.premises == (sp.Eq(d, N**delta), sp.Le(e, 1))
    assert str(table).startswith("assuming d = N**delta, e <= 1, for fixed c, delta\n")
    shown = r"\text{assuming }d = N^{\delta},\ e \leq 1\text{, for fixed }c,\ \delta"
    for rate in table.terms.values():
        assert not rate.regimes or shown in rate._repr_latex_()
    assert shown in table.latex()


def test_answers_do_not_depend_on_the_hash_seed():
    code = (
        "import qtheory as qt; a,b,N=qt.symbols('a b N');"
        "print(qt.rates(qt.Problem(qt.oo,qt.PowerLaw(a),qt.SourceCondition(b)),qt.Quantization(),"
        "qt.SGD('0.1',steps=N)))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(outputs) == 1


def test_symbols_without_a_sign_are_taken_as_positive_and_that_is_said():
    plain = sp.symbols("a b N")
    positive = qt.symbols("a b N")
    tables = [
        qt.rates(
            qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b)),
            qt.Quantization(),
            qt.SGD("0.1", steps=N),
        )
        for a, b, N in (plain, positive)
    ]
    texts = [str(table) for table in tables]
    assert "taking N, a, b as positive" in texts[0]
    assert "as positive" in tables[0].latex()
    assert tables[0].as_json()["taken_positive"] == ["N", "a", "b"]
    assert texts[0].replace(", taking N, a, b as positive", "") == texts[1]
    assert tables[1].taken_positive == ()
