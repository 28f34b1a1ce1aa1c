"""Grids: what is read from a file, and that every mistake in one is found before the sweep."""

from fractions import Fraction

import flint
import numpy as np
import pandas as pd
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qtheory as qt
from qtheory.errors import InvalidArgumentError
from qtheory.measure.grid import AXES, Grid, Settings

FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ATTACK = "__import__('os').system('true')"


@pytest.fixture
def load(tmp_path):
    def read(content):
        path = tmp_path / "grid.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return qt.load_grid(path)

    return read


def test_a_grid_is_the_product_of_its_lists(load):
    grid = load(
        """
        [grid]
        dim = [50, 100]
        quantize = ["none", "data=format:fp8_e4m3 label=format:int8:1/16"]
        stepsize = 0.1
        [compute]
        replicates = 100
        relative_error = 0.01
        """
    )
    points = list(grid)
    assert len(grid) == len(points) == len({point.key for point in points}) == 4
    assert grid.settings == Settings(replicates=100, relative_error=0.01)
    problem, quantization, sgd, seed = points[-1].model()
    assert (problem.dim, sgd.stepsize, sgd.steps, seed) == (
        100,
        qt.SGD("0.1", steps=1).stepsize,
        500,
        0,
    )
    assert quantization.data == qt.formats.get("fp8_e4m3")
    assert quantization.label == qt.formats.get("int8", scale="1/16")


def test_what_is_not_given_has_its_default():
    (point,) = qt.Grid({})
    assert dict(zip(AXES, point.values, strict=True)) == AXES


def test_numbers_and_their_text_are_the_same_point():
    numbers = qt.Grid({"dim": [5, 7], "stepsize": 0.1})
    assert numbers.as_json() == qt.Grid({"dim": ["5", "7"], "stepsize": ["0.1"]}).as_json()
    assert numbers.as_json() != qt.Grid({"dim": ["7", "5"], "stepsize": ["0.1"]}).as_json()


WRONG = {
    "table": ("[gird]\ndim = 4", "table is 'gird'.*did you mean grid"),
    "no table": ("dim = 4", "table is 'dim', but must be one of grid, compute"),
    "axis": ("[grid]\nquantise = 'none'", "'quantise'.*did you mean quantize"),
    "setting": ("[grid]\n[compute]\nreplicate = 10", "'replicate'.*did you mean replicates"),
    "spectrum": ("[grid]\nspectrum = 'powerlaw:2'", "spectrum is 'powerlaw:2'.*power-law:NUMBER"),
    "letter": ("[grid]\nspectrum = 'formula:j**-2'", "give a value to j"),
    "letter in target": ("[grid]\ntarget = 'signal:j**-2'", "give a value to j"),
    "format": ("[grid]\nquantize = 'all=format:fp8_e4m4'", "did you mean fp8_e4m3"),
    "quantize": ("[grid]\nquantize = 'weights=additive:1'", "TARGET=MODEL"),
    "output": ("[grid]\noutput = 'avrage'", "output is 'avrage', but must be 'average'"),
    "negative": ("[grid]\nnoise = -1", "noise is '-1', but must be zero or positive"),
    "not whole": ("[grid]\ndim = 2.5", "dim is '2.5'"),
    "seed": ("[grid]\nseed = -1", "seed is '-1'"),
    "long seed": (f"[grid]\nseed = '{'9' * 5000}'", "seed is '999"),
    "empty list": ("[grid]\ndim = []", r"dim is \[\]"),
    "repeated": ("[grid]\ndim = [4, 8, 4]", "without repetition"),
    "boolean": ("[grid]\ndim = true", "dim is True"),
    "nested": ("[grid]\ndim = [[4, 8]]", r"dim is \[4, 8\]"),
    "date": ("[grid]\ndim = 2020-01-01", "dim is datetime"),
    "infinite": ("[grid]\nnoise = inf", "noise is 'inf'"),
    "not a number": ("[grid]\nnoise = nan", "noise is 'nan'"),
    "array of tables": ("[[grid]]\ndim = 4", r"begun by \[grid\]"),
    "no grid": ("[compute]\nreplicates = 2", r"\[grid\], and \[compute\] if wanted"),
    "the same number": ("[grid]\ndim = [4, 4.0]", "without repetition"),
    "the same quantizers": ('[grid]\nquantize = ["none", ""]', "without repetition"),
    "not a table": ("grid = 3", "grid is 3"),
    "exact": ("[grid]\n[compute]\nexact = 1", "exact is 1, but must be true or false"),
    "replicates": ("[grid]\n[compute]\nreplicates = 1", "0, or at least 2"),
    "replicates true": ("[grid]\n[compute]\nreplicates = true", "replicates is True"),
    "relative error": ("[grid]\n[compute]\nrelative_error = 2.0", "between 0 and 1"),
    "syntax": ("[grid]\ndim = ", "not a readable TOML file"),
    "twice": ("[grid]\ndim = 4\ndim = 8", "not a readable TOML file"),
    "not UTF-8": ("[grid]\nspectrum = 'ü'".encode("latin-1"), "not a readable TOML file"),
    "digits": (f"[grid]\ndim = {'9' * 5000}", "not a readable TOML file"),
    "hexadecimal": (f"[grid]\ndim = 0x{'f' * 5000}", "of at most 1000 digits"),
    "many replicates": (f"[grid]\n[compute]\nreplicates = 0x{'f' * 5000}", "0, or at least 2"),
    "deep": (f"[grid]\ndim = {'[' * 3000}{']' * 3000}", "not a readable TOML file"),
    "attack": (f'[grid]\nspectrum = "formula:{ATTACK}"', "spectrum is"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_names_the_file_and_what_is_allowed(load, case):
    content, message = WRONG[case]
    with pytest.raises(qt.SweepError, match=f"(?s)grid.toml.*{message}") as raised:
        load(content)
    assert len(str(raised.value)) < 600
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("axis", AXES)
def test_no_text_is_run_on_any_axis(axis, tmp_path):
    witness = tmp_path / "witness"
    attack = f"__import__('pathlib').Path({str(witness)!r}).touch()"
    for text in (attack, f"formula:{attack}", f"signal:{attack}", f"data=additive:{attack}"):
        with pytest.raises(qt.QTheoryError):
            qt.Grid({axis: text})
    assert not witness.exists()
    eval(attack)  # the negative control: this text does leave a trace where it is run
    assert witness.exists()


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "missing.toml", tmp_path, "with\0zero"):
        with pytest.raises(qt.SweepError, match="is not a readable TOML file"):
            qt.load_grid(path)


@pytest.mark.parametrize("length", [60, 400])
def test_a_huge_product_is_refused_and_not_begun(length):
    # 400^8 is past what len() of Python can say
    numbers = list(range(1, length + 1))
    axes = dict.fromkeys(("dim", "noise", "stepsize", "batch", "steps", "seed"), numbers)
    axes["target"] = [f"constant:{k}" for k in numbers]
    axes["spectrum"] = [f"power-law:{k}" for k in numbers]
    with pytest.raises(qt.QTheoryError, match=f"{length**8} points.*at most 10000000"):
        qt.Grid(axes)


words = st.sampled_from(
    [*AXES, "grid", "compute", "exact", "bounds", "replicates", "calibrate", "gird", "", "a b"]
)
scalars = st.one_of(
    st.sampled_from(
        ["none", "power-law:2", "all=additive:0.1", "data=format:int8", "average", "1/2", "oo",
         ATTACK]
    ).map(lambda text: f'"{text}"'),
    st.integers(-10, 10**30).map(str),
    st.floats().map(str),
    st.sampled_from(["true", "1979-05-27", "07:32:00", "{}", "{a = 1}", "[]", "inf", "-nan"]),
    st.text("0123456789abefox_.-+[]{}\"'= #\n\\u", max_size=12),
)  # fmt: skip
values = scalars | st.lists(scalars, max_size=3).map(lambda each: f"[{', '.join(each)}]")
lines = st.one_of(
    words.map(lambda word: f"[{word}]"),
    st.tuples(words, values).map(" = ".join),
    st.text(max_size=9),
)
contents = st.lists(lines, max_size=6).map("\n".join)


def outcome(load, content):
    """What became of a text: a grid or a refusal. Anything else is raised."""
    try:
        return load(content)
    except qt.SweepError:
        return None


@FUZZ
@given(content=contents.map(str.encode) | st.binary(max_size=40))
def test_any_text_is_a_grid_or_a_clear_error(load, content):
    outcome(load, content)


@FUZZ
@given(name=st.sampled_from(list(AXES)), value=values)
def test_any_value_is_taken_or_refused(load, name, value):
    outcome(load, f"[grid]\n{name} = {value}")


def test_the_fuzzing_sees_another_exception(load, monkeypatch):
    assert outcome(load, "[grid]\ndim = 4") is not None
    assert outcome(load, "[grid]\ndim = 'four'") is None
    monkeypatch.setattr("qtheory.measure.grid.Grid", lambda *arguments: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        outcome(load, "[grid]\ndim = 4")


@pytest.mark.parametrize("text", ["[grid]\ndim = [4, 8]\n", "[grid]\r\ndim = [4, 8]\r\n"])
def test_a_byte_order_mark_is_no_part_of_a_grid(load, text):
    assert load(text.encode("utf-8-sig")) == load(text.encode())
    with pytest.raises(qt.SweepError, match="it is not in UTF-8"):
        load(text.encode("utf-16"))


def test_values_of_any_kind_have_the_texts_that_were_meant():
    grid = qt.Grid(
        {
            "dim": [50, qt.oo],
            "noise": np.logspace(-2, 0, 3),
            "stepsize": pd.Series([0.1, 0.05]),
            "steps": range(10, 30, 10),
            "batch": np.arange(1, 3),
            "tail": [Fraction(1, 3), flint.fmpq(1, 7), np.float32(0.1)],
        }
    )
    assert {name: grid.axes[name] for name in ("dim", "noise", "stepsize", "steps")} == {
        "dim": ("50", "oo"),
        "noise": ("0.01", "0.1", "1.0"),
        "stepsize": ("0.1", "0.05"),
        "steps": ("10", "20"),
    }
    assert (grid.axes["batch"], grid.axes["tail"]) == (("1", "2"), ("1/3", "1/7", "0.1"))
    for point in grid:
        point.model()


@pytest.mark.parametrize("value", [sp.sqrt(2), sp.Symbol("a"), None, 1j, [[1, 2]]], ids=str)
def test_a_value_that_no_text_stands_for_is_refused(value):
    with pytest.raises(qt.InvalidArgumentError, match="noise is"):
        qt.Grid({"noise": value})


def test_a_sketch_is_swept_and_whatever_is_none_is_refused():
    grid = Grid({"dim": 20, "sketch": [4, "none"], "sketch_seed": [1, 2], "steps": 9})
    problems = [point.model()[0] for point in grid]
    sketched = [qt.Problem(dim=20).sketched(size=4, seed=seed) for seed in (1, 2)]
    assert problems == [*sketched, qt.Problem(dim=20), qt.Problem(dim=20)]
    for axes in ({"sketch": 0}, {"sketch": "x"}, {"sketch": 2.5}, {"sketch_seed": -1}):
        with pytest.raises(InvalidArgumentError, match=next(iter(axes))):
            Grid(axes)
