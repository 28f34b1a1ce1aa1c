r"""The rate calculus beside numbers: sums that are added up, and regimes decided at points.

What the package derives in symbols has conditions: which term is the largest, and where. Here its
answers are evaluated at points on both sides of every boundary. There they must be what the theory
states for the point (T4, T8), or what the sum itself is.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from qtheory.asymptotics import Rate, asymptotic_sum, compare_orders, rates
from qtheory.asymptotics.mellin import leading_terms
from qtheory.checks.check import CheckResult
from qtheory.checks.panel import rational
from qtheory.model import (
    SGD,
    TARGETS,
    Additive,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
    SourceCondition,
)
from qtheory.reference import theorems as stated

_N, _d, _B, _eps, _noise = sp.symbols("N d B epsilon s", positive=True)
_a, _b, _x, _y = sp.symbols("a b x y", positive=True)
#: Orders that are equal up to constants differ by less than this at a point.
_CONSTANT = 12
_ROUNDING = 1e-6

Point = dict[sp.Symbol, sp.Expr]
Ratio = tuple[str, Any, Any]  # what is compared, the package's number, the stated one


def _check(id: str, wrong: list[str], count: int, what: str) -> list[CheckResult]:
    detail = "; ".join(wrong[:3]) if wrong else f"{count} {what}"
    return [CheckResult.of(id, "rate", not wrong, detail, {"compared": count})]


def _within(id: str, ratios: Iterator[Ratio], factor: float) -> list[CheckResult]:
    """One check: each number is the stated one up to a factor."""
    found = [(name, float(here), float(there)) for name, here, there in ratios]
    wrong = [
        f"{name} is {here:.3g}, not {there:.3g}"
        for name, here, there in found
        if not there / factor <= here <= there * factor
    ]
    return _check(id, wrong, len(found), f"numbers agree within a factor of {factor:.8g}")


# --- sums --------------------------------------------------------------------------------------


def harmonic_sums_agree() -> list[CheckResult]:
    r"""T9: the leading terms of :math:`\sum_i i^{-b} g(x i^{-a})` beside the sum, at x = 10^16.

    With a and b as numbers and as symbols, where the slowest term is the pole of zeta, where it is
    that of the transform, and where both meet.
    """
    a, x = 4, 10.0**16
    mean = (1 - sp.exp(-_y)) / _y

    def ratios() -> Iterator[Ratio]:
        for g, powers in ((sp.exp(-_y), (3, 6)), (mean, (3, 5, 7)), (mean**2, (5, 9, 11))):
            general = leading_terms(g, _y, _x, _a, _b)
            for b in powers:
                there = _harmonic_sum(g, x, a, b)
                special = leading_terms(g, _y, _x, sp.Integer(a), sp.Integer(b))
                where = f"sum of {g}, b={b}"
                yield where, special.subs(_x, x).evalf(), there
                yield f"{where}, by symbols", general.subs({_a: a, _b: b, _x: x}).evalf(), there

    return _within("T9/sums", ratios(), 1 + _ROUNDING)


def _harmonic_sum(g: sp.Expr, x: float, a: int, b: int) -> float:
    """Term by term until g is its power series, and that by Hurwitz zeta values."""
    head = int(4 * x ** (1 / a))
    places = np.arange(1, head, dtype=float)
    terms = places**-b * sp.lambdify(_y, g, "numpy")(x * places**-a)
    series = sp.series(g, _y, 0, 5).removeO()
    tail = sum(
        float(series.coeff(_y, n)) * x**n * float(mpmath.zeta(b + a * n, head)) for n in range(5)
    )
    return float(np.sum(terms[::-1]) + tail)


def sums_bracketed() -> list[CheckResult]:
    """The constants of sums: lower * order <= sum <= upper * order, for small and for large x."""
    wrong, count = [], 0
    for summand, end in (
        ("i**-3", sp.oo),
        ("min(1, (x*i**-2)**2)", sp.oo),
        ("min(1, x*i**-3) + i**-2", sp.oo),
        ("sqrt(i)", "x"),
        ("(i + 1)**2", "x"),
        ("1/i", "x"),
        ("min(sqrt(i), x/i)", "x"),
    ):
        found = asymptotic_sum(summand, "i", 1, end)
        f = sp.lambdify((sp.Symbol("i", positive=True), _x), found.sum.function, "numpy")
        for x in (1, 2, 3, 7, 100, 10**4):
            # what an infinite sum has beyond its 10^6th term is below 10^-5
            last, rest = (10**6, 1e-5) if end is sp.oo else (x, 0.0)
            places = np.arange(1, last + 1, dtype=float)
            total = float(np.sum(f(places, float(x))))
            order = found.regimes[0].exact_order.subs(_x, x)
            low, high = (float(constant * order) for constant in found.constants)
            count += 1
            if not (low <= total + rest and total <= high):
                wrong.append(f"sum of {summand}, x={x}: {total:.6g}, not {low:.6g}..{high:.6g}")
    return _check("T8/constants of sums", wrong, count, "sums are between their bounds")


# --- regimes -----------------------------------------------------------------------------------


def _at(rate: Rate, point: Point) -> Any:
    """The order at a point, by the first regime whose printed conditions hold there."""
    return (sp.S.One * rate.order).subs(point).evalf()


def regimes_of_the_bias() -> list[CheckResult]:
    """T8: the bias for symbols a and b, below b = 2a + 1, there and beyond."""
    problem = Problem(sp.oo, PowerLaw(_a), SourceCondition(_b), 1)
    table = rates(problem, Quantization(), SGD("0.1", steps=_N))
    wrong, points = [], (("2", "2"), ("2", "9/2"), ("2", "5"), ("2", "7"), ("3/2", "4"), ("3", "2"))
    for a, b in points:
        power, logs = stated.bias_order(Fraction(a), Fraction(b))
        point = {_a: sp.Rational(a), _b: sp.Rational(b)}
        order = sp.simplify(table.bias.order.subs(point))
        known = _N ** rational(power) * sp.log(_N) ** logs
        if sp.simplify(order / known) != 1:
            wrong.append(f"bias at a={a}, b={b}: {order}, stated {known}")
        found = table.exponents_at(_N, point)
        reached, steps = stated.variance_order(Fraction(a))
        known_exponents = {"bias": rational(power), "variance": rational(reached + steps)}
        if any(found.get(name) != value for name, value in known_exponents.items()):
            wrong.append(f"exponents at a={a}, b={b}: {found}, stated {known_exponents}")
    return _check("T8/regimes of the bias", wrong, 2 * len(points), "orders are the stated ones")


def regimes_with_additive_data() -> list[CheckResult]:
    """T8: D_N and A for additive data in the printed regimes of N, d and eps."""
    a = Fraction(2)
    run = SGD("0.1", steps=_N)

    def ratios() -> Iterator[Ratio]:
        for b in (Fraction(2), Fraction(4)):
            problem = Problem(_d, PowerLaw(2), SourceCondition(rational(b)), 1)
            table = rates(problem, Quantization(data=Additive(_eps)), run)
            for N, d, eps in product((10**4, 10**12), (10**2, 10**5), (4, 6, 9, 15)):
                if 10**-eps * d > 1:  # T4 does not apply
                    continue
                point = {_N: sp.Integer(N), _d: sp.Integer(d), _eps: sp.Integer(10) ** -eps}
                level = 10.0**-eps
                terms = stated.additive_dimension_order(a, N * level >= 1, wide=d >= N**0.5)
                dimension = sum(
                    float(d) ** float(p) * float(N) ** float(q) * level ** float(r)
                    for p, q, r in terms
                )
                where = f"b={b}, N={N:.0e}, d={d:.0e}, eps={level:.0e}"
                yield f"D_N, {where}", _at(table.variance, point) * N, dimension
                p, q, _ = stated.additive_approximation_order(a, b, wide=d >= level**-0.5)
                known = level ** float(p) * float(d) ** float(q)
                yield f"A, {where}", _at(table.approximation, point), known

    return _within("T8/regimes with additive data", ratios(), _CONSTANT)


def noise_of_each_target() -> list[CheckResult]:
    r"""T3 and T4: what sigma^2 and each target alone put into the bound, for a = b = 2.

    Everything is N^{-1/2} times s2, or times alpha N^{-1/2}. An error on all samples of a batch
    alike, and every one of the parameter, is in s2 and in alpha without 1/B; data errors misfit the
    label by eps, and gradient errors scale the noise that is there.
    """
    problem = Problem(sp.oo, PowerLaw(2), SourceCondition(2), _noise)
    run = SGD("0.1", _B, steps=_N)
    steps, batch = 10**12, 10**3

    def ratios() -> Iterator[Ratio]:
        for scheme, target in product(("additive", "shared", "elementwise"), TARGETS):
            if (scheme, target) == ("additive", "data"):
                continue  # of infinite trace
            relative = scheme != "additive"
            model = Multiplicative(_eps, scheme) if relative else Additive(_eps)
            table = rates(problem, Quantization(**{target: model}), run)
            everywhere = target == "parameter" or (scheme == "shared" and target != "data")
            for noise, level in product((1e-8, 1.0), (1e-6, 1e-2)):
                common = level if everywhere else 0.0
                if relative and target == "gradient":
                    added = level * noise / batch
                else:
                    added = level / batch + common
                    if relative and target == "label":
                        added += level * noise / batch
                alpha = 1 / batch + (common if relative and target != "label" else 0)
                point = {
                    symbol: sp.Float(value)
                    for symbol, value in (
                        (_N, steps), (_B, batch), (_noise, noise), (_eps, level),
                    )
                }  # fmt: skip
                where = f"{scheme} on {target}, sigma^2={noise:.0e}, eps={level:.0e}"
                scale = steps**-0.5
                yield f"variance, {where}", _at(table.variance, point), scale * noise / batch
                yield f"noise, {where}", _at(table.by_target[target], point), scale * added
                yield (
                    f"amplification, {where}",
                    _at(table.amplification, point),
                    scale * alpha * steps**-0.5,
                )

    return _within("T4/noise of each target", ratios(), _CONSTANT)


def hypotheses_decided() -> list[CheckResult]:
    r"""T4 applies where gamma lambda^q_1 <= 1 and theta ~ (gamma / B) sum_i lambda^q_i <= 1."""
    wrong, count = [], 0
    step = sp.Symbol("gamma", positive=True)
    additive = Quantization(data=Additive(_eps))
    endless, wide = (Problem(dim, PowerLaw(2), SourceCondition(2), 1) for dim in (sp.oo, _d))
    for problem, quantization, run in (
        (endless, Quantization(), SGD(step * _B, _B, steps=_N)),
        (wide, additive, SGD("0.1", steps=_N)),
    ):
        assumed = sp.And(*rates(problem, quantization, run).assumptions)
        for gamma, batch, level, dim in product((-1, -6), (2, 9), (-3, -7), (2, 5, 8)):
            powers = {step: gamma, _B: batch, _eps: level, _d: dim}
            here = assumed.subs({s: sp.Integer(10) ** p for s, p in powers.items()})
            stepsize, size = (gamma + batch, batch) if run.batch == _B else (0, 0)
            trace = max(0, level + dim) if quantization == additive else 0
            there = stepsize <= 0 and stepsize - size + trace <= 0
            count += 1
            if bool(here) != there:
                wrong.append(f"T4 applies at powers {powers} of ten: {here}, stated {there}")
    return _check("T4/hypotheses", wrong, count, "points are where T4 says")


def comparisons_agree() -> list[CheckResult]:
    """Orders compared: answers that T8 needs, and the condition that an open one asks for."""
    known: tuple[tuple[str, str, list[str], str], ...] = (
        ("d*(N*eps)**2", "d", ["eps <= 1", "N*eps <= 1"], "yes"),
        ("d*(N*eps)**2", "d", ["eps <= 1", "N*eps >= 1"], "no"),
        ("N**(-(b-1)/a)", "N**-2", ["b > 2*a + 1"], "yes"),
        ("N**(-(b-1)/a)", "N**-2", ["b < 2*a + 1"], "no"),
        ("max(N, d)", "N + d", [], "yes"),
        ("N + d", "max(N, d)", [], "yes"),
        ("N**2*log(N)", "N**2", [], "no"),
        ("N**2", "N**2*log(N)", [], "yes"),
        ("N**(1/2)", "d", [], "undecided"),
    )
    wrong = []
    for left, right, assumptions, answer in known:
        found = compare_orders(left, right, assumptions)
        if found.answer != answer:
            wrong.append(f"{found}, stated {answer}")
        for N, d in ((10**8, 10**5), (10**8, 10**3)):
            holds = any(
                all(bool(relation.subs({_N: N, _d: d})) for relation in case)
                for case in found.missing
            )
            if answer == "undecided" and holds != (d >= N**0.5):
                wrong.append(f"{found}, but N={N}, d={d}")
    return _check("T8/comparisons", wrong, len(known), "answers are the stated ones")


#: The checks of this file by their ids.
REGIMES = {
    "T9/sums": harmonic_sums_agree,
    "T8/constants of sums": sums_bracketed,
    "T8/regimes of the bias": regimes_of_the_bias,
    "T8/regimes with additive data": regimes_with_additive_data,
    "T4/noise of each target": noise_of_each_target,
    "T4/hypotheses": hypotheses_decided,
    "T8/comparisons": comparisons_agree,
}
