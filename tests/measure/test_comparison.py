"""Theory beside simulation: it agrees where the model is good, and says what breaks it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import qtheory as qt
from qtheory.measure.comparison import theory
from qtheory.model.run import Run
from qtheory.simulate import Estimate

PROBLEM = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
RUN = qt.SGD("0.1", steps=200)
get, Rounding = qt.formats.get, qt.formats.Rounding


def found(run=RUN, problem=PROBLEM, **quantizers):
    return qt.compare(problem, qt.Quantization(**quantizers), run, replicates=1000)


GOOD = {
    "no quantization": {},
    "bfloat16": dict.fromkeys(("data", "label", "parameter", "activation", "gradient"),
                              get("bfloat16")),
    "dithered": {"label": Rounding(get("int8", scale="1/16"), "dithered")},
    "error model": {"activation": qt.Additive("0.1"), "data": qt.Multiplicative("0.01")},
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_a_good_model_agrees(case):
    comparison = found(**GOOD[case])
    models = qt.Quantization(**GOOD[case]).error_models()
    assert comparison.theory == qt.excess_risk(PROBLEM, models, RUN).total
    assert comparison.estimate == qt.simulate(
        PROBLEM, comparison.quantization, RUN, replicates=1000
    )
    assert comparison.verdict == "agree"
    assert abs(comparison.difference) < 0.05
    assert not any("bias" in reason or "saturates" in reason for reason in comparison.reasons)


# for each reason a run that has it and one that differs in just that
REASONS = {
    "label saturates": ({"label": get("int4", scale="1/8")}, {"label": get("int4", scale=1)}),
    "data underflows": ({"data": get("fp4_e2m1", scale=8)}, {"data": get("bfloat16", scale=8)}),
    "updates below half a step": (
        {"parameter": Rounding(get("int8", scale="1/8"), "nearest")},
        {"parameter": Rounding(get("int16", scale="1/4096"), "nearest")},
    ),
    "label is rounded with bias": (
        {"label": Rounding(get("int4"), "toward_zero")},
        {"label": Rounding(get("int4"), "stochastic")},
    ),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_given_where_it_is_there_and_only_there(reason):
    broken, sound = (found(**case) for case in REASONS[reason])
    assert any(reason in each for each in broken.reasons)
    assert not any(reason in each for each in sound.reasons)


@pytest.mark.parametrize("reason", ["label saturates", "label is rounded with bias"])
def test_what_breaks_the_model_is_seen_in_the_risk(reason):
    broken, sound = (found(**case) for case in REASONS[reason])
    assert broken.verdict != "agree"
    assert broken.difference > 0.5
    assert sound.verdict == "agree"


def test_the_theory_of_biased_rounding_is_that_of_unbiased_rounding():
    biased, unbiased = REASONS["label is rounded with bias"]
    assert found(**biased).theory == found(**unbiased).theory
    assert found(**biased).estimate.biased == ("label",)


@pytest.mark.parametrize("steps", [20, 200, 2000])
def test_an_unstable_run(steps):
    comparison = found(qt.SGD(5, steps=steps))
    assert comparison.theory == math.inf
    assert "the error model is unstable" in comparison.reasons
    assert comparison.verdict != "agree"
    assert not comparison.estimate.mean < 1e6


def test_a_simulation_that_varies_too_much_is_no_agreement():
    """Within 5 standard errors, but these are larger than the theory itself."""
    scattered = replace(found(), theory=1.0, estimate=Estimate(3.0, 1.2, 1000, 0))
    assert abs(scattered.distance) < 5
    assert scattered.verdict == "unknown"
    assert any("scatter widely" in reason for reason in scattered.reasons)
    assert replace(scattered, estimate=Estimate(1.02, 0.01, 1000, 0)).verdict == "agree"
    # a handful of runs knows too little of its own standard error
    assert replace(scattered, estimate=Estimate(1.02, 0.01, 20, 0)).verdict == "unknown"


def test_distances_of_a_known_estimate():
    one = replace(found(), theory=2.0, estimate=Estimate(2.3, 0.1, 100, 0))
    assert one.distance == pytest.approx(3)
    assert one.difference == pytest.approx(0.15)
    assert one.verdict == "agree"
    assert replace(one, estimate=Estimate(2.6, 0.1, 100, 0)).verdict != "agree"
    assert replace(one, estimate=Estimate(1.4, 0.1, 100, 0)).verdict != "agree"
    assert replace(one, estimate=Estimate(math.nan, math.nan, 100, 0)).verdict != "agree"


def test_nothing_to_learn():
    nothing = qt.Problem(dim=3, spectrum=qt.PowerLaw(2), target=qt.Constant(0), noise=0)
    comparison = found(problem=nothing)
    assert (comparison.theory, comparison.difference, comparison.verdict) == (0, 0, "agree")
    off = replace(comparison, estimate=Estimate(1.0, 0.1, 100, 0))
    assert (off.difference, off.verdict) == (math.inf, "differ")


# ---- formats ----


def test_every_format_has_a_row_and_the_fine_ones_agree():
    rows = qt.compare_formats(PROBLEM, RUN, replicates=300)
    by_name = {row.name: row for row in rows}
    assert list(by_name) == list(qt.formats.names())
    for name in ("bfloat16", "float16", "tf32", "int12", "int16"):
        assert by_name[name].verdict == "agree"
        assert abs(by_name[name].difference) < 0.05
    assert by_name["int2"].theory > 2 * by_name["int16"].theory
    theories = [by_name[f"int{bits}"].theory for bits in range(4, 17)]
    assert theories == sorted(theories, reverse=True)


def test_scales_are_calibrated_and_other_targets_left_alone():
    rounded = Rounding(get("int8"), "nearest")
    (row,) = qt.compare_formats(PROBLEM, RUN, [rounded], targets=["label"], replicates=300)
    assert row.name == "int8 nearest"
    assert row.quantization.label.format.scale != 1
    assert row.ranges.beyond["label"] < 0.001
    assert row.quantization.data == qt.Quantization().data
    assert any("bias" in reason for reason in row.reasons)


def test_a_single_format_and_target_need_not_stand_in_a_list():
    alone, listed = (
        qt.compare_formats(PROBLEM, RUN, quantizers, targets=targets, replicates=50)
        for quantizers, targets in (("int8", "label"), (["int8"], ["label"]))
    )
    assert [row.estimate for row in alone] == [row.estimate for row in listed]


@pytest.mark.parametrize(
    ("quantizers", "targets", "message"),
    [
        (["fp8_e4m4"], ["data"], "did you mean fp8_e4m3"),
        ([qt.Additive(1)], ["data"], "a name, a number format or a Rounding"),
        (["int8"], ["weights"], "targets is 'weights'"),
        (["__import__('os').system('true')"], ["data"], "name is"),
    ],
)
def test_wrong_formats_and_targets(quantizers, targets, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.compare_formats(PROBLEM, RUN, quantizers, targets)


# ---- rows of a table ----


def table(kind, rows=4000, columns=6):
    rng = np.random.default_rng(1)
    X = {
        "Gaussian": lambda: rng.standard_normal((rows, columns)),
        "Student": lambda: rng.standard_t(3, (rows, columns)),
        "two points": lambda: rng.choice([-1.0, 1.0], (rows, columns)),
    }[kind]()
    X *= np.arange(1, columns + 1) ** -0.5
    return X, X @ np.ones(columns) + rng.standard_normal(rows)


def of_rows(kind, stepsize="0.2"):
    run = qt.SGD(stepsize, steps=100)
    return qt.compare_rows(*table(kind), qt.Quantization(), run, replicates=4000)


def test_rows_of_a_gaussian_table_agree():
    comparison = of_rows("Gaussian")
    assert comparison.verdict == "agree"
    assert abs(comparison.difference) < 0.03


def test_rows_with_light_tails_do_better_than_the_theory():
    comparison = of_rows("two points")
    assert comparison.verdict != "agree"
    assert -0.2 < comparison.difference < -0.05


def test_rows_with_heavy_tails_do_worse_than_the_theory():
    comparison = of_rows("Student", "0.1")
    assert math.isfinite(comparison.theory)
    assert comparison.verdict != "agree"
    assert comparison.difference > 1


def test_a_real_table_and_where_the_gaussian_theory_leaves_it():
    X, y = load_diabetes(return_X_y=True)
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    small, large = (
        qt.compare_rows(X, y, qt.Quantization(), qt.SGD(stepsize, steps=500), replicates=2000)
        for stepsize in ("0.01", "0.1")
    )
    assert small.theory == qt.excess_risk(qt.Problem.from_data(X, y), qt.Quantization(),
                                          qt.SGD("0.01", steps=500)).total  # fmt: skip
    assert small.verdict == "agree"
    assert abs(small.difference) < 0.03
    assert large.verdict != "agree"  # fourth moments matter more at a large step size
    assert -0.25 < large.difference < -0.1


def test_theory_of_an_unstable_model_is_infinite():
    assert theory(Run(PROBLEM, qt.Quantization(), qt.SGD(5, steps=10))) == math.inf
    assert theory(Run(PROBLEM, qt.Quantization(), RUN)) < 1


def test_a_table_that_does_not_fit():
    with pytest.raises(qt.DataError, match="y has shape"):
        qt.compare_rows(np.ones((3, 2)), np.ones(4), qt.Quantization(), RUN)


def test_an_exact_risk_that_costs_too_much_does_not_take_the_simulation_with_it(monkeypatch):
    def refuse(*arguments):
        raise qt.CostError("it would take weeks")

    run = qt.Problem(dim=4), qt.Quantization(), qt.SGD("0.1", steps=20)
    with_theory = qt.compare(*run, replicates=100)
    monkeypatch.setattr("qtheory.measure.comparison.excess_risk", refuse)
    found = qt.compare(*run, replicates=100)
    assert found.estimate == with_theory.estimate
    assert (found.verdict, found.missing) == ("unknown", "it would take weeks")
    assert found.reasons[0] == "no exact risk: it would take weeks"
    assert with_theory.missing == ""
