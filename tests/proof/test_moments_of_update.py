"""T2 over any number of steps: it rests on what is said of one step, and on all of that."""

import pytest
import z3

from proofs import recursion, update
from proofs.double_sums import repeated
from proofs.moments_of_update import (
    E_G,
    E_w,
    E_ww,
    first_moment,
    gradients,
    inside,
    linear,
    now,
    of_them,
    same_noise,
    second_moment,
    signs,
    spectrum,
    start,
)
from qtheory.errors import ProofError
from qtheory.proof.kernel import assume, induction
from qtheory.theory.formal import STANDING
from qtheory.theory.moments import GAUSSIAN

i, t, m = recursion.i, recursion.t, recursion.m
MODEL = {h for assumed in STANDING.values() for h in assumed.hypotheses}


def test_it_rests_on_the_start_on_linearity_and_on_the_gradients():
    facts = {h for fact in (start, linear, gradients) for h in fact.hypotheses}
    assert len(facts) == 3
    assert first_moment.hypotheses - MODEL == facts
    # the mean is that of every law, the noise of one sample that of Gaussian covariates
    assert second_moment.hypotheses - MODEL == facts | GAUSSIAN.hypotheses
    assert same_noise.hypotheses - MODEL == GAUSSIAN.hypotheses


def test_what_is_assumed_of_the_gradients_are_the_identities():
    shown = {each.name: each.stated for each in update.gradients}
    names = ["E[G_b]", "E[w G_b]", "E[G_b G_b]", "E[G_b G_c]"]
    assumed = gradients.formula.arg(1).children()
    for name, equation in zip(names, assumed, strict=True):
        back = (E_w(i, t), m(i, t)), (E_ww(t), update.u)
        assert update.stated(z3.substitute(equation.arg(1), *back)) == shown[name]


def first_moment_from(*facts, base):
    return induction(
        t,
        z3.Implies(inside, E_w(i, t) == m(i, t)),
        *facts,
        m.next(i, t),
        repeated(p=E_G(i, t), n=update.B),
        spectrum,
        *signs,
        base=[*base, m.zero(i)],
    )


def twice_the_gradient():
    return assume(z3.Implies(now, E_G(i, t) == 2 * of_them(update.mean_of_G)), i, t)


@pytest.mark.parametrize(
    ("facts", "base"),
    [
        ([linear, gradients], []),
        ([gradients], [start]),
        ([linear], [start]),
        ([linear, twice_the_gradient()], [start]),
    ],
    ids=["no start", "no linearity", "no gradients", "twice the gradient"],
)
def test_without_one_of_the_facts_it_is_refused(facts, base):
    with pytest.raises(ProofError, match="refused"):
        first_moment_from(*facts, base=base)


def test_with_all_of_them_it_is_proved():
    proof = first_moment_from(linear, gradients, base=[start])
    assert proof.formula.eq(first_moment.formula)
