r"""A noise recursion summed over the steps, for any constants kappa, alpha, s^2 and q.

    c' <= (rho^2 + x^2 kappa) c + gamma^2 lambda^q (alpha S + s^2) + x^2 (q + kappa mu^2),

x = gamma lambda^q, c_0 = 0. With r = rho^2 + x^2 kappa = 1 - x delta, delta = 2 - (1 + kappa) x.

Main results
    ``sum_e_at_most``: x delta sum e <= x delta (1 + ... + r^(t-1)) eta_0^2 + what went into e,
        gamma^2 lambda^q (alpha sum S + t s^2) + x^2 t q
    ``sum_c_at_most``: sum c <= (1 + ... + r^(t-1)) times what went into c,
        gamma^2 lambda^q (alpha sum S + t s^2) + x^2 (t q + kappa sum mu^2)
    ``memory_of_noise``: x (1 + ... + r^(N-1)) <= min(N x, 1/delta)

How
    Each by induction over the steps. The noise so far only grows, so the sums over the steps before
    t obey the recursion of one step, with the noise so far in place of that of the step.
"""

from dataclasses import dataclass

import z3

from qtheory.proof.kernel import Function, Proof, induction, lemma, sequence
from qtheory.proof.powers import (
    geometric,
    geometric_at_most,
    geometric_sum,
    power_between,
)
from qtheory.proof.sums import zeros

from .average import (
    N,
    many,
    mean_weight,
    n,
    rho,
    small_step,
    steps,
    sum_c,
)
from .recursion import (
    S,
    c,
    e,
    eta0,
    gamma,
    i,
    inside,
    lq,
    m,
    mu,
    signs,
    spectrum,
    split,
    t,
    v,
    x,
)
from .sums_over_time import S_nonnegative, here, sum_e, sum_mu, sum_S, sum_S_nonnegative

# --- one noise recursion --------------------------------------------------------------------------


@dataclass(frozen=True)
class NoiseRecursion:
    """Constants kappa, alpha, s^2 and q of a noise recursion, with what is proved of them."""

    kappa: z3.ArithRef
    alpha: z3.ArithRef
    s2: z3.ArithRef
    q: z3.ArrayRef
    #: c' <= (rho^2 + x^2 kappa) c + gamma^2 lambda^q (alpha S + s^2) + x^2 (q + kappa mu^2)
    noise: Proof
    #: kappa, alpha, s^2, q >= 0
    signs: Proof
    #: (1 + kappa) x <= 1
    step: Proof

    @property
    def delta(self) -> z3.ArithRef:
        """delta = 2 - (1 + kappa) x."""
        return 2 - (1 + self.kappa) * x[i]

    @property
    def r(self) -> z3.ArithRef:
        """r = 1 - x delta = rho^2 + x^2 kappa."""
        return 1 - x[i] * self.delta

    @property
    def noise_of_run(self) -> z3.ArithRef:
        """alpha sum S + N s^2 + N lambda^q q."""
        return self.alpha * sum_S(N) + n * self.s2 + n * lq[i] * self.q[i]

    @property
    def bracket(self) -> z3.ArithRef:
        """N s^2 + alpha sum S + N lambda^q q + N kappa lambda^q eta_0^2 min(1, 1/(N x))."""
        return (
            n * self.s2
            + self.alpha * sum_S(N)
            + n * lq[i] * self.q[i]
            + n * self.kappa * lq[i] * eta0[i] * eta0[i] * mean_weight
        )


# --- what every step adds -------------------------------------------------------------------------


def contracts(of: NoiseRecursion) -> Proof:
    """delta >= 1 and 0 <= r < 1."""
    return lemma(
        z3.Implies(inside, z3.And(of.delta >= 1, x[i] * of.delta > 0, of.r >= 0, of.r < 1)),
        of.step,
        small_step,
        of.signs,
        name="0 <= r < 1",
    )


def added_so_far(of: NoiseRecursion) -> tuple[Function, Function]:
    """The noise of the steps before t that goes into e, and what goes into c."""
    shared = gamma * gamma * lq[i] * (of.alpha * sum_S(t) + t * of.s2)
    own, own_c = t * of.q[i], t * of.q[i] + of.kappa * sum_mu(i, t)
    return (
        sequence("into e", [t], i, shared + x[i] * x[i] * own),
        sequence("into c", [t], i, shared + x[i] * x[i] * own_c),
    )


def only_adds_up(of: NoiseRecursion, into_e: Function, into_c: Function) -> Proof:
    """The noise so far is nonnegative and does not decrease."""
    return lemma(
        z3.Implies(
            here,
            z3.And(
                into_c(t)[i] >= 0,
                into_c(t)[i] <= into_c(t + 1)[i],
                into_e(t)[i] >= 0,
                into_e(t)[i] <= into_e(t + 1)[i],
            ),
        ),
        *(f.at(s, i) for f in (into_c, into_e) for s in (t, t + 1)),
        sum_S.next(t),
        sum_mu.next(i, t),
        S_nonnegative,
        sum_S_nonnegative,
        of.signs,
        spectrum,
        *signs,
        induction(
            t, sum_mu(i, t) >= 0, sum_mu.next(i, t), base=[sum_mu.zero(i)], name="sum mu^2 >= 0"
        ),
        name="noise only adds up",
    )


# --- the sum of E eta^2 ---------------------------------------------------------------------------


def one_step_of_e(of: NoiseRecursion) -> Proof:
    """e' <= r e + gamma^2 lambda^q (alpha S + s^2) + x^2 q."""
    return lemma(
        z3.Implies(
            here,
            e(t + 1, v(t + 1))[i]
            <= of.r * e(t, v(t))[i]
            + gamma * gamma * lq[i] * (of.alpha * S(t) + of.s2)
            + x[i] * x[i] * of.q[i],
        ),
        of.noise,
        split,
        split(t=t + 1),
        spectrum,
        steps,
        lemma(
            z3.Implies(here, mu(t + 1)[i] == rho * mu(t)[i]),
            mu.at(t + 1, i),
            mu.at(t, i),
            m.next(i, t),
            spectrum,
            name="one step of the mean",
        ),
        name="one step of E eta^2",
    )


def one_more_e(of: NoiseRecursion, into_e: Function) -> Proof:
    """sum_{k<=t} e_k <= eta_0^2 + r sum_{k<t} e_k + noise so far."""
    return induction(
        t,
        z3.Implies(
            inside, sum_e(i, t + 1) <= eta0[i] * eta0[i] + of.r * sum_e(i, t) + into_e(t)[i]
        ),
        one_step_of_e(of),
        sum_e.next(i, t),
        sum_e.next(i, t + 1),
        sum_S.next(t),
        into_e.at(t, i),
        into_e.at(t + 1, i),
        base=[
            sum_e.zero(i),
            sum_e.next(i, 0),
            into_e.at(0, i),
            sum_S.zero(),
            e.at(0, v(0), i),
            v.zero(),
            zeros.at(i),
            m.zero(i),
            spectrum,
        ],
        name="the sum of E eta^2, one more",
    )


def sum_e_at_most(of: NoiseRecursion, into_e: Function, contraction: Proof, grows: Proof) -> Proof:
    """x delta sum e <= x delta (1 + ... + r^(t-1)) eta_0^2 + noise so far."""
    return induction(
        t,
        z3.Implies(
            inside,
            x[i] * of.delta * sum_e(i, t)
            <= x[i] * of.delta * geometric(of.r, t) * eta0[i] * eta0[i] + into_e(t)[i],
        ),
        one_more_e(of, into_e),
        contraction,
        grows,
        geometric.next(of.r, t),
        base=[sum_e.zero(i), geometric.zero(of.r), into_e.at(0, i), sum_S.zero()],
        name="the sum of E eta^2",
    )


# --- the sum of the variances ---------------------------------------------------------------------


def one_more_c(of: NoiseRecursion, into_c: Function) -> Proof:
    """sum_{k<=t} c_k <= r sum_{k<t} c_k + noise so far."""
    return induction(
        t,
        z3.Implies(inside, sum_c(i, t + 1) <= of.r * sum_c(i, t) + into_c(t)[i]),
        of.noise,
        spectrum,
        sum_c.next(i, t),
        sum_c.next(i, t + 1),
        sum_S.next(t),
        sum_mu.next(i, t),
        into_c.at(t, i),
        into_c.at(t + 1, i),
        base=[
            sum_c.zero(i),
            sum_c.next(i, 0),
            into_c.at(0, i),
            sum_S.zero(),
            sum_mu.zero(i),
            c.at(0, i),
            v.zero(),
            zeros.at(i),
            m.zero(i),
        ],
        name="the sum of variances, one more",
    )


def sum_c_at_most(of: NoiseRecursion, into_c: Function, contraction: Proof, grows: Proof) -> Proof:
    """sum c <= (1 + r + ... + r^(t-1)) times the noise so far."""
    return induction(
        t,
        z3.Implies(inside, sum_c(i, t) <= geometric(of.r, t) * into_c(t)[i]),
        one_more_c(of, into_c),
        contraction,
        grows,
        geometric.next(of.r, t),
        geometric_at_most(ratio=of.r, n=t),
        base=[sum_c.zero(i), geometric.zero(of.r)],
        name="the sum of variances",
    )


def memory_of_noise(of: NoiseRecursion, contraction: Proof) -> Proof:
    """x (1 + r + ... + r^(N-1)) is at most N x, and at most 1/delta."""
    return lemma(
        z3.Implies(
            inside,
            z3.And(
                x[i] * geometric(of.r, N) >= 0,
                x[i] * geometric(of.r, N) <= many,
                x[i] * geometric(of.r, N) * of.delta <= 1,
            ),
        ),
        geometric_sum(ratio=of.r, n=N),
        geometric_at_most(ratio=of.r, n=N),
        power_between(base=of.r, n=N),
        contraction,
        small_step,
        steps,
        name="the memory of the noise",
    )
