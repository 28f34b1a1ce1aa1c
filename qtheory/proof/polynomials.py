"""Terms of the kernel as polynomials: definitions are unfolded, indices that differ told apart.

What the kernel proves of sums over any number of indices is thereby compared with what an exact
computation finds for the entry of the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import reduce

import flint
import z3

from qtheory.errors import ProofError
from qtheory.proof.expectation import Polynomial, Ring
from qtheory.proof.kernel import Proof


class Reader:
    """Reads a term of real arithmetic as a polynomial of a ring.

    Parameters
    ----------
    values
        Polynomials for terms, e.g. for the entries of a parameter that is a sequence.
    definitions
        Terms with their defining equations, which they are read by.
    different
        Indices of which no two are equal; only between these an equation counts as false.
    """

    def __init__(
        self,
        ring: Ring,
        values: Mapping[z3.ExprRef, Polynomial],
        definitions: Mapping[z3.ExprRef, Proof],
        different: Collection[z3.ExprRef] = (),
    ) -> None:
        self._ring, self._different = ring, tuple(different)
        self._values = dict(values)
        self._meanings = {term: meaning(term, proof) for term, proof in definitions.items()}

    def also(
        self,
        definitions: Mapping[z3.ExprRef, Proof],
        values: Mapping[z3.ExprRef, Polynomial] | None = None,
    ) -> Reader:
        """A reader that knows more definitions and values."""
        known = {**self._values, **(values or {})}
        other = Reader(self._ring, known, definitions, self._different)
        other._meanings |= self._meanings
        return other

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
            return self(children[1] if self._holds(children[0]) else children[2])
        if z3.is_app_of(term, z3.Z3_OP_UMINUS):
            return -self(children[0])
        if term.decl().kind() in _OPERATIONS:
            return reduce(_OPERATIONS[term.decl().kind()], map(self, children))
        raise ProofError(f"not read as a polynomial: {term}")

    def _holds(self, condition: z3.BoolRef) -> bool:
        """Whether two indices are equal, or an error if that is not known."""
        if z3.is_eq(condition):
            left, right = condition.children()
            if left.eq(right):
                return True
            if all(any(side.eq(index) for index in self._different) for side in (left, right)):
                return False
        raise ProofError(f"not known to hold or to fail: {condition}")


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


_OPERATIONS: dict[int, Callable[[Polynomial, Polynomial], Polynomial]] = {
    z3.Z3_OP_ADD: lambda left, right: left + right,
    z3.Z3_OP_SUB: lambda left, right: left - right,
    z3.Z3_OP_MUL: lambda left, right: left * right,
}
