r"""The risk of the iterate average, in terms of the variance and the mean of the sum of iterates.

Main results
    ``quantized_risk``: 2 E R^q(wbar) = sum_i lambda^q_i (eta_0i^2 g^2 + Var s_i) / N^2,
        g = 1 + rho + ... + rho^(N-1)
    ``risk_at_most``: E R(wbar) <= A + E R^q(wbar)
    ``bounded_by_bias``: the mean's share is at most the bias of T4 and T4'

How
    E (wbar_i - w^q_i)^2 = (Var s_i + eta_0i^2 g^2) / N^2, coordinate by coordinate; T1 without W >= 0;
    and g^2 <= N^2 min(1, 1/(N x)^2).
"""

import z3

from qtheory.proof.kernel import lemma, sequence
from qtheory.proof.powers import geometric
from qtheory.proof.sums import sum_equal, sum_le, total
from qtheory.theory.decomposition import W
from qtheory.theory.definitions import A, risk, risk_q

from .average import (
    N,
    averaged,
    bias_weight,
    mean_average,
    mean_of_average,
    mean_sum,
    n,
    rho,
    small_step,
    square_average,
    steps,
    var_nonnegative,
    var_s,
)
from .decomposition import decomposed
from .recursion import d, dimension_positive, eta0, i, inside, lq, signs, spectrum

(Rq_terms,), (W_terms,) = averaged.summands(risk_q), averaged.summands(W)

# (wbar - w^q)^2: the square of the mean, and the variance
mean_terms = sequence(
    "squared mean",
    [],
    i,
    lq[i] * eta0[i] * eta0[i] * (geometric(rho, N) / n) * (geometric(rho, N) / n),
)
var_terms = sequence("variance of wbar", [], i, lq[i] * (var_s(i, N) / (n * n)))
in_one = lemma(
    z3.Implies(inside, Rq_terms()[i] == mean_terms()[i] + var_terms()[i]),
    Rq_terms.at(i),
    mean_terms.at(i),
    var_terms.at(i),
    mean_average.at(i),
    square_average.at(i),
    var_s.at(i, N),
    mean_sum(t=N),
    steps,
    name="the risk in one coordinate",
)
quantized_risk = lemma(
    2 * averaged[risk_q] == total(mean_terms(), d) + total(var_terms(), d),
    sum_equal(
        [(1, Rq_terms())],
        [(1, mean_terms()), (1, var_terms())],
        d,
        lambda k: in_one(i=k),
        premises=[dimension_positive],
        name="the risk of the average",
    ),
    *averaged.unfold(risk_q),
    name="the quantized risk of the average",
)
# E wbar^2 >= 0
square_nonnegative = lemma(
    z3.Implies(inside, square_average()[i] >= 0),
    square_average.at(i),
    var_s.at(i, N),
    var_nonnegative(t=N),
    steps,
    name="E wbar^2 >= 0",
)
# T1 without W >= 0
risk_at_most = lemma(
    averaged[risk] <= averaged[A] + averaged[risk_q],
    decomposed(averaged),
    lemma(
        averaged[W] >= 0,
        sum_le(
            [(0, W_terms())],
            [(1, W_terms())],
            d,
            lambda k: [W_terms.at(k), square_nonnegative(i=k), spectrum(i=k), *signs],
            premises=[dimension_positive],
            name="W >= 0",
        ),
        *averaged.unfold(W),
        name="W >= 0",
    ),
    name="E R <= A + E R^q",
)
# (1 + rho + ... + rho^(N-1))^2 <= N^2 min(1, 1/(N x)^2)
bias_at_most = lemma(
    z3.Implies(inside, mean_terms()[i] <= lq[i] * eta0[i] * eta0[i] * bias_weight),
    mean_terms.at(i),
    lemma(
        z3.Implies(inside, (geometric(rho, N) / n) * (geometric(rho, N) / n) <= bias_weight),
        mean_of_average,
        steps,
        name="what is left of the mean",
    ),
    lemma(
        z3.Implies(inside, lq[i] * eta0[i] * eta0[i] >= 0), spectrum, name="lambda^q eta_0^2 >= 0"
    ),
    name="the bias in one coordinate",
)


def bounded_by_bias(bias_terms):
    """Sum lambda^q (E wbar - w^q)^2 <= sum of the terms of the bias in T4 and T4'."""
    return sum_le(
        [(1, mean_terms())],
        [(1, bias_terms())],
        d,
        lambda k: [bias_at_most(i=k), bias_terms.at(k), small_step(i=k), steps],
        premises=[dimension_positive],
        name="the bias",
    )
