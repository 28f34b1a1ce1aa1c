"""Simulation of the real update."""

from qtheory.simulate.estimate import Estimate
from qtheory.simulate.ranges import Ranges, calibrate, ranges
from qtheory.simulate.update import simulate, simulate_rows

__all__ = ["Estimate", "Ranges", "calibrate", "ranges", "simulate", "simulate_rows"]
