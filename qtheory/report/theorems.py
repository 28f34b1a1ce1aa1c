"""The theorem gallery: a page of Markdown for each entry of the registry, made from that entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

import sympy as sp

from qtheory.report.mathml import mathml
from qtheory.theory import Theorem, theorems
from qtheory.theory.replay import PROOFS

#: The heading in ``docs/tightness.md`` under which a bound is measured.
_MEASURED: Mapping[str, str] = {
    "upper_bound": "Upper bound in the paper's form / exact risk",
    "refined_upper_bound": "Refined upper bound / exact risk",
    "risk_lower_bound": "Exact risk / lower bound",
}


def theorem_page(theorem: Theorem, tightness: str = "") -> str:
    """A theorem as Markdown: statement, assumptions, definitions, source, proof, tightness.

    Parameters
    ----------
    theorem
        An entry of ``qtheory.theorems``.
    tightness
        The text of ``docs/tightness.md``, from which the measured ratios are taken.

    Examples
    --------
    >>> from qtheory import theorems
    >>> theorem_page(theorems["decomposition"]).splitlines()[0]
    '# T1: decomposition of the excess risk'
    """
    parts = [f"# {theorem.label}: {theorem.title}", _display([theorem.statement], theorem)]
    if theorem.hypotheses:
        parts += ["## Assumptions", hypotheses_html(theorem)]
        parts.append("Evaluated where one of them fails, the theorem raises `qt.HypothesisError`.")
    else:
        parts += ["## Assumptions", "Those of the model; none beside them."]
    definitions = needed_definitions(theorem)
    parts += [
        "## Definitions",
        "λ, w\\*, σ², γ, B, N and the error levels ε are those of [the model](../theory.md). "
        "ε with an upper index m is the whole multiplicative level, s its shared part, a the "
        "additive level; the lower index is the target (o: the output gradient).",
        _display(definitions, theorem),
    ]
    parts += ["## Source", escape(theorem.source)]
    parts += [f"- {escape(full)}" for full in theorem.sources]
    parts += ["## Proof", _proof(theorem.name)]
    rows = tightness_rows(tightness, theorem.name)
    if rows:
        parts += [
            "## How tight it is",
            f"{_MEASURED[theorem.name]}, on random instances "
            "([how they are drawn](../tightness.md)):",
            "\n".join(rows),
        ]
    parts += ["## Example", ""]
    return "\n\n".join(parts)


def hypotheses_html(theorem: Theorem) -> str:
    """The hypotheses of a theorem as a list, each with what it means."""
    items = "".join(
        f"<li>{_inline(hypothesis.relation, theorem)} "
        f'<span class="soft">{escape(hypothesis.meaning)}</span></li>'
        for hypothesis in theorem.hypotheses
    )
    return f"<ul>{items}</ul>" if items else ""


def theorem_list(entries: Iterable[Theorem] = tuple(theorems.values())) -> str:
    """The table of all theorems, with links to their pages.

    Examples
    --------
    >>> theorem_list().count("<tr>")
    17
    """
    rows = "".join(
        f'<tr><td>{escape(each.label)}</td><td><a href="{each.name}/">{escape(each.title)}</a></td>'
        f"<td>{_inline(each.statement, each)}</td></tr>"
        for each in entries
    )
    head = "<tr><th></th><th>theorem</th><th>statement</th></tr>"
    return f'<div class="formula"><table>{head}{rows}</table></div>'


def needed_definitions(theorem: Theorem) -> list[sp.Eq]:
    """The definitions that statement and hypotheses rest on, directly or through others, in order.

    Examples
    --------
    >>> from qtheory import theorems
    >>> [str(each.lhs) for each in needed_definitions(theorems["spectral_shape"])]
    ['D[i]', 'lambda^q[i]']
    """
    found: list[sp.Eq] = []
    wanted = _names([theorem.statement, *theorem.assumptions])
    for definition in reversed(theorem.definitions):
        if _name(definition.lhs) in wanted:
            found.append(definition)
            wanted |= _names([definition.rhs])
    return found[::-1]


def tightness_rows(text: str, name: str) -> list[str]:
    """The head and the last two rows of the table on a bound in ``docs/tightness.md``."""
    if name not in _MEASURED or not text:
        return []
    section = text.split(f"## {_MEASURED[name]}\n")[1].split("\n## ")[0]
    rows: list[str] = re.findall(r"^\|.*\|$", section, re.MULTILINE)
    return rows[:2] + rows[-2:]


def _name(symbol: sp.Basic) -> str:
    return str(symbol.base if isinstance(symbol, sp.Indexed) else symbol)


def _names(expressions: Iterable[sp.Basic]) -> set[str]:
    return {str(atom) for each in expressions for atom in each.atoms(sp.Symbol, sp.IndexedBase)}


def _inline(relation: sp.Basic, theorem: Theorem) -> str:
    return mathml(theorem.relation_latex(relation))


def _display(relations: Iterable[sp.Basic], theorem: Theorem) -> str:
    rows = "".join(
        f"<div>{mathml(theorem.relation_latex(relation), 'block')}</div>" for relation in relations
    )
    return f'<div class="formula">{rows}</div>'


def _proof(name: str) -> str:
    return (
        f"`proofs/{PROOFS[name]}.py` proves it from this very statement, for all values of its "
        "parameters. This replays the proof and prints its lemmas, their number and what it rests "
        f"on:\n\n```console\nqtheory prove {name}\n```\n\n"
        "What has to be trusted is on [the page on proofs](../proofs.md)."
    )
