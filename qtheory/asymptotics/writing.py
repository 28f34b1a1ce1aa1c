"""Rate tables as text and as LaTeX: compact forms, scales, what is tight and what dominates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import sympy as sp

from qtheory.asymptotics.derivation import Dominance
from qtheory.asymptotics.rate import Rate
from qtheory.numbers.latex import latex_of, words
from qtheory.orders.compact import Scale, scale_text, used
from qtheory.orders.display import (
    UNKNOWN,
    cases_latex,
    compact_text,
    premises,
    premises_latex,
    relations_latex,
    shown,
    where,
)

if TYPE_CHECKING:
    from qtheory.asymptotics.table import Rates

WIDTH, _LINES = 80, 16
LABEL = 15
UPPER, TIGHT, LOWER = "<~", "~", ">~"
SIGNS = {UPPER: r"\lesssim", TIGHT: r"\asymp", LOWER: r"\gtrsim"}


@dataclass(frozen=True)
class Row:
    """Terms of one order: their names, what is known of it, and the order; None if not compact."""

    names: tuple[str, ...]
    relation: str
    form: sp.Expr | None
    rate: Rate
    lower: sp.Expr | None = None

    @property
    def label(self) -> str:
        """The names, with commas."""
        return ", ".join(self.names)


def rows_of(table: Rates) -> list[Row]:
    """The terms that are not zero, those of one order in one row; the total is not among them."""
    rows: dict[object, Row] = {}
    for name, rate in table.terms.items():
        if not rate.regimes or name == "total":
            continue
        form = rate.compact if _all_occur(rate) else None
        key = name if form is None else (form.expression, form.critical, rate.is_tight)
        if key in rows:
            first = rows[key]
            rows[key] = Row(
                (*first.names, name), first.relation, first.form, first.rate, first.lower
            )
            continue
        tightness = rate.tightness
        lower = None
        if tightness is not None and not tightness.is_tight and tightness.compact is not None:
            lower = tightness.compact.expression
        relation = TIGHT if rate.is_tight else UPPER
        rows[key] = Row((name,), relation, None if form is None else form.expression, rate, lower)
    return list(rows.values())


def _all_occur(rate: Rate) -> bool:
    """Whether all regimes are known to occur; where not, each is shown and says so."""
    return all(regime.occurs for regime in rate.regimes)


def in_cases(rows: Sequence[Row]) -> list[str]:
    """The terms whose regimes are shown, for want of a compact form."""
    return [name for row in rows if row.form is None for name in row.names]


def scales_of(table: Rates, rows: Sequence[Row]) -> tuple[Scale, ...]:
    """The scales in the rows, and D_N if it is a factor of two of them."""
    derivation = table.derivation
    if derivation is None:
        return ()
    scales = derivation.scaled.scales
    dimension = derivation.effective_dimension
    factors = [sp.Mul.make_args(row.form) for row in rows if row.form is not None]
    if dimension and sum(dimension.definition in parts for parts in factors) > 1:
        scales = (*scales, dimension)
    forms = [_short(form, scales) for row in rows for form in (row.form, row.lower) if form]
    forms += [rate.compact.expression for rate in table.sizes.values() if rate.compact is not None]
    for row in rows:
        if row.rate.compact is not None:
            forms += [case.expression for case in row.rate.compact.critical if case.expression]
    return used(scales, forms)


def _short(form: sp.Expr, scales: Sequence[Scale]) -> sp.Expr:
    """The form with D_N in place of the sum that it is."""
    named = {scale.definition: scale.symbol for scale in scales if scale.definition.is_Add}
    return form.xreplace(named)


def critical_factors(rows: Sequence[Row]) -> dict[tuple[sp.Basic, ...], dict[object, list[str]]]:
    """By equality of exponents: the factor that is missing, None if unknown, and in which terms."""
    found: dict[tuple[sp.Basic, ...], dict[object, list[str]]] = {}
    for row in rows:
        form = row.rate.compact
        for case in () if form is None or row.form is None else form.critical:
            found.setdefault(case.conditions, {}).setdefault(case.factor, []).extend(row.names)
    return dict(sorted(found.items(), key=lambda item: str(item[0])))


def total_relation(table: Rates) -> str:
    """Whether the total is known to be tight, from what its largest terms are.

    Data errors change the quantized risk and the risk in different ways: then T5 for the risk has
    to be asked, which ``table.total.is_tight`` does.
    """
    essential = () if table.derivation is None else table.derivation.essential
    exact = table.quantization.data == type(table.quantization)().data
    tight = exact and all(table.terms[name].is_tight for name in essential)
    return TIGHT if tight else UPPER


def sides_of(ratio: sp.Expr, scales: Sequence[Scale] = ()) -> tuple[sp.Expr, sp.Expr]:
    """The two sides of the inequality that a ratio is at least 1, each with positive powers."""
    above = below = sp.S.One
    for factor in sp.Mul.make_args(_short(ratio, scales)):
        base, exponent = factor.as_base_exp()
        if exponent.could_extract_minus_sign():
            below *= base**-exponent
        else:
            above *= factor
    return above, below


def table_text(table: Rates) -> str:
    """The table in lines of at most 80 columns where its forms allow that."""
    rows = rows_of(table)
    scales = scales_of(table, rows)
    positive = ", ".join(map(str, table.taken_positive))
    taking = f"taking {positive} as positive" if positive else ""
    given = ", ".join(filter(None, (premises(table.premises, table.fixed), taking)))
    lines = [line for text in (*said_of_sketch(table), given) for line in wrap(text, WIDTH)]
    lines += packed([scale_text(scale) for scale in scales])
    sizes = [f"{rate.name} ~ {_size_text(rate)}" for rate in table.sizes.values()]
    lines += packed(sizes)
    orders = [line for row in rows for line in _row_text(row, rows, scales)]
    critical = critical_factors(rows)
    after = []
    for conditions, factors in critical.items():
        at = " and ".join(map(shown, conditions))
        after += wrap(f"{at}: {'; '.join(_factors_text(factors))}", WIDTH, subsequent_indent="  ")
    cases = [name for name in in_cases(rows) if len(table.terms[name].regimes) > 1]
    after += [f"no compact form found: {', '.join(cases)}"] if cases else []
    after += _domination_text(table, rows, scales, bool(critical))
    if len(lines) + len(orders) + len(after) > _LINES:
        orders = _side_by_side(orders)
    return "\n".join([*lines, *orders, *after])


def said_of_sketch(table: Rates) -> Iterator[str]:
    """What kind of result a table for a sketch is, and what it takes errors for."""
    if table.size is None:
        return
    yield f"in a random sketch of {table.size} features: equivalent (asymptotically)"
    level = getattr(table.quantization.data, "elementwise", sp.S.Zero)
    if level != 0:
        yield (
            f"elementwise data errors as additive ones of level {level}*tr(H)/{table.size}: "
            "an approximation"
        )


def _size_text(rate: Rate) -> str:
    """An effective size in a line."""
    if rate.compact is not None:
        return compact_text(rate.compact.expression)
    return ", ".join(f"{r.order} if {where(r.conditions, r.occurs)}" for r in rate.regimes)


def _row_text(row: Row, rows: Sequence[Row], scales: Sequence[Scale]) -> Iterator[str]:
    if row.form is None:
        yield from _regimes_text(row.label, row.relation, row.rate)
        return
    yield f"{row.label + ' ':{LABEL}}{row.relation:2} {_form_text(row, rows, scales)}"
    if row.lower is not None:
        yield f"{'':{LABEL}}{LOWER:2} {compact_text(_short(row.lower, scales))}"


def _form_text(row: Row, rows: Sequence[Row], scales: Sequence[Scale]) -> str:
    """The form, with the name of an earlier row for a factor if that is shorter."""
    if row.form is None:
        raise TypeError("a row without a form")
    texts = [compact_text(_short(row.form, scales))]
    for other in rows[: rows.index(row)]:
        if other.form is not None and other.form.is_Mul:
            name = sp.Symbol(other.names[0], positive=True)
            rest = row.form / other.form
            if set(map(_base, sp.Mul.make_args(other.form))) <= set(
                map(_base, sp.Mul.make_args(row.form))
            ):
                texts.append(compact_text(_short(name * rest, scales)))
    return min(texts, key=len)


def _base(factor: sp.Expr) -> sp.Expr:
    return factor.as_base_exp()[0]


def _factors_text(factors: dict[object, list[str]]) -> Iterator[str]:
    for factor, names in factors.items():
        known = "see the regimes" if factor is None else f"* {compact_text(factor)}"
        yield f"{', '.join(names)} {known}"


def _domination_text(
    table: Rates, rows: Sequence[Row], scales: Sequence[Scale], logarithms: bool
) -> Iterator[str]:
    derivation = table.derivation
    if derivation is None:
        return
    relation = total_relation(table)
    essential, cases = derivation.essential, derivation.dominance
    if set(essential) & set(in_cases(rows)) or any(case.ratio is None for case in cases):
        yield from _regimes_text("total", relation, table.total)
        yield "dominating"
        for domination in table.dominations:
            condition = where(domination.conditions, domination.occurs)
            yield f"  {' + '.join(domination.terms):37}  {condition}".rstrip()
        return
    legend = [f"({TIGHT} is tight)"] if relation == UPPER else []
    legend += ["logarithms aside"] if cases and logarithms else []
    text = f"{'total':{LABEL}}{relation:2} {' + '.join(essential)}"
    yield f"{text} {', '.join(legend)}" if relation == UPPER else ", ".join([text, *legend])
    for case in cases:
        yield _dominance_text(case, scales)


def _regimes_text(label: str, relation: str, rate: Rate) -> Iterator[str]:
    for k, regime in enumerate(rate.regimes):
        start = f"{label if k == 0 else '':{LABEL - 1}} {relation:2}"
        condition = where(regime.conditions, regime.occurs)
        yield f"{start} {regime.order!s:26} {condition}".rstrip()


def _dominance_text(case: Dominance, scales: Sequence[Scale]) -> str:
    start = f"{case.first} over {case.second}"
    if case.relation is not None:
        return f"{start} if {shown(case.relation)}"
    text = f"{start} if {' >= '.join(map(compact_text, sides_of(case.ratio, scales)))}"
    return text if len(text) <= WIDTH else f"{start} if its form is the larger"


def packed(texts: Sequence[str]) -> list[str]:
    """Texts in lines, as many in each as fit."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + 2 + len(text) <= WIDTH:
            lines[-1] += f"; {text}"
        else:
            lines.append(text)
    return lines


def _side_by_side(texts: Sequence[str]) -> list[str]:
    """Rows in two columns where two of them are short."""
    half = WIDTH // 2
    lines: list[str] = []
    for text in texts:
        short = [k for k, line in enumerate(lines) if len(line) < half and line[:1] != " "]
        if short and len(text) <= half and text[:1] != " ":
            lines[short[0]] = f"{lines[short[0]]:{half}}{text}"
        else:
            lines.append(text)
    return lines


def table_latex(table: Rates) -> str:
    r"""The table as LaTeX's ``aligned``, with \asymp where it is tight and \lesssim elsewhere."""
    rows = rows_of(table)
    scales = scales_of(table, rows)
    names = {scale.symbol: _scale_latex(scale) for scale in scales}

    def formula(form: sp.Expr) -> str:
        return latex_of(_short(form, scales), names)

    lines = []
    for row in rows:
        shown_form = _regimes_latex(row.rate) if row.form is None else formula(row.form)
        lines.append(rf"{words(row.label)} &{SIGNS[row.relation]} {shown_form}")
        if row.lower is not None:
            lines.append(rf"&{SIGNS[LOWER]} {formula(row.lower)}")
    for conditions, factors in critical_factors(rows).items():
        at = relations_latex(conditions)
        for factor, terms in factors.items():
            larger = words(" in cases of its own") if factor is None else formula(factor)
            by = words(f"{', '.join(terms)} larger by ") if factor is not None else words(terms[0])
            lines.append(rf"&{by}{larger}{words(' if ')}{at}")
    lines += _domination_latex(table, rows, formula)
    for rate in table.sizes.values():
        form = rate.compact
        size = _regimes_latex(rate) if form is None else formula(form.expression)
        lines.append(rf"{words(rate.name)} &{SIGNS[TIGHT]} {size}")
    for scale in scales:
        symbol, definition = names[scale.symbol], latex_of(scale.definition, names)
        lines.append(rf"{symbol} &= {definition}{words(f' ({scale.meaning})')}")
    positive = relations_latex(table.taken_positive)
    taking = words("taking ") + positive + words(" as positive") if positive else ""
    given = premises_latex(table.premises, table.fixed)
    lines += [rf"&{line}" for line in (*map(words, said_of_sketch(table)), given, taking) if line]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _domination_latex(
    table: Rates, rows: Sequence[Row], formula: Callable[[sp.Expr], str]
) -> Iterator[str]:
    derivation = table.derivation
    if derivation is None:
        return
    sign, essential, cases = (
        SIGNS[total_relation(table)],
        derivation.essential,
        derivation.dominance,
    )
    if set(essential) & set(in_cases(rows)) or any(case.ratio is None for case in cases):
        yield rf"{words('total')} &{sign} {_regimes_latex(table.total)}"
        return
    aside = words(" (logarithms aside)") if cases else ""
    yield rf"{words('total')} &{sign} {words(' + '.join(essential))}{aside}"
    for case in cases:
        start = words(f"{case.first} over {case.second} if ")
        if case.relation is not None:
            yield rf"&{start}{latex_of(case.relation)}"
        else:
            above, below = map(formula, sides_of(case.ratio))
            yield rf"&{start}{above} \gtrsim {below}"


def _regimes_latex(rate: Rate) -> str:
    unknown = words(UNKNOWN)
    return cases_latex(
        [(latex_of(r.order), r.conditions, "" if r.occurs else unknown) for r in rate.regimes]
    )


def _scale_latex(scale: Scale) -> str:
    """The name of a scale: the index of k_eps is the letter, not a word."""
    base, _, index = scale.symbol.name.partition("_")
    return rf"{base}_{{{latex_of(sp.Symbol(index))}}}" if index else base
