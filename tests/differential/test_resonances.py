"""Float64 where two sequences of the closed form have the same rate of decay, or nearly so.

The second moment of the iterates is a sum of geometric sequences, with the factors 1 - a_i of
single coordinates, 1 - x_i of the mean and 1 - b of the roots of the secular equation. Where two of
them meet, terms of any size cancel: in the middle of that float64 has no digits, and nobody may be
handed what is left. The truth is that of the recursion in rational numbers.
"""

import dataclasses
import warnings
from fractions import Fraction as F
from itertools import pairwise

import flint
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as options
from hypothesis import strategies as st

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Float64
from qtheory.reference import moments as reference
from qtheory.reference.moments import Errors, Setting
from qtheory.risk.closed_form import ClosedForm
from tests.differential.instances import OUTPUTS, _gain, arguments, is_stable, moments

#: How far from the resonance, relative to the stepsize.
DISTANCES = [F(0)] + [sign * F(1, 2**k) for k in (10, 20, 30, 40, 47, 52, 60) for sign in (1, -1)]
EIGENVALUES = (F(1), F(1, 2), F(1, 4), F(1, 9), F(2, 3))
LEVELS = (F(0), F(1, 100), F(1, 4), F(1), F(4))


@st.composite
def problems(draw, dims=(1, 4)):
    eigenvalues = draw(st.lists(st.sampled_from(EIGENVALUES), min_size=dims[0], max_size=dims[1]))
    target = [draw(st.sampled_from((F(0), F(1), F(-2)))) for _ in eigenvalues]
    level = st.sampled_from(LEVELS)
    errors = {
        name: Errors(F(0), draw(level), draw(level))
        for name in ("parameter", "activation", "label")
    }
    errors["gradient"] = Errors(F(0), draw(st.sampled_from((F(0), F(1, 4)))), F(0))
    errors["data"] = Errors(draw(st.sampled_from((F(0), F(1, 10)))))
    return Setting(
        tuple(eigenvalues), tuple(target), draw(st.sampled_from((F(0), F(1)))), F(1),
        draw(st.sampled_from((1, 2, 5))), draw(st.integers(1, 60)), **errors,
    )  # fmt: skip


def poles_meet(setting, j):
    """The stepsize at which a_j = x_j: x_j (2 Pi / B + (1 - 1/B) Pi_c) = 1."""
    factor, common = 1 + setting.parameter.multiplicative, 1 + setting.parameter.multiplicative
    for error in (setting.activation, setting.gradient):
        factor *= 1 + error.multiplicative
        common *= 1 + error.shared
    batch = setting.batch
    gain = 2 * factor / batch + (1 - F(1, batch)) * common
    return 1 / (reference.quantized_eigenvalues(setting)[j] * gain)


def roots_meet(setting, j):
    """Step sizes at which 1 - x_j is an eigenvalue of G, to 80 bits: where det(G - rho_j) = 0."""
    eigenvalues, gain = _gain(setting)

    def determinant(stepsize):
        rows = [
            [stepsize * entry + (eigenvalues[j] - 2 * eigenvalues[i] if i == k else 0)
             for k, entry in enumerate(row)]
            for i, row in enumerate(gain)
        ]  # fmt: skip
        return flint.fmpq_mat(
            [[flint.fmpq(x.numerator, x.denominator) for x in row] for row in rows]
        ).det()

    grid = [F(k, 40) * 2 / max(eigenvalues) for k in range(1, 40)]
    for low, high in pairwise(grid):
        if determinant(low) == 0:
            yield low
        elif determinant(low) * determinant(high) < 0:
            left = determinant(low)
            for _ in range(80):
                middle = (low + high) / 2
                if determinant(middle) * left > 0:
                    low = middle
                else:
                    high = middle
            yield low


def require_right(setting, output, tail):
    exact = reference.risks(setting, moments(setting, output, tail)).risk
    with warnings.catch_warnings():
        warnings.simplefilter("error", qt.LostDigitsWarning)
        found = qt.excess_risk(*arguments(setting, output, tail)).total
    assert found == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


@options(max_examples=250, deadline=None)
@given(problems(), st.sampled_from(DISTANCES), st.sampled_from(OUTPUTS), st.data())
def test_where_a_coordinate_decays_like_its_mean(setting, distance, kind, data):
    j = data.draw(st.integers(0, setting.dim - 1))
    setting = dataclasses.replace(setting, stepsize=poles_meet(setting, j) * (1 + distance))
    assume(is_stable(setting))
    require_right(setting, *kind)


@options(max_examples=120, deadline=None)
@given(problems(), st.sampled_from(DISTANCES), st.sampled_from(OUTPUTS), st.data())
def test_where_an_eigenvalue_decays_like_a_mean(setting, distance, kind, data):
    j = data.draw(st.integers(0, setting.dim - 1))
    found = list(roots_meet(setting, j))
    assume(found)
    setting = dataclasses.replace(setting, stepsize=found[-1] * (1 + distance))
    assume(is_stable(setting))
    require_right(setting, *kind)


def test_the_instance_that_was_found():
    """It was 37 % off: x (2 Pi / B + (1 - 1/B) Pi_c) = 1 with Pi = 5, B = 1, x = 1/10."""
    problem = qt.Problem(dim=1, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    quantization = qt.Quantization(parameter=qt.Multiplicative(4))
    risk = qt.excess_risk(problem, quantization, qt.SGD("0.1", steps=20))
    setting = Setting((F(1),), (F(1),), F(1), F(1, 10), 1, 20, parameter=Errors(F(0), F(4)))
    exact = reference.risks(setting, moments(setting)).risk
    assert risk.total == pytest.approx(float(exact), rel=1e-12)
    assert risk.total == pytest.approx(0.162836881122598, rel=1e-12)


def test_float64_by_itself_has_no_digits_at_a_root():
    """The negative control: what is handed out there does not come from plain float64."""
    setting = Setting(
        (F(1),), (F(1),), F(1), F(1, 15) * (1 + F(1, 2**40)), 1, 20, parameter=Errors(F(0), F(4))
    )  # fmt: skip
    run = arguments(setting, "last", "1")
    exact = float(reference.risks(setting, moments(setting, "last")).risk)
    instance = instantiate(Run(*run), Float64())
    with np.errstate(all="ignore"):
        form = ClosedForm(instance)
        window = Window.of(run.sgd)
        second = form.second_moment(window)
        plain = float(instance.eigenvalues @ second / 2)
    assert abs(plain / exact - 1) > 1e-9
    require_right(setting, "last", "1")
