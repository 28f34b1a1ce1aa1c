"""The theorems as sequents for the kernel: one source for what is shown, evaluated and proved.

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
    lemma,
    parameter,
    sequence,
    variable,
)
from qtheory.proof.powers import power
from qtheory.proof.sums import total
from qtheory.theory import notation
from qtheory.theory.definitions import QUANTIZED
from qtheory.theory.theorem import Theorem

#: The generic coordinate, and the dimension.
coordinate = variable("i", INT)
dimension = parameter("d", INT)
_inside = z3.And(coordinate >= 0, coordinate < dimension)

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

#: The kernel's words for the parameters of the model.
PARAMETERS: Mapping[sp.Basic, z3.ExprRef] = MappingProxyType({**_SCALARS, **_SEQUENCES})


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
        z3.Implies(_inside, z3.And(spectrum[coordinate] >= 0, spectrum[coordinate] + level > 0)),
        coordinate,
        meaning="lambda_i >= 0, and lambda^q_i > 0",
    )
    return found


#: The standing assumptions of section 1: signs of the parameters, by their name.
STANDING = _standing()

# Definitions that theorems share are one symbol of the kernel: by what they say.
_defined: dict[Any, Function] = {}
_summands: dict[Any, Function] = {}


# What a sum over the coordinates has for limits; the kernel's language has no others.
_ALL = notation.over_coordinates(sp.S.One).limits


class Vocabulary:
    """Definitions in the kernel's language; ``self[symbol]`` is the term for a SymPy symbol.

    ``meanings`` gives the terms of symbols that the definitions take from elsewhere.
    """

    def __init__(
        self, definitions: Sequence[sp.Eq], meanings: Mapping[sp.Basic, Any] | None = None
    ) -> None:
        self._terms: dict[sp.Basic, Any] = {**_SCALARS, **_SEQUENCES, **(meanings or {})}
        self._equations = {_symbol(equation): equation for equation in definitions}
        self._definitions: dict[sp.Basic, Function] = {}
        for symbol, equation in self._equations.items():
            self._define(symbol, equation)

    def __getitem__(self, symbol: sp.Basic) -> Any:
        """The term for a symbol; for a quantity per coordinate the sequence."""
        return self._terms[symbol]

    def unfold(self, *symbols: sp.Basic, at: Any = None) -> list[Proof]:
        """The definitions of these symbols (of the entry ``at``, for a quantity per coordinate)."""
        found = []
        for symbol in symbols:
            function = self._definitions[symbol]
            found.append(function.at(at) if isinstance(symbol, sp.IndexedBase) else function.at())
        return found

    def summands(self, symbol: sp.Basic) -> list[Function]:
        """The sequences that the sums in a definition run over, in the order they are written."""
        rhs = self._equations[symbol].rhs
        return [self._summand(s) for s in sp.preorder_traversal(rhs) if isinstance(s, sp.Sum)]

    def _define(self, symbol: sp.Basic, equation: sp.Eq) -> None:
        if symbol in self._terms:  # its meaning is given
            return
        body = _real(self.term(equation.rhs))
        if (symbol, body) not in _defined:
            per_coordinate = isinstance(equation.lhs, sp.Indexed)
            _defined[symbol, body] = (
                sequence(str(symbol), [], coordinate, body)
                if per_coordinate
                else define(str(symbol), [], body)
            )
        self._definitions[symbol] = _defined[symbol, body]
        self._terms[symbol] = _defined[symbol, body]()

    def _summand(self, sum_: sp.Sum) -> Function:
        if sum_.limits != _ALL:
            raise ProofError(f"{sum_} is not over all coordinates")
        body = _real(self.term(sum_.function))
        if body not in _summands:
            _summands[body] = sequence(f"[{sum_.function}]", [], coordinate, body)
        return _summands[body]

    def term(self, expression: sp.Basic) -> Any:
        """A SymPy expression or relation as a term of the kernel."""
        e = expression
        if e in self._terms:
            return self._terms[e]
        if e == notation.i:
            return coordinate + 1  # coordinates are counted from 0 here
        if isinstance(e, sp.Indexed):
            (index,) = e.indices
            if index != notation.i:
                raise ProofError(f"{e} is not a quantity of one coordinate")
            return self._terms[e.base][coordinate]
        if isinstance(e, sp.Rational):
            return z3.RealVal(str(e))
        if isinstance(e, sp.Sum):
            return total(self._summand(e)(), dimension)
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


class Formal(Vocabulary):
    """A theorem as a sequent: its statement, and its hypotheses as assumptions of the kernel."""

    def __init__(
        self,
        theorem: Theorem,
        meanings: Mapping[sp.Basic, Any] | None = None,
        given: z3.BoolRef | None = None,
    ) -> None:
        """``given`` is the range of the variables of a statement that has some."""
        super().__init__(theorem.definitions, meanings)
        self.theorem = theorem
        statement = self.term(theorem.statement)
        self.statement = statement if given is None else z3.Implies(given, statement)
        self.hypotheses = [assumed(h.relation, self) for h in theorem.hypotheses]


_OPERATIONS: dict[type, Any] = {
    sp.Add: lambda a, b: a + b,
    sp.Mul: lambda a, b: a * b,
    sp.Eq: lambda a, b: a == b,
    sp.Le: lambda a, b: a <= b,
    sp.Lt: lambda a, b: a < b,
    sp.Ge: lambda a, b: a >= b,
    sp.Gt: lambda a, b: a > b,
}


def _symbol(equation: sp.Eq) -> sp.Basic:
    """The symbol that a definition is for."""
    return equation.lhs.base if isinstance(equation.lhs, sp.Indexed) else equation.lhs


_assumptions: dict[Any, Proof] = {}


def assumed(relation: sp.Basic, words: Vocabulary | None = None) -> Proof:
    """A hypothesis of theorems, for every coordinate if it speaks of one.

    One per formula, so that lemmas proved for several theorems fit together.
    """
    formula = (words or Vocabulary(QUANTIZED)).term(relation)
    generic = (coordinate,) if relation.has(notation.i) else ()
    if generic:
        formula = z3.Implies(_inside, formula)
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


def established(formal: Formal, *premises: Proof) -> Proof:
    """The theorem itself from the last lemmas: its statement, under its hypotheses alone."""
    proof = lemma(formal.statement, *premises, name=formal.theorem.label)
    allowed = {
        hypothesis
        for assumed in (*STANDING.values(), *formal.hypotheses)
        for hypothesis in assumed.hypotheses
    }
    extra = proof.hypotheses - allowed
    if extra:
        raise ProofError(
            f"{formal.theorem.label} does not assume {', '.join(h.meaning for h in extra)}"
        )
    return proof
