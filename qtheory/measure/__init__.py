"""Theory beside simulation: for a run, for every number format, for real data, over a grid."""

from qtheory.measure.comparison import Comparison, compare, compare_rows
from qtheory.measure.dataset import load_sweep
from qtheory.measure.format_table import FormatTable, compare_formats
from qtheory.measure.grid import Grid, load_grid
from qtheory.measure.run import sweep

__all__ = [
    "Comparison",
    "FormatTable",
    "Grid",
    "compare",
    "compare_formats",
    "compare_rows",
    "load_grid",
    "load_sweep",
    "sweep",
]
