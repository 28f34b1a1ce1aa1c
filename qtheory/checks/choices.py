r"""T10 to T12 and the best stepsize and batch, beside a search or what the theory states.

Bits, levels and exponents that the package finds are those that a search over all of them finds,
or those that follow from T3 and T4 by reading off the order of each term.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Any

import sympy as sp

from qtheory.asymptotics import best_choice, break_even, distortion_rule, tolerances
from qtheory.checks.check import CheckResult
from qtheory.checks.orders import as_stated
from qtheory.checks.panel import rational
from qtheory.model import (
    SGD,
    TARGETS,
    Additive,
    Constant,
    Explicit,
    Multiplicative,
    PowerLaw,
    Problem,
    Quantization,
    SourceCondition,
)
from qtheory.reference import theorems as stated
from qtheory.risk import excess_risk

_N, _B, _n, _eps = sp.symbols("N B n eps", positive=True)
#: a, b and the level of the errors of the gradient (with them a worse choice comes last).
_CHOICES = (
    (2, "3/2", None),
    (2, "5/2", None),
    (2, 3, None),
    (3, 4, None),
    ("3/2", 2, None),
    (3, 4, Fraction(3, 4)),
    (3, 4, Fraction(1, 5)),
)


def choices_searched() -> list[CheckResult]:
    """The best exponents for n samples, beside a search over a grid.

    Of the choices that are equally good, that with the largest batch, and its largest stepsize.
    """

    def pairs() -> Iterator[tuple[str, Any, Any]]:
        for a, b, level in _CHOICES:
            problem = Problem(sp.oo, PowerLaw(a), SourceCondition(b), 1)
            errors = Multiplicative(0 if level is None else _eps)
            regime = {} if level is None else {_eps: _n ** -rational(level)}
            where = f"a={a}, b={b}, errors of level {level}"
            (choice,) = best_choice(problem, Quantization(gradient=errors), regime)
            of_bound = partial(_exponent, Fraction(a), Fraction(b), level)
            grid = [Fraction(k, 60) for k in range(61)]
            found = {(beta, g): of_bound(g, beta) for g, beta in product(grid, grid)}
            least = min(found.values())
            best = [place for place, exponent in found.items() if exponent == least]
            largest, smallest = max(best)[0], min(best)[0]
            stepsize = -min(g for beta, g in best if beta == largest)
            yield f"bound, {where}", _power(choice.bound), rational(least)
            yield f"batch, {where}", _power(choice.batch), rational(largest)
            yield f"stepsize, {where}", _power(choice.stepsize), rational(stepsize)
            yield f"smallest batch, {where}", _power(choice.smallest_batch), rational(smallest)

    return as_stated("T4/best choice", pairs())


def _power(order: sp.Expr) -> sp.Expr:
    """The exponent of n in a power of n."""
    return (sp.S.One * order).as_powers_dict()[_n]


def _exponent(
    a: Fraction, b: Fraction, level: Fraction | None, g: Fraction, beta: Fraction
) -> Fraction:
    r"""The exponent of T4 in n = N B for exact data, a stepsize n^-g and a batch n^beta.

    T4 with N gamma = n^x, k* = n^{x/a}, s2 of order 1/B, alpha of order 1/B or of that of the
    shared errors of the gradient, n^-level, if that is larger; the amplification is
    :math:`\frac{D_N}{N} \frac{\alpha}{N\gamma} (\sum_{i \le k^*} i^{a-b} + N\gamma k^{*1-b})`.
    """
    x = 1 - beta - g
    if x < 0:
        return Fraction(0)  # no direction is learnt
    bias, _ = stated.bias_order(a, b)
    variance = x / a - (1 - beta) - beta
    shared = Fraction(0) if level is None else max(Fraction(0), beta - level)
    amplification = variance + shared - x + max(Fraction(0), (a + 1 - b) * x / a)
    return max(bias * x, variance, amplification)


def break_evens() -> list[CheckResult]:
    """T10: risks change order between the ends, for both couplings and for other targets."""
    run, bits = SGD("0.05", 2, steps=500), 4
    listed = Explicit(["1", "1/2", "1/4", "1/16", "1/16"])
    problem = Problem(5, listed, Constant(1), "1/10")
    wrong = []
    cases: tuple[tuple[tuple[str, ...], str], ...] = (
        (("data",), "shared"),
        (("label", "gradient"), "shared"),
        (("parameter",), "elementwise"),
        (TARGETS, "shared"),
        (TARGETS, "elementwise"),
    )
    for targets, coupling in cases:
        found = break_even(problem, run, bits, targets, coupling)

        def risk(model: Any, targets: tuple[str, ...] = targets) -> Any:
            quantization = Quantization(**dict.fromkeys(targets, model))
            return excess_risk(problem, quantization, run, digits=15).total

        integer = risk(Additive(Fraction(1, 4**bits)))
        ends = [
            risk(Multiplicative(sp.Integer(4) ** -rational(m), coupling))
            for m in (found.lower, found.upper)
            if m is not None
        ]
        holds = len(ends) == 2 and bool(ends[1] <= integer) and bool(integer < ends[0])
        if not (holds and found.rule == bits - 2):  # the smallest eigenvalue is 4^-2
            wrong.append(f"{', '.join(targets)} {coupling}: {found}")
    if distortion_rule(problem, bits) != bits - 2:
        wrong.append(f"the rule for the smallest of {listed}")
    detail = "; ".join(wrong) if wrong else f"{len(cases)} break-evens are where risks are equal"
    return [CheckResult.of("T10/couplings", "rate", not wrong, detail, {"compared": len(cases)})]


def tolerances_of_each_target() -> list[CheckResult]:
    r"""T11 for every target and scheme, a = b = 2, with noise and without, read off T3 and T4.

    The noise of the target must stay below sigma^2 / B, or without sigma^2 below the amplification
    :math:`\frac{1}{B N} \sum_{i \le k^*} w_i^{*2} = N^{-1/2} / B`. Its level comes with the factor
    1/B, but for an error that all samples of a batch share, as each of the parameter is: that must
    be smaller by 1/B, and alpha asks the same. Multiplicative gradient errors are in alpha alone
    where there is no other noise, and beside sigma^2 a constant of it. Data errors need
    A <= R_0 = N^{-1/2}, with A ~ eps if multiplicative; if additive, N eps <= sqrt(k* / d).
    """
    wide = sp.Rational(2, 3)  # d = N^(2/3) > k* = N^(1/2)
    d = sp.Symbol("d", positive=True)

    def pairs() -> Iterator[tuple[str, Any, Any]]:
        for noise, scheme in product((1, 0), ("additive", "shared", "elementwise")):
            additive = scheme == "additive"
            problem = Problem(d if additive else sp.oo, PowerLaw(2), SourceCondition(2), noise)
            regime = {d: _N**wide} if additive else {}
            found = tolerances(problem, SGD("0.1", _B, steps=_N), scheme, regime=regime)
            for target in TARGETS:
                common = target == "parameter" or scheme == "shared"
                silent = noise == 0 and (additive or target != "gradient")
                level = (1 / sp.sqrt(_N) if silent else sp.S.One) / (_B if common else 1)
                if target == "data":
                    power = (sp.Rational(1, 2) - wide) / 2 - 1 if additive else -sp.Rational(1, 2)
                    level = _N**power
                where = f"{scheme} on {target}, sigma^2={noise}"
                yield where, sp.powdenest(found[target].order, force=True), level

    return as_stated("T11/each target", pairs())


#: The checks of this file by their ids.
CHOICES = {
    "T4/best choice": choices_searched,
    "T10/couplings": break_evens,
    "T11/each target": tolerances_of_each_target,
}
