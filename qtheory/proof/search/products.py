"""Products of a few facts and simple squares, taken blindly: for small systems."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import combinations, combinations_with_replacement

from qtheory.proof.search.combinations import Column, Multiple, ending
from qtheory.proof.search.steps import Ending, Polynomial
from qtheory.proof.search.systems import System, unknowns_of, with_put_in

_COLUMNS = 700
_FACTORS = 60  # of an equation


def by_products(
    system: System, names: Sequence[int], degree: int, squares: bool = False
) -> Ending | None:
    """An ending from products of at most this many of the facts, perhaps times squares."""
    # where eliminations divide, products must be taken first, and reduced to one denominator
    source = (
        {name: p for name, (_, p) in system.literals.items()} if system.scaled else system.reduced
    )
    columns = _products(system, source, names, degree)
    if len(columns) > _COLUMNS:
        return None
    if squares:
        columns += _with_squares(system, columns, names, degree)
    multiples = _multiples(system, source, names, columns)
    if len(columns) + len(multiples) > (_COLUMNS // 2 if system.scaled else 3 * _COLUMNS):
        return None
    if not system.scaled:
        return ending(system, columns, multiples)
    polynomials = _to_one_denominator(
        system, [c.polynomial for c in columns] + [m.polynomial for m in multiples]
    )
    signed = [replace(c, polynomial=p) for c, p in zip(columns, polynomials, strict=False)]
    rest = polynomials[len(columns) :]
    free = [replace(m, polynomial=p) for m, p in zip(multiples, rest, strict=True)]
    return ending(system, signed, free)


def _products(
    system: System, source: Mapping[int, Polynomial], names: Sequence[int], degree: int
) -> list[Column]:
    """Products of at most this many facts; the first ones, where there are too many."""
    signed = [name for name in names if system.compared(name) in (">=", ">")]
    one, columns = system.ring.constant(1), []
    for size in range(degree + 1):
        for chosen in combinations_with_replacement(signed, size):
            product = reduce(operator.mul, [source[name] for name in chosen], one)
            positive = all(system.compared(name) == ">" for name in chosen)
            columns.append(Column(chosen, product, positive))
            if len(columns) > _COLUMNS:
                return columns
    return columns


def _with_squares(
    system: System, columns: Sequence[Column], names: Sequence[int], degree: int
) -> list[Column]:
    """Products of fewer facts times squares of unknowns, their products, sums and differences."""
    generators = system.ring.gens()
    one = system.ring.constant(1)
    unknowns = [generators[k] for k in unknowns_of([system.reduced[name] for name in names])]
    roots = list(unknowns)
    if degree > 2:
        roots += [a * b for a, b in combinations_with_replacement(unknowns, 2)]
    if degree > 1:
        pairs = list(combinations([one, *unknowns], 2))
        roots += [root for a, b in pairs for root in (a + b, a - b)]
    found: list[Column] = []
    for root in roots:
        for column in columns:
            if len(column.facts) < degree:
                found.append(Column(column.facts, column.polynomial * root**2, False, root))
        if len(columns) + len(found) > 2 * _COLUMNS:
            break
    return found


def _multiples(
    system: System,
    source: Mapping[int, Polynomial],
    names: Sequence[int],
    columns: Sequence[Column],
) -> list[Multiple]:
    """Equations left, times what makes one of their monomials one that is in a column."""
    there = {powers for column in columns for powers in column.polynomial.to_dict()}
    found = []
    for name in names:
        if system.compared(name) != "=" or system.reduced[name] == 0:
            continue
        quotients = set(quotients_of(there, source[name])) | {(0,) * len(system.ring.gens())}
        for powers in sorted(quotients, key=lambda powers: (sum(powers), powers))[:_FACTORS]:
            factor = system.ring.from_dict({powers: 1})
            found.append(Multiple(name, source[name] * factor, factor))
    return found


def quotients_of(
    monomials: set[tuple[int, ...]], polynomial: Polynomial
) -> Iterator[tuple[int, ...]]:
    """What some monomial of a polynomial is to be multiplied by to be one of these."""
    own = list(polynomial.to_dict())
    for powers in sorted(monomials):
        for mine in own:
            quotient = tuple(a - b for a, b in zip(powers, mine, strict=True))
            if min(quotient, default=0) >= 0:
                yield quotient


def _to_one_denominator(system: System, polynomials: list[Polynomial]) -> list[Polynomial]:
    """The eliminations put in, and all multiplied by the same powers of what they divide by."""
    for each in system.eliminations:
        degrees = [p.degrees()[each.unknown] for p in polynomials]
        most = max(degrees)
        if most > 0:
            polynomials = [
                with_put_in(p, each) * each.below ** (most - max(degree, 0))
                for p, degree in zip(polynomials, degrees, strict=True)
            ]
    return polynomials
