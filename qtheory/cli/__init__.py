"""The command line: one thin function per command."""

from __future__ import annotations

from typing import Annotated

import typer

from qtheory import __version__

# importing the modules registers their commands, in the order of the help page
from qtheory.cli import (  # isort: skip
    verify as verify,
    prove as prove,
    falsify as falsify,
    report as report,
    simulate as simulate,
    formats as formats,
    sweep as sweep,
    risk as risk,
    rates as rates,
)
from qtheory.cli.common import app

__all__ = ["app", "main"]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options before a command."""
    if version:
        typer.echo(f"qtheory {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point of the ``qtheory`` command."""
    app()
