"""The certified number that a user is handed: a ball that keeps its own precision."""

from __future__ import annotations

import math
import operator
import re
import sys
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any

import flint
import numpy as np
import sympy as sp

from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.exact import exact
from qtheory.numbers.precision import working_bits

_GUARD_BITS = 32
_LEAST_BITS = 53
_DIGITS_OF_FLOATS = 15
_LEAST_NORMAL = sys.float_info.min
_BITS_OF_A_DIGIT = 4
_DIGITS_PER_BIT = math.log10(2)
_DECIMAL_TYPES = frozenset("eEfFgG%")


class CertifiedNumber(flint.arb):
    """A ``flint.arb`` ball with the digits that were asked for.

    It prints the digits that are certain, of those asked for; a number without any says how near 0
    it is. Sums, products and so on are taken at the precision of the operands, whatever that of
    the process is, and enclose the result; the other operand may be a Python, NumPy, SymPy or flint
    number. A format such as ``.3f`` and ``round`` are those of the midpoint. It can be pickled.

    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> risk = qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=60), digits=30)
    >>> print(risk.total)
    0.160463542794341863729240200775
    >>> print(risk.total - risk.total / 3 * 3 + 1, f"{risk.total:.3f}", round(risk.total, 4))
    1.00000000000000000000000000000 0.160 0.1605
    """

    digits: int
    # SymPy leaves sums and products with a number of its own to this class
    _op_priority = 1000.0

    def __init__(self, ball: Any, digits: int) -> None:
        super().__init__(ball)
        self.digits = digits

    @classmethod
    def of(cls, number: Any, digits: int) -> CertifiedNumber | None:
        """A number of Python, NumPy, SymPy or flint as a ball of this many digits, or more."""
        with working_bits(math.ceil(digits / _DIGITS_PER_BIT) + _GUARD_BITS):
            ball = _ball(number)
        return None if ball is None else cls(ball, digits)

    def __str__(self) -> str:
        if self.is_exact() or self.rel_accuracy_bits() >= _BITS_OF_A_DIGIT:
            return str(self.str(self.digits, radius=False))  # no digit that is not certain
        if self.contains(0):
            return f"0 to within {self.abs_upper().str(2, radius=False)}"
        return str(self.str(2))

    __repr__ = __str__

    def _sympy_(self) -> sp.Float:
        """The midpoint, where SymPy asks for a number of its own."""
        return sp.Float(str(_decimal(self)), self.digits)

    def __format__(self, form: str) -> str:
        if form[-1:] not in _DECIMAL_TYPES:
            return format(str(self), form)
        precision = re.search(r"\.(\d+)", form)
        plain = float(self)
        # Decimal writes exponents in its own way
        if abs(plain) > _LEAST_NORMAL and int(precision[1] if precision else 6) < _DIGITS_OF_FLOATS:
            return format(plain, form)
        return format(_decimal(self), form)

    def __round__(self, digits: int | None = None) -> Any:
        fraction = _fraction(self)
        return round(fraction) if digits is None else float(round(fraction, digits))

    def __reduce__(self) -> tuple[Any, ...]:
        parts = *self.mid().man_exp(), *self.rad().man_exp()
        return _rebuilt, (*map(int, parts), self.digits)

    def __hash__(self) -> int:
        return hash((_fraction(self), self.digits))

    # Python asks the class of the left operand first, then that of the right one.
    def __add__(self, other: Any) -> Any:
        return _combined(operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _combined(operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _combined(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _combined(operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return _combined(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _combined(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _combined(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _combined(operator.truediv, other, self)

    def __pow__(self, other: Any, modulus: None = None) -> Any:
        return _combined(operator.pow, self, other)

    def __rpow__(self, other: Any, modulus: None = None) -> Any:
        return _combined(operator.pow, other, self)

    def __neg__(self) -> Any:
        return _combined(operator.neg, self)

    def __pos__(self) -> CertifiedNumber:
        return self

    def __abs__(self) -> Any:
        return _combined(abs, self)

    def sqrt(self) -> Any:
        """The square root."""
        return _combined(flint.arb.sqrt, self)

    def exp(self) -> Any:
        """The exponential."""
        return _combined(flint.arb.exp, self)

    def log(self) -> Any:
        """The natural logarithm."""
        return _combined(flint.arb.log, self)

    def __lt__(self, other: Any) -> Any:
        return _compared(operator.lt, self, other)

    def __le__(self, other: Any) -> Any:
        return _compared(operator.le, self, other)

    def __gt__(self, other: Any) -> Any:
        return _compared(operator.gt, self, other)

    def __ge__(self, other: Any) -> Any:
        return _compared(operator.ge, self, other)

    def __eq__(self, other: object) -> Any:
        return _compared(operator.eq, self, other)

    def __ne__(self, other: object) -> Any:
        return _compared(operator.ne, self, other)


def _rebuilt(
    mantissa: int, exponent: int, radius: int, radius_exponent: int, digits: int
) -> CertifiedNumber:
    with working_bits(max(_LEAST_BITS, mantissa.bit_length())):
        middle, spread = (
            flint.arb(part) * flint.arb(2) ** power
            for part, power in ((mantissa, exponent), (radius, radius_exponent))
        )
        return CertifiedNumber(flint.arb(middle, spread), digits)


def _bits(*numbers: CertifiedNumber) -> int:
    """Enough for what is computed from these numbers to be no wider than they make it."""
    widths = [number.mid().bits() for number in numbers]
    # a difference that has cancelled has few bits, and what is added to it has not
    asked = [math.ceil(number.digits / _DIGITS_PER_BIT) for number in numbers]
    return max(_LEAST_BITS, *widths, *asked) + _GUARD_BITS


def _combined(operation: Callable[..., Any], *operands: Any) -> Any:
    certified = [operand for operand in operands if isinstance(operand, CertifiedNumber)]
    with working_bits(_bits(*certified)):
        balls = [_ball(operand) for operand in operands]
        if any(ball is None for ball in balls):
            return NotImplemented
        result = operation(*balls)
    return CertifiedNumber(result, max(number.digits for number in certified))


def _compared(comparison: Callable[..., bool], number: CertifiedNumber, other: Any) -> Any:
    with working_bits(_bits(number)):
        ball = _ball(other)
        return NotImplemented if ball is None else comparison(flint.arb(number), ball)


def _ball(number: Any) -> flint.arb | None:
    """A number of Python, NumPy, SymPy or flint as a ball; None for anything else."""
    match number:
        case flint.arb():
            return flint.arb(number)
        case flint.fmpz() | flint.fmpq():
            return flint.arb(number)
        case bool() | int() | np.integer() | np.bool_():
            return flint.arb(int(number))
        case float():
            return flint.arb(number)
        case np.floating():
            return flint.arb(flint.fmpq(*map(int, number.as_integer_ratio())))
        case sp.Expr() if number.is_number and number.is_real and number.is_finite:
            return evaluate(exact(number, "number"), {}, Balls(bits=flint.ctx.prec))
        case Rational():
            return flint.arb(flint.fmpq(int(number.numerator), int(number.denominator)))
        case Decimal() if number.is_finite():
            return flint.arb(flint.fmpq(*number.as_integer_ratio()))
    return None


def _fraction(ball: flint.arb) -> Fraction:
    """The midpoint, exactly."""
    mantissa, exponent = (int(part) for part in ball.mid().man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def _decimal(ball: CertifiedNumber) -> Decimal:
    """The midpoint to all digits that its bits can tell."""
    fraction = _fraction(ball)
    context = Context(prec=math.ceil(_bits(ball) * _DIGITS_PER_BIT))
    return context.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))
