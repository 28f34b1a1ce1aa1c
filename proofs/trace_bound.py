r"""From a noise that is charged to the trace to the bound in the paper's shape, T4.

Main results
    ``trace_bound``: from c' <= rho^2 c + gamma^2 lambda^q (alpha S + s^2) to
        E R(wbar_N) <= A + bias + (D_N / N) (s^2 + ...) / (1 - theta), for any constants

How
    As T4' from the refined recursion: with kappa = q = 0 the noise of every step is charged to the
    trace; what accumulates over the run is the same (accumulation.py), with delta = 2 - x. Nothing is
    used of the law of the covariates but that a variance is not negative.
"""

import sympy as sp
import z3

from qtheory.proof.kernel import lemma
from qtheory.proof.sums import sum_le, total, zeros
from qtheory.theory import definitions
from qtheory.theory.definitions import D_N, bias, theta, variance
from qtheory.theory.formal import STANDING, assumed

from .accumulation import accumulate
from .average import N, decay, n, rho, small_step, steps, var_s
from .noise_recursion import NoiseRecursion
from .recursion import S, c, c_t, d, dimension_positive, gamma, i, inside, lq, mu, spectrum, t, x
from .risk_of_average import bounded_by_bias, quantized_risk, risk_at_most, var_terms
from .sums_over_time import here, sum_S, swap, weighted_sum


def accumulated(alpha, s2, trace_noise, alpha_nonnegative, s2_nonnegative):
    """What the noise of every step adds up to over the run."""
    nonnegative_constants = lemma(
        z3.Implies(inside, z3.And(z3.RealVal(0) >= 0, alpha >= 0, s2 >= 0, zeros()[i] >= 0)),
        alpha_nonnegative,
        s2_nonnegative,
        zeros.at(i),
        name="the constants of T3 are nonnegative",
    )
    no_more = lemma(z3.Implies(inside, (1 + z3.RealVal(0)) * x[i] <= 1), small_step, name="x <= 1")
    plain_noise = lemma(
        z3.Implies(
            here,
            c(t + 1)[i]
            <= (rho * rho + gamma * gamma * lq[i] * lq[i] * 0) * c_t
            + gamma * gamma * lq[i] * (alpha * S(t) + s2)
            + gamma * gamma * lq[i] * lq[i] * (zeros()[i] + 0 * mu(t)[i] * mu(t)[i]),
        ),
        trace_noise,
        zeros.at(i),
        name="the noise recursion with kappa = q = 0",
    )
    return accumulate(
        NoiseRecursion(
            z3.RealVal(0), alpha, s2, zeros(), plain_noise, nonnegative_constants, no_more
        )
    )


def noise_level_of(words, run, constants):
    """s^2 + alpha sum S / N <= (s^2 + alpha / (N gamma) sum eta_0^2 min(1, N x)) / (1 - theta)."""
    contracting = assumed(sp.Lt(theta, 1), words)
    alpha, s2, feedback = words[definitions.alpha], words[definitions.s2], words[theta]
    (theta_terms,), (start_terms,) = words.summands(theta), words.summands(variance)
    start_total, sum_theta = total(start_terms(), d), total(theta_terms(), d)
    # sum S <= (1/gamma) sum eta_0^2 min(1, N x) + (alpha sum S + N s^2) sum x / (2 - x)
    energy = sum_le(
        [(1, weighted_sum(N))],
        [(1 / gamma, start_terms()), (alpha * sum_S(N) + n * s2, theta_terms())],
        d,
        lambda k: [
            weighted_sum.at(N, k),
            start_terms.at(k),
            theta_terms.at(k),
            run.energy(i=k),
            small_step(i=k),
            spectrum(i=k),
            STANDING["gamma"],
            zeros.at(k),
        ],
        premises=[dimension_positive, steps],
        name="sum S, coordinate by coordinate",
    )
    return lemma(
        s2 + alpha * (sum_S(N) / n) <= (s2 + alpha / (n * gamma) * start_total) / (1 - feedback),
        lemma(
            (1 - feedback) * (s2 * n + alpha * sum_S(N)) <= s2 * n + alpha / gamma * start_total,
            lemma(
                alpha * sum_S(N)
                <= alpha * (1 / gamma * start_total + (alpha * sum_S(N) + n * s2) * sum_theta),
                lemma(
                    sum_S(N) <= 1 / gamma * start_total + (alpha * sum_S(N) + n * s2) * sum_theta,
                    energy,
                    swap(t=N),
                    steps,
                    name="sum S",
                ),
                *constants,
                name="alpha sum S",
            ),
            *words.unfold(theta),
            STANDING["gamma"],
            name="the noise level, cleared",
        ),
        contracting,
        steps,
        STANDING["gamma"],
        name="the noise level",
    )


def variance_of(words, run, noise_level):
    """The variance of wbar is at most 2/N times the noise level times D_N."""
    alpha, s2, feedback = words[definitions.alpha], words[definitions.s2], words[theta]
    (D_terms,), (start_terms,) = words.summands(D_N), words.summands(variance)
    start_total = total(start_terms(), d)
    level = (s2 + alpha / (n * gamma) * start_total) / (1 - feedback)
    # lambda^q Var wbar / 2 <= min(1, (N x)^2) (s^2 + alpha sum S / N) / N
    in_coordinate = lemma(
        z3.Implies(inside, var_terms()[i] <= 2 / n * level * D_terms()[i]),
        var_terms.at(i),
        D_terms.at(i),
        lemma(
            z3.Implies(inside, lq[i] * var_s(i, N) <= 2 * decay * (n * level)),
            lemma(
                z3.Implies(
                    inside, lq[i] * var_s(i, N) <= 2 * decay * (n * (s2 + alpha * (sum_S(N) / n)))
                ),
                run.variance,
                zeros.at(i),
                steps,
                name="the variance in one coordinate",
            ),
            lemma(
                z3.Implies(
                    inside, decay * (n * (s2 + alpha * (sum_S(N) / n))) <= decay * (n * level)
                ),
                noise_level,
                small_step,
                steps,
                name="the noise level, weighted",
            ),
            name="the variance in one coordinate, bounded",
        ),
        steps,
        name="the variance of the average in one coordinate",
    )
    return sum_le(
        [(1, var_terms())],
        [(2 / n * level, D_terms())],
        d,
        lambda k: in_coordinate(i=k),
        premises=[dimension_positive],
        name="the variance",
    )


def trace_bound(words, trace_noise, alpha_nonnegative, s2_nonnegative):
    """The statement of a theorem of this shape, from its noise recursion."""
    contracting = assumed(sp.Lt(theta, 1), words)
    alpha, s2, feedback = words[definitions.alpha], words[definitions.s2], words[theta]
    (bias_terms,), (start_terms,) = words.summands(bias), words.summands(variance)
    start_total, D_total = total(start_terms(), d), words[D_N]
    level = (s2 + alpha / (n * gamma) * start_total) / (1 - feedback)
    run = accumulated(alpha, s2, trace_noise, alpha_nonnegative, s2_nonnegative)
    noise_level = noise_level_of(words, run, [alpha_nonnegative])
    variance_value = lemma(
        words[variance] == level * D_total / n,
        *words.unfold(variance),
        contracting,
        STANDING["gamma"],
        steps,
        name="the variance of T4",
    )
    return lemma(
        words.statement,
        risk_at_most,
        quantized_risk,
        bounded_by_bias(bias_terms),
        variance_of(words, run, noise_level),
        variance_value,
        *words.unfold(bias, D_N),
        steps,
        name="T4",
    )
