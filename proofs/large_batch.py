r"""T7 in the exact risk: what is left of the variance where 1/B = 0, for every number of steps.

At 1/B = 0 the coordinates do not interact. With 1 + P = (1 + [a] eps_a)(1 + eps_p), where [.] keeps
what is shared, kappa = (1 + [o] eps_o)(1 + P) and

    Q = (1 + [o] eps_o)(([l] eps_l + P) w^q^2 + (1 + [a] eps_a) eps_p^a),
    c' = (1 - 2 x + kappa x^2) c + x^2 (Q + tau),   tau = 2 (1 + [o] eps_o) P w^q mu + (kappa - 1) mu^2.

Main results
    ``one_step``: this recursion, from that of E w^2 without its terms in 1/B
    ``settled``: |(2 - kappa x) Var s - N (2 - x) Q| <= K for all N, with K explicit

How
    Summed over the steps, x (2 - kappa x) sum c = N x^2 Q + x^2 sum tau - c, and
    x Var s = (2 - x) sum c - 2 Cov(s, w) as for any batch. What is left is bounded: |tau| <= E rho^t, so
    |c| <= cbar = x (Q + E)/(2 - kappa x) and |Cov(s, w)| <= (1 - x) cbar/x.
    So N Var(wbar) = Var s / N is within a constant over N of Q (2 - x)/(2 - kappa x).
    Not proved: for fixed N the moments tend to those at 1/B = 0, since they are polynomials in 1/B.
"""

import z3

from qtheory.proof.kernel import define, induction, lemma, recursive, sequence, variable
from qtheory.proof.powers import power, power_between
from qtheory.proof.sums import zeros

from .recursion import (
    as_,
    cross,
    gamma,
    i,
    inside,
    lam,
    lq,
    ls,
    m,
    mean,
    mu,
    os_,
    pa,
    pm,
    signs,
    spectrum,
    t,
    u,
    w,
    wq,
    x,
)

P = (1 + as_) * (1 + pm) - 1
kappa = (1 + os_) * (1 + P)
Q = (1 + os_) * ((ls + P) * wq[i] * wq[i] + (1 + as_) * pa)
E = 2 * (1 + os_) * P * wq[i] * wq[i] + (kappa - 1) * wq[i] * wq[i]
rho, step = 1 - x[i], x[i]
stable = z3.And(inside, step <= 1, kappa * step < 2)

# --- one step ------------------------------------------------------------------------------------

without = sequence(
    "following at 1/B = 0",
    [t, u],
    i,
    u[i] + 2 * gamma * (lam[i] * w[i] * m(i, t) - lq[i] * u[i]) + gamma * gamma * cross(t, u)[i],
)
v = recursive("v at 1/B = 0", [], t, zeros(), lambda before: without(t, before))
c = sequence("c at 1/B = 0", [t], i, v(t)[i] - m(i, t) * m(i, t))
tau = sequence(
    "tau",
    [t],
    i,
    2 * (1 + os_) * P * wq[i] * mu(t)[i] + (kappa - 1) * mu(t)[i] * mu(t)[i],
)
# The same for numbers: with seen = lambda w* = lambda^q w^q and x = gamma lambda^q
_names = "g seen q y xx o ll aa p e mm vv cr after_m after_v"
g, seen, q, y, xx, o, ll, aa, p, e, mm, vv, cr, after_m, after_v = map(variable, _names.split())
_P = (1 + aa) * (1 + p) - 1
_kappa = (1 + o) * (1 + _P)
_Q = (1 + o) * ((ll + _P) * y * y + (1 + aa) * e)
_vh = (1 + p) * vv + e
_tau = 2 * (1 + o) * _P * y * (mm - y) + (_kappa - 1) * (mm - y) * (mm - y)
in_numbers = lemma(
    z3.Implies(
        z3.And(
            seen == q * y,
            xx == g * q,
            cr
            == (1 + o)
            * (seen * seen - 2 * seen * q * mm + q * q * _vh + ll * seen * seen + aa * q * q * _vh),
            after_m == (1 - xx) * mm + g * seen,
            after_v == vv + 2 * g * (seen * mm - q * vv) + g * g * cr,
        ),
        after_v - after_m * after_m
        == (1 - 2 * xx + _kappa * xx * xx) * (vv - mm * mm) + xx * xx * (_Q + _tau),
    ),
    name="one step of the variance at 1/B = 0, in numbers",
)
now = {
    **{"g": gamma, "seen": lam[i] * w[i], "q": lq[i], "y": wq[i], "xx": step},
    **{"o": os_, "ll": ls, "aa": as_, "p": pm, "e": pa},
    **{"mm": m(i, t), "vv": v(t)[i], "cr": cross(t, v(t))[i]},
    **{"after_m": m(i, t + 1), "after_v": v(t + 1)[i]},
}
of_numbers = in_numbers(**now)
given, conclusion = of_numbers.formula.children()
met = lemma(
    z3.Implies(z3.And(t >= 0, inside), given),
    v.next(t),
    without.at(t, v(t), i),
    cross.at(t, v(t), i),
    m.next(i, t),
    spectrum,
    name="the numbers of one step",
)
one_step = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        c(t + 1)[i]
        == (1 - 2 * step + kappa * step * step) * c(t)[i] + step * step * (Q + tau(t)[i]),
    ),
    of_numbers,
    met,
    c.at(t + 1, i),
    c.at(t, i),
    mu.at(t, i),
    tau.at(t, i),
    name="one step of the variance at 1/B = 0",
)
at_first = lemma(
    c(0)[i] == 0, c.at(0, i), v.zero(), zeros.at(i), m.zero(i), name="the variance at first"
)

# --- sums over the steps -------------------------------------------------------------------------

# Cov(s', w') = rho (Cov(s, w) + c) and Var s' = Var s + 2 Cov(s, w) + c, as in average.py
cov_s = recursive("Cov(s, w) at 1/B = 0", [i], t, 0, lambda before: rho * (before + c(t)[i]))
var_s = recursive("Var s at 1/B = 0", [i], t, 0, lambda before: before + 2 * cov_s(i, t) + c(t)[i])
sum_c = recursive("sum of c at 1/B = 0", [i], t, 0, lambda before: before + c(t)[i])
sum_tau = recursive("sum of tau", [i], t, 0, lambda before: before + tau(t)[i])

# x Var s = (2 - x) sum c - 2 Cov(s, w)
weights = induction(
    t,
    step * var_s(i, t) == (2 - step) * sum_c(i, t) - 2 * cov_s(i, t),
    var_s.next(i, t),
    sum_c.next(i, t),
    cov_s.next(i, t),
    base=[var_s.zero(i), sum_c.zero(i), cov_s.zero(i)],
    name="the weights of an average at 1/B = 0",
)
# One name for each constant, so that what follows is short.
kappa_is = define("kappa at 1/B = 0", [], kappa)
Q_is = define("Q at 1/B = 0", [i], Q)
E_is = define("E at 1/B = 0", [i], E)
k, level, most = kappa_is(), Q_is(i), E_is(i)
named = (kappa_is.at(), Q_is.at(i), E_is.at(i))
recursion = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        c(t + 1)[i]
        == (1 - 2 * step + k * step * step) * c(t)[i] + step * step * (level + tau(t)[i]),
    ),
    one_step,
    *named,
    name="the recursion at 1/B = 0",
)
# x (2 - kappa x) sum c = N x^2 Q + x^2 sum tau - c
balance = induction(
    t,
    z3.Implies(
        inside,
        step * (2 - k * step) * sum_c(i, t)
        == z3.ToReal(t) * step * step * level + step * step * sum_tau(i, t) - c(t)[i],
    ),
    recursion,
    sum_c.next(i, t),
    sum_tau.next(i, t),
    base=[sum_c.zero(i), sum_tau.zero(i), at_first],
    name="the sum of the variances at 1/B = 0",
)
# x^2 ((2 - kappa x) Var s - N (2 - x) Q) = x^2 (2 - x) sum tau - (2 - x) c - 2 x (2 - kappa x) Cov
exactly = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        step * step * ((2 - k * step) * var_s(i, t) - z3.ToReal(t) * (2 - step) * level)
        == step * step * (2 - step) * sum_tau(i, t)
        - (2 - step) * c(t)[i]
        - 2 * step * (2 - k * step) * cov_s(i, t),
    ),
    weights,
    balance,
    name="Var s at 1/B = 0, exactly",
)

# --- what stays bounded --------------------------------------------------------------------------

stable = z3.And(inside, step <= 1, k * step < 2)
trace = power(rho, t)  # of the start
small = lemma(
    z3.Implies(z3.And(t >= 0, inside, step <= 1), z3.And(trace >= 0, trace <= 1, step > 0)),
    power_between(base=rho, n=t),
    spectrum,
    name="0 <= rho^t <= 1",
)
p0, first, both = variable("p0"), variable("first"), variable("both")
between = lemma(
    z3.Implies(
        z3.And(p0 >= 0, p0 <= 1, first >= 0, both >= 0),
        z3.And(
            both * p0 * p0 - first * p0 <= (first + both) * p0,
            -(first + both) * p0 <= both * p0 * p0 - first * p0,
        ),
    ),
    name="a difference of two parts",
)
P_at_least = lemma(
    z3.And(P >= 0, (1 + os_) * P >= 0, kappa >= 1), *signs, name="P >= 0, kappa >= 1"
)
first_part = 2 * (1 + os_) * P * wq[i] * wq[i]
second_part = (kappa - 1) * wq[i] * wq[i]
parts = lemma(
    z3.And(first_part >= 0, second_part >= 0, k >= 1),
    lemma(wq[i] * wq[i] >= 0, name="a square"),
    P_at_least,
    *named,
    name="both parts are nonnegative",
)
tau_is = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        tau(t)[i] == second_part * trace * trace - first_part * trace,
    ),
    tau.at(t, i),
    mean,
    spectrum,
    name="tau from the start",
)
size_of_tau = lemma(
    z3.Implies(
        z3.And(t >= 0, inside, step <= 1),
        z3.And(tau(t)[i] <= most * trace, -most * trace <= tau(t)[i], most >= 0),
    ),
    tau_is,
    between(p0=trace, first=first_part, both=second_part),
    parts,
    small,
    *named,
    name="|tau| <= E rho^t",
)
sum_of_tau = induction(
    t,
    z3.Implies(
        z3.And(inside, step <= 1),
        z3.And(
            step * sum_tau(i, t) <= most * (1 - trace), -most * (1 - trace) <= step * sum_tau(i, t)
        ),
    ),
    size_of_tau,
    sum_tau.next(i, t),
    power.next(rho, t),
    small,
    base=[sum_tau.zero(i), power.zero(rho)],
    name="x |sum tau| <= E (1 - rho^t)",
)
cbar = variable("cbar")
bound = z3.And((2 - k * step) * cbar == step * (level + most), cbar >= 0)
Q_at_least = lemma(
    level >= 0,
    lemma(
        z3.And(ls >= 0, P >= 0, as_ >= 0, pa >= 0, os_ >= 0), *signs, name="levels are nonnegative"
    ),
    lemma(wq[i] * wq[i] >= 0, name="a square"),
    *named,
    name="Q >= 0",
)
factor, number, size = variable("factor"), variable("number"), variable("size")
scaled = lemma(
    z3.Implies(
        z3.And(factor >= 0, number <= size, -size <= number),
        z3.And(factor * number <= factor * size, -(factor * size) <= factor * number),
    ),
    name="a bounded number, scaled",
)
tau_at_most = lemma(
    z3.Implies(z3.And(t >= 0, inside, step <= 1), z3.And(tau(t)[i] <= most, -most <= tau(t)[i])),
    size_of_tau,
    small,
    name="|tau| <= E",
)
carried = 1 - 2 * step + k * step * step
carried_at_least = lemma(
    carried >= 0,
    parts,
    lemma(step * step >= 0, name="a square"),
    lemma((1 - step) * (1 - step) >= 0, name="a square"),
    name="1 - 2 x + kappa x^2 >= 0",
)
size_of_c = induction(
    t,
    z3.Implies(z3.And(stable, bound), z3.And(c(t)[i] <= cbar, -cbar <= c(t)[i])),
    recursion,
    scaled(factor=carried, number=c(t)[i], size=cbar),
    scaled(factor=step * step, number=tau(t)[i], size=most),
    carried_at_least,
    tau_at_most,
    lemma(z3.And(step * step >= 0, step * step * level >= 0), Q_at_least, name="x^2 Q >= 0"),
    base=[at_first],
    name="|c| <= cbar",
)
size_of_cov = induction(
    t,
    z3.Implies(
        z3.And(stable, bound),
        z3.And(step * cov_s(i, t) <= rho * cbar, -rho * cbar <= step * cov_s(i, t)),
    ),
    cov_s.next(i, t),
    size_of_c,
    scaled(factor=rho, number=step * cov_s(i, t), size=rho * cbar),
    scaled(factor=rho * step, number=c(t)[i], size=cbar),
    lemma(
        z3.Implies(z3.And(t >= 0, inside, step <= 1), z3.And(rho >= 0, rho * step >= 0)),
        small,
        name="(1 - x) x >= 0",
    ),
    base=[cov_s.zero(i)],
    name="x |Cov(s, w)| <= rho cbar",
)

# --- the limit -----------------------------------------------------------------------------------

gap = (2 - k * step) * var_s(i, t) - z3.ToReal(t) * (2 - step) * level
constant = step * (2 - step) * most + (2 - step) * cbar + 2 * (2 - k * step) * rho * cbar
tau_part = lemma(
    z3.Implies(
        z3.And(t >= 0, stable),
        z3.And(
            step * step * (2 - step) * sum_tau(i, t) <= step * (2 - step) * most,
            -step * (2 - step) * most <= step * step * (2 - step) * sum_tau(i, t),
        ),
    ),
    lemma(
        z3.Implies(
            z3.And(t >= 0, stable),
            z3.And(step * sum_tau(i, t) <= most, -most <= step * sum_tau(i, t)),
        ),
        sum_of_tau,
        size_of_tau,
        small,
        name="x |sum tau| <= E",
    ),
    small,
    name="the part of tau",
)
# |(2 - kappa x) Var s - N (2 - x) Q| <= K, with x^2 K the constant
settled = lemma(
    z3.Implies(
        z3.And(t >= 0, stable, bound),
        z3.And(step * step * gap <= constant, -constant <= step * step * gap),
    ),
    exactly,
    tau_part,
    size_of_c,
    size_of_cov,
    scaled(factor=2 - step, number=c(t)[i], size=cbar),
    scaled(factor=2 * (2 - k * step), number=step * cov_s(i, t), size=rho * cbar),
    name="N Var(wbar) at 1/B = 0",
)
