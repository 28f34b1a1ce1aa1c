"""Leaves for Rocq: statements on real numbers, proved as their certificates say."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import flint

from qtheory.proof.checker import BOOL, INT, NOTES, REAL, Expression, Facts, put, solved
from qtheory.proof.leaves import Leaf

#: How a term that is no operation is written, None for one that is; or the real numbers that stand
#: for terms.
Names = Callable[[Expression], str | None] | Mapping[Expression, str]


def shown(term: Expression, names: Names, integer: bool = False) -> str:
    """A term of Rocq: a real number, or an ``integer``, or a proposition."""
    kind, parts = term.operation, term.parts
    if isinstance(names, Mapping):
        if term in names:
            return names[term]
    elif (own := names(term)) is not None:
        return f"(IZR {own})" if term.sort == INT and not integer else own
    if kind == "number":
        return _number(term.value, integer)
    if kind in ("+", "*", "/"):
        text = f" {kind} ".join(shown(part, names, integer) for part in parts)
        return f"({text})%Z" if integer else f"({text})"
    if kind == "if":
        condition, yes, no = parts
        text = " ".join(
            [
                f"if decide {shown(condition, names)}",
                f"then {shown(yes, names, term.sort == INT)}",
                f"else {shown(no, names, term.sort == INT)}",
            ]
        )
        return f"(IZR ({text}))" if term.sort == INT and not integer else f"({text})"
    if kind == "same":
        return f"({shown(parts[0], names)} = {shown(parts[1], names)})"
    if kind in ("<=", "<", "="):
        return f"({shown(parts[0], names)} {kind} {shown(parts[1], names)})"
    if kind == "not":
        return f"(~ {shown(parts[0], names)})"
    if kind == "and":
        return _joined(r" /\ ", [shown(part, names) for part in parts]) or "True"
    if kind == "or":
        if len(parts) == 2 and parts[0].operation == "not":
            return f"({shown(parts[0].parts[0], names)} -> {shown(parts[1], names)})"
        return _joined(r" \/ ", [shown(part, names) for part in parts]) or "False"
    raise ValueError(f"not written: {kind}")


def _joined(joint: str, texts: Sequence[str]) -> str:
    return f"({joint.join(texts)})" if texts else ""


def _number(value: Any, integer: bool = False) -> str:
    number = Fraction(value)
    if integer:
        return f"({number})%Z"
    text = str(number.numerator)
    text = f"({text})" if number < 0 else text
    return text if number.denominator == 1 else f"({text} / {number.denominator})"


def polynomial_text(p: Any, unknowns: Sequence[str] = ()) -> str:
    """A polynomial in x0, x1, ..., or in what stands for these."""
    terms = []
    for exponents, c in p.to_dict().items():
        factors = [
            unknowns[k] if unknowns else f"x{k}" for k, n in enumerate(exponents) for _ in range(n)
        ]
        coefficient = Fraction(int(c.p), int(c.q))
        if coefficient == 1 and factors:
            terms.append(" * ".join(factors))
        else:
            terms.append(" * ".join([_number(coefficient), *factors]))
    return f"({' + '.join(terms)})" if terms else "0"


def real_lemma(
    name: str,
    leaf: Leaf,
    formulas: Sequence[tuple[Expression, str]],
    names: Names,
    fresh: Callable[[str], str],
) -> tuple[str, str]:
    """The leaf as a lemma on real numbers, and what calls it for the numbers at hand."""
    terms, proofs = [term for term, _ in formulas], [proof for _, proof in formulas]
    script = _Script(terms)
    name, facts, cells = fresh(name), script.facts, script._cells
    own = [f"a{k}" for k in range(len(terms))]
    body = script.proved(leaf.certificate, dict(zip(own, terms, strict=True)))
    said = [shown(term, cells) for term in terms]
    said += [text for text, _ in script.meanings.values()]
    binders = "".join(
        f" ({cell} : {'Prop' if term.sort == BOOL else 'R'})" for term, cell in cells.items()
    )
    statement = " ->\n  ".join([*said, "False"])
    every = " ".join([*cells.values(), *own, *(each for _, each in script.meanings.values())])
    lemma = (
        f"Lemma {name} : {f'forall{binders},' * bool(binders)}\n  {statement}.\n"
        f"Proof.\n  intros {every}.\n{body}\nQed."
    )
    actual = [shown(term, names) for term in facts.unknowns]
    noted = [f"n{k}" for k in range(len(script.meanings))]
    asserted = "".join(
        f"assert ({each} : {_noted_text(*key, facts, names)}) "
        f"by exact {_noted_proof(*key, facts, names)}. "
        for each, key in zip(noted, script.meanings, strict=True)
    )
    return lemma, f"{asserted}exact ({' '.join([name, *actual, *proofs, *noted])})."


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
        left, right = (facts.unknowns[k] for k in argument)
        conditions = []
        for a, b in zip(left.parts, right.parts, strict=True):
            if a.sort in (REAL, INT):
                conditions.append(f"{says(a)} = {says(b)} -> ")
            elif a is not b:
                same = (t for t in facts.unknowns if t.operation == "same" and {a, b} == {*t.parts})
                conditions.append(f"{says(next(same))} -> ")
        return f"({''.join(conditions)}{says(left)} = {says(right)})"
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


def _sum_of_zeros(names: Sequence[str]) -> str:
    """A proof that m e + ... is 0, from proofs that each e is."""
    first, *rest = [f"(times_zero _ _ {name})" for name in names]
    for each in rest:
        first = f"(plus_zero _ _ {first} {each})"
    return first


class _Script:
    """The proof of a leaf: the facts of the checker, each with the hypothesis that says it."""

    def __init__(self, formulas: Sequence[Expression]) -> None:
        self.facts = Facts(formulas)
        self.facts.facts.clear()  # each is added with the hypothesis that says it
        #: For each fact what proves it: a hypothesis, and the formula it is and whether that holds.
        self._known: list[tuple[str, Expression | None, bool]] = []
        self._count = 0
        self.meanings: dict[tuple[str, Any], tuple[str, str]] = {}
        self._cells = {term: f"x{k}" for k, term in enumerate(self.facts.unknowns)}
        self._lines: list[str] = []
        self._depth = 1

    def proved(self, certificate: Any, formulas: Mapping[str, Expression]) -> str:
        """A script for the certificate, with the hypotheses that say the formulas."""
        for name, term in formulas.items():
            self._add(term, True, name)
        self._step(certificate)
        return "\n".join(self._lines)

    # writing

    def _line(self, text: str) -> None:
        self._lines.append("  " * self._depth + text)

    def _new(self) -> str:
        self._count += 1
        return f"f{self._count}"

    def _says(self, term: Expression, holds: bool = True) -> str:
        text = shown(term, self._cells)
        return text if holds else f"(~ {text})"

    # facts, as the checker adds them

    def _add(self, formula: Expression, holds: bool, name: str) -> None:
        kind, parts = formula.operation, formula.parts
        if kind == "not":
            if not holds:
                better = self._new()
                self._line(
                    f"assert ({better} : {self._says(parts[0])}) by (clear -{name}; follows)."
                )
                name = better
            self._add(parts[0], not holds, name)
        elif kind == ("and" if holds else "or"):
            for part in parts:
                one = self._new()
                self._line(
                    f"assert ({one} : {self._says(part, holds)}) by (clear -{name}; follows)."
                )
                self._add(part, holds, one)
        else:
            self.facts.add(formula, holds)
            self._known.append((name, formula, holds))

    def _put(self, alternative: tuple[Any, Any], name: str) -> None:
        what, holds = alternative
        if isinstance(what, Expression):
            self._add(what, holds, name)
        else:
            self.facts.add(*alternative)
            self._known.append((name, None, True))

    def _literal(self, fact: int) -> tuple[str, Any]:
        """A comparison, and a hypothesis p = 0, p <> 0, 0 <= p or 0 < p that says it."""
        name, formula, holds = self._known[fact]
        relation, p = self.facts.literal(fact)
        better = self._new()
        text = {"=": "{} = 0", "!=": "{} <> 0", ">=": "0 <= {}", ">": "0 < {}"}[relation]
        text = text.format(polynomial_text(p))
        if relation == "!=":
            proof = f"(intro E; apply {name}; clear -E; lra)"
        elif formula is not None and not holds:
            rule = {"<=": "Rnot_le_lt", "<": "Rnot_lt_le"}[formula.operation]
            proof = f"(apply {rule} in {name}; clear -{name}; lra)"
        else:
            proof = f"(clear -{name}; lra)"
        self._line(f"assert ({better} : {text}) by {proof}.")
        return better, p

    # steps

    def _step(self, step: Any) -> None:
        kind, *rest = step
        steps: dict[str, Callable[..., None]] = {
            "split": self._split,
            "note": self._note,
            "sum": self._sum,
        }
        steps[kind](*rest)

    def _branch(self, alternative: tuple[Any, Any], name: str, step: Any) -> None:
        before = len(self.facts.facts)
        self._put(alternative, name)
        self._step(step)
        del self.facts.facts[before:]
        del self._known[before:]

    def _alternative(self, what: Any, holds: Any) -> tuple[str, bool]:
        """A proposition that is decided, and whether the alternative is that it holds."""
        if isinstance(what, Expression):
            return self._says(what), holds
        text = polynomial_text(what)
        return {
            "=": (f"({text} = 0)", True),
            "!=": (f"({text} = 0)", False),
            ">": (f"(0 < {text})", True),
            ">=": (f"(0 <= {text})", True),
        }[holds]

    def _split(self, fact: int, steps: Any) -> None:
        parts = self.facts.alternatives(fact)
        if not parts:
            self._line("tauto.")
            return
        denied: list[str] = []
        depth = self._depth
        for k, (alternative, step) in enumerate(zip(parts, steps, strict=True)):
            known = self._denial(*alternative)
            if known is not None:
                denied.append(known)
                continue
            text, positive = self._alternative(*alternative)
            name = self._new()
            if k == len(parts) - 1:
                said = text if positive else f"(~ {text})"
                self._line(f"assert ({name} : {said}).")
                self._line(f"{{ {self._last(fact, denied)} }}")
                self._branch(alternative, name, step)
                continue
            self._line(
                f"destruct (decide {text}) as [{name}|{name}]{'' if positive else '; cycle 1'}."
            )
            self._line("{")
            self._depth += 1
            self._branch(alternative, name, step)
            self._depth -= 1
            self._line("}")
            denied.append(name)
        self._depth = depth

    def _denial(self, what: Any, holds: Any) -> str | None:
        """A hypothesis that an alternative is not so, for one that is not decided."""
        if not isinstance(what, Expression) or what not in self._cells:
            return None
        found = [n for n, formula, held in self._known if formula is what and held != holds]
        return found[0] if found else None

    def _last(self, fact: int, denied: list[str]) -> str:
        """Why the last part of an alternative holds if the others do not."""
        name, formula, _ = self._known[fact]
        relation, _parts = self.facts.facts[fact]
        if relation == "!=":
            return (
                f"apply Rnot_le_lt; intro E; apply {name}; "
                f"apply Rnot_lt_le in {denied[0]}; clear -E {denied[0]}; lra."
            )
        if formula is not None:
            return f"clear -{' '.join([name, *denied])}; follows."
        return self._noted_last(name, denied)

    def _noted_last(self, name: str, denied: list[str]) -> str:
        kind, _, meaning = name.partition(":")
        if kind == "decided":
            return "assumption."
        if kind == "quotient":
            return f"destruct {meaning} as [E|E]; [exfalso; apply {denied[0]}; clear -E; lra | clear -E; lra]."
        if kind == "yes":
            return f"pose proof (proj1 {meaning} ltac:(clear -{denied[0]}; follows)) as E; clear -E; lra."
        if kind == "no":
            return f"pose proof (proj2 {meaning} {denied[0]}) as E; clear -E; lra."
        if kind == "equal":
            equal = " | ".join(f"first [exact {each} | clear -{each}; lra]" for each in denied)
            condition = f"; [{equal}]" if denied else ""
            return f"enough (E : {self._conclusion(meaning)}) by (clear -E; lra). apply {meaning}{condition}."
        if kind == "integer":
            return f"destruct {meaning} as [E|E]; [exfalso; apply {denied[0]}; clear -E; lra | clear -E; lra]."
        # p = 0, p > 0 or -p > 0
        return (
            f"apply Rnot_le_lt; intro E; apply Rnot_lt_le in {denied[1]}; apply {denied[0]}; "
            f"clear -E {denied[1]}; lra."
        )

    def _conclusion(self, meaning: str) -> str:
        """What a hypothesis on equal arguments says of their values."""
        ((_, (one, other)),) = [key for key, (_, name) in self.meanings.items() if name == meaning]
        return f"x{one} = x{other}"

    def _meaning(self, kind: str, argument: Any) -> str:
        """The hypothesis of the lemma that says what is noted."""
        key = (kind, tuple(argument) if isinstance(argument, list) else argument)
        if key not in self.meanings:
            text = _noted_text(kind, argument, self.facts, self._cells)
            self.meanings[key] = text, f"m{len(self.meanings)}"
        return self.meanings[key][1]

    def _note(self, kind: str, argument: Any, step: Any) -> None:
        before = len(self.facts.facts)
        added = [("or", parts) for parts in NOTES[kind](self.facts, argument)]
        self.facts.facts += added
        if kind == "sign":
            names = ["sign"]
        else:
            meaning = self._meaning(kind, argument)
            if kind == "meaning" and self.facts.unknowns[argument].operation == "/":
                names = ["decided", f"quotient:{meaning}"]
            elif kind == "meaning":
                names = [f"yes:{meaning}", f"no:{meaning}", "decided"]
            else:
                names = [f"{kind}:{meaning}"]
        self._known += [(name, None, True) for name in names]
        self._step(step)
        del self.facts.facts[before:]
        del self._known[before:]

    def _sum(self, eliminations: Any, terms: Any) -> None:
        facts, ring = self.facts, self.facts.ring
        clash = self._clash(terms, eliminations)
        if clash is not None:
            self._line(clash)
            return
        hypotheses: dict[int, tuple[str, Any]] = {}

        def hypothesis(fact: int) -> tuple[str, Any]:
            if fact not in hypotheses:
                hypotheses[fact] = self._literal(fact)
            return hypotheses[fact]

        equations: dict[int, Any] = {}  # fact: what multiplies it
        positive: list[str] = []
        rest: list[str] = []
        total = ring.constant(0)
        for coefficient, square, *own in terms:
            relations = [facts.literal(fact)[0] for fact in own]
            product = ring.constant(1)
            for fact in own:
                product = product * facts.literal(fact)[1]
            if "=" in relations:
                equation = own[relations.index("=")]
                factor = facts.read(coefficient) * (facts.read(square) ** 2 if square else 1)
                for fact in own:
                    if fact != equation or own.count(fact) > 1:
                        factor = factor * facts.literal(fact)[1]
                equations[equation] = equations.get(equation, ring.constant(0)) - factor
                continue
            q = Fraction(coefficient)
            texts = [_number(q)]
            value = product * flint.fmpq(q.numerator, q.denominator)
            if square:
                root = polynomial_text(facts.read(square))
                texts.append(f"({root} * {root})")
                value = value * facts.read(square) ** 2
            for fact in own:
                hypothesis(fact)
                texts.append(polynomial_text(facts.literal(fact)[1]))
            strict = not square and all(relation == ">" for relation in relations)
            (positive if strict and not positive else rest).append(" * ".join(texts))
            total += value
        names = []
        for text, tactic, sign in [
            (positive[0], "positive", "<"),
            *((t, "nonnegative", "<=") for t in rest),
        ]:
            name = self._new()
            self._line(f"assert ({name} : 0 {sign} {text}) by {tactic}.")
            names.append(name)
        whole = " + ".join([positive[0], *rest])
        sum_ = self._new()
        self._line(
            f"assert ({sum_} : 0 < {whole}) by "
            f"(repeat (apply Rplus_lt_le_0_compat; [|assumption]); assumption)."
        )
        # the sum is zero where the equations hold
        tracked = _Tracked(self, eliminations, hypothesis)
        divisors, multiples = tracked.vanishing(total, equations)
        parts, zeros = tracked.combined(multiples)
        zero, scaled = self._new(), tracked.scaled(divisors)
        self._line(f"assert ({zero} : {scaled} * ({whole}) = 0).")
        if parts:
            self._line(
                f"{{ replace ({scaled} * ({whole})) with ({' + '.join(parts)}) by rational. "
                f"exact {_sum_of_zeros(zeros)}. }}"
            )
        else:
            self._line("{ rational. }")
        self._line(f"exact (positive_and_zero _ _ {tracked.nonzero(divisors)} {sum_} {zero}).")

    def _clash(self, terms: Any, eliminations: Any) -> str | None:
        """Two hypotheses that are each other's negation, for a truth value."""
        truths: dict[Expression, dict[bool, str]] = {}
        used = {fact for _, _, *own in terms for fact in own} | {e for e, *_ in eliminations}
        for fact in used:
            name, formula, holds = self._known[fact]
            if formula is not None and formula.sort == BOOL and formula in self._cells:
                truths.setdefault(formula, {})[holds] = name
        for found in truths.values():
            if len(found) == 2:
                return f"exact ({found[False]} {found[True]})."
        return None


class _Tracked:
    """Polynomials with equations put in, and by which multiples of the equations they change.

    A polynomial is multiplied by what is divided by: a list of such divisors, each with its
    hypothesis that it is not zero.
    """

    def __init__(self, script: _Script, eliminations: Any, hypothesis: Any) -> None:
        self._script, self._ring = script, script.facts.ring
        self._hypothesis = hypothesis
        #: The unknown, above / below that is put for it, multiples of equations that say so, and
        #: the hypothesis that below is not zero.
        self._known: list[tuple[int, Any, Any, dict[int, Any], str]] = []
        for equation, place, *nonzero in eliminations:
            reduced, divisors, own = self._reduced(script.facts.literal(equation)[1])
            # divisors p = reduced + sum own: the reduced equation is zero
            own = {k: -m for k, m in own.items()}
            own[equation] = own.get(equation, self._zero) + self._product(divisors)
            above, below = solved(reduced, place)
            self._known.append((place, above, below, own, self._not_zero(below, nonzero)))

    @property
    def _zero(self) -> Any:
        return self._ring.constant(0)

    def _product(self, divisors: Sequence[tuple[Any, str]]) -> Any:
        return reduce(operator.mul, [below for below, _ in divisors], self._ring.constant(1))

    def _reduced(self, p: Any) -> tuple[Any, list[tuple[Any, str]], dict[int, Any]]:
        """(q, divisors, own): the divisors times p are q and the sum of own multiples of equations."""
        divisors: list[tuple[Any, str]] = []
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
            p, divisors = q, [*divisors, *[(below, known)] * most]
        return p, divisors, own

    def vanishing(
        self, total: Any, equations: dict[int, Any]
    ) -> tuple[list[tuple[Any, str]], dict[int, Any]]:
        """(divisors, m) with divisors total = sum m_e e: total less the equations given vanishes."""
        for fact, m in equations.items():
            total = total - m * self._script.facts.literal(fact)[1]
        rest, divisors, own = self._reduced(total)
        if rest != 0:
            raise ValueError("the sum does not vanish")
        for fact, m in equations.items():
            own[fact] = own.get(fact, self._zero) + self._product(divisors) * m
        return divisors, own

    def scaled(self, divisors: Sequence[tuple[Any, str]], *factors: str) -> str:
        """Divisors times something, as it is written."""
        return " * ".join(["1", *(polynomial_text(below) for below, _ in divisors), *factors])

    def nonzero(self, divisors: Sequence[tuple[Any, str]], *names: str) -> str:
        """A proof that the divisors, times what these hypotheses are about, are not zero."""
        proof = "R1_neq_R0"
        for name in [*(known for _, known in divisors), *names]:
            proof = f"(product_not_zero _ _ {proof} {name})"
        return proof

    def combined(self, multiples: dict[int, Any]) -> tuple[list[str], list[str]]:
        """Multiples of equations as they are written, and the hypotheses that these are zero."""
        used = [(m, self._hypothesis(fact)) for fact, m in multiples.items() if m != 0]
        texts = [f"{polynomial_text(m)} * {polynomial_text(p)}" for m, (_, p) in used]
        return texts, [name for _, (name, _) in used]

    def _not_zero(self, below: Any, nonzero: Sequence[int]) -> str:
        """A hypothesis that what is divided by is not zero: facts have a multiple of it."""
        script, texts, names = self._script, [], []
        product = self._ring.constant(1)
        for fact in nonzero:
            hypothesis, p = self._hypothesis(fact)
            if script.facts.literal(fact)[0] == ">":
                better = script._new()
                script._line(
                    f"assert ({better} : {polynomial_text(p)} <> 0) by (clear -{hypothesis}; lra)."
                )
                hypothesis = better
            product = product * p
            texts.append(polynomial_text(p))
            names.append(hypothesis)
        name = script._new()
        if below.is_constant():
            script._line(f"assert ({name} : {polynomial_text(below)} <> 0) by lra.")
            return name
        q, divisors, own = self._reduced(product)
        # divisors product = cofactor below + sum own
        parts, zeros = self.combined(own)
        parts.insert(0, f"{polynomial_text(divmod(q, below)[0])} * {polynomial_text(below)}")
        scaled = self.scaled(divisors, *texts)
        script._line(f"assert ({name} : {polynomial_text(below)} <> 0).")
        script._line(
            f"{{ intro E. apply {self.nonzero(divisors, *names)}. "
            f"replace ({scaled}) with ({' + '.join(parts)}) by rational. "
            f"exact {_sum_of_zeros(['E', *zeros])}. }}"
        )
        return name
