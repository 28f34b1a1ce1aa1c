"""``qtheory report``: where it writes, what it refuses, and before how much work."""

import pytest
from typer.testing import CliRunner

from qtheory.cli import app
from qtheory.cli import report as report_command
from qtheory.errors import ProofError
from qtheory.report.appendix import report_appendix


def invoke(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.fixture
def quick(monkeypatch):
    """A page of one line, and how often it was asked for."""
    asked = []

    def page(progress):
        asked.append(1)
        progress(0, 1)
        progress(1, 1)
        return "<p>λ^q ≥ λ</p>\n"

    monkeypatch.setattr(report_command, "report_page", page)
    return asked


def test_the_page_is_written(quick, tmp_path):
    out = tmp_path / "theory.html"
    out.write_text("what was there before, and longer than the page")
    result = invoke(out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert out.read_text(encoding="utf-8") == "<p>λ^q ≥ λ</p>\n"
    assert quick == [1]


def test_the_appendix_is_written(quick, tmp_path):
    out = tmp_path / "theory.tex"
    assert invoke(out, "--latex").exit_code == 0
    assert out.read_text(encoding="utf-8") == report_appendix()
    assert quick == []


@pytest.mark.parametrize("place", ["nowhere/theory.html", "."])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(quick, tmp_path, place):
    result = invoke(tmp_path / place)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: OUT is ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    assert quick == []


def test_a_directory_is_refused_as_a_json_file_too(tmp_path):
    result = CliRunner().invoke(
        app, ["risk", "--dim", "2", "--steps", "5", "--json", str(tmp_path)]
    )
    assert result.exit_code == 2
    assert result.stderr.startswith("error: json is ")
    assert list(tmp_path.iterdir()) == []


def test_a_place_is_needed(quick):
    assert invoke().exit_code == 2
    assert quick == []


def test_an_error_on_the_way_is_one_line(monkeypatch, tmp_path):
    def refuse(progress):
        raise ProofError("upper_bound: refused")

    monkeypatch.setattr(report_command, "report_page", refuse)
    result = invoke(tmp_path / "theory.html")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "error: upper_bound: refused"


def test_its_help_says_what_it_writes():
    result = invoke("--help")
    assert result.exit_code == 0
    assert "--latex" in result.stdout
