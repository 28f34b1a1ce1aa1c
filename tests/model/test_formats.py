"""Number formats: their values, their rounding, and their certified moments."""

from fractions import Fraction
from itertools import pairwise

import flint
import gfloat
import mpmath
import numpy as np
import pytest

import qtheory as qt
from qtheory.numbers.gaussian import rounded_moments

FORMATS = [
    qt.formats.get("int4", scale="1/2"),
    qt.formats.get("int4", scale="1/8"),
    qt.formats.get("int8", scale="1/32"),
    qt.formats.get("fp8_e4m3"),
    qt.formats.get("fp8_e5m2", scale="1/3"),
]
MOMENTS = {
    "square": (2, 0),
    "product": (1, 1),
    "fourth": (4, 0),
    "cube_product": (3, 1),
    "square_square": (2, 2),
}


def rounded(number_format, variance, bits=200):
    scale = Fraction(int(number_format.scale.p), int(number_format.scale.q))
    return rounded_moments(number_format.magnitudes, scale, flint.arb(variance), bits)


def by_quadrature(number_format, variance, k, j):
    """E Q^k x^j by numerical quadrature of E[Q^k | x] over every cell, in mpmath."""
    with mpmath.workdps(30):
        grid = [mpmath.mpf(float(v)) * mpmath.mpf(number_format.scale.p) / number_format.scale.q
                for v in number_format.magnitudes]  # fmt: skip
        density = lambda x: mpmath.npdf(x, 0, mpmath.sqrt(variance))  # noqa: E731

        def inside(low, high):
            def integrand(x):
                up = (x - low) / (high - low)
                return ((1 - up) * low**k + up * high**k) * x**j * density(x)

            return integrand

        cells = pairwise(grid)
        total = mpmath.fsum(
            mpmath.quad(inside(low, high), [low, high], maxdegree=4)
            for low, high in cells
            if low < 15 * mpmath.sqrt(variance)
        )
        beyond = mpmath.quad(lambda x: grid[-1] ** k * x**j * density(x), [grid[-1], mpmath.inf])
        return 2 * (total + beyond)


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.parametrize("number_format", FORMATS[:2], ids=str)
def test_moments_against_quadrature(number_format, name):
    ball = getattr(rounded(number_format, 0.25), name)
    reference = by_quadrature(number_format, mpmath.mpf("0.25"), *MOMENTS[name])
    assert float(ball) == pytest.approx(float(reference), rel=1e-13)


@pytest.mark.parametrize("number_format", [*FORMATS, qt.formats.get("bfloat16")], ids=str)
def test_moments_are_certified_and_consistent(number_format):
    coarse, fine = rounded(number_format, 0.25, 100), rounded(number_format, 0.25, 300)
    for name in MOMENTS:
        assert getattr(coarse, name).contains(getattr(fine, name).mid())
        assert getattr(coarse, name).rel_accuracy_bits() > 60
    # E Q^2 >= (E x Q)^2 / E x^2, with equality only if Q is proportional to x
    assert fine.square > fine.product**2 / flint.arb("0.25")


def test_a_fine_grid_is_uniform_noise():
    # Far from overflow a constant step adds step^2 / 6 on average over the cell.
    step = Fraction(1, 32)
    square = rounded(qt.formats.get("int8", scale=step), 0.25).square
    assert float(square) == pytest.approx(0.25 + float(step) ** 2 / 6, rel=1e-12)


@pytest.mark.parametrize("number_format", FORMATS, ids=str)
def test_rounding_is_unbiased_inside_and_saturates_outside(number_format):
    rng = np.random.default_rng(0)
    largest = number_format.magnitudes[-1] * float(number_format.scale)
    x = np.repeat(np.linspace(-largest, largest, 41), 4000)
    values = number_format.round(x, rng).reshape(41, -1)
    spread = values.std(axis=1) / np.sqrt(4000) + 1e-12
    assert np.all(np.abs(values.mean(axis=1) - x[::4000]) < 5 * spread)
    assert number_format.round(np.array([10 * largest, -10 * largest]), rng).tolist() == [
        largest,
        -largest,
    ]


def test_values_are_fixed_points_and_those_of_gfloat():
    rng = np.random.default_rng(0)
    fp8 = qt.formats.get("fp8_e4m3")
    assert (fp8.round(fp8.magnitudes, rng) == fp8.magnitudes).all()
    info = gfloat.formats.format_info_ocp_e4m3
    decoded = {abs(gfloat.decode_float(info, code).fval) for code in range(256)}
    assert set(fp8.magnitudes) == {value for value in decoded if value == value}
    assert fp8.magnitudes[-1] == 448


@pytest.mark.parametrize("output", ["average", "last"])
@pytest.mark.parametrize("number_format", FORMATS, ids=str)
def test_the_exact_risk_of_a_format_is_what_is_simulated(number_format, output):
    problem = qt.Problem(dim=4, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    quantization = qt.Quantization(data=number_format, label=qt.Additive("0.1"))
    sgd = qt.SGD("0.1", 2, steps=40, output=output)
    exact = qt.excess_risk(problem, quantization, sgd).total
    estimate = qt.simulate(problem, quantization, sgd, replicates=4000, seed=1)
    assert abs(estimate.mean - exact) < 4 * estimate.stderr
    certified = qt.excess_risk(problem, quantization, sgd, digits=30)
    assert float(certified.total) == pytest.approx(exact, rel=1e-12)
    parts = certified.bias + certified.variance + sum(certified.by_target.values())
    assert parts.overlaps(certified.total)


def test_overflow_is_reported_as_bias():
    problem = qt.Problem(dim=2, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    sgd = qt.SGD("0.1", steps=40)
    narrow, wide = (
        qt.excess_risk(
            problem, qt.Quantization(data=qt.formats.get("int4", scale=scale)), sgd, digits=20
        )
        for scale in ("1/8", 2)
    )
    assert float(narrow.saturation) > 0.01
    assert float(wide.saturation) < 1e-12
    plain = qt.excess_risk(problem, qt.Quantization(), sgd)
    assert plain.saturation == 0


def test_bounds_are_about_error_models():
    problem = qt.Problem(dim=2)
    quantization = qt.Quantization(data=qt.formats.get("fp8_e4m3"))
    with pytest.raises(qt.HypothesisError, match="format fp8_e4m3"):
        qt.upper_bound(problem, quantization, qt.SGD("0.1", steps=40))


def test_bad_arguments():
    with pytest.raises(qt.QTheoryError, match=r"name is 'fp9'.*bfloat16, fp8_e4m3"):
        qt.formats.get("fp9")
    with pytest.raises(qt.QTheoryError, match="scale is 0"):
        qt.formats.get("int8", scale=0)
    with pytest.raises(qt.QTheoryError, match=r"label is .*error model"):
        qt.Quantization(label=qt.formats.get("int8"))
