"""S1 beside sums over fractions, for features of a sketch; what is false is refused."""

from fractions import Fraction

import pytest
import z3

from proofs import sketch as proof
from qtheory.errors import ProofError
from qtheory.proof.kernel import lemma
from qtheory.theory.replay import Replay

# three features of four coordinates: H-orthogonal rows, by hand
H = [Fraction(1), Fraction(1, 4), Fraction(1, 9), Fraction(1, 16)]
ROWS = [[1, 1, 1, 1], [1, -4, 0, 0], [1, 1, Fraction(-45, 4), 0]]
AIM = [Fraction(1), Fraction(-2), Fraction(3), Fraction(1, 2)]
MODEL = [Fraction(2), Fraction(-1, 3), Fraction(1, 7)]


def together(left, right):
    """E <left, x> <right, x>."""
    return sum(h * Fraction(f) * Fraction(g) for h, f, g in zip(H, left, right, strict=True))


def left_by(model):
    """What is left of the target: its entries, by sums over the features."""
    return [
        a - sum(u * row[k] for u, row in zip(model, ROWS, strict=True)) for k, a in enumerate(AIM)
    ]


VARIANCES = [together(row, row) for row in ROWS]
TARGET = [together(row, AIM) / value for row, value in zip(ROWS, VARIANCES, strict=True)]
ENERGY = together(AIM, AIM)
PERP = ENERGY - sum(value * w**2 for value, w in zip(VARIANCES, TARGET, strict=True))


def test_these_are_the_features_that_the_corollaries_are_about():
    for j, one in enumerate(ROWS):
        assert all(together(one, other) == 0 for other in ROWS[:j])
    assert PERP > 0


def test_what_the_corollaries_say_is_so_in_numbers():
    missed = left_by(TARGET)
    assert all(together(row, missed) == 0 for row in ROWS)
    assert together(missed, missed) == PERP
    misfit = together(left_by(MODEL), left_by(MODEL))
    numbers = list(zip(VARIANCES, TARGET, MODEL, strict=True))
    assert misfit == ENERGY + sum(value * (u**2 - 2 * w * u) for value, w, u in numbers)
    # and S1: twice the risk is perp and what the model is away from v*
    assert misfit == PERP + sum(value * (u - w) ** 2 for value, w, u in numbers)


@pytest.fixture(scope="module")
def record():
    return Replay().prove("S1")


def test_the_corollaries_are_shown_with_what_they_are_proved_under(record):
    texts = record.beside()
    assert record.as_json()["corollaries"] == texts
    assert [proof.name for proof in record.corollaries] == [
        "what the features miss is uncorrelated with them",
        "what the features miss has the variance perp",
        "the misfit of a model",
    ]
    for text in texts:
        assert "the features are uncorrelated, with the variances lambda" in text.split("under:")[1]
    assert record.hypotheses == ()  # of the theorem itself
    assert record.stated == (*record.corollaries, record.root)


@pytest.fixture
def impatient(monkeypatch):
    """A solver that gives up after a second: what is not answered is refused."""
    check = z3.Solver.check

    def checked(solver, *assumptions):
        solver.set("timeout", 1000)
        return check(solver, *assumptions)

    monkeypatch.setattr(z3.Solver, "check", checked)


@pytest.mark.parametrize("left_out", ["the target is solved for", "the features are uncorrelated"])
def test_without_a_hypothesis_what_is_missed_is_correlated(left_out, impatient):
    premises = {
        "linear": proof.linear(
            other=proof.R(proof.j),
            f=proof.a,
            factor=z3.RealVal(-1),
            g=proof.learned(proof.target, proof.d),
        ),
        "the features are uncorrelated": proof.of_feature(model=proof.target),
        "the target is solved for": proof.aimed(i=proof.j),
    }
    assert lemma(proof.uncorrelated.formula, *premises.values())
    del premises[left_out]
    with pytest.raises(ProofError, match=r"refused|unknown|does not follow"):
        lemma(proof.uncorrelated.formula, *premises.values())


def test_another_variance_of_what_is_missed_is_refused(impatient):
    with pytest.raises(ProofError, match=r"refused|unknown|does not follow"):
        lemma(
            proof.C(proof.left_by(proof.target), proof.left_by(proof.target))
            == 2 * proof.in_sketch[proof.perp],
            proof.missed,
        )
