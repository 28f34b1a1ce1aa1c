r"""T7 to T12 as the theory states them, beside what the package derives.

The rate calculus derives exponents from the bound. Here they are typed in, as the theory lists
them, and only here: a rule of the calculus that is wrong gives another exponent.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import mpmath
import sympy as sp

from qtheory.asymptotics import (
    allocate_bits,
    asymptotic_sum,
    break_even,
    distortion_rule,
    rates,
    sharp_constants,
    tolerances,
)
from qtheory.checks.check import CheckResult
from qtheory.checks.panel import rational
from qtheory.model import (
    SGD,
    TARGETS,
    Additive,
    Constant,
    ErrorModel,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
    SourceCondition,
)
from qtheory.reference import theorems as stated
from qtheory.risk import excess_risk
from qtheory.theory import upper_bound

_N, _d, _eps, _a = sp.symbols("N d epsilon a", positive=True)
_ROUNDING = 1e-12
#: Powers of the spectrum and of the signal, on both sides of each boundary and on it.
POWERS = tuple(
    (Fraction(a), Fraction(b))
    for a, b in (("2", "2"), ("3/2", "3"), ("2", "5"), ("2", "7"), ("3", "3/2"), ("3/2", "4"))
)


def as_stated(id: str, pairs: Iterator[tuple[str, Any, Any]]) -> list[CheckResult]:
    """One check: every order or exponent is the stated one, exactly."""
    found = list(pairs)
    wrong = [f"{name}: {here}, stated {there}" for name, here, there in found if here != there]
    detail = "; ".join(wrong) if wrong else f"{len(found)} orders are the stated ones"
    return [CheckResult.of(id, "rate", not wrong, detail, {"compared": len(found)})]


def sums_agree() -> list[CheckResult]:
    """The sums that T8 is made of: a tail, a head, a flat one, and one with a logarithm."""
    x = sp.Symbol("x", positive=True)
    known = (
        (("i**-3", "i", x, sp.oo), x**-2),
        (("i**-2*log(i)", "i", x, sp.oo), sp.log(x) / x),
        (("1/(i*log(i + 1)**2)", "i", x, sp.oo), 1 / sp.log(x)),
        (("log(i)/i", "i", 1, _d), sp.log(_d) ** 2),
        (("i**2", "i", 1, _d), _d**3),
        (("1/i", "i", x, _d, ["d >= x"]), sp.log(_d / x)),
        (("min(1, x*i**-2)", "i", 1, _d, ["d**2 >= x"]), sp.sqrt(x)),
        (("min(1, x*i**-2)", "i", 1, _d, ["x >= d**2"]), _d),
    )
    return as_stated(
        "T8/sums",
        ((f"sum of {given[0]}", asymptotic_sum(*given).order, order) for given, order in known),
    )


def orders_agree() -> list[CheckResult]:
    """T8 for exact and for multiplicative data: bias, variance, approximation."""

    def pairs() -> Iterator[tuple[str, Any, Any]]:
        for (a, b), scheme in product(POWERS, ("none", "shared", "elementwise")):
            problem = Problem(sp.oo, PowerLaw(rational(a)), SourceCondition(rational(b)), 1)
            exact = scheme == "none"
            data = Quantization() if exact else Quantization(data=Multiplicative(_eps, scheme))
            table = rates(problem, data, SGD("0.1", steps=_N))
            power, logs = stated.bias_order(a, b)
            where = f"a={a}, b={b}, {scheme}"
            yield (
                f"bias, {where}",
                table.bias.order,
                _N ** rational(power) * sp.log(_N) ** logs,
            )
            reached, steps = stated.variance_order(a)
            yield f"variance, {where}", table.variance.order, _N ** rational(reached + steps)
            if not exact:
                yield f"approximation, {where}", table.approximation.order, _eps

    return as_stated("T8/exact or multiplicative data", pairs())


def orders_with_additive_data_agree() -> list[CheckResult]:
    """T8 for additive data: the exponents of D_N / N and of A for d = N^delta, eps = N^-e."""

    def pairs() -> Iterator[tuple[str, Any, Any]]:
        deltas, levels = (
            (Fraction("1/4"), Fraction("2/3")),
            (Fraction("3/4"), Fraction(1), Fraction(2)),
        )
        for a, b in ((Fraction(2), Fraction(b)) for b in ("2", "3", "4")):
            for delta, e in product(deltas, levels):
                problem = Problem(_d, PowerLaw(rational(a)), SourceCondition(rational(b)), 1)
                table = rates(
                    problem,
                    Quantization(data=Additive(_eps)),
                    SGD("0.1", steps=_N),
                    regime={_d: _N ** rational(delta), _eps: _N ** -rational(e)},
                )
                where = f"b={b}, d=N^{delta}, eps=N^-{e}"
                terms = stated.additive_dimension_order(a, coarse=e <= 1, wide=delta >= 1 / a)
                dimension = max(p * delta + q - r * e for p, q, r in terms)
                yield (
                    f"D_N, {where}",
                    table.variance.exponent(_N) + 1,
                    rational(dimension),
                )
                p, q, _ = stated.additive_approximation_order(a, b, wide=delta >= e / a)
                yield f"A, {where}", table.approximation.exponent(_N), rational(q * delta - p * e)

    return as_stated("T8/additive data", pairs())


def leading_constants_agree() -> list[CheckResult]:
    """T9: the leading constants of bias and variance for exact data."""
    found = []
    for a, b, batch, scale in (("2", "2", 1, "1"), ("3/2", "2", 3, "1/2"), ("2", "3", 2, "1")):
        problem = Problem(sp.oo, PowerLaw(a, scale=scale), SourceCondition(b), noise="1/3")
        values = sharp_constants(problem, Quantization(), SGD("1/10", batch, steps=1000)).evaluate()
        power, spread = Fraction(a), Fraction(b)
        constants = stated.leading_constants(
            power, spread, Fraction(1, 3), Fraction(1, 10), batch, Fraction(scale)
        )
        slopes = (-(spread - 1) / power, 1 / power - 1)
        for name, constant, slope in zip(("bias", "variance"), constants, slopes, strict=True):
            there = constant * mpmath.mpf(1000) ** (mpmath.mpf(slope.numerator) / slope.denominator)
            found.append((f"{name}, a={a}, b={b}", getattr(values, name), there))
    return _near("T9/exact data", found)


def limits_of_the_risk_agree() -> list[CheckResult]:
    """T7 in the exact risk: N var for a large batch and many steps, scheme by scheme."""
    gamma, dim, batch, eps = Fraction(1, 10), 20, 10**18, Fraction(1, 10)
    eigenvalues = [Fraction(1, i**2) for i in range(1, dim + 1)]
    problem = Problem(dim, PowerLaw(2), Constant(1), 1)
    run = SGD(rational(gamma), batch, steps=10**9)
    label_and_rest = (1 + eps) * (eps + (1 + eps) ** 2 - 1)
    found = []
    for scheme, Q, kappa in (
        ("shared", label_and_rest, (1 + eps) ** 3),
        ("elementwise", eps, 1 + eps),
        ("additive", None, None),
    ):
        model = Additive(eps) if scheme == "additive" else Multiplicative(eps, scheme)
        quantization = Quantization(**dict.fromkeys(TARGETS[1:], model))
        variance = sharp_constants(problem, quantization, run).evaluate(20).variance * 10**9
        if Q is None or kappa is None:
            limit = eps * sum(eigenvalues, Fraction(0)) / 2
        else:
            terms = (lam * Q * (2 - gamma * lam) / (2 - kappa * gamma * lam) for lam in eigenvalues)
            limit = sum(terms, Fraction(0)) / 2
        found.append((scheme, variance, mpmath.mpf(limit.numerator) / limit.denominator))
    return _near("T7/exact risk", found)


def _near(id: str, found: list[tuple[str, Any, Any]]) -> list[CheckResult]:
    gaps = {name: abs(float(here / there - 1)) for name, here, there in found}
    worst = max(gaps, key=lambda name: gaps[name])
    return [
        CheckResult.of(
            id,
            "rate",
            gaps[worst] < _ROUNDING,
            f"as stated to {gaps[worst]:.0e} ({worst})",
            {"compared": len(gaps)},
        )
    ]


def rule_agrees() -> list[CheckResult]:
    """T10: floating point wins by the worst distortion where m >= b - (a/2) log2 d."""
    bits = sp.Symbol("b", positive=True)
    rule = distortion_rule(Problem(_d, PowerLaw(_a), Constant(1)), bits)
    stated = bits - _a / 2 * sp.log(_d) / sp.log(2)
    return [
        CheckResult.of("T10/rule", "rate", sp.expand(rule - stated) == 0, f"m >= {rule}"),
    ]


def break_even_is_one() -> list[CheckResult]:
    """T10 by section 2: certified risks change order between the two ends of the break-even."""
    problem, run, bits = Problem(50, PowerLaw(2), Constant(1)), SGD("0.1", steps=1000), 6
    found = break_even(problem, run, bits=bits)

    def risk(model: ErrorModel) -> Any:
        return excess_risk(problem, Quantization(data=model), run, digits=15).total

    assert found.upper is not None
    integer = risk(Additive(Fraction(1, 4**bits)))
    worse, better = (
        risk(Multiplicative(sp.Integer(4) ** -rational(m), "elementwise"))
        for m in (found.lower, found.upper)
    )
    holds = bool(better <= integer) and bool(integer < worse)
    holds &= 0 < found.upper - found.lower <= Fraction(1, 100)
    return [CheckResult.of("T10/exact", "rate", holds, str(found))]


def tolerances_with_additive_data() -> list[CheckResult]:
    """T11, additive data: N eps <~ sqrt(k*/d), A <~ R_0, and d eps <~ 1 where T4 applies at all."""
    deltas = Fraction(1, 4), Fraction(2, 3), Fraction(2)

    def pairs() -> Iterator[tuple[str, Any, Any]]:
        a = Fraction(2)
        for b, delta in product((Fraction(2), Fraction(3, 2)), deltas):
            problem = Problem(_d, PowerLaw(rational(a)), SourceCondition(rational(b)), 1)
            level = tolerances(
                problem, SGD("0.1", steps=_N), "additive", regime={_d: _N ** rational(delta)}
            )["data"]
            head = min(delta, 1 / a)  # k* = N^head
            risk = max(-(b - 1) / a, head - 1)
            if delta < 1 / a:  # every direction is learnt: the bias is that of the last one
                risk = max(-2 + delta * max(Fraction(0), 2 * a + 1 - b), head - 1)
            narrow = [  # the smallest e with A of order eps^p d^q at most the risk
                (q * delta - risk) / p
                for wide in (True, False)
                for p, q, _ in [stated.additive_approximation_order(a, b, wide)]
                if wide == (delta >= ((q * delta - risk) / p) / a)
            ]
            e = max(1 + (delta - head) / 2, delta, *narrow)
            yield f"data, b={b}, d=N^{delta}", level.exponent(_N), rational(-e)

    return as_stated("T11/additive data", pairs())


def allocation_is_best() -> list[CheckResult]:
    """T12: no bit moved from one target to another lowers the bound; the risks are those quoted."""
    problem, run, bits = Problem(20, PowerLaw(2), Constant(1)), SGD("0.1", steps=500), 22
    found = allocate_bits(problem, run, bits)

    def quantization(split: dict[str, int]) -> Quantization:
        return Quantization(**{t: Additive(Fraction(1, 4**k)) for t, k in split.items()})

    def bound(split: dict[str, int]) -> float:
        return float(upper_bound(problem, quantization(split), run).total)

    def risk(split: dict[str, int]) -> float:
        return float(excess_risk(problem, quantization(split), run).total)

    moved = [
        {**found.bits, source: found.bits[source] - 1, sink: found.bits[sink] + 1}
        for source, sink in permutations(TARGETS, 2)
        if found.bits[source] > 1
    ]
    share, rest = divmod(bits, len(TARGETS))
    uniform = {target: share + (k < rest) for k, target in enumerate(TARGETS)}
    holds = (
        sum(found.bits.values()) == bits
        and found.bound == bound(found.bits) <= min(map(bound, moved))
        and found.uniform_bits == uniform
        and found.uniform_bound == bound(uniform)
        and found.risk == risk(found.bits) != risk(uniform) == found.uniform_risk
    )
    detail = (
        f"bound {found.bound:.4g} at the best split, {found.uniform_bound:.4g} at the uniform one"
    )
    return [CheckResult.of("T12/best", "rate", holds, detail)]


#: The checks of this file by their ids.
ORDERS = {
    "T7/exact risk": limits_of_the_risk_agree,
    "T8/sums": sums_agree,
    "T8/exact or multiplicative data": orders_agree,
    "T8/additive data": orders_with_additive_data_agree,
    "T9/exact data": leading_constants_agree,
    "T10/rule": rule_agrees,
    "T10/exact": break_even_is_one,
    "T11/additive data": tolerances_with_additive_data,
    "T12/best": allocation_is_best,
}
