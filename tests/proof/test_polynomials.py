"""Terms of the kernel read as polynomials."""

import pytest
import z3

from qtheory.errors import ProofError
from qtheory.proof.expectation import ring
from qtheory.proof.kernel import INT, SEQUENCE, assume, parameter, sequence, variable
from qtheory.proof.polynomials import Reader, meaning
from qtheory.proof.sums import total

f = parameter("f of a reader", SEQUENCE)
n, p, q = variable("n", INT), variable("p", INT), variable("q", INT)
square = sequence("square of a reader", [p], n, z3.If(n == p, f[n], f[n] * f[n]) - 1)


@pytest.fixture
def reader():
    r, of = ring({"f": ("pq",)})
    values = {f[k]: g for k, g in zip((p, q), of["f"], strict=True)}
    definitions = {square(p)[k]: square.at(p, k) for k in (p, q)}
    return of["f"], Reader(r, values, definitions, (p, q))


def test_terms_are_read(reader):
    (g, h), read = reader
    assert [str(g), str(h)] == ["f_p", "f_q"]
    assert read(f[p] - z3.Q(1, 2) * f[q] * f[q] * 3) == g - h**2 * 3 / 2
    assert read(-(f[p] + f[q])) == -g - h


def test_definitions_are_unfolded_and_different_indices_told_apart(reader):
    (g, h), read = reader
    assert read(square(p)[p]) == g - 1
    assert read(square(p)[q]) == h**2 - 1


def test_a_reader_that_knows_more(reader):
    (g, h), read = reader
    more = read.also({square(q)[p]: square.at(q, p)}, {f[n]: g * h})
    assert more(square(q)[p] + f[n]) == g**2 - 1 + g * h
    with pytest.raises(ProofError, match="not read"):
        read(square(q)[p])


@pytest.mark.parametrize("term", [f[n], f[p] / f[q], total(f, n), square(n)[p]], ids=str)
def test_other_terms_are_refused(reader, term):
    _, read = reader
    with pytest.raises(ProofError, match="not read"):
        read(term)


@pytest.mark.parametrize("condition", [f[p] > 0, n == p, f[p] == f[q]], ids=str)
def test_a_condition_that_is_not_known_is_refused(reader, condition):
    _, read = reader
    with pytest.raises(ProofError, match="not known to hold or to fail"):
        read(z3.If(condition, f[p], f[q]))


def test_only_a_definition_gives_a_meaning():
    with pytest.raises(ProofError, match="not a defining equation"):
        meaning(f[p], assume(f[p] == 1))
    with pytest.raises(ProofError, match="does not define"):
        meaning(square(p)[q], square.at(p, p))
