"""Numbers and small tables for a notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import flint

from qtheory.numbers.arithmetic import Scalar


def shown(value: Scalar, digits: int | None) -> str:
    """A float64 with six significant digits, or a ball with its certified ones.

    >>> shown(1 / 3, None), shown(flint.arb(1) / 4, 5)
    ('0.333333', '0.25000')
    """
    if isinstance(value, flint.arb):
        return str(value.str(digits or 6, radius=False))
    return f"{float(value):.6g}"


def as_number(value: Any, digits: int | None) -> float | str:
    """A number for JSON: a ball as text with its certified digits, text (why there is none) as is.

    >>> as_number(flint.arb(1) / 4, 5), as_number(0.25, None), as_number("none: a reason", None)
    ('0.25000', 0.25, 'none: a reason')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, flint.arb):
        return str(value.str(digits or 15, radius=False))
    return float(value)


def finite(value: float) -> float | None:
    """A number for JSON, which has no infinity."""
    return value if math.isfinite(value) else None


def html_table(caption: str, rows: Sequence[Sequence[str]]) -> str:
    """Rows of text under a caption; the first cell of a row names it.

    >>> html_table("Risk", [("total", "1 < 2")])
    '<table><caption>Risk</caption><tr><th scope="row">total</th><td>1 &lt; 2</td></tr></table>'
    """
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return f"<table><caption>{escape(caption)}</caption>{body}</table>"
