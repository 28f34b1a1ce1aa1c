r"""T4 in a sketch.

Main results
    ``theorem``: E R_S(vbar_N) <= perp/2 + A + bias + (D_N / N) (s^2 + ...) / (1 - theta)

How
    T4 for the problem that the features make, whose noise is sigma_0^2 + perp, and S1.
"""

from qtheory.proof.kernel import lemma
from qtheory.theory.definitions import s2, same, sq, variance
from qtheory.theory.formal import stated
from qtheory.theory.sequents import Formal, established

from .sketched_noise import noise_of, risk_of_average
from .upper_bound import theorem as bound
from .upper_bound import words as of_model

words = Formal(stated("sketched_upper_bound"))
total_noise = noise_of(words)

same_sq = lemma(
    words[sq] == of_model[sq], *words.unfold(sq), *of_model.unfold(sq), total_noise, name="s_q^2"
)
same_s2 = lemma(
    words[s2] == of_model[s2],
    *words.unfold(s2),
    *of_model.unfold(s2),
    lemma(
        words[same] == of_model[same],
        *words.unfold(same),
        *of_model.unfold(same),
        same_sq,
        total_noise,
        name="s_same^2",
    ),
    name="s^2",
)
same_variance = lemma(
    words[variance] == of_model[variance],
    *words.unfold(variance),
    *of_model.unfold(variance),
    same_s2,
    name="the variance of T4 in a sketch",
)
bounded = lemma(
    words.statement,
    bound,
    risk_of_average,
    same_variance,
    name="T4 in a sketch",
)
theorem = established(words, bounded)
