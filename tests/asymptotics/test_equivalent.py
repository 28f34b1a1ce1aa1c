"""Deterministic equivalents of random sketches, beside sampled sketches in NumPy."""

import math

import numpy as np
import pytest
from scipy import integrate

import qtheory as qt
from qtheory.asymptotics import sketch as sketches_of_a_problem
from qtheory.asymptotics import unlearnt
from qtheory.asymptotics.sketch import Sketch
from qtheory.errors import HypothesisError, InvalidArgumentError, UnstableError

EXACT = qt.Quantization()
DIM = 400


def problem(a=2, b=2, dim=DIM, noise="1/4"):
    return qt.Problem(dim, qt.PowerLaw(a), qt.SourceCondition(b), noise)


def numbers(a, b, dim=DIM):
    i = np.arange(1, dim + 1.0)
    lam = i ** -float(a)
    return lam, np.sqrt(i ** -float(b) / lam)


def sketches(a, b, size, count, seed, dim=DIM):
    """Sigma, S H w* and S of some sketches."""
    lam, w = numbers(a, b, dim)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        S = rng.standard_normal((size, dim)) / math.sqrt(size)
        yield (S * lam) @ S.T, S @ (lam * w), S


SETTINGS = [
    (a, b, size, eps)
    for a, b in ((2, 2), (1.5, 2.5), (3, 2))
    for size, eps in ((20, 0.0), (20, 0.01), (60, 0.0), (60, 0.001), (60, 0.03))
]


@pytest.mark.parametrize(("a", "b", "size", "eps"), SETTINGS)
def test_approximation_and_floor_are_those_of_sampled_sketches(a, b, size, eps):
    """S3, within 2 standard errors of 40 sketches (and 1 % for what M = 20 leaves)."""
    lam, w = numbers(a, b)
    energy = (lam * w**2).sum()
    A, F = [], []
    for Sigma, signal, S in sketches(a, b, size, 40, seed=3):
        v = np.linalg.solve(Sigma + eps * np.eye(size), signal)
        A.append((energy - signal @ v) / 2)
        F.append((lam * (S.T @ v - w) ** 2).sum() / 2)
    sketch = Sketch.of(problem(a, b), size)
    approximation, floor, effective = sketch.limits(eps)
    for found, sampled in ((approximation, A), (floor, F)):
        error = np.std(sampled) / math.sqrt(len(sampled))
        assert abs(found - np.mean(sampled)) < 2 * error + 0.01 * found
    assert effective <= size + 1e-9
    # the negative control: a tenth more features are too many
    other = Sketch.of(problem(a, b), size + max(size // 10, 4)).limits(eps)[0]
    if eps == 0:
        assert abs(other - np.mean(A)) > 2 * np.std(A) / math.sqrt(len(A))


def test_the_curve_is_that_of_sampled_sketches():
    """S5 over the whole curve: within 1 % of 100 sketches, or of their standard errors."""
    size, gamma, count = 100, 0.1, 100
    lam, w = numbers(2, 2)
    s, n, perp = (np.empty((count, size)), np.empty((count, size)), np.empty((count, 1)))
    for k, (Sigma, signal, _) in enumerate(sketches(2, 2, size, count, seed=8)):
        s[k], U = np.linalg.eigh(Sigma)
        n[k] = (U.T @ signal / s[k]) ** 2
        perp[k] = (lam * w**2).sum() - (s[k] * n[k]).sum()
    steps = (10, 100, 1000, 4000)
    for t in range(1, steps[-1] + 1):
        drive = (s * n).sum(axis=1, keepdims=True) + 0.25 + perp
        x = gamma * s
        n = (1 - 2 * x + 2 * x**2) * n + gamma * x * drive
        if t in steps:
            sampled = ((s * n).sum(axis=1) + perp[:, 0]) / 2
            run = qt.SGD("0.1", steps=t, output="last")
            found = qt.equivalent_risk(problem(), EXACT, run, size=size).total
            error = np.std(sampled) / math.sqrt(count)
            assert abs(found - sampled.mean()) < max(0.01 * found, 2 * error)


@pytest.mark.parametrize("output", ["last", "average"])
def test_many_features_learn_what_the_data_allow(output):
    """Sigma tends to H, and the risk to that of the problem without sketch, for every error.

    But not for additive errors of the data: each feature brings one, and M of them grow with M.
    """
    quantization = qt.Quantization(
        data=qt.Multiplicative("0.01"),
        label=qt.Multiplicative("0.2"),
        parameter=qt.Additive("0.003"),
        activation=qt.Multiplicative("0.1", "elementwise"),
        gradient=qt.Multiplicative("0.1"),
    )
    run = qt.SGD("0.05", batch=2, steps=300, output=output)
    for given in (EXACT, quantization):
        exact = qt.excess_risk(problem(dim=20), given, run).total
        found = qt.equivalent_risk(problem(dim=20), given, run, size=10**8)
        assert found.total == pytest.approx(exact, rel=1e-5)
        assert found.sketching == pytest.approx(0, abs=1e-12)
        # the negative control: few features do not
        few = qt.equivalent_risk(problem(dim=20), given, run, size=5)
        assert few.total > exact * 1.05
    integers = qt.Quantization(data=qt.Additive("0.01"))
    with pytest.raises(UnstableError, match="feeds itself"):
        qt.equivalent_risk(problem(dim=20), integers, run, size=10**8)


def test_the_path_does_not_matter(monkeypatch):
    run = qt.SGD("0.1", steps=2000)
    totals = []
    for margin, height, points in ((0.35, 0.8, 12), (0.2, 0.6, 18), (0.35, 0.9, 16)):
        monkeypatch.setattr(sketches_of_a_problem, "_MARGIN", margin)
        monkeypatch.setattr(sketches_of_a_problem, "_HEIGHT", height)
        monkeypatch.setattr(sketches_of_a_problem, "_POINTS", points)
        totals.append(qt.equivalent_risk(problem(), EXACT, run, size=50).total)
    assert max(totals) - min(totals) < 1e-8 * totals[0]
    monkeypatch.setattr(sketches_of_a_problem, "_POINTS", 2)  # too few
    assert abs(qt.equivalent_risk(problem(), EXACT, run, size=50).total / totals[0] - 1) > 1e-6


def test_long_spectra_and_infinite_ones():
    run = qt.SGD("0.1", steps=1000)
    one_by_one = Sketch.of(problem(dim=4096), 100)
    monkey = Sketch.of(problem(dim=4097), 100)  # in panels
    assert monkey.perp == pytest.approx(one_by_one.perp, rel=1e-3)
    assert one_by_one.perp < monkey.perp
    million, endless = (
        qt.equivalent_risk(problem(dim=dim), EXACT, run, size=200) for dim in (10**6, qt.oo)
    )
    assert million.total == pytest.approx(endless.total, rel=1e-5)
    whole = sum(i**-2.0 / (i**-2.0 + 1e-4) for i in range(1, 10**6))
    assert Sketch.of(problem(dim=qt.oo), 100).df1(1e-4) == pytest.approx(
        whole + 1e4 / 10**6, rel=1e-9
    )


def test_published_values_of_the_sketching_floor():
    """perp / 2 at (alpha, beta) = (1, 0): 0.005903 in the code of "4+3 phases", with an integral.

    The sum itself gives 0.005886 at V = 4000, D = 200 (kappa M = perp for w* = 1).
    """
    sketch = Sketch.of(problem(dim=4000), 200)
    assert sketch.perp / 2 == pytest.approx(0.005886, abs=5e-7)
    assert sketch.perp == pytest.approx(sketch.kappa(0.0) * 200, rel=1e-9)


@pytest.mark.parametrize(("a", "b"), [(2, 2), (3, 2), (2, "3/2"), (3, "5/2")])
def test_the_leading_constant(a, b):
    """S4: the ratio at M = 320 is 1 within 1.5 %, and tends to 1."""
    given = problem(a, b, dim=qt.oo)
    ratios = [
        Sketch.of(given, size).perp / 2 / float(qt.sketching_constant(given, size))
        for size in (320, 3200)
    ]
    assert abs(ratios[0] - 1) < 0.015
    assert abs(ratios[1] - 1) < abs(ratios[0] - 1) / 2


def sampled_elementwise(size, eps, count, seed, dim):
    """Means of A_S and F_S with relative errors of single features, and their standard errors."""
    lam, w = numbers(2, 2, dim)
    energy, found = (lam * w**2).sum(), []
    for Sigma, signal, _ in sketches(2, 2, size, count, seed, dim):
        v = np.linalg.solve(Sigma + eps * np.diag(np.diag(Sigma)), signal)
        found.append(((energy - signal @ v) / 2, (energy - 2 * signal @ v + v @ Sigma @ v) / 2))
    return np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / math.sqrt(count)


@pytest.mark.parametrize(
    ("size", "eps", "count", "dim"),
    [
        (20, 0.1, 2000, 300),
        *(pytest.param(m, 0.01, 200, 6000, marks=pytest.mark.slow) for m in (100, 200, 400)),
    ],
)
def test_elementwise_errors_on_features(size, eps, count, dim):
    """S6, within 3 standard errors of sampled sketches (and 1 % for what M = 20 leaves)."""
    (mean, floor), (error, of_floor) = sampled_elementwise(size, eps, count, seed=size, dim=dim)
    found = qt.elementwise_sketch(problem(dim=dim), eps, size=size)
    assert abs(found.approximation - mean) < 3 * error + 0.2 / size * mean
    assert abs(found.floor - floor) < 3 * of_floor + 0.2 / size * floor
    # the negative control: an additive error of that size is not the same
    level = eps * numbers(2, 2, dim)[0].sum() / size
    assert abs(Sketch.of(problem(dim=dim), size).limits(level)[0] - mean) > 3 * error
    # and without errors more is learned
    assert Sketch.of(problem(dim=dim), size).limits(0.0)[0] < 0.99 * mean


@pytest.mark.parametrize(("dim", "size", "eps"), [(1, 4, 0.1), (5, 3, 0.25), (40, 200, 1e-4)])
def test_equal_eigenvalues_have_an_elementwise_equivalent_in_closed_form(dim, size, eps):
    """E g_k^2 / sum g^2 is 1/d, so r (1 + (M/d) / (eps + r)) = 1: a quadratic equation."""
    given = qt.Problem(dim, qt.Explicit([2] * dim), qt.Constant(1), 1)
    found = qt.elementwise_sketch(given, eps, size=size)
    b = eps + size / dim - 1
    r = (-b + math.sqrt(b * b + 4 * eps)) / 2
    assert found.approximation == pytest.approx(dim * 2 * r / 2, rel=1e-9)
    assert found.effective_size == pytest.approx(dim * (1 - r), rel=1e-9)
    slope = (1 - r) / (2 * r + b)  # dr / d eps, from r^2 + b r = eps
    near = 1e-7 * found.approximation  # it is a difference
    assert found.floor == pytest.approx(dim * (r - eps * slope), abs=near)


def test_the_elementwise_equation_holds_for_drawn_numbers():
    """1 / r_k = 1 + M E lambda_k g_k^2 / Q at its solution, by a million normals of each."""
    given, size, eps = problem(dim=3), 2, 0.1
    left = unlearnt.unlearned(Sketch.of(given, size), eps)
    lam, _ = numbers(2, 2, 3)
    squares = np.random.default_rng(0).standard_normal((10**6, 3)) ** 2
    shares = lam * squares / (squares @ (lam * (eps + left)))[:, None]
    error = shares.std(axis=0) / 1000
    assert np.all(np.abs(1 + size * shares.mean(axis=0) - 1 / left) < 4 * size * error)
    # the negative control: independent of what it scales, the first would be another number
    apart = lam * (1 / (squares @ (lam * (eps + left)))).mean()
    assert abs(1 + size * apart[0] - 1 / left[0]) > 50 * size * error[0]


def test_an_elementwise_equation_that_does_not_settle_is_said(monkeypatch):
    monkeypatch.setattr(unlearnt, "_MOST_STEPS", 3)
    with pytest.raises(qt.PrecisionError, match="does not settle"):
        qt.elementwise_sketch(problem(), "0.01", size=50)


#: The limit of the risk by the public code of the authors of "4+3 phases" (Paquette, Paquette,
#: Xiao, Pennington, arXiv:2405.15074): LosVolterrosHermanos/Experimental on GitHub, in float32, at
#: (alpha, beta, V, D), and what differs there. Nothing of it is here but these numbers.
PUBLISHED = {
    (1, 0, 4000, 200): 0.005903303,
    (1, 0.5, 4000, 200): 0.000161146905,
    (0.75, 0.25, 8000, 400): 0.006040836,
    (1.25, 0, 2000, 50): 0.002802422,
}


def limit_by_an_integral(alpha, beta, V, D, low=0.0, high=None, tolerance=1e-13):
    """A_S with an integral over the places in df1, from where that code starts."""
    a, top = 2 * alpha, V if high is None else high
    kappa = (integrate.quad(lambda x: 1 / (1 + x**a), 0, 1000)[0] / D) ** a
    while True:
        df1 = integrate.quad(
            lambda x, kappa=kappa: 1 / (1 + kappa * x**a),
            low,
            top,
            points=[kappa ** (-1 / a)],
            limit=200,
        )[0]
        before, kappa = kappa, kappa * df1 / D
        if abs(before / kappa - 1) <= tolerance:
            break
    places = np.arange(1, V + 1.0)
    lam, signal = places**-a, places ** (-2.0 * (alpha + beta))
    return (signal * kappa / (lam + kappa)).sum() / 2


@pytest.mark.parametrize("point", PUBLISHED)
def test_a_published_equivalent_differs_by_an_integral_and_by_when_it_stops(point):
    alpha, beta, V, D = point
    ours = Sketch.of(problem(2 * alpha, 2 * (alpha + beta), dim=V), D).limits(0.0)[0]
    theirs, integral = PUBLISHED[point], limit_by_an_integral(*point)
    # the whole difference: the integral, and an iteration that stops at a change of a thousandth
    assert limit_by_an_integral(*point, tolerance=1e-3) == pytest.approx(theirs, rel=1e-5)
    assert ours < integral < theirs
    # the integral from 1/2 on is the sum: it is the half coordinate at the start that counts
    half = limit_by_an_integral(*point, low=0.5, high=V + 0.5)
    assert half == pytest.approx(ours, rel=2e-7)
    assert abs(integral / ours - 1) > 1e-3


def test_effective_sizes():
    run = qt.SGD("0.1", steps=100)
    plain = qt.equivalent_risk(problem(), EXACT, run, size=50)
    coarse = qt.equivalent_risk(problem(), qt.Quantization(data=qt.Additive("0.01")), run, size=50)
    shared = qt.equivalent_risk(
        problem(), qt.Quantization(data=qt.Multiplicative("0.01")), run, size=50
    )
    assert plain.effective_size == pytest.approx(50)
    assert shared.effective_size == pytest.approx(50)  # the rank-one model keeps the model size
    assert coarse.effective_size < 20
    assert plain.effective_samples < 100  # perp is noise, too
    noisy = qt.equivalent_risk(problem(), qt.Quantization(label=qt.Additive(1)), run, size=50)
    assert noisy.effective_samples < plain.effective_samples / 3
    assert "averaged over sketches" in str(plain)
    assert plain.as_json()["kind"] == "equivalent"


@pytest.mark.parametrize("size", [2, 3, 4, 9])
def test_few_coordinates_equal_ones_and_no_noise(size):
    """Nothing but the start is learned away; as many features as coordinates learn all."""
    given = qt.Problem(4, qt.Explicit([1, "1/2", "1/2", "1/9"]), qt.Explicit([1, 0, -1, 2]), 0)
    found = qt.equivalent_risk(given, EXACT, qt.SGD("0.05", steps=500, output="last"), size=size)
    assert (found.sketching == 0) == (size >= 4)
    assert 0 <= found.sketching <= found.total < qt.risk_curve(given, EXACT, qt.SGD(
        "0.05", steps=500, output="last"), [1])[0].total  # fmt: skip
    assert found.effective_samples == (500 if size >= 4 else 0)


def test_what_is_not_covered_is_refused():
    run = qt.SGD("0.1", steps=100)
    elementwise = qt.Multiplicative("0.01", "elementwise")
    for target in ("data", "parameter"):
        with pytest.raises(HypothesisError, match="see the rotation"):
            qt.equivalent_risk(problem(), qt.Quantization(**{target: elementwise}), run, size=50)
    fp8 = qt.Quantization(data=qt.formats.get("fp8_e4m3"))
    with pytest.raises(HypothesisError, match="see the rotation"):
        qt.equivalent_risk(problem(), fp8, run, size=50)
    for size in (0, -1, "1/2", 10**10):
        with pytest.raises(InvalidArgumentError, match="size is"):
            qt.equivalent_risk(problem(), EXACT, run, size=size)
    with pytest.raises(UnstableError, match="stepsize is 3/2"):
        qt.equivalent_risk(problem(), EXACT, qt.SGD("1.5", steps=100), size=50)
    with pytest.raises(InvalidArgumentError, match="1 < b < a"):
        qt.sketching_constant(problem(2, 4, dim=qt.oo), 100)
    unknown = qt.Problem(qt.oo, qt.PowerLaw(qt.symbols("a")), qt.SourceCondition(2))
    with pytest.raises(qt.SymbolicValueError, match="give a value to a"):
        qt.equivalent_risk(unknown, EXACT, run, size=50)
    c = qt.symbols("c")
    for symbolic in (
        (problem(noise=c), EXACT, run),
        (problem(), qt.Quantization(label=qt.Additive(c)), run),
        (problem(), EXACT, qt.SGD(c, steps=5)),
        (problem(), EXACT, qt.SGD("0.1", steps=c)),
        (problem(), EXACT, qt.SGD("0.1", c, steps=5)),
    ):
        with pytest.raises(qt.SymbolicValueError, match="give a value to c"):
            qt.equivalent_risk(*symbolic, size=50)
    with pytest.raises(qt.InfiniteRiskError):
        qt.equivalent_risk(problem(1, dim=qt.oo), EXACT, run, size=50)


@pytest.mark.parametrize(("a", "b"), [(2, 2), (4, 2), ("3/2", 2), (3, 6)])
@pytest.mark.parametrize("steps", [10, 10**4, 10**7])
def test_a_billion_features_are_as_good_as_the_data(a, b, steps):
    given = problem(a, b, qt.oo)
    sgd = qt.SGD("0.1", steps=steps, output="last")
    exact = qt.excess_risk(given, EXACT, sgd).total
    found = [qt.equivalent_risk(given, EXACT, sgd, size=10**k).total for k in (4, 9)]
    assert found[1] == pytest.approx(exact, rel=1e-6)
    assert found[0] > found[1] + 1e-8


def test_more_features_than_coordinates_whose_errors_are_noise():
    """M > d: M - d directions hold nothing but the errors of the data, and feed the noise."""
    wide, size, count = problem(1, 2, dim=20), 80, 40
    quantization = qt.Quantization(data=qt.Additive("0.05"), label=qt.Additive("0.1"))
    sgd = qt.SGD("0.15", steps=200, output="last")
    sampled = [
        qt.excess_risk(wide.sketched(size=size, seed=seed), quantization, sgd).total
        for seed in range(count)
    ]
    found = qt.equivalent_risk(wide, quantization, sgd, size=size).total
    error = np.std(sampled) / math.sqrt(count)
    assert abs(found - np.mean(sampled)) < 2 * error < 0.04 * found
    # the negative control: with no more than d features there are no such directions
    fewer = qt.equivalent_risk(wide, quantization, sgd, size=20).total
    assert abs(fewer - np.mean(sampled)) > 2 * error


@pytest.mark.parametrize(("a", "b"), [(2, 2), (3, 2), (3, "5/2"), ("3/2", 2)])
def test_what_very_many_features_miss_keeps_its_digits(a, b):
    """S4's constant is approached like 1 / M, however small kappa is beside lambda_1."""
    infinite = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b))
    gaps = []
    for size in (10**5, 10**7, 10**9):
        approximation, floor, effective = Sketch.of(infinite, size).limits()
        gaps.append(abs(approximation / float(qt.sketching_constant(infinite, size)) - 1))
        assert floor == approximation
        assert abs(effective / size - 1) < 1e-9
    assert gaps[0] < 5e-3
    assert gaps[1] < 0.15 * gaps[0]
    assert gaps[2] < 0.15 * gaps[1]
