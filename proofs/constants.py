r"""The noise constants of T4' are nonnegative.

Main results
    ``constants_nonnegative``: kappa, alpha, s^2, q >= 0

How
    Every factor Pi, Pi_c, 1 + eps is at least 1 and every norm is a sum of nonnegative terms. Only s^2
    has a negative part, -2 s^2/(1+s)^3 ||w*||_H^2 for a shared data error s, which 2 A covers.
"""

import z3

from qtheory.proof.kernel import lemma
from qtheory.proof.sums import sum_le
from qtheory.theory import definitions
from qtheory.theory.formal import STANDING

from .noise import (
    P,
    Pi,
    Pi_c,
    alpha,
    constants,
    fourth,
    k_d,
    k_s,
    kappa,
    pure,
    q,
    r_s,
    refined,
    s2,
    u_d,
)
from .recursion import (
    A_terms,
    D,
    approximation,
    d,
    dimension_positive,
    i,
    inside,
    lam,
    lq,
    norm_terms,
    nq_terms,
    per_B,
    s,
    signal,
    signal_q,
    signs,
    spectrum,
    sums,
    tr_terms,
    trace,
    w,
)

factors = lemma(
    z3.And(Pi >= 1, Pi_c >= 1, P >= 0, k_s >= 1, k_d >= 2, u_d >= 0),
    *refined.unfold(definitions.Pi, definitions.Pi_c, definitions.P),
    fourth(i=z3.IntVal(0)),
    dimension_positive,
    *signs,
    name="factors are at least 1",
)
per_batch = lemma(z3.And(per_B > 0, per_B <= 1), STANDING["B"], name="0 < 1/B <= 1")
kappa_positive = lemma(
    kappa >= 0,
    lemma(
        z3.And(k_d * Pi * per_B >= 2 * per_B, (1 - per_B) * Pi_c >= 1 - per_B),
        factors,
        per_batch,
        name="parts of kappa",
    ),
    *refined.unfold(definitions.kappa),
    per_batch,
    name="kappa >= 0",
)
alpha_positive = lemma(
    alpha >= 0, *refined.unfold(definitions.alpha), factors, per_batch, name="alpha >= 0"
)
norms_nonnegative = lemma(
    z3.And(approximation >= 0, trace >= 0, signal >= 0, signal_q >= 0),
    *[
        sum_le(
            [(0, f())],
            [(1, f())],
            d,
            lambda k, f=f: [f.at(k), spectrum(i=k), *signs],
            premises=[dimension_positive],
            name="a norm is nonnegative",
        )
        for f in (A_terms, tr_terms, norm_terms, nq_terms)
    ],
    *sums,
    name="norms are nonnegative",
)
# lambda D / lambda^q >= s/(1+s) lambda, since D >= s lambda
least_share = lemma(
    z3.Implies(
        inside, s / (1 + s) * (lam[i] * w[i] * w[i]) <= lam[i] / lq[i] * D[i] * (w[i] * w[i])
    ),
    lemma(
        z3.Implies(inside, s / (1 + s) * lam[i] <= lam[i] / lq[i] * D[i]),
        spectrum,
        *signs,
        name="what shared errors distort",
    ),
    name="what shared errors distort, weighted",
)
# 2 A >= s/(1+s) ||w*||_H^2 >= r_s ||w*||_H^2 for the shared part s of the data errors
misfit_nonnegative = lemma(
    2 * approximation - r_s * signal >= 0,
    sum_le(
        [(s / (1 + s), norm_terms())],
        [(1, A_terms())],
        d,
        lambda k: [
            norm_terms.at(k),
            A_terms.at(k),
            least_share(i=k),
            spectrum(i=k),
            STANDING["epsilon_d^s"],
        ],
        premises=[dimension_positive],
        name="the share of shared data errors",
    ),
    lemma(
        z3.And(r_s <= s / (1 + s), s / (1 + s) >= 0),
        lemma(
            r_s * ((1 + s) * (1 + s) * (1 + s)) == 2 * s * s,
            *constants,
            pure,
            *signs,
            name="r_s of one kind",
        ),
        *signs,
        name="r_s <= s/(1+s)",
    ),
    norms_nonnegative,
    *sums,
    name="the misfit of w^q is nonnegative",
)
s2_positive = lemma(
    s2 >= 0,
    *refined.unfold(definitions.s2),
    misfit_nonnegative,
    norms_nonnegative,
    factors,
    per_batch,
    *signs,
    name="s^2 >= 0",
)
q_positive = lemma(
    z3.Implies(inside, q[i] >= 0),
    *refined.unfold(definitions.q, at=i),
    factors,
    per_batch,
    *signs,
    name="q >= 0",
)
constants_nonnegative = lemma(
    z3.Implies(inside, z3.And(kappa >= 0, alpha >= 0, s2 >= 0, q[i] >= 0)),
    kappa_positive,
    alpha_positive,
    s2_positive,
    q_positive,
    name="the constants are nonnegative",
)
