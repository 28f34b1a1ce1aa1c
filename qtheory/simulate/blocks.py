"""Runs in blocks, each with random streams of its own, over any number of threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from qtheory.errors import CostError, HypothesisError, InvalidArgumentError
from qtheory.model.covariates import Elliptical, Independent, KnownMoments
from qtheory.model.data import SecondMoments
from qtheory.model.error_models import Additive, ErrorModel
from qtheory.model.instance import Instance, instantiate
from qtheory.model.quantization import STORED, TARGETS, VECTORS, Quantization
from qtheory.model.quantizer import rounding_of
from qtheory.model.rounding import DITHERS
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Float64
from qtheory.numbers.exact import whole
from qtheory.simulate.packing import DONE, PEAKS, STOP, PackedQuantizer, PackedRun, packed

#: Called with the steps done and the steps to do.
Progress = Callable[[int, int], None]
Floats = np.ndarray[Any, np.dtype[np.float64]]

# Replicates of one block. Fixed, since the streams of a seed must not depend on anything else.
_REPLICATES_PER_BLOCK = 16
_SECONDS_BETWEEN_REPORTS = 0.2
# A core draws about 10^8 a second.
_MOST_SAMPLES = 10**14
_LARGEST_SEED = 10**1000
#: As many runs as are simulated at once.
MOST_REPLICATES = 10**9
# The counters of a block fill a cache line, 8 numbers long, so that threads do not share one.
_CACHE_LINE = 8
# Blocks waiting for each thread, so that none idles and few results are held.
_WAITING_PER_THREAD = 4


@dataclass(frozen=True, eq=False)
class Work:
    """What the kernel is given."""

    run: Any
    quantizers: tuple[PackedQuantizer, ...]

    @classmethod
    def of(
        cls,
        run: Run,
        table: SecondMoments | None = None,
    ) -> Work:
        """From the model; with a table, samples are drawn from its rows."""
        quantization, law = run.quantization, run.problem.covariates
        if not isinstance(law, KnownMoments):
            raise HypothesisError(
                f"covariates is {law}, but only a law can be drawn from: upper_bound takes it"
            )
        # coordinates of eigenvalue 0 matter if data errors can move them
        rounding = rounding_of(quantization.data)
        data = quantization.data if rounding is None else ErrorModel()
        if rounding is not None and rounding.mode in DITHERS:
            data = rounding.error_model()
        shared = [rounding_of(getattr(quantization, target)) for target in VECTORS]
        if any(each and each.format.is_uneven for each in shared):
            data = Additive(1)  # every coordinate has its place in a block, those of 0 too
        if run.sees_rotation:
            data = ErrorModel()  # the features are sampled as they are
        instance = instantiate(Run(run.problem, Quantization(data=data), run.sgd), Float64())
        if table is not None and table.scores.shape[1] != run.problem.dim:
            raise InvalidArgumentError("table", table, f"of as many columns as {run.problem.dim}")
        eigenvalues = np.asarray(instance.eigenvalues)  # those left out are the last
        target, noise, mixing = np.asarray(instance.target), instance.noise, np.empty((0, 0))
        if run.problem.features is not None and run.sees_rotation:
            mixing, target = run.problem.features.sampled_from()
            eigenvalues = np.ones(len(target))
        length = len(mixing) or len(eigenvalues)
        for each in shared:
            if each is not None:
                each.format.of_coordinates(length)  # which says if it has not as many
        window = run.window
        packed_run = PackedRun(
            eigenvalues=eigenvalues,
            target=target,
            noise=float(noise),
            stepsizes=_each(instance, 1, np.float64),
            batches=_each(instance, 2, np.int64),
            momentum=float(instance.momentum),
            error_feedback=run.sgd.error_feedback,
            first=window.first,
            last=window.last,
            averaged=window.averaged,
            kurtosis=float(law.kurtosis) if isinstance(law, Independent) else 0.0,
            fourth=float(law.fourth) if isinstance(law, Elliptical) else 1.0,
            rows=np.empty((0, 0)) if table is None else table.scores[:, : len(eigenvalues)].copy(),
            labels=np.empty(0) if table is None else table.labels,
            mixing=mixing,
            sketching=float(instance.sketching),
        )
        every = (*TARGETS, STORED)
        return cls(packed_run, tuple(packed(getattr(quantization, t), t) for t in every))


def _each(instance: Instance, which: int, dtype: type) -> Any:
    """The stepsizes or batches of all steps, one alone where they are equal."""
    if instance.schedule is None:
        return np.array([instance.stepsize if which == 1 else instance.batch], dtype)
    counts = [pace[0] for pace in instance.schedule]
    return np.repeat(np.array([pace[which] for pace in instance.schedule], dtype), counts)


@dataclass(frozen=True, eq=False)
class Block:
    """The risks of some runs, and what was observed of the targets if that was asked for."""

    risks: Floats
    observed: Floats


@contextmanager
def run_blocks(
    work: Work,
    replicates: int,
    seed: int,
    threads: int | None = None,
    progress: Progress | None = None,
    *,
    observing: bool = False,
) -> Iterator[Iterator[Block]]:
    """The blocks in order, computed ahead by the threads; leaving the context stops them."""
    threads = threads or os.cpu_count() or 1
    waiting: deque[tuple[Future[Block], Any]] = deque()
    pool = ThreadPoolExecutor(threads)
    finished = 0

    def report() -> None:
        if progress is not None:
            begun = sum(int(steps[DONE]) for _, steps in waiting)
            progress(finished + begun, replicates * work.run.last)

    def first() -> Block:
        nonlocal finished
        block, steps = waiting[0]
        while not wait([block], _SECONDS_BETWEEN_REPORTS).done:
            report()
        waiting.popleft()
        finished += int(steps[DONE])
        report()
        return block.result()

    def in_order() -> Iterator[Block]:
        for index, begin in enumerate(range(0, replicates, _REPLICATES_PER_BLOCK)):
            if len(waiting) == _WAITING_PER_THREAD * threads:
                yield first()
            size = min(_REPLICATES_PER_BLOCK, replicates - begin)
            steps = np.zeros(_CACHE_LINE, dtype=np.int64)
            waiting.append((pool.submit(_block, work, size, seed, index, steps, observing), steps))
        while waiting:
            yield first()

    try:
        yield in_order()
    finally:
        for _, steps in waiting:
            steps[STOP] = 1
        pool.shutdown(cancel_futures=True)


def _block(
    work: Work, replicates: int, seed: int, index: int, steps: Any, observing: bool
) -> Block:
    from qtheory.simulate.kernel import run_block

    samples, errors = (
        np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(index, which))))
        for which in range(2)
    )
    risks = np.full(replicates, np.nan)
    columns = PEAKS + work.run.length
    observed = np.zeros((len(TARGETS) + 1 if observing else 0, columns))
    run_block(samples, errors, work.run, work.quantizers, risks, steps, observed)
    return Block(risks, observed)


def sampling(replicates: Any, seed: Any) -> tuple[int, int]:
    """The number of replicates, at least 2, and the seed; InvalidArgumentError if they are none."""
    return whole(replicates, "replicates", 2, MOST_REPLICATES), whole(
        seed, "seed", 0, _LARGEST_SEED
    )


def require_affordable(work: Work, replicates: int) -> None:
    """Raise CostError before runs are begun that would go on for weeks."""
    run = work.run
    batch = int(run.batches.max())
    numbers = replicates * run.last * batch * max(len(run.eigenvalues), run.mixing.size)
    if numbers > _MOST_SAMPLES:
        raise CostError(
            f"{replicates} replicates of {run.last} steps with batch {batch} in dimension "
            f"{len(run.eigenvalues)} draw {numbers:.2g} numbers; the limit is {_MOST_SAMPLES:.0e}"
        )
