"""LaTeX of formulas in symbols that users name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.printing.conventions import split_super_sub
from sympy.printing.latex import translate

# Short names of Greek letters, beside the full ones that SymPy knows.
_GREEK = {"eps": r"\varepsilon", "lam": r"\lambda"}
_SPECIAL = {"\\": r"\backslash ", "^": r"\^{}", **{c: rf"\{c}" for c in "_%&#${}"}}


def latex_of(
    expression: sp.Basic, names: Mapping[sp.Basic, str] | None = None, **settings: Any
) -> str:
    r"""A formula as LaTeX: names of Greek letters as these letters, other words upright.

    Parameters
    ----------
    names
        How some symbols are written.
    settings
        What else ``sympy.latex`` takes.

    Examples
    --------
    >>> eps, rate = sp.symbols("eps_d rate", positive=True)
    >>> latex_of(eps**rate)
    '\\varepsilon_{d}^{\\mathrm{rate}}'
    """
    written = {symbol: _name(symbol.name) for symbol in expression.atoms(sp.Symbol)}
    own = {symbol: name for symbol, name in written.items() if name}
    return str(sp.latex(expression, symbol_names={**own, **(names or {})}, **settings))


def words(text: str) -> str:
    r"""Plain text inside a formula.

    >>> words("x_1 & more")
    '\\text{x\\_1 \\& more}'
    """
    return rf"\text{{{''.join(_SPECIAL.get(letter, letter) for letter in text)}}}"


def _name(name: str) -> str:
    """An identifier as LaTeX; nothing for other names, which are SymPy's to read."""
    if not name.isidentifier():
        return ""
    base, above, below = split_super_sub(name)
    written = _letter(base)
    if above:
        written += f"^{{{' '.join(map(_letter, above))}}}"
    if below:
        written += f"_{{{' '.join(map(_letter, below))}}}"
    return written


def _letter(word: str) -> str:
    if word in _GREEK:
        return _GREEK[word]
    translated = str(translate(word))
    if translated != word or len(word) < 2 or word.isdecimal():
        return translated
    return rf"\mathrm{{{word}}}"
