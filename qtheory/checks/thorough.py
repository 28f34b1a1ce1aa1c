r"""The long form of the main job, for those who publish: hours, and resumable.

Beside everything that ``qtheory verify`` does, every theorem on 10^5 random instances, the paper's
experiments for N to 10^15, the rates to N = 10^15, all orders in a sketch, and every number format
on the data against simulation. Results go to a SQLite file as they come; started again with the
same file, the run is resumed, whatever ended it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sympy as sp

import qtheory
from qtheory.checks.check import CheckResult, Job
from qtheory.checks.experiments import experiment_certified
from qtheory.checks.random_instances import CLAIMS, theorem_on_random_instances
from qtheory.checks.rates import RATE_CASES, rate_agrees
from qtheory.checks.simulation import mean_agrees
from qtheory.checks.sketched_rates import QUICK_SKETCHED_RATES, SKETCHED_RATES
from qtheory.checks.suite import SEED, Ledger, jobs, run_jobs
from qtheory.measure.pool import MOST_WORKERS
from qtheory.measure.store import checked_path, open_records
from qtheory.model import SGD, Constant, PowerLaw, Problem, Quantization, formats
from qtheory.model.run import Run
from qtheory.numbers.exact import whole
from qtheory.paper.experiments import Experiment, experiments
from qtheory.paper.findings import findings

#: Random instances of each theorem.
INSTANCES = 100_000
#: So many are one piece of work: a kill loses at most that.
_PIECE = 250
_LARGE = tuple(10**k for k in range(4, 16))
_LONG_RATES = tuple(10**k for k in range(11, 16))
_REPLICATES = 4000
# Of normal errors, 23 formats and a hundred runs lie outside once in 10^5.
_STANDARD_ERRORS = 6


def thorough_jobs(instances: int = INSTANCES) -> list[Job]:
    """All pieces of work, in the order of the table."""
    found = list(jobs())
    for experiment in (e for e in experiments() if e.batch == 1):
        for steps in _LARGE:
            e = replace(experiment, steps=steps)
            id = f"long/{e.id}/N={steps}"
            found.append(Job(id, "instance", _long_run, (e,), 1.0, "theory", "bounds"))
    for case in RATE_CASES:
        longer = replace(case, id=f"{case.id}/N=10^15", steps=_LONG_RATES)
        arguments: tuple[Any, ...] = (longer,)
        id = f"rate/{longer.id}"
        found.append(Job(id, "rate", rate_agrees, arguments, 20.0, "theory", "rates"))
    for id in sorted(set(SKETCHED_RATES) - set(QUICK_SKETCHED_RATES)):
        found.append(Job(id, "rate", SKETCHED_RATES[id], (), 20.0, "theory", "rates"))
    for name in formats.names():
        if formats.get(name).is_biased:  # it has no exact risk
            continue
        id = f"format/{name}/simulated"
        found.append(Job(id, "simulation", _format_agrees, (name,), 5.0, room="update"))
    for name in CLAIMS:
        for first in range(0, instances, _PIECE):
            count = min(_PIECE, instances - first)
            arguments = (name, first, count, SEED)
            id = f"random/{name}/{first}"
            found.append(
                Job(id, "instance", theorem_on_random_instances, arguments, 10.0, room="statements")
            )
    return found


def _long_run(experiment: Experiment) -> list[CheckResult]:
    """T1 and the bounds of an experiment, with the number of steps in their ids."""
    suffix = f"/N={experiment.steps}"
    return [replace(check, id=check.id + suffix) for check in experiment_certified(experiment)]


def _format_agrees(name: str) -> list[CheckResult]:
    """A format that rounds the data stochastically: the exact risk against the simulated update."""
    problem = Problem(8, PowerLaw(1), Constant(1), noise=1)
    number_format = formats.get(name)
    if name.startswith("int"):
        # the largest magnitude at 4 to 8 standard deviations of the largest coordinate
        scale = sp.Rational(1, 2 ** max(0, int(number_format.largest).bit_length() - 3))
        number_format = formats.get(name, scale=scale)
    quantization = Quantization(data=number_format)
    sgd = SGD("1/20", batch=2, steps=100)
    run = Run(problem, quantization, sgd)
    return mean_agrees(f"format/{name}/simulated", run, _REPLICATES, SEED, _STANDARD_ERRORS)


def verify_thoroughly(
    path: str | Path,
    instances: int = INSTANCES,
    workers: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
    todo: Sequence[Job] | None = None,
) -> Ledger:
    """Run what is not in the file yet, and collect everything.

    Parameters
    ----------
    path
        The SQLite file with the results, new or begun before.
    instances
        Random instances of each theorem.
    workers
        Processes to run in.
    progress
        Called with the number of pieces done and the number of all.
    todo
        Other pieces of work than :func:`thorough_jobs`.

    Raises
    ------
    SweepError
        If the file is not of such a run, or of another version or number of instances.
    """
    workers = whole(workers, "workers", 1, MOST_WORKERS)
    instances = whole(instances, "instances", 1)
    work = list(thorough_jobs(instances) if todo is None else todo)
    setting = f"qtheory {qtheory.__version__} with {instances} instances and seed {SEED}"
    with open_records(checked_path(path, "store"), setting) as records:
        known = {
            id: [CheckResult(**record) for record in json.loads(text)]
            for id, text in records.all().items()
        }
        left = [job for job in work if job.id not in known]
        before = len(work) - len(left)

        def keep(job: Job, results: list[CheckResult]) -> None:
            records.add(job.id, json.dumps([check.as_json() for check in results]))
            known[job.id] = results

        run_jobs(left, workers, lambda done, _: progress(before + done, len(work)), keep)
    return Ledger(tuple(_summed(work, known)), tuple(findings()))


def _summed(work: Sequence[Job], known: dict[str, list[CheckResult]]) -> Iterator[CheckResult]:
    """The checks in order, the pieces of one theorem as one check."""
    pieces: dict[str, list[CheckResult]] = defaultdict(list)
    for job in work:
        if not job.id.startswith("random/"):
            yield from known[job.id]
        else:
            pieces["/".join(job.id.split("/")[:2])] += known[job.id]
    for id, found in pieces.items():
        worst = _worst(found)
        sums = {
            name: sum(check.values[name] for check in found if name in check.values)
            for name in ("held", "undecided", "outside")
        }
        detail = f"certified on {sums['held']:.0f} instances, undecided on {sums['undecided']:.0f}"
        if worst.status != "passed":
            detail = worst.detail
        seconds = sum(check.seconds for check in found)
        yield replace(worst, id=id, detail=detail, seconds=seconds, values=sums)


def _worst(found: Sequence[CheckResult]) -> CheckResult:
    """The first that failed, else the first that is unknown, else the first."""
    return min(found, key=lambda check: ("failed", "unknown", "passed").index(check.status))
