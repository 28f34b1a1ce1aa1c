"""Problems of features: the conditional problem of a sketch, or of a full covariance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import flint
import sympy as sp

from qtheory.errors import CostError, InvalidArgumentError
from qtheory.model.features import (
    BITS,
    GUARD_BITS,
    Covariance,
    Features,
    eigenbasis_of,
    inner,
    width_of,
)
from qtheory.model.spectra import Explicit
from qtheory.numbers.arrays import exact_matrix
from qtheory.numbers.exact import Number, exact, nonnegative, require_numeric, whole
from qtheory.numbers.precision import working_bits

if TYPE_CHECKING:
    from qtheory.model.problem import Problem

_LARGEST_SEED = 10**1000
_LONGEST_SECONDS = 3600


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
    columns = width_of(problem)
    if matrix is not None:
        rows = exact_matrix(
            matrix, "matrix", f"with {columns} columns, one for each coordinate of x"
        )
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
    rows = exact_matrix(covariance, "covariance", "square and symmetric")
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
    with working_bits(BITS + GUARD_BITS):
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
    found = eigenbasis_of(moments.matrix, features)
    products = found.coordinates(moments.correlation)
    coefficients = []
    for value, product in zip(found.values, products, strict=True):
        if value == 0:  # exactly: a feature without data
            coefficients.append(flint.arb(0))
            continue
        if not value > 0:
            _refuse(features, value)
        coefficients.append(product / value)
    perp = moments.energy - inner(products, coefficients)
    square = features.size == width_of(features.base) and all(v > 0 for v in found.values)
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
    found = eigenbasis_of(sketch.transpose() * sketch, features)
    for value in found.values:
        if not value > 0:
            _refuse(features, value)
    products = found.coordinates(signal)
    coefficients = [p / value.sqrt() for p, value in zip(products, found.values, strict=True)]
    return found.values, coefficients, flint.arb(0)


def _refuse(features: Features, value: flint.arb) -> None:
    shown = f"{float(value.mid()):.6g}"
    if features.rows() is None:
        shown = f"one with the eigenvalue {shown}"
        raise InvalidArgumentError("covariance", shown, "positive definite")
    shown = f"one whose features have a covariance with the eigenvalue {shown}"
    raise InvalidArgumentError("matrix", shown, "of full rank: rows that depend on others repeat")


def _require_affordable(features: Features) -> None:
    size, base = features.size, width_of(features.base)
    least = min(size, base)
    seconds = 8e-8 * least**3 + 1e-8 * size * base * least
    if seconds > _LONGEST_SECONDS:
        raise CostError(
            f"size is {size} in dimension {base}: the eigenvalues would take about "
            f"{seconds / 3600:.2g} hours; the limit is {_LONGEST_SECONDS / 3600:.2g} hours"
        )


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
