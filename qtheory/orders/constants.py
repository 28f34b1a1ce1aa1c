r"""Explicit constants: lower * order <= sum <= upper * order for all parameters of a regime.

The summand is first replaced by a piecewise power F with unit coefficients:
c_1 F <= f <= c_2 F, by the rules of :func:`between`. Then

- above, a function with finitely many local maxima has
  :math:`\sum_{i=1}^d F(i) \le \int_1^d F + \sum_{\text{local maxima}} F`, and each F(y) <= y F(y);
- below, of the integers in [y/2, y] there are at least y/3, on which F is at least
  :math:`2^{-\sigma} F(y)` where no slope before y exceeds :math:`\sigma`; where F does not
  increase before y, the integers up to y give y/2.

The integral of a power over a piece is at most y F(y) / |s + 1| at its larger end. These are the
integral comparison and the count that ``proofs/power_sums.py`` proves for powers of i.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp

from qtheory.orders.cell import Cell
from qtheory.orders.monomial import ONE, Monomial
from qtheory.orders.piecewise import Piece, PiecewisePower


@dataclass(frozen=True)
class Constants:
    """Two factors, exact expressions in the exponents."""

    lower: sp.Expr
    upper: sp.Expr

    def joined(self, other: Constants) -> Constants:
        """Constants for a regime made of two."""
        return Constants(sp.Min(self.lower, other.lower), sp.Max(self.upper, other.upper))


def between(part: sp.Expr, index: sp.Symbol) -> Constants | None:
    """c_1, c_2 with c_1 F <= f <= c_2 F, where F has maxima for sums and 1 for numbers."""
    if part.is_number:
        return Constants(part, part)
    if part.is_Symbol:
        return Constants(sp.S.One, sp.S.One)
    if isinstance(part, sp.Pow | sp.exp):
        base, exponent = part.as_base_exp()
        if index in exponent.free_symbols:
            rest = sp.expand(exponent).coeff(index, 0)
            return Constants(base**rest, base**rest)
        inner = between(base, index)
        if inner is None or exponent.is_extended_real is False:
            return None
        if inner == Constants(sp.S.One, sp.S.One):
            return inner
        if exponent.is_nonnegative:
            return Constants(inner.lower**exponent, inner.upper**exponent)
        if exponent.is_negative:
            return Constants(inner.upper**exponent, inner.lower**exponent)
        return None
    parts = [between(argument, index) for argument in part.args]
    known = [constants for constants in parts if constants is not None]
    if len(known) < len(parts):
        return None
    if isinstance(part, sp.Mul):
        return Constants(sp.Mul(*[c.lower for c in known]), sp.Mul(*[c.upper for c in known]))
    lower = sp.Min(*[c.lower for c in known])
    if isinstance(part, sp.Add):
        return Constants(lower, sp.Add(*[c.upper for c in known]))
    if isinstance(part, sp.Min | sp.Max):
        return Constants(lower, sp.Max(*[c.upper for c in known]))
    return None


def constants_of_sum(
    cell: Cell, functions: Sequence[tuple[Constants, PiecewisePower]], orders: Sequence[Monomial]
) -> Constants | None:
    """Constants for a sum of several piecewise powers, each with its own factors.

    None where logarithms stand in the terms, or where no order in the cell is larger everywhere.
    """
    upper = sp.S.Zero
    lower: dict[Monomial, list[sp.Expr]] = {order: [] for order in orders}
    for factors, function in functions:
        if not _is_pure(function) or function.range.start != ONE:
            return None
        geometric = function.range.step == 0
        upper += factors.upper * (0 if geometric else _maxima(cell, function))
        for share in (_geometric if geometric else _polynomial)(cell, function):
            if share.order in lower:
                lower[share.order].append(factors.lower * share.lower)
            elif not any(cell.dominates(order, share.order) for order in orders):
                return None
            upper += factors.upper * share.upper
    if not all(lower.values()):
        return None
    weakest = sp.Min(*[sp.Max(*constants) for constants in lower.values()])
    return Constants(weakest / len(orders), upper)


@dataclass(frozen=True)
class _Share:
    """What a piece contributes: its order, with factors from below and from above."""

    order: Monomial
    lower: sp.Expr
    upper: sp.Expr


def _polynomial(cell: Cell, function: PiecewisePower) -> Iterator[_Share]:
    """The shares of the pieces by integral comparison."""
    for k, piece in enumerate(function.pieces):
        growth = cell.trichotomy(piece.term.slope + 1)
        if growth == 0:
            log, factor = _flat_share(piece)
            near = _around(cell, function, k, piece.right)
            below = near / (1 + near + sp.log(2)) * sp.Min(1, factor)
            yield _Share(piece.term.coefficient * log, below, sp.Max(1, factor))
        else:
            end = piece.left if growth < 0 else piece.right
            above = 1 / (growth * (piece.term.slope + 1))
            yield _Share(_value(function, piece, end), _around(cell, function, k, end), above)


def _is_pure(function: PiecewisePower) -> bool:
    points = [p for piece in function.pieces for p in (piece.left, piece.right) if p is not None]
    terms = [piece.term for piece in function.pieces]
    return not any(point.logs for point in points) and not any(
        term.coefficient.logs or term.log_slope != 0 for term in terms
    )


def _value(function: PiecewisePower, piece: Piece, point: Monomial | None) -> Monomial:
    """z^w F(z) at an end of a piece."""
    if point is None:
        raise ValueError("a growing piece without an end")
    step = function.range.step
    return piece.term.coefficient * point ** (piece.term.slope + step)


def _flat_share(piece: Piece) -> tuple[Monomial, sp.Expr]:
    """The logarithm of a flat piece, and the factor between it and its primitive form."""
    if piece.right is None:
        raise ValueError("a flat piece without an end")
    ratio = piece.right / piece.left
    if ratio == ONE:
        return ONE, sp.S.One
    log = ratio.log()
    primitive = log.logs[0][0]
    base, exponent = ratio.powers[0]
    return log, exponent / primitive.exponent(base)


def _maxima(cell: Cell, function: PiecewisePower) -> int:
    """How many local maxima the function may have that the integrals do not account for."""
    signs = [cell.known_sign(piece.term.slope) for piece in function.pieces]
    if None in signs:
        return len(signs) + (function.range.end is not None)
    turns = [sign for sign in signs if sign != 0]
    # The integral of a first piece C i^s, -1 < s <= 0, is taken from 0, which holds F(1).
    from_zero = signs[0] in (-1, 0) and cell.known_sign(function.pieces[0].term.slope + 1) == 1
    if not turns:
        return int(not from_zero)
    peaks = sum(left == 1 and right == -1 for left, right in pairwise(turns))
    return peaks + (turns[0] == -1 and not from_zero) + (turns[-1] == 1)


def _around(cell: Cell, function: PiecewisePower, k: int, point: Monomial | None) -> sp.Expr:
    """The sum over [y/2, y] as a factor of y F(y), for a point y of piece k."""
    if point == ONE:
        return sp.S.One
    before = function.pieces[: k + 1] if point != function.pieces[k].left else function.pieces[:k]
    slopes = [piece.term.slope for piece in before]
    if all(cell.known_sign(slope) in (-1, 0) for slope in slopes):
        return sp.Rational(1, 2)
    return 2 ** -sp.Max(0, *slopes) / 3


def _geometric(cell: Cell, function: PiecewisePower) -> Iterator[_Share]:
    """The same where z is exponential: terms of a geometric series, and counts of integers."""
    unit = function.range.unit
    steepest = sp.Max(*[sp.Abs(piece.term.slope) for piece in function.pieces])
    near = sp.exp(-steepest * unit)  # the nearest integer is at most one step away
    for piece in function.pieces:
        growth = cell.trichotomy(piece.term.slope)
        if growth:
            end = piece.left if growth < 0 else piece.right
            above = 1 / (1 - sp.exp(-growth * piece.term.slope * unit))
            yield _Share(_value(function, piece, end), near, above)
        else:
            log, factor = _flat_share(piece)
            below = near / (2 + near) * sp.Min(1, factor / unit)
            yield _Share(piece.term.coefficient * log, below, sp.Max(1, factor / unit))
