"""What people look at: tables."""

from qtheory.report.tables import ledger_view, problem_view, risk_view

__all__ = ["ledger_view", "problem_view", "risk_view"]
