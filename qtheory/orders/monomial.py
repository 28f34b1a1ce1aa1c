r"""Orders of magnitude: products of real powers of positive parameters, and of their logarithms.

An order is written :math:`\prod p^{e_p} \prod L(m)^{f_m}` with parameters p, exponents that are
rational functions of exponent symbols (such as 1/a or (b-1)/a), and :math:`L(m) = 1 + \log m` for
orders m >= 1. Constants do not count. As the logarithm of an order without factors L is linear in
the log p, comparing two of them is linear arithmetic (:mod:`qtheory.orders.cell`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp

from qtheory.orders.rational import quotient_of

#: A base (a parameter, or an order whose L is meant) with its exponent.
Factor = tuple[Any, sp.Expr]


@cache
def tidy(exponent: sp.Expr) -> sp.Expr:
    """One form for equal exponents, so that they compare as equal and read well."""
    if exponent.is_Rational or exponent.is_Symbol:
        return exponent
    quotient = quotient_of(exponent)
    return sp.expand(sp.cancel(exponent)) if quotient is None else quotient.expanded


@cache
def readable(exponent: sp.Expr) -> sp.Expr:
    """The shorter of the expanded and the factored form, such as 1/a - 1 and (1 - b)/a."""
    expanded = sp.expand(exponent)
    if sp.denom(sp.together(expanded)).is_number:
        return expanded
    return min(sp.factor(exponent), expanded, key=lambda form: form.count_ops())


@cache
def log_of(parameter: sp.Symbol) -> sp.Symbol:
    """The symbol for the logarithm of a parameter."""
    return sp.Symbol(f"log({parameter.name})", real=True)


@dataclass(frozen=True)
class Monomial:
    """An order of magnitude; build it with ``of`` and arithmetic.

    >>> N, d = sp.symbols("N d", positive=True)
    >>> (Monomial.of(N) ** sp.Rational(1, 2) * Monomial.of(d)).expression
    sqrt(N)*d
    """

    powers: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    logs: tuple[tuple[Monomial, sp.Expr], ...] = ()

    @classmethod
    def of(cls, parameter: sp.Symbol) -> Monomial:
        """A single parameter."""
        return cls(((parameter, sp.S.One),))

    @classmethod
    def product(
        cls, powers: Mapping[sp.Symbol, sp.Expr], logs: Iterable[tuple[Monomial, sp.Expr]] = ()
    ) -> Monomial:
        """The product of powers of parameters and of L of orders."""
        return cls(_kept(powers.items()), _kept((base, tidy(e)) for base, e in logs))

    def __mul__(self, other: Monomial) -> Monomial:
        return Monomial(_added(self.powers, other.powers), _added(self.logs, other.logs))

    def __pow__(self, exponent: sp.Expr | int) -> Monomial:
        power = sp.Integer(exponent) if isinstance(exponent, int) else exponent
        if power == 0:
            return ONE
        return Monomial(
            tuple((base, tidy(e * power)) for base, e in self.powers),
            tuple((base, tidy(e * power)) for base, e in self.logs),
        )

    def __truediv__(self, other: Monomial) -> Monomial:
        return self * other**-1

    @property
    def without_logs(self) -> Monomial:
        """The product of powers alone."""
        return Monomial(self.powers) if self.logs else self

    @property
    def form(self) -> sp.Expr:
        """The logarithm of the product of powers, linear in the logarithms of the parameters."""
        return sp.Add(*[exponent * log_of(base) for base, exponent in self.powers])

    @property
    def depth(self) -> int:
        """How many logarithms in a row L of this order has: 1 for powers, 2 for logarithms, ..."""
        return 1 if self.powers or not self.logs else 1 + min(base.depth for base, _ in self.logs)

    def log(self) -> Monomial:
        """L of this order, which is at least 1; a positive power of it has the same L."""
        if self.powers:
            return Monomial((), ((_primitive(self.without_logs), sp.S.One),))
        if self.logs:
            return Monomial((), ((_primitive(self), sp.S.One),))
        return ONE

    def exponent(self, parameter: sp.Symbol) -> sp.Expr:
        """The exponent of a parameter."""
        return dict(self.powers).get(parameter, sp.S.Zero)

    def substitute(self, values: Mapping[sp.Symbol, sp.Expr]) -> Monomial:
        """The same order with values for exponent symbols."""
        if not values:
            return self
        return Monomial(
            _kept((base, tidy(e.xreplace(dict(values)))) for base, e in self.powers),
            _kept(
                (base.substitute(values), tidy(e.xreplace(dict(values)))) for base, e in self.logs
            ),
        )

    def substitute_in_logs(self, parameter: sp.Symbol, value: Monomial) -> Monomial:
        """The same order with a value for a parameter inside logarithms."""
        result = Monomial(self.powers)
        for base, exponent in self.logs:
            power = base.exponent(parameter)
            inside = base if power == 0 else base / Monomial.of(parameter) ** power * value**power
            result = result * inside.log() ** exponent
        return result

    @property
    def expression(self) -> sp.Expr:
        """The order as a SymPy expression; L(m) is written log(m), its order for large m."""
        factors = [base ** readable(exponent) for base, exponent in self.powers]
        factors += [sp.log(base.expression) ** readable(e) for base, e in self.logs]
        return sp.Mul(*factors)

    @property
    def exact_expression(self) -> sp.Expr:
        """The order as a SymPy expression, with 1 + log(m) for L(m)."""
        factors = [base ** readable(exponent) for base, exponent in self.powers]
        factors += [(1 + sp.log(base.expression)) ** exponent for base, exponent in self.logs]
        return sp.Mul(*factors)


ONE = Monomial()


def _added(left: Iterable[Factor], right: Iterable[Factor]) -> tuple[Factor, ...]:
    total = dict(left)
    for base, exponent in right:
        total[base] = tidy(total[base] + exponent) if base in total else exponent
    return _kept(total.items())


def _kept(items: Iterable[Factor]) -> tuple[Factor, ...]:
    """Sorted, without zero exponents and logarithms of 1."""
    left = [(base, exponent) for base, exponent in items if exponent != 0 and base != ONE]
    return tuple(sorted(left, key=lambda item: str(item[0])))


def _primitive(order: Monomial) -> Monomial:
    """The root of an order whose first exponent is 1 or -1; its L is of the same order."""
    (_, first), *_ = order.powers or order.logs
    scale = first if first.is_positive else -first if first.is_negative else sp.S.One
    return order ** (1 / scale)
