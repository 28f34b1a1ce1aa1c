r"""Long spectra, finite or infinite, compressed to few coordinates with a proved error.

Let i = 1, ..., M stay as they are. Behind them panels of consecutive integers are each replaced by
the nodes i_j and weights m_j of a Gauss rule for sums, so that sum_i h(i) becomes sum_j m_j h(i_j):
a coordinate with eigenvalue lambda(i_j) that counts m_j times. In finite dimension the last panel
ends at d. Coordinates that within the run move alike, or not at all, become one: the rest, with
their number, their trace and their signal sum lambda w*^2. In infinite dimension there is always a
rest.

It works for spectra and targets of known form, whose sums are known and which are analytic where
Re i > 0 (of a formula typed in neither is known), and for data errors that are exact, purely
multiplicative or purely additive: then n_t of a coordinate is an analytic function of its position
and the drive that all coordinates share. :mod:`qtheory.risk.compression_error` has the proof.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import flint
import sympy as sp

from qtheory.errors import PrecisionError
from qtheory.model.covariates import Gaussian
from qtheory.model.formats import NumberFormat
from qtheory.model.instance import Compression, Instance, Rest, instantiate, require_numbers
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.spectra import in_balls
from qtheory.model.tails import (
    formulas,
    has_sums,
    known_spectrum,
    require_finite_risk,
    require_usual_exponents,
    sums_from,
)
from qtheory.numbers.arithmetic import Arithmetic, Balls
from qtheory.numbers.exact import require_numeric
from qtheory.numbers.gauss_sums import discrete_gauss
from qtheory.risk.compression_error import CompressedSpectrum, Couplings, Panel, error_bound
from qtheory.risk.cost import require_affordable_compression

_HEAD = 64
_LAST_POSITION = 10**60
_SEGMENTS = 48
# The closed form loses about the bits of the last position, twice, and with an additive data error
# twice those by which the last eigenvalues fall below it: about those of the tolerance.
_GUARD_BITS = 150
_BITS_PER_BIT = 3
_BITS_FOR_FLOATS = 300
_RADII = (6.0, 5.0, 4.0, 3.5, 3.0, 2.5, 2.0, 1.6, 1.3, 1.1)


def is_compressible(problem: Problem, quantization: Quantization) -> bool:
    """Whether a proved compression is there: known forms, and one kind of error on the data.

    Additive ones are taken for noise that is independent of x, which needs Gaussian data.
    """
    data, law = quantization.data, problem.covariates
    if isinstance(data, NumberFormat) or (data.additive != 0 and data.multiplicative != 0):
        return False
    return has_sums(problem) and (data.additive == 0 or isinstance(law, Gaussian))


def working_bits(tolerance: int) -> int:
    """The precision in which sums over the spectrum are to be had to 2^-tolerance."""
    return _GUARD_BITS + _BITS_PER_BIT * tolerance


def tolerance_bits(bits: int) -> int:
    """The tolerance 2^-this of a compression at so many bits of precision."""
    return max(1, (bits - _GUARD_BITS) // _BITS_PER_BIT)


def compressed_instance(run: Run, steps: int, arithmetic: Arithmetic) -> tuple[Instance, flint.arb]:
    """A short instance for a long spectrum, and how far its risk can be off.

    In float64 the instance serves for estimates only, at any stepsize, and no error is given
    (infinite).
    """
    problem, stepsize = run.problem, run.sgd.stepsize
    require_numbers(problem)
    require_usual_exponents(problem)
    require_finite_risk(problem, run.quantization)
    require_numeric(stepsize, "stepsize")
    certified = isinstance(arithmetic, Balls)
    balls = arithmetic if isinstance(arithmetic, Balls) else Balls(bits=_BITS_FOR_FLOATS)
    # Estimates are asked for of unstable runs too: what contracts then is a smaller step.
    contracting = run if certified else run.with_stepsize(stepsize / 10**6)
    with balls.working():
        first = Compression([flint.arb(1)], [flint.arb(1)])
        couplings = Couplings.of(instantiate(contracting, balls, first))
        compressed = compress(problem, couplings, steps, tolerance_bits(balls.bits))
    instance = instantiate(run, arithmetic, compressed.coordinates)
    if not certified:
        return instance, flint.arb("inf")
    return instance, error_bound(compressed, instance)


@dataclass(frozen=True, eq=False)
class _Stretch:
    """n coordinates from ``first`` on: by a rule with so many nodes, or one by one."""

    first: int
    n: int
    nodes: int
    panel: Panel | None

    def rule(self) -> tuple[list[flint.arb], list[flint.arb]]:
        """Positions and counts."""
        if self.panel is None:
            ones = [flint.arb(1)] * self.n
            return [flint.arb(self.first + k) for k in range(self.n)], ones
        middle = flint.arb(2 * self.first + self.n - 1) / 2
        nodes, weights = discrete_gauss(self.n, self.nodes)
        return [middle + node for node in nodes], weights


def compress(problem: Problem, couplings: Couplings, steps: int, bits: int) -> CompressedSpectrum:
    """Coordinates that give sums over the spectrum to about 2^-bits; call it inside ``working()``.

    ``couplings`` are those of a stepsize at which the second moments contract.

    Raises
    ------
    CostError
        If there are so many that the closed form would take hours.
    """
    tolerance = flint.arb(2) ** -bits
    last = None if problem.dim is sp.oo else int(problem.dim)
    head = _HEAD if last is None else min(_HEAD, last)
    stretches = [_Stretch(1, head, head, None)]
    first = head + 1
    end = _End(None, None, None)
    while end.rest is None and (last is None or first <= last):
        if last is None and first > _LAST_POSITION:
            raise PrecisionError("the spectrum decays too slowly to be compressed")
        end = _end(problem, first, last, couplings, steps, tolerance)
        if end.rest is None:
            n = _width(problem, first, couplings.eps)
            n = n if last is None else min(n, last + 1 - first)
            n = _before_the_rest(problem, first, n, last, couplings, tolerance)
            stretches.append(_stretch(problem, first, n, couplings, tolerance))
            first += stretches[-1].n
    require_affordable_compression(sum(stretch.nodes for stretch in stretches), flint.ctx.prec)
    positions: list[flint.arb] = []
    counts: list[flint.arb] = []
    for stretch in stretches:
        places, weights = stretch.rule()
        positions += places
        counts += weights
    panels = [*(stretch.panel for stretch in stretches), end.panel]
    return CompressedSpectrum(
        Compression(positions, counts, end.rest),
        [panel for panel in panels if panel is not None],
        steps,
        end.largest_frozen,
    )


@dataclass(frozen=True, eq=False)
class _End:
    """The rest, if the coordinates can end here, with what bounds its error."""

    rest: Rest | None
    panel: Panel | None
    largest_frozen: flint.arb | None


def _end(
    problem: Problem,
    first: int,
    last: int | None,
    couplings: Couplings,
    steps: int,
    tolerance: flint.arb,
) -> _End:
    largest = in_balls(formulas(problem)[0], flint.arb(first - 1))
    rest = _rest(problem, first, last, largest)
    if rest is not None and couplings.eps == 0:
        if _is_frozen(rest, largest, couplings, steps, tolerance):
            return _End(rest, None, largest)
    elif rest is not None:
        panel = _alike(rest, largest, couplings)
        if panel is not None and panel.error * _scale(panel, couplings) < tolerance:
            return _End(rest, panel, None)
    return _End(None, None, None)


def _scale(panel: Panel, couplings: Couplings) -> flint.arb:
    """About the size of the sums that the panel's error multiplies."""
    L = panel.eigenvalue
    return panel.signal + 4 * L + 4 * couplings.rate * L * L / panel.contraction


def _rest(problem: Problem, first: int, last: int | None, largest: flint.arb) -> Rest | None:
    """The coordinates from ``first`` on as one, if their sums are known; each is <= largest."""
    if last is not None and not known_spectrum(problem).sharp_sums:
        return None
    trace, signal = sums_from(problem, first)
    if last is None:
        return Rest(largest / 2, 2 * trace / largest, signal)
    beyond_trace, beyond_signal = sums_from(problem, last + 1)
    count = flint.arb(last + 1 - first)
    return Rest((trace - beyond_trace) / count, count, signal - beyond_signal)


def _before_the_rest(
    problem: Problem,
    first: int,
    n: int,
    last: int | None,
    couplings: Couplings,
    tolerance: flint.arb,
) -> int:
    """Shorten a panel that goes far into what can be a rest: there lambda is lost beside eps."""
    eigenvalue = formulas(problem)[0]
    rest = _rest(problem, first, last, in_balls(eigenvalue, flint.arb(first - 1)))
    if couplings.eps == 0 or rest is None:
        return n
    least = couplings.eps * tolerance / (2**16 * (1 + abs(rest.signal)))
    if in_balls(eigenvalue, flint.arb(first)) > least:
        while n > 1 and in_balls(eigenvalue, flint.arb(first + n - 1)) < least:
            n //= 2
    return n


def _is_frozen(
    rest: Rest, largest: flint.arb, couplings: Couplings, steps: int, tolerance: flint.arb
) -> bool:
    """Whether the rest moves by less than the tolerance within the run."""
    moved = steps * couplings.rate * largest
    size = (rest.eigenvalue * rest.count + rest.signal) * (1 + 1 / couplings.rate)
    return bool(moved < 1 and moved * size < tolerance)


def _alike(rest: Rest, largest: flint.arb, couplings: Couplings) -> Panel | None:
    """The rule that gives all the rest its mean eigenvalue, where lambda is far below eps."""
    eps = couplings.eps
    if not largest <= eps / 32:
        return None
    part = flint.arb(1) / 16
    disc = flint.acb(eps * flint.arb(1, part), eps * flint.arb(0, part))
    contraction = _contraction(disc, couplings, flint.arb(0))
    if contraction is None:
        return None
    error = 1024 * rest.count * (largest / eps) ** 2
    # so that error * signal is 64 (largest / eps) sum s
    signal = rest.signal * eps / (16 * largest * rest.count)
    return Panel(error, eps * (1 + part), signal, contraction)


def _stretch(
    problem: Problem, first: int, n: int, couplings: Couplings, tolerance: flint.arb
) -> _Stretch:
    """The next coordinates, n of them or fewer, as few as the tolerance allows."""
    while n > 3:
        found = _suprema(problem, first, n, couplings)
        if found is None:  # a shorter panel has a slimmer ellipse
            n //= 2
            continue
        radius, suprema = found
        scale = _scale(suprema, couplings)
        # 4 n radius^(1 - 2 p) scale / (radius - 1) = tolerance, from just below
        exact = 1 + (4 * n * scale / ((radius - 1) * tolerance)).log() / radius.log()
        for p in range(max(3, int(float(exact) / 2)), n):
            error = 4 * n * radius ** (1 - 2 * p) / (radius - 1)
            if error * scale < tolerance:
                return _Stretch(first, n, p, replace(suprema, error=error))
        break
    return _Stretch(first, n, n, None)


def _suprema(
    problem: Problem, first: int, n: int, couplings: Couplings
) -> tuple[flint.arb, Panel] | None:
    """The largest ellipse on which the second moments provably contract, and bounds on it."""
    middle = flint.arb(2 * first + n - 1) / 2
    x = couplings.rate * (in_balls(formulas(problem)[0], middle) + couplings.eps)
    least = (1 - x / 2) / 8
    for radius in _RADII:
        r = flint.arb(radius)
        found = []
        for k in range(_SEGMENTS):
            bounds = _on_segment(problem, first, n, r, k, couplings, least)
            if bounds is None:
                break
            found.append(bounds)
        else:
            Ls, Es, etas = zip(*found, strict=True)
            suprema = (reduce(flint.arb.max, Ls), reduce(flint.arb.max, Es))
            return r, Panel(flint.arb(0), *suprema, reduce(flint.arb.min, etas))
    return None


def _on_segment(
    problem: Problem,
    first: int,
    n: int,
    r: flint.arb,
    k: int,
    couplings: Couplings,
    least: flint.arb,
) -> tuple[flint.arb, flint.arb, flint.arb] | None:
    """|mu|, |lambda w*^2| and 1 - |1 - a| on one segment of the boundary (upper half)."""
    angle = flint.arb(k + 0.5, 0.5001) * flint.arb.pi() / _SEGMENTS
    turn = flint.acb(angle.cos(), angle.sin())
    half = flint.arb(n - 1) / 2
    place = flint.arb(first) + half + half / 2 * (r * turn + 1 / (r * turn))
    if not place.real > 0:  # the formulas are analytic in the right half plane
        return None
    eigenvalue, value = (in_balls(formula, place) for formula in formulas(problem))
    if not eigenvalue.real > -couplings.eps / 16:
        return None
    mu = eigenvalue + couplings.eps
    signal = abs(eigenvalue * value).abs_upper()
    contraction = _contraction(mu, couplings, least)
    if contraction is None or not signal.is_finite():
        return None
    return abs(mu).abs_upper(), signal, contraction


def _contraction(mu: flint.acb, couplings: Couplings, least: flint.arb) -> flint.arb | None:
    """At most 1 - |1 - a|; None if that, or 1 - |1 - x|, is not above ``least`` times |a|, |x|."""
    x = couplings.rate * mu
    bounds = []
    for y in (x, 2 * x - couplings.g * mu**2):
        # 1 - |1 - y| >= (2 Re y - |y|^2) / 2
        slack = (2 * y.real - abs(y) ** 2) / 2
        if not (slack > 0 and slack > least * abs(y)):
            return None
        bounds.append(slack.abs_lower())
    return bounds[1]


def _width(problem: Problem, first: int, eps: flint.arb) -> int:
    """How many coordinates make a panel: those over which mu falls by a bounded factor."""
    if eps > 0 and in_balls(formulas(problem)[0], flint.arb(first)) < eps / 256:
        return first
    return known_spectrum(problem).panel(first)
