"""The same command writes the same bytes of JSON, and says what they rest on."""

import json
import os
import platform
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import qtheory as qt
from qtheory.cli import app
from tests.cli.every_command import COMMANDS

#: Runs that may differ, in their seconds.
DIFFERENT = ("prove with times",)
SAME = [*(name for name in COMMANDS if name not in DIFFERENT), "help"]


@pytest.fixture(scope="module")
def written():
    """What every command writes, with another hash seed and another number of threads."""
    processes = []
    for hash_seed, threads in (("1", "1"), ("2026", "2")):
        environment = {
            **os.environ, "PYTHONHASHSEED": hash_seed, "OPENBLAS_NUM_THREADS": threads,
            "NUMBA_NUM_THREADS": threads, "COLUMNS": "80",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.cli.every_command", threads]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        processes.append(process)
    outputs = [process.communicate(timeout=500)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return [json.loads(output) for output in outputs]


@pytest.mark.parametrize("name", SAME)
def test_two_runs_write_the_same_bytes(written, name):
    here, there = written
    assert here[name] == there[name]


@pytest.mark.parametrize("name", DIFFERENT)
def test_nothing_but_the_seconds_may_differ(written, name):
    # May: two runs that take the same number of thousandths write the same bytes.
    without = [re.subn(r'"seconds": [0-9.]+', "", one[name]) for one in written]
    assert without[0] == without[1]
    assert without[0][1] > 0


def test_another_seed_writes_other_bytes(written):
    for one in written:
        assert one["simulate"] != one["simulate with another seed"]


@pytest.mark.parametrize("name", COMMANDS)
def test_versions_are_recorded(written, name):
    found = json.loads(written[0][name])["versions"]
    assert found["qtheory"] == qt.__version__
    assert found["python"] == platform.python_version()
    assert len(found) > 2
    assert all(isinstance(number, str) and number for number in found.values())


def test_the_machine_is_recorded_where_it_can_change_the_numbers(written):
    machines = {name for name in COMMANDS if "machine" in json.loads(written[0][name])["versions"]}
    exact = {
        "risk in balls",
        "risk of infinite dimension",
        "rates",
        "formats",
        "prove",
        "prove with times",
    }
    assert machines == set(COMMANDS) - exact


def test_without_times_seconds_are_null_and_nothing_else_is_left_out(written):
    (proof,) = json.loads(written[0]["prove"])["proofs"]
    (timed,) = json.loads(written[0]["prove with times"])["proofs"]
    assert proof["seconds"] is None
    assert timed["seconds"] > 0
    assert timed.keys() == proof.keys() - {"audit"}
    checks = json.loads(written[0]["verify"])["checks"]
    assert {check["seconds"] for check in checks} == {None}
    assert {check["status"] for check in checks} == {"passed"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["falsify", "risk <= floor", "--max-examples", "40"],  # found, and shrunk for seconds
        # not prove --audit: its second solver is given seconds, which a loaded machine fills less
        ["risk", "--dim", "oo", "--steps", "1000000"],
        ["rates", "--dim", "d", "--regime", "d=N**2", "--quantize", "data=additive:eps"],
    ],
    ids=lambda command: command[0],
)
def test_two_runs_of_a_long_command_write_the_same_bytes(command):
    def run(hash_seed):
        return subprocess.run(
            [sys.executable, "-m", "qtheory", *command, "--json", "-"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )

    here, there = run("1"), run("2026")
    assert here.stdout == there.stdout
    assert here.returncode == there.returncode
    assert json.loads(here.stdout)["versions"]["python"] == platform.python_version()


def test_every_command_with_json_is_run():
    import typer

    group = typer.main.get_command(app)
    with_json = {
        name
        for name, command in group.commands.items()
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert {command[0] for command in COMMANDS.values()} == with_json


def test_failures_of_a_sweep_come_in_the_order_of_their_keys(monkeypatch, tmp_path):
    def breaks(point, *arguments, **options):
        raise RuntimeError("too much")

    monkeypatch.setattr("qtheory.measure.run.compute_point", breaks)
    grid = tmp_path / "grid.toml"
    grid.write_text("[grid]\ndim = [30, 4, 200]\nsteps = 10\n")
    out = tmp_path / "results.sqlite"
    result = CliRunner().invoke(app, ["sweep", str(grid), "--out", str(out), "--json", "-"])
    failures = list(json.loads(result.stdout)["failures"])
    assert len(failures) == 3
    assert failures == sorted(failures)
