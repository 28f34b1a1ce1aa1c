r"""T10: floating point against integers at equal cost, by the spectrum and by the exact risk.

A floating-point number with m mantissa bits errs relatively by eps = 4^-m, an integer with b bits
absolutely by eps = 4^-b (constants left out, as in the paper). The paper compares the worst
distortion of the spectrum, max lambda^q_i / lambda_i - 1; the exact break-even compares risks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise, zip_longest

import flint
import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError, UnstableError
from qtheory.model.coordinates import vanishing
from qtheory.model.error_models import Additive, ErrorModel, Multiplicative
from qtheory.model.instance import instantiate
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization, targets_named
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.model.spectra import Explicit, SpectrumFormula, coordinate
from qtheory.numbers.arithmetic import Float64
from qtheory.numbers.exact import Number, exact
from qtheory.risk import excess_risk
from qtheory.theory import notation as n
from qtheory.theory.spectrum import spectral_shape

_BITS = sp.Symbol("b", positive=True)
_HALVINGS = 8  # of one mantissa bit
_MOST_MANTISSA_BITS = 60
# Two risks are compared in balls of so many digits, one after the other until the balls part.
_DIGITS = (8, 20, 50, 100)
# This much nearer to full precision than the integers are, no later bit changes the order.
_NEAR = 16


@dataclass(frozen=True)
class Crossing:
    """An interval of mantissa bits in which floating point begins to win, or to lose.

    The risks at both ends are compared in certified balls.
    """

    lower: Fraction
    upper: Fraction
    wins: bool


@dataclass(frozen=True)
class BreakEven:
    """The mantissa bits at which floating point has the smaller excess risk, by certified risks.

    Attributes
    ----------
    rule
        By the paper's comparison of the worst distortion.
    lower, upper
        Where it first begins to win: floating point is worse at ``lower`` and at least as good at
        ``upper``. Both are 0 if it wins from 0 bits on. ``upper`` is None if it never wins: errors
        of the data act like a ridge penalty and can make the risk smaller than without errors.
    crossings
        Every change of order between neighbouring whole numbers of mantissa bits, first to last.
    turns
        Whole numbers of mantissa bits at which the risk of floating point turns from falling to
        rising (the first) or back; none if it falls throughout. Multiplicative errors of the data
        shrink the iterates and their variance too, so that fewer bits can have the smaller risk.
    integer_risk
        The exact excess risk of the integers.
    """

    bits: sp.Expr
    rule: sp.Expr
    lower: Fraction
    upper: Fraction | None
    integer_risk: float
    crossings: tuple[Crossing, ...] = ()
    turns: tuple[int, ...] = ()

    @property
    def is_monotone(self) -> bool:
        """Whether the risk of floating point falls with every mantissa bit."""
        return not self.turns

    def __str__(self) -> str:
        text = (
            f"{self.bits} integer bits: floating point {self._wins()} by the exact risk, "
            f"from {float(self.rule):.2f} by the worst distortion"
        )
        if self.turns:
            rises = _spans(self.turns[::2], self.turns[1::2])
            text += f"; its risk is not monotone: it rises {rises} mantissa bits"
        return text

    def _wins(self) -> str:
        if self.upper is None:
            return "never wins"
        starts = [Fraction(0)] if self.upper == 0 else []
        starts += [crossing.upper for crossing in self.crossings if crossing.wins]
        ends = [crossing.upper for crossing in self.crossings if not crossing.wins]
        shown = [[f"{float(place):.2f}" for place in places] for places in (starts, ends)]
        return f"wins {_spans(*shown)} mantissa bits"


def distortion_rule(problem: Problem, bits: Number = _BITS) -> sp.Expr:
    r"""The smallest m with worst distortion 4^-m no more than that of b-bit integers.

    From T6: additive errors distort by eps / lambda_d at worst, multiplicative ones by eps.

    Examples
    --------
    >>> import qtheory as qt
    >>> a, d = qt.symbols("a d")
    >>> qt.distortion_rule(qt.Problem(dim=d, spectrum=qt.PowerLaw(a)))
    -a*log(d)/(2*log(2)) + b

    Source: the paper's comparison of FP and INT: FP wins when m >= b - (a/2) log2 d.
    """
    smallest = _smallest_eigenvalue(problem)
    eps_m, eps_b = sp.symbols("epsilon_m epsilon_b", positive=True)
    lam = sp.Symbol("lambda", positive=True)
    definitions = {item.lhs: item.rhs for item in spectral_shape.definitions}

    def distortion(additive: sp.Expr, multiplicative: sp.Expr) -> sp.Expr:
        quantized = definitions[n.lq[n.i]].xreplace({n.D[n.i]: definitions[n.D[n.i]]})
        levels = {n.additive["data"]: additive, n.multiplicative["data"]: multiplicative}
        return sp.simplify(quantized.xreplace({**levels, n.lam[n.i]: lam}) / lam - 1)

    relative = distortion(sp.S.Zero, eps_m)
    absolute = distortion(eps_b, sp.S.Zero).xreplace({lam: smallest})
    largest = sp.solve(sp.Eq(relative, absolute), eps_m)[0]
    number = exact(bits, "bits")
    rule = -sp.log(largest.subs(eps_b, 4**-number)) / sp.log(4)
    return sp.expand(sp.expand_log(rule, force=True)).subs(sp.log(4), 2 * sp.log(2))


def _smallest_eigenvalue(problem: Problem) -> sp.Expr:
    """The smallest that is not 0; of a formula with symbols the last one."""
    spectrum = problem.spectrum
    if isinstance(spectrum, Explicit):
        return min(value for value in spectrum.values if value > 0)
    if problem.dim is sp.oo:
        raise InvalidArgumentError("dim", problem.dim, "finite: the distortion is unbounded")
    formula = spectrum.formula
    is_numeric = problem.dim.is_number and formula.free_symbols <= {coordinate}
    if isinstance(spectrum, SpectrumFormula) and is_numeric:  # it need not decrease
        instance = instantiate(Run(problem, Quantization(), SGD("0.1", steps=1)), Float64())
        values = np.where(vanishing(problem, instance.eigenvalues), np.inf, instance.eigenvalues)
        place = values.argmin() + 1
        return formula.xreplace({coordinate: sp.Integer(int(place))})
    return formula.xreplace({coordinate: problem.dim})


def break_even(
    problem: Problem,
    sgd: SGD,
    bits: Number,
    targets: str | Iterable[str] = ("data",),
    coupling: str = "elementwise",
) -> BreakEven:
    """The mantissa bits at which floating point and b-bit integers have the same exact risk.

    Neither risk is monotone in the bits, so that floating point may begin to win and lose several
    times. The risks are compared, in certified balls, at every whole number of mantissa bits from 0
    until floating point is much nearer to full precision than the integers are, and at full
    precision; each change of order is then narrowed down to 1/256 of a bit. Risks that agree to 100
    digits count as equal.

    Parameters
    ----------
    bits
        b, the bits of the integers; eps = 4^-b on each target.
    targets
        Which targets are quantized.
    coupling
        Of the multiplicative errors: ``"elementwise"`` (rounding) or ``"shared"`` (the paper's).

    Raises
    ------
    UnstableError
        If the integers make the recursion unstable.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=64, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
    >>> found = qt.break_even(problem, qt.SGD(stepsize="0.1", steps=1000), bits=8)
    >>> found.rule, 0 < found.lower < found.upper < 8
    (2, True)

    Here errors of the data help: two and three mantissa bits win, fewer and more lose.

    >>> flat = qt.Problem(dim=4, spectrum=qt.PowerLaw("1/2"), target=qt.Constant("0.01"))
    >>> found = qt.break_even(flat, qt.SGD(stepsize="0.02", steps=100000), bits=4)
    >>> [(float(round(each.upper, 1)), each.wins) for each in found.crossings], found.turns
    ([(1.4, True), (3.6, False)], (2,))
    """
    number = exact(bits, "bits")
    if not number.is_Rational or not 0 <= number <= _MOST_MANTISSA_BITS:
        raise InvalidArgumentError("bits", bits, f"a number from 0 to {_MOST_MANTISSA_BITS}")
    risks = _Risks(problem, sgd, targets_named(targets), coupling)
    integers = Additive(sp.Integer(4) ** -number)
    least = float(risks.required(integers))
    rule = distortion_rule(problem, number)

    whole = list(_whole_bits(risks, integers))
    wins = [risks.compare(risks.floating(m), integers) <= 0 for m in whole]
    crossings = tuple(
        _narrowed(risks, integers, Fraction(m), wins[m + 1])
        for m in range(len(whole) - 1)
        if wins[m] != wins[m + 1]
    )
    turns = _turns(risks, whole)
    if wins[0]:
        return BreakEven(number, rule, whole[0], whole[0], least, crossings, turns)
    first = next((crossing for crossing in crossings if crossing.wins), None)
    if first is None:
        end = Fraction(_MOST_MANTISSA_BITS)
        return BreakEven(number, rule, end, None, least, crossings, turns)
    return BreakEven(number, rule, first.lower, first.upper, least, crossings, turns)


def _spans(starts: Sequence[object], ends: Sequence[object]) -> str:
    """Intervals in words; the last may have no end."""
    found = zip_longest(starts, ends)
    return " and ".join(f"from {a}" if b is None else f"from {a} to {b}" for a, b in found)


@dataclass(frozen=True)
class _Risks:
    """Certified risks of one run under errors of some targets, each computed once."""

    problem: Problem
    sgd: SGD
    targets: tuple[str, ...]
    coupling: str
    _known: dict[tuple[ErrorModel, int], flint.arb | None] = field(default_factory=dict)

    def floating(self, mantissa: Fraction) -> ErrorModel:
        """The error model of floating point with this many mantissa bits."""
        level = sp.Integer(4) ** -sp.Rational(mantissa.numerator, mantissa.denominator)
        return Multiplicative(level, self.coupling)

    def required(self, model: ErrorModel, digits: int = _DIGITS[0]) -> flint.arb:
        """The risk under an error model."""
        quantization = Quantization(**dict.fromkeys(self.targets, model))
        return excess_risk(self.problem, quantization, self.sgd, digits=digits).total

    def at(self, model: ErrorModel, digits: int) -> flint.arb | None:
        """The risk under an error model, None where it makes the recursion unstable."""
        if (model, digits) not in self._known:
            try:
                self._known[model, digits] = self.required(model, digits)
            except UnstableError:
                self._known[model, digits] = None
        return self._known[model, digits]

    def compare(self, first: ErrorModel, second: ErrorModel) -> int:
        """The sign of the difference of two risks, 0 if they agree to all digits."""
        for digits in _DIGITS:
            left, right = self.at(first, digits), self.at(second, digits)
            if left is None or right is None:
                return (left is None) - (right is None)
            if not left.overlaps(right):
                return -1 if left < right else 1
        return 0

    def is_near_full_precision(self, model: ErrorModel, other: ErrorModel) -> bool:
        """Whether a risk is much nearer to that without errors than another one is."""
        for digits in _DIGITS:
            full = self.at(ErrorModel(), digits)
            own, others = self.at(model, digits), self.at(other, digits)
            if full is None or own is None or others is None:
                return False
            near, far = _NEAR * abs(own - full), abs(others - full)
            if not near.overlaps(far):
                return bool(near < far)
        return False


def _whole_bits(risks: _Risks, integers: ErrorModel) -> Iterator[Fraction]:
    """Whole mantissa bits from 0 until two neighbours are near full precision."""
    near = 0
    for m in map(Fraction, range(_MOST_MANTISSA_BITS + 1)):
        yield m
        near = near + 1 if risks.is_near_full_precision(risks.floating(m), integers) else 0
        if near == 2:
            return


def _narrowed(risks: _Risks, integers: ErrorModel, low: Fraction, wins: bool) -> Crossing:
    """The change of order in the bit after ``low``; above it floating point wins, or loses."""
    high = low + 1
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = (risks.compare(risks.floating(middle), integers) <= 0) == wins
        low, high = (low, middle) if above else (middle, high)
    return Crossing(low, high, wins)


def _turns(risks: _Risks, whole: list[Fraction]) -> tuple[int, ...]:
    """Where the risk of floating point turns, full precision being the last point."""
    models = [risks.floating(m) for m in whole] + [ErrorModel()]
    signs = [risks.compare(after, before) for before, after in pairwise(models)]
    moves = [(m, sign) for m, sign in zip(whole, signs, strict=True) if sign]
    found = [int(m) for (_, before), (m, after) in pairwise(moves) if before != after]
    rises_from_the_start = bool(moves) and moves[0][1] > 0
    return (int(moves[0][0]), *found) if rises_from_the_start else tuple(found)
