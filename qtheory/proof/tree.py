"""What a proof rests on: its definitions, hypotheses, axioms and lemmas."""

from __future__ import annotations

from collections.abc import Iterator

from qtheory.proof.kernel import Proof
from qtheory.proof.leaves import Leaf

#: Rules that state something of their own; the others rearrange what is there.
LEMMAS = ("lemma", "induction")
_STATED = (*LEMMAS, "axiom", "definition", "hypothesis")


def steps(*proofs: Proof) -> list[Proof]:
    """Definitions, hypotheses, axioms and lemmas, each once, in an order to read them in."""
    found: list[Proof] = []
    seen: set[int] = set()
    todo: list[tuple[Proof, bool]] = [(proof, False) for proof in reversed(proofs)]
    while todo:
        current, after_its_premises = todo.pop()
        if after_its_premises:
            found.append(current)
        elif id(current) not in seen:
            seen.add(id(current))
            if current.rule in _STATED:
                todo.append((current, True))
            todo += [(premise, False) for premise in reversed(current.premises)]
    return found


def direct_premises(proof: Proof) -> list[Proof]:
    """What a lemma uses itself; an instance counts as what it is an instance of."""
    found: dict[int, Proof] = {}
    todo = list(reversed(proof.premises))
    while todo:
        premise = todo.pop()
        if premise.rule in _STATED:
            found.setdefault(id(premise), premise)
        else:
            todo += reversed(premise.premises)
    return list(found.values())


def leaves(*proofs: Proof) -> Iterator[Leaf]:
    """Every question that was put to the solver."""
    for step in steps(*proofs):
        yield from step.leaves
