"""The main job: every check, run in parallel, nothing lost if one of them breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from qtheory.checks.check import CheckResult, Job, run_job
from qtheory.checks.choices import CHOICES
from qtheory.checks.constants import CONSTANT_CASES, constant_agrees, expansions_agree
from qtheory.checks.experiments import experiment_certified
from qtheory.checks.formats import (
    FORMATS,
    error_estimates_integrated,
    format_integrated,
    formats_as_in_standards,
)
from qtheory.checks.inputs import hypotheses_are_required, inputs_restated
from qtheory.checks.long_spectra import LONG_SPECTRA
from qtheory.checks.orders import STATED
from qtheory.checks.proofs import proofs_replayed
from qtheory.checks.rates import RATE_CASES, rate_agrees
from qtheory.checks.regimes import EVALUATED
from qtheory.checks.risk import (
    PANEL,
    PURE,
    floats_restated,
    limits_restated,
    outcomes_added_up,
    paths_added_up,
    section_2_restated,
    section_3_restated,
)
from qtheory.checks.simulation import SMALL, simulation_agrees, small_simulation_agrees
from qtheory.checks.stability import (
    limits_of_the_risk_restated,
    stability_restated,
)
from qtheory.checks.statements import (
    bounds_as_stated,
    decomposition_is_identity,
    recursion_as_stated,
    standing_assumptions_hold,
)
from qtheory.measure.pool import MOST_WORKERS, process_pool
from qtheory.numbers.exact import whole
from qtheory.paper.experiments import STEPS, Experiment, experiments
from qtheory.paper.findings import Finding, findings
from qtheory.versions import SIMULATED, versions

__all__ = ["Ledger", "jobs", "run_jobs", "verify"]

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
    found = [
        Job("T1/symbolic", "identity", decomposition_is_identity, (), 0.1),
        Job("proofs", "proof", proofs_replayed, (), 25.0),
        Job("T2/outcomes", "identity", outcomes_added_up, (), 3.0),
        Job("T2/paths", "identity", paths_added_up, (), 1.0),
        Job("section 2/float64", "identity", floats_restated, (), 3.0),
        Job("section 2/inputs", "identity", inputs_restated, (), 0.5),
        Job("section 3/hypotheses", "identity", hypotheses_are_required, (), 1.0),
        Job("stability", "identity", stability_restated, (), 2.0),
        Job("stability/limits", "identity", limits_of_the_risk_restated, (), 2.0),
        Job("T7/bounds", "identity", limits_restated, (), 0.1),
        Job("statements/T2", "identity", recursion_as_stated, (), 3.0),
        Job("statements/bounds", "identity", bounds_as_stated, (), 1.0),
        Job("statements/standing assumptions", "identity", standing_assumptions_hold, (), 0.5),
        Job("T9/finite dimension", "identity", expansions_agree, (), 4.0),
    ]
    for name in PANEL:
        found.append(Job(f"section 2/{name}", "identity", section_2_restated, (name,), 0.7))
        if name in PURE:
            found.append(Job(f"section 3/{name}", "identity", section_3_restated, (name,), 0.2))
    for name, function in LONG_SPECTRA.items():
        found.append(Job(name, "identity", function, (), 2.0))
    for name in FORMATS:
        found.append(Job(f"format/{name}", "identity", format_integrated, (name,), 1.0))
    found.append(Job("format/standards", "identity", formats_as_in_standards, (), 1.0))
    found.append(Job("format/levels", "identity", error_estimates_integrated, (), 1.0))
    for name, function in STATED.items():
        found.append(Job(name, "rate", function, (), 4.0))
    for name, function in {**EVALUATED, **CHOICES}.items():
        found.append(Job(name, "rate", function, (), 2.5))
    for e in experiments(steps):
        found.append(Job(f"bounds/{e.id}", "instance", experiment_certified, (e,), e.dim / 100))
    for case in RATE_CASES:
        found.append(Job(f"rate/{case.id}", "rate", rate_agrees, (case,), 8.0))
    for constant in CONSTANT_CASES:
        name = f"constant/{constant.id}"
        found.append(Job(name, "rate", constant_agrees, (constant,), 8.0))
    for name in (*SMALL, *FORMATS):
        small = f"simulation/small/{name}"
        found.append(Job(small, "simulation", small_simulation_agrees, (name, SEED), 1.0))
    for scheme, batch, replicates in SIMULATIONS:
        e = Experiment(scheme, "0" if scheme == "none" else "1e-2", 200, batch, steps)
        arguments = (e, replicates, SEED)
        cost = 0.02 * batch * replicates
        found.append(Job(f"simulation/{e.id}", "simulation", simulation_agrees, arguments, cost))
    return found


def verify(
    steps: int = STEPS,
    workers: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
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
    """
    workers = whole(workers, "workers", 1, MOST_WORKERS)
    todo = jobs(steps)
    results: dict[str, list[CheckResult]] = {}

    def keep(job: Job, found: list[CheckResult]) -> None:
        results[job.id] = found

    # The numbers of the findings, in the process that would otherwise only wait.
    with ThreadPoolExecutor(1) as beside:
        claims = beside.submit(findings, steps)
        run_jobs(todo, workers, progress, keep)
    # The order of the table does not depend on which job ended first.
    checks = tuple(check for job in todo for check in results[job.id])
    return Ledger(checks, tuple(claims.result()))


def run_jobs(
    todo: Sequence[Job],
    workers: int,
    progress: Callable[[int, int], None],
    keep: Callable[[Job, list[CheckResult]], None],
) -> None:
    """Run jobs in processes, the long ones first, and hand over each one's results at once."""
    progress(0, len(todo))
    with process_pool(workers) as pool:
        longest_first = sorted(todo, key=lambda job: -job.cost)
        futures = {pool.submit(run_job, job): job for job in longest_first}
        for done, future in enumerate(as_completed(futures), start=1):
            keep(futures[future], future.result())
            progress(done, len(todo))
