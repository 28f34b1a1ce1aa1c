"""Sums of positive multiples of products that are zero, by exact linear programming in z3."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

import flint
import z3

from qtheory.proof.checker import CertificateError, solved
from qtheory.proof.questions import ask
from qtheory.proof.search.steps import Elimination, Ending, Polynomial, Summand
from qtheory.proof.search.systems import System, with_put_in

_WORK = 500_000  # sixteen hard leaves of the theorems need at most 36,000


@dataclass(frozen=True, eq=False)
class Column:
    """A product of facts, times the square of ``root`` if it has one: not negative.

    ``polynomial`` is what it is, in whatever coordinates the linear program has.
    """

    facts: tuple[int, ...]
    polynomial: Polynomial
    positive: bool
    root: Polynomial | None = None


@dataclass(frozen=True, eq=False)
class Multiple:
    """An equation times a factor: zero, so that it counts with either sign."""

    equation: int
    polynomial: Polynomial
    factor: Polynomial


def ending(
    system: System,
    columns: Sequence[Column],
    multiples: Sequence[Multiple] = (),
    back: Callable[[Polynomial], Polynomial] = lambda p: p,
) -> Ending | None:
    """A positive sum of the columns and multiples that is zero, if there is one.

    Roots and factors are put through ``back``, which takes them to the unknowns of the facts.
    """
    numbers = _nonnegative(columns, multiples)
    if numbers is None:
        return None
    constant, summands = system.ring.constant, []
    for number, column in zip(numbers, columns, strict=False):
        if number:
            root = None if column.root is None else back(column.root)
            summands.append(Summand(constant(_rational(number)), root, column.facts))
    factors: dict[int, Polynomial] = {}
    for number, multiple in zip(numbers[len(columns) :], multiples, strict=True):
        if number:
            factor = back(multiple.factor) * _rational(number)
            factors[multiple.equation] = factor + factors.get(multiple.equation, 0)
    summands += [Summand(factor, None, (equation,)) for equation, factor in factors.items()]
    return Ending(system.eliminations, tuple(summands))


def triangle_exists(forms: Sequence[Polynomial]) -> bool:
    """Whether some positive multiples of the forms add up to one."""
    one = 0 * forms[0] + 1
    columns = [Column((), form, False) for form in forms]
    return _nonnegative([*columns, Column((), -one, True)], ()) is not None


def _rational(number: Fraction) -> flint.fmpq:
    return flint.fmpq(number.numerator, number.denominator)


# --- the linear program ---------------------------------------------------------------------------


def _nonnegative(columns: Sequence[Column], multiples: Sequence[Multiple]) -> list[Fraction] | None:
    """Numbers with which the sum is zero: of columns not negative, of a positive one positive."""
    rows: dict[tuple[int, ...], dict[int, flint.fmpq]] = {}
    polynomials = [each.polynomial for each in columns] + [each.polynomial for each in multiples]
    for k, polynomial in enumerate(polynomials):
        for powers, c in polynomial.to_dict().items():
            rows.setdefault(powers, {})[k] = c
    alive = _possible(rows, len(columns), len(columns) + len(multiples))
    strict = [k for k, column in enumerate(columns) if column.positive and k in alive]
    if not strict:
        return None
    variables = {k: z3.Real(f"v{k}") for k in sorted(alive)}
    answer = ask(
        [
            *(v >= 0 for k, v in variables.items() if k < len(columns)),
            *(
                z3.Sum([z3.RealVal(str(c)) * variables[k] for k, c in row.items()]) == 0
                for row in rows.values()
                if row
            ),
            z3.Sum([variables[k] for k in strict]) == 1,
        ],
        lambda context: z3.SolverFor("QF_LRA", ctx=context),
        _WORK,
    )
    if answer.model is None:
        return None
    found = [Fraction(0)] * (len(columns) + len(multiples))
    for k, variable in variables.items():
        number = answer.model[variable]  # None for any
        found[k] = Fraction(0) if number is None else number.as_fraction()
    return found


def _possible(
    rows: dict[tuple[int, ...], dict[int, flint.fmpq]], signed: int, size: int
) -> set[int]:
    """What may have a number that is not zero; the others leave the rows.

    Where a monomial has one sign in all columns, none of those that have it can be there.
    """
    alive = set(range(size))
    holders: dict[int, list[dict[int, flint.fmpq]]] = {}
    for row in rows.values():
        for k in row:
            holders.setdefault(k, []).append(row)
    todo = list(rows.values())
    while todo:
        row = todo.pop()
        one_sign = all(c > 0 for c in row.values()) or all(c < 0 for c in row.values())
        if not row or (len(row) > 1 and (not one_sign or any(k >= signed for k in row))):
            continue
        for k in list(row):
            alive.discard(k)
            for other in holders.pop(k, ()):
                del other[k]
                todo.append(other)
    return alive


# --- the eliminations that a sum needs ------------------------------------------------------------


def shortened(system: System, ending: Ending) -> Ending:
    """An ending with only those of its eliminations without which its sum does not vanish."""
    total = system.ring.constant(0)
    for summand in ending.summands:
        product = _product(
            [system.literals[fact][1] for fact in summand.facts], summand.coefficient
        )
        total += product if summand.root is None else product * summand.root**2
    kept = list(ending.eliminations)
    for elimination in reversed(ending.eliminations):
        fewer = [each for each in kept if each is not elimination]
        if _vanishes(system, total, fewer):
            kept = fewer
    return replace(ending, eliminations=tuple(kept))


def _vanishes(system: System, total: Polynomial, eliminations: Sequence[Elimination]) -> bool:
    """Whether these eliminations do; each equation is solved anew, as the checker solves it."""
    known: list[Elimination] = []

    def reduced(p: Polynomial) -> Polynomial:
        for each in known:
            p = with_put_in(p, each)
        return p

    try:
        for each in eliminations:
            above, below = solved(reduced(system.literals[each.equation][1]), each.unknown)
            factors = [reduced(system.literals[fact][1]) for fact in each.nonzero]
            product = _product(factors, system.ring.constant(1))
            if product == 0 or divmod(product, below)[1] != 0:
                return False
            known.append(replace(each, above=above, below=below))
    except CertificateError:
        return False
    return bool(reduced(total) == 0)


def _product(polynomials: Iterable[Polynomial], first: Polynomial) -> Polynomial:
    return reduce(operator.mul, polynomials, first)
