"""Plots: their numbers against the theory, what is drawn against their numbers."""

import contextlib
import itertools
import math
import random
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import qtheory as qt
from qtheory.errors import InvalidArgumentError, QTheoryError
from qtheory.plots import (
    RiskCurves,
    Tightness,
    break_even,
    break_even_curves,
    model_size,
    model_size_curves,
    risk,
    risk_curves,
    spectra,
    spectrum_curves,
    style,
    tightness,
    tightness_sample,
    waterfall,
    waterfall_bars,
)
from qtheory.plots.tightness import _instance

PROBLEM = qt.Problem(dim=12, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
RUN = qt.SGD("0.1", steps=200)
NOISY = qt.Quantization(data=qt.Additive("0.01"), gradient=qt.Multiplicative("0.1"))


def same(drawn, values):
    """Whether the points of a line or the heights of bars are these numbers, to the last bit."""
    return np.array_equal(np.asarray(drawn, float), np.asarray(values, float), equal_nan=True)


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# --- risk --------------------------------------------------------------------------------------


def test_the_curve_is_the_exact_risk_between_its_bounds():
    curves = risk_curves(PROBLEM, NOISY, RUN, steps=(1, 7, 50, 200))
    for place, steps in enumerate(curves.steps):
        run = RUN.with_steps(steps)
        assert curves.exact[place] == pytest.approx(
            float(qt.excess_risk(PROBLEM, NOISY, run).total), rel=1e-12
        )
        for values, bound in ((curves.upper, qt.upper_bound), (curves.lower, qt.lower_bound)):
            try:
                assert values[place] == float(bound(PROBLEM, NOISY, run).total)
            except qt.HypothesisError:
                assert math.isnan(values[place])
    assert math.isnan(curves.lower[0])  # T5 needs two steps
    assert not math.isnan(curves.lower[1])


def test_a_bound_with_data_in_a_format_is_nowhere():
    coarse = qt.Quantization(data=qt.formats.get("int8", scale="1/16"))
    curves = risk_curves(PROBLEM, coarse, RUN, steps=(2, 50))
    assert all(map(math.isnan, (*curves.upper, *curves.lower)))
    ax = risk(PROBLEM, coarse, RUN, steps=(2, 50)).axes[0]
    assert labels(ax) == ["exact"]
    assert not ax.collections


def test_steps_by_themselves_are_even_in_the_logarithm():
    curves = risk_curves(PROBLEM, NOISY, qt.SGD("0.1", steps=10**6))
    assert (curves.steps[0], curves.steps[-1]) == (1, 10**6)
    assert len(curves.steps) <= 25
    gaps = np.diff(np.log(curves.steps[-10:]))
    assert gaps == pytest.approx([math.log(10) / 4] * 9, abs=1e-3)


@pytest.mark.parametrize("steps", [(5,), (), (5, 5), (7, 2)])
def test_steps_that_do_not_ascend_are_refused(steps):
    with pytest.raises(InvalidArgumentError, match="steps"):
        risk_curves(PROBLEM, NOISY, RUN, steps=steps)


def test_the_slope_is_that_of_a_power():
    steps = (1, 2, 4, 8, 16, 32)
    power = RiskCurves(steps, tuple(3 * n**-0.75 for n in steps), (), ())
    assert power.slope() == pytest.approx(-0.75, abs=1e-12)
    bent = RiskCurves(steps, (9.0, *power.exact[1:]), (), ())
    assert bent.slope(last=5) == pytest.approx(-0.75, abs=1e-12)
    assert bent.slope(last=6) != pytest.approx(-0.75, abs=1e-2)


def test_the_drawing_of_the_risk():
    steps = (1, 7, 50, 200)
    curves = risk_curves(PROBLEM, NOISY, RUN, steps)
    ax = risk(PROBLEM, NOISY, RUN, steps).axes[0]
    (line,) = ax.lines
    assert same(line.get_xdata(), steps)
    assert same(line.get_ydata(), curves.exact)
    (band,) = ax.collections
    corners = {tuple(point) for path in band.get_paths() for point in path.vertices}
    for n, low, high in zip(steps[1:], curves.lower[1:], curves.upper[1:], strict=True):
        assert {(n, low), (n, high)} <= corners
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("steps N", "excess risk E R")
    assert labels(ax) == ["between the proved bounds", "exact"]
    (note,) = ax.texts
    assert note.get_text() == f"slope {curves.slope():.2f}"
    # another run has another line
    other = risk(PROBLEM, qt.Quantization(), RUN, steps).axes[0].lines[0]
    assert not same(other.get_ydata(), curves.exact)


# --- waterfall ---------------------------------------------------------------------------------

ALL = qt.Quantization.uniform(qt.Additive("0.01"))


def switched_on(quantization):
    """What each quantizer adds, by exact risks with one more of them each time."""
    found, before = {}, float(qt.excess_risk(PROBLEM, qt.Quantization(), RUN).total)
    on = {}
    for name, model in quantization.items():
        on[name] = model
        after = float(qt.excess_risk(PROBLEM, qt.Quantization(**on), RUN).total)
        found[name], before = after - before, after
    return found


def test_the_bars_are_what_each_quantizer_adds():
    whole = qt.excess_risk(PROBLEM, ALL, RUN)
    bars = waterfall_bars(whole)
    heights = dict(zip(bars.names, bars.heights, strict=True))
    for name, added in switched_on(ALL).items():
        assert heights[name] == pytest.approx(added, rel=1e-8)
    assert heights["bias"] == float(whole.bias)
    assert heights["total"] == float(whole.total)
    assert sum(bars.heights[:-1]) == pytest.approx(heights["total"], rel=1e-12)
    # each begins where the one before ends, the total on the ground
    ends = [bottom + height for bottom, height in zip(bars.bottoms, bars.heights, strict=True)]
    assert bars.bottoms[1:-1] == pytest.approx(ends[:-2], rel=1e-12)
    assert (bars.bottoms[0], bars.bottoms[-1]) == (0, 0)


def test_exact_quantizers_have_no_bar():
    bars = waterfall_bars(qt.excess_risk(PROBLEM, NOISY, RUN))
    assert bars.names == ("bias", "variance", "data", "gradient", "total")
    assert waterfall_bars(qt.excess_risk(PROBLEM, qt.Quantization(), RUN)).names == (
        "bias", "variance", "total",
    )  # fmt: skip


def test_digits_change_nothing_that_is_seen():
    assert waterfall_bars(qt.excess_risk(PROBLEM, ALL, RUN, digits=30)).heights == pytest.approx(
        waterfall_bars(qt.excess_risk(PROBLEM, ALL, RUN)).heights, rel=1e-9
    )


def test_the_drawing_of_the_bars():
    whole = qt.excess_risk(PROBLEM, ALL, RUN)
    bars, ax = waterfall_bars(whole), waterfall(whole).axes[0]
    # a rectangle keeps its upper edge, so its height is a difference of floats
    assert [bar.get_height() for bar in ax.patches] == pytest.approx(bars.heights, rel=1e-9)
    assert same([bar.get_y() for bar in ax.patches], bars.bottoms)
    assert tuple(tick.get_text() for tick in ax.get_xticklabels()) == bars.names
    shares = [float(text.get_text().rstrip("%")) / 100 for text in ax.texts]
    expected = [height / bars.heights[-1] for height in bars.heights]
    assert shares == pytest.approx(expected, abs=0.00051)
    assert ax.get_yscale() == "linear"  # heights add up, which a logarithm would hide
    assert ax.get_ylabel() == "excess risk E R"
    assert [bar.get_height() for bar in ax.patches] != pytest.approx(bars.heights[::-1], rel=1e-9)


# --- model size --------------------------------------------------------------------------------

WIDE = qt.Problem(200, qt.PowerLaw(2), qt.SourceCondition(2))
KINDS = ("exact", "shared", "elementwise", "additive")


def test_the_risk_left_in_a_sketch_is_that_of_sampled_ones():
    """Lines within 4 standard errors of the points (and of what few features leave)."""
    curves = model_size_curves(WIDE, "0.05", sizes=(10, 30), sketches=60)
    assert curves.sampled_sizes == (10, 30)
    for kind in KINDS:
        for value, (mean, error) in zip(curves.floor[kind], curves.sampled[kind], strict=True):
            assert abs(value - mean) < 4 * error + 0.01 * value
    left = [curves.floor[kind][1] for kind in KINDS]
    assert left == sorted(left)
    assert left[3] > 2 * left[0]  # as far apart as the kinds are


def test_slopes_are_the_exponents():
    """b - 1 without errors and (b - 1) / a with floating point, for M far past 1 / eps."""
    endless = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition("3/2"))
    curves = model_size_curves(endless, "0.01", sizes=(10**6, 10**7))
    assert curves.slope("exact") == pytest.approx(-0.5, abs=0.005)
    assert curves.slope("elementwise") == pytest.approx(-0.25, abs=0.01)
    assert curves.slope("additive") == pytest.approx(0, abs=0.001)
    assert curves.effective_size["shared"] == pytest.approx(curves.sizes)
    assert curves.sampled == dict.fromkeys(KINDS, ())


def test_the_drawing_of_the_model_size(monkeypatch):
    monkeypatch.setattr(sys.modules[model_size.__module__], "_MOST_SAMPLED", 100)
    arguments = WIDE, "0.05", (10, 30, 150), 5
    curves, ax = model_size_curves(*arguments), model_size(*arguments).axes[0]
    assert curves.sampled_sizes == (10, 30)
    lines = [line for line in ax.lines if len(line.get_xdata()) == 3]
    for kind, line in zip(KINDS, lines, strict=True):
        assert same(line.get_xdata(), (10, 30, 150))
        assert same(line.get_ydata(), curves.floor[kind])
    for kind, points in zip(KINDS, ax.containers, strict=True):
        assert same(points[0].get_ydata(), [mean for mean, _ in curves.sampled[kind]])
        (bars,) = points[2]
        for (low, high), (mean, error) in zip(
            [segment[:, 1] for segment in bars.get_segments()], curves.sampled[kind], strict=True
        ):
            assert (low, high) == pytest.approx((mean - 2 * error, mean + 2 * error))
    assert [text.get_text() for text in ax.texts] == [f"{curves.slope(k):.2f}" for k in KINDS]
    assert len(labels(ax)) == 4
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_with_more_features_than_coordinates_nothing_is_left():
    curves = model_size_curves(WIDE, "0.05", (150, 300), sketches=2)
    assert curves.sampled_sizes == (150,)
    assert curves.floor["exact"][1] == 0
    assert curves.slope("exact") == -math.inf
    ax = model_size(WIDE, "0.05", (150, 300)).axes[0]
    assert len(ax.texts) == 3


def test_sizes_that_make_no_curve_are_refused():
    for sizes in ((5,), (7, 7), (9, 3), (0, 3)):
        with pytest.raises(InvalidArgumentError, match="sizes"):
            model_size_curves(WIDE, "0.1", sizes)
    with pytest.raises(InvalidArgumentError, match="sketches is 5, but must be 0 where dim"):
        model_size_curves(qt.Problem(qt.oo), "0.1", (2, 3), sketches=5)
    with pytest.raises(InvalidArgumentError, match="at least 2"):
        model_size_curves(WIDE, "0.1", (2, 3), sketches=1)


# --- spectra -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "quantized"),
    [
        (qt.Additive("0.01"), lambda value: value + 0.01),
        (qt.Multiplicative("0.1"), lambda value: 1.1 * value),
        (qt.Multiplicative("0.1", coupling="elementwise"), lambda value: 1.1 * value),
        (qt.Additive("0.01") + qt.Multiplicative("0.1"), lambda value: 1.1 * value + 0.01),
    ],
)
def test_the_quantized_spectrum(model, quantized):
    curves = spectrum_curves(PROBLEM, qt.Quantization(data=model))
    exact = [i**-2.0 for i in range(1, 13)]
    assert curves.exact == pytest.approx(exact, rel=1e-14)
    assert curves.quantized == pytest.approx([quantized(value) for value in exact], rel=1e-14)
    assert curves.quantized != pytest.approx(exact, rel=1e-3)


def test_only_the_data_matter_to_the_spectrum():
    noisy = qt.Quantization.uniform(qt.Additive("0.01"))
    only = qt.Quantization(data=qt.Additive("0.01"))
    assert spectrum_curves(PROBLEM, noisy) == spectrum_curves(PROBLEM, only)


def test_the_drawing_of_the_spectra():
    curves, ax = spectrum_curves(PROBLEM, NOISY), spectra(PROBLEM, NOISY).axes[0]
    before, after = ax.lines
    assert same(before.get_xdata(), range(1, 13))
    assert same(before.get_ydata(), curves.exact)
    assert same(after.get_ydata(), curves.quantized)
    assert not same(before.get_ydata(), curves.quantized)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("coordinate i", "eigenvalue")
    assert labels(ax) == ["data", "quantized data"]
    assert before.get_linestyle() != after.get_linestyle()


@pytest.mark.parametrize("dim", [qt.oo, qt.symbols("d")])
def test_a_spectrum_without_an_end_is_refused(dim):
    with pytest.raises(QTheoryError, match="dim"):
        spectra(qt.Problem(dim=dim, spectrum=qt.PowerLaw(2)), NOISY)


# --- break even --------------------------------------------------------------------------------


def test_the_risks_by_bits():
    curves = break_even_curves(PROBLEM, RUN, bits=(2, 5), targets=("data", "gradient"))
    for place, bits in enumerate(curves.bits):
        eps = Fraction(1, 4**bits)
        for values, model in (
            (curves.integer, qt.Additive(eps)),
            (curves.floating, qt.Multiplicative(eps, coupling="elementwise")),
        ):
            quantization = qt.Quantization(data=model, gradient=model)
            assert values[place] == float(qt.excess_risk(PROBLEM, quantization, RUN).total)
    assert curves.full == float(qt.excess_risk(PROBLEM, qt.Quantization(), RUN).total)
    assert curves != break_even_curves(PROBLEM, RUN, bits=(2, 5))


def test_more_bits_never_hurt_and_end_at_full_precision():
    curves = break_even_curves(PROBLEM, RUN, bits=range(1, 25, 4))
    for values in (curves.floating, curves.integer):
        assert list(values) == sorted(values, reverse=True)
        assert values[-1] == pytest.approx(curves.full, rel=1e-6)
        assert values[0] > 1.1 * curves.full


def test_an_unstable_number_of_bits_is_infinite_and_not_drawn():
    wide = qt.Problem(dim=200, spectrum=qt.PowerLaw(2))
    curves = break_even_curves(wide, RUN, bits=(1, 8))
    assert math.isinf(curves.integer[0])
    assert math.isfinite(curves.integer[1])
    drawn = break_even(wide, RUN, bits=(1, 8)).axes[0].lines[1].get_ydata()
    assert same(drawn, (math.nan, curves.integer[1]))


def test_the_drawing_of_the_bits():
    bits = (2, 4, 6)
    curves, ax = break_even_curves(PROBLEM, RUN, bits), break_even(PROBLEM, RUN, bits).axes[0]
    floating, integer, full = ax.lines
    assert same(floating.get_xdata(), bits)
    assert same(floating.get_ydata(), curves.floating)
    assert same(integer.get_ydata(), curves.integer)
    assert not same(floating.get_ydata(), curves.integer)
    assert same(full.get_ydata(), [curves.full] * 2)
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("bits", "excess risk E R")
    assert labels(ax) == ["floating point, by mantissa bits", "integers", "full precision"]
    assert floating.get_marker() != integer.get_marker()


# --- tightness ---------------------------------------------------------------------------------


def ratios(count):
    draw, found = random.Random(0), {"paper": [], "refined": [], "lower": []}
    for _ in range(count):
        run = _instance(draw)
        try:
            exact = float(qt.excess_risk(*run).total)
        except qt.UnstableError:
            continue
        for form in ("paper", "refined"):
            with contextlib.suppress(qt.HypothesisError):
                found[form].append(float(qt.upper_bound(*run, form=form).total) / exact)
        with contextlib.suppress(qt.HypothesisError):
            found["lower"].append(exact / float(qt.lower_bound(*run).total))
    return found


def test_the_ratios_are_those_of_the_bounds():
    sample, found = tightness_sample(count=15), ratios(15)
    assert {name: tuple(values) for name, values in found.items()} == vars(sample)
    assert sample.paper
    assert sample.refined
    assert sample.lower
    assert tightness_sample(count=15) == sample
    assert tightness_sample(count=15, seed=1) != sample


def test_no_bound_is_crossed():
    sample = tightness_sample(count=40)
    assert min(*sample.paper, *sample.refined, *sample.lower) >= 1


@pytest.mark.parametrize("count", [0, -1, 2.5, True, "10"])
def test_a_count_of_nothing_is_refused(count):
    with pytest.raises(InvalidArgumentError, match="count"):
        tightness_sample(count=count)


def test_the_drawing_of_the_ratios():
    sample = Tightness(paper=(4.0, 2.0, 3.0, 8.0), refined=(2.0, 1.5), lower=())
    ax = tightness(sample).axes[0]
    refined, paper, lower = ax.lines
    assert same(paper.get_xdata(), (2, 3, 4, 8))
    assert same(paper.get_ydata(), (0.25, 0.5, 0.75, 1))
    assert same(refined.get_xdata(), (1.5, 2))
    assert same(refined.get_ydata(), (0.5, 1))
    assert not same(paper.get_xdata(), sample.paper)
    assert len(lower.get_xdata()) == 0
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("ratio, 1 is tight", "share of instances")
    assert labels(ax) == ["T4' / exact", "T4 / exact", "exact / lower bound"]
    assert len({line.get_linestyle() for line in ax.lines}) == 3


# --- the look ----------------------------------------------------------------------------------

# What a reader without the long (protan) or the medium cones (deutan) sees, in linear RGB:
# Viénot, Brettel, Mollon, Color Research and Application 24 (1999), and Machado et al. (2009).
VISION = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip


def lab(colour, vision):
    """CIE Lab of a colour as somebody sees it, against white."""
    code = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISION[vision] @ linear, 0, 1)
    t = (TO_XYZ @ seen) / (TO_XYZ @ np.ones(3))
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(first, second, vision):
    return float(np.linalg.norm(lab(first, vision) - lab(second, vision)))


# colours that stand in one plot for different things
TOGETHER = {
    frozenset(pair)
    for group in (
        (style.BLUE, style.ORANGE, style.GREEN),
        (style.BLUE, style.ORANGE, style.GREY),
        (style.BLUE, style.GREY),
    )
    for pair in itertools.combinations(group, 2)
}


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_told_apart(vision):
    # about 2 is the least that is seen side by side; 20 is plain at a glance
    for first, second in map(sorted, TOGETHER):
        assert apart(first, second, vision) > 20, (first, second)


def test_red_and_green_would_not_be():
    assert apart("#c04040", "#708030", "normal") > 40
    assert apart("#a05030", "#707030", "deutan") < 20


def figures():
    whole = qt.excess_risk(PROBLEM, ALL, RUN)
    return (
        risk(PROBLEM, NOISY, RUN, steps=(2, 50)),
        waterfall(whole),
        spectra(PROBLEM, NOISY),
        break_even(PROBLEM, RUN, bits=(2, 6)),
        tightness(tightness_sample(count=5)),
    )


def test_they_share_one_look():
    looks = {
        (
            tuple(figure.get_size_inches()),
            tuple(side for side, spine in figure.axes[0].spines.items() if spine.get_visible()),
            figure.axes[0].get_ylabel() != "",
        )
        for figure in figures()
    }
    assert looks == {((5.2, 3.6), ("left", "bottom"), True)}


def test_they_can_be_saved(tmp_path):
    for place, figure in enumerate(figures()):
        for kind in ("pdf", "svg", "png"):
            path = tmp_path / f"{place}.{kind}"
            figure.savefig(path)
            assert path.stat().st_size > 3000


IMPORTED = """
import sys
import qtheory as qt
from qtheory.plots import spectra
{more}
spectra(qt.Problem(dim=4), qt.Quantization()).savefig({place!r})
print("matplotlib.pyplot" in sys.modules)
"""


@pytest.mark.parametrize(("more", "told"), [("", "False"), ("import matplotlib.pyplot", "True")])
def test_no_window_system_is_touched(tmp_path, more, told):
    code = IMPORTED.format(more=more, place=str(tmp_path / "spectra.svg"))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == told


def test_the_bars_of_a_sketch_have_what_it_misses():
    problem, sgd = qt.Problem(dim=12).sketched(size=4), qt.SGD("0.1", steps=50)
    risk = qt.excess_risk(problem, qt.Quantization(data=qt.Additive("0.01")), sgd)
    bars = qt.plots.waterfall_bars(risk)
    assert bars.names == ("bias", "variance", "data", "sketch", "total")
    assert bars.heights[3] == risk.sketching
    assert sum(bars.heights[:-1]) == pytest.approx(risk.total)
    assert len(qt.plots.waterfall(risk).axes[0].patches) == 5
    assert qt.plots.risk(problem, qt.Quantization(), sgd).axes


# ---- formats ----


def test_costs_of_formats_are_those_of_the_table():
    problem = qt.Problem(20, qt.PowerLaw(2), qt.Constant(1), noise=1)
    table = qt.compare_formats(problem, qt.SGD("0.1", steps=100), ["int4", "mxfp4", "int8"], "data")
    costs = qt.plots.format_costs(table)
    assert costs.names == ("int8", "mxfp4", "int4")
    assert costs.bits == (8, 4.25, 4)
    assert costs.simulated == tuple(table.costs[place].mean for place in (2, 1, 0))
    assert costs.stderr == tuple(table.costs[place].stderr for place in (2, 1, 0))
    assert np.isnan(costs.exact[1])
    assert costs.exact[0] == table[2].theory / table.exact - 1
    ax = qt.plots.formats(table).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()][1] == "mxfp4  (4.25)"
    drawn = [bars[0].get_xdata()[0] for bars in ax.containers]
    assert drawn == list(costs.simulated)
    strokes = [line.get_xdata()[0] for line in ax.lines if line.get_label() == "exact"]
    assert strokes == [costs.exact[0]]
    assert ax.get_ylim() == (2.5, -0.5)


def test_without_a_simulation_only_strokes_are_drawn():
    problem = qt.Problem(20, qt.PowerLaw(2), qt.Constant(1), noise=1)
    table = qt.compare_formats(problem, qt.SGD("0.1", steps=100), ["int8"], "label", method="exact")
    assert np.isnan(qt.plots.format_costs(table).simulated[0])
    assert not qt.plots.formats(table).axes[0].containers
    with pytest.raises(qt.QTheoryError, match="compare_formats"):
        qt.plots.formats([1, 2])
