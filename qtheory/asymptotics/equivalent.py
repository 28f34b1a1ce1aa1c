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

from qtheory.errors import HypothesisError, InvalidArgumentError, PrecisionError, UnstableError
from qtheory.model.formats import NumberFormat
from qtheory.model.instance import Instance, NumericErrorModel, instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.model.spectra import Explicit, PowerLaw, in_balls
from qtheory.model.tails import formulas, known_spectrum, require_finite_risk, sums_from
from qtheory.model.targets import SourceCondition
from qtheory.numbers.arithmetic import Float64
from qtheory.numbers.display import html_table
from qtheory.numbers.exact import Number, exact, positive, require_numeric, whole
from qtheory.numbers.gauss_sums import discrete_gauss
from qtheory.numbers.precision import working_bits
from qtheory.risk.decomposition import decompose
from qtheory.risk.recursion import Step, centred
from qtheory.theory.coordinate import constants, levels
from qtheory.theory.definitions import A, norm, norm_q, s2, tr
from qtheory.theory.notation import B, sigma2

Array = np.ndarray[Any, Any]

_FEW = 4096  # coordinates are taken one by one
_NODES = 16
_BITS = 160
# Beyond this place lambda is below what any kappa can feel.
_LAST_POSITION = 10**60
_SMALL = 1e-17
_HALVINGS = 200
_NEWTON = 60
# The path around the support: how far it keeps from its ends, and from the real line, in log z, and
# its points for each unit of length over height.
_MARGIN, _HEIGHT, _POINTS = 0.35, 1.2, 19
_LEAST_EDGE = 1e-13
_LEAST_MARGIN = 1e-3
_MOST_FEATURES = 10**9
_INSTABILITY = 1e9


@dataclass(frozen=True, eq=False)
class EquivalentRisk:
    """The excess risk averaged over sketches: an asymptotic equivalent, no bound.

    Attributes
    ----------
    total
        Of the output that ``sgd`` asks for.
    floor
        F_S, the risk left when v has reached v^q.
    approximation
        A_S, what sketch and quantization of the data cost together.
    effective_size
        df1(kappa), the directions that are learned by a sketch whose data carry errors: M without.
    effective_samples
        N sigma^2 / s^2, the steps that leave as much noise at B = 1 with sigma^2 alone.
    sketching
        perp / 2, what the sketch cannot learn: a part of the total.
    """

    total: float
    floor: float
    approximation: float
    effective_size: float
    effective_samples: float
    sketching: float
    size: int

    def as_json(self) -> dict[str, Any]:
        """Its numbers by their names, and what they are."""
        return {**vars(self), "kind": "equivalent"}

    def __str__(self) -> str:
        rows = [f"{name.replace('_', ' '):<20}{value:.6g}" for name, value in self._rows()]
        return "\n".join(["equivalent risk, averaged over sketches", *rows])

    def _repr_html_(self) -> str:
        rows = [(name.replace("_", " "), f"{value:.6g}") for name, value in self._rows()]
        return html_table("Equivalent risk, averaged over sketches", rows)

    def _rows(self) -> list[tuple[str, float]]:
        return list(vars(self).items())


def equivalent_risk(
    problem: Problem, quantization: Quantization, sgd: SGD, *, size: Number
) -> EquivalentRisk:
    r"""The excess risk in a random sketch of M features, averaged over sketches.

    An *asymptotic equivalent*: exact as M grows, and no bound. At M = 8 it is within a few per cent
    of the mean over sketches, at M = 100 within a few thousandths.

    Parameters
    ----------
    problem
        Its dimension may be 10^7, or infinite.
    quantization
        Error models that do not see the rotation of the features: of every kind on label,
        activation and gradient, shared or additive on data and parameter.
    size
        M, a whole number of at least 1.

    Raises
    ------
    HypothesisError
        If data or parameter errors are elementwise, or number formats.
    UnstableError
        If the noise feeds itself.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2), noise=1)
    >>> sgd = qt.SGD("0.1", steps=1000, output="last")
    >>> found = qt.equivalent_risk(problem, qt.Quantization(), sgd, size=100)
    >>> print(f"{found.total:.4f} {found.sketching:.5f} {found.effective_size:.0f}")
    0.0882 0.01221 100

    Source: deterministic equivalents of random features; the setting is that of Zhang, Tang, Liang,
    Zou (arXiv:2602.19241).
    """
    run = Run(problem, quantization, sgd).covered()
    features = whole(size, "size", 1, _MOST_FEATURES)
    _require_unrotated(quantization)
    sketch = Sketch.of(problem, features)
    instance = sketch.instance(run)
    first, second = _output_moments(instance, run)
    total = float(decompose(instance, *centred(instance, first, second)).total.real)
    total += sketch.perp / 2
    if not math.isfinite(total) or total > _INSTABILITY * (sketch.energy + float(problem.noise)):
        raise UnstableError(f"stepsize is {sgd.stepsize}, at which the noise feeds itself")
    data = quantization.data
    approximation, floor, effective = sketch.limits(float(data.additive), float(data.shared))
    samples = int(sgd.steps) * float(problem.noise) / _noise(run, sketch, instance, approximation)
    return EquivalentRisk(
        total, floor, approximation, effective, samples, sketch.perp / 2, features
    )


def _require_unrotated(quantization: Quantization) -> None:
    for target in ("data", "parameter"):
        model = getattr(quantization, target)
        if isinstance(model, NumberFormat) or model.elementwise != 0:
            raise HypothesisError(
                f"{target} is {model!r}: elementwise errors see the rotation of the features, and "
                "no equivalent of them is known; qt.elementwise_sketch has an approximation"
            )


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
        return cls(size, *_coordinates(problem))

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

    def learnt(self, kappa: Any) -> Any:
        """sum lambda theta^2 / (lambda + kappa)."""
        return (self.weights * self.signal * self.eigenvalues / (self.eigenvalues + kappa)).sum()

    def kappa(self, level: float) -> float:
        """The solution of level = kappa (1 - df1 / M), for a level of additive data errors."""
        return _root(lambda k: k * self.free(k) - level, *self._range(level))

    @cached_property
    def perp(self) -> float:
        """||w*||_H^2 less what the features can express: the noise of the sketch."""
        if self.size >= self._count:
            return 0.0
        kappa = self.kappa(0.0)
        return self.energy - float(self.learnt(kappa))

    @property
    def _count(self) -> float:
        return math.inf if self.rest[0] else float(self.weights.sum())

    def _range(self, level: float) -> tuple[float, float]:
        """Two numbers around every positive kappa of a level."""
        return 1e-40 * self.trace, level + self.trace / self.size + level

    def limits(self, additive: float = 0.0, shared: float = 0.0) -> tuple[float, float, float]:
        """A_S, F_S and df1 with errors of these levels on the data."""
        scale = 1 + shared
        level = additive / scale
        if level == 0 and self.size >= self._count:
            kappa, slope = 0.0, 0.0
        else:
            kappa = self.kappa(level)
            slope = float(
                (
                    self.weights * self.signal * self.eigenvalues / (self.eigenvalues + kappa) ** 2
                ).sum()
                / (1 - self.df2(kappa) / self.size)
            )
        explained = float(self.learnt(kappa)) if kappa else self.energy
        share = 1 / scale
        approximation = (self.energy - share * explained) / 2
        # b^T R b = explained and b^T R Sigma R b = explained - level b^T R^2 b
        left = self.energy - 2 * share * explained + share**2 * (explained - level * slope)
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
        top = -_root(lambda k: size - float(self.df2(-k)), largest * (1 + 1e-13), beyond)
        if size < self._count:
            low = place(_root(lambda k: size - float(self.df2(k)), *self._range(0.0)))
        elif size == self._count:
            low = 0.0
        else:
            least = float(self.eigenvalues[-1])
            low = place(
                -_root(lambda k: float(self.df2(-k)) - size, 1e-30 * least, least * (1 - 1e-13))
            )
        high = place(top)
        return max(low, _LEAST_EDGE * high), high

    def path(self, most: float) -> tuple[Array, Array, Array]:
        """Points around the support with |z| < most, and the weights of mu and of nu there."""
        low, high = self.edges
        margin = min(_MARGIN, math.log(most / high) / 2)
        half = math.log(high / low) / 2
        # so that the segment inside has the ends of the support
        height = min(_HEIGHT, math.sqrt(margin * (2 * half + margin)))
        length, middle = half + margin, math.log(low * high) / 2
        count = 2 * math.ceil(_POINTS * length / height)
        angles = 2 * np.pi * (np.arange(count) + 0.5) / count
        z = np.exp(middle + length * np.cos(angles) + 1j * height * np.sin(angles))
        turn = -length * np.sin(angles) + 1j * height * np.cos(angles)
        kappa = self._along(z[: count // 2])
        kappa = np.concatenate([kappa, kappa[::-1].conj()])
        learnt = np.array([self.learnt(k) for k in kappa])
        factor = -turn / (1j * count)  # times z: - dz / (2 pi i)
        return z, factor * z * self._counted(z, kappa), factor * learnt

    def _counted(self, z: Array, kappa: Array) -> Array:
        """sum_j 1 / (s_j - z) over the s_j that are not 0, of which M - d are for M > d."""
        if self.size < self._count:
            return self.size / kappa
        return np.array([-(self._count - self.df1(k)) for k in kappa]) / z

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

        data = model("data")
        # where one coordinate alone no longer contracts
        most = 2 / (stepsize * (1 + data.shared) * (1 + 1 / batch)) - data.additive
        if not most > self.edges[1] * (1 + _LEAST_MARGIN):
            raise UnstableError(
                f"stepsize is {sgd.stepsize}, at which the largest direction of the sketch grows, "
                "or is too near to it"
            )
        z, counts, signal = self.path(most)
        return Instance(
            eigenvalues=z,
            target=np.sqrt(signal / (counts * z)),
            multiplicity=counts,
            noise=np.float64(float(run.problem.noise) + self.perp),
            stepsize=stepsize,
            batch=batch,
            steps=int(sgd.steps),
            groups=np.arange(len(z)),
            arithmetic=arithmetic,
            **{
                target: model(target)
                for target in ("data", "label", "parameter", "activation", "gradient")
            },
        )


def _noise(run: Run, sketch: Sketch, instance: Instance, approximation: float) -> float:
    """s^2 of T4' at B = 1 in the sketch: the noise that every step adds."""
    problem, quantization, _ = run
    known = {
        **levels(quantization),
        B: sp.Integer(1),
        sigma2: problem.noise + sketch.perp,
    }
    energy = sketch.energy - sketch.perp
    quantized = instance.quantized_eigenvalues * instance.multiplicity
    known |= {
        A: approximation - sketch.perp / 2,
        norm: energy,
        norm_q: float((quantized * instance.quantized_target**2).sum().real),
        tr: float(quantized.sum().real),
    }
    found = constants(quantization, sp.Integer(1))[s2].xreplace(known)
    return float(found)


def _output_moments(instance: Instance, run: Run) -> tuple[Array, Array]:
    """E w and E w^2 of what SGD returns, by powers of the step."""
    window, step = run.window, Step.of(instance)
    n = len(step.x)
    state = np.zeros(2 * n + 1, dtype=complex)
    state[0] = 1
    state = _power(_step_matrix(step), window.first, state)
    if not window.averaged:
        return state[1 : n + 1], state[n + 1 :]
    state = np.concatenate([state, np.zeros(3 * n)])
    state = _power(_with_sums(step), window.count, state)
    return state[2 * n + 1 : 3 * n + 1] / window.count, state[4 * n + 1 :] / window.count**2


def _power(matrix: Array, times: int, vector: Array) -> Array:
    """matrix^times vector."""
    while times:
        if times % 2:
            vector = matrix @ vector
        times //= 2
        if times:
            matrix = matrix @ matrix
    return vector


def _step_matrix(step: Step) -> Array:
    """The step on (1, m, v)."""
    n = len(step.x)
    m, v = slice(1, n + 1), slice(n + 1, 2 * n + 1)
    matrix = np.zeros((2 * n + 1, 2 * n + 1), dtype=complex)
    matrix[0, 0] = 1
    matrix[m, 0], matrix[m, m] = step.drift, np.diag(step.rho)
    matrix[v, 0], matrix[v, m], matrix[v, v] = step.c, step.K.dense(), step.G.dense()
    return matrix


def _with_sums(step: Step) -> Array:
    """The step on (1, m, v, s m, s w, s v), with s' = s + w."""
    n = len(step.x)
    m, v, sum_m, sum_w, sum_v = (slice(k * n + 1, (k + 1) * n + 1) for k in range(5))
    matrix = np.zeros((5 * n + 1, 5 * n + 1), dtype=complex)
    matrix[: 2 * n + 1, : 2 * n + 1] = _step_matrix(step)
    unit, rho, drift = np.eye(n), np.diag(step.rho), np.diag(step.drift)
    matrix[sum_m, m] = matrix[sum_m, sum_m] = unit
    matrix[sum_w, m] = matrix[sum_w, sum_m] = drift
    matrix[sum_w, v] = matrix[sum_w, sum_w] = rho
    matrix[sum_v, v] = matrix[sum_v, sum_v] = unit
    matrix[sum_v, sum_w] = 2 * unit
    return matrix


def _root(function: Callable[[float], float], low: float, high: float) -> float:
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


def _coordinates(problem: Problem) -> tuple[Array, Array, Array, tuple[float, float]]:
    """lambda and lambda w*^2 at few positions, with weights; trace and signal of the rest."""
    require_numeric(problem.dim, "dim")
    if isinstance(problem.spectrum, Explicit) or problem.dim <= _FEW:
        return _one_by_one(problem)
    require_finite_risk(problem, Quantization())
    last = None if problem.dim is sp.oo else int(problem.dim)
    positions, weights, first = [], [], 1
    spectrum = known_spectrum(problem)
    with working_bits(_BITS):
        largest = float(in_balls(formulas(problem)[0], flint.arb(1)))
        while last is None or first <= last:
            here = float(in_balls(formulas(problem)[0], flint.arb(first)))
            if last is None and (here < _SMALL * largest or first > _LAST_POSITION):
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


def sketching_constant(problem: Problem, size: sp.Symbol | Number) -> sp.Expr:
    r"""The leading term of A_S for a power law: what a sketch of M features cannot learn.

    For lambda_i = i^-a and lambda_i w*_i^2 = i^-b, 1 < b < a + 1, d = oo and exact data:

    .. math:: A_S \sim \frac{1}{2} \frac{\pi/a}{\sin(\pi (b-1)/a)}
              \Bigl(\frac{\pi/a}{M \sin(\pi/a)}\Bigr)^{b-1} .

    Examples
    --------
    >>> import qtheory as qt
    >>> M = qt.symbols("M")
    >>> sketching_constant(qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(2)), M)
    pi**2/(8*M)
    """
    spectrum, target = problem.spectrum, problem.target
    if problem.dim is not sp.oo or not isinstance(spectrum, PowerLaw):
        raise InvalidArgumentError("problem", problem, "a PowerLaw in infinite dimension")
    if not isinstance(target, SourceCondition):
        raise InvalidArgumentError("target", target, "a SourceCondition")
    a, b = spectrum.exponent, target.exponent
    if (b < a + 1) is sp.false or (b > 1) is sp.false or (a > 1) is sp.false:
        raise InvalidArgumentError("target", target, "one with 1 < b < a + 1, for a > 1")
    M = exact(size, "size")
    kappa = spectrum.scale * (sp.pi / a / (M * sp.sin(sp.pi / a))) ** a
    share = sp.pi / a / sp.sin(sp.pi * (b - 1) / a)
    return sp.powdenest(share * (kappa / spectrum.scale) ** ((b - 1) / a), force=True) / 2


@dataclass(frozen=True)
class ElementwiseSketch:
    """Relative errors of single features: an approximation, not an equivalent.

    Attributes
    ----------
    kappa
        The scale below which directions are not learned.
    approximation
        A_S with that kappa: up to 2.5 % below what sampled sketches give.
    effective_size
        df1(kappa).
    """

    kappa: float
    approximation: float
    effective_size: float


def elementwise_sketch(problem: Problem, level: Number, *, size: Number) -> ElementwiseSketch:
    r"""What elementwise multiplicative data errors of a level do to a sketch of M features.

    A sketch mixes the coordinates, so all features are of one size, and a relative error of each
    acts as an additive one of level eps D, D = M^{-1} sum_k lambda_k g_k^2 with Gaussian g. kappa
    solves

    .. math:: 1/\kappa = E\, 1 / (\varepsilon D + \kappa\, df_1(\kappa) / M) ,

    as if D and the row of the sketch that it scales were independent, which they are not quite: an
    *approximation*. For the orders D may be replaced by tr(H) / M.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(6000, qt.PowerLaw(2), qt.SourceCondition(2))
    >>> [round(elementwise_sketch(problem, "0.01", size=M).approximation, 5) for M in (100, 200)]
    [0.01689, 0.0099]
    """
    features = whole(size, "size", 1, _MOST_FEATURES)
    eps = float(positive(level, "level"))
    sketch = Sketch.of(problem, features)
    scales = 2 * eps * sketch.eigenvalues / features

    def inverse(c: float) -> float:
        """E 1 / (c + eps D): the integral of exp(-t c) E exp(-t eps D) over t."""
        # t = (1/c) e^u: the integrand falls on both sides
        u = np.linspace(-30.0, 4.5, 1400)
        t = np.exp(u) / c
        logs = -t * c - (sketch.weights * np.log1p(np.outer(t, scales))).sum(axis=1) / 2
        logs -= t * eps * sketch.rest[0] / features
        return float((np.exp(logs) * t).sum() * (u[1] - u[0]))

    def excess(kappa: float) -> float:
        return kappa * inverse(kappa * float(sketch.df1(kappa)) / features) - 1

    kappa = _root(excess, 1e-20 * sketch.trace, 2 * sketch.trace * (1 + eps))
    approximation = (sketch.energy - float(sketch.learnt(kappa))) / 2
    return ElementwiseSketch(kappa, approximation, float(sketch.df1(kappa)))
