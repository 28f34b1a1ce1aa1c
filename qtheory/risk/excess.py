"""The exact excess risk and its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import MappingProxyType

from qtheory.model.instance import Instance, instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import TARGETS, Quantization
from qtheory.model.sgd import SGD
from qtheory.model.targets import Constant
from qtheory.numbers.arithmetic import Arithmetic, Float64, Scalar
from qtheory.numbers.certify import certified, checked_digits
from qtheory.risk.decomposition import Decomposition, decompose, floor
from qtheory.risk.recursion import output_moments, trajectory
from qtheory.risk.stability import require_stable

__all__ = ["Risk", "excess_risk", "run"]


@dataclass(frozen=True, eq=False)
class Risk:
    r"""The exact excess risk of one run and its parts.

    ``total`` is :math:`E R(w)`; ``approximation`` is A and ``floor`` is F of theorem T1;
    ``quantized_risk`` is :math:`E R^q(w)`. The parts ``bias + variance + sum(by_target)`` add up
    to the total. They cost a run each and are computed when first asked for.
    """

    problem: Problem
    quantization: Quantization
    sgd: SGD
    digits: int | None
    total: Scalar
    approximation: Scalar
    floor: Scalar
    quantized_risk: Scalar

    @cached_property
    def _parts(self) -> dict[str, Scalar]:
        def compute(arithmetic: Arithmetic) -> dict[str, Scalar]:
            return _parts(self.problem, self.quantization, self.sgd, arithmetic)

        return _with_digits(compute, self.digits)

    @property
    def bias(self) -> Scalar:
        """The total without label noise and without quantization."""
        return self._parts["bias"]

    @property
    def variance(self) -> Scalar:
        """The part of the unquantized total that is proportional to sigma^2."""
        return self._parts["variance"]

    @property
    def by_target(self) -> Mapping[str, Scalar]:
        """What each quantizer adds, switched on in pipeline order; 0 where a target is exact."""
        return MappingProxyType({target: self._parts[target] for target in TARGETS})

    def __repr__(self) -> str:
        shown = self.total if self.digits is None else self.total.str(self.digits, radius=False)
        return f"Risk(total={shown})"


def excess_risk(
    problem: Problem, quantization: Quantization, sgd: SGD, digits: int | None = None
) -> Risk:
    r"""The exact expected excess risk :math:`E R(w)`, :math:`R(w) = \frac12\|w - w^*\|_H^2`.

    Parameters
    ----------
    problem, quantization, sgd
        What to learn, with which errors, by which run; all numeric.
    digits
        None for float64, or the number of certified digits: the results are then
        ``flint.arb`` balls with at least that relative accuracy.

    Raises
    ------
    UnstableError
        If the stepsize is too large for the second moments to stay bounded.
    SymbolicValueError
        If a symbol stands where a number is needed.
    PrecisionError
        If the digits cannot be certified within the precision limit.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD(stepsize="0.1", steps=60)
    >>> round(qt.excess_risk(problem, qt.Quantization(), sgd).total, 12)
    0.160463542794
    >>> qt.excess_risk(problem, qt.Quantization(), sgd, digits=20)
    Risk(total=0.16046354279434186373)

    Source: section 2 of the project's theory; the full-precision recursion is that of Zou, Wu,
    Braverman, Gu, Kakade (JMLR 24, 2023).
    """
    digits = checked_digits(digits)
    instantiate(problem, quantization, sgd, Float64())  # every argument is checked here
    require_stable(problem, quantization, sgd)

    def compute(arithmetic: Arithmetic) -> dict[str, Scalar]:
        instance = instantiate(problem, quantization, sgd, arithmetic)
        parts = run(instance)
        values = {
            "total": parts.total,
            "approximation": parts.approximation,
            "floor": floor(instance),
            "quantized_risk": parts.quantized_risk,
        }
        return {name: arithmetic.plain(value) for name, value in values.items()}

    return Risk(problem, quantization, sgd, digits, **_with_digits(compute, digits))


def _with_digits(
    compute: Callable[[Arithmetic], dict[str, Scalar]], digits: int | None
) -> dict[str, Scalar]:
    """Named values in float64, or in balls with this many certified digits each."""
    if digits is None:
        return compute(Float64())
    return certified(compute, digits, judged=lambda values: list(values.values()))


def run(instance: Instance) -> Decomposition:
    """The risk of one instance by the recursion of section 2, in the instance's arithmetic."""
    moments = next(islice(trajectory(instance), instance.steps, None))
    return decompose(instance, *output_moments(instance, moments))


def _parts(
    problem: Problem, quantization: Quantization, sgd: SGD, arithmetic: Arithmetic
) -> dict[str, Scalar]:
    """Bias, variance and what each target adds; they sum to the total, exactly."""

    def total(problem: Problem, quantization: Quantization) -> Scalar:
        return run(instantiate(problem, quantization, sgd, arithmetic)).total

    dim, spectrum, target = problem.dim, problem.spectrum, problem.target
    # Without quantization the moments are linear in (sigma^2, w* w*^T).
    parts = {
        "bias": total(Problem(dim, spectrum, target, 0), Quantization()),
        "variance": total(Problem(dim, spectrum, Constant(0), problem.noise), Quantization()),
    }
    before = parts["bias"] + parts["variance"]
    for name, model in quantization.items():
        after = before if model.is_exact else total(problem, quantization.up_to(name))
        parts[name] = before * 0 if model.is_exact else after - before
        before = after
    return {name: arithmetic.plain(value) for name, value in parts.items()}
