"""Claims of the paper held against exact risks: what is borne out and what is not."""

from __future__ import annotations

from dataclasses import dataclass

from qtheory.model import TARGETS, Quantization
from qtheory.risk import Risk, excess_risk
from qtheory.theory import upper_bound
from qtheory.verify.experiments import BATCHES, DIMENSIONS, EPSILONS, STEPS, Experiment

__all__ = ["Finding", "findings"]

PAPER = "Zhang, Su, Zou, arXiv:2510.18259"


@dataclass(frozen=True)
class Finding:
    """A claim, and what the exact numbers say about it.

    ``verdict`` is "borne out" or "not borne out", for these experiments.
    """

    claim: str
    source: str
    verdict: str
    measured: str

    def as_json(self) -> dict[str, str]:
        """The record that ``qtheory verify --json`` writes."""
        return {
            "claim": self.claim,
            "source": self.source,
            "verdict": self.verdict,
            "measured": self.measured,
        }


def findings(steps: int = STEPS) -> list[Finding]:
    """Every claim that these experiments can speak about, from float64 exact risks."""
    level = EPSILONS[-1]
    dims = (DIMENSIONS[0], 200, DIMENSIONS[-1])
    risks = {
        (scheme, dim, batch): _risk(Experiment(scheme, level, dim, batch, steps))
        for scheme in ("none", "additive", "shared")
        for dim in dims
        for batch in BATCHES
    }
    return [
        _growth_with_dimension("additive", risks, level),
        _growth_with_dimension("shared", risks, level),
        _approximation_is_no_floor(risks["additive", 200, 1], level),
        _batch_suppresses("additive", risks, level),
        _batch_suppresses("shared", risks, level),
    ]


def _risk(experiment: Experiment) -> Risk:
    return excess_risk(experiment.problem, experiment.quantization, experiment.sgd)


def _growth_with_dimension(
    scheme: str, risks: dict[tuple[str, int, int], Risk], level: str
) -> Finding:
    low, high = DIMENSIONS[0], DIMENSIONS[-1]
    shares = []
    for batch in BATCHES:
        growth = risks[scheme, high, batch].total - risks[scheme, low, batch].total
        baseline = risks["none", high, batch].total - risks["none", low, batch].total
        shares.append((batch, float(growth), float(baseline / growth)))
    rising = scheme == "additive"
    claim = (
        "At fixed eps additive quantization makes the risk grow with the dimension."
        if rising
        else "At fixed eps multiplicative quantization adds a risk that does not grow with d."
    )
    measured = "; ".join(
        f"B={batch}: R grows by {growth:.6f} from d={low} to d={high}, and {100 * share:.1f}% "
        "of that is the full-precision baseline's own growth"
        for batch, growth, share in shares
    )
    # The claim about the scheme concerns what the scheme adds, so the baseline is taken off.
    if rising:
        verdict = "not borne out" if all(share >= 0.85 for *_, share in shares) else "borne out"
    else:
        flat = all(abs(share - 1) <= 0.01 for *_, share in shares)
        verdict = "borne out" if flat else "not borne out"
    return Finding(
        f"{claim} (eps = {level})", f"{PAPER}, experiments on the dimension", verdict, measured
    )


def _approximation_is_no_floor(risk: Risk, level: str) -> Finding:
    exceeds = risk.approximation > risk.total
    return Finding(
        f"The approximation term A is what additive data errors leave behind. (eps = {level})",
        f"{PAPER}, excess risk decomposition",
        "not borne out" if exceeds else "borne out",
        f"A = {risk.approximation:.6f}, the exact risk is {risk.total:.6f} and the true floor is "
        f"F = {risk.floor:.6f}: A is an upper estimate, since -W is dropped",
    )


def _batch_suppresses(scheme: str, risks: dict[tuple[str, int, int], Risk], level: str) -> Finding:
    small, large = BATCHES
    before, after = (risks[scheme, 200, batch].by_target for batch in BATCHES)
    factors = {target: float(before[target] / after[target]) for target in TARGETS[1:]}
    suppressed = min(factors.values()) >= large / 4
    shown = ", ".join(f"{target} {factor:.1f}" for target, factor in factors.items())
    if scheme == "additive":
        claim = "The batch suppresses the noise of additive quantization."
        verdict = "borne out" if suppressed else "not borne out"
    else:
        claim = "The batch does not suppress the noise of shared multiplicative quantization."
        verdict = "not borne out" if suppressed else "borne out"
    return Finding(
        f"{claim} (eps = {level})",
        f"{PAPER}, contrast of the two schemes",
        verdict,
        f"exact risk that each target adds falls from B={small} to B={large} by the factors "
        f"{shown}; in the bound T4 what label errors add falls by "
        f"{_fall_of_label_noise_in_bound(scheme, risks, level):.1f}",
    )


def _fall_of_label_noise_in_bound(
    scheme: str, risks: dict[tuple[str, int, int], Risk], level: str
) -> float:
    """What label errors alone add to the paper's bound, smallest batch over largest."""
    added = []
    for batch in BATCHES:
        exact = risks["none", 200, batch]
        label = risks[scheme, 200, batch].quantization.label
        with_label, without = (
            upper_bound(exact.problem, quantization, exact.sgd, form="paper").variance
            for quantization in (Quantization(label=label), Quantization())
        )
        added.append(float(with_label - without))
    return added[0] / added[1]
