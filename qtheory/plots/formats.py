"""What number formats cost at equal bits, simulated and exact."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qtheory.errors import InvalidArgumentError
from qtheory.measure.format_table import FormatTable
from qtheory.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, axes

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
# Twice the standard error covers 95 %.
_ERROR_BAR = 2
_ROW_HEIGHT, _MARGIN = 0.27, 1.3  # inches


@dataclass(frozen=True)
class FormatCosts:
    """The numbers of a plot, a row from top to bottom: most bits first, then the cheapest.

    Parameters
    ----------
    names, bits
        The formats and the bits per number.
    simulated, stderr
        The part that the format adds to the exact excess risk; NaN where nothing was simulated.
    exact
        The same from the exact risk; NaN where there is none.
    """

    names: tuple[str, ...]
    bits: tuple[float, ...]
    simulated: tuple[float, ...]
    stderr: tuple[float, ...]
    exact: tuple[float, ...]


def format_costs(table: FormatTable) -> FormatCosts:
    """The costs of a table of formats.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=16, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> wanted = ["fp4_e2m1", "int8", "nvfp4"]
    >>> table = qt.compare_formats(problem, qt.SGD("0.1", steps=200), wanted, targets="data")
    >>> format_costs(table).names
    ('int8', 'nvfp4', 'fp4_e2m1')
    """
    if not isinstance(table, FormatTable):
        raise InvalidArgumentError("table", table, "what qt.compare_formats returns")
    places = [place for at in table.at_bits.values() for place in at]

    def column(values: Iterable[float]) -> tuple[float, ...]:
        every = tuple(values)
        return tuple(every[place] for place in places)

    ran = [row.estimate is not None for row in table]
    costs = list(zip(table.costs, ran, strict=True))
    return FormatCosts(
        tuple(table[place].name for place in places),
        column(float(bits) for bits in table.bits),
        column(cost.mean if was else math.nan for cost, was in costs),
        column(cost.stderr if was else math.nan for cost, was in costs),
        column(row.theory / table.exact - 1 for row in table),
    )


def formats(table: FormatTable) -> Any:
    """A line per format: what it adds to the excess risk, by bits per number.

    Dots are simulated, with bars of twice the standard error; upright strokes are exact for the
    error model of the format (for the format itself where it is on the data as it is). The axis is
    linear up to 1 %, logarithmic beyond.

    Parameters
    ----------
    table
        What :func:`qtheory.compare_formats` returns.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=16, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD("0.1", steps=200)
    >>> figure = formats(qt.compare_formats(problem, sgd, ["int4", "mxfp4"], targets="data"))
    >>> figure.axes[0].get_xlabel()
    'added to the excess risk'
    """
    costs = format_costs(table)
    from matplotlib.ticker import PercentFormatter

    ax = axes(height=_MARGIN + _ROW_HEIGHT * len(costs.names))
    whole = [math.floor(bits) for bits in costs.bits]
    colours = dict(zip(dict.fromkeys(whole), _COLOURS * len(whole), strict=False))
    labelled: set[str] = set()
    for row in range(len(costs.names)):
        colour = colours[whole[row]]
        if math.isfinite(costs.exact[row]):
            label = "" if "exact" in labelled else "exact"
            labelled.add("exact")
            place = costs.exact[row]
            ax.plot([place, place], [row - 0.38, row + 0.38], color=colour, lw=1.6, label=label)
        if math.isfinite(costs.simulated[row]):
            label = "" if "simulated" in labelled else "simulated"
            labelled.add("simulated")
            ax.errorbar(
                costs.simulated[row],
                row,
                xerr=_ERROR_BAR * costs.stderr[row],
                fmt="o",
                markersize=4,
                capsize=2,
                color=colour,
                markerfacecolor="white",
                label=label,
            )
        if row and whole[row] != whole[row - 1]:
            ax.axhline(row - 0.5, color=GREY, linewidth=0.5, linestyle=":")
    ax.axvline(0, color=GREY, linewidth=0.6)
    ax.set_xscale("symlog", linthresh=0.01, linscale=1.0)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    labels = [f"{name}  ({bits:g})" for name, bits in zip(costs.names, costs.bits, strict=True)]
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlabel("added to the excess risk")
    ax.set_ylabel("format (bits per number)")
    ax.legend(frameon=False, fontsize=8)
    return ax.get_figure()
