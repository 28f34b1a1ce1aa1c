"""Covariates that are not Gaussian: the update written out in NumPy beside the exact risk."""

import dataclasses

import numpy as np
import pytest

import qtheory as qt

LAWS = {"independent": qt.Independent(5), "elliptical": qt.Elliptical("5/3")}
EVERY = qt.Quantization(
    data=qt.Additive("0.02") + qt.Multiplicative("0.05"),
    label=qt.Additive("0.1"),
    parameter=qt.Additive("0.01"),
    activation=qt.Multiplicative("0.1"),
    gradient=qt.Multiplicative("0.1", "elementwise"),
)
RUNS = 60_000


def drawn(law, shape, rng):
    """Samples of variance 1 with these fourth moments, of other laws than those of simulate."""
    if isinstance(law, qt.Independent):  # a Gaussian of random size in every coordinate: 3 E s^4
        k = float(law.kurtosis) / 3
        return rng.normal(size=shape) * np.sqrt(1 + np.sqrt(k - 1) * rng.choice([-1, 1], shape))
    spread = np.sqrt(float(law.fourth) - 1)
    sizes = 1 + spread * rng.choice([-1, 1], (*shape[:-1], 1))
    return rng.normal(size=shape) * np.sqrt(sizes)


def literal_risks(law, batch, seed, steps=20, stepsize=0.1, d=8):
    rng = np.random.default_rng(seed)
    lam, target = np.arange(1, d + 1) ** -2.0, np.ones(d)
    w, total = np.zeros((RUNS, d)), np.zeros((RUNS, d))
    for _ in range(steps):
        total += w
        x = drawn(law, (RUNS, batch, d), rng) * np.sqrt(lam)
        y = x @ target + rng.normal(size=(RUNS, batch))
        factor = 1 + np.sqrt(0.05) * rng.normal(size=(RUNS, batch, 1))
        xq = factor * x + np.sqrt(0.02) * rng.normal(size=x.shape)
        yq = y + np.sqrt(0.1) * rng.normal(size=y.shape)
        wq = w + np.sqrt(0.01) * rng.normal(size=w.shape)
        prediction = np.einsum("rbd,rd->rb", xq, wq)
        prediction *= 1 + np.sqrt(0.1) * rng.normal(size=(RUNS, 1))  # one factor for the batch
        gradient = (yq - prediction) * (1 + np.sqrt(0.1) * rng.normal(size=y.shape))
        w = w + stepsize / batch * np.einsum("rbd,rb->rd", xq, gradient)
    return ((total / steps - target) ** 2 @ lam) / 2


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_literal_update_has_the_exact_risk(law, batch, seed):
    problem = qt.Problem(8, qt.PowerLaw(2), qt.Constant(1), 1, covariates=LAWS[law])
    sgd = qt.SGD("0.1", batch=batch, steps=20)
    exact = qt.excess_risk(problem, EVERY, sgd).total
    risks = literal_risks(LAWS[law], batch, seed)
    error = risks.std() / np.sqrt(RUNS)
    assert abs(risks.mean() - exact) < 4 * error
    estimate = qt.simulate(problem, EVERY, sgd, replicates=RUNS, seed=seed)
    assert abs(estimate.mean - exact) < 4 * estimate.stderr
    if batch == 1:  # the negative control: that of Gaussian data is another
        gaussian = qt.excess_risk(dataclasses.replace(problem, covariates=None), EVERY, sgd).total
        assert abs(risks.mean() - gaussian) > 4 * error


def test_gaussian_streams_are_what_they_were():
    """The estimate of a seed before there were other laws."""
    problem = qt.Problem(8, qt.PowerLaw(2), qt.Constant(1), 1)
    estimate = qt.simulate(problem, EVERY, qt.SGD("0.1", batch=2, steps=20), 200, seed=3)
    assert (estimate.mean, estimate.stderr) == (0.32970070031447346, 0.005769564742351847)
