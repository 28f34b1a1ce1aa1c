"""Targets w*: the regression coefficients in the eigenbasis of the covariance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import sympy as sp

from qtheory.model.spectra import coordinate, in_coordinate
from qtheory.numbers.exact import Number, exact


class Target(ABC):
    """A target given by a formula."""

    @abstractmethod
    def formula(self, eigenvalue: sp.Expr) -> sp.Expr:
        """w*_i as an expression in the coordinate i and its eigenvalue."""


@dataclass(frozen=True)
class Constant(Target):
    r"""The same coefficient everywhere, :math:`w^*_i = \text{value}`.

    Examples
    --------
    >>> Constant("1/2").formula(sp.Symbol("lambda"))
    1/2
    """

    value: sp.Expr

    def __init__(self, value: Number) -> None:
        object.__setattr__(self, "value", exact(value, "value"))

    def formula(self, eigenvalue: sp.Expr) -> sp.Expr:
        return self.value


@dataclass(frozen=True)
class SourceCondition(Target):
    r"""Signal energy with polynomial decay, :math:`\lambda_i (w^*_i)^2 = i^{-b}`.

    Examples
    --------
    >>> from qtheory.model.spectra import PowerLaw
    >>> SourceCondition(3).formula(PowerLaw(2).formula)
    1/sqrt(i)
    """

    exponent: sp.Expr

    def __init__(self, exponent: Number) -> None:
        object.__setattr__(self, "exponent", exact(exponent, "exponent"))

    def formula(self, eigenvalue: sp.Expr) -> sp.Expr:
        return _coefficient(coordinate**-self.exponent, eigenvalue)


@dataclass(frozen=True)
class SignalFormula(Target):
    r"""Signal energy by any formula, :math:`\lambda_i (w^*_i)^2 = f(i)`.

    Parameters
    ----------
    text
        f as text or as a SymPy expression in the coordinate i, as for ``SpectrumFormula``.

    Examples
    --------
    >>> from qtheory.model.spectra import PowerLaw
    >>> SignalFormula("i**-3*log(i + 1)").formula(PowerLaw(2).formula)
    sqrt(log(i + 1))/sqrt(i)
    """

    expression: sp.Expr

    def __init__(self, text: str | sp.Expr) -> None:
        object.__setattr__(self, "expression", in_coordinate(text, "target"))

    def formula(self, eigenvalue: sp.Expr) -> sp.Expr:
        return _coefficient(self.expression, eigenvalue)


def _coefficient(energy: sp.Expr, eigenvalue: sp.Expr) -> sp.Expr:
    """w*_i from lambda_i w*_i^2."""
    return sp.powdenest(sp.sqrt(sp.powsimp(energy / eigenvalue)), force=True)
