"""Ways to end a branch whose comparisons contradict each other, from the cheap to the dear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qtheory.proof.search.combinations import shortened
from qtheory.proof.search.coordinates import in_coordinates
from qtheory.proof.search.products import by_products
from qtheory.proof.search.steps import Ending, Noting, Polynomial, Splitting, Step, Summand
from qtheory.proof.search.systems import System, unknowns_of
from qtheory.proof.search.triangles import on_a_triangle

_ROUNDS = (1, False), (2, False), (1, True), (2, True)
_DEGREES = (2, False), (2, True), (3, False)
_DEGREES_OF_FEW = (3, True), (4, False), (4, True)
_FEW = 5


def at_once(system: System) -> Step | None:
    """A step where one comparison alone is false, or a linear combination of them."""
    one, eliminations = system.ring.constant(1), system.eliminations
    for name, relation in ((name, system.compared(name)) for name in system.literals):
        p = system.reduced[name]
        if relation == "!=" and p == 0:
            fact = max(system.literals) + 1  # a name that is not used below
            end = Ending(eliminations, (Summand(one, None, (fact,)),))
            return Splitting(name, (((fact,), end), ((fact,), end)))
        if relation == ">" and p == 0:
            return Ending(eliminations, (Summand(one, None, (name,)),))
        if relation == "=" and p != 0 and p.is_constant() and not system.scaled:
            factor = -one / p.leading_coefficient()
            summands = Summand(one, None, ()), Summand(factor, None, (name,))
            return Ending(eliminations, summands)
    return by_products(system, list(system.literals), 1)


def by_sums(
    system: System, undivided: System, around: System, core: Sequence[int]
) -> Ending | None:
    """An ending from the comparisons of a core.

    They are in a system of their own, in one whose eliminations do not divide, and in one with
    linear comparisons of the same unknowns.
    """
    found = on_a_triangle(around, list(around.literals))
    if found is not None:
        return found
    for rounds, roots in _ROUNDS:
        found = in_coordinates(undivided, core, rounds, roots)
        if found is not None:
            return found
    more_solved = len(system.eliminations) > len(undivided.eliminations)
    systems = (undivided, system) if more_solved else (system,)
    for degree, squares in (*_DEGREES, *(_DEGREES_OF_FEW if len(core) <= _FEW else ())):
        for each in systems:
            found = by_products(each, core, degree, squares)
            if found is not None:
                return found
    return None


def simplest(system: System, step: Step) -> Step:
    """A step as :func:`at_once` finds it, without the eliminations that it does not need."""
    if isinstance(step, Ending):
        return shortened(system, step)
    if isinstance(step, Noting):
        return step
    p = system.literals[step.fact][1]
    branches = []
    for ((fact,), end), positive in zip(step.branches, (p, -p), strict=True):
        literals = {**system.literals, fact: (">", positive)}
        branches.append(((fact,), simplest(replace(system, literals=literals), end)))
    return replace(step, branches=tuple(branches))


def with_signs(system: System, core: Sequence[int], generators: Sequence[Polynomial]) -> list[int]:
    """A core and the signs of what it has: they help to find a sum, also where z3 does without.

    The signs of numbers that are not zero, of which the tree was split; and of the unknowns.
    """
    literals = system.literals
    split = [literals[name][1] for name in core if literals[name][0] == "!="]
    signed = [*core, *_comparing(system, (">",), split, core)]
    unknowns = [generators[k] for k in unknowns_of([literals[name][1] for name in signed])]
    return [*signed, *_comparing(system, (">", "="), unknowns, signed)]


def linear_around(system: System, names: Sequence[int], core: Sequence[int]) -> list[int]:
    """A core and the linear comparisons of its unknowns."""
    literals = system.literals
    unknowns = set(unknowns_of([literals[name][1] for name in core]))

    def near(name: int) -> bool:
        relation, p = literals[name]
        linear = relation in (">", ">=") and p.total_degree() == 1
        return linear and unknowns.issuperset(unknowns_of([p]))

    return [name for name in names if name in core or near(name)]


def entangled(system: System, names: Sequence[int]) -> list[int]:
    """The comparisons without those of unknowns that no other one has, over and over.

    A bound of an unknown that only bounds of it know says nothing either.
    """
    unknowns = {name: set(unknowns_of([system.literals[name][1]])) for name in names}
    kept = list(names)
    while True:
        fewer = [
            name
            for name in kept
            if any(unknowns[name] & unknowns[other] for other in kept if other != name)
        ]
        rich = set().union(*(unknowns[name] for name in kept if len(unknowns[name]) > 1))
        fewer = [name for name in fewer if unknowns[name] & rich]
        if fewer == kept:
            return kept
        kept = fewer


def _comparing(
    system: System,
    relations: Sequence[str],
    polynomials: Sequence[Polynomial],
    but: Sequence[int],
) -> list[int]:
    """Other comparisons of these polynomials, or of their negatives."""
    return [
        name
        for name, (relation, p) in system.literals.items()
        if name not in but and relation in relations and up_to_sign(p, polynomials)
    ]


def up_to_sign(p: Polynomial, polynomials: Sequence[Polynomial]) -> bool:
    """Whether a polynomial or its negative is one of these."""
    return any(p in (q, -q) for q in polynomials)
