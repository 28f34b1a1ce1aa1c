"""Numeric values of SymPy formulas in any arithmetic.

A formula is evaluated by walking its tree, not by ``evalf`` or generated code, so the numbers of
a bound come from the very expression that is displayed, and in ball arithmetic every rounding is
enclosed. Coordinates are vectorised: an indexed symbol such as ``lambda[i]`` stands for a whole
array, and ``Sum(f(i), (i, 1, d))`` adds the entries of f.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
import sympy as sp

from qtheory.errors import SymbolicValueError
from qtheory.numbers.arithmetic import Arithmetic, Array, Scalar

__all__ = ["evaluate", "truth"]

#: Values of the free symbols and of the indexed symbols (by their base) of a formula.
Values = Mapping[sp.Basic, Scalar | Array]


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

    Examples
    --------
    >>> from qtheory.numbers.arithmetic import Float64
    >>> i, d = sp.symbols("i d")
    >>> x = sp.IndexedBase("x")
    >>> formula = sp.Sum(x[i] ** 2, (i, 1, d))
    >>> float(evaluate(formula, {x: np.array([1.0, 2.0])}, Float64()))
    5.0
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
            return _lookup(formula.base, values)
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
            return recurse(formula.function).sum()
        case sp.Piecewise():
            for branch, condition in formula.args:
                if truth(condition, values, arithmetic):
                    return recurse(branch)
    raise TypeError(f"evaluate does not know {type(formula).__name__} in {formula}")


def truth(condition: sp.Basic, values: Values, arithmetic: Arithmetic) -> bool:
    """Whether a relation holds; for a relation per coordinate, whether it holds for all.

    In ball arithmetic a relation counts as true only if it is certain.
    """
    if condition in (sp.true, sp.false):
        return bool(condition)
    assert isinstance(condition, sp.core.relational.Relational)
    left = evaluate(condition.lhs, values, arithmetic)
    right = evaluate(condition.rhs, values, arithmetic)
    compare = {
        sp.Le: lambda x, y: x <= y,
        sp.Lt: lambda x, y: x < y,
        sp.Ge: lambda x, y: x >= y,
        sp.Gt: lambda x, y: x > y,
        sp.Eq: lambda x, y: x == y,
    }[type(condition)]
    return bool(np.all(_elementwise(compare, left, right)))


def _lookup(symbol: sp.Basic, values: Values) -> Scalar | Array:
    try:
        return values[symbol]
    except KeyError:
        raise SymbolicValueError(
            f"a number is needed here: give a value to {symbol}"
        ) from None


def _power(formula: sp.Pow, values: Values, arithmetic: Arithmetic) -> Scalar | Array:
    base, exponent = formula.args
    if exponent.is_Integer:  # exact for any sign of the base, and cheaper
        power = evaluate(base, values, arithmetic)
        return power ** int(exponent) if exponent > 0 else 1 / power ** int(-exponent)
    if base is sp.E:
        argument = evaluate(exponent, values, arithmetic)
        return _elementwise(lambda x: arithmetic.function("exp", x), argument)
    return _elementwise(
        arithmetic.power,
        evaluate(base, values, arithmetic),
        evaluate(exponent, values, arithmetic),
    )


def _elementwise(function, *arguments):  # type: ignore[no-untyped-def]
    """Apply a scalar function over arrays of any dtype, broadcasting scalars."""
    if not any(isinstance(argument, np.ndarray) for argument in arguments):
        return function(*arguments)
    result = np.frompyfunc(function, len(arguments), 1)(*arguments)
    dtype = next(a.dtype for a in arguments if isinstance(a, np.ndarray))
    return result if result.dtype == dtype or dtype == object else _narrow(result, dtype)


def _narrow(result, dtype):  # type: ignore[no-untyped-def]
    return result.astype(bool if isinstance(result.flat[0], bool | np.bool_) else dtype)
