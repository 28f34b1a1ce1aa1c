"""Phase diagrams: which terms of the bound dominate, as polygons in a plane of two exponents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number, exact
from qtheory.numbers.latex import latex_of
from qtheory.numbers.precision import one_at_a_time

Point = tuple[sp.Rational, sp.Rational]
_ROOM = 0.5  # inches from the middle of a name to that of an equation

# Light fills that stay apart for colour-blind readers (after Okabe and Ito) and in grey.
_FILLS = ("#cfe8f7", "#fbe3b5", "#d5efe3", "#f3d3e2", "#fdf6c0", "#d9dcec", "#f6d5c0", "#e4e4e4")


@dataclass(frozen=True)
class Phase:
    """A convex region of the plane in which the same terms dominate.

    ``exponent`` is that of the bound in the large parameter, ``vertices`` the exact corners in the
    window, counterclockwise.
    """

    terms: tuple[str, ...]
    exponent: sp.Expr
    conditions: tuple[sp.Basic, ...]
    vertices: tuple[Point, ...]

    @property
    def centre(self) -> Point:
        """The mean of the corners, a point inside."""
        n = len(self.vertices)
        return sp.Add(*[x for x, _ in self.vertices]) / n, sp.Add(
            *[y for _, y in self.vertices]
        ) / n


@dataclass(frozen=True)
class Boundary:
    """A line segment between two phases, or between a phase and where T4 does not apply."""

    line: sp.Eq
    start: Point
    end: Point


@dataclass(frozen=True)
class Phases:
    """A phase diagram; ``plot()`` draws it."""

    x: sp.Symbol
    y: sp.Symbol
    window: tuple[tuple[sp.Rational, sp.Rational], tuple[sp.Rational, sp.Rational]]
    phases: tuple[Phase, ...]
    boundaries: tuple[Boundary, ...]

    def __iter__(self) -> Any:
        return iter(self.phases)

    def __len__(self) -> int:
        return len(self.phases)

    def at(self, x: Number, y: Number) -> tuple[Phase, ...]:
        """The phases that hold a point: one inside, several on a boundary, none outside T4."""
        point = (exact(x, "x"), exact(y, "y"))
        return tuple(phase for phase in self.phases if _inside(point, phase.vertices))

    def plot(self, ax: Any = None) -> Any:
        """Draw the phases with matplotlib, each boundary labelled with its line.

        Parameters
        ----------
        ax
            Axes to draw into; by default those of a new figure.

        Returns
        -------
        The axes.
        """
        return _drawn(self, ax)

    def __str__(self) -> str:
        lines = []
        for phase in self.phases:
            where = " and ".join(str(c) for c in phase.conditions)
            lines.append(f"{' + '.join(phase.terms):30} exponent {phase.exponent!s:20} {where}")
        return "\n".join(lines)


@one_at_a_time
def phases_of(
    cases: Sequence[tuple[tuple[str, ...], sp.Expr, tuple[sp.Basic, ...]]],
    given: Sequence[sp.Basic],
    x: sp.Symbol,
    y: sp.Symbol,
    window: tuple[tuple[Number, Number], tuple[Number, Number]] | None,
) -> Phases:
    """The diagram of some cases (terms, exponent, conditions) under given relations."""
    # A case of equality is a line, and has no area.
    cases = [case for case in cases if not any(isinstance(c, sp.Eq) for c in case[2])]
    cases = [(t, e, tuple(c for c in cs if not isinstance(c, sp.Ne))) for t, e, cs in cases]
    forms = {c: _halfplane(c, x, y) for case in cases for c in (*case[2], *given)}
    box = _window(window, list(forms.values()), x, y)
    corners = tuple((sp.Rational(a), sp.Rational(b)) for a, b in _corners(box))
    found: list[Phase] = []
    for terms, exponent, conditions in cases:
        vertices = corners
        for condition in (*given, *conditions):
            vertices = _clipped(vertices, forms[condition], x, y)
        if _area(vertices) != 0:
            found.append(Phase(terms, exponent, conditions, vertices))
    return Phases(x, y, box, tuple(found), _boundaries(found, box, x, y))


def _halfplane(condition: sp.Basic, x: sp.Symbol, y: sp.Symbol) -> sp.Expr:
    """The linear form that is at least 0 where a condition holds."""
    form = sp.expand(condition.lhs - condition.rhs)
    others = form.free_symbols - {x, y}
    if others:
        raise InvalidArgumentError(
            "phases",
            condition,
            f"a condition on {x} and {y} alone: give numbers to {', '.join(map(str, others))}",
        )
    linear = sp.Poly(form, x, y).total_degree() <= 1
    if not linear or isinstance(condition, sp.Eq | sp.Ne):
        raise InvalidArgumentError("phases", condition, f"linear in {x} and {y}")
    return form if isinstance(condition, sp.Gt | sp.Ge) else -form


def _window(
    window: tuple[tuple[Number, Number], tuple[Number, Number]] | None,
    forms: Iterable[sp.Expr],
    x: sp.Symbol,
    y: sp.Symbol,
) -> tuple[tuple[sp.Rational, sp.Rational], tuple[sp.Rational, sp.Rational]]:
    """The window asked for, or one that holds every corner with room to spare."""
    if window is not None:
        allowed = "((x0, x1), (y0, y1)) with x0 < x1, y0 < y1"
        try:
            sides = [(exact(low, "window"), exact(high, "window")) for low, high in window]
        except (TypeError, ValueError):
            raise InvalidArgumentError("window", window, allowed) from None
        if len(sides) != 2 or not all(low < high for low, high in sides):
            raise InvalidArgumentError("window", window, allowed)
        return sides[0], sides[1]
    widest, highest = sp.S.One, sp.S.One
    for first, second in combinations([*set(forms), x, y], 2):
        point = meeting_point(first, second, x, y)
        if point is not None and min(point) >= 0:
            widest, highest = max(widest, point[0]), max(highest, point[1])
    return (sp.S.Zero, widest * sp.Rational(5, 4)), (sp.S.Zero, highest * sp.Rational(5, 4))


def _corners(box: Any) -> list[Point]:
    (x0, x1), (y0, y1) = box
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _clipped(
    vertices: tuple[Point, ...], form: sp.Expr, x: sp.Symbol, y: sp.Symbol
) -> tuple[Point, ...]:
    """The part of a convex polygon where a linear form is at least 0."""
    kept: list[Point] = []
    values = [form.subs({x: a, y: b}) for a, b in vertices]
    for k, (point, value) in enumerate(zip(vertices, values, strict=True)):
        before, at_before = vertices[k - 1], values[k - 1]
        if value * at_before < 0:
            share = at_before / (at_before - value)
            kept.append(
                (
                    before[0] + share * (point[0] - before[0]),
                    before[1] + share * (point[1] - before[1]),
                )
            )
        if value >= 0:
            kept.append(point)
    return tuple(dict.fromkeys(kept))


def _area(vertices: Sequence[Point]) -> sp.Rational:
    closed = [*vertices, *vertices[:1]]
    return sp.Add(*[a * d - b * c for (a, b), (c, d) in pairwise(closed)]) / 2


def _inside(point: tuple[sp.Expr, sp.Expr], vertices: Sequence[Point]) -> bool:
    closed = [*vertices, *vertices[:1]]
    return all(
        (c - a) * (point[1] - b) - (d - b) * (point[0] - a) >= 0
        for (a, b), (c, d) in pairwise(closed)
    )


def _boundaries(
    phases: Sequence[Phase], box: Any, x: sp.Symbol, y: sp.Symbol
) -> tuple[Boundary, ...]:
    """The edges of the phases that are not the window's, the longest one per line."""
    (x0, x1), (y0, y1) = box
    found: dict[sp.Eq, Boundary] = {}
    for phase in phases:
        for (a, b), (c, d) in pairwise([*phase.vertices, phase.vertices[0]]):
            if (a == c and a in (x0, x1)) or (b == d and b in (y0, y1)):
                continue
            line = sp.Eq(x, a) if a == c else sp.Eq(y, sp.expand(b + (d - b) / (c - a) * (x - a)))
            start, end = sorted([(a, b), (c, d)])
            edge = Boundary(line, start, end)
            if line not in found or _length(edge) > _length(found[line]):
                found[line] = edge
    return tuple(found.values())


def _length(edge: Boundary) -> sp.Expr:
    return (edge.end[0] - edge.start[0]) ** 2 + (edge.end[1] - edge.start[1]) ** 2


def meeting_point(
    first: sp.Expr, second: sp.Expr, x: sp.Symbol, y: sp.Symbol
) -> tuple[sp.Expr, sp.Expr] | None:
    """Where two linear forms vanish together; None if they are parallel.

    >>> x, y = sp.symbols("x y")
    >>> meeting_point(x - y, x + 2 * y - 3, x, y)
    (1, 1)
    """
    (a, b, c), (d, e, f) = (_coefficients(form, x, y) for form in (first, second))
    determinant = sp.cancel(a * e - b * d)
    if determinant == 0:
        return None
    return sp.cancel((b * f - c * e) / determinant), sp.cancel((c * d - a * f) / determinant)


def _coefficients(form: sp.Expr, x: sp.Symbol, y: sp.Symbol) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    expanded = sp.expand(form)
    return expanded.coeff(x, 1), expanded.coeff(y, 1), expanded.subs({x: 0, y: 0})


# --- the picture --------------------------------------------------------------------------------


def _drawn(phases: Phases, ax: Any) -> Any:
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
