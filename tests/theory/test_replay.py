"""Proof files that prove something else than what is shown: each is refused."""

import re
import sys

import pytest
import z3

from qtheory.errors import ProofError
from qtheory.proof.expectation import RULES
from qtheory.theory import replay, theorems
from qtheory.theory.formal import stating
from qtheory.theory.replay import Replay

PACKAGE = "planted_proofs"


@pytest.fixture
def proved_by(tmp_path, monkeypatch):
    """The record of a theorem, proved by a file with this text."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(replay, "_package", lambda: PACKAGE)

    def prove(name, text):
        (folder / f"{replay.PROOFS[name]}.py").write_text(PREAMBLE + text)
        return Replay().prove(name)

    yield prove
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


PREAMBLE = """
import z3
from qtheory.proof.kernel import assume, define, lemma, sequence, variable
from qtheory.theory import definitions, notation, theorems
from qtheory.theory.definitions import A, bias, risk, variance
from qtheory.theory.formal import STANDING, Vocabulary, assumed, coordinate, inside, stated, stating
from qtheory.theory.sequents import Formal, established

seven, zero = z3.RealVal(7), z3.RealVal(0)
"""
SHAPE = """
words = Formal(stated("spectral_shape"))
unfolded = words.unfold(notation.D, notation.lq, at=coordinate)
facts = [*unfolded, *words.hypotheses, *STANDING.values()]
"""
MEANINGS = """
meanings = {risk: seven, A: seven, bias: zero, variance: zero}
words = Vocabulary(stated("upper_bound").definitions, meanings)
theorem = lemma(words.term(stated("upper_bound").statement))
"""
NOTHING = "theorem = lemma(z3.BoolVal(True))"
#: What no theorem is: the name of the theorem, the text of its proof, and how it is refused.
ATTACKS = {
    "meanings for what is defined": (
        "upper_bound", MEANINGS, "A is defined, it has no other meaning, as 7",
    ),
    "the same without the definitions": (
        "upper_bound",
        MEANINGS.replace('stated("upper_bound").definitions', "()"),
        "T4: what is proved is not what is stated: 7 <= 7 + 0 + 0 for ",
    ),
    "nothing": ("spectral_shape", NOTHING, "what is proved is not what is stated: True for "),
    "nothing, for the floor": ("spectral_floor", NOTHING, "is not what is stated: True for "),
    "nothing, for T2": ("recursion", NOTHING, "is not what is stated: True for "),
    "no proof": ("spectral_shape", "theorem = z3.BoolVal(True)", "not a proof made by the kernel"),
    "a hypothesis more": (
        "spectral_shape",
        SHAPE + 'theorem = established(words, assume(zero == 1, meaning="absurd"))',
        "T6, multiplicative does not assume absurd",
    ),
    "a hypothesis of another theorem": (
        "spectral_shape",
        SHAPE
        + """
small = assumed(theorems["upper_bound"].assumptions[0])
theorem = established(words, *facts, small)
""",
        "T6, multiplicative does not assume x[i] <= 1",
    ),
    "a hypothesis of the same name": (
        "spectral_shape",
        SHAPE
        + """
absurd = assume(zero == 1, meaning=str(theorems["spectral_shape"].assumptions[0]))
theorem = established(words, absurd)
""",
        "T6, multiplicative does not assume epsilon_d^a <= 0",
    ),
    "lambda^q with a number": (
        "spectral_shape",
        SHAPE
        + """
level, lam = (words[s] for s in (notation.multiplicative["data"], notation.lam))
other = sequence("lambda^q", [], coordinate, (1 + level) * lam[coordinate])
claim = z3.Implies(inside, other()[coordinate] == (1 + level) * lam[coordinate])
theorem = lemma(claim, other.at(coordinate))
""",
        "what is proved is not what is stated: lambda^q~",
    ),
    "a corollary about lambda^q with a number": (
        "spectral_shape",
        SHAPE
        + """
other = sequence("lambda^q", [], coordinate, 7)
corollaries = (lemma(other()[coordinate] == 7, other.at(coordinate)),)
theorem = established(words, *facts)
""",
        "is about another lambda^q than the theorems",
    ),
    "a corollary that is none": (
        "spectral_shape",
        SHAPE + "corollaries = (True,)\ntheorem = established(words, *facts)",
        "not a proof made by the kernel",
    ),
    "another theorem of this name": (
        "spectral_shape",
        """
from dataclasses import replace
import sympy as sp
true = stated("spectral_shape")
trivial = replace(true, statement=sp.Le(notation.gamma, notation.gamma + 1))
held = stating(trivial)
held.__enter__()
words = Formal(stated("spectral_shape"))
theorem = established(words)
""",
        "what is proved is not what is stated: True for ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_file_that_proves_something_else_is_refused(attack, proved_by):
    name, text, message = ATTACKS[attack]
    with stating(theorems[name]), pytest.raises(ProofError, match=re.escape(message)):
        proved_by(name, text)


def test_a_file_that_proves_it_is_accepted(proved_by):
    record = proved_by("spectral_shape", SHAPE + "theorem = established(words, *facts)")
    assert record.checked
    assert record.statement == str(theorems["spectral_shape"].statement)
    assert record.hypotheses == ("epsilon_d^a <= 0",)


def test_meanings_are_no_argument_of_a_theorem(proved_by):
    with pytest.raises(TypeError, match="positional arguments"):
        proved_by("upper_bound", 'Formal(stated("upper_bound"), {risk: seven, A: seven})')


RING = """
from qtheory.proof.expectation import ring
from qtheory.proof.identities import Derivation, Identity
_, of = ring({"x": ()})
x = of["x"]
square = Identity("a square", (x + 1) ** 2, x**2 + 2 * x + 1)
true = lemma(z3.BoolVal(True))

class Always(Identity):
    holds = True

class Equal:
    def __eq__(self, other):
        return True

class Own(Derivation):
    def require(self):
        pass
"""
NO_IDENTITY = "not an identity of polynomials: "
#: What is no derivation of the moments: the text of the file, and how it is refused.
DERIVATIONS = {
    "none": ("", "nothing says that the update has these moments"),
    "another class": ("derivation = Own((), (), ())", "nothing says that the update has"),
    "empty": ("derivation = Derivation((), (), (true,))", "no identity says that the update has"),
    "false": (
        'derivation = Derivation((), (square, Identity("x", x, x + 1)), ())',
        NO_IDENTITY + "Identity(name='x')",
    ),
    "of its own class": ('derivation = Derivation((), (Always("x", x, x + 1),), ())', NO_IDENTITY),
    "of no polynomials": (
        'derivation = Derivation((), (Identity("x", Equal(), x),), ())',
        NO_IDENTITY,
    ),
    "a sum unproved": ("derivation = Derivation((), (square,), (True,))", "not a proof made by"),
    "a sum about another lambda^q": (
        """
other = sequence("lambda^q", [], coordinate, 7)
sums = (lemma(other()[coordinate] == 7, other.at(coordinate)),)
derivation = Derivation((), (square,), sums)""",
        "is about another lambda^q than the theorems",
    ),
}


@pytest.fixture
def any_formula(monkeypatch):
    """Any formula is taken for that of T2, so that its derivation is what is missing."""
    monkeypatch.setattr("qtheory.theory.sequents.Formal.require", lambda *_: None)


@pytest.mark.parametrize("what", DERIVATIONS)
def test_the_formula_of_t2_alone_says_nothing_of_the_update(what, proved_by, any_formula):
    text, message = DERIVATIONS[what]
    with pytest.raises(ProofError, match=re.escape(message)):
        proved_by("recursion", f"{RING}{text}\n{NOTHING}")


def test_what_the_derivation_of_t2_rests_on_is_counted(proved_by, any_formula):
    """Sums with a question, a hypothesis and a sign of their own, beside a formula with none."""
    text = """
sums = (
    lemma(seven > zero, assume(zero == zero, meaning="zero is zero"), STANDING["N"]),
    true,
)
derivation = Derivation(("the model",), (square,), sums)
"""
    record = proved_by("recursion", f"{RING}{text}\n{NOTHING}")
    assert record.checked
    formulas = [proof.formula for proof in record.corollaries]
    assert formulas == [z3.RealVal(7) > 0, z3.BoolVal(True)]
    assert (record.steps, record.questions, len(record.identities)) == (3, 3, 1)
    assert record.hypotheses == ("the model", "zero is zero")
    assert record.standing == ("N >= 1",)
    assert set(record.axioms) == set(RULES)


def test_t8_is_shown_as_the_formula_that_is_proved(proved_by):
    record = proved_by("power_sums", NOTHING)
    assert record.statement == "True"
    assert record.as_json()["statement_in"] == "kernel"
