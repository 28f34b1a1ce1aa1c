r"""The risk averaged over random sketches: deterministic equivalents.

Let S in R^{M x d} have independent N(0, 1/M) entries. Given S, learning in the features S x is an
ordinary problem whose spectrum s_1, ..., s_M is that of Sigma = S H S^T and whose target has the
coefficients v*_j; what the sketch misses is label noise of variance perp, and perp / 2 of the risk.
So the risk depends on S through two measures only,

    mu = sum_j delta(s_j)       and       nu = sum_j s_j v*_j^2 delta(s_j),

and these have deterministic equivalents. With z outside of the support, and kappa(z) the solution
of -z = kappa (1 - df1(kappa) / M), df1(kappa) = sum_i lambda_i / (lambda_i + kappa),

    int mu(ds) / (s - z) -> M / kappa(z),
    int s nu(ds) / (s - z) -> sum_i lambda_i theta_i^2 / (lambda_i + kappa(z)),

theta_i^2 = lambda_i w*_i^2. Everything in the recursion of the moments is a polynomial in s, so a
sum over the s_j is an integral over a path around the support, by the trapezoidal rule a sum over
*complex* coordinates z with complex multiplicities: the exact recursion runs on these as it does
on any other (:meth:`Sketch.instance`). The path is an ellipse around the support in log z, on
which the rule converges geometrically.

An equivalent is exact as M grows, for every functional; it is no bound and no certified number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp

from qtheory.errors import PrecisionError, UnstableError
from qtheory.model.instance import Instance, NumericErrorModel, instantiate, require_numbers
from qtheory.model.problem import Problem
from qtheory.model.quantization import TARGETS, Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.model.spectra import Explicit, in_balls
from qtheory.model.tails import formulas, known_spectrum, require_finite_risk, sums_from
from qtheory.numbers.arithmetic import Float64
from qtheory.numbers.exact import require_numeric
from qtheory.numbers.gauss_sums import discrete_gauss
from qtheory.numbers.precision import working_bits

Array = np.ndarray[Any, Any]

_FEW = 4096  # coordinates are taken one by one
_NODES = 16
_BITS = 160
# Beyond this place lambda is below what any kappa can feel.
_LAST_POSITION = 10**60
_SMALL, _LEAST_FLOAT = 1e-17, 1e-300
_HALVINGS = 200
_NEWTON = 60
# The path around the support: how far it keeps from its ends, and from the real line, in log z, and
# its points for each unit of length over height.
_MARGIN, _HEIGHT, _POINTS = 0.35, 0.8, 12
_LEAST_MARGIN = 1e-3
_LEAST_KAPPA = 1e-200
MOST_FEATURES = 10**9


@dataclass(frozen=True, eq=False)
class Sketch:
    """What random sketches of a problem have in common, in numbers.

    Sums over the coordinates are sums over a few positions with weights, and a rest in which lambda
    is too small to count beside kappa.
    """

    size: int
    eigenvalues: Array
    signal: Array  # lambda w*^2
    weights: Array
    rest: tuple[float, float]  # the trace and the signal of the rest

    @classmethod
    def of(cls, problem: Problem, size: int) -> Sketch:
        """The sums of a problem."""
        return cls(size, *_coordinates(problem, size))

    @property
    def energy(self) -> float:
        """||w*||_H^2."""
        return float((self.signal * self.weights).sum() + self.rest[1])

    @cached_property
    def trace(self) -> float:
        """tr H."""
        return float((self.eigenvalues * self.weights).sum() + self.rest[0])

    def df1(self, kappa: Any) -> Any:
        """sum lambda / (lambda + kappa)."""
        return (self.weights * self.eigenvalues / (self.eigenvalues + kappa)).sum() + (
            self.rest[0] / kappa
        )

    def free(self, kappa: Any) -> Any:
        """1 - df1 / M, without cancellation where df1 is about the dimension."""
        if self.rest[0]:
            return 1 - self.df1(kappa) / self.size
        unlearnt = (self.weights * kappa / (self.eigenvalues + kappa)).sum()
        return (self.size - self._count + unlearnt) / self.size

    def df2(self, kappa: Any) -> Any:
        """sum (lambda / (lambda + kappa))^2."""
        return (self.weights * (self.eigenvalues / (self.eigenvalues + kappa)) ** 2).sum()

    def unlearnt(self, kappa: float) -> float:
        """sum kappa theta^2 / (lambda + kappa), which is all that is not learnt."""
        share = kappa / (self.eigenvalues + kappa)
        return float((self.weights * self.signal * share).sum() + self.rest[1])

    def kappa(self, level: float) -> float:
        """The solution of level = kappa (1 - df1 / M), for a level of additive data errors."""
        return root(lambda k: k * self.free(k) - level, *self._range(level))

    @cached_property
    def perp(self) -> float:
        """||w*||_H^2 less what the features can express: the noise of the sketch."""
        return self.unlearnt(self.unquantized_kappa) if self.size < self._count else 0.0

    @cached_property
    def unquantized_kappa(self) -> float:
        """kappa without errors of the data: 0 where M features hold every coordinate."""
        return self.kappa(0.0) if self.size < self._count else 0.0

    @property
    def _count(self) -> float:
        return math.inf if self.rest[0] else float(self.weights.sum())

    def _range(self, level: float) -> tuple[float, float]:
        """Two numbers around every positive kappa of a level."""
        return _LEAST_KAPPA * self.trace, level + self.trace / self.size + level

    def limits(self, additive: float = 0.0, shared: float = 0.0) -> tuple[float, float, float]:
        """A_S, F_S and df1 with errors of these levels on the data."""
        scale = 1 + shared
        level = additive / scale
        kappa, slope = self.unquantized_kappa if level == 0 else self.kappa(level), 0.0
        if kappa:
            slope = float(
                (
                    self.weights * self.signal * self.eigenvalues / (self.eigenvalues + kappa) ** 2
                ).sum()
                / (1 - self.df2(kappa) / self.size)
            )
        unlearnt = self.unlearnt(kappa)
        share, shrunk = 1 / scale, shared / scale
        approximation = (shrunk * self.energy + share * unlearnt) / 2
        # b^T R b = explained and b^T R Sigma R b = explained - level b^T R^2 b
        left = shrunk**2 * self.energy + share * (2 - share) * unlearnt - share**2 * level * slope
        count = float(self.df1(kappa)) if kappa else self._count
        return approximation, left / 2, min(count, self.size)

    # the path

    @cached_property
    def edges(self) -> tuple[float, float]:
        """The ends of the support of the spectrum of Sigma."""
        size = self.size

        def place(kappa: float) -> float:
            return float(-kappa * self.free(kappa))

        largest = float(self.eigenvalues[0])
        beyond = largest * (2 + math.sqrt(min(self._count, 1e12) / size)) * 1e3
        top = -root(lambda k: size - float(self.df2(-k)), largest * (1 + 1e-13), beyond)
        if size < self._count:
            low = place(root(lambda k: size - float(self.df2(k)), *self._range(0.0)))
        elif size == self._count:
            low = 0.0
        else:
            least = float(self.eigenvalues[-1])
            low = place(
                -root(lambda k: float(self.df2(-k)) - size, 1e-30 * least, least * (1 - 1e-13))
            )
        high = place(top)
        return low, high

    def path(self, most: float, least: float) -> tuple[Array, Array, Array, float]:
        """Points around the support with |z| < most, weights of mu and of nu there, and mu at 0.

        An ellipse in log z goes between the support and 0. Where the support comes nearer to 0 than
        ``least``, below which nothing moves, one in log(z + least) goes around both: 0 is not
        singular for the polynomials that are integrated. As M / kappa = df1 / z - M / z, a path
        around 0 has M directions at 0 and the weights of df1 / z, which M does not enlarge; and one
        that leaves 0 out has the same weights, and at 0 what M > d has there.
        """
        low, high = self.edges
        shift = least if low < least else 0.0
        low, high, most = max(low, shift), high + shift, most + shift
        margin = min(_MARGIN, math.log(most / high) / 2)
        half = math.log(high / low) / 2
        # so that the segment inside has the ends of the support
        height = min(_HEIGHT, math.sqrt(margin * (2 * half + margin)))
        length, middle = half + margin, math.log(low * high) / 2
        count = 2 * math.ceil(_POINTS * length / height)
        angles = 2 * np.pi * (np.arange(count) + 0.5) / count
        place = np.exp(middle + length * np.cos(angles) + 1j * height * np.sin(angles))
        z = place - shift
        turn = place * (-length * np.sin(angles) + 1j * height * np.cos(angles))
        kappa = self._along(z[: count // 2])
        kappa = np.concatenate([kappa, kappa[::-1].conj()])
        counted = np.array([self.df1(k) for k in kappa])
        signal = np.array([self._signal_between(k) for k in kappa])
        factor = -turn / (1j * count) / z  # - dz / (2 pi i z)
        unmoved = self.size if shift else max(self.size - self._count, 0.0)
        return z, factor * counted, factor * signal, unmoved

    def _signal_between(self, kappa: complex) -> complex:
        """z int nu(ds) / (s - z), which is int s nu(ds) / (s - z) less all of nu: 0 at z = 0."""
        start = self.unquantized_kappa
        change = self.eigenvalues / (self.eigenvalues + start) / (self.eigenvalues + kappa)
        return complex((start - kappa) * (self.weights * self.signal * change).sum())

    def _along(self, points: Array) -> Array:
        """kappa at points of the upper half plane, one after the other."""
        start = -10 * max(abs(points))
        kappa, at, found = complex(self.kappa(-start)), complex(start), []
        for z in (start * 1j * -1, *points):
            kappa, at = self._continued(kappa, at, complex(z)), complex(z)
            found.append(kappa)
        return np.array(found[1:])

    def _continued(self, kappa: complex, start: complex, end: complex) -> complex:
        """kappa at the end of a way, from that at its start, in steps that Newton's rule takes."""
        done, step = 0.0, 1.0
        while done < 1:
            step = min(step, 1 - done)
            there = start + (end - start) * (done + step)
            found = self._newton(kappa, there)
            if found is None:
                step /= 2
                if step < 1e-6:
                    raise PrecisionError("the equation for kappa cannot be solved on the path")
                continue
            kappa, done, step = found, done + step, 2 * step
        return kappa

    def _newton(self, kappa: complex, z: complex) -> complex | None:
        start = kappa
        for _ in range(_NEWTON):
            value = z + kappa * self.free(kappa)
            change = value / (1 - self.df2(kappa) / self.size)
            kappa -= change
            if abs(change) <= 1e-12 * abs(kappa):
                # the branch is that of Im kappa < 0 for Im z > 0, and near where it began
                near = abs(kappa - start) < abs(start) / 2
                return kappa if near and (kappa.imag < 0 or z.imag <= 0) else None
            if not abs(kappa - start) < abs(start):
                return None
        return None

    def instance(self, run: Run) -> Instance:
        """The problem in the sketch, on complex coordinates."""
        sgd, arithmetic = run.sgd, Float64(np.complex128)
        stepsize, batch = np.float64(float(sgd.stepsize)), np.float64(float(sgd.batch))

        def model(target: str) -> NumericErrorModel:
            given = getattr(run.quantization, target)
            return NumericErrorModel(
                *(
                    np.float64(float(part))
                    for part in (given.additive, given.shared, given.elementwise)
                )
            )

        levels: dict[str, Any] = {target: model(target) for target in TARGETS}
        data = levels["data"]
        # where one coordinate alone no longer contracts
        most = 2 / (stepsize * (1 + data.shared) * (1 + 1 / batch)) - data.additive
        if not most > self.edges[1] * (1 + _LEAST_MARGIN):
            raise UnstableError(
                f"stepsize is {sgd.stepsize}, at which the largest direction of the sketch grows, "
                "or is too near to it"
            )
        least = min(1 / (stepsize * (1 + data.shared) * int(sgd.steps)), self.edges[1])
        z, counts, signal, unmoved = self.path(most, least)
        if data.additive and unmoved:
            z, counts, signal = np.append(z, 0), np.append(counts, unmoved), np.append(signal, 0)
        share = np.divide(signal, counts * z, out=np.zeros_like(z), where=z != 0)
        return Instance(
            eigenvalues=z,
            target=np.sqrt(share),
            multiplicity=counts,
            noise=np.float64(float(run.problem.noise) + self.perp),
            label_noise=np.float64(float(run.problem.noise)),
            sketching=np.float64(self.perp / 2),
            stepsize=stepsize,
            batch=batch,
            steps=int(sgd.steps),
            groups=np.arange(len(z)),
            arithmetic=arithmetic,
            **levels,
        )


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function is 0, between two positive numbers, by bisection in logarithms."""
    if function(high) < 0 or function(low) > 0:
        raise PrecisionError("an equation of the sketch has no solution in its range")
    left, right = math.log(low), math.log(high)
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        if middle in (left, right):
            break
        if function(math.exp(middle)) < 0:
            left = middle
        else:
            right = middle
    return math.exp((left + right) / 2)


def _coordinates(problem: Problem, size: int) -> tuple[Array, Array, Array, tuple[float, float]]:
    """lambda and lambda w*^2 at few positions, with weights; trace and signal of the rest."""
    require_numeric(problem.dim, "dim")
    require_numbers(problem)
    if isinstance(problem.spectrum, Explicit) or problem.dim <= _FEW:
        return _one_by_one(problem)
    require_finite_risk(problem, Quantization())
    last = None if problem.dim is sp.oo else int(problem.dim)
    positions, weights, first = [], [], 1
    spectrum = known_spectrum(problem)
    with working_bits(_BITS):
        # kappa is not much below lambda_M
        felt = _SMALL * float(in_balls(formulas(problem)[0], flint.arb(size)))
        felt = max(felt, _LEAST_FLOAT)
        while last is None or first <= last:
            here = float(in_balls(formulas(problem)[0], flint.arb(first)))
            if last is None and (here < felt or first > _LAST_POSITION):
                break
            n = spectrum.panel(first) if first > _NODES else 1
            n = n if last is None else min(n, last + 1 - first)
            if n <= _NODES:
                positions += [flint.arb(first + k) for k in range(n)]
                weights += [1.0] * n
            else:
                nodes, counts = discrete_gauss(n, _NODES)
                middle = flint.arb(2 * first + n - 1) / 2
                positions += [middle + node for node in nodes]
                weights += map(float, counts)
            first += n
        lam, square = formulas(problem)
        eigenvalues = np.array([float(in_balls(lam, place)) for place in positions])
        signal = np.array([float(in_balls(lam * square, place)) for place in positions])
        trace, energy = (0.0, 0.0) if last is not None else sums_from(problem, first)
    return eigenvalues, signal, np.array(weights), (float(trace), float(energy))


def _one_by_one(problem: Problem) -> tuple[Array, Array, Array, tuple[float, float]]:
    """The coordinates one by one, from the largest eigenvalue to the smallest."""
    run = Run(problem, Quantization(), SGD("1/2", steps=1))
    plain = instantiate(run, Float64())
    order = np.argsort(-plain.eigenvalues)
    eigenvalues, target = plain.eigenvalues[order], plain.target[order]
    return eigenvalues, eigenvalues * target**2, np.ones(len(order)), (0.0, 0.0)
