"""What an order is true of, in words and as LaTeX: conditions, assumptions, symbols held fixed."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp
from sympy.printing.str import StrPrinter

from qtheory.numbers.latex import latex_of, words

#: Said of a regime where a question to z3 whether any point meets its conditions has no answer.
UNKNOWN = "unknown whether this occurs"


def where(conditions: Sequence[sp.Basic], occurs: bool | None = True) -> str:
    """The conditions of a regime as text; whether any point meets them, if that is not known.

    >>> a = sp.Symbol("a")
    >>> where([a > 1, a < 2]), where([a > 1], occurs=None)
    ('a > 1 and a < 2', 'a > 1 (unknown whether this occurs)')
    """
    text = " and ".join(map(str, conditions))
    return text if occurs else f"{text} ({UNKNOWN})".lstrip()


def premises(assumptions: Sequence[sp.Basic], fixed: Sequence[sp.Symbol]) -> str:
    """What is assumed, and which symbols are held fixed; nothing if there is neither.

    >>> a, eps = sp.symbols("a eps", positive=True)
    >>> premises([a > 1], [a, eps])
    'assuming a > 1, for fixed a, eps'
    """
    parts = [f"assuming {', '.join(map(shown, assumptions))}"] if assumptions else []
    parts += [f"for fixed {', '.join(map(str, fixed))}"] if fixed else []
    return ", ".join(parts)


def premises_latex(assumptions: Sequence[sp.Basic], fixed: Sequence[sp.Symbol]) -> str:
    r"""The same as LaTeX.

    >>> a, eps = sp.symbols("a eps", positive=True)
    >>> print(premises_latex([a > 1], [a, eps]))
    \text{assuming }a > 1\text{, for fixed }a,\ \varepsilon
    """
    parts = [words("assuming ") + relations_latex(assumptions)] if assumptions else []
    parts += [words("for fixed ") + relations_latex(fixed)] if fixed else []
    return r"\text{, }".join(parts).replace(r"\text{, }\text{", r"\text{, ")


def under_premises(text: str, assumptions: Sequence[sp.Basic], fixed: Sequence[sp.Symbol]) -> str:
    """A formula in LaTeX with what is assumed behind it."""
    given = premises_latex(assumptions, fixed)
    return rf"{text} \quad {given}" if given else text


def cases_latex(rows: Sequence[tuple[str, Sequence[sp.Basic], str]]) -> str:
    r"""Values with their conditions and a remark each, as LaTeX.

    >>> a = sp.Symbol("a")
    >>> print(cases_latex([("x", [a > 1], r"\text{see}"), (r"\infty", [a <= 1], "")]))
    \begin{cases} x & \text{if }a > 1\text{, }\text{see} \\ \infty & \text{if }a \leq 1 \end{cases}
    """
    wheres = [
        [*([words("if ") + relations_latex(conditions)] if conditions else []), remark]
        for _, conditions, remark in rows
    ]
    remarks = [words(", ").join(filter(None, where)) for where in wheres]
    if len(rows) == 1 and not rows[0][1]:
        return rows[0][0] + (rf"\ {remarks[0]}" if remarks[0] else "")
    written = [f"{row[0]} & {remark}" for row, remark in zip(rows, remarks, strict=True)]
    return r"\begin{cases} " + r" \\ ".join(written) + r" \end{cases}"


def where_latex(conditions: Sequence[sp.Basic], occurs: bool | None = True) -> str:
    r"""The same as LaTeX.

    >>> a = sp.Symbol("a")
    >>> print(where_latex([a > 1], occurs=None))
    a > 1\text{ (unknown whether this occurs)}
    """
    return relations_latex(conditions) + ("" if occurs else words(f" ({UNKNOWN})"))


def shown(relation: sp.Basic) -> str:
    """A relation as text, an equation with its sign."""
    if isinstance(relation, sp.Eq):
        return f"{relation.lhs} = {relation.rhs}"
    return str(relation)


def relations_latex(parts: Sequence[sp.Basic]) -> str:
    """Relations or symbols, with commas between them."""
    return r",\ ".join(map(latex_of, parts))


class _Plain(StrPrinter):
    """Formulas as they are written by hand: min and max, and the short terms of a sum first."""

    def _print_Min(self, expr: sp.Min) -> str:  # noqa: N802 - SymPy's name
        return f"min({self._arguments(expr)})"

    def _print_Max(self, expr: sp.Max) -> str:  # noqa: N802
        return f"max({self._arguments(expr)})"

    def _arguments(self, expr: sp.Expr) -> str:
        return ", ".join(sorted(map(self._print, expr.args), key=_shortest))

    def _print_Add(self, expr: sp.Add, order: str | None = None) -> str:  # noqa: N802
        if any(part.as_coeff_Mul()[0] < 0 for part in expr.args):  # an exponent
            return str(super()._print_Add(expr, order))
        return " + ".join(sorted(map(self._print, expr.args), key=_shortest))


def _shortest(text: str) -> tuple[int, str]:
    return len(text), text


def compact_text(expression: sp.Expr) -> str:
    """An order as text.

    >>> d, k, N, a, b = sp.symbols("d k N a b", positive=True)
    >>> compact_text((d * sp.Min(1, N) ** 2 + k ** (a - b + 1) + 1) / N)
    '(1 + d*min(1, N)**2 + k**(a - b + 1))/N'
    """
    return str(_Plain().doprint(expression))
