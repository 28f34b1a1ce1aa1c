"""The command ``rates``: the orders of all terms of the bound."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from qtheory.asymptotics import rates as derive_rates
from qtheory.cli.common import (
    Batch,
    Dim,
    JsonFile,
    Noise,
    Quantize,
    Spectrum,
    Steps,
    Stepsize,
    Target,
    app,
    busy,
    covered,
    errors_reported,
    replaced_formats,
    require_writable,
    say_replaced,
    write_json,
)
from qtheory.errors import InvalidArgumentError
from qtheory.model import SGD, Problem
from qtheory.model.parse import parse_quantization, parse_spectrum, parse_target, with_symbols
from qtheory.report import rates_view
from qtheory.versions import EXACT, versions


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
        quantization = covered(given)
        replaced = replaced_formats(given, quantization)
        powers = dict(_power(option) for option in regime or [])
        with busy("Deriving"):
            table = derive_rates(problem, quantization, sgd, powers, assume or [])
        if json_file != "-":
            console = Console()
            console.print(rates_view(table))
            say_replaced(console, replaced)
        extra = {"error_models": replaced, "versions": versions(*EXACT, "z3-solver")}
        write_json(json_file, table.as_json() | extra)


def _power(option: str) -> tuple[str, str]:
    name, separator, power = option.partition("=")
    if not separator or not name.strip().isidentifier():
        raise InvalidArgumentError("regime", option, "NAME=POWER such as d=N**2")
    return name.strip(), power
