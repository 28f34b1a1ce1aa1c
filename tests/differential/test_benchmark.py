"""benchmarks/differential.py: what it prints, and that it notices what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "differential.py"


def run(*arguments):
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.mark.long
def test_all_agree_in_80_columns_and_the_same_again():
    here, there = run("--examples", "3", "--seed", "1"), run("--examples", "3", "--seed", "1")
    assert here.returncode == 0, here.stderr
    assert here.stdout == there.stdout
    lines = here.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.endswith(" 0") for line in lines[2:])


@pytest.mark.slow
def test_a_wrong_moment_is_status_1():
    result = run("--examples", "1", "--sabotage", "1e-20")
    assert result.returncode == 1
    assert "powers, balls" in result.stderr
    assert "Setting(" in result.stderr
