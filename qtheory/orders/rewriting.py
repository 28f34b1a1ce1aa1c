"""Rewriting of orders as expressions: parts left out, powers combined, common factors in front."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import sympy as sp

from qtheory.orders.monomial import readable

SUMS = (sp.Add, sp.Max, sp.Min)
_NODES = (*SUMS, sp.Mul, sp.log)
# A search comes back to the same forms from many sides.
_REMEMBERED = 20_000


def nodes(form: sp.Basic, lengths: dict[sp.Basic, int]) -> int:
    """How many numbers, symbols and operations a form has, counting some symbols for more."""
    if form not in lengths:
        lengths[form] = 1 + sum(nodes(part, lengths) for part in form.args)
    return lengths[form]


def changed_while(
    form: sp.Expr,
    change: Callable[[sp.Expr], Iterator[sp.Expr]],
    right: Callable[[sp.Expr], bool],
    place: Callable[[sp.Expr], tuple[int, int]],
) -> sp.Expr:
    """The form changed in one place after the other, each time to the first that is right."""
    while True:
        forms = sorted(dict.fromkeys(changed(form, change)), key=place)
        found = next((f for f in forms if place(f) < place(form) and right(f)), None)
        if found is None:
            return form
        form = found


def changed(form: sp.Expr, change: Callable[[sp.Expr], Iterator[sp.Expr]]) -> Iterator[sp.Expr]:
    """The form with one of its parts, outside exponents, changed in one way."""
    if isinstance(form, sp.Pow):
        yield from (part**form.exp for part in changed(form.base, change))
    elif isinstance(form, _NODES):
        parts = _parts(form)
        for k, part in enumerate(parts):
            rest = [*parts[:k], *parts[k + 1 :]]
            for new in changed(part, change):
                if not (isinstance(form, sp.log) and new.is_number):
                    yield _built(form.func, (*rest, new))
    yield from change(form)


def without_a_part(node: sp.Expr) -> Iterator[sp.Expr]:
    """A sum, maximum or minimum without one of its parts."""
    if isinstance(node, SUMS):
        parts = _parts(node)
        # Parts of a minimum have been compared already, but for those of a maximum in it.
        plain = isinstance(node, sp.Add) or any(part.has(sp.Min, sp.Max) for part in parts)
        for k in range(len(parts)):
            rest = (*parts[:k], *parts[k + 1 :])
            yield _built(node.func, rest) if plain else node.func(*rest, evaluate=False)


@lru_cache(_REMEMBERED)
def _built(kind: type[sp.Expr], parts: tuple[sp.Expr, ...]) -> sp.Expr:
    """A node with these parts; SymPy compares all parts of a minimum with each other."""
    return kind(*parts)


@lru_cache(_REMEMBERED)
def _parts(node: sp.Expr) -> list[sp.Expr]:
    """The arguments of a node, in an order that does not depend on hashes."""
    return sorted(node.args, key=sp.default_sort_key)


def without_numbers(form: sp.Expr) -> sp.Expr:
    """The form without numerical factors, which do not count."""
    if form.is_number:
        return sp.S.One
    if isinstance(form, sp.Pow):
        return without_numbers(form.base) ** form.exp
    if isinstance(form, _NODES):
        return form.func(*map(without_numbers, form.args))
    return form


@lru_cache(_REMEMBERED)
def combined(form: sp.Expr) -> sp.Expr:
    """The form with powers of one base as one power."""
    return sp.powsimp(form, deep=True, combine="exp")


@lru_cache(_REMEMBERED)
def written(form: sp.Expr) -> sp.Expr:
    """The form as it reads best: common factors in front, min(1, x**2) as min(1, x)**2."""
    if isinstance(form, sp.Min | sp.Max):
        return _rooted(_built(form.func, tuple(map(written, form.args))))
    if isinstance(form, sp.Add):
        return sp.factor_terms(sp.Add(*map(written, form.args)))
    if isinstance(form, sp.Mul | sp.log):
        form = combined(form.func(*map(written, form.args)))
    if isinstance(form, sp.Mul):
        return sp.Mul(
            *[part.base ** readable(part.exp) if part.is_Pow else part for part in form.args]
        )
    if isinstance(form, sp.Pow):
        return written(form.base) ** readable(form.exp)
    return form


def _rooted(form: sp.Expr) -> sp.Expr:
    """min(1, x**p) as min(1, x)**p, with the largest such number p > 0."""
    powers = [e for part in form.args if part != 1 for e in part.as_powers_dict().values()]
    content = sp.gcd_list([power.as_content_primitive()[0] for power in powers])
    if len(form.args) != 2 or 1 not in form.args or not content.is_Rational or content <= 0:
        return form
    return form.func(*[sp.powdenest(part ** (1 / content)) for part in form.args]) ** content
