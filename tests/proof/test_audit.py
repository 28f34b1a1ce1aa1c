"""The second opinion: each leaf is SMT-LIB that cvc5 reads, and it can disagree."""

import z3

from qtheory.proof import lemma, variable
from qtheory.proof.audit import SecondSolver
from qtheory.proof.leaves import Leaf


def opinions(*leaves, seconds=5):
    with SecondSolver(seconds) as solver:
        return [solver.opinion(leaf) for leaf in leaves]


x, y = variable("x"), variable("y")


def test_it_agrees_with_what_is_true():
    proof = lemma(z3.Implies(z3.And(x >= 0, y >= 0), x * y >= 0))
    assert opinions(*proof.leaves) == ["agrees"]


def test_it_disagrees_with_a_leaf_that_has_a_model():
    forged = Leaf("forged", (x > 0, y > x))
    assert opinions(forged) == ["disagrees"]


def test_it_gives_up_in_time_and_goes_on():
    numbers = [z3.Int(f"n{k}") for k in range(3)]
    cubes = sum(n * n * n for n in numbers)
    hard = Leaf("a sum of three cubes", (cubes == 114,))
    assert opinions(hard, *proof_of_more().leaves, seconds=1) == ["gives up", "agrees"]


def proof_of_more():
    return lemma(x + 1 > x, name="more")


def test_a_leaf_is_written_with_its_name_and_declarations():
    (leaf,) = proof_of_more().leaves
    text = leaf.smtlib()
    assert text.startswith("; more\n(set-logic ALL)")
    assert "(declare-fun _0 () Real)" in text
    assert text.rstrip().endswith("(check-sat)")


def test_names_that_only_z3_can_quote_are_written_for_others():
    norm = z3.Const("||w^*||", z3.ArraySort(z3.IntSort(), z3.RealSort()))
    k, j = z3.Ints("k j")
    leaf = Leaf("congruence", (k == j, norm[k] != norm[j]))
    assert opinions(leaf) == ["agrees"]
