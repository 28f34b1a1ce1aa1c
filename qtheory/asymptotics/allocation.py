"""T12: how to split a number of bits over the five targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import sympy as sp

from qtheory.errors import HypothesisError, UnstableError
from qtheory.model.problem import Problem
from qtheory.model.quantization import TARGETS, Quantization, scheme_named
from qtheory.model.sgd import SGD
from qtheory.numbers.exact import whole
from qtheory.risk import excess_risk
from qtheory.theory import upper_bound

_MOST_BITS = 400


@dataclass(frozen=True)
class Allocation:
    """Bits per target, with the bound and the exact risk beside those of the uniform split.

    No move of one bit from one target to another lowers the bound (the errors' parts of the bound
    fall by a factor of about 4 per bit, so such a split is the best one up to their interaction).
    """

    bits: dict[str, int]
    bound: float
    risk: float
    uniform_bits: dict[str, int]
    uniform_bound: float
    uniform_risk: float

    def __str__(self) -> str:
        lines = [f"{'target':12} {'bits':>5} {'uniform':>8}"]
        lines += [f"{t:12} {self.bits[t]:5} {self.uniform_bits[t]:8}" for t in TARGETS]
        lines.append(f"{'upper bound':12} {self.bound:.6g} {self.uniform_bound:.6g}")
        lines.append(f"{'exact risk':12} {self.risk:.6g} {self.uniform_risk:.6g}")
        return "\n".join(lines)


def allocate_bits(problem: Problem, sgd: SGD, bits: int, scheme: str = "additive") -> Allocation:
    """The split of ``bits`` over the five targets that minimises the upper bound.

    A target with k bits has errors of variance 4^-k, in the scheme's model. Bits are given one by
    one to the target where the bound falls most, then moved while that lowers the bound.

    Parameters
    ----------
    problem, sgd
        All numeric, finite dimension.
    bits
        In all, at least 0; a target may get none (eps = 1).
    scheme
        ``"additive"``, ``"shared"`` or ``"elementwise"``.

    Raises
    ------
    HypothesisError
        If no split makes the hypotheses of the bound hold.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=20, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
    >>> found = qt.allocate_bits(problem, qt.SGD(stepsize="0.1", steps=500), bits=20)
    >>> sum(found.bits.values()), found.bound <= found.uniform_bound
    (20, True)
    """
    model = scheme_named(scheme)
    bits = whole(bits, "bits", 0, _MOST_BITS)

    def quantization(split: tuple[int, ...]) -> Quantization:
        levels = [model(sp.Rational(1, 4**k)) for k in split]
        return Quantization(**dict(zip(TARGETS, levels, strict=True)))

    known: dict[tuple[int, ...], float] = {}

    def bound(split: tuple[int, ...]) -> float:
        if split not in known:
            try:
                known[split] = float(upper_bound(problem, quantization(split), sgd).total)
            except HypothesisError:
                known[split] = float("inf")
        return known[split]

    def risk(split: tuple[int, ...]) -> float:
        try:
            return float(excess_risk(problem, quantization(split), sgd).total)
        except UnstableError:
            return float("inf")

    share, rest = divmod(bits, len(TARGETS))
    uniform = tuple(share + (k < rest) for k in range(len(TARGETS)))
    best = min((_greedy(bound, bits), uniform), key=bound)
    best = _exchanged(bound, best)
    if bound(best) == float("inf"):
        raise HypothesisError(
            f"bits is {bits}, but no split of so few bits makes the hypotheses of the bound hold"
        )
    return Allocation(
        dict(zip(TARGETS, best, strict=True)),
        bound(best),
        risk(best),
        dict(zip(TARGETS, uniform, strict=True)),
        bound(uniform),
        risk(uniform),
    )


def _greedy(bound: Callable[[tuple[int, ...]], float], bits: int) -> tuple[int, ...]:
    split = (0,) * len(TARGETS)
    for _ in range(bits):
        # While no bound applies, the target with the fewest bits is served first.
        split = min(
            (_moved(split, None, k) for k in range(len(TARGETS))),
            key=lambda s: (bound(s), max(s)),
        )
    return split


def _exchanged(
    bound: Callable[[tuple[int, ...]], float], split: tuple[int, ...]
) -> tuple[int, ...]:
    """Move bits one by one while that lowers the bound."""
    while True:
        moves = [
            _moved(split, source, sink)
            for source, sink in permutations(range(len(TARGETS)), 2)
            if split[source]
        ]
        best = min(moves, key=bound, default=split)
        if not bound(best) < bound(split):
            return split
        split = best


def _moved(split: tuple[int, ...], source: int | None, sink: int) -> tuple[int, ...]:
    return tuple(k + (j == sink) - (j == source) for j, k in enumerate(split))
