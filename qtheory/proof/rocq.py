"""Proofs of the kernel as developments for Rocq.

The definitions become Rocq's, every lemma is proved there, and the leaves by their certificates:
the library has the checker once more, with a proof that what it takes is so. What a theorem takes
for granted, hypotheses, axioms and leaves without certificate, is what its statement begins with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import z3

from qtheory.errors import ProofError
from qtheory.proof import kernel
from qtheory.proof.axioms import AXIOMS
from qtheory.proof.kernel import Assumption, Proof
from qtheory.proof.leaves import Leaf
from qtheory.proof.rocq_leaves import real_lemma
from qtheory.proof.rocq_symbols import Symbols, variables
from qtheory.proof.terms import term_of
from qtheory.proof.tree import LEMMAS, steps

#: The file that every development begins with: what the kernel's terms and rules are in Rocq, and
#: the checker of certificates with the proof that it is sound.
LIBRARY = "qtheory.v"
_HEADER = """From Coq Require Import Reals ZArith Lra List.
Require Import qtheory.
Import ListNotations.
Open Scope R_scope."""


def library() -> str:
    """The text of that file."""
    return files("qtheory.proof").joinpath("rocq_library.v").read_text(encoding="utf-8")


def development(label: str, title: str, *proofs: Proof) -> str:
    """The proof of a theorem, the last of ``proofs``, and of what is proved with it, for Rocq.

    Leaves without certificate are hypotheses of the theorem, and named as such.
    """
    return _Development().written(label, title, *proofs)


@dataclass(frozen=True, eq=False)
class _Leaf:
    """A leaf of a step: what it follows from, and whether Rocq has the goal in another form."""

    leaf: Leaf
    name: str
    premises: Sequence[Proof]
    goal: z3.BoolRef
    #: The hypotheses of an induction with their formulas, before the premises.
    before: Sequence[tuple[str, z3.BoolRef]] = ()
    put: bool = True


#: What a theorem takes for granted: a hypothesis, an axiom, a leaf without certificate.
_Granted = Assumption | Proof | Leaf


class _Development:
    """One theorem and what it rests on, as a file for Rocq."""

    def __init__(self) -> None:
        self._symbols = Symbols(library())
        self._references: dict[Proof, str] = {}
        self._granted: dict[_Granted, str] = {}
        self._taken: dict[Proof, list[_Granted]] = {}
        self._leaves: dict[Proof, list[_Leaf]] = {}

    def written(self, label: str, title: str, *proofs: Proof) -> str:
        """The file: what is stated, then how it is proved."""
        symbols = self._symbols
        name = symbols.fresh(label)
        everything = steps(*proofs)
        names = [f"{name}_part_{k + 1}" for k in range(len(proofs))]
        if len(proofs) == 1:
            names = [f"{name}_statement"]
        parts = [self._stated(each, proof) for each, proof in zip(names, proofs, strict=True)]
        if len(proofs) > 1:
            whole = " /\\\n  ".join(parts)
            symbols.lines.append(f"Definition {name}_statement : Prop :=\n  {whole}.")
        heads, symbols.lines = symbols.lines, []
        for step in everything:
            if step not in self._references:
                self._write(step)
        shown = [self._shown(proof) for proof in proofs]
        text = [
            _comment(f"{label}: {title}. Written by qtheory prove --rocq."),
            *self._warning(),
            _HEADER,
            "Section development.",
            *heads,
            *symbols.of_the_checker(),
            *symbols.lines,
            f"Theorem {name} : {name}_statement.",
            "Proof.",
            *(f"  split.\n{one}" for one in shown[:-1]),
            shown[-1],
            "Qed.",
            "End development.",
            f"Print Assumptions {name}.",
            *self._axioms_hold(),
        ]
        return "\n".join(text) + "\n"

    def _axioms_hold(self) -> list[str]:
        """The axioms are true: they hold for Rocq's power, by lemmas of the library."""
        return [
            f"Lemma {name}_holds : {name} Rpower.\n"
            f"Proof. exact Rpower_{granted.name.replace(' ', '_')}. Qed."
            for granted, name in self._granted.items()
            if isinstance(granted, Proof)
        ]

    def _warning(self) -> list[str]:
        left = [granted.name for granted in self._granted if isinstance(granted, Leaf)]
        if not left:
            return []
        return [
            _comment(f"NOT COMPLETE. Without certificate, and hypotheses here: {'; '.join(left)}.")
        ]

    # statements

    def _stated(self, name: str, proof: Proof) -> str:
        """A definition of what a proof says, under what it takes for granted."""
        name, symbols = self._symbols.fresh(name), self._symbols
        symbols.declare(proof.formula)
        premises = "".join(f"\n  {self._name(granted)} ->" for granted in self._under(proof))
        symbols.lines.append(
            f"Definition {name} : Prop :={premises}\n  {symbols.every(proof.formula)}."
        )
        return name

    def _shown(self, proof: Proof) -> str:
        given = {granted: f"h{k}" for k, granted in enumerate(self._under(proof))}
        names = f"intros {' '.join(given.values())}. " if given else ""
        return f"  {{ {names}exact {self._reference(proof, given)}. }}"

    def _under(self, proof: Proof) -> list[_Granted]:
        """What a proof takes for granted: its hypotheses, and what no step of it proves."""
        if proof not in self._taken:
            order = sorted(proof.hypotheses, key=lambda h: (h.meaning, str(h.formula)))
            left: list[_Granted] = [*order]
            for step in steps(proof):
                if step.rule == "axiom":
                    left.append(step)
                left += [each.leaf for each in self._of(step) if each.leaf.certificate is None]
            self._taken[proof] = left
        return self._taken[proof]

    def _name(self, granted: _Granted) -> str:
        """The proposition that something taken for granted is."""
        if granted not in self._granted:
            if isinstance(granted, Assumption):
                wanted, comment, text = "assumption", granted.meaning, self._hypothesis(granted)
            elif isinstance(granted, Proof):
                wanted, comment = f"axiom {granted.name}", AXIOMS[granted.name].reason
                text = self._symbols.every(granted.formula)
            else:
                wanted, comment = "without certificate", f"a solver's word: {granted.name}"
                text = self._leaf_as_formula(granted)
            number = len(self._granted) + 1
            name = self._symbols.fresh(f"assumption_{number}" if wanted == "assumption" else wanted)
            self._symbols.lines.append(f"{_comment(comment)}\nDefinition {name} : Prop := {text}.")
            self._granted[granted] = name
        return self._granted[granted]

    def _hypothesis(self, hypothesis: Assumption) -> str:
        if kernel._free(hypothesis.formula).keys() - hypothesis.generic:
            raise ProofError(f"a hypothesis about one value is not written: {hypothesis}")
        return self._symbols.every(hypothesis.formula)

    def _leaf_as_formula(self, leaf: Leaf) -> str:
        """What a leaf without certificate says: from its premises the goal follows."""
        (own,) = (each for step in self._leaves.values() for each in step if each.leaf is leaf)
        premises = [*(f for _, f in own.before), *(p.formula for p in own.premises)]
        formulas = [*premises, own.goal]
        texts = [self._symbols.text(formula, within=98) for formula in premises]
        texts.append(self._symbols.text(own.goal))
        free = {name: term for formula in formulas for name, term in variables(formula)}
        every = self._symbols.forall(term for _, term in sorted(free.items()))
        return every + " ->\n  ".join(texts)

    # references

    def _reference(self, proof: Proof, given: Mapping[_Granted, str]) -> str:
        """A proof as a function of its variables, with the names of what it assumes."""
        if proof.rule == "hypothesis":
            (hypothesis,) = proof.hypotheses
            return given[hypothesis]
        if proof.rule == "axiom":
            return given[proof]
        if proof.rule == "instance":
            binders = self._symbols.binders(term for _, term in variables(proof.formula))
            applied = self._applied(proof, {}, given)
            return f"(fun{binders} => {applied})" if binders else applied
        if proof.rule == "cut":
            kept, evidence = proof.premises
            shown_by = self._reference(evidence, given)
            return self._reference(kept, {**given, proof.details: shown_by})
        if proof.rule == "definition":
            return self._symbols.equations[proof]
        own = " ".join(given[granted] for granted in self._under(proof))
        name = self._references[proof]
        return f"({name} {own})" if own else name

    def _applied(
        self, proof: Proof, put: Mapping[str, z3.ExprRef], given: Mapping[_Granted, str]
    ) -> str:
        """A proof at terms for its variables."""
        free = variables(proof.formula)
        if proof.rule == "instance":
            (base,) = proof.premises
            pairs = [(term, put[name]) for name, term in free if name in put]
            own = {
                variable.decl().name(): z3.substitute(term, *pairs) if pairs else term
                for variable, term in proof.details
            }
            outer = {name: put.get(name, term) for name, term in free}
            return self._applied(base, {**outer, **own}, given)
        terms = [self._symbols.argument(put.get(name, term), term.sort()) for name, term in free]
        return f"({' '.join([self._reference(proof, given), *terms])})"

    # steps

    def _write(self, step: Proof) -> None:
        if step.rule == "definition":
            self._symbols.declare(step.formula)
        elif step.rule in LEMMAS:
            for granted in self._under(step):
                self._name(granted)
            name = self._symbols.fresh(step.name or "step")
            self._references[step] = name
            given = {granted: f"h{k}" for k, granted in enumerate(self._under(step))}
            under = "".join(f" ({h} : {self._granted[granted]})" for granted, h in given.items())
            statement = self._symbols.every(step.formula)
            scripts = [self._closed(each, name, given) for each in self._of(step)]
            written = self._lemma if step.rule == "lemma" else self._induction
            self._symbols.lines += [
                f"Lemma {name}{under} : {statement}.",
                f"Proof.\n{written(step, scripts)}\nQed.",
            ]

    def _of(self, step: Proof) -> list[_Leaf]:
        """The leaves of a step, with what they follow from."""
        if step not in self._leaves:
            made: list[_Leaf] = []
            if step.rule == "lemma":
                made = [_Leaf(step.leaves[0], "", step.premises, step.formula, put=False)]
            elif step.rule == "induction":
                made = self._of_induction(step)
            self._leaves[step] = made
        return self._leaves[step]

    def _of_induction(self, step: Proof) -> list[_Leaf]:
        n, claim, instances, count = step.details
        zero = z3.substitute(claim, (n, z3.IntVal(0)))
        following = z3.substitute(claim, (n, n + 1))
        before = []
        for pairs in instances:
            put = {variable.decl().name(): term for variable, term in pairs}
            terms = [
                self._symbols.argument(put.get(key, term), term.sort())
                for key, term in variables(step.formula)
                if key != n.decl().name()
            ]
            assumed = " ".join(["induction_hypothesis", *terms])
            before.append((f"({assumed})", z3.substitute(claim, *pairs)))
        before.append(("nonnegative_index", n >= 0))
        return [
            _Leaf(step.leaves[0], "_base", step.premises[:count], zero),
            _Leaf(step.leaves[1], "_step", step.premises[count:], following, before),
        ]

    def _lemma(self, step: Proof, scripts: Sequence[str]) -> str:
        names = " ".join(self._symbols.symbol(n) for n, _ in variables(step.formula))
        return "\n".join([*([f"  intros {names}."] if names else []), *scripts])

    def _induction(self, step: Proof, scripts: Sequence[str]) -> str:
        n, claim, _, _ = step.details
        symbols, base, following = self._symbols, *scripts
        own = symbols.symbol(n.decl().name())
        free = variables(step.formula)
        others = [(key, term) for key, term in free if key != n.decl().name()]
        names = " ".join(symbols.symbol(key) for key, _ in others)
        intros = f"intros {names}." if names else ""
        every = " ".join(symbols.symbol(key) for key, _ in free)
        claimed = symbols.forall(term for _, term in others) + symbols.text(claim)
        applied = " ".join(["whole", own, "nonnegative_index", names]).strip()
        return "\n".join(
            [
                f"  enough (whole : forall {own} : Z, 0 <= IZR {own} -> {claimed}).",
                f"  {{ intros {every} nonnegative_index. exact ({applied}). }}",
                f"  apply (natural_numbers (fun {own} : Z => {claimed})).",
                f"  {{ {intros}\n{base} }}",
                f"  {{ intros {own} nonnegative_index induction_hypothesis. {intros}",
                f"{following} }}",
            ]
        )

    def _closed(self, own: _Leaf, name: str, given: Mapping[_Granted, str]) -> str:
        """A script that closes a goal by a leaf; the lemma on real numbers comes before."""
        symbols, leaf = self._symbols, own.leaf
        known = kernel._free(own.goal).keys()
        lines, used = [], []
        extra: dict[str, z3.ExprRef] = {}
        last = len(own.before) + len(own.premises)
        certified = leaf.certificate is not None
        for k in leaf.uses if certified else range(last):
            if k == last:
                continue
            direct = False
            if k < len(own.before):
                proof, formula = own.before[k]
            else:
                premise = own.premises[k - len(own.before)]
                formula, free = premise.formula, dict(variables(premise.formula))
                extra.update({n: t for n, t in free.items() if n not in known})
                proof = self._applied(premise, free, given)
                direct = not _sums_of_integers(premise)
            if not direct:
                lines.append(
                    f"  assert (p{k} : {symbols.text(formula)}).\n"
                    f"  {{ pose proof {proof} as q; first [ exact q | integers q; exact q ]. }}"
                )
                proof = f"p{k}"
            used.append((term_of(formula), proof))
        # what the goal does not speak of may have any value
        lines[:0] = [symbols.anything(n, t) for n, t in sorted(extra.items())]
        if own.put:
            lines[:0] = [f"  enough (claim : {symbols.text(own.goal)}) by given claim."]
        if not certified:
            names = {*known, *extra, *(n for _, f in own.before for n, _ in variables(f))}
            terms = [symbols.symbol(n) for n in sorted(names)]
            lines.append(f"  exact ({' '.join([given[leaf], *terms, *(p for _, p in used)])}).")
            return "\n".join(lines)
        claim = term_of(own.goal) if last in leaf.uses else None
        lemma, call = real_lemma(
            f"{name}{own.name}_reals", leaf, used, claim, symbols.named, symbols.fresh
        )
        symbols.lines.append(lemma)
        if claim is None:
            lines.append("  exfalso.")
        return "\n".join([*lines, f"  {call}"])


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


def _comment(text: str) -> str:
    """A comment: what would end it, and quotation marks, in which nothing ends it, are others."""
    return f"(* {text.replace('(*', '( *').replace('*)', '* )').replace(chr(34), chr(39))} *)"
