"""Terms of the kernel read as polynomials."""

import pytest
import z3

from qtheory.errors import ProofError
from qtheory.proof.expectation import ring
from qtheory.proof.kernel import INT, SEQUENCE, assume, parameter, sequence, variable
from qtheory.proof.polynomials import Reader, coefficient, meaning, renamed
from qtheory.proof.sums import total

count = parameter("count of a reader", INT)
f = parameter("f of a reader", SEQUENCE)
n = variable("n", INT)
square = sequence("square of a reader", [], n, z3.If(n == 0, f[n], f[n] * f[n]) - 1)


@pytest.fixture
def reader():
    r, of = ring({"f": (2,)})
    values = {f[k]: of["f"][k] for k in range(2)}
    definitions = {square()[k]: square.at(k) for k in range(2)}
    return of["f"], Reader(r, values, definitions, count, lambda entry: entry(0) + entry(1))


def test_terms_are_read(reader):
    (g, h), read = reader
    assert read(f[0] - z3.Q(1, 2) * f[1] * f[1] * 3) == g - h**2 * 3 / 2
    assert read(-(f[0] + f[1])) == -g - h


def test_definitions_and_sums_are_written_out(reader):
    (g, h), read = reader
    assert read(square()[0]) == g - 1
    assert read(2 * total(square(), count)) == 2 * (g + h**2) - 4


@pytest.mark.parametrize(
    "term",
    [f[2], f[0] / f[1], z3.If(f[0] > 0, f[0], f[1]), total(f, count + 1), square()[n]],
    ids=str,
)
def test_other_terms_are_refused(reader, term):
    _, read = reader
    with pytest.raises(ProofError, match="not read"):
        read(term)


def test_only_a_definition_gives_a_meaning():
    with pytest.raises(ProofError, match="not a defining equation"):
        meaning(f[0], assume(f[0] == 1))
    with pytest.raises(ProofError, match="does not define"):
        meaning(square()[1], square.at(0))


def test_coefficient_and_renamed():
    _, of = ring({"g": (3,)})
    g = of["g"]
    p = 5 * g[0] ** 2 * g[1] + g[0] ** 2 * g[2] + g[0]
    assert coefficient(p, [g[0]], [2]) == 5 * g[1] + g[2]
    assert coefficient(p, [g[0], g[1]], [2, 0]) == g[2]
    assert coefficient(p, [g[2]], [2]) == 0
    assert renamed(p, [g[0], g[1]], [g[1], g[0]]) == 5 * g[1] ** 2 * g[0] + g[1] ** 2 * g[2] + g[1]
