"""The look that all plots share."""

from __future__ import annotations

from typing import Any

# After Okabe and Ito: told apart with any colour vision, and in grey by their lightness.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"

_WIDTH, _HEIGHT = 5.2, 3.6  # inches: a column and a half of a journal page


def axes(width: float = _WIDTH, height: float = _HEIGHT) -> Any:
    """Empty axes on a figure of their own, which belongs to nobody else."""
    from qtheory.numbers.figure import new_axes

    ax = new_axes(width, height)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(which="both", labelsize=8)
    return ax
