"""Fourth moments of the data: the tables Q, T, Y of the exact recursion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qtheory.errors import HypothesisError
from qtheory.model.error_models import factor_moment
from qtheory.model.instance import Instance, NumericFormat
from qtheory.numbers.arithmetic import Array, Scalar


@dataclass(frozen=True, eq=False)
class DiagonalPlusLowRank:
    r"""The matrix diag(diagonal) + sum_r left_r right_r^T; a product costs O(d).

    What is the same number on all of the diagonal stands apart from the rest of it, so that the
    differences of its entries keep their digits.
    """

    # NumPy scalars must hand "factor * matrix" to __rmul__ instead of looping over it.
    __array_ufunc__ = None

    constant: Scalar
    varying: Array
    left: tuple[Array, ...]
    right: tuple[Array, ...]

    @cached_property
    def diagonal(self) -> Array:
        """The diagonal part, shape (d,)."""
        return self.varying + self.constant

    def __matmul__(self, vector: Array) -> Array:
        result = self.diagonal * vector
        for left, right in zip(self.left, self.right, strict=True):
            result = result + left * (right @ vector)
        return result

    def __add__(self, diagonal: Array) -> DiagonalPlusLowRank:
        return DiagonalPlusLowRank(self.constant, self.varying + diagonal, self.left, self.right)

    def plus(self, other: DiagonalPlusLowRank) -> DiagonalPlusLowRank:
        """The sum of two."""
        return DiagonalPlusLowRank(
            self.constant + other.constant,
            self.varying + other.varying,
            self.left + other.left,
            self.right + other.right,
        )

    def __rmul__(self, factor: Scalar) -> DiagonalPlusLowRank:
        left = tuple(factor * vector for vector in self.left)
        constant, varying = factor * self.constant, factor * self.varying
        return DiagonalPlusLowRank(constant, varying, left, self.right)

    def raised(self, constant: Scalar) -> DiagonalPlusLowRank:
        """The same with a constant more on all of the diagonal."""
        return DiagonalPlusLowRank(self.constant + constant, self.varying, self.left, self.right)

    def columns_times(self, factors: Array) -> DiagonalPlusLowRank:
        """The product with diag(factors) from the right."""
        right = tuple(vector * factors for vector in self.right)
        return DiagonalPlusLowRank(self.constant * 0, self.diagonal * factors, self.left, right)

    def dense(self) -> Array:
        """The matrix written out, shape (d, d)."""
        matrix = np.diag(self.diagonal)
        for left, right in zip(self.left, self.right, strict=True):
            matrix = matrix + np.outer(left, right)
        return matrix

    @classmethod
    def from_entries(
        cls, diagonal: Array, left: list[Array], right: list[Array], multiplicity: Array
    ) -> DiagonalPlusLowRank:
        """The matrix with this diagonal, and sum_r left_r right_r^T off the diagonal."""
        for u, v in zip(left, right, strict=True):
            diagonal = diagonal - u * v
        return cls.from_parts(0, diagonal, left, right, multiplicity)

    @classmethod
    def from_parts(
        cls,
        constant: Scalar,
        varying: Array,
        left: list[Array],
        right: list[Array],
        multiplicity: Array,
    ) -> DiagonalPlusLowRank:
        """The matrix constant + diag(varying) + sum_r left_r right_r^T.

        A coordinate that stands for several equal ones counts as often in a product.
        """
        pairs = [(u, v) for u, v in zip(left, right, strict=True) if _nonzero(u) and _nonzero(v)]
        counted = tuple(v * multiplicity for _, v in pairs)
        return cls(constant, varying, tuple(u for u, _ in pairs), counted)


@dataclass(frozen=True, eq=False)
class FourthMoments:
    r"""Q_ij = E[xq_i^2 xq_j^2], T_ij = E[xq_i^2 x_j xq_j], Y_ij = E[xq_i^2 x_j^2]."""

    Q: DiagonalPlusLowRank
    T: DiagonalPlusLowRank
    Y: DiagonalPlusLowRank


def fourth_moments(instance: Instance) -> FourthMoments:
    """The tables for xq_i = (1 + zeta + zeta_i) x_i + e_i with Gaussian zeta, zeta_i and e_i.

    The law of x enters through k = E x_i^4 / lambda_i^2 and b = E x_i^2 x_j^2 / (lambda_i
    lambda_j), 3 and 1 for Gaussian data, which multiply what is of fourth order in x.

    zeta is the shared factor of a sample, zeta_i the elementwise one, e_i the additive error.
    With f_k = E(1 + zeta)^k, the off-diagonal factor of Q is
    E[(1+zeta+zeta_i)^2 (1+zeta+zeta_j)^2] = f4 + 2 m f2 + m^2, where m = E zeta_i^2, and so on;
    m = 0 gives the shared table of section 2, zeta = 0 the elementwise one.

    Raises
    ------
    HypothesisError
        If the fourth moments of the covariates are assumed to be bounded, not known.
    """
    x, law = instance.eigenvalues, instance.fourth
    if law is None:
        raise HypothesisError(
            "covariates is FourthMoment, which bounds fourth moments and does not give them: "
            "upper_bound takes it"
        )
    if isinstance(instance.data, NumericFormat):
        return _moments_of_format(x, instance.data, instance.multiplicity)
    one, counts = x * 0 + 1, instance.multiplicity
    eps, m = instance.data.additive, instance.data.elementwise
    shared, both = instance.data.shared, instance.data.multiplicative
    f2, f3, f4 = (factor_moment(shared, power) for power in (2, 3, 4))
    h2, h3, h4 = (factor_moment(both, power) for power in (2, 3, 4))  # both factors, for i = j

    # Q_ij = b q4 l_i l_j + (f2 + m) eps (l_i + l_j) + eps^2 with q4 = f4 + 2 m f2 + m^2, which is
    # (p l_i + eps)(p l_j + eps) + (b q4 - p^2) l_i l_j with p = f2 + m, where q4 - p^2 = f4 - f2^2
    k, b, p, q4 = law.own, law.between, f2 + m, f4 + 2 * m * f2 + m**2
    if eps == 0:
        left, right = [b * q4 * x], [x]
    else:
        beside = b * (f4 - f2**2) + (b - 1) * p**2
        left, right = [p * x + eps * one, beside * x], [p * x + eps * one, x]
    # Q_ii = k h4 l_i^2 + 6 h2 eps l_i + 3 eps^2, of which the low rank has
    # b q4 l_i^2 + 2 p eps l_i + eps^2
    varying = (k * h4 - b * q4) * x**2 + (6 * h2 - 2 * p) * eps * x
    Q = DiagonalPlusLowRank.from_parts(2 * eps**2, varying, left, right, counts)
    # T_ij = b (f3 + m) l_i l_j + eps l_j
    T = DiagonalPlusLowRank.from_entries(
        k * h3 * x**2 + 3 * eps * x, [b * (f3 + m) * x + eps * one], [x], counts
    )
    # Y_ij = b (f2 + m) l_i l_j + eps l_j
    Y = DiagonalPlusLowRank.from_entries(
        k * h2 * x**2 + eps * x, [b * p * x + eps * one], [x], counts
    )
    return FourthMoments(Q, T, Y)


def _moments_of_format(x: Array, data: NumericFormat, counts: Array) -> FourthMoments:
    """An elementwise quantizer: coordinates are independent, so off the diagonal all factorises."""
    build = DiagonalPlusLowRank.from_entries
    return FourthMoments(
        Q=build(data.fourth, [data.square], [data.square], counts),
        T=build(data.cube_product, [data.square], [data.product], counts),
        Y=build(data.square_square, [data.square], [x], counts),
    )


def _nonzero(vector: Array) -> bool:
    return bool(np.any(vector != 0))
