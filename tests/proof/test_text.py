"""A formula on one line: brackets where they are needed, conditions last, one cut."""

import pytest
import z3

from qtheory.proof.text import counterexample, one_line

x, y, n = z3.Real("x"), z3.Real("y"), z3.Int("n")
w = z3.Array("w", z3.IntSort(), z3.RealSort())
f = z3.Function("Var s", z3.IntSort(), z3.RealSort(), z3.RealSort())


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (x - (y - x) <= 0, "x - (y - x) <= 0"),
        ((x - y) - x < 0, "x - y - x < 0"),
        (x / (y * x) <= z3.Q(1, 3), "1/3 >= x / (y * x)"),
        (-(x + y) > 0, "-(x + y) > 0"),
        (w[n + 1] >= z3.ToReal(n), "w[n + 1] >= n"),
        (f(n, x) * 2 > 0, "Var s(n, x) * 2 > 0"),
        (z3.Or(z3.And(x > 0, y > 0), x < y), "x > 0 and y > 0 or x < y"),
        (z3.And(z3.Or(x > 0, y > 0), x < y), "(x > 0 or y > 0) and x < y"),
        (z3.Implies(x > 0, z3.Implies(y > 0, x > y)), "x > y if x > 0 and y > 0"),
    ],
)
def test_one_line(formula, text):
    assert one_line(formula) == text


def test_what_is_shared_is_not_written_out():
    """2^200 letters, were it read to its end."""
    term = x
    for _ in range(200):
        term = term + term
    text = one_line(term > 0)
    assert len(text) == 101
    assert text.endswith("…")


def test_a_counterexample_gives_the_numbers_in_the_order_of_the_formula():
    solver = z3.Solver()
    solver.add(x == 2, n == 3, w[n] == 1)
    solver.check()
    assert counterexample(solver.model(), z3.Implies(w[n] > x, y > 0)) == "n = 3, x = 2"
    assert counterexample(solver.model(), y > 0) == "some values of its symbols"
