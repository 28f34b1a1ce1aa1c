r"""T7 for the noise level of T3: what a large batch leaves of it.

Main results
    ``theorem``: s^2 - s_inf^2 = c_d (s_same^2 - s_cross^2) / B
    ``additive``: s_inf^2 = eps_p^a tr(H^q)
    ``elementwise``: s_inf^2 = c_d eps_p ||w^q||^2 for errors that are multiplicative and elementwise
    ``kept``: s_inf^2 >= c_d (eps_l ||w*||^2 + ((1+eps_a)(1+eps_p)-1) ||w^q||^2) for shared ones
    ``settled``: what is left of the variance in the exact risk, from large_batch.py

How
    The definitions of s^2 and s_inf^2, multiplied by B.
"""

import z3

from qtheory.proof.kernel import lemma, variable
from qtheory.theory import definitions, notation
from qtheory.theory.batch import s2_limit
from qtheory.theory.definitions import cross, doubling, norm, norm_q, same, tr
from qtheory.theory.formal import STANDING, stated
from qtheory.theory.sequents import Formal, established

from .large_batch import settled

words = Formal(stated("noise_limit"))
s2, limit, factor = words[definitions.s2], words[s2_limit], words[doubling]
signal, signal_q, trace = (words[symbol] for symbol in (norm, norm_q, tr))
batch, signs = STANDING["B"], [p for name, p in STANDING.items() if name != "spectrum"]
B = z3.ToReal(words[notation.B])
level = {k: words[part] for k, part in notation.additive.items()}
relative = {k: words[part] for k, part in notation.multiplicative.items()}
shared = {k: words[part] for k, part in notation.shared.items()}
values = words.unfold(s2_limit, cross, doubling)

# Additive errors: label, activation and gradient noise is cured, parameter noise stays.
additive = lemma(
    z3.Implies(
        z3.And([part == 0 for part in relative.values()]), limit == level["parameter"] * trace
    ),
    *values,
    *signs,
    name="additive errors",
)
# Elementwise errors: only what is relative in the parameter stays.
elementwise = lemma(
    z3.Implies(
        z3.And(
            *(shared[k] == 0 for k in ("label", "activation", "gradient")), level["parameter"] == 0
        ),
        limit == factor * (relative["parameter"] * signal_q),
    ),
    *values,
    name="elementwise errors",
)
# Shared errors: label, parameter, activation and gradient noise all stay.
kept = lemma(
    z3.Implies(
        z3.And(
            *(shared[k] == relative[k] for k in ("label", "activation", "gradient")),
            level["parameter"] == 0,
        ),
        limit
        == factor
        * (
            (1 + relative["gradient"])
            * (
                relative["label"] * signal
                + ((1 + relative["activation"]) * (1 + relative["parameter"]) - 1) * signal_q
            )
        ),
    ),
    *values,
    name="shared errors",
)
rest = factor * (words[same] - words[cross])
difference = lemma(
    (s2 - limit) * B == rest,
    *words.unfold(definitions.s2, s2_limit),
    batch,
    name="s^2 - s_inf^2, times B",
)
# |s^2 - s_inf^2| <= epsilon for B >= c_d |s_same^2 - s_cross^2| / epsilon
epsilon = variable("epsilon")
converges = lemma(
    z3.Implies(
        z3.And(epsilon > 0, B * epsilon >= rest, B * epsilon >= -rest),
        z3.And(s2 - limit <= epsilon, limit - s2 <= epsilon),
    ),
    difference,
    batch,
    name="s^2 tends to s_inf^2",
)
#: The limits of the bound, and what is left of the variance in the exact risk at 1/B = 0.
corollaries = (additive, kept, elementwise, converges, settled)
theorem = established(words, difference, batch)
