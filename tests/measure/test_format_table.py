"""The table of formats: costs against exact risks and by hand, bits, advice, progress."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import qtheory as qt
from qtheory.measure.format_table import FormatTable
from qtheory.simulate.estimate import Estimate

get = qt.formats.get
PROBLEM = qt.Problem(dim=40, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
RUN = qt.SGD("0.1", steps=200)
CHANNELS = get("int4").scaled_by("channel")


@pytest.fixture(scope="module")
def table():
    return qt.compare_formats(PROBLEM, RUN, ["int4", CHANNELS, "mxfp4", "nvfp4", "int8"], "data")


def test_costs_are_those_of_pairs(table):
    assert table.exact == pytest.approx(qt.excess_risk(PROBLEM, qt.Quantization(), RUN).total)
    plain = qt.simulate(PROBLEM, qt.Quantization(), RUN)
    for row, cost in zip(table, table.costs, strict=True):
        alone = qt.simulate(PROBLEM, row.quantization, RUN)
        assert row.estimate == alone
        assert cost.mean == pytest.approx((alone.mean - plain.mean) / table.exact)
        assert cost.stderr < 0.7 * alone.stderr / table.exact  # what pairs are for


def test_costs_agree_with_exact_risks(table):
    names = [row.name for row in table]
    for name in ("int4 per channel", "int8"):  # the format as it is, and a fine step
        row, cost = table[names.index(name)], table.costs[names.index(name)]
        exact = qt.excess_risk(PROBLEM, row.quantization, RUN).total / table.exact - 1
        assert abs(cost.distance(exact)) < 4
        assert abs(cost.distance(exact + 20 * cost.stderr)) > 4
    assert all(row.missing for row in table if row.name in ("mxfp4", "nvfp4"))
    assert all(row.verdict == "unknown" for row in table if row.missing)


def test_channels_and_blocks_cost_less_than_one_scale(table):
    cost = {row.name: cost.mean for row, cost in zip(table, table.costs, strict=True)}
    assert cost["int8"] < cost["nvfp4"] < cost["mxfp4"] < cost["int4"]
    assert cost["int4 per channel"] < cost["int4"] / 4
    scales = table[1].quantization.data.units
    assert len(scales) == 40
    assert scales[0] > 10 * scales[-1]


def test_bits(table):
    assert table.bits == (4, 4, Fraction(17, 4), Fraction(9, 2), 8)
    assert list(table.at_bits) == [8, 4]
    gradient = qt.compare_formats(PROBLEM, RUN, ["mxfp4", "int8"], "gradient", 16)
    assert gradient.bits == (12, 8)  # a number by itself has a scale by itself


def test_advice_by_hand(table):
    assert table.advice.startswith("8 bits: int8 (")
    assert "4 bits: nvfp4" in table.advice
    assert str(table).endswith(table.advice)

    def advice(*costs):
        given = tuple(Estimate(mean, stderr, 100, 0) for mean, stderr in costs)
        return FormatTable(table.rows, table.exact, given).advice

    far = advice((0.5, 0.01), (0.1, 0.01), (0.2, 0.01), (0.3, 0.01), (0.01, 0.001))
    assert far == "8 bits: int8 (+1.00%); 4 bits: int4 per channel (+10.00%)"
    near = advice((0.5, 0.01), (0.1, 0.01), (0.13, 0.01), (math.inf, math.nan), (math.nan, 0))
    expected = "4 bits: int4 per channel (+10.00%), not told apart from mxfp4"
    assert near == f"8 bits: no format is stable; {expected}"


def test_the_exact_method_simulates_only_where_it_must():
    wanted = ["int8", "mxint8", qt.formats.Rounding(get("int8"), "nearest")]
    table = qt.compare_formats(PROBLEM, RUN, wanted, ("activation", "gradient"), 64, method="exact")
    assert [row.estimate is None for row in table] == [True, False, False]
    assert table.costs[0].mean == table[0].theory / table.exact - 1
    assert table.costs[0].stderr == 0
    assert table[0].verdict == "unknown"
    assert math.isnan(table[0].difference)
    assert table.as_json()[0]["mean"] is None
    assert table.as_json()[1]["bits"] == "16"
    with pytest.raises(qt.QTheoryError, match="method is 'fast'"):
        qt.compare_formats(PROBLEM, RUN, ["int8"], method="fast")


def test_stored_weights_are_a_target():
    (row,) = qt.compare_formats(PROBLEM, RUN, CHANNELS, "stored", 64)
    assert len(row.quantization.stored.scales) == 40
    assert row.quantization.parameter.is_exact
    assert "additive error of another level" in row.missing


def test_progress_goes_on_within_a_format():
    seen = []
    qt.compare_formats(
        PROBLEM, RUN, ["int8", "mxfp4"], "data", 64, progress=lambda *each: seen.append(each)
    )
    done = [part for part, _ in seen]
    assert done == sorted(done)
    assert {whole for _, whole in seen} == {2000}
    assert done[0] == 0
    assert done[-1] == 2000


def test_a_run_that_diverges_is_dear():
    diverging = qt.Quantization(data=get("int2", scale=8))
    (row,) = qt.compare_formats(PROBLEM, RUN, "int8", "data", 16)
    assert np.isfinite(row.estimate.mean)
    worse = replace(row, quantization=diverging)
    table = FormatTable(
        (worse, row), 0.05, (Estimate(math.inf, math.nan, 16, 0), Estimate(1, 0, 16, 0))
    )
    assert table.advice == "8 bits: int8 (+100.00%); 2 bits: no format is stable"
