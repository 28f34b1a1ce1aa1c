"""Every theorem proved anew."""

from __future__ import annotations

from qtheory.checks.check import CheckResult
from qtheory.errors import ProofError, UndecidedError
from qtheory.theory.replay import PROOFS, Replay


def proofs_replayed() -> list[CheckResult]:
    """Every theorem proved anew, as checks of ``qtheory verify``."""
    replay, found = Replay(), []
    for name in PROOFS:
        try:
            record = replay.prove(name)
            detail = f"{record.label}: {record.steps} lemmas, {len(record.axioms)} axioms"
            values = {
                "theorem": name,
                "label": record.label,
                "lemmas": record.steps,
                "axioms": len(record.axioms),
            }
            found.append(CheckResult.of(f"proof/{name}", "proof", record.checked, detail, values))
        except UndecidedError as error:
            found.append(CheckResult(f"proof/{name}", "proof", "unknown", str(error)))
        except ProofError as error:
            found.append(CheckResult.of(f"proof/{name}", "proof", False, str(error)))
    return found
