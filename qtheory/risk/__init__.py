"""Exact risks: the moment recursion, its stability, its derivatives, and the parts of the risk."""

from qtheory.risk.excess import Risk, excess_risk, risk_curve
from qtheory.risk.sensitivity import Sensitivity, sensitivity
from qtheory.risk.stability import Stability, stability

__all__ = [
    "Risk",
    "Sensitivity",
    "Stability",
    "excess_risk",
    "risk_curve",
    "sensitivity",
    "stability",
]
