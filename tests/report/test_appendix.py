"""The appendix: balanced, complete, and it compiles without a line that sticks out."""

import re
import shutil
import subprocess

import pytest

from qtheory.report.appendix import _LONG, _broken, report_appendix
from qtheory.theory import theorems

TEXT = report_appendix()
PDFLATEX = shutil.which("pdflatex")
compiling = pytest.mark.skipif(PDFLATEX is None, reason="needs pdflatex")


def unbalanced(text):
    """What is opened and not closed, or closed and not opened, in order."""
    tokens = re.findall(r"\\(?:begin|end)\{\w+\*?\}|\\left\b|\\right\b|\\[{}\\]|[{}]", text)
    partner = {"}": "{", r"\right": r"\left"}
    stack = []
    for token in tokens:
        if token in ("{", r"\left") or token.startswith(r"\begin"):
            stack.append(token)
        elif token in partner or token.startswith(r"\end"):
            opening = partner.get(token, token.replace(r"\end", r"\begin"))
            if not stack or stack.pop() != opening:
                return [token]
    return stack


def test_it_is_balanced():
    assert unbalanced(TEXT) == []


@pytest.mark.parametrize(
    "planted",
    [r"\begin{align*} x \end{aligned}", r"\frac{1}{2", r"x}", r"\left( x", r"\begin{cases} {1 } }"],
)
def test_what_is_not_balanced_is_seen(planted):
    assert unbalanced(planted)


def test_every_theorem_is_there():
    assert TEXT.count(r"\subsection{") == len(theorems)
    for theorem in theorems.values():
        part = TEXT.split(f"\\subsection{{{theorem.label}: {theorem.title}}}")[1]
        part = part.split(r"\subsection")[0]
        assert theorem.relation_latex(theorem.statement) in part.replace("&", "")
        # a row for each definition, for each hypothesis, the statement, and the words between
        rows = re.split(r" \\\\\n(?!&\{\})", part.split(r"\begin{align*}")[1])
        words = 1 + bool(theorem.hypotheses)
        assert len(rows) == 1 + len(theorem.hypotheses) + len(theorem.definitions) + words


def test_long_rows_are_cut_between_summands_and_nowhere_else():
    long = r"x &= a + \left(b + c\right)" + " + d" * _LONG
    assert _broken(long).startswith("x &= a \\\\\n&{} + \\left(b + c\\right) \\\\\n&{} + d \\\\\n")
    assert _broken(long).replace(" \\\\\n&{}", "") == long
    assert _broken("x &= a + b") == "x &= a + b"


def test_each_alignment_mark_has_its_place():
    # one on a row, and none but those of cases inside it
    for block in re.findall(r"\\begin\{align\*\}(.*?)\\end\{align\*\}", TEXT, re.DOTALL):
        bare = re.sub(r"\\begin\{cases\}.*?\\end\{cases\}", "", block, flags=re.DOTALL)
        assert [row for row in bare.split(" \\\\\n") if row.count("&") != 1] == []


def compiled(text, place):
    """The exit status of pdflatex, its errors, and the lines it calls too wide."""
    (place / "appendix.tex").write_text(text, encoding="utf-8")
    run = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "appendix"],
        cwd=place, capture_output=True, text=True, errors="replace", timeout=120,
    )  # fmt: skip
    errors = re.findall(r"^!.*", run.stdout, re.MULTILINE)
    return run.returncode, errors, re.findall(r"Overfull \\hbox.*", run.stdout)


@compiling
def test_it_compiles_and_fits_the_page(tmp_path):
    assert compiled(TEXT, tmp_path) == (0, [], [])
    assert (tmp_path / "appendix.pdf").stat().st_size > 50_000


@compiling
def test_an_error_is_seen(tmp_path):
    status, errors, _ = compiled(TEXT.replace(r"\frac", r"\fraction", 1), tmp_path)
    assert status != 0
    assert errors


@compiling
def test_a_row_that_sticks_out_is_seen(tmp_path):
    status, _, wide = compiled(TEXT.replace(" \\\\\n&{}", ""), tmp_path)
    assert status == 0
    assert wide
