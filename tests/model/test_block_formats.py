"""Block and channel formats: gfloat and ml_dtypes bit for bit, the exact law, errors."""

from fractions import Fraction

import gfloat
import numpy as np
import pytest
from gfloat.block import compute_scale_amax, quantize_block

import qtheory as qt
from qtheory.errors import HypothesisError, InvalidArgumentError
from tests.model.test_rounding import same_bits
from tests.reference.test_block_formats import DEFINITIONS

formats = qt.formats
BLOCKS = (*DEFINITIONS, "nvfp4")


def blocks(count, numbers, seed=0):
    """Float32 blocks of all sizes, some numbers far below the others, some of them 0."""
    rng = np.random.default_rng(seed)
    found = rng.standard_normal((count, numbers)) * np.exp2(rng.integers(-140, 120, (count, 1)))
    found[::3] *= np.exp2(rng.uniform(-12, 0, (len(found[::3]), numbers)))
    found[1::5] *= rng.integers(0, 2, (len(found[1::5]), numbers))
    return found.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize(
    ("mode", "reference"),
    [("nearest", gfloat.RoundMode.TiesToEven), ("toward_zero", gfloat.RoundMode.TowardZero)],
)
def test_blocks_are_rounded_as_by_gfloat(name, mode, reference):
    number_format, definition = formats.get(name), DEFINITIONS[name]
    for block in blocks(60, 32):
        expected = quantize_block(definition, block, compute_scale_amax, reference)
        if name == "mxint8":  # gfloat uses the code of -2, which the symmetric range leaves out
            scale = number_format.block_scales(block)
            expected = np.maximum(expected, -127 / 64 * scale) + 0.0
        assert same_bits(number_format.round(block, mode=mode), expected)


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("mxfp8_e4m3", "float8_e4m3fn"),
        ("mxfp8_e5m2", "float8_e5m2"),
        ("mxfp6_e2m3", "float6_e2m3fn"),
        ("mxfp6_e3m2", "float6_e3m2fn"),
        ("mxfp4", "float4_e2m1fn"),
        ("nvfp4", "float4_e2m1fn"),
    ],
)
def test_elements_and_scales_are_those_of_ml_dtypes(name, element):
    types = pytest.importorskip("ml_dtypes")
    number_format, kind = formats.get(name), getattr(types, element)
    is_nv = name == "nvfp4"
    scales_kind = types.float8_e4m3fn if is_nv else types.float8_e8m0fnu
    most = float(types.finfo(kind).max)
    for block in blocks(200, 16 if is_nv else 32):
        if is_nv:
            block = block / np.abs(block).max() * np.exp2(np.random.default_rng(0).uniform(-9, 11))
            block = block.astype(np.float32).astype(np.float64)
            scale = float(np.minimum(np.abs(block).max() / 6, 448).astype(scales_kind))
        else:
            scale = number_format.block_scales(block)[0]
            assert float(np.float64(scale).astype(scales_kind)) == scale
        if scale == 0:
            assert not number_format.round(block, mode="nearest").any()
            continue
        elements = np.clip(block / scale, -most, most).astype(kind).astype(np.float64)
        assert same_bits(number_format.round(block, mode="nearest"), elements * scale)


def test_the_power_of_two_below_is_exact():
    # a logarithm in float64 is rounded up to 10 here, as gfloat's is
    just_below = np.nextafter(2.0**10, 0)
    assert compute_scale_amax(0, np.array([just_below])) == 2**10
    assert formats.get("mxint8").block_scales(just_below) == 2**9


def test_infinity_and_nan():
    mxfp4 = formats.get("mxfp4")
    found = mxfp4.round([np.nan, 1.0, 0.5], mode="nearest")
    assert np.isnan(found[0])
    assert found[1:].tolist() == [1.0, 0.5]
    found = mxfp4.round([np.inf, 1.0, np.nan], mode="nearest")
    assert found[:2].tolist() == [6 * 2.0**127, 0.0]
    assert np.isnan(found[2])
    assert formats.get("nvfp4").round([np.inf, -1e9], mode="nearest").tolist() == [2688, -2688]


def test_blocks_go_along_the_last_axis():
    mxfp4, x = formats.get("mxfp4"), blocks(6, 70).reshape(2, 3, 70)
    whole = mxfp4.round(x, mode="nearest")
    assert whole.shape == x.shape
    for row, expected in zip(x.reshape(6, 70), whole.reshape(6, 70), strict=True):
        parts = [mxfp4.round(row[i : i + 32], mode="nearest") for i in (0, 32, 64)]
        assert same_bits(np.concatenate(parts), expected)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("x", ["1.3", "-0.7", "1.99", "0.001", "0"])
@pytest.mark.parametrize("random_bits", [1, 4])
def test_the_law_of_a_number_by_itself_by_enumeration(name, x, random_bits):
    number_format, point = formats.get(name), Fraction(float(Fraction(x)))
    draws = np.arange(2**random_bits)
    values = [number_format.round(float(point), int(r), random_bits=random_bits) for r in draws]
    errors = [Fraction(float(value)) - point for value in values]
    assert number_format.bias(point, random_bits) == sum(errors) / len(errors)
    expected = sum(error**2 for error in errors) / len(errors)
    assert number_format.mean_square(point, random_bits) == expected


def test_the_largest_number_of_a_block_is_biased_and_the_others_are_not():
    mxfp4, rng = formats.get("mxfp4"), np.random.default_rng(0)
    values = mxfp4.round(np.tile([7.5, 2.2, -0.3], (40_000, 1)), rng)
    mean, stderr = values.mean(axis=0), values.std(axis=0) / 200
    assert mean[0] == 6
    assert np.all(np.abs(mean[1:] - [2.2, -0.3]) < 5 * stderr[1:])
    assert mxfp4.bias("7.5") == Fraction(-3, 2)


@pytest.mark.parametrize("name", BLOCKS)
def test_there_is_no_error_model_and_no_exact_risk(name):
    number_format = formats.get(name)
    problem = qt.Problem(dim=4, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    sgd = qt.SGD("0.1", steps=10)
    asked = [number_format.error_model, formats.Rounding(number_format).error_model]
    for target in ("data", "label", "parameter", "activation", "gradient", "stored"):
        quantization = qt.Quantization(**{target: number_format})
        asked.append(quantization.error_models)
        for theory in (qt.excess_risk, qt.upper_bound, qt.lower_bound):
            asked.append(lambda q=quantization, f=theory: f(problem, q, sgd))
        assert quantization.biased == (target,)
    for each in asked:
        with pytest.raises(
            HypothesisError, match=r"in blocks|steps of one size|needs error models"
        ):
            each()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: formats.get("mxfp4", scale=2), "1: the scales of an MX format"),
        (lambda: formats.get("nvfp4", scale="1/3"), "single precision"),
        (lambda: formats.get("nvfp4", scale=2.0**-140), "single precision"),
        (lambda: formats.Rounding(formats.get("mxint8"), "dithered"), "stochastic, nearest"),
        (lambda: formats.get("mxint8").round(1.0, mode="dithered"), "step depends"),
        (lambda: formats.get("mxfp4").round(1.0, mode="nearest", saturate=False), "True"),
        (lambda: formats.get("mxfp4").scaled_by("channel"), "blocks have scales"),
        (lambda: formats.get("int8").scaled_by("row"), "'tensor' or 'channel'"),
        (lambda: formats.get("int8").scaled_by("tensor", [1]), "by tensor"),
        (lambda: formats.get("int8").scaled_by("channel", [1, 0]), "scales"),
        (lambda: formats.get("int8").scaled_by("channel").round([1.0]), "scaled_to"),
        (lambda: formats.get("int8").scaled_by("channel", [1]).round([1, 2]), "shape"),
        (lambda: formats.get("int8").scaled_by("channel", [1]).bias(1), "one scale"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call()


def test_names():
    assert formats.get("mxfp6") == formats.get("mxfp6_e2m3")
    assert set(BLOCKS) <= set(formats.names())
    widths = [formats.get(name).bits_per_number for name in BLOCKS]
    assert widths == [8.25, 8.25, 6.25, 6.25, 4.25, 8.25, 4.5]
    assert formats.get("nvfp4").bits_of_one == 12


def test_channels_are_plain_formats_side_by_side():
    rng = np.random.default_rng(0)
    table = rng.standard_normal((50, 3)) * [1, 10, 1e-3]
    for name in ("int8", "fp8_e4m3", "int4"):
        by_channel = formats.get(name).scaled_by("channel").scaled_to(table)
        columns = [formats.get(name).scaled_to(column) for column in table.T]
        expected = np.stack(
            [each.round(c, mode="nearest") for each, c in zip(columns, table.T, strict=True)], 1
        )
        assert np.array_equal(by_channel.round(table, mode="nearest"), expected)
        assert by_channel.formats == tuple(columns)
        assert by_channel.largest == max(each.largest for each in columns)
        assert formats.get(name).scaled_by("tensor") is not None
        assert by_channel.scaled_by("tensor") == formats.get(name)


def test_channels_of_floating_point_keep_their_error_model():
    fp8 = formats.get("fp8_e4m3")
    assert fp8.scaled_by("channel", [1, 4]).error_model() == fp8.error_model()
    estimate = fp8.scaled_by("channel", [1, 4]).error_estimate()
    assert estimate.valid == (Fraction(4, 64), 448)
    int8 = formats.get("int8")
    assert int8.scaled_by("channel", [2, 2]).error_model() == qt.Additive("2/3")
    with pytest.raises(HypothesisError, match="another level"):
        int8.scaled_by("channel", [1, 2]).error_model()


def test_the_exact_risk_of_channels_goes_by_coordinates():
    sgd = qt.SGD("0.05", steps=30)

    def risk(spectrum, target, number_format):
        problem = qt.Problem(2, qt.Explicit(spectrum), qt.Explicit(target), noise=1)
        return qt.excess_risk(problem, qt.Quantization(data=number_format), sgd, digits=20).total

    int4 = formats.get("int4")
    same = risk([1, "1/4"], [1, 2], int4.scaled_by("channel", ["1/2", "1/2"]))
    assert same.overlaps(risk([1, "1/4"], [1, 2], formats.get("int4", scale="1/2")))
    # equal eigenvalues under unequal scales are no tie
    one, other = (
        risk([1, 1], [1, 2], int4.scaled_by("channel", s)) for s in ([1, "1/2"], ["1/2", 1])
    )
    swapped = risk([1, 1], [2, 1], int4.scaled_by("channel", ["1/2", 1]))
    assert one.overlaps(swapped)
    assert not one.overlaps(other)


def test_the_exact_risk_of_channels_is_what_is_simulated():
    problem = qt.Problem(4, qt.PowerLaw(2), qt.Constant(1), noise=1)
    int4 = formats.get("int4").scaled_by("channel", ["1/2", "1/4", "1/7", "1/8"])
    quantization, sgd = qt.Quantization(data=int4), qt.SGD("0.1", batch=2, steps=40)
    exact = qt.excess_risk(problem, quantization, sgd).total
    plain = qt.excess_risk(problem, qt.Quantization(data=formats.get("int4", scale="1/2")), sgd)
    found = qt.simulate(problem, quantization, sgd, replicates=20_000, seed=1)
    assert abs(found.distance(exact)) < 4
    assert abs(found.distance(plain.total)) > 8


def test_scales_fit_the_problem():
    problem = qt.Problem(3, qt.PowerLaw(2), qt.Constant(1), noise=1)
    sgd, two = qt.SGD("0.1", steps=4), formats.get("int8").scaled_by("channel", [1, 1])
    for ask in (qt.excess_risk, qt.simulate):
        with pytest.raises(InvalidArgumentError, match="3 of them"):
            ask(problem, qt.Quantization(data=two), sgd)
    three = formats.get("int8").scaled_by("channel", [1, 1, 1])
    with pytest.raises(InvalidArgumentError, match="label is one number"):
        qt.simulate(problem, qt.Quantization(label=three), sgd)
