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
from qtheory.orders.display import compact_text, premises, premises_latex, shown

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
    r"""The same as LaTeX's ``aligned``."""
    lines = []
    for term, entries in _entries(comparison):
        for k, (name, relation, form) in enumerate(entries):
            known = words(form) if isinstance(form, str) else latex_of(form)
            label = words(term) if k == 0 else ""
            lines.append(rf"{label} &{words(name)} &&{SIGNS.get(relation, '')} {known}")
    for contest in comparison.contests:
        if contest.ratio is not None:
            pair = words(f"{contest.first} / {contest.second}")
            lines.append(rf"{pair} &&&{SIGNS[TIGHT]} {latex_of(contest.ratio)}")
        lines.append(rf"&&&{words(_verdict(comparison, contest, formulas=False))}")
        if contest.second_wins is not None and contest.second_wins != 1:
            above, below = map(latex_of, sides_of(contest.second_wins))
            lines.append(rf"&&&{above} \gtrsim {below}")
    for scale in comparison.scales:
        definition = f"{latex_of(scale.symbol)} = {latex_of(scale.definition)}"
        lines.append(rf"&&&{definition}{words(f' ({scale.meaning})')}")
    lines += [rf"&&&{words(text)}" for text in (_aside(comparison),) if text]
    given = premises_latex(comparison.assumptions, comparison.fixed)
    lines += [rf"&&&{given}"] if given else []
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


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


def _verdict(comparison: RateComparison, contest: Contest, formulas: bool = True) -> str:
    """Which of two bounds is the smaller."""
    for name, other in (
        (contest.first, contest.second),
        (contest.second, contest.first),
    ):
        if all(name in case.winners or other not in case.winners for case in comparison.cases):
            return f"{name} is nowhere larger than {other}, as orders"
    if contest.second_wins is None:
        return f"{contest.first} against {contest.second}: see .cases"
    sides = map(compact_text, sides_of(contest.second_wins))
    form = f" {' >= '.join(sides)}" if formulas else ""
    return f"{contest.second} is the smaller one if{form}, else {contest.first}"


def _aside(comparison: RateComparison) -> str:
    """The cases of equal exponents, which forms leave out."""
    found = set()
    for table in comparison.tables.values():
        form = table.total.compact
        found |= {case.conditions for case in form.critical} if form is not None else set()
    cases = sorted(" and ".join(map(shown, conditions)) for conditions in found)
    return f"larger by logarithms if {', or if '.join(cases)}: see .cases" if cases else ""


def _hanging(text: str) -> list[str]:
    return wrap(text, WIDTH, subsequent_indent="  ")
