"""The commands: one thin function each."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import flint
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from qtheory import __version__
from qtheory.asymptotics import Rates
from qtheory.asymptotics import rates as derive_rates
from qtheory.cli.parse import (
    parse_quantization,
    parse_spectrum,
    parse_target,
    with_symbols,
)
from qtheory.errors import (
    DataError,
    HypothesisError,
    InvalidArgumentError,
    ProofError,
    QTheoryError,
)
from qtheory.model import SGD, Problem
from qtheory.model.data import load_table
from qtheory.report import (
    ledger_view,
    lemma_tree,
    problem_view,
    proofs_view,
    rates_view,
    risk_view,
)
from qtheory.risk import Risk, excess_risk
from qtheory.simulate import simulate as run_simulation
from qtheory.theory import Bound, lower_bound, upper_bound
from qtheory.verify import verify as run_verification
from qtheory.verify.proving import PROOFS, ProofRecord, Replay, require_second_solver
from qtheory.verify.proving import audit as audit_proofs

__all__ = ["app", "main"]

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
Spectrum = Annotated[
    str,
    typer.Option(help="power-law:A[,SCALE], exponential:RATE, logarithmic:POWER or formula:F(i)."),
]
Target = Annotated[str, typer.Option(help="constant:VALUE, source:EXPONENT or signal:F(i).")]
Quantize = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TARGET=MODEL",
        help="Error model of a target (data, label, parameter, activation, gradient or all): "
        "additive:EPS, multiplicative:EPS[:elementwise], sums with +; for data also "
        "format:NAME[:SCALE]. May be repeated.",
    ),
]
Dim = Annotated[str, typer.Option(help="Dimension d, or oo.")]
Noise = Annotated[str, typer.Option(help="Variance of the label noise, sigma^2.")]
Stepsize = Annotated[str, typer.Option(help="Step size gamma.")]
Batch = Annotated[str, typer.Option(help="Batch size B.")]
Steps = Annotated[str, typer.Option(help="Number of steps N, up to 10^15.")]
Output = Annotated[str, typer.Option(help="average, last or tail.")]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options before a command."""
    if version:
        typer.echo(f"qtheory {__version__}")
        raise typer.Exit


@app.command(epilog="Example: qtheory verify --json ledger.json")
def verify(
    json_file: JsonFile = None,
    workers: Annotated[int, typer.Option(help="Processes to run in.")] = 2,
) -> None:
    """Check the theory on the paper's own experiments (a minute or two on two cores).

    The proofs of all theorems, T1 as an identity, lower <= exact <= upper in ball arithmetic, the
    derived rates and sharp constants against exact risks up to N = 10^12, and Monte-Carlo runs of
    the real update. Exit status 1 if anything
    fails.
    """
    with _errors_reported():
        _require_writable(json_file)
        with _progress("Verifying") as progress:
            ledger = run_verification(workers=workers, progress=progress)
        if json_file != "-":
            Console().print(ledger_view(ledger))
        _write_json(json_file, ledger.as_json())
    raise typer.Exit(0 if ledger.ok else 1)


@app.command(epilog="Example: qtheory prove refined_upper_bound")
def prove(
    name: Annotated[
        str | None, typer.Argument(help="A theorem by its name; all of them without one.")
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="How deep the tree of lemmas is printed.")] = 3,
    audit: Annotated[
        bool, typer.Option("--audit", help="Put every question to a second solver, cvc5, too.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Replay the proofs of the theorems: lemmas, axioms, seconds (all in about half a minute).

    With a NAME the tree of its lemmas is printed too, and what it is proved under.

    Exit status 1 if the kernel refuses a step, or if the second solver disagrees.
    """
    with _errors_reported():
        _require_writable(json_file)
        names = list(PROOFS) if name is None else [name]
        if name is not None and name not in PROOFS:
            raise InvalidArgumentError("NAME", name, f"one of {', '.join(PROOFS)}")
        if audit:
            require_second_solver()
        replay, records, refused = Replay(), [], {}
        with _progress("Proving") as progress:
            for done, each in enumerate(names):
                progress(done, len(names))
                try:
                    records.append(replay.prove(each))
                except ProofError as error:
                    refused[each] = str(error)
        audits = None
        if audit:
            with _progress("Auditing") as progress:
                audits = audit_proofs(records, progress=progress)
        if json_file != "-":
            console = Console()
            if name is not None:
                console.print(*(lemma_tree(record, depth) for record in records))
            console.print(proofs_view(records, refused, audits))
        _write_json(json_file, _proofs_record(records, refused, audits))
    disagreed = any(found["disagrees"] for found in (audits or {}).values())
    raise typer.Exit(1 if refused or disagreed or not all(r.checked for r in records) else 0)


@app.command(
    epilog="Example: qtheory risk --dim 200 --steps 2000 --quantize all=additive:0.01 --digits 30"
)
def risk(
    dim: Dim = "200",
    spectrum: Spectrum = "power-law:2",
    target: Target = "constant:1",
    noise: Noise = "1",
    data: Annotated[
        Path | None, typer.Option(help="A table of inputs, .npy of shape (rows, columns).")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="The labels of the table, .npy of shape (rows,).")
    ] = None,
    quantize: Quantize = None,
    stepsize: Stepsize = "0.1",
    batch: Batch = "1",
    steps: Steps = "2000",
    output: Output = "average",
    digits: Annotated[
        int | None, typer.Option(help="Certified digits; without it, float64.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """The exact excess risk, its parts, and the bounds beside it.

    The problem is given by a spectrum and a target, or by a real table (--data and --labels).
    """
    with _errors_reported():
        _require_writable(json_file)
        problem = _problem(dim, spectrum, target, noise, data, labels)
        sgd = SGD(stepsize, batch, steps=steps, output=output)
        exact = excess_risk(problem, parse_quantization(quantize or []), sgd, digits=digits)
        bounds = _bounds(exact)
        if json_file != "-":
            console = Console()
            if problem.assumptions:
                console.print("[bold]What is assumed of the data[/bold]")
                console.print(problem_view(problem))
            console.print(risk_view(exact, bounds))
        _write_json(json_file, _risk_record(exact, bounds))


@app.command(
    epilog="Example: qtheory rates --dim d --quantize data=additive:eps --regime d=N**delta "
    "--regime eps=N**-e"
)
def rates(
    dim: Dim = "oo",
    spectrum: Spectrum = "power-law:a",
    target: Target = "source:b",
    noise: Noise = "1",
    quantize: Quantize = None,
    stepsize: Stepsize = "0.1",
    batch: Batch = "1",
    steps: Steps = "N",
    regime: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=POWER", help="A parameter as a power, d=N**2. May be repeated."),
    ] = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RELATION", help="An assumption such as 'b > a + 1'. May be repeated."
        ),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Derive the orders of all terms of the upper bound, symbolically.

    Numbers may be symbols: those of steps, batch, dimension, stepsize and errors are parameters
    that grow or fall, those of the spectrum and the target are fixed exponents.
    """
    with _errors_reported():
        _require_writable(json_file)
        size = dim if dim == "oo" else with_symbols(dim)
        problem = Problem(
            size,
            parse_spectrum(spectrum, with_symbols),
            parse_target(target, with_symbols),
            with_symbols(noise),
        )
        sgd = SGD(with_symbols(stepsize), with_symbols(batch), steps=with_symbols(steps))
        quantization = parse_quantization(quantize or [], with_symbols)
        powers = dict(_power(option) for option in regime or [])
        table = derive_rates(problem, quantization, sgd, powers, assume or [])
        if json_file != "-":
            Console().print(rates_view(table))
        _write_json(json_file, _rates_record(table))


def _power(option: str) -> tuple[str, str]:
    name, separator, power = option.partition("=")
    if not separator or not name.strip().isidentifier():
        raise InvalidArgumentError("regime", option, "NAME=POWER such as d=N**2")
    return name.strip(), power


def _rates_record(table: Rates) -> dict[str, Any]:
    return {
        "assumptions": [str(condition) for condition in table.assumptions],
        "terms": {
            name: [
                {"order": str(regime.order), "where": [str(c) for c in regime.conditions]}
                for regime in rate.regimes
            ]
            for name, rate in table.terms.items()
        },
        "dominating": [
            {
                "terms": list(case.terms),
                "order": str(case.order),
                "where": [str(c) for c in case.conditions],
            }
            for case in table.dominations
        ],
    }


@app.command(epilog="Example: qtheory simulate --dim 50 --steps 500 --replicates 200 --seed 1")
def simulate(
    dim: Dim = "200",
    spectrum: Spectrum = "power-law:2",
    target: Target = "constant:1",
    noise: Noise = "1",
    quantize: Quantize = None,
    stepsize: Stepsize = "0.1",
    batch: Batch = "1",
    steps: Steps = "500",
    output: Output = "average",
    replicates: Annotated[int, typer.Option(help="Independent runs.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the random streams.")] = 0,
    json_file: JsonFile = None,
) -> None:
    """Run the real update and compare its mean excess risk with the exact one."""
    with _errors_reported():
        _require_writable(json_file)
        problem = _problem(dim, spectrum, target, noise, None, None)
        quantization = parse_quantization(quantize or [])
        sgd = SGD(stepsize, batch, steps=steps, output=output)
        exact = float(excess_risk(problem, quantization, sgd).total)
        estimate = run_simulation(problem, quantization, sgd, replicates=replicates, seed=seed)
        distance = (estimate.mean - exact) / estimate.stderr if estimate.stderr else 0.0
        if json_file != "-":
            typer.echo(f"simulated  {estimate.mean:.6g} +- {estimate.stderr:.2g}")
            typer.echo(f"exact      {exact:.6g}   ({distance:+.1f} standard errors)")
        record = {"exact": exact, "mean": estimate.mean, "stderr": estimate.stderr}
        _write_json(json_file, {**record, "replicates": replicates, "seed": seed})


def main() -> None:
    """Entry point of the ``qtheory`` command."""
    app()


def _problem(
    dim: str, spectrum: str, target: str, noise: str, data: Path | None, labels: Path | None
) -> Problem:
    if (data is None) != (labels is None):
        missing = "labels" if labels is None else "data"
        raise InvalidArgumentError(missing, None, "given together with the other of the two")
    if data is None or labels is None:
        return Problem(dim, parse_spectrum(spectrum), parse_target(target), noise)
    table, column = load_table(data), load_table(labels)
    try:
        return Problem.from_data(table, column)
    except DataError as error:
        raise DataError(f"{data}, {labels}: {error}") from error


def _bounds(exact: Risk) -> dict[str, Bound | str]:
    """The bounds, or the hypothesis that fails."""
    bounds: dict[str, Bound | str] = {}
    for name, bound in (("lower bound", lower_bound), ("upper bound", upper_bound)):
        try:
            bounds[name] = bound(exact.problem, exact.quantization, exact.sgd, digits=exact.digits)
        except HypothesisError as error:
            bounds[name] = f"none: {error}"
    return bounds


def _risk_record(exact: Risk, bounds: dict[str, Bound | str]) -> dict[str, Any]:
    def number(value: Any) -> float | str:
        if isinstance(value, flint.arb):
            return str(value.str(exact.digits or 15, radius=False))
        return float(value)

    return {
        "total": number(exact.total),
        "bias": number(exact.bias),
        "variance": number(exact.variance),
        "by_target": {target: number(value) for target, value in exact.by_target.items()},
        "approximation": number(exact.approximation),
        "floor": number(exact.floor),
        "saturation": number(exact.saturation),
        "digits": exact.digits,
        "bounds": {
            name: bound if isinstance(bound, str) else number(bound.total)
            for name, bound in bounds.items()
        },
        "assumptions": list(exact.problem.assumptions),
    }


def _proofs_record(
    records: list[ProofRecord],
    refused: dict[str, str],
    audits: dict[str, Counter[str]] | None,
) -> dict[str, Any]:
    """What ``qtheory prove --json`` writes."""
    return {
        "proofs": [
            record.as_json() | ({"audit": dict(audits[record.name])} if audits else {})
            for record in records
        ],
        "refused": refused,
        "proved": sum(record.checked for record in records),
    }


@contextmanager
def _errors_reported() -> Iterator[None]:
    """Turn an error of qtheory into one line and exit status 2."""
    try:
        yield
    except QTheoryError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def _progress(title: str) -> Iterator[Any]:
    """A progress bar on the terminal; yields the function that moves it."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(file=sys.stderr))
    task = bar.add_task(title, total=None)

    def move(done: int, total: int) -> None:
        bar.start()  # only now, so that an argument refused at once shows no bar
        bar.update(task, completed=done, total=total)

    try:
        yield move
    finally:
        bar.stop()


def _require_writable(json_file: str | None) -> None:
    """Fail before the work rather than after it, if the JSON cannot be written."""
    if json_file in (None, "-"):
        return
    try:
        Path(json_file).touch()
    except OSError as error:
        raise InvalidArgumentError(
            "json", json_file, f"a file that can be written ({error})"
        ) from error


def _write_json(json_file: str | None, record: dict[str, Any]) -> None:
    if json_file is None:
        return
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    if json_file == "-":
        typer.echo(text, nl=False)
    else:
        Path(json_file).write_text(text, encoding="utf-8")
