"""The conditional problem beside the update on sketched features itself."""

import numpy as np
import pytest

import qtheory as qt
from tests.simulate.sketch_update import unrotated_risks

DIM, SIZE, RUNS, STEPS = 60, 8, 40_000, 16
PROBLEM = qt.Problem(dim=DIM, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise="1/4")
EIGENVALUES = 1 / np.arange(1.0, DIM + 1) ** 2
SKETCH = np.random.default_rng(20).standard_normal((SIZE, DIM)) / np.sqrt(SIZE)
SKETCHED = PROBLEM.sketched(matrix=SKETCH)
KINDS = {
    "additive": qt.Additive("0.05"),
    "shared": qt.Multiplicative("0.3"),
    "elementwise": qt.Multiplicative("0.3", "elementwise"),
}
TARGETS = ("data", "label", "parameter", "activation", "gradient")
EVERYTHING = qt.Quantization(
    data=qt.Additive("0.02") + qt.Multiplicative("0.1") + qt.Multiplicative("0.2", "elementwise"),
    label=qt.Multiplicative("0.2"),
    parameter=qt.Multiplicative("0.2", "elementwise") + qt.Multiplicative("0.1"),
    activation=qt.Multiplicative("0.1", "elementwise"),
    gradient=qt.Additive("0.1"),
)


def distances(quantization, batch, seed, problem=SKETCHED):
    """How many standard errors the simulated mean is above the exact risk, for both outputs."""
    runs = [
        qt.SGD("0.1", batch=batch, steps=STEPS, output=output) for output in ("average", "last")
    ]
    sampled = unrotated_risks(
        EIGENVALUES, np.ones(DIM), 0.25, SKETCH, quantization, runs[0], RUNS, seed
    )
    exact = np.array([qt.excess_risk(problem, quantization, sgd).total for sgd in runs])
    return (sampled.mean(axis=1) - exact) / (sampled.std(axis=1, ddof=1) / np.sqrt(RUNS))


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_on_every_target_is_that_of_the_unrotated_update(kind, target, batch):
    quantization = qt.Quantization(**{target: KINDS[kind]})
    assert np.abs(distances(quantization, batch, seed=1)).max() <= 4


@pytest.mark.parametrize("batch", [1, 2])
def test_all_errors_together_are_those_of_the_unrotated_update(batch):
    assert np.abs(distances(EVERYTHING, batch, seed=2)).max() <= 4


def test_a_wrong_sketch_is_noticed():
    """The negative control: the problem of another S is told apart."""
    other = PROBLEM.sketched(size=SIZE, seed=1)
    assert np.abs(distances(EVERYTHING, 1, 2, other)).max() > 4


def test_a_risk_without_what_the_sketch_misses_is_noticed():
    quantization = qt.Quantization(label=qt.Additive("0.1"))
    without = [
        qt.excess_risk(SKETCHED, quantization, qt.SGD("0.1", steps=STEPS, output=output))
        for output in ("average", "last")
    ]
    sampled = unrotated_risks(
        EIGENVALUES, np.ones(DIM), 0.25, SKETCH, quantization, qt.SGD("0.1", steps=STEPS), RUNS, 1
    )
    errors = sampled.std(axis=1) / np.sqrt(RUNS)
    totals = np.array([risk.total - risk.sketching for risk in without])
    assert np.abs((sampled.mean(axis=1) - totals) / errors).min() > 4


@pytest.mark.parametrize(
    "quantization",
    [qt.Quantization(label=qt.Multiplicative("0.3"), data=qt.Additive("0.02")), EVERYTHING],
    ids=["rotated", "as it is"],
)
@pytest.mark.parametrize("output", ["average", "last"])
def test_simulate_takes_features(quantization, output):
    sgd = qt.SGD("0.1", batch=2, steps=STEPS, output=output)
    estimate = qt.simulate(SKETCHED, quantization, sgd, RUNS, seed=3)
    assert abs(estimate.distance(qt.excess_risk(SKETCHED, quantization, sgd).total)) <= 4


def test_simulate_takes_a_full_covariance_and_more_features_than_data():
    covariance = np.array([[2, 1, 0, 0], [1, 2, 0.5, 0], [0, 0.5, 1, 0], [0, 0, 0, 0]])
    full = qt.Problem.from_covariance(covariance, [1, -1, 0.5, 3], noise=1)
    wide = qt.Problem(dim=3, noise="1/4").sketched(size=5, seed=1)
    sgd = qt.SGD("0.05", batch=2, steps=STEPS)
    for problem in (full, wide):
        estimate = qt.simulate(problem, EVERYTHING, sgd, RUNS, seed=4)
        assert abs(estimate.distance(qt.excess_risk(problem, EVERYTHING, sgd).total)) <= 4


def test_formats_round_the_features_themselves():
    """A coarse format on data and parameters, beside the literal update."""
    fp4 = qt.formats.get("fp6_e3m2", scale="1/4")
    rounded = qt.Quantization(data=fp4, parameter=fp4)
    sgd = qt.SGD("0.1", batch=1, steps=STEPS)
    sampled = unrotated_risks(
        EIGENVALUES, np.ones(DIM), 0.25, SKETCH, rounded, sgd, 10_000, seed=5
    )[0]
    estimate = qt.simulate(SKETCHED, rounded, sgd, 10_000, seed=6)
    spread = np.hypot(estimate.stderr, sampled.std(ddof=1) / 100)
    assert abs(estimate.mean - sampled.mean()) <= 4 * spread


def test_compare_and_ranges_take_features():
    sgd = qt.SGD("0.1", steps=STEPS)
    rounded = qt.Quantization(data=qt.formats.get("fp8_e4m3"), gradient=qt.formats.get("int8"))
    found = qt.compare(SKETCHED, qt.calibrate(SKETCHED, rounded, sgd), sgd, 2000)
    assert found.verdict == "agree"
