"""Claims about an instance: relations, text or Python functions, decided in balls."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp
from sympy.logic.boolalg import BooleanAtom

from qtheory.errors import InvalidArgumentError, one_of
from qtheory.model import SGD, TARGETS, Problem, Quantization
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.certified_number import CertifiedNumber
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.grammar import parse_relation
from qtheory.risk import Risk, excess_risk
from qtheory.theory import Bound, Theorem, definitions, lower_bound, notation, theorems, upper_bound
from qtheory.theory.lower import floor

_BITS_PER_DIGIT = math.log2(10)
_GUARD_BITS = 64

_ERRORS = {"additive": notation.additive, "multiplicative": notation.multiplicative}
#: What a claim written as text may speak of: name -> (symbol, meaning).
NAMES: Mapping[str, tuple[sp.Symbol, str]] = {
    "risk": (definitions.risk, "E R(w), the exact excess risk"),
    "quantized_risk": (definitions.risk_q, "E R^q(w), the exact risk on quantized data"),
    "floor": (floor, "F, the risk that no number of steps goes below"),
    "approximation": (definitions.A, "A of the theorem"),
    "bias": (definitions.bias, "the bias term of the theorem"),
    "variance": (definitions.variance, "the variance term of the theorem"),
    "effective_dimension": (definitions.D_N, "D_N"),
    "trace": (definitions.tr, "the trace of H^q"),
    "s2": (definitions.s2, "s^2, the noise variance of the theorem"),
    "alpha": (definitions.alpha, "alpha, the feedback of the theorem"),
    "theta": (definitions.theta, "theta, below 1 in the theorem"),
    "N": (notation.N, "steps"),
    "B": (notation.B, "batch size"),
    "d": (notation.d, "dimension"),
    "gamma": (notation.gamma, "stepsize"),
    "noise": (notation.sigma2, "sigma^2, the label noise"),
    **{
        f"{target}_{kind}": (symbols[target], f"{kind} error of the {target}")
        for kind, symbols in _ERRORS.items()
        for target in TARGETS
    },
}
_EXACT = {definitions.risk, definitions.risk_q, floor}
_GIVEN = {notation.N, notation.B, notation.d, notation.gamma, notation.sigma2}
_GIVEN |= {symbol for symbols in _ERRORS.values() for symbol in symbols.values()}


@dataclass(frozen=True)
class ClaimInstance:
    """What a claim that is a Python function gets: a run, and its numbers as ``flint.arb`` balls.

    Parameters
    ----------
    problem, quantization, sgd
        The run.
    digits
        The certified digits of the numbers.
    """

    problem: Problem
    quantization: Quantization
    sgd: SGD
    digits: int

    @cached_property
    def risk(self) -> Risk:
        """The exact risk with its parts, as from :func:`qtheory.excess_risk`."""
        return excess_risk(*self._run, digits=self.digits)

    @cached_property
    def upper_bound(self) -> Bound:
        """The smallest proved upper bound; outside its hypotheses the instance is left out."""
        return upper_bound(*self._run, digits=self.digits)

    @cached_property
    def lower_bound(self) -> Bound:
        """The proved lower bound; outside its hypotheses the instance is left out."""
        return lower_bound(*self._run, digits=self.digits)

    @property
    def _run(self) -> Run:
        return Run(self.problem, self.quantization, self.sgd)


@dataclass(frozen=True)
class Sides:
    """A claim ``left <= right`` (or <, or ==) at one instance, in balls."""

    left: flint.arb
    operator: str
    right: flint.arb

    @property
    def holds(self) -> bool | None:
        """Whether it holds, None where the balls do not tell."""
        left, right = self.left, self.right
        match self.operator:
            case "<=":
                return True if left <= right else False if left > right else None
            case "<":
                return True if left < right else False if left >= right else None
        if not left.overlaps(right):
            return False
        return True if left.is_exact() and right.is_exact() else None

    @property
    def ratio(self) -> float:
        """left / right, how close a claim came to fail: 1 where it does."""
        right = float(self.right)
        return float(self.left) / right if right > 0 else -math.inf


@dataclass(frozen=True)
class Claim:
    """A statement that can be decided at one instance.

    Parameters
    ----------
    text
        How it is written.
    at
        Its two sides at a run in so many digits, or a plain truth value. HypothesisError leaves the
        run out.
    average_only
        Whether it speaks of terms that only the iterate average has.
    """

    text: str
    at: Callable[[Run, int], Sides | bool]
    average_only: bool


def claim_of(claim: Any, theorem: str = "upper_bound") -> Claim:
    """A claim from a relation, a text or a function; see :func:`qtheory.falsify`."""
    meant = theorems[theorems.names_of(theorem, argument="theorem")[0]]
    if isinstance(claim, str):
        return _of_relation(_parsed(claim), meant, claim)
    if isinstance(claim, sp.core.relational.Relational):
        return _of_relation(claim, meant, str(claim))
    if callable(claim):
        return _of_function(claim)
    allowed = "a function of an instance, a SymPy relation, or text such as 'risk <= 2*bias'"
    raise InvalidArgumentError("claim", claim, allowed)


def _parsed(text: str) -> sp.Basic:
    relation = parse_relation(text, {name: symbol for name, (symbol, _) in NAMES.items()}, "claim")
    known = {symbol for symbol, _ in NAMES.values()}
    for symbol in relation.free_symbols - known:
        raise InvalidArgumentError("claim", symbol.name, one_of(symbol.name, NAMES))
    return relation


def _of_relation(relation: Any, theorem: Theorem, text: str) -> Claim:
    operators = {sp.Le: "<=", sp.Lt: "<", sp.Eq: "==", sp.Ge: "<=", sp.Gt: "<"}
    if type(relation) not in operators:
        raise InvalidArgumentError("claim", text, "a relation with <=, <, >=, > or ==")
    operator, (left, right) = operators[type(relation)], relation.args
    if isinstance(relation, sp.Ge | sp.Gt):
        left, right = right, left
    symbols = relation.free_symbols
    needs_theorem = bool(symbols - _EXACT - _GIVEN)

    def at(run: Run, digits: int) -> Sides:
        if needs_theorem:
            theorem.require(run)
        arithmetic = Balls(bits=math.ceil(digits * _BITS_PER_DIGIT) + _GUARD_BITS)
        with arithmetic.working():
            instance = instantiate(run, arithmetic)
            values = theorem.values(instance)
            values[notation.d] = arithmetic.number(int(run.problem.dim))
            if symbols & _EXACT:
                exact = excess_risk(*run, digits=digits)
                values[definitions.risk] = exact.total
                values[definitions.risk_q] = exact.quantized_risk
                values[floor] = exact.floor
            sides: list[Any] = [evaluate(side, values, arithmetic) for side in (left, right)]
        return Sides(CertifiedNumber(sides[0], digits), operator, CertifiedNumber(sides[1], digits))

    return Claim(text, at, average_only=needs_theorem)


def _of_function(function: Callable[[ClaimInstance], Any]) -> Claim:
    name = getattr(function, "__name__", repr(function))

    def at(run: Run, digits: int) -> Sides | bool:
        instance = ClaimInstance(*run, digits)
        found = function(instance)
        if isinstance(found, tuple) and len(found) == 2:
            left, right = (CertifiedNumber.of(side, digits) for side in found)
            if left is not None and right is not None:
                return Sides(left, "<=", right)
        if isinstance(found, bool | int | np.bool_ | BooleanAtom):
            return bool(found)
        allowed = (
            "a function that returns a truth value, or the pair (left, right) of left <= right"
        )
        raise InvalidArgumentError("claim", found, allowed)

    return Claim(name, at, average_only=False)
