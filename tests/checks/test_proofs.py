"""Proofs replayed: a false theorem fails, an undecided one is unknown; a lax rule fails."""

import dataclasses
from pathlib import Path

import pytest
import sympy as sp
import z3

import qtheory as qt
from qtheory.checks import proofs, suite
from qtheory.proof import kernel
from qtheory.proof.certificates import CertificateFile
from qtheory.proof.kernel import Proof
from qtheory.proof.leaves import Leaf
from qtheory.theory import theorems
from qtheory.theory.formal import stating
from qtheory.theory.sequents import Formal
from tests.checks.results import passed


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
    monkeypatch.setattr(CertificateFile, "find", lambda *asked: None)  # as if none was found yet
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
    assert sum('set("rlimit"' in text for text in texts.values()) == 1
    assert not [path for path, text in texts.items() if 'set("timeout"' in text]


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", proofs.REFUSED)
def test_a_rule_refuses_its_negative_controls(rule):
    assert passed(proofs.refused(rule))


def without_hypotheses(rule, *says, **parts):
    kept = {} if rule == "hypothesis" else {"hypotheses": frozenset()}
    return MINT(rule, *says, **{**parts, **kept})


MINT = kernel._mint
#: A rule that lets something pass, by what it then no longer asks.
FAULTS = {
    "lemma": (kernel, "closed", lambda *asked: Leaf("", ()), "what does not follow"),
    "induction": (kernel, "closed", lambda *asked: Leaf("", ()), "without its base"),
    "instantiate": (kernel, "_fixed", lambda _: set(), "a variable that a hypothesis fixes"),
    "cut": (kernel, "_fixed", lambda _: set(), "of what is assumed of all, by one"),
    "hypotheses": (kernel, "_mint", without_hypotheses, "by a lemma; by an instance"),
    "definitions": (kernel, "_free_name", lambda name, _: name, "two of one name"),
    "proofs": (Proof, "__setattr__", object.__setattr__, "changed"),
    "statements": (Formal, "require", lambda *_: None, "nothing; a formula; a symbol"),
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_rule_that_lets_something_pass_is_noticed(monkeypatch, rule):
    place, name, fault, what = FAULTS[rule]
    monkeypatch.setattr(place, name, fault)
    (check,) = proofs.refused(rule)
    assert check.status == "failed"
    assert f"NOT refused: {what}" in check.detail


def test_every_rule_is_asked():
    assert set(FAULTS) == set(proofs.REFUSED)
