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
    from qtheory.proof.kernel import Proof
    from qtheory.proof.leaves import Leaf

#: What is proved beside the theorems.
_TITLES = {"power_sums": ("T8, sums", "sums of powers, and D_N for a power law")}
#: Files in ``proofs/`` that are not called like their theorem.
_FILES = {"recursion": "update"}
#: The file in ``proofs/`` for each theorem, in the order in which they are replayed.
PROOFS = MappingProxyType({name: _FILES.get(name, name) for name in (*theorems, *_TITLES)})


@dataclass(frozen=True, eq=False)
class ProofRecord:
    """A theorem that was proved: by which lemmas, from which axioms, under which hypotheses.

    Attributes
    ----------
    name, label, title
        As in ``qtheory.theorems``.
    root
        The kernel's proof, or None for T2, which is a list of polynomial identities, with the
        kernel's proofs of their sums as corollaries.
    corollaries
        What else the file proves of interest.
    steps
        The number of lemmas (for T2 of identities too).
    questions
        The number of questions put to the solver.
    axioms, hypotheses
        What it rests on, in words. For T2 the assumptions on the model.
    standing
        The signs of the model's parameters that are used, which no theorem repeats.
    seconds
        How long the replay took, with the lemmas shared by theorems counted where they came first.
    """

    name: str
    label: str
    title: str
    root: Proof | None
    corollaries: tuple[Proof, ...]
    identities: tuple[Any, ...]
    steps: int
    questions: int
    axioms: tuple[str, ...]
    hypotheses: tuple[str, ...]
    standing: tuple[str, ...]
    seconds: float

    @property
    def statement(self) -> str:
        """What was proved: the relation of ``qtheory.theorems``, or the kernel's formula."""
        if self.name in theorems:
            return str(theorems[self.name].statement)
        return " ".join(str(self.root.formula).split()) if self.root is not None else ""

    @property
    def checked(self) -> bool:
        """Whether the kernel still knows this very proof, or every identity still holds."""
        from qtheory.proof.kernel import is_proof

        if not all(map(is_proof, self.corollaries)):
            return False
        if self.root is not None:
            return is_proof(self.root)
        return bool(self.identities) and all(item.holds for item in self.identities)

    def latex(self) -> str:
        """Definitions, assumptions and lemmas in order, as an appendix could print them."""
        from qtheory.proof.latex import proof_latex

        if self.root is not None:
            return proof_latex(self.root)
        rows = [rf"\item {item.name}: an identity of polynomials." for item in self.identities]
        return "\n".join([r"\begin{itemize}", *rows, r"\end{itemize}"])

    def as_json(self, times: bool = True) -> dict[str, Any]:
        """What ``qtheory prove --json`` writes; without times ``seconds`` is None."""
        return {
            "name": self.name,
            "label": self.label,
            "title": self.title,
            "statement": self.statement,
            "corollaries": [str(corollary) for corollary in self.corollaries],
            "checked": self.checked,
            "steps": self.steps,
            "questions": self.questions,
            "axioms": list(self.axioms),
            "hypotheses": list(self.hypotheses),
            "standing": list(self.standing),
            "seconds": round(self.seconds, 3) if times else None,
        }

    def _repr_html_(self) -> str:
        """The statement, what it rests on, and its lemmas folded."""
        standing = "proved" if self.checked else "not proved"
        lemmas = ""
        if self.root is not None:
            from qtheory.proof.tree import LEMMAS, steps

            names = [step.name or "a step" for step in steps(self.root) if step.rule in LEMMAS]
            items = "".join(f"<li>{escape(name)}</li>" for name in names)
            lemmas = f"<details><summary>{len(names)} lemmas</summary><ol>{items}</ol></details>"
        under = "".join(f"<li>{escape(hypothesis)}</li>" for hypothesis in self.hypotheses)
        return (
            f"<p><b>{escape(self.label)}: {escape(self.title)}</b>: {standing}, "
            f"{self.steps} steps, {self.questions} questions to the solver, "
            f"{self.seconds:.1f} s</p><p>{escape(self.statement)}</p>"
            f"<details><summary>hypotheses</summary><ul>{under}</ul></details>{lemmas}"
        )

    def __repr__(self) -> str:
        standing = "proved" if self.checked else "not proved"
        return f"ProofRecord({self.label} {self.title}: {standing}, {self.steps} lemmas)"


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
        """Run the file of a theorem; ProofError if the kernel refuses a step."""
        name = proofs_named(name)[0]
        start = time.perf_counter()
        with self._own_modules():
            module = import_module(f"{_package()}.{PROOFS[name]}")
        return _record(name, module, time.perf_counter() - start)

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
            for leaf in leaves(root) if root is not None else ():
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


def _record(name: str, module: ModuleType, seconds: float) -> ProofRecord:
    from qtheory.proof.kernel import Proof, is_proof
    from qtheory.proof.tree import LEMMAS, steps
    from qtheory.theory.formal import STANDING

    theorem, corollaries = module.theorem, getattr(module, "corollaries", ())

    known = theorems.get(name)
    label, title = (known.label, known.title) if known else _TITLES[name]
    if not isinstance(theorem, Proof):
        count, names = len(theorem.identities), tuple(theorem.assumptions)
        summed = {step for corollary in corollaries for step in steps(corollary)}
        lemmas = sum(step.rule in LEMMAS for step in summed)
        asked = sum(len(step.leaves) for step in summed)
        return ProofRecord(
            name, label, title, None, corollaries, theorem.identities, count + lemmas, asked,
            theorem.axioms, names, (), seconds,
        )  # fmt: skip
    if not all(map(is_proof, (theorem, *corollaries))):
        raise ProofError(f"{name}: not a proof made by the kernel")
    found = steps(theorem)
    model = {h for assumed in STANDING.values() for h in assumed.hypotheses}
    return ProofRecord(
        name=name,
        label=label,
        title=title,
        root=theorem,
        corollaries=corollaries,
        identities=(),
        steps=sum(step.rule in LEMMAS for step in found),
        questions=sum(len(step.leaves) for step in found),
        axioms=_names(step.name for step in found if step.rule == "axiom"),
        hypotheses=_names(h.meaning for h in theorem.hypotheses - model),
        standing=_names(h.meaning for h in theorem.hypotheses & model),
        seconds=seconds,
    )


def _names(texts: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))
