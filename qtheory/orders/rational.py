"""Rational functions in lowest terms, by flint: what SymPy's ``cancel`` gives, in less time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import flint
import sympy as sp

#: The powers of the symbols, and a coefficient.
Term: TypeAlias = tuple[tuple[int, ...], sp.Rational]
_Pair: TypeAlias = tuple[flint.fmpz_mpoly, flint.fmpz_mpoly]


class _NotRational(Exception):  # noqa: N818 - an outcome, caught where a quotient was asked for
    """A form that is no quotient of polynomials over the rationals."""


@dataclass(frozen=True, eq=False)
class Quotient:
    """A quotient of polynomials with integer coefficients, in lowest terms.

    The leading coefficient of the denominator is positive, in the order of the symbols.
    """

    symbols: tuple[sp.Symbol, ...]
    numerator: flint.fmpz_mpoly
    denominator: flint.fmpz_mpoly

    @property
    def expanded(self) -> sp.Expr:
        """The quotient as a sum of terms."""
        below = terms_of(self.denominator)
        if len(below) > 1:
            return sp.expand(self.polynomial(self.numerator) / self.polynomial(self.denominator))
        ((lowest, content),) = below
        return self.sum(
            (tuple(k - m for k, m in zip(powers, lowest, strict=True)), c / content)
            for powers, c in terms_of(self.numerator)
        )

    def polynomial(self, polynomial: flint.fmpz_mpoly) -> sp.Expr:
        """A polynomial as an expanded expression."""
        return self.sum(terms_of(polynomial))

    def sum(self, terms: Iterable[Term]) -> sp.Expr:
        """A sum of terms as an expression."""
        return sp.Add(
            *[
                sp.Mul(c, *[s**k for s, k in zip(self.symbols, powers, strict=True) if k])
                for powers, c in terms
            ]
        )


def terms_of(polynomial: flint.fmpz_mpoly) -> list[Term]:
    """The terms of a polynomial, the leading one first."""
    return [(tuple(map(int, powers)), sp.Integer(int(c))) for powers, c in polynomial.terms()]


@cache
def quotient_of(form: sp.Expr) -> Quotient | None:
    """A form in lowest terms; None where it is no quotient of polynomials over the rationals.

    Examples
    --------
    >>> a, b = sp.symbols("a b")
    >>> quotient_of((a**2 - b**2) / (2 * a + 2 * b)).expanded
    a/2 - b/2
    >>> quotient_of(sp.sqrt(a)) is None
    True
    """
    symbols = _ordered(frozenset(form.free_symbols))
    context = flint.fmpz_mpoly_ctx.get([f"x{k}" for k in range(len(symbols))], flint.Ordering.lex)
    try:
        above, below = _pair(form, dict(zip(symbols, context.gens(), strict=True)), context)
    except _NotRational:
        return None
    common = above.gcd(below)
    above, below = above / common, below / common
    return (
        Quotient(symbols, above, below) if _leads(below) > 0 else Quotient(symbols, -above, -below)
    )


def _leads(polynomial: flint.fmpz_mpoly) -> int:
    return int(polynomial.leading_coefficient())


def _pair(
    form: sp.Expr,
    generators: dict[sp.Symbol, flint.fmpz_mpoly],
    context: flint.fmpz_mpoly_ctx,
) -> _Pair:
    """Numerator and denominator, not in lowest terms."""
    if form.is_Symbol:
        return generators[form], context.constant(1)
    if form.is_Rational:
        return context.constant(int(form.p)), context.constant(int(form.q))
    if form.is_Pow and form.exp.is_Integer:
        above, below = _pair(form.base, generators, context)
        power = int(form.exp)
        if power < 0:
            above, below = below, above
        if below.is_zero():
            raise _NotRational
        return above ** abs(power), below ** abs(power)
    if not (form.is_Add or form.is_Mul):
        raise _NotRational
    first, *others = [_pair(part, generators, context) for part in form.args]
    above, below = first
    for up, down in others:
        if form.is_Mul:
            above, below = above * up, below * down
        elif below == down:
            above = above + up
        else:
            above, below = above * down + up * below, below * down
    return above, below


@cache
def _ordered(symbols: frozenset[sp.Symbol]) -> tuple[sp.Symbol, ...]:
    """The symbols in the order that SymPy's polynomials have them."""
    return tuple(sp.Poly(sp.Add(*symbols)).gens) if symbols else ()
