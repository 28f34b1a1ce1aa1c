"""Symbols for Rocq: names, terms, and the kernel's definitions, as fixpoints where they recur."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import z3

from qtheory.proof import kernel
from qtheory.proof.checker import INT, REAL, Expression
from qtheory.proof.kernel import Proof, definition
from qtheory.proof.rocq_terms import ALONE, APPLICATION, shown
from qtheory.proof.terms import term_of

_TYPES = {REAL: "R", INT: "Z", "Array(Int, Real)": "(Z -> R)"}
_ANY = {REAL: "0", INT: "0%Z", "Array(Int, Real)": "(fun _ : Z => 0)"}
#: How the checker of certificates calls numbers, truth values and facts; no symbol has such a name.
_CHECKED = re.compile(r"\b([xtf])(\d+)\b")
_KINDS = {"x": "number := Unknown", "t": "formula := Truth", "f": "nat :="}
#: The words of Rocq, and what the text of a development speaks of.
_RESERVED = (
    *("forall", "exists", "fun", "if", "then", "else", "let", "in", "match", "with", "end", "as"),
    *("at", "by", "cofix", "fix", "for", "return", "struct", "using", "where", "Type", "Prop"),
    *("SProp", "Set", "Axiom", "CoFixpoint", "Definition", "Fixpoint", "Hypothesis", "Parameter"),
    *("Theorem", "Variable", "R", "Z", "nat", "S", "O", "IZR", "Rpower", "True", "False", "not"),
    *("decide", "z", "H", "q", "m", "induction_hypothesis", "nonnegative_index", "claim", "whole"),
)


class Symbols:
    """The names of a development, and the lines that declare what they are.

    Attributes
    ----------
    lines
        What is written so far.
    equations
        The lemmas that say the equations of definitions, by the kernel's proofs of these.
    """

    def __init__(self, library: str) -> None:
        self.lines: list[str] = []
        self.equations: dict[Proof, str] = {}
        self._names: dict[str, str] = {}
        self._taken: set[str] = {*_RESERVED, *_names_of_the_library(library)}
        self._declared: set[str] = set()
        self._domains: dict[str, list[str]] = {}

    # names

    def fresh(self, wanted: str) -> str:
        """A name that nothing has yet."""
        wanted = "summand" if wanted.startswith("[") else wanted
        stem = re.sub(r"[^A-Za-z0-9]+", "_", wanted.replace("*", "star").replace("'", "prime"))
        stem = stem.strip("_") or "x"
        stem = stem if stem[0].isalpha() else f"n{stem}"
        name, k = stem[:60], 1
        while name in self._taken or _CHECKED.fullmatch(name):
            k += 1
            name = f"{stem[:60]}_{k}"
        self._taken.add(name)
        return name

    def symbol(self, name: str) -> str:
        """What the kernel's symbol of this name is called."""
        if name not in self._names:
            self._names[name] = self.fresh(name)
        return self._names[name]

    # terms

    def text(self, formula: z3.ExprRef, within: int = ALONE) -> str:
        """A formula or a real number."""
        self.declare(formula)
        return shown(term_of(formula), self.named, within=within)

    def argument(self, term: z3.ExprRef, sort: z3.SortRef) -> str:
        """A term that is an argument, where one of this sort is wanted."""
        self.declare(term)
        return shown(term_of(term), self.named, integer=_sort(sort) == INT)

    def _value(self, body: z3.ExprRef) -> str:
        """What a definition says."""
        return shown(term_of(body), self.named, _sort(body.sort()) == INT, ALONE)

    def every(self, formula: z3.ExprRef) -> str:
        """A formula for all values of its variables."""
        text = self.text(formula)
        return self.forall(term for _, term in variables(formula)) + text

    def named(self, term: Expression) -> str | None:
        """A symbol and its arguments, each of the type that the symbol wants."""
        if term.operation == "entry":
            f, k = term.parts
            return f"{shown(f, self.named, within=APPLICATION)} {shown(k, self.named, True)}"
        if term.operation == "apply":
            name = self.symbol(str(term.value))
            if not term.parts:
                return name
            wanted = self._domains[str(term.value)]
            texts = [
                shown(part, self.named, integer=part.sort == sort == INT)
                for part, sort in zip(term.parts, wanted, strict=True)
            ]
            return f"{name} {' '.join(texts)}"
        return None

    def binders(self, terms: Iterable[z3.ExprRef]) -> str:
        """Variables with their types."""
        return "".join(
            f" ({self.symbol(t.decl().name())} : {_TYPES[_sort(t.sort())]})" for t in terms
        )

    def forall(self, terms: Iterable[z3.ExprRef]) -> str:
        """What begins a statement about all values of variables."""
        binders = self.binders(terms)
        return f"forall{binders}, " if binders else ""

    def anything(self, name: str, term: z3.ExprRef) -> str:
        """A variable that a goal does not speak of: it may have any value."""
        own = self.symbol(name)
        return f"  pose ({own} := {_ANY[_sort(term.sort())]}); clearbody {own}."

    # declarations

    def declare(self, formula: z3.ExprRef) -> None:
        """What the symbols of a formula are, before it."""
        for name, term in kernel._constants(formula):
            if name in self._declared or name in kernel._variables:
                continue
            self._declared.add(name)
            symbol = term.decl()
            self._domains[name] = [_sort(symbol.domain(k)) for k in range(symbol.arity())]
            made = definition(name)
            if made is None:
                kind = " -> ".join(_TYPES[s] for s in [*self._domains[name], _sort(symbol.range())])
                self.lines.append(f"Variable {self.symbol(name)} : {kind}.")
                continue
            before = made.before
            if before is not None:
                self._declared.add(before.decl().name())
            for body in made.bodies:
                self.declare(body)
            if before is None:
                self._define(name, made)
            else:
                self._recursion(name, made, before)

    def _define(self, name: str, made: kernel.Definition) -> None:
        rocq, arguments = self.symbol(name), list(made.arguments)
        kind = _TYPES[_sort(made.symbol.range())].strip("()")
        binders, body = self.binders(arguments), self._value(made.bodies[0])
        if made.kind == "sequence":
            *outer, index = arguments
            binders, body = self.binders(outer), f"fun{self.binders([index])} => {body}"
        self.lines.append(f"Definition {rocq}{binders} : {kind} := {body}.")
        self._equation(made, "value", "reflexivity.")

    def _recursion(self, name: str, made: kernel.Definition, before: z3.ExprRef) -> None:
        rocq, arguments = self.symbol(name), list(made.arguments)
        kind = _TYPES[_sort(made.symbol.range())]
        *outer, n = [self.symbol(a.decl().name()) for a in arguments]
        own = " ".join([f"{rocq}_nat", *outer])
        zero = self._value(made.bodies[0])
        self._names[before.decl().name()] = f"{own} m"
        following = self._value(made.bodies[1])
        self._taken.add(f"{rocq}_nat")
        self.lines += [
            f"Fixpoint {rocq}_nat{self.binders(arguments[:-1])} (m : nat) : {kind} :=",
            f"  match m with O => {zero} | S m => let {n} := Z.of_nat m in {following} end.",
            f"Definition {rocq}{self.binders(arguments)} : {kind} := {own} (Z.to_nat {n}).",
        ]
        self._equation(made, "zero", "reflexivity.")
        self._equation(
            made,
            "next",
            f"unfold {rocq}; rewrite to_nat_next by assumption; cbn [{rocq}_nat]; cbv zeta; "
            f"rewrite ?(of_to_nat {n}) by assumption; reflexivity.",
        )

    def _equation(self, made: kernel.Definition, which: str, proof: str) -> None:
        equation = made.equations[which]
        name = self.fresh(f"{self.symbol(made.symbol.name())}_{which}")
        self.equations[equation] = name
        self.lines.append(
            f"Lemma {name} : {self.every(equation.formula)}.\nProof. intros; {proof} Qed."
        )

    def of_the_checker(self) -> list[str]:
        """What x0, t0, f0, ... are, by which the leaves and their certificates speak."""
        used = {found for line in self.lines for found in _CHECKED.findall(line)}
        return [
            f"Definition {letter}{k} : {_KINDS[letter]} {k}."
            for letter, k in sorted(used, key=lambda name: (name[0], int(name[1])))
        ]


def variables(formula: z3.ExprRef) -> list[tuple[str, z3.ExprRef]]:
    """The variables of a formula, in the order in which they are written."""
    return sorted(kernel._free(formula).items())


def _sort(sort: z3.SortRef) -> str:
    return {kernel.REAL: REAL, kernel.INT: INT}.get(sort, str(sort))


@cache
def _names_of_the_library(text: str) -> frozenset[str]:
    declared = r"(?:Definition|Fixpoint|Lemma|Theorem|Inductive|Class|Ltac|Module|Instance) (\w+)"
    constructors = r"(?:\||:=) ([A-Z]\w+)"
    return frozenset(re.findall(declared, text)) | frozenset(re.findall(constructors, text))
