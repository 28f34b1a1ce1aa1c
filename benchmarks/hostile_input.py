"""A million hostile inputs: never a traceback, never a hang, never a wrong answer.

For every case the package must give a value, which is compared with one known without it, or
refuse with a ``qt.QTheoryError`` (on the command line with exit status 1 or 2 and a few lines),
within seconds and without filling the memory. The inputs are in ``hostile_surfaces.py``. A case is
the same for the same seed, whatever the workers.

``--self-test`` plants faulty parsers and ends with status 1 unless each of them is found.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import harness
import hostile_surfaces as surfaces

import qtheory as qt

#: The part of all cases that each surface gets; they cost from 0.02 to some milliseconds.
SHARES = {
    "numbers": 0.60, "formulas": 0.10, "shorthand": 0.20, "grids": 0.03, "tables": 0.03,
    "stores": 0.01, "commands": 0.015, "library": 0.015, "processes": 0.0002,
}  # fmt: skip
# Of the processor; a case that sleeps is ended after a minute of the clock, and one that does not
# even return to Python by the system.
SECONDS_PER_CASE, SECONDS_ASLEEP, SECONDS_TO_DEATH = 5.0, 60.0, 60
BYTES_PER_WORKER, CHUNK = 4 * 2**30, 2000
LONGEST_MESSAGE, MOST_LINES = 4000, 12


class Hang(BaseException):
    """Raised in a case that takes too long; no ``except Exception`` can swallow it."""


@dataclass
class Count:
    """What came of the cases of a surface; of every kind of violation the shortest case."""

    cases: int = 0
    values: int = 0
    refusals: int = 0
    seconds: float = 0.0
    slowest: tuple[float, str] = (0.0, "")
    violations: dict[str, str] = field(default_factory=dict)

    def add(self, other: Count) -> None:
        """Other cases."""
        for name in ("cases", "values", "refusals", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest = max(self.slowest, tuple(other.slowest))
        for kind, shown in other.violations.items():
            self.violations[kind] = min(self.violations.get(kind, shown), shown, key=len)


# --- one case ----------------------------------------------------------------------------------


def judge(case: Any) -> tuple[str, str | None]:
    """What a case gave, ``values`` or ``refusals``, and what is wrong with it."""
    try:
        value = case.run()
    except qt.QTheoryError as error:
        fault = _message_fault(str(error))
        return "refusals", "a valid input is refused" if case.valid else fault
    except Exception as error:  # a traceback for the user, whatever it is
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "values", f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
    try:
        reason = case.wrong(value)
    except Exception as error:  # showing or comparing a value must not break down either
        return "values", f"its value breaks down: {type(error).__name__}"
    kind = "refusals" if case.arguments and value[0] else "values"
    return kind, None if reason is None else f"wrong: {reason[:60]}"


def _message_fault(message: str) -> str | None:
    if not message.strip():
        return "a refusal without a reason"
    if len(message) > LONGEST_MESSAGE or len(message.splitlines()) > MOST_LINES:
        return "a refusal that is no short message"
    return "a traceback in a message" if "Traceback" in message else None


def _counted(case: Any, number: str) -> Count:
    """One case in bounded time."""
    # again and again: an exception raised while garbage is collected goes no further
    signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_CASE, 1)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_ASLEEP, 1)
    started = time.perf_counter()
    try:
        kind, fault = judge(case)
    except Hang:
        kind, fault = "values", f"hangs for {SECONDS_PER_CASE} s"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    took = time.perf_counter() - started
    violations = {} if fault is None else {fault: f"{case.shown}  {number}"}
    return Count(1, seconds=took, slowest=(took, case.shown), violations=violations, **{kind: 1})


def _out_of_time(signum: int, frame: Any) -> None:
    raise Hang


def run_cases(name: str, seed: int, begin: int, end: int, note: Path | None = None) -> Count:
    """The cases of a surface from one number to another.

    A worker is given a file where it notes which case it is at, should it be killed by it, and gets
    a limit of memory.
    """
    faulthandler.enable()
    if note is not None:
        _limit_memory()
    before = {s: signal.signal(s, _out_of_time) for s in (signal.SIGALRM, signal.SIGPROF)}
    count = Count()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qt.LostDigitsWarning)
        for index in range(begin, end):
            if note is not None:
                note.write_text(str(index))
                signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_TO_DEATH)
            case = surfaces.SURFACES[name](random.Random(f"{seed} {name} {index}"))
            count.add(_counted(case, f"[{name} {index}]"))
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    for each, handler in before.items():
        signal.signal(each, handler)
    return count


def _limit_memory() -> None:
    """What goes past it becomes a MemoryError, which is a violation."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    current, most = resource.getrlimit(resource.RLIMIT_AS)
    if current == resource.RLIM_INFINITY:
        wanted = pages * resource.getpagesize() + BYTES_PER_WORKER
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


# --- all of them -------------------------------------------------------------------------------


def sizes(cases: int) -> dict[str, int]:
    """How many cases each surface gets, at least that many in all."""
    return {name: -int(-cases * share // 1) for name, share in SHARES.items()}


def fuzz(found: dict[str, Count], cases: int, seed: int, workers: int) -> None:
    """All surfaces, in chunks over forked processes; what kills one is counted, the rest goes on.

    ``found`` is added to as the chunks end, so that Ctrl-C leaves what came till then.
    """
    # the simulation is compiled when it is first used, which is no time of the case that uses it
    qt.simulate(qt.Problem(1), qt.Quantization(), qt.SGD("0.1", steps=1), 2, threads=1)
    chunks = [
        (name, begin, min(begin + CHUNK, size))
        for name, size in sizes(cases).items()
        for begin in range(0, size, CHUNK)
    ]
    chunks = harness.drawn(chunks, len(chunks), seed)
    at_work: dict[int, tuple[str, int, int]] = {}
    while chunks or at_work:
        while chunks and len(at_work) < workers:
            chunk = chunks.pop()
            process = os.fork()
            if process == 0:
                _chunk(seed, *chunk)
            at_work[process] = chunk
        process, status = os.wait()
        name, begin, end = at_work.pop(process)
        note, result = _files(process)
        if status == 0:
            found[name].add(Count(**json.loads(result.read_text())))
        else:
            index = int(note.read_text())
            found[name].violations["kills the process"] = f"[{name} {index}]"
            chunks += [(name, begin, index)] * (begin < index) + [(name, index + 1, end)]
        print(sum(count.cases for count in found.values()), "cases", file=sys.stderr, flush=True)


def _files(process: int) -> tuple[Path, Path]:
    """Where a process notes the case it is at, and where it leaves what it found."""
    return surfaces.FOLDER / f"{process}.at", surfaces.FOLDER / f"{process}.json"


def _chunk(seed: int, name: str, begin: int, end: int) -> None:
    """Run some cases in a process of their own; never returns."""
    try:
        note, result = _files(os.getpid())
        result.write_text(json.dumps(asdict(run_cases(name, seed, begin, end, note))))
        os._exit(0)
    finally:
        os._exit(1)


def report(found: dict[str, Count]) -> str:
    """The table, and the shortest case of every violation."""
    lines = [f"{'surface':<10}{'cases':>9}{'values':>9}{'refusals':>10}{'seconds':>9}  slowest, ms"]
    for name, count in found.items():
        seconds, shown = count.slowest
        lines.append(
            f"{name:<10}{count.cases:>9}{count.values:>9}{count.refusals:>10}"
            f"{count.seconds:>9.1f}{1000 * seconds:>10.1f}  {shown[:50]}"
        )
    faults = [(n, k, s) for n, c in found.items() for k, s in sorted(c.violations.items())]
    total = sum(count.cases for count in found.values())
    lines.append(f"{total} cases, {len(faults)} kinds of violation")
    return "\n".join([*lines, *(f"VIOLATION {n}: {k}\n  {s[:1000]}" for n, k, s in faults)])


# --- the negative control: faulty parsers that must be found -------------------------------------


def _raises(*arguments: Any, **options: Any) -> Any:
    raise ValueError("planted")


def _nests(*arguments: Any, **options: Any) -> Any:
    return _nests(*arguments, **options)


def _hangs(*arguments: Any, **options: Any) -> Any:
    while True:
        pass


_exact = surfaces.numbers.exact
_ZEROS = qt.Problem(2, qt.Explicit([1, 1]), qt.Explicit([0, 0]))
#: What is planted: the surface, where, the fault, and what it must be reported as.
PLANTED: dict[str, tuple[str, Any, str, Any, str]] = {
    "a ValueError": ("formulas", surfaces.grammar, "parse_formula", _raises, "ValueError"),
    "a RecursionError": ("shorthand", surfaces.parse, "parse_target", _nests, "RecursionError"),
    "a hang": ("grids", surfaces, "load_grid", _hangs, "hangs"),
    "a wrong number": (
        "numbers", surfaces.numbers, "exact",
        lambda value, name: _exact(value, name) + (1 if "." in str(value) else 0), "wrong",
    ),
    "a table of zeros": ("tables", qt.Problem, "from_data", lambda *given: _ZEROS, "wrong"),
    "valid input refused": ("numbers", surfaces.numbers, "_LONGEST_TEXT", 3, "a valid input"),
    "a traceback printed": (
        "commands", surfaces, "in_process",
        lambda arguments: (1, "", "Traceback (most recent call last):"), "wrong: a traceback",
    ),
}  # fmt: skip


def unseen_faults(cases: int = 200, seconds: float = 0.2) -> list[str]:
    """The planted faults that are not reported."""
    unseen = []
    limit = mock.patch.object(sys.modules[__name__], "SECONDS_PER_CASE", seconds)
    for name, (surface, where, attribute, fault, reported) in PLANTED.items():
        with mock.patch.object(where, attribute, fault), limit:
            count = run_cases(surface, 0, 0, 5 if reported == "hangs" else cases)
        if not any(kind.startswith(reported) for kind in count.violations):
            unseen.append(name)
    return unseen


def main() -> int:
    """Run the cases and print the table; status 1 at any violation."""
    parser = harness.command_line(__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--self-test", action="store_true", help="plant faults and find them")
    options = parser.parse_args()
    if options.list:
        print(*(f"{name:10} {size}" for name, size in sizes(options.cases).items()), sep="\n")
        return 0
    if options.self_test:
        unseen = unseen_faults()
        print(f"{len(PLANTED) - len(unseen)} of {len(PLANTED)} planted faults found", *unseen)
        return 1 if unseen else 0
    found: dict[str, Count] = {name: Count() for name in SHARES}
    try:
        fuzz(found, options.cases, options.seed, options.workers)
    except KeyboardInterrupt:
        print("broken off")
    print(report(found))
    rows = [harness.Row(name, "wrong" if c.violations else "right", ", ".join(c.violations),
                        round(c.seconds, 1)) for name, c in found.items()]  # fmt: skip
    harness.written(rows, options.json)
    return 1 if any(count.violations for count in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
