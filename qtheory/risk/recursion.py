r"""The exact recursion for the first and second moments of the SGD iterates.

This is the specification: it reads like section 2 of the theory, and runs unchanged in float64,
in mpmath at any number of digits, in ball arithmetic and with SymPy symbols. One step costs O(d).

With m = E w_t and v = E w_t^2 (per coordinate), everything in section 2 is affine in (m, v), so

    m' = rho m + gamma lambda w*,        v' = G v + K m + c,

where G and K are diagonal plus low rank. :class:`Step` builds G, K and c term by term.

An update may carry more than w: the weight before it, what rounding lost, and the sum
s_t = w_k + ... + w_{t-1} of iterates. All of it is linear in w and the gradient, so its moments
close by themselves (:mod:`qtheory.risk.update`), and every average of iterates is exact, with no
division by 1 - rho.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from qtheory.errors import HypothesisError
from qtheory.model.instance import Instance
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Array, Scalar
from qtheory.risk.moments import DiagonalPlusLowRank, fourth_moments
from qtheory.risk.update import MEAN_W, SQUARE_W, SUM, Form, Gradient, Moments, Update, W, update_of

# So often one stepsize must be taken in a row for its map to be built first.
_WORTH_BUILDING = 3


@dataclass(frozen=True, eq=False)
class IterateMoments:
    """Moments of w_t and of the sum s_t of the iterates before it; arrays of shape (d,)."""

    t: int
    moments: Moments

    @property
    def m(self) -> Array:
        """E w."""
        return self.moments[MEAN_W]

    @property
    def v(self) -> Array:
        """E w^2."""
        return self.moments[SQUARE_W]

    @property
    def sum_m(self) -> Array:
        """E s."""
        return self.moments[(SUM,)]

    @property
    def sum_w(self) -> Array:
        """E s w."""
        return self.moments[(W, SUM)]

    @property
    def sum_v(self) -> Array:
        """E s^2."""
        return self.moments[(SUM, SUM)]


@dataclass(frozen=True, eq=False)
class Step:
    """One step of SGD on the moments: m' = rho m + drift, v' = G v + K m + c.

    The parts of first order in gamma cancel in many places, so they are kept apart.
    """

    common_x: Scalar  # gamma times the additive data error, which all coordinates share
    own_x: Array  # the rest of gamma lambda^q
    drift: Array  # gamma lambda w*
    gain: DiagonalPlusLowRank  # the part of G of order gamma^2
    mixed: DiagonalPlusLowRank  # the part of K of order gamma^2
    c: Array

    @cached_property
    def x(self) -> Array:
        """gamma lambda^q."""
        return self.own_x + self.common_x

    @cached_property
    def rho(self) -> Array:
        """1 - gamma lambda^q, the factor of the mean."""
        return 1 - self.x

    @cached_property
    def loss(self) -> Array:
        """1 - g for the diagonal g of G, without the cancellation at small step sizes."""
        return self.own_loss + self.common_loss

    @property
    def common_loss(self) -> Scalar:
        """The part of the loss that is the same for all coordinates."""
        return 2 * self.common_x - self.gain.constant

    @property
    def own_loss(self) -> Array:
        """The rest of the loss: its differences keep the digits that those of the loss lose."""
        return 2 * self.own_x - self.gain.varying

    @cached_property
    def G(self) -> DiagonalPlusLowRank:
        """What multiplies v: v - 2 gamma lambda^q v + gain v."""
        return self.gain + (1 - 2 * self.x)

    @cached_property
    def K(self) -> DiagonalPlusLowRank:
        """What multiplies m: 2 gamma lambda w* m + mixed m."""
        return self.mixed + 2 * self.drift

    @classmethod
    def of(cls, instance: Instance) -> Step:
        """The step of an instance: section 2, sorted by what multiplies vh, m and 1."""
        if instance.changes:
            raise HypothesisError(
                f"{instance.changes[0]}: this method knows steps of one size only"
            )
        lam, w_star, sigma2 = instance.eigenvalues, instance.target, instance.noise
        lq, gamma, B = instance.quantized_eigenvalues, instance.stepsize, instance.batch
        common, own = instance.quantized_eigenvalues_apart
        label, parameter = instance.label, instance.parameter
        activation, gradient = instance.activation, instance.gradient
        tables = fourth_moments(instance)
        signal, one = instance.correlation * w_star, lam * 0 + 1

        # vh = (1 + eps_p^m) v + eps_p^a is the second moment of the quantized parameter.
        # Both factors from the same sample: same = same_v vh + same_m m + same_0.
        every = 1 + gradient.multiplicative
        same_v = every * (1 + activation.multiplicative) * tables.Q  # A = Q vh
        same_m = -2 * every * tables.T.columns_times(w_star)  # X = T (w* m)
        Yy = sigma2 * lq + tables.Y @ w_star**2
        label_noise = label.additive * lq + label.multiplicative * Yy
        same_0 = every * (Yy + label_noise + activation.additive * lq) + gradient.additive * lq

        # Factors from two samples of the batch: only errors that they share correlate.
        both = 1 + gradient.shared
        factor = both * (1 + activation.shared)  # of lq^2 = own (own + 2 common) + common^2
        cross_v, cross_constant = factor * own * (own + 2 * common), factor * common**2
        cross_m = -2 * both * signal * lq
        cross_0 = both * (1 + label.shared) * signal**2

        # v' = v + 2 gamma (lambda w* m - lambda^q v) + gamma^2 (same / B + (1 - 1/B) cross)
        first, second = gamma**2 / B, gamma**2 * (1 - 1 / B)
        of_vh = (first * same_v + second * cross_v).raised(second * cross_constant)
        return cls(
            common_x=gamma * common,
            own_x=gamma * own,
            drift=gamma * signal,
            gain=(1 + parameter.multiplicative) * of_vh,
            mixed=first * same_m + second * cross_m,
            c=of_vh @ (parameter.additive * one) + first * same_0 + second * cross_0,
        )

    def mean(self, m: Array) -> Array:
        """E w_{t+1} from m = E w_t."""
        return self.rho * m + self.drift

    def second(self, m: Array, v: Array) -> Array:
        """E w_{t+1}^2 from m = E w_t and v = E w_t^2."""
        return self.G @ v + self.K @ m + self.c


def update_for(instance: Instance, batch: Scalar, *, summing: bool) -> Update:
    """The update of an instance at one batch, for every stepsize."""
    plain = replace(instance, schedule=None, momentum=0, error_feedback=False, stored=None)
    unit = Step.of(replace(plain, stepsize=1, batch=batch))
    square = Form({SQUARE_W: unit.gain, MEAN_W: unit.mixed}, unit.c)
    return update_of(instance, Gradient(unit.x, unit.drift, square), summing=summing)


def trajectory(instance: Instance, first: int = 0) -> Iterator[IterateMoments]:
    """The moments for t = 0, 1, 2, ... from w_0 = 0; s_t sums from w_first on.

    Without end where the stepsize is one number, up to the last iterate of a schedule.
    """
    state = update_for(instance, instance.batch, summing=False).start()
    t, last = 0, None
    for count, stepsize, batch in instance.paces():
        if batch is not last:
            last = batch
            alone, summed = (update_for(instance, batch, summing=s) for s in (False, True))
        maps = [alone.at(stepsize), summed.at(stepsize)] if count > _WORTH_BUILDING else None
        end = t + count
        while t < end:
            if t >= first and (SUM,) not in state:
                state = summed.start() | state
            yield IterateMoments(t, state)
            which = int(t >= first)
            if maps is None:
                state = (alone, summed)[which].apply(state, stepsize)
            else:
                state = {key: form(state) for key, form in maps[which].items()}
            t += 1
    if t >= first and (SUM,) not in state:
        state = summed.start() | state
    yield IterateMoments(t, state)


def moments(instance: Instance, windows: Sequence[Window]) -> list[tuple[Array, Array]]:
    """E eta and E eta^2 of eta = w - w^q for each window, by running through all its steps."""
    return [centred(instance, *output_moments(instance, window)) for window in windows]


def output_moments(instance: Instance, window: Window) -> tuple[Array, Array]:
    """E w and E w^2 of what SGD returns."""
    found = next(islice(trajectory(instance, window.first), window.last, None))
    if not window.averaged:
        return found.m, found.v
    return found.sum_m / window.count, found.sum_v / window.count**2


def centred(instance: Instance, first: Array, second: Array) -> tuple[Array, Array]:
    """E eta and E eta^2 of eta = w - w^q, from E w and E w^2."""
    wq = instance.quantized_target
    return first - wq, second - 2 * wq * first + wq**2
