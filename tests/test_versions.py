"""What a result rests on."""

import platform
from importlib.metadata import version

import pytest

import qtheory as qt
from qtheory.report.page import _page
from qtheory.versions import SIMULATED, versions


def test_versions_are_those_installed():
    found = versions(*SIMULATED)
    assert found["qtheory"] == qt.__version__
    assert found["python"] == platform.python_version()
    assert {name: found[name] for name in SIMULATED} == {name: version(name) for name in SIMULATED}


def test_the_machine_is_there_only_if_asked_for():
    assert "machine" not in versions()
    assert platform.machine() in versions(machine=True)["machine"]


def test_a_library_that_is_not_there_is_an_error():
    with pytest.raises(ModuleNotFoundError):
        versions("no-such-library-of-ours")


def test_the_report_says_what_it_rests_on():
    page = _page([], [])
    for name, number in versions(*SIMULATED, "z3-solver", machine=True).items():
        assert f"{name} {number}" in page
