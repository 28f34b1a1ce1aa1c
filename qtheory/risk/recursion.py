r"""The exact recursion for the first and second moments of the SGD iterates.

This is the specification: it reads like section 2 of the theory, and runs unchanged in float64,
in mpmath at any number of digits, in ball arithmetic and with SymPy symbols. One step costs O(d).

    m = E w_t,   v = E w_t^2 (per coordinate),   lq = lambda^q

The sum s_t = w_k + ... + w_{t-1} is followed as well. Given the past, E w_{t+1} =
(1 - gamma lq) w_t + gamma lambda w*, so E s_t, E s_t w_t and E s_t^2 close by themselves and
every average of iterates is exact, with no division by 1 - rho.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qtheory.model.instance import Instance
from qtheory.numbers.arithmetic import Array
from qtheory.risk.moments import fourth_moments

__all__ = ["Moments", "Step", "output_moments", "trajectory"]


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of w_t and of the sum s_t of the iterates before it; arrays of shape (d,)."""

    t: int
    m: Array  # E w
    v: Array  # E w^2
    sum_m: Array  # E s
    sum_w: Array  # E s w
    sum_v: Array  # E s^2


class Step:
    """One step of SGD on the pair (m, v), for the numbers of one instance.

    What does not change from step to step is computed once, under its name in section 2.
    """

    def __init__(self, instance: Instance) -> None:
        lam, w_star, sigma2 = instance.eigenvalues, instance.target, instance.noise
        label, activation, gradient = instance.label, instance.activation, instance.gradient
        tables = fourth_moments(instance)
        self.instance, self.Q, self.T = instance, tables.Q, tables.T
        self.lq = lq = instance.quantized_eigenvalues
        self.signal = lam * w_star
        self.rho = 1 - instance.stepsize * lq
        self.contraction = 1 - 2 * instance.stepsize * lq
        self.drift = instance.stepsize * self.signal

        Yy = sigma2 * lq + tables.Y @ w_star**2
        self.label_noise = (1 + label.multiplicative) * Yy + label.additive * lq
        self.activation_noise = activation.additive * lq
        self.gradient_noise = gradient.additive * lq
        self.label_cross = (1 + label.shared) * self.signal**2
        self.mean_cross = 2 * self.signal * lq
        self.prediction_cross = (1 + activation.shared) * lq**2

    def mean(self, m: Array) -> Array:
        """E w_{t+1} = rho m + gamma lambda w*."""
        return self.rho * m + self.drift

    def second(self, m: Array, v: Array) -> Array:
        """E w_{t+1}^2 from m = E w_t and v = E w_t^2."""
        instance, gamma, B = self.instance, self.instance.stepsize, self.instance.batch
        parameter, activation, gradient = instance.parameter, instance.activation, instance.gradient

        # E of the squared quantized parameter
        vh = (1 + parameter.multiplicative) * v + parameter.additive
        # both factors from the same sample: label, prediction, and what the quantizers add
        X = self.T @ (instance.target * m)
        A = self.Q @ vh
        core = (
            self.label_noise - 2 * X + (1 + activation.multiplicative) * A + self.activation_noise
        )
        same = (1 + gradient.multiplicative) * core + self.gradient_noise
        # factors from two samples of the batch: only what they share correlates
        cross = (1 + gradient.shared) * (
            self.label_cross - self.mean_cross * m + self.prediction_cross * vh
        )
        # v + 2 gamma (lam w* m - lq v), with the terms in v joined so that balls contract
        drifted = self.contraction * v + 2 * self.drift * m
        return drifted + gamma**2 * (same / B + (1 - 1 / B) * cross)


def trajectory(instance: Instance) -> Iterator[Moments]:
    """The moments for t = 0, 1, 2, ... from w_0 = 0, without end.

    The sum s_t starts at the first averaged iterate (0 unless the tail is averaged).
    """
    step = Step(instance)
    m = v = sum_m = sum_w = sum_v = instance.eigenvalues * 0
    t = 0
    while True:
        yield Moments(t, m, v, sum_m, sum_w, sum_v)
        if t >= instance.first_averaged:
            # s' = s + w, and E s' w' = rho E s' w + gamma lambda w* E s'
            sum_v = sum_v + 2 * sum_w + v
            sum_m = sum_m + m
            sum_w = step.rho * (sum_w + v) + step.drift * sum_m
        m, v = step.mean(m), step.second(m, v)
        t += 1


def output_moments(instance: Instance, moments: Moments) -> tuple[Array, Array]:
    """First and second moment of what SGD returns if it stops at this t."""
    if instance.output == "last":
        return moments.m, moments.v
    count = moments.t - instance.first_averaged
    return moments.sum_m / count, moments.sum_v / count**2
