"""A formula on one line, for messages: as much of it as a reader takes in, and cut once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import z3

_WIDTH = 100  # characters of a conclusion, and of its condition half as many
_VALUES = 8  # numbers of a counterexample
#: What joins terms, and how tightly.
_JOINED = {
    z3.Z3_OP_IMPLIES: (" implies ", 0),
    z3.Z3_OP_OR: (" or ", 1),
    z3.Z3_OP_AND: (" and ", 2),
    z3.Z3_OP_EQ: (" = ", 3),
    z3.Z3_OP_LE: (" <= ", 3),
    z3.Z3_OP_LT: (" < ", 3),
    z3.Z3_OP_GE: (" >= ", 3),
    z3.Z3_OP_GT: (" > ", 3),
    z3.Z3_OP_ADD: (" + ", 4),
    z3.Z3_OP_SUB: (" - ", 4),
    z3.Z3_OP_MUL: (" * ", 5),
    z3.Z3_OP_DIV: (" / ", 5),
}
_TIGHTEST = 6
#: Text, or a term and how tightly what stands around it joins.
_Piece = str | tuple[z3.ExprRef, int]


def one_line(formula: z3.ExprRef) -> str:
    """The conclusion first, then its condition, each cut where it is long.

    >>> x = z3.Real("x")
    >>> one_line(z3.Implies(z3.And(x >= 1, x <= 2), x * (x - 1) >= 0))
    'x * (x - 1) >= 0 if x >= 1 and x <= 2'
    >>> len(one_line(sum((x for _ in range(1000)), x) > 0))
    101
    """
    conditions = []
    while formula.decl().kind() == z3.Z3_OP_IMPLIES:
        condition, formula = formula.children()
        conditions.append(_cut(condition, _WIDTH // 2))
    return _cut(formula, _WIDTH) + f" if {' and '.join(conditions)}" * bool(conditions)


def counterexample(model: z3.ModelRef, formula: z3.ExprRef) -> str:
    """The numbers at which a model refutes a formula, without its functions and sequences."""
    values = [(name, model[name]) for name in _numbers(formula)]
    known = [f"{name} = {value}" for name, value in values if value is not None]
    return ", ".join(known[:_VALUES]) or "some values of its symbols"


def _cut(term: z3.ExprRef, width: int) -> str:
    """A term, read no further than it is shown: written out, one can be longer than any memory."""
    text = ""
    for token in _tokens(term):
        text += token
        if len(text) > width:
            return f"{text[:width]}…"
    return text


def _tokens(term: z3.ExprRef) -> Iterator[str]:
    todo: list[_Piece] = [(term, 0)]
    while todo:
        piece = todo.pop()
        if isinstance(piece, str):
            yield piece
        else:
            todo += reversed(_pieces(*piece))


def _pieces(term: z3.ExprRef, outside: int) -> list[_Piece]:
    """A term as text and smaller terms; ``outside`` is how tightly what is around it joins."""
    kind, children = term.decl().kind(), term.children()
    if not children:
        return [str(term)]
    if kind in _JOINED:
        joint, tight = _JOINED[kind]
        joined = _between(children, joint, tight)
        return ["(", *joined, ")"] if tight <= outside else joined
    if kind == z3.Z3_OP_TO_REAL:
        return [(children[0], outside)]
    if kind == z3.Z3_OP_UMINUS:
        return ["-", (children[0], _TIGHTEST)]
    if kind == z3.Z3_OP_SELECT:
        return [(children[0], _TIGHTEST), "[", (children[1], 0), "]"]
    return [f"{term.decl().name()}(", *_between(children, ", ", 0), ")"]


def _between(terms: Sequence[z3.ExprRef], joint: str, tight: int) -> list[_Piece]:
    first, *rest = terms
    pieces: list[_Piece] = [(first, tight - 1)]
    for term in rest:
        pieces += [joint, (term, tight)]
    return pieces


def _numbers(formula: z3.ExprRef) -> Iterator[z3.ExprRef]:
    """The constants of a formula that are numbers or truth values, as they come in it."""
    seen: set[int] = set()
    todo = [formula]
    while todo:
        term = todo.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        todo += reversed(term.children())
        named = z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED
        if named and not z3.is_array(term):
            yield term
