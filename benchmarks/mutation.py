"""Mutation testing of the mathematics: change one thing in the source, and some test must fail.

Cosmic Ray says what can be changed; here it is decided which tests are asked, and each mutant gets
a process of its own, forked from one that has imported everything but this package. Which tests run
which lines is measured once, in a run of the fast tests under coverage (about fifteen minutes).
Where they let a formula of the theory pass, or a check, `qtheory verify` is asked.

    python benchmarks/mutation.py                          # 100 mutants of each room, seed 0
    python benchmarks/mutation.py --room risk --sample 500 --seed 1
    python benchmarks/mutation.py --list                   # the table and the survivors so far
    python benchmarks/mutation.py --verify --sample 150    # formulas; `qtheory verify` is asked

What was found is kept in ``.mutation/`` and is not tried again unless its line changed.
Cosmic Ray and pytest-cov are installed by ``pip install -e ".[test,benchmarks]"``.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from planted_faults import first_failing_check

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
ROOMS = (
    "model", "risk", "theory", "orders", "asymptotics", "proof", "checks", "reference", "claims",
)  # fmt: skip

#: Changes that a person could make by mistake and that still mean something: an operator for its
#: neighbour, a number off by one, a comparison, a connective, a loop that does not run. Changes
#: that fail at once (a shift for a sum) would only improve the figure.
OPERATORS = re.compile(
    r"core/(ReplaceBinaryOperator_("
    r"Add_Sub|Sub_Add|Mul_Div|Div_Mul|Mul_Add|Pow_Mul|FloorDiv_Div|Mod_FloorDiv|LShift_RShift)"
    r"|ReplaceComparisonOperator_("
    r"Lt_LtE|Lt_Gt|LtE_Lt|LtE_Gt|Gt_GtE|Gt_Lt|GtE_Gt|GtE_Lt|Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is)"
    r"|ReplaceUnaryOperator_(USub_UAdd|Delete_USub|Delete_Not)"
    r"|NumberReplacer|ReplaceTrueWithFalse|ReplaceFalseWithTrue|ReplaceAndWithOr|ReplaceOrWithAnd"
    r"|AddNot|ZeroIterationForLoop|RemoveDecorator|ReplaceBreakWithContinue"
    r"|ReplaceContinueWithBreak)"
)
#: First the quick tests, then, for what survives, as many as fit in, those of its room first.
QUICK, LONG = 20.0, 150.0
_STARTING = 60.0  # seconds that a process may take beside its tests
_LONGEST_VERIFICATION = 900.0

#: Where sections 2 and 3 of the theory are encoded, which `qtheory verify` must guard by itself.
FORMULAS = (
    "model/instance.py", "model/window.py", "risk/recursion.py", "risk/moments.py",
    "risk/decomposition.py", "risk/powers.py", "risk/closed_form.py", "theory/batch.py",
    "theory/decomposition.py", "theory/definitions.py", "theory/lower.py", "theory/recursion.py",
    "theory/spectrum.py", "theory/upper.py", "asymptotics/stationary.py", "asymptotics/sharp.py",
)  # fmt: skip

Ask = Callable[[list[str], Path], int]


@dataclass(frozen=True)
class Mutant:
    """One change of one file: what Cosmic Ray calls an operator, at its k-th place."""

    path: str
    operator: str
    occurrence: int
    line: int
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, int, str, str]:
        """What it is known by: not the line, which moves when something above it changes."""
        return self.path, self.operator, self.occurrence, self.before, self.after

    @property
    def room(self) -> str:
        """The room of its file."""
        return self.path.split("/")[1]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}\n    - {self.before}\n    + {self.after}"


# --- what can be changed -----------------------------------------------------------------------


def _mutated(path: Path, operator: str, occurrence: int) -> str | None:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    return mutate_code(path.read_text(encoding="utf-8"), get_operator(operator)(), occurrence)


def places(rooms: tuple[str, ...]) -> Iterator[tuple[str, str, int, int]]:
    """Every path, operator, occurrence and line; nothing is changed yet."""
    from cosmic_ray.ast import ast_nodes, get_ast_from_path
    from cosmic_ray.plugins import get_operator, operator_names

    operators = {name: get_operator(name) for name in operator_names() if OPERATORS.match(name)}
    for room in rooms:
        for path in sorted((ROOT / "qtheory" / room).glob("*.py")):
            nodes = list(ast_nodes(get_ast_from_path(path)))
            for name, operator in sorted(operators.items()):
                if operator.arguments():
                    continue
                found = [where for n in nodes for where in operator().mutation_positions(n)]
                for occurrence, (start, _) in enumerate(found):
                    yield str(path.relative_to(ROOT)), name, occurrence, start[0]


def mutant_at(path: str, operator: str, occurrence: int, line: int) -> Mutant | None:
    """The mutant with its changed line; None if the program is the same afterwards."""
    before = (ROOT / path).read_text(encoding="utf-8")
    after = _mutated(ROOT / path, operator, occurrence)
    if after is None or _program(before) == _program(after):
        return None
    old, new = before.splitlines(), after.splitlines()
    at = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), line - 1)
    if len(old) != len(new):
        at = line - 1
    shown = new[at].strip() if len(old) == len(new) else "(line taken out)"
    return Mutant(path, operator, occurrence, at + 1, old[at].strip(), shown)


def _program(source: str) -> str:
    """What is executed: annotations are not (they are never evaluated here)."""

    class Bare(ast.NodeTransformer):
        def visit_arg(self, node: ast.arg) -> ast.arg:
            node.annotation = None
            return node

        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            node.returns = None
            return self.generic_visit(node)

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
            node.annotation = ast.Constant(None)
            return self.generic_visit(node)

    try:
        return ast.dump(Bare().visit(ast.parse(source)))
    except SyntaxError:
        return source


def sample(
    rooms: tuple[str, ...], count: int, seed: int, files: tuple[str, ...] | None = None
) -> list[Mutant]:
    """So many mutants of each room, drawn at random, files in proportion to their places."""
    everything: dict[str, list[tuple[str, str, int, int]]] = defaultdict(list)
    for place in places(rooms):
        if files is not None and place[0].removeprefix("qtheory/") not in files:
            continue
        everything[place[0].split("/")[1]].append(place)
    chosen = []
    for room, found in everything.items():
        random.Random(f"{seed}/{room}").shuffle(found)
        mutants = (mutant_at(*place) for place in found)
        chosen += [m for m, _ in zip((m for m in mutants if m), range(count), strict=False)]
    return chosen


# --- which tests -------------------------------------------------------------------------------


class _Durations:
    """A pytest plugin: seconds of each test, and which one failed."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report) -> None:
        self.seconds[_function(report.nodeid)] += report.duration
        if report.failed:
            self.failed.append(report.nodeid)


def _function(nodeid: str) -> str:
    """A test without its parameters, which a mutant may change."""
    return nodeid.split("[")[0]


_PYTEST = (
    "-o", "addopts=--doctest-modules --strict-markers", "-m", "not slow and not long", "-q",
    "-p", "no:cacheprovider", "-p", "no:nbmake", "--hypothesis-seed=0",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",  # of what was imported before the fork
)  # fmt: skip
#: Tests of the building, not of the mathematics: a mutant that only they notice would not count.
_NOT_ASKED = (
    "tests/report", "tests/plots", "tests/docs", "tests/cli", "tests/test_architecture",
    "notebooks", "tests/measure", "tests/test_readme", "tests/test_supply",
    "tests/benchmarks",
)  # fmt: skip


def _test_files() -> dict[str, str]:
    """The files with tests in them, and what tells whether they were changed."""
    found = [
        *sorted((ROOT / "tests").rglob("test_*.py")),
        *sorted((ROOT / "qtheory").rglob("*.py")),
    ]
    names = ((str(path.relative_to(ROOT)), path) for path in found)
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names
        if not name.startswith(_NOT_ASKED)
    }


def measure(store: Path) -> dict[str, float]:
    """Run the fast tests under coverage, and note who runs what and for how long.

    What was measured before stays, and only files of tests that are new or changed are run.
    """
    notes = store / "seconds.json"
    known = json.loads(notes.read_text()) if notes.exists() else {"files": {}, "seconds": {}}
    files = _test_files()
    todo = [name for name, content in files.items() if known["files"].get(name) != content]
    moved = [name for name in todo if name in known["files"] and name.startswith("qtheory/")]
    if moved:
        print(f"{len(moved)} files of the package have changed since the tests were measured: "
              f"delete {store} if many lines have moved", file=sys.stderr)  # fmt: skip
    todo = [name for name in todo if name not in moved]
    if not todo:
        return known["seconds"]
    settings, seconds = store / "coveragerc", store / "new.json"
    settings.write_text("[run]\nsource = qtheory\n")
    code = (
        "import json, sys, pytest; sys.path[:0] = ['benchmarks', '.']\n"
        "import mutation\nplugin = mutation._Durations()\n"
        "status = pytest.main(sys.argv[2:], plugins=[plugin])\n"
        "json.dump(plugin.seconds, open(sys.argv[1], 'w'))\n"
        "sys.exit(status not in (0, 5))"  # 5: a file without tests
    )
    command = [
        sys.executable, "-c", code, str(seconds), *_PYTEST, *todo, "-n", "2", "--cov-append",
        "--cov", f"--cov-config={settings}", "--cov-context=test", "--cov-report=",
    ]  # fmt: skip
    environment = {**os.environ, "COVERAGE_FILE": str(store / "coverage"), "PYTEST_ADDOPTS": ""}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        sys.exit("the tests must pass before anything is changed")
    new = json.loads(seconds.read_text())
    gone = {*todo, *(set(known["files"]) - set(files))}
    kept = {n: s for n, s in known["seconds"].items() if n.split("::")[0] not in gone}
    found = {"files": {**files, **{n: known["files"][n] for n in moved}}, "seconds": kept | new}
    notes.write_text(json.dumps(found))
    return found["seconds"]


@dataclass(frozen=True)
class Tests:
    """Which tests run a line, and how long they take."""

    seconds: dict[str, float]
    runs: dict[str, dict[int, frozenset[str]]]  # by path and line

    @classmethod
    def measured(cls, store: Path) -> Tests:
        """As :func:`measure` found them, now or in an earlier run."""
        from coverage import CoverageData

        seconds = measure(store)
        data = CoverageData(str(store / "coverage"))
        data.read()
        runs: dict[str, dict[int, frozenset[str]]] = {}
        for file in data.measured_files():
            runs[str(Path(file).relative_to(ROOT))] = {
                line: frozenset(_function(c.split("|")[0]) for c in contexts if c) & set(seconds)
                for line, contexts in data.contexts_by_lineno(file).items()
            }
        return cls(seconds, runs)

    def of(self, mutant: Mutant, budget: float) -> list[str]:
        """The tests for a mutant that fit into a time, those first that should notice it."""
        lines = self.runs.get(mutant.path, {})
        found: frozenset[str] = frozenset().union(
            *(lines.get(line, ()) for line in _statement(mutant.path, mutant.line))
        )
        if not found:  # run when imported: whoever runs anything of the file, or of the room
            found = frozenset().union(*lines.values())
        near = {name for name in self.seconds if self._is_near(name, mutant)}
        if not found:
            found = frozenset(near)
        if mutant.before.startswith("@"):  # what a decorator does is seen where it is used
            found |= {name for name in self.seconds if name.startswith("tests/test_frozen")}
        ranked = sorted(
            found,
            key=lambda name: (
                budget <= QUICK and self.seconds[name] > 5,
                name not in near,
                self.seconds[name],
            ),
        )
        chosen, spent = [], 0.0
        for name in ranked:
            if chosen and spent + self.seconds[name] > budget:
                continue
            chosen.append(name)
            spent += self.seconds[name]
        return chosen

    def _is_near(self, name: str, mutant: Mutant) -> bool:
        own = name.startswith((f"tests/{mutant.room}/", mutant.path))
        statements = (
            "tests/test_proofs", "tests/reference/test_moments", "tests/checks/test_risk",
        )  # fmt: skip
        return own or (mutant.room in ("theory", "proof") and name.startswith(statements))


@cache
def _statements(path: str) -> list[tuple[int, int]]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
    ]


def _statement(path: str, line: int) -> range:
    """The lines of the smallest statement around a line."""
    around = [(b - a, a, b) for a, b in _statements(path) if a <= line <= b]
    _, first, last = min(around, default=(0, line, line))
    # of a compound statement only the head is meant
    return range(first, (line if last - first > 12 else last) + 1)


# --- one mutant --------------------------------------------------------------------------------


def _copy() -> Path:
    """A copy of the checkout in which a worker changes files, with its tests compiled."""
    place = Path(tempfile.mkdtemp(prefix="mutation-"))
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout  # fmt: skip
    for name in listed.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    environment = {**os.environ, "PYTHONPATH": str(place), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", *_PYTEST, "--collect-only", "tests", "qtheory"]
    subprocess.run(command, cwd=place, env=environment, capture_output=True, check=True)
    return place


def _warm() -> None:
    """Import what every test needs and no mutant changes."""
    import flint
    import hypothesis
    import matplotlib
    import mpmath
    import numba
    import numpy
    import pytest
    import sympy
    import xarray
    import z3

    assert "qtheory" not in sys.modules
    del flint, hypothesis, matplotlib, mpmath, numba, numpy, pytest, sympy, xarray, z3


def _pytest(tests: list[str], report: Path) -> int:
    """Run tests until one fails; its name goes into the report."""
    import pytest

    try:
        importlib.import_module("qtheory.theory.replay")  # what the tests' conftest.py imports
    except Exception as error:
        report.write_text(f"import: {type(error).__name__}: {error}")
        return 1
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(report) + ".hypothesis"
    plugin = _Durations()
    status = int(pytest.main([*_PYTEST, "-x", *tests], plugins=[plugin]))
    report.write_text(plugin.failed[0] if plugin.failed else f"pytest's status {status}")
    return status


def _verify(tests: list[str], report: Path) -> int:
    """Run the checks of `qtheory verify`, cheap ones first, until one fails."""
    found = first_failing_check()
    if found is None:
        return 0
    report.write_text(found[0])
    return 1


def _child(place: Path, tests: list[str], report: Path, ask: Ask) -> None:
    """Run the tests in a copy; never returns."""
    status = 3
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.chdir(place)
        sys.path.insert(0, str(place))
        sys.dont_write_bytecode = True  # files of equal size and time would be mistaken
        os.environ.update(PYTHONPATH=str(place), PYTHONDONTWRITEBYTECODE="1", PYTEST_ADDOPTS="")
        status = ask(tests, report)
    except BaseException:
        report.write_text(traceback.format_exc())
    finally:
        os._exit(status)


def run(place: Path, tests: list[str], seconds: float, ask: Ask = _pytest) -> tuple[str, str]:
    """The outcome of the tests as they are in a copy: survived, killed or timeout; and by whom."""
    report = place / ".report"
    report.unlink(missing_ok=True)
    process = os.fork()
    if process == 0:
        _child(place, tests, report, ask)
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return "timeout", f"after {seconds:.0f} s"
        time.sleep(0.02)
    shutil.rmtree(str(report) + ".hypothesis", ignore_errors=True)
    by = report.read_text() if report.exists() else f"status {status}"
    code = os.waitstatus_to_exitcode(status)
    if code in (3, 4, 5):  # pytest did not get as far as the tests
        raise RuntimeError(f"pytest's status {code} with {tests[:3]}: {by}")
    return ("survived", "") if code == 0 else ("killed", by)


def attempt(place: Path, mutant: Mutant, tests: Tests | None) -> dict[str, object]:
    """Change the file in the copy, ask the tests, and put it back."""
    file = place / mutant.path
    original = file.read_text(encoding="utf-8")
    start = time.monotonic()
    changed = _mutated(ROOT / mutant.path, mutant.operator, mutant.occurrence)
    assert changed is not None
    try:
        file.write_text(changed, encoding="utf-8")
        if tests is None:
            asked, (outcome, by) = 1, run(place, [], _LONGEST_VERIFICATION, _verify)
        else:
            asked, outcome, by = _ask_tests(place, mutant, tests)
    finally:
        file.write_text(original, encoding="utf-8")
    taken = round(time.monotonic() - start, 1)
    return {**asdict(mutant), "outcome": outcome, "by": by, "asked": asked, "seconds": taken}


def _ask_tests(place: Path, mutant: Mutant, tests: Tests) -> tuple[int, str, str]:
    """How many tests were asked, the outcome and by whom: the quick ones first, then more."""
    asked: list[str] = []
    for budget in (QUICK, LONG):
        names = [name for name in tests.of(mutant, budget) if name not in asked]
        if not names:
            continue
        asked += names
        expected = sum(tests.seconds[name] for name in names)
        outcome, by = run(place, names, _STARTING + 6 * expected)
        if outcome != "survived":
            return len(asked), outcome, by
    if mutant.room in ("checks", "reference") or mutant.path.removeprefix("qtheory/") in FORMULAS:
        outcome, by = run(place, [], _LONGEST_VERIFICATION, _verify)
        if outcome != "survived":
            return len(asked), outcome, f"qtheory verify: {by}"
    return len(asked), "survived" if asked else "no test", ""


# --- all of them -------------------------------------------------------------------------------


def _results(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _key(record: dict) -> tuple[str, str, int, str, str]:
    where = record["path"], record["operator"], record["occurrence"]
    return *where, record["before"], record["after"]


def equivalent() -> dict[tuple[str, str, str], str]:
    """Mutants that change no result, with the reason: by path, line before and line after."""
    with EQUIVALENT.open("rb") as file:
        listed = tomllib.load(file)["mutant"]
    return {(m["path"], m["before"], m["after"]): m["reason"] for m in listed}


def work(
    mutants: list[Mutant], tests: Tests | None, file: Path, workers: int, again: bool
) -> list[dict]:
    """Try what was not tried yet; results go to the file as they come."""
    known = {_key(r): r for r in _results(file) if not (again and r["outcome"] != "killed")}
    todo = [m for m in mutants if m.key not in known]
    if todo:
        _warm()
        children = []
        for k in range(min(workers, len(todo))):
            process = os.fork()
            if process == 0:
                _worker(todo[k::workers], tests, file)
            children.append(process)
        if any(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children):
            sys.exit("a worker ended early")
    known = {_key(r): r for r in _results(file)}  # the last word counts
    return [known[m.key] for m in mutants]


def _worker(todo: list[Mutant], tests: Tests | None, results: Path) -> None:
    place, status = None, 1
    try:
        place = _copy()
        if tests is not None:  # the twin: what is not changed must survive
            quick = sorted(tests.seconds, key=lambda name: tests.seconds[name])[:20]
            outcome, by = run(place, quick, 5 * _STARTING)
            if outcome != "survived":
                raise RuntimeError(f"where nothing is changed: {outcome} by {by}")
        with results.open("a", encoding="utf-8") as file:
            for mutant in todo:
                record = attempt(place, mutant, tests)
                file.write(json.dumps(record) + "\n")
                file.flush()
                print(f"{record['outcome']:8} {record['seconds']:6} s  {mutant.path}", flush=True)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
        sys.stdout.flush()
        os._exit(status)


def table(records: list[dict]) -> bool:
    """Print the figures and the survivors; whether at least 90 % of each room were killed."""
    listed, good = equivalent(), True
    print(f"\n{'room':12} {'mutants':>8} {'killed':>7} {'timeout':>8} {'equivalent':>11} "
          f"{'survived':>9} {'killed of the rest':>19}")  # fmt: skip
    survivors = []
    totals: Counter[str] = Counter()
    by_room: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        outcome = record["outcome"]
        where = (record["path"], record["before"], record["after"])
        if outcome in ("survived", "no test"):
            outcome = "equivalent" if where in listed else "survived"
            if outcome == "survived":
                survivors.append(record)
        by_room[record["path"].split("/")[1]][outcome] += 1
        totals[outcome] += 1
    for room, counts in [*by_room.items(), ("all", totals)]:
        total = sum(counts.values())
        dead = counts["killed"] + counts["timeout"]
        rest = total - counts["equivalent"]
        share = dead / rest if rest else 1.0
        good &= share >= 0.9
        error = 1.96 * math.sqrt(max(share * (1 - share), 1e-9) / max(rest, 1))
        print(
            f"{room:12} {total:8} {counts['killed']:7} {counts['timeout']:8} "
            f"{counts['equivalent']:11} {counts['survived']:9} {share:11.1%} +- {error:.1%}"
        )
    for record in survivors:
        where = f"{record['path']}:{record['line']}"
        print(f"\n{where}  ({record['outcome']}, {record['asked']} tests)")
        print(f"    - {record['before']}\n    + {record['after']}")
    return good


def main(arguments: list[str] | None = None) -> int:
    """Sample, try, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--room", choices=ROOMS, action="append", help="only this room")
    parser.add_argument("--sample", type=int, default=100, help="mutants of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--store", type=Path, default=ROOT / ".mutation", help="a folder")
    parser.add_argument("--again", action="store_true", help="try again what survived")
    parser.add_argument("--verify", action="store_true", help="ask `qtheory verify`, not the tests")
    parser.add_argument("--list", action="store_true", help="only what is known already")
    options = parser.parse_args(arguments)
    rooms = tuple(options.room or ROOMS)
    files = FORMULAS if options.verify else None
    chosen = sample(rooms, options.sample, options.seed, files)
    options.store.mkdir(exist_ok=True)
    file = options.store / ("verified.jsonl" if options.verify else "results.jsonl")
    if options.list:
        known = {_key(r): r for r in _results(file)}
        records = [known[m.key] for m in chosen if m.key in known]
    else:
        tests = None if options.verify else Tests.measured(options.store)
        records = work(chosen, tests, file, options.workers, options.again)
    return 0 if table(records) else 1


if __name__ == "__main__":
    sys.exit(main())
