r"""The iterate average: its second moments, and how they weigh the variances of the iterates.

wbar = (w_0 + ... + w_{N-1}) / N, and s_t is the sum of the iterates before w_t.

Main results
    ``weights``: x Var s = (2 - x) sum c - 2 Cov(s, w)
    ``average_upper``: x Var s <= 2 (1 - rho^t) sum c
    ``average_lower``: x Var s >= sum c - Cov(s, w)
    ``mean_sum``: E s - t w^q = eta_0 (1 + rho + ... + rho^(t-1))

How
    From the moments of s in qtheory.theory.moments, which update.py proves of the update. Centred: Var s = sum_k c_k (1 + rho - 2 rho^(t-k)) / (1 - rho),
    between two simpler weights, since rho^t sum c <= Cov(s, w) <= rho sum c.
"""

import sympy as sp
import z3

from qtheory.proof.kernel import define, induction, lemma, recursive
from qtheory.proof.powers import (
    bernoulli,
    geometric,
    geometric_at_most,
    geometric_sum,
    power,
    power_between,
)
from qtheory.theory import definitions, notation
from qtheory.theory.formal import STANDING, assumed
from qtheory.theory.moments import (  # noqa: F401
    VARIANCE,
    N,
    averaged,
    mean_average,
    n,
    square_average,
    sum_m,
    sum_v,
    sum_w,
)

from .recursion import c, eta0, i, inside, m, mean, mu, spectrum, t, wq, x

small = assumed(sp.Le(definitions.x[notation.i], 1))
rho = 1 - x[i]

# --- sums of iterates ----------------------------------------------------------------------------

# Var s, Cov(s, w), and the sum of the variances of the iterates
var_s = define("Var s", [i, t], sum_v(i, t) - sum_m(i, t) * sum_m(i, t))
cov_s = define("Cov(s, w)", [i, t], sum_w(i, t) - sum_m(i, t) * m(i, t))
sum_c = recursive("sum of c", [i], t, 0, lambda before: before + c(t)[i])

initial = [
    sum_m.zero(i),
    sum_w.zero(i),
    sum_v.zero(i),
    sum_c.zero(i),
    var_s.at(i, 0),
    cov_s.at(i, 0),
]
# Var s' = Var s + 2 Cov(s, w) + c
var_next = lemma(
    z3.Implies(t >= 0, var_s(i, t + 1) == var_s(i, t) + 2 * cov_s(i, t) + c(t)[i]),
    *(f.at(i, t) for f in (var_s, cov_s)),
    var_s.at(i, t + 1),
    sum_v.next(i, t),
    sum_m.next(i, t),
    c.at(t, i),
    name="one step of Var s",
)
# Cov(s', w') = rho (Cov(s, w) + c)
cov_next = lemma(
    z3.Implies(z3.And(t >= 0, inside), cov_s(i, t + 1) == rho * (cov_s(i, t) + c(t)[i])),
    cov_s.at(i, t),
    cov_s.at(i, t + 1),
    sum_w.next(i, t),
    sum_m.next(i, t),
    m.next(i, t),
    c.at(t, i),
    spectrum,
    name="one step of Cov(s, w)",
)
# x Var s = (2 - x) sum c - 2 Cov(s, w)
weights = induction(
    t,
    z3.Implies(inside, x[i] * var_s(i, t) == (2 - x[i]) * sum_c(i, t) - 2 * cov_s(i, t)),
    var_next,
    cov_next,
    sum_c.next(i, t),
    base=initial,
    name="the weights of an average",
)
small_step = lemma(
    z3.Implies(inside, z3.And(x[i] > 0, x[i] <= 1, rho >= 0, rho < 1)),
    small,
    spectrum,
    name="0 < x <= 1",
)
# c >= 0, which is proved in variance.py for Gaussian covariates
spread = VARIANCE
# sum c >= 0
sum_c_nonnegative = induction(
    t,
    z3.Implies(inside, sum_c(i, t) >= 0),
    sum_c.next(i, t),
    spread,
    base=[sum_c.zero(i)],
    name="the sum of variances is nonnegative",
)
# rho^t sum c <= Cov(s, w) <= rho sum c
cov_between = induction(
    t,
    z3.Implies(
        inside,
        z3.And(power(rho, t) * sum_c(i, t) <= cov_s(i, t), cov_s(i, t) <= rho * sum_c(i, t)),
    ),
    lemma(
        z3.Implies(
            z3.And(
                t >= 0,
                inside,
                power(rho, t) * sum_c(i, t) <= cov_s(i, t),
                cov_s(i, t) <= rho * sum_c(i, t),
            ),
            cov_s(i, t + 1) <= rho * sum_c(i, t + 1),
        ),
        cov_next,
        sum_c.next(i, t),
        spread,
        sum_c_nonnegative,
        small_step,
        name="the covariance, from above",
    ),
    lemma(
        z3.Implies(
            z3.And(t >= 0, inside, power(rho, t) * sum_c(i, t) <= cov_s(i, t)),
            power(rho, t + 1) * sum_c(i, t + 1) <= cov_s(i, t + 1),
        ),
        cov_next,
        sum_c.next(i, t),
        power.next(rho, t),
        spread,
        small_step,
        lemma(
            z3.Implies(z3.And(t >= 0, inside), power(rho, t) * c(t)[i] <= c(t)[i]),
            power_between(base=rho, n=t),
            spread,
            small_step,
            name="rho^t c <= c",
        ),
        name="the covariance, from below",
    ),
    base=[*initial, power.zero(rho)],
    name="the covariance of a sum and the last iterate",
)
# x Var s <= 2 (1 - rho^t) sum c
average_upper = lemma(
    z3.Implies(z3.And(t >= 0, inside), x[i] * var_s(i, t) <= 2 * (1 - power(rho, t)) * sum_c(i, t)),
    weights,
    cov_between,
    sum_c_nonnegative,
    small_step,
    name="the variance of an average, from above",
)
# x Var s >= sum c - Cov(s, w)
average_lower = lemma(
    z3.Implies(z3.And(t >= 0, inside), x[i] * var_s(i, t) >= sum_c(i, t) - cov_s(i, t)),
    weights,
    cov_between,
    sum_c_nonnegative,
    small_step,
    name="the variance of an average, from below",
)
var_nonnegative = lemma(
    z3.Implies(z3.And(t >= 0, inside), var_s(i, t) >= 0),
    average_lower,
    cov_between,
    sum_c_nonnegative,
    small_step,
    name="Var s >= 0",
)

# --- the mean ------------------------------------------------------------------------------------

# E s - t w^q = eta_0 (1 + rho + ... + rho^(t-1))
mean_sum = induction(
    t,
    z3.Implies(inside, sum_m(i, t) - t * wq[i] == eta0[i] * geometric(rho, t)),
    sum_m.next(i, t),
    mean,
    mu.at(t, i),
    geometric.next(rho, t),
    power.next(rho, t),
    geometric_sum(ratio=rho, n=t),
    base=[sum_m.zero(i), geometric.zero(rho)],
    name="the mean of a sum of iterates",
)

# --- at the end of the run -----------------------------------------------------------------------

steps = STANDING["N"]
one, many = z3.RealVal(1), n * x[i]
within = z3.If(many <= 1, many, one)  # min(1, N x)
decay = z3.If(many * many <= 1, many * many, one)  # min(1, (N x)^2)
bias_weight = z3.If(1 / (many * many) >= 1, one, 1 / (many * many))  # min(1, 1/(N x)^2)
mean_weight = z3.If(1 / many >= 1, one, 1 / many)  # min(1, 1/(N x))
# 0 <= 1 - rho^N <= min(1, N x)
forgotten = lemma(
    z3.Implies(inside, z3.And(1 - power(rho, N) >= 0, 1 - power(rho, N) <= within)),
    power_between(base=rho, n=N),
    bernoulli(base=x[i], n=N),
    small_step,
    steps,
    name="what the mean forgets",
)
# x (1 + rho + ... + rho^(N-1)) = 1 - rho^N, so the mean of the average is eta_0 times at most ...
mean_of_average = lemma(
    z3.Implies(
        inside,
        z3.And(
            geometric(rho, N) >= 0, geometric(rho, N) * geometric(rho, N) <= n * n * bias_weight
        ),
    ),
    lemma(
        z3.Implies(
            inside,
            z3.And(geometric(rho, N) >= 0, geometric(rho, N) <= n, x[i] * geometric(rho, N) <= 1),
        ),
        geometric_sum(ratio=rho, n=N),
        geometric_at_most(ratio=rho, n=N),
        forgotten,
        small_step,
        steps,
        name="the geometric sum of the mean",
    ),
    small_step,
    steps,
    name="the mean of the average",
)
