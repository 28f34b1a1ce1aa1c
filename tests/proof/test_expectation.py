"""The expectations of polynomials: known moments, identities, and what is refused."""

from itertools import product
from math import comb, factorial

import pytest

from qtheory.errors import ProofError
from qtheory.proof.expectation import GaussianVector, Law, Listed, Symmetric, TwoMoments, ring


@pytest.fixture
def gaussian():
    """Two independent Gaussian variables g_0, g_1 with variances s_0, s_1."""
    r, of = ring({"g": (2,), "s": (2,)})
    return *of["g"], *of["s"], Law(r, of["s"], [GaussianVector(of["g"], of["s"])]).expectation


@pytest.fixture
def rounded():
    """x with variance s; an error e with E[e^2 | x] = a + m x^2, of which no more is known."""
    r, of = ring(dict.fromkeys(["x", "e", "s", "a", "m"], ()))
    x, e, s, a, m = (of[name] for name in ("x", "e", "s", "a", "m"))
    error = TwoMoments([e], [r.constant(0)], [[a + m * x**2]])
    return x, e, s, a, m, Law(r, [s, a, m], [GaussianVector([x], [s])], [error])


def test_gaussian_moments(gaussian):
    g, _, s, _, E = gaussian
    for k in range(9):
        assert E(g ** (2 * k)) == factorial(2 * k) // (2**k * factorial(k)) * s**k
        assert E(g ** (2 * k + 1)) == 0


def test_isserlis_for_four_linear_forms(gaussian):
    # E abcd = E ab E cd + E ac E bd + E ad E bc for jointly Gaussian a, b, c, d
    g, h, _, _, E = gaussian
    forms = [u * g + v * h for u, v in ((1, 2), (-1, 3), (4, 1), (2, -5))]
    pairings = (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2)))
    expected = sum(E(forms[a] * forms[b]) * E(forms[c] * forms[d]) for (a, b), (c, d) in pairings)
    assert E(forms[0] * forms[1] * forms[2] * forms[3]) == expected


def test_independent_factors_multiply(gaussian):
    g, h, _, _, E = gaussian
    for p, q in product(range(6), repeat=2):
        assert E(g**p * h**q) == E(g**p) * E(h**q)


def test_integration_by_parts(gaussian):
    # Stein: E g f(g) = s E f'(g)
    g, h, s, _, E = gaussian
    f = (1 + g) ** 5 * h**2 - 3 * g**3 + g * h
    assert E(g * f) == s * E(f.derivative(0))


def test_factors_of_section_2(gaussian):
    zeta, _, eps, _, E = gaussian
    assert E((1 + zeta) ** 2) == 1 + eps
    assert E((1 + zeta) ** 3) == 1 + 3 * eps
    assert E((1 + zeta) ** 4) == 1 + 6 * eps + 3 * eps**2


def test_expectation_is_linear_and_keeps_parameters(gaussian):
    g, h, s, r, E = gaussian
    p, q = (g + s * h) ** 4, g * h + r
    assert E(3 * p - s * q) == 3 * E(p) - s * E(q)
    assert E(s**3 * r) == s**3 * r
    assert E(p - p) == 0


def test_a_sum_of_gaussians_is_gaussian(gaussian):
    g, h, s, r, E = gaussian
    assert E((g + h) ** 6) == 15 * (s + r) ** 3
    assert E((g + h) ** 6) == sum(comb(6, k) * E(g**k) * E(h ** (6 - k)) for k in range(7))


def test_tower_property(rounded):
    x, e, s, a, m, law = rounded
    assert law.expectation((x + e) ** 2) == s + a + m * s
    assert law.expectation(x**2 * (x + e) ** 2) == 3 * s**2 + a * s + 3 * m * s**2
    assert law.expectation(e * x**7) == 0


def test_a_third_power_of_an_error_is_refused(rounded):
    x, e, _, _, _, law = rounded
    for power in (3, 4):
        with pytest.raises(ProofError, match=f"e\\^{power} is of order {power}"):
            law.expectation(x * e**power)


def test_a_product_of_three_errors_is_refused():
    r, of = ring({"e": (3,), "a": ()})
    zero = r.constant(0)
    second = [[of["a"] if k == j else zero for j in range(3)] for k in range(3)]
    law = Law(r, [of["a"]], [TwoMoments(of["e"], [zero] * 3, second)])
    e = of["e"]
    assert law.expectation((e[0] + e[1] + e[2]) ** 2) == 3 * of["a"]
    with pytest.raises(ProofError, match="first two moments"):
        law.expectation(e[0] * e[1] * e[2])


def test_symmetric_vector():
    r, of = ring(dict.fromkeys(["x", "q", "c"], ()))
    x, q, c = of["x"], of["q"], of["c"]
    law = Law(r, [c], [Symmetric([x, q], {(1, 1): c})])
    assert law.expectation((1 + x) * (1 + q) + x**2 * q) == 1 + c
    with pytest.raises(ProofError, match=r"E x\^2 q\^2 is not known"):
        law.expectation(x**2 * q**2)


def test_a_list_of_moments_may_depend_on_what_is_drawn_before():
    r, of = ring(dict.fromkeys(["g", "x", "q", "s"], ()))
    g, x, q, s = of["g"], of["x"], of["q"], of["s"]
    law = Law(r, [s], [GaussianVector([g], [s])], [Listed([x, q], {(1, 0): g, (1, 1): g**3})])
    assert law.expectation(g * x + g * x * q + 1) == s + 3 * s**2 + 1
    for unknown in (q, x * q**2):  # an odd moment that is not listed is not 0
        with pytest.raises(ProofError, match="is not known"):
            law.expectation(unknown)


def test_generators_may_be_called_by_letters():
    _, of = ring({"x": ("bc", "ijk"), "n": (2,)})
    assert [str(x) for x in of["x"][1]] == ["x_c_i", "x_c_j", "x_c_k"]
    assert list(map(str, of["n"])) == ["n_0", "n_1"]
    with pytest.raises(ProofError, match="distinct names"):
        ring({"x": ("bb",)})


def test_a_variable_without_law_is_refused():
    r, of = ring(dict.fromkeys(["x", "s", "y"], ()))
    law = Law(r, [of["s"]], [GaussianVector([of["x"]], [of["s"]])])
    with pytest.raises(ProofError, match="uses y, which has no law"):
        law.expectation(of["x"] * of["y"])
    with pytest.raises(ProofError, match="has no law"):
        Law(r, [], [GaussianVector([of["x"]], [of["s"]])])


def test_a_moment_may_not_use_what_is_drawn_later(rounded):
    x, e, s, a, m, law = rounded
    error = TwoMoments([e], [0 * a], [[a + m * x**2]])
    with pytest.raises(ProofError, match="uses x"):
        Law(law.ring, [s, a, m], [error], [GaussianVector([x], [s])])
    with pytest.raises(ProofError, match="uses x"):  # nor what is drawn beside it
        Law(law.ring, [s, a, m], [GaussianVector([x], [s]), error])


def test_a_variable_is_drawn_once(rounded):
    x, _, s, a, m, law = rounded
    with pytest.raises(ProofError, match="drawn twice"):
        Law(law.ring, [s, a, m], [GaussianVector([x], [s])], [GaussianVector([x], [a])])
    with pytest.raises(ProofError, match="drawn twice"):
        Law(law.ring, [x, s, a, m], [GaussianVector([x], [s])])


def test_other_malformed_laws_are_refused(rounded):
    x, e, s, a, m, law = rounded
    _, other = ring(dict.fromkeys(["x", "s"], ()))
    with pytest.raises(ProofError, match="another ring"):
        law.expectation(other["x"])
    with pytest.raises(ProofError, match="not a generator"):
        Law(law.ring, [s + a])
    with pytest.raises(ProofError, match="as many variances"):
        GaussianVector([x, e], [s])
    with pytest.raises(ProofError, match="table of 2 x 2"):
        TwoMoments([x, e], [s, s], [[s]])
    with pytest.raises(ProofError, match="symmetric"):
        TwoMoments([x, e], [s, s], [[s, a], [m, s]])
    with pytest.raises(ProofError, match="distinct names"):
        ring({"x": (2,), "x_1": ()})
