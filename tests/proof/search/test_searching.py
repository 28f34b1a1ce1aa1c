"""A user's own small lemmas get certificates, which the checker reads; false ones get none."""

import random
import runpy
from pathlib import Path

import pytest
import z3

from qtheory.proof import certificates
from qtheory.proof.checker import CertificateError, check
from qtheory.proof.search import NotFound, combinations, search, search_missing, solver
from qtheory.proof.terms import term_of

x, y, a, b, c, d, r, s, q = z3.Reals("x y a b c d r s q")
n, m = z3.Ints("n m")
f = z3.Function("f", z3.RealSort(), z3.RealSort())
g = z3.Function("g", z3.IntSort(), z3.RealSort())


def maximum(one, other):
    return z3.If(one >= other, one, other)


def minimum(one, other):
    return z3.If(one <= other, one, other)


def formulas(premises, goal):
    return [term_of(each) for each in (*premises, z3.Not(goal))]


TRUE = {
    # polynomials
    "a square from one on": ([x >= 1], x * x >= x),
    "two numbers": ([], 2 * x * y <= x * x + y * y),
    "the square of a sum": ([], (x + y) * (x + y) <= 2 * x * x + 2 * y * y),
    "Young": ([c > 0], x * y <= x * x / (2 * c) + c * y * y / 2),
    "three numbers": ([a >= 0, b >= 0, c >= 0], a * a * a + b * b * b + c * c * c >= 3 * a * b * c),
    "three products": ([], x * x + y * y + a * a >= x * y + y * a + a * x),
    "Cauchy-Schwarz": (
        [],
        (a * x + b * y) * (a * x + b * y) <= (a * a + b * b) * (x * x + y * y),
    ),
    "a convex square": (
        [q >= 0, q <= 1],
        (q * x + (1 - q) * y) * (q * x + (1 - q) * y) <= q * x * x + (1 - q) * y * y,
    ),
    "a tangent": ([x >= 0], x * x * x + 2 >= 3 * x),
    "a product below one": ([x >= 0, x <= 1, y >= 0, y <= 1], x + y - x * y <= 1),
    "a definite form": ([a > 0, b * b < a * c], a * x * x + 2 * b * x + c > 0),
    "equal squares": ([x * x == y * y, x > 0, y > 0], x == y),
    "a factor that is zero": ([x * y == 0, x != 0], y == 0),
    # cases
    "a maximum": ([], maximum(x, y) >= x),
    "maximum and minimum": ([], maximum(x, y) + minimum(x, y) == x + y),
    "clipped": ([x <= 1], minimum(x, 1) == x),
    "the triangle inequality": (
        [],
        maximum(x + y, -x - y) <= maximum(x, -x) + maximum(y, -y),
    ),
    "an alternative": ([z3.Implies(x > 0, y > 0), z3.Or(x > 0, y > 0)], y > 0),
    # induction
    "a geometric sum": ([s * (1 - r) == 1 - q], (s + q) * (1 - r) == 1 - q * r),
    "a geometric sum as a quotient": (
        [r != 1, s == (1 - q) / (1 - r)],
        s + q == (1 - q * r) / (1 - r),
    ),
    "a geometric sum, bounded": ([r > 0, r < 1, s <= 1 / (1 - r)], r * s + 1 <= 1 / (1 - r)),
    "Bernoulli": (
        [x >= -1, n >= 1, q >= 1 + n * x],
        q * (1 + x) >= 1 + (n + 1) * x,
    ),
    # integers
    "the next integer": ([n > m], n >= m + 1),
    "more than a half": ([2 * n > 1], n >= 1),
    "one of two orders": ([n >= m, n != m], n >= m + 1),
    "the square of an integer": ([], n * n >= n),
    # equal arguments
    "equal arguments": ([x == y], f(x) == f(y)),
    "equal by both bounds": ([x <= y, y <= x], f(x) == f(y)),
    "an argument that is shifted": ([x == y + 1, a == f(x)], f(y + 1) == a),
    "integers between bounds": ([n <= m, m < n + 1], g(n) == g(m)),
    # quotients
    "a quotient at most one": ([x >= 0, x <= y, y > 0], x / y <= 1),
    "a quotient multiplied": ([y != 0], x / y * y == x),
    "reciprocals in order": ([x > 0, x < y], 1 / x > 1 / y),
    "a number and its reciprocal": ([x > 0, y > 0], x / y + y / x >= 2),
    "a larger denominator": ([x > 0, y > 0, a > 0], x / (y + a) < x / y),
    "the harmonic mean": ([x > 0, y > 0], 2 / (1 / x + 1 / y) <= (x + y) / 2),
}
FALSE = {
    "a square from zero on": ([x >= 0], x * x >= x),
    "two numbers, strictly": ([], 2 * x * y < x * x + y * y),
    "a root without its sign": ([x * x == 1], x == 1),
    "a quotient that may divide by zero": ([x >= 0, y >= 0, x <= y], x * y / y == x),
    "a quotient of any two": ([x >= 0, y >= 0], x / y <= 1),
    "two more": ([n > m], n >= m + 2),
    "a real number between integers": ([x > 0], x >= 1),
    "any arguments": ([], f(x) == f(y)),
    "a maximum, strictly": ([], maximum(x, y) > x),
    "Young without a sign": ([c >= 0], x * y <= x * x / (2 * c) + c * y * y / 2),
    "half of a quotient": ([x > 0, y > 0, a > 0], x / (y + a) <= x / y / 2),
    "a form without its determinant": ([a > 0, c > 0], a * x * x + 2 * b * x + c > 0),
}


@pytest.mark.parametrize("name", TRUE)
def test_a_small_lemma_has_a_certificate(name):
    found = formulas(*TRUE[name])
    uses, steps = search(found)
    assert uses == sorted(set(uses))
    check([found[k] for k in uses], steps)


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_has_none_and_the_search_ends(name, monkeypatch):
    questions = []

    def counting(*asked):
        questions.append(asked)
        return ask(*asked)

    ask = solver.ask
    for module in (solver, combinations):
        monkeypatch.setattr(module, "ask", counting)
    with pytest.raises(NotFound):
        search(formulas(*FALSE[name]))
    assert 0 < len(questions) < 1000


def test_only_formulas_that_are_needed_are_used():
    found = formulas([a > 3, x >= 1, b * c == 1, y / a > 2], x * x >= x)
    uses, steps = search(found)
    assert uses == [1, 4]
    with pytest.raises(CertificateError):  # negative control: the formulas matter
        check([found[k] for k in (0, 4)], steps)


def planted(seed):
    """Facts p_k >= 0, and one more by which a positive sum of products and squares is -1."""
    chance = random.Random(seed)
    unknowns = (x, y, a)

    def linear():
        return sum(chance.randint(-3, 3) * each for each in unknowns) + chance.randint(-4, 4)

    facts = [linear() for _ in range(3)]
    total = 0
    for _ in range(chance.randint(1, 3)):
        one, other = chance.choice(facts), chance.choice([1, *facts])
        total = total + chance.randint(1, 5) * one * other
    one, other = chance.sample(unknowns, 2)
    total = total + chance.randint(0, 2) * (one - other) * (one - other)
    return [*(fact >= 0 for fact in facts), -1 - total >= 0]


@pytest.mark.parametrize("seed", range(40))
def test_a_planted_contradiction_is_found(seed):
    found = [term_of(fact) for fact in planted(seed)]
    uses, steps = search(found)
    check([found[k] for k in uses], steps)


@pytest.mark.parametrize("seed", range(10))
def test_without_what_contradicts_there_is_nothing_to_find(seed):
    facts = planted(seed)[:-1]
    solver_of_all = z3.Solver()
    solver_of_all.add(*facts)
    if solver_of_all.check() == z3.sat:
        with pytest.raises(NotFound):
            search([term_of(fact) for fact in facts])


LEMMAS = """
import z3
from qtheory.proof.kernel import lemma, variable
x = variable("x")
proved = lemma(z3.Implies(x >= 1, x * x >= x), name="a square from one on")
"""


def test_what_proofs_lack_is_kept_beside_them(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(certificates, "_stores", {})
    (tmp_path / "mine.py").write_text(LEMMAS)
    assert runpy.run_path(str(tmp_path / "mine.py"))["proved"].leaves[0].certificate is None
    progress = []
    assert (
        search_missing(certificates.stores(), lambda done, total: progress.append((done, total)))
        == {}
    )
    assert progress == [(0, 1), (1, 1)]
    monkeypatch.setattr(certificates, "_stores", {})
    assert runpy.run_path(str(tmp_path / "mine.py"))["proved"].leaves[0].certificate is not None
    assert certificates.stores()[0].missing == {}


def test_what_is_not_found_is_named(monkeypatch):
    store = certificates.CertificateFile(None)
    store.find("half of a quotient", formulas(*FALSE["half of a quotient"]))
    store.find("", formulas(*FALSE["two more"]))
    monkeypatch.setattr(certificates, "_stores", {"here": store})
    assert search_missing(certificates.stores()) == {"None": ["half of a quotient", "a lemma"]}
    assert len(store.missing) == 2
