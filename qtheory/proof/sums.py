r"""Finite sums over 0 <= i < n, by recursion on n, with what is proved about them by induction.

A hypothesis "for all i < n" needs no quantifier here: ``worst(f, g, n)`` is an index where f
exceeds g, if there is one, so that a comparison of sums needs its terms compared at that index.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import z3

from qtheory.proof.kernel import (
    INT,
    SEQUENCE,
    Proof,
    induction,
    lemma,
    recursive,
    sequence,
    variable,
)

n, i, k = variable("n", INT), variable("i", INT), variable("k", INT)
f, g = variable("f", SEQUENCE), variable("g", SEQUENCE)
a, b = variable("a"), variable("b")

#: total(f, n) = f[0] + ... + f[n - 1]
total = recursive("total", [f], n, 0, lambda before: before + f[n])

worst = recursive("worst", [f, g], n, z3.IntVal(0), lambda before: z3.If(f[n] > g[n], n, before))
_at = worst(f, g, n)

# If the sum of f exceeds that of g, then some term does, and worst() finds it.
monotone = induction(
    n,
    z3.Implies(total(f, n) > total(g, n), z3.And(_at >= 0, _at < n, f[_at] > g[_at])),
    total.next(f, n),
    total.next(g, n),
    worst.next(f, g, n),
    base=[total.zero(f), total.zero(g)],
    name="a larger sum has a larger term",
)

#: combination(a, f, b, g) has the entries a f[i] + b g[i]
combination = sequence("combination", [a, f, b, g], i, a * f[i] + b * g[i])

# sum (a f + b g) = a sum f + b sum g
linear = induction(
    n,
    total(combination(a, f, b, g), n) == a * total(f, n) + b * total(g, n),
    total.next(combination(a, f, b, g), n),
    combination.at(a, f, b, g, n),
    total.next(f, n),
    total.next(g, n),
    base=[total.zero(combination(a, f, b, g)), total.zero(f), total.zero(g)],
    name="a sum is linear",
)

zeros = sequence("zeros", [], i, 0)
nothing = induction(
    n,
    total(zeros(), n) == 0,
    total.next(zeros(), n),
    zeros.at(n),
    base=[total.zero(zeros())],
    name="the sum of zeros",
)

_below = worst(zeros(), f, n)
# One of the terms is at most the sum, unless a term is negative.
member = induction(
    n,
    z3.Or(
        z3.And(_below >= 0, _below < n, f[_below] < 0),
        z3.And(total(f, n) >= 0, z3.Implies(z3.And(k >= 0, k < n), f[k] <= total(f, n))),
    ),
    total.next(f, n),
    worst.next(zeros(), f, n),
    zeros.at(n),
    base=[total.zero(f)],
    name="a term is at most the sum of nonnegative terms",
)

#: spike(a, k) is a at k and 0 elsewhere
spike = sequence("spike", [a, k], i, z3.If(i == k, a, 0))
spike_total = induction(
    n,
    total(spike(a, k), n) == z3.If(z3.And(k >= 0, k < n), a, 0),
    total.next(spike(a, k), n),
    spike.at(a, k, n),
    base=[total.zero(spike(a, k))],
    name="a sum with one term",
)


def added(terms: Iterable[z3.ArithRef]) -> z3.ArithRef:
    """The sum of one or more terms; SMT-LIB has no sum of one."""
    return reduce(operator.add, terms)


#: A linear combination of sequences: pairs (coefficient, sequence).
Terms = Sequence[tuple[Any, z3.ExprRef]]


def _combine(terms: Terms, count: z3.ArithRef) -> tuple[z3.ExprRef, list[Proof]]:
    """One sequence for a linear combination, and that its sum is the combination of the sums."""
    (first, sequence_), *rest = terms
    if not rest:
        if z3.is_expr(first) or first != 1:
            whole = combination(first, sequence_, 0, sequence_)
            return whole, [linear(a=first, f=sequence_, b=0, g=sequence_, n=count)]
        return sequence_, []
    other, facts = _combine(rest, count)
    whole = combination(first, sequence_, 1, other)
    return whole, [*facts, linear(a=first, f=sequence_, b=1, g=other, n=count)]


def _entry(terms: Terms, at: z3.ArithRef) -> list[Proof]:
    """The entry of the combined sequence at an index."""
    (first, sequence_), *rest = terms
    if not rest:
        if z3.is_expr(first) or first != 1:
            return [combination.at(first, sequence_, 0, sequence_, at)]
        return []
    other, _ = _combine(rest, at)
    return [*_entry(rest, at), combination.at(first, sequence_, 1, other, at)]


def _sums(terms: Terms, count: z3.ArithRef) -> z3.ArithRef:
    return added(coefficient * total(f, count) for coefficient, f in terms)


def sum_le(
    left: Terms,
    right: Terms,
    count: Any,
    *pointwise: Callable[[z3.ArithRef], Proof | Sequence[Proof]],
    premises: Sequence[Proof] = (),
    given: Any = True,
    name: str = "",
) -> Proof:
    """Sum of ``left`` <= sum of ``right`` over i < count, from what holds at each i.

    ``pointwise`` are functions of an index that give proofs; with 0 <= i < count, ``premises`` and
    the formula ``given`` they must imply the comparison of the terms. The result has ``given`` as
    its condition; a function of an index may stand for what is given at the one that matters.
    ``premises`` must imply count >= 0.
    """
    low, facts = _combine(left, count)
    high, more = _combine(right, count)
    at = worst(low, high, count)
    needed = [proof for make in pointwise for proof in _listed(make(at))]
    if callable(given):
        given = given(at)
    given_ = [] if given is True else [given]
    compared = lemma(
        _if([*given_, at >= 0, at < count], low[at] <= high[at]),
        *_entry(left, at),
        *_entry(right, at),
        *needed,
        *premises,
        name=f"{name} (term by term)",
    )
    return lemma(
        _if(given_, _sums(left, count) <= _sums(right, count)),
        monotone(f=low, g=high, n=count),
        compared,
        *facts,
        *more,
        *premises,
        name=name,
    )


def sum_equal(
    left: Terms,
    right: Terms,
    count: Any,
    *pointwise: Callable[[z3.ArithRef], Proof | Sequence[Proof]],
    premises: Sequence[Proof] = (),
    given: Any = True,
    name: str = "",
) -> Proof:
    """Sums over i < count whose terms are equal are equal; the arguments are those of sum_le."""
    one = sum_le(left, right, count, *pointwise, premises=premises, given=given, name=name)
    other = sum_le(right, left, count, *pointwise, premises=premises, given=given, name=name)
    equal = _if([] if given is True else [given], _sums(left, count) == _sums(right, count))
    return lemma(equal, one, other, name=name)


def _if(conditions: Sequence[z3.BoolRef], claim: z3.BoolRef) -> z3.BoolRef:
    if not conditions:
        return claim
    return z3.Implies(z3.And(*conditions) if len(conditions) > 1 else conditions[0], claim)


def _listed(value: Proof | Sequence[Proof]) -> Sequence[Proof]:
    return [value] if isinstance(value, Proof) else value
