r"""The update on correlated features, literally: a polynomial in every Gaussian that it draws.

.. math:: w_t = w_{t-1} + \frac\gamma B Q_d(Z)^T Q_o\bigl(Q_l(y) - Q_a(Q_d(Z) Q_p(w_{t-1}))\bigr),
          \qquad z \sim N(0, \Sigma),\quad y = \langle v^*, z\rangle + \xi,\quad w_0 = 0,

is written out as a polynomial with rational coefficients in z, xi and the errors, and the
expectation of a monomial of Gaussians is the sum over its pairings (Isserlis). No moment is derived
and nothing is rotated: a second source for elementwise errors of correlated features, exact and
slow. Source: L. Isserlis, Biometrika 12 (1918).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from qtheory.reference.moments import ONE, ZERO, Errors, Matrix, Vector

#: A Gaussian of mean 0, by its name.
Variable = tuple[Any, ...]
Monomial = tuple[Variable, ...]
Polynomial = dict[Monomial, Fraction]

NO_ERRORS = Errors()
_ONE_MONOMIAL: Monomial = ()


@dataclass(frozen=True)
class FeatureSetting:
    """Features of covariance Sigma with the coefficients v*, the quantizers and the run.

    ``noise`` is the variance of the label given the features.
    """

    covariance: tuple[Vector, ...]
    coefficients: Vector
    noise: Fraction
    stepsize: Fraction
    batch: int
    steps: int
    data: Errors = NO_ERRORS
    label: Errors = NO_ERRORS
    parameter: Errors = NO_ERRORS
    activation: Errors = NO_ERRORS
    gradient: Errors = NO_ERRORS


def moments(setting: FeatureSetting, output: str) -> tuple[list[Fraction], Matrix]:
    """E w and E w w^T of the average of w_0, ..., w_{N-1}, or of the last iterate w_N."""
    size, averaged = len(setting.coefficients), output == "average"
    path: list[list[Polynomial]] = [[{} for _ in range(size)]]
    for step in range(setting.steps - averaged):
        path.append(_updated(setting, step, path[-1]))
    chosen = path[-1]
    if averaged:
        share = Fraction(1, setting.steps)
        chosen = [_sum(_scaled(w[i], share) for w in path) for i in range(size)]
    expected = _Expectation(setting)
    mean = [expected.of(entry) for entry in chosen]
    second = [[ZERO] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            second[i][j] = second[j][i] = expected.of(_product(chosen[i], chosen[j]))
    return mean, second


def _updated(setting: FeatureSetting, step: int, before: list[Polynomial]) -> list[Polynomial]:
    size, batch = len(before), range(setting.batch)
    samples = [[_variable("z", step, b, i) for i in range(size)] for b in batch]
    read = [_quantized(setting, "data", (step, b), samples[b]) for b in batch]
    labels = [
        _sum(
            [
                _variable("noise", step, b),
                *(_scaled(samples[b][i], v) for i, v in enumerate(setting.coefficients)),
            ]
        )
        for b in batch
    ]
    labels = _quantized(setting, "label", (step,), labels)
    parameter = _quantized(setting, "parameter", (step,), before)
    activations = [_sum(_product(z[i], parameter[i]) for i in range(size)) for z in read]
    activations = _quantized(setting, "activation", (step,), activations)
    residuals = [_sum((y, _scaled(a, -ONE))) for y, a in zip(labels, activations, strict=True)]
    gradients = _quantized(setting, "gradient", (step,), residuals)
    pace = setting.stepsize / setting.batch
    return [
        _sum([before[i], *(_scaled(_product(read[b][i], gradients[b]), pace) for b in batch)])
        for i in range(size)
    ]


def _quantized(
    setting: FeatureSetting, target: str, place: tuple[int, ...], values: list[Polynomial]
) -> list[Polynomial]:
    """Each entry times 1 + a common factor + one of its own, plus an error of its own."""
    errors: Errors = getattr(setting, target)
    result = []
    for k, value in enumerate(values):
        factor: Polynomial = {_ONE_MONOMIAL: ONE}
        if errors.shared:
            factor = _sum((factor, _variable(f"{target} shared", *place)))
        if errors.elementwise:
            factor = _sum((factor, _variable(f"{target} elementwise", *place, k)))
        entry = _product(value, factor)
        if errors.additive:
            entry = _sum((entry, _variable(f"{target} additive", *place, k)))
        result.append(entry)
    return result


# --- polynomials ----------------------------------------------------------------------------------


def _variable(*name: Any) -> Polynomial:
    return {(name,): ONE}


def _sum(parts: Iterable[Polynomial]) -> Polynomial:
    total: Polynomial = {}
    for part in parts:
        for monomial, coefficient in part.items():
            total[monomial] = total.get(monomial, ZERO) + coefficient
    return total


def _scaled(polynomial: Polynomial, factor: Fraction) -> Polynomial:
    return {monomial: coefficient * factor for monomial, coefficient in polynomial.items()}


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    total: Polynomial = {}
    for p, a in left.items():
        for q, b in right.items():
            monomial = tuple(sorted(p + q))
            total[monomial] = total.get(monomial, ZERO) + a * b
    return total


class _Expectation:
    """Of polynomials in the Gaussians of a setting."""

    def __init__(self, setting: FeatureSetting) -> None:
        self.setting = setting
        self.of_monomial = cache(self._of_monomial)

    def of(self, polynomial: Polynomial) -> Fraction:
        """The expectation of a polynomial."""
        terms = (c * self.of_monomial(monomial) for monomial, c in polynomial.items())
        return sum(terms, ZERO)

    def _of_monomial(self, monomial: Monomial) -> Fraction:
        """The first factor is paired with each of the others."""
        if not monomial:
            return ONE
        first, rest = monomial[0], monomial[1:]
        total = ZERO
        for k, other in enumerate(rest):
            covariance = self._covariance(first, other)
            if covariance:
                total += covariance * self.of_monomial(rest[:k] + rest[k + 1 :])
        return total

    def _covariance(self, left: Variable, right: Variable) -> Fraction:
        if left[0] == right[0] == "z":
            same = left[1:-1] == right[1:-1]
            return self.setting.covariance[left[-1]][right[-1]] if same else ZERO
        if left != right:
            return ZERO
        if left[0] == "noise":
            return self.setting.noise
        target, kind = left[0].split()
        level: Fraction = getattr(getattr(self.setting, target), kind)
        return level


# --- what is compared -----------------------------------------------------------------------------


def _case(batch: int, **parts: str) -> FeatureSetting:
    """A setting whose quantizers have the parts named by their first letters, such as "as"."""
    levels = (Fraction(1, 5), Fraction(1, 3), Fraction(1, 4))
    errors = {}
    for name, letters in parts.items():
        held = (
            size if letter in letters else ZERO for letter, size in zip("ase", levels, strict=True)
        )
        errors[name] = Errors(*held)
    return FeatureSetting(
        covariance=((ONE, Fraction(1, 2)), (Fraction(1, 2), Fraction(2, 3))),
        coefficients=(ONE, Fraction(-3, 2)),
        noise=Fraction(1, 2),
        stepsize=Fraction(1, 3),
        batch=batch,
        steps=2,
        **errors,
    )


#: Two steps each; every part of every quantizer is in some case.
FEATURE_CASES: tuple[FeatureSetting, ...] = (
    _case(1),
    _case(2),
    _case(1, data="e"),
    _case(2, data="e"),
    _case(1, data="ae"),
    _case(1, data="se"),
    _case(1, data="e", parameter="e"),
    _case(1, data="e", label="as"),
    _case(1, parameter="ase"),
    _case(1, parameter="e", activation="s", gradient="e"),
    _case(2, parameter="e", label="s"),
    _case(2, parameter="ae", activation="s"),
    _case(2, parameter="e", gradient="s"),
    _case(2, label="e", gradient="a"),
    _case(2, parameter="e", activation="ae"),
)
