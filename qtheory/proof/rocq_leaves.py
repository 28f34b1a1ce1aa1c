"""Leaves for Rocq: their formulas and certificates, for the checker that is proved sound there.

``rocq_library.v`` is :mod:`qtheory.proof.checker` once more, with a proof. Its facts have the same
numbers. What differs is the end of a branch: an equation is not solved and put in, but multiplied
and added, and what is divided by is shown to be not zero.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import flint

from qtheory.proof.checker import BOOL, INT, NOTES, REAL, Expression, Facts, put, solved
from qtheory.proof.leaves import Leaf
from qtheory.proof.rocq_terms import ALONE, Names, polynomial_text, shown
from qtheory.proof.terms import make


def real_lemma(
    name: str,
    leaf: Leaf,
    premises: Sequence[tuple[Expression, str]],
    goal: Expression | None,
    names: Names,
    fresh: Callable[[str], str],
) -> tuple[str, str]:
    """The leaf as a lemma on real numbers, and a term that says it of the numbers at hand.

    The premises are formulas with their proofs; without a goal they contradict each other.
    """
    terms = [term for term, _ in premises]
    refuted = [] if goal is None else [make("not", BOOL, goal)]
    script = _Script([*terms, *refuted])
    name, facts = fresh(name), script.facts
    steps = script.step(leaf.certificate)
    named = "".join(f"  let {p} := {text}%number in\n" for text, p in script.polynomials.items())
    said = ";\n   ".join(shown(term, script.cells, within=ALONE) for term in terms)
    notes = ";\n   ".join(_note_for_checker(*key, facts, script.cells) for key in script.notes)
    claim = "No" if goal is None else shown(goal, script.cells)
    lemma = (
        f"Lemma {name} : follows\n  [{said}]%formula\n  [{notes}]\n  {claim}.\n"
        f"Proof.\n  apply (proved _ _ _ (\n{named}{steps})%nat).\n"
        "  vm_cast_no_check (eq_refl true).\nQed."
    )
    of_sort = [
        "; ".join(
            shown(term, names, within=ALONE)
            for term in facts.unknowns
            if truth == (term.sort == BOOL)
        )
        for truth in (False, True)
    ]
    noted = [f"n{k}" for k in range(len(script.notes))]
    asserted = "".join(
        f"assert ({each} : {_noted_text(*key, facts, names)}) "
        f"by exact {_noted_proof(*key, facts, names)}.\n  "
        for each, key in zip(noted, script.notes, strict=True)
    )
    proofs = [proof for _, proof in premises]
    call = " ".join([name, *(f"[{listed}]" for listed in of_sort), *proofs, *noted])
    return lemma, f"{asserted}exact ({call})."


def _conditions(
    places: Any, facts: Facts
) -> list[tuple[Expression, Expression, Expression | None]]:
    """Arguments that must be equal for values to be so; for sequences the term that says it."""
    left, right = (facts.unknowns[k] for k in places)
    found: list[tuple[Expression, Expression, Expression | None]] = []
    for a, b in zip(left.parts, right.parts, strict=True):
        if a.sort in (REAL, INT):
            found.append((a, b, None))
        elif a is not b:
            same = (t for t in facts.unknowns if t.operation == "same" and {a, b} == {*t.parts})
            found.append((a, b, next(same)))
    return found


def _note_for_checker(kind: str, argument: Any, facts: Facts, cells: Names) -> str:
    """A note as the checker of the library reads it."""

    def says(term: Expression) -> str:
        return shown(term, cells)

    if kind == "meaning":
        term = facts.unknowns[argument]
        rule = "Quotient" if term.operation == "/" else "Choice"
        return " ".join([rule, says(term), *map(says, term.parts)])
    if kind == "equal":
        equal = [
            says(same) if same else f"{says(a)} = {says(b)}"
            for a, b, same in _conditions(argument, facts)
        ]
        left, right = (says(facts.unknowns[k]) for k in argument)
        return f"Arguments_of [{'; '.join(equal)}]%formula {left} {right}"
    p = polynomial_text(facts.read(argument), [says(term) for term in facts.unknowns])
    return f"Integer {p}"


def _noted_text(kind: str, argument: Any, facts: Facts, names: Names) -> str:
    """What a note says, for numbers that are written so."""

    def says(term: Expression) -> str:
        return shown(term, names)

    if kind == "meaning":
        term = facts.unknowns[argument]
        if term.operation == "/":
            above, below = map(says, term.parts)
            return f"({below} = 0 \\/ {says(term)} * {below} = {above})"
        condition, yes, no = map(says, term.parts)
        return f"(({condition} -> {says(term)} = {yes}) /\\ (~ {condition} -> {says(term)} = {no}))"
    if kind == "equal":
        left, right = (says(facts.unknowns[k]) for k in argument)
        conditions = [
            f"{says(same)} -> " if same else f"{says(a)} = {says(b)} -> "
            for a, b, same in _conditions(argument, facts)
        ]
        return f"({''.join(conditions)}{left} = {right})"
    p = polynomial_text(facts.read(argument), [says(term) for term in facts.unknowns])
    return f"({p} <= 0 \\/ 1 <= {p})"


def _noted_proof(kind: str, argument: Any, facts: Facts, names: Names) -> str:
    """Why a note holds: a term, or a tactic in parentheses for ``ltac``."""
    if kind == "meaning":
        term = facts.unknowns[argument]
        parts = [shown(part, names, term.sort == INT) for part in term.parts]
        if term.operation == "/":
            return f"(quotient {' '.join(parts)})"
        rule = "choice_integer" if term.sort == INT else "choice"
        return f"({rule} {parts[0]} _ {parts[1]} {parts[2]})"
    if kind == "equal":
        return "ltac:(equal_arguments)"
    terms = []
    for exponents, c in facts.read(argument).to_dict().items():
        unknown = [shown(term, names, integer=True) for term in facts.unknowns]
        factors = [unknown[k] for k, n in enumerate(exponents) for _ in range(n)]
        terms.append(" * ".join([f"({int(c.p)})", *factors]))
    return f"ltac:(no_integer ({' + '.join(terms) or '0'})%Z)"


def _listed(texts: Sequence[str]) -> str:
    return f"[{'; '.join(texts)}]"


def _facts(facts: Sequence[int]) -> str:
    return _listed([f"f{fact}" for fact in facts])


#: Polynomials that are longer have names, as they often come again.
_SHORT = 12


class _Script:
    """The proof of a leaf: the facts of the checker, and its steps as they are written for Rocq."""

    def __init__(self, formulas: Sequence[Expression]) -> None:
        self.facts = Facts(formulas)
        #: What is noted: kinds and arguments, in the order in which the lemma has them.
        self.notes: list[tuple[str, Any]] = []
        #: Numbers are x0, x1, ..., truth values t0, t1, ...
        truths = [term for term in self.facts.unknowns if term.sort == BOOL]
        numbers = [term for term in self.facts.unknowns if term.sort != BOOL]
        self.cells = {term: f"x{k}" for k, term in enumerate(numbers)}
        self.cells |= {term: f"t{k}" for k, term in enumerate(truths)}
        self._unknowns = [self.cells[term] for term in self.facts.unknowns]
        #: Polynomials of some length, and what each is called.
        self.polynomials: dict[str, str] = {}

    def text(self, p: Any) -> str:
        """A polynomial in the numbers."""
        text = polynomial_text(p, self._unknowns, powers=True)
        if len(text) < _SHORT:
            return text
        return self.polynomials.setdefault(text, f"p{len(self.polynomials)}")

    def step(self, step: Any, depth: int = 2) -> str:
        """A step of a certificate and those below it."""
        kind, *rest = step
        steps: dict[str, Callable[..., str]] = {
            "split": self._split,
            "note": self._note,
            "sum": self._sum,
        }
        return steps[kind](*rest, depth)

    def _split(self, fact: int, steps: Any, depth: int) -> str:
        texts, facts = [], self.facts
        for alternative, step in zip(facts.alternatives(fact), steps, strict=True):
            before = len(facts.facts)
            facts.add(*alternative)
            texts.append(self.step(step, depth + 1))
            del facts.facts[before:]
        inner = ";\n".join(texts)
        return (
            f"{' ' * depth}Split f{fact} [\n{inner}]" if texts else f"{' ' * depth}Split f{fact} []"
        )

    def _note(self, kind: str, argument: Any, step: Any, depth: int) -> str:
        before = len(self.facts.facts)
        self.facts.facts += [("or", parts) for parts in NOTES[kind](self.facts, argument)]
        if kind == "sign":
            head = f"Sign {self.text(self.facts.read(argument))}"
        else:
            key = kind, tuple(argument) if isinstance(argument, list) else argument
            if key not in self.notes:
                self.notes.append(key)
            head = f"Noted {self.notes.index(key)}"
        below = self.step(step, depth)
        del self.facts.facts[before:]
        return f"{' ' * depth}{head} (\n{below})"

    def _sum(self, eliminations: Any, terms: Any, depth: int) -> str:
        indent = " " * depth
        clash = self._clash(terms, eliminations)
        if clash is not None:
            return f"{indent}Clash f{clash[0]} f{clash[1]}"
        facts, ring = self.facts, self.facts.ring
        equations: dict[int, Any] = {}  # fact: what multiplies it
        first, rest, total = "", [], ring.constant(0)
        for coefficient, square, *own in terms:
            relations = [facts.literal(fact)[0] for fact in own]
            squared = facts.read(square) if square else ring.constant(1)
            if "=" in relations:
                equation = own[relations.index("=")]
                others = own.copy()
                others.remove(equation)
                factor = facts.read(coefficient) * squared**2 * self._product(others)
                equations[equation] = equations.get(equation, ring.constant(0)) - factor
                continue
            q = Fraction(coefficient)
            total += self._product(own) * squared**2 * flint.fmpq(q.numerator, q.denominator)
            text = f"Product {q.numerator} {q.denominator} {self.text(squared)} {_facts(own)}"
            if q == 1 and not square and len(own) == 1:
                text = f"once f{own[0]}"
            if not first and not square and all(relation == ">" for relation in relations):
                first = text
            else:
                rest.append(text)
        combination = _Combination(self, eliminations)
        divisors, multiples = combination.vanishing(total, equations)
        zeros = self.multiples(multiples)
        ends = f"{indent}Ends {_facts(divisors)} ({first}) {_listed(rest)} {zeros}"
        for text in reversed(combination.nonzero):
            ends = f"{indent}{text} (\n{ends})"
        return ends

    def _product(self, own: Sequence[int]) -> Any:
        factors = [self.facts.literal(fact)[1] for fact in own]
        return reduce(operator.mul, factors, self.facts.ring.constant(1))

    def multiples(self, multiples: Mapping[int, Any]) -> str:
        """Equations, each with what it is multiplied by."""
        texts = []
        for fact, m in multiples.items():
            if m == 1 or m == -1:
                texts.append(f"{'plus' if m == 1 else 'less'} f{fact}")
            elif m != 0:
                texts.append(f"Multiple {self.text(m)} f{fact}")
        return _listed(texts)

    def _clash(self, terms: Any, eliminations: Any) -> tuple[int, int] | None:
        """Two facts that a truth value holds and does not hold."""
        truths: dict[Any, dict[str, int]] = {}
        used = {fact for _, _, *own in terms for fact in own} | {e for e, *_ in eliminations}
        for fact in used:
            relation, p = self.facts.literal(fact)
            if p in [self.facts.polynomial(t) for t in self.cells if t.sort == BOOL]:
                truths.setdefault(str(p), {})[relation] = fact
        for found in truths.values():
            if len(found) == 2:
                return found[">"], found["="]
        return None


class _Combination:
    """Equations that are solved and put in, as sums of multiples of equations.

    What a polynomial is multiplied by on the way, as something is divided by it, is a list of facts
    that say that it is not zero.

    Attributes
    ----------
    nonzero
        The steps that find such facts; they are after all facts that were there before.
    """

    def __init__(self, script: _Script, eliminations: Any) -> None:
        self._script, self._ring = script, script.facts.ring
        self.nonzero: list[str] = []
        #: The unknown, above / below that is put for it, multiples of equations that say so, and
        #: the fact that below is not zero.
        self._known: list[tuple[int, Any, Any, dict[int, Any], int | None]] = []
        for equation, place, *nonzero in eliminations:
            reduced, divisors, own = self._reduced(script.facts.literal(equation)[1])
            # divisors p = reduced + sum own: the reduced equation is zero
            own = {k: -m for k, m in own.items()}
            own[equation] = own.get(equation, self._zero) + self._product(divisors)
            above, below = solved(reduced, place)
            if below.is_constant():
                scale = 1 / below.leading_coefficient()
                above, below, own = (
                    above * scale,
                    below * scale,
                    {k: m * scale for k, m in own.items()},
                )
                self._known.append((place, above, below, own, None))
            else:
                self._known.append((place, above, below, own, self._not_zero(below, nonzero)))

    @property
    def _zero(self) -> Any:
        return self._ring.constant(0)

    def _product(self, divisors: Sequence[tuple[Any, int]]) -> Any:
        return reduce(operator.mul, [below for below, _ in divisors], self._ring.constant(1))

    def _reduced(self, p: Any) -> tuple[Any, list[tuple[Any, int]], dict[int, Any]]:
        """(q, divisors, own): the divisors times p are q and the sum of own times equations."""
        divisors: list[tuple[Any, int]] = []
        own: dict[int, Any] = {}
        for place, above, below, multiples, known in self._known:
            most = p.degrees()[place] if p != 0 else 0
            if most == 0:
                continue
            q, scale = put(p, place, above, below), below**most
            # scale p - q is a multiple of below x - above
            line = below * self._ring.gens()[place] - above
            factor, remainder = divmod(scale * p - q, line)
            if remainder != 0:
                raise ValueError("not a multiple of the equation")
            own = {k: m * scale for k, m in own.items()}
            for k, m in multiples.items():
                own[k] = own.get(k, self._zero) + factor * m
            p = q
            if known is not None:
                divisors += [(below, known)] * most
        return p, divisors, own

    def vanishing(self, total: Any, equations: dict[int, Any]) -> tuple[list[int], dict[int, Any]]:
        """(divisors, m), divisors total = sum m_e e: total less the equations given vanishes."""
        for fact, m in equations.items():
            total = total - m * self._script.facts.literal(fact)[1]
        rest, divisors, own = self._reduced(total)
        if rest != 0:
            raise ValueError("the sum does not vanish")
        for fact, m in equations.items():
            own[fact] = own.get(fact, self._zero) + self._product(divisors) * m
        return [known for _, known in divisors], own

    def _not_zero(self, below: Any, nonzero: Sequence[int]) -> int:
        """A fact that what is divided by is not zero: facts have a multiple of it."""
        script, product = self._script, self._script._product(nonzero)
        for fact in nonzero:
            if script.facts.literal(fact)[1] == below:
                return fact
        q, divisors, own = self._reduced(product)
        # divisors product = cofactor below + sum own
        which = [*(known for _, known in divisors), *nonzero]
        cofactor = script.text(divmod(q, below)[0])
        self.nonzero.append(
            f"Nonzero {script.text(below)} {_facts(which)} {cofactor} {script.multiples(own)}"
        )
        return len(script.facts.facts) + len(self.nonzero) - 1
