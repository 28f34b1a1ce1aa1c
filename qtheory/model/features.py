r"""What is learned from is not x itself: a sketch S x of it, or data of a full covariance.

With z = S x, Sigma = S H S^T = U diag(s) U^T and v* = Sigma^{-1} S H w*, what the features miss of
the label, <w*, x> - <v*, z>, is Gaussian and independent of z: label noise of variance

.. math:: \mathrm{perp} = \|w^*\|_H^2 - \|v^*\|_\Sigma^2 .

So learning from z is the problem with spectrum s, target U^T v* and noise sigma^2 + perp, in which
a model v has the excess risk of that problem plus perp/2. Eigenvalues, coefficients and perp are
irrational: they are kept as midpoints and radii of proved balls.

Source: Lin, Wu, Kakade, Bartlett, Lee (arXiv:2406.08466) and Zhang, Tang, Liang, Zou
(arXiv:2602.19241) learn in a Gaussian sketch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import flint
import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError, PrecisionError
from qtheory.model.coordinates import spectrum_and_target
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.precision import working_bits
from qtheory.numbers.symmetric import Eigen, eigen

if TYPE_CHECKING:
    from qtheory.model.problem import Problem

#: Eigenvalues and eigenvectors are right to about this many bits of the largest eigenvalue.
BITS = 264
GUARD_BITS = 64
# Columns of a sketch that are in memory as balls at a time.
_COLUMNS = 1000

#: A matrix as rows of exact numbers: Python's floats and integers, or rational numbers.
Rows = tuple[tuple[Any, ...], ...]
Floats = Any


@dataclass(frozen=True, eq=False)
class FeatureMoments:
    """E z z^T (a list if it is diagonal), E z <w*, x>, and E <w*, x>^2, in balls."""

    covariance: list[flint.arb] | flint.arb_mat
    correlation: list[flint.arb]
    energy: flint.arb

    def learnable(self) -> flint.arb:
        """||v*||_Sigma^2 = b^T Sigma^-1 b, over the features that have a variance."""
        sigma, b = self.matrix, self.correlation
        there = [k for k in range(len(b)) if sigma[k, k] != 0]
        block = flint.arb_mat([[sigma[j, k] for k in there] for j in there])
        solved = block.solve(flint.arb_mat([[b[k]] for k in there]))
        return inner([b[k] for k in there], [solved[k, 0] for k in range(len(there))])

    @property
    def matrix(self) -> flint.arb_mat:
        """E z z^T in full."""
        if isinstance(self.covariance, flint.arb_mat):
            return self.covariance
        n = len(self.covariance)
        return flint.arb_mat(
            [[self.covariance[j] if j == k else 0 for k in range(n)] for j in range(n)]
        )


@dataclass(frozen=True)
class Covariance:
    """Gaussian data with a full covariance, and the coefficients on its own coordinates."""

    matrix: Rows
    coefficients: tuple[sp.Expr, ...]
    noise: sp.Expr

    def __repr__(self) -> str:
        return f"Covariance({len(self.matrix)} x {len(self.matrix)})"

    def second_moments(self) -> FeatureMoments:
        """At the working precision."""
        matrix = _ball_matrix(self.matrix)
        balls = Balls(bits=flint.ctx.prec)
        target = [evaluate(value, {}, balls) for value in self.coefficients]
        correlation = _times(matrix, target)
        return FeatureMoments(matrix, correlation, inner(target, correlation))


@dataclass(frozen=True)
class Features:
    """What the features of a problem are.

    Attributes
    ----------
    base
        The problem of x: its features are sketched if it has some itself.
    size
        M, how many features there are.
    seed, matrix
        S as it was given: by its seed, by its rows, or by neither, which is the identity.
    perp
        The variance of the label that the features miss, the midpoint of a proved ball.
    perp_radius
        The radius of that ball.
    """

    base: Problem | Covariance
    size: int
    seed: int | None = None
    matrix: Rows | None = None
    perp: sp.Rational = sp.S.Zero
    perp_radius: sp.Rational = sp.S.Zero

    def __repr__(self) -> str:
        what = "" if self.seed is None else f", seed={self.seed}"
        what = what if self.matrix is None else ", matrix=..."
        return f"Features(size={self.size}{what}, perp={float(self.perp):.6g})"

    @property
    def sketching(self) -> sp.Rational:
        """What no model on these features can learn: perp/2 of excess risk."""
        return self.perp / 2

    @property
    def base_noise(self) -> sp.Expr:
        """sigma^2 of the labels, without what the features miss."""
        if not isinstance(self.base, Covariance) and self.base.features is not None:
            return self.base.features.base_noise
        return self.base.noise

    def rows(self) -> Rows | None:
        """S, whose entries are exact binary numbers; None for the identity."""
        if self.seed is None:
            return self.matrix
        rng = np.random.Generator(np.random.PCG64(self.seed))
        entries = rng.standard_normal((self.size, width_of(self.base))) / np.sqrt(self.size)
        return tuple(map(tuple, entries.tolist()))

    def second_moments(self) -> FeatureMoments:
        """Those of the features, at the working precision."""
        base, rows = _second_moments(self.base), self.rows()
        if rows is None:
            return base
        covariance = flint.arb_mat(len(rows), len(rows))
        correlation = [flint.arb(0)] * len(rows)
        if isinstance(base.covariance, flint.arb_mat):
            sketch = _ball_matrix(rows)
            covariance = sketch * base.covariance * sketch.transpose()
            return FeatureMoments(covariance, _times(sketch, base.correlation), base.energy)
        for begin in range(0, len(base.covariance), _COLUMNS):
            part = slice(begin, begin + _COLUMNS)
            sketch = _ball_matrix([row[part] for row in rows])
            scaled = _with_columns_scaled(sketch, base.covariance[part])
            covariance += scaled * sketch.transpose()
            products = _times(sketch, base.correlation[part])
            correlation = [a + b for a, b in zip(correlation, products, strict=True)]
        return FeatureMoments(covariance, correlation, base.energy)

    def more_than_data(self) -> tuple[flint.arb_mat, list[flint.arb]] | None:
        """S H^(1/2) and H^(1/2) w* where eigenvalues are not 0, if those are fewer than features.

        None if they are not.
        """
        rows, moments = self.rows(), _second_moments(self.base)
        if rows is None:
            return None
        if isinstance(moments.covariance, flint.arb_mat):
            most = len(moments.correlation)
            if len(rows) > most:
                allowed = f"at most {most}, as many as there are features to sketch"
                raise InvalidArgumentError("size", self.size, allowed)
            return None
        there = [k for k, value in enumerate(moments.covariance) if value != 0]
        if len(rows) <= len(there):
            return None
        roots = [moments.covariance[k].sqrt() for k in there]
        signal = [moments.correlation[k] / root for k, root in zip(there, roots, strict=True)]
        kept = _ball_matrix([[row[k] for k in there] for row in rows])
        return _with_columns_scaled(kept, roots), signal

    def sampled_from(self) -> tuple[Floats, Floats]:
        """F and theta, by which the update is sampled.

        For standard normals g the features are F g, and <theta, g> is what they tell of the label.
        """
        with working_bits(BITS + GUARD_BITS):
            thin = self.more_than_data()
            if thin is not None:
                return _floats(thin[0].tolist()), _floats(thin[1])
            moments = self.second_moments()
            found = eigenbasis_of(moments.matrix, self)
            pairs = zip(found.values, found.coordinates(moments.correlation), strict=True)
            theta = [product / value.sqrt() for value, product in pairs if value != 0]
            kept = [k for k, value in enumerate(found.values) if value != 0]
            roots = [found.values[k].sqrt() for k in kept]
            vectors = [[row[k] for k in kept] for row in found.vectors.tolist()]
            scaled = _with_columns_scaled(flint.arb_mat(vectors), roots)
            return _floats(scaled.tolist()), _floats(theta)


def eigenbasis_of(matrix: flint.arb_mat, features: Features) -> Eigen:
    """Of a matrix that the features make; an error says what usually is the cause."""
    try:
        return eigen(matrix, BITS)
    except PrecisionError as error:
        raise PrecisionError(
            f"the {features.size} features have no eigenbasis that can be computed: {error}. "
            "Features that repeat each other, or of equal variance and correlated, do so"
        ) from error


# --- balls and matrices --------------------------------------------------------------------------


def _second_moments(base: Problem | Covariance) -> FeatureMoments:
    if isinstance(base, Covariance):
        return base.second_moments()
    if base.features is not None:
        return base.features.second_moments()
    balls = Balls(bits=flint.ctx.prec)
    eigenvalues, target = spectrum_and_target(base, balls)
    correlation = [value * w for value, w in zip(eigenvalues, target, strict=True)]
    return FeatureMoments(list(eigenvalues), correlation, inner(target, correlation))


def width_of(base: Problem | Covariance) -> int:
    """How many numbers a sketch is made of."""
    return len(base.matrix) if isinstance(base, Covariance) else int(base.dim)


def _floats(values: Any) -> Floats:
    """Midpoints of balls, in lists of any depth."""
    if isinstance(values, list):
        return np.array([_floats(entry) for entry in values])
    return np.float64(float(values.mid()))


def _ball_matrix(rows: Any) -> flint.arb_mat:
    return flint.arb_mat([[_ball(entry) for entry in row] for row in rows])


def _ball(entry: Any) -> flint.arb:
    if isinstance(entry, sp.Rational):
        return flint.arb(flint.fmpq(int(entry.p), int(entry.q)))
    return flint.arb(entry)


def _with_columns_scaled(matrix: flint.arb_mat, factors: list[flint.arb]) -> flint.arb_mat:
    return flint.arb_mat(
        [[entry * by for entry, by in zip(row, factors, strict=True)] for row in matrix.tolist()]
    )


def _times(matrix: flint.arb_mat, vector: list[flint.arb]) -> list[flint.arb]:
    product = matrix * flint.arb_mat([[entry] for entry in vector])
    return [product[k, 0] for k in range(matrix.nrows())]


def inner(left: Any, right: Any) -> flint.arb:
    """The inner product of two vectors of balls."""
    return sum((a * b for a, b in zip(left, right, strict=True)), flint.arb(0))
