r"""T7 for the feedback constant of T3: what a large batch leaves of it.

Main results
    ``theorem``: alpha - alpha_inf = c_d (3 k_4 Pi - Pi_c) / B
    ``additive``: alpha_inf = 0
    ``kept``: alpha_inf = c_d (Pi - 1) for errors that are multiplicative and shared
    ``elementwise``: alpha_inf = c_d eps_p for errors that are multiplicative and elementwise
    ``converges``: |alpha - alpha_inf| <= epsilon for B >= c_d |3 k_4 Pi - Pi_c| / epsilon

How
    The definitions of alpha and alpha_inf, multiplied by B.
"""

import z3

from qtheory.proof.kernel import lemma, variable
from qtheory.theory import definitions, notation
from qtheory.theory.batch import alpha_limit
from qtheory.theory.definitions import Pi, Pi_c, doubling, k4
from qtheory.theory.formal import STANDING, stated
from qtheory.theory.sequents import Formal, established

words = Formal(stated("feedback_limit"))
alpha, limit, factor = words[definitions.alpha], words[alpha_limit], words[doubling]
batch, signs = STANDING["B"], [p for name, p in STANDING.items() if name != "spectrum"]
B = z3.ToReal(words[notation.B])
after = ("parameter", "activation", "gradient")
relative = [words[notation.multiplicative[k]] for k in after]
shared = [words[notation.shared[k]] for k in ("activation", "gradient")]

# Additive errors: nothing feeds itself in the limit.
additive = lemma(
    z3.Implies(z3.And([level == 0 for level in relative]), limit == 0),
    *words.unfold(alpha_limit, Pi_c),
    *signs,
    name="additive errors",
)
# Shared errors: Pi_c = Pi, so every factor stays.
all_shared = z3.And([part == level for part, level in zip(shared, relative[1:], strict=True)])
kept = lemma(
    z3.Implies(all_shared, limit == factor * (words[Pi] - 1)),
    *words.unfold(alpha_limit, Pi, Pi_c),
    name="shared errors",
)
# Elementwise errors: only the parameter's stays.
elementwise = lemma(
    z3.Implies(z3.And([part == 0 for part in shared]), limit == factor * relative[0]),
    *words.unfold(alpha_limit, Pi_c),
    name="elementwise errors",
)
difference = lemma(
    (alpha - limit) * B == factor * (3 * words[k4] * words[Pi] - words[Pi_c]),
    *words.unfold(definitions.alpha, alpha_limit),
    batch,
    name="alpha - alpha_inf, times B",
)
# |alpha - alpha_inf| <= epsilon for B >= c_d |3 k_4 Pi - Pi_c| / epsilon
epsilon = variable("epsilon")
rest = factor * (3 * words[k4] * words[Pi] - words[Pi_c])
converges = lemma(
    z3.Implies(
        z3.And(epsilon > 0, B * epsilon >= rest, B * epsilon >= -rest),
        z3.And(alpha - limit <= epsilon, limit - alpha <= epsilon),
    ),
    difference,
    batch,
    name="alpha tends to alpha_inf",
)
corollaries = (additive, kept, elementwise, converges)
theorem = established(words, difference, batch)
