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
