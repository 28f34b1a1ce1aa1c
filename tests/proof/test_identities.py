"""Identities of polynomials are computed by the package, and a derivation is made of them."""

import pytest

from qtheory.errors import ProofError
from qtheory.proof.expectation import ring
from qtheory.proof.identities import Derivation, Identity, identity
from qtheory.proof.kernel import Proof, lemma, variable

_, OF = ring({"x": (), "y": ()})
X, Y = OF["x"], OF["y"]
SQUARE = identity("a square", (X + Y) ** 2, X**2 + 2 * X * Y + Y**2)
TRUE = lemma(variable("p") == variable("p"))


def test_an_identity_holds_or_does_not():
    assert SQUARE.holds
    assert not Identity("half of it", (X + Y) ** 2, X**2 + Y**2).holds
    with pytest.raises(ProofError, match=r"half of it: derived - stated = 2\*x\*y, not 0"):
        identity("half of it", (X + Y) ** 2, X**2 + Y**2)


def test_polynomials_of_two_rings_are_not_equal():
    _, other = ring({"x": (), "z": ()})
    assert not Identity("two rings", X, other["x"]).holds


@pytest.mark.parametrize("side", [1, True, None, "x"])
def test_what_is_no_polynomial_is_equal_to_none(side):
    assert not Identity("no polynomials", side, side).holds


@pytest.mark.parametrize(
    ("identities", "sums", "message"),
    [
        ((), (TRUE,), "no identity says"),
        ((SQUARE, Identity("false", X, Y)), (), "not an identity of polynomials"),
        ((SQUARE, True), (), "not an identity of polynomials"),
        ((SQUARE,), (TRUE, object.__new__(Proof)), "not a proof made by the kernel"),
        ((SQUARE,), (True,), "not a proof made by the kernel"),
    ],
)
def test_a_derivation_of_something_else_is_refused(identities, sums, message):
    Derivation((), (SQUARE,), (TRUE,)).require()
    with pytest.raises(ProofError, match=message):
        Derivation((), identities, sums).require()
