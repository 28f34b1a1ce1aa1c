"""T10 and T12: floating point against integers, and how to split bits."""

from itertools import product

import pytest
import sympy as sp

import qtheory as qt
from qtheory.errors import HypothesisError, InvalidArgumentError

SMALL = qt.Problem(dim=16, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
SGD = qt.SGD(stepsize="0.1", steps=300)


def test_the_papers_rule_is_derived():
    a, d, r, b = qt.symbols("a d r b")
    rule = qt.distortion_rule(qt.Problem(dim=d, spectrum=qt.PowerLaw(a)))
    assert sp.simplify(rule - (b - a / 2 * sp.log(d, 2))) == 0
    rule = qt.distortion_rule(qt.Problem(dim=d, spectrum=qt.Exponential(r)), bits=8)
    assert sp.simplify(rule - (8 - r * d / 2 / sp.log(2))) == 0
    explicit = qt.Problem(dim=2, spectrum=qt.Explicit([1, "1/16"]), target=qt.Constant(1))
    assert qt.distortion_rule(explicit, bits=8) == 6


def test_the_rule_is_about_the_smallest_eigenvalue_that_is_not_0():
    """A formula need not decrease, and may vanish: its list of values has the same rule."""
    for formula, listed in (("max(3 - i, 0)/9", ["2/9", "1/9", 0]), ("i/9", ["1/9", "2/9", "1/3"])):
        rules = [
            sp.expand(qt.distortion_rule(qt.Problem(3, spectrum, qt.Constant(1)), bits=8))
            for spectrum in (qt.SpectrumFormula(formula), qt.Explicit(listed))
        ]
        assert rules[0] == rules[1] == sp.expand(8 - sp.log(3) / sp.log(2))


def test_the_rule_is_where_the_distortions_meet():
    """Against the spectra themselves: max lambda^q / lambda - 1 at m = rule and 8 bits."""
    m = qt.distortion_rule(SMALL, bits=8)
    spectrum = [sp.Rational(1, i**2) for i in range(1, 17)]
    integer = max((lam + sp.Rational(1, 4**8)) / lam - 1 for lam in spectrum)
    assert sp.simplify(sp.Integer(4) ** -m - integer) == 0


@pytest.mark.parametrize("coupling", ["shared", "elementwise"])
def test_break_even_brackets_the_integer_risk(coupling):
    found = qt.break_even(SMALL, SGD, bits=6, coupling=coupling)

    def risk(m):
        level = sp.Integer(4) ** -sp.Rational(m)
        model = qt.Multiplicative(level, coupling)
        return qt.excess_risk(SMALL, qt.Quantization(data=model), SGD).total

    assert 0 < found.upper - found.lower <= sp.Rational(1, 100)
    assert risk(found.upper) <= found.integer_risk < risk(found.lower)
    assert found.lower > found.rule  # the rule is too kind to floating point here
    assert "6 integer bits" in str(found)


def test_integers_may_regularise():
    """With w* = 0 additive errors of the data lower the risk below that without errors."""
    silent = qt.Problem(dim=100, spectrum=qt.PowerLaw(2), target=qt.Constant(0))
    sgd = qt.SGD("0.01", steps=10**5)
    found = qt.break_even(silent, sgd, bits=1)
    assert found.upper is None
    assert found.integer_risk < qt.excess_risk(silent, qt.Quantization(), sgd).total
    assert "never wins" in str(found)


def test_floating_point_may_always_win():
    """Label errors: 1 bit of mantissa errs less than an integer step of 1 at small labels."""
    found = qt.break_even(
        qt.Problem(dim=2, spectrum=qt.PowerLaw(2), target=qt.Constant(0), noise="1/100"),
        qt.SGD("0.1", steps=100),
        bits=1,
        targets=("label",),
    )
    assert (found.lower, found.upper) == (0, 0)


FLAT = qt.Problem(dim=4, spectrum=qt.PowerLaw("1/2"), target=qt.Constant("0.01"))
LONG = qt.SGD("0.02", steps=100_000)


def certified(mantissa, coupling="elementwise"):
    """The risk of floating point in balls, and of full precision for None."""
    level = 0 if mantissa is None else sp.Integer(4) ** -sp.Rational(mantissa)
    model = qt.Multiplicative(level, coupling)
    return qt.excess_risk(FLAT, qt.Quantization(data=model), LONG, digits=25).total


def test_floating_point_may_win_between_two_numbers_of_bits_only():
    """Two and three mantissa bits win and all others lose: the risk is not monotone in them."""
    found = qt.break_even(FLAT, LONG, bits=4)
    integer = qt.excess_risk(
        FLAT, qt.Quantization(data=qt.Additive("1/256")), LONG, digits=25
    ).total
    risks = [certified(m) for m in range(13)]
    assert [m for m, risk in enumerate(risks) if risk < integer] == [2, 3]
    assert certified(None) > integer
    begins, ends = found.crossings
    assert (begins.wins, ends.wins) == (True, False)
    assert (begins.lower > 1, begins.upper < 2, ends.lower > 3, ends.upper < 4) == (True,) * 4
    for crossing in found.crossings:
        assert crossing.upper - crossing.lower == sp.Rational(1, 256)
        assert (certified(crossing.upper) < integer) is crossing.wins
        assert (certified(crossing.lower) < integer) is not crossing.wins
    assert (found.lower, found.upper) == (begins.lower, begins.upper)
    assert found.turns == (2,)
    assert all(risks[m] > risks[m + 1] for m in (0, 1))
    assert all(risks[m] < risks[m + 1] for m in range(2, 12))
    assert not found.is_monotone
    text = str(found)
    assert "wins from 1.42 to 3.61 mantissa bits by the exact risk" in text
    assert "not monotone: it rises from 2 mantissa bits" in text


def test_a_risk_that_falls_with_every_bit_is_said_to_be_monotone():
    found = qt.break_even(SMALL, SGD, bits=6)
    assert found.is_monotone
    assert len(found.crossings) == 1
    assert "monotone" not in str(found)


def test_integers_as_fine_as_sixty_bits_are_told_apart():
    """The difference is in the 37th digit."""
    found = qt.break_even(SMALL, SGD, bits=60)
    assert 55 < found.lower < found.upper < 60


def test_a_single_target_need_not_stand_in_a_list():
    alone, listed = (qt.break_even(SMALL, SGD, 4, targets=t) for t in ("label", ["label"]))
    assert alone == listed
    assert alone != qt.break_even(SMALL, SGD, 4)


def test_break_even_refuses_what_it_cannot_compare():
    with pytest.raises(InvalidArgumentError, match="targets"):
        qt.break_even(SMALL, SGD, bits=6, targets=("weights",))
    with pytest.raises(InvalidArgumentError, match="bits"):
        qt.break_even(SMALL, SGD, bits=-1)
    with pytest.raises(InvalidArgumentError, match="dim"):
        qt.distortion_rule(qt.Problem(dim=qt.oo))


@pytest.mark.parametrize("scheme", ["additive", "shared", "elementwise"])
def test_the_allocation_is_the_best_of_all_splits(scheme):
    """Against every split of eleven bits."""
    small = qt.Problem(dim=4, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
    sgd = qt.SGD(stepsize="0.05", batch=8, steps=100)
    bits = 11
    found = qt.allocate_bits(small, sgd, bits, scheme)
    models = {
        "additive": qt.Additive,
        "shared": qt.Multiplicative,
        "elementwise": lambda level: qt.Multiplicative(level, "elementwise"),
    }

    def bound(split):
        levels = [models[scheme](sp.Rational(1, 4**k)) for k in split]
        quantization = qt.Quantization(**dict(zip(found.bits, levels, strict=True)))
        try:
            return qt.upper_bound(small, quantization, sgd).total
        except HypothesisError:
            return float("inf")

    splits = [s for s in product(range(bits + 1), repeat=5) if sum(s) == bits and min(s) >= 1]
    best = min(splits, key=bound)
    assert found.bound == pytest.approx(bound(best), rel=1e-12)
    assert sum(found.bits.values()) == bits
    assert found.bound <= found.uniform_bound


def test_allocation_refuses_bad_input():
    for bits in (-1, 2.5, True, 10**6):
        with pytest.raises(InvalidArgumentError, match="bits"):
            qt.allocate_bits(SMALL, SGD, bits)
    with pytest.raises(InvalidArgumentError, match="scheme"):
        qt.allocate_bits(SMALL, SGD, 20, "float")
    with pytest.raises(HypothesisError, match="no split"):
        qt.allocate_bits(SMALL, qt.SGD("0.9", steps=10), 0)
