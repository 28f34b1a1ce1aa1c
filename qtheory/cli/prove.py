"""The command ``prove``: replay the proofs."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console

from qtheory.cli.common import (
    JsonFile,
    Times,
    app,
    errors_reported,
    progress_bar,
    require_writable,
    write_json,
)
from qtheory.errors import ProofError, UndecidedError
from qtheory.report import lemma_tree, proofs_view
from qtheory.theory.replay import PROOFS, ProofRecord, Replay, proofs_named, require_second_solver
from qtheory.theory.replay import audit as audit_proofs
from qtheory.versions import versions


@app.command(epilog="Example: qtheory prove refined_upper_bound")
def prove(
    name: Annotated[
        str | None,
        typer.Argument(help="A theorem by its name or number, T5; all without one."),
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="How deep the tree of lemmas is printed.")] = 3,
    audit: Annotated[
        bool, typer.Option("--audit", help="Put every question to a second solver, cvc5, too.")
    ] = False,
    json_file: JsonFile = None,
    times: Times = True,
) -> None:
    """Replay the proofs of the theorems: lemmas, axioms, seconds (all in about half a minute).

    With a NAME the tree of its lemmas is printed too, and what it is proved under.

    Exit status 1 if the kernel refuses a step, or if the second solver disagrees. A step that the
    solver does not decide within its limit of work leaves its theorem unknown: named, not proved,
    and no failure.
    """
    with errors_reported():
        require_writable(json_file)
        names = list(PROOFS) if name is None else proofs_named(name)
        if audit:
            require_second_solver()
        replay, records, refused, unknown = Replay(), [], {}, {}
        with progress_bar("Proving") as progress:
            for done, each in enumerate(names):
                progress(done, len(names))
                try:
                    records.append(replay.prove(each))
                except UndecidedError as error:
                    unknown[each] = str(error)
                except ProofError as error:
                    refused[each] = str(error)
        audits = None
        if audit:
            with progress_bar("Auditing") as progress:
                audits = audit_proofs(records, progress=progress)
        if json_file != "-":
            console = Console()
            if name is not None:
                console.print(*(lemma_tree(record, depth) for record in records))
            console.print(proofs_view(records, refused, unknown, audits))
        write_json(json_file, _record(records, refused, unknown, audits, times))
    disagreed = any(found["disagrees"] for found in (audits or {}).values())
    raise typer.Exit(1 if refused or disagreed or not all(r.checked for r in records) else 0)


def _record(
    records: list[ProofRecord],
    refused: dict[str, str],
    unknown: dict[str, str],
    audits: dict[str, Counter[str]] | None,
    times: bool,
) -> dict[str, Any]:
    """What ``qtheory prove --json`` writes."""
    solvers = ("z3-solver",) if audits is None else ("z3-solver", "cvc5")
    return {
        "proofs": [
            record.as_json(times) | ({"audit": dict(audits[record.name])} if audits else {})
            for record in records
        ],
        "refused": refused,
        "unknown": unknown,
        "proved": sum(record.checked for record in records),
        "versions": versions("sympy", *solvers),
    }
