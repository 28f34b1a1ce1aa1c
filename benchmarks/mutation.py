"""Mutation testing of the mathematics: change one thing in the source, and some test must fail.

Cosmic Ray says what can be changed. A mutant is tried in a copy of the tree: first by the test file
that mirrors its own, then by its room; where they let a formula of the theory pass, or a check,
`qtheory verify` is asked.

    python benchmarks/mutation.py                          # 100 mutants of each room, seed 0
    python benchmarks/mutation.py --room risk --sample 500 --seed 1
    python benchmarks/mutation.py --list                   # the table and the survivors so far
    python benchmarks/mutation.py --verify --sample 150    # formulas; `qtheory verify` is asked

What was found is kept in ``.mutation/`` and is not tried again unless its line changed.
Cosmic Ray is installed by ``pip install -e ".[test,benchmarks]"``.
"""

from __future__ import annotations

import ast
import json
import math
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import harness
from planted_faults import first_failure

ROOT = harness.ROOT
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
#: Tests of what a room says that stand in another.
BESIDE = {
    "theory": ("tests/test_proofs.py", "tests/reference/test_theorems.py"),
    "proof": ("tests/test_proofs.py",),
    "risk": ("tests/checks/test_risk.py",),
}
_LONGEST = 900.0  # seconds of the processor

#: Where sections 2 and 3 of the theory are encoded, which `qtheory verify` must guard by itself.
FORMULAS = (
    "model/instance.py", "model/window.py", "risk/recursion.py", "risk/moments.py",
    "risk/decomposition.py", "risk/powers.py", "risk/closed_form.py", "theory/batch.py",
    "theory/decomposition.py", "theory/definitions.py", "theory/lower.py", "theory/recursion.py",
    "theory/spectrum.py", "theory/upper.py", "asymptotics/stationary.py", "asymptotics/sharp.py",
)  # fmt: skip


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
    """As many mutants of each room, drawn at random, files in proportion to their places."""
    everything: dict[str, list[tuple[str, str, int, int]]] = defaultdict(list)
    for place in places(rooms):
        if files is None or place[0].removeprefix("qtheory/") in files:
            everything[place[0].split("/")[1]].append(place)
    chosen = []
    for room, found in everything.items():
        shuffled = harness.drawn(found, len(found), f"{seed}/{room}")
        mutants = (mutant_at(*place) for place in shuffled)
        chosen += [m for m, _ in zip((m for m in mutants if m), range(count), strict=False)]
    return chosen


# --- one mutant --------------------------------------------------------------------------------


class _Failed:
    """A pytest plugin: which tests failed."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report) -> None:
        if report.failed:
            self.names.append(report.nodeid)


_PYTEST = (
    "-o", "addopts=--doctest-modules --strict-markers", "-m", "not slow and not long", "-q", "-x",
    "-p", "no:cacheprovider", "-p", "no:nbmake", "--hypothesis-seed=0",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",  # of what was imported before the fork
)  # fmt: skip


def tests_of(mutant: Mutant) -> list[str]:
    """The file that mirrors the mutant's, its doctests, and all of its room."""
    room, stem = mutant.room, Path(mutant.path).stem
    found = [f"tests/{room}/test_{stem}.py", mutant.path, f"tests/{room}", *BESIDE.get(room, ())]
    return [name for name in found if (ROOT / name).exists()]


def first_failing_test(tests: list[str]) -> str | None:
    """Run tests until one fails: which."""
    import pytest

    try:
        import qtheory.theory.replay  # noqa: F401 - what the tests' conftest.py imports
    except Exception as error:
        return f"import: {type(error).__name__}: {error}"
    plugin = _Failed()
    status = int(pytest.main([*_PYTEST, *tests], plugins=[plugin]))
    if status in (3, 4, 5):  # it did not get as far as the tests
        raise RuntimeError(f"pytest's status {status} with {tests}")
    return (plugin.names or [f"pytest's status {status}"])[0] if status else None


def attempt(verify: bool, place: Path, mutant: Mutant) -> harness.Row:
    """Change the file in a copy and ask the tests; where those see nothing of a formula, verify."""
    asks: list[harness.Ask] = [] if verify else [partial(first_failing_test, tests_of(mutant))]
    formula = mutant.path.removeprefix("qtheory/") in FORMULAS
    if verify or formula or mutant.room in ("checks", "reference"):
        asks.append(partial(first_failure, mutant.path))
    changed = _mutated(ROOT / mutant.path, mutant.operator, mutant.occurrence)
    assert changed is not None
    with harness.changed(place / mutant.path, changed):
        for ask in asks:
            verdict, by = harness.asked(place, ask, _LONGEST)
            if verdict != "unnoticed":
                break
    return harness.Row(json.dumps(asdict(mutant)), verdict, by)


def unchanged_is_unnoticed(mutant: Mutant) -> None:
    """The negative control: tests that fail where nothing is changed would count for every one."""
    tests = [name for name in tests_of(mutant) if name.startswith("tests")][:1]
    with harness.tree() as place:
        ask = partial(first_failing_test, tests)
        verdict, by = harness.asked(place, ask, _LONGEST)
    if verdict != "unnoticed":
        raise RuntimeError(f"where nothing is changed: {verdict} by {by}")


# --- all of them -------------------------------------------------------------------------------


def _results(file: Path) -> dict[tuple[str, str, int, str, str], dict]:
    """What was tried before, the last word on each."""
    lines = file.read_text().splitlines() if file.exists() else []
    return {_key(record): record for record in map(json.loads, lines)}


def _key(record: dict) -> tuple[str, str, int, str, str]:
    where = record["path"], record["operator"], record["occurrence"]
    return *where, record["before"], record["after"]


def equivalent() -> dict[tuple[str, str, str], str]:
    """Mutants that change no result, with the reason: by path, line before and line after."""
    with EQUIVALENT.open("rb") as file:
        listed = tomllib.load(file)["mutant"]
    return {(m["path"], m["before"], m["after"]): m["reason"] for m in listed}


def work(mutants: list[Mutant], verify: bool, file: Path, workers: int) -> None:
    """Try what was not tried yet; results go to the file as they come."""
    known = _results(file)
    todo = [mutant for mutant in mutants if mutant.key not in known]
    if todo and not verify:
        unchanged_is_unnoticed(todo[0])
    with file.open("a", encoding="utf-8") as results:
        for row in harness.each(todo, partial(attempt, verify), workers) if todo else ():
            record = json.loads(row.case) | {"outcome": row.verdict, "by": row.by}
            results.write(json.dumps(record | {"seconds": row.seconds}) + "\n")
            results.flush()
            print(f"{row.verdict:9} {row.seconds:6} s  {record['path']}", flush=True)


def table(records: list[dict]) -> bool:
    """Print the figures and the survivors; whether at least 90 % of each room were noticed."""
    listed, survivors = equivalent(), []
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        outcome = record["outcome"]
        if outcome == "unnoticed":
            where = (record["path"], record["before"], record["after"])
            outcome = "equivalent" if where in listed else "survived"
            survivors += [record] * (outcome == "survived")
        for room in (record["path"].split("/")[1], "all"):
            counts[room][outcome] += 1
    counts["all"] = counts.pop("all")  # last
    columns = ("noticed", "timeout", "equivalent", "survived")
    print(f"\n{'room':12} {'mutants':>10}", *(f"{name:>10}" for name in columns), "  of the rest")
    shares = []
    for room, found in counts.items():
        rest = found.total() - found["equivalent"]
        share = (found["noticed"] + found["timeout"]) / rest if rest else 1.0
        shares.append(share)
        error = 1.96 * math.sqrt(max(share * (1 - share), 1e-9) / max(rest, 1))
        print(f"{room:12} {found.total():10}", *(f"{found[name]:10}" for name in columns),
              f"{share:8.1%} +- {error:.1%}")  # fmt: skip
    for record in survivors:
        print(f"\n{record['path']}:{record['line']}  ({record['outcome']})")
        print(f"    - {record['before']}\n    + {record['after']}")
    return min(shares) >= 0.9


def main(arguments: list[str] | None = None) -> int:
    """Sample, try, and print."""
    parser = harness.command_line(__doc__, sample=100)
    parser.add_argument("--room", choices=ROOMS, action="append", help="only this room")
    parser.add_argument("--store", type=Path, default=ROOT / ".mutation", help="a folder")
    parser.add_argument("--verify", action="store_true", help="ask `qtheory verify`, not the tests")
    options = parser.parse_args(arguments)
    files = FORMULAS if options.verify else None
    mutants = sample(tuple(options.room or ROOMS), options.sample, options.seed, files)
    mutants = harness.chosen(mutants, options.only)
    options.store.mkdir(exist_ok=True)
    file = options.store / ("verified.jsonl" if options.verify else "results.jsonl")
    if not options.list:
        work(mutants, options.verify, file, options.workers)
    known = _results(file)
    records = [known[mutant.key] for mutant in mutants if mutant.key in known]
    harness.written([harness.Row(f"{r['path']}:{r['line']}: {r['after']}", r["outcome"], r["by"],
                                 r["seconds"]) for r in records], options.json)  # fmt: skip
    return 0 if records and table(records) else 1


if __name__ == "__main__":
    sys.exit(main())
