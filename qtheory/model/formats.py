"""Number formats with stochastic rounding, as quantizers of the data.

Rounding goes to one of the two neighbouring values, up with the probability that makes it
unbiased; beyond the largest value it saturates, which is a bias and is accounted for as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number, positive

__all__ = ["NumberFormat", "get", "names"]

Floats = np.ndarray[Any, np.dtype[np.float64]]

# gfloat's names of the definitions (Open Compute Project for the 8-bit formats).
_FLOATS = {
    "fp8_e4m3": "format_info_ocp_e4m3",
    "fp8_e5m2": "format_info_ocp_e5m2",
    "bfloat16": "format_info_bfloat16",
}
_INTEGERS = {"int4": 4, "int8": 8}


@dataclass(frozen=True)
class NumberFormat:
    """A number format times a scale; get one with ``qt.formats.get(name, scale=...)``.

    Integers have the symmetric range -(2^(b-1) - 1), ..., 2^(b-1) - 1, so that data stay centred.
    """

    name: str
    scale: sp.Expr = sp.S.One

    @cached_property
    def magnitudes(self) -> Floats:
        """The values that are not negative before scaling, ascending from 0; exact in float64."""
        if self.name in _INTEGERS:
            return np.arange(2.0 ** (_INTEGERS[self.name] - 1))
        import gfloat
        from gfloat import formats

        info = getattr(formats, _FLOATS[self.name])
        values = gfloat.decode_ndarray(info, np.arange(2**info.bits))
        finite = np.asarray(values[np.isfinite(values)], dtype=np.float64)
        return np.unique(np.abs(finite))

    @property
    def is_exact(self) -> bool:
        """Whether there is no error at all."""
        return False

    def round(self, x: Floats, rng: np.random.Generator) -> Floats:
        """Stochastic rounding of every entry of x.

        Examples
        --------
        >>> fp8 = get("fp8_e4m3")
        >>> x = np.full(100_000, 1.1)
        >>> values = fp8.round(x, np.random.default_rng(0))
        >>> sorted(set(values.tolist())), bool(abs(values.mean() - 1.1) < 1e-3)
        ([1.0, 1.125], True)
        """
        grid = self.magnitudes * float(self.scale)
        size = np.minimum(np.abs(x), grid[-1])
        upper = np.clip(np.searchsorted(grid, size, side="right"), 1, len(grid) - 1)
        low, high = grid[upper - 1], grid[upper]
        up = rng.random(x.shape) * (high - low) < size - low
        return np.copysign(np.where(up, high, low), x)

    def __repr__(self) -> str:
        scale = "" if self.scale == 1 else f", scale='{self.scale}'"
        return f"formats.get('{self.name}'{scale})"


def names() -> tuple[str, ...]:
    """The names that ``get`` knows.

    >>> names()
    ('bfloat16', 'fp8_e4m3', 'fp8_e5m2', 'int4', 'int8')
    """
    return tuple(sorted((*_FLOATS, *_INTEGERS)))


def get(name: str, scale: Number = 1) -> NumberFormat:
    """A number format by its name.

    Parameters
    ----------
    name
        One of :func:`names`.
    scale
        The value that 1 of the format stands for, positive.

    Examples
    --------
    >>> get("int8", scale="1/32").magnitudes[-1]
    np.float64(127.0)
    """
    if name not in names():
        raise InvalidArgumentError("name", name, f"one of {', '.join(names())}")
    return NumberFormat(name, positive(scale, "scale"))
