"""Certified eigenvalues beside mpmath's eigsy, and what must be refused."""

import flint
import mpmath
import numpy as np
import pytest

from qtheory.errors import PrecisionError
from qtheory.numbers import symmetric
from qtheory.numbers.precision import working_bits
from qtheory.numbers.symmetric import eigen

BITS = 200


def sketch_covariance(n, eigenvalue, columns=None):
    """S H S^T as floats and in balls, for a Gaussian S."""
    columns = columns or 2 * n
    entries = np.random.default_rng(n).standard_normal((n, columns)) / np.sqrt(n)
    with working_bits(BITS + 100):
        sketch = flint.arb_mat(entries.tolist())
        spectrum = [eigenvalue(i) for i in range(1, columns + 1)]
        scaled = [[a * b for a, b in zip(row, spectrum, strict=True)] for row in sketch.tolist()]
        return flint.arb_mat(scaled) * sketch.transpose()


def power_law(i):
    return flint.arb(1) / i**2


def exponential(i):
    return (-flint.arb(i)).exp()


def as_mpf(ball):
    mantissa, exponent = ball.mid().man_exp()
    return mpmath.mpf(int(mantissa)) * mpmath.mpf(2) ** int(exponent)


@pytest.mark.parametrize(
    ("n", "eigenvalue", "columns"),
    [(2, power_law, 4), (8, power_law, 60), (20, power_law, 40), (24, exponential, 24)],
)
def test_values_and_coordinates_are_those_of_eigsy(n, eigenvalue, columns):
    matrix = sketch_covariance(n, eigenvalue, columns)
    found = eigen(matrix, BITS)
    vector = [flint.arb(k + 1) / 7 for k in range(n)]
    coordinates = found.coordinates(vector)
    with mpmath.workprec(2 * BITS):
        rows = [[as_mpf(matrix[j, k]) for k in range(n)] for j in range(n)]
        values, vectors = mpmath.eigsy(mpmath.matrix(rows))
        order = sorted(range(n), key=lambda k: -values[k])
        for ball, place in zip(found.values, order, strict=True):
            assert abs(as_mpf(ball) - values[place]) <= as_mpf(ball.rad()) + mpmath.mpf(2) ** -380
            assert ball.rad() < flint.arb(2) ** (40 - BITS)
        for ball, place in zip(coordinates, order, strict=True):
            exact = sum((mpmath.mpf(j + 1) / 7) * vectors[j, place] for j in range(n))
            assert abs(abs(as_mpf(ball)) - abs(exact)) <= as_mpf(ball.rad()) + mpmath.mpf(2) ** -380


def test_radii_of_the_matrix_are_in_those_of_the_eigenvalues():
    """The ends of the balls have eigenvalues that the enclosure must hold."""
    radius = flint.arb(2) ** -40
    wide = flint.arb_mat([[flint.arb(2, radius), 1], [1, flint.arb(2, radius)]])
    values = eigen(wide, 100).values
    for end in (-radius, radius):
        assert values[0].contains(3 + end)
        assert values[1].contains(1 + end)
    assert values[0].rad() < 8 * radius


def test_equal_eigenvalues_of_blocks_apart_are_no_matter():
    found = eigen(flint.arb_mat([[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1.5]]), 100)
    assert [float(value) for value in found.values[1:3]] == [2, 2]
    assert float(found.values[0]) == pytest.approx(1.25 + 17**0.5 / 4)


@pytest.mark.parametrize(
    "rows",
    [
        [[2, 1, 1], [1, 2, 1], [1, 1, 2]],  # 4, 1, 1
        [[1, 1, 1], [1, 1, 1], [1, 1, 1]],  # 3, 0, 0
    ],
)
def test_a_cluster_is_refused(rows):
    with pytest.raises(PrecisionError, match="cannot be told apart"):
        eigen(flint.arb_mat(rows), 100)


def test_a_wrong_eigenvector_widens_the_balls(monkeypatch):
    """The negative control of the certificate: it does not trust the refinement."""
    right = symmetric._refined

    def wrong(*arguments):
        vectors = right(*arguments)
        vectors[0, 0] += flint.arb(2) ** -30
        return vectors

    exact = eigen(sketch_covariance(6, power_law), BITS)
    monkeypatch.setattr(symmetric, "_refined", wrong)
    found = eigen(sketch_covariance(6, power_law), BITS)
    assert max(map(float, found.distances)) > 2**-33
    assert all(a.overlaps(b) for a, b in zip(found.values, exact.values, strict=True))
    assert max(float(value.rad()) for value in found.values) > 2**-70


def test_an_eigenvector_that_is_none_is_refused(monkeypatch):
    def wrong(matrix, vectors, bits, precision):
        return flint.arb_mat(matrix.nrows(), matrix.nrows(), [1] * matrix.nrows() ** 2)

    monkeypatch.setattr(symmetric, "_refined", wrong)
    with pytest.raises(PrecisionError, match="cannot be told apart"):
        eigen(sketch_covariance(6, power_law), BITS)
