"""The compute-optimal frontier: what a budget buys, and how it is best spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qtheory.asymptotics.frontier import BudgetSplit
from qtheory.asymptotics.frontier import frontier as splits_of
from qtheory.model import SGD, Problem, Quantization
from qtheory.numbers.exact import Number
from qtheory.plots.style import BLUE, GREEN, GREY, ORANGE, axes


def frontier(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    *,
    budgets: Sequence[Number],
    scheme: str | None = None,
) -> Any:
    """The best M, N (and bits) and their equivalent risk, against the budget.

    Parameters
    ----------
    problem, quantization, sgd, budgets, scheme
        As for :func:`qtheory.allocate`, with at least two budgets.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    >>> sgd = qt.SGD("0.1", steps=1, output="last")
    >>> figure = frontier(problem, qt.Quantization(), sgd, budgets=[10**3, 10**4])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['steps N, slope 0.60', 'size M, slope 0.40']
    """
    splits = splits_of(problem, quantization, sgd, budgets=budgets, scheme=scheme)
    ax = axes()
    spent = [split.budget for split in splits]
    for name, values, colour, marker in _choices(splits):
        label = name if name == "bits" else f"{name}, slope {_slope(spent, values):.2f}"
        ax.loglog(spent, values, marker=marker, markersize=4, color=colour, label=label)
    cost = "M N B" if scheme is None else "M N B times bits"
    ax.set_xlabel(f"budget, {cost}")
    ax.set_ylabel("best choice")
    ax.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=3)
    right = ax.twinx()
    risks = [split.risk.total for split in splits]
    right.loglog(spent, risks, color=GREY, linestyle="--", marker="s", markersize=3)
    right.set_ylabel(
        f"equivalent risk (dashed), slope {_slope(spent, risks):.2f}", color=GREY, fontsize=8
    )
    right.tick_params(which="both", labelsize=8, colors=GREY)
    right.spines["top"].set_visible(False)
    return ax.get_figure()


def _choices(splits: Sequence[BudgetSplit]) -> list[tuple[str, list[int], str, str]]:
    choices = [
        ("steps N", [split.steps for split in splits], ORANGE, "^"),
        ("size M", [split.size for split in splits], BLUE, "o"),
    ]
    bits = [split.bits for split in splits if split.bits is not None]
    return [*choices, ("bits", bits, GREEN, "D")] if bits else choices


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of log y over log x, fitted to all points."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
