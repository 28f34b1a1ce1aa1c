"""An instance: a problem, a quantization and an SGD run as numbers of one arithmetic."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import compress
from typing import Any

import flint
import numpy as np
import sympy as sp

from qtheory.errors import CostError, InexactInputError, InvalidArgumentError
from qtheory.model.coordinates import coordinates_at, vanishing
from qtheory.model.covariates import Covariates, KnownMoments
from qtheory.model.error_models import ErrorModel
from qtheory.model.number_format import NumberFormat, rational
from qtheory.model.problem import Problem
from qtheory.model.quantization import STORED, TARGETS, Quantization
from qtheory.model.run import Run
from qtheory.model.schedules import Pace
from qtheory.model.spectra import Explicit, SpectrumFormula, coordinate
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Arithmetic, Array, Balls, Scalar, Symbolic
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.exact import require_numeric
from qtheory.numbers.gaussian import cells, rounded_moments

# Moments of formats for arithmetics without balls get this many bits more than are kept.
_GUARD_BITS = 40
# A gigabyte of them.
_MOST_CELLS = 10**8
_MOST_COORDINATES = 10**7
# A computation may lose most of its bits before it is said that its input has too few.
_BITS_PER_KNOWN_BIT = 3
_LEAST_KNOWN_BITS = 400

IntArray = np.ndarray[Any, np.dtype[np.integer[Any]]]


@dataclass(frozen=True)
class NumericErrorModel:
    """The three error levels of one target as numbers."""

    additive: Scalar
    shared: Scalar
    elementwise: Scalar

    @property
    def multiplicative(self) -> Scalar:
        """The relative error variance of one entry."""
        return self.shared + self.elementwise


@dataclass(frozen=True, eq=False)
class NumericFormat:
    """One-dimensional moments of the data x_i and of Q(x_i), arrays of shape (d,)."""

    square: Array  # E Q^2
    product: Array  # E x Q
    fourth: Array  # E Q^4
    cube_product: Array  # E Q^3 x
    square_square: Array  # E Q^2 x^2


@dataclass(frozen=True)
class NumericFourthMoments:
    """Fourth moments of x over the squared variances."""

    own: Scalar  # E x_i^4 / lambda_i^2
    between: Scalar  # E x_i^2 x_j^2 / (lambda_i lambda_j)


@dataclass(frozen=True, eq=False)
class Stretch:
    """A number of constant steps, and whether their iterates are in the average."""

    steps: int
    stepsize: Scalar
    batch: Scalar
    summing: bool


@dataclass(frozen=True, eq=False)
class Instance:
    """Everything section 2 of the theory needs, as numbers; arrays have shape (d,).

    Coordinates whose quantized data vanish (zero eigenvalue and no additive data error) are
    left out: their iterate stays at zero and they carry no risk.
    """

    eigenvalues: Array
    target: Array
    multiplicity: Array  # how many coordinates each one stands for; 1 without a compression
    noise: Scalar  # with what the features of the problem miss of the label
    label_noise: Scalar  # without
    stepsize: Scalar
    batch: Scalar
    steps: int
    groups: IntArray  # equal exactly where eigenvalues are known to be equal
    data: NumericErrorModel | NumericFormat
    label: NumericErrorModel
    parameter: NumericErrorModel
    activation: NumericErrorModel
    gradient: NumericErrorModel
    sketching: Scalar  # the excess risk that the features of the problem miss, whatever is learned
    arithmetic: Arithmetic
    # what a step has beyond that of the paper; the stepsize and batch of a schedule are its first
    schedule: Sequence[tuple[int, Scalar, Scalar]] | None = None  # steps, stepsize, batch
    momentum: Scalar = 0
    error_feedback: bool = False
    stored: NumericErrorModel | None = None
    fourth: NumericFourthMoments | None = NumericFourthMoments(3, 1)  # None: only bounded
    fourth_moment: Scalar = 3  # alpha_0 and beta_0, which bound them
    own_fourth_moment: Scalar = 2

    @property
    def changes(self) -> tuple[str, ...]:
        """What its step has beyond that of the paper."""
        found = {
            "a schedule": self.schedule is not None,
            "momentum": self.momentum != 0,
            "stored weights": self.stored is not None,
        }
        return tuple(name for name, is_there in found.items() if is_there)

    @property
    def feeds_back(self) -> bool:
        """Whether what the quantizer of stored weights loses is kept, and not nothing."""
        return self.error_feedback and self.stored is not None

    def paces(self) -> Iterator[tuple[int, Scalar, Scalar]]:
        """How many steps of which stepsize and batch: without end if it is but one."""
        if self.schedule is None:
            return iter([(sys.maxsize, self.stepsize, self.batch)])
        return iter(self.schedule)

    def stretches(self, window: Window) -> Iterator[Stretch]:
        """The constant steps of a run, one after the other, cut where the average begins."""
        done = 0
        for count, stepsize, batch in self.paces():
            for begin, end, summing in (
                (0, window.first, False),
                (window.first, window.last, True),
            ):
                times = min(done + count, end) - max(done, begin)
                if times > 0:
                    yield Stretch(times, stepsize, batch, summing)
            done += count

    @property
    def quantized_eigenvalues(self) -> Array:
        r"""lambda^q = E Q(x)^2, for an error model (1 + eps_d^m) lambda + eps_d^a."""
        if isinstance(self.data, NumericFormat):
            return self.data.square
        return self.eigenvalues + self.distortion

    @property
    def quantized_eigenvalues_apart(self) -> tuple[Scalar, Array]:
        """What all lambda^q have in common, eps_d^a of an error model, and the rest of them."""
        if isinstance(self.data, NumericFormat):
            return self.eigenvalues[0] * 0, self.data.square
        return self.data.additive, (1 + self.data.multiplicative) * self.eigenvalues

    @property
    def distortion(self) -> Array:
        r"""D = H^q - H, for an error model eps_d^m lambda + eps_d^a."""
        if isinstance(self.data, NumericFormat):
            return self.data.square - self.eigenvalues
        return self.data.multiplicative * self.eigenvalues + self.data.additive

    @property
    def quantized_target(self) -> Array:
        r"""w^q = (H^q)^{-1} E[Q(x) x^T] w*, the minimiser of the risk on quantized data."""
        return self.correlation * self.target / self.quantized_eigenvalues

    @property
    def correlation(self) -> Array:
        """E x_i Q(x_i), which is lambda_i if Q is unbiased."""
        return self.data.product if isinstance(self.data, NumericFormat) else self.eigenvalues

    @property
    def saturation(self) -> Array:
        """lambda_i - E x_i Q(x_i): the bias of a format that overflows, 0 for an error model."""
        if isinstance(self.data, NumericFormat):
            return self.eigenvalues - self.data.product
        return self.eigenvalues * 0


@dataclass(frozen=True, eq=False)
class Rest:
    """Many coordinates that move alike within a run, as one that counts ``count`` times."""

    eigenvalue: Scalar
    count: Scalar
    signal: Scalar  # sum lambda w*^2 over all of them


@dataclass(frozen=True, eq=False)
class Compression:
    """A long or infinite spectrum as few coordinates, each standing for several.

    Positions are real numbers i at which the formulas are evaluated; past them comes the rest,
    if there is one.
    """

    positions: list[Scalar]
    multiplicities: list[Scalar]
    rest: Rest | None = None


def require_numbers(problem: Problem) -> None:
    """Raise SymbolicValueError if a formula of the problem has parameters without a value."""
    spectrum, target = problem.spectrum, problem.target
    at = sp.S.One if isinstance(spectrum, Explicit) else spectrum.formula
    if not isinstance(spectrum, Explicit):
        require_numeric(at, "spectrum", given=coordinate)
    if not isinstance(target, Explicit):
        require_numeric(target.formula(at), "target", given=coordinate)


def instantiate(
    run: Run,
    arithmetic: Arithmetic,
    compression: Compression | None = None,
) -> Instance:
    """The numbers of a run that the theory covers. Call it inside ``working()``.

    An infinite dimension needs a compression.

    Raises
    ------
    SymbolicValueError
        If a parameter still holds a free symbol.
    InvalidArgumentError
        If the theory does not cover the quantization, or the dimension is infinite.
    """
    problem, quantization, sgd = run.covered(any_step=True, covariates=Covariates)
    if problem.dim is sp.oo and compression is None:
        raise InvalidArgumentError("dim", problem.dim, "finite where numbers are computed")

    def number(value: sp.Expr, name: str) -> Scalar:
        require_numeric(value, name)
        return evaluate(value, {}, arithmetic)

    def levels(target: str, model: ErrorModel) -> NumericErrorModel:
        return NumericErrorModel(
            number(model.additive, f"{target} additive error"),
            number(model.shared, f"{target} multiplicative error"),
            number(model.elementwise, f"{target} multiplicative error"),
        )

    known: dict[tuple[str, Any], Scalar] = {}

    def once(value: Any, name: str) -> Scalar:
        if isinstance(value, flint.arb):
            return arithmetic.from_ball(value)
        if (name, value) not in known:
            known[name, value] = number(value, name)
        return known[name, value]

    def known_moments(law: Covariates) -> NumericFourthMoments | None:
        if not isinstance(law, KnownMoments):
            return None
        return NumericFourthMoments(*(number(m, "covariates") for m in (law.own, law.between)))

    def pace(pace: Pace) -> tuple[int, Scalar, Scalar]:
        return pace.steps, once(pace.stepsize, "stepsize"), once(pace.batch, "batch")

    require_numeric(problem.dim, "dim")
    require_numeric(sgd.steps, "steps")
    require_numeric(sgd.first_averaged, "tail")
    steps = [pace(each) for each in sgd.paces()]
    _require_known(problem, arithmetic)
    eigenvalues, target, multiplicity = _coordinates(problem, arithmetic, compression)
    if isinstance(problem.spectrum, SpectrumFormula):
        for position, value in enumerate(eigenvalues, start=1):
            if value < 0:
                allowed = f"zero or positive everywhere, but it is {value} at i = {position}"
                raise InvalidArgumentError("spectrum", problem.spectrum.expression, allowed)
    groups = np.arange(len(eigenvalues))
    on_data: list[NumberFormat] = []
    if isinstance(quantization.data, NumberFormat):
        on_data = quantization.data.of_coordinates(len(eigenvalues))
    if isinstance(problem.spectrum, Explicit):
        equals = [str(value) for value in problem.spectrum.values]
        if on_data:  # directions of one eigenvalue are alike only under one scale
            equals = [f"{v} {each.scale}" for v, each in zip(equals, on_data, strict=True)]
        _, groups = np.unique(equals, return_inverse=True)
        if isinstance(quantization.data, NumberFormat) or quantization.data.additive == 0:
            moving = [value != 0 for value in problem.spectrum.values]
            eigenvalues, target, groups = eigenvalues[moving], target[moving], groups[moving]
            multiplicity = multiplicity[moving]
            on_data = list(compress(on_data, moving))
    return Instance(
        eigenvalues=eigenvalues,
        target=target,
        multiplicity=multiplicity,
        noise=_noise(problem, arithmetic),
        label_noise=number(_label_noise(problem), "noise"),
        sketching=sketching_of(problem, arithmetic),
        stepsize=steps[0][1],
        batch=steps[0][2],
        schedule=steps if {"stepsize", "batch"} & {*sgd.changes} else None,
        momentum=number(sgd.momentum, "momentum") if sgd.momentum != 0 else 0,
        error_feedback=sgd.error_feedback,
        stored=None if quantization.stored.is_exact else levels(STORED, quantization.stored),
        fourth=known_moments(problem.covariates),
        fourth_moment=number(problem.covariates.fourth_moment, "covariates"),
        own_fourth_moment=number(problem.covariates.own_fourth_moment, "covariates"),
        steps=int(sgd.steps),
        groups=groups,
        arithmetic=arithmetic,
        data=_format_moments(on_data, eigenvalues, arithmetic)
        if isinstance(quantization.data, NumberFormat)
        else levels("data", quantization.data),
        **{name: levels(name, getattr(quantization, name)) for name in TARGETS if name != "data"},
    )


def require_moving(problem: Problem, quantization: Quantization, eigenvalues: Array) -> None:
    """Raise if a formula has an eigenvalue 0 that stays 0 on quantized data: list them then."""
    data = quantization.data
    is_lifted = not isinstance(data, NumberFormat) and data.additive != 0
    if isinstance(problem.spectrum, Explicit) or is_lifted:
        return
    zeros = np.flatnonzero(vanishing(problem, eigenvalues))
    if len(zeros):
        value = f"0 at i = {zeros[0] + 1}"
        raise InvalidArgumentError("spectrum", value, "positive up to dim, or qt.Explicit")


def _format_moments(
    on_data: list[NumberFormat], eigenvalues: Array, arithmetic: Arithmetic
) -> NumericFormat:
    """Computed in balls for every arithmetic, since the cells cancel; a format per coordinate."""
    first = on_data[0]
    if isinstance(arithmetic, Symbolic):
        raise InvalidArgumentError("data", first, "an error model in symbolic results")
    scales = [rational(each.scale, "scale") for each in on_data]
    bits = arithmetic.precision() + (0 if isinstance(arithmetic, Balls) else _GUARD_BITS)
    coordinates = [
        (scale, arithmetic.to_ball(value)) for scale, value in zip(scales, eigenvalues, strict=True)
    ]
    work = sum(cells(first.magnitudes, scale, value, bits) for scale, value in coordinates)
    if work > _MOST_CELLS:
        raise CostError(
            f"data is {first!r} in dimension {len(coordinates)}: its moments are sums over "
            f"{work} intervals, which would take hours; the limit is {_MOST_CELLS}"
        )
    found: dict[str, list[Scalar]] = {part.name: [] for part in fields(NumericFormat)}
    for scale, variance in coordinates:
        moments = rounded_moments(first.magnitudes, scale, variance, bits)
        for name, column in found.items():
            column.append(arithmetic.from_ball(getattr(moments, name)))
    return NumericFormat(**{name: arithmetic.array(column) for name, column in found.items()})


def _coordinates(
    problem: Problem, arithmetic: Arithmetic, compression: Compression | None
) -> tuple[Array, Array, Array]:
    """Eigenvalues, coefficients and multiplicities."""
    if compression is None:
        if problem.dim > _MOST_COORDINATES:
            raise CostError(
                f"dim is {problem.dim}, but at most {_MOST_COORDINATES} coordinates are computed "
                "one by one"
            )
        indices = arithmetic.indices(int(problem.dim))
        return *coordinates_at(problem, arithmetic, indices), indices * 0 + 1
    indices = arithmetic.array([arithmetic.from_ball(each) for each in compression.positions])
    weights = [arithmetic.from_ball(count) for count in compression.multiplicities]
    eigenvalues, target = coordinates_at(problem, arithmetic, indices)
    if compression.rest is None:
        return eigenvalues, target, arithmetic.array(weights)
    rest = compression.rest
    coefficient = (rest.signal / (rest.eigenvalue * rest.count)).sqrt()
    value, coefficient, count = (
        arithmetic.from_ball(ball) for ball in (rest.eigenvalue, coefficient, rest.count)
    )
    return (
        arithmetic.array([*eigenvalues, value]),
        arithmetic.array([*target, coefficient]),
        arithmetic.array([*weights, count]),
    )


def _noise(problem: Problem, arithmetic: Arithmetic) -> Scalar:
    require_numeric(problem.noise, "noise")
    noise = evaluate(problem.noise, {}, arithmetic)
    if problem.features is None or problem.noise == 0:
        return noise
    return noise + arithmetic.around(sp.S.Zero, problem.features.perp_radius)


def _label_noise(problem: Problem) -> sp.Expr:
    return problem.noise if problem.features is None else problem.features.base_noise


def sketching_of(problem: Problem, arithmetic: Arithmetic) -> Scalar:
    """The excess risk that the features of a problem miss, perp/2: 0 without any."""
    if problem.features is None:
        return arithmetic.number(0)
    return arithmetic.around(problem.features.perp, problem.features.perp_radius) / 2


def _require_known(problem: Problem, arithmetic: Arithmetic) -> None:
    """Refuse far more bits than the numbers of a problem of features are known to."""
    lists = [part for part in (problem.spectrum, problem.target) if isinstance(part, Explicit)]
    radii = [radius for part in lists for radius in part.radii if radius]
    if not radii or not isinstance(arithmetic, Balls):
        return
    bits = -math.log2(max(radii))
    if arithmetic.bits > _BITS_PER_KNOWN_BIT * max(bits, _LEAST_KNOWN_BITS):
        raise InexactInputError(
            f"the eigenvalues and coefficients of the problem are known to {int(bits)} bits, which "
            "leave fewer certified digits than are asked for: ask for fewer digits"
        )
