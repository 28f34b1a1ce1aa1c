"""Sweeps that are killed, whose workers die or whose points break down: nothing is lost."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import psutil
import pytest

import qtheory as qt
from qtheory.measure.grid import Grid, Settings
from qtheory.measure.point import compute_point
from qtheory.measure.run import sweep
from tests.measure.computations import (
    ends_at_three,
    is_intact,
    quick_grid,
    raises_at_three,
    repeated,
    rows,
    seed_of,
    values,
)

GRID = quick_grid()


def test_every_point_once_and_nothing_twice(tmp_path):
    path, seen = tmp_path / "results.sqlite", []
    first = sweep(GRID, path, progress=lambda *numbers: seen.append(numbers))
    before = rows(path)
    assert set(before) == {point.key for point in GRID}
    assert seen == [(k, 6) for k in range(1, 7)]
    assert (first.points, first.known, first.failures, first.errors) == (6, 0, (), 0)
    assert sweep(GRID, path).known == 6
    assert repeated(before, rows(path)) == []


def test_a_repeated_or_lost_point_is_seen(tmp_path):
    path = sweep(GRID, tmp_path / "results.sqlite").path
    before = rows(path)
    (again,) = [key for key in before if '"seed": "2"' in key]
    with qt.measure.store.open_store(path, GRID, qt.__version__) as store:
        store._connection.execute("DELETE FROM points WHERE key = ?", (again,))
        store._connection.commit()
    assert repeated(before, rows(path)) == [again]  # lost
    sweep(GRID, path)
    assert repeated(before, rows(path)) == [again]  # computed again
    assert values(path) == values(sweep(GRID, tmp_path / "undisturbed.sqlite").path)


# ---- kill -9 ----


SLOWER = """
[grid]
dim = [10, 20]
quantize = ["none", "all=additive:0.01", "data=format:fp8_e4m3 label=format:int8:1/16"]
steps = 2000
seed = [0, 1, 2, 3, 4, 5]
[compute]
replicates = 64
bounds = false
"""


def started(grid, path, *options):
    command = [sys.executable, "-m", "qtheory", "sweep", grid, "--out", path, *options]
    return subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def stored(path):
    try:
        return rows(path) if path.exists() else {}
    except Exception:  # not yet created, or being written
        return {}


def killed(process, path, known, random_numbers):
    """Kill -9 at some moment after a new point is stored; the workers it had must end too."""
    more = random_numbers.randrange(1, 5)
    patience = time.monotonic() + 60
    while len(stored(path)) < known + more:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < patience
        time.sleep(0.005)
    time.sleep(random_numbers.uniform(0, 0.03))
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    return workers


def all_end(processes, seconds):
    _, left = psutil.wait_procs(processes, timeout=seconds)
    for process in left:
        process.kill()
    return not left


@pytest.mark.parametrize(("workers", "kills"), [(1, 2), pytest.param(2, 2, marks=pytest.mark.slow)])
def test_kill_9_loses_nothing_and_repeats_nothing(tmp_path, workers, kills):
    grid, path = tmp_path / "grid.toml", tmp_path / "results.sqlite"
    grid.write_text(SLOWER)
    random_numbers = random.Random(workers)
    history = [{}]
    for _ in range(kills):
        process = started(grid, path, "--workers", workers)
        children = killed(process, path, len(history[-1]), random_numbers)
        assert len(children) >= (workers if workers > 1 else 0)
        assert all_end(children, 20)
        assert is_intact(path)
        history.append(rows(path))
    assert len(history[-1]) < len(qt.load_grid(grid))  # or nothing was killed
    process = started(grid, path, "--workers", workers)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert f"36 points, {len(history[-1])} of them known before, 0 broke down" in output
    after = rows(path)
    assert set(after) == {point.key for point in qt.load_grid(grid)}
    for before in history:
        assert repeated(before, after) == []
    assert values(path) == values(sweep(grid, tmp_path / "undisturbed.sqlite").path)


def test_a_process_that_stays_is_seen():
    sleeping = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert not all_end([psutil.Process(sleeping.pid)], 0.1)
    sleeping.wait()


# ---- executors ----


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        yield processes


def test_every_executor_finds_the_same(tmp_path, pool):
    grid = Grid(
        {"dim": [4, 8], "steps": 20, "seed": [0, 1], "quantize": ["none", "all=format:int8:1/16"]},
        Settings(replicates=40, relative_error=0.2, calibrate=True),
    )
    here = values(sweep(grid, tmp_path / "here.sqlite").path)
    assert all(value is not None for row in here.values() for value in row[1:-2])
    with ThreadPoolExecutor(3) as threads:
        for name, executor in (("threads", threads), ("processes", pool)):
            path = sweep(grid, tmp_path / name, executor=executor).path
            assert values(path) == here
        assert threads.submit(int).result() == 0  # it is not shut down
    other = Grid({**grid.axes, "seed": ["2", "3"]}, grid.settings)
    assert {row[4] for row in values(sweep(other, tmp_path / "other").path).values()}.isdisjoint(
        row[4] for row in here.values()
    )


def test_more_points_than_are_handed_out_ahead(tmp_path):
    grid = quick_grid(range(100))
    with ThreadPoolExecutor(2) as threads:
        path = sweep(grid, tmp_path / "results.sqlite", executor=threads).path
    assert len(rows(path)) == 100


@pytest.mark.parametrize("workers", [0, -1, True, 1.5, "2"])
def test_a_wrong_number_of_workers(tmp_path, workers):
    with pytest.raises(qt.QTheoryError, match="workers is"):
        sweep(GRID, tmp_path / "results.sqlite", workers=workers)
    assert not (tmp_path / "results.sqlite").exists()


def test_a_worker_that_dies_is_reported_and_the_rest_is_stored(tmp_path, monkeypatch):
    path = tmp_path / "results.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr("qtheory.measure.run.compute_point", ends_at_three)
        lost = pytest.raises(qt.SweepError, match=r"workers are lost.*the same command goes on")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as broken, lost:
            sweep(GRID, path, executor=broken)
    before = rows(path)
    assert len(before) == 3
    assert sweep(GRID, path).known == 3
    assert repeated(before, rows(path)) == []
    assert len(rows(path)) == len(GRID)


class Immediate(Executor):
    """Every task is done when it is handed in, so that all come back together."""

    def __init__(self, broken=(), cancelled=(), closed_after=1000):
        self.broken, self.cancelled, self.closed_after = broken, cancelled, closed_after

    def submit(self, function, point, settings):
        future = Future()
        if self.closed_after == 0:
            raise RuntimeError("cannot schedule new futures after shutdown")
        self.closed_after -= 1
        if seed_of(point) in self.cancelled:
            future.cancel()
            future.set_running_or_notify_cancel()
        elif seed_of(point) in self.broken:
            future.set_exception(BrokenProcessPool("a process ended"))
        else:
            future.set_result(function(point, settings))
        return future


@pytest.mark.parametrize(
    ("executor", "stored_seeds"),
    [
        (Immediate(broken=[2, 4]), {0, 1, 3, 5}),
        (Immediate(cancelled=[0]), {1, 2, 3, 4, 5}),
        (Immediate(closed_after=3), {0, 1, 2}),
    ],
)
def test_what_is_finished_with_the_breakdown_is_stored(tmp_path, executor, stored_seeds):
    path = tmp_path / "results.sqlite"
    with pytest.raises(qt.SweepError, match="workers are lost"):
        sweep(GRID, path, executor=executor)
    assert set(rows(path)) == {p.key for p in GRID if seed_of(p) in stored_seeds}
    assert sweep(GRID, path, executor=Immediate()).known == len(stored_seeds)


@pytest.mark.parametrize("where", ["here", "threads"])
def test_a_point_that_breaks_down_is_reported_and_tried_again(tmp_path, monkeypatch, where):
    path = tmp_path / "results.sqlite"
    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as threads:
        patch.setattr("qtheory.measure.run.compute_point", raises_at_three)
        executor = threads if where == "threads" else None
        for known in (0, 5):
            outcome = sweep(GRID, path, executor=executor)
            ((point, reason),) = outcome.failures
            assert (seed_of(point), outcome.known) == (3, known)
            assert reason == "RuntimeError: three is too much"
            assert len(rows(path)) == 5
    assert sweep(GRID, path) == qt.measure.run.Outcome(path, 6, 5, ())
    assert len(rows(path)) == 6


def test_compute_point_times_itself_and_keeps_what_it_has():
    (point,) = Grid({"dim": "oo", "steps": 5}, Settings(replicates=2))
    result = compute_point(point, Settings(replicates=2))
    assert result["exact"] > 0
    assert result["simulated"] is None
    assert result["error"].startswith("simulated: InvalidArgumentError: dim is oo")
    assert result["seconds"] > 0


SCRIPT = """\
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import qtheory as qt
from qtheory.checks import verify
grid = qt.Grid({{"dim": [4, 8], "steps": 20}})
out = sys.argv[1]
{guard}
"""
CALLS = {
    "workers": "qt.sweep(grid, out, workers=2)",
    "executor": "with ProcessPoolExecutor(2, get_context('spawn')) as processes: "
    "qt.sweep(grid, out, executor=processes)",
    "verify": "verify(steps=20, workers=2)",
}


def as_a_script(tmp_path, lines, *options):
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(guard=lines))
    command = [sys.executable, *(options or [file]), str(tmp_path / "results.sqlite")]
    here = {**os.environ, "PYTHONPATH": os.getcwd()}
    with file.open() as text:
        return subprocess.run(command, capture_output=True, text=True, stdin=text, env=here)


@pytest.mark.parametrize("call", CALLS)
def test_a_script_without_a_main_guard_is_told_what_is_missing(tmp_path, call):
    run = as_a_script(tmp_path, CALLS[call])
    assert run.returncode == 1
    assert "if __name__ == '__main__':" in run.stderr.splitlines()[-1]
    # one traceback, that of the script: the workers end in silence
    assert run.stderr.count("Traceback") == 1 + run.stderr.count("direct cause")
    if call == "workers":
        assert "goes on from there" not in run.stderr


@pytest.mark.parametrize("call", ["workers", "executor"])
def test_with_a_main_guard_it_runs(tmp_path, call):
    run = as_a_script(tmp_path, f"if __name__ == '__main__':\n    {CALLS[call]}")
    assert (run.returncode, run.stderr) == (0, "")
    assert len(rows(tmp_path / "results.sqlite")) == 2


def test_a_script_that_is_no_file_is_told_so(tmp_path):
    run = as_a_script(tmp_path, CALLS["workers"], "-")
    assert run.returncode == 1
    assert "the script must be a file" in run.stderr
