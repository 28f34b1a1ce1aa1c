"""What each part adds to the excess risk, one bar after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qtheory.plots.style import BLUE, GREEN, GREY, ORANGE, axes
from qtheory.risk import Risk


@dataclass(frozen=True)
class Waterfall:
    """Bars in order: each begins where the one before ends, the last is the total."""

    names: tuple[str, ...]
    heights: tuple[float, ...]
    bottoms: tuple[float, ...]


def waterfall_bars(risk: Risk) -> Waterfall:
    """Bias, variance, what each quantizer adds, what a sketch misses if any, and the total.

    Examples
    --------
    >>> import qtheory as qt
    >>> quantization = qt.Quantization(data=qt.Additive("0.1"))
    >>> problem, sgd = qt.Problem(dim=4), qt.SGD("0.1", steps=50)
    >>> bars = waterfall_bars(qt.excess_risk(problem, quantization, sgd))
    >>> bars.names
    ('bias', 'variance', 'data', 'total')
    >>> abs(sum(bars.heights[:-1]) - bars.heights[-1]) < 1e-12
    True
    """
    parts = {"bias": float(risk.bias), "variance": float(risk.variance)}
    exact = {name for name, quantizer in risk.run.quantization.items() if quantizer.is_exact}
    parts |= {name: float(part) for name, part in risk.by_target.items() if name not in exact}
    if risk.sketching != 0:
        parts["sketch"] = float(risk.sketching)
    bottoms, reached = [], 0.0
    for part in parts.values():
        bottoms.append(reached)
        reached += part
    return Waterfall((*parts, "total"), (*parts.values(), float(risk.total)), (*bottoms, 0.0))


def waterfall(risk: Risk) -> Any:
    """The parts of an exact risk as a waterfall.

    Parameters
    ----------
    risk
        From :func:`qtheory.excess_risk`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import qtheory as qt
    >>> quantization = qt.Quantization.uniform(qt.Additive("0.01"))
    >>> figure = waterfall(qt.excess_risk(qt.Problem(dim=4), quantization, qt.SGD("0.1", steps=9)))
    >>> len(figure.axes[0].patches)
    8
    """
    bars = waterfall_bars(risk)
    ax = axes()
    known = {"bias": BLUE, "variance": BLUE, "sketch": GREY, "total": GREEN}
    colours = [known.get(name, ORANGE) for name in bars.names]
    ax.bar(bars.names, bars.heights, bottom=bars.bottoms, color=colours, width=0.7)
    for place, (height, bottom) in enumerate(zip(bars.heights, bars.bottoms, strict=True)):
        share = f"{height / bars.heights[-1]:.1%}"
        ax.annotate(
            share,
            (place, max(bottom, bottom + height)),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=GREY,
        )
    ax.set_ylabel("excess risk E R")
    ax.tick_params(axis="x", labelrotation=20)
    return ax.get_figure()
