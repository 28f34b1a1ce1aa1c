"""From a real table to a Gaussian problem with the same second moments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qtheory.errors import DataError

__all__ = ["SecondMoments", "load_table", "second_moments"]


@dataclass(frozen=True, eq=False)
class SecondMoments:
    """What the model needs of a table, in the eigenbasis of its covariance, and the table in it."""

    eigenvalues: list[float]
    coefficients: list[float]
    residual_variance: float
    assumptions: tuple[str, ...]
    scores: np.ndarray[Any, Any]  # the centred rows, shape (rows, columns)
    labels: np.ndarray[Any, Any]  # the centred labels, shape (rows,)


def load_table(path: Path) -> np.ndarray[Any, Any]:
    """Read a .npy file of numbers; pickled content is refused, since loading it runs code."""
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} is not a readable .npy file of numbers: {error}") from error


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
    assumptions = (
        f"{rows} rows and {columns} columns, centred; rank {rank}.",
        "Coordinates are rotated to the eigenbasis of the empirical covariance, and quantizers "
        "act on the rotated coordinates.",
        "Rows are replaced by independent Gaussian samples of the same covariance.",
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
        table, labels = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
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
    return table, labels
