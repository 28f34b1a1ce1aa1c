"""Arithmetics: the kinds of number that one and the same formula can be computed with.

An arithmetic turns exact SymPy expressions into scalars and into NumPy arrays of such scalars.
NumPy's object arrays carry mpmath numbers, arb balls and SymPy expressions through the same
``+``, ``*`` and ``@`` as float64, so the mathematics is written once.

=============  ====================  =====================================================
float64        numpy.float64         fast; about 15 digits, rounding not tracked
intervals      Interval              float64 with a bound on its rounding errors
mpmath         mpmath.mpf            any number of digits, rounding not tracked
balls          flint.arb             any number of digits, every rounding enclosed
symbolic       sympy.Expr            exact, for identities in small dimension
=============  ====================  =====================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import flint
import mpmath
import numpy as np
import sympy as sp

from qtheory.numbers.interval import Interval
from qtheory.numbers.precision import working_bits

#: A number of one arithmetic; its type depends on the arithmetic.
Scalar = Any
#: A one-dimensional array of such numbers: of NumPy, or an Interval.
Array = Any
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Arithmetic:
    """Base class: conversion in, elementary functions, and the precision to work under."""

    dtype: Any = object

    def number(self, value: sp.Rational | int) -> Scalar:
        """One exact rational number."""
        raise TypeError(f"{type(self).__name__} does not convert numbers")

    def precision(self) -> int:
        """How many bits a number keeps."""
        raise TypeError(f"{type(self).__name__} has no precision")

    def constant(self, value: sp.Expr) -> Scalar:
        """One of the constants pi and E."""
        raise TypeError(f"{type(self).__name__} does not convert constants")

    def power(self, base: Scalar, exponent: Scalar) -> Scalar:
        """base ** exponent for real base > 0."""
        return base**exponent

    def integer_power(self, base: Scalar, exponent: int) -> Scalar:
        """base ** exponent for exponent >= 1 and a base of any sign."""
        return base**exponent

    def whole(self, number: Scalar) -> int:
        """A number of this arithmetic that is known to be a whole number."""
        return int(number)

    def function(self, name: str, argument: Scalar) -> Scalar:
        """An elementary function by its SymPy name: exp or log."""
        raise TypeError(f"{type(self).__name__} does not compute {name}")

    def minimum(self, left: Scalar, right: Scalar) -> Scalar:
        """The smaller of two numbers."""
        return min(left, right)

    def maximum(self, left: Scalar, right: Scalar) -> Scalar:
        """The larger of two numbers."""
        return max(left, right)

    def array(self, values: Sequence[Scalar]) -> Array:
        """A one-dimensional array holding these scalars."""
        result = np.empty(len(values), dtype=self.dtype)
        result[:] = values
        return result

    def indices(self, count: int) -> Array:
        """The numbers 1, ..., count."""
        return self.array([self.number(i) for i in range(1, count + 1)])

    def enclosure(self, midpoint: Scalar, radius: Scalar) -> Scalar:
        """All numbers within a radius of a midpoint, for arithmetics that enclose."""
        raise TypeError(f"{type(self).__name__} does not enclose")

    def around(self, value: sp.Rational, radius: sp.Rational) -> Scalar:
        """All numbers within a radius of an exact one; where nothing encloses, that one."""
        return self.number(value)

    def is_inside(self, image: Array, ball: Array) -> Any:
        """Whether an enclosure lies inside another, away from its ends."""
        raise TypeError(f"{type(self).__name__} does not enclose")

    def floats(self, values: Array) -> FloatArray:
        """The numbers rounded to float64."""
        rounded: FloatArray = values.astype(np.float64)
        return rounded

    def decay(self, loss: Scalar | Array, n: int) -> tuple[Scalar | Array, Scalar | Array]:
        """(1 - loss)^n and 1 - (1 - loss)^n for n >= 0."""
        if n == 0:
            return loss * 0 + 1, loss * 0
        if isinstance(loss, np.ndarray):
            power = self.array([self.integer_power(1 - entry, n) for entry in loss])
        else:
            power = self.integer_power(1 - loss, n)
        return power, 1 - power

    def to_ball(self, number: Scalar) -> flint.arb:
        """The exact value of a number, as a ball."""
        numerator, denominator = (int(part) for part in number.as_integer_ratio())
        return flint.arb(flint.fmpq(numerator, denominator))

    def from_ball(self, ball: flint.arb) -> Scalar:
        """A number that was computed in balls; its radius survives only in balls."""
        mantissa, exponent = (int(part) for part in ball.mid().man_exp())
        return self.number(sp.Integer(mantissa) * sp.Integer(2) ** exponent)

    def working(self) -> AbstractContextManager[Any]:
        """The context in which numbers of this arithmetic must be computed."""
        return nullcontext()


@dataclass(frozen=True)
class Float64(Arithmetic):
    """IEEE double precision."""

    dtype: Any = np.float64

    def precision(self) -> int:
        return int(np.finfo(self.dtype).nmant) + 1

    def indices(self, count: int) -> Array:
        return np.arange(1.0, count + 1)

    def number(self, value: sp.Rational | int) -> np.float64:
        number = float(value)
        if math.isinf(number):
            raise OverflowError("a number is past float64")
        return np.float64(number)

    def from_ball(self, ball: flint.arb) -> np.float64:
        return self.number(float(ball.mid()))

    def constant(self, value: sp.Expr) -> np.float64:
        return np.float64(float(value))

    def decay(self, loss: Scalar | Array, n: int) -> tuple[Scalar | Array, Scalar | Array]:
        if n == 0:
            return loss * 0 + 1.0, loss * 0
        # Through log1p and expm1 the digits of a small loss survive; past loss = 1 the base is
        # negative and no digits are at stake.
        small = np.minimum(loss, 0.5)
        exponent = n * np.log1p(-small)
        power = np.where(loss <= 0.5, np.exp(exponent), np.asarray(1.0 - loss) ** float(n))
        done = np.where(loss <= 0.5, -np.expm1(exponent), 1.0 - power)
        return power[()], done[()]

    def function(self, name: str, argument: Scalar) -> Scalar:
        functions: dict[str, Callable[[Scalar], Scalar]] = {"exp": np.exp, "log": np.log}
        return functions[name](argument)


@dataclass(frozen=True)
class Intervals(Arithmetic):
    """Float64 with a bound on every rounding error (:mod:`qtheory.numbers.interval`)."""

    def precision(self) -> int:
        return int(np.finfo(np.float64).nmant) + 1

    def number(self, value: sp.Rational | int) -> Interval:
        value = sp.Rational(value)
        midpoint = float(Float64().number(value))
        error = abs(value - sp.Rational(*midpoint.as_integer_ratio()))
        return Interval(midpoint, math.nextafter(float(error), math.inf) if error else None)

    def constant(self, value: sp.Expr) -> Interval:
        return Interval(float(value), math.ulp(float(value)))

    def power(self, base: Scalar, exponent: Scalar) -> Interval:
        return base.power(exponent)

    def whole(self, number: Scalar) -> int:
        if is_array(number):
            raise TypeError("one whole number is asked for, not an array of them")
        whole = round(float(number.midpoint))
        if not (number.radius < 0.25 and abs(number.midpoint - whole) <= number.radius):
            raise OverflowError("not known to be a whole number")
        return whole

    def function(self, name: str, argument: Scalar) -> Interval:
        return getattr(argument, name)()

    def minimum(self, left: Scalar, right: Scalar) -> Interval:
        radius = np.maximum(left.radius, right.radius)
        return Interval(np.minimum(left.midpoint, right.midpoint), radius)

    def maximum(self, left: Scalar, right: Scalar) -> Interval:
        return -self.minimum(-left, -right)

    def array(self, values: Sequence[Scalar]) -> Array:
        midpoints = np.array([value.midpoint for value in values])
        return Interval(midpoints, np.array([value.radius for value in values]))

    def indices(self, count: int) -> Array:
        return Interval(np.arange(1.0, count + 1))

    def decay(self, loss: Scalar | Array, n: int) -> tuple[Scalar | Array, Scalar | Array]:
        if n == 0:
            return loss * 0 + 1, loss * 0
        # as for float64: through log1p and expm1 the digits of a small loss survive
        near = loss.midpoint + loss.radius <= 0.5
        small = Interval(np.where(near, loss.midpoint, 0.5), np.where(near, loss.radius, 0.0))
        exponent = (-small).log1p() * n
        power, direct = exponent.exp(), (1 - loss) ** n
        return _chosen(near, power, direct), _chosen(near, -exponent.expm1(), 1 - direct)

    def to_ball(self, number: Scalar) -> flint.arb:
        return flint.arb(float(number.midpoint), float(number.radius))

    def from_ball(self, ball: flint.arb) -> Interval:
        midpoint = float(ball.mid())
        error = abs(ball - flint.arb(midpoint)).upper()
        return Interval(midpoint, math.nextafter(float(error), math.inf) if error != 0 else None)

    def around(self, value: sp.Rational, radius: sp.Rational) -> Interval:
        number = self.number(value)
        return Interval(number.midpoint, number.radius + self._above(radius))

    @staticmethod
    def _above(radius: sp.Rational) -> float:
        return math.nextafter(float(radius), math.inf) if radius else 0.0

    def enclosure(self, midpoint: Scalar, radius: Scalar) -> Interval:
        return Interval(midpoint.midpoint, radius.abs_upper().midpoint)

    def is_inside(self, image: Array, ball: Array) -> Any:
        return ball.contains_interior(image) & image.is_finite()

    def floats(self, values: Array) -> FloatArray:
        return values.midpoint


def is_array(value: Scalar | Array) -> bool:
    """Whether this is an array of numbers and not a single one.

    >>> is_array(Interval([1.0, 2.0])), is_array(Interval(1.0)), is_array(np.ones(2)), is_array(1)
    (True, False, True, False)
    """
    if isinstance(value, Interval):
        return value.midpoint.ndim > 0
    return isinstance(value, np.ndarray)


def _chosen(condition: Any, left: Interval, right: Interval) -> Interval:
    return Interval(
        np.where(condition, left.midpoint, right.midpoint),
        np.where(condition, left.radius, right.radius),
    )


@dataclass(frozen=True)
class MPMath(Arithmetic):
    """mpmath numbers of a context of their own, so that no global precision is touched."""

    digits: int = 30

    def to_ball(self, number: Any) -> flint.arb:
        sign, mantissa, exponent, _ = number._mpf_
        return flint.arb((-1) ** sign * int(mantissa)) * flint.arb(2) ** exponent

    def precision(self) -> int:
        return int(self.context.prec)

    @cached_property
    def context(self) -> Any:
        context = mpmath.MPContext()
        context.dps = self.digits
        return context

    def number(self, value: sp.Rational | int) -> Any:
        value = sp.Rational(value)
        return self.context.mpf(int(value.p)) / int(value.q)

    def constant(self, value: sp.Expr) -> Any:
        return +{sp.pi: self.context.pi, sp.E: self.context.e}[value]

    def function(self, name: str, argument: Scalar) -> Any:
        return getattr(self.context, name)(argument)


def _enclosure(midpoint: flint.arb, radius: flint.arb) -> flint.arb:
    return flint.arb(midpoint.mid(), radius.abs_upper())


def _is_inside(image: flint.arb, ball: flint.arb) -> bool:
    return image.is_finite() and ball.contains_interior(image)


@dataclass(frozen=True)
class Balls(Arithmetic):
    """arb balls: midpoint and radius, so that every digit shown is certified."""

    bits: int = 128

    def precision(self) -> int:
        return self.bits

    def number(self, value: sp.Rational | int) -> flint.arb:
        value = sp.Rational(value)
        return flint.arb(flint.fmpq(int(value.p), int(value.q)))

    def constant(self, value: sp.Expr) -> flint.arb:
        return {sp.pi: flint.arb.pi, sp.E: flint.arb.const_e}[value]()

    def decay(self, loss: Scalar | Array, n: int) -> tuple[Scalar | Array, Scalar | Array]:
        if isinstance(loss, np.ndarray):
            pairs = [self.decay(entry, n) for entry in loss]
            return self.array([p for p, _ in pairs]), self.array([q for _, q in pairs])
        if n and loss < 0.5:  # the digits of a small loss survive
            exponent = n * (-loss).log1p()
            return exponent.exp(), -exponent.expm1()
        return super().decay(loss, n)

    def to_ball(self, number: Scalar) -> flint.arb:
        return number

    def from_ball(self, ball: flint.arb) -> flint.arb:
        return ball

    def around(self, value: sp.Rational, radius: sp.Rational) -> flint.arb:
        return self.number(value) + flint.arb(0, self.number(radius).abs_upper())

    def enclosure(self, midpoint: Scalar, radius: Scalar) -> flint.arb:
        return np.frompyfunc(_enclosure, 2, 1)(midpoint, radius)

    def is_inside(self, image: Array, ball: Array) -> Any:
        return np.array(list(map(_is_inside, image, ball)))

    def whole(self, number: Scalar) -> int:
        return int(number.unique_fmpz())

    def integer_power(self, base: Scalar, exponent: int) -> flint.arb:
        # arb gives nan for a ball centred at zero; |base| <= r means |base^n| <= r^n.
        if base.mid().is_zero() and not base.is_exact():
            return flint.arb(0, base.abs_upper() ** exponent)
        return base**exponent

    def function(self, name: str, argument: Scalar) -> flint.arb:
        return getattr(argument, name)()

    def minimum(self, left: Scalar, right: Scalar) -> flint.arb:
        return left.min(right)

    def maximum(self, left: Scalar, right: Scalar) -> flint.arb:
        return left.max(right)

    def working(self) -> AbstractContextManager[None]:
        return working_bits(self.bits)


@dataclass(frozen=True)
class ComplexBalls(Arithmetic):
    """acb balls, for bounds of analytic formulas in the complex plane; scalars only."""

    bits: int = 128

    def number(self, value: sp.Rational | int) -> flint.acb:
        return flint.acb(Balls(bits=self.bits).number(value))

    def constant(self, value: sp.Expr) -> flint.acb:
        return flint.acb(Balls(bits=self.bits).constant(value))

    def function(self, name: str, argument: Scalar) -> flint.acb:
        return getattr(argument, name)()


@dataclass(frozen=True)
class Symbolic(Arithmetic):
    """SymPy expressions themselves."""

    def number(self, value: sp.Rational | int) -> sp.Expr:
        return sp.Rational(value)

    def constant(self, value: sp.Expr) -> sp.Expr:
        return value

    def function(self, name: str, argument: Scalar) -> sp.Expr:
        return getattr(sp, name)(argument)

    def minimum(self, left: Scalar, right: Scalar) -> sp.Expr:
        return sp.Min(left, right)

    def maximum(self, left: Scalar, right: Scalar) -> sp.Expr:
        return sp.Max(left, right)
