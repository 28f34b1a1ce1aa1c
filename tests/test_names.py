"""What tab completion shows: the names for users, and nothing else."""

import subprocess
import sys

import pytest

import qtheory as qt

NAMESPACES = {"formats": qt.formats, "plots": qt.plots, "proof": qt.proof, "testing": qt.testing}
INTERNAL = {
    "TYPE_CHECKING",
    "np",
    "Any",
    "dataclass",
    "annotations",
    "replace",
    "difflib",
    "z3",
    "st",
}


def public(namespace):
    return {name for name in dir(namespace) if not name.startswith("_")}


def test_the_package_shows_its_names_and_its_modules():
    assert public(qt) == {*qt.__all__, "plots", "proof", "testing"}
    assert "__version__" in dir(qt)
    for name in dir(qt):
        getattr(qt, name)


@pytest.mark.parametrize("name", NAMESPACES)
def test_a_namespace_shows_its_names(name):
    assert public(NAMESPACES[name]) == set(NAMESPACES[name].__all__)
    assert not public(NAMESPACES[name]) & INTERNAL


def test_a_module_of_the_package_is_imported_when_it_is_first_used():
    code = (
        "import sys, qtheory as qt\n"
        "heavy = {'qtheory.plots', 'qtheory.testing', 'z3'}\n"
        "dir(qt); print(sorted(heavy & set(sys.modules)))\n"
        "qt.testing.instances, qt.proof.lemma, qt.plots.risk\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[]", "['qtheory.plots', 'qtheory.testing', 'z3']"]


def test_a_name_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'sweeep'"):
        qt.sweeep  # noqa: B018
