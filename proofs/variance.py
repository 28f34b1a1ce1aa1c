r"""The variance of the iterates is not negative, and every step adds at least a known noise.

Main results, for data errors of every kind
    ``theorem``: c >= 0, and ``of_gaussian`` takes that assumption from what was proved of any law
    ``step_low``: c' >= rho^2 c + gamma^2 lambda^q s_low^2, where s_low^2 is 1/B times
        sigma^2 + 2 A [no multiplicative data errors] + eps_l^a + eps_a^a + eps_o^a + eps_p^a tr

How
    The second moment of one sample's noise is a sum over j of quadratic forms in (w*_j, w_j), each
    nonnegative by Cauchy-Schwarz; the one with j = i pays for the square of the mean. That needs c >= 0
    so far, which the induction provides at the few indices where it is used (``everywhere``).
"""

import z3

from qtheory.proof.kernel import cut, induction, lemma, sequence, variable
from qtheory.proof.sums import member, sum_le, total, worst, zeros
from qtheory.theory.definitions import tr
from qtheory.theory.formal import STANDING, Vocabulary, stated
from qtheory.theory.lower import s2_low
from qtheory.theory.moments import VARIANCE

from .recursion import (
    V1,
    X0,
    A_terms,
    Q_entry,
    Q_row,
    Q_sum,
    T_entry,
    T_row,
    T_sum,
    Y_entry,
    Y_row,
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
    j,
    la,
    lam,
    lm,
    lq,
    lq_v,
    ls,
    m,
    mean_step,
    misfit_sum,
    oa,
    om,
    pa,
    per_B,
    pm,
    psi,
    rho,
    s,
    same,
    sigma2,
    signal,
    signs,
    spectrum,
    spectrum_j,
    sums,
    t,
    tr_terms,
    trace,
    u,
    v,
    vh,
    vh_sum,
    w,
    weighted,
    words,
)

# --- quadratic forms -----------------------------------------------------------------------------

Y, T, Q = variable("Y"), variable("T"), variable("Q")
b, n1, n2 = variable("b"), variable("m_1"), variable("m_2")
# Y b^2 - 2 T b m_1 + Q m_2 >= 0 for Y Q >= T^2 and m_2 >= m_1^2
quadratic = lemma(
    z3.Implies(
        z3.And(Y >= 0, Q >= 0, Y * Q >= T * T, n2 >= n1 * n1),
        Y * b * b - 2 * T * b * n1 + Q * n2 >= 0,
    ),
    name="a nonnegative quadratic form",
)

# The tables beside the diagonal, with p = 1 + eps_d^m, k = eps_d^s, eigenvalues f, g and level h.
p, k, f, g, h = (variable(name) for name in ("p", "k", "f", "g", "h"))
r = p * p + 4 * k + 2 * k * k
signal_f, mixed_f = (p * f + h) * g, ((p + 2 * k) * f + h) * g
square_f = r * f * g + p * h * (f + g) + h * h
c1, c2 = p * r - (p + 2 * k) * (p + 2 * k), r + p * p - 2 * (p + 2 * k)
# E[xq_i^2 x_j^2] E[xq_i^2 xq_j^2] >= E[xq_i^2 x_j xq_j]^2
cauchy = lemma(
    z3.Implies(
        z3.And(f >= 0, g >= 0, h >= 0, k >= 0, p >= 1 + k),
        signal_f * square_f >= mixed_f * mixed_f,
    ),
    lemma(
        signal_f * square_f - mixed_f * mixed_f
        == g
        * (
            g * (f * f * c1 + h * f * c2 + h * h * (p - 1))
            + p * p * h * f * f
            + 2 * p * h * h * f
            + h * h * h
        ),
        name="Cauchy-Schwarz, expanded",
    ),
    lemma(
        z3.Implies(z3.And(k >= 0, p >= 1 + k), z3.And(c1 >= 0, c2 >= 0)),
        name="its coefficients",
    ),
    lemma(
        z3.Implies(
            z3.And(f >= 0, g >= 0, h >= 0, p >= 1, n1 >= 0, n2 >= 0),
            g
            * (
                g * (f * f * n1 + h * f * n2 + h * h * (p - 1))
                + p * p * h * f * f
                + 2 * p * h * h * f
                + h * h * h
            )
            >= 0,
        ),
        name="its sign",
    )(m_1=c1, m_2=c2),
    name="Cauchy-Schwarz for the fourth moments",
)

terms = sequence(
    "noise terms",
    [t, u, i],
    j,
    Y_entry(i, j) * w[j] * w[j] - 2 * T_entry(i, j) * w[j] * m(j, t) + Q_entry(i, j) * u[j],
)


both = z3.And(inside, j >= 0, j < d)


def spread(at):
    """The second moment is at least the square of the mean."""
    return z3.Implies(z3.And(at >= 0, at < d), c(t)[at] >= 0)


# Beside the diagonal.
in_place = {p: 1 + e_d, k: s, f: lam[i], g: lam[j], h: a}
off = [z3.substitute(form, *in_place.items()) for form in (signal_f, mixed_f, square_f)]
off_form = lemma(
    z3.Implies(both, z3.And(off[0] >= 0, off[2] >= 0, off[0] * off[2] >= off[1] * off[1])),
    cauchy(p=1 + e_d, k=s, f=lam[i], g=lam[j], h=a),
    lemma(
        z3.Implies(
            z3.And(f >= 0, g >= 0, h >= 0, k >= 0, p >= 1), z3.And(signal_f >= 0, square_f >= 0)
        ),
        name="second moments of products",
    )(p=1 + e_d, k=s, f=lam[i], g=lam[j], h=a),
    spectrum,
    spectrum_j,
    *signs,
    name="Cauchy-Schwarz beside the diagonal",
)
off_term = lemma(
    z3.Implies(z3.And(both, i != j, spread(j)), terms(t, v(t), i)[j] >= 0),
    lemma(
        z3.Implies(
            i != j,
            terms(t, v(t), i)[j]
            == off[0] * w[j] * w[j] - 2 * off[1] * w[j] * m(j, t) + off[2] * v(t)[j],
        ),
        terms.at(t, v(t), i, j),
        name="a term beside the diagonal, expanded",
    ),
    lemma(
        z3.Implies(z3.And(j >= 0, j < d, spread(j)), v(t)[j] >= m(j, t) * m(j, t)),
        c.at(t, j),
        name="E w^2 >= (E w)^2",
    ),
    off_form,
    quadratic(Y=off[0], T=off[1], Q=off[2], b=w[j], m_1=m(j, t), m_2=v(t)[j]),
    name="a term beside the diagonal",
)
# On it, less the square of the mean: (lambda^q)^2 e = E over w of (lambda w* - lambda^q w)^2.
squares = (lam[i] * lam[i], lam[i] * lq[i], lq[i] * lq[i])
on = [
    table(i, i).arg(1) - square
    for table, square in zip((Y_entry, T_entry, Q_entry), squares, strict=True)
]
on_form = lemma(
    z3.Implies(inside, z3.And(on[0] >= 0, on[2] >= 0, on[0] * on[2] >= on[1] * on[1])),
    spectrum,
    *signs,
    name="Cauchy-Schwarz on the diagonal",
)
# (lambda^q)^2 e = (lambda w*)^2 - 2 lambda w* lambda^q m + (lambda^q)^2 v
mean_part = lemma(
    z3.Implies(
        inside,
        lq[i] * lq[i] * e(t, v(t))[i]
        == squares[0] * w[i] * w[i] - 2 * squares[1] * w[i] * m(i, t) + squares[2] * v(t)[i],
    ),
    e.at(t, v(t), i),
    spectrum,
    name="the square of the mean, expanded",
)
on_term = lemma(
    z3.Implies(z3.And(inside, spread(i)), terms(t, v(t), i)[i] >= lq[i] * lq[i] * e(t, v(t))[i]),
    lemma(
        terms(t, v(t), i)[i]
        == sum(
            (part + square) * factor
            for part, square, factor in zip(
                on, squares, (w[i] * w[i], -2 * w[i] * m(i, t), v(t)[i]), strict=True
            )
        ),
        terms.at(t, v(t), i, i),
        name="the term on the diagonal, expanded",
    ),
    mean_part,
    c.at(t, i),
    on_form,
    quadratic(Y=on[0], T=on[1], Q=on[2], b=w[i], m_1=m(i, t), m_2=v(t)[i]),
    name="the term on the diagonal",
)
mean_square = lemma(
    z3.Implies(z3.And(inside, spread(i)), e(t, v(t))[i] >= 0),
    c.at(t, i),
    e.at(t, v(t), i),
    name="E eta^2 >= 0",
)
any_term = lemma(
    z3.Implies(z3.And(both, spread(i), spread(j)), terms(t, v(t), i)[j] >= 0),
    off_term,
    on_term,
    mean_square,
    name="each term of the noise is nonnegative",
)

# --- one sample -----------------------------------------------------------------------------------------

# The index of a negative term, if there were one.
negative = worst(zeros(), terms(t, v(t), i), d)
of_one = lemma(
    z3.Implies(
        z3.And(inside, spread(i), spread(negative)),
        total(terms(t, v(t), i), d) >= lq[i] * lq[i] * e(t, v(t))[i],
    ),
    member(f=terms(t, v(t), i), k=i, n=d),
    any_term(j=negative),
    on_term,
    dimension_positive,
    name="the noise of one sample covers the square of its mean",
)

larger = lemma(
    z3.Implies(both, z3.And(Q_entry(i, j) >= lq[i] * lq[j], Q_entry(i, j) >= 0)),
    lemma(
        z3.Implies(both, z3.And(off[2] >= lq[i] * lq[j], off[2] >= 0)),
        lemma(
            z3.Implies(both, off[2] == lq[i] * lq[j] + psi * (lam[i] * lam[j])),
            spectrum,
            spectrum_j,
            name="Q beside the diagonal, expanded",
        ),
        lemma(
            z3.Implies(both, z3.And(psi * (lam[i] * lam[j]) >= 0, lq[i] * lq[j] >= 0)),
            spectrum,
            spectrum_j,
            *signs,
            name="products of eigenvalues",
        ),
        name="Q beside the diagonal",
    ),
    lemma(
        z3.Implies(
            inside, z3.And(Q_entry(i, i).arg(1) >= lq[i] * lq[i], Q_entry(i, i).arg(1) >= 0)
        ),
        spectrum,
        *signs,
        name="Q on the diagonal",
    ),
    name="Q_ij >= lambda^q_i lambda^q_j",
)
# The errors of the parameter add at least eps_p^a lambda^q_i tr.
worst_rows = []


def given(at):
    """The variance at the index that matters, which the induction below provides."""
    worst_rows.append(at)
    return z3.And(inside, spread(at))


def term_by_term(at):
    """What the tables are at this index, and what parameter errors add there."""
    added = lemma(
        z3.Implies(
            z3.And(inside, at >= 0, at < d, spread(at)),
            Q_row(v(t), i)[at] >= Q_entry(i, at) * v(t)[at] + pa * lq[i] * lq[at],
        ),
        Q_row.at(v(t), i, at),
        larger(j=at),
        c.at(t, at),
        *signs,
        name="what parameter errors add to a term",
    )
    return [added, T_row.at(t, i, at), Y_row.at(i, at), terms.at(t, v(t), i, at), tr_terms.at(at)]


rows = sum_le(
    [(1, terms(t, v(t), i)), (pa * lq[i], tr_terms())],
    [(1, Y_row(i)), (-2, T_row(t, i)), (1, Q_row(v(t), i))],
    d,
    term_by_term,
    premises=[dimension_positive],
    given=given,
    name="the rows of the tables",
)
(at_rows,) = worst_rows
signal_total, square_total = total(Y_row(i), d), total(Q_row(v(t), i), d)
misfit_total = signal_total - 2 * total(T_row(t, i), d) + square_total
of_rows = lemma(
    z3.Implies(
        z3.And(inside, spread(i), spread(negative), spread(at_rows)),
        misfit_total >= lq[i] * lq[i] * e(t, v(t))[i] + pa * lq[i] * trace,
    ),
    rows,
    of_one,
    *words.unfold(tr),
    name="the noise of one sample, with parameter errors",
)


def nonnegative(row, pointwise):
    """sum_j row[j] >= 0 if the variance is nonnegative at one index, and that index."""
    at = worst(zeros(), row, d)
    term = lemma(
        z3.Implies(z3.And(inside, at >= 0, at < d, spread(at)), row[at] >= 0),
        *pointwise(at),
        name="a term is nonnegative",
    )
    proof = lemma(
        z3.Implies(z3.And(inside, spread(at)), total(row, d) >= 0),
        member(f=row, n=d),
        term,
        dimension_positive,
        name="a sum is nonnegative",
    )
    return proof, at


positive_square, at_square = nonnegative(
    Q_row(v(t), i),
    lambda at: [Q_row.at(v(t), i, at), larger(j=at), c.at(t, at), *signs],
)
positive_signal, at_signal = nonnegative(
    Y_row(i), lambda at: [Y_row.at(i, at), spectrum, spectrum(i=at), *signs]
)
positive_norm, at_norm = nonnegative(
    lq_v(v(t)), lambda at: [lq_v.at(v(t), at), c.at(t, at), spectrum(i=at)]
)
positive_S, at_S = nonnegative(
    weighted(t, v(t)),
    lambda at: [weighted.at(t, v(t), at), mean_square(i=at), spectrum(i=at)],
)

# tr(H^q) >= 0 and A >= 0
positive_trace, at_trace = nonnegative(tr_terms(), lambda at: [tr_terms.at(at), spectrum(i=at)])
positive_A, at_A = nonnegative(A_terms(), lambda at: [A_terms.at(at), spectrum(i=at), *signs])

# Without multiplicative data errors the misfit of w^q adds 2 A.
without = z3.And(t >= 0, inside, e_d == 0)
here = z3.And(inside, *map(spread, (i, at_norm, at_S)))
known_misfit = lemma(
    z3.Implies(
        z3.And(without, here),
        misfit_total >= lq[i] * lq[i] * e(t, v(t))[i] + lq[i] * (2 * approximation + pa * trace),
    ),
    lemma(
        z3.Implies(
            without,
            misfit_total
            == lq[i] * (signal - 2 * X0 + V1)
            + 2 * lq[i] * lq[i] * (e(t, v(t))[i] + pm * v(t)[i] + pa),
        ),
        Q_sum(u=v(t)),
        T_sum,
        Y_sum,
        spectrum,
        e.at(t, v(t), i),
        *signs,
        *sums,
        name="the noise of additive data errors",
    ),
    lemma(
        z3.Implies(
            z3.And(t >= 0, here),
            lq[i] * (signal - 2 * X0 + V1) >= lq[i] * (2 * approximation + pa * trace),
        ),
        lemma(
            z3.Implies(
                z3.And(t >= 0, here), signal - 2 * X0 + V1 >= 2 * approximation + pa * trace
            ),
            misfit_sum,
            vh_sum,
            positive_norm,
            positive_S,
            *signs,
            *sums,
            name="the misfit of additive data errors",
        ),
        spectrum,
        name="the misfit of additive data errors, weighted",
    ),
    mean_square,
    c.at(t, i),
    spectrum,
    *signs,
    name="the noise of one sample, additive data errors",
)

# --- the noise of a batch --------------------------------------------------------------------------

least = Vocabulary(stated("lower_bound").definitions)
low = least[s2_low]
everywhere = [i, negative, at_rows, at_square, at_signal, at_norm, at_S, at_trace, at_A]
nonnegative_so_far = z3.And(t >= 0, inside, *map(spread, everywhere))
per_sample = sigma2 + z3.If(e_d <= 0, 2 * approximation, 0) + la + aa + oa + pa * trace
mean_part_i = lq[i] * lq[i] * e(t, v(t))[i]
either_misfit = lemma(
    z3.Implies(
        nonnegative_so_far,
        misfit_total >= mean_part_i + lq[i] * (z3.If(e_d <= 0, 2 * approximation, 0) + pa * trace),
    ),
    lemma(
        z3.Implies(
            z3.And(nonnegative_so_far, e_d > 0),
            misfit_total >= mean_part_i + lq[i] * (0 + pa * trace),
        ),
        of_rows,
        name="with multiplicative data errors",
    ),
    lemma(
        z3.Implies(
            z3.And(nonnegative_so_far, e_d <= 0),
            misfit_total >= mean_part_i + lq[i] * (2 * approximation + pa * trace),
        ),
        known_misfit,
        *signs,
        name="without multiplicative data errors",
    ),
    name="the noise of one sample, of either kind",
)
core_low = lemma(
    z3.Implies(
        nonnegative_so_far,
        core(t, v(t))[i]
        >= mean_part_i
        + lq[i] * (sigma2 + z3.If(e_d <= 0, 2 * approximation, 0) + la + aa + pa * trace),
    ),
    core.at(t, v(t), i),
    Yy.at(i),
    either_misfit,
    lemma(
        z3.Implies(nonnegative_so_far, z3.And(lm * Yy()[i] >= 0, am * square_total >= 0)),
        Yy.at(i),
        positive_signal,
        positive_square,
        spectrum,
        *signs,
        name="label and activation errors add noise",
    ),
    name="the noise of one sample, from below",
)
core_positive = lemma(
    z3.Implies(nonnegative_so_far, core(t, v(t))[i] >= 0),
    core_low,
    mean_square,
    lemma(
        z3.Implies(nonnegative_so_far, lq[i] * approximation >= 0),
        positive_A,
        spectrum,
        *sums,
        name="lambda^q A >= 0",
    ),
    lemma(
        z3.Implies(nonnegative_so_far, lq[i] * (pa * trace) >= 0),
        positive_trace,
        spectrum,
        *sums,
        *signs,
        name="lambda^q eps_p^a tr >= 0",
    ),
    spectrum,
    *signs,
    name="the noise of one sample is nonnegative",
)
same_low = lemma(
    z3.Implies(nonnegative_so_far, same(t, v(t))[i] >= mean_part_i + lq[i] * per_sample),
    same.at(t, v(t), i),
    core_low,
    lemma(
        z3.Implies(nonnegative_so_far, om * core(t, v(t))[i] >= 0),
        core_positive,
        *signs,
        name="relative gradient errors add noise",
    ),
    name="the noise of one sample, gradient errors included",
)
# g = (lambda^q)^2 (e + eps_p^m v + eps_p^a) is what two samples of a batch share at least.
cross_low = lemma(
    z3.Implies(nonnegative_so_far, cross(t, v(t))[i] >= mean_part_i),
    cross.at(t, v(t), i),
    lemma(
        z3.Implies(nonnegative_so_far, mean_step(v(t)[i]) >= mean_part_i),
        mean_part,
        c.at(t, i),
        spectrum,
        *signs,
        name="the mean step of two samples",
    ),
    lemma(
        z3.Implies(
            nonnegative_so_far,
            z3.And(ls * lam[i] * w[i] * lam[i] * w[i] >= 0, as_ * lq[i] * lq[i] * vh(v(t)[i]) >= 0),
        ),
        c.at(t, i),
        spectrum,
        *signs,
        name="shared errors add noise",
    ),
    mean_square,
    spectrum,
    *signs,
    name="what two samples share, from below",
)
noise_low = lemma(
    z3.Implies(
        nonnegative_so_far,
        same(t, v(t))[i] * per_B + (1 - per_B) * cross(t, v(t))[i] >= mean_part_i + lq[i] * low,
    ),
    same_low,
    cross_low,
    STANDING["B"],
    *least.unfold(s2_low),
    name="the noise of a batch, from below",
)
step_low = lemma(
    z3.Implies(nonnegative_so_far, c(t + 1)[i] >= rho * rho * c_t + gamma * gamma * lq[i] * low),
    exact_step,
    noise_low,
    spectrum,
    *signs,
    name="one step adds noise",
)
low_positive = lemma(
    z3.Implies(nonnegative_so_far, low >= 0),
    *least.unfold(s2_low),
    positive_A,
    positive_trace,
    STANDING["B"],
    *signs,
    *sums,
    name="s_low^2 >= 0",
)
# c >= 0
theorem = induction(
    t,
    spread(i),
    lemma(
        z3.Implies(nonnegative_so_far, c(t + 1)[i] >= 0),
        step_low,
        low_positive,
        spectrum,
        c.at(t, i),
        *signs,
        name="the variance stays nonnegative",
    ),
    base=[c.at(0, i), v.zero(), zeros.at(i), m.zero(i)],
    instances=[{}, *({"i": at} for at in everywhere[1:])],
    name="the variance is nonnegative",
)
nonnegative = lemma(z3.Implies(z3.And(t >= 0, inside), c(t)[i] >= 0), theorem, name="c >= 0")


def of_gaussian(proof):
    """What was proved of any law, of Gaussian covariates: that c >= 0 is then no assumption."""
    return cut(proof, VARIANCE, nonnegative)
