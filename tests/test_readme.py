"""The README: every command runs, the Python runs, and the excerpt is what verify prints."""

import doctest
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from qtheory.checks.rates import (
    RATE_CASES,
    STEP_BY_STEP,
    rate_agrees,
    rate_agrees_step_by_step,
)
from qtheory.paper.certified import certify_experiment
from qtheory.paper.experiments import Experiment
from qtheory.theory.replay import PROOFS

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


COMMANDS = [line for block in blocks("console") for line in block.splitlines()]
SETUP = [command for command in COMMANDS if "pip install" in command]
PLAIN = [command for command in COMMANDS if command.startswith("qtheory")]
#: The page is looked at in tests/report, the proofs are replayed in tests/test_proofs.py.
LONG = ("qtheory report", "qtheory prove")
MARKED = [
    pytest.param(command, marks=pytest.mark.long) if command.startswith(LONG) else command
    for command in PLAIN
]


def test_every_command_is_of_a_kind_that_is_run():
    assert len(SETUP) == 2
    assert set(COMMANDS) == set(SETUP) | set(PLAIN)


@pytest.mark.parametrize("command", MARKED)
def test_command(command, tmp_path):
    arguments = [sys.executable, "-m", *shlex.split(command)]
    subprocess.run(arguments, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL, timeout=600)


def test_the_code_prints_what_is_shown(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it writes a figure
    (code,) = blocks("python")
    namespace = {}
    exec(compile(code, "README.md", "exec"), namespace)
    printed = capsys.readouterr().out.splitlines()
    for line, comment in zip(printed, re.findall(r"print\(.*\)  # (.*)", code), strict=True):
        if comment[0].isupper():  # a comment that shows the output, not one that explains it
            assert line == comment
    for session in blocks("pycon"):  # they go on with what the block defined
        test = doctest.DocTestParser().get_doctest(session, namespace, "README", None, 0)
        assert doctest.DocTestRunner().run(test).failed == 0


def test_the_excerpt_is_what_is_computed():
    rows = re.findall(r"^(none|additive|shared) +(\S+) +(\d+) +(\d+) +(.*) ok$", TEXT, re.MULTILINE)
    assert len(rows) == 5
    for scheme, epsilon, dim, batch, rest in rows:
        found = certify_experiment(Experiment(scheme, epsilon, int(dim), int(batch)))
        expected = [f"{x:.5f}" for x in (found.lower, found.exact, found.upper)]
        expected += [f"{found.upper / found.exact:.2f}", f"{found.exact / found.lower:.2f}"]
        assert rest.split()[:-1] == expected
        assert round(found.digits) == int(rest.split()[-1]) >= 30


def test_the_rates_of_the_excerpt_are_what_is_computed():
    rows = re.findall(r"^(variance/a=2|step by step/\S+) +(.*) ok$", TEXT, re.MULTILINE)
    assert len(rows) == 2
    (closed,) = (case for case in RATE_CASES if case.id == rows[0][0])
    (stepped,) = (case for case in STEP_BY_STEP if f"step by step/{case.id}" == rows[1][0])
    found = rate_agrees(closed) + rate_agrees_step_by_step(stepped)
    for (_, rest), check in zip(rows, found, strict=True):
        v = check.values
        expected = [
            v["order"],
            f"{v['predicted']:.4f}",
            f"{v['measured']:.4f}",
            f"{v['steps']:.0e}",
        ]
        assert rest.split() == expected


def test_ci_runs_the_second_command_as_the_readme_gives_it():
    script = (ROOT / ".ci" / "run").read_text()
    assert "README.md" in script
    assert SETUP[1].endswith("python -m pytest")


@pytest.mark.long  # .ci/run installs in a new environment too
def test_first_command_on_a_machine_with_only_python(tmp_path):
    checkout = tmp_path / "checkout"
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    for name in filter(None, names):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    venv.create(tmp_path / "venv", with_pip=True)
    path = f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("VIRTUAL", "PYTHON"))}
    environment["PATH"] = path

    def run(command, folder):
        return subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True,
            timeout=900,
        )  # fmt: skip

    result = run(SETUP[0], checkout)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"\d+ checks passed, 0 failed", result.stdout)
    # The proofs come with the wheel: they replay in a folder where there is nothing.
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run("qtheory prove --json proofs.json", empty)
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads((empty / "proofs.json").read_text())
    assert record["proved"] == len(record["proofs"]) == len(PROOFS)
