"""The command ``risk``: the exact risk, its parts, and the bounds beside it."""

from __future__ import annotations

from typing import Annotated

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
    Sketch,
    SketchSeed,
    Spectrum,
    Steps,
    Stepsize,
    Tail,
    Target,
    app,
    busy,
    covered,
    errors_reported,
    problem_from,
    replaced_formats,
    require_writable,
    run_from,
    say_replaced,
    sketched,
    table_from,
    write_json,
)
from qtheory.errors import QTheoryError
from qtheory.model import Problem
from qtheory.model.parse import parse_quantization
from qtheory.numbers.display import as_number
from qtheory.report import problem_view, risk_view
from qtheory.risk import Risk, excess_risk
from qtheory.theory import Bound, lower_bound, upper_bound
from qtheory.versions import EXACT, versions


@app.command(
    epilog="Example: qtheory risk --dim 200 --steps 2000 --quantize all=additive:0.01 --digits 30"
)
def risk(
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
    stepsize: Stepsize = "0.1",
    batch: Batch = "1",
    steps: Steps = "2000",
    output: Output = "average",
    tail: Tail = None,
    momentum: Momentum = "0",
    error_feedback: ErrorFeedback = False,
    digits: Annotated[
        int | None, typer.Option(help="Certified digits; without it, float64.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """The exact excess risk, its parts, and the bounds beside it.

    The problem is given by a spectrum and a target, or by a real table (--data and --labels);
    --sketch learns it from a random sketch.
    """
    with errors_reported():
        require_writable(json_file)
        table = table_from(data, labels)
        given = problem_from(dim, spectrum, target, noise, covariates)
        given = given if table is None else Problem.from_data(*table)
        problem = sketched(given, sketch, sketch_seed)
        sgd = run_from(
            stepsize, batch, steps, output, tail, momentum=momentum, error_feedback=error_feedback
        )
        given_quantizers = parse_quantization(quantize or [])
        quantization = covered(given_quantizers)
        with busy("Computing"):
            exact = excess_risk(problem, quantization, sgd, digits=digits)
            record = exact.as_json()  # its parts cost a run each
            bounds = _bounds(exact)
        replaced = replaced_formats(given_quantizers, quantization)
        record |= {
            "error_models": replaced,
            "bounds": {
                name: bound if isinstance(bound, str) else as_number(bound.total, digits)
                for name, bound in bounds.items()
            },
            "assumptions": list(problem.assumptions),
            "versions": versions(*EXACT, machine=exact.digits is None),
        }
        if json_file != "-":
            console = Console()
            if problem.assumptions:
                console.print("[bold]What is assumed of the data[/bold]")
                console.print(problem_view(problem))
            console.print(risk_view(exact, bounds))
            say_replaced(console, replaced)
        write_json(json_file, record)


def _bounds(exact: Risk) -> dict[str, Bound | str]:
    """The bounds, or why there is none: a hypothesis that fails, or too many coordinates."""
    bounds: dict[str, Bound | str] = {}
    for name, bound in (("lower bound", lower_bound), ("upper bound", upper_bound)):
        try:
            bounds[name] = bound(*exact.run, digits=exact.digits)
        except QTheoryError as error:
            bounds[name] = f"none: {error}"
    return bounds
