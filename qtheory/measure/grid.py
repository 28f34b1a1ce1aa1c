"""A grid: lists of values whose product is swept, and what is computed at each point."""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from qtheory.errors import InvalidArgumentError, QTheoryError, SweepError, one_of
from qtheory.model.parse import (
    feature_count,
    parse_covariates,
    parse_quantization,
    parse_spectrum,
    parse_target,
)
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.sgd import SGD
from qtheory.model.spectra import coordinate
from qtheory.numbers.arrays import sequence
from qtheory.numbers.exact import exact, is_infinite, part_of_one, require_numeric, whole
from qtheory.simulate.blocks import MOST_REPLICATES

#: The axes of a grid in order, and the value of one that is not given.
AXES = {
    "dim": "200",
    "spectrum": "power-law:2",
    "target": "constant:1",
    "noise": "1",
    "covariates": "gaussian",
    "sketch": "none",
    "sketch_seed": "0",
    "quantize": "none",
    "stepsize": "0.1",
    "batch": "1",
    "steps": "500",
    "output": "average",
    "tail": "1/2",
    "seed": "0",
}
MOST_POINTS = 10**7
_MOST_DIGITS = 1000
_REPLICATES = f"a whole number: 0, or at least 2 and at most {MOST_REPLICATES}"
# A file of so many bytes; devices such as /dev/zero never end.
_LARGEST_FILE = 10**7


@dataclass(frozen=True)
class Settings:
    """What is computed at each point.

    Parameters
    ----------
    exact
        The exact risk of the error models.
    bounds
        The lower and the upper bound.
    replicates
        Simulated runs, 0 for none.
    relative_error
        Stop the simulation at this relative standard error; ``replicates`` is the most then.
    calibrate
        Scale every number format to the largest magnitude its target meets in a pilot run.
    """

    exact: bool = True
    bounds: bool = True
    replicates: int = 0
    relative_error: float | None = None
    calibrate: bool = False

    def __post_init__(self) -> None:
        for name in ("exact", "bounds", "calibrate"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidArgumentError(name, getattr(self, name), "true or false")
        replicates = whole(self.replicates, "replicates", 0, MOST_REPLICATES, _REPLICATES)
        if replicates == 1:
            raise InvalidArgumentError("replicates", self.replicates, _REPLICATES)
        object.__setattr__(self, "replicates", replicates)
        if self.relative_error is not None:
            part = part_of_one(self.relative_error, "relative_error")
            object.__setattr__(self, "relative_error", part)


@dataclass(frozen=True)
class Point:
    """One point of a grid: a text for every axis."""

    values: tuple[str, ...]

    @property
    def key(self) -> str:
        """The point as one text, under which its result is stored."""
        return json.dumps(dict(zip(AXES, self.values, strict=True)))

    def model(self) -> tuple[Problem, Quantization, SGD, int]:
        """The problem, the quantization, the run and the seed."""
        text = dict(zip(AXES, self.values, strict=True))
        problem = Problem(
            text["dim"],
            parse_spectrum(text["spectrum"]),
            parse_target(text["target"]),
            text["noise"],
            covariates=parse_covariates(text["covariates"]),
        )
        size = _size(text["sketch"])
        if size is not None:
            problem = problem.sketched(size, _seed("sketch_seed", text["sketch_seed"]))
        sgd = SGD(
            text["stepsize"],
            text["batch"],
            steps=text["steps"],
            output=text["output"],
            tail=text["tail"],
        )
        return problem, _quantization(text["quantize"]), sgd, _seed("seed", text["seed"])


@dataclass(frozen=True)
class Grid:
    """Values of every axis, as text, and the settings.

    Parameters
    ----------
    axes
        For some axes their values, numbers or text, in any sequence (a range, an array, a Series);
        the others have their default.
    settings
        What is computed at each point.

    Examples
    --------
    >>> grid = Grid({"dim": [50, 100], "quantize": ["none", "all=additive:0.01"]})
    >>> len(grid), next(iter(grid)).values[:2]
    (4, ('50', 'power-law:2'))
    """

    axes: Mapping[str, tuple[str, ...]]
    settings: Settings

    def __init__(self, axes: Mapping[str, Any], settings: Settings | None = None) -> None:
        if not isinstance(axes, Mapping):
            raise InvalidArgumentError("axes", axes, "lists of values by the names of their axes")
        if settings is not None and not isinstance(settings, Settings):
            raise InvalidArgumentError("settings", settings, "Settings")
        for name in axes:
            _known(name, AXES, "grid")
        texts = {name: _texts(name, axes.get(name, default)) for name, default in AXES.items()}
        object.__setattr__(self, "axes", texts)
        object.__setattr__(self, "settings", Settings() if settings is None else settings)
        # not len(self), which Python refuses above 2^63
        count = math.prod(map(len, texts.values()))
        if count > MOST_POINTS:
            raise InvalidArgumentError("grid", f"{count} points", f"at most {MOST_POINTS}")
        for name, values in texts.items():
            if len({_read(name, value) for value in values}) < len(values):
                raise InvalidArgumentError(name, list(values), "a list without repetition")

    def __len__(self) -> int:
        return math.prod(map(len, self.axes.values()))

    def __iter__(self) -> Iterator[Point]:
        return (Point(values) for values in itertools.product(*self.axes.values()))

    def as_json(self) -> str:
        """The grid as one text, by which a results file knows it."""
        settings = {part.name: getattr(self.settings, part.name) for part in fields(Settings)}
        return json.dumps({"grid": self.axes, "compute": settings})


def load_grid(path: Path | str) -> Grid:
    """A grid from a TOML file with the tables ``[grid]`` and ``[compute]``.

    .. code-block:: toml

        [grid]
        dim = [50, 100, 200]
        quantize = ["none", "all=additive:0.01", "data=format:fp8_e4m3 label=format:int8:1/16"]
        batch = [1, 16]

        [compute]
        replicates = 1000
        relative_error = 0.01

    Raises
    ------
    SweepError
        If the file cannot be read, a name in it is not known (near names are suggested), or a
        value is not what it must be.
    """
    if not isinstance(path, str | Path):  # open() would take a number for a file that is open
        raise InvalidArgumentError("path", path, "the path of a TOML file")
    try:
        with open(path, "rb") as file:
            text = file.read(_LARGEST_FILE + 1)
        if len(text) > _LARGEST_FILE:
            raise ValueError(f"it has more than {_LARGEST_FILE} bytes")
        content = tomllib.loads(_decoded(text))
    except (OSError, ValueError, RecursionError) as error:
        # besides its own errors tomllib passes on those of int() and of deep nesting
        raise SweepError(f"{path} is not a readable TOML file: {error}") from error
    try:
        for name in content:
            _known(name, ("grid", "compute"), "table")
        if "grid" not in content:
            raise InvalidArgumentError("table", list(content), "[grid], and [compute] if wanted")
        tables = {name: content.get(name, {}) for name in ("grid", "compute")}
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise InvalidArgumentError(name, table, f"a table, begun by [{name}]")
        for name in tables["compute"]:
            _known(name, [part.name for part in fields(Settings)], "compute")
        return Grid(tables["grid"], Settings(**tables["compute"]))
    except QTheoryError as error:
        raise SweepError(f"{path}: {error}") from error


def _decoded(text: bytes) -> str:
    """Text in UTF-8; editors of Windows begin it with a byte order mark."""
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not in UTF-8 ({error.reason} at byte {error.start})") from error


def _known(name: Any, names: Any, what: str) -> None:
    if isinstance(name, str) and name in names:
        return
    raise InvalidArgumentError(what, name, one_of(name, names))


def _texts(name: str, values: Any) -> tuple[str, ...]:
    """The values of an axis as distinct texts."""
    allowed = "a number, a text, or a sequence of them without repetition"
    single = isinstance(values, str) or not isinstance(values, Iterable)
    single = single or getattr(values, "shape", None) == ()
    listed = [values] if single else sequence(values, name, allowed)
    texts = tuple(_text(name, value, allowed) for value in listed)
    if len(set(texts)) < len(texts):
        raise InvalidArgumentError(name, values, allowed)
    return texts


def _text(name: str, value: Any, allowed: str) -> str:
    """One value of an axis as text."""
    if name == "dim" and is_infinite(value):
        return "oo"
    if isinstance(value, str):
        return value
    if isinstance(value, float | np.floating):
        # the shortest text of a float is what was written, 0.1 and not its binary value
        return str(value)
    if isinstance(value, Integral) and abs(int(value)) >= 10**_MOST_DIGITS:
        raise InvalidArgumentError(name, value, f"of at most {_MOST_DIGITS} digits")
    try:
        number = exact(value, name)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(name, value, f"{allowed}; {error.allowed}") from None
    if not number.is_Rational:
        raise InvalidArgumentError(name, value, allowed)
    return str(number)


def _read(name: str, value: str) -> Any:
    """What a value stands for, built so that a mistake is found before the sweep begins."""
    if name == "sketch":  # drawn at its points alone
        return _size(value)
    if name == "sketch_seed":
        return _seed(name, value)
    point = Point(tuple(value if axis == name else text for axis, text in AXES.items()))
    model = point.model()
    # a wrong letter in a formula makes a parameter of it, to which a grid gives no value
    if name == "spectrum":
        require_numeric(parse_spectrum(value).formula, name, given=coordinate)
    if name == "target":
        require_numeric(parse_target(value).formula(coordinate), name, given=coordinate)
    return model


def _quantization(text: str) -> Quantization:
    return parse_quantization([] if text == "none" else text.split())


def _size(text: str) -> int | None:
    return None if text == "none" else feature_count(text, "none or ")


def _seed(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise InvalidArgumentError(name, text, "a whole number of at least 0")
    return int(text)
