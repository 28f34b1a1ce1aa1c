"""Products that fit the monomials there are, in coordinates in which linear facts are unknowns.

Where x >= y >= 0, x is y and something that is not negative: monomials in these have signs, and a
sum of products is found among few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, combinations_with_replacement, product

from qtheory.proof.checker import powers as parts_by_power
from qtheory.proof.search.combinations import Column, Multiple, ending
from qtheory.proof.search.products import quotients_of
from qtheory.proof.search.steps import Ending, Polynomial
from qtheory.proof.search.systems import System, unknowns_of

_COLUMNS = 4000
_FEW = 8  # monomials of which pairs are squared
Powers = tuple[int, ...]


def in_coordinates(
    system: System, names: Sequence[int], rounds: int, roots: bool = False
) -> Ending | None:
    """An ending from facts times monomials, perhaps with squares and products of pairs.

    Each round brings the products whose monomials meet those of the rounds before.
    """
    if system.scaled:
        return None
    search = _Products(system, names)
    for _ in range(rounds):
        search.fit()
        if roots:
            search.add_squares_and_pairs()
        if len(search.columns) + len(search.multiples) > _COLUMNS:
            return None
    columns, multiples = list(search.columns.values()), list(search.multiples.values())
    return ending(system, columns, multiples, search.back)


def coordinates(system: System, names: Sequence[int]) -> tuple[dict[int, int], list[Polynomial]]:
    """Linear facts taken for unknowns, by the unknown that each replaces; and what that one is.

    A difference comes before a number, and the unknown that it is larger by is replaced.
    """
    generators = list(system.ring.gens())
    linear = [
        (name, system.reduced[name])
        for name in names
        if system.compared(name) in (">=", ">") and system.reduced[name].total_degree() == 1
    ]
    linear.sort(key=lambda item: (-sum(c < 0 for c in item[1].coeffs()), len(item[1].coeffs())))
    chosen: dict[int, int] = {}
    images = list(generators)
    for name, p in linear:
        q = p.compose(*images)
        for powers, c in sorted(q.to_dict().items(), key=lambda item: -item[1]):
            if sum(powers) != 1 or c < 0 or powers.index(1) in chosen:
                continue
            k = powers.index(1)
            step = list(generators)
            step[k] = (generators[k] - (q - generators[k] * c)) / c
            images = [image.compose(*step) for image in images]
            chosen[k] = name
            break
    return chosen, images


class _Products:
    """The products collected so far, by what they are made of, and their monomials."""

    def __init__(self, system: System, names: Sequence[int]) -> None:
        self._system, self._ring = system, system.ring
        self._generators = system.ring.gens()
        self._fact_of, images = coordinates(system, names)
        self._linear_facts = [
            system.reduced[self._fact_of[k]] if k in self._fact_of else generator
            for k, generator in enumerate(self._generators)
        ]
        self._polynomials = {name: system.reduced[name].compose(*images) for name in names}
        self._equations = [
            name for name in names if system.compared(name) == "=" and self._polynomials[name] != 0
        ]
        signed = [name for name in names if system.compared(name) in (">=", ">")]
        self._facts = [name for name in signed if name not in self._fact_of.values()]
        self.multiples: dict[object, Multiple] = {}
        self.columns: dict[object, Column] = {(): Column((), self._ring.constant(1), True)}
        for name in signed:
            self.columns[name] = Column((name,), self._polynomials[name], self._strict(name))
        self._monomials = {
            powers
            for name in (*self._equations, *self._facts)
            for powers in self._polynomials[name].to_dict()
        }

    def back(self, polynomial: Polynomial) -> Polynomial:
        """A polynomial in these coordinates in the unknowns of the facts."""
        return polynomial.compose(*self._linear_facts)

    def fit(self) -> None:
        """The monomials themselves; and facts and equations times monomials that lead to them."""
        for powers in sorted(self._monomials):
            if any(powers) and self._signed(powers):
                self._add(("monomial", powers), (), self._ring.constant(1), powers)
        there = set(self._monomials)
        for name in self._facts:
            p = self._polynomials[name]
            for powers in quotients_of(there, p):
                if any(powers) and self._signed(powers):
                    self._add(("fact", name, powers), (name,), p, powers)
        for name in self._equations:
            for powers in quotients_of(there, self._polynomials[name]):
                if (name, powers) not in self.multiples:
                    factor = self._ring.from_dict({powers: 1})
                    multiple = Multiple(name, self._polynomials[name] * factor, factor)
                    self.multiples[name, powers] = multiple
                    self._monomials.update(multiple.polynomial.to_dict())

    def add_squares_and_pairs(self) -> None:
        """Facts times squares of roots that offer themselves, and products of two facts."""
        one = self._ring.constant(1)
        for root, names in product(self._roots(), [(), *((name,) for name in self._facts)]):
            p = self._polynomials[names[0]] if names else one
            self._keep(("root", str(root), names), Column(names, root**2 * p, False, root))
        pairs = [
            *combinations_with_replacement(self._facts, 2),
            *product(self._facts, self._fact_of.values()),
        ]
        for a, b in pairs:
            p = self._polynomials[a] * self._polynomials[b]
            self._keep(("pair", a, b), Column((a, b), p, self._strict(a) and self._strict(b)))

    def _roots(self) -> Iterable[Polynomial]:
        """Where a quadratic fact has its extreme; and sums and differences of a few monomials.

        These are the unknowns, and those whose squares are in the facts.
        """
        for name in self._facts:
            p = self._polynomials[name]
            for k, degree in enumerate(p.degrees()):
                if degree == 2:
                    parts = parts_by_power(p, k)
                    yield 2 * parts[2] * self._generators[k] + parts.get(1, 0 * p)
        polynomials = list(self._polynomials.values())
        unknowns = [self._ring.constant(1)]
        unknowns += [self._generators[k] for k in unknowns_of(polynomials)]
        squares = {e for p in polynomials for e in p.to_dict() if not any(n % 2 for n in e)}
        halves = [self._ring.from_dict({tuple(n // 2 for n in e): 1}) for e in sorted(squares)]
        for few in (unknowns, halves):
            for a, b in combinations(few, 2) if len(few) <= _FEW else ():
                yield a + b
                yield a - b

    def _add(
        self, key: object, names: tuple[int, ...], polynomial: Polynomial, powers: Powers
    ) -> None:
        """A product with a monomial: facts for the odd powers, a square for the rest."""
        if key in self.columns:
            return
        facts, halves = list(names), [0] * len(powers)
        positive = all(map(self._strict, names))
        for k, n in enumerate(powers):
            if not n:
                continue
            positive = positive and k in self._fact_of and self._strict(self._fact_of[k])
            odd = n if positive else n % 2  # a square would not keep it positive
            facts += [self._fact_of[k]] * odd if odd else []
            halves[k] = (n - odd) // 2
        root = self._ring.from_dict({tuple(halves): 1}) if any(halves) else None
        monomial = self._ring.from_dict({powers: 1})
        self._keep(key, Column(tuple(facts), polynomial * monomial, positive, root))

    def _keep(self, key: object, column: Column) -> None:
        """Add a column, if it is new, and its monomials."""
        if key not in self.columns:
            self.columns[key] = column
            self._monomials.update(column.polynomial.to_dict())

    def _signed(self, powers: Powers) -> bool:
        return all(n % 2 == 0 or k in self._fact_of for k, n in enumerate(powers))

    def _strict(self, name: int) -> bool:
        return self._system.compared(name) == ">"
