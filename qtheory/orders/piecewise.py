r"""Functions of the index of a sum, up to constants: products of powers on consecutive pieces.

On a piece such a function is :math:`C\, z^s L(z)^q`, with an order C and exponents s and q. The
variable z is the index i itself, or :math:`e^i` where the terms are exponential in i; then
L(z) = i, and a step of the index multiplies z instead of adding to it. Nothing else changes: in
log z the logarithm of the function is piecewise linear, sums are maxima, and a sum over the index
is the largest value of :math:`z^w f(z)` with w = 1 or 0, or a logarithm more where that is flat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from qtheory.orders.cell import Cell
from qtheory.orders.monomial import ONE, Monomial


class Diverges(Exception):  # noqa: N818 - an outcome, caught where a sum was asked for
    """A sum that is infinite in a cell, with its cause."""


class Unsupported(Exception):  # noqa: N818 - turned into an error that names the expression
    """What the calculus does not cover."""


@dataclass(frozen=True)
class Term:
    """C z^s L(z)^q."""

    coefficient: Monomial = ONE
    slope: sp.Expr = sp.S.Zero
    log_slope: sp.Expr = sp.S.Zero

    def __mul__(self, other: Term) -> Term:
        return Term(
            self.coefficient * other.coefficient,
            self.slope + other.slope,
            self.log_slope + other.log_slope,
        )

    def __pow__(self, exponent: sp.Expr) -> Term:
        return Term(self.coefficient**exponent, self.slope * exponent, self.log_slope * exponent)


@dataclass(frozen=True)
class Range:
    """The values of z in a sum: from an order to an order, or to infinity (None).

    ``index_at_end`` is the last index where z is exponential in i and past every order at the end;
    ``step`` is w, and ``unit`` is log z per step of the index where w = 0.
    """

    start: Monomial
    end: Monomial | None
    step: int = 1
    index_at_end: Monomial | None = None
    unit: sp.Expr = sp.S.One

    def log_at(self, point: Monomial | None) -> Monomial:
        """L(z) at a point."""
        if point is None:
            if self.index_at_end is None:
                raise ValueError("an infinite sum has no value at its end")
            return self.index_at_end
        return point.without_logs.log()

    def value(self, term: Term, point: Monomial) -> Monomial:
        """The order of a term at a finite point."""
        log = self.log_at(point)
        return term.coefficient * point**term.slope * log**term.log_slope


@dataclass(frozen=True)
class Piece:
    """A term between two points; ``right`` is None at the end of a range without a finite end."""

    left: Monomial
    right: Monomial | None
    term: Term


@dataclass(frozen=True)
class PiecewisePower:
    """Consecutive pieces that fill a range."""

    range: Range
    pieces: tuple[Piece, ...]

    @classmethod
    def constant(cls, range: Range, term: Term) -> PiecewisePower:
        """One term on the whole range."""
        return cls(range, (Piece(range.start, range.end, term),))

    def power(self, exponent: sp.Expr) -> PiecewisePower:
        """A real power."""
        return PiecewisePower(
            self.range, tuple(Piece(p.left, p.right, p.term**exponent) for p in self.pieces)
        )


def product(cell: Cell, first: PiecewisePower, second: PiecewisePower) -> PiecewisePower:
    """The product of two functions on the same range."""
    return _combined(
        cell,
        first,
        second,
        lambda piece, other: [Piece(piece.left, piece.right, piece.term * other)],
    )


def largest(cell: Cell, first: PiecewisePower, second: PiecewisePower) -> PiecewisePower:
    """The larger of two functions, which is also their sum up to a factor 2."""
    return _combined(
        cell, first, second, lambda piece, other: _chosen(cell, first.range, piece, other, sign=1)
    )


def smallest(cell: Cell, first: PiecewisePower, second: PiecewisePower) -> PiecewisePower:
    """The smaller of two functions."""
    return _combined(
        cell, first, second, lambda piece, other: _chosen(cell, first.range, piece, other, sign=-1)
    )


def shares(cell: Cell, function: PiecewisePower) -> list[Monomial]:
    """What each piece contributes to the sum of a function over its range.

    Raises
    ------
    Diverges
        If the sum is infinite.
    """
    return [_share(cell, function.range, piece) for piece in function.pieces]


def partial_sums(cell: Cell, function: PiecewisePower) -> PiecewisePower:
    """The sum of a single power over the index from its start to z, as a function of z.

    Raises
    ------
    Unsupported
        If the function has several pieces, or is exponential in the index.
    """
    piece, *others = function.pieces
    range, term = function.range, piece.term
    if others or range.step == 0 or range.start != ONE:
        raise Unsupported("partial sums of what is no single power of the index")
    growth = cell.trichotomy(term.slope + 1)
    if growth == 0:
        growth = cell.trichotomy(term.log_slope + 1)
        if growth == 0:
            raise Unsupported("partial sums that grow like an iterated logarithm")
        grown = Term(term.coefficient, log_slope=term.log_slope + 1)
    else:
        grown = Term(term.coefficient, term.slope + 1, term.log_slope)
    return PiecewisePower.constant(range, grown if growth > 0 else Term(term.coefficient))


def _share(cell: Cell, range: Range, piece: Piece) -> Monomial:
    term = piece.term
    growth = cell.trichotomy(term.slope + range.step)
    if growth < 0:
        return range.value(term, piece.left) * piece.left**range.step
    if growth > 0:
        if piece.right is None:
            if range.index_at_end is not None:
                raise Unsupported("its terms are exponentially large at the end")
            raise Diverges("its terms fall too slowly for large i")
        return range.value(term, piece.right) * piece.right**range.step
    # Flat in log z: the integral of L^q over log z.
    curvature = cell.trichotomy(term.log_slope + 1)
    if piece.right is None and range.index_at_end is None:
        if curvature >= 0:
            raise Diverges("its terms fall too slowly for large i")
        return term.coefficient * range.log_at(piece.left) ** (term.log_slope + 1)
    left, right = range.log_at(piece.left), range.log_at(piece.right)
    if piece.right is not None and term.log_slope == 0:
        return term.coefficient * (piece.right / piece.left).log()
    if curvature > 0:
        return term.coefficient * right ** (term.log_slope + 1)
    if curvature < 0:
        return term.coefficient * left ** (term.log_slope + 1)
    return term.coefficient * (right / left).log()


def _combined(
    cell: Cell,
    first: PiecewisePower,
    second: PiecewisePower,
    join: Callable[[Piece, Term], list[Piece]],
) -> PiecewisePower:
    """Join the terms of two functions on each common piece."""
    pieces: list[Piece] = []
    left, right = list(first.pieces), list(second.pieces)
    start = first.range.start
    while left and right:
        if len(left) == 1 and len(right) == 1:
            end = left[0].right
            shorter = 0
        else:
            shorter = _earlier(cell, left[0].right, right[0].right)
            end = left[0].right if shorter <= 0 else right[0].right
        pieces += join(Piece(start, end, left[0].term), right[0].term)
        if shorter <= 0:
            left.pop(0)
        if shorter >= 0:
            right.pop(0)
        if end is not None:
            start = end
    return PiecewisePower(first.range, _merged(pieces))


def _earlier(cell: Cell, first: Monomial | None, second: Monomial | None) -> int:
    """The sign of first - second, where None is the end of the range."""
    if first is None or second is None:
        return (first is None) - (second is None)
    return cell.compare(first, second)


def _chosen(cell: Cell, range: Range, piece: Piece, other: Term, sign: int) -> list[Piece]:
    """The larger (sign 1) or smaller (-1) of two terms on a piece, split where they cross."""
    term = piece.term
    turn = cell.trichotomy(term.slope - other.slope)
    ratio = other.coefficient / term.coefficient
    if turn == 0:
        if not range.step and term.log_slope != other.log_slope and ratio.powers:
            raise Unsupported(
                "terms exponential in i together with powers of i that cross at a power of a "
                "parameter"
            )
        lead = -sign * cell.compare(ratio, ONE)
        if lead == 0:
            lead = sign * cell.trichotomy(term.log_slope - other.log_slope)
        return [piece if lead >= 0 else Piece(piece.left, piece.right, other)]
    crossing = ratio ** (1 / (term.slope - other.slope))
    if term.log_slope != other.log_slope:
        bend = (other.log_slope - term.log_slope) / (term.slope - other.slope)
        crossing = crossing * crossing.without_logs.log() ** bend
    # Beyond the crossing the term with the larger slope is larger.
    before, after = (other, term) if turn * sign > 0 else (term, other)
    if cell.compare(crossing, piece.left) <= 0:
        return [Piece(piece.left, piece.right, after)]
    if piece.right is not None and cell.compare(crossing, piece.right) >= 0:
        return [Piece(piece.left, piece.right, before)]
    return [Piece(piece.left, crossing, before), Piece(crossing, piece.right, after)]


def _merged(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Neighbours with the same term become one piece."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and merged[-1].term == piece.term:
            merged[-1] = Piece(merged[-1].left, piece.right, piece.term)
        else:
            merged.append(piece)
    return tuple(merged)
