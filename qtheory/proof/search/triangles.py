"""Products of a given degree of three linear facts: a polynomial's coefficients on a triangle.

What is not negative on a triangle has no negative Bernstein coefficients once the degree is high
enough, unless it is zero at the border.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from qtheory.proof.search.combinations import Column, ending, triangle_exists
from qtheory.proof.search.steps import Ending
from qtheory.proof.search.systems import System

_MOST_FORMS = 6
_DEGREES = 4, 6, 8, 10, 12


def on_a_triangle(system: System, names: Sequence[int]) -> Ending | None:
    """An ending from products of three linear facts, and one other fact."""
    if system.scaled:
        return None
    signed = [name for name in names if system.compared(name) in (">=", ">")]
    linear = [name for name in signed if system.reduced[name].total_degree() == 1]
    others = [name for name in signed if system.reduced[name].total_degree() > 1]
    if len(others) != 1 or len(linear) > _MOST_FORMS:
        return None
    corners = [
        corner
        for corner in combinations(linear, 3)
        if triangle_exists([system.reduced[name] for name in corner])
    ]
    other = others[0]
    alone = Column((other,), system.reduced[other], system.compared(other) == ">")
    for degree in _DEGREES:
        for corner in corners:
            found = ending(system, [alone, *_products(system, corner, degree)])
            if found is not None:
                return found
    return None


def _products(system: System, corner: Sequence[int], degree: int) -> Iterator[Column]:
    forms = [system.reduced[name] for name in corner]
    for i in range(degree + 1):
        for j in range(degree + 1 - i):
            powers = i, j, degree - i - j
            product = system.ring.constant(1)
            for form, power in zip(forms, powers, strict=True):
                product = product * form**power
            facts = tuple(n for n, power in zip(corner, powers, strict=True) for _ in range(power))
            yield Column(facts, product, False)
