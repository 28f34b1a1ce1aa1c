"""Rounding: bit for bit against gfloat and against exact rational arithmetic."""

from fractions import Fraction

import gfloat
import numpy as np
import pytest
import sympy as sp
from gfloat import RoundMode

import qtheory as qt
from tests.model.definitions import DEFINITIONS, ieee_like

formats = qt.formats
SMALL = ["fp4_e2m1", "fp6_e2m3", "fp6_e3m2", "fp8_e4m3", "fp8_e5m2"]


def hard_numbers(number_format):
    """Every value and midpoint, their float64 neighbours, overflow, and random numbers."""
    values = number_format.magnitudes
    step = values[-1] - values[-2]
    # the next values if there were any: their midpoint decides what overflows
    values = np.append(values, values[-1] + step * np.array([0.5, 1.0, 4.0]))
    middle = (values[1:] + values[:-1]) / 2
    rng = np.random.default_rng(0)
    spread = np.exp2(rng.uniform(np.log2(values[1]) - 3, np.log2(values[-1]) + 2, 20_000))
    rare = [0.0, 5e-324, 1e-300, 1e300, np.inf, np.nan]
    sizes = np.concatenate([values, middle, spread, rare])
    sizes = np.concatenate([sizes, np.nextafter(sizes, 0), np.nextafter(sizes, np.inf)])
    return np.concatenate([sizes, -sizes])


def by_gfloat(*arguments, **options):
    with np.errstate(over="ignore"):  # it rounds before it looks at the range
        return gfloat.round_ndarray(*arguments, **options)


def same_bits(left, right):
    """Equal with the sign of zero; every NaN counts as the same."""
    missing = np.isnan(left)
    return np.array_equal(missing, np.isnan(right)) and np.array_equal(
        left[~missing].view(np.int64), right[~missing].view(np.int64)
    )


@pytest.mark.parametrize("saturate", [True, False])
@pytest.mark.parametrize(
    ("mode", "reference"),
    [("nearest", RoundMode.TiesToEven), ("toward_zero", RoundMode.TowardZero)],
)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_rounding_without_chance_is_that_of_gfloat(name, mode, reference, saturate):
    number_format, info = formats.get(name), DEFINITIONS[name]
    x = hard_numbers(number_format)
    if info.num_nans == 0 and not saturate:
        x = x[np.abs(x) <= info.max]
    expected = by_gfloat(info, x, reference, sat=saturate)
    assert same_bits(number_format.round(x, mode=mode, saturate=saturate), expected)


def test_another_mode_is_not_that_of_gfloat():
    number_format, info = formats.get("fp8_e4m3"), DEFINITIONS["fp8_e4m3"]
    x = hard_numbers(number_format)
    away = by_gfloat(info, x, RoundMode.TiesToAway, sat=True)
    assert not same_bits(number_format.round(x, mode="nearest"), away)


@pytest.mark.parametrize("saturate", [True, False])
@pytest.mark.parametrize("random_bits", [1, 3, 8])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_rounding_with_given_random_bits_is_that_of_gfloat(name, random_bits, saturate):
    number_format, info = formats.get(name), DEFINITIONS[name]
    x = hard_numbers(number_format)
    if info.num_nans == 0 and not saturate:
        x = x[np.abs(x) <= info.max]
    bits = np.random.default_rng(1).integers(0, 2**random_bits, x.shape)
    expected = by_gfloat(info, x, RoundMode.Stochastic, saturate, bits, random_bits)
    result = number_format.round(x, bits, random_bits=random_bits, saturate=saturate)
    assert same_bits(result, expected)


@pytest.mark.parametrize(("exponent_bits", "mantissa_bits"), [(2, 1), (3, 4), (6, 5), (10, 9)])
def test_any_floating_point_format_rounds_as_in_gfloat(exponent_bits, mantissa_bits):
    number_format = formats.FP(exponent_bits, mantissa_bits)
    x = hard_numbers(number_format)
    info = ieee_like(exponent_bits, mantissa_bits)
    for saturate in (True, False):
        expected = by_gfloat(info, x, RoundMode.TiesToEven, sat=saturate)
        assert same_bits(number_format.round(x, mode="nearest", saturate=saturate), expected)


def test_single_precision_is_that_of_numpy():
    x = hard_numbers(formats.get("tf32"))
    with np.errstate(over="ignore", under="ignore"):
        expected = x.astype(np.float32).astype(np.float64)
    assert same_bits(formats.FP(8, 23).round(x, mode="nearest", saturate=False), expected)


# Stochastic rounding: exact rational arithmetic over the listed values is the second source.


def position(x, number_format):
    """The neighbours of x in the format, and its position between them; x inside the range."""
    scale = Fraction(str(number_format.scale))
    grid = [Fraction(v) * scale for v in number_format.magnitudes]
    above = next(k for k, v in enumerate(grid) if v > abs(x))
    low, high = grid[above - 1], grid[above]
    return low, high, (abs(x) - low) / (high - low)


EXACT = [
    *(formats.get(name) for name in SMALL),
    formats.get("fp8_e4m3", scale="1/64"),
    formats.get("int4", scale="1/2"),
    formats.get("int7", scale="1/8"),
    formats.fixed_point(2, 3),
]


def between_all_values(number_format):
    values = number_format.magnitudes * float(number_format.scale)
    share = np.random.default_rng(2).uniform(0, 1, len(values) - 1)
    return values[:-1] + share * np.diff(values)


@pytest.mark.parametrize("number_format", EXACT, ids=str)
def test_stochastic_rounding_goes_up_exactly_where_the_random_number_is_below_the_position(
    number_format,
):
    x = between_all_values(number_format)
    repeated = np.tile(x, 40)
    result = number_format.round(repeated, np.random.default_rng(3))
    uniform = np.random.default_rng(3).random(len(repeated))
    neighbours = [position(Fraction(v), number_format) for v in x] * 40
    expected = [
        float(high if Fraction(u) < f else low)
        for u, (low, high, f) in zip(uniform, neighbours, strict=True)
    ]
    assert result.tolist() == expected
    mirrored = number_format.round(-repeated, np.random.default_rng(3))
    assert np.array_equal(mirrored, -result)


@pytest.mark.parametrize("random_bits", [1, 4, 8])
@pytest.mark.parametrize("number_format", EXACT, ids=str)
def test_the_bias_of_few_random_bits_by_enumeration(number_format, random_bits):
    count = 2**random_bits
    for x in between_all_values(number_format)[::5]:
        values = number_format.round(np.full(count, x), np.arange(count), random_bits=random_bits)
        errors = [Fraction(v) - Fraction(x) for v in values]
        assert number_format.bias(x, random_bits) == sum(errors) / count
        mean_square = sum(error**2 for error in errors) / count
        assert number_format.mean_square(x, random_bits) == mean_square
        low, high, _ = position(Fraction(x), number_format)
        assert abs(number_format.bias(x, random_bits)) <= (high - low) / (2 * count)


def test_the_bias_at_a_known_point():
    fp8 = formats.get("fp8_e5m2")
    assert [fp8.bias("1.1", k) for k in (1, 3, 8)] == [
        Fraction(1, 40), Fraction(-1, 160), Fraction(-1, 2560),
    ]  # fmt: skip
    # truncating the position would never go up with one bit
    assert fp8.bias("1.1", 1) != Fraction(-1, 10)


@pytest.mark.parametrize("number_format", EXACT, ids=str)
def test_without_a_number_of_bits_the_bias_is_zero_from_one_step_on(number_format):
    low, high = number_format.magnitudes[1:3]
    for x in between_all_values(number_format)[1:]:
        assert number_format.bias(x) == 0
    tiny = float(number_format.scale) * (high - low) / 3
    assert 0 <= number_format.bias(tiny) < Fraction(2) ** -53 * Fraction(high)


def test_bias_of_saturation():
    assert formats.get("fp8_e4m3").bias(500) == -52
    assert formats.get("int4", scale="1/2").bias(-5, 3) == Fraction(3, 2)
    assert formats.get("int8").mean_square(129) == 4


def test_random_bits_come_from_the_generator():
    fp8 = formats.get("fp8_e5m2")
    # probability 3/8 with three bits, 2/5 without a limit: 13 standard deviations apart
    n = 1_000_000
    x = np.full(n, 1.1)
    rng = np.random.default_rng(0)
    ups = [np.count_nonzero(fp8.round(x, rng, random_bits=k) > 1) for k in (3, None)]
    for count, chance in zip(ups, (3 / 8, 0.4), strict=True):
        assert abs(count - n * chance) < 6 * np.sqrt(n * chance * (1 - chance))


@pytest.mark.parametrize("mode", ["stochastic", "nearest", "toward_zero"])
@pytest.mark.parametrize("scale", ["1", "1/3", "7/10", "49/1000"])
@pytest.mark.parametrize("name", ["fp4_e2m1", "fp8_e4m3", "bfloat16", "int8", "int12"])
def test_values_are_fixed_points_at_any_scale(name, scale, mode):
    number_format = formats.get(name, scale=scale)
    values = number_format.magnitudes * float(number_format.scale)
    values = np.concatenate([values, -values])
    assert np.array_equal(number_format.round(values, np.random.default_rng(0), mode), values)


@pytest.mark.parametrize("bits", [2, 3, 8, 16])
def test_integers_against_python(bits):
    number_format = formats.get(f"int{bits}", scale="1/8")
    most = 2 ** (bits - 1) - 1
    x = np.random.default_rng(0).uniform(-most / 8 - 1, most / 8 + 1, 4000)
    x = np.concatenate([x, np.arange(-40, 41) / 16])

    def clipped(k):
        return max(-most, min(most, k)) / 8

    nearest = [clipped(round(Fraction(v) * 8)) for v in x]
    assert number_format.round(x, mode="nearest").tolist() == nearest
    cut_off = [clipped(int(Fraction(v) * 8)) for v in x]
    assert number_format.round(x, mode="toward_zero").tolist() == cut_off
    assert not np.signbit(number_format.round([-0.0, -0.01], mode="nearest")).any()


def test_overflow_infinity_and_nan():
    x = np.array([np.inf, -np.inf, np.nan, 1e6, -1e6])

    def rounded(name, saturate):
        return formats.get(name).round(x, mode="nearest", saturate=saturate).tolist()

    nan = pytest.approx(np.nan, nan_ok=True)
    assert rounded("fp8_e4m3", True) == [448, -448, nan, 448, -448]
    assert rounded("fp8_e4m3", False) == [nan] * 5
    assert rounded("fp8_e5m2", True) == [57344, -57344, nan, 57344, -57344]
    assert rounded("fp8_e5m2", False) == [np.inf, -np.inf, nan, np.inf, -np.inf]
    assert rounded("int8", True) == [127, -127, nan, 127, -127]
    for name in ("fp4_e2m1", "fp6_e2m3", "int8"):
        with pytest.raises(qt.QTheoryError, match=r"saturate is False.*no inf, no NaN"):
            rounded(name, False)


@pytest.mark.parametrize("mode", ["dithered", "subtractive"])
def test_dithers_saturate_and_keep_nan(mode):
    int4, rng = formats.get("int4"), np.random.default_rng(0)
    result = int4.round(np.array([np.nan, 1e9, -np.inf]), rng, mode)
    assert np.isnan(result[0])
    assert np.abs(result[1:] - [7, -7]).max() <= 0.5
    if mode == "dithered":
        assert result[1:].tolist() == [7, -7]
    with pytest.raises(qt.QTheoryError, match="saturate is False"):
        int4.round(1e9, rng, mode, saturate=False)


def test_shapes_and_types():
    fp8, rng = formats.get("fp8_e4m3"), np.random.default_rng(0)
    assert fp8.round(np.ones((2, 0, 3)), rng).shape == (2, 0, 3)
    assert fp8.round(np.ones((3, 4), dtype=np.float32).T, rng).shape == (4, 3)
    assert fp8.round([1, 2], rng).dtype == np.float64
    assert fp8.round(1.0, rng) == 1.0


def test_long_arrays_are_rounded_entry_by_entry_in_order():
    fp8 = formats.get("fp8_e4m3")
    x = np.linspace(-3, 3, 100_000)
    before = x.copy()
    whole = fp8.round(x.reshape(10, 100, 100), np.random.default_rng(5)).ravel()
    assert np.array_equal(x, before)
    rng = np.random.default_rng(5)
    pieces = [fp8.round(part, rng) for part in np.array_split(x, 13)]
    assert np.array_equal(whole, np.concatenate(pieces))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "stochastic"}, "rng is None.*Generator in the mode stochastic"),
        ({"rng": 7}, "rng is 7.*Generator"),
        ({"rng": 8, "random_bits": 3}, r"rng is 8.*from 0 to 2\^3 - 1"),
        ({"rng": [0.5, 0.5], "random_bits": 3}, "rng is .*whole numbers"),
        ({"rng": [1, 2, 3], "random_bits": 3}, r"rng is .*shape of x, \(2,\)"),
        ({"mode": "up"}, "mode is 'up'.*stochastic, nearest"),
        ({"mode": "dithered"}, "mode is 'dithered'.*constant|step that does not change"),
        ({"mode": "nearest", "random_bits": 3}, "random_bits is 3.*None in the mode nearest"),
        ({"random_bits": 0}, "random_bits is 0.*from 1 to 52"),
        ({"random_bits": 53}, "random_bits is 53"),
        ({"random_bits": 2.0}, r"random_bits is 2\.0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(qt.QTheoryError, match=message):
        formats.get("fp8_e4m3").round([1.0, 2.0], **arguments)


@pytest.mark.parametrize("x", ["1.1", [1j], [True], [[1.0], [1.0, 2.0]], None])
def test_what_is_not_a_real_array_is_refused(x):
    with pytest.raises(qt.QTheoryError, match=r"x is .*array of real numbers"):
        formats.get("int8").round(x, mode="nearest")


@pytest.mark.parametrize("scale", ["1e-310", "1e300"])
def test_a_scale_outside_float64_is_refused(scale):
    with pytest.raises(qt.QTheoryError, match=r"scale is .*normal float64"):
        formats.get("bfloat16", scale=scale).round([1.0], mode="nearest")
    with pytest.raises(qt.QTheoryError, match="a number is needed"):
        formats.get("int8", scale=sp.Symbol("s", positive=True)).round([1.0], mode="nearest")


def test_exact_moments_need_rational_numbers():
    with pytest.raises(qt.QTheoryError, match=r"scale is .*rational"):
        formats.get("int8", scale=sp.sqrt(2)).bias(1)
    with pytest.raises(qt.QTheoryError, match=r"x is .*finite real number"):
        formats.get("int8").bias(float("nan"))
