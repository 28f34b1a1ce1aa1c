r"""T4' in a sketch.

Main results
    ``theorem``: E R_S(vbar_N) <= perp/2 + A + bias + variance

How
    T4' for the problem that the features make, whose noise is sigma_0^2 + perp, and S1.
"""

from qtheory.proof.kernel import lemma
from qtheory.proof.sums import sum_equal
from qtheory.theory.definitions import s2, variance
from qtheory.theory.formal import dimension, stated
from qtheory.theory.sequents import Formal, established
from qtheory.theory.upper import S_bar

from .recursion import dimension_positive
from .refined_upper_bound import theorem as bound
from .refined_upper_bound import words as of_model
from .sketched_noise import noise_of, risk_of_average

words = Formal(stated("sketched_refined_upper_bound"))

same_s2 = lemma(
    words[s2] == of_model[s2],
    *words.unfold(s2),
    *of_model.unfold(s2),
    noise_of(words),
    name="s^2",
)


def same_sum(symbol, *premises):
    """The last of the sums in the definition of a symbol is that for the problem of section 1."""
    ours, theirs = words.summands(symbol)[-1], of_model.summands(symbol)[-1]
    return sum_equal(
        [(1, ours())],
        [(1, theirs())],
        dimension,
        lambda k: [ours.at(k), theirs.at(k), *premises],
        premises=[dimension_positive],
        name=f"the sum in {symbol}",
    )


same_S = lemma(
    words[S_bar] == of_model[S_bar],
    *words.unfold(S_bar),
    *of_model.unfold(S_bar),
    same_sum(S_bar, same_s2),
    name="S_bar",
)
same_variance = lemma(
    words[variance] == of_model[variance],
    *words.unfold(variance),
    *of_model.unfold(variance),
    same_sum(variance, same_s2, same_S),
    name="the variance of T4' in a sketch",
)
bounded = lemma(
    words.statement,
    bound,
    risk_of_average,
    same_variance,
    name="T4' in a sketch",
)
theorem = established(words, bounded)
