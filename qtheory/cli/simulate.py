"""The command ``simulate``: the real update beside the exact risk."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from qtheory.cli.common import (
    Batch,
    Covariates,
    DataFile,
    Dim,
    ErrorFeedback,
    JsonFile,
    LabelsFile,
    Momentum,
    Noise,
    Output,
    Quantize,
    Replicates,
    Seed,
    Sketch,
    SketchSeed,
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
    sketched,
    table_from,
    write_json,
)
from qtheory.errors import InvalidArgumentError
from qtheory.measure import compare, compare_rows
from qtheory.model.parse import parse_quantization
from qtheory.report import comparison_view
from qtheory.simulate import calibrate as calibrated
from qtheory.versions import SIMULATED, versions


@app.command(epilog="Example: qtheory simulate --dim 50 --quantize all=format:fp8_e4m3 --seed 1")
def simulate(
    dim: Dim = "200",
    spectrum: Spectrum = "power-law:2",
    target: Target = "constant:1",
    noise: Noise = "1",
    covariates: Covariates = "gaussian",
    data: DataFile = None,
    labels: LabelsFile = None,
    sketch: Sketch = None,
    sketch_seed: SketchSeed = 0,
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
    momentum: Momentum = "0",
    error_feedback: ErrorFeedback = False,
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
        if table is not None and sketch is not None:
            raise InvalidArgumentError("sketch", sketch, "left out where rows of a table are drawn")
        quantization = parse_quantization(quantize or [])
        sgd = run_from(
            stepsize, batch, steps, output, tail, momentum=momentum, error_feedback=error_feedback
        )
        options: dict[str, Any] = {"seed": seed, "relative_error": relative_error}
        with progress_bar("Simulating") as progress:
            if table is None:
                problem = problem_from(dim, spectrum, target, noise, covariates)
                problem = sketched(problem, sketch, sketch_seed)
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
        write_json(json_file, found.as_json() | {"versions": versions(*SIMULATED, machine=True)})
