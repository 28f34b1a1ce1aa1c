"""What every number format does: rounding, its exact law, scaling and error models.

Data on a format (``Quantization(data=...)``) are rounded stochastically with saturation: beyond the
largest value that is a bias and is accounted for as one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Self

import numpy as np
import sympy as sp

from qtheory.errors import CostError, InvalidArgumentError
from qtheory.model import error_estimates
from qtheory.model.error_estimates import ErrorEstimate
from qtheory.model.error_models import ErrorModel
from qtheory.model.grid import FormatGrid, law_of_stochastic_rounding
from qtheory.model.rounding import DITHERS, Bits, checked_random_bits, round_to_grid
from qtheory.numbers.arrays import Floats, real_array
from qtheory.numbers.exact import Number, exact, positive, require_numeric

# Values that a format may have so that they are listed.
_MOST_VALUES = 2**20
# Between these a value times the scale, and its quotient by the scale, are normal in float64.
_LARGEST, _SMALLEST = sp.Integer(2) ** 1020, sp.Integer(2) ** -960


@dataclass(frozen=True)
class NumberFormat(ABC):
    """A number format times a scale; get one with ``qt.formats.get(name, scale=...)``.

    Two formats are equal if their values are, whatever they are called.
    """

    name: str = field(compare=False)
    scale: sp.Expr = field(default=sp.S.One, kw_only=True)

    @property
    @abstractmethod
    def grid(self) -> FormatGrid:
        """The values at scale 1."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """The width of a code word, the sign included."""

    @property
    def bits_per_number(self) -> Fraction:
        """What one number of a long vector takes, with its part of what it shares with others."""
        return Fraction(self.bits)

    @property
    def bits_of_one(self) -> int:
        """What one number by itself takes: a label, an activation."""
        return self.bits

    @property
    def is_exact(self) -> bool:
        """Whether there is no error at all."""
        return False

    @property
    def is_biased(self) -> bool:
        """Whether stochastic rounding is biased for numbers in range: where scales are shared."""
        return False

    @property
    def is_uneven(self) -> bool:
        """Whether the scale of a number depends on its place in a vector."""
        return False

    @property
    def largest(self) -> sp.Expr:
        """The largest finite value, exactly, scale included."""
        return sp.Rational(self.grid.largest) * self.scale

    @cached_property
    def magnitudes(self) -> Floats:
        """The values that are not negative before scaling, ascending from 0; exact in float64."""
        grid = self.grid
        if 2 ** (self.bits - 1) > _MOST_VALUES:
            raise CostError(f"{self!r} has 2^{self.bits} values: too many to list")
        if grid.mantissa_bits is None:
            return np.arange(grid.largest / grid.least_step + 1) * grid.least_step
        codes = np.arange(2 ** (self.bits - 1))
        field_, fraction = np.divmod(codes, 2**grid.mantissa_bits)
        significand = fraction + np.where(field_ > 0, 2.0**grid.mantissa_bits, 0.0)
        values = np.ldexp(significand, np.maximum(field_, 1) - 1 + grid.least_exponent)
        return np.asarray(values[values <= grid.largest])

    def round(
        self,
        x: Any,
        rng: Bits | None = None,
        mode: str = "stochastic",
        random_bits: int | None = None,
        *,
        saturate: bool = True,
    ) -> Floats:
        """Every entry of x rounded to a value of the format, as float64.

        NaN stays NaN. An infinite entry saturates to the largest value like every overflow (the
        saturating conversion of the OCP standard); with ``saturate=False`` an overflow becomes inf
        (IEEE formats, fp8_e5m2) or NaN (fp8_e4m3), and is an error in a format with neither.

        Parameters
        ----------
        x
            An array of real numbers, taken as float64. Types of ml_dtypes are numbers too; an array
            with masked entries is refused.
        rng
            The generator of the random bits, or, with ``random_bits``, the whole numbers from 0 to
            2^random_bits - 1 themselves.
        mode
            ``"stochastic"``, ``"nearest"`` (ties to even) or ``"toward_zero"``; for integers and
            fixed point also ``"dithered"`` and ``"subtractive"``. Their definitions are in
            :mod:`qtheory.model.rounding`.
        random_bits
            How many random bits stochastic rounding has, 1 to 52; :meth:`bias` is what that costs.
            None for the 53 bits of ``rng.random``.
        saturate
            Whether overflow gives the largest value.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> fp8 = get("fp8_e4m3")
        >>> x = np.full(100_000, 1.1)
        >>> values = fp8.round(x, np.random.default_rng(0))
        >>> sorted(set(values.tolist())), bool(abs(values.mean() - 1.1) < 1e-3)
        ([1.0, 1.125], True)
        >>> fp8.round([0.1, 1e9, -1e9], mode="nearest")
        array([ 1.015625e-01,  4.480000e+02, -4.480000e+02])
        >>> fp8.round(1e9, mode="nearest", saturate=False)
        np.float64(nan)
        >>> get("fp8_e5m2").round(np.full(8, 1.1), np.arange(8), random_bits=3)
        array([1.  , 1.  , 1.  , 1.  , 1.  , 1.25, 1.25, 1.25])
        """
        array = real_numbers(x)
        return round_to_grid(array, self.grid, self.unit, mode, rng, random_bits, saturate)[()]

    def bias(self, x: Number, random_bits: int | None = None) -> Fraction:
        """E[Q(x)] - x of saturating stochastic rounding, exactly.

        Parameters
        ----------
        x
            A number; a float is its exact binary value.
        random_bits
            The number of random bits, or None for the 53 bits of ``rng.random``.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> fp8 = get("fp8_e5m2")
        >>> [round(float(fp8.bias(1.1, random_bits=k)), 5) for k in (1, 3, 8)]
        [0.025, -0.00625, -0.00039]
        >>> fp8.bias("1.1", random_bits=8), fp8.bias(1.1)
        (Fraction(-1, 2560), Fraction(0, 1))
        """
        return self._error_moment(x, 1, random_bits)

    def mean_square(self, x: Number, random_bits: int | None = None) -> Fraction:
        """E[(Q(x) - x)^2] of saturating stochastic rounding, exactly.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> get("int8").mean_square("1/4")
        Fraction(3, 16)
        """
        return self._error_moment(x, 2, random_bits)

    def scaled_to(self, x: Any, *, power_of_two: bool = False) -> Self:
        """The format scaled so that the largest magnitude of a tensor is its largest value.

        Parameters
        ----------
        x
            Finite numbers. If all are zero any scale will do and the format is returned as it is.
        power_of_two
            Whether the scale is rounded up to a power of two, so that scaling is exact.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> get("int8").scaled_to([0.5, -2.0])
        formats.get('int8', scale='2/127')
        >>> get("int8").scaled_to([0.5, -2.0], power_of_two=True)
        formats.get('int8', scale='1/32')
        """
        array = real_numbers(x)
        if array.size == 0 or not np.isfinite(array).all():
            raise InvalidArgumentError("x", x, "at least one number, all of them finite")
        peak = Fraction(float(np.abs(array).max()))
        if peak == 0:
            return self
        scale = peak / self._reach
        if power_of_two:
            exponent = scale.numerator.bit_length() - scale.denominator.bit_length() - 1
            while Fraction(2) ** exponent < scale:
                exponent += 1
            scale = Fraction(2) ** exponent
        return self._with_scale(scale)

    def _with_scale(self, scale: Fraction) -> Self:
        """The scale that data ask for, or the nearest that the format can have."""
        return replace(self, scale=sp.Rational(scale.numerator, scale.denominator))

    @abstractmethod
    def scaled_by(self, by: str, scales: Sequence[Number] | None = None) -> NumberFormat:
        """The format with one scale for a tensor, as it is, or one per channel.

        Parameters
        ----------
        by
            ``"tensor"`` or ``"channel"``: a channel is a coordinate of a vector, the last axis of
            a table. The scales come from the largest magnitudes of data, one or one per channel:
            ``scaled_to(x)``, or :func:`qtheory.calibrate` and :func:`qtheory.compare_formats`,
            which look at those of a pilot run.
        scales
            The scales of the channels, if they are known.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> get("int8").scaled_by("channel").scaled_to([[1, 8], [-2, 4]])
        formats.get('int8').scaled_by('channel', ['2/127', '8/127'])
        """

    def of_coordinates(self, dim: int) -> list[NumberFormat]:
        """The format of each coordinate of a vector."""
        return [self] * dim

    def fitted_to(self, peaks: Floats) -> NumberFormat:
        """The format scaled to the largest magnitudes of what it meets, one for each coordinate.

        Floating point gets a power of two, since its relative step does not change.
        """
        return self.scaled_to(peaks, power_of_two=self.grid.mantissa_bits is not None)

    @property
    def _reach(self) -> Fraction:
        """The value that the largest magnitude of a tensor is scaled to."""
        return Fraction(self.grid.largest)

    def as_json(self) -> dict[str, Any]:
        """The format and its error model; numbers as exact text."""
        estimate = self.error_estimate()
        return {
            "name": self.name,
            "bits": self.bits,
            "bits_per_number": str(self.bits_per_number),
            "largest": str(self.largest),
            "error_model": repr(estimate.model),
            "worst": repr(estimate.worst),
            "exact": estimate.exact,
            "averaged": estimate.averaged,
            "valid": [str(bound) for bound in estimate.valid],
        }

    def error_model(
        self, scale: Number | None = None, mode: str = "stochastic", *, subnormals: bool = False
    ) -> ErrorModel:
        """The second moments of the rounding error: ``error_estimate(...).model``.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> get("int8", scale="1/32").error_model()
        Additive('1/6144')
        >>> get("int8", scale="1/32").error_model(mode="dithered")
        Additive('1/4096')
        >>> get("bfloat16").error_model()
        Multiplicative('1/(262144*log(2))', coupling='elementwise')
        """
        return self.error_estimate(scale, mode, subnormals=subnormals).model

    def error_estimate(
        self, scale: Number | None = None, mode: str = "stochastic", *, subnormals: bool = False
    ) -> ErrorEstimate:
        """The error model, what is exact in it and what is averaged, and where it is valid.

        Parameters
        ----------
        scale
            Instead of the format's own.
        mode
            ``"stochastic"``; for integers and fixed point also ``"dithered"`` or
            ``"subtractive"``, where nothing is averaged. Nearest rounding has no such model: its
            error is a function of u, so E[e|u] is not zero.
        subnormals
            Whether floating point gets the additive part of its subnormal numbers.

        Examples
        --------
        >>> from qtheory.model.formats import get
        >>> estimate = get("fp8_e4m3").error_estimate()
        >>> estimate.model
        Multiplicative('-1 + 200107/(288288*log(2))', coupling='elementwise')
        >>> estimate.worst, estimate.valid
        (Multiplicative('1/288', coupling='elementwise'), (1/64, 448))
        """
        scaled = self if scale is None else replace(self, scale=positive(scale, "scale"))
        allowed = ("stochastic", *DITHERS) if self.grid.mantissa_bits is None else ("stochastic",)
        if mode not in allowed:
            reason = "the error model is about unbiased rounding with a matching step"
            raise InvalidArgumentError("mode", mode, f"{' or '.join(allowed)}: {reason}")
        grid = self.grid
        if grid.mantissa_bits is None:
            step = sp.Rational(grid.least_step) * scaled.scale
            return error_estimates.constant_step(step, scaled.largest, mode)
        normal = sp.Rational(grid.smallest_normal) * scaled.scale
        return error_estimates.floating_point(
            grid.mantissa_bits, normal, scaled.largest, subnormals
        )

    @cached_property
    def unit(self) -> float:
        """The scale in float64."""
        require_numeric(self.scale, "scale")
        grid = self.grid
        unit = self.scale
        in_range = unit * grid.largest <= _LARGEST and unit * grid.least_step >= _SMALLEST
        if not in_range:
            allowed = "such that every value times the scale is a normal float64"
            raise InvalidArgumentError("scale", unit, allowed)
        # the quotient of two integers is rounded once
        return int(unit.p) / int(unit.q) if unit.is_Rational else float(unit)

    def _error_moment(self, x: Number, power: int, random_bits: int | None) -> Fraction:
        point = rational(exact(x, "x"), "x")
        scale = self._scale_of_one(point)
        if scale == 0:
            return (-point) ** power
        law = law_of_stochastic_rounding(point / scale, self.grid, checked_random_bits(random_bits))
        return sum(((v * scale - point) ** power * chance for v, chance in law), Fraction(0))

    def _scale_of_one(self, point: Fraction) -> Fraction:
        """The scale under which a number by itself is rounded."""
        return rational(self.scale, "scale")

    def _call(self) -> tuple[str, str]:
        """The constructor and its arguments without the scale."""
        return "get", f"'{self.name}'"

    def __repr__(self) -> str:
        function, arguments = self._call()
        scale = "" if self.scale == 1 else f", scale='{self.scale}'"
        return f"formats.{function}({arguments}{scale})"


@dataclass(frozen=True, repr=False)
class UnevenFormat(NumberFormat):
    """The values of another format, under scales that depend on the place of a number."""

    element: NumberFormat

    @property
    def grid(self) -> FormatGrid:
        """The values of the elements, which are those at scale 1."""
        return self.element.grid

    @property
    def bits(self) -> int:
        """The width of an element; scales that are stored come on top (``bits_per_number``)."""
        return self.element.bits

    @property
    def is_uneven(self) -> bool:
        """Its place decides."""
        return True


def real_numbers(x: Any) -> Floats:
    """x as an array of float64; InvalidArgumentError names it if it is none."""
    try:
        return real_array(x)
    except (TypeError, ValueError, OverflowError) as error:  # rows of different lengths, for one
        raise InvalidArgumentError("x", x, f"an array of real numbers ({error})") from None


def rational(value: sp.Expr, name: str) -> Fraction:
    """A number as a fraction; InvalidArgumentError names it if it is not rational."""
    require_numeric(value, name)
    if not value.is_Rational:
        raise InvalidArgumentError(name, value, "rational where exact numbers are asked for")
    return Fraction(int(value.p), int(value.q))
