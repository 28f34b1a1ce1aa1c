"""Identities of polynomials, and a derivation of moments that is made of them.

Whether an identity holds is computed here, from its two polynomials, each time that it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qtheory.errors import ProofError
from qtheory.proof.expectation import RULES, Polynomial
from qtheory.proof.kernel import Proof, is_proof


@dataclass(frozen=True)
class Identity:
    """Two polynomials that are equal: what follows from the update, and what section 2 says."""

    name: str
    derived: Polynomial = field(repr=False)
    stated: Polynomial = field(repr=False)

    @property
    def holds(self) -> bool:
        """Whether both are polynomials of one ring, and equal."""
        both = (self.derived, self.stated)
        return all(type(side) is Polynomial for side in both) and bool(both[0] == both[1])


def identity(name: str, derived: Polynomial, stated: Polynomial) -> Identity:
    """The identity, if the polynomials are equal; an error otherwise.

    Examples
    --------
    >>> from qtheory.proof.expectation import ring
    >>> _, of = ring({"x": (), "y": ()})
    >>> x, y = of["x"], of["y"]
    >>> identity("a square", (x + y) ** 2, x**2 + 2 * x * y + y**2).holds
    True
    >>> identity("a square", (x + y) ** 2, x**2 + y**2)
    Traceback (most recent call last):
    qtheory.errors.ProofError: a square: derived - stated = 2*x*y, not 0
    """
    if derived != stated:
        raise ProofError(f"{name}: derived - stated = {str(derived - stated)[:300]}, not 0")
    return Identity(name, derived, stated)


@dataclass(frozen=True)
class Derivation:
    """What says that the update has the moments of a recursion.

    Attributes
    ----------
    assumptions
        What is used of the model, in words.
    identities
        What the rules of expectation give for each entry of a sum, and what the recursion has.
    sums
        The kernel's proofs of the sums over coordinates and samples.
    """

    assumptions: tuple[str, ...]
    identities: tuple[Identity, ...]
    sums: tuple[Proof, ...]

    @property
    def axioms(self) -> tuple[str, ...]:
        """What is taken from probability theory: the rules by which expectations are computed."""
        return tuple(RULES)

    def require(self) -> None:
        """Refuse what is none: without identities, with one that fails, with a sum unproved."""
        if not self.identities:
            raise ProofError("no identity says that the update has these moments")
        for each in self.identities:
            if type(each) is not Identity or not each.holds:
                raise ProofError(f"not an identity of polynomials: {each!r}")
        for proof in self.sums:
            if not is_proof(proof):
                raise ProofError(f"not a proof made by the kernel: {proof!r}")
