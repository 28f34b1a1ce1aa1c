r"""T4 without Gaussian data: under a bound on the fourth moments of the covariates alone.

The paper assumes :math:`E[(x^T A x) x x^T] \preceq \alpha_0 \mathrm{tr}(HA) H`, and neither a law
nor independence. Entry (i, i) at A = a a^T, with the part beta_0 of a coordinate on itself, is

.. math:: E[x_i^2 \langle x, a\rangle^2] \le (\alpha_0 - \beta_0)\lambda_i\|a\|_H^2
          + \beta_0\lambda_i^2 a_i^2 ,

which is all that is used: beta_0 = 0 is the assumption of the paper, and (3, 2) what Gaussian data
have. For the quantized data the same holds with alpha_q and beta_q: for shared and elementwise
factors both grow by k_4; of additive errors e, which are Gaussian, x_i^2 e^2 and e_i^2 e^2 need
alpha_q >= 3, and nothing needs beta_q > 2.

For exact and Gaussian data the constants are those of T4. With data errors the misfit of w^q is not
independent of the data, also where they are additive, and (u - v)^2 <= 2 u^2 + 2 v^2 doubles what
one sample adds.
"""

from __future__ import annotations

import sympy as sp

from qtheory.model.covariates import FourthMoment
from qtheory.theory.definitions import (
    NOISE_PAPER,
    QUANTIZED,
    A,
    Pi,
    Pi_c,
    alpha,
    cross,
    doubling,
    k4,
    norm,
    norm_q,
    s2,
    same,
    sq,
    tr,
)
from qtheory.theory.notation import B, additive, alpha_0, beta_0, multiplicative, shared, sigma2
from qtheory.theory.theorem import BENIGN, PAPER, Theorem
from qtheory.theory.upper import upper_bound

alpha_q, beta_q = sp.symbols("alpha_q beta_q", nonnegative=True)

_data, _label, _param, _act, _grad = (multiplicative[k] for k in multiplicative)
_data_a, _label_a, _param_a, _act_a, _grad_a = (additive[k] for k in additive)
_data_s = shared["data"]
_all_factors = (1 + _act) * (1 + _param)

_given = {equation.lhs: equation for equation in NOISE_PAPER}
_larger = -sp.Min(-alpha_0, -3)  # max(alpha_0, 3)

#: The noise constants of T3 for alpha_0 and beta_0 in the place of 3 and 2.
NOISE_OF_FOURTH_MOMENTS = (
    _given[k4],
    _given[Pi],
    _given[Pi_c],
    sp.Eq(alpha_q, sp.Piecewise((_larger, _data_a > 0), (alpha_0 * k4, True))),
    sp.Eq(beta_q, sp.Piecewise((sp.Min(beta_0, 2), _data_a > 0), (beta_0 * k4, True))),
    sp.Eq(doubling, sp.Piecewise((2, _data + _data_a > 0), (1, True))),
    # alpha_q Pi / B + (1 - 1/B) Pi_c - 1, but for what beta_q does not cover of the - 1
    sp.Eq(
        alpha,
        doubling * alpha_q * Pi / B - sp.Min(doubling * beta_q * Pi / B, 1 - (1 - 1 / B) * Pi_c),
    ),
    sp.Eq(
        sq,
        sp.Piecewise(
            (sigma2 + alpha_0 * norm * (_data + _data**3) / (1 + _data) ** 3, _data_s > 0),
            (sigma2 + 2 * alpha_0 * A, True),
        ),
    ),
    sp.Eq(
        same,
        (1 + _grad) * (doubling * sq + _label_a + _act_a + _label * (sigma2 + alpha_0 * norm))
        + (1 + _grad)
        * doubling
        * alpha_q
        * ((_all_factors - 1) * norm_q + (1 + _act) * _param_a * tr)
        + _grad_a,
    ),
    _given[cross],
    sp.Eq(s2, same / B + (1 - 1 / B) * cross),
)

_beside = len(QUANTIZED) + len(NOISE_PAPER)
fourth_moment_bound = Theorem(
    name="fourth_moment_bound",
    label="T4 for fourth moments",
    title="upper bound under the fourth-moment assumption",
    statement=upper_bound.statement,
    definitions=(*QUANTIZED, *NOISE_OF_FOURTH_MOMENTS, *upper_bound.definitions[_beside:]),
    hypotheses=upper_bound.hypotheses,
    source=f"{PAPER}, Theorem 4.1, under its own assumption; {BENIGN}, Theorem 2.1; explicit "
    "constants derived here. bias + variance alone bounds E[R^q].",
    covariates=FourthMoment,
)

#: In the order of the theory.
THEOREMS = (fourth_moment_bound,)
