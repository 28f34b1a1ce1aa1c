"""Sweeps: every point of a grid, over any executor, into a file that can be gone on with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtheory.errors import SweepError
from qtheory.measure.grid import Grid, Point, load_grid
from qtheory.measure.point import compute_point
from qtheory.measure.pool import (
    MAIN_GUARD,
    MOST_WORKERS,
    end_unfinished_worker,
    process_pool,
)
from qtheory.measure.store import Store, checked_path, open_store
from qtheory.numbers.exact import whole

# Points handed out ahead: enough to keep workers busy, few enough to hold in memory.
_LEAST_AHEAD, _AHEAD_PER_WORKER = 16, 4
_SECONDS_BETWEEN_LOOKS = 1.0
_LOST = (BrokenExecutor, CancelledError)
_SHOWN = 2


@dataclass(frozen=True)
class Outcome:
    """How a sweep went.

    Parameters
    ----------
    path
        The results file.
    points
        How many points the grid has.
    known
        How many were in the file before.
    failures
        Points whose computation broke down, with the reason; they are not stored.
    errors
        How many stored points lack a value that could not be had, known ones included; the
        variable ``error`` of :func:`qtheory.load_sweep` says why.
    """

    path: Path
    points: int
    known: int
    failures: tuple[tuple[Point, str], ...]
    errors: int = 0

    def as_json(self) -> dict[str, Any]:
        """The counts, and the reason of each failure by its point."""
        return {
            "points": self.points,
            "known": self.known,
            "errors": self.errors,
            "failures": {point.key: reason for point, reason in self.failures},
        }


def sweep(
    grid: Grid | Path | str,
    out: Path | str,
    *,
    executor: Executor | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Compute every point of a grid that is not yet in the results file.

    A result is stored as soon as it is there. Killed at any moment and started again, the sweep
    goes on with what is missing, and with points whose stored error may be due to the circumstances
    (digits not reached, a computation too long) and not to the point.

    Parameters
    ----------
    grid
        A grid, or the TOML file of one (:func:`qtheory.load_grid`).
    out
        The results file, SQLite; read it with :func:`qtheory.load_sweep`.
    executor
        Any executor of ``concurrent.futures``, that of a Dask client included; it is not shut down.
    workers
        Without an executor, the processes to compute in, 1 for this one; with one, how many it has.
        A script that asks for processes needs a main guard, ``if __name__ == "__main__":``.
    progress
        Called with the points done and all points.

    Raises
    ------
    SweepError
        If the grid or the results file cannot be used, or the workers are lost. What is stored is
        kept.

    Examples
    --------
    >>> import tempfile
    >>> import qtheory as qt
    >>> grid = qt.Grid({"dim": [4, 8], "quantize": ["none", "data=additive:0.1"], "steps": 50})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     outcome = qt.sweep(grid, f"{folder}/results.sqlite")
    ...     data = qt.load_sweep(outcome.path).squeeze()
    >>> outcome.points, data.exact.sel(quantize="none").values.round(4).tolist()
    (4, [0.1347, 0.1813])
    """
    end_unfinished_worker()
    if not isinstance(grid, Grid):
        grid = load_grid(grid)
    workers = whole(workers, "workers", 1, MOST_WORKERS)
    import qtheory

    path = checked_path(out, "out")
    with open_store(path, grid, qtheory.__version__) as store:
        done = store.keys()
        known = len(done)
        missing = (point for point in grid if point.key not in done)
        if executor is None and workers == 1:
            results = _here(missing, grid)
        else:
            results = _elsewhere(missing, grid, executor, workers)
        # closed at once, so that after an error no worker goes on with what nobody will store
        with closing(results):
            failures = _stored(results, store, known, len(grid), progress)
        errors = store.errors()
    # in the order of their keys, not in that in which workers came to them
    failures.sort(key=lambda failure: failure[0].key)
    return Outcome(path, len(grid), known, tuple(failures), errors)


Finished = Generator[tuple[Point, dict[str, Any] | Exception], None, None]


def _stored(
    results: Finished,
    store: Store,
    known: int,
    total: int,
    progress: Callable[[int, int], None] | None,
) -> list[tuple[Point, str]]:
    """Store the results as they come; those that broke down are returned."""
    failures = []
    for done, (point, result) in enumerate(results, start=known + 1):
        if isinstance(result, Exception):
            failures.append((point, f"{type(result).__name__}: {result}"))
        else:
            store.add(point.key, result)
        if progress is not None:
            progress(done, total)
    return failures


def _here(points: Iterator[Point], grid: Grid) -> Finished:
    for point in points:
        try:
            yield point, compute_point(point, grid.settings, threads=None)
        except Exception as error:
            yield point, error


def _elsewhere(
    points: Iterator[Point], grid: Grid, executor: Executor | None, workers: int
) -> Finished:
    """Results of an executor as they are finished, with few points handed out ahead."""
    ahead = max(_LEAST_AHEAD, _AHEAD_PER_WORKER * workers)
    with _running(executor, workers) as running:
        waiting: dict[Future[dict[str, Any]], Point] = {}
        hint = f". None has given a result yet: {MAIN_GUARD}"
        try:
            more = True
            while more or waiting:
                while more and len(waiting) < ahead:
                    point = next(points, None)
                    more = point is not None
                    if point is not None:
                        waiting[running.submit(compute_point, point, grid.settings)] = point
                finished, _ = wait(waiting, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                for future in finished:
                    found = waiting.pop(future), _result(future)
                    hint = ""
                    yield found
        except (BrokenExecutor, CancelledError, OSError, RuntimeError) as error:
            # what is finished is stored, also what was finished by others at the same moment
            for future in [future for future in waiting if future.done()]:
                if not _is_lost(future):
                    yield waiting.pop(future), _result(future)
            raise SweepError(
                f"the workers are lost ({type(error).__name__}: {error}) at one of the points "
                f"{_few(waiting.values())}; what is finished is stored, and the same command goes "
                f"on from there{hint}"
            ) from error
        finally:
            for future in waiting:
                future.cancel()


def _few(points: Iterable[Point]) -> str:
    keys = [point.key for point in points]
    return ", ".join(keys[:_SHOWN]) + (f" and {len(keys) - _SHOWN} more" if keys[_SHOWN:] else "")


def _is_lost(future: Future[dict[str, Any]]) -> bool:
    return future.cancelled() or isinstance(future.exception(), _LOST)


def _result(future: Future[dict[str, Any]]) -> dict[str, Any] | Exception:
    error = future.exception()
    if isinstance(error, _LOST):
        raise error
    return error if isinstance(error, Exception) else future.result()


@contextmanager
def _running(executor: Executor | None, workers: int) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    with process_pool(workers) as pool:
        yield pool
