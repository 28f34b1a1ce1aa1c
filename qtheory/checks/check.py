"""What a check is, and what it reports."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import current_thread, main_thread
from typing import Any, Literal

from qtheory.errors import PrecisionError, QTheoryError, UndecidedError

Kind = Literal["proof", "identity", "instance", "rate", "simulation"]
Status = Literal["passed", "failed", "unknown"]
Part = Literal["theory", "package"]

#: The rooms of ``qtheory verify``: what is checked in each, of the theory and of the package.
ROOMS: Mapping[str, Mapping[str, str]] = {
    "theory": {
        "bounds": "lower <= exact <= upper, certified, and T1 as an identity",
        "rates": "derived orders beside exact risks",
        "constants": "sharp constants (T9) beside exact risks",
        "proofs": "every theorem, proved anew",
        "simulation": "the real update beside the exact risk",
        "claims": "the paper's claims beside the exact numbers",
    },
    "package": {
        "risk": "risks and stability, beside loops over fractions",
        "statements": "theorems and bounds, term by term, beside the same",
        "proof": "what the kernel must refuse, for each of its rules",
        "inputs": "what a user gives, number formats, hypotheses",
        "orders": "rates, constants, choices, beside sums and searches",
        "update": "short runs with large errors of every kind",
    },
}

#: Seconds of the processor, not of the clock: ten times what the longest job takes on a slow one.
LONGEST_SECONDS = 900.0


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    ``values`` holds what tables show: numbers, and the names of what was checked. ``part`` and
    ``room`` say where it belongs (:data:`ROOMS`); a job gives them to all that it finds.
    """

    id: str
    kind: Kind
    status: Status
    detail: str
    seconds: float = 0.0
    values: Mapping[str, Any] = field(default_factory=dict)
    part: Part = "package"
    room: str = ""

    @classmethod
    def of(
        cls,
        id: str,
        kind: Kind,
        holds: bool,
        detail: str,
        values: Mapping[str, Any] | None = None,
    ) -> CheckResult:
        """Passed if it holds, failed otherwise."""
        return cls(id, kind, "passed" if holds else "failed", detail, values=values or {})

    def as_json(self, times: bool = True) -> dict[str, Any]:
        """The record that ``qtheory verify --json`` writes; without times ``seconds`` is None."""
        return {
            "id": self.id,
            "kind": self.kind,
            "status": self.status,
            "detail": self.detail,
            "seconds": round(self.seconds, 3) if times else None,
            "values": dict(self.values),
            "part": self.part,
            "room": self.room,
        }


def refusals(
    id: str, kind: Kind, attempts: Mapping[str, Callable[[], object]], error: type[QTheoryError]
) -> list[CheckResult]:
    """One check: each attempt ends in this error; the detail names those that do not."""

    def is_refused(attempt: Callable[[], object]) -> bool:
        try:
            attempt()
        except error:
            return True
        return False

    accepted = [what for what, attempt in attempts.items() if not is_refused(attempt)]
    detail = f"NOT refused: {'; '.join(accepted)}" if accepted else f"{len(attempts)} refused"
    return [CheckResult.of(id, kind, not accepted, detail, {"compared": len(attempts)})]


@dataclass(frozen=True)
class Job:
    """A unit of work that yields one or more checks; a plain function, so it can be sent away."""

    id: str
    kind: Kind
    function: Callable[..., list[CheckResult]]
    arguments: tuple[Any, ...]
    cost: float  # rough seconds, to start the long ones first
    part: Part = "package"
    room: str = ""


def run_job(job: Job, longest: float = LONGEST_SECONDS) -> list[CheckResult]:
    """The results of a job; an error becomes a failed check, so that no other result is lost.

    Where a limit is reached nothing is shown, and the check is unknown: a limit of precision, of
    the solver's work, or of this many seconds of the processor.
    """
    start = time.perf_counter()
    try:
        with _within(longest):
            results = job.function(*job.arguments)
    except (TimeoutError, PrecisionError, UndecidedError) as error:
        results = [CheckResult(job.id, job.kind, "unknown", str(error))]
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        results = [CheckResult(job.id, job.kind, "failed", detail)]
    share = (time.perf_counter() - start) / len(results)
    return [replace(r, seconds=share, part=job.part, room=job.room) for r in results]


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what runs past a limit, where the system has such a signal."""
    if not hasattr(signal, "setitimer") or current_thread() is not main_thread():
        yield
        return

    def out_of_time(signum: int, frame: object) -> None:
        raise TimeoutError(f"not done after {seconds:.0f} s of the processor; more would decide it")

    before = signal.signal(signal.SIGPROF, out_of_time)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
