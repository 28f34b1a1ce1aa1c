"""Claims of the paper beside exact risks and bounds: what is supported, and of what.

A claim is turned into one number, with a value from which it says yes and one down from which it
says no; in between it says nothing. The same two values judge a claim and its opposite, and they
are printed with every verdict. The number is taken from the paper's bound and from the exact risk,
both certified: a claim may be true of the one and not of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

from qtheory.errors import UnstableError
from qtheory.model import Quantization
from qtheory.model.run import Run
from qtheory.paper.experiments import BATCHES, DIMENSIONS, EPSILONS, STEPS, Experiment
from qtheory.paper.finding import Answer, Finding, Measure, negated, percent, stays, verdict
from qtheory.paper.sequel import sequel_findings
from qtheory.risk import excess_risk
from qtheory.theory import upper_bound

DIGITS = 12
#: Of risks whose differences are compared to a percent.
_DIGITS_OF_GROWTH = 9
PAPER = "Zhang, Su, Zou, arXiv:2510.18259"

_LEVEL = EPSILONS[-1]
#: Where the edge of stability is looked for; past the last one no run here is stable.
_EDGES = tuple(450 * 2**k for k in range(7))
#: So large that 1/B is nothing beside what a batch leaves.
_LARGE_BATCH = 10**6
#: As many times longer than the experiments, for what a claim says of N that grows.
_LONGER = 1000
#: The errors on which the paper's bound tells the schemes apart. Those of parameters are made once
#: for all samples of a batch, and no scheme's bound loses them.
_TOLD_APART = ("label", "activation", "gradient")

#: The claims are of growth like d, and of a sum that settles like 1/d, which is what the
#: coordinates past d still add. Where neither is true, as for log d, the rises are equal; the
#: thresholds are reciprocal, each about halfway from there to a claim.
GROWTH = Measure(
    "the rise of what quantization adds when d grows by 3/2, over its rise in the 3/2 before",
    "grows",
    Fraction(4, 5),
    Fraction(5, 4),
    "d gives 3/2, log d gives 1, what settles like 1/d gives 2/3",
)


#: F / A: a small eps tells A of order eps from a floor of order eps^2.
FLOOR = stays("A that is left in the risk, as its floor F, when N grows")
#: What is of the order of the effective dimension over N stays a share when N grows; 1/N does not.
BATCH = stays(f"the noise at B=1 that is left at B={_LARGE_BATCH}, at the larger N")


def findings(steps: int = STEPS) -> list[Finding]:
    """Every claim that numbers here can speak about: of the paper, then of its sequel."""
    numbers = _Numbers(steps)
    return [
        *(_growth_with_dimension(scheme, numbers) for scheme in ("additive", "shared")),
        *(_approximation(scheme, steps) for scheme in ("additive", "shared")),
        *(_what_batches_leave(scheme, steps) for scheme in ("additive", "shared")),
        *sequel_findings(),
    ]


def _risk(run: Run, digits: int = DIGITS) -> Any:
    return excess_risk(*run, digits=digits).total


def _bound(run: Run) -> Any:
    return upper_bound(*run, digits=DIGITS, form="paper").total


def _word(scheme: str) -> str:
    return "shared multiplicative" if scheme == "shared" else scheme


# --- growth with the dimension -------------------------------------------------------------------


@dataclass(frozen=True)
class _Numbers:
    """Risks and bounds of the experiments; a baseline serves several claims and is kept."""

    steps: int
    risk: Callable[[Experiment], Any] = field(
        default_factory=lambda: cache(lambda experiment: _risk(experiment.run, _DIGITS_OF_GROWTH))
    )
    bound: Callable[[Experiment], Any] = field(
        default_factory=lambda: cache(lambda experiment: _bound(experiment.run))
    )

    def added(self, total: Callable[[Experiment], Any], scheme: str, dim: int, batch: int) -> Any:
        """What the scheme adds to what is there without quantization."""
        quantized = total(Experiment(scheme, _LEVEL, dim, batch, self.steps))
        return quantized - total(Experiment("none", "0", dim, batch, self.steps))

    def baseline_growth(self, low: int, high: int, batch: int) -> float:
        """How much the risk without quantization grows with the dimension."""
        small, large = (
            self.risk(Experiment("none", "0", d, batch, self.steps)) for d in (low, high)
        )
        return float(large - small)

    def edge(self, batch: int) -> int:
        """The last of ``_EDGES`` at which the run with additive errors is stable."""

        def is_stable(dim: int) -> bool:
            try:
                self.risk(Experiment("additive", _LEVEL, dim, batch, self.steps))
            except UnstableError:
                return False
            return True

        return next(dim for dim in reversed(_EDGES) if is_stable(dim))


def _rise(values: Sequence[Any]) -> Any:
    """The second rise over the first; 0 where nothing rises, infinite where nothing did."""
    first, second = values[1] - values[0], values[2] - values[1]
    if second <= 0:
        return 0
    return math.inf if first <= 0 else second / first


def _growth_with_dimension(scheme: str, numbers: _Numbers) -> Finding:
    """Growth beyond the baseline's, up to the edge of stability that additive errors have.

    The bound is read off at smaller d, since its hypotheses end before the risk does.
    """
    grows = scheme == "additive"
    low = DIMENSIONS[0]
    values: dict[str, float] = {}
    measured, in_risk, in_bound = [], [], []
    for batch in BATCHES:
        edge = numbers.edge(batch)
        added = {
            dim: numbers.added(numbers.risk, scheme, dim, batch)
            for dim in (low, *_three_up_to(edge))
        }
        of_risk = _rise([added[dim] for dim in _three_up_to(edge)])
        of_bound = _rise(
            [numbers.added(numbers.bound, scheme, d, batch) for d in _three_up_to(_EDGES[0])]
        )
        in_risk.append(GROWTH.says(of_risk))
        in_bound.append(GROWTH.says(of_bound))
        values |= {f"rise/risk/B={batch}": float(of_risk), f"rise/bound/B={batch}": float(of_bound)}
        values |= {f"added/B={batch}/d={dim}": float(value) for dim, value in added.items()}
        measured.append(
            f"B={batch}: {float(of_risk):.2f} up to d={edge} ({float(of_bound):.2f} in the bound "
            f"up to d={_EDGES[0]}), where it adds {float(added[edge]):.6f} (at d={low} "
            f"{float(added[low]):.6f}); from there the risk without quantization grows by "
            f"{numbers.baseline_growth(low, edge, batch):.6f}"
            + (f"; at d={2 * edge} additive errors are unstable" if grows else "")
        )
    answers = _in_all(in_bound), _in_all(in_risk)
    rises = {
        name: ", ".join(f"{values[f'rise/{name}/B={batch}']:.2f}" for batch in BATCHES)
        for name in ("risk", "bound")
    }
    claim = (
        "At fixed eps additive quantization makes the risk grow with the dimension."
        if grows
        else "At fixed eps multiplicative quantization adds a risk that does not grow with d."
    )
    return Finding(
        f"{claim} (eps = {_LEVEL})",
        "the risk",
        f"{PAPER}, experiments on the dimension",
        verdict("the risk", *(answers if grows else map(negated, answers))),
        str(GROWTH),
        "; ".join(measured),
        values,
        f"Its rise over the one before, at B = {', '.join(map(str, BATCHES))}: {rises['risk']} "
        f"(in the bound {rises['bound']}); {GROWTH.thresholds}.",
    )


def _three_up_to(dim: int) -> tuple[int, int, int]:
    """Each 3/2 times the one before."""
    return dim * 4 // 9, dim * 2 // 3, dim


def _in_all(answers: Sequence[Answer]) -> Answer:
    """What all of them say, if they agree."""
    return answers[0] if len(set(answers)) == 1 else None


# --- the approximation term ----------------------------------------------------------------------


def _approximation(scheme: str, steps: int) -> Finding:
    """A, beside the floor F that the risk goes down to as N grows (without quantization to 0)."""
    level = EPSILONS[0]
    experiment = Experiment(scheme, level, 200, 1, steps)
    risk = excess_risk(*experiment.run, digits=DIGITS)
    left = risk.floor / risk.approximation
    return Finding(
        f'{_word(scheme).capitalize()} data quantization "introduces additional approximation '
        f'error", of the size of A in the bound. (eps = {level})',
        "the bound",
        f"{PAPER}, abstract and excess risk decomposition",
        verdict("the bound", bool(risk.approximation > 0), FLOOR.says(left)),
        str(FLOOR),
        f"{percent(left)}: A = {float(risk.approximation):.3g}, F = {float(risk.floor):.3g}, "
        f"since the bound drops the term W; at N={steps} the exact risk is {float(risk.total):.4f}",
        {
            "share/risk": float(left),
            "approximation": float(risk.approximation),
            "floor": float(risk.floor),
        },
        f"Left of A in the risk as N grows: {percent(left)}; {FLOOR.thresholds}.",
    )


# --- what large batches leave --------------------------------------------------------------------


def _what_batches_leave(scheme: str, steps: int) -> Finding:
    """Of what label, activation and gradient errors add at B = 1, the share that batches leave."""
    counts = steps, _LONGER * steps
    shares = {
        (name, count): _share_left(total, scheme, count)
        for name, total in (("bound", _bound), ("risk", _risk))
        for count in counts
    }
    answers = [BATCH.says(shares[name, counts[1]]) for name in ("bound", "risk")]
    if scheme == "additive":
        claim, answers = "The batch suppresses", [negated(answer) for answer in answers]
    else:
        claim = "The batch does not suppress"
    shown = [f"{percent(share)} in the {name} at N={n}" for (name, n), share in shares.items()]
    return Finding(
        f"{claim} the noise of {_word(scheme)} quantization. (label, activation and gradient; "
        f"eps = {_LEVEL})",
        "the bound",
        f"{PAPER}, contrast of the two schemes",
        verdict("the bound", *answers),
        str(BATCH),
        "; ".join(shown),
        {f"share/{name}/N={count}": float(share) for (name, count), share in shares.items()},
        f"Left at B = {_LARGE_BATCH}: {percent(shares['risk', counts[1]])} (in the bound "
        f"{percent(shares['bound', counts[1]])}); {BATCH.thresholds}.",
    )


def _share_left(total: Callable[..., Any], scheme: str, steps: int) -> Any:
    added = []
    for batch in (1, _LARGE_BATCH):
        problem, quantization, sgd = Experiment(scheme, _LEVEL, 100, batch, steps).run
        kept = {target: getattr(quantization, target) for target in _TOLD_APART}
        with_errors, without = (
            total(Run(problem, each, sgd)) for each in (Quantization(**kept), Quantization())
        )
        added.append(with_errors - without)
    return added[1] / added[0]
