r"""Laws of the covariates x with the covariance H = diag(lambda): what is known of fourth moments.

For the exact risk the law enters through E x_i^4 and E x_i^2 x_j^2 alone, if E x_i^2 x_j x_k = 0
for different j and k. Bounds need less: the inequality that :class:`FourthMoment` states.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number, exact


class Covariates(ABC):
    """A law of the covariates, or what is assumed of it."""

    @property
    @abstractmethod
    def fourth_moment(self) -> sp.Expr:
        r"""alpha_0, with beta_0 such that for every coordinate i and vector a.

        .. math:: E[x_i^2 \langle x, a\rangle^2] \le (\alpha_0 - \beta_0)\,\lambda_i \|a\|_H^2
                  + \beta_0\,\lambda_i^2 a_i^2 .
        """

    @property
    @abstractmethod
    def own_fourth_moment(self) -> sp.Expr:
        """beta_0, the part of alpha_0 by which a coordinate acts on itself alone."""


class KnownMoments(Covariates):
    """A law whose fourth moments are known, so that the risk is exact."""

    @property
    @abstractmethod
    def own(self) -> sp.Expr:
        """E x_i^4 / lambda_i^2."""

    @property
    @abstractmethod
    def between(self) -> sp.Expr:
        """E x_i^2 x_j^2 / (lambda_i lambda_j) for two coordinates."""

    @property
    def fourth_moment(self) -> sp.Expr:
        """alpha_0 = E x_i^4 / lambda_i^2."""
        return self.own

    @property
    def own_fourth_moment(self) -> sp.Expr:
        """beta_0, what the diagonal has beyond the rest."""
        return self.own - self.between


@dataclass(frozen=True)
class Gaussian(KnownMoments):
    r"""Independent Gaussian coordinates, :math:`x_i \sim N(0, \lambda_i)`: the paper's experiments.

    Examples
    --------
    >>> Gaussian().own, Gaussian().between, Gaussian().own_fourth_moment
    (3, 1, 2)
    """

    @property
    def own(self) -> sp.Expr:
        """E x_i^4 / lambda_i^2."""
        return sp.Integer(3)

    @property
    def between(self) -> sp.Expr:
        """E x_i^2 x_j^2 / (lambda_i lambda_j)."""
        return sp.S.One


@dataclass(frozen=True)
class Independent(KnownMoments):
    r"""Independent coordinates with :math:`E x_i^4 = k \lambda_i^2`.

    A simulation draws each coordinate as :math:`\pm\sqrt{k\lambda_i}` with probability 1/(2k) each
    and 0 otherwise, which has this variance and this kurtosis for every k >= 1.

    Parameters
    ----------
    kurtosis
        k >= 1; 3 has the moments of Gaussian data, and 1 is a coordinate of two values.

    Raises
    ------
    InvalidArgumentError
        If k < 1, which no random variable has.

    Examples
    --------
    >>> Independent(kurtosis=5).own, Independent(kurtosis=5).between
    (5, 1)
    """

    kurtosis: sp.Expr

    def __init__(self, kurtosis: Number) -> None:
        object.__setattr__(self, "kurtosis", _at_least_one(kurtosis, "kurtosis"))

    @property
    def own(self) -> sp.Expr:
        """E x_i^4 / lambda_i^2."""
        return self.kurtosis

    @property
    def between(self) -> sp.Expr:
        """E x_i^2 x_j^2 / (lambda_i lambda_j)."""
        return sp.S.One


@dataclass(frozen=True)
class Elliptical(KnownMoments):
    r"""Gaussian samples of random size, :math:`x = \tau g` with :math:`E\tau^2 = 1`.

    Coordinates of one sample are uncorrelated, and dependent through the size tau that they share:
    all fourth moments are those of Gaussian data times :math:`E\tau^4`. A simulation draws tau^2
    as f = E tau^4 with probability 1/f and 0 otherwise.

    Parameters
    ----------
    fourth
        E tau^4 >= 1; 1 is Gaussian data.

    Raises
    ------
    InvalidArgumentError
        If it is below 1, which no tau with E tau^2 = 1 has.

    Examples
    --------
    >>> Elliptical(fourth="5/3").own, Elliptical(fourth="5/3").between
    (5, 5/3)
    """

    fourth: sp.Expr

    def __init__(self, fourth: Number) -> None:
        object.__setattr__(self, "fourth", _at_least_one(fourth, "fourth"))

    @property
    def own(self) -> sp.Expr:
        """E x_i^4 / lambda_i^2."""
        return 3 * self.fourth

    @property
    def between(self) -> sp.Expr:
        """E x_i^2 x_j^2 / (lambda_i lambda_j)."""
        return self.fourth


@dataclass(frozen=True)
class FourthMoment(Covariates):
    r"""The paper's own assumption, and nothing else: no law, no independence.

    .. math:: E[(x^T A x)\, x x^T] \preceq \alpha\,\mathrm{tr}(HA)\, H\quad\text{for every }
              A \succeq 0 .

    Upper bounds hold under it; there is no exact risk, no lower bound and nothing to simulate.

    Parameters
    ----------
    alpha
        At least 1, which A = H^-1 shows to be the least possible; 3 for Gaussian data.

    Raises
    ------
    InvalidArgumentError
        If alpha < 1.

    Examples
    --------
    >>> FourthMoment(3).fourth_moment
    3

    Source: Zhang, Su, Zou (arXiv:2510.18259); Zou, Wu, Braverman, Gu, Kakade (JMLR 24, 2023).
    """

    alpha: sp.Expr

    def __init__(self, alpha: Number) -> None:
        object.__setattr__(self, "alpha", _at_least_one(alpha, "alpha"))

    @property
    def fourth_moment(self) -> sp.Expr:
        """alpha."""
        return self.alpha

    @property
    def own_fourth_moment(self) -> sp.Expr:
        """0: nothing is known of single coordinates."""
        return sp.S.Zero


def _at_least_one(value: Number, name: str) -> sp.Expr:
    number = exact(value, name)
    if number.is_number and not (number.is_finite and number >= 1):
        raise InvalidArgumentError(name, value, "a number of at least 1")
    return number
