"""Number formats: their values, their rounding, and their certified moments."""

import ast
import pickle
from fractions import Fraction
from itertools import pairwise

import flint
import gfloat.formats
import mpmath
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.numbers.gaussian import rounded_moments
from tests.model.definitions import DEFINITIONS, ieee_like

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


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_code_point_is_that_of_gfloat(name):
    info, number_format = DEFINITIONS[name], qt.formats.get(name)
    assert number_format.bits == info.k
    codes = np.arange(2**info.k)
    reference = gfloat.decode_ndarray(info, codes)
    decoded = number_format.decode(codes)
    missing = np.isnan(reference)
    assert np.isnan(decoded[missing]).all()
    # the same bits, so that -0 is not 0
    same = decoded[~missing].view(np.int64) == reference[~missing].view(np.int64)
    assert same.all()
    finite = reference[np.isfinite(reference)]
    assert np.array_equal(number_format.magnitudes, np.unique(np.abs(finite)))
    assert float(number_format.largest) == info.max == number_format.magnitudes[-1]


def test_a_wrong_definition_is_not_that_of_gfloat():
    # the IEEE reading of 4 exponent bits and 3 mantissa bits is not the one of OCP
    codes = np.arange(256)
    reference = gfloat.decode_ndarray(gfloat.formats.format_info_ocp_e4m3, codes)
    assert not np.array_equal(qt.formats.FP(4, 3).decode(codes), reference, equal_nan=True)


@pytest.mark.parametrize(("exponent_bits", "mantissa_bits"), [(2, 1), (3, 4), (6, 5), (4, 8)])
def test_any_floating_point_format_is_that_of_gfloat(exponent_bits, mantissa_bits):
    info = ieee_like(exponent_bits, mantissa_bits)
    codes = np.arange(2**info.k)
    decoded = qt.formats.FP(exponent_bits, mantissa_bits).decode(codes)
    assert np.array_equal(decoded, gfloat.decode_ndarray(info, codes), equal_nan=True)


@pytest.mark.parametrize("bits", range(2, 17))
def test_integers_are_symmetric(bits):
    number_format = qt.formats.get(f"int{bits}")
    assert number_format == qt.formats.integer(bits)
    assert number_format.magnitudes.tolist() == list(range(2 ** (bits - 1)))


def test_fixed_point():
    number_format = qt.formats.fixed_point(1, 3, scale="1/4")
    assert number_format.bits == 5
    assert number_format.magnitudes.tolist() == [k / 8 for k in range(16)]
    assert number_format.largest == sp.Rational(15, 32)
    assert repr(number_format) == "formats.fixed_point(1, 3, scale='1/4')"


def test_formats_with_the_same_values_are_equal():
    assert qt.formats.FP(5, 10) == qt.formats.get("float16")
    assert hash(qt.formats.FP(5, 10)) == hash(qt.formats.get("float16"))
    assert qt.formats.FP(4, 3) != qt.formats.get("fp8_e4m3")
    assert qt.formats.FP(4, 3, specials="nan") == qt.formats.get("fp8_e4m3")
    assert qt.formats.get("int8") != qt.formats.get("int8", scale=2)


@pytest.mark.parametrize("number_format", [*map(qt.formats.get, qt.formats.names()),
                                           qt.formats.FP(3, 3, "1/3", specials="none"),
                                           qt.formats.fixed_point(0, 7)], ids=repr)  # fmt: skip
def test_a_repr_is_the_call(number_format):
    function, _, arguments = repr(number_format).removeprefix("formats.").partition("(")
    call = ast.parse(f"f({arguments}", mode="eval").body
    values = [ast.literal_eval(argument) for argument in call.args]
    named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert getattr(qt.formats, function)(*values, **named) == number_format
    assert pickle.loads(pickle.dumps(number_format)) == number_format


@pytest.mark.parametrize("name", ["int4", "int16", "fp4_e2m1", "fp8_e4m3", "bfloat16"])
@pytest.mark.parametrize("power_of_two", [False, True])
def test_a_format_scaled_to_a_tensor_just_holds_it(name, power_of_two):
    x = np.random.default_rng(0).standard_normal((30, 20)) * 37
    scaled = qt.formats.get(name).scaled_to(x, power_of_two=power_of_two)
    peak = sp.Rational(float(np.abs(x).max()))
    assert isinstance(scaled, type(qt.formats.get(name)))
    if power_of_two:
        assert peak <= scaled.largest < 2 * peak
        assert sp.log(scaled.scale, 2).is_Integer
    else:
        assert scaled.largest == peak
    step = float(scaled.largest - scaled.magnitudes[-2] * scaled.scale)
    assert np.abs(scaled.round(x, mode="nearest") - x).max() <= step / 2 * (1 + 1e-12)


def test_any_scale_holds_zeros():
    int8 = qt.formats.get("int8", scale="1/3")
    assert int8.scaled_to(np.zeros(3)) == int8


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


def test_the_error_model_of_a_format_stands_on_any_target():
    problem = qt.Problem(dim=4, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    fp8, int8 = qt.formats.get("fp8_e4m3"), qt.formats.get("int8", scale="1/32")
    quantization = qt.Quantization(
        data=int8.error_model(),
        label=fp8.error_model(),
        parameter=int8.error_model(mode="dithered"),
    )
    sgd = qt.SGD("0.1", steps=40)
    exact = qt.excess_risk(problem, quantization, sgd, digits=20)
    assert float(exact.by_target["label"]) > 0
    assert exact.total <= qt.upper_bound(problem, quantization, sgd, digits=20).total


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("fp8_e4m4", "did you mean fp8_e4m3?"),
        ("e5m2", "did you mean fp8_e5m2?"),
        ("FP8-E4M3", "did you mean fp8_e4m3?"),
        ("fp16", "did you mean float16?"),
        ("bf16", "did you mean bfloat16?"),
        ("fp4", "did you mean fp4_e2m1?"),
        ("int17", "int1"),
        ("fp9", r"fp4_e2m1.*int2 to int16 \(did you mean"),
    ],
)
def test_near_names_are_suggested(wrong, near):
    with pytest.raises(qt.QTheoryError, match=f"name is '{wrong}'.*{near}"):
        qt.formats.get(wrong)


@pytest.mark.parametrize("wrong", ["posit", "", 8, None])
def test_nothing_is_suggested_for_what_is_far_from_all(wrong):
    with pytest.raises(qt.QTheoryError, match="name is") as raised:
        qt.formats.get(wrong)
    assert "did you mean" not in str(raised.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.get("int8", scale=0), "scale is 0"),
        (lambda f: f.FP(1, 3), "exponent_bits is 1"),
        (lambda f: f.FP(4, 0), "mantissa_bits is 0"),
        (lambda f: f.FP(4.0, 3), r"exponent_bits is 4\.0"),
        (lambda f: f.FP(4, 3, specials="ocp"), "specials is 'ocp'.*ieee, nan, none"),
        (lambda f: f.integer(17), "bits is 17.*from 2 to 16"),
        (lambda f: f.integer(True), "bits is True"),
        (lambda f: f.fixed_point(0, 0), "fraction_bits is 0"),
        (lambda f: f.fixed_point(20, 20), "fraction_bits is 20"),
        (lambda f: f.FP(8, 23).magnitudes, r"FP\(8, 23\) has 2\^32 values"),
        (lambda f: f.get("fp8_e4m3").decode([256]), "codes is"),
        (lambda f: f.get("int8").scaled_to([1.0, np.inf]), "x is.*finite"),
        (lambda f: f.get("int8").scaled_to([]), "x is.*at least one"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(qt.QTheoryError, match=message):
        call(qt.formats)


def test_the_theory_takes_a_format_on_the_data_only():
    problem, sgd = qt.Problem(dim=4), qt.SGD("0.1", steps=10)
    int8 = qt.formats.get("int8", scale="1/16")
    quantization = qt.Quantization(data=int8, label=int8)
    for function in (qt.excess_risk, qt.upper_bound, qt.rates):
        with pytest.raises(qt.QTheoryError, match=r"label is .*int8.*error_models\(\)"):
            function(problem, quantization, sgd)
    assert qt.excess_risk(problem, quantization.error_models(), sgd).total > 0


def test_a_rounding_has_an_error_model_unless_it_is_biased():
    int8 = qt.formats.get("int8", scale="1/16")
    dithered = qt.formats.Rounding(int8, "dithered")
    assert qt.Quantization(label=dithered).error_models().label == qt.Additive("1/1024")
    assert qt.Quantization(label=dithered).biased == ()
    for biased in (
        qt.formats.Rounding(int8, "nearest"),
        qt.formats.Rounding(int8, "toward_zero"),
        qt.formats.Rounding(int8, random_bits=8),
    ):
        quantization = qt.Quantization(label=biased)
        assert quantization.biased == ("label",)
        with pytest.raises(qt.HypothesisError, match="biased"):
            quantization.error_models()


def test_a_plain_rounding_is_its_format():
    int8 = qt.formats.get("int8")
    assert qt.Quantization(data=qt.formats.Rounding(int8)) == qt.Quantization(data=int8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("int8",), "format is 'int8'"),
        ((qt.formats.get("int8"), "up"), "mode is 'up'.*dithered"),
        ((qt.formats.get("tf32"), "dithered"), "mode is 'dithered'.*for tf32"),
        ((qt.formats.get("int8"), "nearest", 4), "random_bits is 4"),
    ],
)
def test_a_bad_rounding(arguments, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.formats.Rounding(*arguments)


@pytest.mark.parametrize(
    "other",
    ["float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e4m3b11fnuz", "float8_e8m0fnu", "float8_e3m4",
     "hif8", "msfp12", "posit8", "nf4", "uint8", "float32", "fp64", "int32", "int17"],
)  # fmt: skip
def test_another_format_is_no_near_name(other):
    with pytest.raises(qt.QTheoryError, match="name is") as raised:
        qt.formats.get(other)
    assert "did you mean" not in str(raised.value)


@pytest.mark.parametrize(
    ("other", "same"),
    [("float8_e4m3fn", "fp8_e4m3"), ("float4_e2m1fn", "fp4_e2m1"), ("itn8", "int8"),
     ("INT-8", "int8"), ("bfloat", "bfloat16")],
)  # fmt: skip
def test_another_spelling_is(other, same):
    with pytest.raises(qt.QTheoryError, match=rf"did you mean {same}\?"):
        qt.formats.get(other)


def test_arrays_of_other_libraries_are_rounded_exactly():
    types = pytest.importorskip("ml_dtypes")
    for kind in (types.bfloat16, types.float8_e4m3fn, types.int4):
        values = np.array([1, 2, 3], dtype=kind)
        assert qt.formats.get("int8").round(values, mode="nearest").tolist() == [1, 2, 3]
        assert qt.Explicit(values) == qt.Explicit([1, 2, 3])
        assert qt.Additive(values[1]) == qt.Additive(2)
        table = np.array([[1], [2], [4]], dtype=kind if kind is not types.int4 else np.int8)
        assert qt.Problem.from_data(table, [1, 2, 3]) == qt.Problem.from_data(
            [[1], [2], [4]], [1, 2, 3]
        )
