"""Definitions that several theorems share, each as an equation ``symbol = formula``."""

from __future__ import annotations

import sympy as sp

from qtheory.model.error_models import factor_moment
from qtheory.theory.notation import (
    B,
    D,
    N,
    additive,
    gamma,
    i,
    lam,
    lq,
    multiplicative,
    over_coordinates,
    shared,
    sigma2,
    w_star,
    wq,
)

half = sp.Rational(1, 2)

risk = sp.Symbol(r"E[R(w)]", real=True)
risk_q = sp.Symbol(r"E[R^q(w)]", real=True)
A, tr = sp.symbols("A tr(H^q)", nonnegative=True)
norm, norm_q = sp.symbols("||w^*||_H^2 ||w^q||_{H^q}^2", nonnegative=True)
x = sp.IndexedBase("x", positive=True)
eta0 = sp.IndexedBase("eta_0", real=True)
mean = sp.IndexedBase("mu", real=True)  # E[etabar_i], the mean distance of the average to w^q
k4, Pi, Pi_c, P = sp.symbols("k_4 Pi Pi_c P", nonnegative=True)
alpha, kappa, theta, s2 = sp.symbols("alpha kappa theta s^2", nonnegative=True)
doubling, sq, same, cross = sp.symbols("c_d s_q^2 s_same^2 s_cross^2", nonnegative=True)
k_s, k_d, u_d, r_s, t_s = sp.symbols("k_s k_d u_d r_s t_s", nonnegative=True)
q = sp.IndexedBase("q", nonnegative=True)
D_N = sp.Symbol("D_N", nonnegative=True)
bias, variance = sp.symbols("bias variance", nonnegative=True)

_data, _label, _param, _act, _grad = (multiplicative[k] for k in multiplicative)
_label_a, _param_a, _act_a, _grad_a = (
    additive[k] for k in ("label", "parameter", "activation", "gradient")
)
_data_s, _label_s, _act_s, _grad_s = (
    shared[k] for k in ("data", "label", "activation", "gradient")
)

#: The quantized problem: spectrum, minimiser, and the norms the noise is measured in.
QUANTIZED = (
    sp.Eq(D[i], _data * lam[i] + additive["data"]),
    sp.Eq(lq[i], lam[i] + D[i]),
    sp.Eq(wq[i], lam[i] * w_star[i] / lq[i]),
    sp.Eq(eta0[i], -wq[i]),
    sp.Eq(x[i], gamma * lq[i]),
    sp.Eq(tr, over_coordinates(lq[i])),
    sp.Eq(norm, over_coordinates(lam[i] * w_star[i] ** 2)),
    sp.Eq(norm_q, over_coordinates(lq[i] * wq[i] ** 2)),
    sp.Eq(A, half * over_coordinates(lam[i] / lq[i] * D[i] * w_star[i] ** 2)),
)

# Parameter and activation errors act on the whole prediction: these factors multiply it.
_all_factors = (1 + _act) * (1 + _param)
_cross_factors = (1 + _act_s) * (1 + _param)

#: Noise constants of T3: everything is charged to the trace.
NOISE_PAPER = (
    sp.Eq(k4, factor_moment(_data, 4) / factor_moment(_data, 2) ** 2),
    sp.Eq(Pi, (1 + _grad) * _all_factors),
    sp.Eq(Pi_c, (1 + _grad_s) * _cross_factors),
    # Multiplicative data noise is not independent of x^q: 2uv <= u^2 + v^2 doubles both constants.
    sp.Eq(doubling, sp.Piecewise((2, _data > 0), (1, True))),
    sp.Eq(alpha, doubling * (3 * k4 * Pi / B + (1 - 1 / B) * Pi_c - 1)),
    sp.Eq(
        sq,
        # 3 ||w*||_H^2 E[(1+zeta)^2 (eps-zeta)^2] / (1+eps)^3 with E[...] = eps + eps^3
        sp.Piecewise(
            (sigma2 + 3 * norm * (_data + _data**3) / (1 + _data) ** 3, _data > 0),
            (sigma2 + 2 * A, True),
        ),
    ),
    sp.Eq(
        same,
        (1 + _grad)
        * (
            sq
            + _label_a
            + _act_a
            + _label * (sigma2 + 3 * norm)
            + (_all_factors - 1) * 3 * k4 * norm_q
            + (1 + _act) * 3 * k4 * _param_a * tr
        )
        + _grad_a,
    ),
    sp.Eq(
        cross,
        (1 + _grad_s)
        * (_label_s * norm + (_cross_factors - 1) * norm_q + (1 + _act_s) * _param_a * tr),
    ),
    sp.Eq(s2, doubling * (same / B + (1 - 1 / B) * cross)),
)

_weight = sp.Min(1, (N * x[i]) ** 2)
effective_dimension = sp.Eq(D_N, over_coordinates(_weight))

#: The bias of the iterate average in T4 and T4', with the split at k* written as a minimum:
#: lambda^q_i >= 1/(N gamma) exactly where 1/(N x_i)^2 <= 1.
AVERAGE_BIAS = (
    sp.Eq(bias, half * over_coordinates(lq[i] * eta0[i] ** 2 * sp.Min(1, 1 / (N * x[i]) ** 2))),
    effective_dimension,
)
