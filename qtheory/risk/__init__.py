"""Exact risks: the moment recursion, its stability, and the parts of the excess risk."""

from qtheory.risk.excess import Risk, excess_risk, risk_curve
from qtheory.risk.stability import Stability, stability

__all__ = ["Risk", "Stability", "excess_risk", "risk_curve", "stability"]
