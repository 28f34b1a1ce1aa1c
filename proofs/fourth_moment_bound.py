r"""T4 under the fourth-moment assumption: neither Gaussian nor independent covariates.

Main results
    ``trace_noise``: c' <= rho^2 c + gamma^2 lambda^q (alpha S + s^2) with alpha_0, beta_0 for 3, 2
    ``theorem``: E R(wbar_N) <= A + bias + (D_N / N) (s^2 + ...) / (1 - theta)

How
    What is assumed of the data (qtheory.theory.laws) bounds the noise of one sample by S, by constants
    and by beta_q times what coordinate i has of its own. Of the last, as much as the square of the mean
    step takes away again is no noise (``own``); the rest is charged to the trace, as are the constants.
    From there it is the proof of T4 (trace_bound.py).
"""

import z3

from qtheory.proof.kernel import lemma, sequence, variable
from qtheory.theory import definitions
from qtheory.theory.definitions import Pi as Pi_symbol
from qtheory.theory.definitions import Pi_c as Pi_c_symbol
from qtheory.theory.definitions import cross as cross_symbol
from qtheory.theory.definitions import doubling, k4, sq
from qtheory.theory.definitions import same as same_symbol
from qtheory.theory.formal import STANDING, stated
from qtheory.theory.fourth_moments import alpha_q, beta_q
from qtheory.theory.laws import FOURTH_MOMENTS, distance, label, misfit, prediction
from qtheory.theory.notation import alpha_0, beta_0
from qtheory.theory.sequents import Formal, established

from .constants import norms_nonnegative, per_batch
from .noise import second, second_sum, two_bound, two_samples
from .noise_constants import at_most_S, norm_covers, norm_q_covers, trace_covers
from .recursion import (
    S,
    Vq,
    aa,
    am,
    as_,
    c,
    c_t,
    core,
    cross,
    e,
    exact_step,
    gamma,
    i,
    inside,
    la,
    lm,
    lq,
    ls,
    oa,
    om,
    os_,
    pa,
    per_B,
    pm,
    rho,
    same,
    sigma2,
    signal,
    signal_q,
    signs,
    spectrum,
    t,
    trace,
    v,
    wq,
)
from .sums_over_time import S_nonnegative, here, squares_nonnegative
from .trace_bound import trace_bound

order, one_sample_split, of_misfit, of_label, of_distance, of_prediction = FOURTH_MOMENTS
words = Formal(stated("fourth_moment_bound"))
alpha, s2, c_d = words[definitions.alpha], words[definitions.s2], words[doubling]
a_q, b_q, a_0, b_0 = words[alpha_q], words[beta_q], words[alpha_0], words[beta_0]
Pi, Pi_c = words[Pi_symbol], words[Pi_c_symbol]
all_factors, cross_factors = (1 + am) * (1 + pm), (1 + as_) * (1 + pm)
own = lq[i] * e(t, v(t))[i]

# --- the constants --------------------------------------------------------------------------------

factors = lemma(
    z3.And(c_d >= 1, Pi >= 1, Pi_c >= 1),
    *words.unfold(doubling, Pi_symbol, Pi_c_symbol),
    *signs,
    name="factors are at least 1",
)
bounds = lemma(
    z3.And(b_q >= 0, a_q >= b_q, a_0 >= 0),
    order,
    lemma(words[k4] >= 1, *words.unfold(k4), *signs, name="k_4 >= 1"),
    *words.unfold(alpha_q, beta_q),
    name="0 <= beta_q <= alpha_q",
)
S_covers = at_most_S(squares_nonnegative)

# --- one sample -----------------------------------------------------------------------------------

P = all_factors - 1
fixed = P * signal_q + (1 + am) * pa * trace
# distance + eps_a^m prediction, with v <= e + (w^q)^2
both = sequence(
    "both moments",
    [t],
    i,
    (a_q - b_q) * (all_factors * S(t) + fixed) + b_q * (all_factors * own + fixed),
)
between = (1 + am) * ((1 + pm) * Vq + pa * trace) - Vq + S(t)
alone = (1 + am) * ((1 + pm) * (lq[i] * v(t)[i]) + pa * lq[i]) - lq[i] * v(t)[i] + own
sorted_moments = lemma(
    z3.Implies(
        here,
        distance(i, t) + am * prediction(i, t) <= lq[i] * ((a_q - b_q) * between + b_q * alone),
    ),
    of_distance,
    of_prediction,
    *signs,
    name="the moments of the parameter, sorted",
)
between_bound = lemma(
    z3.Implies(here, between <= all_factors * S(t) + fixed),
    second_sum,
    *signs,
    name="what all coordinates add",
)
alone_bound = lemma(
    z3.Implies(here, alone <= all_factors * own + fixed),
    lemma(
        z3.Implies(here, lq[i] * v(t)[i] <= own + signal_q),
        second,
        norm_q_covers,
        spectrum,
        name="lambda^q v <= lambda^q e + ||w^q||^2",
    ),
    trace_covers,
    *signs,
    name="what one coordinate adds",
)
moments_bound = lemma(
    z3.Implies(here, distance(i, t) + am * prediction(i, t) <= lq[i] * both(t)[i]),
    both.at(t, i),
    sorted_moments,
    lemma(
        z3.Implies(
            here,
            (a_q - b_q) * between + b_q * alone
            <= (a_q - b_q) * (all_factors * S(t) + fixed) + b_q * (all_factors * own + fixed),
        ),
        between_bound,
        alone_bound,
        bounds,
        name="the moments of the parameter, bounded",
    ),
    spectrum,
    name="the moments of the parameter",
)
core_constant = c_d * words[sq] + la + aa + lm * (sigma2 + a_0 * signal)
one_sample = lemma(
    z3.Implies(here, core(t, v(t))[i] <= lq[i] * (core_constant + c_d * both(t)[i])),
    one_sample_split,
    lemma(
        z3.Implies(inside, lm * label(i) <= lm * (lq[i] * (sigma2 + a_0 * signal))),
        of_label,
        *signs,
        name="label errors",
    ),
    lemma(
        z3.Implies(
            here,
            c_d * (misfit(i) + distance(i, t)) + am * prediction(i, t)
            <= c_d * (lq[i] * words[sq] + lq[i] * both(t)[i]),
        ),
        lemma(
            z3.Implies(
                here,
                c_d * (misfit(i) + distance(i, t) + am * prediction(i, t))
                <= c_d * (lq[i] * words[sq] + lq[i] * both(t)[i]),
            ),
            of_misfit,
            moments_bound,
            factors,
            name="the misfit and the parameter, doubled",
        ),
        lemma(
            z3.Implies(here, am * prediction(i, t) <= c_d * (am * prediction(i, t))),
            lemma(
                z3.Implies(here, am * prediction(i, t) >= 0),
                of_prediction,
                *signs,
                name="activation errors add noise",
            ),
            factors,
            name="activation errors, doubled",
        ),
        name="the misfit and the parameter",
    ),
    name="the noise of one sample",
)

# --- a batch --------------------------------------------------------------------------------------

fed_back = c_d * Pi * ((a_q - b_q) * S(t) + b_q * own)
same_bound = lemma(
    z3.Implies(here, same(t, v(t))[i] <= lq[i] * (words[same_symbol] + fed_back)),
    same.at(t, v(t), i),
    lemma(
        z3.Implies(
            here,
            (1 + om) * core(t, v(t))[i] <= (1 + om) * (lq[i] * (core_constant + c_d * both(t)[i])),
        ),
        one_sample,
        *signs,
        name="gradient errors",
    ),
    lemma(
        (1 + om) * (core_constant + c_d * both(t)[i]) + oa == words[same_symbol] + fed_back,
        both.at(t, i),
        *words.unfold(Pi_symbol, same_symbol),
        name="one sample, sorted",
    ),
    name="the noise of one sample, gradient errors included",
)
two_constant = (1 + os_) * (
    (cross_factors - 1) * (lq[i] * wq[i] * wq[i])
    + (1 + as_) * pa * lq[i]
    + ls * (lq[i] * wq[i] * wq[i])
)
shared_factors = lemma(
    Pi_c == (1 + os_) * cross_factors, *words.unfold(Pi_c_symbol), name="Pi_c, in its parts"
)
cross_bound = lemma(
    z3.Implies(here, cross(t, v(t))[i] <= lq[i] * (words[cross_symbol] + Pi_c * own)),
    two_samples,
    lemma(
        two_bound(t)[i] == lq[i] * (Pi_c * own) + lq[i] * two_constant,
        two_bound.at(t, i),
        shared_factors,
        name="two samples, sorted",
    ),
    lemma(
        z3.Implies(
            here,
            lq[i] * two_constant <= lq[i] * words[cross_symbol],
        ),
        lemma(
            z3.Implies(
                here,
                z3.And(
                    (cross_factors - 1) * (lq[i] * wq[i] * wq[i]) <= (cross_factors - 1) * signal_q,
                    (1 + as_) * pa * lq[i] <= (1 + as_) * pa * trace,
                    ls * (lq[i] * wq[i] * wq[i]) <= ls * signal,
                ),
            ),
            norm_q_covers,
            trace_covers,
            lemma(
                z3.Implies(inside, lq[i] * wq[i] * wq[i] <= signal),
                norm_covers,
                spectrum,
                *signs,
                name="lambda^q (w^q)^2 <= ||w*||^2",
            ),
            lemma(cross_factors - 1 >= 0, *signs, name="(1 + eps_a^s)(1 + eps_p) >= 1"),
            *signs,
            name="two samples, term by term",
        ),
        *words.unfold(cross_symbol),
        spectrum,
        *signs,
        name="the constants of two samples",
    ),
    name="the noise that two samples share",
)
# What coordinate i has of its own, less the square of the mean step, is at most its part of S.
excess = c_d * b_q * Pi * per_B + (1 - per_B) * Pi_c - 1
alpha_parts = lemma(
    z3.And(
        alpha >= c_d * (a_q - b_q) * Pi * per_B, alpha >= c_d * (a_q - b_q) * Pi * per_B + excess
    ),
    *words.unfold(definitions.alpha),
    STANDING["B"],
    name="alpha, in its two cases",
)
own_bound = lemma(
    z3.Implies(here, c_d * (a_q - b_q) * Pi * per_B * S(t) + excess * own <= alpha * S(t)),
    lemma(
        z3.Implies(
            z3.And(here, excess >= 0),
            excess * own <= excess * S(t),
        ),
        S_covers,
        name="own noise",
    ),
    lemma(
        z3.Implies(z3.And(here, excess <= 0), excess * own <= 0),
        squares_nonnegative,
        spectrum,
        name="no noise of its own",
    ),
    lemma(
        z3.Implies(
            here,
            z3.And(
                c_d * (a_q - b_q) * Pi * per_B * S(t) <= alpha * S(t),
                (c_d * (a_q - b_q) * Pi * per_B + excess) * S(t) <= alpha * S(t),
            ),
        ),
        alpha_parts,
        S_nonnegative,
        name="alpha S, in its two cases",
    ),
    name="noise that feeds itself",
)
noise_, bound_, own_, constant_, fed_, most_ = (
    variable(name) for name in ("noise", "bound", "own", "constant", "fed back", "most")
)
chained = lemma(
    z3.Implies(
        z3.And(noise_ <= bound_, bound_ - own_ == constant_ + fed_, fed_ <= most_),
        noise_ - own_ <= constant_ + most_,
    ),
    name="a sum, bounded part by part",
)
of_batch = same(t, v(t))[i] * per_B + (1 - per_B) * cross(t, v(t))[i]
bound_of_batch = lq[i] * (words[same_symbol] + fed_back) * per_B + (1 - per_B) * (
    lq[i] * (words[cross_symbol] + Pi_c * own)
)
fed = lq[i] * (c_d * (a_q - b_q) * Pi * per_B * S(t) + excess * own)
s2_parts = words[same_symbol] * per_B + (1 - per_B) * words[cross_symbol]
batch_terms = {
    "noise": of_batch,
    "bound": bound_of_batch,
    "own": lq[i] * own,
    "constant": lq[i] * s2_parts,
    "fed back": fed,
    "most": lq[i] * (alpha * S(t)),
}
batch = lemma(
    z3.Implies(here, of_batch - lq[i] * own <= lq[i] * s2_parts + lq[i] * (alpha * S(t))),
    lemma(
        z3.Implies(here, of_batch <= bound_of_batch),
        same_bound,
        cross_bound,
        per_batch,
        name="the noise of a batch",
    ),
    lemma(bound_of_batch - lq[i] * own == lq[i] * s2_parts + fed, name="a batch, sorted"),
    lemma(
        z3.Implies(here, fed <= lq[i] * (alpha * S(t))),
        own_bound,
        spectrum,
        name="noise that feeds itself, weighted",
    ),
    chained(**batch_terms),
    name="the noise of a batch, bounded",
)
s2_in_parts = lemma(
    s2 == s2_parts, *words.unfold(definitions.s2), STANDING["B"], name="s^2, in its parts"
)
squared = gamma * gamma
trace_noise = lemma(
    z3.Implies(
        here,
        c(t + 1)[i] <= rho * rho * c_t + gamma * gamma * lq[i] * (alpha * S(t) + s2),
    ),
    lemma(
        z3.Implies(here, c(t + 1)[i] == rho * rho * c_t + squared * (of_batch - lq[i] * own)),
        exact_step,
        spectrum,
        name="one step of the variance, sorted",
    ),
    lemma(
        z3.Implies(
            here,
            squared * (of_batch - lq[i] * own) <= squared * (lq[i] * s2 + lq[i] * (alpha * S(t))),
        ),
        lemma(
            z3.Implies(here, of_batch - lq[i] * own <= lq[i] * s2 + lq[i] * (alpha * S(t))),
            batch,
            s2_in_parts,
            name="the noise of a batch, with s^2",
        ),
        *signs,
        name="the noise of a step",
    ),
    name="the noise recursion under the fourth-moment assumption",
)

# --- the theorem ----------------------------------------------------------------------------------

alpha_nonnegative = lemma(
    alpha >= 0,
    alpha_parts,
    lemma(
        c_d * (a_q - b_q) * Pi * per_B >= 0, bounds, factors, per_batch, name="alpha S of others"
    ),
    name="alpha >= 0",
)
s2_nonnegative = lemma(
    s2 >= 0,
    *words.unfold(definitions.s2),
    lemma(
        words[same_symbol] >= 0,
        *words.unfold(same_symbol),
        lemma(
            words[sq] >= 0, *words.unfold(sq), bounds, norms_nonnegative, *signs, name="s_q^2 >= 0"
        ),
        norms_nonnegative,
        bounds,
        factors,
        *signs,
        name="s_same^2 >= 0",
    ),
    lemma(
        words[cross_symbol] >= 0,
        *words.unfold(cross_symbol),
        norms_nonnegative,
        *signs,
        name="s_cross^2 >= 0",
    ),
    per_batch,
    name="s^2 >= 0",
)
theorem = established(words, trace_bound(words, trace_noise, alpha_nonnegative, s2_nonnegative))
