r"""T5 for E R.

Main results
    ``theorem``: E R(wbar_N) >= floor + bias + (1/24) s_low^2 / N sum (lambda / lambda^q) min(1, (N x)^2)

How
    The estimates of T5 coordinate by coordinate, with the weights lambda of the true data:
    E (wbar - w*)^2 = (w^q - w*)^2 + mu (mu + 2 (w^q - w*)) + Var wbar with mu the mean of wbar - w^q,
    and w^q - w* = -D w* / lambda^q.
"""

import z3

from qtheory.proof.kernel import lemma, sequence, variable
from qtheory.proof.powers import geometric_sum
from qtheory.proof.sums import sum_equal, sum_le
from qtheory.theory.definitions import bias, risk, variance
from qtheory.theory.formal import stated
from qtheory.theory.lower import floor
from qtheory.theory.lower import mean as mean_symbol
from qtheory.theory.sequents import Formal, established

from .average import (
    N,
    averaged,
    decay,
    mean_average,
    mean_sum,
    n,
    rho,
    small_step,
    square_average,
    steps,
    sum_m,
    var_s,
)
from .lower_bound import in_coordinate
from .recursion import d, dimension_positive, i, inside, lam, lq, spectrum, wq
from .variance import low, of_gaussian

words = Formal(stated("risk_lower_bound"))
(floor_terms,), (bias_terms,), (noise_terms,) = (
    words.summands(symbol) for symbol in (floor, bias, variance)
)
(R_terms,) = averaged.summands(risk)
true_var_terms = sequence("lambda Var wbar", [], i, lam[i] * (var_s(i, N) / (n * n)))
mean_value = lemma(
    z3.Implies(inside, words[mean_symbol][i] == sum_m(i, N) / n - wq[i]),
    *words.unfold(mean_symbol, at=i),
    mean_sum(t=N),
    geometric_sum(ratio=rho, n=N),
    small_step,
    steps,
    name="the mean of the average, exactly",
)
in_one = lemma(
    z3.Implies(inside, R_terms()[i] == floor_terms()[i] + bias_terms()[i] + true_var_terms()[i]),
    *(
        f.at(i)
        for f in (R_terms, floor_terms, bias_terms, true_var_terms, mean_average, square_average)
    ),
    var_s.at(i, N),
    mean_value,
    spectrum,
    steps,
    name="the true risk in one coordinate",
)
# v >= n b / 12 gives v / n^2 >= b / (12 n).
share, level = variable("share"), variable("level")
over_steps = lemma(
    z3.Implies(share * n / 12 <= level, share / (12 * n) <= level / (n * n)),
    lemma(z3.Implies(share * n / 12 <= level, share / 12 <= level / n), steps, name="once"),
    lemma(level / (n * n) == level / n / n, steps, name="twice"),
    lemma(share / (12 * n) == share / 12 / n, steps, name="a twelfth"),
    steps,
    name="over the steps, twice",
)
# lambda Var wbar >= s_low^2 (lambda / lambda^q) min(1, (N x)^2) / (12 N)
in_coordinate_true = lemma(
    z3.Implies(inside, low / (12 * n) * noise_terms()[i] <= true_var_terms()[i]),
    noise_terms.at(i),
    true_var_terms.at(i),
    lemma(
        z3.Implies(
            inside,
            lam[i] / lq[i] * (low * decay * n / 12) <= lam[i] / lq[i] * (lq[i] * var_s(i, N)),
        ),
        in_coordinate,
        lemma(z3.Implies(inside, lam[i] / lq[i] >= 0), spectrum, name="lambda / lambda^q >= 0"),
        name="the variance, weighted",
    ),
    lemma(
        z3.Implies(inside, lam[i] / lq[i] * (lq[i] * var_s(i, N)) == lam[i] * var_s(i, N)),
        spectrum,
        name="lambda^q cancels",
    ),
    over_steps(share=lam[i] / lq[i] * (low * decay), level=lam[i] * var_s(i, N)),
    lemma(
        z3.Implies(inside, lam[i] / lq[i] == lam[i] * (1 / lq[i])),
        spectrum,
        name="a quotient as a product",
    ),
    lemma(
        low / (12 * n) * (lam[i] / lq[i] * decay) == lam[i] / lq[i] * (low * decay) / (12 * n),
        steps,
        name="a factor of a quotient",
    ),
    lemma(
        lam[i] * (var_s(i, N) / (n * n)) == lam[i] * var_s(i, N) / (n * n),
        steps,
        name="a factor of a quotient",
    ),
    spectrum,
    small_step,
    steps,
    name="the true variance in one coordinate",
)
risk_value = sum_equal(
    [(1, R_terms())],
    [(1, floor_terms()), (1, bias_terms()), (1, true_var_terms())],
    d,
    lambda k: in_one(i=k),
    premises=[dimension_positive],
    name="the true risk",
)
variance_bound = sum_le(
    [(low / (12 * n), noise_terms())],
    [(1, true_var_terms())],
    d,
    lambda k: in_coordinate_true(i=k),
    premises=[dimension_positive],
    name="the variance",
)
bounded = lemma(
    words.statement,
    *averaged.unfold(risk),
    *words.unfold(floor, bias, variance),
    risk_value,
    variance_bound,
    steps,
    name="T5 for E R",
)
theorem = established(words, of_gaussian(bounded))
