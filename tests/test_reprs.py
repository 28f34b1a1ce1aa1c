"""What a notebook shows: valid HTML and LaTeX, with the numbers of the objects."""

import re
from dataclasses import replace
from html import unescape

import flint
import pytest
import sympy as sp

import qtheory as qt
from qtheory.numbers.display import html_table, shown
from qtheory.numbers.latex import words
from tests.report.pages import Page
from tests.report.test_appendix import unbalanced

PROBLEM = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
RUN = qt.SGD("0.1", steps=60)
NOISY = qt.Quantization(data=qt.Additive("0.01"), gradient=qt.Multiplicative("0.1"))
A, B, N = qt.symbols("a b N")
RATES = qt.rates(
    qt.Problem(qt.oo, qt.PowerLaw(A), qt.SourceCondition(B)),
    qt.Quantization(),
    qt.SGD("0.1", steps=N),
)


def cells(html):
    """The rows of a table by their names, as a reader sees them."""
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td></tr>', html)
    return {unescape(name): unescape(value) for name, value in rows}


def faults(html):
    page = Page(html)
    return page.faults + page.collisions + page.dangling + page.fetched


@pytest.fixture(scope="module")
def record():
    return qt.prove("spectral_floor")


@pytest.mark.parametrize("digits", [None, 25])
def test_a_risk(digits):
    risk = qt.excess_risk(PROBLEM, NOISY, RUN, digits=digits)
    html = risk._repr_html_()
    assert faults(html) == []
    found = cells(html)
    expected = {
        "total": risk.total,
        "bias": risk.bias,
        "variance": risk.variance,
        "data quantization": risk.by_target["data"],
        "gradient quantization": risk.by_target["gradient"],
        "approximation A": risk.approximation,
        "floor F": risk.floor,
    }
    assert list(found) == list(expected)  # an exact target has no row
    for name, value in expected.items():
        # six digits without balls; all that were asked for with them
        assert float(found[name]) == pytest.approx(float(value), rel=1e-5)
        assert found[name] == shown(value, digits)
        if digits:
            with flint.ctx.workprec(200):
                assert abs(flint.arb(found[name]) / value - 1) < flint.arb(10) ** (1 - digits)
    assert ("25 certified digits" if digits else "float64") in html
    other = cells(qt.excess_risk(PROBLEM, NOISY, RUN.with_steps(61))._repr_html_())
    assert other["total"] != found["total"]


@pytest.mark.parametrize("digits", [None, 25])
@pytest.mark.parametrize("which", [qt.upper_bound, qt.lower_bound])
def test_a_bound(which, digits):
    bound = which(PROBLEM, NOISY, RUN, digits=digits)
    html = bound._repr_html_()
    assert faults(html) == []
    found = cells(html)
    for name in ("total", "approximation", "bias", "variance", "effective_dimension"):
        value = getattr(bound, name)
        assert float(found[name.replace("_", " ")]) == pytest.approx(float(value), rel=1e-5)
        assert found[name.replace("_", " ")] == shown(value, digits)
    assert len(found) == 5
    assert bound.theorem in html
    assert "&lt;i&gt;" in replace(bound, theorem="<i>")._repr_html_()


def test_a_proof(record):
    html = record._repr_html_()
    assert faults(html) == []
    assert f"{record.label}: {record.title}</b>: proved" in html
    assert f"{record.steps} steps, {record.questions} leaves, each with a certificate" in html
    assert unescape(re.search(r"</p><p>(.*?)</p>", html).group(1)) == record.statement
    items = [unescape(item) for item in re.findall(r"<li>(.*?)</li>", html)]
    assert items[: len(record.hypotheses)] == list(record.hypotheses)
    lemmas = int(re.search(r"<summary>(\d+) lemmas", html).group(1))
    assert lemmas == record.steps == len(items) - len(record.hypotheses)


def test_a_proof_with_special_letters(record):
    planted = replace(record, title="<script>&", hypotheses=("lambda < 1 & x > 0",))
    html = planted._repr_html_()
    assert faults(html) == []
    assert "<script" not in html
    assert "lambda &lt; 1 &amp; x &gt; 0" in html


def test_a_proof_that_is_none_says_so(record, monkeypatch):
    monkeypatch.setattr("qtheory.proof.kernel.is_proof", lambda proof: False)
    assert "</b>: not proved" in record._repr_html_()


def test_identities_are_neither_steps_nor_questions():
    record = qt.prove("recursion")
    html = record._repr_html_()
    assert faults(html) == []
    asked = f"{record.steps} steps, 93 identities of polynomials, {record.questions} leaves"
    assert asked in html
    assert repr(record).endswith(f"proved, {record.steps} lemmas, 93 identities)")
    lemmas = int(re.search(r"<summary>(\d+) lemmas", html).group(1))
    assert lemmas == record.steps


def test_letters_of_html_are_escaped_in_a_table():
    html = html_table("<b>", [("a & b", "1 < 2", '"quoted"')])
    assert faults(html) == []
    assert "<b>" not in html
    assert "a &amp; b" in html
    assert "1 &lt; 2" in html


LATEX = {
    "problem": PROBLEM,
    "problem by values": qt.Problem(3, qt.Explicit((3, 2, 1)), qt.Explicit((1, 0, "1/2"))),
    "symbolic problem": qt.Problem(qt.oo, qt.PowerLaw(A), qt.SourceCondition(B), noise=0),
    "rates": RATES,
    **{f"rate of {name}": rate for name, rate in RATES.terms.items()},
    **{name: qt.theorems[name] for name in qt.theorems},
}


@pytest.mark.parametrize("name", LATEX)
def test_latex(name):
    shown_latex = LATEX[name]._repr_latex_()
    inside = re.fullmatch(r"\$(\$?)(.+)\$\1", shown_latex, re.DOTALL)
    assert inside is not None
    assert "$" not in inside.group(2).strip("$")
    assert unbalanced(inside.group(2)) == []
    # nothing that only Python reads
    assert not re.search(r"\*\*|Symbol|Piecewise|<[a-z]+ ", shown_latex)


def test_latex_of_a_problem_has_its_numbers():
    text = qt.Problem(
        dim=7, spectrum=qt.PowerLaw(3), target=qt.Constant(5), noise="1/4"
    )._repr_latex_()
    for part in ("d = 7", r"\lambda_i = \frac{1}{i^{3}}", "w^*_i = 5", r"\sigma^2 = \frac{1}{4}"):
        assert part in text
    assert "d = 8" not in text


def test_latex_of_rates_has_every_term_and_what_is_assumed():
    text = RATES._repr_latex_()
    for rate in RATES.terms.values():
        if rate.regimes and rate.name != "total":
            assert rf"\text{{{rate.name}}} &" in text
            assert sp.latex(rate.compact.expression) in text
            for case in rate.compact.critical:
                assert sp.latex(case.factor) in text
                assert all(sp.latex(condition) in text for condition in case.conditions)
    assert r"\text{assuming }a > 1,\ b > 1\text{, for fixed }a,\ b" in text
    assert unbalanced(text) == []


def test_latex_of_a_single_rate_has_its_conditions_and_what_is_assumed():
    given = r"\text{assuming }a > 1,\ b > 1\text{, for fixed }a,\ b"
    for rate in RATES.terms.values():
        text = rate._repr_latex_()
        for regime in rate.regimes:
            assert sp.latex(regime.order) in text
            assert all(sp.latex(condition) in text for condition in regime.conditions)
        assert (given in text) is bool(rate.regimes)


def test_latex_of_a_sum_has_conditions_constants_and_where_it_is_infinite():
    found = qt.asymptotic_sum("min(1, (x*i**-a)**2)", "i", 1, qt.oo)
    text = found._repr_latex_()
    assert r"x^{\frac{1}{a}}\right) & \text{if }a > \frac{1}{2}" in text
    assert r"\text{constants }\frac{1}{2}\text{ to }1 + \frac{1}{2 a - 1}" in text
    assert r"\infty & \text{if }a \leq \frac{1}{2}" in text
    assert text.endswith(r"\text{for fixed }a$")
    assert unbalanced(text) == []
    plain = qt.asymptotic_sum("i**-2", "i", 1, qt.oo)._repr_latex_()
    assert "cases" not in plain
    assert "fixed" not in plain
    logarithm = qt.asymptotic_sum("1/(i + x)", "i", 1, "d", ["d > x"])
    for text in (str(logarithm), logarithm._repr_latex_()):  # of what the constants are factors
        assert "+ 1" in text
        assert "d > x" in text


def test_greek_names_are_greek_and_words_are_upright():
    eps, rate, lam, N_1 = qt.symbols("eps rate lam N_1")
    problem = qt.Problem(dim=N_1, spectrum=qt.PowerLaw(rate, scale=eps), noise=lam)
    text = problem._repr_latex_()
    assert r"d = N_{1}" in text
    assert r"\varepsilon i^{- \mathrm{rate}}" in text
    assert r"\sigma^2 = \lambda" in text
    noisy = qt.Quantization(data=qt.Multiplicative(eps))
    table = qt.rates(qt.Problem(qt.oo, qt.PowerLaw(2)), noisy, RUN.with_steps(N))
    for text in (table._repr_latex_(), table.approximation._repr_latex_()):
        assert r"\varepsilon" in text
        assert not re.search(r"(?<![a-z])eps", text)
    assert r"e^{- \varepsilon i}" in qt.asymptotic_sum("exp(-eps*i)", "i", 1, qt.oo).latex()


@pytest.mark.parametrize("name", [n for n in qt.theorems if qt.theorems[n].hypotheses])
def test_latex_of_a_theorem_has_its_hypotheses_in_words(name):
    theorem = qt.theorems[name]
    rows = theorem.latex().split(" \\\\\n")
    for hypothesis in theorem.hypotheses:
        (row,) = [row for row in rows if words(f"({hypothesis.meaning})") in row]
        assert row.replace(" &", " ").startswith(theorem.relation_latex(hypothesis.relation))


def test_latex_of_a_theorem_has_its_parts():
    theorem = qt.theorems["upper_bound"]
    text = theorem._repr_latex_()
    for relation in (theorem.statement, *theorem.assumptions, *theorem.definitions):
        assert theorem.relation_latex(relation) in text.replace(" &", " ").replace("&", "") or (
            r"\begin{cases}" in theorem.relation_latex(relation)
        )
    assert theorem.relation_latex(qt.theorems["lower_bound"].statement) not in text.replace("&", "")


def test_a_line_keeps_the_columns_of_its_cases():
    definitions = [
        item for item in qt.theorems["upper_bound"].definitions if item.has(sp.Piecewise)
    ]
    assert definitions
    for definition in definitions:
        line = qt.theorems["upper_bound"].relation_latex(definition)
        cases = re.search(r"\\begin\{cases\}(.*)\\end\{cases\}", line).group(1)
        assert cases.count("&") == 2
        assert line.count("&") == 2


def test_names_are_set_as_names():
    text = "".join(theorem.latex() for theorem in qt.theorems.values())
    for name in (r"\alpha_{\infty}", r"s^{2}_{\infty}", r"s^{2}_{\mathrm{same}}", r"\bar{S}"):
        assert name in text
    assert "infinity" not in text
    # SymPy alone writes the word
    assert "infinity" in sp.latex(qt.theorems["feedback_limit"].statement)
