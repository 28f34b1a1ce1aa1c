"""The axioms: what the proofs take from analysis, with the reason it is not proved here.

They speak of x^y for a real exponent y and a base x > 0, the function exp(y ln x). The kernel has
no limits, in which x^y is defined; these four facts replace them. Whatever follows from them is
proved in :mod:`qtheory.proof.real_powers`: x^1 = x, x^0 = 1, x^y > 0, monotonicity, and Bernoulli's
inequality for the other exponents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import z3


@dataclass(frozen=True)
class Axiom:
    """A formula that holds for all values of its variables, and why it is not proved."""

    _formula: z3.BoolRef
    reason: str

    @property
    def formula(self) -> z3.BoolRef:
        """The formula, as a reference of its own: z3 lets anyone change one in place."""
        return z3.BoolRef(self._formula.ast, self._formula.ctx)


#: What the axioms speak of in general; the kernel takes their names for variables from the start.
VARIABLES = _base, _other_base, _exponent, _other_exponent = z3.Reals(
    "base other_base exponent other_exponent"
)

#: x^y for x > 0; nothing is said of other bases. The kernel takes the name for defined from the
#: start, so that no definition, under whatever name, is one of real_power.
real_power: z3.FuncDeclRef = z3.Function("real_power", z3.RealSort(), z3.RealSort(), z3.RealSort())


_AXIOMS = {
    "power to a sum": Axiom(
        z3.Implies(
            _base > 0,
            real_power(_base, _exponent + _other_exponent)
            == real_power(_base, _exponent) * real_power(_base, _other_exponent),
        ),
        "x^(y + z) = x^y x^z: the functional equation of exp, which is defined by a limit",
    ),
    "power of a product": Axiom(
        z3.Implies(
            z3.And(_base > 0, _other_base > 0),
            real_power(_base * _other_base, _exponent)
            == real_power(_base, _exponent) * real_power(_other_base, _exponent),
        ),
        "(u v)^y = u^y v^y: the functional equation of ln; v as a power of u is a limit",
    ),
    "power of a power": Axiom(
        z3.Implies(
            _base > 0,
            real_power(real_power(_base, _exponent), _other_exponent)
            == real_power(_base, _exponent * _other_exponent),
        ),
        "(x^y)^z = x^(y z): ln is the inverse of exp; from the other three only by a limit",
    ),
    "Bernoulli": Axiom(
        z3.Implies(
            z3.And(_base > 0, _exponent >= 1),
            real_power(_base, _exponent) >= 1 + _exponent * (_base - 1),
        ),
        "Bernoulli's inequality for a real exponent: convexity of x^y, which needs its derivative",
    ),
}

#: Every axiom by its name.
AXIOMS: Mapping[str, Axiom] = MappingProxyType(_AXIOMS)
