"""What a check is, and what it reports."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import current_thread, main_thread
from typing import Any, Literal

__all__ = ["LONGEST_SECONDS", "CheckResult", "Job", "Kind", "Status", "run_job"]

Kind = Literal["proof", "identity", "instance", "rate", "simulation"]
Status = Literal["passed", "failed", "unknown"]

#: Seconds of the processor, not of the clock: ten times what the longest job takes on a slow one.
LONGEST_SECONDS = 900.0


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check; ``values`` holds the numbers that tables and findings show."""

    id: str
    kind: Kind
    status: Status
    detail: str
    seconds: float = 0.0
    values: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        id: str,
        kind: Kind,
        holds: bool,
        detail: str,
        values: Mapping[str, float] | None = None,
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
        }


@dataclass(frozen=True)
class Job:
    """A unit of work that yields one or more checks; a plain function, so it can be sent away."""

    id: str
    kind: Kind
    function: Callable[..., list[CheckResult]]
    arguments: tuple[Any, ...]
    cost: float  # rough seconds, to start the long ones first


def run_job(job: Job, longest: float = LONGEST_SECONDS) -> list[CheckResult]:
    """The results of a job; an error becomes a failed check, so that no other result is lost.

    One that takes more than this many seconds of the processor is unknown: it may never end, but
    that is not shown.
    """
    start = time.perf_counter()
    try:
        with _within(longest):
            results = job.function(*job.arguments)
    except TimeoutError as error:
        results = [CheckResult(job.id, job.kind, "unknown", str(error))]
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        results = [CheckResult(job.id, job.kind, "failed", detail)]
    share = (time.perf_counter() - start) / len(results)
    return [CheckResult(r.id, r.kind, r.status, r.detail, share, r.values) for r in results]


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
