"""Proofs of the kernel as developments for Rocq.

The definitions become Rocq's, every lemma is proved there, and the leaves as their certificates say:
a leaf is a statement on real numbers alone, and its proof is case by case, each closed by a positive
sum of products that ``ring`` shows to be zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import z3

from qtheory.errors import ProofError
from qtheory.proof import kernel
from qtheory.proof.checker import INT, REAL, Expression
from qtheory.proof.kernel import Assumption, Proof, definition
from qtheory.proof.leaves import Leaf
from qtheory.proof.rocq_leaves import real_lemma, shown
from qtheory.proof.terms import term_of
from qtheory.proof.tree import steps

_TYPES = {REAL: "R", INT: "Z", "Array(Int, Real)": "(Z -> R)"}

_HEADER = """From Coq Require Import Reals ZArith Lra List.
Require Import qtheory.
Import ListNotations.
Open Scope R_scope."""

#: The file that every development begins with: what the kernel's terms and rules are in Rocq, and the
#: checker of certificates with the proof that it is sound.
LIBRARY = "qtheory.v"


def library() -> str:
    """The text of that file."""
    return files("qtheory.proof").joinpath("rocq_library.v").read_text(encoding="utf-8")



class Development:
    """One theorem and what it rests on, as a file for Rocq."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = {*_RESERVED, *_names_of_the_library(library())}
        self._declared: set[str] = set()
        self._references: dict[Proof, str] = {}
        self._hypotheses: dict[Assumption, str] = {}
        self._lines: list[str] = []
        self._domains: dict[str, list[str]] = {}

    def written(self, label: str, title: str, *proofs: Proof) -> str:
        """The file: what is stated, then how it is proved."""
        roots = {f"theorem_{label}": proofs[-1]}
        roots |= {f"part_{k + 1}_of_{label}": proof for k, proof in enumerate(proofs[:-1])}
        heads, endings = [], []
        for wanted, root in reversed(roots.items()):
            self._declare(root.formula)
            for hypothesis in sorted(root.hypotheses, key=lambda h: h.meaning):
                self._hypothesis(hypothesis)
            under = self._under(root)
            name = self._fresh(wanted)
            given = {h: f"h{k}" for k, h in enumerate(under)}
            premises = "".join(f"\n  {self._hypotheses[h]} ->" for h in under)
            self._lines.append(
                f"Definition {name}_statement : Prop :={premises}\n  {self._for_all(root)}."
            )
            heads += self._lines
            self._lines = []
            endings.append((name, root, given))
        for root in proofs:
            for step in steps(root):
                if step not in self._references:
                    self._write(step)
        ends = [
            f"Theorem {name} : {name}_statement.\n"
            f"Proof. {_intros(given.values())}exact {self._reference(root, given)}. Qed."
            for name, root, given in endings
        ]
        prints = [f"Print Assumptions {name}." for name, *_ in endings]
        comment = f"(* {label}: {title}. Written by qtheory prove --rocq. *)"
        unknowns = _unknowns(self._lines)
        parts = [comment, _HEADER, "Section development.", *heads, *unknowns, *self._lines, *ends]
        return "\n".join([*parts, "End development.", *prints]) + "\n"

    # names

    def _fresh(self, wanted: str) -> str:
        wanted = "summand" if wanted.startswith("[") else wanted
        stem = re.sub(r"[^A-Za-z0-9]+", "_", wanted.replace("*", "star").replace("'", "prime"))
        stem = stem.strip("_") or "x"
        stem = stem if stem[0].isalpha() else f"n{stem}"
        name, k = stem[:60], 1
        while name in self._taken or _UNKNOWN.fullmatch(name):
            k += 1
            name = f"{stem[:60]}_{k}"
        self._taken.add(name)
        return name

    def _symbol(self, name: str) -> str:
        if name not in self._names:
            self._names[name] = self._fresh(name)
        return self._names[name]

    # terms

    def _text(self, formula: z3.ExprRef) -> str:
        self._declare(formula)
        return shown(term_of(formula), self._named)

    def _named(self, term: Expression) -> str | None:
        """A symbol and its arguments, each of the type that the symbol wants."""
        if term.operation == "entry":
            f, k = term.parts
            return f"({shown(f, self._named)} {shown(k, self._named, integer=True)})"
        if term.operation == "apply":
            name = self._symbol(str(term.value))
            if not term.parts:
                return name
            wanted = self._domains[str(term.value)]
            texts = [
                shown(part, self._named, integer=part.sort == sort == INT)
                for part, sort in zip(term.parts, wanted, strict=True)
            ]
            return f"({name} {' '.join(texts)})"
        return None

    # declarations

    def _declare(self, formula: z3.ExprRef) -> None:
        """What the symbols of a formula are, before it."""
        for name, term in kernel._constants(formula):
            if name in self._declared or name in kernel._variables:
                continue
            self._declared.add(name)
            symbol = term.decl()
            self._domains[name] = [_sort(symbol.domain(k)) for k in range(symbol.arity())]
            made = definition(name)
            if made is None:
                arguments = [_TYPES[_sort(symbol.domain(k))] for k in range(symbol.arity())]
                kind = " -> ".join([*arguments, _TYPES[_sort(symbol.range())]])
                self._lines.append(f"Variable {self._symbol(name)} : {kind}.")
            else:
                if made.before is not None:
                    self._declared.add(made.before.decl().name())
                for body in made.bodies:
                    self._declare(body)
                self._define(name, made)

    def _binders(self, terms: Iterable[z3.ExprRef]) -> str:
        return "".join(
            f" ({self._symbol(t.decl().name())} : {_TYPES[_sort(t.sort())]})" for t in terms
        )

    def _forall(self, terms: Iterable[z3.ExprRef]) -> str:
        binders = self._binders(terms)
        return f"forall{binders}, " if binders else ""

    def _define(self, name: str, made: kernel.Definition) -> None:
        rocq, arguments = self._symbol(name), list(made.arguments)
        value = _TYPES[_sort(made.symbol.range())]
        names = [self._symbol(a.decl().name()) for a in arguments]
        if made.before is not None:
            *outer, n = names
            own = " ".join([f"{rocq}_nat", *outer])
            zero = self._value(made.bodies[0])
            self._names[made.before.decl().name()] = f"({own} m)"
            following = self._value(made.bodies[1])
            self._taken.add(f"{rocq}_nat")
            self._lines += [
                f"Fixpoint {rocq}_nat{self._binders(arguments[:-1])} (m : nat) : {value} :=",
                f"  match m with O => {zero} | S m => let {n} := Z.of_nat m in {following} end.",
                f"Definition {rocq}{self._binders(arguments)} : {value} := {own} (Z.to_nat {n}).",
            ]
            self._equation(made, "zero", "reflexivity.")
            self._equation(
                made,
                "next",
                f"unfold {rocq}; rewrite to_nat_next by assumption; cbn [{rocq}_nat]; cbv zeta; "
                f"rewrite ?(of_to_nat {n}) by assumption; reflexivity.",
            )
            return
        binders, body = self._binders(arguments), self._value(made.bodies[0])
        if made.kind == "sequence":
            *outer, index = arguments
            binders, body = self._binders(outer), f"fun{self._binders([index])} => {body}"
        self._lines.append(f"Definition {rocq}{binders} : {value.strip('()')} := {body}.")
        self._equation(made, "value", "reflexivity.")

    def _value(self, body: z3.ExprRef) -> str:
        return shown(term_of(body), self._named, integer=_sort(body.sort()) == INT)

    def _equation(self, made: kernel.Definition, which: str, proof: str) -> None:
        equation = made.equations[which]
        name = self._fresh(f"{self._symbol(made.symbol.name())}_{which}")
        self._references[equation] = name
        self._lines.append(
            f"Lemma {name} : {self._for_all(equation)}.\nProof. intros; {proof} Qed."
        )

    # statements

    def _free(self, proof: Proof) -> list[tuple[str, z3.ExprRef]]:
        return sorted(kernel._free(proof.formula).items())

    def _for_all(self, proof: Proof) -> str:
        text = self._text(proof.formula)
        return self._forall(term for _, term in self._free(proof)) + text

    def _under(self, proof: Proof) -> list[Assumption]:
        return sorted(proof.hypotheses, key=lambda h: self._hypotheses[h])

    def _hypothesis(self, hypothesis: Assumption) -> str:
        if hypothesis not in self._hypotheses:
            text = self._text(hypothesis.formula)
            free = kernel._free(hypothesis.formula)
            if free.keys() - hypothesis.generic:
                raise ProofError(f"a hypothesis about one value is not written: {hypothesis}")
            every = self._forall(term for _, term in sorted(free.items()))
            name = self._fresh(f"assumption_{len(self._hypotheses) + 1}")
            meaning = hypothesis.meaning.replace("(*", "( *").replace("*)", "* )")
            self._lines.append(f"(* {meaning} *)\nDefinition {name} : Prop := {every}{text}.")
            self._hypotheses[hypothesis] = name
        return self._hypotheses[hypothesis]

    def _reference(self, proof: Proof, given: Mapping[Assumption, str]) -> str:
        """A proof as a function of its variables, with the names of what it assumes."""
        if proof.rule == "hypothesis":
            (hypothesis,) = proof.hypotheses
            return given[hypothesis]
        if proof.rule == "instance":
            binders = self._binders(term for _, term in self._free(proof))
            applied = self._applied(proof, {}, given)
            return f"(fun{binders} => {applied})" if binders else applied
        if proof.rule == "cut":
            kept, evidence = proof.premises
            shown_by = self._reference(evidence, given)
            return self._reference(kept, {**given, proof.details: shown_by})
        name = self._references[proof]
        hypotheses = [] if proof.rule in ("definition", "axiom") else self._under(proof)
        own = " ".join(given[h] for h in hypotheses)
        return f"({name} {own})" if own else name

    def _applied(
        self, proof: Proof, put: Mapping[str, z3.ExprRef], given: Mapping[Assumption, str]
    ) -> str:
        """A proof at terms for its variables."""
        if proof.rule == "instance":
            (base,) = proof.premises
            pairs = [(term, put[name]) for name, term in self._free(proof) if name in put]
            own = {
                variable.decl().name(): z3.substitute(term, *pairs) if pairs else term
                for variable, term in proof.details
            }
            outer = {name: put.get(name, term) for name, term in self._free(proof)}
            return self._applied(base, {**outer, **own}, given)
        terms = [
            self._argument(put.get(name, term), term.sort()) for name, term in self._free(proof)
        ]
        return f"({' '.join([self._reference(proof, given), *terms])})"

    def _argument(self, term: z3.ExprRef, sort: z3.SortRef) -> str:
        self._declare(term)
        return shown(term_of(term), self._named, integer=_sort(sort) == INT)

    # steps

    def _write(self, step: Proof) -> None:
        for hypothesis in sorted(step.hypotheses, key=lambda h: h.meaning):
            self._hypothesis(hypothesis)
        if step.rule == "axiom":
            name = self._fresh(f"axiom_{step.name}")
            self._references[step] = name
            self._lines.append(f"Hypothesis {name} : {self._for_all(step)}.")
        elif step.rule == "definition":
            self._declare(step.formula)
        elif step.rule in ("lemma", "induction"):
            name = self._fresh(step.name or "step")
            self._references[step] = name
            statement = self._for_all(step)
            (self._lemma if step.rule == "lemma" else self._induction)(step, name, statement)

    def _under_which(self, step: Proof) -> tuple[str, dict[Assumption, str]]:
        given = {h: f"h{k}" for k, h in enumerate(self._under(step))}
        return "".join(f" ({n} : {self._hypotheses[h]})" for h, n in given.items()), given

    def _lemma(self, step: Proof, name: str, statement: str) -> None:
        assumed, given = self._under_which(step)
        (leaf,) = step.leaves
        names = " ".join(self._symbol(n) for n, _ in self._free(step))
        script = self._closed(leaf, name, step.premises, step.formula, given, put=False)
        self._lines += [
            f"Lemma {name}{assumed} : {statement}.",
            f"Proof.\n  {f'intros {names}.' * bool(names)}\n{script}\nQed.",
        ]

    def _induction(self, step: Proof, name: str, statement: str) -> None:
        assumed, given = self._under_which(step)
        n, claim, instances, count = step.details
        base, following = step.premises[:count], step.premises[count:]
        index = n.decl().name()
        others = [(key, term) for key, term in self._free(step) if key != index]
        before = self._forall(term for _, term in others)
        own = self._symbol(index)
        names = " ".join(self._symbol(key) for key, _ in others)
        zero = z3.substitute(claim, (n, z3.IntVal(0)))
        succ = z3.substitute(claim, (n, n + 1))
        first = self._closed(step.leaves[0], f"{name}_base", base, zero, given)
        hypotheses = []
        for pairs in instances:
            put = {variable.decl().name(): term for variable, term in pairs}
            terms = [self._argument(put.get(key, term), term.sort()) for key, term in others]
            hypotheses.append(
                (f"({' '.join(['induction_hypothesis', *terms])})", z3.substitute(claim, *pairs))
            )
        hypotheses.append(("nonnegative_index", n >= 0))
        second = self._closed(step.leaves[1], f"{name}_step", following, succ, given, hypotheses)
        intros = f"intros {names}." * bool(names)
        every = " ".join(self._symbol(key) for key, _ in self._free(step))
        self._lines += [
            f"Lemma {name}{assumed} : {statement}.",
            "Proof.",
            f"  enough (whole : forall {own} : Z, 0 <= IZR {own} -> {before}{self._text(claim)}).",
            f"  {{ intros {every} nonnegative_index. exact (whole {' '.join([own, 'nonnegative_index', names]).strip()}). }}",
            f"  apply (natural_numbers (fun {own} : Z => {before}{self._text(claim)})).",
            f"  {{ {intros}\n{first} }}",
            f"  {{ intros {own} nonnegative_index induction_hypothesis. {intros}\n{second} }}",
            "Qed.",
        ]

    def _closed(
        self,
        leaf: Leaf,
        name: str,
        premises: Sequence[Proof],
        goal: z3.BoolRef,
        given: Mapping[Assumption, str],
        before: Sequence[tuple[str, z3.ExprRef]] = (),
        put: bool = True,
    ) -> str:
        """A script that closes a goal by a leaf; the lemma on real numbers comes before."""
        if leaf.certificate is None:
            raise ProofError(f"no certificate for {leaf.name}: qtheory prove --search finds it")
        known = kernel._free(goal).keys()
        lines, used = [], []
        extra: dict[str, z3.ExprRef] = {}
        last = len(before) + len(premises)
        for k in leaf.uses:
            if k == last:
                continue
            if k < len(before):
                proof, formula = before[k]
            else:
                premise = premises[k - len(before)]
                formula = premise.formula
                free = dict(self._free(premise))
                extra.update({n: t for n, t in free.items() if n not in known})
                proof = self._applied(premise, free, given)
            if k >= len(before) and not _sums_of_integers(premise):
                used.append((term_of(formula), proof))
                continue
            lines.append(
                f"  assert (p{k} : {self._text(formula)}).\n"
                f"  {{ pose proof {proof} as q; first [ exact q | integers q; exact q ]. }}"
            )
            used.append((term_of(formula), f"p{k}"))
        claim = term_of(goal) if last in leaf.uses else None
        lemma, call = real_lemma(f"{name}_reals", leaf, used, claim, self._named, self._fresh)
        self._lines.append(lemma)
        start = f"  enough (claim : {self._text(goal)}) by given claim.\n" if put else ""
        if claim is None:
            start = "  exfalso.\n"
        # what the goal does not speak of may have any value
        lines[:0] = [
            f"  pose ({self._symbol(n)} := {_ANY[_sort(t.sort())]}); clearbody {self._symbol(n)}."
            for n, t in sorted(extra.items())
        ]
        return start + "\n".join(lines) + f"\n  {call}"


def development(label: str, title: str, *proofs: Proof) -> str:
    """The proof of a theorem, the last of ``proofs``, and of what is proved with it, for Rocq.

    ProofError if a leaf has no certificate.
    """
    return Development().written(label, title, *proofs)


def _sums_of_integers(proof: Proof) -> bool:
    """Whether a proof is at n + 1: Rocq has IZR (n + 1) there, and IZR n + 1 is what is said."""
    if proof.rule == "cut":
        return _sums_of_integers(proof.premises[0])
    if proof.rule != "instance":
        return False
    terms = [term for _, term in proof.details if term.sort() == kernel.INT]
    return _sums_of_integers(proof.premises[0]) or any(
        term.num_args() > 0 and term.decl().kind() != z3.Z3_OP_UNINTERPRETED for term in terms
    )


def _intros(names: Iterable[str]) -> str:
    text = " ".join(names)
    return f"intros {text}. " if text else ""


_ANY = {REAL: "0", INT: "0%Z", "Array(Int, Real)": "(fun _ : Z => 0)"}


def _sort(sort: z3.SortRef) -> str:
    return {kernel.REAL: REAL, kernel.INT: INT}.get(sort, str(sort))


_UNKNOWN = re.compile(r"\b([xt])(\d+)\b")


def _unknowns(lines: Iterable[str]) -> list[str]:
    """What x0, x1, ... and t0, t1, ... are for the checker; no other name looks like these."""
    used = {found for line in lines for found in _UNKNOWN.findall(line)}
    kinds = {"x": "Unknown", "t": "Truth"}
    return [f"Notation {x}{k} := ({kinds[x]} {k})." for x, k in sorted(used, key=lambda u: int(u[1]))]


@cache
def _names_of_the_library(text: str) -> frozenset[str]:
    declared = r"(?:Definition|Fixpoint|Lemma|Theorem|Inductive|Class|Ltac|Module|Instance) (\w+)"
    return frozenset(re.findall(declared, text)) | frozenset(re.findall(r"\| ([A-Z]\w+)", text))


_RESERVED = (
    *("R", "Z", "nat", "S", "O", "I", "E", "left", "right", "z", "H", "q", "m"),
    *("forall", "fun", "exists", "if", "then", "else", "let", "in", "match", "with", "end"),
    *("return", "Type", "Prop", "Set", "as", "at", "fix", "True", "False", "not"),
    *("induction_hypothesis", "nonnegative_index", "claim", "whole"),
)
