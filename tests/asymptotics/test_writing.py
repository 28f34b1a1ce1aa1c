"""Rate tables as text of at most 16 lines, and as LaTeX that a paper takes."""

import json
import shutil
import subprocess

import pytest

import qtheory as qt

a, b, N, d, eps, delta, e = qt.symbols("a b N d eps delta e")
ADDITIVE = qt.Quantization(data=qt.Additive(eps))
MULTIPLICATIVE = qt.Quantization(data=qt.Multiplicative(eps))
SGD = qt.SGD(stepsize="0.1", steps=N)


def power_law(dim=d):
    return qt.Problem(dim, qt.PowerLaw(a), qt.SourceCondition(b), noise=1)


@pytest.fixture(scope="module")
def additive():
    return qt.rates(power_law(), ADDITIVE, SGD)


def test_the_additive_table_in_sixteen_lines(additive):
    lines = str(additive).splitlines()
    assert len(lines) <= 16
    assert max(map(len, lines)) <= 80
    for line in (
        "assuming a > 1, d*eps <= 1, for fixed a, b",
        "k_N = min(d, N**(1/a)): directions that N steps learn",
        "k_eps = min(d, eps**(-1/a)): directions above the floor",
        "bias           ~  (1 + k**(2*a - b + 1) + k**(2*a)*k_eps**(1 - b))/N**2",
        "b = 2*a + 1: bias * log(k)",
        "approximation over variance if N*eps*(1 + k_eps**(a - b + 1)) >= D_N",
    ):
        assert line in lines
    assert sum(line.count("D_N = k_N + d*min(1, N*eps)**2") for line in lines) == 1


def test_the_compact_form_of_the_issue(additive):
    assert str(additive.variance.compact).splitlines() == [
        "(k_N + d*min(1, N*eps)**2)/N",
        "k_N = min(d, N**(1/a)): directions that N steps learn",
    ]


def test_what_is_shown_is_in_the_json_too(additive):
    record = json.loads(json.dumps(additive.as_json()))
    assert record["forms"]["variance"]["order"] == "(k_N + d*min(1, N*eps)**2)/N"
    assert record["forms"]["label"] is None
    assert record["tight"]["variance"]["tight"] is True
    assert record["tight"]["approximation"]["tight"] is False
    assert record["tight"]["amplification"]["tight"] is None


LATEX_PAGE = r"""\documentclass{article}
\usepackage[a4paper,margin=2cm]{geometry}
\usepackage{amsmath,amssymb}
\begin{document}
\begin{equation*}
%s
\end{equation*}
\end{document}
"""


def compiled(tex, folder):
    """What pdflatex says of a page, and how many of its lines are too wide."""
    (folder / "page.tex").write_text(LATEX_PAGE % tex)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.count("Overfull")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex of texlive-latex-base")
def test_the_latex_compiles_and_fits_a_page(additive, tmp_path):
    """With a negative control: a command that no package of the page has."""
    schemes = {"additive": ADDITIVE, "multiplicative": MULTIPLICATIVE}
    square = qt.Problem(d, qt.PowerLaw(2), qt.Constant(1), noise=1)
    in_cases = qt.rates(qt.Problem(d, qt.Exponential(1), noise=1), ADDITIVE, SGD)
    for shown in (
        additive,
        qt.rates(power_law(), MULTIPLICATIVE, SGD),
        qt.rates(power_law(qt.oo), qt.Quantization(), SGD),
        in_cases,
        qt.compare_rates(square, schemes, SGD),
    ):
        assert compiled(shown.latex(), tmp_path) == (0, 0)
    broken = additive.latex().replace(r"\lesssim", r"\atmost", 1)
    assert broken != additive.latex()
    assert compiled(broken, tmp_path)[0] != 0


def test_conditions_stand_as_text_in_the_latex(additive):
    text = additive.latex()
    for part in (r"\asymp", r"\lesssim", r"\gtrsim", r"\min\left(", r"\text{assuming }a > 1"):
        assert part in text
    assert r"k_{\varepsilon}" in text
    assert r"\text{ (directions above the floor)}" in text


def test_a_notebook_shows_the_phases_beside_the_table():
    problem = qt.Problem(d, qt.PowerLaw(2), qt.Constant(1), noise=1)
    free = qt.rates(problem, ADDITIVE, SGD, regime={d: N**delta, eps: N**-e})
    html = free._repr_html_()
    assert html.startswith("<div>$$")
    assert "<svg" in html
    assert html.count("<div>") == html.count("</div>") == 2
    assert qt.rates(problem, ADDITIVE, SGD)._repr_html_() is None
    one = qt.rates(problem, ADDITIVE, SGD, regime={d: N**delta, eps: N**-3})
    assert one._repr_html_() is None
