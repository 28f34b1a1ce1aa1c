"""Command-line text turned into model objects, by a fixed grammar; nothing is evaluated.

spectrum       power-law:2   power-law:2,1/4   exponential:1/2   logarithmic:2
               formula:i**-2*log(i+1)
target         constant:1    source:2          signal:i**-3*log(i+1)
error model    additive:0.01   multiplicative:1e-3   multiplicative:1e-3:elementwise
               and sums of them joined by +

Where rates are asked for, a number may also be a formula in symbols, such as power-law:a.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from qtheory.errors import InvalidArgumentError
from qtheory.model import (
    TARGETS,
    Additive,
    Constant,
    ErrorModel,
    Exponential,
    Logarithmic,
    Multiplicative,
    PowerLaw,
    Quantization,
    SignalFormula,
    SourceCondition,
    SpectrumFormula,
    formats,
)
from qtheory.numbers.exact import exact
from qtheory.numbers.grammar import parse_formula

__all__ = [
    "as_text",
    "parse_error_model",
    "parse_quantization",
    "parse_spectrum",
    "parse_target",
    "with_symbols",
]

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


_SPECTRA: dict[str, Callable[..., Any]] = {
    "power-law": PowerLaw,
    "exponential": Exponential,
    "logarithmic": Logarithmic,
    "formula": SpectrumFormula,
}
_TARGETS: dict[str, Callable[..., Any]] = {
    "constant": Constant,
    "source": SourceCondition,
    "signal": SignalFormula,
}
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


def parse_error_model(text: str, read: Reader = as_text) -> ErrorModel:
    """An error model, or a sum of several.

    >>> parse_error_model("additive:0.01+multiplicative:1e-3:elementwise")
    Additive('1/100') + Multiplicative('1/1000', coupling='elementwise')
    """
    total = ErrorModel()
    # "+" joins models only before a name, so that 1e+3 stays a number.
    for part in re.split(r"\+(?=[a-z])", text):
        total = total + _call("quantize", part, _ERRORS, ":", read)
    return total


def parse_quantization(options: Sequence[str], read: Reader = as_text) -> Quantization:
    """``TARGET=MODEL`` options; the target ``all`` sets all five, and later options win.

    >>> parse_quantization(["all=additive:0.01", "label=additive:0"])
    ... # doctest: +ELLIPSIS
    Quantization(data=Additive('1/100'), parameter=Additive('1/100'), ...)
    """
    models: dict[str, Any] = {}
    for option in options:
        target, separator, model = option.partition("=")
        if not separator or target not in (*TARGETS, "all"):
            raise InvalidArgumentError(
                "quantize", option, f"TARGET=MODEL with a target of {', '.join(TARGETS)} or all"
            )
        for name in TARGETS if target == "all" else (target,):
            models[name] = _parse_model(model, read)
    return Quantization(**models)


def _parse_model(text: str, read: Reader) -> Any:
    if text.startswith("format:"):
        return _call("quantize", text, {"format": formats.get}, ":", as_text)
    return parse_error_model(text, read)


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
