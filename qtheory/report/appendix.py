"""The theorems as an appendix in LaTeX."""

from __future__ import annotations

from qtheory.report.line_breaks import pieces
from qtheory.theory import Theorem, theorems

_LONG = 280  # letters of LaTeX that still fit on a line

_PREAMBLE = r"""\documentclass{article}
\usepackage{amsmath,amssymb}
\usepackage[margin=15mm]{geometry}
\allowdisplaybreaks
\begin{document}
\appendix
\section{Learning under quantization: statements}
"""


def report_appendix() -> str:
    r"""A document with every theorem: statement, hypotheses, definitions, source.

    It needs amsmath, amssymb and geometry.

    Examples
    --------
    >>> text = report_appendix()
    >>> text.count(r"\subsection")
    16
    """
    return _PREAMBLE + "".join(map(_section, theorems.values())) + "\\end{document}\n"


def _section(theorem: Theorem) -> str:
    return (
        f"\\subsection{{{theorem.label}: {theorem.title}}}\n"
        f"\\begin{{align*}}\n{_body(theorem)}\n\\end{{align*}}\n"
        f"Source: {_plain(theorem.source)}\n\n"
    )


def _body(theorem: Theorem) -> str:
    """The rows of the aligned block, which align* can break over pages."""
    rows = theorem.latex().removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}")
    # a row ends with \\ and a new line; the \\ inside a cases stand in the line
    return " \\\\\n".join(map(_broken, rows.strip().split(" \\\\\n")))


def _broken(row: str) -> str:
    """A row too long for the page in lines, each with one summand."""
    left, relation, right = row.partition(" &= ")
    if len(row) <= _LONG or not relation:
        return row
    first, *rest = pieces(right)
    return f"{left} &= {first}" + "".join(f" \\\\\n&{{}} {piece}" for piece in rest)


def _plain(text: str) -> str:
    """Text with what LaTeX would read as commands made harmless."""
    special = {"_": r"\_", "^": r"\^{}", "%": r"\%", "&": r"\&", "#": r"\#"}
    return "".join(special.get(letter, letter) for letter in text)
