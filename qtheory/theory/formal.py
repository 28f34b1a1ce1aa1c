"""The language of the theorems in the kernel: one source for what is shown, evaluated and proved.

Coordinates are counted from 0 here, 0 <= i < d; the formulas are those of the theorem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import reduce
from types import MappingProxyType
from typing import Any

import sympy as sp
import z3

from qtheory.errors import ProofError
from qtheory.proof.kernel import (
    INT,
    SEQUENCE,
    Function,
    Proof,
    assume,
    define,
    parameter,
    sequence,
    variable,
)
from qtheory.proof.powers import power
from qtheory.proof.sums import total
from qtheory.theory import notation
from qtheory.theory.definitions import QUANTIZED
from qtheory.theory.recursion import j
from qtheory.theory.theorem import Theorem

#: The generic coordinate, another one, a number of steps, and the dimension.
coordinate, other_coordinate = variable("i", INT), variable("j", INT)
time = variable("t", INT)
dimension = parameter("d", INT)
#: What is said of "every coordinate".
inside = z3.And(coordinate >= 0, coordinate < dimension)

_SCALARS: dict[sp.Basic, z3.ExprRef] = {
    notation.N: parameter("N", INT),
    notation.B: parameter("B", INT),
    notation.d: dimension,
    notation.gamma: parameter("gamma"),
    notation.sigma2: parameter("sigma^2"),
    **{
        symbol: parameter(symbol.name)
        for part in (notation.additive, notation.multiplicative, notation.shared)
        for symbol in part.values()
    },
}
_SEQUENCES: dict[sp.Basic, z3.ExprRef] = {
    base: parameter(base.name, SEQUENCE) for base in (notation.lam, notation.w_star)
}

# Of these no theorem on Gaussian data speaks: what is known of them is assumed with the law.
_OF_LAWS: dict[sp.Basic, z3.ExprRef] = {
    symbol: parameter(symbol.name) for symbol in (notation.alpha_0, notation.beta_0)
}

#: The kernel's words for the parameters of the model.
PARAMETERS: Mapping[sp.Basic, z3.ExprRef] = MappingProxyType({**_SCALARS, **_SEQUENCES, **_OF_LAWS})


def _standing() -> dict[str, Proof]:
    """What the model says of its parameters, whatever the theorem."""
    found = {}
    for symbol, term in _SCALARS.items():
        if symbol.is_integer:
            found[symbol.name] = assume(term >= 1, meaning=f"{symbol.name} >= 1")
        elif symbol.is_positive:
            found[symbol.name] = assume(term > 0, meaning=f"{symbol.name} > 0")
        else:
            found[symbol.name] = assume(term >= 0, meaning=f"{symbol.name} >= 0")
    for target, part in notation.shared.items():
        whole = notation.multiplicative[target]
        found[f"{part.name} in {whole.name}"] = assume(
            _SCALARS[part] <= _SCALARS[whole], meaning=f"{part.name} <= {whole.name}"
        )
    spectrum = _SEQUENCES[notation.lam]
    # lambda^q = (1 + eps^m) lambda + eps^a > 0 is where w^q is defined.
    level = _SCALARS[notation.additive["data"]]
    found["spectrum"] = assume(
        z3.Implies(inside, z3.And(spectrum[coordinate] >= 0, spectrum[coordinate] + level > 0)),
        coordinate,
        meaning="lambda_i >= 0, and lambda^q_i > 0",
    )
    return found


#: The standing assumptions of section 1: signs of the parameters, by their name.
STANDING: Mapping[str, Proof] = MappingProxyType(_standing())

# Definitions that theorems share are one symbol of the kernel: by what they say.
_defined: dict[Any, Function] = {}
_summands: dict[Any, Function] = {}


def defined_functions() -> tuple[Function, ...]:
    """The symbols of the kernel that were made from definitions of theorems."""
    return (*_defined.values(), *_summands.values())


# The indices that formulas have, and every variable that a definition may depend on.
_INDICES = {notation.i: coordinate, j: other_coordinate}
_VARIABLES = (time, coordinate, other_coordinate)


class Vocabulary:
    """Definitions in the kernel's language; ``self[symbol]`` is the term for a SymPy symbol.

    ``meanings`` gives the terms of symbols that the definitions take from elsewhere. A symbol that
    they define, or a parameter of the model, has no other meaning: ProofError.
    """

    def __init__(
        self, definitions: Sequence[sp.Eq], meanings: Mapping[sp.Basic, Any] | None = None
    ) -> None:
        self._equations = {symbol_of(equation.lhs): equation for equation in definitions}
        if len(self._equations) != len(definitions):
            raise ProofError(f"a symbol is defined twice in {', '.join(map(str, definitions))}")
        self._terms: dict[sp.Basic, Any] = dict(PARAMETERS)
        for symbol, term in (meanings or {}).items():
            if symbol_of(symbol) in self._equations or symbol_of(symbol) in self._terms:
                raise ProofError(f"{symbol} is defined, it has no other meaning, as {term}")
            self._terms[symbol] = term
        self._definitions: dict[sp.Basic, tuple[Function, list[Any]]] = {}
        for symbol, equation in self._equations.items():
            self._define(symbol, equation)

    def __getitem__(self, symbol: sp.Basic) -> Any:
        """The term for a symbol; for a quantity per coordinate the sequence."""
        return self._terms[symbol]

    def unfold(self, *symbols: sp.Basic, at: Any = None) -> list[Proof]:
        """The definitions of these symbols (of the entry ``at``, for a quantity per coordinate)."""
        found = []
        for symbol in symbols:
            function, arguments = self._definitions[symbol]
            entry = [at] if isinstance(symbol, sp.IndexedBase) else []
            found.append(function.at(*arguments, *entry))
        return found

    def summands(self, symbol: sp.Basic) -> list[Function]:
        """The sequences that the sums in a definition run over, in the order they are written."""
        rhs = self._equations[symbol].rhs
        return [self._summand(s)[0] for s in sp.preorder_traversal(rhs) if isinstance(s, sp.Sum)]

    def _define(self, symbol: sp.Basic, equation: sp.Eq) -> None:
        if symbol in self._terms:
            raise ProofError(f"{symbol} is a parameter of the model and cannot be defined")
        body = _real(self.term(equation.rhs))
        *fixed, index = self._places(equation.lhs) if equation.lhs is not symbol else (None,)
        arguments = [each for each in (time, *fixed) if _occurs(each, body)]
        if (equation.lhs, body) not in _defined:
            _defined[equation.lhs, body] = (
                define(str(symbol), arguments, body)
                if index is None
                else sequence(str(symbol), arguments, index, body)
            )
        function = _defined[equation.lhs, body]
        self._definitions[symbol] = function, arguments
        self._terms[symbol] = function(*arguments)

    def _summand(self, sum_: sp.Sum) -> tuple[Function, list[Any]]:
        """What is summed as a sequence, and the variables that it depends on beside its index."""
        limits = sum_.limits
        if len(limits) != 1 or limits[0][0] not in _INDICES or limits[0][1:] != (1, notation.d):
            raise ProofError(f"{sum_} is not over all coordinates")
        index = _INDICES[limits[0][0]]
        body = _real(self.term(sum_.function))
        others = [each for each in _VARIABLES if not each.eq(index) and _occurs(each, body)]
        if (index, body) not in _summands:
            _summands[index, body] = sequence(f"[{sum_.function}]", others, index, body)
        return _summands[index, body], others

    def _places(self, entry: sp.Indexed) -> list[Any]:
        """The variables that are the indices of an entry."""
        if not all(index in _INDICES for index in entry.indices):
            raise ProofError(f"{entry} is not a quantity of one coordinate")
        return [_INDICES[index] for index in entry.indices]

    def _entry(self, entry: sp.Indexed) -> Any:
        """An entry of a sequence, or of a table: one of its rows is a sequence."""
        *fixed, index = self._places(entry)
        defined = self._equations.get(entry.base)
        if fixed and (defined is None or entry.indices[:-1] != defined.lhs.indices[:-1]):
            raise ProofError(f"{entry} is not the entry that is defined")
        if entry.base not in self._terms:
            raise ProofError(f"{entry} is not defined, and has no meaning")
        return self._terms[entry.base][index]

    def term(self, expression: sp.Basic) -> Any:
        """A SymPy expression or relation as a term of the kernel."""
        e = expression
        if e in self._terms:
            return self._terms[e]
        if e in _INDICES:
            return _INDICES[e] + 1  # coordinates are counted from 0 here
        if isinstance(e, sp.Indexed):
            return self._entry(e)
        if isinstance(e, sp.Rational):
            return z3.RealVal(str(e))
        if isinstance(e, sp.Sum):
            summand, others = self._summand(e)
            return total(summand(*others), dimension)
        if isinstance(e, sp.Pow):
            return self._power(*e.as_base_exp()) if e.exp.is_negative else self._power(*e.args)
        if isinstance(e, sp.Min):
            return reduce(lambda a, b: z3.If(a <= b, a, b), map(self._number, e.args))
        if isinstance(e, sp.Piecewise):
            value = None
            for branch, condition in reversed(e.args):
                number = self._number(branch)
                value = number if value is None else z3.If(self.term(condition), number, value)
            return value
        if e in (sp.true, sp.false):
            return z3.BoolVal(bool(e))
        operation = _OPERATIONS.get(type(e))
        if operation is None:
            raise ProofError(f"the kernel's language has no word for {e!r}")
        return reduce(operation, map(self._number, e.args))

    def _number(self, expression: sp.Expr) -> z3.ArithRef:
        return _real(self.term(expression))

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> z3.ArithRef:
        if exponent.is_Integer:
            if exponent < 0:
                return 1 / self._power(base, -exponent)
            return reduce(lambda a, b: a * b, [self._number(base)] * int(exponent))
        term = self.term(exponent)
        if term.sort() != INT:
            raise ProofError(f"no natural power: {base}**({exponent})")
        return power(self._number(base), term)


_OPERATIONS: dict[type, Any] = {
    sp.Add: lambda a, b: a + b,
    sp.Mul: lambda a, b: a * b,
    sp.Eq: lambda a, b: a == b,
    sp.Le: lambda a, b: a <= b,
    sp.Lt: lambda a, b: a < b,
    sp.Ge: lambda a, b: a >= b,
    sp.Gt: lambda a, b: a > b,
}


def symbol_of(left: sp.Basic) -> sp.Basic:
    """The symbol that an equation with this left side is for."""
    return left.base if isinstance(left, sp.Indexed) else left


def _occurs(variable: z3.ExprRef, term: z3.ExprRef) -> bool:
    return not z3.substitute(term, (variable, variable + 1)).eq(term)


_assumptions: dict[Any, Proof] = {}


def assumed(relation: sp.Basic, words: Vocabulary | None = None) -> Proof:
    """A hypothesis of theorems, for every coordinate if it speaks of one.

    One per formula, so that lemmas proved for several theorems fit together.
    """
    formula = (words or Vocabulary(QUANTIZED)).term(relation)
    generic = (coordinate,) if relation.has(notation.i) else ()
    if generic:
        formula = z3.Implies(inside, formula)
    if formula not in _assumptions:
        _assumptions[formula] = assume(formula, *generic, meaning=str(relation))
    return _assumptions[formula]


def _real(term: Any) -> z3.ArithRef:
    return z3.ToReal(term) if term.sort() == INT else term


# --- statements --------------------------------------------------------------------------------

_stated: ContextVar[Mapping[str, Theorem]] = ContextVar("_stated", default=MappingProxyType({}))


@contextmanager
def stating(theorem: Theorem) -> Iterator[None]:
    """Within, proofs are asked for this theorem in place of the one with its name."""
    token = _stated.set({**_stated.get(), theorem.name: theorem})
    try:
        yield
    finally:
        _stated.reset(token)


def stated(name: str) -> Theorem:
    """The theorem that a proof is to prove: the one in ``qtheory.theorems``."""
    from qtheory.theory import theorems

    return _stated.get().get(name, theorems[name])
