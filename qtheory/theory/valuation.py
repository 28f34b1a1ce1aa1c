"""The numbers that a theorem's symbols stand for in an instance."""

from __future__ import annotations

from typing import Any

import sympy as sp

from qtheory.model.instance import Instance
from qtheory.numbers.arithmetic import Array, Scalar
from qtheory.numbers.evaluate import evaluate
from qtheory.theory.notation import symbol_values


class Valuation(dict[sp.Basic, Any]):
    """Values of symbols by their definitions, each evaluated when its symbol is first needed."""

    def __init__(self, definitions: tuple[sp.Eq, ...], instance: Instance) -> None:
        super().__init__(symbol_values(instance))
        self._arithmetic = instance.arithmetic
        self._definitions = {_defined(item): item.rhs for item in definitions}

    def __missing__(self, symbol: sp.Basic) -> Scalar | Array:
        self[symbol] = value = evaluate(self._definitions[symbol], self, self._arithmetic)
        return value


def _defined(definition: sp.Eq) -> sp.Basic:
    """The symbol a definition is for: a quantity per coordinate is stored under its base."""
    return definition.lhs.base if isinstance(definition.lhs, sp.Indexed) else definition.lhs
