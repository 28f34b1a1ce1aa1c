"""Monte-Carlo simulation of the real quantized update."""

from __future__ import annotations

from typing import Any

import numpy as np

from qtheory.model.data import SecondMoments, second_moments
from qtheory.model.float_range import within_float64
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.exact import part_of_one, whole
from qtheory.simulate.blocks import (
    Floats,
    Progress,
    Work,
    require_affordable,
    run_blocks,
    sampling,
)
from qtheory.simulate.estimate import Estimate, Welford

# The standard error itself must be known before it can say when to stop.
_LEAST_BEFORE_STOP = 128
_MOST_THREADS = 1000


def simulate(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    replicates: int = 1000,
    seed: int = 0,
    *,
    relative_error: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Estimate:
    r"""Run the update with sampled data, labels and quantization errors.

    .. math:: w_t = w_{t-1} + \frac{\gamma}{B} Q_d(X)^T Q_o(Q_l(y) - Q_a(Q_d(X) Q_p(w_{t-1})))

    Error models are sampled with Gaussian errors; number formats round, as they are, on any target.
    Biased rounding is run too and marked in the result. Covariates are drawn from the law of the
    problem, and those of :class:`qtheory.Independent` and :class:`qtheory.Elliptical` as they say.

    Parameters
    ----------
    problem, quantization, sgd
        What to learn, with which quantizers, by which run; all numeric, dim finite.
    replicates
        Independent runs, at least 2; with ``relative_error``, at most so many.
    seed
        Seed of the random streams. The same seed gives the same estimate, bit for bit, for any
        number of threads; more replicates begin with the same runs, and all quantizers see the
        same data and labels.
    relative_error
        Stop when the standard error is at most this part of the mean (after 128 replicates).
        Stopping when the estimate says so biases it a little, by about that part squared.
    threads
        Threads to run in; None for one per core.
    progress
        Called with the steps done and those to do, all replicates together.

    Raises
    ------
    InvalidArgumentError
        If an argument is not what it must be.
    SymbolicValueError
        If a symbol stands where a number is needed.
    HypothesisError
        If the covariates have no law to draw from (:class:`qtheory.FourthMoment`).

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    >>> sgd = qt.SGD(stepsize="0.1", steps=60)
    >>> estimate = qt.simulate(problem, qt.Quantization(), sgd, replicates=2000)
    >>> exact = qt.excess_risk(problem, qt.Quantization(), sgd).total
    >>> bool(abs(estimate.mean - exact) < 5 * estimate.stderr)
    True
    >>> fp8 = qt.formats.get("fp8_e4m3")
    >>> nearest = qt.Quantization(gradient=qt.formats.Rounding(fp8, "nearest"))
    >>> qt.simulate(problem, nearest, sgd).biased
    ('gradient',)
    """
    run = Run(problem, quantization, sgd)
    return estimate(run, replicates, seed, relative_error, threads, progress)


def simulate_rows(
    X: Any,
    y: Any,
    quantization: Quantization,
    sgd: SGD,
    replicates: int = 1000,
    seed: int = 0,
    *,
    relative_error: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """Run the update on rows drawn from a real table, with replacement.

    The table is the population: the excess risk is that over its least-squares fit, averaged over
    its rows. As in :meth:`qtheory.Problem.from_data`, columns and labels are centred, and the
    quantizers act on the coordinates in the eigenbasis of its covariance.

    Parameters
    ----------
    X, y
        Table of shape (n, d) and labels of shape (n,).
    quantization, sgd, replicates, seed, relative_error, threads, progress
        As in :func:`simulate`.

    Raises
    ------
    DataError
        If the shapes do not fit, or an entry is not a finite number.

    Examples
    --------
    >>> import qtheory as qt
    >>> X, y = [[1, 0], [-1, 0], [0, 2], [0, -2]], [1, -1, 4, -4]
    >>> sgd = qt.SGD("0.1", steps=40)
    >>> simulate_rows(X, y, qt.Quantization(), sgd, replicates=50).mean < 1
    True
    """
    table = second_moments(X, y)
    run = Run(Problem.from_moments(table), quantization, sgd)
    return estimate(run, replicates, seed, relative_error, threads, progress, table)


@within_float64
def estimate(
    run: Run,
    replicates: int,
    seed: int,
    relative_error: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    table: SecondMoments | None = None,
) -> Estimate:
    """The estimate of :func:`simulate`, or on the rows of a table whose problem is given."""
    replicates, seed = sampling(replicates, seed)
    if threads is not None:
        threads = whole(threads, "threads", 1, _MOST_THREADS)
    if relative_error is not None:
        relative_error = part_of_one(relative_error, "relative_error")
    work = Work.of(run, table)
    # with a relative error the replicates are but the most
    least = replicates if relative_error is None else min(replicates, _LEAST_BEFORE_STOP)
    require_affordable(work, least)
    found = Welford()
    with run_blocks(work, replicates, seed, threads, progress) as blocks:
        for block in blocks:
            found = found.with_values(block.risks)
            if relative_error is None or found.count < _LEAST_BEFORE_STOP:
                continue
            if found.stderr <= relative_error * abs(found.mean):
                break
    return Estimate(found.mean, found.stderr, found.count, seed, run.quantization.biased)


@within_float64
def risks(
    run: Run, replicates: int, seed: int, progress: Progress | None = None
) -> tuple[Estimate, Floats]:
    """The estimate of :func:`simulate`, and the risk of every run.

    Runs of one seed see the same data and labels, so that those of two quantizations are pairs.
    """
    replicates, seed = sampling(replicates, seed)
    work = Work.of(run)
    require_affordable(work, replicates)
    found, every = Welford(), []
    with run_blocks(work, replicates, seed, progress=progress) as blocks:
        for block in blocks:
            found = found.with_values(block.risks)
            every.append(block.risks)
    estimated = Estimate(found.mean, found.stderr, found.count, seed, run.quantization.biased)
    return estimated, np.concatenate(every)
