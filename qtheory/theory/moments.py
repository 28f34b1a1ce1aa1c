r"""What SGD has for moments, in the kernel's language: the recursion of T2, sums and averages.

From w_0 = 0, after t steps, in one coordinate,

    m(i, t) = E w_i,   v(t)[i] = E w_i^2,   c = Var w_i,
    eta = w - w^q,   mu = E eta,   e = E eta^2,

S = sum_i lambda^q_i e_i, and E s, E s w, E s^2 for s = w_0 + ... + w_{t-1}, the sum of the iterates
before w_t. Symbols that the theorems use and do not define have these terms for meanings
(:mod:`qtheory.theory.sequents`), so they are made here and not in the file of a proof.

What the covariates are enters through one sequence alone, ``core``: the second moment of the noise
of one sample. That they are Gaussian is an assumption on it (``GAUSSIAN``), by the tables Q, T, Y,
the fourth moments of xq_i = (1 + zeta + zeta_i) x_i + e_i for Gaussian x, zeta, zeta_i and e, with
f_k = E(1 + zeta)^k. Under the fourth-moment assumption it is bounded instead
(:mod:`qtheory.theory.fourth_moments`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from qtheory.proof.kernel import (
    SEQUENCE,
    Proof,
    assume,
    define,
    parameter,
    recursive,
    sequence,
    undefined,
    variable,
)
from qtheory.proof.sums import total, zeros
from qtheory.theory import definitions, notation
from qtheory.theory.decomposition import decomposition, first, second
from qtheory.theory.formal import (
    Vocabulary,
    coordinate,
    dimension,
    inside,
    other_coordinate,
    time,
)
from qtheory.theory.sketch import energy as sketch_energy
from qtheory.theory.sketch import sketched_risk

words = Vocabulary(definitions.QUANTIZED)
d, i, j, t = dimension, coordinate, other_coordinate, time
u = variable("u", SEQUENCE)  # second moments of the parameter

lam, w = words[notation.lam], words[notation.w_star]
lq, wq = words[notation.lq], words[notation.wq]
x = words[definitions.x]
gamma, sigma2 = words[notation.gamma], words[notation.sigma2]
per_B = words.term(1 / notation.B)

a, e_d, s = (
    words[part["data"]] for part in (notation.additive, notation.multiplicative, notation.shared)
)
la, pa, aa, oa = (
    words[notation.additive[k]] for k in ("label", "parameter", "activation", "gradient")
)
lm, pm, am, om = (
    words[notation.multiplicative[k]] for k in ("label", "parameter", "activation", "gradient")
)
ls, as_, os_ = (words[notation.shared[k]] for k in ("label", "activation", "gradient"))

# --- one step ------------------------------------------------------------------------------------

#: m' = (1 - x) m + gamma lambda w*
m = recursive("m", [i], t, 0, lambda before: (1 - x[i]) * before + gamma * lam[i] * w[i])

f2, f3, f4 = 1 + s, 1 + 3 * s, 1 + 6 * s + 3 * s * s  # the factors that a sample shares
h2, h3, h4 = 1 + e_d, 1 + 3 * e_d, 1 + 6 * e_d + 3 * e_d * e_d  # those of one entry
el = e_d - s


def Q_entry(at_i: Any, at_j: Any) -> z3.ArithRef:
    """E[xq_i^2 xq_j^2]."""
    li, lj = lam[at_i], lam[at_j]
    return z3.If(
        at_i == at_j,
        3 * h4 * li * li + 6 * h2 * li * a + 3 * a * a,
        (f4 + 2 * el * f2 + el * el) * li * lj + (f2 + el) * a * (li + lj) + a * a,
    )


def T_entry(at_i: Any, at_j: Any) -> z3.ArithRef:
    """E[xq_i^2 x_j xq_j]."""
    li, lj = lam[at_i], lam[at_j]
    return z3.If(at_i == at_j, 3 * h3 * li * li + 3 * a * li, (f3 + el) * li * lj + a * lj)


def Y_entry(at_i: Any, at_j: Any) -> z3.ArithRef:
    """E[xq_i^2 x_j^2]."""
    li, lj = lam[at_i], lam[at_j]
    return z3.If(at_i == at_j, 3 * h2 * li * li + a * li, (f2 + el) * li * lj + a * lj)


def vh(second_moment: z3.ArithRef) -> z3.ArithRef:
    """The second moment of a quantized parameter."""
    return (1 + pm) * second_moment + pa


Q_row = sequence("Q row", [u, i], j, Q_entry(i, j) * vh(u[j]))
T_row = sequence("T row", [t, i], j, T_entry(i, j) * w[j] * m(j, t))
Y_row = sequence("Y row", [i], j, Y_entry(i, j) * w[j] * w[j])

Yy = sequence("Yy", [], i, sigma2 * lq[i] + total(Y_row(i), d))


@dataclass(frozen=True)
class Assumed:
    """A sequence of which nothing is known; ``at`` gives what is assumed of it somewhere."""

    symbol: z3.FuncDeclRef
    assumption: Proof

    def __call__(self, *arguments: Any) -> Any:
        """The sequence for these arguments."""
        return self.symbol(*arguments)

    def at(self, at_t: Any, second_moments: Any, at_i: Any) -> Proof:
        """The assumption there."""
        return self.assumption(t=at_t, u=second_moments, i=at_i)


#: E (Q_l(y) - Q_a(u))^2 xq_i^2 of one sample, but for gradient errors, if x is Gaussian.
gaussian_core = (
    Yy()[i]
    - 2 * total(T_row(t, i), d)
    + total(Q_row(u, i), d)
    + la * lq[i]
    + lm * Yy()[i]
    + aa * lq[i]
    + am * total(Q_row(u, i), d)
)
_core = undefined("core", [t, u], SEQUENCE)
#: What the theorems rest on that are not for every law of the covariates.
GAUSSIAN = assume(
    _core(t, u)[i] == gaussian_core,
    t,
    u,
    i,
    meaning="the covariates are Gaussian: the noise of one sample is that of T2",
)
core = Assumed(_core, GAUSSIAN)
same = sequence("same", [t, u], i, (1 + om) * core(t, u)[i] + oa * lq[i])


def mean_step(second_moment: z3.ArithRef) -> z3.ArithRef:
    """What two samples have in common without errors of their own: the square of the mean step."""
    return (
        lam[i] * w[i] * lam[i] * w[i]
        - 2 * lam[i] * w[i] * lq[i] * m(i, t)
        + lq[i] * lq[i] * vh(second_moment)
    )


cross = sequence(
    "cross",
    [t, u],
    i,
    (1 + os_)
    * (mean_step(u[i]) + ls * lam[i] * w[i] * lam[i] * w[i] + as_ * lq[i] * lq[i] * vh(u[i])),
)
following = sequence(
    "following",
    [t, u],
    i,
    u[i]
    + 2 * gamma * (lam[i] * w[i] * m(i, t) - lq[i] * u[i])
    + gamma * gamma * (same(t, u)[i] * per_B + (1 - per_B) * cross(t, u)[i]),
)
#: v' = v + 2 gamma (lambda w* m - lambda^q v) + gamma^2 (same / B + (1 - 1/B) cross)
v = recursive("v", [], t, zeros(), lambda before: following(t, before))

# --- the distance from w^q -----------------------------------------------------------------------

mu = sequence("mu", [t], i, m(i, t) - wq[i])
e = sequence("e", [t, u], i, u[i] - 2 * wq[i] * m(i, t) + wq[i] * wq[i])
c = sequence("c", [t], i, v(t)[i] - m(i, t) * m(i, t))
#: Of every law; for Gaussian covariates it is proved (proofs/variance.py).
VARIANCE = assume(
    z3.Implies(z3.And(t >= 0, inside), c(t)[i] >= 0), t, i, meaning="E w^2 is at least (E w)^2"
)
weighted = sequence("lambda^q e", [t, u], i, lq[i] * e(t, u)[i])
lq_v = sequence("lambda^q v", [u], i, lq[i] * u[i])
S = define("S", [t], total(weighted(t, v(t)), d))

# --- sums and averages of iterates ---------------------------------------------------------------

N = words[notation.N]
n = z3.ToReal(N)
sum_m = recursive("E s", [i], t, 0, lambda before: before + m(i, t))
sum_w = recursive(
    "E s w",
    [i],
    t,
    0,
    lambda before: (1 - x[i]) * (before + v(t)[i]) + gamma * lam[i] * w[i] * sum_m(i, t + 1),
)
sum_v = recursive("E s^2", [i], t, 0, lambda before: before + 2 * sum_w(i, t) + v(t)[i])

mean_average = sequence("E wbar", [], i, sum_m(i, N) / n)
square_average = sequence("E wbar^2", [], i, sum_v(i, N) / (n * n))
#: The definitions of T1 for the iterate average.
_of_average = {first: mean_average(), second: square_average()}
averaged = Vocabulary(decomposition.definitions, _of_average)
#: E <w*, x>^2 of the data, where the problem is one of features; and the definitions of S1 for the
#: iterate average.
energy = parameter("E <w*, x>^2")
in_sketch = Vocabulary(
    sketched_risk.in_the_model.definitions, {sketch_energy: energy, **_of_average}
)
