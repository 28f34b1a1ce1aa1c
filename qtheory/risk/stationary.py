r"""Where the second moments of the iterates settle, if the step size is stable.

For eta = w - w^q one step maps n = E eta^2 to G n + c_0 once the mean has vanished, so the limit is
(1 - G)^{-1} c_0. With 1 - G = diag(loss) - sum_r u_r z_r^T, of one or two terms, Woodbury's formula
leaves a system of that size.
"""

from __future__ import annotations

from qtheory.model.instance import Instance, NumericFormat
from qtheory.numbers.arithmetic import Array, Scalar
from qtheory.risk.recursion import Step


def stationary_second_moment(instance: Instance, step: Step) -> Array:
    """The limit of E eta^2, shape (d,)."""
    wq = instance.quantized_target
    if _is_noiseless(instance):
        return step.x * 0  # c_0 cancels, and no arithmetic that rounds would see it
    direct = (step.gain @ wq**2 + step.mixed @ wq + step.c) / step.loss
    right = [row @ direct for row in step.gain.right]
    for left, weight in zip(step.gain.left, _solved(stationary_feedback(step), right), strict=True):
        direct = direct + left * weight / step.loss
    return direct


def stationary_feedback(step: Step) -> list[list[Scalar]]:
    """The matrix M_rs = z_r . (u_s / loss): theta is its spectral radius."""
    return [[row @ (left / step.loss) for left in step.gain.left] for row in step.gain.right]


def _solved(matrix: list[list[Scalar]], right: list[Scalar]) -> list[Scalar]:
    """(1 - M)^{-1} times a vector of length one or two."""
    if len(right) == 1:
        return [right[0] / (1 - matrix[0][0])]
    (a, b), (c, d) = matrix
    determinant = (1 - a) * (1 - d) - b * c
    return [
        ((1 - d) * right[0] + b * right[1]) / determinant,
        (c * right[0] + (1 - a) * right[1]) / determinant,
    ]


def _is_noiseless(instance: Instance) -> bool:
    """Whether w stays at w* once it is there; errors of the gradient may multiply what is 0."""
    if isinstance(instance.data, NumericFormat):
        return False
    levels = (instance.data, instance.label, instance.parameter, instance.activation)
    noises = [instance.noise, instance.gradient.additive]
    noises += [part for level in levels for part in (level.additive, level.multiplicative)]
    return all(noise == 0 for noise in noises)
