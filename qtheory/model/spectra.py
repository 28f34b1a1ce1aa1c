"""Spectra of the data covariance: lambda_1 >= lambda_2 >= ... as formulas in i, or as a list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import flint
import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.arithmetic import Balls, ComplexBalls
from qtheory.numbers.arrays import sequence
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.exact import Number, exact, nonnegative, positive
from qtheory.numbers.grammar import parse_formula

#: The coordinate i = 1, 2, ... in every formula of the package.
coordinate = sp.Symbol("i", integer=True, positive=True)

_BITS_AT_ONE = 400


class Spectrum(ABC):
    """A spectrum given by a formula, with the sums of its tails where they are known."""

    #: What it is called on the command line.
    shorthand: ClassVar[str]
    #: The parameter that says how fast it falls; empty where no sums of tails are known.
    decay: ClassVar[str] = ""
    #: Slower decay than this has no end that can be reached in infinite dimension.
    slowest: ClassVar[sp.Expr] = sp.S.Zero
    #: Whether sums of tails are sharp, so that the difference of two is a sum between them.
    sharp_sums: ClassVar[bool] = True

    @property
    @abstractmethod
    def formula(self) -> sp.Expr:
        """lambda_i as an expression in the coordinate i."""

    @property
    def summable(self) -> bool:
        """Whether the sum over all i is finite."""
        return True

    def sum_from(self, first: int) -> flint.arb:
        """The sum over i >= first; where it diverges, its analytic continuation."""
        raise InvalidArgumentError("spectrum", self, "a spectrum whose tails have known sums")

    def panel(self, first: int) -> int:
        """Over how many coordinates from the first on it falls by a bounded factor."""
        return first


@dataclass(frozen=True)
class PowerLaw(Spectrum):
    r"""Polynomial decay, :math:`\lambda_i = \text{scale} \cdot i^{-a}`.

    Parameters
    ----------
    exponent
        a > 0. The trace is finite in infinite dimension for a > 1.
    scale
        The largest eigenvalue, positive.

    Examples
    --------
    >>> PowerLaw(2).formula
    i**(-2)
    """

    shorthand, decay = "power-law", "exponent"
    exponent: sp.Expr
    scale: sp.Expr

    def __init__(self, exponent: Number, scale: Number = 1) -> None:
        object.__setattr__(self, "exponent", positive(exponent, "exponent"))
        object.__setattr__(self, "scale", positive(scale, "scale"))

    @property
    def formula(self) -> sp.Expr:
        return self.scale * coordinate**-self.exponent

    @property
    def summable(self) -> bool:
        return bool(self.exponent > 1)

    def sum_from(self, first: int) -> flint.arb:
        return in_balls(self.scale) * powers_from(self.exponent, first)

    def panel(self, first: int) -> int:
        if self.exponent <= 4:
            return first
        return max(1, int(4 * first / float(self.exponent)))


@dataclass(frozen=True)
class Exponential(Spectrum):
    r"""Exponential decay, :math:`\lambda_i = e^{-\text{rate} \cdot i}`.

    Examples
    --------
    >>> Exponential("1/2").formula
    exp(-i/2)
    """

    shorthand, decay, slowest = "exponential", "rate", sp.Rational(1, 10**6)
    rate: sp.Expr

    def __init__(self, rate: Number) -> None:
        object.__setattr__(self, "rate", positive(rate, "rate"))

    @property
    def formula(self) -> sp.Expr:
        return sp.exp(-self.rate * coordinate)

    def sum_from(self, first: int) -> flint.arb:
        rate = in_balls(self.rate)
        return (-rate * first).exp() / (1 - (-rate).exp())

    def panel(self, first: int) -> int:
        return min(first, max(1, int(2 / float(self.rate))))


@dataclass(frozen=True)
class Logarithmic(Spectrum):
    r"""Slowest summable decay, :math:`\lambda_i = i^{-1} \log(i+1)^{-\text{power}}`.

    Examples
    --------
    >>> Logarithmic(2).formula
    1/(i*log(i + 1)**2)
    """

    shorthand, decay, sharp_sums = "logarithmic", "power", False
    power: sp.Expr

    def __init__(self, power: Number) -> None:
        object.__setattr__(self, "power", positive(power, "power"))

    @property
    def formula(self) -> sp.Expr:
        return 1 / (coordinate * sp.log(coordinate + 1) ** self.power)

    @property
    def summable(self) -> bool:
        return bool(self.power > 1)

    def sum_from(self, first: int) -> flint.arb:
        # int_K^oo dx / (x log^p(x+1)) is log(K+1)^(1-p) / (p-1) times a factor in [1, 1 + 1/K],
        # and a decreasing function summed from K on exceeds its integral by at most f(K).
        power, start = in_balls(self.power), flint.arb(first)
        integral = (start + 1).log() ** (1 - power) / (power - 1)
        largest = integral * (1 + 1 / start) + in_balls(self.formula, start)
        return integral.union(largest)


@dataclass(frozen=True)
class SpectrumFormula(Spectrum):
    r"""Any formula, :math:`\lambda_i = f(i)`.

    Parameters
    ----------
    text
        f as text or as a SymPy expression, in the coordinate i = 1, 2, ...: numbers, names,
        ``+ - * / **``, min, max, exp, log and sqrt.

    Examples
    --------
    >>> SpectrumFormula("i**-2*log(i + 1)**c").formula
    log(i + 1)**c/i**2
    """

    shorthand = "formula"
    expression: sp.Expr

    def __init__(self, text: str | sp.Expr) -> None:
        object.__setattr__(self, "expression", in_coordinate(text, "spectrum"))

    @property
    def formula(self) -> sp.Expr:
        return self.expression


#: Those given by a formula.
SPECTRA: tuple[type[Spectrum], ...] = (PowerLaw, Exponential, Logarithmic, SpectrumFormula)


def in_balls(formula: sp.Expr, position: Any = None) -> Any:
    """A formula in the coordinate at a real or complex position, at the working precision."""
    kind = ComplexBalls if isinstance(position, flint.acb) else Balls
    return evaluate(formula, {coordinate: position}, kind(bits=flint.ctx.prec))


def powers_from(exponent: sp.Expr, first: int) -> flint.arb:
    """The Hurwitz zeta function: sum over i >= first of i^-exponent, up to a constant for 1."""
    if exponent == 1:
        return -flint.arb(first).digamma()
    return in_balls(exponent).zeta(flint.arb(first))


def in_coordinate(text: str | sp.Expr, name: str) -> sp.Expr:
    """A formula in the coordinate, from text or an expression; positive at i = 1 if a number is.

    >>> in_coordinate("i**-b", "target")
    i**(-b)
    """
    if isinstance(text, str):
        formula = parse_formula(text, {coordinate.name: coordinate}, name)
    else:
        formula = exact(text, name)
        names = {
            s: coordinate if s.name == coordinate.name else sp.Symbol(s.name, positive=True)
            for s in formula.free_symbols
        }
        formula = formula.xreplace(names)
    if formula.free_symbols <= {coordinate}:
        _require_positive_at_one(formula, text, name)
    return formula


def _require_positive_at_one(formula: sp.Expr, text: str | sp.Expr, name: str) -> None:
    """In balls, for SymPy would write out every digit of a tower of powers such as 9**9**9."""
    arithmetic = Balls(bits=_BITS_AT_ONE)
    with arithmetic.working():
        try:
            first: Any = evaluate(formula, {coordinate: arithmetic.number(1)}, arithmetic)
        except (ArithmeticError, TypeError, ValueError):
            raise InvalidArgumentError(name, text, "a formula that can be computed at 1") from None
        if not (first.is_finite() and first > 0):
            shown = first.str(5, radius=False)
            allowed = f"positive for i = 1, 2, ... and of usual size, but it is {shown} at 1"
            raise InvalidArgumentError(name, text, allowed)


@dataclass(frozen=True)
class Explicit:
    """A finite list of values, used for a spectrum (zero or positive) or for a target.

    Parameters
    ----------
    values
        The numbers.
    radii
        Where the values are rational midpoints of others, how far those may be off, one for each;
        none if they are exact.

    Examples
    --------
    >>> Explicit([1, "1/2", 0]).values
    (1, 1/2, 0)
    """

    values: tuple[sp.Expr, ...]
    radii: tuple[sp.Rational, ...] = ()

    def __init__(self, values: Sequence[Number], radii: Sequence[Number] = ()) -> None:
        members = sequence(values, "values", "a sequence of at least one number")
        numbers = tuple(exact(value, f"values[{k}]") for k, value in enumerate(members))
        distances = sequence(radii, "radii", "a sequence of numbers", least=0)
        if distances and len(distances) != len(numbers):
            raise InvalidArgumentError("radii", radii, f"none, or {len(numbers)}, as values has")
        distances = [nonnegative(radius, f"radii[{k}]") for k, radius in enumerate(distances)]
        for name, numbers_ in (("radii", distances), ("values", numbers)):
            if distances and not all(value.is_Rational for value in numbers_):
                raise InvalidArgumentError(name, numbers_, "rational numbers where radii are given")
        object.__setattr__(self, "values", numbers)
        object.__setattr__(self, "radii", tuple(distances) if any(distances) else ())

    def __repr__(self) -> str:
        first = self.values[:4]
        shown = ", ".join(f"{float(v):.6g}" if self.radii else str(v) for v in first)
        more = f", ... ({len(self.values)} values)" if len(self.values) > 4 else ""
        return f"Explicit([{shown}{more}])"

    def require_nonnegative(self, name: str) -> None:
        """Raise unless every value can be an eigenvalue and one of them is not zero."""
        for k, value in enumerate(self.values):
            if value.is_negative:
                allowed = "zero or positive (where rounding left it a little below 0, set it to 0)"
                raise InvalidArgumentError(f"{name} values[{k}]", value, allowed)
        if all(value == 0 for value in self.values):
            raise InvalidArgumentError(name, self, "at least one positive eigenvalue")
