r"""How the exact risk changes with the level of each error: its derivative, certified.

The step is a polynomial in every level eps, so with numbers a + a' t, t^2 = 0, in the place of eps
it carries its own derivative: the recursion runs on them as it does on balls. For long runs the
matrix T of the step and its derivative T' are one matrix ((T, 0), (T', T)), whose powers carry the
derivative of the state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import flint
import numpy as np
import sympy as sp

from qtheory.errors import CostError, HypothesisError
from qtheory.model.covariates import KnownMoments
from qtheory.model.instance import Instance, NumericErrorModel, instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import STORED, TARGETS, Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Array, Balls
from qtheory.numbers.certify import certified, checked_digits
from qtheory.numbers.display import html_table
from qtheory.numbers.dual import Dual
from qtheory.numbers.exact import require_numeric
from qtheory.risk import recursion
from qtheory.risk.powers import applied
from qtheory.risk.recursion import update_for
from qtheory.risk.stability import require_stable
from qtheory.risk.update import MEAN_W, SQUARE_W, SUM, Moments

_DIGITS = 10
_MOST_SECONDS = 3600.0
_MANY_STRETCHES = 10_000
#: The kinds of error, as the levels of an error model.
KINDS = ("additive", "shared", "elementwise")


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The derivative of the exact risk in the level of each error, in balls.

    Attributes
    ----------
    slopes
        By target and kind, such as ``slopes["data", "additive"]``: dE R / d eps.
    """

    run: Run
    slopes: Mapping[tuple[str, str], flint.arb]

    @property
    def lowering(self) -> tuple[tuple[str, str], ...]:
        """The errors of which a little more lowers the risk, certainly so."""
        return tuple(name for name, slope in self.slopes.items() if slope < 0)

    def as_json(self) -> dict[str, Any]:
        """The derivatives as text with their certified digits, by "target kind"."""
        return {f"{target} {kind}": value for target, kind, value, _ in self._rows()}

    def __str__(self) -> str:
        lines = [f"{'target':<12}{'error':<13}{'dE R / d eps':>14}"]
        lines += [f"{t:<12}{kind:<13}{value:>14}  {sign}" for t, kind, value, sign in self._rows()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(f"{target}, {kind}", value, sign) for target, kind, value, sign in self._rows()]
        return html_table("Derivative of the exact risk in each level", rows)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (target, kind, str(slope.str(5, radius=False)), _sign(slope))
            for (target, kind), slope in self.slopes.items()
        ]


def _sign(slope: flint.arb) -> str:
    if slope > 0:
        return "raises the risk"
    return "lowers the risk" if slope < 0 else "no effect" if slope == 0 else "unknown"


def sensitivity(
    problem: Problem, quantization: Quantization, sgd: SGD, digits: int = _DIGITS
) -> Sensitivity:
    r"""The derivative of the exact risk in the level of each error of each target.

    Certified: a ball around each derivative. Where it is negative, a little more of that error
    lowers the risk. Each level is changed by itself, at the others' values; at a level of 0 the
    derivative is that from above.

    Parameters
    ----------
    problem, quantization, sgd
        As for :func:`qtheory.excess_risk`; error models, finite dimension.
    digits
        Certified digits of each derivative that is not 0.

    Raises
    ------
    CostError
        If it would take hours.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=3, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD("0.1", steps=20, output="last")
    >>> found = qt.sensitivity(problem, qt.Quantization(), sgd)
    >>> found.lowering
    ()
    >>> print(found.slopes["label", "additive"].str(6, radius=False))
    0.0342679
    """
    run = Run(problem, quantization, sgd).covered(any_step=True, covariates=KnownMoments)
    digits = checked_digits(digits) or _DIGITS
    if problem.dim is sp.oo:
        raise HypothesisError("dim is oo, but every coordinate is followed: give a finite one")
    require_numeric(problem.dim, "dim")
    require_numeric(sgd.steps, "steps")
    for target, quantizer in quantization.items():
        if not hasattr(quantizer, "elementwise"):
            raise HypothesisError(
                f"{target} is {quantizer!r}, but a level is changed: quantization.error_models() "
                "has one"
            )
    levels = [(target, kind) for target in (*TARGETS, STORED) for kind in KINDS]
    _require_affordable(run, len(levels))
    require_stable(run)

    def compute(arithmetic: Balls) -> list[flint.arb]:
        plain = instantiate(run, arithmetic)
        return [_slope(plain, run.window, *level) for level in levels]

    found = certified(compute, digits, judged=lambda balls: [[ball] for ball in balls])
    return Sensitivity(run, MappingProxyType(dict(zip(levels, found, strict=True))))


def _require_affordable(run: Run, levels: int) -> None:
    size = 2 * (5 if run.window.averaged else 2) * int(run.problem.dim)
    doublings = run.sgd.stretches(_MANY_STRETCHES) * math.log2(int(run.sgd.steps) + 2)
    by_powers = size**3 * doublings * 3e-8
    seconds = levels * min(by_powers, _by_recursion(run))
    if seconds > _MOST_SECONDS:
        raise CostError(
            f"dim is {run.problem.dim} and steps is {run.sgd.steps}: the derivatives would take "
            f"about {seconds / 3600:.2g} hours; the limit is {_MOST_SECONDS / 3600:.2g}"
        )


def _by_recursion(run: Run) -> float:
    return int(run.sgd.steps) * int(run.problem.dim) * 2e-4


def _slope(plain: Instance, window: Window, target: str, kind: str) -> flint.arb:
    """The derivative in one level."""
    given = getattr(plain, target) or NumericErrorModel(*[flint.arb(0)] * 3)
    level = Dual(flint.arb(getattr(given, kind)), flint.arb(1))
    changed: dict[str, Any] = {target: replace(given, **{kind: level})}
    instance = replace(plain, **changed)
    mean, square = _moments(instance, window)
    change = square - 2 * instance.target * mean
    return (instance.eigenvalues * change) @ instance.multiplicity / 2


def _moments(instance: Instance, window: Window) -> tuple[Array, Array]:
    """The derivatives of E w and E w^2 of what SGD returns."""
    d = len(instance.eigenvalues)
    doublings = len(instance.schedule or [None]) * math.log2(window.last + 2)
    if window.last * 10 < d**2 * 25 * doublings:
        first, second = recursion.output_moments(instance, window)
        return _slopes(first), _slopes(second)
    return _by_powers(instance, window)


def _by_powers(instance: Instance, window: Window) -> tuple[Array, Array]:
    update = update_for(instance, instance.batch, summing=window.averaged)
    values: Moments = {key: _values(update.zero) for key in update.keys}
    slopes = values
    for stretch in instance.stretches(window):
        update = update_for(instance, stretch.batch, summing=stretch.summing)
        matrix = update.dense(stretch.stepsize)
        n = len(matrix)
        double = np.full((2 * n, 2 * n), flint.arb(0), dtype=object)
        double[:n, :n] = double[n:, n:] = _values(matrix)
        double[n:, :n] = _slopes(matrix)
        start = [[flint.arb(1)], update.as_vector(values), [flint.arb(0)], update.as_vector(slopes)]
        after = applied(double, stretch.steps, np.concatenate(start))
        values = values | update.as_moments(after[1:n])
        slopes = slopes | update.as_moments(after[n + 1 :])
    if not window.averaged:
        return slopes[MEAN_W], slopes[SQUARE_W]
    return slopes[(SUM,)] / window.count, slopes[(SUM, SUM)] / window.count**2


def _values(numbers: Array) -> Array:
    return _parts(numbers, lambda number: number.value)


def _slopes(numbers: Array) -> Array:
    return _parts(numbers, lambda number: number.slope)


def _parts(numbers: Array, part: Any) -> Array:
    found = np.array([part(Dual.of(number)) for number in numbers.flat], dtype=object)
    return found.reshape(numbers.shape)
