"""The command ``falsify``: look for a counterexample."""

from __future__ import annotations

from typing import Annotated

import typer

from qtheory.claims.claim import NAMES
from qtheory.claims.search import attack
from qtheory.cli.common import (
    JsonFile,
    app,
    errors_reported,
    progress_bar,
    require_writable,
    write_json,
)
from qtheory.versions import EXACT, versions


@app.command(
    epilog='Example: qtheory falsify "risk <= approximation + bias + 2*variance" --max-examples 500'
)
def falsify(
    claim: Annotated[
        str, typer.Argument(help="A relation between two formulas in the names above.")
    ],
    theorem: Annotated[
        str, typer.Option(help="Whose bias, variance, ... and hypotheses are meant.")
    ] = "upper_bound",
    max_examples: Annotated[int, typer.Option(help="Instances to draw.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    json_file: JsonFile = None,
) -> None:
    """Look for a counterexample to a claim, and shrink it (a minute for 1000 instances).

    A counterexample has certified numbers on both sides and is printed as Python code. A claim that
    survives is not thereby true. Exit status 1 if there is a counterexample.

    The claim may use:
    """
    with errors_reported():
        require_writable(json_file)
        with progress_bar("Attacking") as progress:
            found = attack(
                claim, theorem=theorem, max_examples=max_examples, seed=seed, progress=progress
            )
        if json_file != "-":
            typer.echo(found)
        # the stepsizes that are drawn depend on float64 too
        write_json(
            json_file, found.as_json() | {"versions": versions(*EXACT, "hypothesis", machine=True)}
        )
    raise typer.Exit(0 if found.counterexample is None else 1)


# the names are part of the help, from the place that reads them
falsify.__doc__ = f"{falsify.__doc__}{', '.join(NAMES)}."
