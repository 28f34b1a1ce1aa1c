r"""T10: floating point against integers at equal cost, by the spectrum and by the exact risk.

A floating-point number with m mantissa bits errs relatively by eps = 4^-m, an integer with b bits
absolutely by eps = 4^-b (constants left out, as in the paper). The paper compares the worst
distortion of the spectrum, max lambda^q_i / lambda_i - 1; the exact break-even compares risks.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from qtheory.errors import InvalidArgumentError, UnstableError
from qtheory.model.problem import Problem
from qtheory.model.quantization import (
    TARGETS,
    Additive,
    ErrorModel,
    Multiplicative,
    Quantization,
    checked_targets,
)
from qtheory.model.sgd import SGD
from qtheory.model.spectra import Explicit, coordinate
from qtheory.numbers.exact import Number, exact
from qtheory.risk import excess_risk
from qtheory.theory import notation as n
from qtheory.theory.spectrum import spectral_shape

__all__ = ["BreakEven", "break_even", "distortion_rule"]

_BITS = sp.Symbol("b", positive=True)
_STEPS = 10  # halvings after the bracket: mantissa bits to about 0.02
_MOST_MANTISSA_BITS = 60


@dataclass(frozen=True)
class BreakEven:
    """Mantissa bits from which floating point has the smaller excess risk.

    Attributes
    ----------
    rule
        By the paper's comparison of the worst distortion.
    lower, upper
        Floating point is worse at ``lower`` and at least as good at ``upper``, by risks in float64.
        Both are 0 if it is never worse. ``upper`` is None if it never gets as good: additive errors
        of the data act like a ridge penalty and can make the risk smaller than without errors.
    integer_risk
        The exact excess risk of the integers.
    """

    bits: sp.Expr
    rule: sp.Expr
    lower: Fraction
    upper: Fraction | None
    integer_risk: float

    def __str__(self) -> str:
        wins = (
            "never wins"
            if self.upper is None
            else f"wins from {float(self.upper):.2f} mantissa bits"
        )
        return (
            f"{self.bits} integer bits: floating point {wins} by the exact risk, "
            f"from {float(self.rule):.2f} by the worst distortion"
        )


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
    if isinstance(problem.spectrum, Explicit):
        smallest = min(value for value in problem.spectrum.values if value > 0)
    elif problem.dim is sp.oo:
        raise InvalidArgumentError("dim", problem.dim, "finite: the distortion is unbounded")
    else:
        smallest = problem.spectrum.formula.xreplace({coordinate: problem.dim})
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


def break_even(
    problem: Problem,
    sgd: SGD,
    bits: Number,
    targets: tuple[str, ...] = ("data",),
    coupling: str = "elementwise",
) -> BreakEven:
    """The mantissa bits at which floating point and b-bit integers have the same exact risk.

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
    """
    names = checked_targets(targets)
    if not names:
        raise InvalidArgumentError("targets", targets, f"some of {', '.join(TARGETS)}")
    number = exact(bits, "bits")
    if not number.is_Rational or not 0 <= number <= _MOST_MANTISSA_BITS:
        raise InvalidArgumentError("bits", bits, f"a number from 0 to {_MOST_MANTISSA_BITS}")

    def risk(model: ErrorModel) -> float:
        quantization = Quantization(**dict.fromkeys(names, model))
        return float(excess_risk(problem, quantization, sgd).total)

    integer = risk(Additive(sp.Integer(4) ** -number))

    def worse(mantissa: Fraction) -> bool:
        level = sp.Integer(4) ** -sp.Rational(mantissa.numerator, mantissa.denominator)
        try:
            return risk(Multiplicative(level, coupling)) > integer
        except UnstableError:
            return True

    rule = distortion_rule(problem, number)
    low, high = Fraction(0), Fraction(0)
    if worse(Fraction(_MOST_MANTISSA_BITS)):
        return BreakEven(number, rule, Fraction(_MOST_MANTISSA_BITS), None, integer)
    if worse(low):
        high = Fraction(1)
        while worse(high):
            low, high = high, 2 * high
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if worse(middle) else (low, middle)
    return BreakEven(number, rule, low, high, integer)
