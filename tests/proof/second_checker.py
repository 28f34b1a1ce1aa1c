"""A second checker of certificates, written apart from the first: SymPy's polynomials, no care for
speed. It decides whether a certificate that was changed still is one.
"""

from fractions import Fraction

import sympy as sp
from sympy.polys.domains import QQ
from sympy.polys.rings import ring

NUMBERS = "Real", "Int"


def proves(formulas, steps):
    """Whether the steps show that the formulas have no common model."""
    try:
        return Second(formulas).closes(steps)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, sp.SympifyError):
        return False


class Second:
    def __init__(self, formulas):
        self.unknowns = []
        for formula in formulas:
            self.visit(formula)
        self.ring, *gens = ring([f"x{k}" for k in range(len(self.unknowns))] or ["x"], QQ)
        self.gens = gens[0] if isinstance(gens[0], tuple) else tuple(gens)
        self.facts = [fact for formula in formulas for fact in self.says(formula, True)]

    def visit(self, term):
        if term in self.unknowns:
            return
        for part in term.parts:
            self.visit(part)
        number = term.operation in ("apply", "entry", "same", "/", "if")
        if number and term.sort in (*NUMBERS, "Bool"):
            self.unknowns.append(term)

    def value(self, term):
        if term in self.unknowns:
            return self.gens[self.unknowns.index(term)]
        if term.operation == "number":
            return self.ring(QQ(term.value.numerator, term.value.denominator))
        first, *rest = map(self.value, term.parts)
        for other in rest:
            first = {"+": lambda a, b: a + b, "*": lambda a, b: a * b}[term.operation](first, other)
        return first

    def says(self, term, holds):
        """What a formula or its negation says: relations and polynomials, or alternatives."""
        kind, parts = term.operation, term.parts
        if kind == "not":
            return self.says(parts[0], not holds)
        if kind in ("and", "or"):
            if (kind == "and") == holds:
                return [fact for part in parts for fact in self.says(part, holds)]
            return [("or", self.flat(term, holds))]
        if kind in ("=", "<", "<="):
            a, b = map(self.value, parts)
            return [
                {
                    ("=", True): ("=", a - b),
                    ("=", False): ("!=", a - b),
                    ("<", True): (">", b - a),
                    ("<", False): (">=", a - b),
                    ("<=", True): (">=", b - a),
                    ("<=", False): (">", a - b),
                }[kind, holds]
            ]
        return [(">" if holds else "=", self.value(term))]

    def flat(self, term, holds):
        if term.operation == "not":
            return self.flat(term.parts[0], not holds)
        if term.operation == ("or" if holds else "and"):
            return [each for part in term.parts for each in self.flat(part, holds)]
        return [self.says(term, holds)]

    def closes(self, step):
        return getattr(self, f"by_{step[0]}")(*step[1:])

    def under(self, facts, step):
        kept, self.facts = self.facts, [*self.facts, *facts]
        try:
            return self.closes(step)
        finally:
            self.facts = kept

    def by_split(self, fact, steps):
        relation, what = self.facts[fact]
        parts = {"or": what, "!=": [[(">", what)], [(">", what * -1)]]}[relation]
        return len(parts) == len(steps) and all(map(self.under, parts, steps))

    def by_note(self, kind, argument, step):
        return self.under([("or", parts) for parts in getattr(self, f"of_{kind}")(argument)], step)

    def of_meaning(self, place):
        value, term = self.gens[place], self.unknowns[place]
        if term.operation == "/":
            above, below = map(self.value, term.parts)
            return [
                [[("=", below)], [("!=", below)]],
                [[("=", below)], [("=", value * below - above)]],
            ]
        condition, yes, no = {"if": term.parts}[term.operation]
        true, false = self.says(condition, True), self.says(condition, False)
        return [
            [false, [("=", value - self.value(yes))]],
            [true, [("=", value - self.value(no))]],
            [true, false],
        ]

    def of_equal(self, places):
        one, two = places
        a, b = self.unknowns[one], self.unknowns[two]
        if (a.operation, a.value, a.sort) != (b.operation, b.value, b.sort):
            raise ValueError
        parts = []
        for left, right in zip(a.parts, b.parts, strict=True):
            if {left.sort, right.sort} <= set(NUMBERS):
                parts.append([("!=", self.value(left) - self.value(right))])
            elif left is not right:
                same = [
                    term
                    for term in self.unknowns
                    if term.operation == "same" and set(term.parts) == {left, right}
                ]
                parts.append([("=", self.value(same[0]))])
        return [[*parts, [("=", self.gens[one] - self.gens[two])]]]

    def of_integer(self, text):
        p = self.read(text)
        used = {k for monomial in p for k, power in enumerate(monomial) if power}
        if any(c.denominator != 1 for c in p.values()):
            raise ValueError
        if any(self.unknowns[k].sort != "Int" for k in used):
            raise ValueError
        return [[[(">=", p * -1)], [(">=", p - 1)]]]

    def of_sign(self, text):
        p = self.read(text)
        return [[[("=", p)], [(">", p)], [(">", p * -1)]]]

    def read(self, text):
        total = self.ring(0)
        for monomial in str(text).split(" + "):
            value = self.ring(1)
            for factor in monomial.split("*"):
                base, _, power = factor.partition("^")
                if base[0] == "x":
                    value *= self.gens[int(base[1:])] ** int(power or 1)
                else:
                    number = Fraction(factor)
                    value *= QQ(number.numerator, number.denominator)
            total += value
        return total

    def by_sum(self, eliminations, terms):
        total, positive = self.ring(0), False
        for coefficient, square, *facts in terms:
            relations = [self.facts[k][0] for k in facts]
            factor = self.read(coefficient)
            value = factor
            for k in facts:
                value = value * self.facts[k][1]
            if "=" in relations:
                if not set(relations) <= {"=", ">", ">="}:
                    return False
            elif (
                not set(relations) <= {">", ">="}
                or set(factor) != {(0,) * len(self.gens)}
                or factor.LC < 0
            ):
                return False
            elif not square and set(relations) <= {">"}:
                positive = True
            total += value * self.read(square) ** 2 if square else value
        return positive and self.put(total, self.solutions(eliminations)) == 0

    def solutions(self, eliminations):
        found = []
        for equation, place, *nonzero in eliminations:
            relation, p = self.facts[equation]
            if relation != "=":
                raise ValueError
            p = self.put(p, found)
            below, above = self.ring(0), self.ring(0)
            for monomial, c in p.terms():
                power = monomial[place]
                rest = list(monomial)
                rest[place] = 0
                if power > 1:
                    raise ValueError
                part = self.ring({tuple(rest): c})
                below, above = (below + part, above) if power else (below, above - part)
            known = []
            for k in nonzero:
                relation, q = self.facts[k]
                if relation not in (">", "!="):
                    raise ValueError
                known.append(self.put(q, found))
            # every factor of what is divided by is a factor of something that is not zero
            if below == 0 or any(q == 0 for q in known):
                raise ValueError
            for factor, _ in below.factor_list()[1]:
                if not any(q.rem(factor) == 0 for q in known):
                    raise ValueError
            found.append((place, above, below))
        return found

    def put(self, p, found):
        for place, above, below in found:
            most = max((monomial[place] for monomial in p), default=0)
            total = self.ring(0)
            for monomial, c in p.terms():
                if not c:  # the terms of zero are 0 times 1
                    continue
                rest = list(monomial)
                power, rest[place] = rest[place], 0
                part = self.ring({tuple(rest): c})
                for k in range(most):  # SymPy has no 0^0 here
                    part *= above if k < power else below
                total += part
            p = total
        return p
