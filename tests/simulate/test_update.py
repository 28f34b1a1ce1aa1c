"""The simulation of the real update against the exact risk, and its reproducibility."""

import itertools
import math
import random
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.model import formats
from qtheory.model.quantization import TARGETS
from qtheory.model.quantizer import Rounding
from qtheory.model.run import Run
from qtheory.simulate import simulate_rows
from qtheory.simulate.blocks import Work, run_blocks
from qtheory.simulate.estimate import Welford
from tests.risk.known_totals import PROBLEM, SMALL, STEPS
from tests.simulate.numpy_update import numpy_risks

DISTANCE = 4  # standard errors
FAR = 6  # for new checks: about two in 10^9 by luck


def mean_of(risks):
    """The mean and its standard error."""
    return risks.mean(), risks.std(ddof=1) / math.sqrt(len(risks))


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
@pytest.mark.parametrize("output", ["average", "last", "tail"])
def test_simulation_agrees_with_the_exact_risk(case, output):
    sgd = qt.SGD("0.1", case.batch, steps=STEPS, output=output)
    estimate = qt.simulate(PROBLEM, case.quantization, sgd, replicates=2000, seed=7)
    exact = qt.excess_risk(PROBLEM, case.quantization, sgd).total
    assert abs(estimate.mean - exact) < DISTANCE * estimate.stderr


def test_a_wrong_model_is_seen():
    sgd = qt.SGD("0.1", steps=STEPS)
    estimate = qt.simulate(PROBLEM, qt.Quantization(), sgd, replicates=2000, seed=7)
    data = qt.Quantization(data=qt.Additive("0.1"))
    wrong = qt.excess_risk(PROBLEM, data, sgd).total
    assert abs(estimate.mean - wrong) > DISTANCE * estimate.stderr


def test_a_seed_gives_the_same_estimate_and_another_does_not():
    arguments = (PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=5))
    first, again, other = (qt.simulate(*arguments, replicates=50, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.mean != other.mean


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"replicates": 1}, "replicates is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1.5}, "seed is 1.5"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.simulate(PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=5), **kwargs)


def all_formats(*modes):
    """Formats on the five targets, coarse enough to matter, in these modes in turn."""
    scales = ("1", "2", "1/2", "2", "2")
    return qt.Quantization(
        **{
            target: Rounding(formats.get("int6", scale=scale), modes[k % len(modes)])
            for k, (target, scale) in enumerate(zip(TARGETS, scales, strict=True))
        }
    )


FP8 = formats.get("fp8_e5m2")
MIXED = {
    "fp8": qt.Quantization.uniform(FP8),
    "fp8, 2 random bits": qt.Quantization.uniform(Rounding(FP8, random_bits=2)),
    "fp8 toward zero": qt.Quantization.uniform(Rounding(FP8, "toward_zero")),
    "fp4 that saturates": qt.Quantization.uniform(formats.get("fp4_e2m1", scale="1/5")),
    "int6 stochastic": all_formats("stochastic"),
    "int6 nearest": all_formats("nearest"),
    "int6 with dithers": all_formats("dithered", "subtractive"),
    "int6 in all modes": all_formats("subtractive", "nearest", "stochastic", "dithered"),
    "error models beside formats": replace(
        all_formats("stochastic"),
        label=qt.Additive("0.2") + qt.Multiplicative("0.3"),
        parameter=qt.Multiplicative("0.2", coupling="elementwise"),
    ),
}


@pytest.mark.parametrize(("batch", "output"), [(1, "tail"), (3, "last"), (4, "average")])
@pytest.mark.parametrize("name", MIXED)
def test_formats_on_all_targets_agree_with_numpy(name, batch, output):
    sgd = qt.SGD("0.1", batch, steps=30, output=output)
    estimate = qt.simulate(PROBLEM, MIXED[name], sgd, replicates=4000, seed=3)
    mean, stderr = mean_of(numpy_risks(PROBLEM, MIXED[name], sgd, 4000, seed=4))
    assert abs(estimate.mean - mean) < FAR * math.hypot(estimate.stderr, stderr)


def test_another_format_is_seen():
    sgd = qt.SGD("0.1", 3, steps=30, output="last")
    estimate = qt.simulate(PROBLEM, MIXED["int6 stochastic"], sgd, replicates=8000, seed=3)
    for name in MIXED.keys() - {"int6 stochastic"}:
        mean, stderr = mean_of(numpy_risks(PROBLEM, MIXED[name], sgd, 8000, seed=4))
        assert abs(estimate.mean - mean) > FAR * math.hypot(estimate.stderr, stderr)


def test_biased_rounding_is_marked():
    sgd = qt.SGD("0.1", steps=5)
    nearest, few_bits = Rounding(FP8, "nearest"), Rounding(FP8, random_bits=4)
    dithered = Rounding(formats.get("int8"), "dithered")
    marked = qt.Quantization(label=nearest, gradient=few_bits, activation=dithered, data=FP8)
    assert qt.simulate(PROBLEM, marked, sgd, 2).biased == ("label", "gradient")
    assert qt.simulate(PROBLEM, qt.Quantization.uniform(FP8), sgd, 2).biased == ()


# Threads, blocks and stopping


@pytest.mark.parametrize("quantization", [qt.Quantization.uniform(FP8), SMALL[-1].quantization])
@pytest.mark.parametrize("relative_error", [None, 0.03])
def test_the_estimate_does_not_depend_on_threads(quantization, relative_error):
    sgd = qt.SGD("0.1", 2, steps=40)
    first, *others = (
        qt.simulate(
            PROBLEM, quantization, sgd, 1003, 5, relative_error=relative_error, threads=threads
        )
        for threads in (1, 2, 3, None)
    )
    assert others == [first] * 3
    assert first.replicates == 1003 if relative_error is None else first.replicates < 1003


def blocks_of(replicates, seed=0, threads=2):
    work = Work.of(Run(PROBLEM, qt.Quantization.uniform(FP8), qt.SGD("0.1", steps=20)))
    with run_blocks(work, replicates, seed, threads) as blocks:
        return [block.risks for block in blocks]


def test_more_replicates_begin_with_the_same_runs():
    few, more, uneven = blocks_of(32), blocks_of(64, threads=1), blocks_of(50)
    assert [len(block) for block in more] == [16] * 4
    assert [len(block) for block in uneven] == [16, 16, 16, 2]
    assert np.array_equal(np.concatenate(few), np.concatenate(more)[:32])
    assert np.array_equal(np.concatenate(uneven), np.concatenate(more)[:50])
    assert len(np.unique(more)) == 64  # no stream is used twice
    assert not np.array_equal(few[0], blocks_of(32, seed=1)[0])


def test_the_estimate_is_mean_and_standard_error_of_the_runs():
    risks = np.concatenate(blocks_of(200, seed=3))
    sgd = qt.SGD("0.1", steps=20)
    estimate = qt.simulate(PROBLEM, qt.Quantization.uniform(FP8), sgd, 200, 3)
    assert estimate.mean == pytest.approx(risks.mean(), rel=1e-13)
    assert estimate.stderr == pytest.approx(risks.std(ddof=1) / math.sqrt(200), rel=1e-13)
    assert estimate.stderr != pytest.approx(risks.std() / math.sqrt(200), rel=1e-13)


def test_welford_of_huge_and_of_equal_numbers():
    found = Welford().with_values([1e200, 3e200]).with_values([5e200, 7e200])
    assert (found.mean, found.stderr) == (4e200, math.inf)
    assert Welford().with_values([2.0, 2.0]).with_values([2.0]).stderr == 0
    assert Welford().with_values([2.0]).stderr == math.inf
    assert math.isnan(Welford().with_values([1.0, math.nan]).mean)


@pytest.mark.parametrize("wanted", [0.05, 0.02])
def test_early_stop(wanted):
    arguments = (PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=60), 20_000)
    estimates = [qt.simulate(*arguments, relative_error=wanted, threads=k) for k in (1, 2, 3)]
    assert estimates == [estimates[0]] * 3
    used = estimates[0].replicates
    assert 128 <= used < 20_000
    assert estimates[0].stderr <= wanted * estimates[0].mean
    # it stops at the first block that is enough, and the runs are the first ones of all
    assert estimates[0] == qt.simulate(*arguments[:3], used)
    earlier = qt.simulate(*arguments[:3], used - 16)
    assert used == 128 or earlier.stderr > wanted * earlier.mean


def test_an_error_that_is_not_reached_takes_all_replicates():
    arguments = (PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=60), 200)
    estimate = qt.simulate(*arguments, relative_error=1e-6)
    assert estimate == qt.simulate(*arguments)
    assert estimate.stderr > 1e-6 * estimate.mean


@pytest.mark.parametrize("threads", [1, 2])
def test_progress(threads):
    calls = []
    sgd = qt.SGD("0.1", steps=300)
    qt.simulate(PROBLEM, qt.Quantization(), sgd, 100, threads=threads, progress=record(calls))
    done, wanted = zip(*calls, strict=True)
    assert set(wanted) == {100 * 300}
    assert list(done) == sorted(done)
    assert done[0] < done[-1] == 100 * 300
    calls.clear()
    qt.simulate(
        PROBLEM, qt.Quantization(), sgd, 5000, relative_error=0.1, progress=record(calls)
    )  # stopped early, so not all is done
    assert 128 * 300 <= calls[-1][0] < calls[-1][1] == 5000 * 300


def record(calls):
    return lambda *numbers: calls.append(numbers)


@pytest.mark.parametrize(
    ("batch", "steps", "replicates"), [(1, 100_000, 200), (2_000_000, 3, 16)], ids=["long", "wide"]
)
def test_an_interrupt_ends_a_long_run_at_once(batch, steps, replicates):
    calls = []

    def interrupt(*numbers):
        calls.append(numbers)
        if len(calls) == 2:
            raise KeyboardInterrupt

    problem = qt.Problem(2000)
    sgd = qt.SGD("1/1000", batch, steps=steps)
    start, before = time.perf_counter(), set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        qt.simulate(problem, qt.Quantization(), sgd, replicates, progress=interrupt)
    assert time.perf_counter() - start < 3
    assert calls[-1][0] < calls[-1][1] / 20  # it would have taken more than twenty times as long
    assert set(threading.enumerate()) <= before  # no thread of it goes on


# Edges


WITH_ZEROS = qt.Problem(6, qt.Explicit([1, 0, "1/2", 0, 0, 0]), qt.Constant(1), noise=1)
WITHOUT = qt.Problem(2, qt.Explicit([1, "1/2"]), qt.Constant(1), noise=1)


def test_coordinates_of_eigenvalue_zero_move_by_additive_data_errors():
    quantization = qt.Quantization(data=qt.Additive(1))
    sgd = qt.SGD("0.1", steps=40, output="last")
    estimate = qt.simulate(WITH_ZEROS, quantization, sgd, 20_000)
    assert abs(estimate.distance(qt.excess_risk(WITH_ZEROS, quantization, sgd).total)) < FAR
    assert abs(estimate.distance(qt.excess_risk(WITHOUT, quantization, sgd).total)) > FAR


@pytest.mark.parametrize(("mode", "scale"), [("dithered", 2), ("subtractive", 4)])
def test_coordinates_of_eigenvalue_zero_move_by_dithers(mode, scale):
    dithered = qt.Quantization(data=Rounding(formats.get("int8", scale=scale), mode))
    sgd = qt.SGD("0.1", steps=40, output="last")
    estimate = qt.simulate(WITH_ZEROS, dithered, sgd, 20_000)
    for problem, same in ((WITH_ZEROS, True), (WITHOUT, False)):
        mean, stderr = mean_of(numpy_risks(problem, dithered, sgd, 20_000))
        distance = abs(estimate.mean - mean) / math.hypot(estimate.stderr, stderr)
        assert (distance < FAR) == same


@pytest.mark.parametrize(
    "data",
    [FP8, Rounding(FP8, "nearest"), qt.Multiplicative("0.5"), formats.get("int8", scale="1/4")],
    ids=str,
)
def test_nothing_else_moves_coordinates_of_eigenvalue_zero(data):
    quantization, sgd = qt.Quantization(data=data), qt.SGD("0.1", 2, steps=40)
    estimate = qt.simulate(WITH_ZEROS, quantization, sgd, 2000)
    assert estimate == qt.simulate(WITHOUT, quantization, sgd, 2000)
    mean, stderr = mean_of(numpy_risks(WITH_ZEROS, quantization, sgd, 20_000))
    assert abs(estimate.mean - mean) < FAR * math.hypot(estimate.stderr, stderr)


def test_the_smallest_run():
    problem = qt.Problem(1, qt.Explicit([2]), qt.Constant(3), noise=1)
    first = qt.simulate(problem, qt.Quantization(), qt.SGD("0.1", steps=1))
    assert (first.mean, first.stderr) == (9, 0)  # the average of w_0 alone
    last = qt.SGD("0.1", steps=1, output="last")
    estimate = qt.simulate(problem, qt.Quantization(), last, 20_000)
    assert abs(estimate.distance(qt.excess_risk(problem, qt.Quantization(), last).total)) < FAR
    assert abs(estimate.distance(9)) > FAR
    assert qt.simulate(problem, qt.Quantization.uniform(FP8), last, 2).replicates == 2


@pytest.mark.parametrize("quantization", [SMALL[0].quantization, SMALL[-1].quantization])
def test_a_large_batch(quantization):
    noisy = replace(PROBLEM, noise=10_000)  # so that there is something left to average
    sgd, smaller = (qt.SGD("0.1", batch, steps=20, output="last") for batch in (1000, 500))
    estimate = qt.simulate(noisy, quantization, sgd, 400)
    assert abs(estimate.distance(qt.excess_risk(noisy, quantization, sgd).total)) < FAR
    assert abs(estimate.distance(qt.excess_risk(noisy, quantization, smaller).total)) > FAR


@pytest.mark.parametrize("stepsize", ["100", "1000"])
@pytest.mark.parametrize("steps", [40, 50, 60, 80, 1000])
@pytest.mark.parametrize("relative_error", [None, 0.1])
def test_runs_that_diverge_give_numbers_that_say_so(stepsize, steps, relative_error):
    sgd = qt.SGD(stepsize, steps=steps, output="last")
    for quantization in (qt.Quantization(), SMALL[-1].quantization):
        estimate = qt.simulate(PROBLEM, quantization, sgd, 200, relative_error=relative_error)
        assert estimate.replicates == 200
        assert not estimate.mean < 1e100
        assert not math.isfinite(estimate.stderr) or estimate.stderr > 1e80
    assert math.isfinite(qt.simulate(PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=40)).mean)


s = sp.Symbol("s", positive=True)
SGD5 = qt.SGD("0.1", steps=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, qt.Quantization(), SGD5), "problem is 3, but must be a Problem"),
        ((PROBLEM, qt.Additive(1), SGD5), r"quantization is Additive\('1'\).*a Quantization"),
        ((PROBLEM, None, SGD5), "quantization is None, but must be a Quantization"),
        ((PROBLEM, qt.Quantization(), 0.1), r"sgd is 0\.1, but must be an SGD"),
        ((qt.Problem(qt.oo), qt.Quantization(), SGD5), "dim is oo, but must be finite"),
        ((qt.Problem(qt.oo), qt.Quantization(data=FP8), SGD5), "dim is oo, but must be finite"),
        ((qt.Problem(s), qt.Quantization(), SGD5), "dim is s.*a number is needed"),
        ((qt.Problem(3, noise=s), qt.Quantization(), SGD5), "noise is s.*a number is needed"),
        ((PROBLEM, qt.Quantization(), qt.SGD(s, steps=5)), "stepsize is s.*a number is needed"),
        ((PROBLEM, qt.Quantization(), qt.SGD("0.1", steps=s)), "steps is s.*a number is needed"),
        ((PROBLEM, qt.Quantization(), qt.SGD("0.1", s, steps=5)), "batch is s.*number is needed"),
        ((PROBLEM, qt.Quantization(label=qt.Additive(s)), SGD5), "label error is s.*is needed"),
        ((PROBLEM, qt.Quantization(data=qt.Additive(s)), SGD5), "data .*error is s.*is needed"),
        (
            (PROBLEM, qt.Quantization(data=formats.get("int8", scale=s)), SGD5),
            "scale is s.*a number is needed",
        ),
        (
            (PROBLEM, qt.Quantization(label=formats.get("int8", scale="1e-320")), SGD5),
            "scale is .*normal float64",
        ),
    ],
)
def test_bad_models(arguments, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.simulate(*arguments)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"replicates": True}, r"replicates is True, but must be a whole number from 2 to 10\^9"),
        ({"replicates": 10.0}, r"replicates is 10\.0"),
        ({"replicates": "10"}, "replicates is '10'"),
        ({"seed": None}, r"seed is None, but must be a whole number from 0 to 10\^1000"),
        ({"threads": 0}, "threads is 0, but must be a whole number from 1 to 1000"),
        ({"threads": 1.5}, r"threads is 1\.5"),
        ({"threads": True}, "threads is True"),
        ({"relative_error": 0}, "relative_error is 0, but must be None or between 0 and 1"),
        ({"relative_error": 1}, "relative_error is 1"),
        ({"relative_error": -0.1}, r"relative_error is -0\.1"),
        ({"relative_error": math.nan}, "relative_error is nan"),
        ({"relative_error": "1.1"}, r"relative_error is '1\.1'"),
    ],
)
def test_bad_numbers(kwargs, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.simulate(PROBLEM, qt.Quantization(), SGD5, **kwargs)
    with pytest.raises(qt.QTheoryError, match=message):
        simulate_rows(*SIGNS, qt.Quantization(), SGD5, **kwargs)


# Rows of a table

# every combination of signs, so that the covariance is diag(4, 1) exactly
SIGNS = [[2, 1], [2, -1], [-2, 1], [-2, -1]], [7, 5, -5, -7]


def exact_by_enumeration(X, y, sgd, quantization=None):
    """The mean risk over all sequences of rows, all equally likely; the covariance is diagonal."""
    read = {target: lambda u: u for target in TARGETS}
    for target, rounding in quantization.items() if quantization else ():
        read[target] = lambda u, f=rounding.format: f.round(u, mode="nearest")
    X, y = np.array(X, dtype=float), np.array(y, dtype=float)
    eigenvalues = (X**2).mean(axis=0)
    target = (X * y[:, None]).mean(axis=0) / eigenvalues
    gamma, B, steps = float(sgd.stepsize), int(sgd.batch), int(sgd.steps)
    risks = []
    for sequence in itertools.product(range(len(y)), repeat=B * steps):
        w, iterates = np.zeros(2), []
        for t in range(steps):
            rows = list(sequence[t * B : (t + 1) * B])
            iterates.append(w)
            x = read["data"](X[rows])
            residual = read["label"](y[rows]) - read["activation"](x @ read["parameter"](w))
            w = w + gamma / B * read["gradient"](residual) @ x
        out = w if sgd.output == "last" else np.mean(iterates, axis=0)
        risks.append((eigenvalues * (out - target) ** 2).sum() / 2)
    return np.mean(risks)


NEAREST = qt.Quantization.uniform(Rounding(formats.get("int8", scale="1/2"), "nearest"))


@pytest.mark.parametrize("quantization", [None, NEAREST], ids=["exact", "nearest"])
@pytest.mark.parametrize(("batch", "steps"), [(1, 5), (2, 2)])
@pytest.mark.parametrize("output", ["last", "average"])
def test_rows_against_all_their_sequences(quantization, batch, steps, output):
    sgd = qt.SGD("0.1", batch, steps=steps, output=output)
    estimate = simulate_rows(*SIGNS, quantization or qt.Quantization(), sgd, 20_000)
    assert abs(estimate.distance(exact_by_enumeration(*SIGNS, sgd, quantization))) < FAR
    other = SIGNS[0], [7, 5, -5, 7]
    assert abs(estimate.distance(exact_by_enumeration(*other, sgd, quantization))) > FAR


def test_one_column_of_two_signs_leaves_nothing_to_chance():
    sgd = qt.SGD("1/8", steps=5, output="last")
    estimate = simulate_rows([[2], [-2]], [6, -6], qt.Quantization(), sgd, 20)
    # w - w* halves at every step, w* = 3, lambda = 4
    assert estimate.mean == pytest.approx(4 * (3 / 2**5) ** 2 / 2, rel=1e-12)
    assert estimate.stderr < 1e-12


def test_rows_against_a_plain_loop():
    X, y = [[0, 1], [2, 0], [1, 3], [4, 1], [3, 5]], [1, 0, 2, -1, 3]
    sgd = qt.SGD("0.05", 2, steps=8)
    estimate = simulate_rows(X, y, qt.Quantization(), sgd, 20_000)
    # not in the eigenbasis: without quantization the basis does not matter
    centred = [[a - 2, b - 2] for a, b in X]
    labels = [v - 1 for v in y]
    (p, q), (_, r) = np.cov(np.transpose(X), bias=True)
    best = np.linalg.lstsq(np.array(centred), np.array(labels), rcond=None)[0]
    rng, risks = random.Random(0), []
    for _ in range(20_000):
        w, total = [0.0, 0.0], [0.0, 0.0]
        for _ in range(8):
            total = [total[0] + w[0], total[1] + w[1]]
            step = [0.0, 0.0]
            for _ in range(2):
                k = rng.randrange(5)
                residual = labels[k] - centred[k][0] * w[0] - centred[k][1] * w[1]
                step = [step[0] + residual * centred[k][0], step[1] + residual * centred[k][1]]
            w = [w[0] + 0.025 * step[0], w[1] + 0.025 * step[1]]
        a, b = total[0] / 8 - best[0], total[1] / 8 - best[1]
        risks.append((p * a * a + 2 * q * a * b + r * b * b) / 2)
    mean, stderr = mean_of(np.array(risks))
    assert abs(estimate.mean - mean) < FAR * math.hypot(estimate.stderr, stderr)
    gaussian = qt.simulate(qt.Problem.from_data(X, y), qt.Quantization(), sgd, 20_000)
    assert abs(gaussian.mean - mean) > FAR * math.hypot(gaussian.stderr, stderr)


def test_bad_tables():
    with pytest.raises(qt.DataError, match="one label per row"):
        simulate_rows(SIGNS[0], [1, 2], qt.Quantization(), SGD5)
    with pytest.raises(qt.DataError, match="not a finite number"):
        simulate_rows([[1, math.nan], [2, 1]], [1, 2], qt.Quantization(), SGD5)
    with pytest.raises(qt.QTheoryError, match="quantization is None"):
        simulate_rows(*SIGNS, None, SGD5)
    with pytest.raises(qt.QTheoryError, match="sgd is 3"):
        simulate_rows(*SIGNS, qt.Quantization(), 3)
