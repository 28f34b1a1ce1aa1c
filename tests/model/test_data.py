"""Problems made from real tables."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

import qtheory as qt
from qtheory.model.data import load_table

TABLES = {"diabetes": load_diabetes, "digits": load_digits}


@pytest.fixture(params=sorted(TABLES))
def table(request):
    return TABLES[request.param](return_X_y=True)


def test_second_moments_are_those_of_the_table(table):
    X, y = table
    problem = qt.Problem.from_data(X, y)
    eigenvalues = np.array([float(v) for v in problem.spectrum.values])
    centred = X - X.mean(axis=0)
    covariance = np.linalg.eigvalsh(centred.T @ centred / len(X))[::-1]
    assert np.allclose(eigenvalues, covariance, rtol=1e-9, atol=1e-9 * covariance[0])
    residual = y - y.mean() - centred @ np.linalg.lstsq(centred, y - y.mean(), rcond=None)[0]
    assert float(problem.noise) == pytest.approx(np.mean(residual**2), rel=1e-9)
    # energy: Var(y) = sum lambda w*^2 + sigma^2
    coefficients = np.array([float(v) for v in problem.target.values])
    energy = np.sum(eigenvalues * coefficients**2) + float(problem.noise)
    assert energy == pytest.approx(np.var(y), rel=1e-9)
    assert any("Gaussian" in line for line in problem.assumptions)


def test_the_risk_of_a_real_table(table):
    problem = qt.Problem.from_data(*table)
    largest = qt.stability(problem, qt.Quantization(), qt.SGD(1, steps=1)).largest_stepsize
    sgd = qt.SGD(largest / 4, steps=200)
    noisy = qt.Quantization.uniform(qt.Multiplicative("0.01"))
    exact = qt.excess_risk(problem, qt.Quantization(), sgd).total
    assert 0 < exact < qt.excess_risk(problem, noisy, sgd).total
    estimate = qt.simulate(problem, noisy, sgd, replicates=400, seed=3)
    assert abs(estimate.mean - qt.excess_risk(problem, noisy, sgd).total) < 4 * estimate.stderr


def test_digits_has_directions_without_variance():
    problem = qt.Problem.from_data(*load_digits(return_X_y=True))
    assert problem.dim == 64
    assert sum(value == 0 for value in problem.spectrum.values) == 3
    assert "rank 61" in problem.assumptions[0]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((3, 2)), np.ones(4), r"y has shape \(4,\).*\(3,\)"),
        (np.ones(3), np.ones(3), "X has shape"),
        (np.ones((1, 2)), np.ones(1), "X has shape"),
        ([[1, 2], [3, np.nan]], [1, 2], r"X\[1, 1\] is not a finite"),
        ([[1, 2], [3, 4]], [1, np.inf], r"y\[1\] is not a finite"),
        ([["a", "b"], ["c", "d"]], [1, 2], "must hold real numbers"),
        (np.ones((3, 2)), np.ones(3), "no column that varies"),
    ],
)
def test_tables_that_do_not_fit(X, y, message):
    with pytest.raises(qt.DataError, match=message):
        qt.Problem.from_data(X, y)


def test_unreadable_files(tmp_path):
    missing = tmp_path / "missing.npy"
    with pytest.raises(qt.DataError, match=r"missing\.npy is not a readable"):
        load_table(missing)
    text = tmp_path / "text.npy"
    text.write_text("not an array")
    with pytest.raises(qt.DataError, match=r"text\.npy is not a readable"):
        load_table(text)
    pickled = tmp_path / "pickled.npy"
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(qt.DataError, match=r"pickled\.npy is not a readable"):
        load_table(pickled)


def test_a_file_of_another_librarys_numbers_says_how_to_store_them(tmp_path):
    file = tmp_path / "X.npy"
    np.save(file, np.zeros((3, 2), dtype="V2"))  # what NumPy makes of bfloat16
    with pytest.raises(qt.DataError, match=r"it holds \|V2, .*store them as float32"):
        load_table(file)
