r"""Eigenvalues and eigenvectors of a symmetric matrix of balls, with proved errors.

Approximate eigenvectors X of float64 are refined (Ogita, Aishima, Japan J. Indust. Appl. Math. 35,
2018): each step doubles the digits. Then, with R = I - X^T X and B = X^T A X, the matrix
(X^T X)^{-1} B is similar to A, and differs from the diagonal of B by at most

    |B - diag B| + |R| |B| / (1 - ||R||)     (entry by entry, with row sums of |R| |B|),

so that Gershgorin's discs around its diagonal hold the eigenvalues; where they are disjoint, one
each. A unit eigenvector u and an approximation x of length 1 have, up to a sign,
|u - x| <= sqrt(2) |A x - mu x| / g, where g is the distance of mu to all other eigenvalues.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import flint
import numpy as np

from qtheory.errors import PrecisionError
from qtheory.numbers.precision import working_bits

_STEPS = 20
_FLOAT_BITS = 32
_GUARD_BITS = 64
_SMALL = 1e-3


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
        column = flint.arb_mat([[entry] for entry in vector])
        length = _length(vector)
        products = self.vectors.transpose() * column
        return [
            products[k, 0] + flint.arb(0, (length * distance).abs_upper())
            for k, distance in enumerate(self.distances)
        ]


def eigen(matrix: flint.arb_mat, bits: int) -> Eigen:
    """The eigenvalues and eigenvectors of a symmetric matrix to about so many bits.

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
    with working_bits(bits):
        refined = _refined(matrix.mid(), bits)
        return _certified(matrix, refined)


def _refined(matrix: flint.arb_mat, bits: int) -> flint.arb_mat:
    """Eigenvectors whose residuals are about 2^-bits, from those of float64."""
    n = matrix.nrows()
    floats = np.array([[float(matrix[j, k]) for k in range(n)] for j in range(n)])
    order = np.linalg.eigh((floats + floats.T) / 2)[1][:, ::-1]
    vectors = flint.arb_mat([[flint.arb(float(entry)) for entry in row] for row in order])
    identity = flint.arb_mat(n, n, [int(j == k) for j in range(n) for k in range(n)])
    accuracy = _FLOAT_BITS  # of the eigenvectors
    for _ in range(_STEPS):
        with working_bits(min(bits, 2 * accuracy + _GUARD_BITS)):
            transposed = vectors.transpose()
            defect = (identity - transposed * vectors).mid().tolist()
            product = (transposed * (matrix * vectors).mid()).mid().tolist()
            values = [product[k][k] / (1 - defect[k][k]) for k in range(n)]
            correction = [
                [
                    half / 2 if value == other else (entry + other * half) / (other - value)
                    for entry, half, other in zip(*rows, values, strict=True)
                ]
                for *rows, value in zip(product, defect, values, strict=True)
            ]
            vectors = (vectors + vectors * flint.arb_mat(correction)).mid()
        size = max(max(abs(float(entry)) for entry in row) for row in correction)
        if accuracy >= bits or size == 0:
            break
        # each step squares what is wrong, once that is small
        accuracy = min(bits, int(-2 * np.log2(size))) if size < _SMALL else _FLOAT_BITS
    return vectors


def _certified(matrix: flint.arb_mat, vectors: flint.arb_mat) -> Eigen:
    n = matrix.nrows()
    transposed = vectors.transpose()
    image = matrix * vectors
    product = (transposed * image).tolist()
    gram = (transposed * vectors).tolist()
    defect = [
        sum((abs(gram[j][k] - (j == k)).abs_upper() for k in range(n)), flint.arb(0))
        for j in range(n)
    ]
    rho = max(defect, key=float)
    if not rho < 1:
        raise PrecisionError("the eigenvectors of a matrix are not known well enough")
    largest = max((_row_sum(row) for row in product), key=float)
    values, radii = [product[j][j].mid() for j in range(n)], []
    for j, row in enumerate(product):
        around = sum((abs(row[k]).abs_upper() for k in range(n) if k != j), flint.arb(0))
        own = flint.arb(0, row[j].rad()).abs_upper()
        radii.append(around + own + rho / (1 - rho) * largest)
    balls = [flint.arb(v, r.abs_upper()) for v, r in zip(values, radii, strict=True)]
    return _separated(balls, vectors, image)


def _separated(balls: list[flint.arb], vectors: flint.arb_mat, image: flint.arb_mat) -> Eigen:
    """The eigenpairs in order, if the eigenvalues are disjoint."""
    order = sorted(range(len(balls)), key=lambda k: float(balls[k]), reverse=True)
    for left, right in pairwise(order):
        if not balls[left] > balls[right]:
            raise PrecisionError(
                "two eigenvalues of a matrix are so close that they cannot be told apart"
            )
    columns, moved = vectors.transpose().tolist(), image.transpose().tolist()
    distances, units = [], []
    for place, k in enumerate(order):
        gaps = [
            (balls[k] - balls[order[other]]).abs_lower()
            for other in (place - 1, place + 1)
            if 0 <= other < len(order)
        ]
        residual = _length(
            [a - balls[k].mid() * b for a, b in zip(moved[k], columns[k], strict=True)]
        )
        length = _length(columns[k])
        near = residual / length / min(gaps, key=float) if gaps else flint.arb(0)
        distances.append((near * flint.arb(2).sqrt() + abs(1 - length)).abs_upper())
        units.append(columns[k])
    return Eigen([balls[k] for k in order], flint.arb_mat(units).transpose(), distances)


def _row_sum(row: list[flint.arb]) -> flint.arb:
    return sum((abs(entry).abs_upper() for entry in row), flint.arb(0))


def _length(vector: list[flint.arb]) -> flint.arb:
    """The length of a vector, or of the longest in its balls."""
    squares = (entry * entry for entry in vector)
    return sum((square.max(flint.arb(0)) for square in squares), flint.arb(0)).sqrt()
