r"""T6 for additive data errors: a floor under the spectrum.

Main results
    ``theorem``: lambda^q = lambda + eps
    ``alike``: eps <= lambda^q <= 2 eps wherever lambda <= eps
    ``unbounded``: no constant bounds lambda^q / lambda for every spectrum

How
    The definition of lambda^q without its multiplicative part.
"""

import sympy as sp
import z3

from qtheory.proof.kernel import lemma, variable
from qtheory.theory import notation
from qtheory.theory.formal import STANDING, assumed, coordinate, dimension, stated
from qtheory.theory.sequents import Formal, established

i, d = coordinate, dimension
inside = z3.And(i >= 0, i < d)
words = Formal(stated("spectral_floor"))
lam, lq, eps = (words[symbol] for symbol in (notation.lam, notation.lq, notation.additive["data"]))
additive_only = assumed(sp.Le(notation.multiplicative["data"], 0), words)
carries_data = assumed(sp.Gt(notation.lam[notation.i], 0), words)
bound = variable("C")

floor = lemma(
    z3.Implies(inside, lq[i] == lam[i] + eps),
    *words.unfold(notation.D, notation.lq, at=i),
    additive_only,
    *STANDING.values(),
    name="lambda^q = lambda + eps",
)
# lambda <= eps gives eps <= lambda^q <= 2 eps: directions below the level look alike.
alike = lemma(
    z3.Implies(z3.And(inside, lam[i] <= eps), z3.And(eps <= lq[i], lq[i] <= 2 * eps)),
    floor,
    STANDING["spectrum"],
    name="directions below the level look alike",
)
# lambda C < eps gives lambda^q / lambda > C: no bound C holds for every spectrum.
unbounded = lemma(
    z3.Implies(z3.And(inside, lam[i] * bound < eps), lq[i] / lam[i] > bound),
    floor,
    carries_data,
    name="the distortion is unbounded",
)
corollaries = (alike, unbounded)
theorem = established(words, floor, carries_data)
