"""What is installed: pinned, with hashes, at both ends of the ranges, and under known licences."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.benchmarks import load

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([^\s;\\\\]+)", re.MULTILINE)


def pins(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return {canonicalize_name(found): version for found, version in PIN.findall(text)}


def ranges(*extras):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"]]
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def test_ci_installs_the_pins_by_their_hashes():
    assert pins("requirements-ci.txt") == pins("constraints.txt")
    text = (ROOT / "requirements-ci.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
    assert len(blocks) == len(pins("requirements-ci.txt"))
    assert all("--hash=sha256:" in block for block in blocks)


def test_an_extra_that_a_package_asks_for_is_pinned_with_it():
    """Else pip takes the newest release for that extra, which has no hash here: CI broke once."""
    text = (ROOT / "requirements-ci.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+\[[a-z,]+\])==", text, re.MULTILINE))
    asked = set()
    for name in pins("requirements-ci.txt"):
        try:
            found = requires(name) or ()
        except PackageNotFoundError:  # CI installs all of them, a developer some
            continue
        for requirement in map(Requirement, found):
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if requirement.extras and wanted:
                asked.add(f"{canonicalize_name(requirement.name)}[{','.join(requirement.extras)}]")
    assert asked <= pinned
    assert "coverage[toml]" in pinned


def test_every_dependency_has_a_lower_end_and_it_is_the_one_that_is_tested():
    lowest = pins("constraints-lowest.txt")
    for requirement in ranges("test"):
        (bound,) = requirement.specifier
        assert bound.operator == ">=", requirement
        pinned = lowest[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pinned), requirement
        assert pinned.startswith(bound.version), requirement


def test_the_newest_that_is_tested_is_in_the_ranges():
    newest = pins("constraints.txt")
    for requirement in ranges("test", "docs", "benchmarks"):
        assert requirement.specifier.contains(newest[canonicalize_name(requirement.name)])


@pytest.mark.parametrize(
    "name", ["requirements-ci.txt", "constraints.txt", "constraints-lowest.txt", ".ci/run"]
)
def test_no_address_of_an_index(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--index|--find-links", text)


def test_the_licences_are_listed():
    module = load("licences")
    listed = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\S+) \| (.+) \|$", listed, re.MULTILINE))
    needed = set(module.needed("qtheory", set(), module.EXTRAS))
    assert needed <= set(rows)
    assert {name: rows[name] for name in needed} == {n: module.licence(n) for n in needed}
    assert all(name in rows for name in map(canonicalize_name, (r.name for r in ranges())))
    assert "not said" not in rows.values()


OPTIONAL = {
    "matplotlib": (
        "plots",
        "import qtheory as qt; qt.plots.spectra(qt.Problem(3), qt.Quantization())",
    ),
    "xarray": ("sweeps", "import qtheory; qtheory.load_sweep('results.sqlite')"),
    "latex2mathml": ("report", "from qtheory.report.mathml import mathml; mathml('x')"),
    "distributed": (
        "distributed",
        "from qtheory.measure.cluster import dask_executor; "
        "dask_executor('tcp://127.0.0.1:1').__enter__()",
    ),
    "cvc5": ("audit", "from qtheory.proof.audit import cvc5_for_audit; cvc5_for_audit()"),
}
WITHOUT = "import sys; sys.modules.update(dict.fromkeys({names!r}))\n{code}"


def run_without(names, code):
    script = WITHOUT.format(names=list(names), code=code)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


@pytest.mark.parametrize("library", OPTIONAL)
def test_an_optional_library_that_is_missing_is_named_with_its_command(library):
    extra, code = OPTIONAL[library]
    last = run_without([library], code).stderr.splitlines()[-1]
    assert f"needs {library}, which is not installed" in last
    assert f"python -m pip install 'qtheory[{extra}]'" in last
    assert library in {requirement.name for requirement in ranges(extra, "all")}
    assert library not in {requirement.name for requirement in ranges()}


def test_verify_and_every_command_need_no_optional_library():
    code = (
        "import qtheory.cli, qtheory.checks.suite as suite\n"
        "from qtheory.checks.check import run_job\n"
        "from qtheory.paper.experiments import Experiment\n"
        "from qtheory.checks.experiments import experiment_certified\n"
        "print(*(c.status for c in experiment_certified(Experiment('additive', '1e-2', 9, 1, 9))))"
    )
    run = run_without(OPTIONAL, code)
    assert (run.stdout, run.stderr) == ("passed passed\n", "")
