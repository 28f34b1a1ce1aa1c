"""benchmarks/mutation.py: what is changed, what is counted, and its short form."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import load

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "mutation.py"
LINE = "return 1 / (1 + x * 2)"


@pytest.fixture
def mutation(tmp_path, monkeypatch):
    pytest.importorskip("cosmic_ray")
    module = load("mutation")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def source(root, text):
    file = root / "qtheory" / "risk" / "example.py"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")


def all_mutants(mutation):
    found = (mutation.mutant_at(*place) for place in mutation.places(("risk",)))
    return [mutant for mutant in found if mutant is not None]


def test_operators_and_numbers_are_changed(mutation, tmp_path):
    source(tmp_path, f"def f(x):\n    {LINE}\n")
    mutants = all_mutants(mutation)
    assert {m.line for m in mutants} == {2}
    assert {m.before for m in mutants} == {LINE}
    after = {m.after.replace(" ", "") for m in mutants}
    assert {"return1*(1+x*2)", "return1/(1-x*2)", "return1/(1+x/2)", "return1/(1+x*3)"} <= after
    assert LINE not in {m.after for m in mutants}


def test_an_annotation_is_not_a_change(mutation, tmp_path):
    source(tmp_path, "from typing import Literal\n\n\ndef f(x: Literal[1, 2]) -> Literal[3]: ...\n")
    assert list(mutation.places(("risk",)))
    assert all_mutants(mutation) == []


def test_a_mutant_is_asked_of_the_test_that_mirrors_it_then_of_its_room():
    pytest.importorskip("cosmic_ray")
    mutation = load("mutation")
    (first, *_), other = (mutation.sample(("theory",), 4, seed) for seed in (0, 1))
    assert mutation.sample(("theory",), 1, 0) == [first] != other[:1]
    bounds = mutation.Mutant("qtheory/theory/bounds.py", "core/x", 0, 1, "a", "b")
    assert mutation.tests_of(bounds)[:3] == [
        "tests/theory/test_bounds.py", "qtheory/theory/bounds.py", "tests/theory",
    ]  # fmt: skip


def record(room, outcome, after="y"):
    return {
        "path": f"qtheory/{room}/file.py", "operator": "core/x", "occurrence": 0, "line": 7,
        "before": "x", "after": after, "outcome": outcome, "by": "", "seconds": 1.0,
    }  # fmt: skip


def test_ninety_per_cent_of_each_room_must_be_noticed(capsys):
    table = load("mutation").table
    nine = [record("risk", "noticed")] * 9
    assert table([*nine, record("risk", "unnoticed")])
    assert not table([*nine, *[record("risk", "unnoticed")] * 2])
    assert "qtheory/risk/file.py:7  (unnoticed)" in capsys.readouterr().out
    # where the mean over the rooms would do
    assert not table([*nine * 5, record("model", "unnoticed")])


def test_an_equivalent_mutant_is_counted_by_itself(monkeypatch, capsys):
    mutation = load("mutation")
    listed = {("qtheory/risk/file.py", "x", "y"): "the same for every x"}
    monkeypatch.setattr(mutation, "equivalent", lambda: listed)
    assert mutation.table([record("risk", "noticed")] * 9 + [record("risk", "unnoticed")] * 9)
    assert "100.0%" in capsys.readouterr().out
    assert not mutation.table([record("risk", "unnoticed", after="z")])


def test_every_equivalent_mutant_is_still_there_and_has_a_reason():
    """Without Cosmic Ray too: a line that moves is seen where it was moved."""
    listed = load("mutation").equivalent()
    gone = [
        (path, before)
        for path, before, _ in listed
        if before not in map(str.strip, (ROOT / path).read_text(encoding="utf-8").splitlines())
    ]
    assert not gone
    assert all(len(reason) > 20 for reason in listed.values())


@pytest.mark.slow
def test_formulas_that_are_changed_are_noticed_by_verify(tmp_path):
    pytest.importorskip("cosmic_ray")
    arguments = ["--verify", "--sample", "1", "--seed", "1", "--store", str(tmp_path)]
    rooms = ["--room", "risk", "--room", "theory"]
    command = [sys.executable, str(SCRIPT), *arguments, *rooms]
    result = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if line.startswith("all ")]
    assert rows[0][1:3] == ["2", "2"]
