r"""T2: the exact recursion for the second moments, as section 2 of the theory states it.

For data errors with a part shared by the sample and one per entry, p = 1 + eps_d^m is the second
moment of the factor of one entry, f_k and h_k are the k-th moments of the shared factor and of the
whole one.
"""

from __future__ import annotations

import sympy as sp

from qtheory.theory.definitions import QUANTIZED, x
from qtheory.theory.notation import (
    B,
    additive,
    d,
    gamma,
    i,
    lam,
    lq,
    multiplicative,
    shared,
    sigma2,
    w_star,
)
from qtheory.theory.theorem import PAPER, Theorem

j = sp.Symbol("j", integer=True, positive=True)
step = sp.Symbol("t", integer=True, nonnegative=True)
first, second, rounded = sp.IndexedBase("m"), sp.IndexedBase("v"), sp.IndexedBase("vh")
Q, T, Y = sp.IndexedBase("Q"), sp.IndexedBase("T"), sp.IndexedBase("Y")
Yy, X, A = sp.IndexedBase("Yy"), sp.IndexedBase("X"), sp.IndexedBase("A_Q")
core, same, cross, mean_step = (sp.IndexedBase(name) for name in ("core", "same", "cross", "g"))

_a, _e, _s = additive["data"], multiplicative["data"], shared["data"]
_own = _e - _s
_label, _param, _act, _grad = (
    (additive[k], multiplicative[k], shared[k])
    for k in ("label", "parameter", "activation", "gradient")
)


def _factors(level: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """E(1 + zeta)^k for k = 2, 3, 4 and zeta ~ N(0, level)."""
    return 1 + level, 1 + 3 * level, 1 + 6 * level + 3 * level**2


def _table(diagonal: sp.Expr, beside: sp.Expr) -> sp.Expr:
    return sp.Piecewise((diagonal, sp.Eq(i, j)), (beside, True))


def _over_j(term: sp.Expr) -> sp.Sum:
    return sp.Sum(term, (j, 1, d))


_f2, _f3, _f4 = _factors(_s)
_h2, _h3, _h4 = _factors(_e)
_li, _lj = lam[i], lam[j]

recursion = Theorem(
    name="recursion",
    label="T2",
    title="the exact recursion for the second moments",
    statement=sp.Eq(
        second[step + 1, i],
        second[step, i]
        + 2 * gamma * (lam[i] * w_star[i] * first[step, i] - lq[i] * second[step, i])
        + gamma**2 * (same[i] / B + (1 - 1 / B) * cross[i]),
    ),
    definitions=(
        *QUANTIZED[:5],
        sp.Eq(first[step + 1, i], (1 - x[i]) * first[step, i] + gamma * lam[i] * w_star[i]),
        sp.Eq(rounded[i], (1 + _param[1]) * second[step, i] + _param[0]),
        sp.Eq(
            Q[i, j],
            _table(
                3 * _h4 * _li**2 + 6 * _h2 * _li * _a + 3 * _a**2,
                (_f4 + 2 * _own * _f2 + _own**2) * _li * _lj
                + (_f2 + _own) * _a * (_li + _lj)
                + _a**2,
            ),
        ),
        sp.Eq(
            T[i, j],
            _table(3 * _h3 * _li**2 + 3 * _a * _li, (_f3 + _own) * _li * _lj + _a * _lj),
        ),
        sp.Eq(
            Y[i, j],
            _table(3 * _h2 * _li**2 + _a * _li, (_f2 + _own) * _li * _lj + _a * _lj),
        ),
        sp.Eq(Yy[i], sigma2 * lq[i] + _over_j(Y[i, j] * w_star[j] ** 2)),
        sp.Eq(X[i], _over_j(T[i, j] * w_star[j] * first[step, j])),
        sp.Eq(A[i], _over_j(Q[i, j] * rounded[j])),
        sp.Eq(
            core[i],
            (1 + _label[1]) * Yy[i]
            - 2 * X[i]
            + (1 + _act[1]) * A[i]
            + (_label[0] + _act[0]) * lq[i],
        ),
        sp.Eq(same[i], (1 + _grad[1]) * core[i] + _grad[0] * lq[i]),
        sp.Eq(
            mean_step[i],
            (lam[i] * w_star[i]) ** 2
            - 2 * lam[i] * w_star[i] * lq[i] * first[step, i]
            + lq[i] ** 2 * rounded[i],
        ),
        sp.Eq(
            cross[i],
            (1 + _grad[2])
            * (
                mean_step[i]
                + _label[2] * (lam[i] * w_star[i]) ** 2
                + _act[2] * lq[i] ** 2 * rounded[i]
            ),
        ),
    ),
    hypotheses=(),
    source=f"Derived here from the update of {PAPER}, section 3; its full-precision case is that "
    "of the analyses it follows.",
)

#: In the order of the theory.
THEOREMS = (recursion,)
