"""What people look at: tables and trees."""

from qtheory.report.proofs import lemma_tree, proofs_view
from qtheory.report.rates import rates_view
from qtheory.report.tables import ledger_view, problem_view, risk_view

__all__ = ["ledger_view", "lemma_tree", "problem_view", "proofs_view", "rates_view", "risk_view"]
