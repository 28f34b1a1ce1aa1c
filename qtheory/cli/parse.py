"""Command-line text turned into model objects, by a fixed grammar; nothing is evaluated.

spectrum       power-law:2   power-law:2,1/4   exponential:1/2   logarithmic:2
target         constant:1    source:2
error model    additive:0.01   multiplicative:1e-3   multiplicative:1e-3:elementwise
               and sums of them joined by +
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
    SourceCondition,
    formats,
)

__all__ = ["parse_error_model", "parse_quantization", "parse_spectrum", "parse_target"]

_SPECTRA: dict[str, Callable[..., Any]] = {
    "power-law": PowerLaw,
    "exponential": Exponential,
    "logarithmic": Logarithmic,
}
_TARGETS: dict[str, Callable[..., Any]] = {"constant": Constant, "source": SourceCondition}
_ERRORS: dict[str, Callable[..., ErrorModel]] = {
    "additive": Additive,
    "multiplicative": Multiplicative,
}


def parse_spectrum(text: str) -> Any:
    """A spectrum such as ``power-law:2``.

    >>> parse_spectrum("power-law:2")
    PowerLaw(exponent=2, scale=1)
    """
    return _call("spectrum", text, _SPECTRA, ",")


def parse_target(text: str) -> Any:
    """A target such as ``constant:1``.

    >>> parse_target("source:2")
    SourceCondition(exponent=2)
    """
    return _call("target", text, _TARGETS, ",")


def parse_error_model(text: str) -> ErrorModel:
    """An error model, or a sum of several.

    >>> parse_error_model("additive:0.01+multiplicative:1e-3:elementwise")
    Additive('1/100') + Multiplicative('1/1000', coupling='elementwise')
    """
    total = ErrorModel()
    # "+" joins models only before a name, so that 1e+3 stays a number.
    for part in re.split(r"\+(?=[a-z])", text):
        total = total + _call("quantize", part, _ERRORS, ":")
    return total


def parse_quantization(options: Sequence[str]) -> Quantization:
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
            models[name] = _parse_model(model)
    return Quantization(**models)


def _parse_model(text: str) -> Any:
    if text.startswith("format:"):
        return _call("quantize", text, {"format": formats.get}, ":")
    return parse_error_model(text)


def _call(argument: str, text: str, names: dict[str, Callable[..., Any]], separator: str) -> Any:
    name, colon, rest = text.strip().partition(":")
    if name not in names or not colon:
        allowed = " or ".join(f"{known}:NUMBER" for known in names)
        raise InvalidArgumentError(argument, text, allowed)
    try:
        return names[name](*rest.split(separator))
    except TypeError:
        raise InvalidArgumentError(argument, text, f"{name}: with fewer values") from None
