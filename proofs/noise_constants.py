r"""T3, the noise constants, all charged to the trace.

Main results
    ``theorem``: c' <= rho^2 c + gamma^2 lambda^q (alpha S + s^2) with the constants of T3
    ``alpha_covers``: alpha + kappa of T4' is at most alpha of T3
    ``s2_covers``: s^2 + lambda^q q of T4' is at most s^2 of T3

How
    A corollary of the refined recursion (noise.py): what acts on one coordinate alone is at most what
    acts on all of them, lambda^q_i e_i <= S, lambda^q_i (w^q_i)^2 <= ||w^q||^2 and lambda^q_i <= tr.
"""

import z3

from qtheory.proof.kernel import lemma, variable
from qtheory.proof.sums import member, sum_equal, total, worst, zeros
from qtheory.theory import definitions
from qtheory.theory.definitions import cross as cross_symbol
from qtheory.theory.definitions import doubling, k4, sq
from qtheory.theory.definitions import same as same_symbol
from qtheory.theory.formal import STANDING, stated
from qtheory.theory.sequents import Formal, established
from qtheory.theory.upper import rho as rho_symbol

from .constants import (
    alpha_positive,
    constants_nonnegative,
    factors,
    kappa_positive,
    norms_nonnegative,
    per_batch,
)
from .noise import P, alpha, constants, k_d, k_s, kappa, noise, pure, q, r_s, refined, s2, u_d
from .recursion import (
    A_terms,
    S,
    a,
    aa,
    am,
    approximation,
    as_,
    c,
    c_t,
    d,
    dimension_positive,
    e,
    e_d,
    gamma,
    i,
    inside,
    la,
    lam,
    lm,
    lq,
    ls,
    norm_terms,
    nq_terms,
    oa,
    om,
    os_,
    pa,
    per_B,
    pm,
    rho,
    s,
    sigma2,
    signal,
    signal_q,
    signs,
    spectrum,
    split,
    sums,
    t,
    tr_terms,
    trace,
    v,
    w,
    weighted,
    wq,
)
from .variance import theorem as variance_nonnegative

here_t = z3.And(t >= 0, inside)
words = Formal(stated("noise_constants"))
alpha_trace, s2_trace = words[definitions.alpha], words[definitions.s2]
one_sample_constant, two_sample_constant = words[same_symbol], words[cross_symbol]

# --- one coordinate against all -------------------------------------------------------------------


def at_most_the_sum(row, *pointwise, given=True):
    """row[i] <= sum_j row[j] for nonnegative terms, which ``pointwise`` prove at an index."""
    at = worst(zeros(), row, d)
    term = lemma(
        z3.Implies(z3.And(given, at >= 0, at < d), row[at] >= 0),
        *(proof for make in pointwise for proof in make(at)),
        name="a term is nonnegative",
    )
    return lemma(
        z3.Implies(z3.And(given, inside), row[i] <= total(row, d)),
        member(f=row, k=i, n=d),
        term,
        dimension_positive,
        name="a term is at most the sum",
    )


def at_most_S(squares):
    """lambda^q_i e_i <= S, given what proves that every e_i is nonnegative."""
    return lemma(
        z3.Implies(here_t, lq[i] * e(t, v(t))[i] <= S(t)),
        at_most_the_sum(
            weighted(t, v(t)),
            lambda at: [weighted.at(t, v(t), at), squares(i=at), spectrum(i=at)],
            given=t >= 0,
        ),
        weighted.at(t, v(t), i),
        S.at(t),
        name="lambda^q e <= S",
    )


squares_nonnegative = lemma(
    z3.Implies(here_t, e(t, v(t))[i] >= 0), split, variance_nonnegative, name="E eta^2 >= 0"
)
S_covers = at_most_S(squares_nonnegative)
norm_q_covers = lemma(
    z3.Implies(inside, lq[i] * wq[i] * wq[i] <= signal_q),
    at_most_the_sum(nq_terms(), lambda at: [nq_terms.at(at), spectrum(i=at)]),
    nq_terms.at(i),
    *sums,
    name="lambda^q (w^q)^2 <= ||w^q||^2",
)
trace_covers = lemma(
    z3.Implies(inside, lq[i] <= trace),
    at_most_the_sum(tr_terms(), lambda at: [tr_terms.at(at), spectrum(i=at)]),
    tr_terms.at(i),
    *sums,
    name="lambda^q <= tr",
)
# (1 + eps) lambda^q (w^q)^2 <= lambda w*^2 <= ||w*||_H^2
norm_covers = lemma(
    z3.Implies(inside, (1 + e_d) * lq[i] * wq[i] * wq[i] <= signal),
    at_most_the_sum(norm_terms(), lambda at: [norm_terms.at(at), spectrum(i=at)]),
    lemma(
        z3.Implies(inside, (1 + e_d) * lq[i] * wq[i] * wq[i] <= lam[i] * w[i] * w[i]),
        lemma(
            z3.Implies(inside, lq[i] * lq[i] * wq[i] * wq[i] == lam[i] * lam[i] * w[i] * w[i]),
            spectrum,
            name="lambda^q w^q = lambda w*, squared",
        ),
        spectrum,
        pure,
        *signs,
        name="the signal in one coordinate",
    ),
    norm_terms.at(i),
    *sums,
    name="(1 + eps) lambda^q (w^q)^2 <= ||w*||_H^2",
)

# --- the constants of T3 cover those of T4' -----------------------------------------------------------

factor_2 = lemma(
    z3.And(words[doubling] >= 1, words[doubling] <= 2),
    *words.unfold(doubling),
    name="c_d is 1 or 2",
)
fourth_moment = lemma(
    z3.And(3 * words[k4] == k_s + k_d, words[k4] >= 1),
    *words.unfold(k4),
    *constants,
    *signs,
    name="3 k_4 = k_s + k_d",
)
# alpha + kappa of T4' is alpha of T3, but for the doubling.
alpha_covers = lemma(
    alpha + kappa <= alpha_trace,
    lemma(
        alpha_trace == words[doubling] * (alpha + kappa),
        *words.unfold(definitions.alpha),
        fourth_moment,
        *refined.unfold(definitions.alpha, definitions.kappa),
        per_batch,
        *words.unfold(definitions.Pi, definitions.Pi_c),
        *refined.unfold(definitions.Pi, definitions.Pi_c),
        name="alpha of T3",
    ),
    factor_2,
    alpha_positive,
    kappa_positive,
    name="alpha + kappa <= alpha of T3",
)
own = lq[i] * q[i]
misfit_part = sigma2 + 2 * approximation - r_s * signal + u_d * (lq[i] * wq[i] * wq[i])
# 2 A = eps/(1+eps) ||w*||_H^2 for multiplicative data errors
multiplicative_A = lemma(
    z3.Implies(a == 0, 2 * approximation == e_d / (1 + e_d) * signal),
    sum_equal(
        [(1, A_terms())],
        [(e_d / (1 + e_d), norm_terms())],
        d,
        lambda k: [
            A_terms.at(k),
            norm_terms.at(k),
            spectrum(i=k),
            *signs,
        ],
        premises=[dimension_positive],
        given=a == 0,
        name="A of multiplicative errors",
    ),
    *sums,
    name="A of multiplicative errors",
)
# 2 A + u_d lambda^q (w^q)^2 - ... <= 3 ||w*||_H^2 (eps + eps^3) / (1 + eps)^3
E_, n_, q_, u_, r_ = (variable(name) for name in ("eps", "norm", "share", "u", "r"))
cubed = 1 / ((1 + E_) * (1 + E_) * (1 + E_))


def misfit_of(kind, numerator, taken):
    """The bound on the misfit of one kind of multiplicative errors, as a rational inequality."""
    given = [
        E_ >= 0,
        n_ >= 0,
        q_ >= 0,
        (1 + E_) * q_ <= n_,
        u_ * ((1 + E_) * (1 + E_)) == numerator,
    ]
    bound = 3 * n_ * (E_ + E_ * E_ * E_) / ((1 + E_) * (1 + E_) * (1 + E_))
    weighted_share = lemma(
        z3.Implies(
            z3.And(E_ >= 0, q_ >= 0, (1 + E_) * q_ <= n_),
            numerator * ((1 + E_) * q_) <= numerator * n_,
        ),
        lemma(z3.Implies(E_ >= 0, numerator >= 0), name="u_d >= 0"),
        name="the share, weighted",
    )
    cleared = lemma(
        z3.Implies(
            z3.And(E_ >= 0, q_ >= 0, (1 + E_) * q_ <= n_, u_ * ((1 + E_) * (1 + E_)) == numerator),
            u_ * q_ * ((1 + E_) * (1 + E_) * (1 + E_)) <= numerator * n_,
        ),
        weighted_share,
        name="the misfit on the diagonal, cleared",
    )
    written_out = lemma(
        z3.Implies(z3.And(*given), E_ / (1 + E_) * n_ - taken * cubed * n_ + u_ * q_ <= bound),
        cleared,
        name=f"the misfit of {kind} errors, written out",
    )
    return lemma(
        z3.Implies(
            z3.And(*given, r_ == taken * cubed), E_ / (1 + E_) * n_ - r_ * n_ + u_ * q_ <= bound
        ),
        written_out,
        name=f"the misfit of {kind} errors",
    )


rational = [
    misfit_of("shared", 2 * (E_ + E_ * E_ * E_), 2 * E_ * E_),
    misfit_of("elementwise", 2 * (E_ - E_ * E_ + E_ * E_ * E_), z3.RealVal(0)),
]
share = lq[i] * wq[i] * wq[i]
shared_case, elementwise_case = (
    proof(eps=e_d, norm=signal, share=share, u=u_d, r=r_s) for proof in rational
)
additive_case = z3.And(inside, e_d <= 0)
misfit_covers = lemma(
    z3.Implies(inside, misfit_part <= words[sq]),
    lemma(
        z3.Implies(additive_case, misfit_part <= words[sq]),
        lemma(
            z3.Implies(additive_case, z3.And(e_d == 0, s == 0, u_d == 0, r_s == 0)),
            *constants,
            *signs,
            name="no multiplicative errors",
        ),
        *words.unfold(sq),
        name="the misfit of additive errors",
    ),
    *(
        lemma(
            z3.Implies(z3.And(inside, e_d > 0, s == level), misfit_part <= words[sq]),
            case,
            *words.unfold(sq),
            multiplicative_A,
            norm_covers,
            norms_nonnegative,
            lemma(
                z3.Implies(z3.And(inside, e_d > 0), z3.And(a == 0, share >= 0)),
                pure,
                spectrum,
                *signs,
                name="multiplicative errors alone",
            ),
            lemma(
                z3.Implies(s == level, u_d * ((1 + e_d) * (1 + e_d)) == value),
                *constants,
                *signs,
                name="u_d of one kind",
            ),
            lemma(
                z3.Implies(s == level, r_s == taken * (1 / ((1 + e_d) * (1 + e_d) * (1 + e_d)))),
                *constants,
                *signs,
                name="r_s of one kind",
            ),
            *signs,
            name="the misfit of multiplicative errors",
        )
        for level, case, value, taken in (
            (e_d, shared_case, 2 * (e_d + e_d * e_d * e_d), 2 * e_d * e_d),
            (
                z3.RealVal(0),
                elementwise_case,
                2 * (e_d - e_d * e_d + e_d * e_d * e_d),
                z3.RealVal(0),
            ),
        )
    ),
    lemma(z3.Or(e_d <= 0, s == 0, s == e_d), pure, *signs, name="kinds of data errors"),
    name="the misfit in T3",
)
one_sample_noise = (1 + om) * (
    misfit_part
    + la
    + aa
    + lm * (sigma2 + signal + 2 * ((1 + e_d) * share))
    + P * (k_s * signal_q + k_d * share)
    + (1 + am) * pa * (k_s * trace + k_d * lq[i])
) + oa
two_sample_noise = (1 + os_) * (
    ls * share + ((1 + as_) * (1 + pm) - 1) * share + (1 + as_) * pa * lq[i]
)
parts = lemma(
    z3.Implies(inside, s2 + own == one_sample_noise * per_B + two_sample_noise * (1 - per_B)),
    *refined.unfold(definitions.s2),
    *refined.unfold(definitions.q, at=i),
    STANDING["B"],
    name="s^2 + lambda^q q, sorted",
)
one_sample_covers = lemma(
    z3.Implies(inside, one_sample_noise <= one_sample_constant),
    lemma(
        z3.Implies(
            inside,
            one_sample_noise
            <= (1 + om)
            * (
                words[sq]
                + la
                + aa
                + lm * (sigma2 + 3 * signal)
                + P * (3 * words[k4] * signal_q)
                + (1 + am) * pa * (3 * words[k4] * trace)
            )
            + oa,
        ),
        lemma(
            z3.Implies(
                inside,
                lm * (sigma2 + signal + 2 * ((1 + e_d) * share)) <= lm * (sigma2 + 3 * signal),
            ),
            norm_covers,
            *signs,
            name="label errors in T3",
        ),
        lemma(
            z3.Implies(
                inside, P * (k_s * signal_q + k_d * share) <= P * (3 * words[k4] * signal_q)
            ),
            lemma(
                z3.Implies(inside, k_s * signal_q + k_d * share <= 3 * words[k4] * signal_q),
                norm_q_covers,
                fourth_moment,
                factors,
                name="fourth moments of the norm",
            ),
            factors,
            name="relative errors in T3",
        ),
        lemma(
            z3.Implies(
                inside,
                (1 + am) * pa * (k_s * trace + k_d * lq[i])
                <= (1 + am) * pa * (3 * words[k4] * trace),
            ),
            lemma(
                z3.Implies(inside, k_s * trace + k_d * lq[i] <= 3 * words[k4] * trace),
                trace_covers,
                fourth_moment,
                factors,
                name="fourth moments of the trace",
            ),
            *signs,
            name="parameter errors in T3",
        ),
        misfit_covers,
        *signs,
        name="one sample in T3, term by term",
    ),
    *words.unfold(same_symbol),
    *refined.unfold(definitions.P),
    name="one sample in T3",
)
two_samples_cover = lemma(
    z3.Implies(inside, two_sample_noise <= two_sample_constant),
    lemma(
        z3.Implies(
            inside,
            z3.And(
                ls * share <= ls * signal,
                ((1 + as_) * (1 + pm) - 1) * share <= ((1 + as_) * (1 + pm) - 1) * signal_q,
                (1 + as_) * pa * lq[i] <= (1 + as_) * pa * trace,
            ),
        ),
        lemma(
            z3.Implies(inside, share <= signal),
            norm_covers,
            spectrum,
            *signs,
            name="lambda^q (w^q)^2 <= ||w*||^2",
        ),
        norm_q_covers,
        trace_covers,
        lemma((1 + as_) * (1 + pm) - 1 >= 0, *signs, name="(1 + eps_a^s)(1 + eps_p) >= 1"),
        *signs,
        name="two samples in T3, term by term",
    ),
    *words.unfold(cross_symbol),
    *signs,
    name="two samples in T3",
)
s2_covers = lemma(
    z3.Implies(inside, s2 + own <= s2_trace),
    parts,
    lemma(
        z3.Implies(
            inside,
            one_sample_noise * per_B + two_sample_noise * (1 - per_B)
            <= one_sample_constant * per_B + two_sample_constant * (1 - per_B),
        ),
        one_sample_covers,
        two_samples_cover,
        per_batch,
        name="a batch in T3",
    ),
    lemma(
        s2_trace
        == words[doubling] * (one_sample_constant * per_B + two_sample_constant * (1 - per_B)),
        *words.unfold(definitions.s2),
        STANDING["B"],
        name="s^2 of T3",
    ),
    constants_nonnegative,
    spectrum,
    factor_2,
    name="s^2 + lambda^q q <= s^2 of T3",
)

# --- the theorem ----------------------------------------------------------------------------------

x2 = gamma * gamma * lq[i]
trace_noise = lemma(
    z3.Implies(here_t, c(t + 1)[i] <= rho * rho * c_t + x2 * (alpha_trace * S(t) + s2_trace)),
    noise,
    lemma(
        z3.Implies(
            here_t,
            c(t + 1)[i]
            <= rho * rho * c_t
            + x2 * ((alpha * S(t) + s2) + (own + kappa * (lq[i] * e(t, v(t))[i]))),
        ),
        noise,
        split,
        name="the noise recursion, sorted",
    ),
    lemma(
        z3.Implies(
            here_t,
            (alpha * S(t) + s2) + (own + kappa * (lq[i] * e(t, v(t))[i]))
            <= alpha_trace * S(t) + s2_trace,
        ),
        lemma(
            z3.Implies(here_t, kappa * (lq[i] * e(t, v(t))[i]) <= kappa * S(t)),
            S_covers,
            kappa_positive,
            name="own noise",
        ),
        lemma(
            z3.Implies(here_t, (alpha + kappa) * S(t) <= alpha_trace * S(t)),
            alpha_covers,
            S_covers,
            squares_nonnegative,
            spectrum,
            name="noise that feeds itself",
        ),
        s2_covers,
        name="the noise in T3",
    ),
    lemma(z3.Implies(inside, x2 >= 0), spectrum, *signs, name="gamma^2 lambda^q >= 0"),
    name="the noise recursion of T3",
)
theorem = established(
    words, trace_noise, *words.unfold(definitions.x, at=i), *words.unfold(rho_symbol, at=i)
)
