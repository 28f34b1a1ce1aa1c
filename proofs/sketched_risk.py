r"""S1, the risk of learning from M features: what they miss, and the risk of section 1's problem.

Main results
    ``theorem``: E R_S(v) = perp/2 + E R(v)
    ``corollaries``: from sketch.py, that what the features miss has the variance perp and is uncorrelated
        with each of them, and the misfit of a model, of which E R_S(v) is half the expectation

How
    E R_S(v) is E <w*, x>^2 / 2 + sum lambda (E v^2 - 2 v* E v) / 2; the square is completed coordinate by
    coordinate. For Gaussian x what is uncorrelated is independent, so what the features miss is label
    noise in every step: that is taken from probability theory, and is the hypothesis
    sigma^2 = sigma_0^2 + perp of the bounds in a sketch.
"""

from qtheory.proof.kernel import lemma
from qtheory.proof.sums import sum_equal
from qtheory.theory.definitions import norm, risk
from qtheory.theory.formal import Vocabulary, dimension, stated
from qtheory.theory.notation import perp
from qtheory.theory.sequents import Formal, established
from qtheory.theory.sketch import risk_on_features

from .recursion import dimension_positive
from .sketch import misfit, missed, uncorrelated

words = Formal(stated("sketched_risk"))


def parted(words: Vocabulary):
    """E R_S = perp/2 + E R for the moments that ``words`` was made for."""
    (of_features,), (learned,), (of_model,) = map(words.summands, (risk_on_features, norm, risk))
    return lemma(
        words[risk_on_features] == words[perp] / 2 + words[risk],
        # lambda (E v^2 - 2 v* E v) = lambda E (v - v*)^2 - lambda v*^2
        sum_equal(
            [(1, of_features())],
            [(1, of_model()), (-1, learned())],
            dimension,
            lambda k: [of_features.at(k), of_model.at(k), learned.at(k)],
            premises=[dimension_positive],
            name="the square, completed",
        ),
        *words.unfold(risk_on_features, perp, norm, risk),
        name="the risk of a model on the features",
    )


corollaries = (uncorrelated, missed, misfit)
theorem = established(words, parted(words))
