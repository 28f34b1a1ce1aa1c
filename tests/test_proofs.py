"""Every proof runs to its theorem, and a false lemma is refused."""

import runpy
from pathlib import Path

import pytest

PROOFS = sorted((Path(__file__).parent.parent / "proofs").glob("*.py"))


@pytest.mark.parametrize("path", PROOFS, ids=lambda path: path.stem)
def test_proof_ends_in_its_theorem(path):
    assert "theorem" in runpy.run_path(str(path))


def test_a_false_identity_is_refused():
    proof = runpy.run_path(str(PROOFS[0]))
    with pytest.raises(ArithmeticError, match="not to 0"):
        proof["identity"](proof["lq"] * proof["wq"], proof["lam"])
