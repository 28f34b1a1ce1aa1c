r"""Stability beside the second copy of the theory.

The second moments obey v' = G v + g. The edge of stability is where the spectral radius of G passes
1, the last iterate settles at the solution of v = G v + g, and averages settle at w^q
(:mod:`qtheory.reference.stationary` has G, g and the solution in exact rationals).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from qtheory.checks.check import CheckResult
from qtheory.checks.panel import PANEL, Pair, arguments, close, report
from qtheory.reference.moments import Setting
from qtheory.reference.stationary import affine_step, expansion
from qtheory.risk import stability


def edges_agree() -> list[CheckResult]:
    """The second moments shrink just below the largest stable stepsize and grow just above it."""
    wrong = []
    for name, setting in PANEL.items():
        largest = Fraction(stability(*arguments(setting)).largest_stepsize)
        below, above = (
            max(abs(np.linalg.eigvals(_feedback(replace(setting, stepsize=edge)))))
            for edge in (largest * Fraction("0.9999"), largest * Fraction("1.0001"))
        )
        if not below < 1 < above:
            wrong.append(f"{name}: {below} below and {above} above {float(largest):.6g}")
    detail = "; ".join(wrong) if wrong else f"the edge is right to 1e-4 in {len(PANEL)} settings"
    count = 2 * len(PANEL)
    return [CheckResult.of("stability/edges", "identity", not wrong, detail, {"compared": count})]


def limits_agree() -> list[CheckResult]:
    """The limits of the risk in the number of steps, and theta where it follows from G alone."""

    def pairs() -> Iterator[Pair]:
        for name, setting in PANEL.items():
            for output in ("average", "last", "tail"):
                here = stability(*arguments(setting, output)).limit
                yield f"{name}, {output}: limit", here, expansion(setting, output).limit
            one_kind = not (setting.data.shared and setting.data.additive)
            if one_kind and setting.dim > 2 and all(setting.eigenvalues):
                here = stability(*arguments(setting)).theta
                yield f"{name}: theta", here, _theta(setting)

    return report("stability/limits", pairs(), close)


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
