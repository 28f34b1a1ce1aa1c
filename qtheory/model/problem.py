"""The learning problem: Gaussian data with a spectrum, a linear target, label noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.model.spectra import Explicit, PowerLaw, Spectrum
from qtheory.model.targets import Constant, Target
from qtheory.numbers.arrays import sequence
from qtheory.numbers.exact import Number, dimension, nonnegative
from qtheory.numbers.latex import latex_of

if TYPE_CHECKING:
    from qtheory.model.data import SecondMoments


@dataclass(frozen=True)
class Problem:
    r"""High-dimensional linear regression in the eigenbasis of the data covariance.

    .. math:: x_i \sim N(0, \lambda_i)\ \text{independent},\qquad
              y = \langle w^*, x\rangle + \xi,\qquad E\xi^2 = \sigma^2 .

    Parameters
    ----------
    dim
        d, a whole number of at least 1, a symbol, or ``oo`` (also written ``"oo"`` or ``inf``).
    spectrum
        The eigenvalues: ``PowerLaw``, ``Exponential``, ``Logarithmic``, ``SpectrumFormula`` or
        ``Explicit``.
    target
        The coefficients w*: ``Constant``, ``SourceCondition``, ``SignalFormula`` or ``Explicit``.
    noise
        sigma^2, the variance of the label noise (not its standard deviation).
    assumptions
        What was assumed when the problem was made from data; empty otherwise.

    Examples
    --------
    >>> problem = Problem(dim=3, spectrum=PowerLaw(2), target=Constant(1), noise="0.5")
    >>> problem.noise
    1/2

    Source: Section 3 of Zhang, Su, Zou (arXiv:2510.18259).
    """

    dim: sp.Expr
    spectrum: Spectrum | Explicit
    target: Target | Explicit
    noise: sp.Expr
    assumptions: tuple[str, ...] = ()

    def __init__(
        self,
        dim: Number,
        spectrum: Spectrum | Explicit | None = None,
        target: Target | Explicit | None = None,
        noise: Number = 1,
        assumptions: tuple[str, ...] = (),
    ) -> None:
        size = dimension(dim)
        spectrum = PowerLaw(2) if spectrum is None else spectrum
        target = Constant(1) if target is None else target
        if not isinstance(spectrum, Spectrum | Explicit):
            raise InvalidArgumentError(
                "spectrum",
                spectrum,
                "PowerLaw, Exponential, Logarithmic, SpectrumFormula or Explicit",
            )
        if not isinstance(target, Target | Explicit):
            raise InvalidArgumentError(
                "target", target, "Constant, SourceCondition, SignalFormula or Explicit"
            )
        for name, values in (("spectrum", spectrum), ("target", target)):
            if isinstance(values, Explicit) and size != len(values.values):
                raise InvalidArgumentError(
                    name, values, f"a list of as many values as dim says, here {size}"
                )
        if isinstance(spectrum, Explicit):
            spectrum.require_nonnegative("spectrum")
        texts = tuple(sequence(assumptions, "assumptions", "a tuple of texts", least=0))
        object.__setattr__(self, "dim", size)
        object.__setattr__(self, "spectrum", spectrum)
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "noise", nonnegative(noise, "noise"))
        object.__setattr__(self, "assumptions", texts)

    def latex(self) -> str:
        r"""The problem as LaTeX.

        >>> print(Problem(dim=3).latex())
        d = 3,\quad \lambda_i = \frac{1}{i^{2}},\quad w^*_i = 1,\quad \sigma^2 = 1
        """
        eigenvalue = sp.Symbol(r"\lambda_i", positive=True)
        if isinstance(self.spectrum, Explicit):
            spectrum, at = _listed(r"\lambda", self.spectrum), eigenvalue
        else:
            at = self.spectrum.formula
            spectrum = rf"\lambda_i = {latex_of(at)}"
        if isinstance(self.target, Explicit):
            target = _listed("w^*", self.target)
        else:
            target = rf"w^*_i = {latex_of(self.target.formula(at))}"
        parts = (f"d = {latex_of(self.dim)}", spectrum, target)
        return r",\quad ".join((*parts, rf"\sigma^2 = {latex_of(self.noise)}"))

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    @classmethod
    def from_data(cls, X: Any, y: Any) -> Problem:
        """The Gaussian problem with the second moments of a real table.

        Parameters
        ----------
        X
            Table of shape (n, d), n >= 2 rows.
        y
            Labels of shape (n,).

        Raises
        ------
        DataError
            If the shapes do not fit, or an entry is not a finite number.

        Examples
        --------
        >>> problem = Problem.from_data([[1, 0], [-1, 0], [0, 2], [0, -2]], [1, -1, 4, -4])
        >>> [round(float(value), 6) for value in problem.spectrum.values]
        [2.0, 0.5]
        """
        from qtheory.model.data import second_moments

        return cls.from_moments(second_moments(X, y))

    @classmethod
    def from_moments(cls, moments: SecondMoments) -> Problem:
        """The same from the second moments, where they are needed for more than the problem."""
        return cls(
            dim=len(moments.eigenvalues),
            spectrum=Explicit(moments.eigenvalues),
            target=Explicit(moments.coefficients),
            noise=moments.residual_variance,
            assumptions=moments.assumptions,
        )


def _listed(name: str, values: Explicit) -> str:
    """At most four of the values, by name."""
    first = [latex_of(value) for value in values.values[:4]]
    if len(values.values) > len(first):
        first.append(r"\dots")
    return f"{name} = ({', '.join(first)})"
