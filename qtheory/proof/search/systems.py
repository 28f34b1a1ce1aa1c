"""Comparisons of polynomials with zero, with the equations among them solved and put in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qtheory.proof.checker import put, solved
from qtheory.proof.search.steps import Elimination, Polynomial

Relation = str  # "=", "!=", ">=" or ">"


@dataclass(frozen=True, eq=False)
class System:
    """Comparisons by the names of their facts.

    Attributes
    ----------
    literals
        What is compared with zero, and how.
    reduced
        The same polynomials with the eliminations put in, times what these divide by.
    divide
        Whether an equation is solved also where that divides by what other facts say is not zero.
    """

    ring: Polynomial
    divide: bool = True
    literals: Mapping[int, tuple[Relation, Polynomial]] = field(default_factory=dict)
    reduced: Mapping[int, Polynomial] = field(default_factory=dict)
    eliminations: tuple[Elimination, ...] = ()

    def with_fact(self, name: int, relation: Relation, polynomial: Polynomial) -> System:
        """One comparison more; it may be an equation to solve, or make others solvable."""
        system = replace(
            self,
            literals={**self.literals, name: (relation, polynomial)},
            reduced={**self.reduced, name: self.reduce(polynomial)},
        )
        while (elimination := system._next_elimination()) is not None:
            system = replace(
                system,
                reduced={n: with_put_in(p, elimination) for n, p in system.reduced.items()},
                eliminations=(*system.eliminations, elimination),
            )
        return system

    def restricted(self, names: Iterable[int], divide: bool) -> System:
        """Some of the comparisons, with what is solved anew."""
        system = System(self.ring, divide)
        for name in names:
            system = system.with_fact(name, *self.literals[name])
        return system

    def reduce(self, polynomial: Polynomial) -> Polynomial:
        """A polynomial with the eliminations put in, times what these divide by."""
        for elimination in self.eliminations:
            polynomial = with_put_in(polynomial, elimination)
        return polynomial

    def related(self, *relations: Relation) -> list[int]:
        """The names of the comparisons with such a relation."""
        return [name for name, (relation, _) in self.literals.items() if relation in relations]

    def compared(self, name: int) -> Relation:
        """How a fact compares its polynomial with zero."""
        return self.literals[name][0]

    @property
    def scaled(self) -> bool:
        """Whether reduced polynomials are multiples of what the eliminations make of them."""
        return any(not each.below.is_constant() for each in self.eliminations)

    def _next_elimination(self) -> Elimination | None:
        """The simplest elimination that some equation gives: short denominators first."""
        best = None
        for name in self.related("="):
            p = self.reduced[name]
            if p == 0:
                continue
            for unknown, degree in enumerate(p.degrees()):
                if degree != 1:
                    continue
                above, below = solved(p, unknown)
                nonzero = self._product_divided_by(below)
                if nonzero is None:
                    continue
                cost = len(below.to_dict()), len(nonzero), len(above.to_dict())
                if best is None or cost < best[0]:
                    best = cost, Elimination(name, unknown, nonzero, above, below)
        if best is None:
            return None
        found = best[1]
        if not found.below.is_constant():
            return found
        above = found.above * (1 / found.below.leading_coefficient())
        return replace(found, above=above, below=self.ring.constant(1))

    def _product_divided_by(self, below: Polynomial) -> tuple[int, ...] | None:
        """Facts that are not zero and whose product a polynomial divides, if there are any."""
        if below.is_constant():
            return ()
        if not self.divide:
            return None
        rest, facts = below, []
        for name in (*self.related(">"), *self.related("!=")):
            p = self.reduced[name]
            while not rest.is_constant() and not p.is_constant():
                common = rest.gcd(p)
                if common.is_constant():
                    break
                rest = divmod(rest, common)[0]
                facts.append(name)
        return tuple(facts) if rest.is_constant() else None


def with_put_in(polynomial: Polynomial, elimination: Elimination) -> Polynomial:
    """A polynomial with one unknown eliminated, times a power of what that divides by."""
    if polynomial.degrees()[elimination.unknown] <= 0:  # quick, and most of them
        return polynomial
    return put(polynomial, elimination.unknown, elimination.above, elimination.below)


def unknowns_of(polynomials: Sequence[Polynomial]) -> list[int]:
    """The places of the unknowns in some polynomials."""
    return sorted({k for p in polynomials for k, n in enumerate(p.degrees()) if n > 0})
