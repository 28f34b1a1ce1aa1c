r"""Stability beside the second copy of the theory.

The second moments obey v' = G v + g. The edge of stability is where the spectral radius of G passes
1, the last iterate settles at the solution of v = G v + g, and averages settle at w^q
(:mod:`qtheory.reference.stationary` has G, g and the solution in exact rationals).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from qtheory.checks.check import CheckResult, refusals
from qtheory.checks.panel import SETTINGS, Pair, arguments, close, report
from qtheory.errors import UnstableError
from qtheory.model import (
    SGD,
    Additive,
    Constant,
    Explicit,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
)
from qtheory.model.run import Run
from qtheory.reference.moments import Setting
from qtheory.reference.stationary import affine_step, expansion
from qtheory.risk import stability
from qtheory.risk.stability import require_stable

_ONE = Problem(1, Explicit([1]), Constant(1), 1)
_INFINITE = Problem(sp.oo, PowerLaw(2), Constant(1), 1)
_EDGES = (
    (Quantization(), 1, Fraction(2, 3)),
    (Quantization(), 2, Fraction(1)),
    # G has rank two: lambda^q = 6/5 and E xq^4 = 3 (1 + 6/10 + 3/100) + 6 (11/10) / 10 + 3/100
    (Quantization(Additive("1/10") + Multiplicative("1/10")), 1, Fraction(40, 93)),
)


def edges_agree() -> list[CheckResult]:
    """The second moments shrink just below the largest stable stepsize and grow just above it."""
    wrong = []
    for name, setting in SETTINGS.items():
        largest = Fraction(stability(*arguments(setting)).largest_stepsize)
        below, above = (
            max(abs(np.linalg.eigvals(_feedback(replace(setting, stepsize=edge)))))
            for edge in (largest * Fraction("0.9999"), largest * Fraction("1.0001"))
        )
        if not below < 1 < above:
            wrong.append(f"{name}: {below} below and {above} above {float(largest):.6g}")
    detail = "; ".join(wrong) if wrong else f"the edge is right to 1e-4 in {len(SETTINGS)} settings"
    count = 2 * len(SETTINGS)
    return [CheckResult.of("stability/edges", "identity", not wrong, detail, {"compared": count})]


def limits_agree() -> list[CheckResult]:
    """The limits of the risk in the number of steps, and theta where it follows from G alone."""

    def pairs() -> Iterator[Pair]:
        for name, setting in SETTINGS.items():
            for output in ("average", "last", "tail"):
                here = stability(*arguments(setting, output)).limit
                yield f"{name}, {output}: limit", here, expansion(setting, output).limit
            shared = setting.data.shared or setting.fourth != 1
            one_kind = not (shared and setting.data.additive)
            if one_kind and setting.dim > 2 and all(setting.eigenvalues):
                here = stability(*arguments(setting)).theta
                yield f"{name}: theta", here, _theta(setting)

    return report("stability/limits", pairs(), close)


def edges_are_refused() -> list[CheckResult]:
    """A step at the edge of stability or past it is no stable one, however near it is.

    One coordinate with lambda = 1 contracts while gamma < 2 lambda^q / E[xq^4] for B = 1. In
    infinite dimension sum_i gamma lambda_i / (2 - 2 gamma lambda_i) is 1 at the edge, summed by
    mpmath.
    """
    tiny = Fraction(1, 10**40)
    attempts = {}
    for quantization, batch, edge in _EDGES:
        for where, factor in (("at", Fraction(1)), ("just past", 1 + tiny)):
            run = Run(_ONE, quantization, SGD(edge * factor, batch, steps=5))
            attempts[f"{where} {edge}, B = {batch}"] = partial(require_stable, run)
        require_stable(Run(_ONE, quantization, SGD(edge * (1 - tiny), batch, steps=5)))
    edge, little = _edge_in_infinite_dimension(), Fraction(1, 10**12)
    for factor, what in ((1 + little, "just past"), (1 + 10**6 * little, "past")):
        run = Run(_INFINITE, Quantization(), SGD(edge * factor, steps=5))
        attempts[f"{what} the edge in infinite dimension"] = partial(require_stable, run)
    require_stable(Run(_INFINITE, Quantization(), SGD(edge * (1 - 10**6 * little), steps=5)))
    return refusals("stability/refused", "identity", attempts, UnstableError)


def _edge_in_infinite_dimension() -> Fraction:
    """For lambda_i = i^-2 and B = 1."""

    def excess(gamma: Any) -> Any:
        return mpmath.nsum(lambda i: gamma / (2 * i**2 - 2 * gamma), [1, mpmath.inf]) - 1

    with mpmath.workdps(40):
        return Fraction(str(mpmath.findroot(excess, 0.6)))


def _feedback(setting: Setting) -> Any:
    """G in float64."""
    return np.array([[float(entry) for entry in row] for row in affine_step(setting)[0]])


def _theta(setting: Setting) -> float:
    r"""With G = diag(g) + u z^T it is :math:`\sum u_i z_i / (1 - g_i)`, u_i z_j being G_ij."""
    G = _feedback(setting)
    total = 0.0
    for i in range(setting.dim):
        j, k = (n for n in range(3) if n != i) if i < 3 else (0, 1)
        own = G[i, j] * G[k, i] / G[k, j]
        total += own / (1 - (G[i, i] - own))
    return total
