"""Leaves: formulas without a common model, by a certificate, or by the word of a solver."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count
from typing import Any

import z3

from qtheory.errors import ProofError, UndecidedError
from qtheory.proof import certificates
from qtheory.proof.checker import CertificateError, check
from qtheory.proof.questions import Answer, ask
from qtheory.proof.terms import term_of
from qtheory.proof.text import counterexample, one_line

#: The most work that a question is worth, in z3's own units: twice what the hardest step of the
#: theorems here needs. Work and not time, so that a busy machine gives the same answer later.
WORK = 4_000_000
# Solving the equations first is quick where it helps, and counts its work low where it does not.
_WORK_TO_SOLVE_EQUATIONS = 40_000

_ARITHMETIC: dict[int, Callable[..., z3.ExprRef]] = {
    z3.Z3_OP_ADD: lambda *terms: reduce(operator.add, terms),
    z3.Z3_OP_SUB: lambda first, *rest: reduce(operator.sub, rest, first),
    z3.Z3_OP_MUL: lambda *terms: reduce(operator.mul, terms),
    z3.Z3_OP_UMINUS: operator.neg,
    z3.Z3_OP_LE: operator.le,
    z3.Z3_OP_LT: operator.lt,
    z3.Z3_OP_GE: operator.ge,
    z3.Z3_OP_GT: operator.gt,
    z3.Z3_OP_EQ: operator.eq,
    z3.Z3_OP_DISTINCT: lambda *terms: z3.Distinct(*terms),
}
_LOGICAL: dict[int, Callable[..., z3.ExprRef]] = {
    z3.Z3_OP_AND: lambda *terms: z3.And(*terms),
    z3.Z3_OP_OR: lambda *terms: z3.Or(*terms),
    z3.Z3_OP_NOT: z3.Not,
    z3.Z3_OP_IMPLIES: z3.Implies,
    z3.Z3_OP_EQ: operator.eq,
    z3.Z3_OP_ITE: z3.If,
}
_NUMBERS = (z3.RealSort(), z3.IntSort())


@dataclass(frozen=True, eq=False)
class Leaf:
    """Formulas without a common model.

    ``certificate`` is what the checker read, for the premises and the negated goal with the numbers
    ``uses``, which are the ``assertions``; None where there is none and z3's word is taken.
    ``smtlib`` writes the leaf for another solver.
    """

    name: str
    assertions: tuple[z3.BoolRef, ...]
    certificate: Any = None
    uses: tuple[int, ...] = ()

    def smtlib(self) -> str:
        """The leaf as an SMT-LIB 2 script; the expected answer is unsat."""
        solver = z3.Solver()
        solver.add(*(self.assertions if self._as_they_are() else real_arithmetic(self.assertions)))
        # z3 writes a bar in a name as \|, which standard SMT-LIB does not have.
        text = solver.to_smt2().replace(r"\|", "!")
        lines = [line for line in text.splitlines() if not line.startswith((";", "(set-info"))]
        return "\n".join([f"; {' '.join(self.name.split())}", "(set-logic ALL)", *lines]) + "\n"

    def _as_they_are(self) -> bool:
        """Whether functions and integers are needed, or real arithmetic was written already."""
        steps = str(self.certificate)
        return self.certificate is None or "'equal'" in steps or "'integer'" in steps


def closed(
    premises: Sequence[z3.BoolRef],
    goal: z3.BoolRef,
    work: int,
    name: str,
    variables: Iterable[str] = (),
) -> Leaf:
    """A leaf for premises and the negated goal, or an error that says why there is none.

    The certificate beside the proof that asks, if it has one; else the answer of z3.
    """
    assertions = (*premises, z3.Not(goal))
    store, formulas = certificates.beside_the_proof(), [term_of(each) for each in assertions]
    found = store.find(name, formulas)
    if found is None:
        return refute(premises, goal, work, name, variables)
    try:
        used = tuple(assertions[k] for k in found.uses)
        check([formulas[k] for k in found.uses], found.steps)
    except (CertificateError, IndexError, TypeError) as error:
        raise ProofError(
            f"refused: the certificate of {name or 'a lemma'} is none: {error}"
        ) from error
    return Leaf(name, used, found.steps, tuple(found.uses))


def refute(
    premises: Sequence[z3.BoolRef],
    goal: z3.BoolRef,
    work: int,
    name: str,
    variables: Iterable[str] = (),
) -> Leaf:
    """A leaf by the word of z3, or an error that says why there is none.

    The error has the name of the step, its ``variables`` and the goal on one line.

    First as real arithmetic, where every other term is an unknown number (that only weakens what is
    known): with the equations solved and polynomials multiplied out, then by the procedure that
    decides polynomial inequalities. Where that has a model, as it stands.
    """
    assertions = [*premises, z3.Not(goal)]
    weaker = real_arithmetic(assertions)
    answer = Answer("unknown")
    for problem, solver_in, limit in (
        (weaker, solve_equations, min(_WORK_TO_SOLVE_EQUATIONS, work)),
        (weaker, polynomial_solver, work),
        (assertions, lambda context: z3.SimpleSolver(ctx=context), work),
    ):
        if problem is weaker and answer.verdict == "sat":
            continue
        answer = ask(problem, solver_in, limit)
        if answer.verdict == "unsat":
            return Leaf(name, tuple(problem))
    every = ", ".join(sorted(variables))
    what = f"{name or 'lemma'}: {f'for every {every}, ' * bool(every)}{one_line(goal)}"
    if answer.model is not None:
        raise ProofError(
            f"refused: {what} does not follow from the premises given: they hold and it fails "
            f"for {counterexample(answer.model, goal)}"
        )
    raise UndecidedError(
        f"unknown: {what} is not decided by z3 within {work} units of its work: give it smaller "
        "steps, or more with work="
    )


def polynomial_solver(context: z3.Context) -> z3.Solver:
    """What decides polynomial inequalities."""
    return z3.SolverFor("QF_NRA", ctx=context)


def solve_equations(context: z3.Context) -> z3.Solver:
    """Equations solved and polynomials multiplied out, twice, before anything is searched."""
    multiply_out = z3.With(z3.Tactic("simplify", ctx=context), som=True)
    first, values, equations, last = (
        z3.Tactic(name, ctx=context)
        for name in ("simplify", "propagate-values", "solve-eqs", "smt")
    )
    once = (values, equations, multiply_out)
    return z3.Then(first, *once, *once, last, ctx=context).solver()


def real_arithmetic(assertions: Sequence[z3.BoolRef]) -> list[z3.BoolRef]:
    """The assertions over unknown reals and truth values, so that each model gives one of these.

    Integers are taken as reals, a term that is not arithmetic as an unknown; a quotient and an
    if-then-else get a name and the fact that defines them.
    """
    known: dict[int, z3.ExprRef] = {}
    facts: list[z3.BoolRef] = []
    numbers = count()
    keep: list[z3.ExprRef] = []  # z3 gives the id of a term that is gone to another

    def unknown(sort: z3.SortRef) -> z3.ExprRef:
        return z3.Const(f"_{next(numbers)}", z3.RealSort() if sort in _NUMBERS else sort)

    def visit(term: z3.ExprRef) -> z3.ExprRef:
        key = term.get_id()
        if key not in known:
            keep.append(term)
            known[key] = build(term)
        return known[key]

    def build(term: z3.ExprRef) -> z3.ExprRef:
        if z3.is_int_value(term):
            return z3.RealVal(term.as_long())
        kind, children = term.decl().kind(), term.children()
        if z3.is_rational_value(term) or kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return term
        if kind == z3.Z3_OP_TO_REAL:
            return visit(children[0])
        if children and all(child.sort() in _NUMBERS for child in children):
            if kind in _ARITHMETIC:
                return _ARITHMETIC[kind](*map(visit, children))
            if kind == z3.Z3_OP_DIV:
                above, below = map(visit, children)
                quotient = unknown(term.sort())
                facts.append(z3.Implies(below != 0, quotient * below == above))
                return quotient
        logical = kind in _LOGICAL and all(child.sort() == z3.BoolSort() for child in children)
        if children and logical:
            return _LOGICAL[kind](*map(visit, children))
        if kind == z3.Z3_OP_ITE and term.sort() in _NUMBERS:
            condition, yes, no = map(visit, children)
            value = unknown(term.sort())
            facts.append(z3.If(condition, value == yes, value == no))
            return value
        return unknown(term.sort())

    return [visit(assertion) for assertion in assertions] + facts
