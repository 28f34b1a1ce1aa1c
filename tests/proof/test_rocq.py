"""Developments for Rocq: what they say, and that Rocq accepts them where it is installed."""

import re
import runpy
import shutil
import subprocess

import pytest
import z3
from typer.testing import CliRunner

from qtheory.cli import app
from qtheory.errors import ProofError
from qtheory.proof.kernel import lemma, variable
from qtheory.proof.rocq import development
from qtheory.theory.replay import Replay

needs_rocq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Rocq is not installed")

LEMMAS = """
import z3
from qtheory.proof import INT, induction, recursive, variable

r, b, n = variable("r"), variable("b"), variable("n", INT)
a = recursive("a", [r, b], n, 0, lambda before: r * before + b)
claim = (1 - r) * a(r, b, n) <= b
given = z3.And(0 <= r, r < 1, b >= 0)
bounded = induction(
    n, z3.Implies(given, claim), a.next(r, b, n), base=[a.zero(r, b)], name="noise stays bounded"
)
"""
#: What Rocq's real numbers rest on.
AXIOMS = {
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
}


def qtheory(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def accepted(path):
    """What Rocq prints for a file it accepts; an AssertionError with what it says otherwise."""
    done = subprocess.run(
        ["coqc", "-q", path.name], cwd=path.parent, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def axioms(printed):
    lines = [line for line in printed.splitlines() if line and not line.startswith(" ")]
    return {line.split()[0] for line in lines if line != "Axioms:"}


@pytest.fixture
def lemmas(tmp_path):
    """A file of lemmas of a user, with the certificates that the command finds."""
    path = tmp_path / "my_lemmas.py"
    path.write_text(LEMMAS)
    found = qtheory("prove", "--search", str(path))
    assert found.exit_code == 0, found.output
    assert (tmp_path / "certificates" / "my_lemmas.gz").is_file()
    return path


def test_a_lemma_of_a_user_is_certified_by_one_command_and_written(lemmas, tmp_path, monkeypatch):
    def asked(*_):
        raise AssertionError("a replay asked z3")

    monkeypatch.setattr(z3.Solver, "check", asked)
    proof = runpy.run_path(str(lemmas))["bounded"]
    assert all(leaf.certificate for leaf in proof.leaves)
    text = development("bounded", proof.name, proof)
    statement, theorem = text.index("_statement : Prop"), text.index("\nTheorem ")
    assert statement < text.index("Lemma noise_stays_bounded_base_reals") < theorem
    assert development("bounded", proof.name, proof) == text
    assert "Admitted" not in text


@needs_rocq
def test_rocq_accepts_it_and_no_other_statement(lemmas, tmp_path):
    written = qtheory("prove", str(lemmas), "--rocq", str(tmp_path))
    assert written.exit_code == 0, written.output
    path = tmp_path / "bounded.v"
    assert axioms(accepted(path)) == AXIOMS
    # the negative control: < for <= is not what was proved
    text = path.read_text()
    false = re.sub(r"(_statement : Prop :=\n.*)<= b\)\)\)\.", r"\1< b))).", text, count=1)
    assert false != text
    path.write_text(false)
    with pytest.raises(AssertionError, match="has type"):
        accepted(path)


def test_a_leaf_on_the_word_of_a_solver_is_not_written():
    x = variable("x")
    proof = lemma(z3.Implies(x >= 1, x * x >= x), name="squares")
    with pytest.raises(ProofError, match="no certificate for squares"):
        development("squares", "squares", proof)


def test_a_theorem_that_divides_by_products_is_written():
    """What is divided by may hold a factor of what else is: T4' was not written for that once."""
    record = Replay().prove("refined_upper_bound")
    text = development(record.label, record.title, *record.proofs)
    lemmas = len(re.findall(r"^Lemma \w+_reals", text, re.MULTILINE))
    assert lemmas == record.questions
    assert text.count("product_not_zero _ _") > 100


@pytest.mark.slow
@needs_rocq
@pytest.mark.parametrize(
    "name", ["decomposition", "spectral_floor", "spectral_shape", "feedback_limit", "noise_limit"]
)
def test_rocq_accepts_a_theorem(name, tmp_path):
    record = Replay().prove(name)
    path = tmp_path / f"{name}.v"
    path.write_text(development(record.label, record.title, *record.proofs))
    assert axioms(accepted(path)) == AXIOMS
