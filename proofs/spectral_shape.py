r"""T6 for multiplicative data errors: the shape of the spectrum is kept.

Main results
    ``theorem``: lambda^q = (1 + eps) lambda
    ``shape``: lambda^q_i / lambda^q_j = lambda_i / lambda_j

How
    The definition of lambda^q without its additive part.
"""

import sympy as sp
import z3

from qtheory.proof.kernel import INT, lemma, variable
from qtheory.theory import notation
from qtheory.theory.formal import STANDING, assumed, coordinate, dimension, stated
from qtheory.theory.sequents import Formal, established

i, j, d = coordinate, variable("j", INT), dimension
inside = z3.And(i >= 0, i < d)
words = Formal(stated("spectral_shape"))
lam, lq = words[notation.lam], words[notation.lq]
multiplicative_only = assumed(sp.Le(notation.additive["data"], 0), words)

scaled = lemma(
    z3.Implies(inside, lq[i] == (1 + words[notation.multiplicative["data"]]) * lam[i]),
    *words.unfold(notation.D, notation.lq, at=i),
    multiplicative_only,
    *STANDING.values(),
    name="lambda^q = (1 + eps) lambda",
)
# lambda^q_i / lambda^q_j = lambda_i / lambda_j
shape = lemma(
    z3.Implies(z3.And(inside, j >= 0, j < d), lq[i] * lam[j] == lq[j] * lam[i]),
    scaled,
    scaled(i=j),
    name="ratios of eigenvalues are kept",
)
corollaries = (shape,)
theorem = established(words, scaled)
