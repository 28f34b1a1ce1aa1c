"""Commands of the theory: risk and rates."""

from __future__ import annotations

from typing import Annotated, Any

import flint
import typer
from rich.console import Console

from qtheory.asymptotics import Rates
from qtheory.asymptotics import rates as derive_rates
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
    busy,
    errors_reported,
    problem_from,
    require_writable,
    run_from,
    table_from,
    write_json,
)
from qtheory.errors import InvalidArgumentError, QTheoryError
from qtheory.model import SGD, TARGETS, ErrorModel, Problem, Quantization
from qtheory.model.number_format import NumberFormat
from qtheory.model.parse import (
    parse_quantization,
    parse_spectrum,
    parse_target,
    with_symbols,
)
from qtheory.report import problem_view, rates_view, risk_view
from qtheory.risk import Risk, excess_risk
from qtheory.risk.excess import parts_if_any
from qtheory.theory import Bound, lower_bound, upper_bound
from qtheory.versions import EXACT, versions

__all__ = ["rates", "risk"]


@app.command(
    epilog="Example: qtheory risk --dim 200 --steps 2000 --quantize all=additive:0.01 --digits 30"
)
def risk(
    dim: Dim = "200",
    spectrum: Spectrum = "power-law:2",
    target: Target = "constant:1",
    noise: Noise = "1",
    data: DataFile = None,
    labels: LabelsFile = None,
    quantize: Quantize = None,
    stepsize: Stepsize = "0.1",
    batch: Batch = "1",
    steps: Steps = "2000",
    output: Output = "average",
    tail: Tail = None,
    digits: Annotated[
        int | None, typer.Option(help="Certified digits; without it, float64.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """The exact excess risk, its parts, and the bounds beside it.

    The problem is given by a spectrum and a target, or by a real table (--data and --labels).
    """
    with errors_reported():
        require_writable(json_file)
        table = table_from(data, labels)
        given = problem_from(dim, spectrum, target, noise)
        problem = given if table is None else Problem.from_data(*table)
        sgd = run_from(stepsize, batch, steps, output, tail)
        given_quantizers = parse_quantization(quantize or [])
        quantization = _covered(given_quantizers)
        with busy("Computing"):
            exact = excess_risk(problem, quantization, sgd, digits=digits)
            parts = parts_if_any(exact)  # they cost a run each
            bounds = _bounds(exact)
        replaced = _replaced(given_quantizers, quantization)
        record = _risk_record(exact, parts, bounds, replaced)
        if json_file != "-":
            console = Console()
            if problem.assumptions:
                console.print("[bold]What is assumed of the data[/bold]")
                console.print(problem_view(problem))
            console.print(risk_view(exact, parts, bounds))
            _say(console, replaced)
        write_json(json_file, record)


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
    with errors_reported():
        require_writable(json_file)
        size = dim if dim == "oo" else with_symbols(dim)
        problem = Problem(
            size,
            parse_spectrum(spectrum, with_symbols),
            parse_target(target, with_symbols),
            with_symbols(noise),
        )
        sgd = SGD(with_symbols(stepsize), with_symbols(batch), steps=with_symbols(steps))
        given = parse_quantization(quantize or [], with_symbols)
        quantization = _covered(given)
        replaced = _replaced(given, quantization)
        powers = dict(_power(option) for option in regime or [])
        with busy("Deriving"):
            table = derive_rates(problem, quantization, sgd, powers, assume or [])
        if json_file != "-":
            console = Console()
            console.print(rates_view(table))
            _say(console, replaced)
        write_json(json_file, _rates_record(table, replaced))


def _power(option: str) -> tuple[str, str]:
    name, separator, power = option.partition("=")
    if not separator or not name.strip().isidentifier():
        raise InvalidArgumentError("regime", option, "NAME=POWER such as d=N**2")
    return name.strip(), power


def _covered(quantization: Quantization) -> Quantization:
    """What the theory takes: error models, or a number format on the data alone."""
    formats = [t for t, quantizer in quantization.items() if not isinstance(quantizer, ErrorModel)]
    as_it_is = formats == ["data"] and isinstance(quantization.data, NumberFormat)
    return quantization if as_it_is else quantization.error_models()


def _replaced(given: Quantization, taken: Quantization) -> dict[str, dict[str, str]]:
    """The number formats in whose place error models were taken."""
    pairs = zip(given.items(), taken.items(), strict=True)
    return {
        target: {"format": repr(before), "error_model": repr(after)}
        for (target, before), (_, after) in pairs
        if before != after
    }


def _say(console: Console, replaced: dict[str, dict[str, str]]) -> None:
    if replaced:
        console.print("Number formats are taken as their error models; simulate rounds with them:")
    for target, pair in replaced.items():
        console.print(f"{target}: {pair['format']} as {pair['error_model']}", markup=False)


def _rates_record(table: Rates, replaced: dict[str, dict[str, str]]) -> dict[str, Any]:
    return {
        "error_models": replaced,
        "assumptions": [str(condition) for condition in table.assumptions],
        "fixed": [str(symbol) for symbol in table.fixed],
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
        "versions": versions(*EXACT, "z3-solver"),
    }


def _bounds(exact: Risk) -> dict[str, Bound | str]:
    """The bounds, or why there is none: a hypothesis that fails, or too many coordinates."""
    bounds: dict[str, Bound | str] = {}
    for name, bound in (("lower bound", lower_bound), ("upper bound", upper_bound)):
        try:
            bounds[name] = bound(*exact.run, digits=exact.digits)
        except QTheoryError as error:
            bounds[name] = f"none: {error}"
    return bounds


def _risk_record(
    exact: Risk,
    parts: dict[str, Any],
    bounds: dict[str, Bound | str],
    replaced: dict[str, dict[str, str]],
) -> dict[str, Any]:
    def number(value: Any) -> float | str:
        if isinstance(value, str):  # why there is none
            return value
        if isinstance(value, flint.arb):
            return str(value.str(exact.digits or 15, radius=False))
        return float(value)

    return {
        "total": number(exact.total),
        "bias": number(parts["bias"]),
        "variance": number(parts["variance"]),
        "by_target": {target: number(parts[target]) for target in TARGETS},
        "approximation": number(exact.approximation),
        "floor": number(exact.floor),
        "saturation": number(exact.saturation),
        "digits": exact.digits,
        "error_models": replaced,
        "bounds": {
            name: bound if isinstance(bound, str) else number(bound.total)
            for name, bound in bounds.items()
        },
        "assumptions": list(exact.run.problem.assumptions),
        "versions": versions(*EXACT, machine=exact.digits is None),
    }
