"""The checker of certificates: why some formulas have no common model.

It knows nothing of z3, and searches nothing. A certificate is a tree of steps on a list of *facts*.
The formulas come first; a conjunction is the list of its parts. A fact compares a polynomial with
zero, or is an alternative. A step adds facts, or is the end of its branch:

``split, fact, [step, ...]``
    One of the parts of an alternative holds: a step for each. p != 0 is p > 0 or -p > 0.
``note, kind, argument, step``
    What holds always: the ``meaning`` of a quotient (b = 0 or a/b b = a) or of an if-then-else;
    ``equal`` arguments give equal values; no ``integer`` lies between 0 and 1; a number has a
    ``sign``, p = 0 or p > 0 or -p > 0.
``sum, [elimination, ...], [term, ...]``
    The end: a sum of products of facts and squares, which is positive by the facts, is zero. An
    elimination is an equation, solved for an unknown, which is then put into the sum.

Polynomials are over the *unknowns*: terms that are no sum, product or number, numbered as they come
in the formulas. A truth value is one, too: positive or zero.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

import flint

_SORTS = REAL, INT, BOOL = "Real", "Int", "Bool"
_UNKNOWN = "apply", "entry", "same", "/", "if"
_JOINS = {"+": operator.add, "*": operator.mul}
#: How polynomials are written; to read 1e999999 or x0^999999 would take all time there is.
_FACTOR = re.compile(r"x(\d+)(?:\^(\d\d?))?|(-?\d+)(?:/(\d+))?")
Alternative = list[tuple[Any, Any]]  # formulas that may hold or not, polynomials and relations


class CertificateError(Exception):
    """A step of a certificate that is none."""


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Expression:
    """A number, a truth value or a sequence, as an operation on other terms.

    Operations: ``number`` (``value``), ``+``, ``*``, ``/``, ``if``; ``<=``, ``<``, ``=`` (numbers);
    ``and``, ``or``, ``not``; ``apply``, a symbol (``value``) with its arguments, ``entry`` of a
    sequence, ``same`` for two. Equal arguments give equal values. Equal terms are one object.
    """

    operation: str
    value: str | Fraction
    sort: str
    parts: tuple[Expression, ...]


def arguments_first(terms: Sequence[Expression]) -> Iterator[Expression]:
    """Terms and all that they are made of, each after its parts."""
    seen: set[Expression] = set()
    todo = [(term, False) for term in reversed(terms)]
    while todo:
        term, after_its_parts = todo.pop()
        if after_its_parts:
            yield term
        elif term not in seen:
            seen.add(term)
            todo.append((term, True))
            todo += [(part, False) for part in reversed(term.parts)]


def unknowns(terms: Sequence[Expression]) -> list[Expression]:
    """The terms that are no sum, product, number, comparison or connective, arguments first."""
    return [t for t in arguments_first(terms) if t.operation in _UNKNOWN and t.sort in _SORTS]


class Facts:
    """What is known at a place of the tree."""

    def __init__(self, formulas: Sequence[Expression]) -> None:
        self.unknowns = unknowns(formulas)
        self.ring = flint.fmpq_mpoly_ctx.get([f"x{k}" for k in range(len(self.unknowns))], "lex")
        self.generators = self.ring.gens()
        self._polynomials = dict(zip(self.unknowns, self.generators, strict=True))
        self.facts: list[tuple[str, Any]] = []
        for formula in formulas:
            self.add(formula)

    def add(self, formula: Any, holds: Any = True) -> None:
        """What a formula says, or its negation; or that a polynomial has a relation to zero."""
        if not isinstance(formula, Expression):
            return self.facts.append((holds, formula))
        kind, parts = formula.operation, formula.parts
        if kind == "not":
            self.add(parts[0], not holds)
        elif kind == ("and" if holds else "or"):
            for part in parts:
                self.add(part, holds)
        elif kind in ("and", "or"):
            self.facts.append(("or", list(_alternatives(formula, holds))))
        elif kind in _UNKNOWN and formula.sort == BOOL:
            self.facts.append((">" if holds else "=", self.polynomial(formula)))
        elif kind == "=":
            self.facts.append(("=" if holds else "!=", parts))
        elif kind in ("<=", "<"):
            # a <= b is b - a >= 0, and its negation is a - b > 0
            relation = ">" if (kind == "<") == holds else ">="
            self.facts.append((relation, parts[::-1] if holds else parts))
        else:
            raise CertificateError(f"not a formula: {kind}")

    def alternatives(self, fact: int) -> Alternative:
        """The parts of a fact that is an alternative."""
        relation, parts = self.literal(fact)
        if relation == "!=":
            return [(parts, ">"), (-parts, ">")]
        if relation != "or":
            raise CertificateError(f"fact {fact} is no alternative")
        return parts

    def literal(self, fact: int) -> tuple[str, Any]:
        """A comparison: its relation, and the polynomial that it compares with zero."""
        relation, parts = self.facts[fact]
        if isinstance(parts, tuple):
            parts = self.polynomial(parts[0]) - self.polynomial(parts[1])
        return relation, parts

    def polynomial(self, term: Expression) -> Any:
        """A number as a polynomial in the unknowns."""
        known = self._polynomials
        for each in () if term in known else arguments_first([term]):
            if each.operation == "number":
                known[each] = self.read(each.value)
            elif each.operation in _JOINS and each not in known:
                known[each] = reduce(_JOINS[each.operation], [known[part] for part in each.parts])
        return known[term]

    def read(self, text: Any) -> Any:
        """A polynomial that is written like 3/4*x1^2*x5 + -1."""
        total = self.ring.constant(0)
        for monomial in str(text).split(" + "):
            product = self.ring.constant(1)
            for factor in monomial.split("*"):
                if not (read := _FACTOR.fullmatch(factor)):
                    raise CertificateError(f"not a polynomial: {text!r}")
                place, power, above, below = read.groups()
                if place:
                    product *= self.generators[int(place)] ** int(power or 1)
                else:
                    product *= flint.fmpq(int(above), int(below or 1))
            total += product
        return total

    def check(self, step: Any) -> None:
        """Nothing, if a step and those below it close the tree; else an error."""
        _STEPS[step[0]](self, *step[1:])

    def _split(self, fact: Any, steps: Any) -> None:
        for alternative, step in zip(self.alternatives(fact), steps, strict=True):
            before = len(self.facts)
            self.add(*alternative)
            self.check(step)
            del self.facts[before:]

    def _note(self, kind: Any, argument: Any, step: Any) -> None:
        before = len(self.facts)
        self.facts += [("or", parts) for parts in NOTES[kind](self, argument)]
        self.check(step)
        del self.facts[before:]

    def _sum(self, eliminations: Any, terms: Any) -> None:
        total, positive = self.ring.constant(0), False
        for coefficient, square, *facts in terms:
            relations = {self.literal(fact)[0] for fact in facts}
            if not relations <= {"=", ">=", ">"}:
                raise CertificateError(f"some sign is not known: {facts}")
            product = reduce(operator.mul, [self.literal(k)[1] for k in facts], 0 * total + 1)
            zero, strict = "=" in relations, relations <= {">"}
            factor = self.read(coefficient)
            if not zero and not (factor.is_constant() and factor.leading_coefficient() > 0):
                raise CertificateError(f"{coefficient} is not positive")
            positive = positive or (strict and not square)
            total += product * factor * (self.read(square) ** 2 if square else 1)
        if not positive or self.eliminated(total, eliminations) != 0:
            raise CertificateError("the sum is not positive, or not zero")

    def eliminated(self, polynomial: Any, eliminations: Any) -> Any:
        """A polynomial times one that is not zero, with unknowns that equations give put in."""
        known: list[tuple[int, Any, Any]] = []

        def reduced(p: Any) -> Any:
            return reduce(lambda q, each: put(q, *each), known, p)

        for equation, place, *nonzero in eliminations:
            (relation, p), factors = self.literal(equation), [self.literal(k) for k in nonzero]
            if relation != "=" or any(other not in (">", "!=") for other, _ in factors):
                raise CertificateError(f"not an equation {equation}, or not nonzero: {nonzero}")
            above, below = solved(reduced(p), place)
            product = reduce(operator.mul, [reduced(q) for _, q in factors], 0 * p + 1)
            if product == 0 or divmod(product, below)[1] != 0:
                raise CertificateError(f"x{place} is divided by what may be zero")
            known.append((place, above, below))
        return reduced(polynomial)


def check(formulas: Sequence[Expression], step: Any) -> None:
    """Nothing, if the certificate shows that the formulas have no common model; else an error."""
    try:
        Facts(formulas).check(step)
    except CertificateError:
        raise
    except Exception as error:  # whatever an unfit certificate breaks, it is none
        raise CertificateError(f"not a certificate: {error!r}") from error


def _alternatives(formula: Expression, holds: bool) -> Iterator[tuple[Expression, bool]]:
    if formula.operation == "not":
        yield from _alternatives(formula.parts[0], not holds)
    elif formula.operation == ("or" if holds else "and"):
        for part in formula.parts:
            yield from _alternatives(part, holds)
    else:
        yield formula, holds


def powers(p: Any, place: int) -> dict[int, Any]:
    """What the powers of an unknown are multiplied by in a polynomial."""
    parts: dict[int, dict[Any, Any]] = {}
    for exponents, coefficient in p.to_dict().items():
        rest = (*exponents[:place], 0, *exponents[place + 1 :])
        parts.setdefault(exponents[place], {})[rest] = coefficient
    return {power: p.context().from_dict(part) for power, part in parts.items()}


def solved(p: Any, place: int) -> tuple[Any, Any]:
    """x = above / below from an equation p = 0 that is of degree one in the unknown x."""
    parts = powers(p, place)
    if 1 not in parts or max(parts) > 1:
        raise CertificateError(f"an equation is not linear in x{place}")
    return -parts.get(0, 0 * p), parts[1]


def put(p: Any, place: int, above: Any, below: Any) -> Any:
    """below^k p with above / below for an unknown of which p has the power k."""
    parts = powers(p, place)
    most = max(parts, default=0)
    return sum((q * above**n * below ** (most - n) for n, q in parts.items()), 0 * p)


def _meaning(facts: Facts, place: Any) -> list[Alternative]:
    """b = 0 or (a/b) b = a; and what an if-then-else is."""
    value, term = facts.generators[place], facts.unknowns[place]
    if term.operation == "/":
        above, below = map(facts.polynomial, term.parts)
        return [[(below, "="), (below, "!=")], [(below, "="), (value * below - above, "=")]]
    if term.operation != "if":
        raise CertificateError(f"nothing is known of unknown {place}")
    condition, yes, no = term.parts
    return [
        [(condition, False), (value - facts.polynomial(yes), "=")],
        [(condition, True), (value - facts.polynomial(no), "=")],
        [(condition, True), (condition, False)],
    ]


def _equal(facts: Facts, places: Any) -> list[Alternative]:
    """Some argument differs, or the values are equal."""
    left, right = (facts.unknowns[place] for place in places)
    one, other = (facts.generators[place] for place in places)
    if any(getattr(left, part) != getattr(right, part) for part in ("operation", "value", "sort")):
        raise CertificateError("two different symbols")
    differ: Alternative = []
    for a, b in zip(left.parts, right.parts, strict=True):
        if {a.sort, b.sort} <= {REAL, INT}:  # an integer is a real number
            differ.append((facts.polynomial(a) - facts.polynomial(b), "!="))
        elif a is not b:
            same = [t for t in facts.unknowns if t.operation == "same" and set(t.parts) == {a, b}]
            differ.append((same[0], False))
    return [[*differ, (one - other, "=")]]


def _integer(facts: Facts, text: Any) -> list[Alternative]:
    """p <= 0 or p >= 1, for a polynomial in integers with integer coefficients."""
    p = facts.read(text)
    used = {term for term, power in zip(facts.unknowns, p.degrees(), strict=True) if power}
    if any(c.q != 1 for c in p.coeffs()) or any(term.sort != INT for term in used):
        raise CertificateError(f"{text} need not be an integer")
    return [[(-p, ">="), (p - 1, ">=")]]


def _sign(facts: Facts, text: Any) -> list[Alternative]:
    """p = 0 or p > 0 or -p > 0."""
    return [[(p := facts.read(text), "="), (p, ">"), (-p, ">")]]


_STEPS: Any = {"split": Facts._split, "note": Facts._note, "sum": Facts._sum}
NOTES: Any = {"meaning": _meaning, "equal": _equal, "integer": _integer, "sign": _sign}
