r"""The noise of one step, coordinate by coordinate: the recursion behind T3, T4 and T4'.

Main results
    ``noise``: c' <= (rho^2 + gamma^2 (lambda^q)^2 kappa) c + gamma^2 lambda^q (alpha S + s^2)
        + gamma^2 (lambda^q)^2 (q + kappa mu^2)
        for data errors that are additive, multiplicative and shared, or multiplicative and elementwise

How
    One sample: the misfit of w^q (``misfit``), what parameter and activation errors add (``further``)
    and what label errors multiply (``label``); then what two samples share; then the batch. The misfit
    y - <w^q, x^q> of multiplicative data is not independent of x^q, but its product with the noise
    enters with E[eta_i] w^q_i, which is not positive from w_0 = 0: it can be dropped.
"""

import sympy as sp
import z3

from qtheory.proof.kernel import lemma, sequence
from qtheory.proof.powers import power_between
from qtheory.proof.sums import sum_equal, sum_le, total
from qtheory.theory import definitions, notation
from qtheory.theory.formal import STANDING, Vocabulary, assumed, stated

from .recursion import (
    V1,
    X0,
    Q_row,
    Q_sum,
    S,
    T_extra,
    T_row,
    T_sum,
    Vq,
    Y_extra,
    Y_sum,
    Yy,
    a,
    aa,
    am,
    approximation,
    as_,
    c,
    c_t,
    core,
    cross,
    d,
    dimension_positive,
    e,
    e_d,
    exact_step,
    gamma,
    i,
    inside,
    la,
    lam,
    lam_v,
    lam_vh,
    lam_w_m,
    lm,
    lq,
    lq_v,
    lq_vh,
    ls,
    m,
    mean,
    misfit_sum,
    mu,
    norm_terms,
    nq_terms,
    oa,
    om,
    os_,
    pa,
    per_B,
    pm,
    psi,
    psi_d,
    rho,
    s,
    same,
    sigma2,
    signal,
    signal_q,
    signs,
    spectrum,
    split,
    sums,
    t,
    trace,
    v,
    vh,
    vh_sum,
    weighted,
    wq,
    x,
)

refined = Vocabulary(stated("refined_upper_bound").definitions)
k_s, k_d, u_d = refined[definitions.k_s], refined[definitions.k_d], refined[definitions.u_d]
Pi, Pi_c, P = refined[definitions.Pi], refined[definitions.Pi_c], refined[definitions.P]
kappa, alpha = refined[definitions.kappa], refined[definitions.alpha]
s2, q = refined[definitions.s2], refined[definitions.q]

# --- hypotheses: small steps from 0, and data errors of one kind ------------------------------------

small = assumed(sp.Le(definitions.x[notation.i], 1))
one_kind = [
    assumed(sp.Le(notation.additive["data"] * notation.multiplicative["data"], 0)),
    assumed(
        sp.Le(
            notation.shared["data"] * (notation.multiplicative["data"] - notation.shared["data"]), 0
        )
    ),
]
pure = lemma(
    z3.Or(e_d == 0, z3.And(a == 0, s == 0), z3.And(a == 0, s == e_d)),
    *one_kind,
    *signs,
    name="data errors are of one kind",
)
e_t = e(t, v(t))

# E[eta_i] w^q_i <= 0: the mean starts at -w^q_i and never overshoots.
towards = lemma(
    z3.Implies(z3.And(t >= 0, inside), wq[i] * mu(t)[i] <= 0),
    mean,
    spectrum,
    small,
    power_between(base=1 - x[i], n=t),
    name="the mean does not overshoot",
)
# v = e + 2 w^q mu + (w^q)^2, so v <= e + (w^q)^2
second = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        z3.And(
            v(t)[i] == e_t[i] + 2 * wq[i] * mu(t)[i] + wq[i] * wq[i],
            v(t)[i] <= e_t[i] + wq[i] * wq[i],
            m(i, t) == mu(t)[i] + wq[i],
        ),
    ),
    e.at(t, v(t), i),
    mu.at(t, i),
    towards,
    name="second moments of w and of eta",
)

# --- sums -------------------------------------------------------------------------------------------

# sum lambda^q v <= S + ||w^q||^2
second_sum = lemma(
    z3.Implies(t >= 0, Vq <= S(t) + signal_q),
    sum_le(
        [(1, lq_v(v(t)))],
        [(1, weighted(t, v(t))), (1, nq_terms())],
        d,
        lambda k: [
            lq_v.at(v(t), k),
            weighted.at(t, v(t), k),
            nq_terms.at(k),
            second(i=k),
            spectrum(i=k),
        ],
        premises=[dimension_positive],
        given=t >= 0,
        name="the norm of w",
    ),
    *sums,
    name="the norm of w is at most those of eta and w^q",
)
# With shared data errors lambda^q = (1 + eps) lambda.
shared_sum = sum_equal(
    [(psi * (1 + s), lam_vh(v(t)))],
    [(psi, lq_vh(v(t)))],
    d,
    lambda k: [lam_vh.at(v(t), k), lq_vh.at(v(t), k), spectrum(i=k), pure, *signs],
    premises=[dimension_positive],
    name="shared data errors keep the shape",
)
shared_v = sum_equal(
    [(psi * (1 + s), lam_v(v(t)))],
    [(psi, lq_v(v(t)))],
    d,
    lambda k: [lam_v.at(v(t), k), lq_v.at(v(t), k), spectrum(i=k), pure, *signs],
    premises=[dimension_positive],
    name="shared data errors keep the shape",
)
shared_misfit = sum_le(
    [(psi, lam_v(v(t))), (-4 * s, lam_w_m(t))],
    [(psi / (1 + s), weighted(t, v(t))), (-2 * s * s / ((1 + s) * (1 + s)), norm_terms())],
    d,
    lambda k: [
        lam_v.at(v(t), k),
        lam_w_m.at(t, k),
        weighted.at(t, v(t), k),
        norm_terms.at(k),
        second(i=k),
        towards(i=k),
        spectrum(i=k),
        pure,
        *signs,
    ],
    premises=[dimension_positive],
    given=t >= 0,
    name="the misfit of a shared factor",
)

# --- one coordinate -----------------------------------------------------------------------------------

constants = refined.unfold(definitions.k_s, definitions.k_d, definitions.u_d, definitions.r_s)
facts = [spectrum, pure, *signs]
Qv = k_s * lq[i] * Vq + k_d * lq[i] * lq[i] * v(t)[i]

# The constants in the fourth moments: k_s between coordinates, k_d more on the diagonal.
fourth = lemma(
    z3.Implies(
        inside,
        z3.And(
            k_s >= 1,
            k_d >= 2,
            u_d >= 0,
            2 * lq[i] * lq[i] + (3 * psi_d - psi) * lam[i] * lam[i] == k_d * lq[i] * lq[i],
            psi * lam[i] == (k_s - 1) * (1 + s) * lq[i],
            s * (1 + s) * lam[i] == s * lq[i],
        ),
    ),
    *constants,
    *facts,
    name="fourth moments of one kind",
)
# (Q vh)_i = k_s lambda^q_i sum lambda^q vh + k_d (lambda^q_i)^2 vh_i
Q_pure = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        total(Q_row(v(t), i), d) == k_s * lq[i] * V1 + k_d * lq[i] * lq[i] * vh(v(t)[i]),
    ),
    Q_sum(u=v(t)),
    fourth,
    shared_sum,
    *signs,
    name="the row sums of Q, errors of one kind",
)
r_s = refined[definitions.r_s]
misfit_bound = sequence(
    "misfit bound",
    [t],
    i,
    lq[i] * (sigma2 + 2 * approximation - r_s * signal + k_s * S(t))
    + k_d * lq[i] * lq[i] * e_t[i]
    + u_d * lq[i] * lq[i] * wq[i] * wq[i],
)
diagonal_claim = (
    Y_extra - 2 * T_extra + k_d * lq[i] * lq[i] * v(t)[i]
    <= k_d * lq[i] * lq[i] * e_t[i] + u_d * lq[i] * lq[i] * wq[i] * wq[i]
)
kinds = pure.formula.children()
diagonal = lemma(
    z3.Implies(z3.And(t >= 0, inside), diagonal_claim),
    *(
        lemma(
            z3.Implies(z3.And(t >= 0, inside, kind), diagonal_claim),
            second,
            towards,
            *constants,
            spectrum,
            *signs,
            name="the misfit on the diagonal, errors of one kind",
        )
        for kind in kinds
    ),
    pure,
    name="the misfit on the diagonal",
)
Vl, shared_level = total(lam_v(v(t)), d), STANDING["epsilon_d^s"]
shared_part = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        (k_s - 1) * lq[i] * Vq - 4 * s * lam[i] * X0
        <= (k_s - 1) * lq[i] * S(t) - lq[i] * r_s * signal,
    ),
    lemma(
        z3.Implies(
            z3.And(t >= 0, inside),
            lam[i] * (psi * Vl - 4 * s * X0)
            <= lam[i] * (psi / (1 + s) * S(t) - 2 * s * s / ((1 + s) * (1 + s)) * signal),
        ),
        shared_misfit,
        spectrum,
        shared_level,
        *sums,
        name="the misfit of a shared factor, weighted",
    ),
    lemma(
        z3.Implies(inside, lam[i] * psi * Vl == (k_s - 1) * lq[i] * Vq),
        shared_v,
        fourth,
        shared_level,
        name="weights of a shared factor",
    ),
    lemma(
        z3.Implies(inside, lam[i] * (psi / (1 + s)) * S(t) == (k_s - 1) * lq[i] * S(t)),
        fourth,
        shared_level,
        name="weights of a shared factor",
    ),
    lemma(
        z3.Implies(inside, lam[i] * (2 * s * s / ((1 + s) * (1 + s))) == lq[i] * r_s),
        lemma(
            z3.Implies(inside, r_s * ((1 + s) * (1 + s) * (1 + s)) == 2 * s * s),
            *constants,
            *facts,
            name="r_s of one kind",
        ),
        fourth,
        shared_level,
        name="weights of a shared factor",
    ),
    name="the misfit of a shared factor in one coordinate",
)
off_diagonal = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        lq[i] * signal - 2 * (lq[i] + 2 * s * lam[i]) * X0 + k_s * lq[i] * Vq
        <= lq[i] * (2 * approximation - r_s * signal + k_s * S(t)),
    ),
    lemma(
        z3.Implies(t >= 0, lq[i] * (signal - 2 * X0 + Vq) == lq[i] * (2 * approximation + S(t))),
        misfit_sum,
        name="the misfit of w^q, weighted",
    ),
    shared_part,
    shared_level,
    name="the misfit beside the diagonal",
)
# Yy - 2 X + Q v <= lambda^q (sigma^2 + 2 A - ... + k_s S) + (lambda^q)^2 (k_d e + u_d (w^q)^2)
misfit = lemma(
    z3.Implies(
        z3.And(t >= 0, inside), Yy()[i] - 2 * total(T_row(t, i), d) + Qv <= misfit_bound(t)[i]
    ),
    misfit_bound.at(t, i),
    Yy.at(i),
    Y_sum,
    T_sum,
    diagonal,
    off_diagonal,
    *sums,
    name="the noise without further errors",
)
# (1 + eps_a^m) Q vh - Q v <= k_s lambda^q (P (S + ||w^q||^2) + (1 + eps_a^m) eps_p^a tr) + diagonal
further_bound = sequence(
    "further bound",
    [t],
    i,
    k_s * lq[i] * (P * (S(t) + signal_q) + (1 + am) * pa * trace)
    + k_d * lq[i] * lq[i] * (P * (e_t[i] + wq[i] * wq[i]) + (1 + am) * pa),
)
further = lemma(
    z3.Implies(
        z3.And(t >= 0, inside), (1 + am) * total(Q_row(v(t), i), d) - Qv <= further_bound(t)[i]
    ),
    further_bound.at(t, i),
    Q_pure,
    vh_sum,
    second_sum,
    second,
    fourth,
    spectrum,
    *refined.unfold(definitions.P),
    *signs,
    name="what parameter and activation errors add",
)
# Yy <= lambda^q (sigma^2 + ||w*||_H^2) + 2 (1 + eps) (lambda^q w^q)^2
label_bound = sequence(
    "label bound", [], i, lq[i] * (sigma2 + signal) + 2 * (1 + e_d) * lq[i] * lq[i] * wq[i] * wq[i]
)
label = lemma(
    z3.Implies(inside, Yy()[i] <= label_bound()[i]),
    label_bound.at(i),
    Yy.at(i),
    Y_sum,
    *sums,
    *facts,
    name="what label errors multiply",
)
core_bound = sequence(
    "core bound",
    [t],
    i,
    misfit_bound(t)[i] + further_bound(t)[i] + lm * label_bound()[i] + (la + aa) * lq[i],
)
one_sample = lemma(
    z3.Implies(z3.And(t >= 0, inside), core(t, v(t))[i] <= core_bound(t)[i]),
    core_bound.at(t, i),
    core.at(t, v(t), i),
    misfit,
    further,
    lemma(
        z3.Implies(inside, lm * Yy()[i] <= lm * label_bound()[i]),
        label,
        *signs,
        name="label errors",
    ),
    name="the noise of one sample",
)
# What two samples of a batch share.
two_bound = sequence(
    "two bound",
    [t],
    i,
    (1 + os_)
    * lq[i]
    * lq[i]
    * (
        (1 + as_) * (1 + pm) * e_t[i]
        + ((1 + as_) * (1 + pm) - 1) * wq[i] * wq[i]
        + (1 + as_) * pa
        + ls * wq[i] * wq[i]
    ),
)
two_samples = lemma(
    z3.Implies(z3.And(t >= 0, inside), cross(t, v(t))[i] <= two_bound(t)[i]),
    two_bound.at(t, i),
    cross.at(t, v(t), i),
    second,
    spectrum,
    *signs,
    name="the noise that two samples share",
)

# --- the step ----------------------------------------------------------------------------------------

same_bound = sequence("same bound", [t], i, (1 + om) * core_bound(t)[i] + oa * lq[i])
batch = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        same(t, v(t))[i] * per_B + (1 - per_B) * cross(t, v(t))[i]
        <= same_bound(t)[i] * per_B + (1 - per_B) * two_bound(t)[i],
    ),
    lemma(
        z3.Implies(z3.And(t >= 0, inside), same(t, v(t))[i] <= same_bound(t)[i]),
        same_bound.at(t, i),
        same.at(t, v(t), i),
        one_sample,
        *signs,
        name="the noise of one sample, gradient errors included",
    ),
    two_samples,
    STANDING["B"],
    name="the noise of a batch",
)
noise_bound = (
    lq[i] * lq[i] * (kappa + 1) * e_t[i] + lq[i] * (alpha * S(t) + s2) + lq[i] * lq[i] * q[i]
)
collected = lemma(
    z3.Implies(inside, same_bound(t)[i] * per_B + (1 - per_B) * two_bound(t)[i] == noise_bound),
    same_bound.at(t, i),
    two_bound.at(t, i),
    core_bound.at(t, i),
    misfit_bound.at(t, i),
    further_bound.at(t, i),
    label_bound.at(i),
    *refined.unfold(
        definitions.Pi,
        definitions.Pi_c,
        definitions.P,
        definitions.kappa,
        definitions.alpha,
        definitions.s2,
    ),
    *refined.unfold(definitions.q, at=i),
    STANDING["B"],
    name="the noise of a batch, collected",
)
noise = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        c(t + 1)[i]
        <= (rho * rho + gamma * gamma * lq[i] * lq[i] * kappa) * c_t
        + gamma * gamma * lq[i] * (alpha * S(t) + s2)
        + gamma * gamma * lq[i] * lq[i] * (q[i] + kappa * mu(t)[i] * mu(t)[i]),
    ),
    exact_step,
    batch,
    collected,
    split,
    spectrum,
    *signs,
    name="the noise recursion",
)
