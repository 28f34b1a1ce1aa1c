"""Developments for Rocq: what they say, and that Rocq accepts them where it is installed."""

import json
import re
import runpy
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
import z3
from typer.testing import CliRunner

from qtheory.cli import app
from qtheory.proof.axioms import AXIOMS as POWER_AXIOMS
from qtheory.proof.kernel import INT, assume, axiom, lemma, variable
from qtheory.proof.leaves import Leaf
from qtheory.proof.real_powers import real_power
from qtheory.proof.rocq import LIBRARY, development, library
from qtheory.proof.rocq_leaves import real_lemma
from qtheory.proof.rocq_symbols import Symbols
from qtheory.proof.rocq_terms import polynomial_text
from qtheory.proof.terms import term_of
from qtheory.theory.replay import PROOFS, Replay
from tests.proof.certificate_examples import EXAMPLES

needs_rocq = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="Rocq is not installed: no development is compiled"
)

#: The lemmas of a user that docs/proofs.md shows.
PAGE = Path(__file__).parents[2] / "docs" / "proofs.md"
LEMMAS = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
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


@pytest.fixture(scope="session")
def compiled_library(tmp_path_factory):
    """A folder with the library, compiled: its checker is sound."""
    folder = tmp_path_factory.mktemp("rocq")
    (folder / LIBRARY).write_text(library())
    (folder / "sound.v").write_text("Require Import qtheory.\nPrint Assumptions proved.\n")
    assert accepted(folder / LIBRARY) == ""
    assert axioms(accepted(folder / "sound.v")) == AXIOMS
    return folder


def written(folder, name, text):
    path = folder / f"{name}.v"
    path.write_text(text)
    return path


@pytest.fixture
def lemmas(tmp_path):
    """A file of lemmas of a user, with the certificates that the command finds."""
    path = tmp_path / "my_lemmas.py"
    path.write_text(LEMMAS)
    found = qtheory("prove", "--search", str(path))
    assert found.exit_code == 0, found.output
    assert (tmp_path / "certificates" / "my_lemmas.gz").is_file()
    return path


def test_a_lemma_of_a_user_is_certified_by_one_command_and_written(lemmas, monkeypatch):
    def asked(*_):
        raise AssertionError("a replay asked z3")

    monkeypatch.setattr(z3.Solver, "check", asked)
    proof = runpy.run_path(str(lemmas))["bounded"]
    assert all(leaf.certificate for leaf in proof.leaves)
    text = development("bounded", proof.name, proof)
    statement, theorem = text.index("_statement : Prop"), text.index("\nTheorem ")
    assert statement < text.index("Lemma noise_stays_bounded_base_reals") < theorem
    assert development("bounded", proof.name, proof) == text
    assert "dmit" not in text  # neither admit nor Admitted
    assert "NOT COMPLETE" not in text


@needs_rocq
def test_rocq_accepts_it_and_no_other_statement(lemmas, tmp_path):
    done = qtheory("prove", str(lemmas), "--rocq", str(tmp_path))
    assert done.exit_code == 0, done.output
    accepted(tmp_path / LIBRARY)
    path = tmp_path / "bounded.v"
    assert axioms(accepted(path)) == AXIOMS
    # the negative control: < for <= is not what was proved
    text = path.read_text()
    false = re.sub(r"(_statement : Prop :=\n.*)<= b\.", r"\1< b.", text, count=1)
    assert false != text
    path.write_text(false)
    with pytest.raises(AssertionError, match="has type"):
        accepted(path)


# the checker in Rocq: what it takes, and what it refuses


def taken(folder, certificates):
    """Whether the checker in Rocq takes certificates, computed there."""
    unknowns = [
        *(f"Notation x{k} := (Unknown {k}). Notation t{k} := (Truth {k})." for k in range(9)),
        *(f"Notation f{k} := ({k})%nat." for k in range(20)),
    ]
    asked = [
        f"Eval vm_compute in proves [{premises}]%formula [{notes}] ({goal}) ({steps})%nat."
        for premises, notes, goal, steps in certificates
    ]
    head = (
        "From Coq Require Import Reals ZArith List.\nRequire Import qtheory.\nImport ListNotations."
    )
    printed = accepted(written(folder, "asked", "\n".join([head, *unknowns, *asked]) + "\n"))
    return [answer == "true" for answer in re.findall(r"= (true|false)\n *: bool", printed)]


#: Premises, notes, goal and steps that are a proof; and what is changed in it, which makes it none.
CERTIFICATES = {
    "a sum": (
        (
            "1 <= x0",
            "",
            "0 < x0",
            "Ends [] (Product 1 1 1 []) [Product 1 1 1 [0]; Product 1 1 1 [1]] []",
        ),
        [
            ("goal", "1 < x0"),
            ("premise", "0 <= x0"),
            ("steps", "Ends [] (Product 1 1 1 []) [Product 1 1 1 [0]] []"),
            ("steps", "Ends [] (Product 1 1 1 [0]) [Product 1 1 1 [1]] []"),  # 0 <= is not 0 <
            ("steps", "Ends [] (Product 1 1 1 []) [Product 2 1 1 [0]; Product 1 1 1 [1]] []"),
            ("steps", "Ends [] (Product 1 1 1 []) [Product 1 1 1 [0]; Product 1 1 1 [7]] []"),
        ],
    ),
    "a square": (
        (
            "2 * x0 = 3",
            "",
            "0 < x0 * x0",
            "Ends [] (Product 3 1 1 []) [Product 4 3 1 [1]] [Multiple ((-2) / 3 * x0 + (-1)) 0]",
        ),
        [
            ("premise", "2 * x0 <= 3"),
            ("goal", "0 < x0 * x1"),
            # a square is not negative, and need not be positive
            ("steps", "Ends [] (Product 9 4 x0 []) [Product 1 1 1 [1]] [Multiple (1 / 2 * x0) 0]"),
        ],
    ),
    "a quotient": (
        (
            "0 < x0",
            "Quotient x1 1 x0",
            "x1 * x0 = 1",
            "Noted 0 (Split 3 [Ends [] (Product 1 1 1 [0]) [] [Multiple 1 4]; "
            "Split 1 [Ends [] (Product 1 1 1 [5]) [] [Multiple 1 4]; "
            "Ends [] (Product 1 1 1 [5]) [] [Multiple (-1) 4]]])",
        ),
        [
            ("premise", "0 <= x0"),
            ("notes", "Quotient x1 2 x0"),
            ("notes", ""),
            (
                "steps",
                "Noted 0 (Split 3 [Ends [] (Product 1 1 1 [0]) [] [Multiple 1 4]])",
            ),
        ],
    ),
    "what is divided by": (
        (
            "x0 * x1 = x0; 0 < x0",
            "",
            "x1 <= 1",
            "Nonzero x0 [1] 1 [] (Ends [3] (Product 1 1 1 [2]) [] [Multiple 1 0])",
        ),
        [
            ("premise", "x0 * x1 = x0; 0 <= x0"),
            ("steps", "Nonzero x0 [2] 1 [] (Ends [3] (Product 1 1 1 [2]) [] [Multiple 1 0])"),
            ("steps", "Ends [0] (Product 1 1 1 [2]) [] [Multiple 1 0]"),
        ],
    ),
    "a sign": (
        (
            "",
            "",
            "x0 <= 0 \\/ 0 < x0",
            "Ends [] (Product 1 1 1 [0]) [Product 1 1 1 [1]] []",
        ),
        [("goal", "x0 < 0 \\/ 0 < x0")],
    ),
    "a truth value": (
        (
            "t0 -> x0 = 1; t0",
            "",
            "x0 <= 1",
            "Split 0 [Clash 1 3; Ends [] (Product 1 1 1 [2]) [] [Multiple 1 3]]",
        ),
        [
            ("premise", "t0 -> x0 = 1; ~ t0"),
            ("goal", "t0"),  # nobody says that t0 holds or does not
        ],
    ),
}


@needs_rocq
def test_the_checker_in_rocq_takes_proofs_and_refuses_what_is_none(compiled_library):
    wanted, asked = [], []
    for proof, changes in CERTIFICATES.values():
        parts = dict(zip(["premise", "notes", "goal", "steps"], proof, strict=True))
        asked.append(tuple(parts.values()))
        asked += [tuple({**parts, part: changed}.values()) for part, changed in changes]
        wanted += [True] + [False] * len(changes)
    answers = taken(compiled_library, asked)
    assert len(answers) == len(wanted)
    wrong = [
        case for case, answer, right in zip(asked, answers, wanted, strict=True) if answer != right
    ]
    assert not wrong


def translated(name):
    """An example made by hand, as the checker in Rocq has it: premises, notes, goal and steps."""
    formulas, steps = EXAMPLES[name]
    leaf = Leaf(name, tuple(formulas), steps, tuple(range(len(formulas))))
    terms = [(term_of(formula), "h") for formula in formulas]

    def some(term):
        return "y" if term.operation in ("apply", "entry", "same") else None

    text, _ = real_lemma("example", leaf, terms, None, some, lambda wanted: wanted)
    shape = r"follows\n  \[(.*)\]%formula\n  \[(.*)\]\n  No\..*proved _ _ _ \(\n(.*)\)%nat\)"
    premises, notes, certificate = re.search(shape, text, re.DOTALL).groups()
    return premises.split(";\n"), notes, certificate


@needs_rocq
def test_each_kind_of_step_is_one_there_and_no_premise_is_too_many(compiled_library):
    asked, wanted = [], []
    for name in EXAMPLES:
        premises, notes, steps = translated(name)
        for k in (None, *range(len(premises))):
            kept = ["0 <= 0" if k == each else text for each, text in enumerate(premises)]
            asked.append(("; ".join(kept), notes, "No", steps))
            wanted.append(k is None)
    assert taken(compiled_library, asked) == wanted


# what a theorem takes for granted


@pytest.fixture
def squares():
    x = variable("x")
    return lemma(z3.Implies(x >= 1, x * x >= x), name="squares")


def test_a_leaf_on_the_word_of_a_solver_is_a_hypothesis_and_named(squares):
    text = development("squares", "squares", squares)
    assert "(* NOT COMPLETE. Without certificate, and hypotheses here: squares. *)" in text
    assert "Definition squares_statement : Prop :=\n  without_certificate ->" in text
    said = r"without_certificate : Prop := forall \((\w+) : R\), 1 <= \1 -> \1 <= \1 \* \1\."
    assert re.search(f"Definition {said}", text)


@needs_rocq
def test_rocq_accepts_it_under_that_hypothesis_and_not_without(squares, compiled_library):
    text = development("squares", "squares", squares)
    path = written(compiled_library, "squares", text)
    assert axioms(accepted(path)) <= AXIOMS
    path.write_text(text.replace("  without_certificate ->\n", ""))
    with pytest.raises(AssertionError):
        accepted(path)


@needs_rocq
def test_words_of_a_user_are_no_text_of_rocq(compiled_library):
    """What is said in a comment neither ends it nor hides what comes after it."""
    y = variable("Qed")
    given = assume(z3.And(y >= 1, y <= 1), y, meaning='E (w*) = "w*')
    proof = lemma(z3.Implies(y >= 1, y * y >= y), given, name='*) Axiom f : False. (* "')
    text = development('T"*)', 'of (w*) "', proof)
    path = written(compiled_library, "words", text)
    assert axioms(accepted(path)) <= AXIOMS
    assert "Axiom f" not in re.sub(r"\(\*.*?\*\)", "", text)


def test_what_the_library_declares_is_no_name():
    symbols = Symbols(library())
    for word in (
        "Product",
        "Multiple",
        "Split",
        "Unknown",
        "Quotient",
        "once",
        "proved",
        "follows",
    ):
        assert symbols.fresh(word) == f"{word}_2"
    assert symbols.fresh("noise") == "noise"


@needs_rocq
def test_words_of_rocq_are_no_names(compiled_library):
    """A variable may be called like a word of Rocq, or like what the text speaks of."""
    words = [
        "forall",
        "Type",
        "by",
        "using",
        "IZR",
        "decide",
        "total",
        "R",
        "Z",
        "x0",
        "f1",
        "t2",
        "value",
        "Not",
        "Product",
        "proved",
        "E",
        "I",
        "left",
        "pow",
    ]
    names = [variable(f"{word}") for word in words]
    counted = variable("nat", INT)
    claim = z3.And(*(z3.If(name > counted, name, z3.ToReal(counted)) >= name for name in names))
    proof = lemma(z3.Implies(names[0] == names[1] / 2, claim), name="words")
    accepted(written(compiled_library, "names", development("words", "words", proof)))


@pytest.fixture
def powers():
    """2^y 2^(-y) = 2^(y - y), from an axiom."""
    base, exponent, other = z3.Reals("base exponent other_exponent")
    claim = z3.Implies(
        base > 0,
        real_power(base, exponent + other) == real_power(base, exponent) * real_power(base, other),
    )
    return lemma(claim, axiom("power to a sum"), name="powers")


def test_an_axiom_is_a_hypothesis(powers):
    text = development("powers", "powers", powers)
    assert "axiom_power_to_a_sum ->" in text
    assert "Lemma axiom_power_to_a_sum_holds : axiom_power_to_a_sum Rpower." in text


@needs_rocq
def test_every_axiom_holds_for_the_power_of_rocq(compiled_library):
    proofs = [lemma(axiom(name).formula, axiom(name), name=f"uses {name}") for name in POWER_AXIOMS]
    text = development("axioms", "axioms", *proofs)
    assert text.count("_holds : axiom_") == len(POWER_AXIOMS)
    path = written(compiled_library, "axioms", text)
    accepted(path)
    # the negative control: Bernoulli's inequality the other way round
    false = text.replace(
        "1 + exponent * (base + (-1) * 1) <= real_power", "exponent * base <= real_power"
    )
    assert false != text
    path.write_text(false)
    with pytest.raises(AssertionError):
        accepted(path)


def test_polynomials_are_written_with_powers_or_with_products():
    import flint

    ring = flint.fmpq_mpoly_ctx.get(["x0", "x1"], "lex")
    a, b = ring.gens()
    p = a**2 * b * flint.fmpq(-3, 4) + b
    assert polynomial_text(p, ["x0", "x1"], powers=True) == "((-3) / 4 * x0^2 * x1 + x1)"
    # a second reading: Python's own arithmetic on what is written for products
    text = polynomial_text(p, ["u", "v"])
    value = eval(
        text.replace("3", "Fraction(3)"), {"u": 5, "v": Fraction(1, 7), "Fraction": Fraction}
    )
    assert value == Fraction(-3, 4) * 25 * Fraction(1, 7) + Fraction(1, 7)


def test_every_leaf_of_a_theorem_is_a_lemma_of_its_own():
    """What is divided by may hold a factor of what else is: T4' was not written for that once."""
    record = Replay().prove("refined_upper_bound")
    text = development(record.label, record.title, *record.proofs)
    lemmas = re.findall(r"^Lemma (\w+) : follows", text, re.MULTILINE)
    assert len(lemmas) == len(set(lemmas)) == record.questions
    assert text.count("Nonzero") > 10


@pytest.mark.slow
def test_all_theorems_are_written(tmp_path):
    done = qtheory("prove", "--rocq", tmp_path, "--json", tmp_path / "record.json")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "record.json").read_text())
    assert {path.stem for path in tmp_path.glob("*.v")} == {"qtheory", *PROOFS}
    for each in record["proofs"]:
        text = (tmp_path / f"{each['name']}.v").read_text()
        assert "dmit" not in text
        assert ("NOT COMPLETE" in text) == bool(each["trusted"]), each["name"]
        assert text.count("without_certificate ->") <= len(each["trusted"])


@pytest.mark.slow
@needs_rocq
@pytest.mark.parametrize("name", PROOFS)
def test_rocq_accepts_a_theorem(name, compiled_library):
    record = Replay().prove(name)
    text = development(record.label, record.title, *record.stated)
    assert axioms(accepted(written(compiled_library, name, text))) == AXIOMS
