r"""Stability of the second moments.

One step maps v to diag(g) v + sum_r u_r (z_r . v) + (terms without v), all entries nonnegative.
Such a map contracts if and only if every g_i < 1 and the small matrix
M_rs = z_r . (u_s / (1 - g)) has spectral radius theta < 1 (Perron-Frobenius). Without quantization
theta = sum_i gamma lambda_i / (B (2 - gamma lambda_i (1 + 1/B))).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import flint
import numpy as np
import sympy as sp

from qtheory.errors import HypothesisError, InvalidArgumentError, PrecisionError, UnstableError
from qtheory.model.covariates import KnownMoments
from qtheory.model.float_range import within_float64
from qtheory.model.instance import Instance, instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.schedules import Schedule
from qtheory.model.sgd import SGD
from qtheory.numbers.arithmetic import Arithmetic, Array, Balls, Float64, Intervals, Scalar
from qtheory.numbers.certify import certified
from qtheory.numbers.interval import SLACK
from qtheory.risk.compression import compressed_instance, is_compressible
from qtheory.risk.decomposition import decompose, floor
from qtheory.risk.memory import CarriedMap, largest_stepsize
from qtheory.risk.recursion import Step, centred
from qtheory.risk.stationary import stationary_feedback, stationary_second_moment

# Closer to 1 than this, float64 cannot tell on which side theta is.
_UNDECIDED = 1e-9
_BITS_AT_THE_EDGE = 400
_LIMIT_ACCURACY = 1e-9
_DIGITS_OF_THE_LIMIT = 17
# Past this many coordinates float64 may underflow, and the compression costs no more.
_LONG = 200


@dataclass(frozen=True)
class Stability:
    """Where a run stands: it is stable if and only if theta < 1.

    ``theta`` is infinite where a single coordinate already grows;
    ``largest_stepsize`` is the supremum of the stable step sizes; ``limit`` is the limit of the
    excess risk as the number of steps grows (of the last iterate or of the average, as the run
    says), infinite where the run is not stable. Of a schedule, ``theta`` is that of its worst
    stretch, and ``limit`` that of its last stretch if it went on.
    """

    theta: float
    largest_stepsize: float
    limit: float

    @property
    def stable(self) -> bool:
        """Whether the second moments stay bounded."""
        return self.theta < 1


@within_float64
def stability(problem: Problem, quantization: Quantization, sgd: SGD) -> Stability:
    """theta, the largest stable step size and the limit of the risk, rounded to float64.

    Examples
    --------
    >>> from qtheory import PowerLaw, Constant
    >>> problem = Problem(dim=1, spectrum=PowerLaw(2), target=Constant(1))
    >>> result = stability(problem, Quantization(), SGD(stepsize="0.1", steps=10))
    >>> round(result.largest_stepsize, 6)    # d = 1: v' contracts for gamma < 2 / (3 lambda)
    0.666667
    """
    run = Run(problem, quantization, sgd).covered(any_step=True, covariates=KnownMoments)
    if run.changes:
        return _of_changed_steps(run)
    theta, _ = _theta(_instance(run, Intervals()))
    limit = _limit(run) if theta < 1 else float("inf")
    return Stability(theta, _largest_stepsize(run), limit)


@within_float64
def require_stable(run: Run) -> None:
    """Raise UnstableError, with theta and the largest stable step size, if theta >= 1.

    A schedule may be past stability for a while, and its risk is what it is. So it is with relative
    errors of stored weights, under which E w^2 of slow directions grows a little at every step.
    """
    if run.changes:
        if not isinstance(run.sgd.stepsize, Schedule):
            _require_below_one(run)
        return
    theta, error = _theta(_instance(run, Intervals()))
    undecided = not abs(theta - 1) >= max(error, _UNDECIDED)
    if not (_is_certainly_stable(run) if undecided else theta < 1):
        raise UnstableError(
            f"stepsize is {run.sgd.stepsize}, past stability: theta = {theta:.6g}, but it must be "
            f"below 1; the largest stable stepsize is "
            f"{_largest_stepsize(run):.6g}"
        )


def _require_below_one(run: Run) -> None:
    problem, quantization, sgd = run
    if not sgd.error_feedback:  # which keeps them from adding up
        kept = replace(quantization.stored, shared=sp.S.Zero, elementwise=sp.S.Zero)
        quantization = replace(quantization, stored=kept)
    instance = _changed_instance(Run(problem, quantization, sgd))
    theta = _worst_theta(instance)
    if theta >= 1:
        largest = _largest_of_changed(instance)
        raise UnstableError(
            f"stepsize is {sgd.stepsize}, past stability with {', '.join(run.changes)}: theta is "
            f"{theta:.6g}, but it must be below 1; "
            + (f"the largest stable stepsize is {largest:.6g}" if largest else "none is stable")
        )


def _of_changed_steps(run: Run) -> Stability:
    """With momentum, stored weights or a schedule: the worst stretch, the limit of the last."""
    instance = _changed_instance(run)
    theta, limit = _worst_theta(instance), math.inf
    if theta < 1 and run.sgd.output != "last":
        limit = float(floor(instance) + instance.sketching)
    elif theta < 1:
        *_, (_, stepsize, batch) = instance.paces()
        last = CarriedMap.of(replace(instance, batch=batch), float(stepsize))
        mean = instance.quantized_target
        moments = centred(instance, mean, last.settled(mean))
        limit = float(decompose(instance, *moments).total + instance.sketching)
    return Stability(theta, _largest_of_changed(instance), limit)


def _changed_instance(run: Run) -> Instance:
    if run.problem.dim is sp.oo:
        raise HypothesisError(f"dim is oo, but with {', '.join(run.changes)} it must be finite")
    return instantiate(run, Float64())


def _by_batch(instance: Instance) -> dict[float, float]:
    """The largest stepsize with each batch."""
    found: dict[float, float] = {}
    for _, stepsize, batch in instance.paces():
        found[float(batch)] = max(float(stepsize), found.get(float(batch), 0.0))
    return found


def _worst_theta(instance: Instance) -> float:
    return max(
        CarriedMap.of(replace(instance, batch=np.float64(batch)), stepsize).theta
        for batch, stepsize in _by_batch(instance).items()
    )


def _largest_of_changed(instance: Instance) -> float:
    """The largest stepsize that is stable with every batch."""
    momentum = float(instance.momentum)
    longest = 2 * (1 + momentum) / float(np.max(instance.quantized_eigenvalues))
    return min(
        largest_stepsize(replace(instance, batch=np.float64(batch)), longest)
        for batch in _by_batch(instance)
    )


def _is_certainly_stable(run: Run) -> bool:
    arithmetic = Balls(bits=_BITS_AT_THE_EDGE)
    with arithmetic.working():
        if not _is_compressed(run):
            return _contracts(instantiate(run, arithmetic))
        try:
            compressed_instance(run, 1, arithmetic)
        except PrecisionError:  # theta < 1 cannot be shown
            return False
        return True


def _is_compressed(run: Run) -> bool:
    dim = run.problem.dim
    if dim is sp.oo:
        return True
    long = dim.is_number and dim > _LONG
    return bool(long) and is_compressible(run.problem, run.quantization)


def _contracts(instance: Instance) -> bool:
    """Whether balls show that theta < 1: the matrix 1 - M has positive principal minors."""
    step = Step.of(instance)
    if not all(loss > 0 for loss in step.loss):
        return False
    matrix = stationary_feedback(step)
    if len(matrix) == 1:
        return bool(matrix[0][0] < 1)
    (a, b), (c, d) = matrix
    return bool(a < 1 and d < 1 and (1 - a) * (1 - d) - b * c > 0)


def _instance(run: Run, arithmetic: Arithmetic) -> Instance:
    if _is_compressed(run):
        return compressed_instance(run, 1, arithmetic)[0]
    return instantiate(run, arithmetic)


def _theta(instance: Instance) -> tuple[float, float]:
    """theta, and a bound on its rounding error."""
    eigenvalues = instance.quantized_eigenvalues
    (zeros,) = np.nonzero(eigenvalues.midpoint == 0)
    if len(zeros) and zeros[0] > 0:  # not if all of them are
        value = f"0 in float64 at i = {zeros[0] + 1}"
        raise InvalidArgumentError("spectrum", value, "positive up to dim, or qt.Explicit")
    if np.any((instance.stepsize * eigenvalues).midpoint == 0):
        raise FloatingPointError("a stepsize that float64 cannot tell from 0")
    with np.errstate(all="ignore"):
        step = Step.of(instance)
        if np.any(step.loss.midpoint <= 0):
            return math.inf, 0.0 if np.any(step.loss < 0) else math.inf
        matrix = [entry for row in stationary_feedback(step) for entry in row]
        middles = np.array([float(entry) for entry in matrix])
        # entries are positive: raised by a factor, they raise the spectral radius by no more
        relative = max(float(entry.radius) / abs(float(entry)) for entry in matrix)
        theta = _spectral_radius(middles.reshape(len(step.gain.left), -1))
    return theta, SLACK * relative * theta


def _spectral_radius(matrix: Array) -> float:
    return float(np.max(np.abs(np.linalg.eigvals(matrix))))


def _limit(run: Run) -> float:
    """In float64, or in balls where the noise that remains is small beside what it is made of."""
    with np.errstate(all="ignore"):
        limit = _settled(_instance(run, Intervals()), run.sgd)
    if limit.radius <= _LIMIT_ACCURACY * limit.midpoint:
        return float(limit)
    return float(
        certified(
            lambda balls: _settled(_instance(run, balls), run.sgd),
            _DIGITS_OF_THE_LIMIT,
            judged=lambda limit: [[flint.arb(limit)]],
        )
    )


def _settled(instance: Instance, sgd: SGD) -> Scalar:
    """Averages settle at w^q, so F is left; the last iterate keeps its stationary variance."""
    if sgd.output != "last":
        return floor(instance) + instance.sketching
    second = stationary_second_moment(instance, Step.of(instance))
    return decompose(instance, second * 0, second).total + instance.sketching


def _largest_stepsize(run: Run) -> float:
    """Where theta = 1, by the secant rule of Illinois, which keeps a bracket.

    A step of u gamma_1 has M = u (z_r . (u_s / (2 x - u gain))) in terms of the step of gamma_1.
    The root is taken of u / theta - u, which is a straight line for d = 1; as u <= 1, the first
    term may be cut at 1 (theta may rise from 0 to infinity at once).
    """
    instance = _instance(run, Float64())
    # theta grows with gamma; past 2 / lambda^q_1 the largest coordinate alone diverges.
    longest = np.float64(2 / float(np.max(instance.quantized_eigenvalues)))
    step = Step.of(replace(instance, stepsize=longest))

    def excess(u: float) -> float:
        loss = 2 * step.x - u * step.gain.diagonal
        if np.any(loss <= 0):
            return -u
        rows = [[row @ (left / loss) for left in step.gain.left] for row in step.gain.right]
        return min(1 / _spectral_radius(np.array(rows)), 1.0) - u

    kept, last = (0.0, excess(0.0)), (1.0, excess(1.0))
    for _ in range(200):
        u = (kept[0] * last[1] - last[0] * kept[1]) / (last[1] - kept[1])
        here = excess(u)
        kept = last if here * last[1] < 0 else (kept[0], kept[1] / 2)
        last = u, here
        if here == 0 or abs(u - kept[0]) <= 4 * np.finfo(float).eps * u:
            break
    return float(u * longest)
