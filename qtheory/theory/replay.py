"""Proofs replayed: each theorem from its file in ``proofs/``, with what it rests on."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from qtheory.errors import ProofError
from qtheory.numbers.precision import one_at_a_time
from qtheory.theory import theorems

if TYPE_CHECKING:
    from qtheory.proof.identities import Derivation, Identity
    from qtheory.proof.kernel import Proof
    from qtheory.proof.leaves import Leaf
    from qtheory.theory.sequents import Formal, Meaning

#: What is proved beside the theorems.
_TITLES = {"power_sums": ("T8, sums", "sums of powers, and D_N for a power law")}
#: Files in ``proofs/`` that are not called like their theorem.
_FILES = {"recursion": "second_moments"}
#: The theorem that says of the update what the others take for granted.
_DERIVED = "recursion"
#: The file in ``proofs/`` for each theorem, in the order in which they are replayed.
PROOFS = MappingProxyType({name: _FILES.get(name, name) for name in (*theorems, *_TITLES)})


@dataclass(frozen=True, eq=False)
class ProofRecord:
    """A theorem that was proved: by which lemmas, from which axioms, under which hypotheses.

    Attributes
    ----------
    name, label, title
        As in ``qtheory.theorems``.
    statement
        What was proved: the statement of ``qtheory.theorems``. It was translated, with its
        definitions and hypotheses, and compared with the formula and the hypotheses of ``root``.
        For T8, which is not in ``qtheory.theorems``, the kernel's formula itself.
    root
        The kernel's proof.
    corollaries
        What else the file proves of interest, each shown as the kernel's formula; for T2 the sums
        over coordinates and samples by which the update has these moments.
    derivation
        For T2, what says that the update has these moments; None for the others.
    steps
        The number of lemmas; for T2 with those of its sums.
    questions
        The number of leaves: formulas without a common model. An identity is none.
    trusted
        The leaves that have no certificate, so that a solver's word is taken for them.
    axioms, hypotheses
        What it rests on, in words; for T2 with the assumptions on the model.
    standing
        The signs of the model's parameters that are used, which no theorem repeats.
    meanings
        What the symbols stand for that the statement uses and does not define, and what ties that
        to SGD.
    seconds
        How long the replay took, with the lemmas shared by theorems counted where they came first.
    """

    name: str
    label: str
    title: str
    statement: str
    root: Proof
    corollaries: tuple[Proof, ...]
    derivation: Derivation | None
    steps: int
    questions: int
    trusted: tuple[str, ...]
    axioms: tuple[str, ...]
    hypotheses: tuple[str, ...]
    standing: tuple[str, ...]
    meanings: tuple[Meaning, ...]
    seconds: float

    @property
    def identities(self) -> tuple[Identity, ...]:
        """For T2, the identities of polynomials for the entries of its sums."""
        return self.derivation.identities if self.derivation else ()

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """What the theorem is made of: for T2 its sums, and the kernel's proof last."""
        return (*(self.derivation.sums if self.derivation else ()), self.root)

    @property
    def stated(self) -> tuple[Proof, ...]:
        """Everything that is proved here: the corollaries, and the theorem last."""
        return (*self.corollaries, self.root)

    def beside(self) -> list[str]:
        """The corollaries in words, each with what it is proved under beyond the model's signs."""
        found = []
        for corollary in self.corollaries:
            under = _hypotheses(corollary)
            found.append(f"{corollary!r}" + f", under: {'; '.join(under)}" * bool(under))
        return found

    @property
    def checked(self) -> bool:
        """Whether the kernel still knows this very proof, and every identity still holds."""
        from qtheory.proof.kernel import is_proof

        return all(map(is_proof, (self.root, *self.corollaries))) and all(
            identity.holds for identity in self.identities
        )

    @property
    def resting_on(self) -> str:
        """How many leaves have a certificate, and what is left to a solver."""
        if not self.trusted:
            return f"{self.questions} leaves, each with a certificate"
        names = ", ".join(self.trusted)
        return f"{self.questions} leaves, {len(self.trusted)} solver-trusted: {names}"

    def latex(self) -> str:
        """Definitions, assumptions and lemmas in order, as an appendix could print them."""
        from qtheory.proof.latex import proof_latex

        text = proof_latex(*self.proofs)
        rows = [rf"\item {item.name}: an identity of polynomials." for item in self.identities]
        return "\n".join([text, r"\begin{itemize}", *rows, r"\end{itemize}"]) if rows else text

    def as_json(self, times: bool = True) -> dict[str, Any]:
        """What ``qtheory prove --json`` writes; without times ``seconds`` is None."""
        return {
            "name": self.name,
            "label": self.label,
            "title": self.title,
            "statement": self.statement,
            "statement_in": "qtheory.theorems" if self.name in theorems else "kernel",
            "corollaries": self.beside(),
            "checked": self.checked,
            "steps": self.steps,
            "questions": self.questions,
            "certificates": self.questions - len(self.trusted),
            "trusted": list(self.trusted),
            "identities": [identity.name for identity in self.identities],
            "axioms": list(self.axioms),
            "hypotheses": list(self.hypotheses),
            "standing": list(self.standing),
            "meanings": [each.as_json() for each in self.meanings],
            "seconds": round(self.seconds, 3) if times else None,
        }

    def _repr_html_(self) -> str:
        """The statement, what it rests on, and its lemmas folded."""
        from qtheory.proof.tree import LEMMAS, steps

        standing = "proved" if self.checked else "not proved"
        names = [step.name or "a step" for step in steps(*self.proofs) if step.rule in LEMMAS]
        items = "".join(f"<li>{escape(name)}</li>" for name in names)
        lemmas = f"<details><summary>{len(names)} lemmas</summary><ol>{items}</ol></details>"
        identities = f"{len(self.identities)} identities of polynomials, " * bool(self.identities)
        under = "".join(f"<li>{escape(hypothesis)}</li>" for hypothesis in self.hypotheses)
        return (
            f"<p><b>{escape(self.label)}: {escape(self.title)}</b>: {standing}, "
            f"{self.steps} steps, {identities}{self.resting_on}, "
            f"{self.seconds:.1f} s</p><p>{escape(self.statement)}</p>"
            f"<details><summary>hypotheses</summary><ul>{under}</ul></details>{lemmas}"
        )

    def __repr__(self) -> str:
        standing = "proved" if self.checked else "not proved"
        identities = f", {len(self.identities)} identities" * bool(self.identities)
        return (
            f"ProofRecord({self.label} {self.title}: {standing}, {self.steps} lemmas{identities})"
        )


def proofs_named(name: str) -> list[str]:
    """The keys of PROOFS for the name or the number of a theorem.

    >>> proofs_named("T4'"), proofs_named("T6")
    (['refined_upper_bound'], ['spectral_floor', 'spectral_shape'])
    """
    return theorems.names_of(name, {key: label for key, (label, _) in _TITLES.items()})


class Replay:
    """Proof files run anew; what several of them need is run once.

    >>> Replay().prove("spectral_shape").checked
    True
    """

    def __init__(self) -> None:
        self._modules: dict[str, ModuleType] = {}

    @one_at_a_time
    def prove(self, name: str) -> ProofRecord:
        """Run the file of a theorem; ProofError if the kernel refuses a step, or proves another."""
        name = proofs_named(name)[0]
        start = time.perf_counter()
        claim = _claim(name)  # before the file is run, which could not change it any more
        with self._own_modules():
            module = import_module(f"{_package()}.{PROOFS[name]}")
        return _record(name, claim, module, time.perf_counter() - start)

    def without(self, *files: str) -> Replay:
        """A replay that takes over what was run, but for these files."""
        other = Replay()
        left_out = {f"{_package()}.{file}" for file in files}
        other._modules = {n: module for n, module in self._modules.items() if n not in left_out}
        return other

    @contextmanager
    def _own_modules(self) -> Iterator[None]:
        """The proof files of this replay in place of those that are loaded."""
        package = _package()

        def taken_out() -> dict[str, ModuleType]:
            names = [name for name in sys.modules if name.startswith(f"{package}.")]
            return {name: sys.modules.pop(name) for name in names}

        before = taken_out()
        sys.modules.update(self._modules)
        try:
            yield
        finally:
            self._modules = taken_out()
            sys.modules.update(before)


def prove(name: str) -> ProofRecord:
    """Replay the proof of a theorem.

    Parameters
    ----------
    name
        A key of ``qtheory.theorems``, a number such as ``"T4"``, or ``"power_sums"`` (T8) for the
        building blocks of T8.

    Raises
    ------
    InvalidArgumentError
        If there is no theorem of this name or number; near ones are suggested.
    ProofError
        If the kernel refuses a step; UndecidedError if the solver reaches its limit of work first.

    Examples
    --------
    >>> import qtheory as qt
    >>> proof = qt.prove("T1")
    >>> proof.name, proof.checked, proof.axioms
    ('decomposition', True, ())
    """
    return Replay().prove(name)


def require_second_solver() -> None:
    """An error that says how to install it, if there is no second solver."""
    from qtheory.proof.audit import cvc5_for_audit

    cvc5_for_audit()


def audit(
    records: Sequence[ProofRecord],
    seconds: float = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Counter[str]]:
    """How often a second solver agrees, disagrees and gives up, for each proof.

    Every question is asked once, and counted for the first proof that rests on it; after so many
    seconds the second solver is taken to give up.
    """
    from qtheory.proof.audit import SecondSolver
    from qtheory.proof.tree import leaves

    todo: dict[int, tuple[str, Leaf]] = {}
    for record in records:
        for root in (record.root, *record.corollaries):
            for leaf in leaves(root):
                todo.setdefault(id(leaf), (record.name, leaf))
    found: dict[str, Counter[str]] = {record.name: Counter() for record in records}
    with SecondSolver(seconds) as solver:
        progress(0, len(todo))
        for done, (name, leaf) in enumerate(todo.values(), start=1):
            found[name][solver.opinion(leaf)] += 1
            progress(done, len(todo))
    return found


def _package() -> str:
    """In a wheel the proofs lie inside qtheory, in a checkout beside it."""
    return "qtheory.proofs" if find_spec("qtheory.proofs") else "proofs"


def _claim(name: str) -> Formal | None:
    """The statement that is shown as a sequent; None for T8, of which the formula is shown."""
    from qtheory.theory.formal import stated
    from qtheory.theory.sequents import Formal

    return Formal(stated(name)) if name in theorems else None


def _record(name: str, claim: Formal | None, module: ModuleType, seconds: float) -> ProofRecord:
    from qtheory.proof.kernel import is_proof
    from qtheory.proof.tree import LEMMAS, steps
    from qtheory.theory.formal import STANDING
    from qtheory.theory.sequents import require_own_names

    root: Proof = module.theorem
    corollaries: tuple[Proof, ...] = getattr(module, "corollaries", ())
    if not all(map(is_proof, (root, *corollaries))):
        raise ProofError(f"{name}: not a proof made by the kernel")
    if claim is None:
        label, title = _TITLES[name]
        statement = " ".join(str(root.formula).split())
    else:
        claim.require(root)
        for corollary in corollaries:
            require_own_names(corollary)
        label, title = claim.theorem.label, claim.theorem.title
        statement = str(claim.theorem.statement)
    derivation = _derivation(name, module)
    sums = derivation.sums if derivation else ()
    found = steps(*sums, root)
    open_leaves = [leaf for s in found for leaf in s.leaves if leaf.certificate is None]
    resting = frozenset().union(*(proof.hypotheses for proof in (*sums, root)))
    standing = {h.meaning for assumed in STANDING.values() for h in assumed.hypotheses} & {
        h.meaning for h in resting
    }
    axioms = [step.name for step in found if step.rule == "axiom"]
    hypotheses = [meaning for proof in (*sums, root) for meaning in _hypotheses(proof)]
    return ProofRecord(
        name=name,
        label=label,
        title=title,
        statement=statement,
        root=root,
        corollaries=(*corollaries, *sums),
        derivation=derivation,
        steps=sum(step.rule in LEMMAS for step in found),
        questions=sum(len(step.leaves) for step in found),
        trusted=_names(leaf.name for leaf in open_leaves),
        axioms=_names([*axioms, *(derivation.axioms if derivation else ())]),
        hypotheses=_names([*hypotheses, *(derivation.assumptions if derivation else ())]),
        standing=_names([*standing]),
        meanings=tuple(claim.meanings) if claim else (),
        seconds=seconds,
    )


def _derivation(name: str, module: ModuleType) -> Derivation | None:
    """What says of the update that it has the moments, for the theorem that needs one."""
    if name != _DERIVED:
        return None
    from qtheory.proof.identities import Derivation
    from qtheory.theory.sequents import require_own_names

    derivation = getattr(module, "derivation", None)
    if type(derivation) is not Derivation:
        raise ProofError(f"{name}: nothing says that the update has these moments")
    derivation.require()
    for proof in derivation.sums:
        require_own_names(proof)
    return derivation


def _hypotheses(proof: Proof) -> tuple[str, ...]:
    """What a proof rests on beyond the signs of the model's parameters."""
    from qtheory.theory.formal import STANDING

    model = {h for assumed in STANDING.values() for h in assumed.hypotheses}
    return _names(h.meaning for h in proof.hypotheses - model)


def _names(texts: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))
