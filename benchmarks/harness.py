"""What tests the tests: cases in a table, each tried in a changed copy of the tree, and verdicts.

A case has a name. It is tried in a process of its own, forked from one that has loaded everything
but this package, in a copy of the checkout where one file is changed, for so much time of the
processor; the result is a row. The tables of planted faults, mutants and hostile input are rows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[1]
Case = TypeVar("Case")
#: What is asked in a copy: None if nothing is wrong there, or what is, in a few words.
Ask = Callable[[], str | None]
#: On a clock, so many times the time of the processor: a process may sleep.
_ASLEEP = 20
_LOADED = ("flint", "hypothesis", "mpmath", "numba", "numpy", "sympy", "typer", "z3")


@dataclass(frozen=True)
class Row:
    """A case and what came of it: ``noticed``, ``timeout`` or ``unnoticed``, and by what."""

    case: str
    verdict: str
    by: str = ""
    seconds: float = 0.0


def command_line(documentation: str, sample: int | None = None) -> argparse.ArgumentParser:
    """The options that all of these commands have."""
    parser = argparse.ArgumentParser(description=documentation.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="words of which a case's name has one")
    parser.add_argument("--sample", type=int, default=sample, help="this many, drawn with the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="the cases, and nothing is tried")
    parser.add_argument("--json", type=Path, help="a file for the rows")
    return parser


def drawn(cases: Iterable[Case], count: int | None, seed: object) -> list[Case]:
    """As many of the cases, the same for the same seed; all of them for None."""
    found = list(cases)
    if count is not None:
        random.Random(str(seed)).shuffle(found)
    return found[:count]


def chosen(cases: Iterable[Case], words: Sequence[str] | None) -> list[Case]:
    """The cases in whose text one of the words is."""
    return [case for case in cases if not words or any(word in str(case) for word in words)]


# --- a changed copy of the tree ------------------------------------------------------------------


@contextmanager
def tree() -> Iterator[Path]:
    """A copy of the checkout as it is."""
    with tempfile.TemporaryDirectory(prefix="changed-") as place:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout  # fmt: skip
        for name in listed.decode().split("\0"):
            if name and (ROOT / name).is_file():
                Path(place, name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, Path(place, name))
        yield Path(place)


@contextmanager
def changed(file: Path, content: str) -> Iterator[None]:
    """The file with another content, for a while."""
    original = file.read_text(encoding="utf-8")
    try:
        file.write_text(content, encoding="utf-8")
        yield
    finally:
        file.write_text(original, encoding="utf-8")


def asked(place: Path, ask: Ask, seconds: float) -> tuple[str, str]:
    """The verdict on a copy, and by what: asked in a process that may take this much."""
    report = place / ".report"
    report.unlink(missing_ok=True)
    process = os.fork()
    if process == 0:
        _child(place, ask, report, seconds)
    deadline = time.monotonic() + _ASLEEP * seconds
    while not (ended := os.waitpid(process, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.02)
    code = os.waitstatus_to_exitcode(ended[1])
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "timeout", f"after {seconds:.0f} s of the processor"
    if code not in (0, 1):
        raise RuntimeError(f"status {code}: {report.read_text() if report.exists() else ''}")
    return ("noticed", report.read_text()) if code else ("unnoticed", "")


def _child(place: Path, ask: Ask, report: Path, seconds: float) -> None:
    """Ask in the copy; never returns."""
    status = 3
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 30))
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.chdir(place)
        sys.path.insert(0, str(place))
        sys.dont_write_bytecode = True  # files of equal size and time would be mistaken
        kept = {"HYPOTHESIS_STORAGE_DIRECTORY": ".hypothesis", "NUMBA_CACHE_DIR": ".compiled"}
        os.environ.update({name: str(place / folder) for name, folder in kept.items()})
        os.environ.update(PYTHONPATH=str(place), PYTHONDONTWRITEBYTECODE="1", PYTEST_ADDOPTS="")
        found = ask()
        report.write_text(found or "")
        status = 0 if found is None else 1
    except BaseException:
        report.write_text(traceback.format_exc())
    finally:
        os._exit(status)


# --- many cases --------------------------------------------------------------------------------

_here: dict[str, Path] = {}


def _settle(places: Any) -> None:
    _here["tree"] = places.get()


def _tried(work: tuple[Callable[[Path, Case], Row], Case]) -> Row:
    attempt, case = work
    start = time.perf_counter()
    row = attempt(_here["tree"], case)
    for folder in (".compiled", ".hypothesis"):  # made with the fault in it
        shutil.rmtree(_here["tree"] / folder, ignore_errors=True)
    return Row(row.case, row.verdict, row.by, round(time.perf_counter() - start, 1))


def each(cases: list[Case], attempt: Callable[[Path, Case], Row], workers: int) -> Iterator[Row]:
    """The row of each case, in their order; every worker has a copy of the tree."""
    for name in _LOADED:
        __import__(name)
    assert "qtheory" not in sys.modules, "the package must be loaded from the copies"
    context, workers = multiprocessing.get_context("fork"), max(1, min(workers, len(cases)))
    with ExitStack() as copies:
        places = context.SimpleQueue()
        for _ in range(workers):
            places.put(copies.enter_context(tree()))
        with context.Pool(workers, _settle, (places,)) as pool:
            yield from pool.imap(_tried, [(attempt, case) for case in cases])


def written(rows: list[Row], file: Path | None) -> None:
    """The rows as JSON, if a file is asked for."""
    if file is not None:
        file.write_text(json.dumps({"rows": [asdict(row) for row in rows]}, indent=1) + "\n")
