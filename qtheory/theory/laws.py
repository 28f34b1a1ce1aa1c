r"""What proofs assume of the law of the covariates, in the kernel's language.

That they are Gaussian fixes the noise of one sample (:data:`qtheory.theory.moments.GAUSSIAN`). The
fourth-moment assumption bounds it: with r = y - <w^q, x^q>, u = <x^q, Q_p(w) - w^q> and the second
moments of one step,

    E xq_i^2 (y - <x^q, Q_p(w)>)^2 <= c_d (E xq_i^2 r^2 + E xq_i^2 u^2),

an equality with c_d = 1 where r is the noise of the label, and each moment on the right, of one
vector z, is at most lambda^q_i ((alpha_q - beta_q) E ||z||_{H^q}^2 + beta_q lambda^q_i E z_i^2).
These are the instances of the assumption that the proof uses: docs/covariates.md derives them, and
tests/theory/test_fourth_moments.py adds them up over the outcomes of small laws.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import z3

from qtheory.model.covariates import Covariates, FourthMoment, Gaussian
from qtheory.proof.kernel import REAL, Proof, assume, undefined
from qtheory.proof.sums import total
from qtheory.theory import definitions, moments, notation
from qtheory.theory.definitions import QUANTIZED
from qtheory.theory.formal import Vocabulary, inside
from qtheory.theory.fourth_moments import NOISE_OF_FOURTH_MOMENTS, alpha_q, beta_q
from qtheory.theory.moments import (
    GAUSSIAN,
    VARIANCE,
    aa,
    am,
    core,
    d,
    e,
    i,
    la,
    lm,
    lq,
    lq_v,
    pa,
    pm,
    sigma2,
    t,
    v,
)

words = Vocabulary((*QUANTIZED, *NOISE_OF_FOURTH_MOMENTS))
_here = z3.And(t >= 0, inside)
_alpha_0, _beta_0 = words[notation.alpha_0], words[notation.beta_0]
_own, _between = words[beta_q], words[alpha_q] - words[beta_q]
_trace, _norm = words[definitions.tr], words[definitions.norm]

#: E xq_i^2 times the square of: y - <w^q, x^q>; the label y; and in step t of <x^q, Q_p(w) - w^q>
#: and of the prediction <x^q, Q_p(w)>.
misfit = undefined("misfit moment", [i], REAL)
label = undefined("label moment", [i], REAL)
distance = undefined("distance moment", [i, t], REAL)
prediction = undefined("prediction moment", [i, t], REAL)

#: E ||Q_p(w) - w^q||^2 and E ||Q_p(w)||^2 in the norm of H^q, and what coordinate i has of them.
_squares = total(lq_v(v(t)), d)
_sum = moments.S  # of lambda^q_i E (w_i - w^q_i)^2
_distance = _sum(t) + pm * _squares + pa * _trace
_distance_i = e(t, v(t))[i] + pm * v(t)[i] + pa
_prediction = (1 + pm) * _squares + pa * _trace
_prediction_i = (1 + pm) * v(t)[i] + pa

#: The fourth-moment assumption on the data, for the vectors that a step multiplies them with.
FOURTH_MOMENTS: tuple[Proof, ...] = (
    assume(z3.And(_beta_0 >= 0, _beta_0 <= _alpha_0), meaning="0 <= beta_0 <= alpha_0"),
    assume(
        z3.Implies(
            _here,
            core(t, v(t))[i]
            <= words[definitions.doubling] * (misfit(i) + distance(i, t))
            + lm * label(i)
            + am * prediction(i, t)
            + (la + aa) * lq[i],
        ),
        i,
        t,
        meaning="the noise of one sample, with (r - u)^2 <= 2 r^2 + 2 u^2 where data have errors",
    ),
    assume(
        z3.Implies(inside, misfit(i) <= lq[i] * words[definitions.sq]),
        i,
        meaning="fourth moments of the data with the misfit y - <w^q, x^q>",
    ),
    assume(
        z3.Implies(inside, label(i) <= lq[i] * (sigma2 + _alpha_0 * _norm)),
        i,
        meaning="fourth moments of the data with the label",
    ),
    assume(
        z3.Implies(
            _here,
            distance(i, t) <= lq[i] * (_between * _distance + _own * (lq[i] * _distance_i)),
        ),
        i,
        t,
        meaning="fourth moments of the data with Q_p(w) - w^q",
    ),
    assume(
        z3.Implies(
            _here,
            z3.And(
                prediction(i, t) >= 0,
                prediction(i, t)
                <= lq[i] * (_between * _prediction + _own * (lq[i] * _prediction_i)),
            ),
        ),
        i,
        t,
        meaning="fourth moments of the data with Q_p(w)",
    ),
)

#: What theorems may assume of the covariates, by the law that they are for.
LAWS: Mapping[type[Covariates], tuple[Proof, ...]] = MappingProxyType(
    {Gaussian: (GAUSSIAN,), FourthMoment: (*FOURTH_MOMENTS, VARIANCE)}
)
