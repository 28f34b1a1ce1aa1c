"""Commands that check: verify and prove."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from qtheory.checks import verify as run_verification
from qtheory.checks.check import ROOMS
from qtheory.checks.thorough import verify_thoroughly
from qtheory.claims.claim import NAMES
from qtheory.claims.search import Attack, attack
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
from qtheory.report import ledger_view, lemma_tree, proofs_view
from qtheory.report.appendix import report_appendix
from qtheory.report.page import report_page
from qtheory.theory.replay import PROOFS, ProofRecord, Replay, proofs_named, require_second_solver
from qtheory.theory.replay import audit as audit_proofs
from qtheory.versions import EXACT, versions

__all__ = ["falsify", "prove", "report", "verify"]

_ROOMS = ", ".join(room for part in ROOMS.values() for room in part)


@app.command(epilog="Example: qtheory verify --json ledger.json")
def verify(
    json_file: JsonFile = None,
    workers: Annotated[int, typer.Option(help="Processes to run in.")] = 2,
    times: Times = True,
    only: Annotated[
        list[str] | None,
        typer.Option(help=f"A part alone, such as rates; may be repeated. Of {_ROOMS}."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Print every check by its name.")
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="The long form: hours. It goes on where it was.")
    ] = False,
    store: Annotated[Path, typer.Option(help="Where --thorough keeps its results.")] = Path(
        "qtheory-verify.sqlite"
    ),
) -> None:
    """Check the theory on the paper's own experiments (two minutes or so on two cores).

    First the theory: lower <= exact <= upper in ball arithmetic, derived rates and sharp constants
    against exact risks, the proofs of all theorems, Monte-Carlo runs of the real update, and the
    claims of the paper. Then the package itself: every formula against loops over exact fractions,
    and the update added up over all outcomes. Exit status 1 if anything fails; what a limit leaves
    unknown neither passed nor failed, and says what would decide it.

    With --thorough also every theorem on 100,000 random instances, N to 10^15 and every number
    format (some four hours on two cores). Results are kept as they come: after Ctrl-C, or a kill,
    the same command does the rest.

    How long a check took is the only part of the JSON that differs from run to run: with --no-times
    its seconds are null, which is no number that anybody measured, and the bytes are the same for
    any number of workers.
    """
    with errors_reported():
        require_writable(json_file)
        with progress_bar("Verifying") as progress:
            if thorough:
                ledger = verify_thoroughly(store, workers=workers, progress=progress)
            else:
                ledger = run_verification(workers=workers, progress=progress, only=only or ())
        if json_file != "-":
            Console().print(ledger_view(ledger, everything))
        write_json(json_file, ledger.as_json(times))
    raise typer.Exit(0 if ledger.ok else 1)


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
        write_json(json_file, _proofs_record(records, refused, unknown, audits, times))
    disagreed = any(found["disagrees"] for found in (audits or {}).values())
    raise typer.Exit(1 if refused or disagreed or not all(r.checked for r in records) else 0)


@app.command(
    epilog='Example: qtheory falsify "risk <= approximation + bias + 2*variance" --max-examples 500'
)
def falsify(
    claim: Annotated[
        str, typer.Argument(help="A relation between two formulas in the names above.")
    ],
    theorem: Annotated[
        str, typer.Option(help="Whose bias, variance, ... and hypotheses are meant.")
    ] = "upper_bound",
    max_examples: Annotated[int, typer.Option(help="Instances to draw.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    json_file: JsonFile = None,
) -> None:
    """Look for a counterexample to a claim, and shrink it (a minute for 1000 instances).

    A counterexample has certified numbers on both sides and is printed as Python code. A claim that
    survives is not thereby true. Exit status 1 if there is a counterexample.

    The claim may use:
    """
    with errors_reported():
        require_writable(json_file)
        with progress_bar("Attacking") as progress:
            found = attack(
                claim, theorem=theorem, max_examples=max_examples, seed=seed, progress=progress
            )
        if json_file != "-":
            typer.echo(found)
        write_json(json_file, _attack_record(found))
    raise typer.Exit(0 if found.counterexample is None else 1)


# the names are part of the help, from the place that reads them
falsify.__doc__ = f"{falsify.__doc__}{', '.join(NAMES)}."


@app.command(epilog="Example: qtheory report theory.html")
def report(
    out: Annotated[Path, typer.Argument(help="Where to write the page, or the appendix.")],
    latex: Annotated[
        bool, typer.Option("--latex", help="An appendix in LaTeX instead of a page.")
    ] = False,
) -> None:
    """Write everything on one page: theorems, proofs, rates, experiments, formats (a minute).

    The page needs no network and no scripts; it is made for screens, phones and paper.
    """
    with errors_reported():
        require_writable(str(out), "OUT")
        with progress_bar("Writing") as progress:
            text = report_appendix() if latex else report_page(progress)
        out.write_text(text, encoding="utf-8")


def _attack_record(found: Attack) -> dict[str, Any]:
    """What ``qtheory falsify --json`` writes."""
    record: dict[str, Any] = {
        "claim": found.claim,
        "examined": found.examined,
        "left_out": found.left_out,
        "undecided": found.undecided,
        "counterexample": None,
        "closest": None if found.closest is None else found.closest[0],
        # the stepsizes that are drawn depend on float64 too
        "versions": versions(*EXACT, "hypothesis", machine=True),
    }
    counterexample = found.counterexample
    if counterexample is not None:
        sides = counterexample.sides
        record["counterexample"] = {
            "code": counterexample.code,
            "left": None if sides is None else sides.left.str(30, radius=False),
            "right": None if sides is None else sides.right.str(30, radius=False),
        }
    return record


def _proofs_record(
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
