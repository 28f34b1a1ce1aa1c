"""How tight the bounds are: the distribution of bound over exact risk on random instances."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from qtheory.errors import HypothesisError, UnstableError
from qtheory.model import SGD, Additive, Multiplicative, PowerLaw, Problem, Quantization
from qtheory.model.targets import Constant
from qtheory.numbers.exact import whole
from qtheory.plots.style import BLUE, GREEN, ORANGE, axes
from qtheory.risk import excess_risk
from qtheory.theory import lower_bound, upper_bound


@dataclass(frozen=True)
class Tightness:
    """Ratios of at least 1, one per instance at which the bound has its hypotheses."""

    paper: tuple[float, ...]  # T4 / exact
    refined: tuple[float, ...]  # T4' / exact
    lower: tuple[float, ...]  # exact / lower bound


def tightness_sample(count: int = 200, seed: int = 0) -> Tightness:
    """The ratios at random instances: power laws, d to 100, N to 10^5, B to 16, errors to 0.1.

    Examples
    --------
    >>> sample = tightness_sample(count=20)
    >>> min(*sample.paper, *sample.refined, *sample.lower) >= 1
    True
    """
    count = whole(count, "count", 1)
    draw = random.Random(whole(seed, "seed", 0))
    found: dict[str, list[float]] = {"paper": [], "refined": [], "lower": []}
    for _ in range(count):
        run = _instance(draw)
        try:
            exact = float(excess_risk(*run).total)
        except UnstableError:
            continue
        for form in ("paper", "refined"):
            try:
                found[form].append(float(upper_bound(*run, form=form).total) / exact)
            except HypothesisError:
                continue
        try:
            found["lower"].append(exact / float(lower_bound(*run).total))
        except HypothesisError:
            continue
    return Tightness(**{name: tuple(ratios) for name, ratios in found.items()})


def _instance(draw: random.Random) -> tuple[Problem, Quantization, SGD]:
    dim, steps = round(10 ** draw.uniform(0, 2)), round(10 ** draw.uniform(0.5, 5))
    exponent, level = draw.choice(("1", "3/2", "2", "3")), f"{10 ** draw.uniform(-4, -1):.2e}"
    model = draw.choice(
        (Additive(0), Additive(level), Multiplicative(level), Multiplicative(level, "elementwise"))
    )
    problem = Problem(dim, PowerLaw(exponent), Constant(draw.choice((0, 1, 2))), noise=1)
    sgd = SGD(draw.choice(("0.02", "0.1", "0.3")), draw.choice((1, 4, 16)), steps=steps)
    return problem, Quantization.uniform(model), sgd


def tightness(sample: Tightness | None = None) -> Any:
    """The distribution of bound over exact risk, as cumulative shares.

    Parameters
    ----------
    sample
        From :func:`tightness_sample`; None for its default.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = tightness(tightness_sample(count=20))
    >>> len(figure.axes[0].lines)
    3
    """
    sample = tightness_sample() if sample is None else sample
    ax = axes()
    for ratios, colour, style, label in (
        (sample.refined, BLUE, "-", "T4' / exact"),
        (sample.paper, ORANGE, "--", "T4 / exact"),
        (sample.lower, GREEN, ":", "exact / lower bound"),
    ):
        ordered = np.sort(ratios)
        shares = np.arange(1, len(ordered) + 1) / max(1, len(ordered))
        ax.plot(ordered, shares, color=colour, linestyle=style, label=label)
    ax.set_xscale("log")
    ax.set_xlabel("ratio, 1 is tight")
    ax.set_ylabel("share of instances")
    ax.legend(frameon=False, fontsize=8)
    return ax.get_figure()
