"""Steps of certificates while they are found, and how they are written.

A fact has a name, a whole number that stays; its place in the checker's list is known once it is
known which of the steps above it are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Polynomial: TypeAlias = Any  # those of python-flint have no types


@dataclass(frozen=True, eq=False)
class Splitting:
    """A step for each part of an alternative: the names of the facts that it adds, and the step."""

    fact: int
    branches: tuple[tuple[tuple[int, ...], Step], ...]

    def used(self) -> set[int]:
        """The facts that are used and known above."""
        return {self.fact}.union(*(step.used() - set(new) for new, step in self.branches))

    def written(self, places: dict[int, int], size: int) -> list[Any]:
        """The step for the checker, where the facts so far have these places."""
        steps = [
            step.written(_placed(places, new, size), size + len(new)) for new, step in self.branches
        ]
        return ["split", places[self.fact], steps]


@dataclass(frozen=True, eq=False)
class Noting:
    """A step below something that holds always."""

    kind: str
    argument: Any
    new: tuple[int, ...]
    below: Step

    def used(self) -> set[int]:
        """The facts that are used and known above."""
        return self.below.used() - set(self.new)

    def written(self, places: dict[int, int], size: int) -> list[Any]:
        """The step for the checker, where the facts so far have these places."""
        below = self.below.written(_placed(places, self.new, size), size + len(self.new))
        return ["note", self.kind, self.argument, below]


@dataclass(frozen=True, eq=False)
class Elimination:
    """An equation solved for an unknown: above / below, which divides by what is not zero."""

    equation: int
    unknown: int
    nonzero: tuple[int, ...]
    above: Polynomial
    below: Polynomial


@dataclass(frozen=True, eq=False)
class Summand:
    """A coefficient times the square of a polynomial, if there is one, times a product of facts."""

    coefficient: Polynomial
    root: Polynomial | None
    facts: tuple[int, ...]

    def written(self, places: dict[int, int]) -> list[Any]:
        """The summand for the checker, where facts have these places."""
        root = None if self.root is None else text_of(self.root)
        return [text_of(self.coefficient), root, *(places[fact] for fact in self.facts)]


@dataclass(frozen=True, eq=False)
class Ending:
    """The end of a branch: a sum that is positive, and zero once the eliminations are put in."""

    eliminations: tuple[Elimination, ...]
    summands: tuple[Summand, ...]

    def used(self) -> set[int]:
        """The facts that are used and known above."""
        found = {fact for each in self.eliminations for fact in (each.equation, *each.nonzero)}
        return found.union(*(each.facts for each in self.summands))

    def written(self, places: dict[int, int], size: int) -> list[Any]:
        """The step for the checker, where the facts so far have these places."""
        return [
            "sum",
            [
                [places[each.equation], each.unknown, *(places[fact] for fact in each.nonzero)]
                for each in self.eliminations
            ],
            [each.written(places) for each in self.summands],
        ]


Step: TypeAlias = Splitting | Noting | Ending


def text_of(polynomial: Polynomial) -> str:
    """A polynomial as the checker reads it, like 3/4*x1^2*x5 + -1."""
    monomials = [
        "*".join([str(c), *(f"x{k}^{n}" if n > 1 else f"x{k}" for k, n in enumerate(powers) if n)])
        for powers, c in polynomial.to_dict().items()
    ]
    return " + ".join(monomials or ["0"])


def _placed(places: dict[int, int], new: tuple[int, ...], size: int) -> dict[int, int]:
    return places | {name: size + k for k, name in enumerate(new)}
