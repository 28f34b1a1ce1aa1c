"""Conditions on orders and exponents, and how they are written."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import sympy as sp

from qtheory.orders.monomial import Monomial
from qtheory.orders.signs import polynomial_of


@dataclass(frozen=True)
class Condition:
    """The signs that a form may have: positive (1), negative (-1), zero (0).

    ``order`` is given if the form is the logarithm of an order: the condition is then that the
    order is at least or at most 1. ``critical`` tells whether zero is a case of its own; for a
    comparison of orders it is not, since they agree there.
    """

    form: sp.Expr
    signs: frozenset[int]
    order: Monomial | None = None
    critical: bool = False

    @classmethod
    def on(cls, form: sp.Expr, *signs: int) -> Condition:
        """A condition on exponents."""
        return cls(form, frozenset(signs), critical=True)

    @property
    def relation(self) -> sp.Basic:
        """The condition as a SymPy relation."""
        if self.order is None:
            return _solved(self.form, self.signs if self.critical else self.signs | {0})
        return _balanced(self.order if 1 in self.signs else self.order**-1)

    def negations(self) -> list[Condition]:
        """Conditions of which one holds where this one does not."""
        return [self.with_signs({sign}) for sign in self.cases - self.signs]

    @property
    def cases(self) -> Set[int]:
        """The signs that are told apart."""
        return {-1, 0, 1} if self.critical else {-1, 1}

    def with_signs(self, signs: Set[int]) -> Condition:
        """The same form with other signs."""
        return Condition(self.form, frozenset(signs), self.order, self.critical)


_RELATIONS: dict[frozenset[int], type] = {
    frozenset({1}): sp.Gt,
    frozenset({1, 0}): sp.Ge,
    frozenset({-1}): sp.Lt,
    frozenset({-1, 0}): sp.Le,
    frozenset({0}): sp.Eq,
    frozenset({1, -1}): sp.Ne,
}


def _solved(form: sp.Expr, signs: frozenset[int]) -> sp.Basic:
    """The sign of a form as a relation, solved for the last symbol it is linear in."""
    polynomial = polynomial_of(form)
    for symbol in sorted(polynomial.free_symbols, key=str, reverse=True):
        slope = polynomial.coeff(symbol, 1)
        if slope.is_Rational and sp.degree(polynomial, symbol) == 1:
            value = sp.expand(-polynomial.coeff(symbol, 0) / slope)
            turned = signs if slope > 0 else frozenset(-sign for sign in signs)
            return _RELATIONS[turned](symbol, value)
    return _RELATIONS[signs](polynomial, 0)


def _balanced(order: Monomial) -> sp.Basic:
    """order >= 1 with negative powers on the other side and a plain power in front."""
    (_, first), *_ = order.powers or order.logs
    scales = [sp.S.One / abs(e) for _, e in order.powers if e.is_Rational]
    scale = scales[0] if scales else 1 / first if first.is_positive else -1 / first
    order = order**scale if scale.is_positive else order
    left: list[sp.Expr] = []
    right: list[sp.Expr] = []
    for base, exponent in [(b, e) for b, e in order.powers] + list(order.logs):
        part = (
            Monomial(((base, exponent),))
            if isinstance(base, sp.Symbol)
            else Monomial((), ((base, exponent),))
        )
        negative = sp.factor(exponent).could_extract_minus_sign()
        (right if negative else left).append((part**-1 if negative else part).expression)
    if not left:
        return sp.Le(sp.Mul(*right), 1, evaluate=False)
    return sp.Ge(sp.Mul(*left), sp.Mul(*right), evaluate=False)
