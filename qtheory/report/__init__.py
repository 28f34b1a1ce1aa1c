"""What people look at: tables and trees."""

from qtheory.report.formats import (
    comparison_view,
    comparisons_view,
    format_view,
    formats_view,
)
from qtheory.report.ledger import ledger_view
from qtheory.report.proofs import lemma_tree, proofs_view
from qtheory.report.rates import rates_view
from qtheory.report.tables import problem_view, risk_view

__all__ = [
    "comparison_view",
    "comparisons_view",
    "format_view",
    "formats_view",
    "ledger_view",
    "lemma_tree",
    "problem_view",
    "proofs_view",
    "rates_view",
    "risk_view",
]
