"""A results file as an array with names: xarray."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qtheory.errors import SweepError, needs
from qtheory.measure.grid import AXES, MOST_POINTS
from qtheory.measure.point import RESULTS, TEXTS
from qtheory.measure.store import checked_path, read_store

if TYPE_CHECKING:
    import xarray


def load_sweep(path: Path | str) -> xarray.Dataset:
    """The results of a sweep, finished or not, one dimension per axis of its grid.

    Axes of numbers have them as coordinates, the others their text. Where there is no result yet,
    or no bound, stands NaN; ``error`` says what could not be computed, ``biased`` which targets
    are rounded with bias, so that ``exact`` is not about them.

    Parameters
    ----------
    path
        The results file.

    Raises
    ------
    SweepError
        If it is not a results file that this version reads.

    Examples
    --------
    See :func:`qtheory.sweep`.
    """
    with needs("sweeps", "a sweep as an array"):
        import xarray

    meta, rows = read_store(checked_path(path, "path"))
    try:
        axes = {name: _texts(meta["grid"][name]) for name in AXES}
        count = math.prod(map(len, axes.values()))
        if count > MOST_POINTS:
            raise ValueError(f"it speaks of {count} points, but a grid has at most {MOST_POINTS}")
        version = str(meta["version"])
    except (KeyError, TypeError, ValueError) as error:
        raise SweepError(f"{path} is damaged: {error}") from error
    place = {name: {value: k for k, value in enumerate(axes[name])} for name in AXES}
    shape = tuple(len(values) for values in axes.values())
    columns: dict[str, Any] = {name: np.full(shape, np.nan) for name in RESULTS}
    columns |= {name: np.full(shape, "", dtype=object) for name in TEXTS}
    for row in rows:
        try:
            point = json.loads(row["key"])
            index = tuple(place[name][point[name]] for name in AXES)
            for name, column in columns.items():
                if row[name] is not None:
                    column[index] = row[name] if name in TEXTS else float(row[name])
        except (TypeError, KeyError, ValueError) as error:
            raise SweepError(
                f"{path} is damaged: {row.get('key')!r} is no point of its grid"
            ) from error
    return xarray.Dataset(
        {name: (tuple(AXES), column) for name, column in columns.items()},
        coords={name: _coordinate(values) for name, values in axes.items()},
        attrs={
            "qtheory": version,
            "versions": meta["versions"],
            **{k: str(v) for k, v in meta["compute"].items()},
        },
    )


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("the values of an axis are no texts")
    return tuple(values)


def _coordinate(values: tuple[str, ...]) -> list[Any]:
    readers: tuple[Callable[[str], Any], ...] = (int, float, lambda text: float(Fraction(text)))
    for read in readers:
        try:
            return [read(value) for value in values]
        except (ValueError, ArithmeticError):
            continue
    return list(values)
