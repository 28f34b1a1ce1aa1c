"""Which combination of the iterates SGD returns."""

from __future__ import annotations

from dataclasses import dataclass

from qtheory.model.sgd import SGD


@dataclass(frozen=True)
class Window:
    """The iterate w_first alone, or the average of the ``count`` iterates from w_first on."""

    first: int
    count: int
    averaged: bool

    @classmethod
    def of(cls, sgd: SGD) -> Window:
        """The window of a run with numeric steps."""
        steps = int(sgd.steps)
        if sgd.output == "last":
            return cls(steps, 1, averaged=False)
        first = int(sgd.first_averaged)
        return cls(first, steps - first, averaged=True)

    @property
    def last(self) -> int:
        """The number of steps that must be taken."""
        return self.first + self.count if self.averaged else self.first

    @property
    def is_start(self) -> bool:
        """Whether it is w_0 alone, before any step."""
        return self.averaged and self.last <= 1
