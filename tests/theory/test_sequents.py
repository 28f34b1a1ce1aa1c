"""A theorem as a sequent, made by the package alone, and what must be its proof."""

from dataclasses import replace

import pytest
import sympy as sp
import z3

from proofs import update
from qtheory.errors import ProofError
from qtheory.proof.kernel import Proof, assume, lemma, sequence, variable
from qtheory.theory import definitions, moments, notation, theorems
from qtheory.theory.formal import assumed, coordinate, inside, time
from qtheory.theory.recursion import Q
from qtheory.theory.sequents import MEANINGS, Formal, meanings_in, require_own_names
from tests.proof.negative_controls import defined, without

FLOOR, SHAPE = theorems["spectral_floor"], theorems["spectral_shape"]
lam = moments.lam


def under(words, *extra):
    """The statement of a theorem, taken from an absurd hypothesis and from others."""
    absurd = assume(z3.IntVal(0) == 1, meaning="absurd")
    return lemma(words.statement, absurd, *extra)


@pytest.mark.parametrize("name", theorems)
def test_every_statement_is_a_formula_of_the_kernel(name):
    assert z3.is_bool(Formal(theorems[name]).statement)
    assert Formal(theorems[name]).statement.eq(Formal(theorems[name]).statement)


def test_the_statement_of_t6_in_full():
    lq = Formal(SHAPE)[notation.lq]
    eps = Formal(SHAPE)[notation.multiplicative["data"]]
    expected = z3.Implies(inside, lq[coordinate] == (1 + eps) * lam[coordinate])
    proof = lemma(Formal(SHAPE).statement == expected)
    assert not proof.hypotheses


def test_the_recursion_of_the_mean_is_claimed_with_that_of_the_square():
    given, claims = Formal(theorems["recursion"]).statement.children()
    assert given.eq(z3.And(time >= 0, inside))
    mean, square = (claim.arg(0) for claim in claims.children())
    assert mean.eq(moments.m(coordinate, time + 1))
    assert square.eq(moments.v(time + 1)[coordinate])


@pytest.mark.parametrize(
    "change",
    [
        lambda T2: defined(T2, definitions.x, lambda e: 2 * e),
        lambda T2: replace(
            T2,
            definitions=tuple(
                sp.Eq(each.lhs, each.rhs.xreplace({sp.Integer(3): sp.Integer(7)}))
                if each.lhs.has(Q) and each.lhs.base == Q
                else each
                for each in T2.definitions
            ),
        ),
    ],
    ids=["a definition that others share", "the table of Q"],
)
def test_another_definition_is_another_statement(change):
    T2 = theorems["recursion"]
    assert change(T2) != T2
    assert not Formal(change(T2)).statement.eq(Formal(T2).statement)


# --- what counts as a proof ----------------------------------------------------------------------


@pytest.mark.parametrize("theorem", theorems.values(), ids=list(theorems))
def test_a_lemma_that_is_true_is_no_theorem(theorem):
    words = Formal(theorem)
    for true in (lemma(z3.BoolVal(True)), lemma(z3.RealVal(7) <= 7)):
        with pytest.raises(ProofError, match="what is proved is not what is stated"):
            words.require(true)
    for forged in (object.__new__(Proof), True, None):
        with pytest.raises(ProofError, match="not a proof made by the kernel"):
            words.require(forged)


def test_a_hypothesis_of_its_own_is_refused():
    with pytest.raises(ProofError, match="T6, multiplicative does not assume absurd"):
        Formal(SHAPE).require(under(Formal(SHAPE)))


def test_a_hypothesis_that_is_dropped_is_refused():
    words = Formal(FLOOR)
    proof = lemma(words.statement, *proof_of_the_floor(words))
    words.require(proof)
    for meaning in ("data errors are additive", "the direction carries data"):
        with pytest.raises(ProofError, match="T6, additive does not assume"):
            Formal(without(FLOOR, meaning)).require(proof)


def proof_of_the_floor(words):
    from qtheory.theory.formal import STANDING

    return [
        *words.unfold(notation.D, notation.lq, at=coordinate),
        *words.hypotheses,
        *STANDING.values(),
    ]


def test_a_hypothesis_is_the_one_of_the_theorem_whatever_it_is_called():
    words = Formal(SHAPE)
    (relation,) = SHAPE.assumptions
    (own,) = words.hypotheses
    assert assumed(relation, words) is own
    again = assume(own.formula, meaning=str(relation))
    with pytest.raises(ProofError, match="does not assume"):
        words.require(lemma(words.statement, *proof_of_the_floor(words), again))


def test_a_symbol_with_a_number_is_not_the_symbol():
    """lambda^q defined once more, as something that makes the statement true at once."""
    words = Formal(SHAPE)
    eps = words[notation.multiplicative["data"]]
    other = sequence("lambda^q", [], coordinate, (1 + eps) * lam[coordinate])
    claim = z3.substitute(words.statement, (words[notation.lq], other()))
    proof = lemma(claim, other.at(coordinate))
    assert repr(proof).replace("lemma: ", "") == repr(under(words)).replace("lemma: ", "")
    with pytest.raises(ProofError, match="what is proved is not what is stated"):
        words.require(proof)
    with pytest.raises(ProofError, match=r"is about another lambda.q than the theorems"):
        require_own_names(proof)
    require_own_names(under(words))


def test_a_variable_with_the_name_of_a_symbol_is_refused_in_a_corollary():
    theta = Formal(theorems["upper_bound"])[definitions.theta]
    other = variable("theta")
    assert not other.eq(theta)
    with pytest.raises(ProofError, match="is about another theta"):
        require_own_names(lemma(other * other >= 0))
    require_own_names(lemma(theta * theta >= 0))
    require_own_names(lemma(variable("C") * variable("C") >= 0))


# --- the list of meanings ------------------------------------------------------------------------


def symbols(meaning):
    return {symbol.base if isinstance(symbol, sp.Indexed) else symbol for symbol in meaning.terms}


def test_every_symbol_has_one_meaning():
    listed = [symbol for meaning in MEANINGS for symbol in symbols(meaning)]
    assert len(listed) == len(set(listed))
    assert all(meaning.says and meaning.standing for meaning in MEANINGS)


def test_what_a_theorem_defines_has_no_meaning_from_the_list():
    for theorem in theorems.values():
        given = set().union(*(symbols(meaning) for meaning in meanings_in(theorem)))
        own = {each.lhs.base if isinstance(each.lhs, sp.Indexed) else each.lhs
               for each in theorem.definitions}  # fmt: skip
        assert not given & own or theorem.name == "recursion"  # m' is claimed there, not defined


def test_who_uses_which_meaning():
    says = {
        name: [meaning.says.split(",")[0] for meaning in meanings_in(theorem)]
        for name, theorem in theorems.items()
    }
    assert says["decomposition"] == ["in T1"]
    assert says["recursion"] == ["in T2", "in T2"]
    assert says["noise_constants"] == ["in T3", "in T3"]
    assert says["upper_bound"] == says["lower_bound"] == ["in T4"]
    assert says["spectral_floor"] == says["noise_limit"] == []


def test_what_ties_a_meaning_to_sgd_is_proved_under_that_name():
    ties = {name: getattr(update, name) for meaning in MEANINGS for name in meaning.tie}
    assert set(ties) == {"following_mean", "following", "running", "after_s"}
    for tie in ties.values():
        if isinstance(tie, Proof):
            assert any(tie is proof for proof in update.derivation.sums)
        else:
            assert tie
            assert all(each in update.derivation.identities for each in tie)
