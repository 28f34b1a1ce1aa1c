r"""Gauss quadrature for sums over consecutive integers.

p nodes and positive weights with sum_j weight_j q(node_j) = sum of q over the n integers, for every
polynomial q of degree below 2p. The orthogonal polynomials are those of Chebyshev and Gram, with
the recurrence q_{k+1} = t q_k - beta_k q_{k-1}, beta_k = k^2 (n^2 - k^2) / (4 (4 k^2 - 1)), in the
distance t from the middle (DLMF 18.19, Hahn polynomials with alpha = beta = 0).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import flint
import numpy as np

from qtheory.errors import PrecisionError


def discrete_gauss(n: int, p: int) -> tuple[list[flint.arb], list[flint.arb]]:
    """Nodes, as distances from the middle of the n integers, and weights; p < n.

    Certified at the current precision: each node is enclosed by an interval Newton step.

    Examples
    --------
    >>> nodes, weights = discrete_gauss(100, 5)
    >>> total = sum(w * t**8 for t, w in zip(nodes, weights))
    >>> exact = sum((i - flint.arb(99) / 2) ** 8 for i in range(100))
    >>> bool(abs(total / exact - 1) < 1e-12)
    True
    """
    nodes, weights = _rule(n, p, flint.ctx.prec)
    return list(nodes), list(weights)


@lru_cache(maxsize=4096)
def _rule(n: int, p: int, bits: int) -> tuple[tuple[flint.arb, ...], tuple[flint.arb, ...]]:
    """The rule at a precision, which is the working one: spectra that fall alike share rules."""
    betas = [
        flint.arb(flint.fmpq(k * k * (n * n - k * k), 4 * (4 * k * k - 1))) for k in range(1, p)
    ]
    scale = n / 2.0
    jacobi = np.diag(np.sqrt([float(b) for b in betas]) / scale, 1)
    starts = np.linalg.eigvalsh(jacobi + jacobi.T) * scale
    norm = flint.arb(n)
    for beta in betas:
        norm = norm * beta
    nodes, weights = [], []
    for start in starts[: (p + 1) // 2]:  # the others are these, mirrored
        node = _node(flint.arb(float(start)), betas)
        _, slope, before = _polynomial(node, betas)
        nodes.append(node)
        weights.append(norm / (slope * before))
    nodes += [-node for node in reversed(nodes[: p // 2])]
    weights += reversed(weights[: p // 2])
    distinct = all(left < right for left, right in pairwise(nodes))
    if not (distinct and all(weight > 0 for weight in weights)):
        raise PrecisionError("a quadrature rule cannot be certified at this precision")
    return tuple(nodes), tuple(weights)


def _polynomial(t: flint.arb, betas: list[flint.arb]) -> tuple[flint.arb, flint.arb, flint.arb]:
    """q_p(t), q_p'(t) and q_{p-1}(t)."""
    before, value = flint.arb(1), t
    slope_before, slope = flint.arb(0), flint.arb(1)
    for beta in betas:
        following = t * value - beta * before
        slope_following = value + t * slope - beta * slope_before
        before, value = value, following
        slope_before, slope = slope, slope_following
    return value, slope, before


def _node(start: flint.arb, betas: list[flint.arb]) -> flint.arb:
    t = start
    for _ in range(60):
        value, slope, _ = _polynomial(t, betas)
        step = (value / slope).mid()
        t = (t - step).mid()
        if abs(step) <= abs(t) * flint.arb(2) ** (-flint.ctx.prec // 2):
            break
    value, slope, _ = _polynomial(t, betas)
    radius = 4 * (value / slope).abs_upper() + flint.arb(2) ** (-flint.ctx.prec)
    for _ in range(8):
        ball = flint.arb(t, radius.abs_upper())
        image = t - value / _polynomial(ball, betas)[1]
        if image.is_finite() and ball.contains_interior(image):
            return image
        radius = 8 * radius
    raise PrecisionError("a quadrature node cannot be certified at this precision")
