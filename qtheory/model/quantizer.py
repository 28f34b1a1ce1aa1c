"""A number format with a way of rounding: one quantizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.error_models import ErrorModel
from qtheory.model.number_format import NumberFormat
from qtheory.model.rounding import DITHERS, MODES, checked_random_bits


@dataclass(frozen=True)
class Rounding:
    """A number format and how values are rounded to it; overflow saturates.

    A bare format means unbiased stochastic rounding; the other ways are for
    :func:`qtheory.simulate`.

    Parameters
    ----------
    format
        The number format, with its scale.
    mode
        ``"stochastic"``, ``"nearest"``, ``"toward_zero"``, and for a constant step ``"dithered"``
        or ``"subtractive"``; defined in :mod:`qtheory.model.rounding`.
    random_bits
        The number of random bits of stochastic rounding, None for as many as a float64 holds.

    Examples
    --------
    >>> from qtheory.model import formats
    >>> nearest = Rounding(formats.get("fp8_e4m3"), "nearest")
    >>> nearest.is_biased, Rounding(formats.get("int8"), "dithered").is_biased
    (True, False)
    """

    format: NumberFormat
    mode: str = "stochastic"
    random_bits: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.format, NumberFormat):
            raise InvalidArgumentError("format", self.format, "a number format")
        dithers = self.format.grid.mantissa_bits is None and not self.format.is_biased
        allowed = [mode for mode in MODES if dithers or mode not in DITHERS]
        if not isinstance(self.mode, str) or self.mode not in allowed:
            raise InvalidArgumentError(
                "mode", self.mode, f"one of {', '.join(allowed)} for {self.format.name}"
            )
        bits = checked_random_bits(self.random_bits)
        if bits is not None and self.mode != "stochastic":
            raise InvalidArgumentError("random_bits", self.random_bits, f"None when {self.mode}")
        object.__setattr__(self, "random_bits", bits)

    @property
    def is_exact(self) -> bool:
        """Whether there is no error at all."""
        return False

    @property
    def is_plain(self) -> bool:
        """Whether this is what a bare format means."""
        return self.mode == "stochastic" and self.random_bits is None

    @property
    def is_biased(self) -> bool:
        """Whether E[Q(u) | u] differs from u for some u in range; the theory needs that it is u."""
        return self.format.is_biased or not (self.is_plain or self.mode in DITHERS)

    def error_model(self) -> ErrorModel:
        """The second moments of the error.

        Raises
        ------
        HypothesisError
            If the rounding is biased, which no error model is.
        """
        if self.is_biased and not self.is_plain:
            raise HypothesisError(
                f"{self!r} is biased, and an error model needs E[Q(u) | u] = u: the theory does "
                "not cover it, simulate shows what happens"
            )
        return self.format.error_model(mode=self.mode)

    def __repr__(self) -> str:
        bits = "" if self.random_bits is None else f", random_bits={self.random_bits}"
        return f"formats.Rounding({self.format!r}, '{self.mode}'{bits})"


def rounding_of(quantizer: Any) -> Rounding | None:
    """How a quantizer rounds, or None if it is an error model."""
    if isinstance(quantizer, NumberFormat):
        return Rounding(quantizer)
    return quantizer if isinstance(quantizer, Rounding) else None
