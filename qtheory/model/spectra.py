"""Spectra of the data covariance: lambda_1 >= lambda_2 >= ... as formulas in i, or as a list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number, exact, nonnegative, positive

__all__ = ["Explicit", "Exponential", "Logarithmic", "PowerLaw", "Spectrum", "coordinate"]

#: The coordinate i = 1, 2, ... in every formula of the package.
coordinate = sp.Symbol("i", integer=True, positive=True)


class Spectrum(ABC):
    """A spectrum given by a formula."""

    @property
    @abstractmethod
    def formula(self) -> sp.Expr:
        """lambda_i as an expression in the coordinate i."""


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

    exponent: sp.Expr
    scale: sp.Expr

    def __init__(self, exponent: Number, scale: Number = 1) -> None:
        object.__setattr__(self, "exponent", positive(exponent, "exponent"))
        object.__setattr__(self, "scale", positive(scale, "scale"))

    @property
    def formula(self) -> sp.Expr:
        return self.scale * coordinate**-self.exponent


@dataclass(frozen=True)
class Exponential(Spectrum):
    r"""Exponential decay, :math:`\lambda_i = e^{-\text{rate} \cdot i}`.

    Examples
    --------
    >>> Exponential("1/2").formula
    exp(-i/2)
    """

    rate: sp.Expr

    def __init__(self, rate: Number) -> None:
        object.__setattr__(self, "rate", positive(rate, "rate"))

    @property
    def formula(self) -> sp.Expr:
        return sp.exp(-self.rate * coordinate)


@dataclass(frozen=True)
class Logarithmic(Spectrum):
    r"""Slowest summable decay, :math:`\lambda_i = i^{-1} \log(i+1)^{-\text{power}}`.

    Examples
    --------
    >>> Logarithmic(2).formula
    1/(i*log(i + 1)**2)
    """

    power: sp.Expr

    def __init__(self, power: Number) -> None:
        object.__setattr__(self, "power", positive(power, "power"))

    @property
    def formula(self) -> sp.Expr:
        return 1 / (coordinate * sp.log(coordinate + 1) ** self.power)


@dataclass(frozen=True)
class Explicit:
    """A finite list of values, used for a spectrum (zero or positive) or for a target.

    Examples
    --------
    >>> Explicit([1, "1/2", 0]).values
    (1, 1/2, 0)
    """

    values: tuple[sp.Expr, ...]

    def __init__(self, values: Sequence[Number]) -> None:
        if isinstance(values, str) or not hasattr(values, "__len__") or len(values) == 0:
            raise InvalidArgumentError("values", values, "a sequence of at least one number")
        numbers = tuple(exact(value, f"values[{k}]") for k, value in enumerate(values))
        object.__setattr__(self, "values", numbers)

    def __repr__(self) -> str:
        shown = ", ".join(str(value) for value in self.values[:4])
        more = f", ... ({len(self.values)} values)" if len(self.values) > 4 else ""
        return f"Explicit([{shown}{more}])"

    def require_nonnegative(self, name: str) -> None:
        """Raise unless every value can be an eigenvalue and one of them is not zero."""
        for k, value in enumerate(self.values):
            nonnegative(value, f"{name} values[{k}]")
        if all(value == 0 for value in self.values):
            raise InvalidArgumentError(name, self, "at least one positive eigenvalue")
