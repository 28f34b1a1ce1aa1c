"""Tables for the terminal, made to be read at 80 columns."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from qtheory.model import Problem
from qtheory.numbers.display import shown
from qtheory.risk import Risk
from qtheory.theory import Bound


def plain_table(title: str) -> Table:
    """A table without vertical lines, its title on the left."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def problem_view(problem: Problem) -> RenderableType:
    """What is assumed of a problem that was made from data."""
    return Group(*(Text(f"- {line}") for line in problem.assumptions))


def risk_view(risk: Risk, bounds: dict[str, Bound | str]) -> RenderableType:
    """The exact risk, its parts, and the bounds beside it (or why there is none)."""
    parts = risk.parts_if_any
    table = plain_table("Exact excess risk")
    table.add_column("part")
    table.add_column("value", justify="right")
    names = {
        "bias": "bias (no noise, no quantization)",
        "variance": "variance (label noise)",
        "sketching": "missed by the sketch",
    }
    exact = {target for target, quantizer in risk.run.quantization.items() if quantizer.is_exact}
    for part, value in parts.items():
        if part not in exact and not isinstance(value, str):
            name = names.get(part, f"added by {part} quantization")
            table.add_row(name, shown(value, risk.digits))
    table.add_section()
    table.add_row(Text("total", "bold"), Text(shown(risk.total, risk.digits), "bold"))
    if risk.saturation != 0:
        table.add_row("signal bias by overflow", shown(risk.saturation, risk.digits))
    for name, bound in bounds.items():
        if not isinstance(bound, str):
            table.add_row(f"{name} ({bound.form})", shown(bound.total, risk.digits))
    missing = {"parts": parts["bias"], **bounds}
    notes = [Text(f"{name}: {why}", "dim") for name, why in missing.items() if isinstance(why, str)]
    return Group(table, *notes)
