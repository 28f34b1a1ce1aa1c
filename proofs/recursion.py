r"""Section 2, the exact recursion for the second moments, in the kernel's language.

m(i, t) = E w_i and v(t)[i] = E w_i^2 after t steps from w_0 = 0; in terms of eta = w - w^q

    e = E eta^2,   mu = E eta,   c = e - mu^2,   S = sum lambda^q e.

Main results
    ``mean``: mu_t = rho^t eta_0
    ``exact_step``: c' = rho^2 c - x^2 e + gamma^2 (same / B + (1 - 1/B) cross)
    ``Q_sum``, ``T_sum``, ``Y_sum``: the sums over a row of the tables of fourth moments
    ``misfit_sum``: ||w*||_H^2 - 2 sum lambda w* m + sum lambda^q v = 2 A + S
    ``vh_sum``: sum lambda^q vh = (1 + eps_p^m) sum lambda^q v + eps_p^a tr

How
    The definitions are those of qtheory.theory.moments. That they are the formulas of T2 is proved in
    second_moments.py, that the update has these moments in update.py; here is what they say. A row of
    the tables Q, T, Y is summed on and beside its diagonal.
"""

import z3

from qtheory.proof.kernel import induction, lemma, sequence
from qtheory.proof.powers import power
from qtheory.proof.sums import added, spike, spike_total, sum_equal, total
from qtheory.theory import definitions, notation
from qtheory.theory.definitions import A, norm, norm_q, tr
from qtheory.theory.formal import STANDING

# The definitions are the package's; the other proofs take them from here, with what is proved of them.
from qtheory.theory.moments import (  # noqa: F401
    Q_entry,
    Q_row,
    S,
    T_entry,
    T_row,
    Y_entry,
    Y_row,
    Yy,
    a,
    aa,
    am,
    as_,
    c,
    core,
    cross,
    d,
    e,
    e_d,
    el,
    f2,
    f3,
    f4,
    following,
    gamma,
    h2,
    h3,
    h4,
    i,
    j,
    la,
    lam,
    lm,
    lq,
    lq_v,
    ls,
    m,
    mean_step,
    mu,
    oa,
    om,
    os_,
    pa,
    per_B,
    pm,
    s,
    same,
    sigma2,
    t,
    u,
    v,
    vh,
    w,
    weighted,
    words,
    wq,
    x,
)

D, eta0 = words[notation.D], words[definitions.eta0]
trace, signal, signal_q, approximation = (words[symbol] for symbol in (tr, norm, norm_q, A))

inside = z3.And(i >= 0, i < d)
signs = [proof for name, proof in STANDING.items() if name != "spectrum"]
dimension_positive = STANDING["d"]


def quantized(at):
    """lambda^q, w^q, x and eta_0 at a coordinate, with lambda >= 0 and lambda^q > 0."""
    unfolded = words.unfold(
        notation.D, notation.lq, notation.wq, definitions.x, definitions.eta0, at=at
    )
    return lemma(
        z3.Implies(
            z3.And(at >= 0, at < d),
            z3.And(
                lam[at] >= 0,
                lq[at] > 0,
                lq[at] == (1 + e_d) * lam[at] + a,
                D[at] == e_d * lam[at] + a,
                lq[at] * wq[at] == lam[at] * w[at],
                x[at] == gamma * lq[at],
                x[at] > 0,
                eta0[at] == -wq[at],
            ),
        ),
        *unfolded,
        STANDING["spectrum"](i=at),
        *signs,
        name="the quantized spectrum and minimiser",
    )


spectrum = quantized(i)
spectrum_j = quantized(j)

# --- the mean ------------------------------------------------------------------------------------

# E eta_t = rho^t eta_0
mean = induction(
    t,
    z3.Implies(inside, mu(t)[i] == power(1 - x[i], t) * eta0[i]),
    mu.at(t, i),
    mu.at(t + 1, i),
    m.next(i, t),
    power.next(1 - x[i], t),
    spectrum,
    base=[mu.at(0, i), m.zero(i), power.zero(1 - x[i]), spectrum],
    name="E eta_t = rho^t eta_0",
)

# --- sums over a row of the tables -------------------------------------------------------------------

lq_vh = sequence("lambda^q vh", [u], j, lq[j] * vh(u[j]))
lam_vh = sequence("lambda vh", [u], j, lam[j] * vh(u[j]))
lam_w_m = sequence("lambda w* m", [t], j, lam[j] * w[j] * m(j, t))
(norm_terms,) = words.summands(norm)
psi, psi_d = 4 * s + 2 * s * s, 4 * e_d + 2 * e_d * e_d

# What the diagonal of a row has beyond the formula of the rest.
Q_extra = (2 * lq[i] * lq[i] + (3 * psi_d - psi) * lam[i] * lam[i]) * vh(u[i])
T_extra = (2 * lam[i] * lq[i] + (6 * e_d - 2 * s) * lam[i] * lam[i]) * w[i] * m(i, t)
Y_extra = (2 * lam[i] * lq[i] - 2 * a * lam[i]) * w[i] * w[i]


def row_sum(row, spread, extra, definitions_at, name):
    """sum_j row[j] = sum of the spread sequences + extra: on the diagonal, beside it, together."""
    terms = [*spread, (1, spike(extra, i))]

    def claim(at):
        return z3.Implies(
            z3.And(inside, at >= 0, at < d),
            row[at] == added(coefficient * f[at] for coefficient, f in terms),
        )

    on = lemma(claim(i), *definitions_at(i), spike.at(extra, i, i), spectrum, name=f"{name}: j = i")
    off = lemma(
        z3.Implies(i != j, claim(j)),
        *definitions_at(j),
        spike.at(extra, i, j),
        spectrum,
        spectrum_j,
        name=f"{name}: j != i",
    )
    everywhere = lemma(claim(j), on, off, name=name)
    whole = sum_equal(
        [(1, row)],
        terms,
        d,
        lambda at: everywhere(j=at),
        premises=[dimension_positive],
        given=inside,
        name=name,
    )
    return lemma(
        z3.Implies(
            inside,
            total(row, d) == added(factor * total(f, d) for factor, f in spread) + extra,
        ),
        whole,
        spike_total(a=extra, k=i, n=d),
        dimension_positive,
        name=name,
    )


# sum_j Q_ij vh_j = lambda^q_i sum lambda^q vh + psi lambda_i sum lambda vh + diagonal
Q_sum = row_sum(
    Q_row(u, i),
    [(lq[i], lq_vh(u)), (psi * lam[i], lam_vh(u))],
    Q_extra,
    lambda at: [Q_row.at(u, i, at), lq_vh.at(u, at), lam_vh.at(u, at)],
    "the row sums of Q",
)
# sum_j T_ij w*_j m_j = (lambda^q_i + 2 s lambda_i) sum lambda w* m + diagonal
T_sum = row_sum(
    T_row(t, i),
    [(lq[i] + 2 * s * lam[i], lam_w_m(t))],
    T_extra,
    lambda at: [T_row.at(t, i, at), lam_w_m.at(t, at)],
    "the row sums of T",
)
# sum_j Y_ij w*_j^2 = lambda^q_i ||w*||_H^2 + diagonal
Y_sum = row_sum(
    Y_row(i),
    [(lq[i], norm_terms())],
    Y_extra,
    lambda at: [Y_row.at(i, at), norm_terms.at(at)],
    "the row sums of Y",
)

# --- one step ------------------------------------------------------------------------------------

rho = 1 - x[i]
c_t = c(t)[i]
after = lemma(
    z3.Implies(t >= 0, v(t + 1)[i] == following(t, v(t))[i]), v.next(t), name="one step of E w^2"
)
exact_step = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        c(t + 1)[i]
        == rho * rho * c_t
        - x[i] * x[i] * e(t, v(t))[i]
        + gamma * gamma * (same(t, v(t))[i] * per_B + (1 - per_B) * cross(t, v(t))[i]),
    ),
    c.at(t + 1, i),
    c.at(t, i),
    m.next(i, t),
    after,
    following.at(t, v(t), i),
    e.at(t, v(t), i),
    spectrum,
    name="one step of the variance",
)
split = lemma(
    z3.Implies(z3.And(t >= 0, inside), e(t, v(t))[i] == c_t + mu(t)[i] * mu(t)[i]),
    c.at(t, i),
    e.at(t, v(t), i),
    mu.at(t, i),
    name="E eta^2 is variance and squared mean",
)

# --- sums over the coordinates -------------------------------------------------------------------

lam_v = sequence("lambda v", [u], i, lam[i] * u[i])
(A_terms,), (nq_terms,), (tr_terms,) = words.summands(A), words.summands(norm_q), words.summands(tr)
Vq, V1 = total(lq_v(v(t)), d), total(lq_vh(v(t)), d)
X0 = total(lam_w_m(t), d)
sums = [*words.unfold(A, norm, norm_q, tr), S.at(t)]

# ||w*||_H^2 - 2 sum lambda w* m + sum lambda^q v = 2 A + S
misfit_sum = lemma(
    z3.Implies(t >= 0, signal - 2 * X0 + Vq == 2 * approximation + S(t)),
    sum_equal(
        [(1, norm_terms()), (-2, lam_w_m(t)), (1, lq_v(v(t)))],
        [(1, A_terms()), (1, weighted(t, v(t)))],
        d,
        lambda k: [
            norm_terms.at(k),
            lam_w_m.at(t, k),
            lq_v.at(v(t), k),
            A_terms.at(k),
            weighted.at(t, v(t), k),
            e.at(t, v(t), k),
            spectrum(i=k),
        ],
        premises=[dimension_positive],
        given=t >= 0,
        name="the misfit",
    ),
    *sums,
    name="the misfit of w^q is 2 A",
)
# sum lambda^q vh = (1 + eps_p^m) sum lambda^q v + eps_p^a tr
vh_sum = lemma(
    (1 + pm) * Vq + pa * trace == V1,
    sum_equal(
        [(1, lq_vh(v(t)))],
        [(1 + pm, lq_v(v(t))), (pa, tr_terms())],
        d,
        lambda k: [lq_vh.at(v(t), k), lq_v.at(v(t), k), tr_terms.at(k)],
        premises=[dimension_positive],
        name="the quantized parameter",
    ),
    *sums,
    name="the norm of the quantized parameter",
)
