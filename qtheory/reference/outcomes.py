r"""T2 from the update itself: one step's second moments as a sum over every outcome.

No calculus of moments: each Gaussian of the data is replaced by a variable with three values and
the same moments up to order five, every other noise by one with two values and the same variance,
and

.. math:: w_t = w_{t-1} + \frac\gamma B Q_d(X)^T Q_o\bigl(Q_l(y) - Q_a(Q_d(X) Q_p(w_{t-1}))\bigr)

is evaluated at every combination of their values. E w_t and E w_t^2 are polynomials in the moments
that were kept, so the sums over outcomes are the expectations, but for rounding.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qtheory.reference.moments import Errors, Moments, Setting

Array = NDArray[np.float64]

#: NumPy 1 stops at 32 axes, and there is one axis for each independent noise.
MOST_AXES = 32


class _Dice:
    """Independent discrete variables, each along an axis of its own.

    A variable is thrown once, and its values are an array that broadcasts against all the others;
    what is not there (variance zero) is the number zero and costs no axis.
    """

    def __init__(self) -> None:
        self._weights: list[Array] = []

    @property
    def outcomes(self) -> int:
        return math.prod(len(weights) for weights in self._weights)

    def _throw(self, values: list[float], weights: list[float]) -> Array:
        self._weights.append(np.array(weights))
        before = len(self._weights) - 1
        if before >= MOST_AXES:
            raise ValueError(f"more than {MOST_AXES} independent noises; take a smaller setting")
        shape = (1,) * before + (len(values),) + (1,) * (MOST_AXES - before - 1)
        return np.array(values).reshape(shape)

    def gaussian(self, variance: float, kurtosis: float = 3) -> Array | float:
        """Three values with the moments 0, s, 0, 3 s^2, 0 of N(0, s), or with k s^2 the fourth."""
        if variance == 0:
            return 0.0
        width, chance = math.sqrt(kurtosis * variance), 1 / (2 * kurtosis)
        return self._throw([-width, 0.0, width], [chance, 1 - 2 * chance, chance])

    def size(self, fourth: float) -> Array | float:
        """tau = 0 or more with E tau^2 = 1 and E tau^4 = fourth."""
        if fourth == 1:
            return 1.0
        return self._throw([0.0, math.sqrt(fourth)], [1 - 1 / fourth, 1 / fourth])

    def coin(self, variance: float) -> Array | float:
        """Two values with mean zero and this variance."""
        if variance == 0:
            return 0.0
        width = math.sqrt(variance)
        return self._throw([-width, width], [1 / 2, 1 / 2])

    def mean(self, values: Array) -> float:
        """The expectation: axis after axis, each with its weights."""
        for axis, weights in enumerate(self._weights):
            if values.shape[axis] > 1:
                shape = (1,) * axis + (len(weights),) + (1,) * (MOST_AXES - axis - 1)
                values = (values * weights.reshape(shape)).sum(axis=axis, keepdims=True)
        return float(values.reshape(-1)[0])


def start(setting: Setting) -> Moments:
    """Moments of some w_{t-1} to start a step from, with no symmetry that could hide a term."""
    first = (Fraction(1, 3), Fraction(-2, 5), Fraction(1, 7))[: setting.dim]
    return Moments(first, tuple(mean**2 + Fraction(k + 1, 9) for k, mean in enumerate(first)))


def _vector(dice: _Dice, moments: Moments) -> list[Array]:
    """Two values of a vector with these moments; its coordinates move together."""
    sign = np.asarray(dice.coin(1.0))
    out = []
    for mean, square in zip(moments.first, moments.second, strict=True):
        if square < mean**2:
            raise ValueError(f"no variable has E w = {mean} and E w^2 = {square}")
        out.append(float(mean) + math.sqrt(square - mean**2) * sign)
    return out


def _quantize(dice: _Dice, values: list[Array], errors: Errors) -> list[Array]:
    """One value of the factor for all of them, one for each entry, and one additive error each."""
    common = dice.coin(float(errors.shared))
    return [
        value * (1 + common + dice.coin(float(errors.elementwise)))
        + dice.coin(float(errors.additive))
        for value in values
    ]


def _quantize_data(dice: _Dice, values: list[Array], errors: Errors) -> list[Array]:
    """The same for one sample, with variables that are Gaussian up to order five."""
    common = dice.gaussian(float(errors.shared))
    return [
        value * (1 + common + dice.gaussian(float(errors.elementwise)))
        + dice.gaussian(float(errors.additive))
        for value in values
    ]


def _updated(setting: Setting, dice: _Dice, before: list[Array]) -> list[Array]:
    """The update, literally: the coordinates of w_t at every outcome."""
    samples, quantized_samples, labels = [], [], []
    for _ in range(setting.batch):
        size, kurtosis = dice.size(float(setting.fourth)), float(setting.kurtosis)
        x = [np.asarray(size * dice.gaussian(float(s), kurtosis)) for s in setting.eigenvalues]
        samples.append(x)
        quantized_samples.append(_quantize_data(dice, x, setting.data))
    for x in samples:
        label = np.asarray(dice.coin(float(setting.noise)))
        for entry, target in zip(x, setting.target, strict=True):
            label = label + entry * float(target)
        labels.append(label)
    labels = _quantize(dice, labels, setting.label)
    parameter = _quantize(dice, before, setting.parameter)
    activations = [sum(_products(x, parameter), np.zeros(())) for x in quantized_samples]
    activations = _quantize(dice, activations, setting.activation)
    differences = [y - z for y, z in zip(labels, activations, strict=True)]
    gradients = _quantize(dice, differences, setting.gradient)
    rate = float(setting.stepsize) / setting.batch
    after = []
    for i, old in enumerate(before):
        descent = sum(
            (x[i] * g for x, g in zip(quantized_samples, gradients, strict=True)), np.zeros(())
        )
        after.append(old + rate * descent)
    return after


def _products(left: list[Array], right: list[Array]) -> list[Array]:
    return [a * b for a, b in zip(left, right, strict=True)]


def one_step(setting: Setting, m: tuple[Fraction, ...], v: tuple[Fraction, ...]) -> Moments:
    r"""T2 by enumeration: the moments of w_t from those of :math:`w_{t-1}`.

    Parameters
    ----------
    setting
        A small one: the outcomes are counted by :func:`count_outcomes`.
    m, v
        E w and E w^2 before the step, with v >= m^2.

    Returns
    -------
    Moments
        E w_t and E w_t^2, the exact values of the sums' floats.

    Examples
    --------
    >>> one = Fraction(1)
    >>> setting = Setting((one,), (one,), Fraction(0), Fraction(1, 4), batch=1, steps=1)
    >>> round(float(one_step(setting, (one / 2,), (one / 2,)).first[0]), 12)
    0.625
    """
    dice = _Dice()
    after = _updated(setting, dice, _vector(dice, Moments(m, v)))
    return Moments(
        tuple(Fraction(dice.mean(w)) for w in after),
        tuple(Fraction(dice.mean(w * w)) for w in after),
    )


def average_moments(setting: Setting, first: int = 0) -> Moments:
    r"""The moments of :math:`(w_k + \dots + w_{N-1})/(N-k)`: every outcome of every step at once.

    The steps multiply their outcomes, so this is for a handful of steps in one or two dimensions.
    """
    dice = _Dice()
    path = [[np.zeros(()) for _ in setting.eigenvalues]]
    for _ in range(setting.steps - 1):
        path.append(_updated(setting, dice, path[-1]))
    averaged = path[first:]
    means = [
        sum((w[i] for w in averaged), np.zeros((1,) * MOST_AXES)) / len(averaged)
        for i in range(setting.dim)
    ]
    return Moments(
        tuple(Fraction(dice.mean(w)) for w in means),
        tuple(Fraction(dice.mean(w * w)) for w in means),
    )


def count_outcomes(setting: Setting) -> int:
    """The number of outcomes that :func:`one_step` adds up, without adding them."""
    d, batch = setting.dim, setting.batch

    def one(errors: Errors, entries: int, faces: int) -> int:
        exponent = bool(errors.shared) + entries * (
            bool(errors.elementwise) + bool(errors.additive)
        )
        return int(faces**exponent)

    sample = 3 ** sum(map(bool, setting.eigenvalues)) * one(setting.data, d, 3)
    sample *= 1 if setting.fourth == 1 else 2
    out = 2 * (sample * 2 ** bool(setting.noise)) ** batch * one(setting.parameter, d, 2)
    for errors in (setting.label, setting.activation, setting.gradient):
        out *= one(errors, batch, 2)
    return int(out)


def _case(
    dim: int, batch: int, steps: int = 1, kurtosis: int = 3, fourth: int = 1, **parts: str
) -> Setting:
    """A setting whose quantizers have the parts named by their first letters, such as "as"."""
    levels = {
        "data": (Fraction(1, 5), Fraction(1, 3), Fraction(1, 4)),
        "label": (Fraction(1, 2), Fraction(2, 3), Fraction(1, 6)),
        "parameter": (Fraction(1, 4), Fraction(2, 5), Fraction(3, 5)),
        "activation": (Fraction(1, 3), Fraction(3, 4), Fraction(2, 7)),
        "gradient": (Fraction(3, 7), Fraction(1, 2), Fraction(4, 5)),
    }
    errors = {}
    for name, letters in parts.items():
        held = (
            size if letter in letters else Fraction(0)
            for letter, size in zip("ase", levels[name], strict=True)
        )
        errors[name] = Errors(*held)
    return Setting(
        eigenvalues=(Fraction(1), Fraction(2, 3))[:dim],
        target=(Fraction(1), Fraction(-3, 2))[:dim],
        noise=Fraction(1, 2),
        stepsize=Fraction(1, 3),
        batch=batch,
        steps=steps,
        kurtosis=Fraction(kurtosis),
        fourth=Fraction(fourth),
        **errors,
    )


#: Every part of every quantizer, and for one sample and for two every pair of them, in some case.
CASES: tuple[Setting, ...] = (
    _case(2, 1),
    _case(2, 2),
    # one sample: the rest in full; the data in full; everything at once where d = 1
    _case(2, 1, label="ase", parameter="ase", activation="ase", gradient="ase"),
    _case(2, 1, data="ase", label="s", parameter="s", activation="e", gradient="a"),
    _case(1, 1, data="ase", label="ase", parameter="ase", activation="ase", gradient="ase"),
    # two samples, exact data: one part on all four, then the parts mixed
    _case(2, 2, label="a", parameter="a", activation="a", gradient="a"),
    _case(2, 2, label="s", parameter="s", activation="s", gradient="s"),
    _case(2, 2, label="e", parameter="e", activation="e", gradient="e"),
    _case(2, 2, label="ase", parameter="s", gradient="as"),
    _case(2, 2, parameter="ase", activation="s", gradient="s"),
    _case(2, 2, label="s", activation="ase", gradient="se"),
    _case(1, 2, parameter="ase", activation="ase", gradient="ase"),
    _case(1, 2, label="ase", parameter="ase", gradient="ase"),
    _case(1, 2, label="ase", parameter="ase", activation="ase"),
    _case(1, 2, label="ase", activation="ase", gradient="ae"),
    # two samples, each scheme of the data, with the rest correlated across the samples or not
    _case(2, 2, data="a", label="s", parameter="s", activation="s", gradient="s"),
    _case(2, 2, data="s", label="s", parameter="s", activation="s", gradient="s"),
    _case(2, 2, data="e", label="s", parameter="s", activation="s", gradient="s"),
    _case(2, 2, data="s", label="e", parameter="a", activation="a", gradient="s"),
    _case(1, 2, data="ase", label="s", parameter="ae", activation="s", gradient="s"),
    _case(1, 2, data="ase", label="a", activation="s", gradient="e"),
    _case(1, 2, data="ase", label="e", parameter="s", gradient="a"),
    _case(1, 2, data="ase", parameter="s", activation="a", gradient="s"),
    _case(1, 2, data="ase", parameter="s", activation="e", gradient="s"),
    # covariates that are not Gaussian: independent ones, and samples of random size
    _case(2, 1, data="ase", label="s", parameter="s", activation="e", gradient="a", kurtosis=5),
    _case(2, 2, label="ase", parameter="s", gradient="as", kurtosis=1),
    _case(2, 1, data="ase", label="s", parameter="s", activation="e", gradient="a", fourth=2),
    _case(2, 2, label="s", parameter="a", activation="e", gradient="s", fourth=3),
)

#: Runs of several steps, for the average: the covariance of two iterates counts.
PATHS: tuple[Setting, ...] = (
    _case(2, 1, steps=4),
    _case(2, 1, steps=3, data="s", label="s", parameter="s", activation="s", gradient="s"),
    _case(1, 2, steps=3, data="s", parameter="a", gradient="s"),
    _case(1, 1, steps=4, data="a", parameter="e", activation="s"),
    _case(1, 1, steps=5, parameter="e", gradient="a"),
)
