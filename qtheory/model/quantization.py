"""Quantization: which of the five targets carries which quantizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sympy as sp

from qtheory.errors import InvalidArgumentError, one_of
from qtheory.model.error_models import Additive, ErrorModel, Multiplicative
from qtheory.model.number_format import NumberFormat
from qtheory.model.quantizer import Rounding, rounding_of
from qtheory.numbers.arrays import sequence

#: What a target may carry: an ErrorModel, a NumberFormat or a Rounding. Which of them a function
#: takes is checked where it is called, so the type checker is told no more than this.
Quantizer: TypeAlias = Any

#: The quantizers of one step in pipeline order.
TARGETS = ("data", "label", "parameter", "activation", "gradient")
#: The weights themselves, kept in low precision between steps, which bounds and rates do not cover.
STORED = "stored"
#: Those that are vectors, whose numbers may share scales; the others are numbers by themselves.
VECTORS = ("data", "parameter", STORED)


#: The three kinds of error by name, each as a function of its level.
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


def targets_named(given: str | Iterable[str], among: tuple[str, ...] = TARGETS) -> tuple[str, ...]:
    """The targets with some names; a single name need not stand in a list.

    >>> targets_named("data"), targets_named(["label", "data"])
    (('data',), ('label', 'data'))
    """
    if isinstance(given, str):
        given = [given]
    names = sequence(given, "targets", f"a sequence of targets, some of {', '.join(among)}")
    for name in names:
        if not isinstance(name, str) or name not in among:
            raise InvalidArgumentError("targets", name, one_of(name, among))
    return tuple(names)


@dataclass(frozen=True)
class Quantization:
    """The quantizers of the five targets; one that is absent is exact.

    ``stored`` quantizes the weights that a step leaves, w' = Q(w + gamma g): no copy of them in
    full precision is kept. Each is an error model, a number format (``qt.formats.get``), which
    rounds stochastically, or a ``qt.formats.Rounding``. :func:`qtheory.simulate` runs all of them.
    The exact theory needs error models (:meth:`error_models`); only on the data it takes a number
    format as it is.

    Examples
    --------
    >>> Quantization(data=Additive("0.01")).data.additive
    1/100
    >>> Quantization.uniform(Additive(1)).gradient
    Additive('1')
    """

    data: Quantizer = field(default_factory=ErrorModel)
    label: Quantizer = field(default_factory=ErrorModel)
    parameter: Quantizer = field(default_factory=ErrorModel)
    activation: Quantizer = field(default_factory=ErrorModel)
    gradient: Quantizer = field(default_factory=ErrorModel)
    stored: Quantizer = field(default_factory=ErrorModel)

    def __post_init__(self) -> None:
        for target, quantizer in self.items():
            if not isinstance(quantizer, ErrorModel | NumberFormat | Rounding):
                raise InvalidArgumentError(
                    target,
                    quantizer,
                    "an error model (Additive(...), Multiplicative(...) or a sum), a number format "
                    "(formats.get('int8'), for one) or a Rounding",
                )
            if isinstance(quantizer, Rounding) and quantizer.is_plain:
                object.__setattr__(self, target, quantizer.format)

    @classmethod
    def uniform(cls, quantizer: Quantizer) -> Quantization:
        """The same quantizer on all five targets of a step; stored weights stay exact."""
        return cls(**dict.fromkeys(TARGETS, quantizer))

    @property
    def sees_rotation(self) -> tuple[str, ...]:
        """The targets whose errors act otherwise in a rotated basis: elementwise ones, formats.

        Only data, parameters and stored weights are vectors that a rotation moves.
        """
        vectors = ((target, getattr(self, target)) for target in VECTORS)
        return tuple(
            target
            for target, quantizer in vectors
            if not isinstance(quantizer, ErrorModel) or quantizer.elementwise != 0
        )

    def items(self) -> Iterator[tuple[str, Any]]:
        """Pairs (target, quantizer) in pipeline order; stored weights where they are not exact."""
        for target in TARGETS:
            yield target, getattr(self, target)
        if not self.stored.is_exact:
            yield STORED, self.stored

    def up_to(self, target: str) -> Quantization:
        """Only the quantizers from data up to and including this target."""
        every = (*TARGETS, STORED)
        if not isinstance(target, str) or target not in every:
            raise InvalidArgumentError("target", target, one_of(target, every))
        kept = every[: every.index(target) + 1]
        return Quantization(**{name: getattr(self, name) for name in kept})

    @property
    def biased(self) -> tuple[str, ...]:
        """The targets whose rounding is biased, so that the theory does not cover them."""
        roundings = ((target, rounding_of(quantizer)) for target, quantizer in self.items())
        return tuple(t for t, rounding in roundings if rounding is not None and rounding.is_biased)

    def error_models(self) -> Quantization:
        """Every number format replaced by its error model.

        Raises
        ------
        HypothesisError
            If a rounding is biased.

        Examples
        --------
        >>> from qtheory.model import formats
        >>> Quantization(label=formats.get("int8", scale="1/16")).error_models()
        Quantization(label=Additive('1/1536'))
        """
        models = {t: q if isinstance(q, ErrorModel) else q.error_model() for t, q in self.items()}
        return Quantization(**models)

    def __repr__(self) -> str:
        parts = [f"{name}={model!r}" for name, model in self.items() if not model.is_exact]
        return f"Quantization({', '.join(parts)})"
