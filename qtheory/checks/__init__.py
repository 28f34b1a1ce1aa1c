"""The checks: certified instances, identities, measured rates, simulation, and findings."""

from qtheory.checks.check import CheckResult
from qtheory.checks.suite import Ledger, verify
from qtheory.paper.finding import Finding

__all__ = ["CheckResult", "Finding", "Ledger", "verify"]
