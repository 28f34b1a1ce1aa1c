"""A tree of cases, grown as the facts ask for it.

At each place: what ends it at once; an alternative of which at most one part does not end at once;
what is worth noting; then, where z3 says that there is a contradiction, a sum for what it needs;
and else the alternative that leaves z3 the fewest parts. Limits count work, never seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any

import z3

from qtheory.proof.checker import NOTES, Expression, Facts
from qtheory.proof.search.endings import (
    at_once,
    by_sums,
    entangled,
    linear_around,
    simplest,
    with_signs,
)
from qtheory.proof.search.notes import (
    WrittenNote,
    alike,
    at_hand,
    far_fetched,
    meanings,
    undecided_factors,
    undecided_unknowns,
)
from qtheory.proof.search.products import by_products
from qtheory.proof.search.solver import comparison, contradict, least
from qtheory.proof.search.steps import Noting, Polynomial, Splitting, Step, text_of
from qtheory.proof.search.systems import System

_WORK = 100_000
_WORK_FOR_A_PART = 30_000
_LOOKS_FOR_A_SUM = 50
_SIGNS = 3
_FEW_SIGNED = 7
_SIGNED = 14  # comparisons of which products are taken without a word of z3


class NotFound(Exception):  # noqa: N818 -- it is an answer
    """No certificate was found."""


class Tree:
    """The facts at a place of the tree, by names that stay, and the comparisons among them."""

    def __init__(self, formulas: Sequence[Expression], looks: int, quick: bool) -> None:
        self._facts = Facts(formulas)
        self._looks_left, self._quick = looks, quick
        self._counter = count()
        self._names: list[int] = []
        self._systems = [System(self._facts.ring)]
        #: Formulas that hold or do not, as they stand: what was put, and what it says of its parts.
        self._said: list[set[tuple[Expression, bool]]] = [set()]
        for formula in formulas:
            self._say(formula, True)
        self._name_new_facts()
        self._alike = alike(self._facts.unknowns)
        self._noted: set[tuple[str, str]] = set()
        self._done: set[int] = set()
        self._asked: dict[int, z3.BoolRef] = {}

    def grow(self) -> Step:
        """A step that closes the tree, below the meanings that it needs."""
        return self._below_notes(meanings(self._facts))

    def _below_notes(self, notes: Sequence[WrittenNote]) -> Step:
        if not notes:
            return self._solve()
        (kind, argument), *rest = notes
        with self._with_note(kind, argument) as new:
            below = self._below_notes(rest)
        return Noting(kind, argument, new, below) if below.used() & set(new) else below

    # facts

    @property
    def _system(self) -> System:
        return self._systems[-1]

    def _name_new_facts(self) -> tuple[int, ...]:
        """Names for the new facts; comparisons among them join the system."""
        new = []
        for place in range(len(self._names), len(self._facts.facts)):
            name = next(self._counter)
            new.append(name)
            self._names.append(name)
            if self._facts.facts[place][0] != "or":
                self._systems[-1] = self._system.with_fact(name, *self._facts.literal(place))
        return tuple(new)

    @contextmanager
    def _with(self, add: Callable[[], None]) -> Iterator[tuple[int, ...]]:
        """The names of facts that are added for a while."""
        size = len(self._names)
        self._systems.append(self._system)
        self._said.append(set())
        try:
            add()
            yield self._name_new_facts()
        finally:
            self._systems.pop()
            self._said.pop()
            del self._facts.facts[size:]
            del self._names[size:]

    def _with_part(self, part: tuple[Any, Any]) -> AbstractContextManager[tuple[int, ...]]:
        """The names of the facts that a part of an alternative adds, while they are there."""

        def put() -> None:
            self._facts.add(*part)
            if isinstance(part[0], Expression):
                self._say(*part)

        return self._with(put)

    def _say(self, term: Expression, holds: bool) -> None:
        self._said[-1].add((term, holds))
        if term.operation == "not":
            self._say(term.parts[0], not holds)
        elif term.operation == ("and" if holds else "or"):
            for part in term.parts:
                self._say(part, holds)

    def _was_said(self, what: Any, holds: Any) -> bool:
        """Whether a part of an alternative stands among the formulas that were put."""
        return isinstance(what, Expression) and any((what, holds) in said for said in self._said)

    @contextmanager
    def _with_note(self, kind: str, argument: object) -> Iterator[tuple[int, ...]]:
        """The names of facts that hold always, while they are there."""
        key = kind, str(argument)
        found = [("or", parts) for parts in NOTES[kind](self._facts, argument)]
        self._noted.add(key)
        try:
            with self._with(lambda: self._facts.facts.extend(found)) as new:
                yield new
        finally:
            self._noted.discard(key)

    def _new_notes(self, notes: Iterable[WrittenNote]) -> Iterator[WrittenNote]:
        return (note for note in notes if (note[0], str(note[1])) not in self._noted)

    # places

    def _look(self, system: System) -> Step | None:
        """What ends a place at once, if that is not one look too many."""
        if self._looks_left <= 0:
            raise NotFound("too many cases")
        self._looks_left -= 1
        return at_once(system)

    def _solve(self) -> Step:
        """A step that closes the tree below this place."""
        system = self._system
        found = self._look(system)
        if found is not None:
            return simplest(system, found)
        alternatives = self._alternatives("or", "!=")
        for place in alternatives:  # what can be seen without a calculation comes first
            parts = self._facts.alternatives(place)
            if not any(self._was_said(*part) for part in parts) and (
                sum(not self._was_said(what, not holds) for what, holds in parts) <= 1
            ):
                return self._split(place)
        waiting = []
        for place in alternatives:
            still_open = self._still_open(place)
            if still_open is not None and still_open <= 1:
                return self._split(place)
            if still_open is not None:
                waiting.append(place)
        for kind, argument in self._new_notes(at_hand(self._facts, system, self._alike)):
            return self._note(kind, argument)
        for place in waiting:
            parts = self._facts.alternatives(place)
            if len(parts) == 2 and parts[0][0] is parts[1][0]:  # a condition, or not
                return self._split(place)
        if len(system.related(">", ">=")) <= _FEW_SIGNED:  # easier, perhaps, than what z3 needs
            found = by_products(system, list(system.literals), 2, squares=True)
            if found is not None:
                return simplest(system, found)
        if self._quick:
            raise NotFound("nothing follows at once")
        return self._closed_or_split(waiting)

    def _closed_or_split(self, waiting: Sequence[int]) -> Step:
        """A step by a sum, where there is one; else by the alternative with the fewest parts."""
        system = self._system
        names = list(system.literals)
        if self._contradict(names, _WORK):
            core = least(names, lambda some: self._contradict(some, _WORK))
            return self._close(names, core)
        if not waiting:
            try:
                return self._close(names, entangled(system, names))
            except NotFound:
                pass
        if _FEW_SIGNED < len(system.related(">", ">=")) <= _SIGNED:
            found = by_products(system, names, 2)
            if found is not None:
                return simplest(system, found)
        best = self._fewest_parts(waiting)
        if best is not None:
            return self._split(best)
        for kind, argument in self._new_notes(far_fetched(self._facts, system, self._alike)):
            return self._note(kind, argument)
        raise NotFound("no contradiction is seen")

    def _alternatives(self, *relations: str) -> list[int]:
        """The places of alternatives that are not split above."""
        return [
            place
            for relation in relations
            for place, (kind, _) in enumerate(self._facts.facts)
            if kind == relation and self._names[place] not in self._done
        ]

    def _still_open(self, place: int) -> int | None:
        """How many parts of an alternative are not ended at once: at most 2 are counted.

        None where a part says nothing new.
        """
        still_open = 0
        for part in self._facts.alternatives(place):
            with self._with_part(part) as new:
                if new and all(map(self._says_nothing, new)):
                    return None
                ended = self._look(self._system) or (len(new) > 1 and self._excluded(new))
            still_open += not ended
            if still_open > 1:
                break
        return still_open

    def _says_nothing(self, name: int) -> bool:
        """Whether a comparison that is new holds already by one that is not."""
        before = self._systems[-2]
        if name not in self._system.literals:
            return False
        relation, p = self._system.literals[name]
        p = before.reduce(p)
        if p == 0:
            return relation in ("=", ">=")
        return any(
            before.reduced[other] == p
            and (known == relation or (known == ">" and relation in (">=", "!=")))
            for other, (known, _) in before.literals.items()
        )

    def _excluded(self, new: Sequence[int]) -> bool:
        """Whether one of the alternatives known before these facts has no part left."""
        return any(
            all(map(self._ends_at_once, self._facts.alternatives(place)))
            for place in self._alternatives("or")
            if self._names[place] not in new
        )

    def _ends_at_once(self, part: tuple[Any, Any]) -> bool:
        with self._with_part(part):
            return self._look(self._system) is not None

    def _split(self, place: int) -> Step:
        """A step for each part; or that of a part which does not use what it adds."""
        name = self._names[place]
        branches = []
        self._done.add(name)
        try:
            for part in self._facts.alternatives(place):
                with self._with_part(part) as new:
                    below = self._solve()
                if not below.used() & set(new):
                    return below
                branches.append((new, below))
        finally:
            self._done.discard(name)
        return Splitting(name, tuple(branches))

    def _note(self, kind: str, argument: object) -> Step:
        """What closes this place once something that holds always is noted."""
        with self._with_note(kind, argument) as new:
            below = self._split(len(self._names) - 1) if kind == "sign" else self._solve()
        return Noting(kind, argument, new, below) if below.used() & set(new) else below

    # contradictions

    def _contradict(self, names: Iterable[int], work: int) -> bool:
        """Whether z3 says that these comparisons contradict each other."""
        literals = self._system.literals
        for name in names:
            if name not in self._asked:
                self._asked[name] = comparison(*literals[name])
        return contradict([self._asked[name] for name in names], work)

    def _fewest_parts(self, waiting: Sequence[int]) -> int | None:
        """The alternative that leaves z3 the fewest parts which it does not exclude."""
        best, fewest = None, float("inf")
        for place in waiting:
            possible = 0
            for part in self._facts.alternatives(place):
                with self._with_part(part):
                    possible += not self._contradict(self._system.literals, _WORK_FOR_A_PART)
                if possible >= fewest:
                    break
            else:
                best, fewest = place, possible
                if possible <= 1:
                    break
        return best

    def _close(self, names: Sequence[int], core: Sequence[int]) -> Step:
        """A step for comparisons that contradict each other: a sum, or cases and then sums."""
        system, generators = self._system, self._facts.generators
        core = with_signs(system, core, generators)
        # what is not zero helps to solve equations, also where nothing else needs it
        equations = any(system.compared(name) == "=" for name in core)
        nonzero = [n for n in names if system.compared(n) in (">", "!=") and n not in core]
        small = system.restricted([*(nonzero if equations else ()), *core], divide=True)
        self._looks_left -= _LOOKS_FOR_A_SUM
        found = self._look(small)
        if found is not None:
            return simplest(small, found)
        divisors = {name for each in small.eliminations for name in each.nonzero}
        core += sorted(n for n in divisors - set(core) if system.compared(n) == ">")
        undivided = system.restricted(core, divide=False)
        for note in self._signs(undecided_factors(undivided, core)):
            return self._note(*note)
        around = system.restricted(linear_around(system, names, core), divide=False)
        found = by_sums(small, undivided, around, core)
        if found is not None:
            return simplest(system, found)
        for name in core:
            if system.compared(name) == "!=" and name not in self._done:
                return self._split(self._names.index(name))
        if sum(kind == "sign" for kind, _ in self._noted) < _SIGNS:
            for note in self._signs(undecided_unknowns(undivided, core, generators)):
                return self._note(*note)
        raise NotFound("no sum was found")

    def _signs(self, polynomials: Iterable[Polynomial]) -> Iterator[WrittenNote]:
        return self._new_notes(("sign", text_of(p)) for p in polynomials)
