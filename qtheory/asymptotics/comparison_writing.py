"""Rate tables side by side, as text and as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

import sympy as sp

from qtheory.asymptotics.writing import (
    LABEL,
    SIGNS,
    TIGHT,
    WIDTH,
    Row,
    packed,
    rows_of,
    sides_of,
    total_relation,
)
from qtheory.numbers.latex import latex_of, words
from qtheory.orders.compact import scale_text
from qtheory.orders.display import compact_text, premises, premises_latex, relations_latex, shown

if TYPE_CHECKING:
    from qtheory.asymptotics.side_by_side import Contest, RateComparison

#: A table's name, how its term relates to its order, and the order, in words where it has no form.
Entry = tuple[str, str, sp.Expr | str]


def comparison_text(comparison: RateComparison) -> str:
    """Every term of all tables, one under the other, and who wins where."""
    given = premises(comparison.assumptions, comparison.fixed)
    lines = wrap(given, WIDTH) if given else []
    lines += packed([scale_text(scale) for scale in comparison.scales])
    width = max(map(len, comparison.tables)) + 1
    for term, entries in _entries(comparison):
        for k, (name, relation, form) in enumerate(entries):
            known = form if isinstance(form, str) else compact_text(form)
            label = term if k == 0 else ""
            lines.append(f"{label:{LABEL}}{name:{width}}{relation:2} {known}".rstrip())
    for contest in comparison.contests:
        if contest.ratio is not None:
            ratio = compact_text(contest.ratio)
            lines += _hanging(f"{contest.first} / {contest.second} {TIGHT} {ratio}")
        lines += _hanging(_verdict(comparison, contest))
    return "\n".join([*lines, *_hanging(_aside(comparison))])


def comparison_latex(comparison: RateComparison) -> str:
    r"""The same as a LaTeX ``array`` of terms, tables and orders."""
    lines = []
    for term, entries in _entries(comparison):
        for k, (name, relation, form) in enumerate(entries):
            known = words(form) if isinstance(form, str) else latex_of(form)
            label = words(term) if k == 0 else ""
            lines.append(_row_latex(label, words(name), f"{SIGNS.get(relation, '')} {known}"))
    for contest in comparison.contests:
        if contest.ratio is not None:
            first, second = words(contest.first), words(f"by {contest.second}")
            lines.append(_row_latex(first, second, f"{SIGNS[TIGHT]} {latex_of(contest.ratio)}"))
        lines.append(_row_latex("", "", words(_verdict(comparison, contest, formulas=False))))
        if not _loser(comparison, contest) and contest.second_wins is not None:
            above, below = map(latex_of, sides_of(contest.second_wins))
            lines.append(_row_latex("", "", rf"{above} \gtrsim {below}"))
    for scale in comparison.scales:
        definition = f"{latex_of(scale.symbol)} = {latex_of(scale.definition)}"
        lines.append(_row_latex("", "", definition + words(f" ({scale.meaning})")))
    for conditions in _critical(comparison):
        at = words("larger by logarithms if ") + relations_latex(conditions)
        lines.append(_row_latex("", "", at))
    given = premises_latex(comparison.assumptions, comparison.fixed)
    lines += [_row_latex("", "", given)] if given else []
    return "\\begin{array}{lll}\n" + " \\\\[1ex]\n".join(lines) + "\n\\end{array}"


def _row_latex(label: str, name: str, formula: str) -> str:
    return rf"{label} & {name} & \displaystyle {formula}"


def _entries(comparison: RateComparison) -> Iterator[tuple[str, list[Entry]]]:
    """The terms that are not zero in all tables, and the total, each in all tables."""
    rows = {name: rows_of(table) for name, table in comparison.tables.items()}
    terms = [term for term in next(iter(comparison.tables.values())).terms if term != "total"]
    for term in terms:
        found = {name: [row for row in own if term in row.names] for name, own in rows.items()}
        if any(found.values()):
            yield term, [_entry(comparison, name, own) for name, own in found.items()]
    totals: list[Entry] = []
    for name, table in comparison.tables.items():
        essential = () if table.derivation is None else table.derivation.essential
        totals.append((name, total_relation(table), " + ".join(essential)))
    yield "total", totals


def _entry(comparison: RateComparison, name: str, rows: list[Row]) -> Entry:
    if not rows:
        return name, "", "0"
    form = rows[0].form
    known = "see its regimes" if form is None else form.xreplace(comparison.names[name])
    return name, rows[0].relation, known


def _loser(comparison: RateComparison, contest: Contest) -> str | None:
    """The one of two whose bound is nowhere the smaller one, if it is one of them."""
    pair = contest.first, contest.second
    for name, other in (pair, pair[::-1]):
        if all(name in case.winners or other not in case.winners for case in comparison.cases):
            return other
    return None


def _verdict(comparison: RateComparison, contest: Contest, formulas: bool = True) -> str:
    """Which of two bounds is the smaller."""
    loser = _loser(comparison, contest)
    if loser is not None:
        winner = contest.first if loser == contest.second else contest.second
        return f"{winner} is nowhere larger than {loser}, as orders"
    if contest.second_wins is None:
        return f"{contest.first} against {contest.second}: see .cases"
    if not formulas:
        return f"{contest.second} is the smaller one if what follows holds, else {contest.first}"
    sides = map(compact_text, sides_of(contest.second_wins))
    return f"{contest.second} is the smaller one if {' >= '.join(sides)}, else {contest.first}"


def _critical(comparison: RateComparison) -> list[tuple[sp.Basic, ...]]:
    """The cases of equal exponents, which forms leave out."""
    found: set[tuple[sp.Basic, ...]] = set()
    for table in comparison.tables.values():
        form = table.total.compact
        found |= {case.conditions for case in form.critical} if form is not None else set()
    return sorted(found, key=str)


def _aside(comparison: RateComparison) -> str:
    cases = [" and ".join(map(shown, conditions)) for conditions in _critical(comparison)]
    return f"larger by logarithms if {', or if '.join(cases)}: see .cases" if cases else ""


def _hanging(text: str) -> list[str]:
    return wrap(text, WIDTH, subsequent_indent="  ")
