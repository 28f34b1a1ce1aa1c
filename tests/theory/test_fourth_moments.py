"""T4 under the fourth-moment assumption: its constants, its value, and what it assumes of data."""

import itertools
import random
from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.model.quantization import TARGETS
from qtheory.theory import definitions, theorems
from qtheory.theory.definitions import alpha, s2
from qtheory.theory.notation import B, additive, alpha_0, beta_0, multiplicative, shared, sigma2

T4, T4F = theorems["upper_bound"], theorems["fourth_moment_bound"]


def constants(theorem, numbers):
    known = dict(numbers)
    for equation in theorem.definitions:
        if equation.lhs not in known and not equation.has(sp.Indexed):
            known[equation.lhs] = equation.rhs.xreplace(known)
    return sp.nsimplify(known[alpha]), sp.nsimplify(known[s2])


def levels(rng, exact_data):
    found = {B: sp.Integer(rng.randint(1, 9)), sigma2: sp.Rational(rng.randint(0, 9), 4)}
    found |= {definitions.tr: sp.Integer(3), definitions.norm: sp.Rational(5, 2)}
    found |= {definitions.norm_q: sp.Rational(9, 4), definitions.A: sp.Rational(not exact_data, 8)}
    for target in TARGETS:
        zero = target == "data" and exact_data
        found[additive[target]] = sp.Rational(0 if zero else rng.randint(0, 4), 10)
        found[multiplicative[target]] = sp.Rational(0 if zero else rng.randint(0, 4), 10)
        found[shared[target]] = found[multiplicative[target]] * rng.randint(0, 1)
    return found


def test_with_3_and_2_the_constants_are_those_of_t4():
    """For exact data, whatever the other errors and the batch are."""
    rng, different = random.Random(1), 0
    for _ in range(200):
        numbers = levels(rng, exact_data=True)
        of_gaussian = constants(T4F, numbers | {alpha_0: sp.Integer(3), beta_0: sp.Integer(2)})
        assert of_gaussian == constants(T4, numbers)
        # without what a coordinate has of its own the feedback is larger
        of_paper = constants(T4F, numbers | {alpha_0: sp.Integer(3), beta_0: sp.Integer(0)})
        assert of_paper[0] >= of_gaussian[0]
        assert of_paper[1] == of_gaussian[1]
        different += bool(of_paper[0] > of_gaussian[0])
    assert different > 0


def problem(law, dim=4):
    return qt.Problem(dim, qt.PowerLaw(2), qt.Constant(1), 1, covariates=law)


ERRORS = {
    "exact": qt.Quantization(),
    "additive": qt.Quantization.uniform(qt.Additive("0.01")),
    "shared": qt.Quantization.uniform(qt.Multiplicative("0.01")),
    "elementwise": qt.Quantization.uniform(qt.Multiplicative("0.01", "elementwise")),
}


@pytest.mark.parametrize("errors", ERRORS)
@pytest.mark.parametrize(
    "law", [qt.Independent(1), qt.Independent(8), qt.Elliptical(2), qt.Gaussian()]
)
@pytest.mark.parametrize("batch", [1, 4])
def test_it_is_a_bound(errors, law, batch):
    sgd = qt.SGD("0.02", batch=batch, steps=60)
    exact = qt.excess_risk(problem(law), ERRORS[errors], sgd, digits=25).total
    for assumed in (law, qt.FourthMoment(max(law.own, 3 * law.between))):
        bound = qt.upper_bound(problem(assumed), ERRORS[errors], sgd, digits=25, form="paper")
        assert flint.arb(bound.total) > flint.arb(exact)


def test_the_bound_is_that_of_t4_for_gaussian_moments():
    sgd = qt.SGD("0.1", batch=2, steps=60)
    found = qt.upper_bound(problem(qt.Independent(3)), qt.Quantization(), sgd, digits=25)
    paper = qt.upper_bound(problem(None), qt.Quantization(), sgd, digits=25, form="paper")
    assert (found.form, found.theorem) == ("paper", "fourth_moment_bound")
    assert flint.arb(found.total).overlaps(flint.arb(paper.total))
    infinite = qt.upper_bound(problem(qt.FourthMoment(3), qt.oo), qt.Quantization(), sgd)
    assert infinite.total > qt.upper_bound(problem(None, qt.oo), qt.Quantization(), sgd).total


def test_a_step_that_is_too_large_is_refused():
    with pytest.raises(qt.HypothesisError, match=r"T4 for fourth moments.*theta"):
        qt.upper_bound(problem(qt.FourthMoment(40)), qt.Quantization(), qt.SGD("0.1", steps=9))


# --- what is assumed of quantized data follows from what is assumed of x


def law_of(rng, dependent):
    """Outcomes of x in two dimensions with E x x^T = H, its weights, and H."""
    if dependent:
        x, weights = rng.normal(size=(5, 2)) ** 3, rng.dirichlet(np.ones(5))
        values, vectors = np.linalg.eigh((x * weights[:, None]).T @ x)
        return x @ vectors, weights, values
    x = np.array(list(itertools.product((-2.0, 0, 2), (-1.0, 0, 1))))
    weights = np.prod(np.where(x == 0, 0.5, 0.25), axis=1)
    return x, weights, np.array([2.0, 0.5])


def least_alpha(x, weights, lam):
    white = x / np.sqrt(lam)
    return max(
        np.linalg.eigvalsh((white * (weights * white[:, i] ** 2)[:, None]).T @ white)[-1]
        for i in range(2)
    )


def quantized(x, weights, kind, level):
    """The outcomes of xq with those of x: Gaussian errors by three values of the same moments."""
    values, chances = np.sqrt(3 * level) * np.array([-1, 0, 1]), np.array([1, 4, 1]) / 6
    pairs = (
        [(k, k) for k in range(3)] if kind == "shared" else itertools.product(range(3), repeat=2)
    )
    pairs = list(pairs)
    noise = np.array([[values[a], values[b]] for a, b in pairs])
    chance = np.array([chances[a] * (1 if kind == "shared" else chances[b]) for a, b in pairs])
    before = np.repeat(x, len(pairs), axis=0)
    errors = np.tile(noise, (len(x), 1))
    after = before + errors if kind == "additive" else before * (1 + errors)
    return before, after, np.outer(weights, chance).ravel()


@pytest.mark.parametrize("kind", ["additive", "shared", "elementwise"])
@pytest.mark.parametrize("dependent", [True, False])
def test_the_assumption_passes_to_quantized_data(kind, dependent):
    rng, closest = np.random.default_rng(7), 0.0
    for _ in range(60):
        x, weights, lam = law_of(rng, dependent)
        level, w = rng.uniform(0.05, 0.8), rng.normal(size=2)
        a_0 = least_alpha(x, weights, lam)
        before, after, chance = quantized(x, weights, kind, level)
        additive_part, e = (level, 0.0) if kind == "additive" else (0.0, level)
        lq = (1 + e) * lam + additive_part
        a_q = max(a_0, 3) if kind == "additive" else a_0 * (1 + 6 * e + 3 * e**2) / (1 + e) ** 2
        wq = lam * w / lq
        norm = (lam * w**2).sum()
        twice_A = (lam / lq * (lq - lam) * w**2).sum()
        misfit = a_0 * twice_A
        if kind == "shared":
            misfit = a_0 * norm * (e + e**3) / (1 + e) ** 3
        z = rng.normal(size=2)
        for vector, limit in (
            (after @ z, a_q * (lq * z**2).sum()),  # the distance and the prediction
            (before @ w, a_0 * norm),  # the label
            (before @ w - after @ wq, misfit),
        ):
            moments = (after**2 * (chance * vector**2)[:, None]).sum(axis=0)
            assert np.all(moments <= lq * limit * (1 + 1e-9))
            closest = max(closest, (moments / (lq * limit)).max())
    assert closest > 0.5  # the negative control: half of the constants is not enough


def test_a_coordinate_of_its_own():
    """Independent coordinates: alpha_0 = k and beta_0 = k - 1 hold with equality."""
    for k in (1, 3, 5):
        law = qt.Independent(k)
        assert (law.fourth_moment, law.own_fourth_moment) == (k, k - 1)
        lam, a = (Fraction(2), Fraction(1, 2)), (Fraction(3), Fraction(-1))
        norm = sum(one * b**2 for one, b in zip(lam, a, strict=True))
        exact = k * lam[0] ** 2 * a[0] ** 2 + lam[0] * lam[1] * a[1] ** 2
        assert exact == lam[0] * norm + (k - 1) * lam[0] ** 2 * a[0] ** 2
