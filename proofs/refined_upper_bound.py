r"""T4', the refined upper bound.

Main results
    ``theorem``: E R(wbar_N) <= A + bias + variance
    ``sum_S_at_most``: sum_t S_t <= N Sbar

How
    The noise of a step (noise.py) accumulates over the run (accumulation.py); theta < 1 bounds what
    feeds itself; then bias and variance are bounded coordinate by coordinate.
"""

import sympy as sp
import z3

from qtheory.proof.kernel import cut, lemma, variable
from qtheory.proof.sums import sum_le
from qtheory.theory import definitions, notation
from qtheory.theory.definitions import bias, theta, variance
from qtheory.theory.formal import STANDING, assumed, stated
from qtheory.theory.sequents import Formal, established
from qtheory.theory.upper import S_bar, delta

from .accumulation import accumulate
from .average import N, decay, mean_weight, n, small, small_step, steps, var_s
from .constants import alpha_positive, constants_nonnegative, kappa_positive
from .noise import alpha, kappa, noise, q, s2
from .noise_recursion import NoiseRecursion
from .recursion import d, dimension_positive, eta0, gamma, i, inside, lq, spectrum
from .risk_of_average import bounded_by_bias, quantized_risk, risk_at_most, var_terms
from .sums_over_time import sum_S, sum_S_nonnegative, swap, weighted_sum
from .variance import of_gaussian

words = Formal(stated("refined_upper_bound"))
no_overshoot = assumed(sp.Le((1 + definitions.kappa) * definitions.x[notation.i], 1), words)
contracting = assumed(sp.Lt(theta, 1), words)

# --- over the run --------------------------------------------------------------------------------

# x <= 1 follows from (1 + kappa) x <= 1
no_overshoot_of_mean = lemma(
    small.formula, no_overshoot, kappa_positive, spectrum, name="no coordinate overshoots"
)
run = accumulate(NoiseRecursion(kappa, alpha, s2, q, noise, constants_nonnegative, no_overshoot))
start_terms, noise_terms = words.summands(S_bar)
(theta_terms,) = words.summands(theta)
(bias_terms,), (variance_terms,) = words.summands(bias), words.summands(variance)
feedback, limit = words[theta], words[S_bar]

# sum S <= (1/gamma) sum eta_0^2 min(1/delta, N x) + theta sum S + N sum x (s^2 + lambda^q q) / delta
energy = sum_le(
    [(1, weighted_sum(N))],
    [(1 / gamma, start_terms()), (sum_S(N), theta_terms()), (n, noise_terms())],
    d,
    lambda k: [
        weighted_sum.at(N, k),
        start_terms.at(k),
        theta_terms.at(k),
        noise_terms.at(k),
        *words.unfold(delta, at=k),
        run.energy(i=k),
        no_overshoot(i=k),
        kappa_positive,
        spectrum(i=k),
        STANDING["gamma"],
    ],
    premises=[dimension_positive, steps],
    name="sum S, coordinate by coordinate",
)
# sum_t S_t <= N Sbar
sum_S_at_most = lemma(
    sum_S(N) <= n * limit,
    energy,
    swap(t=N),
    contracting,
    *words.unfold(theta, S_bar),
    steps,
    STANDING["gamma"],
    sum_S_nonnegative(t=N),
    name="sum S <= N Sbar",
)

# --- bias and variance ---------------------------------------------------------------------------

# 1/2 sum lambda^q (E wbar - w^q)^2 <= bias
bias_bound = bounded_by_bias(bias_terms)
# v <= 2 n b gives v / n^2 <= 2 b / n.
level, most = variable("level"), variable("most")
over_steps = lemma(
    z3.Implies(level <= 2 * (n * most), level / (n * n) <= 2 * (most / n)),
    lemma(z3.Implies(level <= 2 * (n * most), level / n <= 2 * most), steps, name="once"),
    lemma(level / (n * n) == level / n / n, steps, name="twice"),
    steps,
    name="over the steps, twice",
)
# lambda^q Var wbar / 2 <= min(1, (N x)^2) [s^2 + alpha Sbar + lambda^q q + ...] / N
in_coordinate = lemma(
    z3.Implies(inside, var_terms()[i] <= 2 * (variance_terms()[i] / n)),
    var_terms.at(i),
    variance_terms.at(i),
    lemma(
        z3.Implies(
            inside,
            lq[i] * var_s(i, N)
            <= 2
            * decay
            * (
                n
                * (
                    s2
                    + alpha * limit
                    + lq[i] * q[i]
                    + kappa * lq[i] * eta0[i] * eta0[i] * mean_weight
                )
            ),
        ),
        run.variance,
        lemma(
            z3.Implies(inside, decay * (alpha * sum_S(N)) <= decay * (alpha * (n * limit))),
            sum_S_at_most,
            alpha_positive,
            small_step,
            steps,
            name="the noise that feeds itself",
        ),
        name="the variance in one coordinate",
    ),
    over_steps(level=lq[i] * var_s(i, N), most=variance_terms()[i]),
    lemma(
        lq[i] * (var_s(i, N) / (n * n)) == lq[i] * var_s(i, N) / (n * n),
        steps,
        name="a factor of a quotient",
    ),
    small_step,
    steps,
    name="the variance of the average in one coordinate",
)
variance_bound = sum_le(
    [(1, var_terms())],
    [(2 / n, variance_terms())],
    d,
    lambda k: [in_coordinate(i=k), steps],
    premises=[dimension_positive, steps],
    name="the variance",
)
bounded = lemma(
    words.statement,
    risk_at_most,
    quantized_risk,
    bias_bound,
    variance_bound,
    *words.unfold(bias, variance),
    steps,
    name="T4'",
)
theorem = established(words, of_gaussian(cut(bounded, small, no_overshoot_of_mean)))
