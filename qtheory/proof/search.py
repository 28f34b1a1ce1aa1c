"""Finding certificates: what is not trusted, as the checker reads whatever is found here.

A tree of cases is grown as the facts ask for it. z3 says which branches can be closed, and from
which comparisons; exact linear programming over products of these finds the sum that closes one.
Limits count work (z3's own units, products, branches), never seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, count
from typing import Any

import flint
import z3

from qtheory.proof.leaves import solve_equations
from qtheory.proof.certificates import stores
from qtheory.proof.checker import (
    INT,
    NOTES,
    REAL,
    CertificateError,
    Facts,
    Term,
    check,
    powers,
    put,
    solved,
    unknowns,
)

_ASK = 100_000
_COLUMNS = 700
_SIGNS = 3


class NotFound(Exception):
    """No certificate was found."""


# --- trees ------------------------------------------------------------------------------------

# While a tree grows, facts have names (whole numbers) that stay; their places are known at the end.


@dataclass
class Split:
    fact: int
    branches: list[tuple[list[int], Any]]

    def used(self) -> set[int]:
        return {self.fact}.union(*(b.used() - set(new) for new, b in self.branches))

    def written(self, places: dict[int, int], size: int) -> list[Any]:
        steps = []
        for new, branch in self.branches:
            here = places | {name: size + k for k, name in enumerate(new)}
            steps.append(branch.written(here, size + len(new)))
        return ["split", places[self.fact], steps]


@dataclass
class Note:
    kind: str
    argument: Any
    new: list[int]
    below: Any

    def used(self) -> set[int]:
        return self.below.used() - set(self.new)

    def written(self, places: dict[int, int], size: int) -> list[Any]:
        here = places | {name: size + k for k, name in enumerate(self.new)}
        return ["note", self.kind, self.argument, self.below.written(here, size + len(self.new))]


@dataclass
class Sum:
    eliminations: list[tuple[int, int, list[int]]]
    terms: list[tuple[str, str | None, list[int]]]

    def used(self) -> set[int]:
        found = {fact for equation, _, nonzero in self.eliminations for fact in (equation, *nonzero)}
        return found.union(*(facts for _, _, facts in self.terms))

    def written(self, places: dict[int, int], size: int) -> list[Any]:
        return [
            "sum",
            [[places[e], x, *(places[f] for f in nonzero)] for e, x, nonzero in self.eliminations],
            [[c, square, *(places[f] for f in facts)] for c, square, facts in self.terms],
        ]


# --- comparisons ----------------------------------------------------------------------------------


class System:
    """Comparisons of polynomials with zero, with the equations solved and put in."""

    def __init__(self, ring: Any, counter: Any, divide: bool = True) -> None:
        self.ring, self.counter, self.divide = ring, counter, divide
        self.literals: dict[int, tuple[str, Any]] = {}
        self.reduced: dict[int, Any] = {}
        self.solved: list[tuple[int, int, list[int], Any, Any]] = []

    def with_fact(self, name: int, relation: str, p: Any) -> System:
        new = System(self.ring, self.counter, self.divide)
        new.literals = self.literals | {name: (relation, p)}
        new.solved = self.solved
        for _, place, _, above, below in self.solved:
            p = put(p, place, above, below)
        new.reduced = self.reduced | {name: p}
        # what is not zero by the new fact may solve older equations
        while new._solve_one():
            pass
        return new

    def _solve_one(self) -> bool:
        done = {equation for equation, *_ in self.solved}
        choice = None
        for name, (relation, _) in self.literals.items():
            p = self.reduced[name]
            if relation != "=" or name in done or p == 0:
                continue
            for place in range(len(self.ring.gens())):
                degrees = p.degrees()
                if degrees[place] != 1:
                    continue
                above, below = solved(p, place)
                by: list[int] | None = []
                if not below.is_constant():
                    by = self.dividing(below) if self.divide else None
                    if by is None:
                        continue
                cost = len(below.to_dict()) - 1, len(by or ()), len(above.to_dict())
                if choice is None or cost < choice[0]:
                    choice = cost, name, place, by, above, below
        if choice is None:
            return False
        _, name, place, by, above, below = choice
        if below.is_constant():
            above, below = above * (1 / below.leading_coefficient()), self.ring.constant(1)
        self.solved = [*self.solved, (name, place, by or [], above, below)]
        self.reduced = {n: put(p, place, above, below) for n, p in self.reduced.items()}
        return True

    def dividing(self, below: Any) -> list[int] | None:
        """Facts whose product is a multiple of a polynomial, and not zero."""
        rest, by = below, []
        for name, (relation, _) in sorted(self.literals.items(), key=lambda item: item[1][0] != ">"):
            p = self.reduced[name]
            if relation not in (">", "!="):
                continue
            while not rest.is_constant() and not p.is_constant():
                common = rest.gcd(p)
                if common.is_constant():
                    break
                rest = divmod(rest, common)[0]
                by.append(name)
        return by if rest.is_constant() else None

    def reduce(self, p: Any) -> Any:
        for _, place, _, above, below in self.solved:
            p = put(p, place, above, below)
        return p

    @property
    def eliminations(self) -> list[tuple[int, int, list[int]]]:
        return [(name, place, by) for name, place, by, _, _ in self.solved]

    def ended(self) -> Any:
        """A step that closes it because one comparison alone is false, or a sum of them."""
        for name, (relation, _) in self.literals.items():
            p = self.reduced[name]
            if relation == "!=" and p == 0:
                branches = []
                for sign in ("1", "-1"):
                    fact = next(self.counter)
                    branches.append(([fact], Sum(self.eliminations, [("1", None, [fact])])))
                return Split(name, branches)
            if relation == ">" and p == 0:
                return Sum(self.eliminations, [("1", None, [name])])
            if relation == "=" and p != 0 and p.is_constant():
                factor = -1 / self.literals_constant(p)
                return Sum(self.eliminations, [("1", None, []), (str(factor), None, [name])]) if not self.scaled(name) else None
        return combine(self, list(self.literals), 1)

    def literals_constant(self, p: Any) -> Any:
        return p.leading_coefficient()

    def scaled(self, name: int) -> bool:
        return any(not below.is_constant() for *_, below in self.solved)


def combine(system: System, names: Sequence[int], most: int, squares: bool = False) -> Sum | None:
    """A positive sum of products of at most so many of these facts that is zero."""
    ring, one = system.ring, system.ring.constant(1)
    signed = [n for n in names if system.literals[n][0] in (">=", ">")]
    done = {equation for equation, *_ in system.solved}
    left = [
        n
        for n in names
        if system.literals[n][0] == "=" and n not in done and system.reduced[n] != 0
    ]
    plain = not system.scaled(0)
    source = system.reduced if plain else {n: p for n, (_, p) in system.literals.items()}
    columns: list[tuple[list[int], Any, bool, str | None]] = []
    used = [
        k
        for k in range(len(ring.gens()))
        if any(system.reduced[n].degrees()[k] for n in names)
    ]
    for size in range(most + 1):
        for chosen in combinations_with_replacement(signed, size):
            product = one
            for name in chosen:
                product = product * source[name]
            columns.append(
                (list(chosen), product, all(system.literals[n][0] == ">" for n in chosen), None)
            )
        if len(columns) > _COLUMNS:
            return None
    if squares:
        few = [one, *(ring.gens()[k] for k in used)]
        roots = few[1:] + [a * b for a, b in combinations_with_replacement(few[1:], 2) if most > 2]
        if most > 1:
            roots += [a + b for a, b in combinations(few, 2)] + [a - b for a, b in combinations(few, 2)]
        plain_columns = [c for c in columns if len(c[0]) < most]
        for root in roots:
            for chosen, product, _, _ in plain_columns:
                columns.append((chosen, product * root**2, False, text_of(root)))
            if len(columns) > 2 * _COLUMNS:
                break
    free: list[tuple[int, Any, Any]] = []
    for name in left:
        # an equation times what makes one of its monomials one that there is
        own = list(source[name].to_dict())
        there = {e for _, p, *_ in columns for e in p.to_dict()}
        quotients = {
            tuple([a - b for a, b in zip(e, mine, strict=True)])
            for e in there
            for mine in own
            if all(a >= b for a, b in zip(e, mine, strict=True))
        } | {(0,) * len(ring.gens())}
        for exponents in sorted(quotients, key=sum)[:60]:
            factor = ring.from_dict({exponents: 1})
            free.append((name, factor, source[name] * factor))
    if len(columns) + len(free) > (3 if plain else 0.5) * _COLUMNS:
        return None
    polynomials = [p for _, p, *_ in columns] + [p for _, _, p in free]
    if not plain:
        for _, place, _, above, below in system.solved:
            high = max(p.degrees()[place] for p in polynomials)
            polynomials = [
                put(p, place, above, below) * below ** (high - p.degrees()[place])
                for p in polynomials
            ]
    solution = nonnegative(polynomials, [strict for _, _, strict, _ in columns], len(columns))
    if solution is None:
        return None
    terms: list[tuple[str, str | None, list[int]]] = [
        (str(value), square, chosen)
        for value, (chosen, _, _, square) in zip(solution, columns, strict=False)
        if value
    ]
    multiplier: dict[int, Any] = {}
    for value, (name, factor, _) in zip(solution[len(columns) :], free, strict=True):
        if value:
            q = flint.fmpq(value.numerator, value.denominator)
            multiplier[name] = multiplier.get(name, ring.constant(0)) + factor * q
    terms += [(text_of(p), None, [name]) for name, p in multiplier.items()]
    return needed(system, terms)


def coordinates(system: System, names: Sequence[int]) -> tuple[dict[int, int], list[Any]]:
    """Facts that are taken for unknowns: by the unknown that each replaces; and what that one is.

    A difference comes before a number: where x >= y >= 0, x is y and something nonnegative.
    """
    ring = system.ring
    gens = list(ring.gens())
    signed = [n for n in names if system.literals[n][0] in (">=", ">")]
    linear = []
    for n in signed:
        p = system.reduced[n]
        terms = p.to_dict()
        if p != 0 and not p.is_constant() and all(sum(e) <= 1 for e in terms):
            linear.append((n, p, terms))
    # more of what is subtracted first
    linear.sort(key=lambda item: (-sum(c < 0 for c in item[2].values()), len(item[2])))
    chosen: dict[int, int] = {}
    images = list(gens)
    for n, p, _ in linear:
        q = p.compose(*images)
        for exponents, c in sorted(q.to_dict().items(), key=lambda item: -item[1]):
            if sum(exponents) != 1 or c < 0:
                continue
            k = exponents.index(1)
            if k in chosen:
                continue
            # x_k = (new - rest) / c
            image = (gens[k] - (q - gens[k] * c)) / c
            step = list(gens)
            step[k] = image
            images = [each.compose(*step) for each in images]
            chosen[k] = n
            break
    return chosen, images


def sparse(system: System, names: Sequence[int], rounds: int, roots: bool = False) -> Sum | None:
    """A positive sum of products that is zero: of the monomials there are, in good coordinates."""
    ring, one = system.ring, system.ring.constant(1)
    gens = ring.gens()
    if system.scaled(0):
        return None
    chosen, images = coordinates(system, names)
    polys = {n: system.reduced[n].compose(*images) for n in names}
    done = {equation for equation, *_ in system.solved}
    lefts = [n for n in names if system.literals[n][0] == "=" and n not in done and polys[n] != 0]
    facts = [
        n
        for n in names
        if system.literals[n][0] in (">=", ">") and n not in chosen.values()
    ]
    monomials = {e for n in (*lefts, *facts) for e in polys[n].to_dict()}
    columns: dict[Any, tuple[list[int], Any, bool, Any]] = {
        (): ([], one, True, None)
    }
    for n in names:
        if system.literals[n][0] in (">", ">="):
            columns[(n,)] = [n], polys[n], system.literals[n][0] == ">", None
    free: dict[Any, tuple[int, Any, Any]] = {}
    extra: list[tuple[Any, Any]] = []
    if roots:
        extra += [(polys[n], polys[n]) for n in facts if polys[n].total_degree() == 1]
        for n in facts:
            for k in range(len(gens)):
                if polys[n].degrees()[k] == 2:
                    parts = powers(polys[n], k)
                    root = 2 * parts[2] * gens[k] + parts.get(1, 0 * one)
                    extra.append((root, root))
        used = [k for k in range(len(gens)) if any(polys[n].degrees()[k] for n in names)]
        few = [one, *(gens[k] for k in used)]
        if len(few) <= 8:
            extra += [(r, r) for a, b in combinations(few, 2) for r in (a + b, a - b)]

    def signable(exponents: tuple[int, ...]) -> bool:
        return all(n % 2 == 0 or k in chosen for k, n in enumerate(exponents))

    def factors(exponents: tuple[int, ...]) -> tuple[list[int], Any, bool]:
        """Facts for the odd powers, a square for the rest, and whether it is positive."""
        odd = [chosen[k] for k, n in enumerate(exponents) if n % 2]
        square, strict = one, True
        for k, n in enumerate(exponents):
            if n and k in chosen:
                strict = strict and system.literals[chosen[k]][0] == ">"
                if n > 1 and strict:  # a strict fact keeps a product strict
                    odd += [chosen[k]] * (n - n % 2)
                    continue
            elif n:
                strict = False
            if n > 1:
                square = square * gens[k] ** (n // 2)
        return odd, square, strict

    for _ in range(rounds):
        new: set[tuple[int, ...]] = set()
        for e in sorted(monomials):
            if signable(e) and any(e) and ("m", e) not in columns:
                odd, square, strict = factors(e)
                columns["m", e] = odd, ring.from_dict({e: 1}), strict, square
        pool = [([n], polys[n], system.literals[n][0] == ">", None) for n in facts]
        pool += [([], root**2, False, root) for root, _ in extra]
        for label, (base, poly, strict_, root) in enumerate(pool):
            own = list(poly.to_dict())
            if root is not None and len(own) > 6:
                continue
            for e in sorted(monomials):
                for mine in own:
                    q = tuple([x - y for x, y in zip(e, mine, strict=True)])
                    key = ("l", label, q)
                    if min(q) < 0 or not signable(q) or key in columns:
                        continue
                    if not any(q) and root is None:
                        continue
                    odd, square, strict = factors(q)
                    product = poly * ring.from_dict({q: 1})
                    whole = square if root is None else square * root
                    columns[key] = [*base, *odd], product, strict and strict_, whole
                    new |= set(product.to_dict())
        for n in lefts:
            own = list(polys[n].to_dict())
            for e in sorted(monomials):
                for mine in own:
                    q = tuple([x - y for x, y in zip(e, mine, strict=True)])
                    if min(q) < 0 or (n, q) in free:
                        continue
                    factor = ring.from_dict({q: 1})
                    free[n, q] = n, factor, polys[n] * factor
                    new |= set((polys[n] * factor).to_dict())
        for root, _ in extra:
            for n in [None, *(f for f in facts)]:
                product = root**2 if n is None else root**2 * polys[n]
                key = ("r", str(root), n)
                if key not in columns:
                    columns[key] = [] if n is None else [n], product, False, root
                    new |= set(product.to_dict())
        if roots:
            for a, b in combinations_with_replacement(facts, 2):
                product = polys[a] * polys[b]
                columns["p", a, b] = [a, b], product, all(system.literals[f][0] == ">" for f in (a, b)), None
                new |= set(product.to_dict())
            for a in facts:
                for b in chosen.values():
                    product = polys[a] * polys[b]
                    columns["p", a, b] = [a, b], product, all(system.literals[f][0] == ">" for f in (a, b)), None
                    new |= set(product.to_dict())
        monomials |= new
        if len(columns) + len(free) > 4000:
            return None
    listed, free_ = list(columns.values()), list(free.values())
    polynomials = [p for _, p, *_ in listed] + [p for *_, p in free_]
    solution = nonnegative(polynomials, [strict for _, _, strict, _ in listed], len(listed))
    if solution is None:
        return None
    # back to what the unknowns were
    back = [system.reduced[chosen[k]] if k in chosen else g for k, g in enumerate(gens)]
    terms: list[tuple[str, str | None, list[int]]] = []
    for value, (own, _, _, square) in zip(solution, listed, strict=False):
        if value:
            root = None if square is None or square == 1 else text_of(square.compose(*back))
            terms.append((str(value), root, own))
    multiplier: dict[int, Any] = {}
    for value, (n, factor, _) in zip(solution[len(listed) :], free_, strict=True):
        if value:
            q = flint.fmpq(value.numerator, value.denominator)
            multiplier[n] = multiplier.get(n, 0 * one) + factor.compose(*back) * q
    terms += [(text_of(p), None, [n]) for n, p in multiplier.items()]
    return needed(system, terms)


def on_a_triangle(system: System, names: Sequence[int], most: int) -> Sum | None:
    """A positive sum of products of so many linear facts, and of one other fact, that is zero."""
    one = system.ring.constant(1)
    if system.scaled(0):
        return None
    signed = [n for n in names if system.literals[n][0] in (">=", ">")]
    linear = [
        n
        for n in signed
        if not system.reduced[n].is_constant() and system.reduced[n].total_degree() == 1
    ]
    others = [n for n in signed if system.reduced[n].total_degree() > 1]
    if len(others) != 1 or len(linear) > 6:
        return None
    (other,) = others
    for corner in combinations(linear, 3):
        forms = [system.reduced[n] for n in corner]
        # a triangle: with some positive factors the forms add up to one
        if nonnegative([*forms, -one], [False, False, False, True], 4) is None:
            continue
        columns: list[tuple[list[int], Any]] = [([other], system.reduced[other])]
        for i in range(most + 1):
            for j in range(most + 1 - i):
                exponents = (i, j, most - i - j)
                product = one
                for form, n in zip(forms, exponents, strict=True):
                    product = product * form**n
                columns.append(([n for n, k in zip(corner, exponents, strict=True) for _ in range(k)], product))
        strict = [system.literals[other][0] == ">"] + [False] * (len(columns) - 1)
        solution = nonnegative([p for _, p in columns], strict, len(columns))
        if solution is not None:
            terms = zip(solution, columns, strict=True)
            return needed(system, [(str(v), None, facts) for v, (facts, _) in terms if v])
    return None


def needed(system: System, terms: list[tuple[str, str | None, list[int]]]) -> Sum:
    """The sum with the eliminations that it needs."""
    facts = Facts.__new__(Facts)
    found = Sum(system.eliminations, terms)
    total = value_of(system, terms)
    kept = list(system.solved)
    for equation in reversed(system.solved):
        fewer = [e for e in kept if e is not equation]
        if vanishes(system, total, fewer):
            kept = fewer
    return Sum([(name, place, by) for name, place, by, _, _ in kept], terms)


def value_of(system: System, terms: Any) -> Any:
    total = system.ring.constant(0)
    for coefficient, square, names in terms:
        product = read(system.ring, coefficient)
        if square:
            product = product * read(system.ring, square) ** 2
        for name in names:
            product = product * system.literals[name][1]
        total += product
    return total


def read(ring: Any, text: str) -> Any:
    facts = Facts.__new__(Facts)
    facts.ring, facts.generators = ring, ring.gens()
    facts.unknowns = [None] * len(ring.gens())  # type: ignore[list-item]
    return facts.read(text)


def vanishes(system: System, total: Any, equations: Any) -> bool:
    """Whether fewer equations do; each is read anew, as the checker reads it."""
    known: list[tuple[int, Any, Any]] = []
    try:
        for name, place, by, _, _ in equations:
            p = system.literals[name][1]
            for at, above, below in known:
                p = put(p, at, above, below)
            if p.degrees()[place] != 1:
                return False
            above, below = solved(p, place)
            product = system.ring.constant(1)
            for fact in by:
                factor = system.literals[fact][1]
                for at, a, b in known:
                    factor = put(factor, at, a, b)
                product = product * factor
            if product == 0 or divmod(product, below)[1] != 0:
                return False
            known.append((place, above, below))
    except CertificateError:
        return False
    for at, above, below in known:
        total = put(total, at, above, below)
    return total == 0


def text_of(p: Any) -> str:
    return " + ".join(
        "*".join([str(c), *(f"x{k}^{n}" if n > 1 else f"x{k}" for k, n in enumerate(e) if n)])
        for e, c in p.to_dict().items()
    )


def nonnegative(polynomials: list[Any], strict: list[bool], signed: int) -> list[Any] | None:
    """Rational numbers, the first ones not negative and one with ``strict`` positive, with sum 0."""
    rows: dict[tuple[int, ...], list[tuple[int, Any]]] = {}
    for k, p in enumerate(polynomials):
        for exponents, c in p.to_dict().items():
            rows.setdefault(exponents, []).append((k, c))
    # a monomial of one sign leaves no room for those that have it
    alive = set(range(len(polynomials)))
    changed = True
    while changed:
        changed = False
        for row in rows.values():
            here = [(k, c) for k, c in row if k in alive]
            if not here or (len(here) > 1 and any(k >= signed for k, _ in here)):
                continue
            if all(c > 0 for _, c in here) or all(c < 0 for _, c in here):
                alive -= {k for k, _ in here}
                changed = True
    if not any(strict[k] for k in alive if k < signed):
        return None
    context = z3.Context()
    solver = z3.SolverFor("QF_LRA", ctx=context)
    solver.set("rlimit", 20_000_000)
    v = {k: z3.Real(f"v{k}", context) for k in alive}
    solver.add(*(v[k] >= 0 for k in alive if k < signed))
    for row in rows.values():
        here = [(k, c) for k, c in row if k in alive]
        if here:
            solver.add(z3.Sum([z3.RealVal(f"{c.p}/{c.q}", context) * v[k] for k, c in here]) == 0)
    solver.add(z3.Sum([v[k] for k in alive if k < signed and strict[k]]) == 1)
    if solver.check() != z3.sat:
        return None
    model = solver.model()
    return [
        model.eval(v[k], model_completion=True).as_fraction() if k in alive else Fraction(0)
        for k in range(len(polynomials))
    ]


# --- the search ---------------------------------------------------------------------------------


class Tree:
    """The facts at a place of the tree, with names, and what z3 says of them."""

    def __init__(self, formulas: Sequence[Term], branches: int = 400, quick: bool = False) -> None:
        self.quick, self.deep = quick, False
        self.facts = Facts(formulas)
        self._counter = count()
        self.names: list[int] = []
        self.left = branches
        self.systems = [System(self.facts.ring, self._counter)]
        self._named()
        self.said: list[set[tuple[Term, bool]]] = [set()]
        for formula in formulas:
            self._say(formula, True)
        self._noted: set[Any] = set()
        self._done: set[int] = set()
        terms = self.facts.unknowns
        self.alike = [
            (a, b)
            for b, two in enumerate(terms)
            for a, one in enumerate(terms[:b])
            if one.operation == two.operation in ("apply", "entry")
            and (one.value, one.sort) == (two.value, two.sort)
            and all(
                p is q
                or (p.sort == q.sort and p.sort in (REAL, INT))
                or any(t.operation == "same" and set(t.parts) == {p, q} for t in terms)
                for p, q in zip(one.parts, two.parts, strict=True)
            )
        ]

    def _named(self) -> list[int]:
        """Names for the new facts; comparisons among them join the system."""
        new = []
        system = self.systems[-1]
        for k in range(len(self.names), len(self.facts.facts)):
            name = next(self._counter)
            new.append(name)
            self.names.append(name)
            if self.facts.facts[k][0] != "or":
                system = system.with_fact(name, *self.facts.literal(k))
        self.systems[-1] = system
        return new

    def _say(self, term: Term, holds: bool) -> None:
        """A formula, and what it says of its parts."""
        self.said[-1].add((term, holds))
        if term.operation == "not":
            self._say(term.parts[0], not holds)
        elif term.operation == ("and" if holds else "or"):
            for part in term.parts:
                self._say(part, holds)

    def refuted(self, part: tuple[Any, Any]) -> bool:
        """Whether the negation of a part of an alternative was said."""
        what, holds = part
        return isinstance(what, Term) and any((what, not holds) in said for said in self.said)

    def take(self, part: tuple[Any, Any]) -> Any:
        def put_() -> None:
            self.facts.add(*part)
            if isinstance(part[0], Term):
                self._say(*part)

        return put_

    def grown(self, put: Any) -> list[int]:
        self.systems.append(self.systems[-1])
        self.said.append(set())
        put()
        return self._named()

    def cut(self, size: int) -> None:
        self.systems.pop()
        self.said.pop()
        del self.facts.facts[size:]
        del self.names[size:]

    # z3

    def relation(self, context: Any, relation: str, p: Any) -> Any:
        variables = [z3.Real(f"x{k}", context) for k in range(len(self.facts.unknowns))]
        total = z3.RealVal(0, context)
        for exponents, c in p.to_dict().items():
            term = z3.RealVal(f"{c.p}/{c.q}", context)
            for k, n in enumerate(exponents):
                for _ in range(n):
                    term = term * variables[k]
            total = total + term
        return {"=": total == 0, "!=": total != 0, ">=": total >= 0, ">": total > 0}[relation]

    def unsatisfiable(self, system: System, names: Sequence[int], work: int = _ASK) -> bool:
        context = z3.Context()
        solver = z3.SolverFor("QF_NRA", ctx=context)
        solver.set("rlimit", work)
        solver.set("timeout", 5000)
        for name in names:
            relation, p = system.literals[name][0], system.literals[name][1]
            solver.add(self.relation(context, relation, p))
        return solver.check() == z3.unsat

    def solve(self) -> Any:
        """A tree that closes what is known now."""
        system, size = self.systems[-1], len(self.names)
        found = system.ended()
        if found is not None:
            return found
        self.left -= 1
        if self.left < 0:
            raise NotFound("too many branches")
        alternatives = [
            k
            for relation in ("or", "!=")
            for k in range(size)
            if self.facts.facts[k][0] == relation and self.names[k] not in self._done
        ]
        waiting = []
        for k in alternatives:
            parts = self.facts.alternatives(k)
            if sum(not self.refuted(part) for part in parts) <= 1 and not any(
                isinstance(what, Term) and any((what, holds) in said for said in self.said)
                for what, holds in parts
            ):
                return self.branch(k)
        for k in alternatives:
            parts = self.facts.alternatives(k)
            closed = []
            for part in parts:
                before = system.solved
                new = self.grown(self.take(part))
                if self.facts.facts[size:] and all(self.trivial(n) for n in new):
                    closed = None
                else:
                    ended = self.systems[-1].ended()
                    if ended is None and len(new) > 1 and self.excluded(size):
                        ended = True
                    closed.append(ended)
                self.cut(size)
                if closed is None or sum(c is None for c in closed) > 1:
                    break
            if closed is None:
                continue
            if sum(c is None for c in closed) <= 1:
                return self.branch(k)
            waiting.append(k)
        for kind, argument in self.eager(system):
            return self.noted(kind, argument)
        for k in waiting:
            parts = self.facts.alternatives(k)
            if len(parts) == 2 and parts[0][0] is parts[1][0]:  # a condition, or not
                return self.branch(k)
        if self.quick:
            if waiting:
                k = min(waiting, key=lambda k: len(self.facts.alternatives(k)))
                if len(self.facts.alternatives(k)) <= 3 and self.deep:
                    return self.branch(k)
            elif self.deep:
                names = [n for n in self.names if n in system.literals]
                return self.close(system, names, self.related(system, names))
            raise NotFound("nothing follows at once")
        names = [n for n in self.names if n in system.literals]
        if self.unsatisfiable(system, names):
            return self.close(system, names, self.core(system, names))
        if not waiting:
            try:
                return self.close(system, names, self.related(system, names))
            except NotFound:
                pass
        signed = sum(r in (">", ">=") for r, _ in system.literals.values())
        for degree in (1, 2):
            if signed <= 14:
                found = combine(system, names, degree, signed <= 7)
                if found is not None:
                    return found
        best = None
        for k in waiting:
            possible = 0
            for part in self.facts.alternatives(k):
                self.grown(self.take(part))
                here = self.systems[-1]
                possible += not self.unsatisfiable(here, list(here.literals), 30_000)
                self.cut(size)
                if best is not None and possible >= best[0]:
                    break
            else:
                best = possible, k
                if possible <= 1:
                    break
        if best is None:
            for kind, argument in self.patient(system):
                return self.noted(kind, argument)
            raise NotFound("consistent")
        return self.branch(best[1])

    def excluded(self, before: int) -> bool:
        """Whether one of the alternatives known before has no part left."""
        size = len(self.names)
        for k in range(before):
            if self.facts.facts[k][0] == "or" and self.names[k] not in self._done:
                for part in self.facts.alternatives(k):
                    self.grown(self.take(part))
                    ended = self.systems[-1].ended()
                    self.cut(size)
                    if ended is None:
                        break
                else:
                    return True
        return False

    def noted(self, kind: str, argument: Any) -> Any:
        """What closes the branch once something that holds always is noted."""
        self._noted.add((kind, str(argument)))
        size = len(self.names)
        new = self.grown(
            lambda: self.facts.facts.extend(
                ("or", parts) for parts in NOTES[kind](self.facts, argument)
            )
        )
        below = self.branch(size) if kind == "sign" else self.solve()
        self.cut(size)
        self._noted.discard((kind, str(argument)))
        return Note(kind, argument, new, below) if below.used() & set(new) else below

    def eager(self, system: System) -> Iterator[tuple[str, Any]]:
        """What follows at once: p = 0 from both signs, equal values from equal arguments."""
        signed = {str(system.reduced[n]) for n, (r, _) in system.literals.items() if r == ">="}
        for name, (relation, _) in system.literals.items():
            p = system.reduced[name]
            if relation == ">=" and p != 0 and str(-p) in signed:
                text = text_of(p)
                if ("sign", text) not in self._noted:
                    yield "sign", text
        for pair in self.alike:
            if ("equal", str(list(pair))) in self._noted:
                continue
            one, two = (self.facts.unknowns[k] for k in pair)
            differences = [
                self.facts.polynomial(a) - self.facts.polynomial(b)
                for a, b in zip(one.parts, two.parts, strict=True)
                if a.sort in (REAL, INT)
            ]
            sequences = [
                self.facts.polynomial(t)
                for a, b in zip(one.parts, two.parts, strict=True)
                if a is not b and a.sort not in (REAL, INT)
                for t in self.facts.unknowns
                if t.operation == "same" and set(t.parts) == {a, b}
            ]
            known = [p for r, p in system.literals.values() if r == ">"]
            if all(system.reduce(p) == 0 for p in differences) and all(p in known for p in sequences):
                values = self.facts.generators[pair[0]] - self.facts.generators[pair[1]]
                if system.reduce(values) != 0:
                    yield "equal", list(pair)

    def patient(self, system: System) -> Iterator[tuple[str, Any]]:
        for name, (relation, p) in system.literals.items():
            if relation == ">" and len(p.to_dict()) > 0:
                text = text_of(p)
                try:
                    NOTES["integer"](self.facts, text)
                except CertificateError:
                    continue
                if ("integer", text) not in self._noted:
                    yield "integer", text
        for pair in self.alike:
            if ("equal", str(list(pair))) not in self._noted:
                yield "equal", list(pair)

    def trivial(self, name: int) -> bool:
        """Whether a new comparison says nothing: the alternative it comes from holds already."""
        system, before = self.systems[-1], self.systems[-2]
        if name not in system.literals:
            return False
        relation, p = system.literals[name]
        for _, place, _, above, below in before.solved:
            p = put(p, place, above, below)
        if p == 0:
            return relation in ("=", ">=")
        return any(
            before.reduced[other] == p
            and (rel == relation or (rel == ">" and relation in (">=", "!=")))
            for other, (rel, _) in before.literals.items()
        )

    def branch(self, k: int) -> Any:
        size, name = len(self.names), self.names[k]
        branches = []
        self._done.add(name)
        for part in self.facts.alternatives(k):
            new = self.grown(self.take(part))
            below = self.solve()
            self.cut(size)
            if not below.used() & set(new):
                self._done.discard(name)
                return below
            branches.append((new, below))
        self._done.discard(name)
        return Split(name, branches)

    def related(self, system: System, names: list[int]) -> list[int]:
        """The comparisons without those whose unknowns no other one has."""
        kept = list(names)
        while True:
            used = [
                {k for k, n in enumerate(system.literals[name][1].degrees()) if n} for name in kept
            ]
            fewer = [
                name
                for j, name in enumerate(kept)
                if used[j] & set().union(*(u for k, u in enumerate(used) if k != j))
            ]
            # a bound of an unknown that only bounds of it know says nothing
            rich = set().union(*(u for u in used if len(u) > 1))
            fewer = [n for n in fewer if used[kept.index(n)] & rich]
            if fewer == kept:
                return kept
            kept = fewer

    def close(self, system: System, names: list[int], core: list[int]) -> Any:
        # signs help to find the sum, also where z3 does without: of unknowns, and what was split
        split = [system.literals[n][1] for n in core if system.literals[n][0] == "!="]
        for n, (relation, p) in system.literals.items():
            if n not in core and relation == ">" and any(p in (q, -q) for q in split):
                core.append(n)
        there = {
            k
            for n in core
            for k, power in enumerate(system.literals[n][1].degrees())
            if power
        }
        for n, (relation, p) in system.literals.items():
            if n not in core and relation in (">", "="):
                if any(p in (self.facts.generators[k], -self.facts.generators[k]) for k in there):
                    core.append(n)
        small = System(self.facts.ring, self._counter)
        # what is not zero helps to solve equations, also where nothing else needs it
        nonzero = [n for n in names if system.literals[n][0] in (">", "!=") and n not in core]
        equations = [n for n in core if system.literals[n][0] == "="]
        for name in [*(nonzero if equations else ()), *core]:
            small = small.with_fact(name, *system.literals[name])
        found = small.ended()
        if found is not None:
            return found
        divided = {n for _, _, by in small.eliminations for n in by if n not in core}
        core = core + sorted(n for n in divided if small.literals[n][0] == ">")
        undivided = System(self.facts.ring, self._counter, divide=False)
        for name in core:
            undivided = undivided.with_fact(name, *system.literals[name])
        for p in self.factors(undivided, core):
            return self.noted("sign", text_of(p))
        around = [
            n
            for n in names
            if n in core
            or (
                system.literals[n][0] in (">", ">=")
                and system.literals[n][1].total_degree() == 1
                and all(k in there for k, d in enumerate(system.literals[n][1].degrees()) if d)
            )
        ]
        flat = System(self.facts.ring, self._counter, divide=False)
        for name in around:
            flat = flat.with_fact(name, *system.literals[name])
        for degree in (4, 6, 8, 10, 12):
            found = on_a_triangle(flat, around, degree)
            if found is not None:
                return found
        for rounds, roots in ((1, False), (2, False), (1, True), (2, True)):
            found = sparse(undivided, core, rounds, roots)
            if found is not None:
                return found
        tries = [(2, False), (2, True), (3, False)]
        if len(core) <= 5:
            tries += [(3, True), (4, False), (4, True)]
        for degree, squares in tries:
            for system_ in (undivided, small) if len(small.solved) > len(undivided.solved) else (small,):
                found = combine(system_, core, degree, squares)
                if found is not None:
                    return found
        for n in core:
            if small.literals[n][0] == "!=" and n not in self._done:
                return self.branch(self.names.index(n))
        if sum(kind == "sign" for kind, _ in self._noted) < _SIGNS:
            for p in self.unsigned(undivided, core):
                return self.noted("sign", text_of(p))
        raise NotFound("no sum: " + "; ".join(f"{r} {p}" for r, p in small.literals.values()))

    def factors(self, system: System, core: Sequence[int]) -> list[Any]:
        """Factors of equations of which it is not known whether they are zero."""
        done = {equation for equation, *_ in system.solved}
        found: list[Any] = []
        for n in core:
            if system.literals[n][0] == "=" and n not in done and system.reduced[n] != 0:
                parts = system.reduced[n].factor()[1]
                if len(parts) > 1:
                    found += sorted((f for f, _ in parts), key=lambda f: len(f.to_dict()))
        return self.open(system, core, found)

    def unsigned(self, system: System, core: Sequence[int]) -> list[Any]:
        """Unknowns of which it is not known whether they are zero."""
        return self.open(
            system,
            core,
            [
                g
                for k, g in enumerate(self.facts.generators)
                if any(system.reduced[n].degrees()[k] for n in core)
            ],
        )

    def open(self, system: System, core: Sequence[int], numbers: list[Any]) -> list[Any]:
        nonzero = [system.reduced[n] for n in core if system.literals[n][0] in (">", "!=")]
        return [
            p
            for p in numbers
            if not any(p in (q, -q) for q in nonzero) and ("sign", text_of(p)) not in self._noted
        ]

    def core(self, system: System, names: list[int]) -> list[int]:
        kept, chunk = list(names), max(1, len(names) // 2)
        while True:
            at = 0
            while at < len(kept):
                rest = kept[:at] + kept[at + chunk :]
                if self.unsatisfiable(system, rest):
                    kept = rest
                else:
                    at += chunk
            if chunk == 1:
                return kept
            chunk = max(1, chunk // 2)


def notes(facts: Facts) -> Iterator[tuple[str, Any]]:
    for place, term in enumerate(facts.unknowns):
        if term.operation in ("/", "if"):
            yield "meaning", place


def grow(tree: Tree, wanted: list[tuple[str, Any]]) -> Any:
    made = []
    for kind, argument in wanted:
        new = tree.grown(
            lambda: tree.facts.facts.extend(
                ("or", parts) for parts in NOTES[kind](tree.facts, argument)
            )
        )
        made.append((kind, argument, new))
    node = tree.solve()
    for kind, argument, new in reversed(made):
        if node.used() & set(new):
            node = Note(kind, argument, new, node)
    return node


class Question:
    """Formulas as z3 sees them: their unknowns are real numbers, of which meanings are known."""

    def __init__(self, formulas: Sequence[Term], context: Any) -> None:
        self._context = context
        self._variables = {
            term: z3.Real(f"x{k}", context) for k, term in enumerate(unknowns(formulas))
        }
        self._numbers: dict[Term, Any] = {}

    def meanings(self) -> Iterator[Any]:
        for term, value in self._variables.items():
            if term.operation == "/":
                above, below = map(self.number, term.parts)
                yield z3.Or(below == 0, value * below == above)
            elif term.operation == "if":
                condition, yes, no = term.parts
                yield z3.If(
                    self.formula(condition), value == self.number(yes), value == self.number(no)
                )

    def number(self, term: Term) -> Any:
        if term not in self._numbers:
            self._numbers[term] = self._number(term)
        return self._numbers[term]

    def _number(self, term: Term) -> Any:
        if term.operation == "number":
            return z3.RealVal(str(term.value), self._context)
        if term.operation in ("+", "*"):
            join = z3.Sum if term.operation == "+" else z3.Product
            return join([self.number(part) for part in term.parts])
        return self._variables[term]

    def formula(self, term: Term) -> Any:
        if term.operation == "not":
            return z3.Not(self.formula(term.parts[0]))
        if term.operation in ("and", "or"):
            parts = [self.formula(part) for part in term.parts]
            if not parts:
                return z3.BoolVal(term.operation == "and", self._context)
            return (z3.And if term.operation == "and" else z3.Or)(*parts)
        if term.operation in ("<=", "<", "="):
            left, right = map(self.number, term.parts)
            return {"<=": left <= right, "<": left < right, "=": left == right}[term.operation]
        return self._variables[term] > 0


def contradictory(formulas: Sequence[Term], work: int) -> bool:
    """Whether z3 says within its limits of work that there is no model."""
    for make, limit in ((_polynomial_solver, work), (solve_equations, min(work, 30_000))):
        context = z3.Context()
        question, solver = Question(formulas, context), make(context)
        solver.set("rlimit", limit)
        solver.set("timeout", 3000)
        solver.add(*question.meanings(), *map(question.formula, formulas))
        answer = solver.check()
        if answer != z3.unknown:
            return answer == z3.unsat
    return False


def _polynomial_solver(context: Any) -> z3.Solver:
    return z3.SolverFor("QF_NRA", ctx=context)


def needed_formulas(formulas: Sequence[Term]) -> list[int]:
    """The formulas that z3 needs, if it finds out; else all."""
    kept = list(range(len(formulas)))
    context = z3.Context()
    question, solver = Question(formulas, context), z3.SimpleSolver(ctx=context)
    solver.set("rlimit", 200_000)
    solver.add(*question.meanings())
    for k, formula in enumerate(formulas):
        solver.assert_and_track(question.formula(formula), f"p{k}")
    if solver.check() == z3.unsat:
        kept = sorted(int(str(name)[1:]) for name in solver.unsat_core())
    elif not contradictory(formulas, 2_000_000):
        return kept
    chunk = max(1, len(kept) // 2)
    while True:
        at = 0
        while at < len(kept):
            rest = kept[:at] + kept[at + chunk :]
            if rest and contradictory([formulas[k] for k in rest], 150_000):
                kept = rest
            else:
                at += chunk
        if chunk == 1:
            return kept
        chunk //= 2


def search(formulas: Sequence[Term]) -> tuple[list[int], Any]:
    """Which formulas are needed, and a certificate that they have no common model.

    First what follows at once from all of them; then what z3 says they are needed for.
    """
    try:
        return _searched(formulas, list(range(len(formulas))), quick=True)
    except NotFound:
        kept = needed_formulas(formulas)
    try:
        return _searched(formulas, kept, quick=False)
    except NotFound:
        return _searched(formulas, _with_signs(formulas, kept), quick=False)


def _with_signs(formulas: Sequence[Term], kept: list[int]) -> list[int]:
    """The formulas, and what is known of the signs of their unknowns: z3 may do without."""
    known = set(unknowns([formulas[k] for k in kept]))
    more = [
        k
        for k, formula in enumerate(formulas)
        if k not in kept
        and formula.operation in ("<=", "<")
        and set(unknowns([formula])) <= known
        and len(unknowns([formula])) <= 2
    ]
    return sorted({*kept, *more})


def _searched(formulas: Sequence[Term], kept: list[int], quick: bool) -> tuple[list[int], Any]:
    while True:
        chosen = [formulas[k] for k in kept]
        tree = Tree(chosen, branches=60 if quick else 400, quick=quick)
        node = grow(tree, list(notes(tree.facts)))
        used = node.used()
        # the facts of each formula
        needed_, at = [], 0
        for k, formula in zip(kept, chosen, strict=True):
            size = len(Facts([formula]).facts)
            if used & set(range(at, at + size)):
                needed_.append(k)
            at += size
        if needed_ == kept:
            size = len(Facts(chosen).facts)
            return kept, node.written({k: k for k in range(size)}, size)
        kept = needed_


def search_missing(
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, list[str]]:
    """Search the certificates that the proofs run so far lack, and keep those that are found.

    Returns the names of the leaves that are left without one, by the file of certificates.
    """
    todo = [(store, key) for store in stores() for key in list(store.missing)]
    left: dict[str, list[str]] = {}
    for done, (store, key) in enumerate(todo):
        progress(done, len(todo))
        name, formulas = store.missing[key]
        try:
            uses, steps = search(formulas)
            check([formulas[k] for k in uses], steps)
        except (NotFound, CertificateError, RecursionError):
            left.setdefault(str(store.path), []).append(name or "a lemma")
            continue
        store.add(key, uses, steps)
        store.save()
    progress(len(todo), len(todo))
    return left
