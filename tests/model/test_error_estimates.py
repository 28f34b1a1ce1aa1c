"""Error models of formats against their rounding.

A statistic that is six standard errors from its expectation is refused: by luck less than once in
10^8 runs. The sizes are such that an eps that is 5% wrong lies further out.
"""

import mpmath
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.model.error_estimates import floating_point, log_uniform_variance

formats = qt.formats
FLOATS = formats.names()[:8]
LARGEST_DEVIATION = 6.0


def deviation(sample, expected):
    """How many standard errors the mean of a sample is from what is expected."""
    # the square of a dithered error may be a constant, so the spread is kept from being 0
    spread = sample.std(ddof=1) / np.sqrt(sample.size) + 1e-12
    return abs(sample.mean() - float(expected)) / spread


def accepts(sample, expected):
    return deviation(sample, expected) < LARGEST_DEVIATION


def check_noticing_five_percent(sample, expected):
    assert accepts(sample, expected)
    assert not accepts(sample, expected * sp.Rational(105, 100))
    assert not accepts(sample, expected * sp.Rational(95, 100))


def over_one_binade(number_format, n, rng):
    """Log-uniform numbers of both signs in the binade above the smallest normal number."""
    low, _ = number_format.error_estimate().valid
    return float(low) * np.exp2(rng.random(n)) * rng.choice([-1.0, 1.0], n)


@pytest.mark.parametrize("name", FLOATS)
def test_the_error_of_floating_point_is_the_elementwise_model(name):
    number_format, rng = formats.get(name), np.random.default_rng(0)
    x = over_one_binade(number_format, 400_000, rng)
    relative = (number_format.round(x, rng) - x) / x
    assert accepts(relative, 0)
    model = number_format.error_model()
    assert model.additive == model.shared == 0
    check_noticing_five_percent(relative**2, model.elementwise)
    # errors of neighbouring entries are independent
    assert accepts(relative[::2] * relative[1::2], 0)


@pytest.mark.parametrize("scale", ["1", "1/32", "3/10"])
@pytest.mark.parametrize("mode", ["stochastic", "dithered", "subtractive"])
@pytest.mark.parametrize("name", ["int8", "fixed"])
def test_the_error_of_a_constant_step_is_the_additive_model(name, mode, scale):
    make = {
        "int8": lambda: formats.get(name, scale),
        "fixed": lambda: formats.fixed_point(2, 5, scale),
    }
    number_format, rng = make[name](), np.random.default_rng(0)
    estimate = number_format.error_estimate(mode=mode)
    reach = float(estimate.valid[1])
    x = rng.uniform(-reach, reach, 400_000)
    error = number_format.round(x, rng, mode) - x
    assert accepts(error, 0)
    model = number_format.error_model(mode=mode)
    assert model.multiplicative == 0
    check_noticing_five_percent(error**2, model.additive)
    assert accepts(error[::2] * error[1::2], 0)


@pytest.mark.parametrize(("mode", "variance"), [("dithered", "1/4"), ("subtractive", "1/12")])
@pytest.mark.parametrize("position", [0, 0.1, 0.25, 0.5, 0.9])
def test_a_dither_makes_the_variance_independent_of_the_position(mode, variance, position):
    int4, rng = formats.get("int4"), np.random.default_rng(0)
    for whole in (-7, -1, 0, 3, 6):
        u = whole + position
        if abs(u) > int4.error_estimate(mode=mode).valid[1]:
            continue
        error = int4.round(np.full(100_000, u), rng, mode) - u
        assert accepts(error, 0)
        check_noticing_five_percent(error**2, sp.Rational(variance))


def test_without_a_dither_the_variance_depends_on_the_position():
    int4, rng = formats.get("int4"), np.random.default_rng(0)
    error = int4.round(np.full(400_000, 0.1), rng) - 0.1
    assert not accepts(error**2, sp.Rational(1, 6))
    check_noticing_five_percent(error**2, sp.Rational(9, 100))


def test_past_the_valid_range_a_dither_is_biased():
    int4, rng = formats.get("int4"), np.random.default_rng(0)
    assert int4.error_estimate(mode="dithered").valid[1] == sp.Rational(13, 2)
    assert not accepts(int4.round(np.full(100_000, 6.9), rng, "dithered") - 6.9, 0)


def test_subtractive_errors_are_uniform_and_dithered_values_are_values():
    int4, rng = formats.get("int4"), np.random.default_rng(0)
    x = rng.uniform(-6, 6, 100_000)
    error = int4.round(x, rng, "subtractive") - x
    # the largest distance between distribution functions, exceeded with probability 2e-8
    ordered = np.sort(error) + 0.5
    ranks = np.arange(1, ordered.size + 1) / ordered.size
    assert np.abs(ordered - ranks).max() < 3.03 / np.sqrt(ordered.size)
    assert np.isin(np.abs(int4.round(x, rng, "dithered")), int4.magnitudes).all()


@pytest.mark.parametrize("mantissa_bits", [1, 2, 3, 4, 7, 10])
def test_the_average_over_a_binade_by_quadrature(mantissa_bits):
    n = 2**mantissa_bits
    with mpmath.workdps(40):
        cells = [
            mpmath.quad(
                lambda u, low=low: (u - low) * (low + mpmath.mpf(1) / n - u) / u**3,
                [low, low + mpmath.mpf(1) / n],
                maxdegree=4,
            )
            for low in (mpmath.mpf(j) / n for j in range(n, 2 * n))
        ]
        reference = mpmath.fsum(cells) / mpmath.log(2)
        value = mpmath.mpf(log_uniform_variance(mantissa_bits).evalf(40))
        assert abs(value - reference) < mpmath.mpf(10) ** -25 * reference
        leading = 1 / (16 * n**2 * mpmath.log(2))
        assert leading * (1 - mpmath.mpf(1) / (8 * n**2)) < value < leading
    model = floating_point(mantissa_bits, sp.S.One, sp.S.One).model.elementwise
    taken = value if mantissa_bits <= 3 else leading
    assert float(model) == pytest.approx(float(taken), rel=1e-12)


@pytest.mark.parametrize("name", ["fp4_e2m1", "fp8_e4m3"])
def test_the_model_is_the_ratio_of_second_moments_averaged_over_the_scale(name):
    # a uniform z times c with log c uniform over a binade, all of it among the normal numbers
    number_format, rng = formats.get(name), np.random.default_rng(0)
    n = 400_000
    z, c = rng.uniform(1, 2, n), np.exp2(rng.random(n))
    error = number_format.round(c * z, rng) - c * z
    ratio = (error / c) ** 2 / (z**2).mean()
    check_noticing_five_percent(ratio, number_format.error_model().elementwise)


@pytest.mark.parametrize("name", [*FLOATS[:5], "int4", "int8"])
def test_the_worst_model_is_attained_and_not_exceeded(name):
    number_format = formats.get(name)
    estimate = number_format.error_estimate()
    low, high = (float(end) for end in estimate.valid)
    values = number_format.magnitudes[number_format.magnitudes >= low]
    share = np.linspace(0, 1, 65)[:, None]
    inside = values[:-1] + share * np.diff(values)
    points = np.append(inside.ravel(), low)
    points = np.unique(points[(points >= low) & (points < high) & (points > 0)])
    points = points[:: max(1, points.size // 2000)]
    found = np.array([float(number_format.mean_square(x)) for x in points])
    worst = float(estimate.worst.additive) + float(estimate.worst.elementwise) * points**2
    ratio = found / worst
    assert 0.99 < ratio.max() <= 1


def test_subnormal_numbers_add_an_additive_part():
    fp8, rng = formats.get("fp8_e4m3"), np.random.default_rng(0)
    with_subnormals = fp8.error_model(subnormals=True)
    step = sp.Rational(1, 512)
    assert with_subnormals == fp8.error_model() + qt.Additive(step**2 / 6)
    x = rng.uniform(-1 / 64, 1 / 64, 400_000)
    error = fp8.round(x, rng) - x
    check_noticing_five_percent(error**2, with_subnormals.additive)
    assert fp8.error_estimate(subnormals=True).valid == (0, 448)


def test_scale_and_its_units():
    int8, s = formats.get("int8", scale="1/2"), sp.Symbol("s", positive=True)
    assert int8.error_model() == qt.Additive("1/24")
    assert int8.error_model("1/4") == qt.Additive("1/96")
    assert int8.error_model(s) == qt.Additive(s**2 / 6)
    fp8 = formats.get("fp8_e4m3")
    assert fp8.error_model("1/7") == fp8.error_model()
    assert fp8.error_estimate("1/7").valid == (sp.Rational(1, 448), 64)


def test_every_estimate_says_what_is_exact_and_what_is_averaged():
    for name in formats.names():
        if formats.get(name).is_biased:
            continue
        estimate = formats.get(name).error_estimate()
        assert "E[e|u] = 0" in estimate.exact
        assert "uniform" in estimate.averaged
    assert formats.get("int8").error_estimate(mode="dithered").averaged == "nothing"


@pytest.mark.parametrize(
    ("name", "mode", "message"),
    [
        ("int8", "nearest", "mode is 'nearest'.*unbiased"),
        ("fp8_e4m3", "dithered", "mode is 'dithered'.*stochastic"),
        ("fp8_e4m3", "nearest", "mode is 'nearest'"),
    ],
)
def test_biased_rounding_has_no_error_model(name, mode, message):
    with pytest.raises(qt.QTheoryError, match=message):
        formats.get(name).error_model(mode=mode)


def test_bad_scales():
    with pytest.raises(qt.QTheoryError, match="scale is -1"):
        formats.get("int8").error_model(-1)
