"""A claim of a paper beside numbers: what decides it, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

VERDICTS = ("supported", "not supported", "about the bound only", "open")

Answer = bool | None


@dataclass(frozen=True)
class Measure:
    """A number that decides whether something ``does``: from ``yes`` on; down from ``no`` not.

    >>> measure = Measure("share left", "stays", Fraction(1, 100), Fraction(1, 10), "orders of 10")
    >>> measure.says(0.2), measure.says(0.001), measure.says(0.05)
    (True, False, None)
    >>> print(measure)
    share left; from 1/10 on it stays, up to 1/100 not, between is open (orders of 10)
    """

    name: str
    does: str
    no: Fraction
    yes: Fraction
    reason: str

    def says(self, value: Any) -> Answer:
        """What this number says; a ball says nothing unless all of it does."""
        if value >= self.yes:
            return True
        return False if value <= self.no else None

    @property
    def thresholds(self) -> str:
        """From where it says yes, and up to where no, in few words."""
        return f"{self.does} from {self.yes} on, not up to {self.no}"

    def __str__(self) -> str:
        return (
            f"{self.name}; from {self.yes} on it {self.does}, up to {self.no} not, between is open "
            f"({self.reason})"
        )


def stays(what: str) -> Measure:
    """Whether a share stays of the order of one."""
    reason = "a tenth is of the same order, a hundredth is not"
    return Measure(f"share of {what}", "stays", Fraction(1, 100), Fraction(1, 10), reason)


@dataclass(frozen=True)
class Finding:
    """A claim, of what it is claimed, and what certified numbers say about it.

    ``of`` is "the risk" or "the bound", ``verdict`` one of ``VERDICTS``, ``rule`` the number that
    decides with its thresholds, ``values`` that number by where it was taken, ``measured`` the
    same in words, and ``summary`` in one sentence with its thresholds.
    """

    claim: str
    of: str
    source: str
    verdict: str
    rule: str
    measured: str
    values: Mapping[str, float]
    summary: str

    @property
    def explained(self) -> str:
        """Of what it is claimed, what decides, and what was measured, for a reader."""
        return f"Claimed of {self.of}. Measured: {self.rule}. {self.measured}."

    def as_json(self) -> dict[str, Any]:
        """The record that ``qtheory verify --json`` writes."""
        return {**vars(self), "values": dict(self.values)}


def verdict(of: Literal["the risk", "the bound"], in_bound: Answer, in_risk: Answer) -> str:
    """The verdict on a claim of the risk or of the bound, from whether it holds in each.

    >>> verdict("the bound", in_bound=True, in_risk=False)
    'about the bound only'
    >>> verdict("the risk", in_bound=False, in_risk=True)
    'supported'
    """
    if of == "the bound" and in_bound is not True:
        return "open" if in_bound is None else "not supported"
    if in_risk is None:
        return "open"
    if in_risk:
        return "supported"
    return "about the bound only" if in_bound else "not supported"


def percent(share: Any) -> str:
    """Two digits of it, and three of what is near 1.

    >>> percent(0.0123), percent(0.9996)
    ('1.2%', '100%')
    """
    return f"{100 * float(share):.{2 if share < 0.995 else 3}g}%"


def negated(answer: Answer) -> Answer:
    """The answer to the opposite; open stays open."""
    return None if answer is None else not answer
