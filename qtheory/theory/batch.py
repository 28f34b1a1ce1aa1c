r"""T7: what a large batch cures, in the bounds.

As B grows, the constants of T3 tend to limits at the rate 1/B. With additive errors the limits are
alpha = 0 and s^2 = eps_p^a tr(H^q): label, activation and gradient noise vanish, parameter noise
stays. With shared multiplicative errors they keep every target; with elementwise ones only the
parameter. In the exact risk the contrast is much weaker: see ``docs/batch-size.md``.
"""

from __future__ import annotations

import sympy as sp

from qtheory.theory.definitions import (
    NOISE_PAPER,
    QUANTIZED,
    Pi,
    Pi_c,
    alpha,
    cross,
    doubling,
    k4,
    s2,
    same,
)
from qtheory.theory.notation import B
from qtheory.theory.theorem import PAPER, Theorem

alpha_limit, s2_limit = sp.symbols("alpha_infinity s_infinity^2", nonnegative=True)

feedback_limit = Theorem(
    name="feedback_limit",
    label="T7, feedback",
    title="the feedback constant for large batches",
    statement=sp.Eq(alpha - alpha_limit, doubling * (3 * k4 * Pi - Pi_c) / B),
    definitions=(*QUANTIZED, *NOISE_PAPER, sp.Eq(alpha_limit, doubling * (Pi_c - 1))),
    hypotheses=(),
    source=f"{PAPER}, the discussion of batch size; here with the rate and the limit.",
)

noise_limit = Theorem(
    name="noise_limit",
    label="T7, noise",
    title="the noise level for large batches",
    statement=sp.Eq(s2 - s2_limit, doubling * (same - cross) / B),
    definitions=(*QUANTIZED, *NOISE_PAPER, sp.Eq(s2_limit, doubling * cross)),
    hypotheses=(),
    source=f"{PAPER}, the discussion of batch size; here with the rate and the limit.",
)

#: In the order of the theory.
THEOREMS = (feedback_limit, noise_limit)
