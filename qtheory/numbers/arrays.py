"""What a user may give as a sequence or as an array of numbers, told apart in one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError, QTheoryError
from qtheory.numbers.exact import exact, require_numeric

Floats = np.ndarray[Any, np.dtype[np.float64]]

_NO_SEQUENCES = (str, bytes, bytearray, Mapping, Set)


def sequence(values: Any, name: str, allowed: str, least: int = 1) -> list[Any]:
    """The members of a sequence: a list, a tuple, a range, an array with one axis, a Series.

    Raises
    ------
    InvalidArgumentError
        If it is text, a set, a mapping, no sequence at all, has several axes, masked entries or
        fewer than ``least`` members.

    Examples
    --------
    >>> sequence(np.arange(3), "bits", "a sequence of numbers of bits") == [0, 1, 2]
    True
    """
    if not isinstance(values, Iterable) or isinstance(values, _NO_SEQUENCES):
        raise InvalidArgumentError(name, values, allowed)
    reason = _unsuitable(values)
    shape = getattr(values, "shape", None)
    if reason is None and isinstance(shape, tuple) and len(shape) != 1:
        reason = f"one axis, not the shape {shape}"
    if reason is not None:
        raise InvalidArgumentError(name, values, f"{allowed} ({reason})")
    members = list(values)
    if len(members) < least:
        raise InvalidArgumentError(name, values, allowed)
    return members


def real_array(values: Any, *, truth_values: bool = False) -> Floats:
    """An array of real numbers in float64, of any shape.

    Types that NumPy does not know by itself, such as those of ml_dtypes, are converted, and so are
    numbers that it keeps as objects. ``truth_values`` says whether an array of them is one of
    numbers, as a column of a table may be.

    Raises
    ------
    TypeError, ValueError, OverflowError
        Which say what the array holds instead.

    Examples
    --------
    >>> real_array([1, 2.5])
    array([1. , 2.5])
    """
    reason = _unsuitable(values)
    if reason is not None:
        raise TypeError(reason)
    array = np.asarray(values)
    if array.dtype.kind == "O":
        return np.array([_float(value) for value in array.flat]).reshape(array.shape)
    foreign = array.dtype.kind == "V" and not issubclass(array.dtype.type, np.void)
    if not foreign and array.dtype.kind not in ("fiub" if truth_values else "fiu"):
        raise TypeError(f"not {array.dtype}")
    with np.errstate(over="ignore"):  # what becomes infinite is refused as that, if it is
        return array.astype(np.float64, copy=False)


def code_array(values: Any, name: str, allowed: str, bits: int) -> Any:
    """Whole numbers from 0 to 2^bits - 1, of any shape, as int64."""
    if _unsuitable(values) is not None:
        raise InvalidArgumentError(name, values, f"{allowed} ({_unsuitable(values)})")
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or np.any(array < 0) or np.any(array >= 2**bits):
        raise InvalidArgumentError(name, values, allowed)
    return array.astype(np.int64)


def _unsuitable(values: Any) -> str | None:
    """Why NumPy would read something else than what is meant, or None."""
    if hasattr(values, "nnz"):
        return "a sparse matrix: its toarray() is an array"
    if _has_masked(values):
        return "masked entries have no value: fill them or leave them out"
    return None


def _has_masked(values: Any) -> bool:
    """Also in lists, where NumPy would drop the masks of the members."""
    if isinstance(values, list | tuple):
        return any(map(_has_masked, values))
    return isinstance(values, np.ndarray) and bool(np.ma.is_masked(values))


def _float(value: Any) -> float:
    if isinstance(value, Real | Decimal) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):  # NumPy has arrays of text, which are none of numbers either
        raise TypeError(f"not text such as {value!r}")
    try:
        number = exact(value, "an entry")
        require_numeric(number, "an entry")
    except QTheoryError as error:
        raise TypeError(error) from error
    return float(number)


def exact_matrix(values: Any, name: str, allowed: str) -> tuple[tuple[Any, ...], ...]:
    """Rows of exact numbers: Python's floats and integers, or rational numbers of SymPy.

    >>> exact_matrix([[1, 0.5], ["1/3", 2]], "matrix", "of two columns")
    ((1, 1/2), (1/3, 2))
    """
    try:
        array = np.asarray(values, dtype=object if _holds_objects(values) else None)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(name, values, f"a matrix {allowed} ({error})") from None
    if array.ndim != 2 or 0 in array.shape:
        value = f"an array of shape {array.shape}"
        raise InvalidArgumentError(name, value, f"a matrix {allowed}")
    if array.dtype.kind not in "fiuO":
        raise InvalidArgumentError(name, values, f"a matrix of real numbers {allowed}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        j, k = np.argwhere(~np.isfinite(array))[0]
        raise InvalidArgumentError(f"{name}[{j}, {k}]", float(array[j, k]), "a finite number")
    if array.dtype.kind == "O" or array.dtype.itemsize > 8:
        return tuple(
            tuple(_rational(entry, f"{name}[{j}, {k}]") for k, entry in enumerate(row))
            for j, row in enumerate(array)
        )
    return tuple(map(tuple, array.tolist()))


def _holds_objects(values: Any) -> bool:
    """Whether NumPy would make text or other floats of what a list holds."""
    if isinstance(values, np.ndarray):
        return False
    return any(not isinstance(entry, float | int | np.number) for entry in _entries(values))


def _entries(values: Any) -> Iterator[Any]:
    for row in values:
        yield from row if isinstance(row, list | tuple) else ()


def _rational(value: Any, name: str) -> sp.Rational:
    number = exact(value, name)
    require_numeric(number, name)
    if not number.is_Rational:
        raise InvalidArgumentError(name, value, "a rational number")
    return number
