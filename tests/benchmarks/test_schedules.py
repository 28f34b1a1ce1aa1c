"""benchmarks/schedules.py: it runs, draws, and notices slopes that are off."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "schedules.py"


@pytest.mark.slow
@pytest.mark.parametrize(("sabotage", "status"), [("0", 0), ("0.3", 1)])
def test_slopes_are_compared(tmp_path, sabotage, status):
    figure = tmp_path / "schedules.svg"
    options = ["--dim", "60", "--steps", "30", "100", "300", "1000", "--tolerance", "0.15"]
    command = [sys.executable, SCRIPT, *options, "--figure", figure, "--sabotage", sabotage]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == status, found.stdout
    assert "constant" in found.stdout
    assert figure.exists()
