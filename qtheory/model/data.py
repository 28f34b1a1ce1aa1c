"""From a real table to a Gaussian problem with the same second moments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qtheory.errors import DataError
from qtheory.numbers.arrays import real_array

# Booleans, whole numbers and floating point.
_KINDS = ("b", "i", "u", "f")
# 10^9 numbers of float64, of which the singular value decomposition makes a few copies.
_LARGEST_FILE = 8 * 10**9
# Fourth moments within a tenth of those of a law, and standard errors, are like them.
_LIKE, _ERRORS = 0.1, 3
# A second of matrix products.
_MOST_PRODUCTS = 10**10
# Within these the squares of a table and their quotients stay in float64.
_LARGEST, _SMALLEST = 1e70, 1e-70


@dataclass(frozen=True, eq=False)
class SecondMoments:
    """What the model needs of a table, in the eigenbasis of its covariance, and the table in it."""

    eigenvalues: list[float]
    coefficients: list[float]
    residual_variance: float
    assumptions: tuple[str, ...]
    scores: np.ndarray[Any, Any]  # the centred rows, shape (rows, columns)
    labels: np.ndarray[Any, Any]  # the centred labels, shape (rows,)


@dataclass(frozen=True)
class TableMoments:
    """The fourth moments of the rows of a table, in the eigenbasis of its covariance.

    ``own`` is E x_i^4 / lambda_i^2 and ``between`` E x_i^2 x_j^2 / (lambda_i lambda_j), each a mean
    with the weights lambda_i^2 and lambda_i lambda_j; ``alpha`` is the least alpha_0 of
    :class:`qtheory.FourthMoment` for these coordinates, None where it would take long.
    """

    own: float
    between: float
    own_error: float  # standard errors
    between_error: float
    alpha: float | None

    @classmethod
    def of(cls, scores: np.ndarray[Any, Any]) -> TableMoments:
        """Those of rows whose coordinates are uncorrelated and vary."""
        rows, columns = scores.shape
        squares = scores**2
        variances = squares.mean(axis=0)
        same = (variances**2).sum()
        fourth = (squares**2).sum(axis=1)
        own, between = fourth / same, np.ones(rows)
        if columns > 1:
            between = (squares.sum(axis=1) ** 2 - fourth) / (variances.sum() ** 2 - same)

        def error(values: np.ndarray[Any, Any]) -> float:
            return float(values.std() / math.sqrt(rows))

        alpha = None
        if rows * columns**3 <= _MOST_PRODUCTS:
            white = scores / np.sqrt(variances)
            weighted = (white.T @ (white * white[:, [i]] ** 2) / rows for i in range(columns))
            alpha = max(float(np.linalg.eigvalsh(matrix)[-1]) for matrix in weighted)
        own_mean, between_mean = float(own.mean()), float(between.mean())
        return cls(own_mean, between_mean, error(own), error(between), alpha)

    @property
    def says(self) -> str:
        """Which assumption on the covariates the table meets, in words."""
        near = (
            f"E x_i^4 = {self.own:.3g} lambda_i^2, "
            f"E x_i^2 x_j^2 = {self.between:.3g} lambda_i lambda_j"
        )
        error = _ERRORS * self.between_error
        both = _ERRORS * (self.own_error + 3 * self.between_error)
        if abs(self.between - 1) <= _LIKE + error:
            is_gaussian = abs(self.own - 3) <= 3 * _LIKE + _ERRORS * self.own_error
            law = "Gaussian()" if is_gaussian else f"Independent({self.own:.3g})"
        elif abs(self.own - 3 * self.between) <= 3 * _LIKE * self.between + both:
            law = f"Elliptical({self.between:.3g})"
        else:
            law = "no law with a name"
        meets = f"Its fourth moments are about those of {law}: on average {near}"
        if self.alpha is None:
            return f"{meets}."
        return f"{meets}; it meets FourthMoment(alpha) for alpha >= {self.alpha:.4g}."


def load_table(path: Path) -> np.ndarray[Any, Any]:
    """Read a .npy file of numbers; pickled content is refused, since loading it runs code."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no file")  # a pipe would be waited for
        with open(path, "rb") as file:
            size = path.stat().st_size
            if size > _LARGEST_FILE:
                raise ValueError(f"it has {size} bytes, at most {_LARGEST_FILE} are read")
            # an archive could unfold to any size, and memory for what a header says is taken first
            version = np.lib.format.read_magic(file)
            read = getattr(np.lib.format, f"read_array_header_{version[0]}_{version[1]}", None)
            if read is None:  # the third version is for tables with named columns
                raise ValueError(f"its format has version {version[0]}.{version[1]}")
            shape, _, kind = read(file)
            if kind.kind not in _KINDS:
                raw = ": NumPy stores other libraries' types so; store them as float32"
                hint = raw if kind.kind == "V" and kind.names is None else ""
                raise ValueError(f"it holds {kind}, not real numbers{hint}")
            if math.prod(shape) * kind.itemsize > size:
                raise ValueError(f"it is cut off: shape {shape} needs more bytes than it has")
            file.seek(0)
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except Exception as error:  # Python's own parsers read the header, and have many errors
        reason = str(error).splitlines() or [type(error).__name__]
        raise DataError(f"{path} is not a readable .npy file of numbers: {reason[0]}") from error


def second_moments(X: Any, y: Any) -> SecondMoments:
    """Covariance spectrum, least-squares coefficients and residual variance of a table.

    The table is taken as the whole population: columns and labels are centred, moments are
    divided by n. Directions without variance (to the accuracy of float64) get eigenvalue 0
    and coefficient 0.
    """
    table, labels = _checked(X, y)
    rows, columns = table.shape
    centred = table - table.mean(axis=0)
    residual = labels - labels.mean()
    _, singular, rotation = np.linalg.svd(centred, full_matrices=False)
    cutoff = singular.max(initial=0.0) * max(rows, columns) * np.finfo(float).eps
    kept = singular > cutoff
    eigenvalues = np.zeros(columns)
    coefficients = np.zeros(columns)
    rank = int(kept.sum())
    if rank == 0:
        raise DataError("X has no column that varies, so there is nothing to learn from")
    eigenvalues[:rank] = singular[kept] ** 2 / rows
    scores = np.zeros(table.shape)
    scores[:, :rank] = centred @ rotation[kept].T
    coefficients[:rank] = (scores[:, :rank].T @ residual) / singular[kept] ** 2
    residual = residual - scores @ coefficients
    fourth = TableMoments.of(scores[:, :rank])
    assumptions = (
        f"{rows} rows and {columns} columns, centred; rank {rank}.",
        "Coordinates are rotated to the eigenbasis of the empirical covariance, and quantizers "
        "act on the rotated coordinates.",
        "Rows are replaced by independent Gaussian samples of the same covariance, unless "
        f"covariates says otherwise. {fourth.says}",
        "Labels are the least-squares fit plus independent noise of the residual variance.",
    )
    return SecondMoments(
        eigenvalues.tolist(),
        coefficients.tolist(),
        float(np.mean(residual**2)),
        assumptions,
        scores,
        labels - labels.mean(),
    )


def _checked(X: Any, y: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    try:
        table, labels = (real_array(values, truth_values=True) for values in (X, y))
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"X and y must hold real numbers only: {error}") from error
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 1:
        raise DataError(f"X has shape {table.shape}, but must be (rows >= 2, columns >= 1)")
    if labels.shape != (table.shape[0],):
        raise DataError(
            f"y has shape {labels.shape}, but must be ({table.shape[0]},): one label per row of X"
        )
    for name, values in (("X", table), ("y", labels)):
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            place = ", ".join(str(k) for k in bad[0])
            raise DataError(f"{name}[{place}] is not a finite number ({len(bad)} such entries)")
        sizes = np.abs(values[values != 0])
        if sizes.size and not _SMALLEST <= sizes.max() <= _LARGEST:
            allowed = f"between {_SMALLEST:.0e} and {_LARGEST:.0e}: rescale it"
            raise DataError(f"the largest entry of {name} is {sizes.max():.3g}, not {allowed}")
    return table, labels
