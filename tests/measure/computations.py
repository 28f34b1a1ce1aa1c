"""Computations that go wrong, where worker processes can import them; and files compared."""

import os
import sqlite3
from contextlib import closing

from qtheory.measure.grid import Grid, Settings
from qtheory.measure.point import RESULTS, compute_point

#: A point of these takes about a millisecond.
QUICK = {"dim": 4, "steps": 10}
EXACT = Settings(bounds=False)
SEEDS = tuple(range(6))


def quick_grid(seeds=SEEDS, **axes):
    return Grid({**QUICK, "seed": list(seeds), **axes}, EXACT)


def seed_of(point):
    return int(point.values[-1])


def ends_at_three(point, settings, threads=1):
    """The process ends, as when the system kills it for its memory."""
    if seed_of(point) == 3:
        os._exit(1)
    return compute_point(point, settings, threads)


def raises_at_three(point, settings, threads=1):
    if seed_of(point) == 3:
        raise RuntimeError("three is too much")
    return compute_point(point, settings, threads)


def rows(path):
    """Every row of a results file with its rowid, by its key."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT key, rowid, * FROM points").fetchall()
    assert len({key for key, *_ in found}) == len(found)
    return {key: tuple(row) for key, *row in found}


def repeated(before, after):
    """The keys of the points computed or stored again, or lost; ``seconds`` gives it away."""
    return [key for key, row in before.items() if after.get(key) != row]


def values(path):
    """The results by key without what differs from one run to the next."""
    seconds = 2 + RESULTS.index("seconds")
    return {key: row[1:seconds] + row[seconds + 1 :] for key, row in rows(path).items()}


def is_intact(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
