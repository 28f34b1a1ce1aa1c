"""Phase diagrams drawn with matplotlib."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import sympy as sp

from qtheory.numbers.latex import latex_of

if TYPE_CHECKING:
    from qtheory.asymptotics.phases import Boundary, Phases

_ROOM = 0.5  # inches from the middle of a name to that of an equation

# Light fills that stay apart for colour-blind readers (after Okabe and Ito) and in grey.
_FILLS = ("#cfe8f7", "#fbe3b5", "#d5efe3", "#f3d3e2", "#fdf6c0", "#d9dcec", "#f6d5c0", "#e4e4e4")


def draw_phases(phases: Phases, ax: Any = None) -> Any:
    """The regions as polygons, their terms and exponents inside, the boundaries labelled."""
    if ax is None:
        from qtheory.numbers.figure import new_axes

        ax = new_axes(7.2, 5.6)
    (x0, x1), (y0, y1) = phases.window
    ax.set_xlim(float(x0), float(x1))
    ax.set_ylim(float(y0), float(y1))
    ax.set_facecolor("#ffffff")
    names = sorted({phase.terms for phase in phases})
    for phase in phases:
        corners = [(float(a), float(b)) for a, b in phase.vertices]
        fill = _FILLS[names.index(phase.terms) % len(_FILLS)]
        ax.fill(*zip(*corners, strict=True), facecolor=fill, edgecolor="#444444", linewidth=1)
        label = "\n".join(phase.terms) + f"\n${_inline(phase.exponent)}$"
        centre = tuple(float(c) for c in phase.centre)
        ax.annotate(label, centre, ha="center", va="center", fontsize=9)
    for edge in phases.boundaries:
        _label(ax, phases, edge)
    ax.set_xlabel(f"${latex_of(phases.x)}$")
    ax.set_ylabel(f"${latex_of(phases.y)}$")
    return ax


def _inline(expression: sp.Expr) -> str:
    """LaTeX with fractions that fit in a line."""
    return latex_of(expression, fold_short_frac=True, long_frac_ratio=2)


def _label(ax: Any, phases: Phases, edge: Boundary) -> None:
    """The equation of a line beside it, where the names of the terms leave room."""
    (a, b), (c, d) = edge.start, edge.end
    (x0, x1), (y0, y1) = phases.window
    width, height = ax.get_figure().get_size_inches()
    across, up = width / float(x1 - x0), height / float(y1 - y0)  # inches per unit
    run, rise = float(c - a) * across, float(d - b) * up

    def room(share: sp.Rational) -> float:
        """How far the point at this share of the line is from the nearest name, in inches."""
        x, y = float(a + share * (c - a)), float(b + share * (d - b))
        return min(
            math.hypot((x - float(p)) * across, (y - float(q)) * up)
            for p, q in (phase.centre for phase in phases)
        )

    places = [sp.Rational(k, 4) for k in (3, 1, 2)]
    share = next((place for place in places if room(place) >= _ROOM), max(places, key=room))
    ax.annotate(
        f"${_inline(edge.line.lhs)} = {_inline(edge.line.rhs)}$",
        (float(a + share * (c - a)), float(b + share * (d - b))),
        xytext=(0, 3),
        textcoords="offset points",
        rotation=math.degrees(math.atan2(rise, run)),
        rotation_mode="anchor",
        ha="center",
        va="bottom",
        fontsize=8,
        color="#222222",
    )
