"""The command line."""

from qtheory.cli.commands import app, main

__all__ = ["app", "main"]
