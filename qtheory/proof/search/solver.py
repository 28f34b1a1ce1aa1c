"""What z3 says beforehand: what has no common model, and what of it is needed for that.

Nothing here is trusted: it is worth a search where z3 says that there is something to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import z3

from qtheory.proof.checker import Expression, unknowns
from qtheory.proof.leaves import polynomial_solver, solve_equations
from qtheory.proof.questions import ask
from qtheory.proof.search.steps import Polynomial
from qtheory.proof.search.systems import Relation

Item = TypeVar("Item")
_COMPARED = {
    "=": lambda p: p == 0,
    "!=": lambda p: p != 0,
    ">=": lambda p: p >= 0,
    ">": lambda p: p > 0,
}


def comparison(relation: Relation, polynomial: Polynomial) -> z3.BoolRef:
    """A comparison of a polynomial with zero, for z3."""
    total = z3.RealVal(0)
    for powers, c in polynomial.to_dict().items():
        product = z3.RealVal(str(c))
        for k, n in enumerate(powers):
            for _ in range(n):
                product = product * z3.Real(f"x{k}")
        total = total + product
    return _COMPARED[relation](total)


def contradict(comparisons: Iterable[z3.BoolRef], work: int) -> bool:
    """Whether z3 says within the limit of its work that comparisons have no common model."""
    return ask(comparisons, polynomial_solver, work).verdict == "unsat"


def least(items: Sequence[Item], enough: Callable[[list[Item]], bool]) -> list[Item]:
    """Fewer items that are enough still, none of which can be left out alone."""
    kept, size = list(items), max(1, len(items) // 2)
    while True:
        at = 0
        while at < len(kept):
            rest = kept[:at] + kept[at + size :]
            if enough(rest):
                kept = rest
            else:
                at += size
        if size == 1:
            return kept
        size //= 2


class Formulas:
    """Formulas as z3 reads them: unknowns are real numbers of which meanings are known."""

    def __init__(self, formulas: Sequence[Expression]) -> None:
        self._unknowns = [unknowns([formula]) for formula in formulas]
        self._variables = {term: z3.Real(f"x{k}") for k, term in enumerate(unknowns(formulas))}
        self._numbers: dict[Expression, z3.ArithRef] = {}
        self._read = [self._formula(formula) for formula in formulas]
        self._meanings = {term: list(self._meaning(term)) for term in self._variables}

    def needed(self) -> list[int]:
        """The places of those that z3 needs for a contradiction, if it finds one; else of all."""
        places = list(range(len(self._read)))
        if not self._contradict(places, 2_000_000):
            return places
        return least(places, lambda some: bool(some) and self._contradict(some, 150_000))

    def _contradict(self, places: Sequence[int], work: int) -> bool:
        """Whether z3 says so of some, by deciding polynomials or by solving equations first."""
        terms = dict.fromkeys(term for place in places for term in self._unknowns[place])
        asked = [meaning for term in terms for meaning in self._meanings[term]]
        asked += [self._read[place] for place in places]
        for solver_in, limit in ((polynomial_solver, work), (solve_equations, min(work, 30_000))):
            verdict = ask(asked, solver_in, limit).verdict
            if verdict != "unknown":
                return verdict == "unsat"
        return False

    def _meaning(self, term: Expression) -> Iterator[z3.BoolRef]:
        """What a quotient or an if-then-else is."""
        value = self._variables[term]
        if term.operation == "/":
            above, below = map(self._number, term.parts)
            yield z3.Or(below == 0, value * below == above)
        elif term.operation == "if":
            condition, yes, no = term.parts
            is_yes, is_no = value == self._number(yes), value == self._number(no)
            yield z3.If(self._formula(condition), is_yes, is_no)

    def _number(self, term: Expression) -> z3.ArithRef:
        if term not in self._numbers:
            self._numbers[term] = self._read_number(term)
        return self._numbers[term]

    def _read_number(self, term: Expression) -> z3.ArithRef:
        if term.operation == "number":
            return z3.RealVal(str(term.value))
        if term.operation in ("+", "*"):
            join = z3.Sum if term.operation == "+" else z3.Product
            return join([self._number(part) for part in term.parts])
        return self._variables[term]

    def _formula(self, term: Expression) -> z3.BoolRef:
        if term.operation == "not":
            return z3.Not(self._formula(term.parts[0]))
        if term.operation in ("and", "or"):
            join = z3.And if term.operation == "and" else z3.Or
            return join(*(self._formula(part) for part in term.parts))
        if term.operation in ("<=", "<", "="):
            left, right = map(self._number, term.parts)
            return {"<=": left <= right, "<": left < right, "=": left == right}[term.operation]
        return self._variables[term] > 0
