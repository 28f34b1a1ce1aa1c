"""Simulation of the real update."""

from qtheory.simulate.update import Estimate, simulate

__all__ = ["Estimate", "simulate"]
