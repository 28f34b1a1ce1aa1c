"""Formulas of the kernel in numbers: what they say at a point, in ball arithmetic."""

from fractions import Fraction
from math import prod

import z3
from flint import arb, ctx, fmpq

DIGITS = 40
BITS = 300


def real_power(base, exponent):
    assert base > 0, "real_power says nothing of such a base"
    return base**exponent


def powers(p, n):
    return sum((arb(i) ** -p for i in range(1, whole(n) + 1)), arb(0))


def antiderivative(p, t):
    return real_power(t, 1 - p) / (1 - p)


def effective_dimension(a, M, n):
    shares = (M * arb(i) ** -a for i in range(1, whole(n) + 1))
    return sum(((share * share).min(arb(1)) for share in shares), arb(0))


#: What the symbols of power_sums.py mean; a replay gives them a number after "~".
MEANING = {
    "real_power": real_power,
    "powers": powers,
    "antiderivative": antiderivative,
    "effective dimension": effective_dimension,
}


def whole(ball):
    return int(ball.unique_fmpz())


def compared(difference):
    """1, -1, or 0 if the ball holds 0 and is small."""
    if difference > 0:
        return 1
    if difference < 0:
        return -1
    assert difference.rad() < arb(10) ** -DIGITS, f"too wide to compare: {difference}"
    return 0


def ball(value):
    """A number, given exactly, as a ball."""
    value = Fraction(value)
    return arb(fmpq(value.numerator, value.denominator))


def _and(values):
    if False in values:
        return False
    return None if None in values else True


def _not(value):
    return None if value is None else not value


#: By the sign of left - right; equality of what is not exact is never certain.
_RELATIONS = {
    z3.Z3_OP_LE: {1: False, -1: True, 0: None},
    z3.Z3_OP_LT: {1: False, -1: True, 0: None},
    z3.Z3_OP_GE: {1: True, -1: False, 0: None},
    z3.Z3_OP_GT: {1: True, -1: False, 0: None},
    z3.Z3_OP_EQ: {1: False, -1: False, 0: None},
    z3.Z3_OP_DISTINCT: {1: True, -1: True, 0: None},
}


def holds(formula, **point):
    """True or False for certain, None if two sides agree to ``DIGITS`` digits.

    Exact equals, like 3 <= 3 for integers, are decided.
    """
    values = {name: ball(value) for name, value in point.items()}
    with ctx.workprec(BITS):
        return _evaluate(formula, values)


def _evaluate(term, values):
    kind, children = term.decl().kind(), term.children()
    if kind == z3.Z3_OP_IMPLIES:  # where the condition fails, the claim need have no meaning
        given = _evaluate(children[0], values)
        if given is False:
            return True
        claim = _evaluate(children[1], values)
        return claim if given or claim else None
    if kind == z3.Z3_OP_AND:
        found = []
        for child in children:
            found.append(_evaluate(child, values))
            if found[-1] is False:
                return False
        return _and(found)
    parts = [_evaluate(child, values) for child in children]
    if kind in _RELATIONS:
        left, right = parts
        if left.is_exact() and right.is_exact() and left == right:
            return kind in (z3.Z3_OP_LE, z3.Z3_OP_GE, z3.Z3_OP_EQ)
        return _RELATIONS[kind][compared(left - right)]
    return _APPLY[kind](term, parts, values)


def _if(_, parts, values):
    condition, yes, no = parts
    if condition is None:
        return yes.union(no)
    return yes if condition else no


def _symbol(term, parts, values):
    name = term.decl().name().split("~")[0]
    return MEANING[name](*parts) if parts else values[name]


def _number(term, parts, values):
    return ball(term.as_fraction() if z3.is_rational_value(term) else term.as_long())


_APPLY = {
    z3.Z3_OP_OR: lambda _, parts, __: _not(_and([_not(part) for part in parts])),
    z3.Z3_OP_NOT: lambda _, parts, __: _not(parts[0]),
    z3.Z3_OP_ADD: lambda _, parts, __: sum(parts[1:], parts[0]),
    z3.Z3_OP_SUB: lambda _, parts, __: parts[0] - sum(parts[1:], arb(0)),
    z3.Z3_OP_MUL: lambda _, parts, __: prod(parts[1:], start=parts[0]),
    z3.Z3_OP_DIV: lambda _, parts, __: parts[0] / parts[1],
    z3.Z3_OP_UMINUS: lambda _, parts, __: -parts[0],
    z3.Z3_OP_TO_REAL: lambda _, parts, __: parts[0],
    z3.Z3_OP_ITE: _if,
    z3.Z3_OP_ANUM: _number,
    z3.Z3_OP_UNINTERPRETED: _symbol,
}
