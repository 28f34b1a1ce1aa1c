"""Long formulas in LaTeX, cut where a line may break."""

from __future__ import annotations

import re

# what opens and closes a group, and the signs between summands
_TOKEN = re.compile(r"\\left\b|\\right\b|\\begin\b|\\end\b|\\[{}]|[{}]| [+-] ")
_STEP = {r"\left": 1, r"\begin": 1, "{": 1, r"\right": -1, r"\end": -1, "}": -1}


def pieces(latex: str) -> list[str]:
    r"""The formula before each sign of its outermost sum, so that every piece stands alone.

    Signs inside brackets and fractions stay where they are.

    Examples
    --------
    >>> pieces(r"a + \frac{b + c}{2} - \left(d + e\right) f")
    ['a', '+ \\frac{b + c}{2}', '- \\left(d + e\\right) f']
    """
    cuts, depth = [0], 0
    for token in _TOKEN.finditer(latex):
        depth += _STEP.get(token.group(), 0)
        # a sign at the very beginning, or just after a relation, joins nothing
        before = latex[: token.start()].rstrip()
        if token.group()[0] == " " and depth == 0 and before and before[-1] not in "=<>":
            cuts.append(token.start() + 1)
    return [latex[a:b].strip() for a, b in zip(cuts, [*cuts[1:], len(latex)], strict=True)]
