"""The command ``sweep``: every point of a grid."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from qtheory.cli.common import (
    JsonFile,
    app,
    errors_reported,
    progress_bar,
    require_writable,
    write_json,
)
from qtheory.errors import InvalidArgumentError
from qtheory.measure import load_grid
from qtheory.measure import sweep as run_sweep
from qtheory.measure.cluster import dask_executor
from qtheory.versions import SIMULATED, versions

_FAILURES_SHOWN = 3


@app.command(epilog="Example: qtheory sweep grid.toml --out results.sqlite --workers 4")
def sweep(
    grid: Annotated[Path, typer.Argument(help="A TOML file with the tables grid and compute.")],
    out: Annotated[Path, typer.Option(help="The results file (SQLite); it is gone on with.")],
    workers: Annotated[
        int | None, typer.Option(help="Processes on this machine, 1 without it.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler instead, such as tcp://host:8786.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Compute every point of a grid: exact risk, bounds, simulation.

    Results are stored as they come. Killed at any moment and started again, it goes on with what
    is missing. Read them with qtheory.load_sweep. Exit status 1 if a point broke down.
    """
    with errors_reported():
        require_writable(json_file)
        points = load_grid(grid)
        if scheduler is not None and workers is not None:
            raise InvalidArgumentError("workers", workers, "left out with --scheduler")
        cluster = nullcontext((None, 1 if workers is None else workers))
        with (
            progress_bar("Sweeping") as progress,
            cluster if scheduler is None else dask_executor(scheduler) as (executor, count),
        ):
            outcome = run_sweep(points, out, executor=executor, workers=count, progress=progress)
        if json_file != "-":
            typer.echo(
                f"{out}: {outcome.points} points, {outcome.known} of them known before, "
                f"{len(outcome.failures)} broke down"
            )
            if outcome.errors:
                typer.echo(f"{outcome.errors} points lack values; their error says why")
        for point, reason in outcome.failures[:_FAILURES_SHOWN]:
            typer.echo(f"broke down: {point.key}: {reason}", err=True)
        write_json(
            json_file,
            {"out": str(out)}
            | outcome.as_json()
            | {"versions": versions(*SIMULATED, machine=True)},
        )
    raise typer.Exit(1 if outcome.failures else 0)
