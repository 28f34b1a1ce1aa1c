"""Results files: SQLite, one row per point or piece of work, written as the results come."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from qtheory.errors import (
    DataError,
    HypothesisError,
    InfiniteRiskError,
    InvalidArgumentError,
    SweepError,
    SymbolicValueError,
    UnstableError,
)
from qtheory.measure.grid import Grid
from qtheory.measure.point import RESULTS, TEXTS
from qtheory.versions import SIMULATED, versions

#: What the tables look like; a file of another layout is refused.
_LAYOUT = 2
# A sweep waits so long for one who reads the file, rather than end at once.
_SECONDS_FOR_READERS = 60
# What a results file says of its sweep.
_TABLES = ("grid", "compute")
# "qtSW" as a number: how SQLite files of this kind are known.
_APPLICATION = 0x71745357
_OF_THE_POINT = {
    kind.__name__
    for kind in (
        *(DataError, HypothesisError, InfiniteRiskError, InvalidArgumentError),
        *(SymbolicValueError, UnstableError),
    )
}
# What SQLite says of a damaged file may be no text itself.
_BROKEN = (sqlite3.Error, UnicodeError)


def checked_path(path: Any, name: str) -> Path:
    """A path, if it is one that a system can be asked for."""
    text = str(path) if isinstance(path, str | Path) else ""
    if not text or "\0" in text:
        raise InvalidArgumentError(name, path, "the path of a file")
    return Path(path)


class Store:
    """An open results file. Every result is committed by itself, so a kill loses none."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def keys(self) -> set[str]:
        """The keys of the points that are done: all but those whose error may not be their own."""
        rows = self._connection.execute("SELECT key, error FROM points")
        return {key for key, error in rows if error is None or _is_of_the_point(error)}

    def errors(self) -> int:
        """How many of the points that are done have an error in place of some value."""
        query = "SELECT count(*) FROM points WHERE error IS NOT NULL"
        return int(self._connection.execute(query).fetchone()[0])

    def add(self, key: str, result: dict[str, Any]) -> None:
        """Store the result of a point.

        Raises
        ------
        SweepError
            If it cannot be written, as on a full disk; what was stored before is kept.
        """
        columns = (*RESULTS, *TEXTS)
        marks = ", ".join("?" * (len(columns) + 1))
        values = (key, *(result[column] for column in columns))
        _insert(self._connection, self._path, f"INTO points VALUES ({marks})", values)


class Records:
    """An open file of texts under a setting; every one is committed by itself."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def all(self) -> dict[str, str]:
        """What is stored, by id."""
        return dict(self._connection.execute("SELECT id, text FROM records"))

    def add(self, id: str, text: str) -> None:
        """Store a text; SweepError if it cannot be written."""
        _insert(self._connection, self._path, "INTO records VALUES (?, ?)", (id, text))


def _insert(connection: sqlite3.Connection, path: Path, into: str, values: Sequence[Any]) -> None:
    try:
        with connection:
            connection.execute(f"INSERT OR REPLACE {into}", values)
    except sqlite3.Error as error:
        raise SweepError(
            f"{path} cannot be written: {error}. The results before this one are kept; "
            "the same command goes on from there"
        ) from error


def _is_of_the_point(error: str) -> bool:
    """Whether a stored error follows from the point alone, as a wrong argument does.

    Digits that were not reached and times that were too long may be due to the circumstances.
    """
    return set(re.findall(r"\b(\w+Error): ", error)) <= _OF_THE_POINT


@contextmanager
def open_store(path: Path, grid: Grid, version: str) -> Iterator[Store]:
    """The results file of a grid, new or begun before; no other sweep can write meanwhile.

    Raises
    ------
    SweepError
        If the file is of another grid or version, is not a results file, cannot be opened, or is
        being written by another sweep. It is left as it is.
    """
    with _connected(path) as connection, _only_writer(path):
        try:
            if _is_empty(connection):
                _create(connection, grid, version)
            meta = _meta(connection, path)
            _require_same(path, meta, grid, version)
            _note_versions(connection)
            yield Store(connection, path)
        except _BROKEN as error:
            raise SweepError(f"{path} cannot be used: {error}") from error


@contextmanager
def open_records(path: Path, setting: str) -> Iterator[Records]:
    """A file of texts made under one setting, new or begun before; one process writes at a time.

    Raises
    ------
    SweepError
        If the file is of another setting or of another kind. It is left as it is.
    """
    refused = SweepError(f"{path} is not of this run: give a new file, or one of {setting}")
    with _connected(path) as connection, _only_writer(path):
        try:
            if _is_empty(connection):
                with connection:
                    connection.execute("CREATE TABLE setting (text TEXT)")
                    connection.execute("CREATE TABLE records (id TEXT PRIMARY KEY, text TEXT)")
                    connection.execute("INSERT INTO setting VALUES (?)", (setting,))
            elif connection.execute("SELECT text FROM setting").fetchone() != (setting,):
                raise refused
        except _BROKEN as error:
            raise refused from error
        yield Records(connection, path)


def read_store(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a results file says of its grid, and its rows."""
    try:
        there = path.is_file()
    except OSError:  # a name that is too long
        there = False
    if not there:
        raise SweepError(f"{path} is not a file")
    with _connected(path, writing=False) as connection:
        try:
            meta = _meta(connection, path) | {"versions": _noted_versions(connection)}
            connection.row_factory = sqlite3.Row
            # fetched at once: a sweep cannot write while rows are being read
            rows = [dict(row) for row in connection.execute("SELECT * FROM points").fetchall()]
        except _BROKEN as error:
            raise SweepError(f"{path} cannot be read: {error}") from error
    return meta, rows


@contextmanager
def _connected(path: Path, *, writing: bool = True) -> Iterator[sqlite3.Connection]:
    # a sweep that was killed may have left a journal, which only a connection that may write can
    # roll back; on a file that cannot be written SQLite reads only, by itself
    mode = "rwc" if writing else "rw"
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", timeout=_SECONDS_FOR_READERS, uri=True
        )
    except sqlite3.Error as error:
        raise SweepError(f"{path} cannot be opened: {_why_not_opened(path, error)}") from error
    with closing(connection):
        yield connection


def _why_not_opened(path: Path, error: Exception) -> str:
    """What SQLite calls "unable to open database file", in more words."""
    folder = path.absolute().parent
    try:
        if not folder.is_dir():
            return f"there is no folder {folder}"
        if path.is_dir():
            return "it is a folder"
        if not os.access(folder, os.W_OK):
            return f"nothing may be written in {folder}"
    except OSError as cause:  # a name that is too long
        return cause.strerror or str(cause)
    return str(error)


@contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """A lock that the system takes back when the process ends, however it ends."""
    beside = path.with_name(path.name + ".lock")
    with _connected(beside) as lock:
        try:
            lock.execute("PRAGMA busy_timeout = 0")
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise SweepError(f"{path} is being written by another sweep") from error
            raise SweepError(f"{beside} cannot be written: {error}") from error
        try:
            yield
        finally:
            lock.rollback()
            beside.unlink(missing_ok=True)


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)


def _create(connection: sqlite3.Connection, grid: Grid, version: str) -> None:
    numbers = ", ".join(f"{column} REAL" for column in RESULTS)
    with connection:
        connection.execute("BEGIN")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        connection.execute("CREATE TABLE sweep (version TEXT, grid TEXT)")
        texts = ", ".join(f"{column} TEXT" for column in TEXTS)
        connection.execute(f"CREATE TABLE points (key TEXT PRIMARY KEY, {numbers}, {texts})")
        connection.execute("INSERT INTO sweep VALUES (?, ?)", (version, grid.as_json()))


def _note_versions(connection: sqlite3.Connection) -> None:
    """Add the versions of this process to those that had a part in the results."""
    with connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS versions (name TEXT, version TEXT, PRIMARY KEY "
            "(name, version))"
        )
        found = versions(*SIMULATED, machine=True)
        connection.executemany("INSERT OR IGNORE INTO versions VALUES (?, ?)", found.items())


def _noted_versions(connection: sqlite3.Connection) -> str:
    """Every version that had a part in the results; nothing in a file from before they were noted.

    More than one of a library means that a sweep was gone on with after an upgrade.
    """
    query = "SELECT count(*) FROM sqlite_master WHERE name = 'versions'"
    if not connection.execute(query).fetchone()[0]:
        return ""
    rows = connection.execute("SELECT name, version FROM versions ORDER BY rowid").fetchall()
    return ", ".join(f"{name} {number}" for name, number in rows)


def _meta(connection: sqlite3.Connection, path: Path) -> dict[str, Any]:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != _APPLICATION:
        raise SweepError(f"{path} is not a results file of qtheory sweep; it is left as it is")
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    if layout != _LAYOUT:
        raise SweepError(f"{path} has layout {layout}, this version reads layout {_LAYOUT}")
    try:
        version, grid = connection.execute("SELECT version, grid FROM sweep").fetchone()
        content = json.loads(grid)
        return {"version": version, **{table: dict(content[table]) for table in _TABLES}}
    except (TypeError, KeyError, ValueError) as error:
        raise SweepError(f"{path} is damaged: it does not say of which grid it is") from error


def _require_same(path: Path, meta: dict[str, Any], grid: Grid, version: str) -> None:
    if meta["version"] != version:
        raise SweepError(
            f"{path} was made by qtheory {meta['version']}, this is {version}: their results "
            "are not mixed. Give another file"
        )
    new = json.loads(grid.as_json())
    for table in _TABLES:
        for name, value in new[table].items():
            if meta[table].get(name) != value:
                raise SweepError(
                    f"{path} is of another grid: its {name} is {meta[table].get(name)}, here it "
                    f"is {value}. Give another file"
                )
