"""T7 in the exact risk: the constants beside a loop over fractions; what is false is refused."""

from fractions import Fraction

import pytest
import z3

from proofs import large_batch as proof
from qtheory.errors import ProofError
from qtheory.proof.kernel import lemma

GRADIENT, LABEL, ACTIVATION, PARAMETER, ADDITIVE = map(
    Fraction, ("1/7", "1/5", "1/4", "1/9", "1/50")
)
GAMMA, LAMBDA, W = Fraction(1, 3), Fraction(1, 2), Fraction(3, 2)
X = GAMMA * LAMBDA


def variance_of_the_sum(steps):
    """Var s and c of section 2 without its terms in 1/B, for exact data, from the raw moments."""
    m = v = s = sw = ss = Fraction(0)
    for _ in range(steps):
        vh = (1 + PARAMETER) * v + ADDITIVE
        mean_step = (LAMBDA * W) ** 2 - 2 * LAMBDA * W * LAMBDA * m + LAMBDA**2 * vh
        cross = (1 + GRADIENT) * (
            mean_step + LABEL * (LAMBDA * W) ** 2 + ACTIVATION * LAMBDA**2 * vh
        )
        s, sw, ss = (
            s + m,
            (1 - X) * (sw + v) + GAMMA * LAMBDA * W * (s + m),
            ss + 2 * sw + v,
        )
        m, v = (
            (1 - X) * m + GAMMA * LAMBDA * W,
            v + 2 * GAMMA * (LAMBDA * W * m - LAMBDA * v) + GAMMA**2 * cross,
        )
    return ss - s**2, v - m**2


def constants():
    """kappa, Q, E and cbar, as the header of the proof has them."""
    both = (1 + ACTIVATION) * (1 + PARAMETER) - 1
    kappa = (1 + GRADIENT) * (1 + both)
    level = (1 + GRADIENT) * ((LABEL + both) * W**2 + (1 + ACTIVATION) * ADDITIVE)
    most = 2 * (1 + GRADIENT) * both * W**2 + (kappa - 1) * W**2
    return kappa, level, most, X * (level + most) / (2 - kappa * X)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 10, 60])
def test_the_variance_is_within_the_constant_of_its_limit(steps):
    kappa, level, most, cbar = constants()
    found, c = variance_of_the_sum(steps)
    gap = X**2 * ((2 - kappa * X) * found - steps * (2 - X) * level)
    most_of_gap = X * (2 - X) * most + (2 - X) * cbar + 2 * (2 - kappa * X) * (1 - X) * cbar
    assert abs(gap) <= most_of_gap
    assert 0 <= c <= cbar


def test_no_other_limit_would_do():
    """At 30,000 steps, in float64, a level one percent off is refuted."""
    kappa, level, most, cbar = (float(n) for n in constants())
    x, w, steps = float(X), float(W), 30_000
    both = (1 + float(ACTIVATION)) * (1 + float(PARAMETER)) - 1
    c, cov, var, mu = 0.0, 0.0, 0.0, -w
    for _ in range(steps):
        tau = 2 * (1 + float(GRADIENT)) * both * w * mu + (kappa - 1) * mu * mu
        var, cov, c, mu = (
            var + 2 * cov + c,
            (1 - x) * (cov + c),
            (1 - 2 * x + kappa * x * x) * c + x * x * (level + tau),
            (1 - x) * mu,
        )
    allowed = x * (2 - x) * most + (2 - x) * cbar + 2 * (2 - kappa * x) * (1 - x) * cbar
    for factor, fits in ((1, True), (1.01, False), (0.99, False)):
        gap = x**2 * ((2 - kappa * x) * var - steps * (2 - x) * level * factor)
        assert (abs(gap) <= allowed) is fits


@pytest.mark.parametrize("wrong", [(1, 0), (0, 1)])
def test_a_wrong_feedback_or_level_is_refused(wrong):
    """The recursion with kappa + 1 or Q + 1."""
    step, c, t, i = proof.step, proof.c, proof.t, proof.i

    def claim(more_kappa, more_level):
        c_next = (1 - 2 * step + (proof.k + more_kappa) * step * step) * c(t)[i]
        c_next += step * step * (proof.level + more_level + proof.tau(t)[i])
        goal = z3.Implies(z3.And(t >= 0, proof.inside), c(t + 1)[i] == c_next)
        return lemma(goal, proof.recursion, work=100_000)

    claim(0, 0)
    with pytest.raises(ProofError, match="does not follow"):
        claim(*wrong)
