"""Plausible errors of theory, planted one by one: `qtheory verify` must notice each of them.

A fault is one formula of the package changed in its source, as a slip of the pen would; they are in
``planted_faults.toml``. The checks of `qtheory verify` are run on a copy of the package with the
fault in it, the cheap ones first, until one fails. The table names that check.

    python benchmarks/planted_faults.py                 # every fault, some forty minutes
    python benchmarks/planted_faults.py --only k4 tail  # those whose name has one of the words
    python benchmarks/planted_faults.py --command       # each through the command itself: hours
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import harness

TABLE = Path(__file__).with_suffix(".toml")
_LONGEST = 900.0


@dataclass(frozen=True)
class Fault:
    """In a file of the package, ``right`` is replaced by ``wrong``; it occurs there once."""

    name: str
    file: str
    right: str
    wrong: str

    def planted_in(self, source: str) -> str:
        """The source of the file with the fault in it."""
        if source.count(self.right) != 1:
            raise ValueError(f"{self.name}: {self.right!r} occurs {source.count(self.right)} times")
        return source.replace(self.right, self.wrong)

    def __str__(self) -> str:
        return self.name


def faults() -> list[Fault]:
    """The table."""
    files = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [Fault(name, f, *texts) for f, rows in files.items() for name, texts in rows.items()]


def first_failing_check(file: str = "") -> str | None:
    """Id of the first check of `qtheory verify` that fails, the cheap ones first."""
    from qtheory.checks.check import Job, run_job
    from qtheory.checks.suite import jobs

    def when(job: Job) -> float:
        """The proofs come after what is stated of rates, before what is measured of them."""
        return 5 if job.room == "proofs" else job.cost

    found = (c for job in sorted(jobs(), key=when) for c in run_job(job) if c.status == "failed")
    failed = next(found, None)
    loaded = {getattr(module, "__file__", None) for module in sys.modules.values()}
    if file and str(Path(file).resolve()) not in loaded:
        raise RuntimeError(f"{file} was never loaded, {failed}")
    return failed and failed.id


def first_failure(file: str) -> str | None:
    """The same with a fault in a file; one that cannot even be imported is noticed."""
    try:
        import qtheory.checks.suite  # noqa: F401
    except Exception as error:
        return f"import: {type(error).__name__}: {error}"
    return first_failing_check(file)


def through_the_command(file: str) -> str | None:
    """The same by `qtheory verify` itself, whose exit status must be 1."""
    command = [sys.executable, "-m", "qtheory", "verify", "--json", "ledger.json"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        return None
    if done.returncode != 1:
        raise RuntimeError(f"{file}: {done.returncode}, {done.stderr.decode()[-2000:]}")
    checks = json.loads(Path("ledger.json").read_text(encoding="utf-8"))["checks"]
    return f"exit status 1: {next(c['id'] for c in checks if c['status'] == 'failed')}"


def attempt(command: bool, place: Path, fault: Fault) -> harness.Row:
    """Plant a fault in a copy and look."""
    file = place / fault.file
    look = partial(through_the_command if command else first_failure, fault.file)
    with harness.changed(file, fault.planted_in(file.read_text(encoding="utf-8"))):
        return harness.Row(fault.name, *harness.asked(place, look, _LONGEST))


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant each fault and print which check noticed it."""
    parser = harness.command_line(__doc__)
    parser.add_argument("--markdown", action="store_true", help="the table as in the docs")
    parser.add_argument("--command", action="store_true", help="run `qtheory verify` itself")
    options = parser.parse_args(arguments)
    cases = harness.drawn(harness.chosen(faults(), options.only), options.sample, options.seed)
    row = "| {} | {} |" if options.markdown else "{:60} {}"
    print(row.format("planted", "noticed by"), *["| --- | --- |"] * options.markdown, sep="\n")
    rows = []
    if options.list:
        print(*(row.format(fault.name, fault.file) for fault in cases), sep="\n")
        return 0
    for found in harness.each(cases, partial(attempt, options.command), options.workers):
        rows.append(found)
        print(row.format(found.case, found.by or "NOTHING"), flush=True)
    harness.written(rows, options.json)
    missed = sum(found.verdict != "noticed" for found in rows)
    print(f"{len(rows) - missed} of {len(rows)} faults noticed", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
