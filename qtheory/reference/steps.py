r"""Section 6 of the theory as plain loops in exact rational numbers: other steps than the paper's.

A second source, like :mod:`qtheory.reference.moments`, whose one step it takes the gradient from:

.. math:: u = e + \mu (w - w_-) + \gamma_t g, \qquad
          w' = Q(w + u) \quad\text{or, with error feedback,}\quad w' = w + Q(u),\; e' = u - Q(u).

What a coordinate carries is the list (w, w_-, e, P), P the sum of the iterates so far. Every second
moment is a number of its own and every product is written out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from qtheory.reference.moments import (
    ONE,
    ZERO,
    Errors,
    Moments,
    Setting,
    cross_samples,
    quantized_eigenvalues,
    same_sample,
)

EXACT = Errors()


@dataclass(frozen=True)
class Steps:
    """What the steps of a run do beyond those of :class:`Setting`, whose own are not used."""

    stepsizes: tuple[Fraction, ...]
    batches: tuple[int, ...]
    momentum: Fraction = ZERO
    stored: Errors = EXACT
    error_feedback: bool = False


@dataclass(frozen=True)
class _Coordinate:
    """First and second moments of w, the weight before, what was lost and the sum of iterates."""

    w: Fraction = ZERO
    before: Fraction = ZERO
    lost: Fraction = ZERO
    total: Fraction = ZERO
    ww: Fraction = ZERO
    wb: Fraction = ZERO
    bb: Fraction = ZERO
    we: Fraction = ZERO
    be: Fraction = ZERO
    ee: Fraction = ZERO
    pw: Fraction = ZERO
    pb: Fraction = ZERO
    pe: Fraction = ZERO
    pp: Fraction = ZERO


def moments_of_steps(setting: Setting, steps: Steps, first: int | None = None) -> Moments:
    """The moments of w_N, or of the average of w_first, ..., w_{N-1}."""
    coordinates = [_Coordinate() for _ in range(setting.dim)]
    count = 0
    for t, (stepsize, batch) in enumerate(zip(steps.stepsizes, steps.batches, strict=True)):
        if first is not None and t >= first:
            count += 1
            coordinates = [_summed(c) for c in coordinates]
        coordinates = _step(setting, steps, stepsize, batch, coordinates)
    if first is None:
        return Moments(tuple(c.w for c in coordinates), tuple(c.ww for c in coordinates))
    return Moments(
        tuple(c.total / count for c in coordinates), tuple(c.pp / count**2 for c in coordinates)
    )


def _summed(c: _Coordinate) -> _Coordinate:
    """With w in the sum."""
    return replace(
        c,
        total=c.total + c.w,
        pp=c.pp + 2 * c.pw + c.ww,
        pw=c.pw + c.ww,
        pb=c.pb + c.wb,
        pe=c.pe + c.we,
    )


def _step(
    setting: Setting, steps: Steps, stepsize: Fraction, batch: int, coordinates: list[_Coordinate]
) -> list[_Coordinate]:
    now = replace(setting, stepsize=stepsize, batch=batch)
    m, v = tuple(c.w for c in coordinates), tuple(c.ww for c in coordinates)
    same, cross = same_sample(now, m, v), cross_samples(now, m, v)
    mu, levels = steps.momentum, steps.stored
    found = []
    for i, (c, quantized) in enumerate(zip(coordinates, quantized_eigenvalues(now), strict=True)):
        signal = setting.eigenvalues[i] * setting.target[i]
        square = same[i] / batch + (1 - Fraction(1, batch)) * cross[i]
        # E g z for a number z that is known before the step: E[g | past] = signal - lambda^q w
        g = signal - quantized * c.w
        gw = signal * c.w - quantized * c.ww
        gb = signal * c.before - quantized * c.wb
        ge = signal * c.lost - quantized * c.we
        gp = signal * c.total - quantized * c.pw
        # u = e + mu (w - w_-) + gamma g
        u = c.lost + mu * (c.w - c.before) + stepsize * g
        uw = c.we + mu * (c.ww - c.wb) + stepsize * gw
        up = c.pe + mu * (c.pw - c.pb) + stepsize * gp
        known = c.ee + mu**2 * (c.ww - 2 * c.wb + c.bb) + 2 * mu * (c.we - c.be)
        with_gradient = ge + mu * (gw - gb)
        uu = known + 2 * stepsize * with_gradient + stepsize**2 * square
        if steps.error_feedback:
            noise = levels.additive + levels.multiplicative * uu
            after = (c.ww + 2 * uw + uu) + noise  # Q(u) = u + n, n uncorrelated with what is known
            lost_after, we_after, pe_after = noise, -noise, ZERO
        else:
            plain = c.ww + 2 * uw + uu
            after = (ONE + levels.multiplicative) * plain + levels.additive
            lost_after, we_after, pe_after = ZERO, ZERO, ZERO
        found.append(
            _Coordinate(
                w=c.w + u, before=c.w, lost=ZERO, total=c.total,
                ww=after, wb=c.ww + uw, bb=c.ww, we=we_after, be=ZERO, ee=lost_after,
                pw=c.pw + up, pb=c.pw, pe=pe_after, pp=c.pp,
            )
        )  # fmt: skip
    return found
