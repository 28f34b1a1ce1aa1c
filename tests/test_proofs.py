"""Every proof file runs to its theorem, reads as a proof, admits nothing; controls are refused."""

import ast
import dataclasses
import re
from itertools import pairwise
from pathlib import Path

import pytest
import sympy as sp
import z3

import qtheory as qt
from qtheory import theorems
from qtheory.errors import ProofError
from qtheory.model.run import Run
from qtheory.proof.kernel import is_proof, lemma, variable
from qtheory.proof.tree import leaves, steps
from qtheory.theory.definitions import x as relative_step
from qtheory.theory.formal import stating
from qtheory.theory.laws import LAWS
from qtheory.theory.moments import GAUSSIAN
from qtheory.theory.notation import additive, gamma, i, lam, lq
from qtheory.theory.recursion import Q, T, X, Y, core, cross, first, j, mean_step, same, step
from qtheory.theory.replay import PROOFS, Replay
from qtheory.theory.sequents import Formal
from tests.proof.negative_controls import NEGATIVE_CONTROLS as CONTROLS
from tests.proof.negative_controls import verdict

#: The files that read the statement of a theorem: they are run anew for its negative controls.
READERS = {
    "refined_upper_bound": ("noise", "constants", "refined_upper_bound"),
    "lower_bound": ("variance", "lower_bound"),
}
FOLDER = Path(__file__).parent.parent / "proofs"
FILES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")


@pytest.fixture(scope="module")
def replay():
    """Every proof, replayed once."""
    every = Replay()
    for name in PROOFS:
        every.prove(name)
    return every


@pytest.fixture(scope="module")
def records(replay):
    return {name: replay.prove(name) for name in PROOFS}


@pytest.mark.parametrize("name", PROOFS)
def test_every_theorem_is_proved(records, name):
    assert records[name].checked


def test_every_leaf_has_a_certificate(records):
    for record in records.values():
        assert record.trusted == ()
        assert record.as_json()["certificates"] == record.questions > 0


def test_a_replay_asks_no_solver(monkeypatch):
    def asked(*_):
        raise AssertionError("a replay asked z3")

    monkeypatch.setattr(z3.Solver, "check", asked)
    replay = Replay()
    for name in PROOFS:
        assert replay.prove(name).checked
    # the negative control: a leaf without certificate does ask
    x = variable("x")
    with pytest.raises(AssertionError, match="asked z3"):
        lemma(x * x + 1 > 0)


def test_every_theorem_that_is_shown_has_a_proof():
    assert set(theorems) <= set(PROOFS)


@pytest.mark.parametrize("name", [name for name in theorems if name != "recursion"])
def test_no_hypothesis_beyond_those_of_the_theorem(records, name):
    shown = {str(hypothesis.relation) for hypothesis in theorems[name].hypotheses}
    law = {h.meaning for assumed in LAWS[theorems[name].covariates] for h in assumed.hypotheses}
    assert set(records[name].hypotheses) <= shown | law


def test_a_theorem_on_one_law_assumes_nothing_of_another(records):
    (gaussian,) = GAUSSIAN.hypotheses
    bound = records["fourth_moment_bound"].root
    assert gaussian not in bound.hypotheses
    assert gaussian in records["upper_bound"].root.hypotheses
    for name, proof in (("upper_bound", bound), ("fourth_moment_bound", GAUSSIAN)):
        with pytest.raises(ProofError, match="not what is stated"):
            Formal(theorems[name]).require(proof)
    # the negative control: the right statement under the assumption of another law
    taken = lemma(bound.formula, bound, GAUSSIAN)
    with pytest.raises(ProofError, match="does not assume the covariates are Gaussian"):
        Formal(theorems["fourth_moment_bound"]).require(taken)


def test_axioms_are_the_written_ones(records):
    rules = {"Gaussian moments", "linearity of expectation", "tower property"}
    powers = {"Bernoulli", "power of a power", "power of a product", "power to a sum"}
    for name, record in records.items():
        expected = {"recursion": rules, "power_sums": powers}.get(name, set())
        assert set(record.axioms) == expected


def test_every_lemma_of_a_theorem_is_known_to_the_kernel(records):
    for record in records.values():
        assert all(map(is_proof, steps(record.root)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_proof_file_reads_as_a_proof(path):
    """A docstring with the mathematics; the theorem, where there is one, comes last."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    if path.stem in PROOFS.values():
        last = tree.body[-1]
        assert isinstance(last, ast.Assign)
        assert last.targets[0].id == "theorem"


def announced(docstring):
    """The names that a header gives as main results; none if it does not go on to say how."""
    found = re.search(r"^Main results.*?$(.*?)^How$", docstring, re.MULTILINE | re.DOTALL)
    return re.findall(r"``(\w+)``", found[1]) if found else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_header_says_the_main_results_then_how(path):
    tree = ast.parse(path.read_text())
    made = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    made |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = announced(ast.get_docstring(tree))
    assert names
    assert set(names) <= made
    if path.stem in PROOFS.values():
        assert "theorem" in names


def test_a_header_without_main_results_is_seen():
    assert announced("T9.\n\nMain results\n    ``theorem``: 0 = 0\n\nHow\n    It is.") == [
        "theorem"
    ]
    assert announced("T9.\n\nMain results\n    ``theorem``: 0 = 0") == []
    assert announced("T9: 0 = 0.") == []


def star_imports(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield node.module


def long_functions(source, most=80):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= most:
            yield node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_reader_sees_where_a_symbol_is_made_and_a_function_at_once(path):
    assert list(star_imports(path.read_text())) == []
    assert list(long_functions(path.read_text())) == []


def test_a_star_and_a_long_function_are_seen():
    assert list(star_imports("from .noise import *")) == ["noise"]
    assert list(long_functions("def f():\n" + "    pass\n" * 80)) == ["f"]
    assert list(long_functions("def f():\n" + "    pass\n" * 79)) == []


def test_no_step_is_admitted():
    words = re.compile(r"\b(admit\w*|sorry|trust me|believe|_mint|_TOKEN)\b", re.IGNORECASE)
    for path in FILES:
        assert words.search(path.read_text()) is None, path
    assert words.search("admitted = True") is not None


def test_latex_is_balanced_and_cites_what_stands_above(records):
    text = records["decomposition"].latex()
    assert text.count(r"\begin{lemma}") == records["decomposition"].steps - 1
    assert text.count(r"\begin{theorem}") == 1
    assert text.rindex(r"\begin{theorem}") > text.rindex(r"\begin{lemma}")
    assert "True" not in text
    for opened in re.findall(r"\\begin\{(\w+)\}", text):
        assert text.count(rf"\begin{{{opened}}}") == text.count(rf"\end{{{opened}}}")
    assert text.count("{") == text.count("}")
    for label in re.findall(r"\\ref\{(.*?)\}", text):
        assert text.index(rf"\label{{{label}}}") < text.index(rf"\ref{{{label}}}")


# --- negative controls, which must be refused ----------------------------------------------------


@pytest.mark.parametrize("control", CONTROLS, ids=str)
def test_a_negative_control_is_refuted_where_the_theorem_holds(control):
    assert verdict(control.theorem, *control.false_at) is False
    true = theorems[control.theorem.name]
    if true.hypotheses == control.theorem.hypotheses:
        true.require(Run(*control.false_at))
        assert verdict(true, *control.false_at) is not False
    else:
        with pytest.raises(qt.HypothesisError):
            true.require(Run(*control.false_at))


@pytest.fixture
def impatient(monkeypatch):
    """A solver that gives up after a second: on what is false it would use up all its work.

    The clock decides nothing here: what is not answered is refused, as it must be.
    """
    check = z3.Solver.check

    def checked(solver, *assumptions):
        solver.set("timeout", 1000)
        return check(solver, *assumptions)

    monkeypatch.setattr(z3.Solver, "check", checked)


# each theorem's first in every run, the others in the long one
FIRST = [CONTROLS[0], *(b for a, b in pairwise(CONTROLS) if a.theorem.name != b.theorem.name)]
MARKED = [t if t in FIRST else pytest.param(t, marks=pytest.mark.long) for t in CONTROLS]


@pytest.mark.parametrize("control", MARKED, ids=str)
def test_a_negative_control_is_refused(control, replay, impatient):
    name = control.theorem.name
    anew = replay.without(*READERS.get(name, (PROOFS[name],)))
    with (
        stating(control.theorem),
        pytest.raises(ProofError, match=r"refused|unknown|does not assume"),
    ):
        anew.prove(name)


# Those of T2 as it is shown: its table and its sums, put beside what is derived from the update.
T2 = theorems["recursion"]
T2_CONTROLS = {
    "7 for 3 in Q": (Q[i, j], lambda e: e.xreplace({sp.Integer(3): sp.Integer(7)})),
    "the square of lambda twice in Q": (Q[i, j], lambda e: e + lam[i] * lam[j]),
    "4 for 3 on the diagonal of T": (
        T[i, j],
        lambda e: e.xreplace({3 * lam[i] * additive["data"]: 4 * lam[i] * additive["data"]}),
    ),
    "Y without additive errors": (Y[i, j], lambda e: e.xreplace({additive["data"]: sp.S.Zero})),
    "X once": (core[i], lambda e: e + X[i]),
    "the mean with a whole step more": (first[step + 1, i], lambda e: e + lam[i]),
    "cross without its mean step": (cross[i], lambda e: e.xreplace({mean_step[i]: sp.S.Zero})),
    "lambda for lambda^q in x": (relative_step[i], lambda e: e.xreplace({lq[i]: lam[i]})),
}


@pytest.mark.parametrize("what", T2_CONTROLS)
def test_a_change_of_what_t2_shows_is_refused(what, replay, impatient):
    left, change = T2_CONTROLS[what]
    changed = tuple(
        sp.Eq(left, change(each.rhs)) if each.lhs == left else each for each in T2.definitions
    )
    assert changed != T2.definitions
    with (
        stating(dataclasses.replace(T2, definitions=changed)),
        pytest.raises(ProofError, match=r"refused|unknown"),
    ):
        replay.without("second_moments").prove("recursion")


def test_a_change_of_the_relation_of_t2_is_refused(replay, impatient):
    changed = sp.Eq(T2.statement.lhs, T2.statement.rhs + gamma**2 * same[i])
    with (
        stating(dataclasses.replace(T2, statement=changed)),
        pytest.raises(ProofError, match=r"refused|unknown"),
    ):
        replay.without("second_moments").prove("recursion")


def test_the_identities_of_t2_are_no_questions_to_a_solver(records):
    record = records["recursion"]
    asked = {id(leaf) for proof in (record.root, *record.corollaries) for leaf in leaves(proof)}
    assert record.questions == len(asked) > len(list(leaves(record.root)))
    assert record.proofs == (*record.corollaries, record.root)
    text = record.latex()
    assert text.count(r"\begin{lemma}") == record.steps - 1
    assert text.count(r"\begin{theorem}") == 1
    assert text.count("an identity of polynomials") == len(record.identities)
    # 6 moments without a sum, 6 of one sum, 7 of two; then those of G, of s, and of the start
    assert len(record.identities) == 6 + 6 * 3 + 7 * 8 + 5 + 3 + 5
    assert {"E[G_b G_c]", "E[h_b h_b u_b u_b], coordinates j, k"} <= set(
        record.as_json()["identities"]
    )
    assert all(not other.identities for name, other in records.items() if name != "recursion")


NAMES = sorted({control.theorem.name for control in CONTROLS})


@pytest.mark.parametrize(
    "name",
    [name if k < 3 else pytest.param(name, marks=pytest.mark.long) for k, name in enumerate(NAMES)],
)
def test_the_true_theorem_passes_by_the_same_path(name, replay):
    assert replay.without(*READERS.get(name, (PROOFS[name],))).prove(name).checked


def test_every_theorem_has_negative_controls():
    elsewhere = {"recursion", "power_sums"}  # test_update.py, test_power_sums.py
    assert {control.theorem.name for control in CONTROLS} | elsewhere == set(PROOFS)
