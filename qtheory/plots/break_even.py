"""Floating point against integers: the excess risk at every number of bits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qtheory.measure.comparison import theory
from qtheory.model import SGD, TARGETS, Additive, ErrorModel, Multiplicative, Problem, Quantization
from qtheory.model.quantization import targets_named
from qtheory.model.run import Run
from qtheory.numbers.arrays import sequence
from qtheory.numbers.exact import whole
from qtheory.plots.style import BLUE, GREY, ORANGE, axes

_MOST_BITS = 400


@dataclass(frozen=True)
class BreakEvenCurves:
    """Exact risks: of floating point by mantissa bits, of integers by bits, and of neither.

    Infinite where the errors make the run unstable.
    """

    bits: tuple[int, ...]
    floating: tuple[float, ...]
    integer: tuple[float, ...]
    full: float


def break_even_curves(
    problem: Problem,
    sgd: SGD,
    bits: Sequence[int] = tuple(range(1, 13)),
    targets: str | Iterable[str] = TARGETS,
) -> BreakEvenCurves:
    """The exact risks with eps = 4^-m, elementwise multiplicative, and eps = 4^-b, additive.

    Examples
    --------
    >>> import qtheory as qt
    >>> curves = break_even_curves(qt.Problem(dim=50), qt.SGD("0.1", steps=500), bits=(2, 6))
    >>> curves.floating[0] < curves.integer[0], curves.full < curves.floating[1]
    (True, True)
    """
    names = targets_named(targets)
    widths = tuple(
        whole(width, "bits", 0, _MOST_BITS)
        for width in sequence(bits, "bits", "a sequence of numbers of bits")
    )

    def of(model: ErrorModel) -> float:
        return theory(Run(problem, Quantization(**dict.fromkeys(names, model)), sgd))

    return BreakEvenCurves(
        widths,
        tuple(of(Multiplicative(f"1/{4**b}", coupling="elementwise")) for b in widths),
        tuple(of(Additive(f"1/{4**b}")) for b in widths),
        of(ErrorModel()),
    )


def break_even(
    problem: Problem,
    sgd: SGD,
    bits: Sequence[int] = tuple(range(1, 13)),
    targets: str | Iterable[str] = TARGETS,
) -> Any:
    """What quantization adds to the risk, in floating point and in integers (T10).

    Parameters
    ----------
    problem, sgd
        The run.
    bits
        Mantissa bits of the floating point, and bits of the integers.
    targets
        Which targets are quantized.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import qtheory as qt
    >>> figure = break_even(qt.Problem(dim=50), qt.SGD("0.1", steps=500))
    >>> [line.get_label() for line in figure.axes[0].lines[:2]]
    ['floating point, by mantissa bits', 'integers']
    """
    curves = break_even_curves(problem, sgd, bits, targets)
    ax = axes()
    for values, colour, marker, label in (
        (curves.floating, BLUE, "o", "floating point, by mantissa bits"),
        (curves.integer, ORANGE, "s", "integers"),
    ):
        shown = [value if math.isfinite(value) else math.nan for value in values]
        ax.plot(curves.bits, shown, color=colour, marker=marker, markersize=4, label=label)
    ax.axhline(curves.full, color=GREY, linestyle=":", label="full precision")
    ax.set_yscale("log")
    ax.set_xlabel("bits")
    ax.set_ylabel("excess risk E R")
    ax.legend(frameon=False, fontsize=8)
    return ax.get_figure()
