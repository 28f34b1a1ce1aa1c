"""benchmarks/planted_faults.py: faults fit, some are noticed, and what is no fault is not."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import load

ROOT = Path(__file__).parents[2]
#: Faults that quick checks notice; the whole table takes minutes.
SOME = ("k4 = 3", "label: elementwise", "half the line", "T7: the limit of the noise")


@pytest.fixture(scope="module")
def planted():
    return load("planted_faults")


def test_every_fault_changes_its_file_to_something_python_reads(planted):
    faults = planted.faults()
    assert len(faults) >= 80
    assert len({fault.name for fault in faults}) == len(faults)
    for fault in faults:
        source = (ROOT / fault.file).read_text(encoding="utf-8")
        changed = fault.planted_in(source)
        assert changed != source
        compile(changed, fault.file, "exec")
    with pytest.raises(ValueError, match="occurs 0 times"):
        planted.Fault("name", "file", "nowhere", "").planted_in("text")


def test_the_page_has_ten_faults_of_the_table_and_where_it_is(planted):
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    section = page[page.index("## Planted faults") : page.index("## Mutation")]
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE))
    assert len(rows.keys() & {fault.name for fault in planted.faults()}) == 10
    assert f"benchmarks/{planted.TABLE.name}" in section


def run(*arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, cwd=ROOT)


@pytest.mark.slow
def test_some_are_noticed(tmp_path):
    result = run("benchmarks/planted_faults.py", "--only", *SOME, "--json", tmp_path / "rows.json")
    assert result.returncode == 0, result.stdout + result.stderr
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [row["verdict"] for row in rows] == ["noticed"] * len(SOME)
    assert all(row["by"] in result.stdout for row in rows)


#: A text for itself, and quick checks: nothing must be noticed. And a file that is never loaded.
NO_FAULT = """
import sys; sys.path.insert(0, "benchmarks")
import harness, planted_faults as p
def look(file=p.faults()[0].file):
    from qtheory.checks import suite
    quick = [job for job in suite.jobs() if job.kind == "identity" and job.cost <= 1]
    assert len(quick) > 30
    suite.jobs = lambda: quick
    return p.first_failure(file)
with harness.tree() as place:
    print(*harness.asked(place, look, 100))
    try:
        harness.asked(place, lambda: look("setup.py"), 100)
    except RuntimeError as error:
        print("never loaded" in str(error))
"""


@pytest.mark.slow
def test_what_is_no_fault_is_not_noticed_and_what_was_not_loaded_says_nothing():
    result = run("-c", NO_FAULT)
    assert result.stdout.split() == ["unnoticed", "True"], result.stderr
