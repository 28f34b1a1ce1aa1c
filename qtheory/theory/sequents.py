"""The theorems as sequents for the kernel, and what a proof must be to count as theirs.

A statement, its definitions and its hypotheses are translated here, by the package; a proof file
gives neither definitions nor meanings of its own. What no theorem defines is in ``MEANINGS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sympy as sp
import z3

from qtheory.errors import ProofError
from qtheory.proof.kernel import SEQUENCE, Function, Proof, is_proof, lemma, parameter
from qtheory.proof.text import one_line
from qtheory.theory import decomposition, laws, moments, notation, recursion, sketch, upper
from qtheory.theory.definitions import risk, risk_q
from qtheory.theory.formal import (
    PARAMETERS,
    STANDING,
    Vocabulary,
    assumed,
    defined_functions,
    inside,
    symbol_of,
    time,
)
from qtheory.theory.recursion import j, step
from qtheory.theory.theorem import Theorem


@dataclass(frozen=True, eq=False)
class Meaning:
    """What symbols that a theorem leaves undefined stand for.

    Attributes
    ----------
    terms
        The kernel's terms for them, made by the package (:mod:`qtheory.theory.moments`).
    says
        The same in words.
    tie
        What makes it a statement about SGD: names of proofs and of lists of identities in
        ``proofs/update.py``.
    standing
        How that is known.
    """

    terms: Mapping[sp.Basic, Any]
    says: str
    tie: tuple[str, ...]
    standing: str

    def as_json(self) -> dict[str, Any]:
        """What ``qtheory prove --json`` writes of it."""
        return {"says": self.says, "tie": list(self.tie), "standing": self.standing}


def _at_steps(
    symbol: sp.IndexedBase, value: Callable[[Any, Any], z3.ArithRef]
) -> Mapping[sp.Basic, Any]:
    """An entry after t and after t + 1 steps, and that of another coordinate."""
    i, k = moments.i, moments.j
    return MappingProxyType(
        {
            symbol[step, notation.i]: value(i, time),
            symbol[step, j]: value(k, time),
            symbol[step + 1, notation.i]: value(i, time + 1),
        }
    )


_sum = moments.S  # of lambda^q_i E (w_i - w^q_i)^2
_DERIVED = (
    "one step is proved for every d and B, by identities of polynomials and sums of the kernel; "
    "in words is what proofs/update.py lists (ARGUED)"
)

#: What every symbol stands for that theorems use and do not define. There is no other list.
MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        MappingProxyType(
            {
                decomposition.first: parameter("E w", SEQUENCE),
                decomposition.second: parameter("E w^2", SEQUENCE),
            }
        ),
        "in T1, m_i and v_i are E w_i and E w_i^2 of a random w: any two sequences",
        (),
        "T1 holds for any; that E R(w) is this sum is linearity of expectation",
    ),
    Meaning(
        _at_steps(recursion.first, lambda k, t: moments.m(k, t)),
        "in T2, m_{t,i} is E w_i after t steps from w_0 = 0",
        ("following_mean",),
        _DERIVED,
    ),
    Meaning(
        _at_steps(recursion.second, lambda k, t: moments.v(t)[k]),
        "in T2, v_{t,i} is E w_i^2 after t steps from w_0 = 0",
        ("following",),
        _DERIVED,
    ),
    Meaning(
        _at_steps(upper.c, lambda k, t: moments.c(t)[k]),
        "in T3, c_{t,i} is Var w_i = v_{t,i} - m_{t,i}^2 after t steps",
        ("following_mean", "following"),
        _DERIVED,
    ),
    Meaning(
        MappingProxyType({upper.S[step]: _sum(time)}),
        "in T3, S_t is sum_i lambda^q_i E (w_i - w^q_i)^2 after t steps",
        ("following_mean", "following"),
        _DERIVED,
    ),
    Meaning(
        MappingProxyType({symbol: moments.averaged[symbol] for symbol in (risk, risk_q)}),
        "in T4, T4' and T5, E[R(w)] and E[R^q(w)] are those of T1 at w = (w_0 + ... + w_{N-1})/N",
        ("following_mean", "following", "running", "after_s"),
        f"{_DERIVED}; so are E s, E s w and E s^2 of the sums s of iterates",
    ),
    Meaning(
        MappingProxyType(
            {
                sketch.energy: moments.energy,
                notation.label_noise: parameter("sigma_0^2"),
            }
        ),
        "in a sketch, lambda, w^*, d and sigma^2 of the model are those of the problem on the "
        "features, lambda^S, v^* in its eigenbasis, M and its noise; E <w^*, x>^2 and sigma_0^2 "
        "are those of the data",
        (),
        "proofs/sketched_risk.py: what the features miss has the variance perp and is uncorrelated "
        "with each of them (proved); Gaussian variables that are uncorrelated are independent "
        "(taken from probability theory)",
    ),
    Meaning(
        MappingProxyType({sketch.risk_on_features: moments.in_sketch[sketch.risk_on_features]}),
        "in T4, T4' and T5 in a sketch, E[R_S(v)] is that of S1 at v = (v_0 + ... + v_{N-1})/N",
        ("following_mean", "following", "running", "after_s"),
        f"{_DERIVED}; so are E s, E s w and E s^2 of the sums s of iterates",
    ),
)


def meanings_in(theorem: Theorem) -> list[Meaning]:
    """The meanings of what a theorem uses and does not define."""
    defined = {symbol_of(each.lhs) for each in theorem.definitions if not _is_recursion(each)}
    relations = [theorem.statement, *theorem.definitions, *theorem.assumptions]
    used = {symbol for relation in relations for symbol in _symbols(relation)} - defined
    return [each for each in MEANINGS if used & {symbol_of(symbol) for symbol in each.terms}]


def _symbols(relation: sp.Basic) -> set[sp.Basic]:
    return relation.atoms(sp.Symbol) | relation.atoms(sp.IndexedBase)


def _is_recursion(equation: sp.Eq) -> bool:
    """Whether an equation says what comes next: it is claimed then, and defines no symbol."""
    return isinstance(equation.lhs, sp.Indexed) and step + 1 in equation.lhs.indices


def _and(formulas: list[z3.BoolRef]) -> z3.BoolRef:
    return z3.And(*formulas) if len(formulas) > 1 else formulas[0]


class Formal(Vocabulary):
    """A theorem as a sequent: its statement, and its hypotheses as assumptions of the kernel.

    One with a free coordinate is stated for 0 <= i < d, one with a free number of steps for t >= 0.
    """

    def __init__(self, theorem: Theorem) -> None:
        theorem = theorem.in_the_model
        recursions = [each for each in theorem.definitions if _is_recursion(each)]
        definitions = [each for each in theorem.definitions if not _is_recursion(each)]
        self.meanings = meanings_in(theorem)
        super().__init__(
            definitions, {s: term for each in self.meanings for s, term in each.terms.items()}
        )
        self.theorem = theorem
        claims = [*recursions, theorem.statement]
        formulas = [self.term(claim) for claim in claims]
        free = set().union(*(claim.free_symbols for claim in claims))
        given = [time >= 0] * (step in free) + [inside] * (notation.i in free)
        statement = _and(formulas)
        self.statement = z3.Implies(_and(given), statement) if given else statement
        self.hypotheses = [assumed(h.relation, self) for h in theorem.hypotheses]

    def require(self, proof: object) -> None:
        """Refuse what is no proof of this statement under these hypotheses alone: ProofError."""
        label = self.theorem.label
        if not is_proof(proof):
            raise ProofError(f"{label}: not a proof made by the kernel: {proof!r}")
        assert isinstance(proof, Proof)
        if not proof.formula.eq(self.statement):
            raise ProofError(
                f"{label}: what is proved is not what is stated: {one_line(proof.formula)} "
                f"for {one_line(self.statement)}"
            )
        law = laws.LAWS[self.theorem.covariates]
        allowed = {
            hypothesis
            for assumed_ in (*STANDING.values(), *law, *self.hypotheses)
            for hypothesis in assumed_.hypotheses
        }
        extra = proof.hypotheses - allowed
        if extra:
            raise ProofError(f"{label} does not assume {', '.join(h.meaning for h in extra)}")


def established(formal: Formal, *premises: Proof) -> Proof:
    """The theorem itself from the last lemmas. Whether it is the theorem is asked in a replay."""
    return lemma(formal.statement, *premises, name=formal.theorem.label)


def require_own_names(corollary: Proof) -> None:
    """Refuse a formula in which another symbol would be read as one of the package.

    A corollary is shown as the kernel's formula, where symbols with one name are told apart by
    numbers that nobody reads.
    """
    mine = {name: _plain(name) for name in _package_symbols()}
    for name in _symbols_of(corollary.formula):
        if name not in mine and _plain(name) in mine.values():
            raise ProofError(f"{corollary!r} is about another {_plain(name)} than the theorems")


def _plain(name: str) -> str:
    return name.split("~")[0]


def _package_symbols() -> set[str]:
    """The names in the kernel of the parameters, and of what the package has defined."""
    made = [value for value in vars(moments).values() if isinstance(value, Function)]
    made += [*defined_functions()]
    variables = (time, moments.i, moments.j)
    return {
        *(function.symbol.name() for function in made),
        *(term.decl().name() for term in (*PARAMETERS.values(), *variables)),
    }


def _symbols_of(formula: z3.ExprRef) -> set[str]:
    """The names of the constants and functions in a formula."""
    found, seen, todo = set(), set(), [formula]
    while todo:
        term = todo.pop()
        if term.get_id() not in seen:
            seen.add(term.get_id())
            todo += term.children()
            if term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                found.add(term.decl().name())
    return found
