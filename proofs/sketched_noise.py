r"""What the bounds in a sketch share: the noise of the problem that features make, and its risk.

Main results
    ``risk_of_average``: E R_S(vbar) = perp/2 + E R(vbar)
    ``noise_of``: sigma^2 = sigma_S^2, by the hypothesis of a theorem

How
    S1 at the moments of the iterate average.
"""

import sympy as sp

from qtheory.proof.kernel import Proof, lemma
from qtheory.theory.formal import Vocabulary, assumed
from qtheory.theory.moments import in_sketch
from qtheory.theory.notation import label_noise, perp, sigma2
from qtheory.theory.sketch import noise

from .sketched_risk import parted

risk_of_average = parted(in_sketch)


def noise_of(words: Vocabulary) -> Proof:
    """What the features miss of the label is noise of its own."""
    return lemma(
        words[sigma2] == words[noise],
        assumed(sp.Eq(sigma2, label_noise + perp), words),
        *words.unfold(noise),
        name="the noise of the problem on the features",
    )
