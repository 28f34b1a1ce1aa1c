"""Processes of this machine that work for one, and end with it however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, current_process, get_context, parent_process
from threading import Thread

from qtheory.errors import SweepError

#: Every one is a process of its own.
MOST_WORKERS = 1000
#: Why workers may end before they begin.
MAIN_GUARD = (
    "each process runs the script anew to know its functions, so the script must be a file, and "
    "what starts the work must stand in it under \"if __name__ == '__main__':\""
)


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """So many processes; on leaving, what was not begun is not begun any more.

    Raises
    ------
    SweepError
        If no process can begin, as in a script without a main guard.
    """
    end_unfinished_worker()
    # a forked process would share the threads and locks of this one
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_with_parent
    )
    try:
        try:
            pool.submit(os.getpid).result()
        except BrokenExecutor:
            raise SweepError(f"no worker process could begin: {MAIN_GUARD}") from None
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def end_unfinished_worker() -> None:
    """End this process if it is a worker that is still about to run the script of its parent.

    Without a main guard the script would have it begin the parent's work, which fails with a page
    of its own for each worker; the parent says what is missing.
    """
    if getattr(current_process(), "_inheriting", False):
        raise SystemExit(1)


def _end_with_parent() -> None:
    """End this worker when the process that started it is gone, which kill -9 does not tell it."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    Thread(target=watch, daemon=True).start()
