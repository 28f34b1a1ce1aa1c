"""The commands that simulate: JSON, the width of tables, and errors in one line."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import qtheory as qt
from qtheory.cli import app
from qtheory.versions import SIMULATED, versions
from tests.measure.computations import raises_at_three, rows

FAST = ["--dim", "8", "--steps", "60", "--replicates", "100"]
GRID = "[grid]\ndim = 4\nsteps = 10\nseed = [0, 1, 2, 3, 4, 5]\n[compute]\nbounds = false\n"


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def grid(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(GRID)
    return path


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 3))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", X @ [1.0, 2.0, 3.0] + rng.standard_normal(500))
    return "--data", tmp_path / "X.npy", "--labels", tmp_path / "y.npy"


def widest(result):
    return max(map(len, result.stdout.splitlines()))


@pytest.mark.parametrize(
    "arguments",
    [
        ("formats",),
        ("formats", "fp8_e4m3"),
        ("formats", "int8", "bfloat16"),
        ("formats", "--simulate", *FAST),
        ("formats", "int8", "--simulate", *FAST, "--stepsize", "5"),
        ("simulate", *FAST, "--quantize", "all=format:int4:1/1024:nearest"),
    ],
)
def test_tables_fit_a_terminal_of_80_columns(arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0
    assert 40 < widest(result) <= 80


def test_notes_are_not_broken_where_they_do_not_end(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for arguments in (("formats",), ("formats", "int8", "--simulate", *FAST)):
        assert 40 < widest(invoke(*arguments)) <= 80


def test_formats_as_json():
    record = json.loads(invoke("formats", "--json", "-").stdout)
    assert [each["name"] for each in record["formats"]] == list(qt.formats.names())
    (int8,) = json.loads(invoke("formats", "int8", "--json", "-").stdout)["formats"]
    assert (int8["bits"], int8["largest"]) == (8, "127")
    assert "Additive" in int8["error_model"]


def test_formats_beside_simulation_as_json_is_what_the_library_finds():
    result = invoke("formats", "int8", "fp8_e4m3", "--simulate", *FAST, "--json", "-")
    record = json.loads(result.stdout)
    problem = qt.Problem(8, qt.PowerLaw(2), qt.Constant(1), 1)
    direct = qt.compare_formats(
        problem, qt.SGD("0.1", steps=60), ["int8", "fp8_e4m3"], replicates=100
    )
    for row, comparison in zip(record["formats"], direct, strict=True):
        assert row["name"] == comparison.name
        assert row["exact"] == comparison.theory
        assert row["mean"] == comparison.estimate.mean
        assert row["verdict"] == comparison.verdict
        assert row["reasons"] == list(comparison.reasons)


def test_simulate_marks_biased_rounding():
    biased = ("simulate", *FAST, "--quantize", "label=format:int4:1:toward_zero")
    assert "label is rounded with bias" in invoke(*biased).stdout
    assert json.loads(invoke(*biased, "--json", "-").stdout)["biased"] == ["label"]
    unbiased = ("simulate", *FAST, "--quantize", "label=format:int4:1")
    assert "bias" not in invoke(*unbiased).stdout
    assert json.loads(invoke(*unbiased, "--json", "-").stdout)["biased"] == []


@pytest.mark.parametrize("steps", [200, 2000])
def test_an_unstable_run_is_json_too(steps):
    arguments = ("--dim", 8, "--stepsize", 5, "--steps", steps, "--replicates", 32)
    result = invoke("simulate", *arguments, "--json", "-")
    record = json.loads(result.stdout)
    assert (record["exact"], record["verdict"]) == (None, "unknown")
    assert "the error model is unstable" in record["reasons"]
    assert invoke("simulate", *arguments).exit_code == 0


def test_nothing_to_learn_is_no_division_by_zero():
    result = invoke("simulate", *FAST, "--target", "constant:0", "--noise", 0, "--json", "-")
    assert json.loads(result.stdout)["difference"] == 0


def test_simulate_on_a_table(table):
    result = invoke("simulate", *table, "--steps", 100, "--json", "-")
    record = json.loads(result.stdout)
    assert record["name"] == "rows of the table"
    assert record["verdict"] == "agree"
    assert abs(record["difference"]) < 0.1
    shown = invoke("simulate", *table, "--steps", 100).stdout
    assert "Gaussian" in shown
    assert "they differ by" in shown


def test_sweep_goes_on_where_it_was(grid, tmp_path):
    out, report = tmp_path / "results.sqlite", tmp_path / "report.json"
    first = invoke("sweep", grid, "--out", out)
    assert (first.exit_code, first.stderr.count("error")) == (0, 0)
    assert "6 points, 0 of them known before, 0 broke down" in first.stdout.replace("\n", "")
    again = invoke("sweep", grid, "--out", out, "--json", report)
    assert "6 points, 6 of them known before" in again.stdout.replace("\n", "")
    assert json.loads(report.read_text()) == {
        "out": str(out), "points": 6, "known": 6, "errors": 0, "failures": {},
        "versions": versions(*SIMULATED, machine=True),
    }  # fmt: skip
    assert json.loads(invoke("sweep", grid, "--out", out, "--json", "-").stdout)["known"] == 6


def test_a_point_that_breaks_down_is_status_1_and_tried_again(grid, tmp_path, monkeypatch):
    out = tmp_path / "results.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr("qtheory.measure.run.compute_point", raises_at_three)
        result = invoke("sweep", grid, "--out", out, "--json", "-")
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        assert "broke down: " in result.stderr
        ((key, reason),) = json.loads(result.stdout)["failures"].items()
        assert json.loads(key)["seed"] == "3"
        assert reason == "RuntimeError: three is too much"
    assert len(rows(out)) == 5
    assert invoke("sweep", grid, "--out", out).exit_code == 0
    assert len(rows(out)) == 6


def test_values_that_could_not_be_had_are_counted(tmp_path):
    grid, out = tmp_path / "grid.toml", tmp_path / "results.sqlite"
    grid.write_text('[grid]\ndim = [4, "oo"]\nsteps = 10\n[compute]\nreplicates = 2\n')
    result = invoke("sweep", grid, "--out", out)
    assert "1 points lack values" in result.stdout
    assert json.loads(invoke("sweep", grid, "--out", out, "--json", "-").stdout)["errors"] == 1


WRONG = [
    (["formats", "fp8_e4m4"], "did you mean fp8_e4m3"),
    (["formats", "fp8_e4m3", "--json", "/nowhere/at/all.json"], "json is"),
    (["formats", "--simulate", "--replicates", "1"], "replicates is 1"),
    (["formats", "--simulate", "--dim", "0"], "dim is '0'"),
    (["simulate", "--dim", "oo"], "dim is oo"),
    (["simulate", *FAST, "--seed", "-1"], "seed is -1"),
    (["simulate", *FAST, "--relative-error", "2"], "relative_error is 2"),
    (["simulate", *FAST, "--quantize", "all=format:int99"], "name is 'int99'"),
    (["simulate", *FAST, "--quantize", "data=__import__('os').system('true')"], "quantize is"),
    (["simulate", "--labels", "nowhere.npy"], "data is None"),
    (["simulate", "--data", "nowhere.npy", "--labels", "nowhere.npy"], "nowhere.npy is not"),
    (["sweep", "nowhere.toml", "--out", "x.sqlite"], "nowhere.toml is not a readable TOML file"),
    (["sweep", "GRID", "--out", "x.sqlite", "--workers", "0"], "workers is 0"),
    (["sweep", "GRID", "--out", "/nowhere/x.sqlite"], "/nowhere/x.sqlite cannot be opened"),
    (["sweep", "GRID", "--out", "."], ". cannot be opened"),
    (["sweep", "GRID", "--out", "GRID"], "grid.toml cannot be used: file is not a database"),
    (["sweep", "GRID", "--out", "x.sqlite", "--scheduler", "nobody"], "no Dask scheduler answers"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_argument_is_one_line_and_status_2(arguments, message, grid, monkeypatch):
    monkeypatch.chdir(grid.parent)
    result = invoke(*(grid if part == "GRID" else part for part in arguments))
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output
    assert [path.name for path in grid.parent.iterdir()] == ["grid.toml"]  # nothing left behind
    assert grid.read_text() == GRID


def test_a_typo_in_the_grid_names_the_file(grid, tmp_path):
    grid.write_text(GRID.replace("bounds", "bound"))
    result = invoke("sweep", grid, "--out", tmp_path / "results.sqlite")
    assert result.exit_code == 2
    assert "grid.toml: compute is 'bound'" in result.stderr
    assert "did you mean bounds" in result.stderr
    assert not (tmp_path / "results.sqlite").exists()
