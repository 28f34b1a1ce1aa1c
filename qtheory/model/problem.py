"""The learning problem: data with a spectrum, a linear target, label noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy as sp

from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.covariates import Covariates, Gaussian
from qtheory.model.spectra import Explicit, PowerLaw, Spectrum
from qtheory.model.targets import Constant, Target
from qtheory.numbers.arrays import sequence
from qtheory.numbers.exact import Number, dimension, nonnegative
from qtheory.numbers.latex import latex_of

if TYPE_CHECKING:
    from qtheory.model.data import SecondMoments
    from qtheory.model.features import Features

_GAUSSIAN = Gaussian()


@dataclass(frozen=True)
class Problem:
    r"""High-dimensional linear regression in the eigenbasis of the data covariance.

    .. math:: E x x^T = \mathrm{diag}(\lambda),\qquad
              y = \langle w^*, x\rangle + \xi,\qquad E\xi^2 = \sigma^2 ,

    with independent x_i ~ N(0, lambda_i) unless ``covariates`` says otherwise.

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
    features
        What the coordinates were rotated from, for a problem made by :meth:`sketched` or
        :meth:`from_covariance`, and the variance of the label that these features miss, which
        ``noise`` includes; None otherwise.
    covariates
        The law of x: ``Gaussian()`` (the default), ``Independent(kurtosis)``,
        ``Elliptical(fourth)``, or ``FourthMoment(alpha)``, an assumption for bounds alone.

    Raises
    ------
    InvalidArgumentError
        If an argument is not what it must be.
    HypothesisError
        If features were rotated from covariates that are not Gaussian.

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
    features: Features | None = None
    covariates: Covariates = _GAUSSIAN

    def __init__(
        self,
        dim: Number,
        spectrum: Spectrum | Explicit | None = None,
        target: Target | Explicit | None = None,
        noise: Number = 1,
        assumptions: tuple[str, ...] = (),
        features: Features | None = None,
        covariates: Covariates | None = None,
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
        law = _GAUSSIAN if covariates is None else covariates
        if not isinstance(law, Covariates):
            raise InvalidArgumentError(
                "covariates", covariates, "Gaussian, Independent, Elliptical or FourthMoment"
            )
        if features is not None and not isinstance(law, Gaussian):
            raise HypothesisError(_FEATURES.format(law))
        texts = tuple(sequence(assumptions, "assumptions", "a tuple of texts", least=0))
        object.__setattr__(self, "dim", size)
        object.__setattr__(self, "spectrum", spectrum)
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "noise", nonnegative(noise, "noise"))
        object.__setattr__(self, "assumptions", texts)
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "covariates", law)

    def __repr__(self) -> str:
        names = ["dim", "spectrum", "target", "noise", "assumptions"]
        shown = {name: repr(getattr(self, name)) for name in names}
        if not isinstance(self.covariates, Gaussian):
            shown["covariates"] = repr(self.covariates)
        if self.features is not None:  # a midpoint of 80 digits
            shown["noise"] = f"{float(self.noise):.6g}" if self.noise.is_number else shown["noise"]
            shown["features"] = repr(self.features)
        return f"Problem({', '.join(f'{name}={text}' for name, text in shown.items())})"

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
        noise = latex_of(self.noise)
        if self.features is not None:
            noise = rf"{latex_of(self.features.base_noise)} + {float(self.features.perp):.6g}"
        return r",\quad ".join((*parts, rf"\sigma^2 = {noise}"))

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def sketched(self, size: Number | None = None, seed: int = 0, *, matrix: Any = None) -> Problem:
        r"""The problem of learning from the features z = S x, given S.

        .. math:: \Sigma = S H S^T = U\,\mathrm{diag}(s)\,U^T,\quad
                  v^* = \Sigma^{-1} S H w^*,\quad
                  \mathrm{perp} = \|w^*\|_H^2 - \|v^*\|_\Sigma^2 .

        For Gaussian x what the features miss is independent label noise, so this is a problem like
        any other: spectrum s, target U^T v*, noise sigma^2 + perp. The excess risk is perp/2 more
        than that problem's, which every result includes (``risk.sketching``). Risks with certified
        digits are certified for this S. Where an error sees the rotation U, as elementwise errors
        and number formats on data and parameters do, the step is computed on M x M matrices.

        Parameters
        ----------
        size
            M >= 1, the number of features; more than d are allowed, and the assumptions say so.
        seed
            S is drawn by NumPy's PCG64 of this seed, as float64 normals over sqrt(M).
        matrix
            S itself, of shape (M, d); its entries are taken at their exact value.

        Raises
        ------
        InvalidArgumentError
            If size is below 1, matrix has another shape, an entry that is not finite, or rows that
            depend on each other; or d is infinite.
        PrecisionError
            If two eigenvalues of Sigma cannot be told apart.
        HypothesisError
            If the covariates are not Gaussian.

        Examples
        --------
        >>> problem = Problem(dim=60, spectrum=PowerLaw(2), target=Constant(1))
        >>> sketched = problem.sketched(size=8, seed=1)
        >>> sketched.dim, round(float(sketched.features.perp), 6)
        (8, 0.307845)

        Source: Lin, Wu, Kakade, Bartlett, Lee (arXiv:2406.08466).
        """
        from qtheory.model.conditional import sketched

        if not isinstance(self.covariates, Gaussian):
            raise HypothesisError(_FEATURES.format(self.covariates))
        return Problem(*sketched(self, size, seed, matrix))

    @classmethod
    def from_covariance(cls, covariance: Any, w_star: Any, noise: Number = 1) -> Problem:
        r"""The problem of Gaussian data with a full covariance H, rotated to its eigenbasis.

        Parameters
        ----------
        covariance
            H, of shape (d, d), symmetric and positive definite (a coordinate without variance and
            correlations is allowed); entries are taken at their exact value.
        w_star
            The coefficients on the coordinates of the covariance, shape (d,).
        noise
            sigma^2.

        Raises
        ------
        InvalidArgumentError
            If the covariance is not square, symmetric and positive definite, or the shapes differ.

        Examples
        --------
        >>> problem = Problem.from_covariance([[2, 1], [1, 2]], [1, 0])
        >>> [round(float(value), 12) for value in problem.spectrum.values]
        [3.0, 1.0]
        """
        from qtheory.model.conditional import from_covariance

        return cls(*from_covariance(covariance, w_star, noise))

    @classmethod
    def from_data(cls, X: Any, y: Any, covariates: Covariates | None = None) -> Problem:
        """The problem with the second moments of a real table, Gaussian unless told otherwise.

        Its ``assumptions`` have the fourth moments of the table and which law they are like.

        Parameters
        ----------
        X
            Table of shape (n, d), n >= 2 rows.
        y
            Labels of shape (n,).
        covariates
            The law that takes the place of the rows; Gaussian if None.

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

        return cls.from_moments(second_moments(X, y), covariates)

    @classmethod
    def from_moments(cls, moments: SecondMoments, covariates: Covariates | None = None) -> Problem:
        """The same from the second moments, where they are needed for more than the problem."""
        return cls(
            dim=len(moments.eigenvalues),
            spectrum=Explicit(moments.eigenvalues),
            target=Explicit(moments.coefficients),
            noise=moments.residual_variance,
            assumptions=moments.assumptions,
            covariates=covariates,
        )


_FEATURES = (
    "covariates is {}, but features are learned of Gaussian data: only then is what they miss of "
    "the label noise that is independent of them"
)


def _listed(name: str, values: Explicit) -> str:
    """At most four of the values, by name."""
    first = [f"{float(v):.6g}" if values.radii else latex_of(v) for v in values.values[:4]]
    if len(values.values) > len(first):
        first.append(r"\dots")
    return f"{name} = ({', '.join(first)})"
