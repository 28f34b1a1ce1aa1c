"""How a budget is best spent on features, samples and bits: the compute-optimal frontier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from qtheory.asymptotics.equivalent import EquivalentRisk, equivalent_risk
from qtheory.asymptotics.sketch import MOST_FEATURES
from qtheory.errors import InvalidArgumentError, UnstableError
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization, scheme_named
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.arrays import sequence
from qtheory.numbers.display import html_table
from qtheory.numbers.exact import Number, require_numeric, whole
from qtheory.numbers.golden import minimum
from qtheory.risk.cost import MOST_STEPS

_LARGEST_BUDGET = 10**15
_MOST_BITS = 52
# Features are tried this far apart first, then by golden section to this part of log M.
_COARSE = 4
_NEAR = 0.05


@dataclass(frozen=True, eq=False)
class BudgetSplit:
    """The features, steps and bits on which a budget is best spent, by the equivalent risk.

    Attributes
    ----------
    budget
        size * samples, times ``bits`` where these are chosen too.
    size
        M, to about 5 %: the risk is flat at its minimum.
    steps
        N, of ``batch`` samples each.
    bits
        Of the data, whose errors have the variance 4^-bits; None where they are given.
    risk
        The equivalent risk there.
    """

    budget: int
    size: int
    steps: int
    bits: int | None
    risk: EquivalentRisk

    def as_json(self) -> dict[str, Any]:
        """Its numbers by their names."""
        return {**vars(self), "risk": self.risk.as_json()}

    def __str__(self) -> str:
        return "\n".join(f"{name:<20}{value}" for name, value in self._rows())

    def _repr_html_(self) -> str:
        return html_table("A budget, by the equivalent risk", self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        bits = [] if self.bits is None else [("bits", str(self.bits))]
        return [
            ("budget", f"{self.budget:.6g}"),
            ("size", str(self.size)),
            ("steps", str(self.steps)),
            *bits,
            ("equivalent risk", f"{self.risk.total:.6g}"),
        ]


def allocate(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    *,
    budget: Number,
    scheme: str | None = None,
) -> BudgetSplit:
    r"""The number of features M, of steps N and of bits with the smallest equivalent risk.

    The budget is spent on M features times N B samples; with a ``scheme`` each feature of each
    sample has k bits, which cost k times as much. The risk is that of :func:`equivalent_risk`,
    averaged over sketches: neither it nor this choice is certified. M is searched at powers of 4,
    then near the best of them; bits one by one, until another one does not pay.

    Parameters
    ----------
    problem, quantization
        As for :func:`equivalent_risk`.
    sgd
        Its stepsize, batch and output; the number of steps follows from the budget.
    budget
        At most 10^15.
    scheme
        ``"additive"`` or ``"shared"``: the data have errors of this kind and of variance 4^-k with
        k bits, in place of those of ``quantization``. None for a budget without bits.

    Raises
    ------
    HypothesisError
        If data or parameter errors see the rotation of the features.
    UnstableError
        If the noise feeds itself whatever M is.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    >>> sgd = qt.SGD("0.1", steps=1, output="last")
    >>> print(qt.allocate(problem, qt.Quantization(), sgd, budget=10**5))
    budget              100000
    size                66
    steps               1515
    equivalent risk     0.0863687
    """
    budget = whole(budget, "budget", 1, _LARGEST_BUDGET)
    require_numeric(sgd.batch, "batch")
    if sgd.batch > budget:
        raise InvalidArgumentError("budget", budget, f"at least the batch, {sgd.batch}")
    run = Run(problem, quantization, sgd)
    if scheme is None:
        return _best_size(run, budget)
    model = scheme_named(scheme)
    best: BudgetSplit | None = None
    for bits in range(1, min(_MOST_BITS, budget // int(sgd.batch)) + 1):
        rounded = replace(quantization, data=model(sp.Rational(1, 4**bits)))
        try:
            here = _best_size(Run(problem, rounded, sgd), budget, bits, best.size if best else None)
        except UnstableError:
            continue
        if best is not None and here.risk.total >= best.risk.total:
            break
        best = here
    if best is None:
        raise UnstableError(f"stepsize is {sgd.stepsize}: the noise feeds itself for all bits")
    return best


def frontier(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    *,
    budgets: Sequence[Number],
    scheme: str | None = None,
) -> list[BudgetSplit]:
    """The best splits of several budgets, as :func:`allocate` finds them.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    >>> sgd = qt.SGD("0.1", steps=1, output="last")
    >>> found = frontier(problem, qt.Quantization(), sgd, budgets=[10**3, 10**5])
    >>> [split.steps > split.size for split in found]
    [True, True]
    """
    wanted = sequence(budgets, "budgets", "a sequence of at least one budget")
    return [allocate(problem, quantization, sgd, budget=each, scheme=scheme) for each in wanted]


def _best_size(
    run: Run, budget: int, bits: int | None = None, near: int | None = None
) -> BudgetSplit:
    """The best split for given bits, looked for near an M where one is known."""
    cost = int(run.sgd.batch) * (bits or 1)
    most = min(budget // cost, MOST_FEATURES)
    found: dict[int, BudgetSplit] = {}

    def total(size: int) -> float:
        if size not in found:
            steps = min(budget // (cost * size), MOST_STEPS)
            try:
                risk = equivalent_risk(*run.with_steps(steps), size=size)
            except UnstableError:
                return math.inf
            found[size] = BudgetSplit(budget, size, steps, bits, risk)
        return found[size].risk.total

    if near is None:
        tried = {min(_COARSE**k, most) for k in range(most.bit_length() // 2 + 2)}
    else:
        tried = {max(1, min(round(near * _COARSE**k), most)) for k in (-1, 0, 1)}
    best = min(sorted(tried), key=total)
    ends = (math.log(max(1, best // _COARSE)), math.log(min(best * _COARSE, most)))
    minimum(lambda log: total(round(math.exp(log))), *ends, _NEAR)
    if not found:
        raise UnstableError(
            f"stepsize is {run.sgd.stepsize}, at which the noise feeds itself for every size"
        )
    return min(found.values(), key=lambda split: (split.risk.total, split.size))
