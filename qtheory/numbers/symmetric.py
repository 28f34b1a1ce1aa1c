r"""Eigenvalues and eigenvectors of a symmetric matrix of balls, with proved errors.

Approximate eigenvectors X of float64 are refined (Ogita, Aishima, Japan J. Indust. Appl. Math. 35,
2018): each step doubles the digits. Then, with R = I - X^T X and B = X^T A X, the matrix
(X^T X)^{-1} B is similar to A, and differs from the diagonal of B by at most

    |B - diag B| + |R| |B| / (1 - ||R||)     (entry by entry, with row sums of |R| |B|),

so that Gershgorin's discs around its diagonal hold the eigenvalues; where they are disjoint, one
each. A unit eigenvector u and an approximation x of length 1 have, up to a sign,
|u - x| <= sqrt(2) |A x - mu x| / g, where g is the distance of mu to all other eigenvalues.

Where zeros split the matrix into blocks, each is done by itself: a diagonal matrix has its own
entries as eigenvalues, equal ones too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import flint
import numpy as np

from qtheory.errors import PrecisionError
from qtheory.numbers.precision import working_bits

_STEPS = 12
_FIRST_BITS = 128
_GUARD_BITS = 48
_SLACK_BITS = 24  # that a step may be short of, rather than be taken once more
# Up to this size a matrix that float64 cannot begin with is begun at full precision, in a second.
_LARGEST_FULL_START = 128
_TOO_CLOSE = "two eigenvalues of a matrix are so close that they cannot be told apart"


@dataclass(frozen=True, eq=False)
class Eigen:
    """Eigenvalues from the largest to the smallest, and eigenvectors as approximations.

    Attributes
    ----------
    values
        One ball for each eigenvalue.
    vectors
        The columns approximate eigenvectors of length 1, exact numbers.
    distances
        How far an eigenvector is from its approximation at most, up to its sign.
    """

    values: list[flint.arb]
    vectors: flint.arb_mat
    distances: list[flint.arb]

    def coordinates(self, vector: list[flint.arb]) -> list[flint.arb]:
        """The inner products of a vector with the eigenvectors, up to their signs."""
        products = self.vectors.transpose() * flint.arb_mat([[entry] for entry in vector])
        length = _longest(vector)
        return [
            products[k, 0] + flint.arb(0, (length * distance).abs_upper())
            for k, distance in enumerate(self.distances)
        ]


def eigen(matrix: flint.arb_mat, bits: int) -> Eigen:
    """The eigenvalues and eigenvectors of a symmetric matrix, right to about this many bits.

    Raises
    ------
    PrecisionError
        If two eigenvalues are so close that they cannot be told apart.

    Examples
    --------
    >>> found = eigen(flint.arb_mat([[2, 1], [1, 2]]), 100)
    >>> [value.str(20, radius=False) for value in found.values]
    ['3.0000000000000000000', '1.0000000000000000000']
    """
    n = matrix.nrows()
    rows = matrix.tolist()
    pairs: list[tuple[flint.arb, list[flint.arb], flint.arb]] = []
    with working_bits(bits):
        for places in _blocks(rows):
            block = flint.arb_mat([[rows[j][k] for k in places] for j in places])
            for value, column, distance in _eigenpairs(block, bits):
                vector = [flint.arb(0)] * n
                for place, entry in zip(places, column, strict=True):
                    vector[place] = entry
                pairs.append((value, vector, distance))
        pairs.sort(key=lambda pair: float(pair[0].mid()), reverse=True)
        values, columns, distances = (list(part) for part in zip(*pairs, strict=True))
        return Eigen(values, flint.arb_mat(columns).transpose(), distances)


def _blocks(rows: list[list[flint.arb]]) -> list[list[int]]:
    """The indices of each diagonal block, if zeros split the matrix after a permutation."""
    left = set(range(len(rows)))
    blocks = []
    while left:
        block, new = set[int](), {min(left)}
        while new:
            block |= new
            left -= new
            new = {k for j in new for k in left if rows[j][k] != 0 or not rows[j][k].is_exact()}
        blocks.append(sorted(block))
    return blocks


def _eigenpairs(
    matrix: flint.arb_mat, bits: int
) -> Iterable[tuple[flint.arb, list[flint.arb], flint.arb]]:
    if matrix.nrows() == 1:
        return [(matrix[0, 0], [flint.arb(1)], flint.arb(0))]
    middle = matrix.mid()
    try:
        return _certified(matrix, _refined(middle, _float_start(middle), bits, _FIRST_BITS))
    except PrecisionError:
        if matrix.nrows() > _LARGEST_FULL_START:
            raise
    return _certified(matrix, _refined(middle, _full_start(middle), bits, bits))


# --- approximations ------------------------------------------------------------------------------


def _float_start(matrix: flint.arb_mat) -> flint.arb_mat:
    floats = np.array([[float(entry) for entry in row] for row in matrix.tolist()])
    return flint.arb_mat(np.linalg.eigh((floats + floats.T) / 2)[1].tolist())


def _full_start(matrix: flint.arb_mat) -> flint.arb_mat:
    """Eigenvectors by the QR algorithm at full precision, of length 1 but for rounding."""
    _, found = flint.acb_mat(matrix).eig(right=True, algorithm="approx", nonstop=True)
    columns = []
    for column in found.transpose().tolist():
        largest = max(column, key=lambda entry: float(abs(entry).mid()))
        real = [(entry / largest).real.mid() for entry in column]
        length = _longest(real)
        columns.append([(entry / length).mid() for entry in real])
    return flint.arb_mat(columns).transpose()


def _refined(
    matrix: flint.arb_mat, vectors: flint.arb_mat, bits: int, precision: int
) -> flint.arb_mat:
    """Eigenvectors that are right to about this many bits, from rough ones.

    The first step is computed to the precision given.
    """
    for _ in range(_STEPS):
        vectors, right = _step(matrix, vectors, min(precision, bits))
        if precision >= bits and 2 * right + _SLACK_BITS >= bits:
            break
        # a step doubles the digits that are right, the next one sees twice those
        precision = max(precision, 4 * right + _GUARD_BITS)
    return vectors


def _step(matrix: flint.arb_mat, vectors: flint.arb_mat, bits: int) -> tuple[flint.arb_mat, int]:
    """One step of Ogita and Aishima, and how many bits of the vectors were right before it."""
    n = matrix.nrows()
    with working_bits(bits):
        transposed = vectors.transpose()
        gram = (transposed * vectors).mid().tolist()
        product = (transposed * (matrix * vectors).mid()).mid().tolist()
        values = [(product[k][k] / gram[k][k]).mid() for k in range(n)]
        correction = [
            [
                (1 - gram[j][j]) / 2
                if j == k
                else (product[j][k] - values[k] * gram[j][k]) / (values[k] - values[j])
                for k in range(n)
            ]
            for j in range(n)
        ]
    sizes = [abs(float(entry)) for row in correction for entry in row]
    if not all(size < 1 for size in sizes):  # also where one is nan: two values are equal
        raise PrecisionError(_TOO_CLOSE)
    right = min(bits, int(-np.log2(max(sizes)))) if max(sizes) > 0 else bits
    with working_bits(bits - right + _GUARD_BITS):
        change = (vectors * flint.arb_mat(correction)).mid()
    with working_bits(bits):
        return (vectors + change).mid(), right


# --- certificates --------------------------------------------------------------------------------


def _certified(
    matrix: flint.arb_mat, vectors: flint.arb_mat
) -> list[tuple[flint.arb, list[flint.arb], flint.arb]]:
    """Eigenpairs of every symmetric matrix in the balls.

    Products are taken of midpoints, which is faster; ``moved`` bounds what that changes in the
    matrix (as a norm: an eigenvalue moves by no more), ``slip`` what in a row of X^T A X.
    """
    n = matrix.nrows()
    transposed = vectors.transpose()
    gram = (transposed * vectors).tolist()
    defect = [_row_sum([gram[j][k] - (j == k) for k in range(n)]) for j in range(n)]
    rho = max(defect, key=float)
    if not rho < 1:
        raise PrecisionError(_TOO_CLOSE)
    moved = _norm_of_radii(matrix)
    image = matrix.mid() * vectors
    rounded = _norm_of_radii(image)
    slip = 2 * flint.arb(n).sqrt() * rounded  # the columns of X are no longer than 2
    product = (transposed * image.mid()).tolist()
    largest = max((_row_sum(row) for row in product), key=float) + slip
    balls = []
    for j, row in enumerate(product):
        around = _row_sum([entry for k, entry in enumerate(row) if k != j]) + row[j].rad() + slip
        radius = around + rho / (1 - rho) * largest + moved
        balls.append(flint.arb(row[j].mid(), radius.abs_upper()))
    columns, images = transposed.tolist(), image.mid().transpose().tolist()
    distances = _distances(balls, columns, images, rounded + 2 * moved)
    return list(zip(balls, columns, distances, strict=True))


def _distances(
    balls: list[flint.arb],
    columns: list[list[flint.arb]],
    images: list[list[flint.arb]],
    error: flint.arb,
) -> list[flint.arb]:
    """How far each eigenvector is from its approximation, if the eigenvalues are disjoint.

    The images A x are known but for an error of at most this length.
    """
    order = sorted(range(len(balls)), key=lambda k: float(balls[k].mid()))
    distances = [flint.arb(0)] * len(balls)
    for place, k in enumerate(order):
        gaps = []
        for other in (place - 1, place + 1):
            if 0 <= other < len(order):
                near = balls[order[other]]
                if balls[k].overlaps(near):
                    raise PrecisionError(_TOO_CLOSE)
                gaps.append((balls[k] - near).abs_lower())
        middle = balls[k].mid()
        residual = _longest([a - middle * b for a, b in zip(images[k], columns[k], strict=True)])
        length = sum((entry * entry for entry in columns[k]), flint.arb(0)).sqrt()
        # the gap is to the ends of the other balls, from any number of this one
        turned = flint.arb(2).sqrt() * (residual + error) / length / min(gaps, key=float)
        distances[k] = (turned + abs(1 - length)).abs_upper()
    return distances


def _norm_of_radii(matrix: flint.arb_mat) -> flint.arb:
    """At least the Frobenius norm of what a matrix can be off by."""
    return _longest([entry.rad() for row in matrix.tolist() for entry in row])


def _row_sum(row: list[flint.arb]) -> flint.arb:
    return sum((entry.abs_upper() for entry in row), flint.arb(0))


def _longest(vector: list[flint.arb]) -> flint.arb:
    """The length of the longest vector in the balls, at most."""
    squares = (entry.abs_upper() ** 2 for entry in vector)
    return sum(squares, flint.arb(0)).sqrt()
