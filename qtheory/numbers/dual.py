"""Balls with a derivative: a + a' t with t^2 = 0, so that a formula differentiates itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint


@dataclass(frozen=True, eq=False)
class Dual:
    """A ball and its derivative; NumPy's object arrays hold them as they hold balls.

    Examples
    --------
    >>> x = Dual(flint.arb(3), flint.arb(1))
    >>> y = x**2 / (1 + x)
    >>> print(y.value.str(5, radius=False), y.slope.str(5, radius=False))
    2.2500 0.93750
    """

    value: flint.arb
    slope: flint.arb

    @classmethod
    def of(cls, number: Any) -> Dual | None:
        """A number of the same kind; None for what is no number, such as an array."""
        if isinstance(number, Dual):
            return number
        if isinstance(number, int | flint.arb):
            return cls(flint.arb(number), flint.arb(0))
        return None

    def __eq__(self, other: object) -> bool:
        it = Dual.of(other)
        return it is not None and bool(self.value == it.value and self.slope == it.slope)

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Any) -> Any:
        it = Dual.of(other)
        return NotImplemented if it is None else Dual(self.value + it.value, self.slope + it.slope)

    def __sub__(self, other: Any) -> Any:
        it = Dual.of(other)
        return NotImplemented if it is None else Dual(self.value - it.value, self.slope - it.slope)

    def __rsub__(self, other: Any) -> Any:
        it = Dual.of(other)
        return NotImplemented if it is None else it - self

    def __mul__(self, other: Any) -> Any:
        it = Dual.of(other)
        if it is None:
            return NotImplemented
        return Dual(self.value * it.value, self.value * it.slope + self.slope * it.value)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Any) -> Any:
        it = Dual.of(other)
        if it is None:
            return NotImplemented
        value = self.value / it.value
        return Dual(value, (self.slope - value * it.slope) / it.value)

    def __rtruediv__(self, other: Any) -> Any:
        it = Dual.of(other)
        return NotImplemented if it is None else it / self

    def __pow__(self, exponent: int) -> Dual:
        return Dual(self.value**exponent, exponent * self.value ** (exponent - 1) * self.slope)

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)
