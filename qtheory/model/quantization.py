"""Quantization: which of the five targets carries which error model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from qtheory.errors import InvalidArgumentError
from qtheory.model.error_models import Additive, ErrorModel, Multiplicative
from qtheory.model.formats import NumberFormat

__all__ = ["TARGETS", "Additive", "ErrorModel", "Multiplicative", "Quantization"]

#: The quantizers of one step in pipeline order.
TARGETS = ("data", "label", "parameter", "activation", "gradient")


@dataclass(frozen=True)
class Quantization:
    """Error models of the five targets; one that is absent is exact.

    The data may also carry a number format (``qt.formats.get``).

    Examples
    --------
    >>> Quantization(data=Additive("0.01")).data.additive
    1/100
    >>> Quantization.uniform(Additive(1)).gradient
    Additive('1')
    """

    data: ErrorModel | NumberFormat = field(default_factory=ErrorModel)
    label: ErrorModel = field(default_factory=ErrorModel)
    parameter: ErrorModel = field(default_factory=ErrorModel)
    activation: ErrorModel = field(default_factory=ErrorModel)
    gradient: ErrorModel = field(default_factory=ErrorModel)

    def __post_init__(self) -> None:
        for target, model in self.items():
            if target == "data" and isinstance(model, NumberFormat):
                continue
            if not isinstance(model, ErrorModel):
                raise InvalidArgumentError(
                    target,
                    model,
                    "an error model: Additive(...), Multiplicative(...) or a sum"
                    + (", or a number format" if target == "data" else ""),
                )

    @classmethod
    def uniform(cls, model: ErrorModel) -> Quantization:
        """The same error model on all five targets."""
        return cls(**dict.fromkeys(TARGETS, model))

    def items(self) -> Iterator[tuple[str, Any]]:
        """Pairs (target, error model or format) in pipeline order."""
        for target in TARGETS:
            yield target, getattr(self, target)

    def up_to(self, target: str) -> Quantization:
        """Only the quantizers from data up to and including this target."""
        kept = TARGETS[: TARGETS.index(target) + 1]
        return Quantization(**{name: getattr(self, name) for name in kept})

    def __repr__(self) -> str:
        parts = [f"{name}={model!r}" for name, model in self.items() if not model.is_exact]
        return f"Quantization({', '.join(parts)})"
