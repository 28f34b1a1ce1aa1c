"""Problems of features: the conditional problem beside mpmath, and bad input."""

import pickle
from dataclasses import replace
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.errors import (
    CostError,
    HypothesisError,
    InexactInputError,
    InvalidArgumentError,
    PrecisionError,
    SymbolicValueError,
)
from qtheory.model import features as features_module
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.source import python_code
from qtheory.numbers.arithmetic import Balls

PROBLEM = qt.Problem(dim=12, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise="1/4")
SGD = qt.SGD("0.1", steps=20)
NO_ERRORS = qt.Quantization()


def in_mpmath(eigenvalues, target, sketch):
    """s, (U^T v*)^2 and perp with 60 digits, from the definitions."""
    with mpmath.workdps(60):
        S = mpmath.matrix([[mpmath.mpf(float(v)) for v in row] for row in sketch])
        H = mpmath.diag(eigenvalues)
        covariance = S * H * S.T
        signal = S * H * mpmath.matrix(target)
        v = mpmath.lu_solve(covariance, signal)
        values, U = mpmath.eigsy(covariance)
        rotated = U.T * v
        energy = sum(lam * w**2 for lam, w in zip(eigenvalues, target, strict=True))
        perp = energy - (v.T * covariance * v)[0]
        pairs = sorted(zip(values, rotated, strict=True), key=lambda pair: -pair[0])
        return [s for s, _ in pairs], [c**2 for _, c in pairs], perp


def squares_inclose(explicit, squares):
    for value, radius, square in zip(explicit.values, explicit.radii, squares, strict=True):
        middle, near = mpmath.mpf(value.p) / value.q, mpmath.mpf(radius.p) / radius.q
        assert abs(middle**2 - square) < 10 * near * abs(middle) + mpmath.mpf(10) ** -52


def test_the_conditional_problem_is_that_of_the_definitions():
    sketch = np.random.default_rng(3).standard_normal((5, 12))
    found = PROBLEM.sketched(matrix=sketch)
    with mpmath.workdps(60):
        eigenvalues = [1 / mpmath.mpf(i) ** 2 for i in range(1, 13)]
        values, squares, perp = in_mpmath(eigenvalues, [1] * 12, sketch)
        for value, exact in zip(found.spectrum.values, values, strict=True):
            assert abs(mpmath.mpf(value.p) / value.q - exact) < mpmath.mpf(10) ** -54
        squares_inclose(found.target, squares)
        noise = mpmath.mpf(found.noise.p) / found.noise.q
        assert abs(noise - perp - mpmath.mpf(1) / 4) < mpmath.mpf(10) ** -54
    assert found.noise == found.features.perp + sp.Rational(1, 4)
    assert 0 < found.features.perp_radius < sp.Rational(1, 2**220)


def test_a_seed_is_the_matrix_that_numpy_draws():
    drawn = np.random.Generator(np.random.PCG64(7)).standard_normal((4, 12)) / np.sqrt(4)
    by_seed, by_matrix = PROBLEM.sketched(size=4, seed=7), PROBLEM.sketched(matrix=drawn)
    assert by_seed.spectrum == by_matrix.spectrum
    assert by_seed.target == by_matrix.target
    assert by_seed.noise == by_matrix.noise
    assert by_seed != PROBLEM.sketched(size=4, seed=8)
    assert PROBLEM.sketched(size=4) == PROBLEM.sketched(size=4, seed=0)


def test_an_orthogonal_sketch_changes_nothing():
    """A permutation with signs: the same problem, so the same risk, bounds and stability."""
    permuted = np.zeros((12, 12))
    for k, place in enumerate(np.random.default_rng(1).permutation(12)):
        permuted[k, place] = (-1) ** k
    turned = PROBLEM.sketched(matrix=permuted)
    quantization = qt.Quantization(data=qt.Additive("0.01"), parameter=qt.Multiplicative("0.1"))
    assert turned.features.perp == 0
    for function in (qt.upper_bound, qt.lower_bound, qt.excess_risk):
        here = function(turned, quantization, SGD, digits=20).total
        there = function(PROBLEM, quantization, SGD, digits=20).total
        assert here.overlaps(there)
    stable = qt.stability(turned, quantization, SGD)
    assert stable.theta == pytest.approx(qt.stability(PROBLEM, quantization, SGD).theta)


def test_more_features_than_coordinates_learn_the_same_limit():
    """The kernel carries no data, and nothing is missed."""
    problem = qt.Problem(dim=3, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
    sketch = np.random.default_rng(4).standard_normal((5, 3))
    found = problem.sketched(matrix=sketch)
    assert found.dim == 5
    assert found.spectrum.values[3:] == found.target.values[3:] == (0, 0)
    assert found.features.perp == 0
    assert "2 directions of the sketch carry no data" in found.assumptions[0]
    exact = np.linalg.eigvalsh(sketch @ np.diag([1, 1 / 4, 1 / 9]) @ sketch.T)[::-1]
    assert [float(v) for v in found.spectrum.values] == pytest.approx(exact, abs=1e-14)
    # sum s (U^T v*)^2 = ||w*||_H^2
    energy = sum(float(s * c**2) for s, c in zip(found.spectrum.values, found.target.values))  # noqa: B905
    assert energy == pytest.approx(1 + 1 / 4 + 1 / 9)
    exactly = qt.excess_risk(found, NO_ERRORS, SGD)
    assert exactly.sketching == 0
    assert qt.excess_risk(found, NO_ERRORS, SGD, digits=15).total.overlaps(
        flint.arb(exactly.total, 1e-12)
    )


def test_the_sizes_of_what_a_sketch_misses():
    """Nothing with all features, everything without signal."""
    square = PROBLEM.sketched(size=12, seed=1)
    assert square.features.perp == square.features.perp_radius == 0
    silent = qt.Problem(dim=12, target=qt.Constant(0)).sketched(size=4)
    assert silent.features.perp == 0
    more = [float(PROBLEM.sketched(size=m, seed=5).features.perp) for m in (1, 4, 8, 11)]
    assert more[0] > more[-1] > 0


def test_a_covariance_is_rotated():
    problem = qt.Problem.from_covariance([[2, 1], [1, 2]], [1, 0], noise="1/3")
    assert problem.noise == sp.Rational(1, 3)
    assert [float(v) for v in problem.spectrum.values] == pytest.approx([3, 1])
    assert [float(v) ** 2 for v in problem.target.values] == pytest.approx([0.5, 0.5])
    assert problem.features.perp == 0


def test_a_diagonal_covariance_is_the_problem_itself_even_with_ties():
    matrix = np.diag([2.0, 1.0, 1.0, 0.0])
    found = qt.Problem.from_covariance(matrix, [1, 2, 3, 4], noise=1)
    assert found.spectrum == qt.Explicit([2, 1, 1, 0])
    assert found.target.values[:3] == (1, 2, 3)
    listed = qt.Problem(4, qt.Explicit([2, 1, 1, 0]), qt.Explicit([1, 2, 3, 0]), 1)
    for quantization in (NO_ERRORS, qt.Quantization(data=qt.Additive("0.01"))):
        here = qt.excess_risk(found, quantization, SGD, digits=20).total
        assert here.overlaps(qt.excess_risk(listed, quantization, SGD, digits=20).total)


def test_a_sketch_of_a_sketch_is_the_sketch_of_the_product():
    """Entries are small integers, so that the product of the matrices is exact."""
    rng = np.random.default_rng(2)
    first, second = (rng.integers(-4, 5, shape) for shape in ((6, 12), (3, 6)))
    twice = PROBLEM.sketched(matrix=first).sketched(matrix=second)
    once = PROBLEM.sketched(matrix=second @ first)
    slow = qt.SGD("1e-4", steps=20)
    risks = [qt.excess_risk(p, NO_ERRORS, slow, digits=25).total for p in (twice, once)]
    assert risks[0].overlaps(risks[1])


def test_a_sketch_of_a_covariance_is_taken_in_its_own_coordinates():
    covariance = np.array([[2.0, 1, 0], [1, 2, 0.5], [0, 0.5, 1]])
    sketch = np.array([[1.0, 2, -1], [0.5, 0, 1]])
    found = qt.Problem.from_covariance(covariance, [1, -1, 2], noise=1).sketched(matrix=sketch)
    exact = np.linalg.eigvalsh(sketch @ covariance @ sketch.T)[::-1]
    assert [float(v) for v in found.spectrum.values] == pytest.approx(exact)


def test_a_risk_is_certified_with_the_radii():
    """Wider radii give a wider ball: they are not left out."""
    sketched = PROBLEM.sketched(size=5, seed=1)
    quantization = qt.Quantization(data=qt.Additive("0.01"))
    total = qt.excess_risk(sketched, quantization, SGD, digits=40).total
    wide = qt.Explicit(sketched.spectrum.values, [sp.Rational(1, 10**20)] * 5)
    balls = Balls(bits=200)
    with balls.working():
        narrow = instantiate(Run(sketched, quantization, SGD), balls)
        wider = instantiate(Run(replace(sketched, spectrum=wide), quantization, SGD), balls)
        assert narrow.eigenvalues[0].rad() < flint.arb(2) ** -180
        assert wider.eigenvalues[0].rad() > flint.arb(10) ** -21
        assert narrow.noise.rad() > 0
    with pytest.raises(PrecisionError):
        qt.excess_risk(replace(sketched, spectrum=wide), quantization, SGD, digits=40)
    assert total.rel_accuracy_bits() > 130


def test_more_digits_than_are_known_are_refused():
    with pytest.raises(InexactInputError, match="ask for fewer digits"):
        qt.excess_risk(PROBLEM.sketched(size=5), NO_ERRORS, SGD, digits=200)


def test_the_parts_add_up_and_bounds_include_what_is_missed():
    sketched = PROBLEM.sketched(size=5, seed=1)
    quantization = qt.Quantization(data=qt.Additive("0.01"), label=qt.Multiplicative("0.1"))
    risk = qt.excess_risk(sketched, quantization, SGD, digits=25)
    parts = [risk.bias, risk.variance, *risk.by_target.values(), risk.sketching]
    assert risk.total.overlaps(sum(parts[1:], parts[0]))
    assert risk.sketching.overlaps(flint.arb(float(sketched.features.perp) / 2, 1e-15))
    assert risk.as_json()["sketching"].startswith("0.")
    lower, upper = (f(sketched, quantization, SGD, 25) for f in (qt.lower_bound, qt.upper_bound))
    assert lower.total < risk.total < upper.total
    assert lower.sketching.overlaps(risk.sketching)
    assert lower.total > risk.sketching
    assert "missed by the sketch" in risk._repr_html_()
    plain = qt.excess_risk(PROBLEM, quantization, SGD)
    assert plain.sketching == 0
    assert plain.as_json()["sketching"] == 0
    assert "missed" not in plain._repr_html_()


def test_a_bound_is_the_right_side_of_the_theorem_that_it_names():
    """The terms a second time, by T4, T4' and T5 for a plain problem with its numbers."""
    sketched = PROBLEM.sketched(size=5, seed=1)
    quantization = qt.Quantization(data=qt.Additive("0.01"), label=qt.Multiplicative("0.1"))
    plain = replace(sketched, features=None)
    for name, function, options in (
        ("sketched_upper_bound", qt.upper_bound, {"form": "paper"}),
        ("sketched_refined_upper_bound", qt.upper_bound, {"form": "refined"}),
        ("sketched_lower_bound", qt.lower_bound, {}),
    ):
        bound = function(sketched, quantization, SGD, 25, **options)
        without = function(plain, quantization, SGD, 25, **options)
        assert bound.theorem == name
        assert f"sketched_{without.theorem.removeprefix('risk_')}" == name
        assert bound.total.overlaps(without.total + bound.sketching)
        assert not bound.total.overlaps(without.total)


def test_a_bound_refuses_a_noise_that_is_not_that_of_labels_and_what_is_missed():
    sketched = replace(PROBLEM.sketched(size=5, seed=1), noise=1)
    for function in (qt.upper_bound, qt.lower_bound):
        with pytest.raises(qt.HypothesisError, match=r"in a sketch .* but sigma.2 is 1 here"):
            function(sketched, NO_ERRORS, SGD)


def test_the_limit_of_the_risk_includes_what_is_missed():
    sketched = PROBLEM.sketched(size=5, seed=1)
    for output in ("average", "last"):
        limit = qt.stability(sketched, NO_ERRORS, qt.SGD("0.1", steps=1, output=output)).limit
        long = qt.SGD("0.1", steps=10**9, output=output)
        risk = qt.excess_risk(sketched, NO_ERRORS, long).total
        assert limit == pytest.approx(risk, rel=1e-6)
        assert limit > float(sketched.features.sketching) * (1 - 1e-12)


@pytest.mark.parametrize("target", ["data", "parameter"])
@pytest.mark.parametrize(
    "quantizer", [qt.Multiplicative("0.1", "elementwise"), qt.formats.get("fp8_e4m3")], ids=str
)
def test_bounds_refuse_what_sees_the_rotation(target, quantizer):
    run = PROBLEM.sketched(size=3), qt.Quantization(**{target: quantizer}), SGD
    for function in (qt.upper_bound, qt.lower_bound, qt.stability):
        with pytest.raises(HypothesisError, match="sees the rotation"):
            function(*run)


def test_an_error_of_labels_does_not_see_the_rotation():
    elementwise = qt.Multiplicative("0.1", "elementwise")
    for target in ("label", "activation", "gradient"):
        run = PROBLEM.sketched(size=3), qt.Quantization(**{target: elementwise}), SGD
        assert qt.upper_bound(*run).total > qt.excess_risk(*run).total


def test_it_can_be_pickled_written_and_built_again():
    for problem in (
        PROBLEM.sketched(size=3, seed=2),
        PROBLEM.sketched(matrix=[[1, 0.1] + [2] * 10]),
        qt.Problem.from_covariance([["1/3", 0], [0, 2.5]], ["1/7", Fraction(1, 2)]),
        PROBLEM.sketched(size=4, seed=2).sketched(size=2, seed=3),
    ):
        assert pickle.loads(pickle.dumps(problem)) == problem
        names = {"qt": qt}
        exec(python_code(problem, NO_ERRORS, SGD), names)
        assert names["problem"] == problem
        assert len(repr(problem)) < 700
        assert len(problem.latex()) < 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size is 0, but must be a whole number of at least 1"),
        ({"size": -1}, "size is -1"),
        ({"size": 2.5}, "size is 2.5"),
        ({}, "size is None, but must be given, or matrix in its place"),
        ({"size": 3, "seed": -1}, "seed is -1"),
        ({"matrix": [[1.0] * 11]}, "matrix is '1 x 11', but must be with 12 columns"),
        ({"matrix": [1.0] * 12}, r"shape \(12,\)"),
        ({"matrix": [[]]}, r"shape \(1, 0\)"),
        ({"matrix": [[1, 2], [3]]}, "matrix is"),
        ({"matrix": "abc"}, r"shape \(\)"),
        ({"matrix": [[1.0] * 11 + [float("nan")]]}, r"matrix\[0, 11\] is nan"),
        ({"matrix": [[float("inf")] * 12]}, r"matrix\[0, 0\] is inf"),
        ({"matrix": [["x"] * 12]}, r"matrix\[0, 0\] is 'x'"),
        ({"matrix": np.ones((1, 12), dtype=complex)}, "real numbers"),
        ({"matrix": np.ones((1, 12)), "size": 2}, "size is 2, but must be left out"),
        ({"matrix": np.ones((2, 12))}, "of full rank"),
    ],
)
def test_a_sketch_that_is_none_is_refused_by_name(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        PROBLEM.sketched(**arguments)


def test_rows_that_repeat_are_refused():
    with pytest.raises((InvalidArgumentError, PrecisionError), match="repeat"):
        PROBLEM.sketched(matrix=np.ones((3, 12)))


def test_a_sketch_needs_a_finite_numeric_dimension():
    with pytest.raises(InvalidArgumentError, match="finite where a sketch is drawn"):
        qt.Problem(dim="oo").sketched(size=3)
    with pytest.raises(SymbolicValueError):
        qt.Problem(dim=qt.symbols("d")).sketched(size=3)
    with pytest.raises(SymbolicValueError):
        qt.Problem(dim=4, spectrum=qt.PowerLaw(qt.symbols("a"))).sketched(size=3)
    with pytest.raises(CostError, match="hours"):
        qt.Problem(dim=10**6).sketched(size=10**4)


@pytest.mark.parametrize(
    ("covariance", "w_star", "message"),
    [
        ([[1, 2], [3, 4]], [1, 1], r"covariance\[1, 0\] is '3, but 2 at \[0, 1\]'"),
        ([[1, 2], [2, 1]], [1, 1], "eigenvalue -1', but must be positive definite"),
        ([[1, 1], [1, 1]], [1, 1], "positive definite"),
        ([[1, 2, 3]], [1], "'1 x 3', but must be square and symmetric"),
        ([[1, float("nan")], [float("nan"), 1]], [1, 1], r"covariance\[0, 1\] is nan"),
        ([[1, 0], [0, 1]], [1], "w_star is '1 numbers', but must be 2"),
        ([[1, 0], [0, 1]], [1, "x"], "is 'x'"),
        ([[-1]], [1], "positive definite"),
        ([[0]], [1], "at least one positive eigenvalue"),
    ],
)
def test_a_covariance_that_is_none_is_refused_by_name(covariance, w_star, message):
    with pytest.raises(InvalidArgumentError, match=message):
        qt.Problem.from_covariance(covariance, w_star)


def test_a_negative_noise_is_refused():
    with pytest.raises(InvalidArgumentError, match="noise is -1"):
        qt.Problem.from_covariance([[1]], [1], noise=-1)


def test_columns_are_taken_in_parts(monkeypatch):
    whole = PROBLEM.sketched(size=3)
    monkeypatch.setattr(features_module, "_COLUMNS", 5)
    assert PROBLEM.sketched(size=3).spectrum.values == pytest.approx(whole.spectrum.values)


@pytest.mark.slow
def test_five_hundred_features_for_a_billion_steps():
    """Certified, beside float64 with the eigenvectors of LAPACK."""
    dim, size = 1000, 500
    sketched = qt.Problem(dim=dim, noise=1).sketched(size=size, seed=0)
    drawn = np.random.Generator(np.random.PCG64(0)).standard_normal((size, dim)) / np.sqrt(size)
    eigenvalues = 1 / np.arange(1.0, dim + 1) ** 2
    values, turn = np.linalg.eigh(drawn * eigenvalues @ drawn.T)
    products = turn.T @ (drawn @ eigenvalues)
    perp = eigenvalues.sum() - (products**2 / values).sum()
    plain = qt.Problem(
        size, qt.Explicit(values[::-1]), qt.Explicit((products / values)[::-1]), 1 + perp
    )
    quantization = qt.Quantization(data=qt.Additive("1e-4"), activation=qt.Multiplicative("0.01"))
    sgd = qt.SGD("0.1", steps=10**9)
    risk = qt.excess_risk(sketched, quantization, sgd, digits=20)
    assert risk.total.rel_accuracy_bits() > 66
    near = qt.excess_risk(plain, quantization, sgd).total + perp / 2
    assert float(risk.total) == pytest.approx(near, rel=1e-8)


def test_an_error_past_float64_names_a_number_that_was_chosen():
    """Not the radius of an eigenvalue, which is far from 1 as well."""
    sketched = PROBLEM.sketched(size=3)
    huge = qt.Quantization(label=qt.Additive("1e400"))
    with pytest.raises(InvalidArgumentError, match=r"additive is .* nearer to 1"):
        qt.excess_risk(sketched, huge, SGD)
