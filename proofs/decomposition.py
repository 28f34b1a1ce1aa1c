r"""T1, the decomposition of the excess risk: E R(w) = A + E R^q(w) - W.

R(w) = 1/2 sum_i lambda_i (w_i - w*_i)^2 and R^q(w) = 1/2 sum_i lambda^q_i (w_i - w^q_i)^2, with
lambda^q = lambda + D and w^q = lambda w* / lambda^q. Everything is a sum over coordinates and
linear in the moments m = E w_i and v = E w_i^2, so one coordinate with symbols for all of these
decides.

Every lemma is a rational identity, reduced to 0 exactly by SymPy; nothing is sampled.
"""

import sympy as sp

from qtheory.theory import theorems
from qtheory.verify.symbolic import residue_per_coordinate

lam, D = sp.symbols("lambda D", nonnegative=True)
m, v, w_star = sp.symbols("m v w_star", real=True)
lq = lam + D
wq = lam * w_star / lq


def identity(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """The equation left = right, if its difference reduces to zero; an error otherwise."""
    residue = sp.cancel(sp.expand(left - right))
    if residue != 0:
        raise ArithmeticError(f"{left} - ({right}) reduces to {residue}, not to 0")
    return sp.Eq(left, right, evaluate=False)


# lambda^q w^q = lambda w*: the gradient of R^q at 0 is that of R.
same_gradient = identity(lq * wq, lam * w_star)

# The terms linear in E w agree: -lambda w* m = -lambda^q w^q m.
linear_terms = identity(-lam * w_star * m, -lq * wq * m)

# The quadratic terms differ by W: lambda v / 2 = lambda^q v / 2 - D v / 2.
quadratic_terms = identity(lam * v / 2, lq * v / 2 - D * v / 2)

# The constants differ by A: lambda w*^2 / 2 = lambda^q (w^q)^2 / 2 + lambda D w*^2 / (2 lambda^q).
constant_terms = identity(lam * w_star**2 / 2, lq * wq**2 / 2 + lam * D * w_star**2 / (2 * lq))

# The sum of the three is T1 in one coordinate.
one_coordinate = identity(
    lam * (v - 2 * w_star * m + w_star**2) / 2,
    lam * D * w_star**2 / (2 * lq) + lq * (v - 2 * wq * m + wq**2) / 2 - D * v / 2,
)

# The same for the statement that the package displays and evaluates, with its own definitions.
theorem = identity(residue_per_coordinate(theorems["decomposition"]), sp.S.Zero)
