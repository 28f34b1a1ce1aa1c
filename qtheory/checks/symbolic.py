"""Identities that SymPy reduces to zero for symbolic parameters."""

from __future__ import annotations

import sympy as sp

from qtheory.theory import theorems
from qtheory.theory.theorem import Theorem
from qtheory.verify.check import CheckResult

__all__ = ["decomposition_is_identity", "residue_per_coordinate"]


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
            "left - right reduces to 0 in every coordinate, all parameters symbolic"
            if residue == 0
            else f"left - right reduces to {residue}",
        )
    ]
