"""Symbols of users: by name, positive, and nothing else."""

from __future__ import annotations

from collections.abc import Set

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number, exact
from qtheory.numbers.grammar import parse_formula


def symbol_named(given: str | sp.Symbol, argument: str) -> sp.Symbol:
    """The positive symbol with the name of a symbol, or with a name.

    Raises
    ------
    InvalidArgumentError
        If it is neither.
    """
    if isinstance(given, str) and given.isidentifier():
        return sp.Symbol(given, positive=True)
    if isinstance(given, sp.Symbol) and given.is_positive is not False:
        return sp.Symbol(given.name, positive=True)
    raise InvalidArgumentError(argument, given, "a symbol that can be positive, or its name")


def positive_symbols(
    formula: sp.Expr, argument: str, kept: Set[sp.Symbol] = frozenset()
) -> sp.Expr:
    """The same formula in positive symbols, so that powers combine.

    Raises
    ------
    InvalidArgumentError
        If a symbol is declared not to be positive.
    """
    return formula.xreplace(
        {s: symbol_named(s, argument) for s in formula.free_symbols if s not in kept}
    )


def formula_of(given: Number, argument: str) -> sp.Expr:
    """A formula in positive symbols, from text in the grammar or from a number or expression."""
    if isinstance(given, str):
        return parse_formula(given, {}, argument)
    return positive_symbols(exact(given, argument), argument)
