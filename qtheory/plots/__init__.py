"""Plots that a paper could print: one look, colours that colour-blind readers tell apart.

Every plot has a function for its numbers and one that draws them and returns a matplotlib figure.
"""

from qtheory.plots.break_even import BreakEvenCurves, break_even, break_even_curves
from qtheory.plots.formats import FormatCosts, format_costs, formats
from qtheory.plots.frontier import frontier
from qtheory.plots.model_size import ModelSizeCurves, model_size, model_size_curves
from qtheory.plots.risk import RiskCurves, risk, risk_curves
from qtheory.plots.schedules import (
    ScheduleCurves,
    draw_schedules,
    schedule_curves,
    schedules,
)
from qtheory.plots.spectra import SpectrumCurves, spectra, spectrum_curves
from qtheory.plots.tightness import Tightness, tightness, tightness_sample
from qtheory.plots.waterfall import Waterfall, waterfall, waterfall_bars

__all__ = [
    "BreakEvenCurves",
    "FormatCosts",
    "ModelSizeCurves",
    "RiskCurves",
    "ScheduleCurves",
    "SpectrumCurves",
    "Tightness",
    "Waterfall",
    "break_even",
    "break_even_curves",
    "draw_schedules",
    "format_costs",
    "formats",
    "frontier",
    "model_size",
    "model_size_curves",
    "risk",
    "risk_curves",
    "schedule_curves",
    "schedules",
    "spectra",
    "spectrum_curves",
    "tightness",
    "tightness_sample",
    "waterfall",
    "waterfall_bars",
]


def __dir__() -> list[str]:
    """What is for users, so that tab completion shows nothing else."""
    return __all__
