"""One step of SGD on one coordinate: the constants of its noise, for T4' and for T9.

With data errors of one kind, or multiplicative ones of both couplings at once,

    E (w'_i - E w'_i)^2 = rho_i^2 c_i + gamma^2 lambda^q_i (alpha S + s^2)
                          + gamma^2 (lambda^q_i)^2 (kappa c_i + q_i)

at the mean w^q, where S = sum_i lambda^q_i c_i. T4' bounds a run by them, T9 solves for what stays.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from qtheory.model.error_models import factor_moment
from qtheory.model.quantization import Quantization
from qtheory.theory.definitions import (
    A,
    P,
    Pi,
    Pi_c,
    alpha,
    k_d,
    k_s,
    kappa,
    norm,
    norm_q,
    q,
    r_s,
    s2,
    t_s,
    tr,
    u_d,
)
from qtheory.theory.notation import B, additive, i, multiplicative, shared, sigma2, wq

_data, _label, _param, _act, _grad = (multiplicative[k] for k in multiplicative)
_label_a, _param_a, _act_a, _grad_a = (
    additive[k] for k in ("label", "parameter", "activation", "gradient")
)
_data_s, _label_s, _act_s, _grad_s = (
    shared[k] for k in ("data", "label", "activation", "gradient")
)

#: Noise constants of T4': what acts coordinate by coordinate (q, kappa) is kept apart. k_s and k_d
#: measure the fourth moments of the data between two coordinates and on the diagonal beyond that.
NOISE_REFINED = (
    sp.Eq(k_s, 1 + (4 * _data_s + 2 * _data_s**2) / (1 + _data) ** 2),
    sp.Eq(k_d, 3 * factor_moment(_data, 4) / factor_moment(_data, 2) ** 2 - k_s),
    # What a multiplicative data error adds to the misfit of w^q, on the diagonal.
    sp.Eq(
        u_d,
        2 * (_data - _data**2 + _data**3 + _data_s * (2 * _data - _data_s)) / (1 + _data) ** 2,
    ),
    # What shared factors take from it again, which all coordinates have in common.
    sp.Eq(r_s, 2 * _data_s * (2 * _data - _data_s) / (1 + _data) ** 3),
    sp.Eq(Pi, (1 + _grad) * (1 + _act) * (1 + _param)),
    sp.Eq(Pi_c, (1 + _grad_s) * (1 + _act_s) * (1 + _param)),
    sp.Eq(P, (1 + _act) * (1 + _param) - 1),
    sp.Eq(kappa, k_d * Pi / B + (1 - 1 / B) * Pi_c - 1),
    sp.Eq(alpha, k_s * Pi / B),
    sp.Eq(
        s2,
        (
            (1 + _grad)
            * (
                sigma2
                + 2 * A
                - r_s * norm
                + _label_a
                + _act_a
                + _label * (sigma2 + norm)
                + k_s * (P * norm_q + (1 + _act) * _param_a * tr)
            )
            + _grad_a
        )
        / B,
    ),
    sp.Eq(
        q[i],
        (1 + _grad)
        * ((u_d + 2 * (1 + _data) * _label + k_d * P) * wq[i] ** 2 + k_d * (1 + _act) * _param_a)
        / B
        + (1 - 1 / B)
        * (1 + _grad_s)
        * (
            _label_s * wq[i] ** 2
            + ((1 + _act_s) * (1 + _param) - 1) * wq[i] ** 2
            + (1 + _act_s) * _param_a
        ),
    ),
)

#: T_ij = t_s lambda^q_i lambda_j between two coordinates, where Q_ij = k_s lambda^q_i lambda^q_j.
CROSS_MOMENT = sp.Eq(t_s, (1 + _data + 2 * _data_s) / (1 + _data))


def levels(quantization: Quantization) -> dict[sp.Symbol, sp.Expr]:
    """The error levels of a quantization, by their symbols."""
    found: dict[sp.Symbol, sp.Expr] = {}
    for target, model in quantization.items():
        found[additive[target]] = model.additive
        found[multiplicative[target]] = model.multiplicative
        found[shared[target]] = model.shared
    return found


def constants(quantization: Quantization, batch: sp.Expr) -> Mapping[sp.Basic, sp.Expr]:
    """The constants for some error levels; what the problem gives (A, norms, sigma^2) is left.

    >>> from qtheory.model import Multiplicative
    >>> found = constants(Quantization(data=Multiplicative("1/2")), sp.Integer(1))
    >>> found[k_s], found[k_d], found[t_s]
    (19/9, 38/9, 5/3)
    """
    known: dict[sp.Basic, sp.Expr] = {**levels(quantization), B: batch}
    for definition in (*NOISE_REFINED, CROSS_MOMENT):
        known[definition.lhs] = definition.rhs.xreplace(known)
    return known
