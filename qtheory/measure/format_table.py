"""Number formats side by side on one problem: what each costs, and which to take at equal bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias, overload

import numpy as np

from qtheory.errors import InvalidArgumentError
from qtheory.measure.comparison import Comparison, theory, theory_if_any
from qtheory.model import formats
from qtheory.model.number_format import NumberFormat
from qtheory.model.problem import Problem
from qtheory.model.quantization import STORED, TARGETS, VECTORS, Quantization, targets_named
from qtheory.model.quantizer import Rounding, rounding_of
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.arrays import sequence
from qtheory.simulate.blocks import sampling
from qtheory.simulate.estimate import Estimate, Welford
from qtheory.simulate.ranges import Ranges, pilot, ranges, scaled
from qtheory.simulate.update import risks

Quantizers: TypeAlias = str | NumberFormat | Rounding

_METHODS = ("both", "exact")
# From so many standard errors on one format is said to cost less than another.
_TOLD_APART = 3
# Parts of a format that is done, as progress counts them.
_PARTS = 1000


@dataclass(frozen=True)
class FormatTable(Sequence[Comparison]):
    """The rows of :func:`compare_formats`, in the order asked for, and what they cost.

    Parameters
    ----------
    rows
        One comparison for each format.
    exact
        The exact excess risk without quantization.
    costs
        What each format adds to the excess risk, as a part of ``exact``, with its standard error:
        simulated on the same data as a run without quantization and paired with it, or, with
        standard error 0, from the exact risk where nothing was simulated. It is negative where
        quantization helps.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=16, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> wanted = ["int4", "mxfp4", "nvfp4"]
    >>> table = qt.compare_formats(problem, qt.SGD("0.1", steps=200), wanted, targets="data")
    >>> [str(bits) for bits in table.bits]
    ['4', '17/4', '9/2']
    >>> table.advice.startswith("4 bits: nvfp4")
    True
    """

    rows: tuple[Comparison, ...]
    exact: float
    costs: tuple[Estimate, ...]

    @overload
    def __getitem__(self, index: int) -> Comparison: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Comparison, ...]: ...
    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.rows)

    @property
    def bits(self) -> tuple[Fraction, ...]:
        """What a number takes in each format, the scale of its block included.

        Per number of a long vector if a vector is quantized, otherwise for one number by itself,
        which has a scale of its own in a block format.
        """
        return tuple(_bits(row.quantization) for row in self.rows)

    @property
    def at_bits(self) -> dict[int, list[int]]:
        """The places of the rows by whole bits per number (4.25 counts as 4), cheapest first."""
        found: dict[int, list[int]] = {}
        for place in sorted(range(len(self)), key=lambda each: self._order(each)):
            found.setdefault(math.floor(self.bits[place]), []).append(place)
        return dict(sorted(found.items(), reverse=True))

    @property
    def advice(self) -> str:
        """Which format costs least, for each number of bits: one line."""
        parts = []
        for bits, places in self.at_bits.items():
            best, *others = places
            cost = self.costs[best]
            if not math.isfinite(cost.mean):
                parts.append(f"{bits} bits: no format is stable")
                continue
            text = f"{bits} bits: {self[best].name} ({cost.mean:+.2%})"
            near = [self[place].name for place in others if not self._dearer(place, best)]
            if near:
                text += f", not told apart from {', '.join(near)}"
            parts.append(text)
        return "; ".join(parts)

    def _order(self, place: int) -> float:
        mean = self.costs[place].mean
        return math.inf if math.isnan(mean) else mean

    def _dearer(self, place: int, best: int) -> bool:
        one, other = self.costs[place], self.costs[best]
        if not math.isfinite(one.mean):
            return True
        return one.mean - other.mean > _TOLD_APART * math.hypot(one.stderr, other.stderr)

    def as_json(self) -> list[dict[str, Any]]:
        """The rows, each with its bits and its cost."""
        return [
            row.as_json() | {"bits": str(bits), "cost": cost.mean, "cost_stderr": cost.stderr}
            for row, bits, cost in zip(self.rows, self.bits, self.costs, strict=True)
        ]

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'format':{width}}   bits      cost         risk  "]
        for places in self.at_bits.values():
            for place in places:
                row, cost = self[place], self.costs[place]
                risk = row.theory if row.estimate is None else row.estimate.mean
                how = "exact" if row.estimate is None else f"+- {cost.stderr:.2%}"
                bits = f"{float(self.bits[place]):g}"
                lines.append(
                    f"{row.name:{width}}  {bits:>5}  {cost.mean:+8.2%} {risk:12.5g}  {how}"
                )
        return "\n".join([*lines, self.advice])


def compare_formats(
    problem: Problem,
    sgd: SGD,
    quantizers: Quantizers | Iterable[Quantizers] | None = None,
    targets: str | Iterable[str] = TARGETS,
    replicates: int = 1000,
    seed: int = 0,
    *,
    method: str = "both",
    progress: Callable[[int, int], None] | None = None,
) -> FormatTable:
    """For every number format, the theory of its error model beside its simulation.

    Each format is scaled per target to the largest magnitude met in a pilot run
    (:func:`qtheory.calibrate`), per coordinate if it says so (``format.scaled_by("channel")``), and
    all formats see the same data and labels. Print the table for the costs at equal bits and a line
    of advice; :func:`qtheory.plots.formats` draws it.

    Parameters
    ----------
    problem, sgd
        What to learn, by which run.
    quantizers
        Names, formats or roundings; None for every name there is.
    targets
        Which targets are quantized; ``"stored"`` too.
    replicates, seed
        As in :func:`qtheory.simulate`.
    method
        ``"both"``: theory and simulation. ``"exact"``: only the exact risk, and simulation where
        there is none (block formats, biased rounding).
    progress
        Called with the part of the work that is done and all of it.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=16, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> rows = qt.compare_formats(problem, qt.SGD("0.1", steps=200), ["int4", "fp8_e4m3"])
    >>> [row.name for row in rows], rows[0].theory > rows[1].theory
    (['int4', 'fp8_e4m3'], True)
    >>> gradient = qt.compare_formats(
    ...     problem, qt.SGD("0.1", steps=200), ["int8", "fp8_e4m3"], "gradient", method="exact"
    ... )
    >>> [row.estimate for row in gradient]
    [None, None]
    """
    given = formats.names() if quantizers is None else quantizers
    if isinstance(given, str | NumberFormat | Rounding):  # one need not stand in a list
        given = [given]
    allowed = "a sequence of names, number formats or Roundings"
    wanted = [_rounding(quantizer) for quantizer in sequence(given, "quantizers", allowed)]
    if method not in _METHODS:
        raise InvalidArgumentError("method", method, f"one of {', '.join(_METHODS)}")
    replicates, seed = sampling(replicates, seed)
    named = targets_named(targets, (*TARGETS, STORED))
    met = pilot(problem, sgd, seed=seed)
    without = _Plain(Run(problem, Quantization(), sgd), replicates, seed)
    rows, costs = [], []
    for done, rounding in enumerate(wanted):
        steps = _steps(progress, done, len(wanted))
        run = Run(problem, scaled(Quantization(**dict.fromkeys(named, rounding)), met), sgd)
        row, cost = _row(_named(rounding), run, without, method, steps)
        rows.append(row)
        costs.append(cost)
    return FormatTable(tuple(rows), without.exact, tuple(costs))


class _Plain:
    """The run without quantization, simulated when the first format asks for it."""

    def __init__(self, run: Run, replicates: int, seed: int) -> None:
        self.run, self.replicates, self.seed = run, replicates, seed
        self.exact = (
            theory(run) or math.nan
        )  # nothing to learn and no noise: no cost is a part of 0
        self._risks: Any = None

    @property
    def risks(self) -> Any:
        if self._risks is None:
            _, self._risks = risks(self.run, self.replicates, self.seed)
        return self._risks


def _row(
    name: str, run: Run, without: _Plain, method: str, progress: Callable[[int, int], None] | None
) -> tuple[Comparison, Estimate]:
    exact, missing = theory_if_any(run)
    if progress is not None:
        progress(0, 1)
    if method == "exact" and not missing and not run.quantization.biased:
        row = Comparison(name, *run, exact, None, Ranges({}, {}, {}, 0.0))
        return row, Estimate(exact / without.exact - 1, 0.0, 0, without.seed)
    found, every = risks(run, without.replicates, without.seed, progress)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverged costs inf or NaN
        added = Welford().with_values((every - without.risks) / without.exact)
    met = ranges(run, seed=without.seed)
    row = Comparison(name, *run, exact, found, met, missing=missing)
    cost = Estimate(added.mean, added.stderr, added.count, without.seed, found.biased)
    return row, cost


def _steps(
    progress: Callable[[int, int], None] | None, done: int, formats_: int
) -> Callable[[int, int], None] | None:
    """Progress within one format as progress of all."""
    if progress is None:
        return None
    return lambda part, whole: progress(done * _PARTS + _PARTS * part // whole, formats_ * _PARTS)


def _bits(quantization: Quantization) -> Fraction:
    """Of a number of a vector if one is quantized, else of a number by itself."""
    found = []
    for target, quantizer in quantization.items():
        rounding = rounding_of(quantizer)
        if rounding is not None:
            found.append((target not in VECTORS, rounding.format))
    alone, number_format = min(found, key=lambda each: each[0])
    return Fraction(number_format.bits_of_one) if alone else number_format.bits_per_number


def _named(rounding: Rounding) -> str:
    bits = "" if rounding.random_bits is None else f" {rounding.random_bits} bits"
    return rounding.format.name + ("" if rounding.is_plain else f" {rounding.mode}{bits}")


def _rounding(quantizer: Any) -> Rounding:
    rounding = rounding_of(formats.get(quantizer) if isinstance(quantizer, str) else quantizer)
    if rounding is None:
        raise InvalidArgumentError("quantizers", quantizer, "a name, a number format or a Rounding")
    return rounding
