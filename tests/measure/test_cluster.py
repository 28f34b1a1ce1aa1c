"""A real Dask scheduler with worker processes that are killed."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import qtheory as qt
from qtheory.measure.cluster import dask_executor
from qtheory.measure.grid import Grid, Settings
from qtheory.measure.run import sweep
from tests.measure.computations import quick_grid, repeated, rows, values

pytest.importorskip("distributed")
GRID = Grid({"dim": [10, 20], "seed": list(range(40)), "steps": 2000}, Settings(replicates=64))
PATIENCE = 60
ROOT = Path(qt.__file__).parent.parent


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@contextmanager
def running(*command, folder=ROOT):
    # started in the folder that has the package, and with no other way to it
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, command), "--no-dashboard"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(true, what):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def answers(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, stack):
        self._stack, port = stack, free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = stack.enter_context(
            running("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port)
        )
        self.workers = []
        until(lambda: answers(port), "the scheduler does not answer")

    def add_worker(self, folder=ROOT):
        options = ("--nthreads", 1, "--no-nanny")
        self.workers.append(
            self._stack.enter_context(
                running("distributed.cli.dask_worker", self.address, *options, folder=folder)
            )
        )
        self.wait_for_workers()

    def lose_worker(self):
        process = self.workers.pop()
        process.kill()
        process.wait()
        self.wait_for_workers()

    def wait_for_workers(self):
        import distributed

        with distributed.Client(self.address) as client:
            until(
                lambda: len(client.ncores()) == len(self.workers),
                "workers do not come or go",
            )


@pytest.fixture
def cluster():
    with ExitStack() as stack:
        yield Cluster(stack)


def command(grid, path, address):
    return [sys.executable, "-m", "qtheory", "sweep", grid, "--out", path, "--scheduler", address]


def one_line(text, message):
    """One line with the error, and no traceback; the progress bar is above it."""
    (line,) = [line for line in text.splitlines() if line.startswith("error: ")]
    assert message in line
    assert "Traceback" not in text
    return True


@pytest.mark.slow
def test_a_worker_killed_midway_loses_nothing(cluster, tmp_path):
    cluster.add_worker()
    cluster.add_worker()
    path, killed_at = tmp_path / "results.sqlite", []

    def kill_one(done, total):
        if done >= 10 and not killed_at:
            cluster.workers[0].kill()
            killed_at.append(done)

    with dask_executor(cluster.address) as (executor, threads):
        outcome = sweep(GRID, path, executor=executor, workers=threads, progress=kill_one)
    assert killed_at == [10]
    assert cluster.workers[0].wait(PATIENCE) != 0
    assert cluster.workers[1].poll() is None
    assert (outcome.points, outcome.known, outcome.failures) == (80, 0, ())
    assert values(path) == values(sweep(GRID, tmp_path / "here.sqlite").path)


@pytest.mark.slow
def test_a_scheduler_killed_midway_is_one_line_and_loses_nothing(cluster, tmp_path):
    cluster.add_worker()
    path, grid = tmp_path / "results.sqlite", tmp_path / "grid.toml"
    grid.write_text(
        f"[grid]\ndim = [10, 20]\nseed = {[*range(40)]}\nsteps = 2000\n[compute]\nreplicates = 64"
    )
    process = subprocess.Popen(
        command(grid, path, cluster.address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: path.exists() and stored(path) >= 5, "nothing is stored")
    cluster.scheduler.kill()
    begun = time.monotonic()
    output, errors = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - begun < 20
    assert process.returncode == 2
    assert output == ""
    assert one_line(errors, "the workers are lost")
    before = rows(path)
    assert 5 <= len(before) < 80
    assert sweep(GRID, path).known == len(before)
    assert repeated(before, rows(path)) == []
    assert len(rows(path)) == 80


def stored(path):
    try:
        return len(rows(path))
    except Exception:  # being created
        return 0


def refused(address, message):
    with pytest.raises(qt.SweepError, match=message) as raised, dask_executor(address):
        raise AssertionError("there is an executor")
    assert "\n" not in str(raised.value)
    return True


def package_of_version_0(folder):
    """Something of the name of this package, as far as the question for its version needs it."""
    (folder / "qtheory" / "measure").mkdir(parents=True)
    (folder / "qtheory" / "__init__.py").touch()
    (folder / "qtheory" / "measure" / "__init__.py").touch()
    cluster = folder / "qtheory" / "measure" / "cluster.py"
    cluster.write_text("def _version():\n    return '0.0.1'\n")
    return folder


@pytest.mark.slow
def test_no_worker_or_workers_with_another_package(cluster, tmp_path):
    assert refused(cluster.address, "has no worker, but must have qtheory")
    old, empty = package_of_version_0(tmp_path / "old"), tmp_path / "empty"
    (empty / "qtheory").mkdir(parents=True)
    (empty / "qtheory" / "__init__.py").touch()
    for folder, message in ((old, r"has 0\.0\.1, but must have"), (empty, "ModuleNotFoundError")):
        cluster.add_worker(folder)
        assert refused(cluster.address, message)
        cluster.lose_worker()
    # the negative control: with a worker of this package it goes
    cluster.add_worker()
    with dask_executor(cluster.address) as (executor, threads):
        outcome = sweep(
            quick_grid(), tmp_path / "results.sqlite", executor=executor, workers=threads
        )
    assert outcome.points == len(rows(outcome.path)) == 6


@pytest.mark.long
@pytest.mark.parametrize("there", ["nobody", "one who says nothing"])
def test_an_address_where_nobody_answers(tmp_path, there):
    grid, path = tmp_path / "grid.toml", tmp_path / "results.sqlite"
    grid.write_text("[grid]\ndim = 4")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if there != "nobody":
            silent.listen()
        begun = time.monotonic()
        dead = subprocess.run(
            command(grid, path, f"tcp://127.0.0.1:{silent.getsockname()[1]}"),
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    assert time.monotonic() - begun < 25
    assert dead.returncode == 2
    assert one_line(dead.stderr, "no Dask scheduler answers at 'tcp://127.0.0.1:")
    assert not path.exists()


@pytest.mark.parametrize("address", ["", "127.0.0.1", "smoke://127.0.0.1:8786", "tcp://:x"])
def test_an_address_that_is_none(address):
    with pytest.raises(qt.SweepError, match="no Dask scheduler answers"), dask_executor(address):
        raise AssertionError("there is an executor")


def test_without_the_package_distributed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(qt.SweepError, match=r"pip install"), dask_executor("tcp://127.0.0.1:1"):
        raise AssertionError("there is an executor")
