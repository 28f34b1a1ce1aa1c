"""A Dask cluster as an executor."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from qtheory.errors import SweepError, needs

_SECONDS_TO_CONNECT = 10
_TALKATIVE = ("distributed", "distributed.client", "tornado.application")
# For its own error, which says more than that the time is over.
_SECONDS_MORE = 3


@contextmanager
def dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """The executor of a Dask scheduler, such as ``tcp://127.0.0.1:8786``, and its threads.

    Tasks of a worker that dies are given to another one by the scheduler.

    Raises
    ------
    SweepError
        If ``distributed`` is not installed, no scheduler answers, there is no worker, or the
        workers have another version of qtheory.
    """
    import qtheory

    with needs("distributed", "a scheduler", SweepError):
        import distributed
    client = _connected(distributed.Client, address)
    with _quiet(), client:
        try:
            versions = set(client.run(_version).values())
        except Exception as error:  # whatever a worker raises that cannot import qtheory
            raise SweepError(
                f"the workers of {address} do not answer as those of qtheory "
                f"{qtheory.__version__}: {type(error).__name__}: {error}"
            ) from error
        if versions != {qtheory.__version__}:
            found = ", ".join(sorted(versions)) or "no worker"
            raise SweepError(f"{address} has {found}, but must have qtheory {qtheory.__version__}")
        yield client.get_executor(pure=False), sum(client.nthreads().values())


@contextmanager
def _quiet() -> Iterator[None]:
    """A scheduler that dies fills the screen with tracebacks; our error says it in a line."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _connected(connect: Any, address: str) -> Any:
    """A client, made in a thread that can be left behind.

    What is no scheduler may take the connection and say nothing, and for that the client of
    ``distributed`` has no limit of time.
    """
    made: SimpleQueue[Any] = SimpleQueue()

    def make() -> None:
        try:
            made.put(connect(address, timeout=_SECONDS_TO_CONNECT))
        except Exception as error:
            made.put(error)

    Thread(target=make, daemon=True).start()
    try:
        client = made.get(timeout=_SECONDS_TO_CONNECT + _SECONDS_MORE)
    except Empty:
        client = TimeoutError(f"what is there says nothing for {_SECONDS_TO_CONNECT} s")
    if isinstance(client, Exception):
        raise SweepError(f"no Dask scheduler answers at {address!r}: {client}") from client
    return client


def _version() -> str:
    import qtheory

    return qtheory.__version__
