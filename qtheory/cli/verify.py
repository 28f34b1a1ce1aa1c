"""The command ``verify``: check the theory, and the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qtheory.checks import verify as run_verification
from qtheory.checks.check import ROOMS
from qtheory.checks.thorough import verify_thoroughly
from qtheory.cli.common import (
    JsonFile,
    Times,
    app,
    errors_reported,
    progress_bar,
    require_writable,
    write_json,
)
from qtheory.report import ledger_view

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
    """Check the theory on the paper's own experiments (a minute and a half or so on two cores).

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
