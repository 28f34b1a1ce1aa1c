r"""Infinite dimension: the spectrum compressed to finitely many coordinates, with a proved error.

Let i = 1, ..., M stay as they are. Behind them panels of consecutive integers are each replaced by
the nodes i_j and weights m_j of a Gauss rule for sums, so that sum_i h(i) becomes sum_j m_j h(i_j):
a coordinate with eigenvalue lambda(i_j) that counts m_j times. All coordinates past the last panel
become one that does not move during the run, with their trace and their signal sum lambda w*^2.

Why this is accurate. In n'_i = (1 - a_i) n_i + lambda_i Q_t + C_2 lambda_i^2 + (C_3 V_i - O V_i
rho_i^t) lambda_i^2, V = w*^2, coordinates meet only in the scalar drive Q_t = U S_t + C_1 - U D_t
with S_t = sum lambda n_t, D_t = H sum lambda V rho^t. For a given drive n_i is a polynomial in
lambda_i and V_i, so an analytic function h of i; on a Bernstein ellipse of the panel with
parameter r it is bounded by powers of L = sup |lambda|, E = sup |lambda V| and
eta = inf (1 - |1 - a|), uniformly in t, and the rule errs by at most
4 n sup|h| r^(1-2p) / (r - 1). The errors of S, D, C_1 feed back through the drive with the factor
theta < 1. The averaging weights of n_t add up to at most 1 wherever |rho| <= 1, so the same bounds
hold for the last iterate, the average and the tail average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint
import sympy as sp

from qtheory.errors import InfiniteRiskError, InvalidArgumentError, PrecisionError
from qtheory.model.formats import NumberFormat
from qtheory.model.instance import Compression, Instance, instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import ErrorModel, Quantization
from qtheory.model.sgd import SGD
from qtheory.model.spectra import Explicit, Exponential, Logarithmic, PowerLaw, coordinate
from qtheory.model.targets import SourceCondition
from qtheory.numbers.arithmetic import Arithmetic, Balls, ComplexBalls
from qtheory.numbers.discrete_gauss import discrete_gauss
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.exact import require_numeric
from qtheory.risk.recursion import Step

__all__ = ["GUARD_BITS", "CompressedSpectrum", "compress", "compressed_instance", "error_bound"]

_FIRST_PANEL = 65
_LAST_POSITION = 10**60
_SEGMENTS = 48
# The closed form loses about the bits of the last position, twice.
GUARD_BITS = 150
_BITS_FOR_FLOATS = 200
_RADII = (6.0, 5.0, 4.0, 3.5, 3.0, 2.5, 2.0, 1.6, 1.3)


@dataclass(frozen=True, eq=False)
class _Panel:
    """One Gauss rule: how much it can err (times sup |h|), and the suprema on its ellipse."""

    error: flint.arb
    eigenvalue: flint.arb  # L
    signal: flint.arb  # E
    contraction: flint.arb  # eta


@dataclass(frozen=True, eq=False)
class CompressedSpectrum:
    """The coordinates, and what is needed to bound the error they make."""

    coordinates: Compression
    panels: list[_Panel]
    steps: int
    last_eigenvalue: flint.arb


def compressed_instance(
    problem: Problem, quantization: Quantization, sgd: SGD, steps: int, arithmetic: Arithmetic
) -> tuple[Instance, flint.arb]:
    """An instance for the infinite problem, and how far its risk can be off.

    In float64 the instance serves for estimates only, and no error is given (infinite).
    """
    data = _require_finite_risk(problem, quantization)
    balls = arithmetic if isinstance(arithmetic, Balls) else Balls(bits=_BITS_FOR_FLOATS)
    with balls.working():
        largest = sgd.stepsize * (1 + data.multiplicative)
        require_numeric(largest, "stepsize")
        bits = balls.bits - GUARD_BITS
        compressed = compress(problem, _ball(largest), steps, bits)
    instance = instantiate(problem, quantization, sgd, arithmetic, compressed.coordinates)
    if balls is not arithmetic:
        return instance, flint.arb("inf")
    return instance, error_bound(compressed, instance)


def _require_finite_risk(problem: Problem, quantization: Quantization) -> ErrorModel:
    """Raise unless the risk in infinite dimension is finite and can be computed."""
    if isinstance(quantization.data, NumberFormat):
        raise InvalidArgumentError(
            "dim", problem.dim, "finite with a number format on the data (it underflows)"
        )
    if quantization.data.additive != 0:
        raise InfiniteRiskError(
            "dim is infinite, and an additive data error of variance "
            f"{quantization.data.additive} in every direction has infinite trace: the risk is "
            "infinite. Use a finite dim, or a multiplicative data error."
        )
    spectrum, target = problem.spectrum, problem.target
    _formulas(problem)
    if isinstance(spectrum, PowerLaw) and spectrum.exponent <= 1:
        raise InfiniteRiskError(
            f"the exponent of the spectrum is {spectrum.exponent}, so its trace is infinite in "
            "infinite dimension; it must be above 1"
        )
    if isinstance(spectrum, Logarithmic) and spectrum.power <= 1:
        raise InfiniteRiskError(
            f"the power of the spectrum is {spectrum.power}, so its trace is infinite in infinite "
            "dimension; it must be above 1"
        )
    if isinstance(target, SourceCondition) and target.exponent <= 1:
        raise InfiniteRiskError(
            f"the exponent of the target is {target.exponent}, so the signal sum lambda w*^2 is "
            "infinite; it must be above 1"
        )
    return quantization.data


def compress(
    problem: Problem, stepsize_bound: flint.arb, steps: int, bits: int
) -> CompressedSpectrum:
    """Coordinates that give sums over the spectrum to about 2^-bits; call it inside ``working()``.

    ``stepsize_bound`` bounds gamma (1 + eps_d^m), so x = gamma lambda^q is at most it times lambda.
    """
    tolerance = flint.arb(2) ** -bits
    head = _FIRST_PANEL - 1
    positions: list[flint.arb] = [flint.arb(i) for i in range(1, head + 1)]
    counts: list[flint.arb] = [flint.arb(1)] * head
    panels: list[_Panel] = []
    first = head + 1
    while True:
        eigenvalue = _ball(_formulas(problem)[0], flint.arb(first - 1))
        trace, signal = _tail(problem, first)
        moved = steps * stepsize_bound * eigenvalue
        if moved < 1 and moved * (trace + signal) * (1 + 1 / stepsize_bound) < tolerance:
            break
        if first > _LAST_POSITION:
            raise PrecisionError("the spectrum decays too slowly to be compressed")
        n = _width(problem, first)
        _add_panel(problem, first, n, stepsize_bound, tolerance, positions, counts, panels)
        first += n
    coordinates = Compression(positions, counts, eigenvalue / 2, trace, signal)
    return CompressedSpectrum(coordinates, panels, steps, eigenvalue)


def _add_panel(
    problem: Problem,
    first: int,
    n: int,
    stepsize_bound: flint.arb,
    tolerance: flint.arb,
    positions: list[flint.arb],
    counts: list[flint.arb],
    panels: list[_Panel],
) -> None:
    radius, L, E, eta = _suprema(problem, first, n, stepsize_bound)
    scale = E + 4 * L + 4 * L * L / eta
    for p in range(3, n):
        error = 4 * n * radius ** (1 - 2 * p) / (radius - 1)
        if error * scale < tolerance:
            nodes, weights = discrete_gauss(n, p)
            middle = flint.arb(2 * first + n - 1) / 2
            positions += [middle + node for node in nodes]
            counts += weights
            panels.append(_Panel(error, L, E, eta))
            return
    positions += [flint.arb(i) for i in range(first, first + n)]
    counts += [flint.arb(1)] * n


def _suprema(
    problem: Problem, first: int, n: int, stepsize_bound: flint.arb
) -> tuple[flint.arb, flint.arb, flint.arb, flint.arb]:
    """The largest ellipse on which the second moments provably contract, and bounds on it."""
    for radius in _RADII:
        r = flint.arb(radius)
        found = [_on_segment(problem, first, n, r, k, stepsize_bound) for k in range(_SEGMENTS)]
        if all(entry is not None for entry in found):
            values = [entry for entry in found if entry is not None]
            L, E = (max((entry[k] for entry in values), key=float) for k in (0, 1))
            return r, L, E, min((entry[2] for entry in values), key=lambda ball: ball.log().mid())
    raise PrecisionError("no ellipse around a panel of the spectrum is contracting")


def _on_segment(
    problem: Problem, first: int, n: int, r: flint.arb, k: int, stepsize_bound: flint.arb
) -> tuple[flint.arb, flint.arb, flint.arb] | None:
    """|lambda|, |lambda V| and 1 - |1 - a| on one segment of the boundary (upper half)."""
    angle = flint.arb(k + 0.5, 0.5001) * flint.arb.pi() / _SEGMENTS
    turn = flint.acb(angle.cos(), angle.sin())
    half = flint.arb(n - 1) / 2
    place = flint.arb(first) + half + half / 2 * (r * turn + 1 / (r * turn))
    eigenvalue, value = (_ball(formula, place) for formula in _formulas(problem))
    x = stepsize_bound * eigenvalue
    # a = 2 x - g lambda^2 with 0 <= g lambda^2 <= |x| / 4, checked against the step in error_bound
    loss = 2 * x * flint.acb(flint.arb(1, 0.125), flint.arb(0, 0.125))
    etas = []
    for number in (x, loss):
        # 1 - |1 - y| >= (2 Re y - |y|^2) / 2
        slack = (2 * number.real - abs(number) ** 2) / 2
        if not slack > abs(number) / 8:
            return None
        etas.append(slack.abs_lower())
    return abs(eigenvalue).abs_upper(), abs(eigenvalue * value).abs_upper(), etas[1]


def error_bound(compressed: CompressedSpectrum, instance: Instance) -> flint.arb:
    """How far the risk of the compressed instance can be from that of the infinite one.

    Bounds the error of E R(w), E R^q(w), A and F alike.
    """
    step = Step.of(instance)
    lam, counts = instance.eigenvalues, instance.multiplicity
    V = instance.target**2
    e = instance.distortion[0] / lam[0]
    parameter = instance.parameter
    signal = (lam * V) @ counts
    U = step.gain.left[0][0] / lam[0]
    g = step.gain.diagonal[0] / lam[0] ** 2
    ratio = abs(step.mixed.left[0][0] / step.gain.left[0][0])
    mixed = flint.arb(0)
    if V[0] != 0:
        mixed = abs(step.mixed.diagonal[0] / (lam[0] ** 2 * instance.target[0]))
    theta = (step.gain.left[0] / step.loss) @ step.gain.right[0]
    # a = 2 x - g lambda^2 must stay in the sector that _on_segment assumes.
    smallest = instance.stepsize * (1 + e)
    # What theta can differ by from that of the infinite spectrum is part of it from here on.
    theta += U * compressed.coordinates.frozen_trace / smallest
    for panel in compressed.panels:
        theta += U * panel.error * panel.eigenvalue**2 / panel.contraction
    in_sector = all(g * panel.eigenvalue < smallest / 4 for panel in compressed.panels)
    if not (theta < 1 and in_sector):
        raise PrecisionError("the tail of the spectrum is not provably contracting")

    first = instance.stepsize**2 / instance.batch
    second = instance.stepsize**2 * (1 - 1 / instance.batch)
    label = first * (1 + instance.gradient.multiplicative) * (1 + instance.label.multiplicative)
    both = second * (1 + instance.gradient.shared) * (1 + instance.label.shared)
    H = 2 / (1 + e) ** 2 + ratio / (1 + e)
    O = 2 * g / (1 + e) ** 2 + mixed / (1 + e)  # noqa: E741
    C_2 = parameter.additive * g / (1 + parameter.multiplicative)
    C_3 = g / (1 + e) ** 2 + mixed / (1 + e) + 2 * (1 + e) * label + both
    C_1_signal = U / (1 + e) ** 2 + ratio * U / (1 + e) + label * (1 + e)
    C_1_trace = parameter.additive * U / (1 + parameter.multiplicative)
    constant = (
        first
        * (1 + instance.gradient.multiplicative)
        * (
            (1 + instance.label.multiplicative) * instance.noise
            + instance.label.additive
            + instance.activation.additive
        )
        + first * instance.gradient.additive
    )
    C_1 = C_1_signal * signal + C_1_trace * (lam @ counts) + (1 + e) * constant

    # sup over t of S_t and of the drive
    weights = lam / step.loss * counts
    direct = (C_2 * lam**2 + (C_3 + O) * lam**2 * V) @ weights
    driven = C_1 + U * H * signal
    S = (signal / (1 + e) ** 2 + driven * theta / U + direct) / (1 - theta)
    drive = U * S + driven

    sums, signals, traces = flint.arb(0), flint.arb(0), flint.arb(0)
    for panel in compressed.panels:
        L, E, eta = panel.eigenvalue, panel.signal, panel.contraction
        moved = (L * L * drive + C_2 * L**3 + (C_3 + O) * L * L * E) / eta
        sums += panel.error * (E + moved)
        signals += panel.error * E
        traces += panel.error * L
    tail, N = compressed.coordinates, compressed.steps
    L = compressed.last_eigenvalue
    x = instance.stepsize * (1 + e) * L
    growth = (1 + 2 * N * x) * (
        (drive + C_2 * L) * tail.frozen_trace + (C_3 + O) * L * tail.frozen_signal
    )
    # Both the true tail and the coordinate that stands for it move by at most this.
    sums += 2 * N * (2 * x * tail.frozen_signal + L * growth)
    signals += 2 * N * x * tail.frozen_signal

    change = C_1_signal * signals + C_1_trace * traces + U * H * signals
    S_error = (sums + theta / U * change) / (1 - theta)
    response = theta / U * (U * S_error + change)
    return ((1 + e) * (sums + response) + 8 * signals).abs_upper()


def _ball(formula: sp.Expr, position: Any = None) -> Any:
    """A formula in the coordinate at a real or complex position."""
    kind = ComplexBalls if isinstance(position, flint.acb) else Balls
    return evaluate(formula, {coordinate: position}, kind(bits=flint.ctx.prec))


def _formulas(problem: Problem) -> tuple[sp.Expr, sp.Expr]:
    """lambda and w*^2 as formulas in the coordinate."""
    spectrum, target = problem.spectrum, problem.target
    if isinstance(spectrum, Explicit) or isinstance(target, Explicit):
        raise InvalidArgumentError("dim", problem.dim, "finite with explicit values")
    return spectrum.formula, sp.powsimp(target.formula(spectrum.formula) ** 2)


def _tail(problem: Problem, first: int) -> tuple[flint.arb, flint.arb]:
    """sum over i >= first of lambda_i, and of lambda_i w*_i^2."""
    spectrum, target = problem.spectrum, problem.target
    if isinstance(spectrum, PowerLaw):
        trace = _ball(spectrum.scale) * _ball(spectrum.exponent).zeta(flint.arb(first))
    elif isinstance(spectrum, Exponential):
        rate = _ball(spectrum.rate)
        trace = (-rate * first).exp() / (1 - (-rate).exp())
    elif isinstance(spectrum, Logarithmic):
        # int_K^oo dx / (x log^p(x+1)) is log(K+1)^(1-p) / (p-1) times a factor in [1, 1 + 1/K],
        # and a decreasing function summed from K on exceeds its integral by at most f(K).
        power, start = _ball(spectrum.power), flint.arb(first)
        integral = (start + 1).log() ** (1 - power) / (power - 1)
        largest = integral * (1 + 1 / start) + _ball(spectrum.formula, start)
        trace = integral.union(largest)
    else:
        raise InvalidArgumentError("spectrum", spectrum, "a formula in infinite dimension")
    if isinstance(target, SourceCondition):
        return trace, _ball(target.exponent).zeta(flint.arb(first))
    return trace, _ball(_formulas(problem)[1]) * trace


def _width(problem: Problem, first: int) -> int:
    """How many coordinates make a panel: those over which lambda falls by a bounded factor."""
    if isinstance(problem.spectrum, Exponential):
        return min(first, max(1, int(2 / float(problem.spectrum.rate))))
    return first
