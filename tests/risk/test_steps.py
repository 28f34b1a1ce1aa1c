"""Schedules, momentum, stored weights, error feedback: the exact risk, and what it must equal."""

from dataclasses import replace

import numpy as np
import pytest

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls
from qtheory.risk import closed_form, recursion

PROBLEM = qt.Problem(8, qt.PowerLaw(2), qt.Constant(1), noise="1/4")
TARGETS = ("data", "label", "parameter", "activation", "gradient")


def model(additive, shared, elementwise):
    return (
        qt.Additive(additive)
        + qt.Multiplicative(shared)
        + qt.Multiplicative(elementwise, "elementwise")
    )


LEVELS = {
    "data": ("0.01", "0.02", "0.03"),
    "label": ("0.1", "0.05", "0.02"),
    "parameter": ("0.02", "0.01", "0.03"),
    "activation": ("0.05", "0.03", "0.02"),
    "gradient": ("0.02", "0.02", "0.04"),
}
EVERY = qt.Quantization(**{target: model(*LEVELS[target]) for target in TARGETS})
STORED = replace(EVERY, stored=model("0.002", "0.005", "0.005"))


@pytest.mark.parametrize("output", ["average", "last", "tail"])
def test_a_schedule_of_equal_steps_is_a_constant_step(output):
    constant = qt.excess_risk(PROBLEM, EVERY, qt.SGD("0.05", 2, steps=60, output=output), digits=30)
    for stepsize in (["0.05"] * 60, qt.PiecewiseConstant(["0.05", "0.05"], [17])):
        sgd = qt.SGD(stepsize, qt.PiecewiseConstant([2, 2], ["1/3"]), steps=60, output=output)
        assert qt.excess_risk(PROBLEM, EVERY, sgd, digits=30).total.overlaps(constant.total)
    sgd = qt.SGD(qt.PiecewiseConstant(["0.05", "0.0500001"], [17]), 2, steps=60, output=output)
    assert not qt.excess_risk(PROBLEM, EVERY, sgd, digits=30).total.overlaps(constant.total)


def test_long_stretches_go_on_from_where_they_are():
    """10^9 steps in two stretches of one stepsize, in closed form or by powers, and in one."""
    sgd = qt.SGD("0.05", 2, steps=10**9, output="tail")
    there = qt.excess_risk(PROBLEM, qt.Quantization(), sgd, digits=20)
    split = replace(sgd, stepsize=qt.PiecewiseConstant(["0.05", "0.05"], [12345]))
    here = qt.excess_risk(PROBLEM, qt.Quantization(), split, digits=20)
    assert "closed form" in str(here.plan)
    assert here.total.overlaps(there.total)
    batch = qt.PiecewiseConstant([2, 2], [99])
    little = replace(sgd, batch=batch, momentum="1e-30")  # no closed form, and no difference
    powers = qt.excess_risk(PROBLEM, qt.Quantization(), little, digits=20)
    assert "powers" in str(powers.plan)
    assert float(powers.total) == pytest.approx(float(there.total), rel=1e-15)


@pytest.mark.parametrize("spectrum", [qt.PowerLaw(2), qt.Explicit([1, 1, "1/2", "1/2", "1/9"])])
@pytest.mark.parametrize(
    "data", [qt.Additive("0.01"), qt.Multiplicative("0.1"), qt.Multiplicative("0.1", "elementwise")]
)
@pytest.mark.parametrize("output", ["average", "last", "tail"])
def test_closed_forms_of_stretches_are_the_recursion(spectrum, data, output):
    problem = replace(PROBLEM, dim=5, spectrum=spectrum)
    sgd = qt.SGD(
        qt.PiecewiseConstant(["0.1", "0.03", "0.01"], [13, 31]), qt.PiecewiseConstant([1, 2], [20]),
        steps=50, output=output,
    )  # fmt: skip
    run = Run(problem, replace(EVERY, data=data), sgd)
    arithmetic = Balls(bits=300)
    with arithmetic.working():
        instance = instantiate(run, arithmetic)
        ((first, second),) = closed_form.moments(instance, [run.window])
        ((mean, square),) = recursion.moments(instance, [run.window])
    for here, there in zip([*first, *second], [*mean, *square], strict=True):
        assert here.overlaps(there)
        assert here.rad() < 1e-60


def test_a_long_spectrum_in_stretches_has_bounded_rounding_errors():
    wide = replace(PROBLEM, dim=1000)
    sgd = qt.SGD(qt.PiecewiseConstant(["0.1", "0.01"], ["3/4"]), steps=10**6)
    pure = replace(EVERY, data=qt.Additive("0.001"))
    found = qt.excess_risk(wide, pure, sgd)
    assert "closed form, in float64 with bounded" in str(found.plan)
    assert found.total == pytest.approx(
        float(qt.excess_risk(wide, pure, sgd, digits=12).total), rel=1e-11
    )


def test_the_parts_add_up_and_stored_weights_are_one():
    sgd = qt.SGD(qt.LinearDecay("0.08"), 2, steps=40, momentum="0.3")
    risk = qt.excess_risk(PROBLEM, STORED, sgd, digits=20)
    parts = risk.bias + risk.variance + sum(risk.by_target.values())
    assert parts.overlaps(risk.total)
    assert list(risk.by_target) == [*TARGETS, "stored"]
    assert risk.by_target["stored"] > 0
    assert risk.as_json()["by_target"]["stored"] == str(risk.by_target["stored"].str(20, radius=0))
    assert "stored quantization" in risk._repr_html_()


def test_float64_is_the_certified_number():
    sgd = qt.SGD(qt.CosineDecay("0.08"), 2, steps=3000, momentum="0.5")
    wide = replace(PROBLEM, dim=100)
    rough = qt.excess_risk(wide, EVERY, sgd)
    assert "without bounds on rounding errors" in str(rough.plan)
    fewer = qt.excess_risk(wide, EVERY, sgd.with_steps(300), digits=20)
    assert qt.excess_risk(wide, EVERY, sgd.with_steps(300)).total == pytest.approx(
        float(fewer.total), rel=1e-12
    )


def test_a_curve_has_the_schedule_of_each_number_of_steps():
    sgd = qt.SGD(qt.LinearDecay("0.1"), steps=1)
    curve = qt.risk_curve(PROBLEM, EVERY, sgd, [20, 40])
    for steps, risk in zip((20, 40), curve, strict=True):
        assert risk.total == qt.excess_risk(PROBLEM, EVERY, sgd.with_steps(steps)).total


@pytest.mark.parametrize(
    ("quantization", "sgd", "name"),
    [
        (EVERY, qt.SGD(qt.LinearDecay("0.1"), steps=9), "stepsize"),
        (EVERY, qt.SGD("0.1", qt.PiecewiseConstant([1, 2], [4]), steps=9), "batch"),
        (EVERY, qt.SGD("0.1", steps=9, momentum="0.1"), "momentum"),
        (STORED, qt.SGD("0.1", steps=9), "stored"),
        (EVERY, qt.SGD("0.1", steps=9, error_feedback=True), "error_feedback"),
    ],
)
def test_what_theorems_do_not_speak_of_is_refused(quantization, sgd, name):
    pure = replace(quantization, data=qt.Additive("0.01"))
    wide = replace(PROBLEM, spectrum=qt.PowerLaw(2), target=qt.SourceCondition(2), dim=qt.oo)
    for ask in (
        lambda: qt.upper_bound(PROBLEM, pure, sgd),
        lambda: qt.lower_bound(PROBLEM, pure, sgd),
        lambda: qt.rates(PROBLEM, pure, sgd),
        lambda: qt.sharp_constants(wide, qt.Quantization(), sgd),
        lambda: qt.equivalent_risk(PROBLEM, replace(pure, parameter=qt.Additive(0)), sgd, size=5),
        lambda: qt.excess_risk(
            PROBLEM.sketched(size=4), replace(pure, data=model(0, 0, "0.1")), sgd
        ),
    ):
        if name == "stored" and ask.__code__.co_names[1:2] == ("sharp_constants",):
            continue
        with pytest.raises(qt.HypothesisError, match=name):
            ask()


def test_an_infinite_dimension_is_refused():
    wide = replace(PROBLEM, target=qt.SourceCondition(2), dim=qt.oo)
    with pytest.raises(qt.HypothesisError, match="dim is oo, but with momentum"):
        qt.excess_risk(wide, qt.Quantization(), qt.SGD("0.1", steps=9, momentum="0.5"))


def test_what_would_take_hours_is_refused():
    wide = replace(PROBLEM, dim=10**6)
    sgd = qt.SGD(qt.LinearDecay("0.1"), steps=10**6)
    with pytest.raises(qt.CostError, match="hours"):
        qt.excess_risk(wide, qt.Quantization(), sgd)


def literal(steps, batch, runs, seed, *, momentum, stored, feedback, average):
    """The update of section 6, written out in NumPy, for all runs at once."""
    rng = np.random.default_rng(seed)
    normal, d = rng.standard_normal, PROBLEM.dim
    d = int(d)
    lam = np.arange(1, d + 1.0) ** -2
    levels = {name: tuple(map(float, LEVELS[name])) for name in TARGETS}

    def vector(u, level):
        a, s, m = level
        factor = 1 + np.sqrt(s) * normal((runs, 1)) + np.sqrt(m) * normal((runs, d))
        return u * factor + np.sqrt(a) * normal((runs, d))

    def number(u, name, common):
        a, _, m = levels[name]
        return u * (1 + common + np.sqrt(m) * normal(runs)) + np.sqrt(a) * normal(runs)

    w = np.zeros((runs, d))
    before, lost, total = w.copy(), w.copy(), w.copy()
    for stepsize in steps:
        total += w
        read = vector(w, levels["parameter"])
        common = {
            name: np.sqrt(levels[name][1]) * normal(runs)
            for name in ("label", "activation", "gradient")
        }
        g = np.zeros_like(w)
        for _ in range(batch):
            x = np.sqrt(lam) * normal((runs, d))
            y = x.sum(axis=1) + 0.5 * normal(runs)
            xq = vector(x, levels["data"])
            prediction = number((xq * read).sum(axis=1), "activation", common["activation"])
            residual = number(y, "label", common["label"]) - prediction
            g += xq * number(residual, "gradient", common["gradient"])[:, None] / batch
        moved = momentum * (w - before) + stepsize * g
        before = w
        if feedback:
            u = lost + moved
            added = vector(u, stored)
            w, lost = w + added, u - added
        else:
            w = vector(w + moved, stored)
    out = total / len(steps) if average else w
    return ((out - 1) ** 2 @ lam) / 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize(
    ("momentum", "stored", "feedback"),
    [("0", False, False), ("0.5", False, False), ("0", True, False), ("0", True, True),
     ("0.5", True, False), ("0.5", True, True)],
)  # fmt: skip
def test_it_is_the_mean_of_the_literal_update(seed, batch, average, momentum, stored, feedback):
    runs, steps = 60_000, 30
    schedule = qt.LinearDecay("0.08")
    levels = (0.002, 0.005, 0.005) if stored else (0.0, 0.0, 0.0)
    sampled = literal(
        [0.08 * (1 - t / steps) for t in range(steps)], batch, runs, seed,
        momentum=float(momentum), stored=levels, feedback=feedback, average=average,
    )  # fmt: skip
    sgd = qt.SGD(
        schedule, batch, steps=steps, output="average" if average else "last",
        momentum=momentum, error_feedback=feedback,
    )  # fmt: skip
    exact = float(qt.excess_risk(PROBLEM, STORED if stored else EVERY, sgd, digits=15).total)
    error = sampled.std() / np.sqrt(runs)
    assert abs(sampled.mean() - exact) < 4 * error
    # the negative control: momentum that is left out, or a stepsize that does not fall
    plain = replace(sgd, stepsize=["0.08"] * steps)
    plain = plain if momentum == "0" else replace(sgd, momentum=0)
    other = float(qt.excess_risk(PROBLEM, STORED if stored else EVERY, plain, digits=15).total)
    assert abs(sampled.mean() - other) > 4 * error


@pytest.mark.parametrize("feedback", [False, True])
def test_simulated_runs_have_this_mean(feedback):
    sgd = qt.SGD(
        qt.WarmupStableDecay("0.06", "1/4", "1/2"), qt.PiecewiseConstant([1, 3], [20]),
        steps=40, output="last", momentum="0.4", error_feedback=feedback,
    )  # fmt: skip
    exact = qt.excess_risk(PROBLEM, STORED, sgd).total
    found = qt.simulate(PROBLEM, STORED, sgd, replicates=40_000, seed=3)
    assert abs(found.mean - exact) < 4 * found.stderr
    other = qt.simulate(PROBLEM, STORED, replace(sgd, error_feedback=not feedback), 40_000, 3)
    assert abs(other.mean - exact) > 4 * other.stderr


def test_rounding_to_nearest_stagnates_where_feedback_does_not():
    """Updates below half a step are lost, whole; what is fed back adds up."""
    grid = qt.formats.get("int8", scale="1/16")
    nearest = qt.Quantization(stored=qt.formats.Rounding(grid, "nearest"))
    sgd = qt.SGD("0.002", steps=3000, output="last")
    stuck = qt.simulate(PROBLEM, nearest, sgd, replicates=200)
    exact = qt.simulate(PROBLEM, qt.Quantization(), sgd, replicates=200)
    kept = qt.simulate(PROBLEM, nearest, replace(sgd, error_feedback=True), replicates=200)
    assert stuck.biased == ("stored",)
    assert stuck.mean > 3 * exact.mean
    assert kept.mean < 1.5 * exact.mean


@pytest.mark.parametrize("feedback", [False, True])
def test_all_changes_at_once_are_simulated_with_this_mean(feedback):
    """Momentum, decay, weights stored in fp8, kurtosis 5, errors of fp8 on every target."""
    fp8 = qt.formats.get("fp8_e4m3").error_model()
    quantization = qt.Quantization(
        data=qt.Multiplicative("0.001", "elementwise"), label=fp8, parameter=fp8, activation=fp8,
        gradient=fp8, stored=fp8,
    )  # fmt: skip
    heavy = replace(PROBLEM, covariates=qt.Independent(kurtosis=5))
    sgd = qt.SGD(
        qt.LinearDecay("0.05"), 2, steps=40, output="last", momentum="0.5",
        error_feedback=feedback,
    )  # fmt: skip
    exact = float(qt.excess_risk(heavy, quantization, sgd, digits=15).total)
    for seed in (1, 2):
        found = qt.simulate(heavy, quantization, sgd, replicates=60_000, seed=seed)
        assert abs(found.mean - exact) < 4 * found.stderr
        # the negative control: the kurtosis of Gaussian data
        gaussian = qt.excess_risk(PROBLEM, quantization, sgd, digits=15).total
        assert abs(found.mean - float(gaussian)) > 4 * found.stderr
