r"""T5 in a sketch.

Main results
    ``theorem``: E R_S(vbar_N) >= perp/2 + F + bias + variance, N >= 2

How
    T5 for E R in the problem that the features make, whose noise is sigma_0^2 + perp, and S1.
"""

from qtheory.proof.kernel import lemma
from qtheory.theory.definitions import variance
from qtheory.theory.formal import stated
from qtheory.theory.lower import s2_low
from qtheory.theory.sequents import Formal, established

from .risk_lower_bound import theorem as bound
from .risk_lower_bound import words as of_model
from .sketched_noise import noise_of, risk_of_average

words = Formal(stated("sketched_lower_bound"))

same_variance = lemma(
    words[variance] == of_model[variance],
    *words.unfold(variance),
    *of_model.unfold(variance),
    lemma(
        words[s2_low] == of_model[s2_low],
        *words.unfold(s2_low),
        *of_model.unfold(s2_low),
        noise_of(words),
        name="s_low^2",
    ),
    name="the variance of T5 in a sketch",
)
bounded = lemma(
    words.statement,
    bound,
    risk_of_average,
    same_variance,
    name="T5 in a sketch",
)
theorem = established(words, bounded)
