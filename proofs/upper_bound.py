r"""T4, the upper bound in the paper's shape.

Main results
    ``theorem``: E R(wbar_N) <= A + bias + (D_N / N) (s^2 + ...) / (1 - theta)

How
    From T3, by what any such recursion of the noise gives (trace_bound.py).
"""

import z3

from qtheory.proof.kernel import lemma
from qtheory.theory import definitions
from qtheory.theory.formal import stated
from qtheory.theory.sequents import Formal, established

from .constants import alpha_positive, constants_nonnegative, kappa_positive
from .noise_constants import alpha_covers, s2_covers, trace_noise
from .recursion import dimension_positive, spectrum
from .trace_bound import trace_bound
from .variance import of_gaussian

words = Formal(stated("upper_bound"))
alpha, s2 = words[definitions.alpha], words[definitions.s2]

alpha_nonnegative = lemma(
    alpha >= 0, alpha_covers, alpha_positive, kappa_positive, name="alpha >= 0"
)
s2_nonnegative = lemma(
    s2 >= 0,
    s2_covers(i=z3.IntVal(0)),
    constants_nonnegative(i=z3.IntVal(0)),
    spectrum(i=z3.IntVal(0)),
    dimension_positive,
    name="s^2 >= 0",
)
bounded = trace_bound(words, trace_noise, alpha_nonnegative, s2_nonnegative)
theorem = established(words, of_gaussian(bounded))
