"""The checks: certified instances, identities, measured rates, simulation, and findings."""

from qtheory.verify.check import CheckResult
from qtheory.verify.findings import Finding
from qtheory.verify.suite import Ledger, verify

__all__ = ["CheckResult", "Finding", "Ledger", "verify"]
