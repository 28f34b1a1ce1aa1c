"""The order of one term, and which terms have the order of the whole bound."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.latex import latex_of, words
from qtheory.orders.compact import Compact
from qtheory.orders.display import UNKNOWN, cases_latex, premises, under_premises, where
from qtheory.orders.monomial import Monomial
from qtheory.orders.regimes import Regime, piecewise
from qtheory.orders.symbols import symbol_named

if TYPE_CHECKING:
    from qtheory.asymptotics.derivation import RateDerivation, RateTightness


@dataclass(frozen=True)
class Rate:
    """The order of one term; no regimes if the term is zero.

    Attributes
    ----------
    assumptions, fixed
        What it is derived under: relations, and the symbols that are held fixed.
    """

    name: str
    regimes: tuple[Regime, ...]
    assumptions: tuple[sp.Basic, ...] = ()
    fixed: tuple[sp.Symbol, ...] = ()
    derivation: RateDerivation | None = field(default=None, repr=False, compare=False)

    @property
    def order(self) -> sp.Expr:
        """The order up to constants; a Piecewise if there are several regimes."""
        if not self.regimes:
            return sp.S.Zero
        return piecewise(self.regimes, [regime.order for regime in self.regimes])

    @property
    def exact_order(self) -> sp.Expr:
        """The order with 1 + log(m) in place of log(m), which also holds for small parameters."""
        if not self.regimes:
            return sp.S.Zero
        return piecewise(self.regimes, [regime.exact_order for regime in self.regimes])

    @property
    def compact(self) -> Compact | None:
        """The order as one expression in named scales; None where none is found, or for zero."""
        if self.derivation is None or not self.regimes:
            return None
        return self.derivation.compact(self.name)

    @property
    def tightness(self) -> RateTightness | None:
        """How the term compares with its counterpart in T5; None for zero."""
        if self.derivation is None or not self.regimes:
            return None
        return self.derivation.tightness(self.name)

    @property
    def lower(self) -> Rate:
        """The order of the counterpart in the lower bound T5; no regimes where it has none."""
        found = self.tightness
        regimes = () if found is None else found.lower
        return Rate(self.name, regimes, self.assumptions, self.fixed)

    @property
    def is_tight(self) -> bool | None:
        """True if the term has the order of its counterpart in T5 wherever T4 applies.

        False if somewhere it is known to be of a larger order than the risk, None if neither is
        known; ``tightness`` says why. A term that is zero is tight.
        """
        found = self.tightness
        return True if found is None else found.is_tight

    def exponent(self, parameter: sp.Symbol) -> sp.Expr:
        """The exponent of a parameter, such as N; logarithms do not count.

        Raises
        ------
        InvalidArgumentError
            If the term is zero.
        """
        if not self.regimes:
            raise InvalidArgumentError("term", self.name, "one that is not zero")
        symbol = symbol_named(parameter, "parameter")
        return piecewise(self.regimes, [regime.exponent(symbol) for regime in self.regimes])

    def latex(self) -> str:
        """The order as LaTeX, with its conditions and what is assumed."""
        if not self.regimes:
            return "0"
        text = cases_latex(
            [
                (latex_of(r.order), r.conditions, "" if r.occurs else words(UNKNOWN))
                for r in self.regimes
            ]
        )
        return under_premises(text, self.assumptions, self.fixed)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def __str__(self) -> str:
        lines = []
        for regime in self.regimes:
            condition = where(regime.conditions, regime.occurs)
            lines.append(f"{regime.order}" + (f"   if {condition}" if condition else ""))
        given = premises(self.assumptions, self.fixed)
        return "\n".join([*lines, *([given] if given else [])]) if lines else "0"


@dataclass(frozen=True)
class Domination:
    """Which terms have the order of the whole bound, where some conditions hold.

    ``occurs`` is None where it is not known whether any point meets them.
    """

    conditions: tuple[sp.Basic, ...]
    terms: tuple[str, ...]
    orders: tuple[Monomial, ...]
    occurs: bool | None = True

    @property
    def order(self) -> sp.Expr:
        """The order of the bound there."""
        return sp.Add(*[order.expression for order in self.orders])
