"""Systems of comparisons, and each way to find a positive sum that is zero."""

import flint
import pytest
import z3

from qtheory.proof.search.combinations import Column, Multiple, ending, shortened
from qtheory.proof.search.coordinates import coordinates, in_coordinates
from qtheory.proof.search.products import by_products
from qtheory.proof.search.solver import comparison, contradict, least
from qtheory.proof.search.steps import text_of
from qtheory.proof.search.systems import System
from qtheory.proof.search.triangles import on_a_triangle

RING = flint.fmpq_mpoly_ctx.get(["x0", "x1", "x2"], "lex")
x, y, w = RING.gens()


def system(*comparisons, divide=True):
    found = System(RING, divide)
    for name, (relation, p) in enumerate(comparisons):
        found = found.with_fact(name, relation, p)
    return found


def value(found, facts):
    """What an ending adds up to, before its eliminations are put in."""
    total = RING.constant(0)
    for summand in found.summands:
        product = summand.coefficient * (1 if summand.root is None else summand.root**2)
        for fact in summand.facts:
            product *= facts.literals[fact][1]
        total += product
    return total


def test_an_equation_is_solved_and_put_in():
    facts = system(("=", 2 * x - y), (">", x * x))
    assert facts.reduced[0] == 0
    assert facts.reduced[1] in (y * y / 4, x * x)
    assert not facts.scaled


def test_an_equation_is_divided_only_by_what_is_not_zero():
    comparisons = ("=", x * y - 1), ("!=", y), (">", x - w * w)
    assert system(*comparisons).scaled
    assert system(*comparisons).eliminations[0].nonzero == (1,)
    assert system(*comparisons, divide=False).eliminations == ()
    assert system(comparisons[0], comparisons[2]).eliminations == ()


def test_products_of_facts_and_squares():
    assert by_products(system((">=", x), (">", -x - 1)), [0, 1], 1) is not None
    facts = system((">", 2 * x * y - x * x - y * y))
    assert by_products(facts, [0], 2) is None
    found = by_products(facts, [0], 2, squares=True)
    assert value(found, facts) == 0


def test_a_multiple_of_an_equation_counts_with_either_sign():
    facts = system(("=", x * x * y * y - 2), (">=", -x * x * y * y))
    columns = [Column((), RING.constant(1), True), Column((1,), facts.reduced[1], False)]
    assert ending(facts, columns) is None
    multiples = [Multiple(0, facts.reduced[0], RING.constant(1))]
    assert value(ending(facts, columns, multiples), facts) == 0


def test_only_eliminations_that_are_needed_are_kept():
    facts = system(("=", x - 1), ("=", y - w), (">", y - w))
    found = by_products(facts, [2], 1)
    assert len(found.eliminations) == 2
    assert [each.equation for each in shortened(facts, found).eliminations] == [1]


def test_linear_facts_are_coordinates():
    facts = system((">=", x - y), (">=", y), (">", -x * x + y * y))
    chosen, images = coordinates(facts, [0, 1, 2])
    assert chosen == {0: 0, 1: 1}
    assert images[:2] == [x + y, y]
    found = in_coordinates(facts, [0, 1, 2], 1)
    assert value(found, facts) == 0
    assert in_coordinates(system((">=", x - y), (">", -x * x + y * y)), [0, 1], 2) is None


@pytest.mark.parametrize(("least_value", "is_there"), [(1, True), (0, False)])
def test_what_is_positive_on_a_triangle(least_value, is_there):
    """(x - y)^2 + 1 > 0 has such coefficients; (x - y)^2 is zero inside, and has none."""
    comparisons = (">=", x), (">=", y), (">=", 1 - x - y)
    facts = system(*comparisons, (">", -((3 * x - y) ** 2) - least_value))
    found = on_a_triangle(facts, list(facts.literals))
    assert (found is not None) == is_there
    if is_there:
        assert value(found, facts) == 0


def test_fewest_items():
    assert least(range(20), lambda some: {3, 11} <= set(some)) == [3, 11]
    assert least([1], lambda some: False) == [1]


def test_comparisons_as_z3_reads_them():
    asked = [comparison(">", x * x / 2 - 3), comparison("=", x - 1)]
    assert contradict(asked, 10_000)
    assert not contradict(asked[:1], 10_000)
    solver = z3.Solver()
    solver.add(comparison("=", x * x / 2 - 3), z3.Real("x0") > 0)
    assert solver.check() == z3.sat
    assert solver.model()[z3.Real("x0")].as_decimal(3) == "2.449?"


def test_a_polynomial_as_the_checker_reads_it():
    assert text_of(x * x * w * 3 / 4 - 1) == "3/4*x0^2*x2 + -1"
    assert text_of(0 * x) == "0"
