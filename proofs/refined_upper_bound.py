r"""T4', the refined upper bound: E R(wbar_N) <= A + bias + variance.

The noise of a step (noise.py) accumulates over the run (accumulation.py); theta < 1 bounds what
feeds itself, sum_t S_t <= N Sbar; then bias and variance are bounded coordinate by coordinate.
"""

import z3

from qtheory.proof.kernel import cut, lemma
from qtheory.proof.sums import sum_le, total
from qtheory.theory import definitions
from qtheory.theory.definitions import P, Pi, Pi_c, bias, risk, theta, variance
from qtheory.theory.formal import Formal, established, stated
from qtheory.theory.upper import S_bar, delta

from .accumulation import *
from .noise import K, Pc, Pq, Pr, al, cube, fourth, kd, ks, noise, qi, refined, s_2, small, ud

words = Formal(stated("refined_upper_bound"), {risk: averaged[risk]})
no_overshoot, contracting = words.hypotheses[-2:]

# --- the constants are nonnegative ---------------------------------------------------------------

factors = lemma(
    z3.And(Pr >= 1, Pc >= 1, Pq >= 0, ks >= 1, kd >= 2, ud >= 0),
    *refined.unfold(Pi, Pi_c, P), fourth(i=z3.IntVal(0)), dimension_positive, *signs,
    name="factors are at least 1",
)
per_batch = lemma(z3.And(0 < per_B, per_B <= 1), STANDING["B"], name="0 < 1/B <= 1")
kappa_positive = lemma(
    K >= 0,
    lemma(z3.And(kd * Pr * per_B >= 2 * per_B, (1 - per_B) * Pc >= 1 - per_B), factors, per_batch, name="parts of kappa"),
    *refined.unfold(definitions.kappa), per_batch, name="kappa >= 0",
)
alpha_positive = lemma(al >= 0, *refined.unfold(definitions.alpha), factors, per_batch, name="alpha >= 0")
norms_nonnegative = lemma(
    z3.And(approximation >= 0, trace >= 0, signal >= 0, signal_q >= 0),
    *[
        sum_le([(0, f())], [(1, f())], d, lambda k, f=f: [f.at(k), spectrum(i=k), *signs],
               premises=[dimension_positive], name="a norm is nonnegative")
        for f in (A_terms, tr_terms, norm_terms, nq_terms)
    ],
    *sums, name="norms are nonnegative",
)
# lambda D / lambda^q >= s/(1+s) lambda, since D >= s lambda
least_share = lemma(
    z3.Implies(inside, s / (1 + s) * (lam[i] * w[i] * w[i]) <= lam[i] / lq[i] * D[i] * (w[i] * w[i])),
    lemma(z3.Implies(inside, s / (1 + s) * lam[i] <= lam[i] / lq[i] * D[i]), spectrum, *signs,
          name="what shared errors distort"),
    name="what shared errors distort, weighted",
)
# 2 A >= s/(1+s) ||w*||_H^2 >= 2 s^2/(1+s)^3 ||w*||_H^2 for the shared part s of the data errors
misfit_nonnegative = lemma(
    2 * approximation - 2 * s * s * cube * signal >= 0,
    sum_le(
        [(s / (1 + s), norm_terms())], [(1, A_terms())], d,
        lambda k: [norm_terms.at(k), A_terms.at(k), least_share(i=k), spectrum(i=k), STANDING["epsilon_d^s"]],
        premises=[dimension_positive], name="the share of shared data errors",
    ),
    lemma(z3.And(2 * s * s * cube <= s / (1 + s), 0 <= s / (1 + s)), *signs, name="2 s^2/(1+s)^3 <= s/(1+s)"),
    norms_nonnegative, *sums, name="the misfit of w^q is nonnegative",
)
s2_positive = lemma(
    s_2 >= 0, *refined.unfold(definitions.s2), misfit_nonnegative, norms_nonnegative, factors, per_batch,
    *signs, name="s^2 >= 0",
)
q_positive = lemma(
    z3.Implies(inside, qi[i] >= 0), *refined.unfold(definitions.q, at=i), factors, per_batch,
    *signs, name="q >= 0",
)
constants_nonnegative = lemma(
    z3.Implies(inside, z3.And(K >= 0, al >= 0, s_2 >= 0, qi[i] >= 0)),
    kappa_positive, alpha_positive, s2_positive, q_positive, name="the constants are nonnegative",
)

# --- over the run --------------------------------------------------------------------------------

# x <= 1 follows from (1 + kappa) x <= 1
no_overshoot_of_mean = lemma(
    small.formula, no_overshoot, kappa_positive, spectrum, name="no coordinate overshoots"
)
run = accumulate(K, al, s_2, qi, noise, constants_nonnegative, no_overshoot)
start_terms, noise_terms = words.summands(S_bar)
(theta_terms,) = words.summands(theta)
(bias_terms,), (variance_terms,) = words.summands(bias), words.summands(variance)
feedback, limit = words[theta], words[S_bar]
delta_at = lambda at: words.unfold(delta, at=at)

# sum S <= (1/gamma) sum eta_0^2 min(1/delta, N x) + theta sum S + N sum x (s^2 + lambda^q q) / delta
energy = sum_le(
    [(1, weighted_sum(N))],
    [(1 / gamma, start_terms()), (sum_S(N), theta_terms()), (n, noise_terms())],
    d,
    lambda k: [
        weighted_sum.at(N, k), start_terms.at(k), theta_terms.at(k), noise_terms.at(k), *delta_at(k),
        run.energy(i=k), no_overshoot(i=k), kappa_positive, spectrum(i=k), STANDING["gamma"], 
    ],
    premises=[dimension_positive, steps],
    name="sum S, coordinate by coordinate",
)
# sum_t S_t <= N Sbar
sum_S_at_most = lemma(
    sum_S(N) <= n * limit,
    energy, swap(t=N), contracting, *words.unfold(theta, S_bar), steps, STANDING["gamma"], sum_S_nonnegative(t=N),
    name="sum S <= N Sbar",
)

# --- bias and variance ---------------------------------------------------------------------------

# 1/2 sum lambda^q (E wbar - w^q)^2 <= bias
bias_bound = sum_le(
    [(1, mean_terms())], [(1, bias_terms())], d,
    lambda k: [bias_at_most(i=k), bias_terms.at(k), small_step(i=k), steps],
    premises=[dimension_positive], name="the bias",
)
# lambda^q Var wbar / 2 <= min(1, (N x)^2) [s^2 + alpha Sbar + lambda^q q + ...] / N
in_coordinate = lemma(
    z3.Implies(inside, var_terms()[i] <= 2 * (variance_terms()[i] / n)),
    var_terms.at(i), variance_terms.at(i),
    lemma(
        z3.Implies(
            inside,
            lq[i] * var_s(i, N) <= 2 * decay * (n * (s_2 + al * limit + lq[i] * qi[i] + K * lq[i] * start[i] * start[i] * mean_weight)),
        ),
        run.variance,
        lemma(z3.Implies(inside, decay * (al * sum_S(N)) <= decay * (al * (n * limit))),
              sum_S_at_most, alpha_positive, small_step, steps, name="the noise that feeds itself"),
        name="the variance in one coordinate",
    ),
    small_step, steps, name="the variance of the average in one coordinate",
)
variance_bound = sum_le(
    [(1, var_terms())], [(2 / n, variance_terms())], d,
    lambda k: [in_coordinate(i=k), steps], premises=[dimension_positive, steps], name="the variance",
)
bounded = lemma(
    words.statement,
    risk_at_most, quantized_risk, bias_bound, variance_bound, *words.unfold(bias, variance), steps,
    name="T4'",
)
theorem = established(words, cut(bounded, small, no_overshoot_of_mean))
