"""Short text for model objects: what it means, and that no text does anything else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.model.parse import (
    parse_quantization,
    parse_quantizer,
    parse_spectrum,
    parse_target,
)
from qtheory.model.spectra import Exponential, Logarithmic, SpectrumFormula
from qtheory.model.targets import SignalFormula, SourceCondition

get, Rounding = qt.formats.get, qt.formats.Rounding
ATTACK = "__import__('os').system('true')"
MEANINGS = [
    (parse_spectrum, "power-law:2,1/4", qt.PowerLaw(2, "1/4")),
    (parse_spectrum, "exponential:1/2", Exponential("1/2")),
    (parse_spectrum, "logarithmic:2", Logarithmic(2)),
    (parse_spectrum, "formula:i**-2*log(i+1)", SpectrumFormula("i**-2*log(i+1)")),
    (parse_target, "constant:-1", qt.Constant(-1)),
    (parse_target, "source:2", SourceCondition(2)),
    (parse_target, "signal:i**-3", SignalFormula("i**-3")),
    (parse_quantizer, "additive:1e+3", qt.Additive(1000)),
    (parse_quantizer, "multiplicative:1/8:elementwise",
     qt.Multiplicative("1/8", coupling="elementwise")),
    (parse_quantizer, "additive:0.01+multiplicative:1e-3",
     qt.Additive("0.01") + qt.Multiplicative("0.001")),
    (parse_quantizer, "format:bfloat16", get("bfloat16")),
    (parse_quantizer, "format:int8:1/16", get("int8", scale="1/16")),
    (parse_quantizer, "format:int8:nearest", Rounding(get("int8"), "nearest")),
    (parse_quantizer, "format:int8:1/16:dithered", Rounding(get("int8", scale="1/16"), "dithered")),
    (parse_quantizer, "fp:4,3", qt.formats.FP(4, 3)),
    (parse_quantizer, "fp:5,2:8bits", Rounding(qt.formats.FP(5, 2), random_bits=8)),
    (parse_quantizer, "fixed:3,4:2", qt.formats.fixed_point(3, 4, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("parse", "text", "meaning"), MEANINGS, ids=[case[1] for case in MEANINGS])
def test_a_text_means_what_the_constructor_makes(parse, text, meaning):
    assert parse(text) == meaning


def test_no_two_texts_mean_the_same():
    meanings = [repr(meaning) for _, _, meaning in MEANINGS]
    assert len(set(meanings)) == len(meanings)


def test_later_options_win():
    found = parse_quantization(["all=additive:0.01", "label=format:int8"])
    assert found.label == get("int8")
    assert found.data == found.gradient == qt.Additive("0.01")
    assert parse_quantization([]) == qt.Quantization()


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_spectrum, "power", "power-law:NUMBER or"),
        (parse_spectrum, "power-law", "power-law:NUMBER or"),
        (parse_spectrum, "power-law:", "finite real number"),
        (parse_spectrum, "power-law:1,2,3", "fewer values"),
        (parse_spectrum, "power-law:-1", "positive"),
        (parse_spectrum, "formula:1/(i-1)", "positive for i"),
        (parse_spectrum, "formula:exp(exp(exp(exp(9))))", "usual size"),
        (parse_spectrum, "formula:1/log(1+1e-999)", "usual size"),
        (parse_target, "constant:one", "finite real number"),
        (parse_quantizer, "", "additive:NUMBER or"),
        (parse_quantizer, "additive:-1", "epsilon is '-1'"),
        (parse_quantizer, "additive:1:2:3", "fewer values"),
        (parse_quantizer, "format:fp8_e4m4", "did you mean fp8_e4m3"),
        (parse_quantizer, "format:int8:2:3", "a scale, then"),
        (parse_quantizer, "format:int8:2:2", "a scale, then"),
        (parse_quantizer, "format:int8:nearst", "scale is 'nearst'"),
        (parse_quantizer, "format:int8:0", "positive"),
        (parse_quantizer, "format:bfloat16:dithered", "mode is 'dithered'"),
        (parse_quantizer, "format:int8:99bits", "random_bits is 99"),
        (parse_quantizer, "format:int8:nearest:8bits", "None when nearest"),
        (parse_quantizer, "fp:4", "two whole numbers of bits"),
        (parse_quantizer, "fp:9999,9999", "exponent_bits is 9999"),
        (parse_quantizer, "fixed:0,0", "fraction_bits is 0"),
    ],
)
def test_a_mistake_says_what_is_allowed(parse, text, message):
    with pytest.raises(qt.QTheoryError, match=message):
        parse(text)


@pytest.mark.parametrize("parse", [parse_spectrum, parse_target, parse_quantizer])
@pytest.mark.parametrize(
    "prefix",
    ["", "power-law:", "formula:", "constant:", "signal:", "additive:", "format:", "format:int8:",
     "fp:", "fp:4,3:"],
)  # fmt: skip
def test_no_text_is_run(parse, prefix):
    with pytest.raises(qt.QTheoryError):
        parse(prefix + ATTACK)


@pytest.mark.parametrize("option", [ATTACK, f"data={ATTACK}", "=additive:1", "data", "data="])
def test_an_option_that_is_none(option):
    with pytest.raises(qt.QTheoryError):
        parse_quantization([option])


pieces = st.sampled_from(
    ["power-law", "exponential", "logarithmic", "formula", "constant", "source", "signal",
     "additive", "multiplicative", "shared", "elementwise", "format", "fp", "fixed", "int8",
     "fp8_e4m3", "float16", "nearest", "dithered", "8bits", "bits",
     ":", ":", ":", ",", "+", "-", "*", "**", "/", "(", ")",
     "=", "i", "log", "exp", "sqrt", "min", "oo", "nan", "0", "1", "2", "9", "1/2", "1e3",
     "1e9999", ".", "_", " ", "data", "all", "é", "\n", "\0", "²"]
)  # fmt: skip
# a valid beginning, or the fuzzing would seldom come past it
texts = st.tuples(
    st.sampled_from(["", "power-law:", "formula:", "constant:", "signal:", "additive:",
                     "format:int8:", "fp:", "fixed:", "multiplicative:1:"]),
    st.lists(pieces, max_size=7).map("".join),
).map("".join)  # fmt: skip


def is_understood(parse, text):
    """Whether the text was understood. What is neither that nor a refusal is raised."""
    try:
        parse(text)
    except qt.QTheoryError:
        return False
    return True


@settings(max_examples=500, deadline=None)
@given(text=texts)
def test_any_text_is_understood_or_refused(text):
    for parse in (parse_spectrum, parse_target, parse_quantizer):
        is_understood(parse, text)
    for target in ("data", "all"):
        is_understood(lambda text, name=target: parse_quantization([f"{name}={text}"]), text)


def test_the_fuzzing_sees_both_and_would_see_a_third():
    assert is_understood(parse_spectrum, "power-law:2")
    assert not is_understood(parse_spectrum, "power-law:two")
    with pytest.raises(ZeroDivisionError):
        is_understood(lambda text: 1 // 0, "power-law:2")
