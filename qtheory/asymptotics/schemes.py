"""The three kinds of error by name: additive, shared and elementwise multiplicative."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.model.quantization import Additive, ErrorModel, Multiplicative

__all__ = ["scheme_named"]

_SCHEMES: dict[str, Callable[[sp.Expr], ErrorModel]] = {
    "additive": Additive,
    "shared": Multiplicative,
    "elementwise": lambda level: Multiplicative(level, coupling="elementwise"),
}


def scheme_named(scheme: str) -> Callable[[sp.Expr], ErrorModel]:
    """The error model of a scheme as a function of its level.

    >>> scheme_named("shared")(sp.Rational(1, 10))
    Multiplicative('1/10', coupling='shared')
    """
    if not isinstance(scheme, str) or scheme not in _SCHEMES:
        raise InvalidArgumentError("scheme", scheme, f"one of {', '.join(_SCHEMES)}")
    return _SCHEMES[scheme]
