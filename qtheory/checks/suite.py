"""The main job: every check, run in parallel, nothing lost if one of them breaks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Any

from qtheory.checks import features, formats, inputs, risk, stability, statements
from qtheory.checks.block_formats import BLOCK_FORMATS, block_format_agrees
from qtheory.checks.bounds import bounds_agree, limits_agree
from qtheory.checks.check import ROOMS, CheckResult, Job, run_job
from qtheory.checks.choices import CHOICES
from qtheory.checks.constants import CONSTANT_CASES, constant_agrees, expansions_agree
from qtheory.checks.equivalents import EQUIVALENTS
from qtheory.checks.experiments import experiment_certified
from qtheory.checks.long_spectra import LONG_SPECTRA
from qtheory.checks.orders import ORDERS
from qtheory.checks.panel import PURE, SETTINGS
from qtheory.checks.proofs import REFUSED, proofs_replayed, refused
from qtheory.checks.rates import RATE_CASES, STEP_BY_STEP, rate_agrees, rate_agrees_step_by_step
from qtheory.checks.regimes import REGIMES
from qtheory.checks.simulation import SMALL, simulation_agrees, small_simulation_agrees
from qtheory.checks.sketched_rates import QUICK_SKETCHED_RATES, SKETCHED_RATES
from qtheory.checks.steps import STEPS as STEPS_CHECKS
from qtheory.errors import InvalidArgumentError
from qtheory.measure.pool import MOST_WORKERS, process_pool
from qtheory.numbers.exact import whole
from qtheory.paper.experiments import STEPS, Experiment, experiments
from qtheory.paper.finding import Finding
from qtheory.paper.findings import findings
from qtheory.versions import SIMULATED, versions

#: Monte-Carlo runs: scheme, batch, replicates. All at eps = 1e-2 and d = 200.
SIMULATIONS = (
    ("none", 1, 64),
    ("additive", 1, 64),
    ("shared", 1, 64),
    ("elementwise", 1, 64),
    ("additive", 16, 24),
    ("shared", 16, 24),
)
SEED = 20251018


@dataclass(frozen=True)
class Ledger:
    """Every check and every finding of one run."""

    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...]

    def count(self, status: str) -> int:
        """How many checks have this status."""
        return sum(check.status == status for check in self.checks)

    @property
    def ok(self) -> bool:
        """Whether nothing failed; what is unknown is not failed, and not passed."""
        return self.count("failed") == 0

    def as_json(self, times: bool = True) -> dict[str, Any]:
        """What ``qtheory verify --json`` writes; without times ``seconds`` is None in each check.

        Everything else depends neither on the run nor on the number of workers.
        """
        return {
            "checks": [check.as_json(times) for check in self.checks],
            "passed": self.count("passed"),
            "failed": self.count("failed"),
            "unknown": self.count("unknown"),
            "findings": [finding.as_json() for finding in self.findings],
            "versions": versions(*SIMULATED, "z3-solver", machine=True),
        }


def jobs(steps: int = STEPS) -> list[Job]:
    """The work of ``qtheory verify``; fewer steps make a smaller version of the same."""
    of_theory = {
        "bounds": _bounds(steps),
        "rates": _rates(),
        "constants": _constants(),
        "proofs": [Job("proofs", "proof", proofs_replayed, (), 100.0)],
        "simulation": _simulation(steps),
    }
    of_package = {
        "risk": _risk(),
        "statements": _statements(),
        "proof": _proof(),
        "inputs": _inputs(),
        "orders": _orders(),
        "update": _update(),
    }
    return [
        *(replace(j, part="theory", room=room) for room, found in of_theory.items() for j in found),
        *(replace(j, room=room) for room, found in of_package.items() for j in found),
    ]


# --- the theory --------------------------------------------------------------------------------


def _bounds(steps: int) -> Iterator[Job]:
    yield Job("T1/symbolic", "identity", statements.decomposition_is_identity, (), 0.1)
    for e in experiments(steps):
        yield Job(f"bounds/{e.id}", "instance", experiment_certified, (e,), e.dim / 300)


def _rates() -> Iterator[Job]:
    for case in RATE_CASES:
        yield Job(f"rate/{case.id}", "rate", rate_agrees, (case,), 2.0)
    for stepped in STEP_BY_STEP:
        id = f"rate/step by step/{stepped.id}"
        yield Job(id, "rate", rate_agrees_step_by_step, (stepped,), 3.0)
    for name in QUICK_SKETCHED_RATES:
        yield Job(name, "rate", SKETCHED_RATES[name], (), 6.0)


def _constants() -> Iterator[Job]:
    for case in CONSTANT_CASES:
        yield Job(f"constant/{case.id}", "rate", constant_agrees, (case,), 1.5)


def _simulation(steps: int) -> Iterator[Job]:
    for scheme, batch, replicates in SIMULATIONS:
        e = Experiment(scheme, "0" if scheme == "none" else "1e-2", 200, batch, steps)
        arguments = (e, replicates, SEED)
        cost = 0.002 * batch * replicates
        yield Job(f"simulation/{e.id}", "simulation", simulation_agrees, arguments, cost)


# --- the package -------------------------------------------------------------------------------


def _risk() -> Iterator[Job]:
    yield Job("recursion/outcomes", "identity", risk.outcomes_agree, (), 1.0)
    yield Job("recursion/paths", "identity", risk.paths_agree, (), 0.2)
    yield Job("risk/float64", "identity", risk.floats_agree, (), 1.5)
    for name in SETTINGS:
        yield Job(f"risk/{name}", "identity", risk.risks_agree, (name,), 0.2)
    for name, function in LONG_SPECTRA.items():
        yield Job(name, "identity", function, (), 1.5)
    for name, function in EQUIVALENTS.items():
        yield Job(name, "simulation", function, (), 1.0)
    yield Job("features/matrices", "identity", features.matrices_agree, (), 10.0)
    yield Job("features/eigenbasis", "identity", features.eigenbasis_agrees, (), 0.2)
    for name, function in STEPS_CHECKS.items():
        yield Job(name, "simulation" if "simulation" in name else "identity", function, (), 1.0)
    yield Job("stability/edges", "identity", stability.edges_agree, (), 0.3)
    yield Job("stability/limits", "identity", stability.limits_agree, (), 0.9)
    yield Job("stability/refused", "identity", stability.edges_are_refused, (), 0.3)
    yield Job("risk/roots", "identity", risk.uncertain_roots_are_refused, (), 0.1)


def _statements() -> Iterator[Job]:
    yield Job("statements/T2", "identity", statements.recursion_agrees, (), 2.0)
    yield Job("statements/bounds", "identity", statements.bounds_agree, (), 0.8)
    assumed = "statements/standing assumptions"
    yield Job(assumed, "identity", statements.standing_assumptions_hold, (), 0.5)
    for name in PURE:
        yield Job(f"bounds/{name}", "identity", bounds_agree, (name,), 0.1)
    yield Job("T7/bounds", "identity", limits_agree, (), 0.1)


def _proof() -> Iterator[Job]:
    for rule in REFUSED:
        yield Job(f"refused/{rule}", "proof", refused, (rule,), 0.1)


def _inputs() -> Iterator[Job]:
    yield Job("inputs", "identity", inputs.inputs_agree, (), 0.3)
    yield Job("hypotheses", "identity", inputs.hypotheses_are_required, (), 1.7)
    for name in formats.FORMATS:
        yield Job(f"format/{name}", "identity", formats.format_agrees, (name,), 0.5)
    for name in BLOCK_FORMATS:
        yield Job(f"format/{name}", "identity", block_format_agrees, (name,), 2.0)
    yield Job("format/standards", "identity", formats.formats_as_in_standards, (), 0.3)
    yield Job("format/levels", "identity", formats.levels_agree, (), 0.3)


def _orders() -> Iterator[Job]:
    yield Job("T9/finite dimension", "identity", expansions_agree, (), 5.0)
    for name, function in {**ORDERS, **REGIMES, **CHOICES}.items():
        yield Job(name, "rate", function, (), 2.0)


def _update() -> Iterator[Job]:
    cost = 10.0  # the first compiles the update; the others come late enough to find it on disk
    for name in (*SMALL, *formats.FORMATS):
        small = f"simulation/small/{name}"
        yield Job(small, "simulation", small_simulation_agrees, (name, SEED), cost)
        cost = 0.5


# --- running -----------------------------------------------------------------------------------


def verify(
    steps: int = STEPS,
    workers: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
    only: Collection[str] = (),
) -> Ledger:
    """Run every check and collect the findings.

    Parameters
    ----------
    steps
        N of the experiments; the main job uses 2000.
    workers
        Processes to run in.
    progress
        Called with the number of jobs done and the number of all jobs.
    only
        The rooms to check (:data:`qtheory.checks.check.ROOMS`), such as ``"rates"``; all if empty.

    Raises
    ------
    InvalidArgumentError
        If a room is not one of those.
    """
    workers = whole(workers, "workers", 1, MOST_WORKERS)
    chosen = _chosen(only)
    todo = [job for job in jobs(steps) if job.room in chosen]
    results: dict[str, list[CheckResult]] = {}
    claims: list[Future[list[Finding]]] = []

    def keep(job: Job, found: list[CheckResult]) -> None:
        results[job.id] = found
        begin_claims()

    def begin_claims() -> None:
        if "claims" in chosen and not claims:
            claims.append(beside.submit(findings, steps))

    # The numbers of the findings, in the process that would otherwise only wait; not before the
    # other processes have shown that they work, or their error would have to wait.
    with ThreadPoolExecutor(1) as beside:
        run_jobs(todo, workers, progress, keep)
        begin_claims()
    # The order of the table does not depend on which job ended first.
    checks = tuple(check for job in todo for check in results[job.id])
    return Ledger(checks, tuple(finding for each in claims for finding in each.result()))


def _chosen(only: Collection[str]) -> Collection[str]:
    """The rooms to check, or an error that lists them."""
    rooms = [room for part in ROOMS.values() for room in part]
    for name in only:
        if name not in rooms:
            raise InvalidArgumentError("only", name, f"one of {', '.join(rooms)}")
    return only or rooms


def run_jobs(
    todo: Sequence[Job],
    workers: int,
    progress: Callable[[int, int], None],
    keep: Callable[[Job, list[CheckResult]], None],
) -> None:
    """Run jobs in processes, the long ones first, and hand over each one's results at once."""
    progress(0, len(todo))
    if not todo:
        return
    with process_pool(workers) as pool:
        longest_first = sorted(todo, key=lambda job: -job.cost)
        futures = {pool.submit(run_job, job): job for job in longest_first}
        for done, future in enumerate(as_completed(futures), start=1):
            keep(futures[future], future.result())
            progress(done, len(todo))
