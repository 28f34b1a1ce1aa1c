"""The command ``rates``: the orders of all terms of the bound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from qtheory.asymptotics import compare_rates as derive_comparison
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
from qtheory.model import SGD, Problem, Quantization
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
    size: Annotated[
        str | None,
        typer.Option(help="Learn in a random sketch of this many features: M, 50 or N**(1/2)."),
    ] = None,
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
    compare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TARGET=MODEL,...",
            help="A quantization to set beside others, int=data=additive:eps. To be repeated.",
        ),
    ] = None,
    regimes: Annotated[
        bool, typer.Option("--regimes", help="Every regime too, each with its own order.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Derive the orders of all terms of the upper bound, symbolically.

    Numbers may be symbols: those of steps, batch, dimension, stepsize and errors are parameters
    that grow or fall, those of the spectrum and the target are fixed exponents.
    """
    with errors_reported():
        require_writable(json_file)
        problem = Problem(
            dim if dim == "oo" else with_symbols(dim),
            parse_spectrum(spectrum, with_symbols),
            parse_target(target, with_symbols),
            with_symbols(noise),
        )
        sgd = SGD(with_symbols(stepsize), with_symbols(batch), steps=with_symbols(steps))
        powers = dict(_power(option) for option in regime or [])
        console = Console()
        if compare:
            if quantize:
                raise InvalidArgumentError("quantize", quantize, "left out beside --compare")
            if size:
                raise InvalidArgumentError("size", size, "left out beside --compare")
            schemes, replaced = _schemes(compare)
            with busy("Deriving"):
                comparison = derive_comparison(problem, schemes, sgd, powers, assume or [])
            if json_file != "-":
                console.print(str(comparison), markup=False, highlight=False, soft_wrap=True)
            record = comparison.as_json()
        else:
            given = parse_quantization(quantize or [], with_symbols)
            quantization = covered(given)
            replaced = replaced_formats(given, quantization)
            with busy("Deriving"):
                features = None if size is None else with_symbols(size)
                table = derive_rates(
                    problem, quantization, sgd, powers, assume or [], size=features
                )
            if json_file != "-":
                console.print(str(table), markup=False, highlight=False, soft_wrap=True)
                if regimes:
                    console.print(rates_view(table))
            record = table.as_json()
        if json_file != "-":
            say_replaced(console, replaced)
        extra = {"error_models": replaced, "versions": versions(*EXACT, "z3-solver")}
        write_json(json_file, record | extra)


def _schemes(
    options: Sequence[str],
) -> tuple[dict[str, Quantization], dict[str, dict[str, str]]]:
    """Quantizations by name, and the number formats in whose place error models were taken."""
    schemes, replaced = {}, {}
    for option in options:
        name, separator, models = option.partition("=")
        if not separator or "=" not in models:
            raise InvalidArgumentError(
                "compare", option, "NAME=TARGET=MODEL,... such as int=data=additive:eps"
            )
        # fp:5,2 has a comma of its own.
        given = parse_quantization(re.split(",(?=[a-z]+=)", models), with_symbols)
        schemes[name] = covered(given)
        for target, pair in replaced_formats(given, schemes[name]).items():
            replaced[f"{name}: {target}"] = pair
    return schemes, replaced


def _power(option: str) -> tuple[str, str]:
    name, separator, power = option.partition("=")
    if not separator or not name.strip().isidentifier():
        raise InvalidArgumentError("regime", option, "NAME=POWER such as d=N**2")
    return name.strip(), power
