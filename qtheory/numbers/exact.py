"""Exact numbers: what a user may write for a parameter, turned into a SymPy expression.

Accepted are int, Fraction, Decimal, SymPy numbers and expressions, scalars of NumPy and of other
array libraries, the numbers of mpmath and python-flint, floats (taken at their exact binary value)
and strings that are numbers ("0.1", "1/3", "1e-3"). A string is read by
:class:`fractions.Fraction`, so text never reaches ``sympify``. Truth values are no numbers, and a
ball with a radius is not one number. Every public argument that is a number is read here.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any, TypeAlias

import flint
import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError, SymbolicValueError

#: What the constructors of the model accept for a parameter.
Number: TypeAlias = (
    int
    | float
    | str
    | Fraction
    | Decimal
    | sp.Expr
    | np.number[Any]
    | flint.fmpz
    | flint.fmpq
    | flint.arb
)

#: Numerator and denominator of a number, about 3000 digits: Python writes out integers of up to
#: 4300, so that a number, and what little is computed with it, can be shown.
MOST_BITS = 10_000
# A number as text: 12, 0.25, 1e-3, 1/3. The exponent has at most four digits,
# so that "1e999999999" is refused instead of filling the memory.
_NUMBER_TEXT = re.compile(
    r"\s*[+-]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?\s*|\s*[+-]?\d+\s*/\s*\d+\s*"
)
_LONGEST_TEXT = 7000
_MOST_ZEROS = 6


_ALLOWED = "a finite real number (int, Fraction, SymPy number, or text such as '0.1' or '1/3')"
_INFINITIES = ("oo", "inf", "infinity")


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
    return _exact(value, name, _ALLOWED)


def _exact(value: Any, name: str, allowed: str) -> sp.Expr:
    scalar = _scalar(value, name)
    if isinstance(scalar, bool):
        raise InvalidArgumentError(name, value, allowed)
    if isinstance(scalar, sp.Expr):
        return _exact_expression(scalar, name, allowed)
    if isinstance(scalar, str) and len(scalar) > _LONGEST_TEXT:
        raise InvalidArgumentError(name, value, f"of at most {_LONGEST_TEXT} characters")
    if isinstance(scalar, flint.arb) and scalar.is_finite() and not scalar.is_exact():
        allowed = "one number: a ball with a radius stands for many (its midpoint is mid())"
        raise InvalidArgumentError(name, value, allowed)
    try:
        found = _ratio(scalar)
    except (ArithmeticError, TypeError, ValueError):  # as of 1/0 and of a number of 5000 digits
        found = None
    if found is None:
        raise InvalidArgumentError(name, value, allowed)
    return _written(sp.Rational(found.numerator, found.denominator), value, name)


def _scalar(value: Any, name: str) -> Any:
    """A scalar of an array library, or an array without axes, as the number that it holds."""
    if np.ma.is_masked(value):
        raise InvalidArgumentError(name, value, "a number, not a masked entry")
    if isinstance(value, np.timedelta64):  # NumPy counts it among the whole numbers
        return None
    # a long double is its own item
    return value.item() if getattr(value, "shape", None) == () else value


def _ratio(value: Any) -> Fraction | None:
    """A number of any kind as a fraction, exactly; None for what is no finite number."""
    if isinstance(value, str):
        return Fraction(value.replace(" ", "")) if _NUMBER_TEXT.fullmatch(value) else None
    if isinstance(value, Rational):  # whole numbers too
        return Fraction(int(value.numerator), int(value.denominator))
    if isinstance(value, flint.fmpz):
        return Fraction(int(value))
    if isinstance(value, flint.fmpq):
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, flint.arb):
        value = value.mid()
    if isinstance(value, flint.arf):
        return _binary(*map(int, value.man_exp())) if value.is_finite() else None
    if isinstance(value, Decimal):
        usual = value.is_finite() and abs(value.adjusted()) <= MOST_BITS
        return Fraction(value) if usual else None
    if hasattr(value, "_mpf_"):  # mpmath's and SymPy's, as wide as their precision was
        sign, mantissa, exponent, _ = value._mpf_
        finite = mantissa != 0 or exponent == 0
        return _binary((-1) ** sign * int(mantissa), exponent) if finite else None
    if isinstance(value, Real) and math.isfinite(value):
        # np.longdouble is wider than float64
        wide: Any = value if isinstance(value, np.floating) else float(value)
        return Fraction(*wide.as_integer_ratio())
    return None


def _binary(mantissa: int, exponent: int) -> Fraction | None:
    """mantissa 2^exponent, unless its digits would fill the memory."""
    if abs(exponent) + mantissa.bit_length() > MOST_BITS:
        return None
    return Fraction(mantissa) * Fraction(2) ** exponent


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
    floats = {}
    for part in value.atoms(sp.Float):
        found = _ratio(part)
        if found is None:
            raise InvalidArgumentError(name, part, f"between 2^-{MOST_BITS} and 2^{MOST_BITS}")
        floats[part] = sp.Rational(found.numerator, found.denominator)
    return value.xreplace(floats)


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


def whole(
    value: Any, name: str, least: int, most: int | None = None, allowed: str | None = None
) -> int:
    """A count in a range, as a Python int: a whole number of Python, NumPy, SymPy or python-flint.

    What is counted has no decimal point: a float is refused even where its value is whole.
    ``allowed`` says what the argument may be, if that is more than such a number.

    >>> whole(np.int64(2), "workers", 1)
    2
    """
    if allowed is None:
        range_ = f"of at least {least}" if most is None else f"from {least} to {_shown(most)}"
        allowed = f"a whole number {range_}"
    scalar = _scalar(value, name)
    counts = isinstance(scalar, Integral | flint.fmpz) and not isinstance(scalar, bool)
    if not counts or scalar < least or (most is not None and scalar > most):
        raise InvalidArgumentError(name, value, allowed)
    return int(scalar)


def _shown(bound: int) -> str:
    """A large power of ten as one."""
    zeros = len(str(bound)) - 1
    return f"10^{zeros}" if zeros > _MOST_ZEROS and bound == 10**zeros else str(bound)


def part_of_one(value: Number, name: str) -> float:
    """A number between 0 and 1, both excluded, in float64; for arguments that may be None too.

    >>> part_of_one("1/4", "relative_error")
    0.25
    """
    allowed = "None or between 0 and 1"
    result = _exact(value, name, allowed)
    require_numeric(result, name)
    if not 0 < result < 1:
        raise InvalidArgumentError(name, value, allowed)
    return float(result)


def dimension(value: Number) -> sp.Expr:
    """A dimension: a whole number of at least 1 (or a symbol for one), or infinity.

    Infinity is ``oo`` of SymPy, an infinite float, or the text "oo" or "inf".

    >>> dimension("200"), dimension(float("inf"))
    (200, oo)
    """
    return sp.oo if is_infinite(value) else positive_integer(value, "dim")


def is_infinite(value: Any) -> bool:
    """Whether a value is infinity, in any of the ways to write it.

    >>> is_infinite("oo"), is_infinite(10)
    (True, False)
    """
    scalar = _scalar(value, "dim")
    if isinstance(scalar, str):
        return scalar.strip().lower() in _INFINITIES
    if scalar is sp.oo:
        return True
    if isinstance(scalar, Decimal) and scalar.is_snan():  # which cannot be compared
        return False
    return isinstance(scalar, Real | Decimal | flint.arb | flint.arf) and bool(scalar == math.inf)


def positive_integer(value: Number, name: str, power: int = 18) -> sp.Expr:
    """An exact whole number from 1 to 10^power (or a symbol for one)."""
    allowed = "a whole number of at least 1"
    result = _exact(value, name, allowed)
    if result.is_number and not (result.is_Integer and result >= 1):
        raise InvalidArgumentError(name, value, allowed)
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
