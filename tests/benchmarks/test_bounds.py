"""benchmarks/bounds.py: bounds on random instances, a negative control, the table in the docs."""

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from tests.benchmarks import load

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "bounds.py"


@pytest.fixture(scope="module")
def bounds():
    return load("bounds")


def run(*arguments):
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=1200)


def test_bounds_hold_on_random_instances_and_workers_do_not_matter(bounds, capsys):
    assert bounds.main(["--count", "50", "--workers", "1"]) == 0
    here = capsys.readouterr().out
    assert here.count(", 0 not certified") == 3
    there = run("--count", "50", "--workers", "2")
    assert there.returncode == 0
    assert there.stdout == here


def test_false_bounds_are_found_and_reproduced(bounds, capsys):
    assert bounds.main(["--count", "50", "--workers", "1", "--sabotage", "0.9"]) == 1
    printed = capsys.readouterr().out
    for name in bounds.COMPARED:
        failed = re.search(rf"^{name}: \d+ comparisons, (\d+) not certified", printed, re.MULTILINE)
        assert int(failed[1]) > 0
    name, code = re.search(r"^(\w+): ratio - 1 = .*\n((?:.+\n?)+)", printed, re.MULTILINE).groups()
    made = {}
    exec(code, made)
    instance = made["problem"], made["quantization"], made["sgd"]
    assert bounds.source(*instance) == code.rstrip("\n")
    assert bounds.compare(name, instance, Fraction("0.9"))[0] is False
    assert bounds.compare(name, instance, Fraction(1))[0] is True


def test_equal_values_stay_undecided(bounds, monkeypatch):
    """Balls that overlap are not counted as a bound that holds."""
    import qtheory as qt

    problem = qt.Problem(3, qt.PowerLaw("1/2"), qt.Constant("1/3"), noise=1)
    instance = problem, qt.Quantization(), qt.SGD("1/10", 2, steps=7)
    monkeypatch.setattr(qt, "lower_bound", qt.excess_risk)
    assert bounds.compare("lower", instance, Fraction(1))[0] == "undecided"


def test_no_row_is_wider_than_a_terminal(bounds):
    found = [bounds.outcome(index, 1, Fraction(1)) for index in range(25)]
    assert max(map(len, bounds.report(found, markdown=False))) <= 80


@pytest.mark.long
def test_the_page_shows_what_the_full_run_prints():
    result = run("--markdown")
    assert result.returncode == 0, result.stdout[-3000:]
    assert result.stdout.strip() in (ROOT / "docs" / "tightness.md").read_text()
