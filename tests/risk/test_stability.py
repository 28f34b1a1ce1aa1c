"""Stability: theta against the growth of the recursion itself."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Float64
from qtheory.risk import cost
from qtheory.risk.recursion import Step
from qtheory.testing import problems, quantizations
from tests.risk.known_totals import PROBLEM


def test_theta_of_the_unquantized_problem():
    result = qt.stability(PROBLEM, qt.Quantization(), qt.SGD("0.1", 2, steps=5))
    x = 0.1 / np.arange(1, 9) ** 2
    assert result.theta == pytest.approx(np.sum(x / (2 * (2 - x * 1.5))), rel=1e-12)
    assert result.stable


@settings(deadline=None)
@given(problems(), quantizations(), st.integers(1, 8))
def test_second_moments_shrink_below_the_largest_stepsize_and_grow_above(
    problem, quantization, batch
):
    largest = qt.stability(problem, quantization, qt.SGD(1, batch, steps=1)).largest_stepsize

    def growth(factor):
        """The spectral radius of G in v' = G v + ..., from the step on every unit vector."""
        sgd = qt.SGD(Fraction(largest * factor), batch, steps=1)
        step = Step.of(instantiate(Run(problem, quantization, sgd), Float64()))
        G = np.column_stack([step.G @ unit for unit in np.eye(len(step.x))])
        return max(abs(np.linalg.eigvals(G)))

    assert growth(0.999) < 1
    assert growth(1.001) > 1


def test_too_large_a_stepsize_names_theta_and_the_largest():
    with pytest.raises(qt.UnstableError, match=r"stepsize is 1, .*theta = .*stepsize is 0\.6206"):
        qt.excess_risk(PROBLEM, qt.Quantization(), qt.SGD(1, steps=10))
    limit = qt.stability(PROBLEM, qt.Quantization(), qt.SGD(1, steps=10)).largest_stepsize
    qt.excess_risk(PROBLEM, qt.Quantization(), qt.SGD(limit * 0.999, steps=10))
    with pytest.raises(qt.UnstableError):
        qt.excess_risk(PROBLEM, qt.Quantization(), qt.SGD(limit * 1.001, steps=10))


# One coordinate contracts while gamma < 2 lambda^q / E xq^4, an exact number.
@pytest.mark.parametrize(
    ("data", "largest"),
    [
        (qt.ErrorModel(), Fraction(2, 3)),
        (qt.Additive("0.1") + qt.Multiplicative("0.1"), Fraction(40, 93)),  # G has rank two
    ],
)
def test_the_edge_is_decided_where_float64_cannot_tell(data, largest):
    problem = qt.Problem(1, qt.PowerLaw(2), qt.Constant(1), noise=1)
    quantization = qt.Quantization(data=data)
    below, above = (largest * (1 + sign * Fraction(1, 10**25)) for sign in (-1, 1))
    assert float(below) == float(above)
    assert qt.excess_risk(problem, quantization, qt.SGD(below, steps=2), digits=20).total > 0
    with pytest.raises(qt.UnstableError):
        qt.excess_risk(problem, quantization, qt.SGD(above, steps=2), digits=20)


def test_the_edge_where_theta_rises_at_once():
    """B = 10^15: theta is nearly 0 until the largest coordinate diverges by itself."""
    problem = qt.Problem(5, qt.PowerLaw(2), qt.Constant(1))
    quantization = qt.Quantization(qt.Multiplicative("0.5"), parameter=qt.Multiplicative(100))
    largest = qt.stability(problem, quantization, qt.SGD(1, 10**15, steps=1)).largest_stepsize
    assert largest == pytest.approx(2 / (1.5 * 101), rel=1e-13)


def test_a_stepsize_that_float64_cannot_tell_from_zero_is_refused():
    """Its product with an eigenvalue underflows, though neither of them does."""
    problem = qt.Problem(2, qt.Explicit(["1e-200", "1e-201"]), qt.Constant(1))
    with pytest.raises(qt.InvalidArgumentError, match="leave float64"):
        qt.stability(problem, qt.Quantization(), qt.SGD("1e-150", steps=2))


def test_the_hours_of_a_compression_that_is_refused_are_those_estimated():
    coordinates, bits = 10**6, 800
    seconds = cost.method_for(coordinates, cost.MOST_STEPS, True, balls=True)[1] * bits / 400
    with pytest.raises(qt.CostError) as refused:
        cost.require_affordable_compression(coordinates, bits)
    assert f"take about {seconds / 3600:.2g} hours; the limit is 2 hours" in str(refused.value)
