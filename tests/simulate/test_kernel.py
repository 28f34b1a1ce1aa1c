"""The compiled rounding against ``NumberFormat.round``, bit for bit, on the same random numbers."""

import math
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.model import formats
from qtheory.model.grid import law_of_stochastic_rounding
from qtheory.model.rounding import DITHERS
from qtheory.simulate.kernel import _scale_at, quantize, quantize_vector
from qtheory.simulate.packing import packed

SCALES = ["1", "1/32", "1/17", "3"]
EVERY = [*map(formats.get, formats.names())]
BLOCKS = [each for each in EVERY if each.is_uneven]
FORMATS = [
    *(each for each in EVERY if not each.is_uneven),
    formats.FP(2, 1),
    formats.FP(3, 4, specials="nan"),
    formats.FP(4, 3, specials="none"),
    formats.FP(10, 40),
    formats.fixed_point(3, 4),
    formats.fixed_point(0, 8),
    formats.fixed_point(20, 0),
]
MODES = [
    ("stochastic", None),
    ("stochastic", 1),
    ("stochastic", 7),
    ("stochastic", 52),
    ("nearest", None),
    ("toward_zero", None),
]
MODELS = [
    qt.Additive("0.3"),
    qt.Multiplicative("0.2"),
    qt.Multiplicative("0.2", coupling="elementwise"),
    qt.Additive("0.3") + qt.Multiplicative("0.2"),
    qt.Additive("0.3") + qt.Multiplicative("0.2") + qt.Multiplicative("0.1", "elementwise"),
]
DITHER_MODES = [("dithered", None), ("subtractive", None)]


def generator(seed=0):
    return np.random.Generator(np.random.SFC64(seed))


def with_scale(number_format, scale):
    return replace(number_format, scale=sp.Rational(scale))


def interesting_values(number_format):
    """Values of both signs at every kind of place of a format, at its scale."""
    grid, scale = number_format.grid, float(number_format.scale)
    floating = grid.mantissa_bits is not None
    rng = np.random.default_rng(1)
    exponents = np.arange(grid.least_exponent - 3, math.frexp(grid.largest)[1] + 3)
    exponents = rng.permutation(exponents)[:80]
    binades = 2.0**exponents
    lowest = grid.smallest_normal if floating else 8 * grid.least_step
    steps = grid.least_step * rng.integers(0, min(64, 2 * grid.largest / grid.least_step), 40)
    # whole, half and quarter positions, then the floats beside them
    grid_points = np.concatenate([steps, binades, 1.5 * binades, [grid.largest, lowest]])
    halves = steps + grid.least_step / 2
    if floating:
        fine = binades * 2.0**-grid.mantissa_bits
        halves = np.concatenate([halves, binades + fine / 2, binades + 1.5 * fine])
        grid_points = np.concatenate([grid_points, binades + fine, 2 * binades - fine])
    quarters = steps + grid.least_step / 4
    marked = np.concatenate([grid_points, halves, quarters, grid.largest * np.array([1, 1.01, 3])])
    marked = np.concatenate([marked, grid.largest + grid.least_step * np.array([0.25, 0.5, 1])])
    marked *= scale
    marked = np.concatenate([marked, np.nextafter(marked, 0), np.nextafter(marked, np.inf)])
    spread = np.exp(rng.uniform(math.log(grid.least_step) - 2, math.log(grid.largest) + 1, 300))
    plain = rng.uniform(0, 1.2 * min(grid.largest, 200 * lowest), 200)
    far = [0.0, 5e-324, 1e-310, 2.3e-308, 1e300, 1.7e308, np.inf, np.nan]
    values = np.concatenate([marked, spread * scale, plain * scale, far])
    return np.concatenate([values, -values])


def compiled(x, rounding, seed):
    quantizer = packed(rounding, "label")
    out = np.empty_like(x)
    quantize_vector(generator(seed), x, quantizer, out, np.empty((2, x.size)))
    return out


def assert_same_bits(ours, theirs, x):
    both_nan = np.isnan(ours) & np.isnan(theirs)  # the bits of a NaN mean nothing
    same = both_nan | (ours.view(np.int64) == theirs.view(np.int64))
    assert same.all(), list(zip(x[~same], ours[~same], theirs[~same], strict=True))[:5]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("number_format", FORMATS, ids=lambda f: f.name)
def test_vectors_are_rounded_as_by_the_format(number_format, scale):
    number_format = with_scale(number_format, scale)
    x = interesting_values(number_format)
    modes = MODES + [("subtractive", None)] * (number_format.grid.mantissa_bits is None)
    for seed, (mode, random_bits) in enumerate(modes):
        rounding = formats.Rounding(number_format, mode, random_bits)
        expected = number_format.round(x, generator(seed), mode, random_bits)
        assert_same_bits(compiled(x, rounding, seed), expected, x)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("number_format", FORMATS, ids=lambda f: f.name)
def test_single_numbers_are_rounded_as_by_the_format(number_format, scale):
    # entry by entry the two numbers of a dither are drawn in the same order
    number_format = with_scale(number_format, scale)
    x = interesting_values(number_format)[::7]
    fixed = number_format.grid.mantissa_bits is None
    for mode, random_bits in [MODES[0], MODES[2], *DITHER_MODES * fixed]:
        quantizer = packed(formats.Rounding(number_format, mode, random_bits), "label")
        first, second, third = generator(3), generator(3), generator(3)
        out, draws = np.empty(1), np.empty((2, 1))
        ours, as_vector, expected = [], [], []
        for u in x:
            ours.append(quantize(first, u, quantizer, 0.0))
            quantize_vector(second, np.array([u]), quantizer, out, draws)
            as_vector.append(out[0])
            expected.append(number_format.round(np.array([u]), third, mode, random_bits)[0])
        assert_same_bits(np.array(ours), np.array(expected), x)
        assert_same_bits(np.array(as_vector), np.array(expected), x)


def blocks_of_values(number_format):
    """Blocks of every size up to the ends of the scales, some numbers far below the others."""
    rng = np.random.default_rng(2)
    sizes = rng.standard_normal(10_007) * np.exp2(rng.uniform(-9, 0, 10_007))
    sizes *= np.repeat(np.exp2(rng.integers(-150, 150, 1001)), 10)[:10_007]
    sizes[::7] = 0
    grid = np.resize(number_format.element.magnitudes, 3001)  # ties between them, and themselves
    rare = [5e-324, -1e-310, 1e300, -1.7e308, np.inf, np.nan, -0.0]
    return np.concatenate([sizes, grid, np.convolve(grid, [0.5, 0.5]), rare])


@pytest.mark.parametrize("scale", ["1", "3/1024"])
@pytest.mark.parametrize("number_format", BLOCKS, ids=lambda f: f.name)
def test_blocks_are_rounded_as_by_the_format(number_format, scale):
    if number_format.scales is not None:
        number_format = with_scale(number_format, scale)
    x = blocks_of_values(number_format)
    for seed, (mode, random_bits) in enumerate(MODES):
        rounding = formats.Rounding(number_format, mode, random_bits)
        expected = number_format.round(x, generator(seed), mode, random_bits)
        assert_same_bits(compiled(x, rounding, seed), expected, x)
        quantizer, first, second = packed(rounding, "label"), generator(3), generator(3)
        ours = np.array([quantize(first, u, quantizer, 0.0) for u in x[::97]])
        theirs = [number_format.round(u, second, mode, random_bits) for u in x[::97]]
        assert_same_bits(ours, np.array(theirs), x[::97])


@pytest.mark.parametrize("number_format", [*BLOCKS, formats.get("int8", "1/3")])
def test_the_scale_of_an_entry_is_that_of_its_block(number_format):
    x = blocks_of_values(number_format) if number_format.is_uneven else np.ones(3)
    x, quantizer = x[:2000], packed(number_format, "data")
    found = [_scale_at(x, i, quantizer) for i in range(len(x))]
    expected = number_format.block_scales(x) if number_format.is_uneven else [1 / 3] * 3
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("field", ["numbers", "top", "kind"])
def test_a_wrong_coding_of_blocks_is_seen(field):
    nvfp4 = formats.get("nvfp4")
    x, right = blocks_of_values(nvfp4), packed(nvfp4, "data")
    other = {"numbers": 32, "top": right.blocks.top * 1.01, "kind": packed(BLOCKS[0], "data").kind}
    wrong = right._replace(blocks=right.blocks._replace(**{field: other[field]}))
    out = np.empty_like(x)
    quantize_vector(generator(), x, wrong, out, np.empty((2, x.size)))
    with pytest.raises(AssertionError):
        assert_same_bits(out, nvfp4.round(x, generator()), x)


@pytest.mark.parametrize("name", ["int8", "fp8_e4m3"])
def test_channels_are_rounded_as_by_the_format(name):
    x = interesting_values(formats.get(name))
    scales = [str(Fraction(1 + i % 13, 7 + i % 5)) for i in range(x.size)]
    by_channel = formats.get(name).scaled_by("channel", scales)
    for seed, (mode, random_bits) in enumerate(MODES):
        rounding = formats.Rounding(by_channel, mode, random_bits)
        out = np.empty_like(x)
        quantize_vector(generator(seed), x, packed(rounding, "data"), out, np.empty((2, x.size)))
        assert_same_bits(out, by_channel.round(x, generator(seed), mode, random_bits), x)


def test_the_values_are_of_every_kind():
    for number_format in FORMATS:
        grid, x = number_format.grid, interesting_values(number_format)
        size = np.abs(x[np.isfinite(x)])
        size = size[size < 4 * grid.largest]
        step = np.full(size.shape, grid.least_step)
        if grid.mantissa_bits is not None:
            normal = np.maximum(size, grid.smallest_normal)
            step = 2.0 ** (np.frexp(normal)[1] - 1 - grid.mantissa_bits)
        position = size / step % 1
        inside = size <= grid.largest
        assert np.count_nonzero(inside & (position == 0)) > 10
        assert np.count_nonzero(inside & (position == 0.5)) > 10
        assert np.count_nonzero((size > 0) & (size < grid.least_step)) > 5
        assert np.count_nonzero(size > grid.largest) > 20
        if grid.mantissa_bits is not None:
            assert np.count_nonzero((size > 0) & (size < grid.smallest_normal)) > 20
        assert np.isnan(x).any()
        assert np.isinf(x).any()
        assert np.signbit(x[x == 0]).sum() == np.count_nonzero(x == 0) / 2


@pytest.mark.parametrize(
    "change",
    [
        {"mantissa_bits": 4},
        {"least_step": 2.0**-10, "smallest_normal": 2.0**-7},
        {"smallest_normal": 2.0**-5},
        {"largest": 416.0},
        {"levels": 2.0**7},
        {"scale": 1.001, "exact_scale": False},
        {"kind": packed(formats.Rounding(formats.get("fp8_e4m3"), "nearest"), "label").kind},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_wrong_coding_is_seen(change):
    fp8 = formats.get("fp8_e4m3")
    x, out = interesting_values(fp8), np.empty(len(interesting_values(fp8)))
    wrong = packed(fp8, "label")._replace(**change)
    quantize_vector(generator(), x, wrong, out, np.empty((2, x.size)))
    expected = fp8.round(x, generator())
    with pytest.raises(AssertionError):
        assert_same_bits(out, expected, x)


def test_another_scale_than_a_power_of_two_must_be_marked():
    # 1/17 times a value, divided by 1/17, need not be that value again
    int16 = formats.get("int16", scale="1/17")
    x = int16.magnitudes * int16.unit
    quantizer = packed(formats.Rounding(int16, "toward_zero"), "label")
    out, draws = np.empty_like(x), np.empty((2, x.size))
    quantize_vector(generator(), x, quantizer, out, draws)
    assert np.array_equal(out, x)
    quantize_vector(generator(), x, quantizer._replace(exact_scale=True), out, draws)
    assert not np.array_equal(out, x)


def test_the_sign_of_zero_is_seen():
    with pytest.raises(AssertionError):
        assert_same_bits(np.array([0.0]), np.array([-0.0]), np.array([0.0]))


def test_long_vectors_draw_in_the_same_order():
    bfloat16 = formats.get("bfloat16")
    x = np.random.default_rng(0).standard_normal(100_001)
    rounding = formats.Rounding(bfloat16)
    assert_same_bits(compiled(x, rounding, 5), bfloat16.round(x, generator(5)), x)
    assert not np.array_equal(compiled(x, rounding, 5), bfloat16.round(x, generator(6)))


@pytest.mark.parametrize("mode", DITHERS)
def test_a_dither_draws_all_first_numbers_and_then_all_second_ones(mode):
    fixed, x = formats.fixed_point(3, 4), np.random.default_rng(0).uniform(-9, 9, 1000)
    draws = generator(3).random((2, x.size)) - 0.5
    if mode == "subtractive":
        draws[1] = 0
    values = np.clip(np.rint(x * 16 + draws.sum(axis=0)) / 16, -127 / 16, 127 / 16)
    if mode == "subtractive":
        values -= draws[0] / 16
    ours = compiled(x, formats.Rounding(fixed, mode), 3)
    assert_same_bits(ours, values + 0.0, x)
    assert not np.array_equal(compiled(x, formats.Rounding(fixed, mode), 4), ours)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_error_models_are_gaussian_errors_of_their_variances(model):
    additive, shared, elementwise = (
        float(part) ** 0.5 for part in (model.additive, model.shared, model.elementwise)
    )
    x = np.concatenate([[0.0, 1e-100, 1e100], np.random.default_rng(0).standard_normal(1000)])
    out, rng = np.empty_like(x), generator(3)
    quantize_vector(generator(3), x, packed(model, "label"), out, np.empty((2, x.size)))
    common = shared * rng.standard_normal() if shared else 0.0
    own = rng.standard_normal(x.shape) if additive or elementwise else np.zeros(x.shape)
    spread = np.hypot(additive, elementwise * x)
    expected = x + common * x + spread * own
    size = np.abs(x) + spread
    tolerance = 8 * np.spacing(size * (1 + np.abs(own) + abs(common)))
    assert np.all(np.abs(out - expected) <= tolerance)
    # other errors, larger by a millionth, are told apart
    assert not np.all(np.abs(x + (out - x) * (1 + 1e-6) - expected) <= tolerance)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_one_number_is_a_vector_of_length_one(model):
    quantizer, out = packed(model, "label"), np.empty(1)
    shared = float(model.shared) ** 0.5
    for u in np.random.default_rng(0).standard_normal(50):
        number, vector = generator(7), generator(7)
        common = shared * number.standard_normal() if shared else 0.0
        single = quantize(number, u, quantizer, common)
        quantize_vector(vector, np.array([u]), quantizer, out, np.empty((2, 1)))
        assert single == out[0] != u


def test_no_error_draws_nothing():
    x, rng = np.array([1.5, -0.0, np.nan]), generator()
    out, quantizer = np.empty(3), packed(qt.Quantization().label, "label")
    quantize_vector(rng, x, quantizer, out, np.empty((2, 3)))
    assert_same_bits(out, x, x)
    assert quantize(rng, 1.5, quantizer, 0.0) == 1.5
    assert rng.random() == generator().random()


@pytest.mark.parametrize("random_bits", [None, 3])
def test_compiled_rounding_follows_the_exact_law(random_bits):
    # the law is computed in whole numbers, and no generator is restarted
    fp4, n = formats.get("fp4_e2m1", scale="1/4"), 400_000
    u = 0.3
    values = compiled(np.full(n, u), formats.Rounding(fp4, "stochastic", random_bits), 11)
    law = law_of_stochastic_rounding(Fraction(u) * 4, fp4.grid, random_bits)
    assert set(np.unique(values)) == {float(value) / 4 for value, _ in law}
    for value, chance in law:
        count = np.count_nonzero(values == float(value) / 4)
        chance = float(chance)
        deviation = math.sqrt(n * chance * (1 - chance))
        assert abs(count - n * chance) < 6 * deviation
        assert abs(count - n * (chance + 0.025)) > 6 * deviation


NOWHERE = """
import numba.core.caching as caching
def refuse(self):
    raise OSError("a read-only file system")
{patch}
import qtheory as qt
from qtheory.simulate.kernel import run_block
int8 = qt.Quantization(data=qt.formats.get("int8", "1/16"))
found = qt.simulate(qt.Problem(dim=3), int8, qt.SGD("0.1", steps=5), 4)
print(repr(found), type(run_block._cache).__name__)
"""
PATCH = "caching._CacheLocator.ensure_cache_path = refuse"


@pytest.mark.parametrize(("patch", "cache"), [("", "FunctionCache"), (PATCH, "NullCache")])
def test_where_nothing_may_be_written_it_is_compiled_all_the_same(patch, cache):
    run = subprocess.run(
        [sys.executable, "-c", NOWHERE.format(patch=patch)], capture_output=True, text=True
    )
    assert run.stderr == ""
    model = qt.Problem(dim=3), qt.Quantization(data=formats.get("int8", "1/16"))
    assert run.stdout.strip() == f"{qt.simulate(*model, qt.SGD('0.1', steps=5), 4)!r} {cache}"
