"""Proofs replayed: a false theorem fails, an undecided one is unknown."""

import dataclasses
from pathlib import Path

import sympy as sp
import z3

import qtheory as qt
from qtheory.checks import proofs, suite
from qtheory.theory import theorems
from qtheory.theory.formal import stating


def test_a_false_theorem_fails_its_proof(monkeypatch):
    true = theorems["spectral_shape"]
    false = dataclasses.replace(true, statement=sp.Eq(true.statement.lhs, 2 * true.statement.rhs))
    monkeypatch.setattr(proofs, "PROOFS", {n: n for n in ("spectral_floor", "spectral_shape")})
    with stating(false):
        floor, shape = proofs.proofs_replayed()
    assert (floor.status, shape.status) == ("passed", "failed")
    assert "does not follow" in shape.detail


def no_numbers():
    """A model that gives no symbol a value."""
    solver = z3.Solver()
    solver.check()
    return solver.model()


def test_a_proof_that_the_solver_does_not_decide_is_unknown(monkeypatch):
    model = no_numbers()
    monkeypatch.setattr(proofs, "PROOFS", {"spectral_shape": "spectral_shape"})
    monkeypatch.setattr(z3.Solver, "check", lambda solver, *assumptions: z3.unknown)
    (check,) = proofs.proofs_replayed()
    assert (check.id, check.status) == ("proof/spectral_shape", "unknown")
    assert "more with work=" in check.detail
    ledger = suite.Ledger((check,), ())
    assert ledger.ok
    assert (ledger.count("passed"), ledger.count("failed"), ledger.count("unknown")) == (0, 0, 1)
    assert ledger.as_json()["unknown"] == 1
    monkeypatch.setattr(z3.Solver, "check", lambda solver, *assumptions: z3.sat)
    monkeypatch.setattr(z3.Solver, "model", lambda solver: model)
    (check,) = proofs.proofs_replayed()
    assert check.status == "failed"


def test_no_limit_of_the_solver_is_a_time():
    """In the package and in the proofs: what a question is worth is counted in work."""
    root = Path(qt.__file__).parent
    sources = [*root.rglob("*.py"), *(root.parent / "proofs").glob("*.py")]
    texts = {path: path.read_text(encoding="utf-8") for path in sources}
    assert sum('set("rlimit"' in text for text in texts.values()) == 2
    assert not [path for path, text in texts.items() if 'set("timeout"' in text]
