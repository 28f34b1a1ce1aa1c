r"""One update as an affine map on the moments of whatever it carries from step to step.

An update moves a few numbers per coordinate: the weight w; with momentum the weight before; with
error feedback what rounding has lost so far, e; and for an average the sum s of the iterates. With
g the gradient of a step, and n the error of the quantizer of stored weights, each is

    u' = P u + gamma p g + r n,

P, p and r the same small numbers in every coordinate. What is known of g is section 2 of the
theory: E[g | past] = lambda w* - lambda^q w, and E g^2 is affine in m = E w and v = E w^2. So the
first and second moments of all these numbers are moved by an affine map whose blocks are diagonal
plus low rank, and which is a polynomial in gamma:

    T(gamma) = T_0 + gamma T_1 + gamma^2 T_2.

:mod:`qtheory.risk.recursion` applies it step by step, and :mod:`qtheory.risk.powers` takes powers
of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qtheory.model.instance import Instance
from qtheory.numbers.arithmetic import Array, Scalar
from qtheory.risk.moments import DiagonalPlusLowRank

#: What a moment is of: one carried number, or two of them in the order of ``Update.carried``.
Key = tuple[str, ...]
Moments = dict[Key, Array]
Row = Mapping[str, Any]  # the coefficients of one linear combination of what is carried

W, BEFORE, LOST, SUM = "w", "before", "lost", "sum"
MEAN_W, SQUARE_W = (W,), (W, W)


@dataclass(frozen=True, eq=False)
class Form:
    """An affine form in the moments: a block for each of them that it holds, and a constant."""

    blocks: dict[Key, DiagonalPlusLowRank]
    constant: Any = 0

    def __call__(self, moments: Moments) -> Array:
        """Its value."""
        total = self.constant
        for key, block in self.blocks.items():
            total = total + block @ moments[key]
        return total

    def __add__(self, other: Form) -> Form:
        blocks = dict(self.blocks)
        for key, block in other.blocks.items():
            blocks[key] = blocks[key].plus(block) if key in blocks else block
        return Form(blocks, self.constant + other.constant)

    def __rmul__(self, factor: Scalar) -> Form:
        if isinstance(factor, int) and factor == 1:
            return self
        return Form({k: factor * b for k, b in self.blocks.items()}, factor * self.constant)


_NOTHING = Form({})


@dataclass(frozen=True, eq=False)
class Gradient:
    """What the moments of an update are made of: E[g | past] = signal - quantized w, and E g^2."""

    quantized: Array
    signal: Array
    square: Form


@dataclass(frozen=True, eq=False)
class Update:
    """The map of one update for every stepsize: ``parts[k]`` is multiplied by gamma^k."""

    carried: tuple[str, ...]
    parts: tuple[dict[Key, Form], dict[Key, Form], dict[Key, Form]]
    zero: Array

    @property
    def keys(self) -> tuple[Key, ...]:
        """The moments, those of w first."""
        return tuple(self.parts[0])

    def start(self) -> Moments:
        """The moments of w_0 = 0."""
        return dict.fromkeys(self.keys, self.zero)

    def as_vector(self, moments: Moments) -> Array:
        """The moments one after the other, in the order of ``keys``."""
        return np.concatenate([moments[key] for key in self.keys])

    def as_moments(self, vector: Array) -> Moments:
        """The moments that stand in a vector."""
        return dict(zip(self.keys, vector.reshape(len(self.keys), -1), strict=True))

    def at(self, stepsize: Scalar) -> dict[Key, Form]:
        """The map at one stepsize, with one block for each pair of moments."""
        zeroth, first, second = self.parts
        return {
            key: zeroth[key] + stepsize * first[key] + stepsize**2 * second[key]
            for key in self.keys
        }

    def apply(self, moments: Moments, stepsize: Scalar) -> Moments:
        """One step without building its map: for stepsizes that change all the time."""
        zeroth, first, second = self.parts
        squared, after = stepsize**2, {}
        for key in self.keys:
            total = zeroth[key](moments) + stepsize * first[key](moments)
            after[key] = total + squared * second[key](moments) if second[key].blocks else total
        return after

    def dense(self, stepsize: Scalar) -> Array:
        """The map at one stepsize as a matrix on (1, the moments in the order of ``keys``)."""
        d, forms = len(self.zero), self.at(stepsize)
        place = {key: slice(1 + k * d, 1 + (k + 1) * d) for k, key in enumerate(self.keys)}
        none = self.zero[0]
        matrix = np.full((1 + d * len(place), 1 + d * len(place)), none, dtype=self.zero.dtype)
        matrix[0, 0] = none + 1
        for key, form in forms.items():
            matrix[place[key], 0] = form.constant + self.zero
            for source, block in form.blocks.items():
                matrix[place[key], place[source]] = block.dense()
        return matrix


def update_of(instance: Instance, gradient: Gradient, *, summing: bool) -> Update:
    """The update of an instance, with the sum of iterates or without it."""
    rows, moved, rounded = _structure(instance)
    if summing:
        rows = {**rows, SUM: {SUM: 1, W: 1}}
    carried = tuple(rows)
    zero = gradient.quantized * 0

    def diagonal(entries: Any) -> DiagonalPlusLowRank:
        return DiagonalPlusLowRank(zero[0], entries + zero, (), ())

    def key(a: str, b: str) -> Key:
        return (a, b) if carried.index(a) <= carried.index(b) else (b, a)

    def mean(row: Row) -> Form:
        return _sum(_of(diagonal, {(a,): p}) for a, p in row.items())

    def pulled(row: Row) -> Form:
        """E (row . u) g, as E[g | past] = lambda w* - lambda^q w."""
        forms = [
            Form({(a,): diagonal(p * gradient.signal)})
            + Form({key(a, W): diagonal(-p * gradient.quantized)})
            for a, p in row.items()
        ]
        return _sum(forms)

    def product(left: Row, right: Row) -> Form:
        """E (left . u)(right . u)."""
        return _sum(
            _of(diagonal, {key(a, b): p * q}) for a, p in left.items() for b, q in right.items()
        )

    expected = Form({MEAN_W: diagonal(-gradient.quantized)}, gradient.signal)
    square = gradient.square
    # the value that the stored quantizer rounds is rounded . u + gamma g
    value = (product(rounded, rounded), 2 * pulled(rounded), square)
    levels = instance.stored
    errors = {} if levels is None else _errors(moved, instance.error_feedback)
    zeroth: dict[Key, Form] = {}
    first: dict[Key, Form] = {}
    second: dict[Key, Form] = {}
    for a in carried:
        zeroth[(a,)], second[(a,)] = mean(rows[a]), _NOTHING
        first[(a,)] = expected if a in moved else _NOTHING
    for i, a in enumerate(carried):
        for b in carried[i:]:
            parts = [product(rows[a], rows[b]), _NOTHING, _NOTHING]
            if b in moved:
                parts[1] = parts[1] + pulled(rows[a])
            if a in moved:
                parts[1] = parts[1] + pulled(rows[b])
            if a in moved and b in moved:
                parts[2] = square
            if levels is not None and a in errors and b in errors:
                sign = errors[a] * errors[b]
                for k in range(3):
                    parts[k] = parts[k] + sign * levels.multiplicative * value[k]
                parts[0] = parts[0] + Form({}, sign * levels.additive + zero)
            zeroth[(a, b)], first[(a, b)], second[(a, b)] = parts
    return Update(carried, (zeroth, first, second), zero)


def _structure(instance: Instance) -> tuple[dict[str, Row], tuple[str, ...], Row]:
    """P by rows, what the gradient moves, and what is rounded besides it.

    w' = w + y and y = e + mu (w - w_before) + gamma g. Without error feedback w' is rounded; with
    it y is, and e' is what that loses, so that no part of the gradient is left in it.
    """
    added: dict[str, Any] = {}
    if instance.momentum != 0:
        added |= {W: instance.momentum, BEFORE: -instance.momentum}
    if instance.feeds_back:
        added |= {LOST: 1}
    weight = {**added, W: 1 + added.get(W, 0)}
    rows: dict[str, Row] = {W: weight}
    if instance.momentum != 0:
        rows |= {BEFORE: {W: 1}}
    if instance.feeds_back:
        rows |= {LOST: {}}
    return rows, (W,), added if instance.feeds_back else weight


def _errors(moved: tuple[str, ...], feedback: bool) -> dict[str, int]:
    """The sign with which the error of the stored quantizer enters."""
    return {**dict.fromkeys(moved, 1), **({LOST: -1} if feedback else {})}


def _of(diagonal: Any, entries: Mapping[Key, Any]) -> Form:
    return Form({key: diagonal(entry) for key, entry in entries.items()})


def _sum(forms: Any) -> Form:
    total = _NOTHING
    for form in forms:
        total = total + form
    return total
