"""Orders in a random sketch beside the equivalents that they are the orders of.

Limits (what is not learned, the floor, the effective size) are compared over four decades of M at
large M; the risk of the iterate average over four decades of N, M a power of N. As for rates
without a sketch the derived order is divided out and the slopes of what is left are extrapolated;
an exponent that is off by 0.02 must be refused. The best size at a budget N M is compared with the
minimum over a grid of sizes at two budgets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from qtheory.asymptotics import (
    best_choice,
    elementwise_sketch,
    equivalent_risk,
    rates,
)
from qtheory.asymptotics.sketch import Sketch
from qtheory.checks.check import CheckResult
from qtheory.checks.rates import TOLERANCE, WRONG_BY, deviation
from qtheory.model import (
    SGD,
    Additive,
    Constant,
    ErrorModel,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
    SourceCondition,
)

_N, _M, _eps, _C = sp.symbols("N M eps C", positive=True)
_SIZES = tuple(10**k for k in range(3, 8))


def _problem(a: Any, b: Any, noise: int) -> Problem:
    target = Constant(0) if b is None else SourceCondition(b)
    return Problem(sp.oo, PowerLaw(a), target, noise)


def _slope_is_right(values: list[float], places: list[int], order: sp.Expr) -> bool:
    """Whether the order, in N, is that of the values, and one that is off by 0.02 is not."""
    left, *wrong = (
        deviation(values, places, order * _N ** sp.Rational(shift))
        for shift in ("0", str(WRONG_BY), str(-WRONG_BY))
    )
    return abs(left) <= TOLERANCE and all(abs(other) > TOLERANCE for other in wrong)


# --- limits over M -----------------------------------------------------------------------------

_MODELS: dict[str, Callable[[Any], ErrorModel]] = {
    "exact": lambda level: ErrorModel(),
    "additive": Additive,
    "shared": Multiplicative,
    "elementwise": lambda level: Multiplicative(level, "elementwise"),
}
#: Errors of the data, a, b, and e of a level M^-e: on both sides of b = a + 1, and of where the
#: errors are felt: e = a for additive ones, e = a - 1 for elementwise ones.
_LIMITS = (
    ("exact", 2, 2, 0),
    ("exact", 2, "3/2", 0),
    ("exact", 2, 3, 0),
    ("exact", 2, 4, 0),
    ("exact", "3/2", 2, 0),
    ("additive", 2, 2, 1),
    ("additive", 2, 2, 3),
    ("additive", 2, 4, 1),
    ("additive", 2, 4, 3),
    ("additive", 2, 5, "3/2"),
    ("shared", 2, 2, "1/2"),
    ("elementwise", 2, 2, 2),
    ("elementwise", 2, 2, "1/4"),
    ("elementwise", 3, 2, "1/2"),
    ("elementwise", 2, 4, "1/4"),
)


def limits_have_their_orders() -> list[CheckResult]:
    """A_S, F_S and the effective size over M = 10^3 to 10^7, beside their orders."""
    compared, wrong = 0, []
    for kind, a, b, e in _LIMITS:
        problem = _problem(a, b, 0)
        quantization = Quantization(data=_MODELS[kind](_eps))
        regime = {} if kind == "exact" else {_eps: _M ** -sp.Rational(e)}
        table = rates(problem, quantization, SGD("0.1", steps=_N), regime, size=_M)
        found = [_limits(problem, kind, float(M ** -Fraction(e)), M) for M in _SIZES]
        for name, rate in (
            ("approximation", table.approximation),
            ("floor", table.approximation.lower),
            ("effective size", table.effective_size),
        ):
            values = [there[name] for there in found if name in there]
            if values:
                compared += 1
                order = rate.exact_order.xreplace({_M: _N})
                if not _slope_is_right(values, list(_SIZES), order):
                    wrong.append(f"{name}, {kind}, a={a}, b={b}: {rate.order}")
    detail = "; ".join(wrong) or f"{compared} orders in M are those of the equivalents"
    extent = {"compared": compared}
    return [CheckResult.of("rate/sketch/limits", "rate", not wrong, detail, extent)]


def _limits(problem: Problem, kind: str, level: float, size: int) -> dict[str, float]:
    if kind == "elementwise":
        there = elementwise_sketch(problem, level, size=size)
        return {"approximation": there.approximation, "effective size": there.effective_size}
    levels = {} if kind == "exact" else {kind: level}
    approximation, floor, effective = Sketch.of(problem, size).limits(**levels)
    return {"approximation": approximation, "floor": floor, "effective size": effective}


# --- risks over N ------------------------------------------------------------------------------


@dataclass(frozen=True)
class SketchedCase:
    """N = n^q steps in M = n^p features for some n, and additive data errors of level n^-e.

    Without ``b`` the target is 0. With ``lower`` the order is that of T5 for the risk, where data
    errors make T4 larger than it.
    """

    id: str
    a: Any
    b: Any
    p: int
    q: int
    numbers: tuple[int, ...]
    e: int | None = None
    batch: int = 1
    lower: bool = False

    def quantization(self, level: sp.Expr) -> Quantization:
        """The errors of the data."""
        return Quantization() if self.e is None else Quantization(data=Additive(level))


SKETCHED_CASES = (
    SketchedCase("sketching/b=2", 2, 2, 1, 4, (10, 18, 32, 56, 100)),
    SketchedCase("sketching/b=4", 2, 4, 1, 4, (10, 18, 32, 56, 100)),
    SketchedCase("bias/b=2", 2, 2, 3, 4, (4, 7, 12, 22, 40)),
    SketchedCase("bias/b=6", 2, 6, 3, 4, (4, 7, 12, 22, 40), batch=16),
    SketchedCase("variance/all features", 2, None, 1, 4, (8, 14, 25, 45, 80)),
    SketchedCase("variance/few steps", 2, None, 3, 4, (3, 5, 9, 16, 30)),
    SketchedCase("additive/approximation", 2, 2, 2, 4, (4, 7, 13, 22, 40), e=2),
    SketchedCase("additive/variance", 2, None, 2, 4, (5, 9, 16, 28, 50), e=2, lower=True),
)


def sketched_rate_agrees(case: SketchedCase) -> list[CheckResult]:
    """The order of the total over four decades of N or so, beside the equivalent risk."""
    problem = _problem(case.a, case.b, 1 if case.b is None else 0)
    regime = {_M: _N ** sp.Rational(case.p, case.q)}
    if case.e is not None:
        regime[_eps] = _N ** -sp.Rational(case.e, case.q)
    run = SGD("0.1", case.batch, steps=_N)
    total = rates(problem, case.quantization(_eps), run, regime, size=_M).total
    rate = total.lower if case.lower else total
    steps = [n**case.q for n in case.numbers]
    risks = [
        equivalent_risk(
            problem,
            case.quantization(sp.Rational(1, n ** (case.e or 0))),
            run.with_steps(n**case.q),
            size=n**case.p,
        ).total
        for n in case.numbers
    ]
    left = deviation(risks, steps, rate.exact_order)
    holds = _slope_is_right(risks, steps, rate.exact_order)
    derived = float(rate.exponent(_N))
    detail = (
        f"{derived + left:.4f}, derived {derived:.4f}: {rate.order}, M = N^({case.p}/{case.q}), "
        f"N {steps[0]:.0e} to {steps[-1]:.0e}"
    )
    values = {
        "case": f"sketch/{case.id}",
        "by": "equivalent",
        "order": str(rate.order),
        "measured": derived + left,
        "predicted": derived,
        "deviation": left,
        "steps": steps[-1],
        "gap": 0.0,
    }
    return [CheckResult.of(f"rate/sketch/{case.id}", "rate", holds, detail, values)]


# --- the best size -----------------------------------------------------------------------------

#: a, b and two budgets N M; at all of them the best stepsize is of the order of 1.
_BUDGETS = ((2, 2, 10**5, 10**7), (3, 5, 10**8, 10**10))
_AROUND = ("0.8", "1.4", "2.4")
_EXPONENT_TOLERANCE = 0.03


def best_size_is_that_of_a_search() -> list[CheckResult]:
    """The exponents of the best size and of the risk there, between two budgets, beside a grid."""
    gaps, wrong = [], []
    for a, b, *budgets in _BUDGETS:
        problem = _problem(a, b, 1)
        (choice,) = best_choice(problem, Quantization(), budget="N*M")
        size, bound = (float(order.as_powers_dict()[_C]) for order in (choice.size, choice.bound))
        places = [_least(problem, budget, budget**size) for budget in budgets]
        decades = math.log(budgets[1] / budgets[0])
        found = [(late - early) / decades for early, late in zip(*places, strict=True)]
        here = [abs(found[0] - size), abs(found[1] - bound)]
        gaps += here
        if not max(here) <= _EXPONENT_TOLERANCE or choice.stepsize != 1:
            wrong.append(f"a={a}, b={b}: {found}, derived {size, bound}")
    detail = "; ".join(wrong) or f"{len(gaps)} exponents of C are those of a search, to 0.03"
    values = {"compared": len(gaps), "largest": max(gaps)}
    return [CheckResult.of("rate/sketch/best size", "rate", not wrong, detail, values)]


def _least(problem: Problem, budget: int, guess: float) -> tuple[float, float]:
    """Where the logarithm of the risk is least in that of M, and its value, by a parabola.

    Not a number where the least of the grid is at its end.
    """
    sizes = [round(guess * float(factor)) for factor in _AROUND]
    risks = [
        equivalent_risk(problem, Quantization(), SGD("1/4", steps=budget // M), size=M).total
        for M in sizes
    ]
    least = int(np.argmin(risks))
    if least in (0, len(sizes) - 1):
        return math.nan, math.nan
    near = slice(least - 1, least + 2)
    curve = np.polyfit(np.log(sizes[near]), np.log(risks[near]), 2)
    place = -curve[1] / (2 * curve[0])
    return float(place), float(np.polyval(curve, place))


def _cases() -> Iterator[tuple[str, Callable[[], list[CheckResult]]]]:
    yield "rate/sketch/limits", limits_have_their_orders
    for case in SKETCHED_CASES:
        yield f"rate/sketch/{case.id}", partial(sketched_rate_agrees, case)
    yield "rate/sketch/best size", best_size_is_that_of_a_search


#: Every check by its id.
SKETCHED_RATES: dict[str, Callable[[], list[CheckResult]]] = dict(_cases())
#: Those that do not take long; the others are part of the thorough form.
QUICK_SKETCHED_RATES = (
    "rate/sketch/limits",
    "rate/sketch/sketching/b=2",
    "rate/sketch/bias/b=6",
    "rate/sketch/additive/variance",
)
