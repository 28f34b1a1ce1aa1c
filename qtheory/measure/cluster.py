"""A Dask cluster as an executor."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from qtheory.errors import SweepError

__all__ = ["dask_executor"]

_SECONDS_TO_CONNECT = 10


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """The executor of a Dask scheduler, such as ``tcp://127.0.0.1:8786``.

    Tasks of a worker that dies are given to another one by the scheduler.

    Raises
    ------
    SweepError
        If ``distributed`` is not installed, no scheduler answers, there is no worker, or the
        workers have another version of qtheory.
    """
    import qtheory

    try:
        import distributed
    except ImportError as error:
        raise SweepError(
            'a scheduler needs the package distributed: pip install "qtheory[distributed]"'
        ) from error
    connect: Any = distributed.Client
    try:
        client = connect(address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise SweepError(f"no Dask scheduler answers at {address!r}: {error}") from error
    for logger in ("distributed", "distributed.client"):
        # a scheduler that dies fills the screen with tracebacks; our error says it in a line
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    with client:
        versions = set(client.run(_version).values())
        if versions != {qtheory.__version__}:
            found = ", ".join(sorted(versions)) or "no worker"
            raise SweepError(f"{address} has {found}, but must have qtheory {qtheory.__version__}")
        yield client.get_executor(pure=False)


def _version() -> str:
    import qtheory

    return qtheory.__version__
