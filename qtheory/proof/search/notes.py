"""What holds always and may help: meanings, signs, integers, equal values of equal arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from qtheory.proof.checker import INT, NOTES, REAL, CertificateError, Expression, Facts
from qtheory.proof.search.endings import up_to_sign
from qtheory.proof.search.steps import Polynomial, text_of
from qtheory.proof.search.systems import System, unknowns_of

WrittenNote = tuple[str, Any]  # its kind and argument, as the checker reads them
Pair = tuple[int, int]


def meanings(facts: Facts) -> list[WrittenNote]:
    """What the quotients and the if-then-else are."""
    return [
        ("meaning", place)
        for place, term in enumerate(facts.unknowns)
        if term.operation in ("/", "if")
    ]


def alike(terms: Sequence[Expression]) -> list[Pair]:
    """Places of unknowns that are equal where their arguments are."""
    same = {frozenset(term.parts) for term in terms if term.operation == "same"}

    def comparable(a: Expression, b: Expression) -> bool:
        numbers = {a.sort, b.sort} <= {REAL, INT}
        return a is b or numbers or frozenset((a, b)) in same

    return [
        (j, k)
        for (j, a), (k, b) in combinations(enumerate(terms), 2)
        if a.operation == b.operation in ("apply", "entry")
        and (a.value, a.sort, len(a.parts)) == (b.value, b.sort, len(b.parts))
        and all(map(comparable, a.parts, b.parts))
    ]


def at_hand(facts: Facts, system: System, pairs: Sequence[Pair]) -> Iterator[WrittenNote]:
    """What follows at once: p = 0 where p >= 0 and -p >= 0; values of equal arguments."""
    bounded = [system.reduced[name] for name in system.related(">=")]
    texts = {str(p) for p in bounded}
    for p in bounded:
        if p != 0 and str(-p) in texts:
            yield "sign", text_of(p)
    for pair in pairs:
        one, other = (facts.generators[place] for place in pair)
        if _equal_arguments(facts, system, pair) and system.reduce(one - other) != 0:
            yield "equal", list(pair)


def far_fetched(facts: Facts, system: System, pairs: Sequence[Pair]) -> Iterator[WrittenNote]:
    """What may help where nothing else does: p >= 1 for an integer p > 0; values of arguments."""
    for name in system.related(">"):
        p = system.literals[name][1]
        if p != 0 and _is_integer(facts, text_of(p)):
            yield "integer", text_of(p)
    for pair in pairs:
        yield "equal", list(pair)


def undecided_factors(system: System, core: Sequence[int]) -> list[Polynomial]:
    """Factors of equations of which it is not known whether they are zero, short ones first."""
    found: list[Polynomial] = []
    for name in core:
        if system.compared(name) == "=" and system.reduced[name] != 0:
            factors = [factor for factor, _ in system.reduced[name].factor()[1]]
            if len(factors) > 1:
                found += sorted(factors, key=lambda factor: len(factor.to_dict()))
    return _undecided(system, core, found)


def undecided_unknowns(
    system: System, core: Sequence[int], generators: Sequence[Polynomial]
) -> list[Polynomial]:
    """Unknowns of which it is not known whether they are zero."""
    unknowns = unknowns_of([system.reduced[name] for name in core])
    return _undecided(system, core, [generators[k] for k in unknowns])


def _undecided(
    system: System, core: Sequence[int], polynomials: Sequence[Polynomial]
) -> list[Polynomial]:
    nonzero = [system.reduced[name] for name in core if system.compared(name) in (">", "!=")]
    return [p for p in polynomials if not up_to_sign(p, nonzero)]


def _equal_arguments(facts: Facts, system: System, pair: Pair) -> bool:
    """Whether the facts say that two terms have equal arguments."""
    one, other = (facts.unknowns[place] for place in pair)
    positive = [system.literals[name][1] for name in system.related(">")]

    def equal(a: Expression, b: Expression) -> bool:
        if {a.sort, b.sort} <= {REAL, INT}:
            return bool(system.reduce(facts.polynomial(a) - facts.polynomial(b)) == 0)
        same = [t for t in facts.unknowns if t.operation == "same" and set(t.parts) == {a, b}]
        return a is b or any(facts.polynomial(t) in positive for t in same)

    return all(map(equal, one.parts, other.parts))


def _is_integer(facts: Facts, text: str) -> bool:
    try:
        NOTES["integer"](facts, text)
    except CertificateError:
        return False
    return True
