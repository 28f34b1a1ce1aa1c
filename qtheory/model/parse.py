"""Short text for model objects, on the command line and in grids; nothing is evaluated.

spectrum       power-law:2   power-law:2,1/4   exponential:1/2   logarithmic:2
               formula:i**-2*log(i+1)
target         constant:1    source:2          signal:i**-3*log(i+1)
stepsize       0.1   linear:0.1   cosine:0.1   exponential:0.1,0.001
               warmup-stable-decay:0.1,1/100,1/5
covariates     gaussian   independent:5   elliptical:3/2   fourth-moment:4
error model    additive:0.01   multiplicative:1e-3   multiplicative:1e-3:elementwise
               and sums of them joined by +
number format  format:fp8_e4m3   fp:4,3   fixed:3,4
               then, as wanted, :SCALE and :MODE (nearest, toward_zero, dithered, subtractive)
               or :BITSbits of random bits, as in format:int8:1/16:nearest or fp:5,2:8bits

Where rates are asked for, a number may also be a formula in symbols, such as power-law:a.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any

from qtheory.errors import InvalidArgumentError
from qtheory.model import formats
from qtheory.model.covariates import (
    Covariates,
    Elliptical,
    FourthMoment,
    Gaussian,
    Independent,
)
from qtheory.model.error_models import Additive, ErrorModel, Multiplicative
from qtheory.model.quantization import STORED, TARGETS, Quantization
from qtheory.model.rounding import MODES
from qtheory.model.schedules import (
    CosineDecay,
    ExponentialDecay,
    LinearDecay,
    WarmupStableDecay,
)
from qtheory.model.spectra import SPECTRA, SpectrumFormula
from qtheory.model.targets import Constant, SignalFormula, SourceCondition
from qtheory.numbers.exact import exact
from qtheory.numbers.grammar import parse_formula

_DIGITS_OF_A_COUNT = 18
#: How the numbers in an option are read: kept as text, or with symbols.
Reader = Callable[[str], Any]


def as_text(text: str) -> str:
    """Numbers stay text, which the model reads."""
    return text


def with_symbols(text: str) -> Any:
    """A number, or a formula in positive symbols.

    >>> with_symbols("1e-3"), with_symbols("N**-e")
    (1/1000, N**(-e))
    """
    try:
        return exact(text, "number")
    except InvalidArgumentError:
        return parse_formula(text, {}, "number")


_SPECTRA: dict[str, Callable[..., Any]] = {kind.shorthand: kind for kind in SPECTRA}
_TARGETS: dict[str, Callable[..., Any]] = {
    "constant": Constant,
    "source": SourceCondition,
    "signal": SignalFormula,
}
_SCHEDULES: dict[str, Callable[..., Any]] = {
    "linear": LinearDecay,
    "cosine": CosineDecay,
    "exponential": ExponentialDecay,
    "warmup-stable-decay": WarmupStableDecay,
}
_COVARIATES: dict[str, Callable[..., Any]] = {
    "independent": Independent,
    "elliptical": Elliptical,
    "fourth-moment": FourthMoment,
}
_QUANTIZERS = (
    "additive:NUMBER or multiplicative:NUMBER, sums of them with +, or a number format: "
    "format:NAME, fp:E,M or fixed:I,F"
)
# Comparing a longer text with the names takes time, and none of them is near.
_LONGEST_NAME = 100
_COUPLINGS = ("shared", "elementwise")
_ERRORS: dict[str, Callable[..., ErrorModel]] = {
    "additive": Additive,
    "multiplicative": Multiplicative,
}


def parse_spectrum(text: str, read: Reader = as_text) -> Any:
    """A spectrum such as ``power-law:2``.

    >>> parse_spectrum("power-law:2")
    PowerLaw(exponent=2, scale=1)
    """
    return _call("spectrum", text, _SPECTRA, ",", read)


def parse_target(text: str, read: Reader = as_text) -> Any:
    """A target such as ``constant:1``.

    >>> parse_target("source:2")
    SourceCondition(exponent=2)
    """
    return _call("target", text, _TARGETS, ",", read)


def parse_stepsize(text: str, read: Reader = as_text) -> Any:
    """A stepsize, or a schedule such as ``linear:0.1``.

    >>> parse_stepsize("linear:0.1"), parse_stepsize("0.1")
    (LinearDecay(largest=1/10), '0.1')
    """
    return _call("stepsize", text, _SCHEDULES, ",", read) if ":" in text else read(text)


def parse_covariates(text: str, read: Reader = as_text) -> Covariates:
    """A law of the covariates, or what is assumed of it.

    >>> parse_covariates("independent:5"), parse_covariates("gaussian")
    (Independent(kurtosis=5), Gaussian())
    """
    if text.strip() == "gaussian":
        return Gaussian()
    law: Covariates = _call("covariates", text, _COVARIATES, ",", read)
    return law


def parse_error_model(text: str, read: Reader = as_text) -> ErrorModel:
    """An error model, or a sum of several.

    >>> parse_error_model("additive:0.01+multiplicative:1e-3:elementwise")
    Additive('1/100') + Multiplicative('1/1000', coupling='elementwise')
    """
    total = ErrorModel()
    # "+" joins models only before a name, so that 1e+3 stays a number.
    for part in re.split(r"\+(?=[a-z])", text):
        name, colon, _ = part.strip().partition(":")
        if name not in _ERRORS or not colon:
            raise InvalidArgumentError("quantize", part, f"{_QUANTIZERS}{_meant(part)}")
        total = total + _call("quantize", part, _ERRORS, ":", read)
    return total


def _meant(text: str) -> str:
    """What somebody may have meant who wrote no kind of quantizer, or a wrong one."""
    name, colon, rest = text.strip().partition(":")
    near = formats.near_names(name) if len(name) < _LONGEST_NAME else []
    kinds = difflib.get_close_matches(name, (*_ERRORS, *_FORMATS))
    if re.fullmatch(r"[\d.]+(/\d+|e[+-]?\d+)?", text.strip()):
        meant = [f"{kind}:{text.strip()}" for kind in _ERRORS]
    elif near:
        meant = [f"format:{known}{colon}{rest}" for known in near]
    else:
        meant = [f"{kind}:{rest or 'NUMBER'}" for kind in kinds]
    return f" (did you mean {' or '.join(meant)}?)" if meant else ""


def parse_quantization(options: Sequence[str], read: Reader = as_text) -> Quantization:
    """``TARGET=MODEL`` options; the target ``all`` sets all five, and later options win.

    >>> parse_quantization(["all=additive:0.01", "label=additive:0"])
    ... # doctest: +ELLIPSIS
    Quantization(data=Additive('1/100'), parameter=Additive('1/100'), ...)
    """
    models: dict[str, Any] = {}
    for option in options:
        target, separator, model = option.partition("=")
        if not separator or target not in (*TARGETS, STORED, "all"):
            named = ", ".join((*TARGETS, STORED))
            raise InvalidArgumentError("quantize", option, f"TARGET=MODEL, one of {named} or all")
        for name in TARGETS if target == "all" else (target,):
            models[name] = parse_quantizer(model, read)
    return Quantization(**models)


def parse_quantizer(text: str, read: Reader = as_text) -> Any:
    """An error model or a number format.

    >>> parse_quantizer("format:int8:1/16:nearest")
    formats.Rounding(formats.get('int8', scale='1/16'), 'nearest')
    >>> parse_quantizer("fp:5,2:8bits")
    formats.Rounding(formats.FP(5, 2), 'stochastic', random_bits=8)
    """
    kind, _, rest = text.strip().partition(":")
    if kind in _FORMATS:
        return _parse_format(text, _FORMATS[kind], rest)
    return parse_error_model(text, read)


def _parse_format(text: str, make: Callable[..., Any], rest: str) -> Any:
    name, *options = rest.split(":")
    scale = "1"
    rounding: dict[str, Any] = {}
    for place, option in enumerate(options):
        bits = re.fullmatch(r"(\d{1,2})bits", option)
        if option in MODES:
            rounding["mode"] = option
        elif bits:
            rounding["random_bits"] = int(bits[1])
        elif place == 0:
            scale = option
        else:
            allowed = f"a scale, then one of {', '.join(MODES)} or a number of random bits (8bits)"
            raise InvalidArgumentError("quantize", text, allowed)
    number_format = make(name, scale)
    return formats.Rounding(number_format, **rounding) if rounding else number_format


def _with_bits(make: Callable[..., Any]) -> Callable[[str, str], Any]:
    """A format by two numbers of bits."""

    def named(text: str, scale: str) -> Any:
        bits = re.fullmatch(r"(\d{1,4}),(\d{1,4})", text)
        if bits is None:
            raise InvalidArgumentError("quantize", text, "two whole numbers of bits such as 4,3")
        return make(int(bits[1]), int(bits[2]), scale)

    return named


_FORMATS: dict[str, Callable[[str, str], Any]] = {
    "format": formats.get,
    "fp": _with_bits(formats.FP),
    "fixed": _with_bits(formats.fixed_point),
}


def _call(
    argument: str, text: str, names: dict[str, Callable[..., Any]], separator: str, read: Reader
) -> Any:
    name, colon, rest = text.strip().partition(":")
    if name not in names or not colon:
        allowed = " or ".join(f"{known}:NUMBER" for known in names)
        raise InvalidArgumentError(argument, text, allowed)
    if names[name] in (SpectrumFormula, SignalFormula):
        return names[name](rest)
    values = [v if v in _COUPLINGS else read(v) for v in rest.split(separator)]
    try:
        return names[name](*values)
    except TypeError:
        raise InvalidArgumentError(argument, text, f"{name}: with fewer values") from None


def feature_count(text: str, otherwise: str = "") -> int:
    """How many features a sketch has, as text.

    >>> feature_count("8")
    8
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_OF_A_COUNT and int(text)):
        allowed = f"{otherwise}a whole number of at least 1"
        raise InvalidArgumentError("sketch", text, allowed)
    return int(text)
