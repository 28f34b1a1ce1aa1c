"""Exact numbers: what a user may write for a parameter, turned into a SymPy expression.

Accepted are int, Fraction, Decimal, SymPy numbers and expressions, NumPy scalars, floats (taken
at their exact binary value) and strings that are numbers ("0.1", "1/3", "1e-3"). A string is
read by :class:`fractions.Fraction`, so text never reaches ``sympify``.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError, SymbolicValueError

__all__ = [
    "Number",
    "exact",
    "nonnegative",
    "positive",
    "positive_integer",
    "require_numeric",
    "require_whole",
]

#: What the constructors of the model accept for a parameter.
Number: TypeAlias = int | float | str | Fraction | Decimal | sp.Expr | np.number[Any]

# A number as text: 12, 0.25, 1e-3, 1/3. The exponent has at most four digits,
# so that "1e999999999" is refused instead of filling the memory.
_NUMBER_TEXT = re.compile(
    r"\s*[+-]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?\s*|\s*[+-]?\d+\s*/\s*\d+\s*"
)
_LONGEST_TEXT = 5000


def exact(value: Number, name: str) -> sp.Expr:
    """The exact value of a parameter, as a SymPy expression.

    Parameters
    ----------
    value
        A number in any accepted form, or a SymPy expression with free symbols.
    name
        The argument's name, for the error message.

    Raises
    ------
    InvalidArgumentError
        If the value is not a finite real number or a SymPy expression that could be one.

    Examples
    --------
    >>> exact("0.1", "stepsize")
    1/10
    >>> exact(0.1, "stepsize")
    3602879701896397/36028797018963968
    """
    allowed = "a finite real number (int, Fraction, SymPy number, or text such as '0.1' or '1/3')"
    if isinstance(value, bool | np.bool_):
        raise InvalidArgumentError(name, value, allowed)
    if isinstance(value, sp.Expr):
        return _exact_expression(value, name, allowed)
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT or not _NUMBER_TEXT.fullmatch(value):
            raise InvalidArgumentError(name, value, allowed)
        try:
            value = Fraction(value.replace(" ", ""))
        except (ValueError, ZeroDivisionError):
            raise InvalidArgumentError(name, value, allowed) from None
    if isinstance(value, Integral):
        return sp.Integer(int(value))
    if isinstance(value, Rational):
        return sp.Rational(int(value.numerator), int(value.denominator))
    if isinstance(value, Decimal | Real):
        if not math.isfinite(value):
            raise InvalidArgumentError(name, value, allowed)
        as_fraction = Fraction(value if isinstance(value, Decimal) else float(value))
        return sp.Rational(as_fraction.numerator, as_fraction.denominator)
    raise InvalidArgumentError(name, value, allowed)


def _exact_expression(value: sp.Expr, name: str, allowed: str) -> sp.Expr:
    if value.has(sp.nan, sp.zoo, sp.oo, sp.S.NegativeInfinity) or value.is_real is False:
        raise InvalidArgumentError(name, value, allowed)
    if not value.has(sp.Float):
        return value
    # A SymPy Float is a binary number too: take it at its exact value.
    floats = {f: sp.Rational(*_binary_fraction(f)) for f in value.atoms(sp.Float)}
    return value.xreplace(floats)


def _binary_fraction(value: sp.Float) -> tuple[int, int]:
    sign, mantissa, exponent, _ = value._mpf_
    signed = -int(mantissa) if sign else int(mantissa)
    return (signed << exponent, 1) if exponent >= 0 else (signed, 1 << -exponent)


def positive(value: Number, name: str) -> sp.Expr:
    """An exact value that is not known to be zero or negative."""
    result = exact(value, name)
    if result.is_positive is False:
        raise InvalidArgumentError(name, value, "positive")
    return result


def nonnegative(value: Number, name: str) -> sp.Expr:
    """An exact value that is not known to be negative."""
    result = exact(value, name)
    if result.is_negative is True:
        raise InvalidArgumentError(name, value, "zero or positive")
    return result


def require_whole(name: str, value: Any, least: int) -> None:
    """Raise InvalidArgumentError unless a value is a Python int of at least so much.

    >>> require_whole("workers", 2, 1)
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgumentError(name, value, f"a whole number of at least {least}")


def positive_integer(value: Number, name: str) -> sp.Expr:
    """An exact whole number of at least 1 (or a symbol for one)."""
    allowed = "a whole number of at least 1"
    result = exact(value, name)
    if result.is_number and not (result.is_Integer and result >= 1):
        raise InvalidArgumentError(name, value, allowed)
    return result


def require_numeric(expression: sp.Expr, name: str) -> None:
    """Raise SymbolicValueError, naming the free symbols, unless the expression is a number."""
    free = sorted(str(symbol) for symbol in expression.free_symbols)
    if free:
        raise SymbolicValueError(
            f"{name} is {expression}, but a number is needed here: "
            f"give a value to {', '.join(free)}"
        )
