r"""The inequality behind the constant 1/24 of T5.

Main results
    ``theorem``: F(N) = sum_{t<N} (1 - rho^t)(1 - rho^(t+1)) >= (N/6) min(1, (N x)^2)
        for 0 < x <= 1, rho = 1 - x and N >= 2

How
    Below N x = 1, 1 - rho^t is at least its Taylor polynomial b(t) of degree four (Bonferroni), so F
    is at least the polynomial sum_{t<N} b(t) b(t+1), whose comparison has a margin of 0.00004 at
    N x = 1. Past it each term is at least 1/4 > 1/6. The sharp constant is
    1 - 3/2 + 2/e - 1/(2 e^2) = 0.16809...
"""

import sympy as sp
import z3

from qtheory.proof.kernel import INT, define, induction, lemma, recursive, variable
from qtheory.proof.powers import power, power_between
from qtheory.theory.formal import Vocabulary

t = variable("t", INT)
x, y, u = variable("x_"), variable("y"), variable("u")
rho = 1 - x
tr = z3.ToReal(t)
unit = z3.And(x > 0, x <= 1)

#: F(t)
weights = recursive(
    "F", [x], t, 0, lambda before: before + (1 - power(rho, t)) * (1 - power(rho, t + 1))
)

# --- the polynomials -----------------------------------------------------------------------------

T, X, Y = sp.symbols("t x y")


def taylor(at: sp.Expr) -> sp.Expr:
    """b(t) = t x - C(t,2) x^2 + C(t,3) x^3 - C(t,4) x^4."""
    return sum((-1) ** (k + 1) * sp.ff(at, k) / sp.factorial(k) * X**k for k in range(1, 5))


b, b_next = sp.expand(taylor(T)), sp.expand(taylor(T + 1))
total = sp.expand(sp.summation(sp.expand(b * b_next), (T, 0, T - 1)))  # sum_{s<t} b(s) b(s+1)
# x total(t, x) is a polynomial in y = t x and x.
in_y = sp.expand(sum(c * Y**k * X ** (m - k) for (k, m), c in sp.Poly(X * total, T, X).terms()))


def term(expression: sp.Expr, **meanings) -> z3.ArithRef:
    """A polynomial as a term of the kernel."""
    values = {symbol: meanings[symbol.name] for symbol in expression.free_symbols}
    return Vocabulary((), values).term(expression)


b_t, b_t1, total_t = (term(e, t=tr, x=x) for e in (b, b_next, total))

# --- below N x = 1 ---------------------------------------------------------------------------------

# C(t, 4) >= 0
binomial = lemma(
    z3.Implies(t >= 0, tr * (tr - 1) * (tr - 2) * (tr - 3) >= 0),
    *(
        lemma(z3.Implies(t == k, tr * (tr - 1) * (tr - 2) * (tr - 3) == 0), name=f"C({k}, 4) = 0")
        for k in range(3)
    ),
    lemma(
        z3.Implies(t >= 3, tr * (tr - 1) * (tr - 2) * (tr - 3) >= 0), name="C(t, 4) >= 0 for t >= 3"
    ),
    lemma(z3.Implies(t >= 0, z3.Or(t == 0, t == 1, t == 2, t >= 3)), name="natural numbers"),
    name="C(t, 4) >= 0",
)
# 1 - rho^t >= b(t)
bonferroni = induction(
    t,
    z3.Implies(unit, 1 - power(rho, t) >= b_t),
    power.next(rho, t),
    lemma(
        z3.Implies(z3.And(t >= 0, unit), x + rho * b_t - term(b_next, t=tr, x=x) >= 0),
        lemma(
            x + rho * b_t - b_t1 == tr * (tr - 1) * (tr - 2) * (tr - 3) / 24 * (x * x * x * x * x),
            name="b(t+1), expanded",
        ),
        binomial,
        name="b(t+1) <= x + rho b(t)",
    ),
    base=[power.zero(rho)],
    name="Bonferroni's inequality",
)
# b(t) >= 0 while t x <= 1
taylor_nonnegative = lemma(
    z3.Implies(z3.And(t >= 0, unit, tr * x <= 1), b_t >= 0),
    lemma(
        b_t
        == tr * x * (1 - (tr - 1) * x / 2)
        + tr * (tr - 1) * (tr - 2) * (x * x * x) / 6 * (1 - (tr - 3) * x / 4),
        name="b(t), in pairs",
    ),
    lemma(
        z3.Implies(t >= 0, tr * (tr - 1) * (tr - 2) >= 0),
        *(
            lemma(z3.Implies(t == k, tr * (tr - 1) * (tr - 2) == 0), name=f"C({k}, 3) = 0")
            for k in range(2)
        ),
        lemma(z3.Implies(t >= 2, tr * (tr - 1) * (tr - 2) >= 0), name="C(t, 3) >= 0 for t >= 2"),
        lemma(z3.Implies(t >= 0, z3.Or(t == 0, t == 1, t >= 2)), name="natural numbers"),
        name="C(t, 3) >= 0",
    ),
    name="b(t) >= 0",
)
p1, p2, f1, f2 = (variable(name) for name in ("p1", "p2", "f1", "f2"))
# p1 >= f1 >= 0, p2 >= f2 and p2 >= 0 give p1 p2 >= f1 f2.
factors = lemma(
    z3.Implies(z3.And(p1 >= f1, f1 >= 0, p2 >= f2, p2 >= 0), p1 * p2 >= f1 * f2),
    name="a product of larger factors",
)
P, P1 = power(rho, t), power(rho, t + 1)
next_term = lemma(
    z3.Implies(z3.And(t >= 0, unit, tr * x <= 1), b_t * b_t1 <= (1 - P) * (1 - P1)),
    factors(p1=1 - P, p2=1 - P1, f1=b_t, f2=b_t1),
    bonferroni,
    bonferroni(t=t + 1),
    taylor_nonnegative,
    power_between(base=rho, n=t + 1),
    lemma(term(b, t=tr + 1, x=x) == b_t1, name="b at t + 1"),
    name="a term of F is at least b(t) b(t+1)",
)
# F(t) >= sum_{s<t} b(s) b(s+1) while (t - 1) x <= 1
polynomial = induction(
    t,
    z3.Implies(z3.And(unit, (tr - 1) * x <= 1), weights(x, t) >= total_t),
    weights.next(x, t),
    next_term,
    lemma(term(total, t=tr + 1, x=x) == total_t + b_t * b_t1, name="the sum of b(s) b(s+1)"),
    lemma(
        z3.Implies(z3.And(unit, tr * x <= 1), (tr - 1) * x <= 1),
        name="earlier steps are below the crossing",
    ),
    base=[weights.zero(x)],
    name="F is at least a polynomial",
)
divided = sp.cancel(in_y / Y)
ratio = term(divided, y=y, x=x)
# Named, so that what follows does not multiply them out.
lower_sum, comparison = define("B", [x, t], total_t), define("B / t", [x, y], ratio)
scaled = lemma(
    x * lower_sum(x, t) == tr * x * comparison(x, tr * x),
    lower_sum.at(x, t),
    comparison.at(x, tr * x),
    name="the polynomial in y = t x and x",
)
# The polynomial in x and y is at least y^2/6 for 2 x <= y <= 1, ...
below = lemma(
    z3.Implies(z3.And(y > 0, y <= 1, x > 0, 2 * x <= y), comparison(x, y) >= y * y / 6),
    lemma(
        z3.Implies(z3.And(y > 0, y <= 1, x > 0, 2 * x <= y), ratio >= y * y / 6),
        name="the comparison below the crossing, expanded",
    ),
    comparison.at(x, y),
    name="the comparison below the crossing",
)
# ... and at least 1/6 for y = 1 + u, 0 <= u <= x, 2 x <= y.
shifted = sp.expand(divided.subs(Y, 1 + sp.Symbol("u")))
beyond = lemma(
    z3.Implies(z3.And(u >= 0, u <= x, x > 0, 2 * x <= 1 + u), comparison(x, 1 + u) >= z3.Q(1, 6)),
    lemma(
        comparison(x, 1 + u) == term(shifted, u=u, x=x), comparison.at(x, 1 + u), name="y = 1 + u"
    ),
    *(
        lemma(
            z3.Implies(
                z3.And(u >= 0, u <= x, x > 0, 2 * x <= 1 + u, half),
                term(shifted, u=u, x=x) >= z3.Q(1, 6),
            ),
            name="the comparison at the crossing",
        )
        for half in (x <= z3.Q(1, 2), x >= z3.Q(1, 2))
    ),
    name="the comparison at the crossing",
)
F = weights(x, t)
small = lemma(
    z3.Implies(z3.And(t >= 2, unit, tr * x <= 1), tr / 6 * (tr * x * (tr * x)) <= F),
    lemma(
        z3.Implies(z3.And(t >= 2, unit, tr * x <= 1), x * F >= x * (tr / 6 * (tr * x * (tr * x)))),
        lemma(
            z3.Implies(
                z3.And(t >= 2, unit, tr * x <= 1),
                tr * x * comparison(x, tr * x) >= tr * x * (tr * x * (tr * x) / 6),
            ),
            below(y=tr * x),
            lemma(
                z3.Implies(z3.And(t >= 2, unit), z3.And(tr * x > 0, 2 * x <= tr * x)),
                name="2 x <= N x",
            ),
            name="below the crossing, times y",
        ),
        lemma(
            z3.Implies(z3.And(t >= 2, unit, tr * x <= 1), x * F >= x * lower_sum(x, t)),
            polynomial,
            lower_sum.at(x, t),
            lemma(z3.Implies(z3.And(unit, tr * x <= 1), (tr - 1) * x <= 1), name="t - 1 < t"),
            name="x F",
        ),
        scaled,
        name="below the crossing, times x",
    ),
    name="F below the crossing",
)
crossing = lemma(
    z3.Implies(z3.And(t >= 2, unit, tr * x >= 1, (tr - 1) * x <= 1), tr / 6 <= F),
    lemma(
        z3.Implies(z3.And(t >= 2, unit, tr * x >= 1, (tr - 1) * x <= 1), x * F >= x * (tr / 6)),
        lemma(
            z3.Implies(
                z3.And(t >= 2, unit, tr * x >= 1, (tr - 1) * x <= 1),
                tr * x * comparison(x, tr * x) >= tr * x / 6,
            ),
            beyond(u=tr * x - 1),
            lemma(
                comparison(x, 1 + (tr * x - 1)) == comparison(x, tr * x),
                name="y = 1 + u at y = t x",
            ),
            lemma(z3.Implies(z3.And(t >= 2, unit), 2 * x <= tr * x), name="2 x <= N x"),
            name="at the crossing, times y",
        ),
        lemma(
            z3.Implies(z3.And(t >= 2, unit, (tr - 1) * x <= 1), x * F >= x * lower_sum(x, t)),
            polynomial,
            lower_sum.at(x, t),
            name="x F",
        ),
        scaled,
        name="at the crossing, times x",
    ),
    name="F at the crossing",
)
# rho^t <= 1/(1 + t x): past the crossing a term of F is at least 1/4.
decay = induction(
    t,
    z3.Implies(unit, power(rho, t) * (1 + tr * x) <= 1),
    power.next(rho, t),
    power_between(base=rho, n=t),
    base=[power.zero(rho)],
    name="rho^t <= 1/(1 + t x)",
)
large_term = lemma(
    z3.Implies(z3.And(t >= 0, unit, tr * x >= 1), z3.Q(1, 4) <= (1 - P) * (1 - P1)),
    factors(p1=1 - P, p2=1 - P1, f1=z3.Q(1, 2), f2=z3.Q(1, 2)),
    lemma(
        z3.Implies(z3.And(t >= 0, unit, tr * x >= 1), z3.Q(1, 2) >= P),
        decay,
        power_between(base=rho, n=t),
        name="rho^t <= 1/2",
    ),
    power.next(rho, t),
    power_between(base=rho, n=t),
    name="a term past the crossing",
)
large = induction(
    t,
    z3.Implies(z3.And(t >= 2, unit, tr * x >= 1), tr / 6 <= F),
    weights.next(x, t),
    large_term,
    crossing(t=t + 1),
    lemma(
        z3.Implies(z3.And(t >= 0, unit, tr * x >= 1), z3.Or(t >= 2, tr * x <= 1)),
        name="t x > 1 needs t >= 2",
    ),
    name="F past the crossing",
)
# F(N) >= (N/6) min(1, (N x)^2) for N >= 2
theorem = lemma(
    z3.Implies(
        z3.And(t >= 2, unit), tr / 6 * z3.If(tr * x * (tr * x) <= 1, tr * x * (tr * x), 1) <= F
    ),
    small,
    large,
    lemma(
        z3.Implies(
            z3.And(t >= 2, unit),
            z3.And(
                z3.Implies(tr * x <= 1, tr * x * (tr * x) <= 1),
                z3.Implies(tr * x >= 1, tr * x * (tr * x) >= 1),
            ),
        ),
        name="min(1, y^2)",
    ),
    name="the weights of the noise in an average",
)
