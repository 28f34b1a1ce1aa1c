"""benchmarks/planted_faults.py: faults fit, some are noticed, and what is no fault is not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import load

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "planted_faults.py"
#: Faults that quick checks notice; the whole table takes minutes.
SOME = ("k4 = 3", "label: elementwise", "half the line", "T7: the limit of the noise")


@pytest.fixture(scope="module")
def planted():
    return load("planted_faults")


def test_every_fault_changes_its_file_to_something_python_reads(planted):
    assert len(planted.FAULTS) >= 25
    assert len({fault.name for fault in planted.FAULTS}) == len(planted.FAULTS)
    for fault in planted.FAULTS:
        source = (ROOT / fault.file).read_text(encoding="utf-8")
        changed = fault.planted_in(source)
        assert changed != source
        compile(changed, fault.file, "exec")


def test_a_fault_that_fits_nowhere_is_an_error(planted):
    with pytest.raises(ValueError, match="occurs 0 times"):
        planted.Fault("name", "file", "nowhere", "").planted_in("text")


def test_the_page_lists_every_fault(planted):
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", page, re.MULTILINE))
    assert {fault.name for fault in planted.FAULTS} <= set(rows)
    assert all(rows[fault.name] != "NOTHING" for fault in planted.FAULTS)


@pytest.mark.slow
def test_some_are_noticed():
    command = [sys.executable, str(SCRIPT), "--only", *SOME]
    result = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("\n") == 1 + len(SOME)
    assert "NOTHING" not in result.stdout


NO_FAULT = """
import sys
sys.path.insert(0, "benchmarks")
import planted_faults as p
is_planted = p.plant(p.Fault("none", p.FAULTS[0].file, *[p.FAULTS[0].right] * 2))
from qtheory.checks import suite
quick = [job for job in suite.jobs() if job.kind == "identity" and job.cost <= 1]
suite.jobs = lambda: quick
print(len(quick), p.first_failing_check(), is_planted())
"""
NEVER_LOADED = """
import sys
sys.path.insert(0, "benchmarks")
import planted_faults as p
p.first_failing_check = lambda: ("some check", "failed")
p.first_failure(p.FAULTS[0])
"""


def run(script):
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)


def test_what_is_no_fault_is_not_noticed():
    count, found, planted = run(NO_FAULT).stdout.split()
    assert int(count) > 30
    assert (found, planted) == ("None", "True")


def test_a_fault_that_was_never_loaded_is_an_error():
    """As where another copy of the package is imported: nothing was planted, so nothing is said."""
    result = run(NEVER_LOADED)
    assert result.returncode == 1
    assert "was never loaded" in result.stderr
