"""Numeric values of the bounds, evaluated from the very statements of the theorems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
import sympy as sp

from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.covariates import Covariates, Gaussian
from qtheory.model.float_range import require_finite, within_float64
from qtheory.model.instance import instantiate, require_moving, sketching_of
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.arithmetic import Arithmetic, Float64, Intervals, Scalar
from qtheory.numbers.certified_number import CertifiedNumber
from qtheory.numbers.certify import certified, checked_digits, outward, wanted_bits
from qtheory.numbers.display import html_table, shown
from qtheory.numbers.evaluate import evaluate
from qtheory.theory.definitions import D_N, A, bias, variance
from qtheory.theory.fourth_moments import fourth_moment_bound
from qtheory.theory.lower import floor, risk_lower_bound
from qtheory.theory.lower import lower_bound as quantized_lower_bound
from qtheory.theory.sketch import COROLLARIES
from qtheory.theory.theorem import Theorem
from qtheory.theory.upper import refined_upper_bound
from qtheory.theory.upper import upper_bound as paper_upper_bound

#: The forms of the upper bound, and those for other covariates than Gaussian ones.
UPPER_FORMS = {"refined": refined_upper_bound, "paper": paper_upper_bound}
_FORMS_OF_OTHERS = {"paper": fourth_moment_bound}
LOWER = "lower"
# A float64 bound is this tight, or it is computed in balls.
_NARROW = 1e-12
_LEAST_NORMAL = float(np.finfo(np.float64).tiny)
_DIGITS_FOR_FLOAT = 17
_MOST_IN_BALLS = 10**6
_GUARD_BITS = 16


@dataclass(frozen=True)
class Bound:
    """A bound on the excess risk of the iterate average, term by term.

    ``total = approximation + bias + variance + sketching`` bounds E R; ``quantized_risk`` bounds
    E R^q. ``sketching`` is what no model on the features of a sketched problem can learn, else 0.
    ``theorem`` is the name of the theorem used in ``qtheory.theorems``, whose right side ``total``
    is; ``form`` is the option that asks for it. In a lower bound ``approximation`` is the floor
    F = 1/2 ||w^q - w*||_H^2, since A is not a lower bound. In float64 every term of an upper bound
    is rounded up and every term of a lower bound down, by what rounding errors can have changed, so
    that the number is a bound as well as the formula.
    """

    form: str
    approximation: Scalar
    bias: Scalar
    variance: Scalar
    effective_dimension: Scalar
    quantized_risk: Scalar
    total: Scalar
    sketching: Scalar
    theorem: str
    digits: int | None = None

    def _repr_html_(self) -> str:
        names = ("total", "approximation", "bias", "variance", "effective_dimension")
        rows = [(name.replace("_", " "), shown(getattr(self, name), self.digits)) for name in names]
        return html_table(f"Bound on the excess risk ({self.theorem})", rows)


@within_float64
def upper_bound(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    digits: int | None = None,
    form: str | None = None,
) -> Bound:
    r"""An upper bound on :math:`E R(\bar w_N)` with explicit constants (T4 or T4').

    Parameters
    ----------
    digits
        None for float64, or the number of certified digits (``flint.arb`` balls).
    form
        ``"refined"`` (T4'), ``"paper"`` (T4), or None for the smallest one whose hypotheses hold.
        For covariates that are not Gaussian it is T4 under the fourth-moment assumption.

    Raises
    ------
    HypothesisError
        If the hypotheses of the form do not hold (of every form, if none is named).

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD(stepsize="0.1", steps=60)
    >>> bound = qt.upper_bound(problem, qt.Quantization(), sgd)
    >>> bound.form, bound.total > qt.excess_risk(problem, qt.Quantization(), sgd).total
    ('refined', True)

    Source: Theorem 4.1 of Zhang, Su, Zou (arXiv:2510.18259), with constants derived here.
    """
    if form is not None and not (isinstance(form, str) and form in UPPER_FORMS):
        raise InvalidArgumentError("form", form, f"None or one of {', '.join(UPPER_FORMS)}")
    run = Run(problem, quantization, sgd).covered(covariates=Covariates)
    known = UPPER_FORMS
    if not isinstance(run.problem.covariates, Gaussian):
        known = _FORMS_OF_OTHERS
        if form == "refined":
            law = run.problem.covariates
            raise HypothesisError(f"covariates is {law}, but T4' needs Gaussian data: form='paper'")
    wanted = known if form is None else {form: known[form]}
    bounds: list[Bound] = []
    refusals: list[str] = []
    for name, theorem in wanted.items():
        try:
            bounds.append(_bound(name, theorem, None, A, run, digits))
        except HypothesisError as error:
            refusals.append(str(error))
    if not bounds:
        raise HypothesisError("; ".join(refusals))
    return min(bounds, key=lambda bound: float(bound.total))


@within_float64
def lower_bound(
    problem: Problem, quantization: Quantization, sgd: SGD, digits: int | None = None
) -> Bound:
    r"""A lower bound on :math:`E R(\bar w_N)` with explicit constants (from T5).

    ``quantized_risk`` is T5 itself, a bound on :math:`E R^q`; with additive data errors that can
    exceed :math:`E R`, so ``total`` weighs the same estimates with the true spectrum.

    Raises
    ------
    HypothesisError
        If :math:`\gamma\lambda^q_1 > 1`, or with fewer than 2 steps.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD(stepsize="0.1", steps=60)
    >>> bound = qt.lower_bound(problem, qt.Quantization(), sgd)
    >>> bound.total < qt.excess_risk(problem, qt.Quantization(), sgd).total
    True
    """
    run = Run(problem, quantization, sgd).covered()
    return _bound(LOWER, risk_lower_bound, quantized_lower_bound, floor, run, digits)


def _bound(
    form: str,
    theorem: Theorem,
    quantized: Theorem | None,
    approximation: sp.Symbol,
    run: Run,
    digits: int | None,
) -> Bound:
    """Evaluate a theorem on E R, or its corollary for features.

    ``quantized`` is the theorem on E R^q, if its terms are not those of this one.
    """
    digits = checked_digits(digits)
    problem, quantization, sgd = run
    if problem.dim is not sp.oo:
        instance = instantiate(run, Float64())  # every argument is checked here
        require_moving(problem, quantization, instance.eigenvalues)
    if sgd.output != "average":
        raise HypothesisError(
            f"{theorem.label} ({theorem.title}) is about output='average', "
            f"but output is {sgd.output!r}"
        )
    if problem.features is not None:
        theorem = COROLLARIES[theorem.name]
    theorem.require(run)

    def compute(arithmetic: Arithmetic) -> dict[str, Scalar]:
        values = theorem.values_of(run, arithmetic)
        quantized_values = values if quantized is None else quantized.values_of(run, arithmetic)
        return {
            "approximation": values[approximation],
            "bias": values[bias],
            "variance": values[variance],
            "effective_dimension": values[D_N],
            "quantized_risk": quantized_values[bias] + quantized_values[variance],
            "total": evaluate(theorem.in_the_model.statement.args[1], values, arithmetic),
            "sketching": sketching_of(problem, arithmetic),
        }

    if digits is not None:
        parts = _certified(compute, digits, problem.dim)
        return Bound(
            form,
            **{name: CertifiedNumber(part, digits) for name, part in parts.items()},
            theorem=theorem.name,
            digits=digits,
        )
    found = _enclosed(compute, problem.dim)
    outwards: dict[str, Any] = {
        name: outward(part, upward=form != LOWER) for name, part in found.items()
    }
    require_finite(outwards.values())
    return Bound(form, **outwards, theorem=theorem.name)


def _judged(parts: dict[str, Scalar]) -> list[list[flint.arb]]:
    names = ("approximation", "bias", "variance", "effective_dimension", "total")
    return [[parts[name] for name in names], [parts["total"]], [parts["quantized_risk"]]]


def _enclosed(
    compute: Callable[[Arithmetic], dict[str, Scalar]], dim: sp.Expr
) -> dict[str, Scalar]:
    """The terms with bounds on their rounding errors: float64, or balls where that is wide."""
    if dim is sp.oo:
        return _certified(compute, _DIGITS_FOR_FLOAT, dim)
    with np.errstate(all="ignore"):
        parts = compute(Intervals())
    total = parts["total"]
    narrow = all(
        part.radius <= _NARROW * max(abs(part.midpoint), total.midpoint) for part in parts.values()
    )
    if narrow and total.midpoint >= _LEAST_NORMAL:
        return parts
    if dim > _MOST_IN_BALLS:
        return parts  # a bound all the same, though a wide one
    return _certified(compute, _DIGITS_FOR_FLOAT, dim)


def _certified(
    compute: Callable[[Arithmetic], dict[str, Scalar]], digits: int, dim: sp.Expr
) -> dict[str, Scalar]:
    # Sums over infinitely many coordinates have half the bits of the precision.
    bits = 2 * (wanted_bits(digits) + _GUARD_BITS) if dim is sp.oo else None
    return certified(compute, digits, judged=_judged, first_bits=bits)
