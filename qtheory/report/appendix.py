"""The theorems as an appendix in LaTeX."""

from __future__ import annotations

from qtheory.theory import Theorem, theorems

__all__ = ["report_appendix"]

_PREAMBLE = r"""\documentclass{article}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
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
    11
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
    return rows.strip()


def _plain(text: str) -> str:
    """Text with what LaTeX would read as commands made harmless."""
    special = {"_": r"\_", "^": r"\^{}", "%": r"\%", "&": r"\&", "#": r"\#"}
    return "".join(special.get(letter, letter) for letter in text)
