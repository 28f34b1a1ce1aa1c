"""Numeric values of SymPy formulas in any arithmetic.

A formula is evaluated by walking its tree, not by ``evalf`` or generated code, so the numbers of
a bound come from the very expression that is displayed, and in ball arithmetic every rounding is
enclosed. Coordinates are vectorised: an indexed symbol such as ``lambda[i]`` stands for a whole
array, ``lambda[2]`` for an entry, and ``Sum(f(i), (i, m, n))`` adds the entries m to n of f.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial, reduce

import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError, SymbolicValueError
from qtheory.numbers.arithmetic import Arithmetic, Array, Scalar, is_array

#: The number of coordinates; as a limit of a sum it needs no value.
DIMENSION = sp.Symbol("d", integer=True, positive=True)

#: Values of the free symbols and of the indexed symbols (by their base) of a formula.
Values = Mapping[sp.Basic, Scalar | Array]

_COMPARE: dict[type, Callable[[Scalar, Scalar], Scalar]] = {
    sp.Le: operator.le,
    sp.Lt: operator.lt,
    sp.Ge: operator.ge,
    sp.Gt: operator.gt,
    sp.Eq: operator.eq,
    sp.Ne: operator.ne,
}


def evaluate(formula: sp.Expr, values: Values, arithmetic: Arithmetic) -> Scalar | Array:
    """The value of a formula: a scalar, or an array if it is a formula per coordinate.

    Parameters
    ----------
    formula
        Built from rationals, pi, E, symbols, ``base[i]``, ``+ * **``, exp, log, Min, Max,
        Piecewise and Sum over coordinates.
    values
        A scalar for each free symbol, an array for each ``IndexedBase`` and for each index
        symbol that occurs outside brackets.

    Raises
    ------
    SymbolicValueError
        If a symbol has no value.
    InvalidArgumentError
        If a sum or an index is not over the coordinates that there are.

    Examples
    --------
    >>> from qtheory.numbers.arithmetic import Float64
    >>> i, x = sp.Symbol("i"), sp.IndexedBase("x")
    >>> values = {x: np.array([1.0, 2.0])}
    >>> float(evaluate(sp.Sum(x[i] ** 2, (i, 1, DIMENSION)), values, Float64()))
    5.0
    >>> float(evaluate(sp.Sum(x[i] ** 2, (i, 2, 2)), values, Float64()))
    4.0
    """

    def recurse(part: sp.Expr) -> Scalar | Array:
        return evaluate(part, values, arithmetic)

    if formula in values:
        return values[formula]
    match formula:
        case sp.Rational():
            return arithmetic.number(formula)
        case sp.NumberSymbol():
            return arithmetic.constant(formula)
        case sp.Indexed():
            return _entries(formula, values)
        case sp.Symbol():
            return _lookup(formula, values)
        case sp.Add():
            return reduce(lambda x, y: x + y, map(recurse, formula.args))
        case sp.Mul():
            return reduce(lambda x, y: x * y, map(recurse, formula.args))
        case sp.Pow():
            return _power(formula, values, arithmetic)
        case sp.Min() | sp.Max():
            choose = arithmetic.minimum if isinstance(formula, sp.Min) else arithmetic.maximum
            return reduce(lambda x, y: _elementwise(choose, x, y), map(recurse, formula.args))
        case sp.exp() | sp.log():
            argument = recurse(formula.args[0])
            name = type(formula).__name__
            return _elementwise(lambda x: arithmetic.function(name, x), argument)
        case sp.Sum():
            return _sum(formula, values, arithmetic)
        case sp.Piecewise():
            for branch, condition in formula.args:
                if decide(condition, values, arithmetic):
                    return recurse(branch)
    raise TypeError(f"evaluate does not know {type(formula).__name__} in {formula}")


def decide(condition: sp.Basic, values: Values, arithmetic: Arithmetic) -> bool | None:
    """Whether a relation holds, for a relation per coordinate: for every coordinate.

    None if the numbers cannot tell, as overlapping balls cannot.
    """
    if condition in (sp.true, sp.false):
        return bool(condition)
    left = evaluate(condition.lhs, values, arithmetic)
    right = evaluate(condition.rhs, values, arithmetic)
    if np.all(_COMPARE[type(condition)](left, right)):
        return True
    if np.any(_COMPARE[type(sp.Not(condition))](left, right)):
        return False
    return None


def _lookup(symbol: sp.Basic, values: Values) -> Scalar | Array:
    try:
        return values[symbol]
    except KeyError:
        raise SymbolicValueError(f"a number is needed here: give a value to {symbol}") from None


def _entries(part: sp.Indexed, values: Values) -> Scalar | Array:
    """All entries of an indexed symbol at a symbol, or the one at a number."""
    entries = _lookup(part.base, values)
    (index, *others) = part.indices
    if isinstance(index, sp.Symbol) and not others:
        return entries
    if others or not index.is_Integer or not 1 <= index <= len(entries):
        allowed = f"a quantity of one coordinate, from 1 to {len(entries)}"
        raise InvalidArgumentError("formula", part, allowed)
    return entries[int(index) - 1]


def _sum(formula: sp.Sum, values: Values, arithmetic: Arithmetic) -> Scalar:
    """The sum of the entries between its limits."""
    if len(formula.limits) != 1 or len(formula.limits[0]) != 3:
        raise InvalidArgumentError("formula", formula, "sums over one index between two limits")
    ((index, *ends),) = formula.limits
    used = {part.indices[0] for part in formula.function.atoms(sp.Indexed)}
    for other in used & formula.function.free_symbols - {index}:
        raise InvalidArgumentError("formula", formula, f"a sum over {other} too")
    entries = evaluate(formula.function, values, arithmetic)
    if is_array(entries):
        values = {DIMENSION: arithmetic.number(sp.Integer(len(entries))), **values}
    low, high = (_whole(evaluate(end, values, arithmetic), formula, arithmetic) for end in ends)
    if not is_array(entries):  # the same for every coordinate
        return entries * max(high - low + 1, 0)
    if low < 1 or high > len(entries):
        raise InvalidArgumentError("formula", formula, f"a sum within 1 to {len(entries)}")
    return entries[low - 1 : high].sum() if high >= low else arithmetic.number(sp.S.Zero)


def _whole(end: Scalar, formula: sp.Sum, arithmetic: Arithmetic) -> int:
    try:
        whole = arithmetic.whole(end)
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or whole != end:
        raise InvalidArgumentError("formula", formula, "a sum between whole numbers")
    return whole


def _power(formula: sp.Pow, values: Values, arithmetic: Arithmetic) -> Scalar | Array:
    base, exponent = formula.args
    if exponent.is_Integer:  # exact for any sign of the base, and cheaper
        power = _elementwise(
            lambda number: arithmetic.integer_power(number, abs(int(exponent))),
            evaluate(base, values, arithmetic),
        )
        return power if exponent > 0 else 1 / power
    if base is sp.E:
        argument = evaluate(exponent, values, arithmetic)
        return _elementwise(lambda x: arithmetic.function("exp", x), argument)
    if exponent.is_integer:  # a symbol for a whole number, such as N or the coordinate
        return _elementwise(
            partial(_whole_power, arithmetic),
            evaluate(base, values, arithmetic),
            evaluate(exponent, values, arithmetic),
        )
    return _elementwise(
        arithmetic.power,
        evaluate(base, values, arithmetic),
        evaluate(exponent, values, arithmetic),
    )


def _whole_power(arithmetic: Arithmetic, number: Scalar, exponent: Scalar) -> Scalar:
    try:
        whole = arithmetic.whole(exponent)
    except (TypeError, OverflowError):  # so large that its last digits are not known
        return arithmetic.power(number, exponent)
    if whole == 0:
        return number * 0 + 1
    power = arithmetic.integer_power(number, abs(whole))
    return power if whole > 0 else 1 / power


def _elementwise(function: Callable[..., Scalar], *arguments: Scalar | Array) -> Scalar | Array:
    """Apply a scalar function over arrays of any dtype, broadcasting scalars."""
    arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
    if not arrays:
        return function(*arguments)
    return np.frompyfunc(function, len(arguments), 1)(*arguments).astype(arrays[0].dtype)
