r"""T5, the lower bound for E R^q.

Main results
    ``theorem``: E R^q(wbar_N) >= bias + (1/24) (D_N / N) s_low^2, N >= 2
    ``in_coordinate``: lambda^q Var s >= s_low^2 min(1, (N x)^2) N / 12

How
    Every step adds at least k = gamma^2 lambda^q s_low^2 (variance.py), so

        x (2 - x) c_t >= k (1 - rho^(2t)),   x (2 - x) (sum c - Cov(s, w)) >= k F(t),

    F(t) = sum_{s<t} (1 - rho^s)(1 - rho^(s+1)) >= (t/6) min(1, (t x)^2) (average_weights.py), and
    x Var s >= sum c - Cov(s, w). The bias is exact.
"""

import sympy as sp
import z3

from qtheory.proof.kernel import induction, lemma
from qtheory.proof.powers import geometric, geometric_sum, power
from qtheory.proof.sums import sum_equal, sum_le, zeros
from qtheory.theory import notation
from qtheory.theory.definitions import D_N, bias, variance
from qtheory.theory.formal import assumed, stated
from qtheory.theory.lower import mean as mean_symbol
from qtheory.theory.sequents import Formal, established

from .average import (
    N,
    average_lower,
    cov_next,
    cov_s,
    decay,
    initial,
    n,
    rho,
    small_step,
    steps,
    sum_c,
    var_nonnegative,
    var_s,
)
from .average_weights import theorem as average_weights
from .average_weights import weights as F
from .recursion import (
    c,
    c_t,
    d,
    dimension_positive,
    eta0,
    gamma,
    i,
    inside,
    lq,
    m,
    signs,
    spectrum,
    t,
    v,
    x,
)
from .risk_of_average import mean_terms, quantized_risk, var_terms
from .variance import everywhere, low, low_positive, of_gaussian, step_low
from .variance import theorem as variance_nonnegative

words = Formal(stated("lower_bound"))
at_least_two = assumed(sp.Ge(notation.N, 2), words)
here = z3.And(t >= 0, inside)

# --- what every step adds --------------------------------------------------------------------------

nonnegative_everywhere = [variance_nonnegative(i=at) for at in everywhere]
step = lemma(
    z3.Implies(
        here, z3.And(c(t + 1)[i] >= rho * rho * c_t + gamma * gamma * lq[i] * low, low >= 0)
    ),
    step_low,
    low_positive,
    *nonnegative_everywhere,
    name="one step adds noise",
)
added = gamma * gamma * lq[i] * low
added_nonnegative = lemma(
    z3.Implies(inside, added >= 0), step(t=z3.IntVal(0)), spectrum, *signs, name="k >= 0"
)
P = power(rho, t)
geo = geometric(rho, t)
both_ends = x[i] * (2 - x[i])
# x (2 - x) c_t >= k (1 - rho^(2t))
noise_so_far = induction(
    t,
    z3.Implies(inside, both_ends * c(t)[i] >= added * (1 - P * P)),
    lemma(
        z3.Implies(here, both_ends * c(t + 1)[i] >= both_ends * (rho * rho * c_t + added)),
        step,
        small_step,
        name="one step, weighted",
    ),
    lemma(
        z3.Implies(
            z3.And(here, both_ends * c(t)[i] >= added * (1 - P * P)),
            rho * rho * (both_ends * c(t)[i]) >= rho * rho * (added * (1 - P * P)),
        ),
        small_step,
        name="what is left of the noise",
    ),
    power.next(rho, t),
    base=[power.zero(rho), c.at(0, i), v.zero(), zeros.at(i), m.zero(i), added_nonnegative],
    name="the noise so far",
)
# x (2 - x) Cov(s, w) >= k (rho - rho^t) (1 + rho + ... + rho^(t-1))
shared_noise = induction(
    t,
    z3.Implies(inside, both_ends * cov_s(i, t) >= added * (rho - P) * geo),
    lemma(
        z3.Implies(
            z3.And(here, both_ends * cov_s(i, t) >= added * (rho - P) * geo),
            rho * (both_ends * cov_s(i, t) + both_ends * c_t)
            >= rho * (added * ((rho - P) * geo + (1 - P * P))),
        ),
        noise_so_far,
        small_step,
        name="the covariance of one more iterate",
    ),
    lemma(
        z3.Implies(here, (rho - P) * geo + (1 - P * P) == (1 - P) * (1 + rho * geo)),
        lemma(
            (rho - P) * geo + (1 - P * P) - (1 - P) * (1 + rho * geo)
            == P * ((1 - P) - (1 - rho) * geo),
            name="weights, sorted",
        ),
        geometric_sum(ratio=rho, n=t),
        name="weights of the covariance",
    ),
    cov_next,
    power.next(rho, t),
    geometric.next(rho, t),
    base=[*initial, power.zero(rho), geometric.zero(rho)],
    name="the covariance from below",
)
# x (2 - x) (sum c - Cov(s, w)) >= k F(t)
noise_of_average = induction(
    t,
    z3.Implies(inside, both_ends * (sum_c(i, t) - cov_s(i, t)) >= added * F(x[i], t)),
    lemma(
        z3.Implies(
            here,
            both_ends * (x[i] * (c_t + cov_s(i, t))) >= added * ((1 - P) * (1 - rho * P)),
        ),
        lemma(
            z3.Implies(
                here,
                x[i] * (both_ends * c_t + both_ends * cov_s(i, t))
                >= x[i] * (added * ((1 - P * P) + (rho - P) * geo)),
            ),
            noise_so_far,
            shared_noise,
            small_step,
            name="noise of one more iterate, weighted",
        ),
        lemma(
            z3.Implies(here, x[i] * ((1 - P * P) + (rho - P) * geo) == (1 - P) * (1 - rho * P)),
            lemma(
                x[i] * ((1 - P * P) + (rho - P) * geo)
                == x[i] * (1 - P * P) + (rho - P) * ((1 - rho) * geo),
                name="weights, sorted",
            ),
            geometric_sum(ratio=rho, n=t),
            name="weights of the average",
        ),
        name="noise of one more iterate",
    ),
    cov_next,
    sum_c.next(i, t),
    F.next(x[i], t),
    power.next(rho, t),
    base=[*initial, F.zero(x[i])],
    name="the noise of the average",
)

# --- at the end of the run ----------------------------------------------------------------------------

weight = F(x[i], N)
# 2 lambda^q Var s >= s_low^2 F(N)
variance_low = lemma(
    z3.Implies(inside, 2 * lq[i] * var_s(i, N) >= low * weight),
    lemma(
        z3.Implies(
            inside,
            x[i] * x[i] * ((2 - x[i]) * (lq[i] * var_s(i, N))) >= x[i] * x[i] * (low * weight),
        ),
        lemma(
            z3.Implies(
                inside, lq[i] * (both_ends * (x[i] * var_s(i, N))) >= lq[i] * (added * weight)
            ),
            lemma(
                z3.Implies(inside, both_ends * (x[i] * var_s(i, N)) >= added * weight),
                lemma(
                    z3.Implies(
                        inside,
                        both_ends * (x[i] * var_s(i, N)) >= both_ends * (sum_c(i, N) - cov_s(i, N)),
                    ),
                    average_lower(t=N),
                    small_step,
                    steps,
                    name="Var s, weighted",
                ),
                noise_of_average(t=N),
                steps,
                name="Var s from below",
            ),
            spectrum,
            name="lambda^q Var s from below, weighted",
        ),
        spectrum,
        name="lambda^q Var s from below, x^2 cleared",
    ),
    lemma(
        z3.Implies(inside, (2 - x[i]) * (lq[i] * var_s(i, N)) <= 2 * (lq[i] * var_s(i, N))),
        var_nonnegative(t=N),
        small_step,
        spectrum,
        steps,
        name="2 - x <= 2",
    ),
    small_step,
    name="lambda^q Var s from below",
)
# lambda^q Var wbar / 2 >= s_low^2 min(1, (N x)^2) / (24 N)
in_coordinate = lemma(
    z3.Implies(inside, lq[i] * var_s(i, N) >= low * decay * n / 12),
    variance_low,
    lemma(
        z3.Implies(inside, low * weight >= low * (n / 6 * decay)),
        average_weights(t=N, x_=x[i]),
        small_step,
        at_least_two,
        step(t=z3.IntVal(0)),
        name="F from below",
    ),
    name="the variance in one coordinate, from below",
)

# --- T5 ---------------------------------------------------------------------------------------------

(bias_terms,), (D_terms,) = words.summands(bias), words.summands(D_N)
# E[eta] of the average is eta_0 (1 - rho^N) / (N x).
mean_value = lemma(
    z3.Implies(inside, words[mean_symbol][i] == eta0[i] * (geometric(rho, N) / n)),
    *words.unfold(mean_symbol, at=i),
    geometric_sum(ratio=rho, n=N),
    small_step,
    steps,
    name="the mean of the average, exactly",
)
bias_value = sum_equal(
    [(1, bias_terms())],
    [(1, mean_terms())],
    d,
    lambda k: [bias_terms.at(k), mean_terms.at(k), mean_value(i=k)],
    premises=[dimension_positive],
    name="the bias",
)
variance_bound = sum_le(
    [(low / (12 * n), D_terms())],
    [(1, var_terms())],
    d,
    lambda k: [D_terms.at(k), var_terms.at(k), in_coordinate(i=k), small_step(i=k), steps],
    premises=[dimension_positive],
    name="the variance",
)
bounded = lemma(
    words.statement,
    quantized_risk,
    bias_value,
    variance_bound,
    *words.unfold(bias, D_N, variance),
    steps,
    name="T5",
)
theorem = established(words, of_gaussian(bounded))
