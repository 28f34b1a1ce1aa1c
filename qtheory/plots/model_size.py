"""What errors of the data leave unlearned in a sketch, against the number of its features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from qtheory.asymptotics.sketch import MOST_FEATURES, Sketch
from qtheory.asymptotics.unlearnt import elementwise_sketch
from qtheory.errors import InvalidArgumentError
from qtheory.model import Problem
from qtheory.model.coordinates import spectrum_and_target
from qtheory.numbers.arithmetic import Float64
from qtheory.numbers.arrays import sequence
from qtheory.numbers.exact import Number, positive, whole
from qtheory.plots.style import BLUE, GREEN, GREY, ORANGE, axes

#: The errors that are compared, with their colour and marker; the first are none.
_KINDS = {
    "exact": ("no errors", GREY, "."),
    "shared": ("one factor for a vector (shared)", GREEN, "^"),
    "elementwise": ("one factor for each feature (floating point)", BLUE, "o"),
    "additive": ("additive (integers)", ORANGE, "s"),
}
_MOST_SAMPLED = 2000


@dataclass(frozen=True)
class ModelSizeCurves:
    """The risk left after many steps, F_S, and effective sizes, by the kind of the errors.

    ``floor`` and ``effective_size`` are equivalents at ``sizes``; ``sampled`` has the means of F_S
    over sketches with their standard errors, at ``sampled_sizes``.
    """

    sizes: tuple[int, ...]
    floor: dict[str, tuple[float, ...]]
    effective_size: dict[str, tuple[float, ...]]
    sampled_sizes: tuple[int, ...]
    sampled: dict[str, tuple[tuple[float, float], ...]]

    def slope(self, kind: str) -> float:
        """The slope of log F_S against log M at the end; -inf where nothing is left."""
        (before, after), sizes = self.floor[kind][-2:], self.sizes[-2:]
        if not after > 0:
            return -math.inf
        return float(np.log(after / before) / np.log(sizes[1] / sizes[0]))


def model_size_curves(
    problem: Problem,
    level: Number,
    sizes: Sequence[int] = (10, 30, 100, 300, 1000, 3000, 10_000),
    sketches: int = 0,
    seed: int = 0,
) -> ModelSizeCurves:
    """What errors of one level leave unlearned in sketches of some sizes.

    Parameters
    ----------
    problem
        Its dimension may be infinite, where no sketches can be sampled.
    level
        eps, the same for every kind of errors.
    sizes
        Ascending numbers of features.
    sketches
        How many are sampled at each size up to the dimension and 2000; none if 0.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2))
    >>> curves = model_size_curves(problem, "0.01", sizes=(10**5, 10**6))
    >>> [round(curves.slope(kind), 1) for kind in ("exact", "elementwise")]
    [-1.0, -0.5]
    """
    allowed = "a sequence of at least two ascending numbers of features"
    numbers = tuple(
        whole(size, "sizes", 1, MOST_FEATURES) for size in sequence(sizes, "sizes", allowed)
    )
    if len(numbers) < 2 or list(numbers) != sorted(set(numbers)):
        raise InvalidArgumentError("sizes", sizes, allowed)
    count, eps = whole(sketches, "sketches", 0, 10**6), positive(level, "level")
    if count and problem.dim is sp.oo:
        raise InvalidArgumentError("sketches", sketches, "0 where dim is infinite")
    if count == 1:
        raise InvalidArgumentError("sketches", sketches, "0, or at least 2 for an error bar")
    found = [_equivalents(problem, eps, size) for size in numbers]
    most = min(_MOST_SAMPLED, int(problem.dim)) if count else 0
    drawn = tuple(size for size in numbers if size <= most)
    sampled = [_sampled(problem, float(eps), size, count, seed) for size in drawn]
    return ModelSizeCurves(
        numbers,
        {kind: tuple(each[kind][0] for each in found) for kind in _KINDS},
        {kind: tuple(each[kind][1] for each in found) for kind in _KINDS},
        drawn,
        {kind: tuple(each[kind] for each in sampled) for kind in _KINDS},
    )


def _equivalents(problem: Problem, eps: sp.Expr, size: int) -> dict[str, tuple[float, float]]:
    """F_S and the effective size, by kind."""
    sketch, level = Sketch.of(problem, size), float(eps)
    elementwise = elementwise_sketch(problem, eps, size=size)
    return {
        "exact": sketch.limits()[1:],
        "shared": sketch.limits(shared=level)[1:],
        "elementwise": (elementwise.floor, elementwise.effective_size),
        "additive": sketch.limits(additive=level)[1:],
    }


def _sampled(
    problem: Problem, eps: float, size: int, count: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Means of F_S over sketches, and their standard errors, by linear algebra alone."""
    eigenvalues, target = map(np.asarray, spectrum_and_target(problem, Float64()))
    energy, found = (eigenvalues * target**2).sum(), []
    rng = np.random.default_rng([seed, size])
    for _ in range(count):
        S = rng.standard_normal((size, len(eigenvalues))) / np.sqrt(size)
        sigma, signal = (S * eigenvalues) @ S.T, S @ (eigenvalues * target)
        added = {
            "exact": np.zeros_like(sigma),
            "shared": eps * sigma,
            "elementwise": eps * np.diag(np.diag(sigma)),
            "additive": eps * np.eye(size),
        }
        limits = {kind: np.linalg.solve(sigma + more, signal) for kind, more in added.items()}
        found.append([(energy - 2 * signal @ v + v @ sigma @ v) / 2 for v in limits.values()])
    means, errors = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(count)
    return {k: (float(m), float(e)) for k, m, e in zip(_KINDS, means, errors, strict=True)}


def model_size(
    problem: Problem,
    level: Number,
    sizes: Sequence[int] = (10, 30, 100, 300, 1000, 3000, 10_000),
    sketches: int = 0,
    seed: int = 0,
) -> Any:
    """The risk that many steps leave in a sketch, against M: lines are equivalents, points samples.

    Parameters
    ----------
    problem, level, sizes, sketches, seed
        As for :func:`model_size_curves`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2))
    >>> figure = model_size(problem, "0.01")
    >>> figure.axes[0].get_xlabel()
    'features M'
    """
    curves = model_size_curves(problem, level, sizes, sketches, seed)
    ax = axes()
    for kind, (label, colour, marker) in _KINDS.items():
        style = ":" if kind == "exact" else "-"
        ax.plot(curves.sizes, curves.floor[kind], color=colour, linestyle=style, label=label)
        if math.isfinite(curves.slope(kind)):
            ax.annotate(
                f"{round(curves.slope(kind), 2) + 0.0:.2f}",  # no -0.00
                (curves.sizes[-1], curves.floor[kind][-1]),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=8,
                color=colour,
            )
        if curves.sampled[kind]:
            means, errors = zip(*curves.sampled[kind], strict=True)
            ax.errorbar(
                curves.sampled_sizes,
                means,
                yerr=[2 * error for error in errors],
                color=colour,
                marker=marker,
                markersize=4,
                linestyle="",
            )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("features M")
    ax.set_ylabel("risk left after many steps")
    ax.legend(frameon=False, fontsize=8)
    return ax.get_figure()
