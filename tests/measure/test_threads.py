"""Threads, processes and a cluster of threads compute what one process alone does, to the bit.

flint and mpmath have one precision for the whole process: before they were given to one computation
at a time, four of sixteen values became NaN.
"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext

import flint
import mpmath
import pytest

import qtheory as qt
from qtheory.measure.grid import Grid, Settings
from qtheory.measure.run import sweep
from qtheory.numbers import precision

# with long runs and small noise, and with formats, values need balls
GRID = Grid(
    {
        "dim": [3, 20],
        "quantize": ["none", "label=additive:0.1", "data=format:int4:1/4"],
        "steps": [20, 2000],
        "noise": ["0", "1e-20"],
        "output": ["average", "last"],
    },
    Settings(replicates=4),
)
LARGER = Grid(
    {
        "dim": [3, 20, 60, "oo"],
        "quantize": ["none", "label=additive:0.1", "parameter=additive:1e-6"],
        "steps": [20, 400, 5000],
        "noise": ["0", "1e-20", "1"],
    },
    Settings(replicates=4),
)


def stored(path):
    """Every value of every point; only the seconds differ."""
    columns = "key, exact, lower, upper, simulated, stderr, replicates, biased, error"
    with closing(sqlite3.connect(path)) as connection:
        return sorted(connection.execute(f"SELECT {columns} FROM points"))


@contextmanager
def threads_of_a_cluster(count):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=count, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


def swept(path, grid, executors, workers=1):
    with executors as executor:
        outcome = sweep(grid, path, executor=executor, workers=workers)
    assert outcome.failures == ()
    return stored(path)


def test_threads_store_what_one_process_does(tmp_path):
    serial = swept(tmp_path / "serial", GRID, nullcontext())
    before = flint.ctx.prec, mpmath.mp.prec
    assert swept(tmp_path / "threads", GRID, ThreadPoolExecutor(8), 8) == serial
    assert (flint.ctx.prec, mpmath.mp.prec) == before
    assert all(row[1] is not None for row in serial)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what Dask warns of at its end
def test_a_hundred_points_four_ways(tmp_path):
    serial = swept(tmp_path / "serial", LARGER, nullcontext())
    assert len(serial) == 108
    assert swept(tmp_path / "threads", LARGER, ThreadPoolExecutor(8), 8) == serial
    assert swept(tmp_path / "processes", LARGER, nullcontext(), 2) == serial
    assert swept(tmp_path / "cluster", LARGER, threads_of_a_cluster(8), 8) == serial


def values(count):
    def value(k):
        problem = qt.Problem(qt.oo, qt.PowerLaw(2 + k % 3), qt.Constant(1), noise=0)
        return str(qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=300 + k), 12 + k))

    with ThreadPoolExecutor(count) as executor:
        return list(executor.map(value, range(8)))


def test_digits_do_not_depend_on_other_threads():
    assert values(8) == values(1)


def test_proofs_and_rates_in_threads():
    def one(k):
        if k % 2:
            return qt.prove("spectral_shape").checked
        return str(qt.compare_orders("N", "N**2", ["N >= 1"]))

    with ThreadPoolExecutor(8) as executor:
        found = list(executor.map(one, range(16)))
    assert found == [one(k) for k in range(16)]


def test_precision_is_put_back_after_an_error():
    before = flint.ctx.prec, mpmath.mp.prec
    with (
        pytest.raises(ZeroDivisionError),
        precision.working_bits(999),
        precision.working_digits(77),
    ):
        raise ZeroDivisionError
    assert (flint.ctx.prec, mpmath.mp.prec) == before


def test_without_the_lock_precisions_meet(monkeypatch):
    """The negative control: a thread that does not wait changes the precision of another."""
    monkeypatch.setattr(precision, "_LOCK", nullcontext())
    seen = []
    with ThreadPoolExecutor(1) as executor, precision.working_bits(500):

        def other():
            with precision.working_bits(100):
                seen.append(flint.ctx.prec)

        executor.submit(other).result()
        # while this one is at work the other has run, at its own precision
    assert seen == [100]


def test_with_the_lock_others_wait():
    order = []
    with ThreadPoolExecutor(1) as executor:
        with precision.working_bits(500):

            def other():
                with precision.working_bits(100):
                    order.append(flint.ctx.prec)

            waiting = executor.submit(other)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
            order.append(flint.ctx.prec)
        waiting.result(timeout=30)
    assert order == [500, 100]
