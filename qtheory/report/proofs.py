"""Proofs in the terminal: one line per theorem, and the tree of lemmas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from qtheory.report.tables import plain_table
from qtheory.theory.replay import ProofRecord

if TYPE_CHECKING:
    from qtheory.proof.kernel import Proof

_VERDICTS = ("agrees", "gives up", "disagrees")
#: What a tree of lemmas shows; the other rules rearrange what is there.
SHOWN_RULES = ("lemma", "induction", "axiom")


def proofs_view(
    records: Sequence[ProofRecord],
    refused: Mapping[str, str],
    unknown: Mapping[str, str],
    audits: Mapping[str, Counter[str]] | None = None,
) -> RenderableType:
    """A line for each theorem, what was refused or not decided, and the axioms with reasons."""
    table = plain_table("Proofs replayed by the kernel")
    table.add_column("theorem", overflow="fold")
    table.add_column("")
    columns: tuple[str, ...] = ("lemmas", "leaves", "identities", "axioms", "seconds")
    if audits is not None:
        columns = ("lemmas", "leaves", "identities", *_VERDICTS)
        table.caption = "agrees, gives up, disagrees: cvc5, corollaries included, each leaf once"
    for column in columns:
        table.add_column(column, justify="right")
    for record in records:
        verdict = Text("proved", style="green") if record.checked else Text("NOT", style="bold red")
        cells: list[object] = [len(record.axioms), f"{record.seconds:.1f}"]
        if audits is not None:
            cells = [audits[record.name][opinion] for opinion in _VERDICTS]
        counts = (record.steps, record.questions, len(record.identities), *cells)
        table.add_row(record.name, verdict, *map(str, counts))
    for name in refused:
        table.add_row(name, Text("REFUSED", style="bold red"))
    for name in unknown:
        table.add_row(name, Text("unknown", style="bold yellow"))
    notes = [Text(f"{name}: {why}", style="red") for name, why in refused.items()]
    notes += [Text(f"{name}: {why}", style="yellow") for name, why in unknown.items()]
    notes += [
        Text(f"{record.name}: {record.resting_on}", style="yellow")
        for record in records
        if record.trusted
    ]
    return Group(table, *notes, _axioms(records))


def lemma_tree(record: ProofRecord, depth: int) -> RenderableType:
    """The lemmas a theorem follows from, each with its own down to this depth.

    What stands above is not repeated.
    """
    title = Text(f"{record.label}: {record.title}\n", style="bold")
    tree = Tree(title.append(record.statement, style="not bold"))
    seen: set[int] = set()
    _grow(tree, record.root, depth, seen)
    for corollary, text in zip(record.corollaries, record.beside(), strict=True):
        _grow(tree.add(Text(f"also {text}")), corollary, depth, seen)
    if record.identities:
        names = "; ".join(identity.name for identity in record.identities)
        tree.add(Text(f"identities of polynomials, every parameter symbolic: {names}"))
    given = Tree("under")
    for hypothesis in record.hypotheses:
        given.add(Text(hypothesis))
    if record.standing:
        given.add(
            "the signs of the model: N, B, d >= 1, gamma > 0, sigma^2 >= 0, lambda >= 0, "
            "lambda^q > 0, every error level >= 0 and its shared part at most the whole"
        )
    where = Tree("where")
    for meaning in record.meanings:
        names = f" ({', '.join(meaning.tie)} in proofs/update.py)" * bool(meaning.tie)
        where.add(Text(f"{meaning.says}{names}; {meaning.standing}"))
    return Group(tree, given, *[where] * bool(record.meanings))


def _grow(tree: Tree, proof: Proof, depth: int, seen: set[int]) -> None:
    from qtheory.proof.tree import direct_premises

    if depth == 0:
        return
    for premise in direct_premises(proof):
        if premise.rule not in SHOWN_RULES:
            continue
        how = {"induction": " (induction)", "axiom": " (axiom)"}.get(premise.rule, "")
        above = id(premise) in seen
        label = Text(f"{premise.name or 'a step'}{how}")
        label.append(" (above)" if above else f"  {premise.seconds:.2f} s", style="dim")
        branch = tree.add(label)
        if not above:
            seen.add(id(premise))
            _grow(branch, premise, depth - 1, seen)


def _axioms(records: Sequence[ProofRecord]) -> RenderableType:
    names = sorted({name for record in records for name in record.axioms})
    if not names:
        return Text(
            "No axioms: definitions, induction and real arithmetic (z3) alone. Moments are those "
            "of the recursion; that SGD has them is T2, `qtheory prove recursion`, and what "
            "docs/proofs.md lists."
        )
    from qtheory.proof.axioms import AXIOMS
    from qtheory.proof.expectation import RULES

    reasons = {**{name: axiom.reason for name, axiom in AXIOMS.items()}, **RULES}
    return Group(
        Text("Axioms", style="bold"), *(Text(f"  {name}: {reasons[name]}") for name in names)
    )
