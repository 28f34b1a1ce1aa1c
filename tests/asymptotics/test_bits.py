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
