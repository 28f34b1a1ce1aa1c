"""MathML, which browsers show without a script."""

from __future__ import annotations

__all__ = ["mathml"]


def mathml(latex: str, display: str = "inline") -> str:
    """LaTeX mathematics as a MathML element, ``inline`` or ``block``.

    Examples
    --------
    >>> mathml("x").startswith("<math")
    True
    """
    from latex2mathml.converter import convert

    return str(convert(latex, display=display))
