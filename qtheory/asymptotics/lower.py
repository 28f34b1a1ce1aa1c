"""The terms of the lower bound T5 beside those of T4, taken from its statement by substitution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from qtheory.asymptotics.conditional import PERP, RandomSketch
from qtheory.asymptotics.terms import SKETCH, noise_parts, substitution_of, without_zeros
from qtheory.model.quantization import TARGETS
from qtheory.model.run import Run
from qtheory.theory import definitions as defined
from qtheory.theory import lower as t5
from qtheory.theory import notation as n

_RISK_Q = {item.lhs: item.rhs for item in t5.lower_bound.definitions}
_RISK = {item.lhs: item.rhs for item in t5.risk_lower_bound.definitions}
# 1 - (1-x)^N is between (1 - 1/e) min(1, N x) and min(1, N x).
_MEAN = defined.eta0[n.i] * sp.Min(1, 1 / (n.N * defined.x[n.i]))


@dataclass(frozen=True)
class LowerTerms:
    r"""What T5 says of the quantized risk term by term, and of the risk as a whole.

    Attributes
    ----------
    formulas
        One per term of T4, for :math:`E[R^q]`, and the floor F of :math:`E[R]` for the
        approximation; 0 where T5 has no such term.
    risk
        Its sum for :math:`E[R]`.
    """

    formulas: dict[str, sp.Expr]
    risk: sp.Expr


def lower_terms_of(
    run: Run, definitions: Mapping[sp.Basic, sp.Expr], sketch: RandomSketch | None = None
) -> LowerTerms:
    """The terms of T5 with the spectrum, the target and the error levels put in.

    The symbols D_N, A and tr(H^q) stand for what they do in the terms of T4, by its definitions.
    """
    put_in = substitution_of(run, sketch)

    def part(formula: sp.Expr) -> sp.Expr:
        # The mean has the sign of w^q - w*, so that the products of both are positive.
        (total,) = formula.atoms(sp.Sum)
        inside = sp.expand(total.function).xreplace({defined.mean[n.i]: _MEAN})
        return put_in(formula.xreplace({total: sp.Sum(inside, *total.limits)}))

    level = t5.NOISE_LOWER.rhs
    noise = {name: sp.expand(part) for name, part in noise_parts(level, put_in.base).items()}
    per_noise = defined.D_N / put_in(n.N)
    per_noise_of_risk = part(_RISK[defined.variance].coeff(t5.s2_low))
    floor = part(_RISK[t5.floor]) + PERP / 2
    formulas = {
        "approximation": floor,
        "bias": part(_RISK_Q[defined.bias]),
        "variance": per_noise * noise["variance"],
        "amplification": sp.S.Zero,
        **{target: per_noise * noise[target] for target in (SKETCH, *TARGETS)},
    }
    risk = floor + part(_RISK[defined.bias]) + per_noise_of_risk * put_in(level)
    return LowerTerms(
        {name: without_zeros(formula, definitions) for name, formula in formulas.items()},
        without_zeros(risk, definitions),
    )
