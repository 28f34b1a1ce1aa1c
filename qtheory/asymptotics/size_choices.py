r"""The best size, steps and stepsize at a budget of compute, and the fewest bits that it needs.

With C = N M, M = C^mu and gamma = C^-g the exponent of the bound is piecewise linear in (mu, g),
and least at a corner. At a budget of N M bits, the bits of errors of level 4^-bits are of the order
of log C: they do not change the exponents, which are those of N M. What remains to be said is the
least e at which a level of C^-e costs nothing there, so that bits = (e / 2) log2 C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from qtheory.asymptotics.exponent_plane import ExponentPlane, bound_in, pieces_of
from qtheory.asymptotics.setting import RateSetting, restricted, setting_of
from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.orders.cell import Cell, explore
from qtheory.orders.display import where
from qtheory.orders.monomial import Monomial, log_of
from qtheory.orders.regimes import Region, joined

COMPUTE = sp.Symbol("C", positive=True)
# Names that no symbol of a user has.
_SIZE, _STEPS, _STEPSIZE, _mu, _g, _e = (
    sp.Symbol(name, positive=True)
    for name in (
        "the size", "the steps", "the stepsize",
        "log_C size", "-log_C stepsize", "-log_C level",
    )
)  # fmt: skip


@dataclass(frozen=True)
class SizeChoice:
    r"""The best size, steps and stepsize in one regime, as powers of C, the compute.

    Attributes
    ----------
    conditions
        On the exponents of the problem.
    size, steps, stepsize
        M, N and gamma as orders in C. Of all choices that are best up to constants, the one with
        the smallest size, and then the largest stepsize.
    bound
        The order of the bound, logarithms aside: an asymptotic equivalent.
    level
        At a budget of N M bits, the largest order of the errors that costs nothing there.
    occurs
        None where it is not known whether any exponents meet the conditions.
    """

    conditions: tuple[sp.Basic, ...]
    size: sp.Expr
    steps: sp.Expr
    stepsize: sp.Expr
    bound: sp.Expr
    level: sp.Expr | None = None
    occurs: bool | None = True

    @property
    def bits(self) -> sp.Expr | None:
        """The bits of an error of that level, 4^-bits, up to a number of them."""
        if self.level is None:
            return None
        return -sp.expand_log(sp.log(self.level), force=True) / sp.log(4)

    def __str__(self) -> str:
        condition = where(self.conditions, self.occurs)
        level = "" if self.level is None else f", errors {self.level}"
        return (
            f"bound {self.bound} with size {self.size}, steps {self.steps}, "
            f"stepsize {self.stepsize}{level}" + (f"   if {condition}" if condition else "")
        )


def best_sizes(
    problem: Problem,
    quantization: Quantization,
    regime: Mapping[sp.Symbol | str, sp.Expr | str],
    assumptions: Sequence[str | sp.Basic],
    bits: bool,
) -> tuple[SizeChoice, ...]:
    """One choice per regime of the exponents; with ``bits`` the level of the errors is chosen too.

    Raises
    ------
    InvalidArgumentError, InfiniteRiskError
        As :func:`best_choice`.
    """
    exact = Quantization() if bits else quantization
    setting = _setting(problem, exact, regime, assumptions)
    plane = ExponentPlane.of(setting, COMPUTE, (_mu, _g), (_mu, _g, 1 - _mu), regime)
    inside = plane.regions(_best)
    if not bits:
        return tuple(_choice(region) for region in inside)
    level = _level_of(quantization, regime)
    regime = {**regime, level: COMPUTE**-_e}
    noisy = _setting(problem, quantization, regime, assumptions)
    return tuple(choice for region in inside for choice in _with_levels(noisy, region))


def _setting(
    problem: Problem,
    quantization: Quantization,
    regime: Mapping[sp.Symbol | str, sp.Expr | str],
    assumptions: Sequence[str | sp.Basic],
) -> RateSetting:
    sizes = {
        _SIZE: COMPUTE**_mu,
        _STEPS: COMPUTE ** (1 - _mu),
        _STEPSIZE: COMPUTE**-_g,
    }
    run = Run(problem, quantization, SGD(stepsize=_STEPSIZE, steps=_STEPS))
    return setting_of(run, {**sizes, **regime}, assumptions, _SIZE)


def _best(plane: ExponentPlane, cell: Cell) -> tuple[Monomial, ...]:
    """Size, stepsize and bound of the best corners in a cell."""
    best, bound = plane.best(cell)
    choices = [(plane.scale**mu, plane.scale**-g) for mu, g in best]
    size = cell.smallest([size for size, _ in choices])
    stepsize = cell.largest([s for m, s in choices if cell.compare(m, size) == 0])
    return size, stepsize, bound


def _choice(region: Region) -> SizeChoice:
    size, stepsize, bound, *level = region.outcome
    return SizeChoice(
        region.relations,
        size.expression,
        (Monomial.of(COMPUTE) / size).expression,
        stepsize.expression,
        bound.expression,
        level[0].expression if level else None,
        region.occurs,
    )


def _level_of(
    quantization: Quantization, regime: Mapping[sp.Symbol | str, sp.Expr | str]
) -> sp.Symbol:
    """The one symbol of the errors that no power is given for."""
    levels = [level for _, model in quantization.items() for level in vars(model).values()]
    found = sp.Tuple(*(level for level in levels if isinstance(level, sp.Expr))).free_symbols
    given = set(map(str, regime))
    free = sorted((symbol for symbol in found if str(symbol) not in given), key=str)
    if len(free) != 1:
        raise InvalidArgumentError(
            "quantization", quantization, "errors of one level that is a symbol, which bits decide"
        )
    return free[0]


def _with_levels(noisy: RateSetting, region: Region) -> list[SizeChoice]:
    """A choice with the largest level of the errors that costs nothing, by regimes of its own."""
    size, stepsize, bound = region.outcome
    scale = Monomial.of(COMPUTE)
    point = {_mu: size.exponent(COMPUTE), _g: -stepsize.exponent(COMPUTE)}
    setting = noisy.at(point)
    root = restricted(noisy.root, region.conditions)
    forms = [sp.expand(c.form.subs(log_of(COMPUTE), 1)) for c in pieces_of(setting, root)]
    places = [sp.S.Zero, *(e for form in forms for e in _zeros(form))]

    def compute(cell: Cell) -> tuple[Monomial, ...]:
        found = []
        for e in dict.fromkeys(places):
            if cell.trichotomy(e) < 0:
                continue
            here = bound_in(setting.at({_e: e}), cell)
            if here is not None and cell.compare(here, bound) <= 0:
                found.append(scale**-e)
        if not found:
            raise HypothesisError("no level of the errors leaves the bound as it is without them")
        return size, stepsize, bound, cell.largest(found)

    parts = [_choice(part) for part in joined(root, explore(compute, [root]))]
    return [replace(part, conditions=(*region.relations, *part.conditions)) for part in parts]


def _zeros(form: sp.Expr) -> list[sp.Expr]:
    """Where a linear form in e is zero."""
    slope = sp.cancel(form.coeff(_e, 1))
    return [] if slope == 0 else [sp.cancel(-form.coeff(_e, 0) / slope)]
