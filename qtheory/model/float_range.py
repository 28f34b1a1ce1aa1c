"""Numbers past float64: one clear error in place of what Python, NumPy and LAPACK raise there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError, QTheoryError

# Parts of a problem that follow from others.
_NOT_CHOSEN = ("radii", "features")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def within_float64(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Name the parameter that is farthest from 1 if float64 is not wide enough for a run.

    For a function of a problem, a quantization and a run. Which products and powers of their
    parameters are formed is known only when they are, so it is the computation that finds out.
    """

    @wraps(function)
    def named(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                return function(*arguments, **options)
        except QTheoryError:
            raise
        except (ArithmeticError, np.linalg.LinAlgError):
            run = (*arguments, *options.values())
            found = [each for part in run for each in _parameters("", part)]
            if not found:
                raise
            name, value = max(found, key=lambda each: _distance_from_one(each[1]))
            allowed = "nearer to 1: numbers of this run leave float64 (1e-308 to 1e308)"
            raise InvalidArgumentError(name, value, allowed) from None

    return named


def require_finite(values: Iterable[Any]) -> None:
    """Raise OverflowError, to be named by ``within_float64``, at an infinity or a NaN."""
    if not all(math.isfinite(value) for value in values):
        raise OverflowError("a result leaves float64")


def _parameters(name: str, part: Any) -> Iterator[tuple[str, sp.Rational]]:
    """The numbers in a dataclass, by the names of its fields."""
    if isinstance(part, sp.Expr):
        yield from ((name, number) for number in part.atoms(sp.Rational))
    elif isinstance(part, tuple):
        for value in part:
            yield from _parameters(name, value)
    elif is_dataclass(part):
        for field in fields(part):
            if field.name in _NOT_CHOSEN:
                continue
            yield from _parameters(field.name, getattr(part, field.name))


def _distance_from_one(number: sp.Rational) -> float:
    return abs(math.log2(abs(int(number.p))) - math.log2(int(number.q))) if number else 0.0
