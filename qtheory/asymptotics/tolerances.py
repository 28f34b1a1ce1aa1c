"""T11: the largest error of each target that leaves the bound at its full-precision order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from qtheory.asymptotics.rate import Rate
from qtheory.asymptotics.rates_derived import assumed
from qtheory.asymptotics.setting import RateSetting, setting_of, where_it_applies
from qtheory.errors import HypothesisError
from qtheory.model.problem import Problem
from qtheory.model.quantization import TARGETS, Quantization, scheme_named
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.cell import Cell, explore
from qtheory.orders.conditions import Condition
from qtheory.orders.monomial import ONE, Monomial, readable
from qtheory.orders.piecewise import Diverges
from qtheory.orders.regimes import Region, joined, regimes_of

# A name that no symbol of a user has.
_LEVEL = sp.Symbol("error level", positive=True)


@one_at_a_time
def tolerances(
    problem: Problem,
    sgd: SGD,
    scheme: str,
    regime: Mapping[sp.Symbol | str, sp.Expr | str] | None = None,
    assumptions: Sequence[str | sp.Basic] = (),
) -> dict[str, Rate]:
    r"""The largest order of eps, for each target alone, at which T4 keeps its order.

    With eps on one target: bias, variance and amplification must each stay within a constant of
    their full-precision values, the noise of the target within one of variance plus amplification,
    and the approximation within one of the whole full-precision bound.

    Parameters
    ----------
    scheme
        ``"additive"``, ``"shared"`` or ``"elementwise"``.
    regime, assumptions
        As for :func:`rates`.

    Returns
    -------
    For each target the order of the largest eps, with its regimes; 1 where any eps up to a constant
    does.

    Raises
    ------
    HypothesisError
        If for some target no error is tolerated (additive data errors in infinite dimension).

    Examples
    --------
    >>> import qtheory as qt
    >>> a, N = qt.symbols("a N")
    >>> problem = qt.Problem(dim=qt.oo, spectrum=qt.PowerLaw(a), target=qt.Constant(1))
    >>> found = qt.tolerances(problem, qt.SGD(stepsize="0.1", steps=N), "shared")
    >>> found["data"].order, found["label"].order
    (N**(-1 + 1/a), 1)

    Source: T11 of the project's theory; the paper's Corollaries on matching full precision.
    """
    model = scheme_named(scheme)(_LEVEL)
    exact = setting_of(Run(problem, Quantization(), sgd), regime or {}, assumptions)
    parts = where_it_applies(exact)
    found = {}
    for target in TARGETS:
        quantization = Quantization(**{target: model})
        noisy = setting_of(Run(problem, quantization, sgd), regime or {}, assumptions)
        found[target] = _tolerance(target, exact, noisy, parts)
    return found


def _tolerance(target: str, exact: RateSetting, noisy: RateSetting, parts: Sequence[Cell]) -> Rate:
    """The largest eps that is tolerated: the upper ends of the regions of tolerated eps."""
    signs = {**noisy.root.parameters}
    begun = [Cell({**signs, **part.parameters}, part.conditions, part.values) for part in parts]
    leaves = explore(lambda cell: _tolerated(target, exact, noisy, cell), begun)
    tolerated = [_interval(region) for region in joined(noisy.root, leaves) if region.outcome]

    def compute(cell: Cell) -> tuple[Monomial, ...]:
        ends = [end for interval in tolerated if (end := interval.end_in(cell)) is not None]
        if not ends:
            raise HypothesisError(
                f"no error of {target} is tolerated: with any, however small, T4 is infinite or of "
                "a larger order than at full precision"
            )
        return (cell.largest(ends),)

    regions = joined(parts[0] if len(parts) == 1 else exact.root, explore(compute, parts))
    return Rate(target, regimes_of(regions), (*exact.limits, *assumed(parts)), exact.fixed)


@dataclass(frozen=True)
class _Interval:
    """Levels between bounds, where conditions free of the level hold."""

    lower: tuple[Monomial, ...]
    upper: tuple[Monomial, ...]
    conditions: tuple[Condition, ...]

    def end_in(self, cell: Cell) -> Monomial | None:
        """The upper end in a cell of the other parameters, or None if the interval is empty."""
        if not all(cell.satisfies(condition) for condition in self.conditions):
            return None
        end = cell.smallest(self.upper)
        if self.lower and cell.compare(cell.largest(self.lower), end) > 0:
            return None
        return end


def _interval(region: Region) -> _Interval:
    lower: list[Monomial] = []
    upper = [ONE]
    rest: list[Condition] = []
    for condition in region.conditions:
        exponent = sp.S.Zero if condition.order is None else condition.order.exponent(_LEVEL)
        if condition.order is None or exponent == 0:
            rest.append(_free_of_level(condition))
            continue
        at_least_one = condition.order if 1 in condition.signs else condition.order**-1
        exponent = at_least_one.exponent(_LEVEL)
        bound = (at_least_one / Monomial.of(_LEVEL) ** exponent) ** (-1 / exponent)
        bound = bound.substitute_in_logs(_LEVEL, bound.without_logs)
        (lower if readable(exponent).is_positive else upper).append(bound)
    return _Interval(tuple(lower), tuple(upper), tuple(rest))


def _free_of_level(condition: Condition) -> Condition:
    """A condition without log(1/eps), which does not move a boundary between power laws."""
    if condition.order is None:
        return condition
    order = condition.order.substitute_in_logs(_LEVEL, ONE)
    return replace(condition, order=order)


def _tolerated(target: str, exact: RateSetting, noisy: RateSetting, cell: Cell) -> bool:
    """Whether every term keeps its full-precision order in a cell."""
    before, after = exact.evaluation(cell), noisy.evaluation(cell)
    try:
        if not noisy.applies(after):
            return False
    except Diverges:  # additive data errors in infinite dimension: none is tolerated
        return False
    plain = {name: before.order(formula) for name, formula in exact.formulas.items()}
    noise = cell.largest([plain[name] for name in ("variance", "amplification") if name in plain])
    limits = {**plain, target: noise, "approximation": cell.largest(plain.values())}
    return all(
        cell.compare(after.order(formula), limits[name]) <= 0
        for name, formula in noisy.formulas.items()
    )
