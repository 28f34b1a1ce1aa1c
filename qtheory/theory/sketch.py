r"""T1, T4, T4' and T5 for learning from features z = S x: corollaries of those for section 1.

Given S, and for Gaussian x, what the features miss of the label is noise of its own, of variance
perp. So SGD on z is SGD on an ordinary problem: the spectrum is that of Sigma = S H S^T, which is
U diag(s) U^T, the target U^T v* with v* = Sigma^{-1} S H w*, the noise sigma_0^2 + perp; the excess
risk is that of this problem, and perp/2 more. Statements here have symbols of their own for what is
of the sketch (``IN_A_SKETCH``): lambda^S_i is the i-th eigenvalue of Sigma, v^*_i the i-th entry of
U^T v*, M how many features there are.
"""

from __future__ import annotations

from types import MappingProxyType

import sympy as sp

from qtheory.theory.decomposition import decomposition, first, second
from qtheory.theory.definitions import half, norm, norm_q, risk, tr
from qtheory.theory.lower import risk_lower_bound
from qtheory.theory.notation import (
    d,
    i,
    label_noise,
    lam,
    over_coordinates,
    perp,
    sigma2,
    w_star,
    wq,
)
from qtheory.theory.theorem import PAPER, SEQUEL, Hypothesis, Theorem
from qtheory.theory.upper import refined_upper_bound, upper_bound

#: Symbols of a sketch, and what they are in the problem that it makes.
IN_A_SKETCH: tuple[tuple[sp.Basic, sp.Basic], ...] = (
    (sp.IndexedBase("lambda^S", nonnegative=True), lam),
    (sp.IndexedBase("v^*", real=True), w_star),
    (sp.IndexedBase("v^q", real=True), wq),
    (sp.Symbol("M", integer=True, positive=True), d),
    (sp.Symbol("tr(Sigma^q)", nonnegative=True), tr),
    (sp.Symbol("||v^*||_Sigma^2", nonnegative=True), norm),
    (sp.Symbol("||v^q||_{Sigma^q}^2", nonnegative=True), norm_q),
)

energy = sp.Symbol("E[<w^*,x>^2]", nonnegative=True)
noise = sp.Symbol("sigma_S^2", nonnegative=True)
risk_on_features = sp.Symbol("E[R_S(v)]", real=True)

# E over the test point of (<w*, x> - <v, z>)^2 / 2, in the eigenbasis of Sigma
_risk = sp.Eq(
    risk_on_features,
    half * (energy + over_coordinates(lam[i] * (second[i] - 2 * w_star[i] * first[i]))),
)
_missed = sp.Eq(perp, energy - norm)
_noise = sp.Eq(noise, label_noise + perp)
_independent = Hypothesis(
    sp.Eq(sigma2, label_noise + perp),
    "what the features miss of the label is noise of its own, as for Gaussian x",
)


def _in_the_sketch(theorem: Theorem) -> Theorem:
    """The same theorem in the symbols of a sketch."""
    return theorem.with_names({model: own for own, model in IN_A_SKETCH}, renamed=IN_A_SKETCH)


def _corollary(theorem: Theorem) -> Theorem:
    """A bound on E R as one on the risk of a model on the features."""
    bound = theorem.statement
    definitions = [each.xreplace({sigma2: noise}) for each in theorem.definitions]
    place = next(k for k, each in enumerate(definitions) if each.lhs == norm) + 1
    return _in_the_sketch(
        Theorem(
            name=f"sketched_{theorem.name.removeprefix('risk_')}",
            label=f"{theorem.label.removesuffix(' for E R')} in a sketch",
            title=f"{theorem.title.removesuffix(' on the excess risk')}, for M features",
            statement=type(bound)(risk_on_features, perp / 2 + bound.args[1]),
            definitions=(*definitions[:place], _missed, _noise, *definitions[place:]),
            hypotheses=(*theorem.hypotheses, _independent),
            source=f"A corollary of {theorem.label} and S1: SGD as in {PAPER}, on the features of "
            f"{SEQUEL}. It holds for every S, not on average.",
        )
    )


sketched_risk = _in_the_sketch(
    Theorem(
        name="sketched_risk",
        label="S1",
        title="the risk of learning from M features",
        statement=sp.Eq(risk_on_features, perp / 2 + risk),
        definitions=(
            next(each for each in decomposition.definitions if each.lhs == norm),
            _missed,
            _risk,
            next(each for each in decomposition.definitions if each.lhs == risk),
        ),
        hypotheses=(),
        source=f"Derived here: SGD as in {PAPER}, on the features of {SEQUEL}. E[R(w)] is the risk "
        "of the same model in the problem with spectrum lambda^S and target v^*.",
    )
)

sketched_upper_bound = _corollary(upper_bound)
sketched_refined_upper_bound = _corollary(refined_upper_bound)
sketched_lower_bound = _corollary(risk_lower_bound)

#: The corollaries for what bounds are made of, by the name of the theorem for section 1.
COROLLARIES = MappingProxyType(
    {
        upper_bound.name: sketched_upper_bound,
        refined_upper_bound.name: sketched_refined_upper_bound,
        risk_lower_bound.name: sketched_lower_bound,
    }
)

#: In the order of the theory.
THEOREMS = (
    sketched_risk,
    sketched_upper_bound,
    sketched_refined_upper_bound,
    sketched_lower_bound,
)
