"""The results file: what is refused and left as it is, a full disk, and what is read from it."""

import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

import qtheory as qt
from qtheory.checks.thorough import verify_thoroughly
from qtheory.measure.grid import AXES, Grid, Settings
from qtheory.measure.run import sweep
from qtheory.measure.store import open_store
from tests.measure.computations import (
    EXACT,
    is_intact,
    quick_grid,
    repeated,
    rows,
    values,
)

GRID = quick_grid()


@pytest.fixture
def results(tmp_path):
    return sweep(GRID, tmp_path / "results.sqlite").path


def refused(path, message, grid=GRID):
    """The sweep is refused with this message, and the file is what it was."""
    before = path.read_bytes()
    with pytest.raises(qt.SweepError, match=message) as raised:
        sweep(grid, path)
    assert path.read_bytes() == before
    assert "\n" not in str(raised.value)
    return True


def test_a_file_of_the_same_grid_is_gone_on_with(results):
    before = results.read_bytes()
    assert sweep(GRID, results).known == len(GRID)
    assert results.read_bytes() == before
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        refused(results, "anything")


def test_the_versions_that_had_a_part_are_kept(results, monkeypatch):
    import numpy

    assert f"numpy {numpy.__version__}" in qt.load_sweep(results).attrs["versions"]
    monkeypatch.setattr("qtheory.measure.store.versions", lambda *names, machine: {"numpy": "0.1"})
    sweep(GRID, results)
    found = qt.load_sweep(results).attrs["versions"]
    assert f"numpy {numpy.__version__}" in found  # both, since both may have computed something
    assert "numpy 0.1" in found


def test_a_file_from_before_versions_were_kept_is_read_and_gone_on_with(results):
    with closing(sqlite3.connect(results)) as connection:
        connection.execute("DROP TABLE versions")
    assert qt.load_sweep(results).attrs["versions"] == ""
    assert sweep(GRID, results).known == len(GRID)
    assert "python" in qt.load_sweep(results).attrs["versions"]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (quick_grid(noise=2), r"another grid: its noise is \['1'\], here it is \['2'\]"),
        (quick_grid(range(7)), "another grid: its seed is"),
        (Grid(GRID.axes, Settings(bounds=True)), "its bounds is False, here it is True"),
        (Grid(GRID.axes, Settings(bounds=False, replicates=2)), "its replicates is 0"),
    ],
)
def test_a_file_of_another_grid_or_setting(results, grid, message):
    assert refused(results, message, grid)


def test_a_file_of_another_version(results, monkeypatch):
    monkeypatch.setattr(qt, "__version__", "99.0")
    assert refused(results, r"made by qtheory .*, this is 99\.0")


def altered(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("PRAGMA user_version = 3", "has layout 3, this version reads layout 2"),
        ("PRAGMA application_id = 1", "is not a results file of qtheory sweep"),
        ("DROP TABLE sweep", "no such table: sweep"),
        ("DROP TABLE points", "no such table: points"),
        ("DELETE FROM sweep", "is damaged"),
        ("UPDATE sweep SET grid = 'nonsense'", "is damaged"),
        ("UPDATE sweep SET grid = '{}'", "is damaged"),
        ("UPDATE sweep SET grid = '[]'", "is damaged"),
    ],
)
def test_a_file_of_another_layout_or_damaged(results, statement, message):
    altered(results, statement)
    assert refused(results, message)
    with pytest.raises(qt.SweepError, match=message):
        qt.load_sweep(results)


@pytest.mark.parametrize("key", ["nonsense", "{}", '{"dim": "5"}'])
def test_a_row_of_no_point_of_the_grid(results, key):
    altered(results, f"UPDATE points SET key = '{key}' WHERE rowid = 1")
    with pytest.raises(qt.SweepError, match="is no point of its grid"):
        qt.load_sweep(results)


def test_what_is_not_sqlite_or_of_something_else(tmp_path):
    text, other = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("do not lose this " * 100)
    altered(other, "CREATE TABLE mine (valuable TEXT)")
    for path, message in ((text, "not a database"), (other, "not a results file of qtheory")):
        assert refused(path, message)
        with pytest.raises(qt.SweepError, match=message):
            qt.load_sweep(path)


def test_places_where_no_file_can_be(tmp_path):
    for path in (tmp_path, tmp_path / "missing" / "results.sqlite"):
        with pytest.raises(qt.SweepError, match="cannot be opened"):
            sweep(GRID, path)
        with pytest.raises(qt.SweepError, match="is not a file"):
            qt.load_sweep(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_and_a_file_that_may_not_be_written(results):
    results.parent.chmod(0o500)
    try:
        with pytest.raises(qt.SweepError, match="cannot be opened"):
            sweep(GRID, results.parent / "new.sqlite")
        assert refused(results, "cannot be")
        assert qt.load_sweep(results).exact.notnull().all()
    finally:
        results.parent.chmod(0o700)


def test_a_name_with_the_letters_of_an_address(tmp_path):
    path = tmp_path / "a?mode=memory#%41 é.sqlite"
    sweep(GRID, path)
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name]
    assert qt.load_sweep(path).exact.notnull().all()


def test_two_sweeps_at_once_on_a_file(tmp_path):
    path = tmp_path / "results.sqlite"
    command = [sys.executable, "-c", "import sys, qtheory as qt\nqt.sweep(*sys.argv[1:])"]
    grid = tmp_path / "grid.toml"
    grid.write_text(f"[grid]\ndim = 4\nsteps = 10\nseed = {[*range(6)]}\n[compute]\nbounds = false")
    with open_store(path, GRID, qt.__version__):
        assert refused(path, "is being written by another sweep")
        second = subprocess.run([*command, grid, path], capture_output=True, text=True, check=False)
        assert "SweepError" in second.stderr
        assert "is being written by another sweep" in second.stderr
        assert rows(path) == {}
    # the negative control: the same command, when nobody else writes
    subprocess.run([*command, grid, path], check=True)
    assert len(rows(path)) == len(GRID)
    assert sorted(each.name for each in tmp_path.iterdir()) == [grid.name, path.name]


@pytest.fixture
def small_disk(monkeypatch):
    """Databases that cannot grow past some pages, which SQLite treats as a full disk."""
    connect = sqlite3.connect

    def limited(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 8")
        return connection

    monkeypatch.setattr("qtheory.measure.store.sqlite3.connect", limited)
    return monkeypatch


@pytest.mark.parametrize("workers", ["none", "threads"])
def test_a_full_disk_ends_the_sweep_and_loses_nothing(tmp_path, small_disk, workers):
    path, grid = tmp_path / "results.sqlite", quick_grid(range(60))
    with ThreadPoolExecutor(2) as pool:
        executor = pool if workers == "threads" else None
        with pytest.raises(qt.SweepError, match=r"full.*kept; the same command goes on") as raised:
            sweep(grid, path, executor=executor)
    assert "\n" not in str(raised.value)
    before = rows(path)
    assert 0 < len(before) < len(grid)
    assert is_intact(path)
    small_disk.undo()
    assert sweep(grid, path).known == len(before)
    assert repeated(before, rows(path)) == []
    assert values(path) == values(sweep(grid, tmp_path / "undisturbed.sqlite").path)


def test_after_a_full_disk_no_worker_goes_on(tmp_path, small_disk):
    computed = []

    def slow(point, settings, threads=1):
        computed.append(point)
        time.sleep(0.02)
        return dict.fromkeys(("exact", "lower", "upper", "simulated", "stderr", "replicates",
                              "seconds", "biased", "error"))  # fmt: skip

    small_disk.setattr("qtheory.measure.run.compute_point", slow)
    path, pool = tmp_path / "results.sqlite", ThreadPoolExecutor(1)
    with pytest.raises(qt.SweepError, match="full") as raised:
        sweep(quick_grid(range(200)), path, executor=pool)
    stored = len(rows(path))
    pool.shutdown()
    assert raised.value.__traceback__ is not None  # kept, as by whoever handles the error
    # the one that did not fit, and those begun meanwhile; 16 are handed out ahead
    assert stored < len(computed) <= stored + 4


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
from qtheory.cli import main
main()
"""


def test_a_file_that_may_not_grow(tmp_path):
    """The system refuses the write itself, as on a full disk; Python ignores SIGXFSZ."""
    grid, path = tmp_path / "grid.toml", tmp_path / "results.sqlite"
    grid.write_text(
        f"[grid]\ndim = 4\nsteps = 10\nseed = {[*range(90)]}\n[compute]\nbounds = false"
    )

    def run(limit):
        command = [sys.executable, "-c", LIMITED, str(limit), "sweep", grid, "--out", path]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    full = run(40_000)
    assert full.returncode == 2
    assert "Traceback" not in full.stderr
    (line,) = [line for line in full.stderr.splitlines() if line.startswith("error: ")]
    assert "results before this one are kept; the same command goes on from there" in line
    before = rows(path)
    assert 0 < len(before) < 90
    assert is_intact(path)
    again = run(10_000_000)
    assert again.returncode == 0
    assert f"90 points, {len(before)} of them known before, 0 broke down" in again.stdout
    assert repeated(before, rows(path)) == []


def test_a_file_left_in_the_middle_of_a_write_is_read(results):
    """kill -9 within a transaction leaves a journal, which has to be rolled back to read on."""
    before, content = rows(results), results.read_bytes()
    code = f"""if True:
        import os, signal, sqlite3
        connection = sqlite3.connect({str(results)!r})
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE points SET exact = 0")
        for k in range(300):  # more than the cache holds, so that the file itself is changed
            connection.execute("INSERT INTO points(key) VALUES (?)", (f"{{k}}" * 200,))
        os.kill(os.getpid(), signal.SIGKILL)"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    journal = results.with_name(results.name + "-journal")
    assert journal.exists()
    assert results.read_bytes() != content  # or there is nothing to roll back
    assert (qt.load_sweep(results).exact > 0).all()
    assert not journal.exists()
    assert rows(results) == before


@pytest.mark.long
def test_a_sweep_waits_for_one_who_reads_long(tmp_path):
    path = sweep(quick_grid(range(2)), tmp_path / "results.sqlite").path
    altered(path, "DELETE FROM points WHERE rowid = 1")
    reading, ended = threading.Event(), threading.Event()

    def read():
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT * FROM points").fetchone()
            reading.set()
            ended.wait(7)  # longer than the 5 seconds after which sqlite3 gives up by itself

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait()
    assert sweep(quick_grid(range(2)), path).known == 1
    ended.set()
    reader.join()
    assert len(rows(path)) == 2


# ---- load_sweep ----


AXES_USED = {
    "dim": [4, 8],
    "quantize": ["none", "all=additive:0.01+multiplicative:0.01", "all=format:int4:1/4"],
    "batch": [1, 4],
    "stepsize": ["1/10", "5"],
    "steps": 40,
    "seed": [0, 3],
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    grid = Grid(AXES_USED, Settings(replicates=32))
    return grid, qt.load_sweep(sweep(grid, tmp_path_factory.mktemp("sweep") / "r.sqlite").path)


def test_every_axis_is_a_dimension_and_numbers_are_numbers(loaded):
    _, data = loaded
    assert tuple(data.sizes) == tuple(AXES)
    assert dict(data.sizes) == {**dict.fromkeys(AXES, 1), "dim": 2, "quantize": 3, "batch": 2,
                                "stepsize": 2, "seed": 2}  # fmt: skip
    assert data.dim.values.tolist() == [4, 8]
    assert data.stepsize.values.tolist() == [0.1, 5.0]
    assert data["tail"].values.tolist() == [0.5]
    assert data["quantize"].values.tolist() == AXES_USED["quantize"]
    assert data.spectrum.values.tolist() == ["power-law:2"]
    assert data.attrs["qtheory"] == qt.__version__
    assert data.attrs["replicates"] == "32"


def direct(point):
    """The same results by the public functions, one by one."""
    problem, quantization, sgd, seed = point.model()

    def total(function):
        try:
            return float(function(problem, quantization.error_models(), sgd).total)
        except qt.UnstableError:
            return math.inf
        except qt.HypothesisError:
            return math.nan

    estimate = qt.simulate(problem, quantization, sgd, 32, seed)
    mean, stderr = (np.nan_to_num(v, nan=math.inf) for v in (estimate.mean, estimate.stderr))
    functions = {"exact": qt.excess_risk, "lower": qt.lower_bound, "upper": qt.upper_bound}
    found = {name: total(function) for name, function in functions.items()}
    return {**found, "simulated": mean, "stderr": stderr, "replicates": 32.0}


def differences(grid, data):
    for point in grid:
        place = tuple(grid.axes[name].index(v) for name, v in zip(AXES, point.values, strict=True))
        for name, value in direct(point).items():
            if not np.array_equal(data[name].values[place], value, equal_nan=True):
                yield point.key, name


def test_the_results_are_those_of_the_public_functions(loaded):
    grid, data = loaded
    assert list(differences(grid, data)) == []
    # the negative control: an axis the wrong way round is seen
    assert len(list(differences(grid, data.isel(dim=[1, 0])))) > 10


def test_what_is_unstable_is_infinite_and_has_no_bound(loaded):
    _, data = loaded
    stable, unstable = data.sel(stepsize=0.1), data.sel(stepsize=5)
    assert np.isfinite(stable.exact).all()
    assert np.isinf(unstable.exact).all()
    assert unstable.upper.isnull().all()
    assert (
        ((stable.lower <= stable.exact) & (stable.exact <= stable.upper)).sel(quantize="none").all()
    )
    assert (data.seconds > 0).all()


def test_what_is_not_finished_is_nan(tmp_path):
    class EnoughError(Exception):
        pass

    def stop(done, total):
        if done == 4:
            raise EnoughError

    path = tmp_path / "results.sqlite"
    with pytest.raises(EnoughError):
        sweep(GRID, path, progress=stop)
    exact = qt.load_sweep(path).exact.squeeze()
    assert exact.notnull().values.tolist() == [True] * 4 + [False] * 2
    assert sweep(GRID, path).known == 4
    assert qt.load_sweep(path).exact.notnull().all()


def test_what_cannot_be_had_is_an_error_in_its_place(tmp_path):
    grid = Grid({"dim": [4, "oo"], "steps": 10}, Settings(exact=False, bounds=False, replicates=2))
    outcome = sweep(grid, tmp_path / "results.sqlite")
    assert outcome.failures == ()
    assert outcome.errors == 1
    data = qt.load_sweep(outcome.path).squeeze()
    assert data.dim.values.tolist() == ["4", "oo"]
    fine, infinite = data.error.values.tolist()
    assert fine == ""
    assert infinite.startswith("simulated: InvalidArgumentError: dim is oo")
    assert data["simulated"].notnull().values.tolist() == [True, False]


def test_settings_that_are_off_leave_nan(results):
    data = qt.load_sweep(results)
    assert data.exact.notnull().all()
    for name in ("lower", "upper", "simulated", "stderr", "replicates"):
        assert data[name].isnull().all()
    assert GRID.settings == EXACT


def test_a_file_that_cannot_be_opened_says_why(tmp_path):
    grid = Grid({"dim": [4], "steps": 10})
    with pytest.raises(qt.SweepError, match=r"cannot be opened: there is no folder .*nowhere"):
        sweep(grid, tmp_path / "nowhere" / "results.sqlite")
    with pytest.raises(qt.SweepError, match="cannot be opened: it is a folder"):
        sweep(grid, tmp_path)
    store = tmp_path / "nowhere" / "verify.sqlite"
    with pytest.raises(qt.SweepError, match="cannot be opened: there is no folder"):
        verify_thoroughly(store, instances=1, todo=[])
    assert sweep(grid, tmp_path / "results.sqlite").points == 1


def test_errors_that_may_not_be_the_points_own_are_asked_again(tmp_path):
    """A false error of a thread was stored once, and counted as known for ever."""
    path = tmp_path / "results.sqlite"
    sweep(GRID, path)
    right = qt.load_sweep(path).exact
    keys = [point.key for point in GRID]
    false = "exact: CostError: at 1446 bits the spectrum is compressed to 9 coordinates: 2.9 hours"
    own = "exact: UnstableError: stepsize is 1; upper: InvalidArgumentError: dim is oo"
    with closing(sqlite3.connect(path)) as connection, connection:
        for key, error in ((keys[0], false), (keys[1], own)):
            connection.execute(
                "UPDATE points SET exact = NULL, error = ? WHERE key = ?", (error, key)
            )
    outcome = sweep(GRID, path)
    assert (outcome.known, outcome.errors) == (len(GRID) - 1, 1)
    again = qt.load_sweep(path)
    assert again.exact.isnull().sum() == 1
    assert sorted(filter(None, again.error.values.ravel().tolist())) == [own]
    assert (again.exact == right).sum() == len(GRID) - 1
