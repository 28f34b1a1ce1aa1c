"""Rate tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from qtheory.asymptotics import Rates
from qtheory.orders.display import UNKNOWN, shown
from qtheory.report.tables import plain_table


def rates_view(table: Rates) -> RenderableType:
    """Every term with its order and regimes, and what dominates where."""
    terms = plain_table("Orders of the terms of the upper bound T4")
    for name in ("term", "order", "where"):
        terms.add_column(name, overflow="fold")
    for name, rate in table.terms.items():
        for k, regime in enumerate(rate.regimes):
            terms.add_row(
                name if k == 0 else "", str(regime.order), _where(regime.conditions, regime.occurs)
            )
    dominating = plain_table("Which terms dominate")
    for name in ("terms", "order", "where"):
        dominating.add_column(name, overflow="fold")
    for case in table.dominations:
        dominating.add_row(
            " + ".join(case.terms), str(case.order), _where(case.conditions, case.occurs)
        )
    parts: list[Table | Text] = [terms, dominating]
    if table.premises:
        parts.insert(0, Text(f"Assumed: {_where(table.premises)}"))
    if table.fixed:
        parts.insert(0, Text(f"Held fixed: {', '.join(map(str, table.fixed))}"))
    return Group(*parts)


def _where(conditions: Sequence[sp.Basic], occurs: bool | None = True) -> str:
    return ", ".join([*map(shown, conditions), *([] if occurs else [UNKNOWN])])
