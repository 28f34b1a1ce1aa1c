"""The command ``report``: everything on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qtheory.cli.common import (
    app,
    errors_reported,
    progress_bar,
    require_writable,
)
from qtheory.report.appendix import report_appendix
from qtheory.report.page import report_page


@app.command(epilog="Example: qtheory report theory.html")
def report(
    out: Annotated[Path, typer.Argument(help="Where to write the page, or the appendix.")],
    latex: Annotated[
        bool, typer.Option("--latex", help="An appendix in LaTeX instead of a page.")
    ] = False,
) -> None:
    """Write everything on one page: theorems, proofs, rates, experiments, formats (a minute).

    The page needs no network and no scripts; it is made for screens, phones and paper.
    """
    with errors_reported():
        require_writable(str(out), "OUT")
        with progress_bar("Writing") as progress:
            text = report_appendix() if latex else report_page(progress)
        out.write_text(text, encoding="utf-8")
