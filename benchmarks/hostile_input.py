"""A million hostile inputs: never a traceback, never a hang, never a wrong answer.

For every case the package must give a value, which is compared with one known without it, or
refuse with a ``qt.QTheoryError`` (on the command line with exit status 1 or 2 and a few lines),
within seconds and without filling the memory. The inputs are in ``hostile_surfaces.py``. A case is
the same for the same seed, whatever the workers.

``--self-test`` plants faulty parsers and ends with status 1 unless each of them is found.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import hostile_surfaces as surfaces

import qtheory as qt

#: The part of all cases that each surface gets; they cost from 0.02 to some milliseconds.
SHARES = {
    "numbers": 0.60, "formulas": 0.10, "shorthand": 0.20, "grids": 0.03, "tables": 0.03,
    "stores": 0.01, "commands": 0.015, "library": 0.015,
}  # fmt: skip
# Of the processor, since the machine may be busy with other things; a case that sleeps is ended
# after so many seconds of the clock.
SECONDS_PER_CASE = 5.0
SECONDS_ASLEEP = 60.0
# A case that does not even return to Python is ended by the system after so much time of the
# processor.
SECONDS_TO_DEATH = 60
BYTES_PER_WORKER = 4 * 2**30
CHUNK = 2000
SUBPROCESSES = 200
LONGEST_MESSAGE, MOST_LINES = 4000, 12


class Hang(BaseException):
    """Raised in a case that takes too long; no ``except Exception`` can swallow it."""


@dataclass
class Count:
    """What came of the cases of a surface."""

    cases: int = 0
    values: int = 0
    refusals: int = 0
    slowest: float = 0.0
    slowest_case: str = ""
    seconds: float = 0.0
    mebibytes: int = 0
    # the shortest case for every kind of violation
    violations: dict[str, str] = field(default_factory=dict)

    def add(self, other: Count) -> None:
        """The cases of another worker."""
        self.cases += other.cases
        self.values += other.values
        self.refusals += other.refusals
        self.seconds += other.seconds
        self.mebibytes = max(self.mebibytes, other.mebibytes)
        if other.slowest > self.slowest:
            self.slowest, self.slowest_case = other.slowest, other.slowest_case
        for kind, shown in other.violations.items():
            self.violate(kind, shown)

    def violate(self, kind: str, shown: str) -> None:
        """Keep the shortest case of a kind."""
        if kind not in self.violations or len(shown) < len(self.violations[kind]):
            self.violations[kind] = shown


def _message_fault(message: str) -> str | None:
    if not message.strip():
        return "a refusal without a reason"
    if len(message) > LONGEST_MESSAGE or len(message.splitlines()) > MOST_LINES:
        return "a refusal that is no short message"
    return "a traceback in a message" if "Traceback" in message else None


def judge(case: Any) -> tuple[str, str | None]:
    """What a case gave, ``value`` or ``refusal``, and what is wrong with it."""
    try:
        value = case.run()
    except Hang:
        return "value", f"hangs for {SECONDS_PER_CASE} s"
    except qt.QTheoryError as error:
        fault = _message_fault(str(error))
        return "refusal", "a valid input is refused" if case.valid else fault
    except BaseException as error:  # a traceback for the user, whatever it is
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "value", f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
    try:
        reason = case.wrong(value)
    except Hang:
        return "value", f"its value cannot be looked at in {SECONDS_PER_CASE} s"
    except Exception as error:  # showing or comparing a value must not break down either
        return "value", f"its value breaks down: {type(error).__name__}"
    kind = "refusal" if case.arguments and value[0] else "value"
    return kind, None if reason is None else f"wrong: {reason[:60]}"


def _out_of_time(signum: int, frame: Any) -> None:
    raise Hang


def run_cases(name: str, seed: int, begin: int, end: int, notes: Path | None = None) -> Count:
    """The cases of a surface from one number to another.

    A worker is given a folder where it notes which case it is at, should it be killed by it, and
    gets a limit of memory.
    """
    faulthandler.enable()
    # the simulation is compiled when it is first used, which is no time of the case that uses it
    qt.simulate(qt.Problem(1), qt.Quantization(), qt.SGD("0.1", steps=1), replicates=2)
    if notes is not None:
        _limit_memory()
    before = {s: signal.signal(s, _out_of_time) for s in (signal.SIGALRM, signal.SIGPROF)}
    make: Callable[[random.Random], Any] = surfaces.SURFACES[name]
    count, begun = Count(), time.perf_counter()
    here = notes / str(os.getpid()) if notes is not None else None
    place = os.open(here, os.O_CREAT | os.O_WRONLY) if here is not None else -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.LostDigitsWarning)
        for index in range(begin, end):
            if here is not None:
                os.pwrite(place, f"{name} {index} ".encode(), 0)
            case = make(random.Random(f"{seed} {name} {index}"))
            if notes is not None:
                signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_TO_DEATH)
            # again and again: an exception raised while garbage is collected goes no further
            signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_CASE, 1)
            signal.setitimer(signal.ITIMER_REAL, SECONDS_ASLEEP, 1)
            started = time.perf_counter()
            try:
                kind, fault = judge(case)
            except Hang:
                kind, fault = "value", f"hangs for {SECONDS_PER_CASE} s"
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.setitimer(signal.ITIMER_REAL, 0)
            took = time.perf_counter() - started
            count.cases += 1
            count.values += kind == "value"
            count.refusals += kind == "refusal"
            if took > count.slowest:
                count.slowest, count.slowest_case = took, case.shown
            if fault is not None:
                count.violate(fault, f"{case.shown}  [{name} {index}]")
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    for each, handler in before.items():
        signal.signal(each, handler)
    count.seconds = time.perf_counter() - begun
    count.mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if here is not None:
        os.close(place)
        here.unlink(missing_ok=True)
    return count


def _limit_memory() -> None:
    """What goes past it becomes a MemoryError, which is a violation."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + BYTES_PER_WORKER
    current, _ = resource.getrlimit(resource.RLIMIT_AS)
    if current == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


def real_commands(seed: int, cases: int, workers: int) -> Count:
    """Command lines as processes of their own."""
    found, begun = Count(), time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        for count in pool.map(_real_command, [f"{seed} processes {k}" for k in range(cases)]):
            found.add(count)
    found.seconds = time.perf_counter() - begun
    return found


def _real_command(seed: str) -> Count:
    case, count = surfaces.SURFACES["commands"](random.Random(seed)), Count(cases=1)
    # what no shell can hand over is left out: the end of a text, and halves of characters
    arguments = [part.replace("\0", "").encode("utf-8", "replace") for part in case.arguments]
    started = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "qtheory", *arguments],
            capture_output=True,
            timeout=SECONDS_TO_DEATH,
            cwd=surfaces.FOLDER,
            check=False,
        )
    except subprocess.TimeoutExpired:
        count.violate(f"hangs for {SECONDS_TO_DEATH} s", case.shown)
        return count
    count.slowest, count.slowest_case = time.perf_counter() - started, case.shown
    count.values, count.refusals = int(done.returncode == 0), int(done.returncode != 0)
    texts = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    fault = surfaces.refusal(done.returncode, *texts)
    if fault is not None:
        count.violate(fault, case.shown)
    return count


def sizes(cases: int) -> dict[str, int]:
    """How many cases each surface gets, so many at least in all."""
    return {name: -int(-cases * share // 1) for name, share in SHARES.items()}


def fuzz(found: dict[str, Count], cases: int, seed: int, workers: int) -> None:
    """All surfaces, in chunks over processes that are renewed if one dies.

    ``found`` is added to as the chunks end, so that Ctrl-C leaves what came till then.
    """
    chunks = [
        (name, seed, begin, min(begin + CHUNK, size))
        for name, size in sizes(cases).items()
        for begin in range(0, size, CHUNK)
    ]
    random.Random(seed).shuffle(chunks)
    total = sum(end - begin for _, _, begin, end in chunks)
    notes = surfaces.FOLDER / "notes"
    notes.mkdir(exist_ok=True)
    while chunks:
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        waiting = {pool.submit(run_cases, *chunk, notes): chunk for chunk in chunks}
        chunks = []
        for future in as_completed(waiting):
            chunk = waiting[future]
            try:
                found[chunk[0]].add(future.result())
                done = sum(count.cases for count in found.values())
                print(f"{done} of {total} cases", file=sys.stderr, flush=True)
            except BrokenProcessPool:
                chunks.append(chunk)
        pool.shutdown()
        for file in notes.iterdir():
            name, index = file.read_text().split()[:2]
            file.unlink()
            found[name].violate("kills the process", f"{name} {index}")
            # what killed it is left out, the rest of its chunk goes on
            for chunk in [c for c in chunks if c[0] == name and c[2] <= int(index) < c[3]]:
                chunks.remove(chunk)
                chunks += [
                    (name, seed, chunk[2], int(index)),
                    (name, seed, int(index) + 1, chunk[3]),
                ]


def report(found: dict[str, Count]) -> str:
    """The table, and the shortest case of every violation."""
    lines = [
        f"{'surface':<10}{'cases':>9}{'values':>9}{'refusals':>10}{'slowest ms':>12}"
        f"{'seconds':>9}{'case/s':>8}{'MiB':>6}"
    ]
    for name, count in found.items():
        rate = count.cases / count.seconds if count.seconds else 0
        lines.append(
            f"{name:<10}{count.cases:>9}{count.values:>9}{count.refusals:>10}"
            f"{1000 * count.slowest:>12.1f}{count.seconds:>9.1f}{rate:>8.0f}{count.mebibytes:>6}"
        )
    total = sum(count.cases for count in found.values())
    violations = [(n, k, s) for n, c in found.items() for k, s in sorted(c.violations.items())]
    lines.append(f"{total} cases, {len(violations)} kinds of violation")
    lines += [f"VIOLATION {name}: {kind}\n  {shown[:1000]}" for name, kind, shown in violations]
    return "\n".join(lines)


# --- the twin: faulty parsers that must be found --------------------------------------------------


def _raises(*arguments: Any, **options: Any) -> Any:
    raise ValueError("planted")


def _nests(*arguments: Any, **options: Any) -> Any:
    return _nests(*arguments, **options)


def _hangs(*arguments: Any, **options: Any) -> Any:
    while True:
        pass


@contextmanager
def _wrong_number() -> Iterator[None]:
    right = surfaces.numbers.exact

    def off_by_one_at_times(value: Any, name: str) -> Any:
        return right(value, name) + (1 if "." in str(value) else 0)

    with mock.patch.object(surfaces.numbers, "exact", off_by_one_at_times):
        yield


def _prints_a_traceback(arguments: list[str]) -> tuple[int, str, str]:
    return 1, "", "Traceback (most recent call last):"


#: What is planted: the surface, the fault, and what it must be reported as.
PLANTED: dict[str, tuple[str, Callable[[], Any], str]] = {
    "a ValueError": (
        "formulas", lambda: mock.patch.object(surfaces.grammar, "parse_formula", _raises),
        "ValueError",
    ),
    "a RecursionError": (
        "shorthand", lambda: mock.patch.object(surfaces.parse, "parse_target", _nests),
        "RecursionError",
    ),
    "a hang": (
        "grids", lambda: mock.patch.object(surfaces, "load_grid", _hangs), "hangs"
    ),
    "a wrong number": ("numbers", _wrong_number, "wrong"),
    "a table of zeros": (
        "tables",
        lambda: mock.patch.object(
            surfaces.qt.Problem, "from_data", return_value=qt.Problem(2, qt.Explicit([1, 1]),
                                                                      qt.Explicit([0, 0]))
        ),
        "wrong",
    ),
    "valid input refused": (
        "numbers",
        lambda: mock.patch.object(
            surfaces.numbers, "_LONGEST_TEXT", 3
        ),
        "a valid input is refused",
    ),
    "a traceback printed": (
        "commands", lambda: mock.patch.object(surfaces, "in_process", _prints_a_traceback),
        "wrong: a traceback",
    ),
}  # fmt: skip


def unseen_faults(cases: int = 200, seconds: float = 0.2) -> list[str]:
    """The planted faults that are not reported."""
    unseen = []
    for fault, (surface, planted, reported) in PLANTED.items():
        with planted(), mock.patch.object(sys.modules[__name__], "SECONDS_PER_CASE", seconds):
            count = run_cases(surface, 0, 0, 5 if reported == "hangs" else cases)
        if not any(kind.startswith(reported) for kind in count.violations):
            unseen.append(fault)
    return unseen


def main() -> int:
    """Run the cases and print the table; status 1 at any violation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--processes", type=int, default=SUBPROCESSES, help="real command lines")
    parser.add_argument("--self-test", action="store_true", help="plant faults and find them")
    options = parser.parse_args()
    if options.self_test:
        unseen = unseen_faults()
        print(f"{len(PLANTED) - len(unseen)} of {len(PLANTED)} planted faults found", *unseen)
        return 1 if unseen else 0
    found = {name: Count() for name in (*SHARES, "processes")}
    try:
        fuzz(found, options.cases, options.seed, options.workers)
        found["processes"] = real_commands(options.seed, options.processes, options.workers)
    except KeyboardInterrupt:
        print("broken off")
    print(report(found))
    for name, count in found.items():
        print(f"slowest of {name}: {count.slowest_case[:60]}")
    return 1 if any(count.violations for count in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
