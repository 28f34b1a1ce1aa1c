"""Hostile input: the short form of benchmarks/hostile_input.py, its controls, and every limit."""

import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.measure.grid import Settings, load_grid
from qtheory.model import data
from qtheory.numbers.grammar import parse_formula
from tests.benchmarks import load

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "hostile_input.py"
CASES = {
    "numbers": 1500, "formulas": 300, "shorthand": 500, "grids": 100, "tables": 150, "stores": 40,
    "commands": 60, "library": 150,
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile():
    # the simulation is compiled when it is first used, which is no time of the case that uses it
    qt.simulate(qt.Problem(1), qt.Quantization(), qt.SGD("0.1", steps=1), 2, threads=1)
    return load("hostile_input")


@pytest.mark.parametrize("surface", CASES)
def test_every_input_gives_a_right_value_or_a_short_refusal(hostile, surface):
    count = hostile.run_cases(surface, 20261125, 0, CASES[surface])
    assert count.violations == {}
    assert count.values > 0
    assert count.refusals > 0


def test_cases_do_not_depend_on_where_they_begin(hostile):
    whole = hostile.run_cases("numbers", 1, 0, 40)
    parts = hostile.Count()
    for begin in (0, 10, 30):
        end = {0: 10, 10: 30, 30: 40}[begin]
        parts.add(hostile.run_cases("numbers", 1, begin, end))
    assert (whole.values, whole.refusals) == (parts.values, parts.refusals)


def test_there_are_as_many_cases_as_were_asked_for(hostile):
    assert sum(hostile.sizes(1_000_000).values()) >= 1_000_000


# the signal that ends a hang may come while the garbage is collected, and is then only reported
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_planted_fault_is_found(hostile):
    assert hostile.unseen_faults() == []


# Every limit has its error, with the argument, its value and what is allowed.

PROBLEM, EXACT, SGD = qt.Problem(dim=3), qt.Quantization(), qt.SGD("0.1", steps=5)
INT16 = qt.Quantization(data=qt.formats.get("int16", scale="1/100000"))
FORMULA = {
    "length": ("x" * 2001, "at most 2000 characters"),
    "parts": ("+".join("x" * 400), "at most 600 numbers, names and operations"),
    "nesting": ("(" * 500 + "x" + ")" * 500, "nest"),
    "power": ("x**1001", "powers go up to 1000"),
    "number": ("*".join(["1e900"] * 5), "the number is too large"),
    "comparisons": (f"min({','.join(f'x{k}' for k in range(21))})", "at most 20 arguments"),
    "exponential": ("exp(exp(100))", "exp up to"),
}
LIMITS = {
    "digits": (lambda: qt.excess_risk(PROBLEM, EXACT, SGD, digits=10_001), "from 1 to 10000"),
    "dim": (lambda: qt.Problem(dim=10**18 + 1), r"dim is 1000000000000000001.*at most 10\^18"),
    "dim one by one": (
        lambda: qt.upper_bound(qt.Problem(dim=10**8), EXACT, SGD),
        "dim is 100000000, but at most 10000000",
    ),
    "steps": (lambda: qt.SGD("0.1", steps=10**19), r"steps is 1.*at most 10\^18"),
    "steps of a risk": (
        lambda: qt.excess_risk(PROBLEM, EXACT, SGD.with_steps(10**16)), r"at most 10\^15"
    ),
    "batch": (lambda: qt.SGD("0.1", 10**301, steps=1), r"batch is 1.*at most 10\^300"),
    "replicates": (lambda: qt.simulate(PROBLEM, EXACT, SGD, 10**10), "replicates is 10000000000"),
    "samples": (lambda: qt.simulate(PROBLEM, EXACT, SGD.with_steps(10**15)), "draw 3e"),
    "seed": (lambda: qt.simulate(PROBLEM, EXACT, SGD, seed=10**1001), "seed is"),
    "threads": (lambda: qt.simulate(PROBLEM, EXACT, SGD, threads=10**6), "threads is 1000000"),
    "workers": (lambda: qt.sweep(qt.Grid({}), "x.sqlite", workers=10**6), "workers is 1000000"),
    "max_examples": (lambda: qt.falsify("risk >= floor", max_examples=10**10), "max_examples is"),
    "text of a number": (lambda: qt.Additive("0" * 7001), "at most 7000 characters"),
    "digits of a number": (lambda: qt.Additive(10**3100), "at most 3010 digits"),
    "digits below the line": (lambda: qt.Additive("1e-3100"), "epsilon is '1e-3100'.*3010 digits"),
    "exponent": (lambda: qt.Additive("1e99999"), "epsilon is '1e99999'"),
    "points": (
        lambda: qt.Grid({"seed": list(range(4000)), "noise": list(range(4000))}), "at most 10000000"
    ),
    "moments of a format": (
        lambda: qt.excess_risk(qt.Problem(10_000, qt.PowerLaw("1/10")), INT16, SGD), "intervals"
    ),
    **{
        f"{kind} of a formula": (lambda text=text: parse_formula(text, {}, "summand"), message)
        for kind, (text, message) in FORMULA.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS)
def test_past_a_limit_there_is_an_error_that_says_so(limit):
    ask, message = LIMITS[limit]
    with pytest.raises(qt.QTheoryError, match=message):
        ask()


def test_the_size_of_a_data_file_is_limited(tmp_path, monkeypatch):
    file = tmp_path / "X.npy"
    np.save(file, np.ones((10, 2)))
    assert data.load_table(file).shape == (10, 2)
    monkeypatch.setattr(data, "_LARGEST_FILE", 100)
    with pytest.raises(qt.DataError, match="it has 288 bytes, at most 100 are read"):
        data.load_table(file)


# What the search found, each with the input it was found by.


class Unshown:
    def __repr__(self):
        raise RuntimeError("no repr")


TOWER = sp.Pow(9, sp.Pow(9, sp.Pow(9, 9, evaluate=False), evaluate=False))
#: Runs with a number that leaves float64.
PAST_FLOAT64 = [
    (qt.Problem(3, noise="1e400"), SGD),
    (qt.Problem(3, qt.PowerLaw("1e9")), SGD),
    (qt.Problem(3, qt.PowerLaw(2, "1e400")), SGD),
    (qt.Problem(3, qt.PowerLaw(2, "1e-400")), SGD),
    (qt.Problem(3, qt.Exponential("1e5")), SGD),
    (qt.Problem(3, target=qt.Constant("1e300")), SGD),
    (qt.Problem(3, target=qt.SourceCondition("-1e300")), SGD),
    (PROBLEM, qt.SGD("1e-400", steps=5)),
    (PROBLEM, qt.SGD("1e400", steps=5)),
]
INFINITE = [
    (qt.PowerLaw("1e300"), None, "exponent is 1000.*at most 300"),
    (qt.Exponential("1e300"), None, "rate is 1000.*at most 300"),
    (qt.Exponential("1e-300"), None, "rate is 1/1000.*at least 1e-06"),
    (qt.PowerLaw(2), qt.SourceCondition("1e300"), "exponent is 1000.*at most 300"),
]
NO_REAL = (
    "min(x, sqrt(-1))", "log((-1)**(1/2))", "(-8)**(1/3)", "sqrt(-1)", "min(exp(exp(1e9)), 1)",
)  # fmt: skip
#: What is asked, and what the InvalidArgumentError says.
INVALID = [
    (lambda: qt.Additive(-(10**5000)), "that cannot be shown"),
    (lambda: qt.Additive(Unshown()), "that cannot be shown"),
    (lambda: qt.Additive(Decimal("sNaN")), "."),
    (lambda: qt.Additive(Decimal("1e999999")), "."),
    (lambda: qt.Additive(Fraction(1, 10**9999)), "."),
    (lambda: qt.excess_risk(qt.Problem(5, qt.SpectrumFormula("max(3 - i, 0)")), EXACT, SGD),
     "spectrum is '0 in float64 at i = 3'"),
    (lambda: qt.simulate(qt.Problem(3, noise="1e400"), EXACT, SGD, 2), "noise is"),
    *((lambda t=text: parse_formula(t, {}, "summand"), ".") for text in NO_REAL),
    *((lambda r=run: qt.excess_risk(r[0], EXACT, r[1]), "leave float64") for run in PAST_FLOAT64),
    *((lambda s=scale: qt.excess_risk(
        PROBLEM, qt.Quantization(data=qt.formats.get("int4", scale=s)), SGD), "scale is")
      for scale in ("1e-900", "1e900")),
    *((lambda s=spectrum, t=target: qt.excess_risk(qt.Problem(qt.oo, s, t), EXACT, SGD), message)
      for spectrum, target, message in INFINITE),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "message"), INVALID)
def test_what_the_search_found_is_an_invalid_argument(ask, message):
    with pytest.raises(qt.InvalidArgumentError, match=message):
        ask()


def test_a_power_of_the_coordinate_to_itself():
    formula = qt.SpectrumFormula("(i + 1)**-i")
    listed = qt.Explicit([Fraction(1, (k + 1) ** k) for k in range(1, 4)])
    for digits in (None, 20):
        risks = [qt.excess_risk(qt.Problem(3, s), EXACT, SGD, digits) for s in (formula, listed)]
        assert float(risks[0].total) == pytest.approx(float(risks[1].total), rel=1e-14)


REFUSED = [
    lambda: qt.SGD(1, steps=1, output=np.array(["last", "tail"])),
    lambda: qt.Multiplicative(1, np.array([1, 2])),
    lambda: qt.formats.FP(3, 3, specials=np.array([1, 2])),
    lambda: qt.formats.get(Unshown()),
    lambda: qt.Explicit({1: 2}),
    lambda: qt.Explicit(b"ab"),
    lambda: qt.Problem(3, assumptions=5),
    lambda: EXACT.up_to("weights"),
    lambda: qt.risk_curve(PROBLEM, EXACT, SGD, 5),
    lambda: qt.upper_bound(PROBLEM, EXACT, SGD, form=[]),
    lambda: qt.upper_bound("problem", EXACT, SGD),
    lambda: Settings(replicates=1),
    lambda: qt.Problem(dim=TOWER),
    lambda: qt.excess_risk(
        qt.Problem(5, qt.SpectrumFormula("(i + 8)**(i + 8)**(i + 8)")), EXACT, SGD
    ),
]


@pytest.mark.parametrize("ask", REFUSED)
def test_what_the_search_found_is_refused(ask):
    with pytest.raises(qt.QTheoryError):
        ask()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.array([[1, 2], [3, 4j]]), "not complex128"),
        (np.array([["2020-01-01"], ["2021-01-01"]], dtype="M8[D]"), "not datetime64"),
        ([["1"], ["2"]], "not <U1"),
        ([[10**5000], [2]], "real numbers only"),
        ([[1e200], [-1e200]], "the largest entry of X is 1e.200"),
        ([[1e-200], [-1e-200]], "the largest entry of X is 1e-200"),
    ],
)
def test_a_table_is_of_real_numbers_of_usual_size(table, message):
    with pytest.raises(qt.DataError, match=message):
        qt.Problem.from_data(table, [1, 2])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1\xc8",
        b"\x93NUMPY\x09\x00v\x00",
    ],
)
def test_a_damaged_data_file_is_refused(content, tmp_path):
    file = tmp_path / "X.npy"
    file.write_bytes(content)
    with pytest.raises(qt.DataError, match="not a readable"):
        data.load_table(file)


def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "X.npy"
    os.mkfifo(pipe)
    with pytest.raises(qt.DataError, match="it is no file"):
        data.load_table(pipe)


@pytest.mark.parametrize("path", [None, 0, "", "a\0b", "a" * 5000], ids=repr)
def test_a_path_is_a_path(path):
    grid = qt.Grid({"dim": 2, "steps": 3})
    for ask in (qt.load_sweep, qt.load_grid, lambda out: qt.sweep(grid, out)):
        with pytest.raises(qt.QTheoryError):
            ask(path)


def test_a_grid_that_never_ends_is_refused():
    with pytest.raises(qt.SweepError, match=r"/dev/zero .* it has more than 10000000 bytes"):
        load_grid("/dev/zero")


def test_a_header_takes_no_more_memory_than_the_file_has(tmp_path):
    file = tmp_path / "X.npy"
    np.save(file, np.ones((10, 2)))
    file.write_bytes(file.read_bytes().replace(b"(10, 2)", b"(10**9,)"[:7].replace(b"*", b"9")))
    with pytest.raises(qt.DataError, match=r"X.npy is not a readable .npy file"):
        data.load_table(file)
