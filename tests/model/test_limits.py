"""Where each limit of the model lies: the last value that is admitted and the first that is not."""

import os

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.model.data import load_table, second_moments
from qtheory.model.error_estimates import floating_point
from qtheory.model.rounding import checked_random_bits

EDGES = {
    "exponent_bits": (
        [lambda: qt.formats.FP(2, 3), lambda: qt.formats.FP(10, 3)],
        [lambda: qt.formats.FP(1, 3), lambda: qt.formats.FP(11, 3)],
        "must be a whole number from 2 to 10",
    ),
    "mantissa_bits": (
        [lambda: qt.formats.FP(4, 1), lambda: qt.formats.FP(4, 40)],
        [lambda: qt.formats.FP(4, 0), lambda: qt.formats.FP(4, 41)],
        "must be a whole number from 1 to 40",
    ),
    "bits": (
        [lambda: qt.formats.integer(2), lambda: qt.formats.integer(16)],
        [lambda: qt.formats.integer(1), lambda: qt.formats.integer(17)],
        "must be a whole number from 2 to 16",
    ),
    "integer_bits": (
        [lambda: qt.formats.fixed_point(0, 1), lambda: qt.formats.fixed_point(31, 0)],
        [lambda: qt.formats.fixed_point(-1, 3), lambda: qt.formats.fixed_point(33, 0)],
        "must be a whole number from 0 to 32",
    ),
    "fraction_bits": (
        [lambda: qt.formats.fixed_point(1, 0), lambda: qt.formats.fixed_point(16, 15)],
        [lambda: qt.formats.fixed_point(0, 0), lambda: qt.formats.fixed_point(16, 16)],
        "must be with integer_bits, 1 to 31 together",
    ),
    "random_bits": (
        [lambda: checked_random_bits(1), lambda: checked_random_bits(52)],
        [lambda: checked_random_bits(0), lambda: checked_random_bits(53)],
        "must be None or a whole number from 1 to 52",
    ),
    "batch": (
        [lambda: qt.SGD(1, 1, steps=1), lambda: qt.SGD(1, 10**300, steps=1)],
        [lambda: qt.SGD(1, 0, steps=1), lambda: qt.SGD(1, 10**300 + 1, steps=1)],
        "",
    ),
    "steps": (
        [lambda: qt.SGD(1, steps=1), lambda: qt.SGD(1, steps=10**18)],
        [lambda: qt.SGD(1, steps=0), lambda: qt.SGD(1, steps=10**18 + 1)],
        "",
    ),
    "dim": (
        [lambda: qt.Problem(1), lambda: qt.Problem(10**18)],
        [lambda: qt.Problem(0), lambda: qt.Problem(10**18 + 1)],
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("argument", EDGES)
def test_a_limit_lies_where_it_is_said_to_lie(argument):
    admitted, refused, message = EDGES[argument]
    for call in admitted:
        call()
    for call in refused:
        with pytest.raises(qt.InvalidArgumentError, match=f"^{argument} is .*{message}$"):
            call()


@pytest.mark.parametrize("bits", [np.array([], dtype=int), np.array([-1]), np.array([8]), [0.5]])
def test_random_bits_are_whole_and_in_range(bits):
    with pytest.raises(qt.InvalidArgumentError, match=r"whole numbers from 0 to 2\^3 - 1$"):
        qt.formats.get("int4").round(np.array([0.3]), bits, random_bits=3)


def test_the_first_and_the_last_random_bits_decide_between_the_neighbours():
    for bits, expected in ((0, 0.0), (4, 0.0), (5, 1.0), (7, 1.0)):
        rounded = qt.formats.get("int4").round(np.array([3 / 8]), np.array([bits]), random_bits=3)
        assert rounded == [expected]


@pytest.mark.parametrize(
    ("count", "shown"), [(3, "1, 2, 3"), (4, "1, 2, 3, 4"), (5, "1, 2, 3, 4, ... (5 values)")]
)
def test_four_values_of_a_list_are_shown(count, shown):
    assert repr(qt.Explicit(range(1, count + 1))) == f"Explicit([{shown}])"


def sparse(path, size):
    """A file of any size that takes no room."""
    np.save(path, np.ones((10, 2)))
    os.truncate(path, size)
    return path


def test_files_of_eight_gigabytes_are_read_and_no_larger_ones(tmp_path):
    file = sparse(tmp_path / "X.npy", 8 * 10**9)
    assert load_table(file).shape == (10, 2)
    with pytest.raises(qt.DataError, match="8000000001 bytes, at most 8000000000 are read"):
        load_table(sparse(file, 8 * 10**9 + 1))


@pytest.mark.parametrize(("edge", "beyond"), [(1e70, 1.001e70), (1e-70, 0.999e-70)])
def test_the_largest_entry_of_a_table_lies_between_two_powers_of_ten(edge, beyond):
    assert len(second_moments([[edge], [-edge]], [1, 2]).eigenvalues) == 1
    with pytest.raises(qt.DataError, match=r"not between 1e-70 and 1e.70: rescale it"):
        second_moments([[beyond], [-beyond]], [1, 2])


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (0, 3), (2, 0)])
def test_a_table_has_two_rows_and_a_column(rows, columns):
    message = rf"X has shape \({rows}, {columns}\), but must be \(rows >= 2, columns >= 1\)"
    with pytest.raises(qt.DataError, match=message):
        second_moments(np.ones((rows, columns)), np.ones(rows))


def test_the_average_over_a_binade_is_exact_up_to_three_mantissa_bits():
    for bits in (1, 2, 3, 4, 5):
        estimate = floating_point(bits, sp.Rational(1, 8), sp.Integer(8))
        leading = 1 / (16 * 4**bits * sp.log(2))
        assert (estimate.model.multiplicative == leading) is (bits > 3)
        assert ("smaller by less than 1 in" in estimate.averaged) is (bits > 3)
        if bits > 3:
            assert f"less than 1 in {8 * 4**bits})" in estimate.averaged
