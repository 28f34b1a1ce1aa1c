"""Terms of the kernel as polynomials: definitions are unfolded, sums over coordinates written out.

What the kernel proves for symbolic d is thereby compared with what an exact computation finds for
a few coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TypeAlias

import flint
import z3

from qtheory.errors import ProofError
from qtheory.proof.expectation import Polynomial, Ring
from qtheory.proof.kernel import Proof
from qtheory.proof.sums import total

#: The sum of a sequence over the coordinates, from the function that gives its entries.
Sum: TypeAlias = Callable[[Callable[[int], Polynomial]], Polynomial]


class Reader:
    """Reads a term of real arithmetic as a polynomial of a ring.

    Parameters
    ----------
    values
        Polynomials for terms, e.g. for the entries of a parameter that is a sequence.
    definitions
        Terms with their defining equations, which they are read by.
    count
        The term for the number of coordinates, and
    over_coordinates
        what a sum over that many is.
    """

    def __init__(
        self,
        ring: Ring,
        values: Mapping[z3.ExprRef, Polynomial],
        definitions: Mapping[z3.ExprRef, Proof],
        count: z3.ArithRef,
        over_coordinates: Sum,
    ) -> None:
        self._ring, self._count, self._sum = ring, count, over_coordinates
        self._values = dict(values)
        self._meanings = {term: meaning(term, proof) for term, proof in definitions.items()}

    def __call__(self, term: z3.ExprRef) -> Polynomial:
        """The polynomial that a term is."""
        if term not in self._values:
            self._values[term] = self._read(term)
        return self._values[term]

    def _read(self, term: z3.ExprRef) -> Polynomial:
        if term in self._meanings:
            return self(self._meanings[term])
        if z3.is_rational_value(term):
            return self._ring.constant(
                flint.fmpq(term.numerator_as_long(), term.denominator_as_long())
            )
        children = term.children()
        if z3.is_app_of(term, z3.Z3_OP_ITE):
            condition = z3.simplify(children[0])
            if z3.is_true(condition) or z3.is_false(condition):
                return self(children[1] if z3.is_true(condition) else children[2])
        elif z3.is_app_of(term, z3.Z3_OP_UMINUS):
            return -self(children[0])
        elif children and term.decl() == total.symbol and children[1].eq(self._count):
            return self._sum(lambda k: self(z3.Select(children[0], z3.IntVal(k))))
        elif term.decl().kind() in _OPERATIONS:
            return reduce(_OPERATIONS[term.decl().kind()], map(self, children))
        raise ProofError(f"not read as a polynomial: {term}")


def meaning(term: z3.ExprRef, definition: Proof) -> z3.ExprRef:
    """What a defining equation says that the term is (for n >= 0, after a recursion's step)."""
    if definition.rule != "definition":
        rules = [premise.rule for premise in definition.premises]
        if definition.rule != "instance" or rules != ["definition"]:
            raise ProofError(f"not a defining equation: {definition!r}")
    equation = definition.formula
    if z3.is_implies(equation):
        equation = equation.arg(1)
    left, right = equation.children()
    if not (left.eq(term) or right.eq(term)):  # z3 may write either first
        raise ProofError(f"{definition!r} does not define {term}")
    return right if left.eq(term) else left


def coefficient(
    polynomial: Polynomial, generators: Sequence[Polynomial], powers: Sequence[int]
) -> Polynomial:
    """What multiplies the product of these powers of the generators, and does not hold them."""
    ring = polynomial.context()
    fixed = dict(zip(map(ring.gens().index, generators), powers, strict=True))
    kept = {}
    for exponents, value in polynomial.to_dict().items():
        if all(exponents[place] == power for place, power in fixed.items()):
            rest = tuple(0 if place in fixed else n for place, n in enumerate(exponents))
            kept[rest] = value
    return ring.from_dict(kept)


def renamed(
    polynomial: Polynomial, generators: Sequence[Polynomial], images: Sequence[Polynomial]
) -> Polynomial:
    """The polynomial with other polynomials for some of its generators, all at once."""
    place = polynomial.context().gens().index
    arguments = list(polynomial.context().gens())
    for generator, image in zip(generators, images, strict=True):
        arguments[place(generator)] = image
    return polynomial.compose(*arguments)


_OPERATIONS: dict[int, Callable[[Polynomial, Polynomial], Polynomial]] = {
    z3.Z3_OP_ADD: lambda left, right: left + right,
    z3.Z3_OP_SUB: lambda left, right: left - right,
    z3.Z3_OP_MUL: lambda left, right: left * right,
}
