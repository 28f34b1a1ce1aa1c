"""Commands that simulate: simulate, formats and sweep."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from qtheory.cli.common import (
    Batch,
    DataFile,
    Dim,
    JsonFile,
    LabelsFile,
    Noise,
    Output,
    Quantize,
    Spectrum,
    Steps,
    Stepsize,
    Tail,
    Target,
    app,
    errors_reported,
    finite,
    problem_from,
    progress_bar,
    require_writable,
    run_from,
    table_from,
    write_json,
)
from qtheory.errors import InvalidArgumentError
from qtheory.measure import Comparison, compare, compare_formats, compare_rows, load_grid
from qtheory.measure import sweep as run_sweep
from qtheory.measure.cluster import dask_executor
from qtheory.model import TARGETS, formats
from qtheory.model.number_format import NumberFormat
from qtheory.model.parse import parse_quantization
from qtheory.report import comparison_view, comparisons_view, format_view, formats_view
from qtheory.simulate import calibrate as calibrated
from qtheory.versions import EXACT, SIMULATED, versions

__all__ = ["list_formats", "simulate", "sweep"]

_FAILURES_SHOWN = 3

Replicates = Annotated[int, typer.Option(help="Independent runs, at least 2.")]
Seed = Annotated[int, typer.Option(help="Seed of the random streams.")]


@app.command(epilog="Example: qtheory simulate --dim 50 --quantize all=format:fp8_e4m3 --seed 1")
def simulate(
    dim: Dim = "200",
    spectrum: Spectrum = "power-law:2",
    target: Target = "constant:1",
    noise: Noise = "1",
    data: DataFile = None,
    labels: LabelsFile = None,
    quantize: Quantize = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Scale number formats to the largest magnitudes of a pilot run.",
        ),
    ] = False,
    stepsize: Stepsize = "0.1",
    batch: Batch = "1",
    steps: Steps = "500",
    output: Output = "average",
    tail: Tail = None,
    replicates: Replicates = 1000,
    relative_error: Annotated[
        float | None, typer.Option(help="Stop at this relative standard error.")
    ] = None,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Run the real update, and compare its mean excess risk with the exact one.

    Number formats round as they are; the exact risk is that of their error models. With a real
    table (--data and --labels) the runs draw its rows, and the exact risk is that of Gaussian
    data with the same covariance.
    """
    with errors_reported():
        require_writable(json_file)
        table = table_from(data, labels)
        quantization = parse_quantization(quantize or [])
        sgd = run_from(stepsize, batch, steps, output, tail)
        options: dict[str, Any] = {"seed": seed, "relative_error": relative_error}
        with progress_bar("Simulating") as progress:
            if table is None:
                problem = problem_from(dim, spectrum, target, noise)
                if calibrate:
                    quantization = calibrated(problem, quantization, sgd, seed=seed)
                found = compare(
                    problem, quantization, sgd, replicates, **options, progress=progress
                )
            else:
                options["calibrated"] = calibrate
                found = compare_rows(
                    *table, quantization, sgd, replicates, **options, progress=progress
                )
        if json_file != "-":
            Console().print(comparison_view(found))
        write_json(json_file, _record(found) | {"versions": versions(*SIMULATED, machine=True)})


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
                "formats": [_format_record(each) for each in found],
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
                "formats": [_record(row) for row in rows],
                "versions": versions(*SIMULATED, machine=True),
            }
        if json_file != "-":
            Console().print(view)
        write_json(json_file, record)


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
            {
                "out": str(out),
                "points": outcome.points,
                "known": outcome.known,
                "errors": outcome.errors,
                "failures": {point.key: reason for point, reason in outcome.failures},
                "versions": versions(*SIMULATED, machine=True),
            },
        )
    raise typer.Exit(1 if outcome.failures else 0)


def _record(found: Comparison) -> dict[str, Any]:
    """What ``--json`` writes of a comparison."""
    return {
        "name": found.name,
        "quantization": repr(found.quantization),
        "exact": finite(found.theory),
        "missing": found.missing,
        "mean": finite(found.estimate.mean),
        "stderr": finite(found.estimate.stderr),
        "replicates": found.estimate.replicates,
        "seed": found.estimate.seed,
        "difference": finite(found.difference),
        "distance": finite(found.distance),
        "verdict": found.verdict,
        "reasons": list(found.reasons),
        "biased": list(found.estimate.biased),
    }


def _format_record(number_format: NumberFormat) -> dict[str, Any]:
    """What ``--json`` writes of a number format; numbers as exact text."""
    estimate = number_format.error_estimate()
    return {
        "name": number_format.name,
        "bits": number_format.bits,
        "largest": str(number_format.largest),
        "error_model": repr(estimate.model),
        "worst": repr(estimate.worst),
        "exact": estimate.exact,
        "averaged": estimate.averaged,
        "valid": [str(bound) for bound in estimate.valid],
    }
