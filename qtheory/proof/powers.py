"""Natural powers x^n and geometric sums, with what is proved about them by induction."""

from __future__ import annotations

import z3

from qtheory.proof.kernel import INT, induction, lemma, recursive, variable

x, y, r = variable("base"), variable("larger"), variable("ratio")
n, m = variable("n", INT), variable("m", INT)

power = recursive("power", [x], n, 1, lambda before: x * before)
geometric = recursive("geometric", [r], n, 0, lambda before: 1 + r * before)

# 0 <= x <= 1 gives 0 <= x^n <= 1.
power_between = induction(
    n,
    z3.Implies(z3.And(x >= 0, x <= 1), z3.And(power(x, n) >= 0, power(x, n) <= 1)),
    power.next(x, n),
    base=[power.zero(x)],
    name="powers of a number in [0, 1]",
)

# 0 <= x <= y gives x^n <= y^n.
power_le = induction(
    n,
    z3.Implies(z3.And(x >= 0, x <= y), z3.And(power(x, n) >= 0, power(x, n) <= power(y, n))),
    power.next(x, n),
    power.next(y, n),
    base=[power.zero(x), power.zero(y)],
    name="powers are monotone",
)

# (x y)^n = x^n y^n
power_of_product = induction(
    n,
    power(x * y, n) == power(x, n) * power(y, n),
    power.next(x * y, n),
    power.next(x, n),
    power.next(y, n),
    base=[power.zero(x * y), power.zero(x), power.zero(y)],
    name="the power of a product",
)

# x^(n + m) = x^n x^m
power_sum = induction(
    n,
    z3.Implies(m >= 0, power(x, n + m) == power(x, n) * power(x, m)),
    power.next(x, n),
    power.next(x, n + m),
    base=[power.zero(x)],
    name="the power to a sum",
)

# Bernoulli: (1 - x)^n >= 1 - n x for x <= 1.
bernoulli = induction(
    n,
    z3.Implies(x <= 1, power(1 - x, n) >= 1 - n * x),
    power.next(1 - x, n),
    base=[power.zero(1 - x)],
    name="Bernoulli's inequality",
)

# (1 - r) (1 + r + ... + r^(n-1)) = 1 - r^n
geometric_sum = induction(
    n,
    (1 - r) * geometric(r, n) == 1 - power(r, n),
    geometric.next(r, n),
    power.next(r, n),
    base=[geometric.zero(r), power.zero(r)],
    name="the geometric sum",
)

# 0 <= r <= 1 gives 0 <= 1 + r + ... + r^(n-1) <= n.
geometric_at_most = induction(
    n,
    z3.Implies(z3.And(r >= 0, r <= 1), z3.And(geometric(r, n) >= 0, geometric(r, n) <= n)),
    geometric.next(r, n),
    base=[geometric.zero(r)],
    name="a geometric sum has n terms",
)
geometric_nonnegative = lemma(
    z3.Implies(z3.And(n >= 0, r >= 0, r <= 1), geometric(r, n) >= 0),
    geometric_at_most,
    name="a geometric sum is nonnegative",
)
