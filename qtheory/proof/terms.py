"""Formulas of z3 as the terms that the checker of certificates reads.

Few operations are left: implications, equivalences, differences, comparisons the other way round
and conversions of integers are written by the others.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from hashlib import blake2b
from itertools import combinations

import z3

from qtheory.errors import ProofError
from qtheory.proof.checker import BOOL, INT, REAL, Expression

_SEQUENCE = z3.ArraySort(z3.IntSort(), z3.RealSort())
_SORTS = {
    **{z3.RealSort(): REAL, z3.IntSort(): INT, z3.BoolSort(): BOOL},
    _SEQUENCE: str(_SEQUENCE),
}
#: Every term, by what it is made of: two terms are the same object if they are the same term.
_terms: dict[object, Expression] = {}
#: What a term looks like, whatever the numbers of names that several developments want.
_looks: dict[Expression, bytes] = {}
#: The term of each formula of z3, by its number there; with a reference of our own, which nobody
#: changes, as z3 gives the number of a formula that is gone to another.
_read: dict[int, tuple[z3.ExprRef, Expression]] = {}
#: The symbol of each name with arguments and a value of these sorts: as conversions of integers are
#: dropped, f of an integer and f of a real number, two symbols for z3, would be one in f(n).
_symbols: dict[tuple[str, ...], z3.FuncDeclRef] = {}


def term_of(expression: z3.ExprRef) -> Expression:
    """A formula, or a part of one, as a term."""
    if expression.ctx is not z3.main_ctx():
        raise ProofError(f"a formula of another context of z3: {expression}")
    todo = [expression]
    while todo:
        key, children = todo[-1].get_id(), todo[-1].children()
        unread = [child for child in children if child.get_id() not in _read]
        if unread and key not in _read:
            todo += unread
            continue
        each = todo.pop()
        if key not in _read:
            parts = [_read[child.get_id()][1] for child in children]
            _read[key] = z3.ExprRef(each.ast, each.ctx), _build(each, parts)
    return _read[expression.get_id()][1]


def make(operation: str, sort: str, *parts: Expression, value: str | Fraction = "") -> Expression:
    """The one term with these parts."""
    key = operation, value, sort, *map(id, parts)
    if key not in _terms:
        _terms[key] = term = Expression(operation, value, sort, parts)
        own = f"{operation} {str(value).split('~')[0]!r} {sort}".encode()
        _looks[term] = blake2b(own + b"".join(map(look, parts)), digest_size=16).digest()
    return _terms[key]


def look(term: Expression) -> bytes:
    """A digest of a term: the same in every process, and for names with other numbers."""
    return _looks[term]


def _build(expression: z3.ExprRef, parts: list[Expression]) -> Expression:
    if not z3.is_app(expression) or expression.sort() not in _SORTS:
        raise ProofError(f"no term for {expression}")
    declaration, sort = expression.decl(), _SORTS[expression.sort()]
    kind, name = declaration.kind(), declaration.name()
    if kind == z3.Z3_OP_ANUM:
        return make("number", sort, value=Fraction(expression.as_string()))
    if kind == z3.Z3_OP_UNINTERPRETED:
        sorts = name, sort, *(part.sort for part in parts)
        if _symbols.setdefault(sorts, declaration) != declaration:
            raise ProofError(f"two symbols are called {name}, in {expression} and elsewhere")
        return make("apply", sort, *parts, value=name)
    if kind == z3.Z3_OP_SELECT:
        return make("entry", sort, *parts)
    if kind == z3.Z3_OP_TO_REAL:
        return _real(parts[0])
    if kind not in _BUILT:
        raise ProofError(f"no term for {name}")
    return _BUILT[kind](sort, parts)


def _real(term: Expression) -> Expression:
    """An integer as a real number: n + 1 is one term, wherever it was converted."""
    if term.sort == INT and term.operation in ("number", "+", "*"):
        return make(term.operation, REAL, *map(_real, term.parts), value=term.value)
    return term


def _not(a: Expression) -> Expression:
    return make("not", BOOL, a)


def _and(*parts: Expression) -> Expression:
    return make("and", BOOL, *parts)


def _or(*parts: Expression) -> Expression:
    return make("or", BOOL, *parts)


def _negative(sort: str, a: Expression) -> Expression:
    return make("*", sort, make("number", sort, value=Fraction(-1)), a)


def _equal(sort: str, parts: list[Expression]) -> Expression:
    a, b = parts
    if a.sort == BOOL:
        return _or(_and(a, b), _and(_not(a), _not(b)))
    if a.sort in (REAL, INT):
        return make("=", BOOL, a, b)
    return make("same", BOOL, a, b)


def _if(sort: str, parts: list[Expression]) -> Expression:
    condition, yes, no = parts
    if sort == BOOL:
        return _or(_and(condition, yes), _and(_not(condition), no))
    return make("if", sort, condition, yes, no)


_BUILT: dict[int, Callable[[str, list[Expression]], Expression]] = {
    z3.Z3_OP_TRUE: lambda _, parts: _and(),
    z3.Z3_OP_FALSE: lambda _, parts: _or(),
    z3.Z3_OP_AND: lambda _, parts: _and(*parts),
    z3.Z3_OP_OR: lambda _, parts: _or(*parts),
    z3.Z3_OP_NOT: lambda _, parts: _not(*parts),
    z3.Z3_OP_IMPLIES: lambda _, parts: _or(_not(parts[0]), parts[1]),
    z3.Z3_OP_ITE: _if,
    z3.Z3_OP_EQ: _equal,
    z3.Z3_OP_DISTINCT: lambda sort, parts: _and(
        *(_not(_equal(sort, list(pair))) for pair in combinations(parts, 2))
    ),
    z3.Z3_OP_LE: lambda _, parts: make("<=", BOOL, *parts),
    z3.Z3_OP_LT: lambda _, parts: make("<", BOOL, *parts),
    z3.Z3_OP_GE: lambda _, parts: make("<=", BOOL, *parts[::-1]),
    z3.Z3_OP_GT: lambda _, parts: make("<", BOOL, *parts[::-1]),
    z3.Z3_OP_ADD: lambda sort, parts: make("+", sort, *parts),
    z3.Z3_OP_SUB: lambda sort, parts: make(
        "+", sort, parts[0], *(_negative(sort, part) for part in parts[1:])
    ),
    z3.Z3_OP_UMINUS: lambda sort, parts: _negative(sort, parts[0]),
    z3.Z3_OP_MUL: lambda sort, parts: make("*", sort, *parts),
    z3.Z3_OP_DIV: lambda sort, parts: make("/", sort, *parts),
}
