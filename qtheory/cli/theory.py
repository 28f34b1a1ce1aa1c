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
    Target,
    app,
    busy,
    errors_reported,
    problem_from,
    require_writable,
    table_from,
    write_json,
)
from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model import SGD, Problem
from qtheory.model.shorthand import (
    parse_quantization,
    parse_spectrum,
    parse_target,
    with_symbols,
)
from qtheory.report import problem_view, rates_view, risk_view
from qtheory.risk import Risk, excess_risk
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
        sgd = SGD(stepsize, batch, steps=steps, output=output)
        with busy("Computing"):
            exact = excess_risk(problem, parse_quantization(quantize or []), sgd, digits=digits)
            bounds = _bounds(exact)
            record = _risk_record(exact, bounds)  # its parts cost a run each
        if json_file != "-":
            console = Console()
            if problem.assumptions:
                console.print("[bold]What is assumed of the data[/bold]")
                console.print(problem_view(problem))
            console.print(risk_view(exact, bounds))
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
        quantization = parse_quantization(quantize or [], with_symbols)
        powers = dict(_power(option) for option in regime or [])
        with busy("Deriving"):
            table = derive_rates(problem, quantization, sgd, powers, assume or [])
        if json_file != "-":
            Console().print(rates_view(table))
        write_json(json_file, _rates_record(table))


def _power(option: str) -> tuple[str, str]:
    name, separator, power = option.partition("=")
    if not separator or not name.strip().isidentifier():
        raise InvalidArgumentError("regime", option, "NAME=POWER such as d=N**2")
    return name.strip(), power


def _rates_record(table: Rates) -> dict[str, Any]:
    return {
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
        "versions": versions(*EXACT, machine=exact.digits is None),
    }
