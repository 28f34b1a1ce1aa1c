"""The command ``prove``: replay the proofs."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from qtheory.errors import InvalidArgumentError, ProofError, UndecidedError
from qtheory.report import lemma_tree, proofs_view
from qtheory.theory.replay import PROOFS, ProofRecord, Replay, proofs_named, require_second_solver
from qtheory.theory.replay import audit as audit_proofs
from qtheory.versions import versions

if TYPE_CHECKING:
    from qtheory.proof.kernel import Proof


@app.command(epilog="Example: qtheory prove refined_upper_bound")
def prove(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A theorem by its name or number, T5; a file with lemmas of your own, x.py; "
            "all theorems without one."
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(min=0, help="How deep the tree of lemmas is printed: 3 unless told."),
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Put every question to a second solver, cvc5, too.")
    ] = False,
    search: Annotated[
        bool,
        typer.Option(
            "--search", help="Search the certificates that leaves lack, and keep them beside."
        ),
    ] = False,
    rocq: Annotated[
        Path | None,
        typer.Option("--rocq", metavar="DIR", help="Write each proof for Rocq, into DIR."),
    ] = None,
    json_file: JsonFile = None,
    times: Times = True,
) -> None:
    """Replay the proofs of the theorems: lemmas, leaves, axioms, seconds.

    With a NAME the tree of its lemmas is printed too, and what it is proved under.

    Exit status 1 if the kernel refuses a step, if the second solver disagrees, or if a search finds
    no certificate. A leaf without certificate is named, as its theorem rests on a solver's word; a
    step that the solver does not decide within its limit of work leaves its theorem unknown: not
    proved, and no failure.
    """
    with errors_reported():
        require_writable(json_file)
        if name is not None and name.endswith(".py"):
            for option, value in {
                "depth": depth,
                "audit": audit or None,
                "json": json_file,
            }.items():
                if value is not None:
                    raise InvalidArgumentError(
                        f"--{option}", value, "left out for a file of lemmas"
                    )
            raise typer.Exit(_file_of_lemmas(Path(name), search, rocq))
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
        left = _searched(None) if search else {}
        if rocq is not None:
            for record in records:
                _write_for_rocq(rocq, record.name, record.label, record.title, *record.stated)
        audits = None
        if audit:
            with progress_bar("Auditing") as progress:
                audits = audit_proofs(records, progress=progress)
        if json_file != "-":
            console = Console()
            if name is not None:
                shown = 3 if depth is None else depth
                console.print(*(lemma_tree(record, shown) for record in records))
            console.print(proofs_view(records, refused, unknown, audits))
        write_json(json_file, _record(records, refused, unknown, audits, times))
    disagreed = any(found["disagrees"] for found in (audits or {}).values())
    failed = refused or disagreed or left or not all(r.checked for r in records)
    raise typer.Exit(1 if failed else 0)


def _searched(file: Path | None) -> dict[str, list[str]]:
    """Search certificates for a file of lemmas, or for the theorems; say what is left without."""
    from qtheory.proof.certificates import stores
    from qtheory.proof.search import search_missing

    kept = {each.path.resolve(): each for each in stores() if each.path is not None}
    if file is None:
        found = [each for path, each in kept.items() if path.parts[-3] in ("proof", "proofs")]
    else:
        beside = file.resolve().parent / "certificates" / f"{file.stem}.gz"
        found = [each for path, each in kept.items() if path == beside]
    with progress_bar("Searching") as progress:
        left = search_missing(found, progress)
    console = Console(stderr=True)
    for path, names in left.items():
        console.print(f"no certificate found, for {path}: {', '.join(names)}", soft_wrap=True)
    if left:
        console.print("Give these smaller steps; until then a solver's word is taken for them.")
    return left


def _write_for_rocq(folder: Path, name: str, label: str, title: str, *proofs: Proof) -> None:
    from qtheory.proof.rocq import LIBRARY, development, library

    folder.mkdir(parents=True, exist_ok=True)
    (folder / LIBRARY).write_text(library(), encoding="utf-8")
    text = development(label, title, *proofs)
    (folder / f"{name}.v").write_text(text, encoding="utf-8")


def _file_of_lemmas(path: Path, search: bool, rocq: Path | None) -> int:
    """Run a file of lemmas; search what they lack, or write those with names for Rocq."""
    if not path.is_file():
        raise InvalidArgumentError("NAME", str(path), "a theorem, or a file that is there")
    lemmas, left = _lemmas(path), {}
    if search:
        left = _searched(path)
        lemmas = _lemmas(path)  # again, as the certificates are there now
    console = Console()
    for name, proof in lemmas.items():
        console.print(f"{name}: {proof!r}", soft_wrap=True)
        if rocq is not None:
            _write_for_rocq(rocq, name, name, proof.name, proof)
    return 1 if left else 0


def _lemmas(path: Path) -> dict[str, Proof]:
    """The proofs that a file gives a name."""
    from qtheory.proof.kernel import is_proof

    return {key: value for key, value in runpy.run_path(str(path)).items() if is_proof(value)}


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
