"""What a check is, and what it reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["CheckResult", "Job", "Kind", "Status", "run_job"]

Kind = Literal["proof", "identity", "instance", "rate", "simulation"]
Status = Literal["passed", "failed", "skipped"]


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


def run_job(job: Job) -> list[CheckResult]:
    """The results of a job; an error becomes a failed check, so that no other result is lost."""
    start = time.perf_counter()
    try:
        results = job.function(*job.arguments)
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        results = [CheckResult(job.id, job.kind, "failed", detail)]
    share = (time.perf_counter() - start) / len(results)
    return [CheckResult(r.id, r.kind, r.status, r.detail, share, r.values) for r in results]
