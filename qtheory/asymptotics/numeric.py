r"""Numbers of formulas that hold infinite sums over a power law.

A sum of :math:`i^{-p} / (u - v i^{-a})`, :math:`0 \le v < u`, converges as slowly as its first
factor. Its head is added as it stands; the rest is a geometric series of Hurwitz zeta functions,

.. math:: \sum_{i > M} \frac{i^{-p}}{u - v i^{-a}}
          = \frac1u \sum_{k \ge 0} \Big(\frac vu\Big)^k \zeta(p + ak, M + 1) ,

whose terms fall by the factor (v/u) (M+1)^{-a}.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp

from qtheory.errors import InvalidArgumentError, PrecisionError
from qtheory.numbers.precision import working_digits
from qtheory.theory.notation import i

_HEAD = 16
_GUARD_DIGITS = 20
_MOST_DIGITS = 2000


@lru_cache(maxsize=256)  # the parts of an expansion share their sums, at every number of steps
def infinite_sum(term: sp.Expr, digits: int) -> Any:
    r"""The sum over i = 1, 2, ... of a product of powers of i and one 1/(u - v i^-a), in mpmath.

    Raises
    ------
    InvalidArgumentError
        If the term has another form, or its sum diverges.

    Examples
    --------
    >>> print(infinite_sum(1 / (i**2 * (1 - i**-2 / 4)), 15))    # telescopes to 2
    2.0
    """
    allowed = "a product of powers of i and at most one 1/(u - v*i^-a) with 0 <= v < u"
    factor, power = sp.S.One, sp.S.Zero
    constant, slope, decay = sp.S.One, sp.S.Zero, sp.S.One
    for part in sp.Mul.make_args(term):
        base, exponent = part.as_base_exp()
        if not part.has(i):
            factor *= part
        elif base == i:
            power -= exponent
        elif base.is_Add and exponent == -1 and slope == 0:
            constant, moving = base.as_independent(i, as_Add=True)
            slope, moving = moving.as_independent(i, as_Add=False)
            if moving.as_base_exp()[0] != i:
                raise InvalidArgumentError("term", term, allowed)
            decay = -moving.as_base_exp()[1]
        else:
            raise InvalidArgumentError("term", term, allowed)
    if power <= 1 or decay <= 0 or slope > 0 or constant <= -slope:
        raise InvalidArgumentError("term", term, allowed + ", with a finite sum")
    with working_digits(digits + _GUARD_DIGITS):
        p, a, u, v = (_number(part) for part in (power, decay, constant, -slope))
        head = mpmath.fsum(n**-p / (u - v * n**-a) for n in map(mpmath.mpf, range(1, _HEAD + 1)))
        rest, part, k = mpmath.mpf(0), mpmath.inf, 0
        while abs(part) > mpmath.eps * head:
            part = (v / u) ** k * mpmath.zeta(p + a * k, _HEAD + 1) / u
            rest, k = rest + part, k + 1
        return _number(factor) * (head + rest)


def value_of(formula: sp.Expr, digits: int) -> Any:
    """A closed formula as an mpmath number, with its infinite sums evaluated one by one."""
    working = digits + _GUARD_DIGITS
    sums = {
        part: sp.Float(infinite_sum(part.function, digits), working)
        for part in formula.atoms(sp.Sum)
    }
    with working_digits(working):
        return _number(formula.xreplace(sums))


def agreed(compute: Callable[[int], Any], digits: int) -> Any:
    """The value of a computation at two precisions that agree to the digits asked for.

    Raises
    ------
    PrecisionError
        If they do not agree at any precision within the limit.
    """
    working, rough = digits, None
    while working <= _MOST_DIGITS:
        working += digits + _GUARD_DIGITS
        with working_digits(working):
            fine = mpmath.mpf(compute(working))
            if rough is not None and abs(fine - rough) <= abs(fine) * mpmath.mpf(10) ** -(
                digits + 2
            ):
                return fine
        rough = fine
    raise PrecisionError(f"{digits} digits could not be reached with {_MOST_DIGITS} in between")


def _number(value: sp.Expr) -> Any:
    """A SymPy number in the working precision of mpmath."""
    precise = sp.N(value, mpmath.mp.dps + 5)
    return mpmath.mpf(precise._to_mpmath(mpmath.mp.prec))
