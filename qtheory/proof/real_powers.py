"""Powers x^y with a real exponent of a positive base: what follows from the four axioms."""

from __future__ import annotations

from typing import Any

import z3

from qtheory.proof.axioms import real_power
from qtheory.proof.kernel import Proof, axiom, lemma, variable

x, v = variable("base"), variable("other_base")
y, z = variable("exponent"), variable("other_exponent")

power_to_sum = axiom("power to a sum")
power_of_product = axiom("power of a product")
power_of_power = axiom("power of a power")
_bernoulli = axiom("Bernoulli")


def _real(number: int) -> Any:
    return z3.RealVal(number)


# 1^y = (1^y)^2, and 1^y 1^(1-y) = 1^1 >= 1, so 1^y = 1.
one_to = lemma(
    real_power(1, y) == 1,
    power_of_product(base=1, other_base=1),
    power_to_sum(base=1, other_exponent=1 - y),
    _bernoulli(base=1, exponent=1),
    name="powers of 1",
)

_own_inverse = lemma(z3.Implies(x > 0, z3.And(1 / x > 0, x * (1 / x) == 1)), name="1 / x")

# x^y (1/x)^y = 1
reciprocal = lemma(
    z3.Implies(x > 0, real_power(x, y) * real_power(1 / x, y) == 1),
    power_of_product(other_base=1 / x),
    one_to,
    _own_inverse,
    name="the power of a reciprocal",
)

# x^1 >= x and (1/x)^1 >= 1/x, while the product of both is 1: x^1 = x.
to_one = lemma(
    z3.Implies(x > 0, real_power(x, 1) == x),
    _bernoulli(exponent=1),
    _bernoulli(base=1 / x, exponent=1),
    reciprocal(exponent=1),
    _own_inverse,
    name="the first power",
)

# x^1 = x^(1 + 0) = x^1 x^0
to_zero = lemma(
    z3.Implies(x > 0, real_power(x, 0) == 1),
    power_to_sum(exponent=1, other_exponent=0),
    to_one,
    name="the power 0",
)

# x^y x^-y = x^0 = 1
inverse = lemma(
    z3.Implies(x > 0, real_power(x, y) * real_power(x, -y) == 1),
    power_to_sum(other_exponent=-y),
    to_zero,
    name="a negative exponent",
)

# x^y = (x^(y/2))^2 >= 0, and x^y x^-y = 1.
positive = lemma(
    z3.Implies(x > 0, real_power(x, y) > 0),
    power_to_sum(exponent=y / 2, other_exponent=y / 2),
    inverse,
    name="powers are positive",
)

# (x/v)^y v^y = x^y
power_of_quotient = lemma(
    z3.Implies(
        z3.And(x > 0, v > 0),
        z3.And(x / v > 0, real_power(x / v, y) * real_power(v, y) == real_power(x, y)),
    ),
    power_of_product(base=x / v, other_base=v),
    lemma(z3.Implies(z3.And(x > 0, v > 0), z3.And(x / v > 0, x / v * v == x)), name="a quotient"),
    name="the power of a quotient",
)

# For y <= 0 too, as x^y = x (1/x)^(1-y): x^y >= 1 + y (x - 1) unless 0 < y < 1.
bernoulli = lemma(
    z3.Implies(z3.And(x > 0, z3.Or(y <= 0, y >= 1)), real_power(x, y) >= 1 + y * (x - 1)),
    _bernoulli,
    _bernoulli(base=1 / x, exponent=1 - y),
    lemma(
        z3.Implies(x > 0, real_power(x, y) == x * real_power(1 / x, 1 - y)),
        reciprocal(exponent=1 - y),
        power_to_sum(other_exponent=1 - y),
        to_one,
        positive,
        name="an exponent less 1",
    ),
    _own_inverse,
    name="Bernoulli's inequality for real exponents",
)

# x^y (1/x)^y = 1 turns Bernoulli for -y into x^y >= 1 + y (1 - 1/x) >= 1.
at_least_one = lemma(
    z3.Implies(z3.And(x >= 1, y >= 0), real_power(x, y) >= 1),
    lemma(
        z3.Implies(x > 0, real_power(1 / x, -y) == real_power(x, y)),
        reciprocal,
        inverse(base=1 / x),
        positive,
        _own_inverse,
        name="the reciprocal to a negative exponent",
    ),
    bernoulli(base=1 / x, exponent=-y),
    lemma(z3.Implies(x >= 1, z3.And(1 / x > 0, 1 / x <= 1)), name="1 / x of x >= 1"),
    name="powers of a number above 1",
)

# v^y = x^y (v/x)^y
increasing = lemma(
    z3.Implies(z3.And(x > 0, x <= v, y >= 0), real_power(x, y) <= real_power(v, y)),
    power_of_quotient(base=v, other_base=x),
    at_least_one(base=v / x),
    lemma(z3.Implies(z3.And(x > 0, x <= v), v / x >= 1), name="a quotient above 1"),
    positive,
    name="powers increase with the base",
)

at_most_one = lemma(
    z3.Implies(z3.And(x > 0, x <= 1, y >= 0), real_power(x, y) <= 1),
    increasing(other_base=1),
    one_to,
    name="powers of a number below 1",
)

# For 0 < y <= 1 and v = 1 + y (x - 1), Bernoulli gives v^(1/y) >= x; raise both sides to y.
_chord = 1 + y * (x - 1)
bernoulli_between = lemma(
    z3.Implies(z3.And(x > 0, y >= 0, y <= 1), real_power(x, y) <= _chord),
    lemma(
        z3.Implies(z3.And(x > 0, y > 0, y <= 1), real_power(_chord, 1 / y) >= x),
        _bernoulli(base=_chord, exponent=1 / y),
        lemma(
            z3.Implies(
                z3.And(x > 0, y > 0, y <= 1),
                z3.And(1 / y >= 1, _chord > 0, 1 / y * (_chord - 1) == x - 1),
            ),
            name="the exponent 1 / y",
        ),
        name="Bernoulli for 1 / y",
    ),
    lemma(
        z3.Implies(
            z3.And(x > 0, y > 0, y <= 1), real_power(real_power(_chord, 1 / y), y) == _chord
        ),
        power_of_power(base=_chord, exponent=1 / y, other_exponent=y),
        to_one(base=_chord),
        lemma(z3.Implies(y > 0, 1 / y * y == 1), name="y / y"),
        lemma(z3.Implies(z3.And(x > 0, y > 0, y <= 1), _chord > 0), name="the chord is positive"),
        name="a root to its exponent",
    ),
    increasing(other_base=real_power(_chord, 1 / y)),
    to_zero,
    name="Bernoulli's inequality between 0 and 1",
)

# The tangent of x^y at v lies below the curve, and above it for 0 <= y <= 1.
_line = real_power(v, y) + y * real_power(v, y - 1) * (x - v)
_at_v = [
    power_of_quotient,
    positive(base=v),
    lemma(
        z3.Implies(v > 0, real_power(v, y) == v * real_power(v, y - 1)),
        power_to_sum(base=v, exponent=y - 1, other_exponent=1),
        to_one(base=v),
        name="an exponent less 1",
    ),
    lemma(
        z3.Implies(
            v > 0,
            (1 + y * (x / v - 1)) * (v * real_power(v, y - 1))
            == v * real_power(v, y - 1) + y * real_power(v, y - 1) * (x - v),
        ),
        name="the tangent scaled",
    ),
]


def _tangent(condition: Any, claim: Any, *premises: Proof) -> Proof:
    return lemma(
        z3.Implies(z3.And(x > 0, v > 0, condition), claim), *premises, *_at_v, name="the tangent"
    )


tangent = lemma(
    z3.Implies(
        z3.And(x > 0, v > 0),
        z3.And(
            z3.Implies(z3.Or(y <= 0, y >= 1), real_power(x, y) >= _line),
            z3.Implies(z3.And(y >= 0, y <= 1), real_power(x, y) <= _line),
        ),
    ),
    _tangent(z3.Or(y <= 0, y >= 1), real_power(x, y) >= _line, bernoulli(base=x / v)),
    _tangent(z3.And(y >= 0, y <= 1), real_power(x, y) <= _line, bernoulli_between(base=x / v)),
    name="a power and its tangents",
)
