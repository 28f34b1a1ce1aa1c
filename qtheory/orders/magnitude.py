r"""The size of an order at points, by plain arithmetic: what a proof is not needed to refuse.

At a point all parameters are powers :math:`p = T^{x_p}` of one number T that grows, and symbols in
exponents have values. A size is then :math:`T^{u} e^{v}` with a rational u and what is left of
logarithms in v, so that two orders that differ by more than constants are told apart, and by a
full logarithm too. Equal sizes prove nothing: that is for :mod:`qtheory.orders.cell`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import log1p
from typing import TypeAlias

import sympy as sp

from qtheory.orders.monomial import Monomial

# log T, so large that a logarithm is told from a constant.
_LOG_OF_T = 1e40
# A logarithm of a power of T is about 92 in the exponent of e; its factors are far below that.
_SAME = 20.0

#: The exponent of T and that of e.
Size: TypeAlias = tuple[Fraction, float]
#: What each symbol is: an exponent of T for a parameter, a number for a symbol in exponents.
Point: TypeAlias = Mapping[sp.Symbol, Fraction]

_ONE: Size = (Fraction(0), 0.0)


def same(left: Size, right: Size) -> bool:
    """Whether two sizes are of one order."""
    return left[0] == right[0] and abs(left[1] - right[1]) < _SAME


@dataclass(frozen=True, eq=False)
class Magnitudes:
    """Sizes of expressions at some points, each sub-expression worked out once.

    Attributes
    ----------
    points
        Values for the parameters and for the symbols in exponents.
    exponents
        The symbols that stand in exponents.
    definitions
        What further symbols stand for.

    Examples
    --------
    >>> N, d, a = sp.symbols("N d a", positive=True)
    >>> at = Magnitudes([{N: Fraction(1), d: Fraction(1, 4), a: Fraction(2)}], frozenset({a}), {})
    >>> at.of(sp.Min(d, N ** (1 / a)) * sp.log(N))[0][0]
    Fraction(1, 4)
    """

    points: Sequence[Point]
    exponents: frozenset[sp.Symbol]
    definitions: Mapping[sp.Symbol, sp.Expr]
    _known: dict[sp.Expr, tuple[Size, ...]] = field(default_factory=dict)

    def of(self, part: sp.Expr) -> tuple[Size, ...]:
        """The size of an expression without sums over an index at every point."""
        if part not in self._known:
            self._known[part] = self._of(part)
        return self._known[part]

    def of_order(self, order: Monomial, k: int) -> Size:
        """The size of an order at one of the points."""
        point = self.points[k]
        power, rest = Fraction(0), 0.0
        for base, exponent in order.powers:
            power += point[base] * _number(exponent, point)
        for inside, exponent in order.logs:
            rest += _log(self.of_order(inside, k))[1] * float(_number(exponent, point))
        return power, rest

    def _of(self, part: sp.Expr) -> tuple[Size, ...]:
        if part in self.definitions:
            return self.of(self.definitions[part])
        if part.is_number or part in self.exponents:
            return (_ONE,) * len(self.points)
        if part.is_Symbol:
            return tuple((point[part], 0.0) for point in self.points)
        if isinstance(part, sp.Pow):
            return tuple(
                _power(size, _number(part.exp, point))
                for size, point in zip(self.of(part.base), self.points, strict=True)
            )
        columns = list(zip(*map(self.of, part.args), strict=True))
        match part:
            case sp.Add() | sp.Max():
                return tuple(map(max, columns))
            case sp.Min():
                return tuple(map(min, columns))
            case sp.Mul():
                return tuple(
                    (sum((u for u, _ in sizes), Fraction(0)), sum(v for _, v in sizes))
                    for sizes in columns
                )
            case sp.log():
                return tuple(_log(size) for (size,) in columns)
        raise TypeError(f"{type(part).__name__} has no size")


def _power(size: Size, exponent: Fraction) -> Size:
    return size[0] * exponent, size[1] * float(exponent)


def _log(size: Size) -> Size:
    """1 + log of what is at least 1."""
    power, rest = size
    inside = max(float(power) * _LOG_OF_T + rest, 0.0)
    return Fraction(0), log1p(inside)


def _number(exponent: sp.Expr, point: Point) -> Fraction:
    """The value of an exponent, a rational function, by exact arithmetic."""
    if exponent.is_Rational:
        return Fraction(int(exponent.p), int(exponent.q))
    if exponent.is_Symbol:
        return point[exponent]
    if exponent.is_Add:
        return sum((_number(part, point) for part in exponent.args), Fraction(0))
    if exponent.is_Mul:
        value = Fraction(1)
        for part in exponent.args:
            value *= _number(part, point)
        return value
    base, power = exponent.as_base_exp()
    return _number(base, point) ** int(power)
