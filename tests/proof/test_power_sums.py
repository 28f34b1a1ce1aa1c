"""Real powers and their sums: proved, in agreement with numbers; negative controls are refused.

Each negative control has a point where ball arithmetic certifies that it is false.
"""

import random
import subprocess
import sys
from fractions import Fraction

import pytest
import z3

from proofs import power_sums as proof
from proofs.power_sums import D, M, a, at_n, k, n, p, powers, real, t, x
from qtheory.errors import ProofError
from qtheory.proof import real_powers
from qtheory.proof.axioms import AXIOMS, real_power
from qtheory.proof.kernel import Proof, axiom, define, induction, lemma, variable

from .numeric import holds

u, v = real_powers.x, real_powers.v
y, z = real_powers.y, real_powers.z
LEMMAS = {name: fact for name, fact in vars(real_powers).items() if isinstance(fact, Proof)}


def rational(source, low, high):
    return Fraction(source.randint(1000 * low, 1000 * high), 1000)


def power_points(count, seed):
    """Bases in (0, 20], half of them near 1 where Bernoulli is sharp, and exponents in [-4, 4]."""
    source = random.Random(seed)
    for index in range(count):
        spread = 20 if index % 2 else 1
        bases = {name: rational(source, 0, spread) + Fraction(1, 7) for name in map(str, (u, v))}
        yield bases | {name: rational(source, -4, 4) for name in map(str, (y, z))}


def points_for(formula, points):
    names = {str(term) for term in z3.z3util.get_vars(formula)}
    for point in points:
        yield {name: value for name, value in point.items() if name in names}


def never_false(formula, points):
    return all(holds(formula, **point) is not False for point in points_for(formula, points))


# --- the axioms ---------------------------------------------------------------------------------

FALSE_AXIOMS = {
    "power to a sum": z3.Implies(
        u > 0, real_power(u, y + z) == real_power(u, y) + real_power(u, z)
    ),
    "power of a product": z3.Implies(
        z3.And(u > 0, v > 0), real_power(u + v, y) == real_power(u, y) * real_power(v, y)
    ),
    "power of a power": z3.Implies(
        u > 0, real_power(real_power(u, y), z) == real_power(u, real_power(u, y * z))
    ),
    "Bernoulli": z3.Implies(u > 0, real_power(u, y) >= 1 + y * (u - 1)),  # not for 0 < y < 1
}


@pytest.mark.parametrize("name", AXIOMS)
def test_an_axiom_agrees_with_numbers(name):
    assert never_false(AXIOMS[name].formula, power_points(300, seed=1))


@pytest.mark.parametrize("name", AXIOMS)
def test_a_false_axiom_is_noticed(name):
    assert not never_false(FALSE_AXIOMS[name], power_points(300, seed=1))


@pytest.mark.parametrize("name", AXIOMS)
def test_an_axiom_says_why_and_speaks_of_positive_bases(name):
    entry = AXIOMS[name]
    assert entry.reason
    assert entry.formula.decl().kind() == z3.Z3_OP_IMPLIES
    with pytest.raises(ProofError, match="does not follow"):  # nothing is said of the base 0
        lemma(z3.substitute(entry.formula.arg(1), (u, z3.RealVal(0))), axiom(name), work=1_000_000)


def test_the_axioms_do_not_prove_false():
    everything = [*map(axiom, AXIOMS), *LEMMAS.values(), proof.comparison, proof.dimension]
    with pytest.raises(ProofError, match="does not follow"):
        lemma(z3.BoolVal(False), *everything, work=1_000_000)


def test_nobody_can_define_what_the_axioms_speak_of():
    base, exponent = variable("base"), variable("exponent")
    mine = define("real_power", [base, exponent], 0)
    assert not mine.symbol.eq(real_power)
    assert variable("real_power").decl().name() != real_power.name()


def test_nor_before_there_are_axioms():
    script = """
from qtheory.proof.kernel import axiom, define, variable
mine = define("real_power", [variable("base"), variable("exponent")], 0)
axiom("Bernoulli")
from qtheory.proof.axioms import real_power
print(mine.symbol, real_power)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["real_power~2", "real_power"]


# --- what follows for real powers ---------------------------------------------------------------


@pytest.mark.parametrize("name", LEMMAS)
def test_a_fact_about_powers_agrees_with_numbers(name):
    assert never_false(LEMMAS[name].formula, power_points(100, seed=2))


FALSE_POWERS = {
    "Bernoulli without y <= 0 or y >= 1": (
        z3.Implies(u > 0, real_power(u, y) >= 1 + y * (u - 1)),
        real_powers.bernoulli,
        {"base": 4, "exponent": Fraction(1, 2)},
    ),
    "Bernoulli between 0 and 2": (
        z3.Implies(z3.And(u > 0, y >= 0, y <= 2), real_power(u, y) <= 1 + y * (u - 1)),
        real_powers.bernoulli_between,
        {"base": 4, "exponent": Fraction(3, 2)},
    ),
    "increasing for negative exponents": (
        z3.Implies(z3.And(u > 0, u <= v), real_power(u, y) <= real_power(v, y)),
        real_powers.increasing,
        {"base": 1, "other_base": 2, "exponent": -1},
    ),
    "x^0 = x": (z3.Implies(u > 0, real_power(u, 0) == u), real_powers.to_zero, {"base": 2}),
    "x^1 = 1": (z3.Implies(u > 0, real_power(u, 1) == 1), real_powers.to_one, {"base": 2}),
    "a tangent with the slope y v^y": (
        z3.Implies(
            z3.And(u > 0, v > 0, y >= 1),
            real_power(u, y) >= real_power(v, y) + y * real_power(v, y) * (u - v),
        ),
        real_powers.tangent,
        {"base": 3, "other_base": 2, "exponent": 2},
    ),
}


@pytest.mark.parametrize("name", FALSE_POWERS)
def test_a_false_fact_about_powers_is_refused(name):
    false, true, point = FALSE_POWERS[name]
    assert holds(false, **point) is False
    with pytest.raises(ProofError, match="does not follow"):
        lemma(false, true, *true.premises, work=1_000_000)


# --- sums of powers -----------------------------------------------------------------------------


def sum_points(count, seed):
    source = random.Random(seed)
    for _ in range(count):
        start = source.randint(1, 20)
        yield {
            "k": start,
            "n": start + source.randint(0, 40),
            "p": rational(source, -3, 4) + Fraction(1, 7000),  # never 1
        }


def dimension_points(count, seed):
    source = random.Random(seed)
    for _ in range(count):
        decay = rational(source, 0, 4) + Fraction(501, 1000)
        yield {
            "a": decay,
            "M": rational(source, 0, 300) + Fraction(1, 7),
            "n": source.randint(0, 90),
        }


after = powers(p, n) - powers(p, k)  # over k < i <= n
before = powers(p, n - 1) - powers(p, k - 1)  # over k <= i < n
middle = proof.written_out
indices = z3.And(k >= 1, k <= n)
start, end = (real_power(real(index), 1 - p) for index in (k, n))


def test_the_theorem_is_what_it_says():
    assert not proof.theorem.hypotheses
    expected = z3.Implies(
        z3.And(indices.arg(0), indices.arg(1), p != 1),
        z3.And(
            z3.Implies(p >= 0, z3.And(after <= middle, middle <= before)),
            z3.Implies(p <= 0, z3.And(after >= middle, middle >= before)),
        ),
    )
    assert proof.theorem.formula.arg(0).eq(expected)
    assert middle.eq((start - end) / (p - 1))
    assert x.eq(real_power(M, 1 / a))


def test_the_integral_lies_between_the_sums():
    for fact in (proof.comparison, proof.tail, proof.both_sums, *proof.both_sums.premises):
        assert never_false(fact.formula, sum_points(150, seed=3))


def test_the_bounds_bracket_the_effective_dimension():
    assert never_false(proof.dimension.formula, dimension_points(150, seed=4))
    by_crossing = ({"X": point.pop("M"), **point} for point in dimension_points(150, seed=5))
    assert never_false(proof.by_crossing.formula, by_crossing)


def test_the_terms_are_the_capped_squares():
    # min(1, (X/i)^(2a)), as in theory.md
    capped = z3.If(t <= x, 1, real_power(x / t, 2 * a))
    stated = z3.Implies(z3.And(M > 0, a > 0, t > 0), proof.smaller(proof.square(t), 1) == capped)
    lemma(
        stated,
        proof.term_at,
        proof.term.at(a, x, t),
        proof.at_crossing,
        real_powers.reciprocal(base=t / x, exponent=2 * a),
        real_powers.inverse(base=t / x, exponent=2 * a),
        lemma(z3.Implies(z3.And(t > 0, x > 0), z3.And(t / x > 0, 1 / (t / x) == x / t))),
        real_powers.positive(base=t / x, exponent=2 * a),
    )


FALSE_SUMS = {
    "the constant 1/p": (
        z3.Implies(z3.And(indices, p > 1), after <= (start - end) / p),
        {"p": 2, "k": 1, "n": 50},
    ),
    "the constant 1/(p-1) less 1": (
        z3.Implies(z3.And(indices, p > 1), (start - end) / (p - 1) + (start - end) <= before),
        {"p": 2, "k": 9, "n": 50},
    ),
    "the exponent -p": (
        z3.Implies(
            z3.And(indices, p > 1),
            after <= (real_power(real(k), -p) - real_power(real(n), -p)) / (p - 1),
        ),
        {"p": 2, "k": 10, "n": 100},
    ),
    "negative p": (
        z3.Implies(z3.And(indices, p != 1), after <= middle),
        {"p": -1, "k": 1, "n": 5},
    ),
    "turned above": (
        z3.Implies(z3.And(indices, p > 1), middle <= after),
        {"p": 2, "k": 1, "n": 5},
    ),
    "turned below": (
        z3.Implies(z3.And(indices, p > 1), before <= middle),
        {"p": 2, "k": 1, "n": 5},
    ),
    "a sum with one term more": (
        z3.Implies(z3.And(indices, p > 1), powers(p, n) - powers(p, k - 1) <= middle),
        {"p": 2, "k": 1, "n": 5},
    ),
    "a tail for 0 < p < 1": (
        z3.Implies(z3.And(indices, p > 0, p != 1), after <= start / (p - 1)),
        {"p": Fraction(1, 2), "k": 1, "n": 5},
    ),
}


@pytest.mark.parametrize("name", FALSE_SUMS)
def test_a_false_bound_on_a_sum_is_refused(name):
    false, point = FALSE_SUMS[name]
    assert holds(false, **point) is False
    with pytest.raises(ProofError, match="does not follow"):
        lemma(false, proof.comparison, *proof.comparison.premises, work=1_000_000)
    bounds = [step for bound in proof.both_sums.premises for step in bound.premises]
    steps = [*bounds, *proof.comparison.premises[1:]]
    with pytest.raises(ProofError, match="does not follow"):  # nor by the induction itself
        induction(n, false, *steps, base=steps, work=1_000_000)


def test_the_logarithm_is_left_out():
    # k^0 - n^0 over 0 has no known value.
    with pytest.raises(ProofError, match="does not follow"):
        lemma(z3.Implies(indices, after <= middle), proof.comparison, proof.tail, work=1_000_000)


half = z3.And(M > 0, a > z3.Q(1, 2), n >= 0)
constant = 2 * a / (2 * a - 1)

FALSE_DIMENSIONS = {
    "X/(2a) for X/(2a-1)": (
        z3.Implies(half, D(a, M, n) <= x + x / (2 * a)),
        {"a": 1, "M": 100, "n": 3000},
    ),
    "the upper bound less 1": (
        z3.Implies(z3.And(half, M >= 1), D(a, M, n) <= constant * x - 1),
        {"a": 1, "M": 10, "n": 2000},
    ),
    "the lower bound without its 1": (
        z3.Implies(
            z3.And(half, M >= 1, at_n >= x),
            D(a, M, n) >= constant * x - proof.rest(real(n + 1)),
        ),
        {"a": 1, "M": 10, "n": 50},
    ),
    "the crossing at M^(1/(2a))": (
        z3.Implies(half, D(a, M, n) <= constant * real_power(M, 1 / (2 * a))),
        {"a": 1, "M": 100, "n": 200},
    ),
    "the rest with one exponent less": (
        z3.Implies(
            z3.And(half, at_n >= x),
            D(a, M, n) <= constant * x - x * real_power(at_n / x, 2 - 2 * a) / (2 * a - 1),
        ),
        {"a": 1, "M": 10, "n": 200},
    ),
    "min(n, X) without the half": (
        z3.Implies(z3.And(half, M >= 1), D(a, M, n) >= proof.smaller(at_n, x)),
        {"a": 9, "M": Fraction(19, 10) ** 9, "n": 5},
    ),
    "all terms 1 beyond the crossing": (
        z3.Implies(z3.And(half, M >= 1, at_n <= x + 1), D(a, M, n) == at_n),
        {"a": 1, "M": Fraction(3, 2), "n": 2},
    ),
    "a > 1/2 dropped": (
        z3.Implies(z3.And(M > 0, a > 0, a != z3.Q(1, 2), n >= 0), D(a, M, n) <= constant * x),
        {"a": Fraction(1, 4), "M": 3, "n": 5},
    ),
    "M >= 1 dropped": (
        z3.Implies(half, D(a, M, n) >= proof.smaller(at_n, x) / 2),
        {"a": 1, "M": Fraction(1, 100), "n": 5},
    ),
    "turned": (
        z3.Implies(half, D(a, M, n) >= proof.smaller(at_n, constant * x)),
        {"a": 1, "M": 10, "n": 15},
    ),
}


@pytest.mark.parametrize("name", FALSE_DIMENSIONS)
def test_a_false_bound_on_the_effective_dimension_is_refused(name):
    false, point = FALSE_DIMENSIONS[name]
    assert holds(false, **point) is False
    with pytest.raises(ProofError, match="does not follow"):
        lemma(false, proof.dimension, *proof.dimension.premises, work=1_000_000)
    steps = [*proof.above.premises, *proof.below.premises, proof.area_at(right=at_n)]
    with pytest.raises(ProofError, match="does not follow"):  # nor by the induction itself
        induction(n, false, *steps, base=steps, work=1_000_000)


# --- the numbers themselves ---------------------------------------------------------------------


def test_numbers_tell_true_from_false():
    assert holds(n >= 3, n=3) is True
    assert holds(z3.Implies(u > 0, real_power(u, 2) == u * u), base=Fraction(1, 3)) is None
    assert holds(z3.Implies(u > 0, real_power(u, 2) == u), base=Fraction(1, 3)) is False
    assert holds(z3.Implies(u > 0, real_power(u, 2) == u), base=-1) is True
    assert holds(z3.Not(z3.Or(u > 0, u < -2)), base=-1) is True
