"""Orders that others published: decided as they say, or refused by name."""

from pathlib import Path

import pytest

import qtheory as qt
from tests.orders.published import PUBLISHED

REFUSED = [row for row in PUBLISHED if row[-1] not in ("yes", "no", "undecided")]
DECIDED = [row for row in PUBLISHED if row not in REFUSED]


@pytest.mark.parametrize(("source", "left", "right", "assumed", "answer"), DECIDED)
def test_it_is_decided_as_they_say(source, left, right, assumed, answer):
    assert qt.compare_orders(left, right, assumed).answer == answer


@pytest.mark.parametrize(("source", "left", "right", "assumed", "part"), REFUSED)
def test_what_is_outside_is_refused_by_name(source, left, right, assumed, part):
    with pytest.raises(qt.InvalidArgumentError) as refused:
        qt.compare_orders(left, right, assumed)
    assert f" is {part}, " in str(refused.value)


def test_equalities_of_orders():
    assert qt.compare_orders("N*M", "N**3", ["M == N**2"]).answer == "yes"
    assert qt.compare_orders("N*M", "N**2", ["M == N**2"]).answer == "no"
    # in both directions it is an equality, too
    pair = ["M <= N**2", "N**2 <= M"]
    assert qt.compare_orders("N*M", "N**2", pair).answer == "no"
    assert qt.compare_orders("N*M", "N**2", pair[:1]).answer == "undecided"
    # what is put in is at least 1 as the parameter was: M >= 1 is N >= K
    assert qt.compare_orders("K", "N", ["M == N/K"]).answer == "yes"
    assert qt.compare_orders("K", "N", ["eps == N/K", "eps <= 1"]).answer != "yes"


def test_an_equality_of_exponents_says_nothing_of_their_size():
    """Parameters are at least 1, exponents are not: 2 b >= 1 would make N <~ N^a true."""
    assert qt.compare_orders("N", "N**a", ["a == 2*b"]).answer == "undecided"
    assert qt.compare_orders("N**(2*b)", "N**a", ["a == 2*b"]).answer == "yes"


def test_an_answer_says_what_was_assumed():
    text = str(qt.compare_orders("x*y", "N**3", ["x <= N**2", "y <= N"]))
    assert text == "x*y <~ N**3: yes, assuming x <= N**2, y <= N"
    fixed = str(qt.compare_orders("x**m", "x", ["m < 1"]))
    assert fixed == "x**m <~ x: yes, assuming m < 1, for fixed m"


def test_the_docs_have_the_same_table():
    page = (Path(__file__).parents[2] / "docs" / "rates.md").read_text(encoding="utf-8")
    for source, left, right, _, answer in PUBLISHED:
        if source != "estimates" or "min(" not in left:
            assert f"| {source} | `{left}` | `{right}` |" in page, (left, answer)


@pytest.mark.parametrize(
    ("left", "right", "part"),
    [
        ("N**sqrt(a)", "N**a", "sqrt(a)"),
        ("N**(1/sqrt(a))", "N", "1/sqrt(a)"),
        ("N**(2**a)", "N", "2**a"),
    ],
)
def test_an_exponent_that_is_no_rational_function_is_refused(left, right, part):
    """N^sqrt(a) <~ N^a was said to hold for every a: a root was read as the number 1."""
    with pytest.raises(qt.InvalidArgumentError) as refused:
        qt.compare_orders(left, right)
    assert f" is {part}, " in str(refused.value)


def test_irrational_numbers_in_exponents():
    assert qt.compare_orders("N**sqrt(2)", "N**(3/2)").answer == "yes"
    assert qt.compare_orders("N**(3/2)", "N**sqrt(2)").answer == "no"
    assert qt.compare_orders("N**(a*sqrt(2))", "N**(3*a/2)").answer == "yes"
    assert qt.compare_orders("N**(a*sqrt(2))", "N", ["a <= 7/10"]).answer == "yes"
    assert qt.compare_orders("N**(a*sqrt(2))", "N", ["a <= 71/100"]).answer == "undecided"
