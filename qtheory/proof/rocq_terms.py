"""Terms of Rocq: real numbers, integers and propositions, as they are written there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from qtheory.proof.checker import INT, Expression

#: How a term that is no operation is written, None for one that is; or the unknowns that stand
#: for terms.
Names = Callable[[Expression], str | None] | Mapping[Expression, str]


#: How tightly Rocq's notations bind, and where nothing needs parentheses: as an argument, alone.
APPLICATION, ARGUMENT, ALONE = 10, 9, 200
_BINDS = {"+": 50, "*": 40, "/": 40, "<=": 70, "<": 70, "=": 70, "same": 70, "not": 75}
_JOINTS = {"and": ("/\\", 80), "or": ("\\/", 85)}


def shown(term: Expression, names: Names, integer: bool = False, within: int = ARGUMENT) -> str:
    """A term of Rocq: a real number, or an ``integer``, or a proposition.

    It is in parentheses where what is around it binds more tightly than ``within`` says.
    """
    text, binds = _text(term, names, integer)
    return f"({text})" if binds > within else text


def _text(term: Expression, names: Names, integer: bool) -> tuple[str, int]:
    """A term, and how tightly what it is made by binds."""
    kind, parts = term.operation, term.parts
    if isinstance(names, Mapping):
        if term in names:
            return names[term], 0
    elif (own := names(term)) is not None:
        binds = APPLICATION if " " in own else 0
        if term.sort == INT and not integer:
            return f"IZR ({own})" if binds else f"IZR {own}", APPLICATION
        return own, binds
    if kind == "number":
        return _number(term.value, integer)
    if kind in ("+", "*", "/"):
        binds = _BINDS[kind]
        first, *rest = parts
        texts = [shown(first, names, integer, binds)]
        texts += [shown(part, names, integer, binds - 1) for part in rest]
        text = f" {kind} ".join(texts)
        return (f"({text})%Z", 0) if integer else (text, binds if rest else 0)
    if kind == "if":
        condition, *values = parts
        yes, no = (shown(value, names, term.sort == INT, ALONE) for value in values)
        text = f"if decide {shown(condition, names)} then {yes} else {no}"
        real = term.sort == INT and not integer
        return (f"IZR ({text})", APPLICATION) if real else (text, ALONE + 1)
    if kind in _BINDS:
        sides = [shown(part, names, within=_BINDS[kind] - 1) for part in parts]
        if kind == "not":
            return f"~ {sides[0]}", _BINDS[kind]
        return f" {'=' if kind == 'same' else kind} ".join(sides), _BINDS[kind]
    if kind == "or" and len(parts) == 2 and parts[0].operation == "not":
        condition, consequence = parts[0].parts[0], parts[1]
        return f"{shown(condition, names, within=98)} -> {shown(consequence, names, within=99)}", 99
    if kind in _JOINTS:
        true, false = ("Yes", "No") if isinstance(names, Mapping) else ("True", "False")
        joint, binds = _JOINTS[kind]
        texts = [shown(part, names, within=binds - 1) for part in parts]
        # of one part alone it is a conjunction or an alternative all the same
        neutral = true if kind == "and" else false
        texts += [neutral] if len(texts) == 1 else []
        return (f" {joint} ".join(texts), binds) if texts else (neutral, 0)
    raise ValueError(f"not written: {kind}")


def _number(value: Any, integer: bool = False) -> tuple[str, int]:
    number = Fraction(value)
    if integer:
        return f"({number})%Z", 0
    text = str(number.numerator)
    text = f"({text})" if number < 0 else text
    return (text, 0) if number.denominator == 1 else (f"{text} / {number.denominator}", 40)


def polynomial_text(p: Any, unknowns: Sequence[str], powers: bool = False) -> str:
    """A polynomial in what stands for the unknowns, with powers or with products."""
    terms = []
    for exponents, c in p.to_dict().items():
        factors = []
        for name, n in zip(unknowns, exponents, strict=True):
            factors += [f"{name}^{n}"] if powers and n > 1 else [name] * n
        coefficient = Fraction(int(c.p), int(c.q))
        number, _ = _number(coefficient)
        terms.append(" * ".join(factors if coefficient == 1 and factors else [number, *factors]))
    text = " + ".join(terms) or "0"
    return text if text.isalnum() else f"({text})"
