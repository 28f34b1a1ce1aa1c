r"""How far the risk of a compressed spectrum can be from that of the whole one.

**One form for every data error.** Let eps be the additive and e the multiplicative error of the
data, one of them zero, and

    mu_i = lambda_i + eps,    lambda^q_i = (1 + e) mu_i,    s_i = lambda_i w*_i^2,
    V_i = lambda_i s_i / mu_i^2,    w^q_i^2 = V_i / (1 + e)^2.

Then E x_i Q(x_i) w*_i = mu_i V_i^(1/2), and n_t = E eta_t^2 of a coordinate obeys

    n' = (1 - a) n + mu Q_t + C_2 mu^2 + (C_3 - O rho^t) V mu^2,      a = 2 x - g mu^2,

with x = gamma (1 + e) mu: with an additive error this is the exact-data recursion of the spectrum
mu and the target w^q, as y = <w^q, x^q> + noise of variance sigma^2 + 2 A. Coordinates meet only
in the scalar drive Q_t = U S_t + C_1 - U D_t, where S_t = sum mu n_t, D_t = H sum mu V rho^t, and
C_1 is affine in the signal sum s and the trace sum mu. Constants without an index are the same for
all coordinates (:class:`Couplings`); the proof needs bounds on their absolute values only.

**A panel.** For a given drive n_t is a polynomial in mu and V, so h = mu n_t, mu V rho^t, s and
the summands of the risk are analytic in the position i where Re lambda > -eps / 16 (so mu has no
zero). There |lambda| <= |mu| and eps <= 16/15 |mu|, hence |mu V| <= |s|, and the summands of A, F,
W and the risk are at most (1 + e) |mu n_t| + 8 |s|. On a Bernstein ellipse of the panel with
parameter r let

    L = sup |mu|,    E = sup |s|,    eta = inf (1 - |1 - a|) > 0,    and |rho| <= 1;

by the maximum principle its boundary is enough. Then, with D = sup_t |Q_t|, uniformly in t,

    |mu n_t| <= E + (L^2 D + C_2 L^3 + (C_3 + O) L^2 E) / eta,

and a Gauss rule with p nodes errs by at most 4 n r^(1-2p) / (r - 1) times that.

**The rest.** With eps = 0 the last coordinates are those that do not move: |n_t - n_0| is bounded
by N times the largest step. With eps > 0 they are those with lambda <= l << eps, which move alike:
h is f_0(lambda) + s f_1(lambda), analytic in the disc |lambda| <= eps / 16. Replacing each lambda
by their mean changes sum f_0 by at most 1024 m (l / eps)^2 sup |f_0| (the first order cancels),
and sum s f_1 by at most 64 (l / eps) sum s sup |f_1|: the bounds of a panel once more.

**Feedback.** Errors of S, D and C_1 return through the drive with the factor
theta = U sum mu^2 / a < 1. The averaging weights of n_t add up to at most 1 wherever |rho| <= 1, so
the same bounds hold for the last iterate, the average and the tail average.
"""

from __future__ import annotations

from dataclasses import dataclass

import flint

from qtheory.errors import PrecisionError
from qtheory.model.instance import Compression, Instance, NumericErrorModel
from qtheory.risk.recursion import Step

#: Any number of the bounds: a ball.
Ball = flint.arb


@dataclass(frozen=True, eq=False)
class Panel:
    """One rule for many coordinates: its error (times sup |h|), and suprema where h is analytic."""

    error: Ball
    eigenvalue: Ball  # L
    signal: Ball  # E
    contraction: Ball  # eta


@dataclass(frozen=True, eq=False)
class CompressedSpectrum:
    """The coordinates, and what is needed to bound the error they make."""

    coordinates: Compression
    panels: list[Panel]
    steps: int
    largest_frozen: Ball | None  # bounds lambda where the rest is one that does not move


@dataclass(frozen=True, eq=False)
class Couplings:
    """The constants of the recursion of n_t that all coordinates share, as in the module's proof.

    C_1 is ``C_1_signal`` sum s + ``C_1_trace`` sum mu + ``C_1``.
    """

    eps: Ball
    e: Ball
    rate: Ball  # gamma (1 + e), so x = rate mu
    U: Ball
    g: Ball
    H: Ball
    O: Ball  # noqa: E741
    C_1_signal: Ball
    C_1_trace: Ball
    C_1: Ball
    C_2: Ball
    C_3: Ball

    @classmethod
    def of(cls, instance: Instance) -> Couplings:
        """Read off the first coordinate of an instance in balls."""
        step = Step.of(instance)
        lam, w_star = instance.eigenvalues[0], instance.target[0]
        data, B = instance.data, instance.batch
        if not isinstance(data, NumericErrorModel):
            raise TypeError("a number format on the data is not compressed")
        eps, e = data.additive, data.multiplicative
        mu = lam + eps
        U = step.gain.left[0][0] / mu
        g = step.gain.diagonal[0] / mu**2
        ratio = abs(step.mixed.left[0][0] / step.gain.left[0][0])
        mixed = flint.arb(0)
        if w_star != 0:
            mixed = abs(step.mixed.diagonal[0] / (lam * mu * w_star))
        label, gradient = instance.label, instance.gradient
        parameter, activation = instance.parameter, instance.activation
        first = instance.stepsize**2 / B
        second = instance.stepsize**2 * (1 - 1 / B)
        of_label = first * (1 + gradient.multiplicative) * (1 + label.multiplicative)
        both = second * (1 + gradient.shared) * (1 + label.shared)
        added = (1 + gradient.multiplicative) * (label.additive + activation.additive)
        law = instance.fourth
        assert law is not None  # of what is but bounded, Step.of has refused to make a step
        per_parameter = parameter.additive / (1 + parameter.multiplicative)
        return cls(
            eps=eps,
            e=e,
            rate=instance.stepsize * (1 + e),
            U=U,
            g=g,
            H=2 / (1 + e) ** 2 + ratio / (1 + e),
            O=2 * g / (1 + e) ** 2 + mixed / (1 + e),
            C_1_signal=U / (1 + e) ** 2 + ratio * U / (1 + e) + of_label * law.between * (1 + e),
            C_1_trace=per_parameter * U,
            C_1=(1 + e) * (of_label * instance.noise + first * (added + gradient.additive)),
            C_2=per_parameter * g,
            C_3=g / (1 + e) ** 2
            + mixed / (1 + e)
            + abs(law.own - law.between) * (1 + e) * of_label
            + both,
        )


@dataclass(frozen=True, eq=False)
class _Sums:
    """Upper bounds on sums over all coordinates, both of the whole spectrum and compressed."""

    signal: Ball  # sum s
    trace: Ball  # sum mu
    theta: Ball  # U sum mu^2 / a
    direct: Ball  # sum mu (C_2 mu^2 + (C_3 + O) V mu^2) / a

    @classmethod
    def of(cls, compressed: CompressedSpectrum, instance: Instance, c: Couplings) -> _Sums:
        lam, counts = instance.eigenvalues, instance.multiplicity
        mu, s = lam + c.eps, lam * instance.target**2
        weights = mu / Step.of(instance).loss * counts
        direct = (c.C_2 * mu**2 + (c.C_3 + c.O) * lam * s) @ weights
        signal, trace, theta = s @ counts, mu @ counts, c.U * (mu @ weights)
        for panel in compressed.panels:
            L, E, eta = panel.eigenvalue, panel.signal, panel.contraction
            signal += panel.error * E
            trace += panel.error * L
            theta += c.U * panel.error * L**2 / eta
            direct += panel.error * (c.C_2 * L**3 + (c.C_3 + c.O) * L**2 * E) / eta
        if compressed.largest_frozen is not None and compressed.coordinates.rest is not None:
            # x <= a here, as error_bound checks.
            L, rest = compressed.largest_frozen, compressed.coordinates.rest
            rest_trace = rest.eigenvalue * rest.count
            theta += c.U * rest_trace / c.rate
            direct += (c.C_2 * L * rest_trace + (c.C_3 + c.O) * L * rest.signal) / c.rate
        return cls(signal, trace, theta, direct)


def error_bound(compressed: CompressedSpectrum, instance: Instance) -> Ball:
    """How far the risk of the compressed instance can be from that of the whole one.

    Bounds the error of E R(w), E R^q(w), A, F and W alike.

    Raises
    ------
    PrecisionError
        If theta < 1 cannot be shown at this precision.
    """
    c = Couplings.of(instance)
    whole = _Sums.of(compressed, instance, c)
    frozen = compressed.largest_frozen
    if not (whole.theta < 1 and (frozen is None or c.g * frozen <= c.rate)):
        raise PrecisionError("the tail of the spectrum is not provably contracting")
    theta, C_3_O = whole.theta, c.C_3 + c.O

    # sup over t of S_t and of the drive
    C_1 = c.C_1_signal * whole.signal + c.C_1_trace * whole.trace + c.C_1
    driven = C_1 + c.U * c.H * whole.signal
    S = (whole.signal + driven * theta / c.U + whole.direct) / (1 - theta)
    drive = c.U * S + driven

    # The errors of sum mu n_t, sum s (and mu V rho^t) and sum mu for the drive of the whole.
    sums, signals, traces = flint.arb(0), flint.arb(0), flint.arb(0)
    for panel in compressed.panels:
        L, E, eta = panel.eigenvalue, panel.signal, panel.contraction
        moved = (L * L * drive + c.C_2 * L**3 + C_3_O * L * L * E) / eta
        sums += panel.error * (E + moved)
        signals += panel.error * E
        traces += panel.error * L
    rest = compressed.coordinates.rest
    if frozen is not None and rest is not None:
        N, x, trace = compressed.steps, c.rate * frozen, rest.eigenvalue * rest.count
        growth = (drive + c.C_2 * frozen) * trace + C_3_O * frozen * rest.signal
        # Both the true rest and the coordinate that stands for it move by at most this.
        sums += 2 * N * (2 * x * rest.signal + frozen * growth)
        signals += 2 * N * x * rest.signal

    change = c.C_1_signal * signals + c.C_1_trace * traces + c.U * c.H * signals
    S_error = (sums + theta / c.U * change) / (1 - theta)
    response = theta / c.U * (c.U * S_error + change)
    return ((1 + c.e) * (sums + response) + 8 * signals).abs_upper()
