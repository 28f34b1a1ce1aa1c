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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import flint
import numpy as np
import sympy as sp

from qtheory.errors import CostError, InvalidArgumentError, PrecisionError
from qtheory.model.coordinates import spectrum_and_target
from qtheory.model.spectra import Explicit
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.exact import Number, exact, nonnegative, require_numeric, whole
from qtheory.numbers.precision import working_bits
from qtheory.numbers.symmetric import eigen

if TYPE_CHECKING:
    from qtheory.model.problem import Problem

#: Eigenvalues and eigenvectors are right to about this many bits of the largest eigenvalue.
BITS = 264
_GUARD_BITS = 64
_LARGEST_SEED = 10**1000
_LONGEST_SECONDS = 3600
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
        inner = flint.arb_mat([[sigma[j, k] for k in there] for j in there])
        solved = inner.solve(flint.arb_mat([[b[k]] for k in there]))
        return _inner([b[k] for k in there], [solved[k, 0] for k in range(len(there))])

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
        return FeatureMoments(matrix, correlation, _inner(target, correlation))


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
        entries = rng.standard_normal((self.size, _size_of(self.base))) / np.sqrt(self.size)
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
        with working_bits(BITS + _GUARD_BITS):
            thin = self.more_than_data()
            if thin is not None:
                return _floats(thin[0].tolist()), _floats(thin[1])
            moments = self.second_moments()
            found = _eigen(moments.matrix, self)
            pairs = zip(found.values, found.coordinates(moments.correlation), strict=True)
            theta = [product / value.sqrt() for value, product in pairs if value != 0]
            kept = [k for k, value in enumerate(found.values) if value != 0]
            roots = [found.values[k].sqrt() for k in kept]
            vectors = [[row[k] for k in kept] for row in found.vectors.tolist()]
            scaled = _with_columns_scaled(flint.arb_mat(vectors), roots)
            return _floats(scaled.tolist()), _floats(theta)


# --- problems of features -------------------------------------------------------------------------


class Conditional(NamedTuple):
    """The arguments of the problem of learning from features, given S."""

    dim: int
    spectrum: Explicit
    target: Explicit
    noise: sp.Expr
    assumptions: tuple[str, ...]
    features: Features


def sketched(problem: Problem, size: Number | None, seed: Any, matrix: Any) -> Conditional:
    """The arguments of :meth:`Problem.sketched`."""
    require_numeric(problem.dim, "dim")
    if problem.dim is sp.oo:
        raise InvalidArgumentError("dim", problem.dim, "finite where a sketch is drawn")
    columns = _size_of(problem)
    if matrix is not None:
        rows = _matrix(matrix, "matrix", f"with {columns} columns, one for each coordinate of x")
        if len(rows[0]) != columns:
            allowed = f"with {columns} columns, one for each coordinate of x"
            raise InvalidArgumentError("matrix", f"{len(rows)} x {len(rows[0])}", allowed)
        if size is not None and size != len(rows):
            raise InvalidArgumentError("size", size, "left out, or the number of rows of matrix")
        return _conditional(Features(problem, len(rows), matrix=rows))
    if size is None:
        raise InvalidArgumentError("size", size, "given, or matrix in its place")
    return _conditional(
        Features(problem, whole(size, "size", 1), whole(seed, "seed", 0, _LARGEST_SEED))
    )


def from_covariance(covariance: Any, w_star: Any, noise: Number) -> Conditional:
    """The arguments of :meth:`Problem.from_covariance`."""
    rows = _matrix(covariance, "covariance", "square and symmetric")
    if len(rows) != len(rows[0]):
        shape = f"{len(rows)} x {len(rows[0])}"
        raise InvalidArgumentError("covariance", shape, "square and symmetric")
    for j, row in enumerate(rows):
        for k in range(j):
            if row[k] != rows[k][j]:
                value = f"{row[k]}, but {rows[k][j]} at [{k}, {j}]"
                allowed = "symmetric, entry by entry: (H + H.T) / 2 is"
                raise InvalidArgumentError(f"covariance[{j}, {k}]", value, allowed)
    coefficients = Explicit(w_star).values
    for value in coefficients:
        require_numeric(value, "w_star")
    if len(coefficients) != len(rows):
        raise InvalidArgumentError(
            "w_star", f"{len(coefficients)} numbers", f"{len(rows)}, as covariance has rows"
        )
    base = Covariance(rows, coefficients, nonnegative(noise, "noise"))
    return _conditional(Features(base, len(rows)))


def _conditional(features: Features) -> Conditional:
    _require_affordable(features)
    with working_bits(BITS + _GUARD_BITS):
        found = _beyond_rank(features) or _within_rank(features)
        values, coefficients, perp = found
    base = features.base
    assumptions = () if isinstance(base, Covariance) else base.assumptions
    if len(values) < features.size:
        more = features.size - len(values)
        assumptions += (
            f"size is {features.size}, but the data have {len(values)} eigenvalues that are not 0: "
            f"{more} directions of the sketch carry no data, so their eigenvalue is 0.",
        )
        values += [flint.arb(0)] * more
        coefficients += [flint.arb(0)] * more
    middle, radius = _middle_and_radius(perp)
    known = replace(features, perp=middle, perp_radius=radius)
    return Conditional(
        len(values),
        _enclosed(values),
        _enclosed(coefficients),
        features.base_noise + middle,
        assumptions,
        known,
    )


_Found = tuple[list[flint.arb], list[flint.arb], flint.arb]


def _within_rank(features: Features) -> _Found:
    """By the covariance of the features: s, U^T b / s and ||w*||_H^2 - b^T Sigma^{-1} b."""
    moments = features.second_moments()
    found = _eigen(moments.matrix, features)
    products = found.coordinates(moments.correlation)
    coefficients = []
    for value, product in zip(found.values, products, strict=True):
        if value == 0:  # exactly: a feature without data
            coefficients.append(flint.arb(0))
            continue
        if not value > 0:
            _refuse(features, value)
        coefficients.append(product / value)
    perp = moments.energy - _inner(products, coefficients)
    square = features.size == _size_of(features.base) and all(v > 0 for v in found.values)
    if (isinstance(features.base, Covariance) and features.rows() is None) or square:
        perp = flint.arb(0)  # an invertible S misses nothing
    return found.values, coefficients, _nonnegative(perp)


def _beyond_rank(features: Features) -> _Found | None:
    """With more features than eigenvalues: by H^(1/2) S^T S H^(1/2), which has no kernel.

    Its eigenvectors are those of Sigma, from the other side of S H^(1/2) = U diag(sqrt s) W^T, so
    U^T v* = s^(-1/2) W^T H^(1/2) w*, and nothing is missed.
    """
    thin = features.more_than_data()
    if thin is None:
        return None
    sketch, signal = thin
    found = _eigen(sketch.transpose() * sketch, features)
    for value in found.values:
        if not value > 0:
            _refuse(features, value)
    products = found.coordinates(signal)
    coefficients = [p / value.sqrt() for p, value in zip(products, found.values, strict=True)]
    return found.values, coefficients, flint.arb(0)


def _eigen(matrix: flint.arb_mat, features: Features) -> Any:
    try:
        return eigen(matrix, BITS)
    except PrecisionError as error:
        raise PrecisionError(
            f"the {features.size} features have no eigenbasis that can be computed: {error}. "
            "Features that repeat each other, or of equal variance and correlated, do so"
        ) from error


def _refuse(features: Features, value: flint.arb) -> None:
    shown = f"{float(value.mid()):.6g}"
    if features.rows() is None:
        shown = f"one with the eigenvalue {shown}"
        raise InvalidArgumentError("covariance", shown, "positive definite")
    shown = f"one whose features have a covariance with the eigenvalue {shown}"
    raise InvalidArgumentError("matrix", shown, "of full rank: rows that depend on others repeat")


def _require_affordable(features: Features) -> None:
    size, base = features.size, _size_of(features.base)
    least = min(size, base)
    seconds = 8e-8 * least**3 + 1e-8 * size * base * least
    if seconds > _LONGEST_SECONDS:
        raise CostError(
            f"size is {size} in dimension {base}: the eigenvalues would take about "
            f"{seconds / 3600:.2g} hours; the limit is {_LONGEST_SECONDS / 3600:.2g} hours"
        )


# --- balls and matrices ---------------------------------------------------------------------------


def _second_moments(base: Problem | Covariance) -> FeatureMoments:
    if isinstance(base, Covariance):
        return base.second_moments()
    if base.features is not None:
        return base.features.second_moments()
    balls = Balls(bits=flint.ctx.prec)
    eigenvalues, target = spectrum_and_target(base, balls)
    correlation = [value * w for value, w in zip(eigenvalues, target, strict=True)]
    return FeatureMoments(list(eigenvalues), correlation, _inner(target, correlation))


def _size_of(base: Problem | Covariance) -> int:
    return len(base.matrix) if isinstance(base, Covariance) else int(base.dim)


def _floats(values: Any) -> Floats:
    """Midpoints of balls, in lists of any depth."""
    if isinstance(values, list):
        return np.array([_floats(entry) for entry in values])
    return np.float64(float(values.mid()))


def _enclosed(balls: list[flint.arb]) -> Explicit:
    pairs = [_middle_and_radius(ball) for ball in balls]
    return Explicit([middle for middle, _ in pairs], [radius for _, radius in pairs])


def _middle_and_radius(ball: flint.arb) -> tuple[sp.Rational, sp.Rational]:
    return exact(ball.mid(), "a midpoint"), exact(ball.rad(), "a radius")


def _nonnegative(ball: flint.arb) -> flint.arb:
    """A ball around what of it is not negative."""
    if ball >= 0:
        return ball
    half = ball.abs_upper() / 2
    return flint.arb(half.mid(), half.abs_upper())


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


def _inner(left: Any, right: Any) -> flint.arb:
    return sum((a * b for a, b in zip(left, right, strict=True)), flint.arb(0))


def _matrix(values: Any, name: str, allowed: str) -> Rows:
    """Rows of exact numbers."""
    try:
        array = np.asarray(values, dtype=object if _holds_objects(values) else None)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(name, values, f"a matrix {allowed} ({error})") from None
    if array.ndim != 2 or 0 in array.shape:
        value = f"an array of shape {array.shape}"
        raise InvalidArgumentError(name, value, f"a matrix {allowed}")
    if array.dtype.kind not in "fiuO":
        raise InvalidArgumentError(name, values, f"a matrix of real numbers {allowed}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        j, k = np.argwhere(~np.isfinite(array))[0]
        raise InvalidArgumentError(f"{name}[{j}, {k}]", float(array[j, k]), "a finite number")
    if array.dtype.kind == "O" or array.dtype.itemsize > 8:
        return tuple(
            tuple(_rational(entry, f"{name}[{j}, {k}]") for k, entry in enumerate(row))
            for j, row in enumerate(array)
        )
    return tuple(map(tuple, array.tolist()))


def _holds_objects(values: Any) -> bool:
    """Whether NumPy would make text or other floats of what a list holds."""
    if isinstance(values, np.ndarray):
        return False
    return any(not isinstance(entry, float | int | np.number) for entry in _entries(values))


def _entries(values: Any) -> Iterator[Any]:
    for row in values:
        yield from row if isinstance(row, list | tuple) else ()


def _rational(value: Any, name: str) -> sp.Rational:
    number = exact(value, name)
    require_numeric(number, name)
    if not number.is_Rational:
        raise InvalidArgumentError(name, value, "a rational number")
    return number
