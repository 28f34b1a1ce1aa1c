r"""Bounds in infinite dimension: every sum of a theorem over the coordinates, with a proved error.

A summand f(lambda_i, w*_i) of T4, T4' and T5 is analytic in the position i where none of its minima
changes its branch. The first coordinates are added one by one. Behind them, on a panel of n
consecutive integers on which each minimum has one branch, a Gauss rule with p nodes errs by at
most 4 n r^(1-2p) / (r - 1) sup |f|, the supremum over a Bernstein ellipse with parameter r
(:mod:`qtheory.risk.compression_error`). A panel on which a branch is not known is halved.

Past the last panel f is f_0(lambda) + w*^2 f_1(lambda), with f_0 / lambda and f_1 / lambda
continuous at 0, so that the rest is enclosed by

    (f_0 / lambda)([0, lambda_K]) sum_{i>=K} lambda_i
        + (f_1 / lambda)([0, lambda_K]) sum_{i>=K} lambda_i w*_i^2,

whose sums are known. In T5, 1 - N x / 2 <= (1 - (1-x)^N) / (N x) <= 1 is used there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count, pairwise
from typing import Any

import flint
import sympy as sp

from qtheory.errors import HypothesisError, PrecisionError
from qtheory.model.instance import Compression, instantiate, require_numbers
from qtheory.model.run import Run
from qtheory.model.spectra import coordinate, in_balls
from qtheory.model.tails import (
    formulas,
    known_spectrum,
    require_finite_risk,
    require_usual_exponents,
    sums_from,
)
from qtheory.numbers.arithmetic import Arithmetic, Array, Balls, ComplexBalls, Scalar
from qtheory.numbers.evaluate import evaluate
from qtheory.numbers.gauss_sums import discrete_gauss
from qtheory.theory.definitions import eta0, mean, x
from qtheory.theory.notation import N, additive, lam, w_star
from qtheory.theory.valuation import Valuation

_HEAD = 64
_SEGMENTS = 24
_RADII = (4, 3, 2, 1.5)
_PIECES = 8
_FEW = 32  # so many are added one by one, and so many nodes are no reason to look further
_NODES = 8  # rules have a multiple of so many
_PANELS = 4  # between two looks at the rest
_LAST_POSITION = 10**150

_L, _W, _SHRINKAGE = sp.symbols("L W mu/eta_0", positive=True)


class InfiniteValuation(Valuation):
    """The values of a theorem's symbols in infinite dimension; call it inside ``working()``.

    What belongs to a coordinate has its value for i = 1, the largest of a decreasing spectrum: a
    hypothesis that holds for the first coordinate holds for every one.
    """

    def __init__(self, definitions: tuple[sp.Eq, ...], run: Run, arithmetic: Arithmetic) -> None:
        require_numbers(run.problem)
        require_usual_exponents(run.problem)
        require_finite_risk(run.problem, run.quantization)
        first = Compression([flint.arb(1)], [flint.arb(1)])
        super().__init__(definitions, instantiate(run, arithmetic, first))
        self._given, self._problem = definitions, run.problem
        self._known: dict[tuple[Any, ...], _Places | None] = {}

    def __contains__(self, formula: object) -> bool:
        return isinstance(formula, sp.Sum) or super().__contains__(formula)

    def __missing__(self, symbol: sp.Basic) -> Scalar | Array:
        if not isinstance(symbol, sp.Sum):
            return super().__missing__(symbol)
        if not isinstance(self._arithmetic, Balls):
            raise HypothesisError(
                "a sum over infinitely many coordinates is so near the limit of a hypothesis that "
                "it is not decided"
            )
        self[symbol] = value = self._sum(symbol.function)
        return value

    def _sum(self, f: sp.Expr) -> flint.arb:
        """The sum of a function of the coordinate over all i."""
        total = self._one_by_one(f, 1, _HEAD)
        first = _HEAD + 1
        for panels in count():
            # half the bits: far out, 1 - (1 - x)^N has lost about the bits of the tolerance
            tolerance = abs(total).abs_lower() * flint.arb(2) ** (-flint.ctx.prec // 2)
            rest = self._rest(f, first) if panels % _PANELS == 0 else None
            if rest is not None and rest.rad() <= tolerance:
                return total + rest
            if first > _LAST_POSITION:
                break
            n = known_spectrum(self._problem).panel(first)
            total += sum(self._panels(f, first, n, tolerance), flint.arb(0))
            first += n
        raise PrecisionError("the spectrum decays too slowly for its sums")

    def _panels(self, f: sp.Expr, first: int, n: int, tolerance: flint.arb) -> Iterator[flint.arb]:
        """The sums over parts of a panel."""
        if n <= _FEW:
            yield self._one_by_one(f, first, n)
            return
        analytic = self._branch(f, first, n)
        found = None if analytic is None else self._by_rule(analytic, first, n, tolerance)
        if found is None:
            yield from self._panels(f, first, n // 2, tolerance)
            yield from self._panels(f, first + n // 2, n - n // 2, tolerance)
        else:
            yield found

    def _one_by_one(self, f: sp.Expr, first: int, n: int) -> flint.arb:
        return self._at("points", first, n).value(f).sum()

    def _by_rule(self, f: sp.Expr, first: int, n: int, tolerance: flint.arb) -> flint.arb | None:
        """The sum of an analytic function over a panel, if few nodes are enough."""
        best: tuple[int, flint.arb] | None = None
        for radius in _RADII:
            places = self._at("ellipse", first, n, radius)
            if places is None:
                continue
            r = flint.arb(radius)
            sup = max((abs(value).abs_upper() for value in places.value(f)), key=float)
            scale = 4 * n * sup / (r - 1)
            if not scale.is_finite():
                continue
            wanted = float((scale * r / tolerance).log() / (2 * r.log())) if scale > 0 else 1
            p = _NODES * max(1, -int(-wanted // _NODES))
            if best is None or p < best[0]:
                best = p, scale * r ** (1 - 2 * p)
            if p <= _FEW:
                break
        if best is None or best[0] > min(n // 2, _FEW + flint.ctx.prec // 8):
            return None
        p, error = best
        nodes = self._at("nodes", first, n, p)
        return (nodes.value(f) * nodes.weights).sum() + flint.arb(0, error.abs_upper())

    def _branch(self, f: sp.Expr, first: int, n: int) -> sp.Expr | None:
        """f with the branch that each of its minima has on a panel, if that is known."""
        chosen: dict[sp.Basic, sp.Expr] = {}
        for minimum in f.atoms(sp.Min):
            left, right = minimum.args
            difference = self._at("cover", first, n).value(left - right)
            if all(value < 0 for value in difference):
                chosen[minimum] = left
            elif all(value > 0 for value in difference):
                chosen[minimum] = right
            else:
                return None
        return f.xreplace(chosen)

    # positions

    def _at(self, kind: str, first: int, n: int, *more: Any) -> Any:
        """Positions of a kind, and what was computed there."""
        key = kind, first, n, *more
        if key not in self._known:
            self._known[key] = getattr(self, f"_{kind}")(first, n, *more)
        return self._known[key]

    def _points(self, first: int, n: int) -> _Places:
        return self._places([flint.arb(first + k) for k in range(n)])

    def _cover(self, first: int, n: int) -> _Places:
        """Balls that cover a panel."""
        width = flint.arb(n - 1) / _PIECES
        ends = [first + k * width for k in range(_PIECES + 1)]
        return self._places([left.union(right) for left, right in pairwise(ends)])

    def _ellipse(self, first: int, n: int, radius: float) -> _Places | None:
        """Balls that cover the upper half of a Bernstein ellipse, if it stays where Re i > 0."""
        quarter, r = flint.arb(n - 1) / 4, flint.arb(radius)
        middle = flint.arb(first) + 2 * quarter
        positions = []
        for k in range(_SEGMENTS):
            angle = flint.arb(k + 0.5, 0.5001) * flint.arb.pi() / _SEGMENTS
            turn = flint.acb(angle.cos(), angle.sin())
            positions.append(middle + quarter * (r * turn + 1 / (r * turn)))
        if not all(place.real > 0 for place in positions):
            return None
        return self._places(positions)

    def _nodes(self, first: int, n: int, p: int) -> _Places:
        middle = flint.arb(2 * first + n - 1) / 2
        nodes, weights = discrete_gauss(n, p)
        return self._places([middle + node for node in nodes], weights)

    def _places(self, positions: list[Any], weights: list[flint.arb] | None = None) -> _Places:
        spectrum = formulas(self._problem)[0]
        target = self._problem.target.formula(spectrum)  # type: ignore[union-attr]
        values = [[in_balls(f, place) for place in positions] for f in (spectrum, target)]
        arrays = map(self._arithmetic.array, (*values, weights or []))
        return _Places(self, self._definitions, *arrays)

    # the rest

    def _rest(self, function: sp.Expr, first: int) -> flint.arb | None:
        """The sum over i >= first, if each minimum has one branch there."""
        largest = in_balls(formulas(self._problem)[0], flint.arb(first))
        step = self._near_zero(self._reduced(x[coordinate]), {_L: largest})
        least = 1 - self[N] * step / 2
        if not least > 0:
            return None
        until = {_L: largest.union(flint.arb(0)), _SHRINKAGE: least.union(flint.arb(1))}
        chosen: dict[sp.Basic, sp.Expr] = {}
        for minimum in function.atoms(sp.Min):
            parts = _signs_near_zero(self._reduced(minimum.args[0] - minimum.args[1]))
            signs = [self._near_zero(part, until) for part in parts]
            if any(sign.contains(0) for sign in signs):
                return None
            chosen[minimum] = minimum.args[(signs[0] > 0) == (signs[1] > 0)]
        shares = _shares(self._reduced(function.xreplace(chosen)))
        values = [self._near_zero(share, until) for share in shares]
        if not all(value.is_finite() for value in values):
            return None
        trace, signal = sums_from(self._problem, first)
        return values[0] * trace + values[1] * signal

    def _reduced(self, function: sp.Expr) -> sp.Expr:
        return _in_eigenvalue(self._given, function)

    def _near_zero(self, f: sp.Expr, values: dict[sp.Basic, flint.arb]) -> flint.arb:
        return evaluate(f, _Known(self, values), self._arithmetic)


class _Known(dict[sp.Basic, Any]):
    """The values of some symbols; other symbols have those of a valuation."""

    def __init__(self, scalars: Valuation, values: dict[sp.Basic, Any]) -> None:
        super().__init__(values)
        self._scalars = scalars

    def __missing__(self, symbol: sp.Basic) -> Any:
        return self._scalars[symbol]


class _Places(_Known):
    """The quantities of a coordinate at some positions, real or complex."""

    def __init__(
        self,
        scalars: Valuation,
        definitions: dict[sp.Basic, sp.Expr],
        eigenvalues: Array,
        target: Array,
        weights: Array,
    ) -> None:
        super().__init__(scalars, {lam: eigenvalues, w_star: target})
        self._definitions, self.weights = definitions, weights
        kind = ComplexBalls if isinstance(eigenvalues[0], flint.acb) else Balls
        self._arithmetic = kind(bits=flint.ctx.prec)

    def __missing__(self, symbol: sp.Basic) -> Any:
        if not isinstance(symbol, sp.IndexedBase):
            return super().__missing__(symbol)
        self[symbol] = value = evaluate(self._definitions[symbol], self, self._arithmetic)
        return value

    def value(self, f: sp.Expr) -> Array:
        """A function of the coordinate at the positions."""
        return evaluate(f, self, self._arithmetic) + 0 * self[lam]


@lru_cache(maxsize=256)
def _in_eigenvalue(definitions: tuple[sp.Eq, ...], function: sp.Expr) -> sp.Expr:
    """A function of the coordinate in its eigenvalue L, its coefficient W, and constants.

    Data errors have no additive part. The mean of the average, in T5, is eta_0 times a number that
    is kept as a symbol.
    """
    known = {d.lhs: d.rhs for d in definitions if isinstance(d.lhs, sp.Indexed)}
    known[mean[coordinate]] = eta0[coordinate] * _SHRINKAGE
    known |= {lam[coordinate]: _L, w_star[coordinate]: _W}
    while any(part in known for part in function.atoms(sp.Indexed)):
        function = function.xreplace(known)
    return function.xreplace({additive["data"]: sp.S.Zero})


@lru_cache(maxsize=256)
def _signs_near_zero(difference: sp.Expr) -> tuple[sp.Expr, ...]:
    """Numerator and denominator of a function of L, without their factors L."""
    return tuple(map(_without_factors, sp.fraction(sp.together(difference))))


def _without_factors(part: sp.Expr) -> sp.Expr:
    polynomial = sp.Poly(part, _L)
    return polynomial.exquo(sp.Poly(_L ** polynomial.monoms()[-1][0], _L)).as_expr()


@lru_cache(maxsize=256)
def _shares(f: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """f = L g_0 + L W^2 g_1: the two g, as functions of L."""
    constant, squared = f.xreplace({_W: sp.S.Zero}), sp.diff(f, _W, 2) / 2
    if sp.cancel(f - constant - _W**2 * squared) != 0:
        raise TypeError(f"a summand that is not affine in w*^2: {f}")
    return sp.cancel(constant / _L), sp.cancel(squared / _L)
