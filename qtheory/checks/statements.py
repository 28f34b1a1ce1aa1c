r"""The statements of the theorems, as they are shown and proved, beside the second copy.

A bound is computed from the definitions of its theorem, and the kernel proves the statement. One
that was made weaker would still be true and still be proved, so what a statement says is compared
with the theory too: the kind of relation, and its right side as a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
import z3

from qtheory.checks.check import CheckResult
from qtheory.checks.panel import ARITHMETIC, PANEL, PURE, Pair, arguments, rational, report
from qtheory.model import TARGETS
from qtheory.model.instance import instantiate
from qtheory.numbers.evaluate import evaluate
from qtheory.reference import moments as reference
from qtheory.reference import theorems as stated
from qtheory.reference.moments import Setting
from qtheory.theory import notation, theorems
from qtheory.theory.formal import PARAMETERS, STANDING, coordinate
from qtheory.theory.recursion import first, second, step
from qtheory.theory.sketch import COROLLARIES
from qtheory.theory.theorem import Theorem
from qtheory.theory.upper import S, c, t

#: The bounds on E R.
_RESTATED: dict[str, Callable[[Setting], Fraction]] = {
    "upper_bound": lambda setting: stated.upper_bound(setting).risk,
    "refined_upper_bound": lambda setting: stated.refined_bound(setting).risk,
    "risk_lower_bound": stated.risk_lower_bound,
}


def bounds_agree() -> list[CheckResult]:
    """T3, T4, T4', T5, also in a sketch: which side is larger, and the whole right side."""
    relations = {
        "noise_constants": sp.Le,
        "upper_bound": sp.Le,
        "refined_upper_bound": sp.Le,
        "lower_bound": sp.Ge,
        "risk_lower_bound": sp.Ge,
        "sketched_upper_bound": sp.Le,
        "sketched_refined_upper_bound": sp.Le,
        "sketched_lower_bound": sp.Ge,
    }
    wrong = [name for name, kind in relations.items() if type(theorems[name].statement) is not kind]

    def pairs() -> Iterator[Pair]:
        yield "relations that are turned around", len(wrong), Fraction(0)
        for name in PURE:
            setting = PANEL[name]
            yield from _recursion_of_the_noise(setting)
            for theorem, restated in _RESTATED.items():
                if theorem == "upper_bound" or not setting.data.multiplicative:
                    right = _right_side(theorem, setting)
                    yield f"{theorem}, {name}", right, restated(setting)
            yield from _in_a_sketch(name, setting)
            if not setting.data.multiplicative:
                low = stated.lower_bound(setting).quantized_risk
                yield f"lower_bound, {name}", _right_side("lower_bound", setting), low

    return report("statements/bounds", pairs())


def _right_side(theorem: str, setting: Setting) -> Any:
    values = theorems[theorem].values(instantiate(arguments(setting), ARITHMETIC))
    return evaluate(theorems[theorem].statement.args[1], values, ARITHMETIC)


def _in_a_sketch(name: str, setting: Setting) -> Iterator[Pair]:
    """The corollaries for features, two thirds of whose noise is what they miss of the label."""
    numbers = instantiate(arguments(setting), ARITHMETIC)
    missed = setting.noise * Fraction(2, 3)
    half = ARITHMETIC.number(rational(missed / 2))
    noise = ARITHMETIC.number(rational(setting.noise - missed))
    split = replace(numbers, label_noise=noise, sketching=half)
    for theorem, corollary in COROLLARIES.items():
        right = corollary.in_the_model.statement.args[1]
        here = evaluate(right, corollary.values(split), ARITHMETIC)
        if theorem == "upper_bound" or not setting.data.multiplicative:
            yield f"{corollary.name}, {name}", here, _RESTATED[theorem](setting) + missed / 2


def _recursion_of_the_noise(setting: Setting) -> Iterator[Pair]:
    """T3: rho^2 c + gamma^2 lambda^q (alpha S + s^2), at c = i and S = 5."""
    theorem = theorems["noise_constants"]
    values = theorem.values(instantiate(arguments(setting), ARITHMETIC))
    spread = [Fraction(i, 7) for i in range(1, setting.dim + 1)]
    given = {c[t, notation.i]: sp.Symbol("c"), S[t]: sp.Symbol("S")}
    values[sp.Symbol("c")] = ARITHMETIC.array([ARITHMETIC.number(rational(one)) for one in spread])
    values[sp.Symbol("S")] = ARITHMETIC.number(5)
    here = evaluate(theorem.statement.args[1].xreplace(given), values, ARITHMETIC)
    constants = stated.noise_constants(setting)
    spectrum = reference.quantized_eigenvalues(setting)
    for k, (number, one, lq) in enumerate(zip(np.ravel(here), spread, spectrum, strict=True)):
        noise = setting.stepsize**2 * lq * (constants.alpha * 5 + constants.s2)
        yield f"T3, coordinate {k}", number, (1 - setting.stepsize * lq) ** 2 * one + noise


def recursion_agrees() -> list[CheckResult]:
    """T2: the formulas of the theorem, put into one another, are one step of section 2."""

    def pairs() -> Iterator[Pair]:
        for name, setting in PANEL.items():
            m = tuple(Fraction((-1) ** i, i + 2) for i in range(setting.dim))
            v = tuple(entry**2 + Fraction(1, i + 3) for i, entry in enumerate(m))
            after = reference.one_step(setting, m, v)
            for k, (one, two) in enumerate(zip(after.first, after.second, strict=True), start=1):
                yield f"{name}: m_{k}", _value(setting, m, v, first[step + 1, k]), one
                yield f"{name}: v_{k}", _value(setting, m, v, second[step + 1, k]), two

    def equal(number: sp.Expr, fraction: Fraction) -> bool:
        return bool(number == rational(fraction))

    return report("statements/T2", pairs(), equal)


def _value(
    setting: Setting, m: reference.Vector, v: reference.Vector, wanted: sp.Indexed
) -> sp.Expr:
    """The symbol by the definitions of the theorem, in exact rationals."""
    theorem = theorems["recursion"]
    numbers: dict[sp.Basic, Any] = {
        notation.d: setting.dim,
        notation.gamma: rational(setting.stepsize),
        notation.B: setting.batch,
        notation.sigma2: rational(setting.noise),
    }
    for target in TARGETS:
        additive, shared, elementwise = map(rational, astuple(getattr(setting, target)))
        numbers[notation.additive[target]] = additive
        numbers[notation.shared[target]] = shared
        numbers[notation.multiplicative[target]] = shared + elementwise
    given = {
        notation.lam: setting.eigenvalues,
        notation.w_star: setting.target,
        first: m,
        second: v,
    }
    rules = {(item.lhs.base, len(item.lhs.indices)): item for item in theorem.definitions}
    steps = {first: rules.pop((first, 2)), second: theorem.statement}

    @cache
    def entry(base: sp.IndexedBase, indices: tuple[sp.Expr, ...]) -> sp.Expr:
        if base in steps and indices[0] == step + 1:
            return value(steps[base].args[1].xreplace({notation.i: indices[1]}))
        if base in given:
            return rational(given[base][int(indices[-1]) - 1])
        item = rules[base, len(indices)]
        return value(item.rhs.xreplace(dict(zip(item.lhs.indices, indices, strict=True))))

    def value(expression: sp.Expr) -> sp.Expr:
        expression = expression.xreplace(numbers).doit()
        found = {atom: entry(atom.base, atom.indices) for atom in expression.atoms(sp.Indexed)}
        return expression.xreplace(found)

    return entry(wanted.base, wanted.indices)


# --- what proofs may assume --------------------------------------------------------------------


def standing_assumptions_hold() -> list[CheckResult]:
    """What every proof may assume of the model holds in every problem of the panel.

    An assumption that is too strong would make the proofs easier, and the theorems narrower than
    they are said to be. Coordinates are numbered from 0 in the kernel.
    """
    wrong, count = [], 0
    for name, setting in PANEL.items():
        numbers = [
            (PARAMETERS[symbol], z3.RealVal(str(v))) for symbol, v in _scalars(setting).items()
        ]
        whole = {notation.N: setting.steps, notation.B: setting.batch, notation.d: setting.dim}
        numbers += [(PARAMETERS[symbol], z3.IntVal(value)) for symbol, value in whole.items()]
        sequences = {notation.lam: setting.eigenvalues, notation.w_star: setting.target}
        numbers += [(PARAMETERS[base], _array(values)) for base, values in sequences.items()]
        for meaning, assumed in STANDING.items():
            for i in range(setting.dim):
                given = z3.substitute(assumed.formula, *numbers, (coordinate, z3.IntVal(i)))
                count += 1
                if not z3.is_true(z3.simplify(given)):
                    wrong.append(f"{meaning} at i = {i + 1} of {name}")
    detail = "; ".join(wrong[:3]) if wrong else f"{count} assumptions hold where they are used"
    return [
        CheckResult.of(
            "statements/standing assumptions",
            "identity",
            not wrong,
            detail,
            {"compared": count},
        )
    ]


def _scalars(setting: Setting) -> dict[sp.Basic, Fraction]:
    found: dict[sp.Basic, Fraction] = {
        notation.gamma: setting.stepsize,
        notation.sigma2: setting.noise,
    }
    for target in TARGETS:
        errors = getattr(setting, target)
        found[notation.additive[target]] = errors.additive
        found[notation.multiplicative[target]] = errors.multiplicative
        if target in notation.shared:
            found[notation.shared[target]] = errors.shared
    return found


def _array(values: reference.Vector) -> z3.ExprRef:
    array = z3.K(z3.IntSort(), z3.RealVal(0))
    for i, value in enumerate(values):
        array = z3.Store(array, i, z3.RealVal(str(value)))
    return array


def residue_per_coordinate(theorem: Theorem) -> sp.Expr:
    """Left minus right of an equation of sums over i, reduced for one coordinate.

    Every term of the equation is a sum over the same coordinates, so it holds for all d if
    the summands cancel.
    """
    formula = theorem.statement.lhs - theorem.statement.rhs
    for definition in reversed(theorem.definitions):
        summand = definition.rhs.replace(sp.Sum, lambda term, *limits: term)
        formula = formula.xreplace({definition.lhs: summand})
    return sp.cancel(formula)


def decomposition_is_identity() -> list[CheckResult]:
    """T1 with symbols for the spectrum, the target, the errors and both moments."""
    residue = residue_per_coordinate(theorems["decomposition"])
    return [
        CheckResult.of(
            "T1/symbolic",
            "identity",
            residue == 0,
            "left - right is 0 in every coordinate, all parameters symbols"
            if residue == 0
            else f"left - right reduces to {residue}",
        )
    ]
