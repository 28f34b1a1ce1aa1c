"""Every public argument takes every kind of number, and every kind of sequence."""

import itertools
from decimal import Decimal
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pandas as pd
import pytest
import sympy as sp
import xarray as xr

import qtheory as qt
from qtheory import plots
from qtheory.measure.grid import Settings
from qtheory.model.run import Run
from qtheory.simulate import calibrate, ranges, simulate_rows
from qtheory.testing import problems

PROBLEM, SGD = qt.Problem(dim=3), qt.SGD("0.1", steps=20)
NOISY = qt.Quantization(data=qt.Additive("0.1"))
INT8 = qt.formats.get("int8")
X = np.random.default_rng(0).standard_normal((9, 2))

COUNTS = {
    "int": int,
    "int64": np.int64,
    "uint8": np.uint8,
    "no axes": np.array,
    "SymPy": sp.Integer,
    "fmpz": flint.fmpz,
}
QUARTERS = (
    "1/4", 0.25, np.float16(0.25), np.float32(0.25), np.longdouble(0.25), np.array(0.25),
    Fraction(1, 4), Decimal("0.25"), sp.Rational(1, 4), flint.fmpq(1, 4), flint.arb(0.25),
    flint.arf(0.25), mpmath.mpf(0.25), xr.DataArray(0.25),
)  # fmt: skip
SEQUENCES = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "Series": pd.Series,
    "Index": pd.Index,
    "DataArray": xr.DataArray,
    "SymPy": lambda values: sp.Tuple(*values),
    "fmpz": lambda values: list(map(flint.fmpz, values)),
    "unmasked": lambda values: np.ma.array(values, mask=False),
    "iterator": iter,
}

#: Arguments that count something: the call, and a count that it takes.
COUNTED = {
    "replicates": (lambda n: qt.simulate(PROBLEM, NOISY, SGD, n), 20),
    "seed": (lambda n: qt.simulate(PROBLEM, NOISY, SGD, 4, n), 3),
    "threads": (lambda n: qt.simulate(PROBLEM, NOISY, SGD, 4, threads=n), 2),
    "rows": (lambda n: simulate_rows(X, X[:, 0], NOISY, SGD, n, n).mean, 2),
    "ranges": (lambda n: ranges(Run(PROBLEM, NOISY, SGD), n, n).largest, 2),
    "calibrate": (lambda n: calibrate(PROBLEM, qt.Quantization(data=INT8), SGD, n, n), 2),
    "compare_formats": (lambda n: qt.compare_formats(PROBLEM, SGD, ["int8"], ["data"], n, n)[0], 2),
    "digits": (lambda n: str(qt.excess_risk(PROBLEM, NOISY, SGD, digits=n)), 20),
    "digits of a curve": (lambda n: str(qt.risk_curve(PROBLEM, NOISY, SGD, [3], n)[0].total), 20),
    "digits of an upper bound": (lambda n: str(qt.upper_bound(PROBLEM, NOISY, SGD, n).total), 20),
    "digits of a lower bound": (lambda n: str(qt.lower_bound(PROBLEM, NOISY, SGD, n).total), 20),
    "max_examples": (lambda n: str(qt.attack("risk <= 2*noise", max_examples=n, seed=n)), 5),
    "bits of integers": (qt.formats.integer, 5),
    "bits of fixed point": (lambda n: qt.formats.fixed_point(n, n), 5),
    "bits of floating point": (lambda n: qt.formats.FP(n, n), 3),
    "bits to allocate": (lambda n: qt.allocate_bits(PROBLEM, SGD, n).bits, 5),
    "random bits": (
        lambda n: INT8.round([1.5, 0.1], np.random.default_rng(0), random_bits=n).tolist(), 3
    ),
    "random bits of a rounding": (lambda n: repr(qt.formats.Rounding(INT8, random_bits=n)), 3),
    "count": (lambda n: plots.tightness_sample(n, n), 2),
    "replicates of a grid": (lambda n: qt.Grid({}, Settings(replicates=n)).as_json(), 2),
    "dim": (qt.Problem, 3),
    "steps and batch": (lambda n: qt.SGD("0.1", n, steps=n), 3),
    "with_steps": (SGD.with_steps, 3),
    "seed of a grid": (lambda n: qt.Grid({"seed": n, "dim": n}).as_json(), 3),
    "largest_dim": (lambda n: str(problems(n).example) and n == 2, 2),
}  # fmt: skip
#: Arguments that are real numbers.
REAL = {
    "noise": lambda x: qt.Problem(2, noise=x),
    "spectra": lambda x: (qt.PowerLaw(x, x), qt.Exponential(x), qt.Logarithmic(x)),
    "targets": lambda x: (qt.Constant(x), qt.SourceCondition(x)),
    "levels": lambda x: (qt.Additive(x), qt.Multiplicative(x)),
    "run": lambda x: qt.SGD(x, steps=8, output="tail", tail=x),
    "scale": lambda x: qt.formats.get("int8", x),
    "bias": INT8.bias,
    "grid": lambda x: qt.Grid({"noise": [x]}).axes["noise"][0] in ("1/4", "0.25"),
    "relative_error": lambda x: qt.simulate(PROBLEM, NOISY, SGD, 200, relative_error=x),
    "relative_error of a grid": lambda x: Settings(relative_error=x),
    "bits of integers": lambda x: qt.break_even(PROBLEM, SGD, x).lower,
}
#: Arguments that are sequences of numbers, here of 3 and 9.
LISTED = {
    "values": qt.Explicit,
    "steps": lambda v: [risk.total for risk in qt.risk_curve(PROBLEM, NOISY, SGD, v)],
    "steps of a plot": lambda v: plots.risk_curves(PROBLEM, NOISY, SGD, v),
    "bits of a plot": lambda v: plots.break_even_curves(PROBLEM, SGD, v, ["data"]),
    "axis": lambda v: qt.Grid({"dim": v}).as_json(),
}
NAMES = {
    "quantizers": lambda v: [c.name for c in qt.compare_formats(PROBLEM, SGD, v, ["data"], 2)],
}
NO_NUMBERS = {
    "bool": True,
    "np.bool_": np.True_,
    "array of no axes": np.array(True),
    "masked": np.ma.masked,
    "NaN": float("nan"),
    "ball": flint.arb(1) / 3,
    "duration": np.timedelta64(2),
    "complex": 2j,
    "list": [2],
}
SHOWN = lambda pair: "-".join(map(str, pair))  # noqa: E731


@pytest.mark.parametrize("pair", list(itertools.product(COUNTED, COUNTS)), ids=SHOWN)
def test_a_count_may_be_any_whole_number(pair):
    name, kind = pair
    call, count = COUNTED[name]
    assert call(COUNTS[kind](count)) == call(count)


@pytest.mark.parametrize("name", REAL)
def test_a_number_may_be_of_any_kind(name):
    expected = REAL[name](Fraction(1, 4))
    for value in QUARTERS:
        assert REAL[name](value) == expected, repr(value)


@pytest.mark.parametrize("pair", list(itertools.product(LISTED, SEQUENCES)), ids=SHOWN)
def test_a_sequence_may_be_of_any_kind(pair):
    name, kind = pair
    assert LISTED[name](SEQUENCES[kind]([3, 9])) == LISTED[name]([3, 9])
    assert LISTED[name](range(3, 5)) == LISTED[name]([3, 4])


@pytest.mark.parametrize("kind", ["list", "tuple", "array", "Series", "iterator"])
def test_a_sequence_of_names_may_be_of_any_kind(kind):
    names = SEQUENCES[kind](["int8", "fp8_e4m3"])
    assert [c.name for c in qt.compare_formats(PROBLEM, SGD, names, ["data"], 2)] == [
        "int8", "fp8_e4m3"
    ]  # fmt: skip


CALLS = {**{name: call for name, (call, _) in COUNTED.items()}, **REAL, **LISTED}
CALLS = {name: call for name, call in CALLS.items() if name != "largest_dim"}


@pytest.mark.parametrize("pair", list(itertools.product(CALLS, NO_NUMBERS)), ids=SHOWN)
def test_what_is_no_number_is_refused_by_name(pair):
    name, kind = pair
    if kind == "list" and name in (*LISTED, "seed of a grid", "dim"):
        value = [True]
    else:
        value = NO_NUMBERS[kind]
    with pytest.raises(qt.InvalidArgumentError, match=r" is .*, but must be "):
        CALLS[name](value)


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize(
    "values",
    ["39", b"39", {3, 9}, {3: 9}, [], np.ones((2, 2)), np.ma.array([3, 9], mask=[0, 1])],
    ids=["text", "bytes", "set", "mapping", "empty", "two axes", "masked"],
)
def test_what_is_no_sequence_is_refused_by_name(name, values):
    if name == "axis" and isinstance(values, str):
        return  # a text is one value of an axis
    with pytest.raises(qt.InvalidArgumentError, match=r" is .*, but must be "):
        LISTED[name](values)


def test_one_name_need_not_stand_in_a_list():
    def rows(quantizers, targets):
        return qt.compare_formats(PROBLEM, SGD, quantizers, targets=targets, replicates=2)

    assert rows("int8", "data") == rows(["int8"], ["data"])
    with pytest.raises(qt.InvalidArgumentError, match="targets is 'dat', but must be one of data"):
        rows("int8", "dat")
    with pytest.raises(qt.InvalidArgumentError, match="targets is 5, but must be a sequence"):
        rows("int8", 5)


def test_a_ball_is_one_number_only_without_a_radius():
    total = qt.excess_risk(PROBLEM, NOISY, SGD, digits=20).total
    with pytest.raises(qt.InvalidArgumentError, match=r"noise is .*a ball with a radius"):
        qt.Problem(2, noise=total)
    # its midpoint is exact, and nothing of it is lost
    middle = qt.Problem(2, noise=total.mid()).noise
    assert flint.arb(flint.fmpq(int(middle.p), int(middle.q))) == total.mid()


def test_numbers_of_mpmath_keep_their_digits():
    with mpmath.workdps(60):
        third = mpmath.mpf(1) / 3
    assert abs(qt.Additive(third).additive - sp.Rational(1, 3)) < sp.Rational(1, 10**59)


@pytest.mark.parametrize(
    "value",
    [mpmath.inf, mpmath.nan, mpmath.ldexp(1, 10**9), flint.arb(2) ** 10**12, flint.arb("inf")],
)  # fmt: skip
def test_numbers_that_are_none_or_fill_the_memory_are_refused(value):
    with pytest.raises(qt.InvalidArgumentError, match="epsilon is"):
        qt.Additive(value)


INFINITE = (
    sp.oo, float("inf"), np.float32("inf"), Decimal("Infinity"), "oo", "inf", "Infinity",
    flint.arb("inf"), np.array(np.inf),
)  # fmt: skip


@pytest.mark.parametrize("dim", INFINITE, ids=repr)
def test_a_dimension_is_infinite_however_it_is_written(dim):
    assert qt.Problem(dim).dim is sp.oo
    assert qt.Grid({"dim": [50, dim]}).axes["dim"] == ("50", "oo")


@pytest.mark.parametrize("dim", [float("-inf"), -sp.oo, sp.zoo, float("nan"), Decimal("sNaN"), ""])
def test_nothing_else_is_infinite(dim):
    for ask in (qt.Problem, lambda value: qt.Grid({"dim": [value]})):
        with pytest.raises(qt.InvalidArgumentError, match="dim is"):
            ask(dim)


# --- arrays --------------------------------------------------------------------------------------

MASKED = np.ma.array([[1.0, 2.0], [3.0, 1e6], [5.0, 7.0]], mask=[[0, 0], [0, 1], [0, 0]])


def codes(values):
    """Whole numbers from 0 to 5 with the same mask."""
    return np.ma.array(np.arange(6).reshape(3, 2), mask=np.ma.getmask(values))


@pytest.mark.parametrize(
    "ask",
    [
        lambda v: qt.Problem.from_data(v, [1, 2, 3]),
        lambda v: qt.Problem.from_data([[1], [2], [4]], v[:, 1]),
        lambda v: simulate_rows(v, [1, 2, 3], NOISY, SGD),
        lambda v: qt.compare_rows(v, [1, 2, 3], NOISY, SGD),
        lambda v: INT8.round(v, mode="nearest"),
        lambda v: INT8.scaled_to(v),
        lambda v: qt.formats.get("fp8_e4m3").decode(codes(v)),
        lambda v: INT8.round(np.ones((3, 2)), codes(v), random_bits=3),
        lambda v: qt.Explicit(v[:, 1]),
        lambda v: qt.risk_curve(PROBLEM, NOISY, SGD, v[:, 1]),
        lambda v: qt.Grid({"noise": v[:, 1]}),
        lambda v: qt.Additive(v[1, 1]),
    ],
)
@pytest.mark.parametrize(
    "wrapped", [lambda v: v, lambda v: v.filled(4.0)], ids=["masked", "filled"]
)
def test_a_masked_entry_is_no_number(ask, wrapped):
    values = wrapped(MASKED)
    if np.ma.isMaskedArray(values):
        with pytest.raises(qt.QTheoryError, match="masked"):
            ask(values)
    else:
        ask(values)


@pytest.mark.parametrize("rows", [list(MASKED), [[1, np.ma.masked], [2, 3], [5, 6]]])
def test_a_mask_inside_a_list_is_seen(rows):
    with pytest.raises(qt.DataError, match="masked entries have no value"):
        qt.Problem.from_data(rows, [1, 2, 3])
    with pytest.raises(qt.InvalidArgumentError, match="masked entries have no value"):
        INT8.round(rows, mode="nearest")


def test_a_masked_array_without_masked_entries_is_an_array():
    whole = np.ma.array(MASKED.data, mask=False)
    assert qt.Problem.from_data(whole, [1, 2, 4]) == qt.Problem.from_data(MASKED.data, [1, 2, 4])


def test_a_sparse_matrix_is_told_how_to_be_an_array():
    sparse = pytest.importorskip("scipy.sparse").csr_array(np.eye(3))
    with pytest.raises(qt.DataError, match="a sparse matrix: its toarray"):
        qt.Problem.from_data(sparse, [1, 2, 3])
    with pytest.raises(qt.InvalidArgumentError, match="a sparse matrix: its toarray"):
        INT8.round(sparse, mode="nearest")
    assert qt.Problem.from_data(sparse.toarray(), [1, 2, 4]).dim == 3


def test_numbers_that_numpy_keeps_as_objects_are_numbers():
    objects = [[Fraction(1, 2), Decimal("0.25")], [flint.fmpq(3, 4), sp.Rational(1, 8)]]
    plain = [[0.5, 0.25], [0.75, 0.125]]
    assert INT8.scaled_to(objects) == INT8.scaled_to(plain)
    assert np.array_equal(INT8.round(objects, mode="nearest"), INT8.round(plain, mode="nearest"))
    assert qt.Problem.from_data(objects, [1, 2]) == qt.Problem.from_data(plain, [1, 2])
    for bad in ([[None, 1]], [["1", 2]], [[sp.Symbol("a"), 2]]):
        with pytest.raises(qt.InvalidArgumentError, match="x is"):
            INT8.round(np.array(bad, dtype=object), mode="nearest")
