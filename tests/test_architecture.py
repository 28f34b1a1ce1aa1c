"""The rooms: imports run downward only, user text is never evaluated, import stays light."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "qtheory"

# A room may import from rooms on lines below its own; neighbours share a line.
FLOORS = [
    {"cli"},
    {"report"},
    {"plots"},
    {"checks"},
    {"paper"},
    {"testing"},
    {"claims"},
    {"asymptotics", "measure"},
    {"theory", "risk", "simulate"},
    {"model", "orders"},
    {"numbers"},
    {"proof"},
    {"errors", "versions", "reference"},
]
LEVEL = {room: k for k, rooms in enumerate(FLOORS) for room in rooms}
FORBIDDEN = {"sympify", "parse_expr", "eval", "exec", "S"}
FILES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem in LEVEL
)


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def upward_imports(source, room):
    for module in imported_modules(ast.parse(source)):
        parts = module.split(".")
        inside = parts[0] == "qtheory" and len(parts) > 1 and parts[1] != room
        if inside and LEVEL[parts[1]] <= LEVEL[room]:
            yield module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downward(path):
    assert room_of(path) in LEVEL
    assert list(upward_imports(path.read_text(), room_of(path))) == []


def test_an_upward_import_is_seen():
    assert list(upward_imports("from qtheory.checks import verify", "risk")) == ["qtheory.checks"]
    assert list(upward_imports("import qtheory.theory.bounds", "risk")) == ["qtheory.theory.bounds"]


def test_no_two_classes_share_a_name():
    names = Counter(
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []
    assert names["Run"] == names["Plan"] == 1


def import_circles(imports):
    """Modules that import each other, whatever is imported only for its types."""
    reached = {name: set(others) for name, others in imports.items()}
    for middle in reached:
        for name in reached:
            if middle in reached[name]:
                reached[name] |= reached[middle]
    return sorted(name for name, others in reached.items() if name in others)


def test_no_module_imports_one_that_imports_it():
    modules = {_module(path): path for path in FILES}
    imports = {name: set(_imports(path, modules)) for name, path in modules.items()}
    assert import_circles(imports) == []
    assert import_circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]


def _module(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _imports(path, modules):
    """The modules that are run for a file; one of a package that is named alone is no circle."""
    tree = ast.parse(path.read_text())
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node not in for_types:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = names & set(modules)
            yield from inside
            if names - inside and node.module in modules:
                yield node.module


def evaluating_calls(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if name in FORBIDDEN:
                yield name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_text_is_evaluated(path):
    assert list(evaluating_calls(path.read_text())) == []


def test_an_evaluating_call_is_seen():
    assert list(evaluating_calls("import sympy as sp\nsp.sympify(text)")) == ["sympify"]


def test_a_proof_loads_the_kernel_the_theory_and_its_own_chain():
    """Not the risks, the rates, the checks: about a third of the package."""
    code = (
        "import sys, qtheory as qt; qt.prove('T1'); "
        "print(*(m for m in sys.modules if m.split('.')[0] in ('qtheory', 'proofs')))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("qtheory.")}
    assert rooms <= {"errors", "model", "numbers", "proof", "proofs", "simulate", "theory"}
    assert len(loaded) <= 77


def test_heavy_libraries_wait_until_used():
    heavy = ("qtheory.theory", "matplotlib", "typer", "hypothesis", "z3", "cvc5", "numba", "xarray")
    code = f"import sys, qtheory; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
