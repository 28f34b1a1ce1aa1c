r"""Comparing orders with one constant for all parameters, whatever ties them together.

Along power laws :math:`p_i = N^{c_i}` all logarithms grow alike; with one constant for all
parameters they do not: log N and log M are not comparable, and log M may exceed N. What holds is
read off faces of the cell. In x = log p an order is :math:`e \cdot x + \sum_j f_j \log(1 + l_j(x))
+ \ldots`, with logarithms of logarithms behind, and the cell is a cone on which each l_j >= 0. Its
points are sums of generators, and 1 + l_j is of the order of the largest coefficient of the
generators on which l_j is positive. Hence the order is bounded by a constant in the cell if and
only if at every x in its closure the list of

    e . x,  the sum of f_j over l_j(x) > 0,  the same for logarithms of logarithms, ...

is zero or has a negative first entry that is not zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import sympy as sp

from qtheory.orders.cell import Cell
from qtheory.orders.conditions import Condition
from qtheory.orders.monomial import ONE, Monomial, log_of


class Incomparable(Exception):  # noqa: N818 - an outcome, caught where the comparison was asked for
    """Neither of two orders is within a constant of the other throughout a cell."""


class UniformCell(Cell):
    """A cell in which orders compare with one constant for all of its parameters."""

    @classmethod
    def of(cls, cell: Cell) -> UniformCell:
        """The same conditions on the same parameters."""
        return cls(cell.parameters, cell.conditions, cell.values)

    def compare(self, left: Monomial, right: Monomial) -> int:
        """-1 or 1 if the one or the other is the larger up to a constant, 0 if both are.

        Raises
        ------
        Incomparable
            If neither is, and no comparison of the logarithms with each other would help.
        """
        ratio = (left / right).substitute(self.values)
        if not ratio.logs:
            return self.along_power_laws(left, right)
        sign = self._sign_of_powers(ratio)
        if sign:
            if self._is_bounded(ratio**-sign):
                return sign
        else:
            below, above = self._is_bounded(ratio), self._is_bounded(ratio**-1)
            if below or above:
                return above - below
        self._ask_what_would_help(ratio**-sign if sign else ratio)
        raise Incomparable(f"{left.expression} and {right.expression} are not comparable")

    def _sign_of_powers(self, ratio: Monomial) -> int:
        if not ratio.powers:
            return 0
        if len(ratio.powers) == 1:
            ((parameter, exponent),) = ratio.powers
            growth = self.parameters.get(parameter, 0)
            if growth:
                return growth * self.trichotomy(exponent)
        return self._decide(ratio.form, ratio.without_logs, three_ways=False)

    def _is_bounded(self, order: Monomial) -> bool:
        """Whether an order whose powers are at most 1 is at most a constant in the cell."""
        return all(self._falls(order, positive) for positive in self._patterns(order))

    def _falls(self, order: Monomial, positive: frozenset[Monomial]) -> bool:
        """Whether the logarithms fall, or stay, where these ones are positive and others zero."""
        exponents: dict[int, sp.Expr] = {}
        for base, exponent in order.logs:
            if _leaves(base) & positive:
                depth = base.depth
                exponents[depth] = exponents.get(depth, sp.S.Zero) + exponent
        for _, exponent in sorted(exponents.items()):
            sign = self.trichotomy(exponent)
            if sign:
                return sign < 0
        return True

    def _patterns(self, order: Monomial) -> Iterator[frozenset[Monomial]]:
        """Which logarithms can be positive together where the powers are 1."""
        leaves = sorted(set().union(*[_leaves(base) for base, _ in order.logs]), key=str)
        closure = self._closure()
        face = [Condition(order.form, frozenset({0}))] if order.powers else []
        for signs in product((0, 1), repeat=len(leaves)):
            found = [
                Condition(leaf.form, frozenset({sign}))
                for leaf, sign in zip(leaves, signs, strict=True)
            ]
            if any(signs) and closure.meets([*face, *found]):
                yield frozenset(leaf for leaf, sign in zip(leaves, signs, strict=True) if sign)

    def _closure(self) -> Cell:
        """The cell with its faces; conditions on exponents stay what they are."""
        limits = [
            Condition(sign * log_of(parameter), frozenset({0, 1}))
            for parameter, sign in self.parameters.items()
            if sign
        ]
        weak = [
            condition.with_signs(condition.signs | {0}) if condition.order else condition
            for condition in self.conditions
        ]
        return Cell(dict.fromkeys(self.parameters, 0), (*weak, *limits), self.values)

    def _ask_what_would_help(self, order: Monomial) -> None:
        """Split the cell by how the logarithms that stand above compare with what is below."""
        above: set[Monomial] = set()
        below = {order.without_logs**-1} if order.powers else set()
        for base, exponent in order.logs:
            (above if self.trichotomy(exponent) > 0 else below).update(_leaves(base))
        for first, second in product(sorted(above, key=str), sorted(below, key=str)):
            ratio = (first / second).substitute(self.values)
            if ratio != ONE:
                self.along_power_laws(first, second)


def _leaves(base: Monomial) -> set[Monomial]:
    """The products of powers inside an order whose logarithm is taken."""
    if base.powers:
        return {base.without_logs}
    return set().union(*[_leaves(inner) for inner, _ in base.logs])
