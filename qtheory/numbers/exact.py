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
from numbers import Rational, Real
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError, SymbolicValueError

__all__ = [
    "MOST_BITS",
    "Number",
    "exact",
    "is_writable",
    "nonnegative",
    "positive",
    "positive_integer",
    "require_numeric",
    "require_whole",
]

#: What the constructors of the model accept for a parameter.
Number: TypeAlias = int | float | str | Fraction | Decimal | sp.Expr | np.number[Any]

#: Numerator and denominator of a number, about 3000 digits: Python writes out integers of up to
#: 4300, so that a number, and what little is computed with it, can be shown.
MOST_BITS = 10_000
# A number as text: 12, 0.25, 1e-3, 1/3. The exponent has at most four digits,
# so that "1e999999999" is refused instead of filling the memory.
_NUMBER_TEXT = re.compile(
    r"\s*[+-]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?\s*|\s*[+-]?\d+\s*/\s*\d+\s*"
)
_LONGEST_TEXT = 7000


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
    fraction = _as_fraction(value, name, allowed)
    return _written(sp.Rational(fraction.numerator, fraction.denominator), value, name)


def _as_fraction(value: Number, name: str, allowed: str) -> Fraction:
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        raise InvalidArgumentError(name, value, f"of at most {_LONGEST_TEXT} characters")
    try:
        if isinstance(value, str):
            if _NUMBER_TEXT.fullmatch(value):
                return Fraction(value.replace(" ", ""))
        elif isinstance(value, Rational):  # whole numbers too
            return Fraction(int(value.numerator), int(value.denominator))
        elif isinstance(value, Decimal):
            if value.is_finite() and abs(value.adjusted()) <= MOST_BITS:
                return Fraction(value)
        elif isinstance(value, Real) and math.isfinite(value):
            # np.longdouble is wider than float64
            wide: Any = value if isinstance(value, np.floating) else float(value)
            return Fraction(*wide.as_integer_ratio())
    except (ArithmeticError, TypeError, ValueError):  # as of 1/0 and of a number of 5000 digits
        pass
    raise InvalidArgumentError(name, value, allowed)


def is_writable(number: sp.Rational) -> bool:
    """Whether a number has at most 3000 digits or so, above and below the line."""
    return max(abs(number.p).bit_length(), number.q.bit_length()) <= MOST_BITS


def _written(number: sp.Rational, value: Any, name: str) -> sp.Rational:
    if not is_writable(number):
        digits = int(MOST_BITS * math.log10(2))
        allowed = f"a number whose numerator and denominator have at most {digits} digits"
        raise InvalidArgumentError(name, value, allowed)
    return number


def _exact_expression(value: sp.Expr, name: str, allowed: str) -> sp.Expr:
    if value.has(sp.nan, sp.zoo, sp.oo, sp.S.NegativeInfinity) or value.is_real is False:
        raise InvalidArgumentError(name, value, allowed)
    for number in value.atoms(sp.Rational):
        _written(number, value, name)
    # inner powers first, so that of a tower such as 9**9**9 only a few digits are computed
    for part in sp.postorder_traversal(value):
        if isinstance(part, sp.Pow) and part.is_number and abs(part.exp) > MOST_BITS:
            raise InvalidArgumentError(name, value, f"without powers past {MOST_BITS}")
    if not value.has(sp.Float):
        return value
    # A SymPy Float is a binary number too: take it at its exact value.
    floats = {f: sp.Rational(*_binary_fraction(f, name)) for f in value.atoms(sp.Float)}
    return value.xreplace(floats)


def _binary_fraction(value: sp.Float, name: str) -> tuple[int, int]:
    sign, mantissa, exponent, width = value._mpf_
    if abs(exponent) + width > MOST_BITS:
        raise InvalidArgumentError(name, value, f"between 2^-{MOST_BITS} and 2^{MOST_BITS}")
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


def require_whole(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Raise InvalidArgumentError unless a value is a Python int in a range.

    >>> require_whole("workers", 2, 1)
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgumentError(name, value, f"a whole number of at least {least}")
    if most is not None and value > most:
        raise InvalidArgumentError(name, value, f"a whole number from {least} to {most}")


def positive_integer(value: Number, name: str, power: int = 18) -> sp.Expr:
    """An exact whole number from 1 to 10^power (or a symbol for one)."""
    result = exact(value, name)
    if result.is_number and not (result.is_Integer and result >= 1):
        raise InvalidArgumentError(name, value, "a whole number of at least 1")
    if result.is_number and result > 10**power:
        raise InvalidArgumentError(name, value, f"a whole number of at most 10^{power}")
    return result


def require_numeric(expression: sp.Expr, name: str, given: sp.Symbol | None = None) -> None:
    """Raise SymbolicValueError, naming the free symbols, unless the expression is a number.

    It may be a formula in one symbol that is given.
    """
    free = sorted(str(symbol) for symbol in expression.free_symbols - {given})
    if free:
        raise SymbolicValueError(
            f"{name} is {expression}, but a number is needed here: "
            f"give a value to {', '.join(free)}"
        )
