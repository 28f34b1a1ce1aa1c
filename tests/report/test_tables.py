"""Tables of the terminal: each number in its column, with values known without the package.

Nothing of this is loaded by `qtheory verify`; these tests guard it.
"""

import io
import re

import pytest
from rich.console import Console

import qtheory as qt
from qtheory.measure import Comparison
from qtheory.orders.display import shown
from qtheory.report import (
    comparison_view,
    comparisons_view,
    formats_view,
    rates_view,
    risk_view,
)
from qtheory.simulate import Estimate, Ranges


def rows(view):
    """The lines of a view, each as its columns."""
    console = Console(width=300, record=True, file=io.StringIO())
    console.print(view)
    return [re.split(r" {2,}", line.strip()) for line in console.export_text().splitlines()]


RANGES = Ranges(
    largest={"label": 3.0, "data": 2.0},
    below={"label": 0.06, "data": 0.02},
    beyond={"label": 0.27, "data": 0.0},
    stagnant=0.5,
)
INT4 = qt.Quantization(label=qt.formats.get("int4", scale="1/4"))
FOUND = Comparison(
    "int4", qt.Problem(dim=2), INT4, qt.SGD("0.1", steps=5),
    theory=2.0, estimate=Estimate(2.5, 0.05, 100, 7), ranges=RANGES,
)  # fmt: skip


def test_theory_beside_simulation_in_one_line():
    line = ["int4", "2", "2.5", "+25.0%", "+10.0", "differ", "27%", "6%", "50%"]
    found = [" ".join(row).split() for row in rows(comparisons_view([FOUND]))]
    assert line in found


def test_one_run_with_its_standard_error_and_what_may_break_the_model():
    text = "\n".join("  ".join(row) for row in rows(comparison_view(FOUND)))
    for part in (
        "2.5 +- 0.05", "100 runs, seed 7", "exact  2", "+25.00%, +10.0 standard errors",
        "label saturates (27%)", "label below half a step (6%)", "data below half a step (2%)",
        "updates below half a step (50%)",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        # the variance of rounding at a position uniform in a step is 1/6 of its square, at most 1/4
        ("int8", ["int8", "8", "1", "127", "0.167", "0.25", "additive"]),
        # OCP: 2^-6 is normal, 2^-9 the least step, 448 the largest; with s = 2^-3 the variance of
        # rounding 1 + s f, f (1 - f) s^2, is at most s^2 / (4 (1 + s)) of its square
        ("fp8_e4m3", ["fp8_e4m3", "8", "0.002", "0.016", "448", None, "0.00347", "multiplicative"]),
    ],
)
def test_a_format_in_one_line(name, columns):
    found = [" ".join(row).split() for row in rows(formats_view([qt.formats.get(name)]))]
    (row,) = (row for row in found if row[:1] == [name])
    assert len(row) == len(columns)
    assert all(want in (None, got) for want, got in zip(columns, row, strict=True))


def test_the_parts_of_a_risk():
    """By hand: wbar = w_1 / 2, E w_1 = 1/2, E w_1^2 = (3 + 1) / 4: R = (1 - 1/2 + 1/4) / 2."""
    run = qt.Problem(1, noise=1), qt.Quantization(label=qt.Additive("1/2")), qt.SGD("1/2", steps=2)
    risk = qt.excess_risk(*run, digits=10)
    found = {row[0]: row[-1] for row in rows(risk_view(risk, {"upper": "no bound"}))}
    numbers = {name: float(text) for name, text in found.items() if re.fullmatch(r"[\d.]+", text)}
    assert numbers == {
        "bias (no noise, no quantization)": 11 / 32,
        "variance (label noise)": 1 / 32,
        "added by label quantization": 1 / 64,
        "total": 25 / 64,
    }
    assert found["upper: no bound"]


def test_every_regime_stands_beside_its_own_condition():
    a, b = qt.symbols("a b")
    problem = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), noise=1)
    table = qt.rates(problem, qt.Quantization(), qt.SGD("0.1", steps=qt.symbols("N")))
    lines = ["  ".join(row) for row in rows(rates_view(table))]
    regimes = [regime for rate in table.terms.values() for regime in rate.regimes]
    assert len({str(regime.order) for regime in regimes}) > 1
    for regime in regimes:
        where = [line for line in lines if str(regime.order) in line]
        assert where
        if regime.conditions:
            (condition, *_) = regime.conditions
            assert any(shown(condition) in line for line in where)
    assert any(case.conditions for case in table.dominations)
    for case in table.dominations:
        parts = [" + ".join(case.terms), str(case.order), *map(shown, case.conditions[:1])]
        assert any(all(part in line for part in parts) for line in lines)
