"""The command ``formats``: number formats, their error models, and how good those are."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from qtheory.cli.common import (
    Batch,
    Dim,
    JsonFile,
    Noise,
    Output,
    Replicates,
    Seed,
    Spectrum,
    Steps,
    Stepsize,
    Tail,
    Target,
    app,
    errors_reported,
    problem_from,
    progress_bar,
    require_writable,
    run_from,
    write_json,
)
from qtheory.measure import compare_formats
from qtheory.model import TARGETS, formats
from qtheory.report import comparisons_view, format_view, formats_view
from qtheory.versions import EXACT, SIMULATED, versions


@app.command("formats", epilog="Example: qtheory formats fp8_e4m3 int8 --simulate --dim 50")
def list_formats(
    names: Annotated[list[str] | None, typer.Argument(help="Names; all without any.")] = None,
    measured: Annotated[
        bool,
        typer.Option("--simulate", help="Theory beside simulation, on all five targets."),
    ] = False,
    dim: Dim = "50",
    spectrum: Spectrum = "power-law:2",
    target: Target = "constant:1",
    noise: Noise = "1",
    stepsize: Stepsize = "0.1",
    batch: Batch = "1",
    steps: Steps = "500",
    output: Output = "average",
    tail: Tail = None,
    replicates: Replicates = 1000,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """The number formats and their error models; with --simulate, how good those are.

    The options below --simulate describe the run; every format is scaled per target to the
    largest magnitude met in a pilot run.
    """
    with errors_reported():
        require_writable(json_file)
        found = [formats.get(name) for name in names or formats.names()]
        if not measured:
            view: Any = format_view(found[0]) if len(names or ()) == 1 else formats_view(found)
            record: Any = {
                "formats": [each.as_json() for each in found],
                "versions": versions(*EXACT),
            }
        else:
            problem = problem_from(dim, spectrum, target, noise)
            sgd = run_from(stepsize, batch, steps, output, tail)
            with progress_bar("Simulating") as progress:
                rows = compare_formats(
                    problem, sgd, found, TARGETS, replicates, seed, progress=progress
                )
            view = comparisons_view(rows)
            record = {
                "formats": [row.as_json() for row in rows],
                "versions": versions(*SIMULATED, machine=True),
            }
        if json_file != "-":
            Console().print(view)
        write_json(json_file, record)
