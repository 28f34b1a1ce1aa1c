"""What the commands share: options, errors as one line, progress, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from qtheory.errors import DataError, InvalidArgumentError, QTheoryError
from qtheory.model import SGD, ErrorModel, Problem, Quantization
from qtheory.model.data import load_table
from qtheory.model.number_format import NumberFormat
from qtheory.model.parse import (
    feature_count,
    parse_covariates,
    parse_spectrum,
    parse_stepsize,
    parse_target,
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="The theory of learning under quantization: exact risks, bounds and checks by machine.",
    epilog="Exit status: 0 all is well, 1 a check failed, 2 an argument is wrong.",
)

JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the result as JSON; - prints it."),
]
Times = Annotated[
    bool,
    typer.Option(help="Seconds in the JSON; without them two runs write the same bytes."),
]
Spectrum = Annotated[
    str,
    typer.Option(help="power-law:A[,SCALE], exponential:RATE, logarithmic:POWER or formula:F(i)."),
]
Target = Annotated[str, typer.Option(help="constant:VALUE, source:EXPONENT or signal:F(i).")]
Quantize = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TARGET=MODEL",
        help="Error model of a target (data, label, parameter, activation, gradient or all; or "
        "stored, of the weights that a step leaves): "
        "additive:EPS, multiplicative:EPS[:elementwise] and sums with +, or a number format: "
        "format:NAME[:SCALE][:MODE], fp:E,M or fixed:I,F. May be repeated.",
    ),
]
DataFile = Annotated[
    Path | None, typer.Option("--data", help="A table of inputs, .npy of shape (rows, columns).")
]
LabelsFile = Annotated[
    Path | None, typer.Option("--labels", help="The labels of the table, .npy of shape (rows,).")
]
Dim = Annotated[str, typer.Option(help="Dimension d, or oo.")]
Sketch = Annotated[
    str | None,
    typer.Option(metavar="M", help="Learn from a random sketch of M features of the data."),
]
SketchSeed = Annotated[int, typer.Option(help="Seed of the sketch.")]
Noise = Annotated[str, typer.Option(help="Variance of the label noise, sigma^2.")]
Stepsize = Annotated[
    str,
    typer.Option(
        help="Step size gamma, or linear:G, cosine:G, exponential:G,FINAL, "
        "warmup-stable-decay:G[,WARMUP,DECAY] from a largest one G."
    ),
]
Momentum = Annotated[str, typer.Option(help="Heavy-ball momentum, from 0 to below 1.")]
ErrorFeedback = Annotated[
    bool, typer.Option(help="Add what --quantize stored=... loses to the next step.")
]
Covariates = Annotated[
    str,
    typer.Option(
        help="Law of the covariates: gaussian, independent:KURTOSIS or elliptical:FOURTH; or "
        "fourth-moment:ALPHA, which bounds alone take."
    ),
]
Batch = Annotated[str, typer.Option(help="Batch size B.")]
Steps = Annotated[str, typer.Option(help="Number of steps N, up to 10^15.")]
Replicates = Annotated[int, typer.Option(help="Independent runs, at least 2.")]
Seed = Annotated[int, typer.Option(help="Seed of the random streams.")]
Output = Annotated[str, typer.Option(help="average, last or tail.")]
Tail = Annotated[
    str | None, typer.Option(help="The part of the iterates that --output tail averages, or 1/2.")
]


def problem_from(
    dim: str, spectrum: str, target: str, noise: str, covariates: str = "gaussian"
) -> Problem:
    """The problem that the options describe."""
    law = parse_covariates(covariates)
    return Problem(dim, parse_spectrum(spectrum), parse_target(target), noise, covariates=law)


def sketched(problem: Problem, size: str | None, seed: int) -> Problem:
    """The problem of learning from a sketch of this size, if one is given."""
    if size is None:
        if seed != 0:
            raise InvalidArgumentError("sketch-seed", seed, "left out without --sketch")
        return problem
    return problem.sketched(size=feature_count(size), seed=seed)


def run_from(
    stepsize: str, batch: str, steps: str, output: str, tail: str | None, **memory: Any
) -> SGD:
    """The run that the options describe; ``memory`` is momentum and error feedback."""
    if tail is not None and output != "tail":
        raise InvalidArgumentError("tail", tail, "left out without --output tail")
    tail = "1/2" if tail is None else tail
    step = parse_stepsize(stepsize)
    return SGD(step, batch, steps=steps, output=output, tail=tail, **memory)


def covered(quantization: Quantization) -> Quantization:
    """What the theory takes: error models, or a number format on the data alone."""
    formats = [t for t, quantizer in quantization.items() if not isinstance(quantizer, ErrorModel)]
    as_it_is = formats == ["data"] and isinstance(quantization.data, NumberFormat)
    return quantization if as_it_is else quantization.error_models()


def replaced_formats(given: Quantization, taken: Quantization) -> dict[str, dict[str, str]]:
    """The number formats in whose place error models were taken."""
    pairs = zip(given.items(), taken.items(), strict=True)
    return {
        target: {"format": repr(before), "error_model": repr(after)}
        for (target, before), (_, after) in pairs
        if before != after
    }


def say_replaced(console: Console, replaced: dict[str, dict[str, str]]) -> None:
    """Say on the terminal which formats were replaced."""
    if replaced:
        console.print("Number formats are taken as their error models; simulate rounds with them:")
    for target, pair in replaced.items():
        console.print(f"{target}: {pair['format']} as {pair['error_model']}", markup=False)


def table_from(data: Path | None, labels: Path | None) -> tuple[Any, Any] | None:
    """The table and its labels, or None if neither is given."""
    if (data is None) != (labels is None):
        missing = "labels" if labels is None else "data"
        raise InvalidArgumentError(missing, None, "given together with the other of the two")
    if data is None or labels is None:
        return None
    table, column = load_table(data), load_table(labels)
    try:
        Problem.from_data(table, column)
    except DataError as error:
        raise DataError(f"{data}, {labels}: {error}") from error
    return table, column


@contextmanager
def errors_reported() -> Iterator[None]:
    """Turn an error of qtheory into one line and exit status 2."""
    try:
        yield
    except QTheoryError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def progress_bar(title: str) -> Iterator[Any]:
    """A progress bar on the terminal; yields the function that moves it."""
    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(file=sys.stderr))
    task = bar.add_task(title, total=None)

    def move(done: int, total: int) -> None:
        bar.start()  # only now, so that an argument refused at once shows no bar
        bar.update(task, completed=done, total=total)

    try:
        yield move
    finally:
        bar.stop()


@contextmanager
def busy(title: str) -> Iterator[None]:
    """A moving sign on the terminal for work of unknown length."""
    with Console(file=sys.stderr).status(title):
        yield


def require_writable(json_file: str | None, name: str = "json") -> None:
    """Fail before the work rather than after it, if a file cannot be written."""
    if json_file in (None, "-"):
        return
    file = Path(json_file)
    there = file.exists()
    try:
        # opened, because a directory can be touched; what is in the file stays till there is more
        with file.open("a"):
            pass
        if not there:
            file.unlink()  # work that is broken off leaves no empty file
    except OSError as error:
        raise InvalidArgumentError(
            name, json_file, f"a file that can be written ({error})"
        ) from error


def write_json(json_file: str | None, record: dict[str, Any]) -> None:
    """Write a record where ``--json`` says."""
    if json_file is None:
        return
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    if json_file == "-":
        typer.echo(text, nl=False)
    else:
        Path(json_file).write_text(text, encoding="utf-8")
