"""T1: the excess risk is approximation plus quantized risk minus distortion."""

from __future__ import annotations

import sympy as sp

from qtheory.theory.definitions import QUANTIZED, A, half, risk, risk_q
from qtheory.theory.notation import D, i, lam, lq, over_coordinates, w_star, wq
from qtheory.theory.theorem import PAPER, Theorem

first = sp.IndexedBase("m", real=True)  # E w_i
second = sp.IndexedBase("v", nonnegative=True)  # E w_i^2
W = sp.Symbol("W", nonnegative=True)


def _half_squared_distance(weight: sp.Expr, point: sp.Expr) -> sp.Expr:
    return half * over_coordinates(weight * (second[i] - 2 * point * first[i] + point**2))


decomposition = Theorem(
    name="decomposition",
    label="T1",
    title="decomposition of the excess risk",
    statement=sp.Eq(risk, A + risk_q - W),
    definitions=(
        *QUANTIZED,
        sp.Eq(risk, _half_squared_distance(lam[i], w_star[i])),
        sp.Eq(risk_q, _half_squared_distance(lq[i], wq[i])),
        sp.Eq(W, half * over_coordinates(D[i] * second[i])),
    ),
    hypotheses=(),
    source=f"{PAPER}, excess risk decomposition; the paper keeps A and drops W.",
)

#: In the order of the theory.
THEOREMS = (decomposition,)
