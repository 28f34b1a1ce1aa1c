"""MathML, which browsers show without a script."""

from __future__ import annotations

from qtheory.errors import needs


def mathml(latex: str, display: str = "inline") -> str:
    """LaTeX mathematics as a MathML element, ``inline`` or ``block``.

    Examples
    --------
    >>> mathml("x").startswith("<math")
    True
    """
    with needs("report", "the report"):
        from latex2mathml.converter import convert

    # the converter leaves out the space that SymPy puts beside the words of a case
    for word in ("for", "otherwise"):
        latex = latex.replace(rf"& \text{{{word}}}", rf"& \quad \text{{{word} }}")
    return str(convert(latex, display=display))
