"""What quantizers meet, in runs that can be followed by hand, and the scales chosen from it."""

import math

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.model import formats
from qtheory.model.data import second_moments
from qtheory.model.quantizer import Rounding
from qtheory.model.run import Run
from qtheory.simulate import calibrate, ranges

# x = 2 or -2 and y = 3 x; with a stepsize of 1/8 the iterates are 0, 3/2, 9/4, 21/8 whatever
# rows are drawn, and the residuals 6, 3, 3/2
TABLE = [[2], [-2]], [6, -6]
PROBLEM = qt.Problem.from_data(*TABLE)
SGD = qt.SGD("1/8", steps=3)
EXACT = qt.Quantization()


def met(quantization, sgd=SGD, **options):
    return ranges(Run(PROBLEM, quantization, sgd), table=second_moments(*TABLE), **options)


def test_the_largest_magnitudes():
    expected = {"data": 2, "label": 6, "parameter": 9 / 4, "activation": 9 / 2, "gradient": 6}
    assert met(EXACT).largest == pytest.approx(expected)
    one_step_more = met(EXACT, SGD.with_steps(4)).largest
    assert one_step_more == pytest.approx({**expected, "parameter": 21 / 8, "activation": 21 / 4})
    found = met(EXACT)
    assert set(found.below.values()) == set(found.beyond.values()) == {0.0}
    assert found.stagnant == 0


def test_saturation_is_counted():
    # int3 ends at 3 times the scale: 6 is a value, but beyond any smaller scale
    fits = met(qt.Quantization(label=formats.get("int3", scale="2.01")))
    assert fits.beyond["label"] == 0
    cut = met(qt.Quantization(label=formats.get("int3", scale="1.99")))
    assert cut.beyond["label"] == 1
    assert cut.beyond["data"] == cut.beyond["gradient"] == 0
    # residuals of 6, 6 less what was learned, ...: one of them is beyond
    part = met(qt.Quantization(gradient=Rounding(formats.get("int3", scale="1.9"), "nearest")))
    assert part.beyond["gradient"] == pytest.approx(1 / 3)
    assert part.largest["gradient"] == pytest.approx(6)


def test_what_is_too_small_is_counted():
    # 2 is subnormal in fp4_e2m1 times 4, whose smallest normal number is 4, and a value of it
    fp4 = met(qt.Quantization(data=formats.get("fp4_e2m1", scale=4)))
    assert (fp4.below["data"], fp4.largest["data"]) == (1, pytest.approx(2))
    assert met(qt.Quantization(data=formats.get("fp4_e2m1", scale="1.9"))).below["data"] == 0
    # below half a step: 2 with a step of 4.1, not with one of 3.9
    for scale, part in (("4.1", 1), ("3.9", 0)):
        assert met(qt.Quantization(data=formats.get("int8", scale=scale))).below["data"] == part
    # w = 0 is not too small
    coarse = qt.Quantization(parameter=Rounding(formats.get("int8", scale=100), "nearest"))
    assert met(coarse).below["parameter"] == pytest.approx(2 / 3)


def test_updates_that_rounding_would_not_notice_are_counted():
    # steps of 2: w = 0 -> 3/2 (read as 2) -> 2 -> 5/2, so that two updates of three are below 1
    nearest = qt.Quantization(parameter=Rounding(formats.get("int8", scale=2), "nearest"))
    assert met(nearest).stagnant == pytest.approx(2 / 3)
    fine = qt.Quantization(parameter=Rounding(formats.get("int8", scale="1/4"), "nearest"))
    assert met(fine).stagnant == 0
    assert met(qt.Quantization(parameter=qt.Additive(100))).stagnant == 0


def test_batches_and_replicates():
    X, y = [[2, 1], [2, -1], [-2, 1], [-2, -1]], [7, 5, -5, -7]
    table, problem = second_moments(X, y), qt.Problem.from_data(X, y)
    narrow = qt.Quantization(label=formats.get("int4", scale="6/7"))
    found = ranges(Run(problem, narrow, qt.SGD("0.01", 8, steps=20)), 200, table=table)
    assert found.largest["label"] == pytest.approx(7)
    # half of the labels; 32000 were drawn
    assert abs(found.beyond["label"] - 0.5) < 6 * 0.5 / math.sqrt(32_000)
    again, other = (
        ranges(Run(problem, narrow, qt.SGD("0.01", 8, steps=20)), 200, seed, table)
        for seed in (0, 1)
    )
    assert found == again != other


def test_scales_put_the_largest_magnitude_on_the_largest_value():
    int8, fp4 = formats.get("int8"), formats.get("fp4_e2m1")
    quantization = qt.Quantization(
        data=int8,
        label=fp4,
        parameter=Rounding(int8, "dithered"),
        activation=qt.Additive(1),
        gradient=Rounding(fp4, "stochastic", 5),
    )
    table = second_moments(*TABLE)
    found = calibrate(PROBLEM, quantization, SGD, table=table)
    assert float(found.data.scale) == pytest.approx(2 / 127)
    assert found.label.scale == 1  # 6 is the largest value
    assert float(found.parameter.format.scale) == pytest.approx(9 / 4 / 127)
    assert found.parameter.mode == "dithered"
    assert found.activation == qt.Additive(1)
    assert (found.gradient.format.scale, found.gradient.random_bits) == (1, 5)
    # the scales that were there are not looked at
    scaled = qt.Quantization(data=formats.get("int8", scale=1000), label=fp4)
    again = calibrate(PROBLEM, scaled, SGD, table=table)
    assert (again.data, again.label) == (found.data, found.label)
    # a power of two above, for floating point: 4.5 / 6 gives 1, 9/4 / 6 gives 1/2
    floating = calibrate(PROBLEM, qt.Quantization.uniform(fp4), SGD, table=table)
    assert (floating.activation.scale, floating.parameter.scale) == (1, sp.Rational(1, 2))
    # the second step reaches 3/2 and the third 9/4
    shorter = calibrate(PROBLEM, qt.Quantization.uniform(fp4), SGD.with_steps(2), table=table)
    assert shorter.parameter.scale == sp.Rational(1, 4)


def test_what_is_calibrated_does_not_saturate_in_the_same_run():
    problem = qt.Problem(8, noise=1)
    sgd = qt.SGD("0.1", steps=100)
    # rounding to nearest draws nothing, so that the samples are those of the pilot run
    int8 = qt.Quantization.uniform(Rounding(formats.get("int8"), "nearest"))
    found = calibrate(problem, int8, sgd, seed=3)
    seen = ranges(Run(problem, found, sgd), seed=3)
    assert seen.beyond["data"] == seen.beyond["label"] == 0
    assert max(seen.beyond.values()) < 1e-2
    halved = qt.Quantization(
        **{t: formats.get("int8", scale=q.format.scale / 2) for t, q in found.items()}
    )
    assert min(ranges(Run(problem, halved, sgd), seed=3).beyond.values()) > 0


@pytest.mark.parametrize(
    "function", [lambda *given: ranges(Run(*given[:3]), *given[3:]), calibrate]
)
def test_bad_arguments(function):
    for arguments, message in (
        ((PROBLEM, None, SGD), "quantization is None, but must be a Quantization"),
        ((None, EXACT, SGD), "problem is None, but must be a Problem"),
        ((PROBLEM, EXACT, None), "sgd is None"),
        ((PROBLEM, EXACT, SGD, 1), "replicates is 1"),
        ((PROBLEM, EXACT, SGD, 16, -1), "seed is -1"),
        ((qt.Problem(qt.oo), EXACT, SGD), "dim is oo, but must be finite"),
        ((qt.Problem(2), EXACT, SGD, 16, 0, second_moments(*TABLE)), "table is .* columns"),
    ):
        with pytest.raises(qt.QTheoryError, match=message):
            function(*arguments)


def test_a_pilot_run_that_diverges_cannot_be_calibrated():
    int8 = qt.Quantization.uniform(formats.get("int8"))
    with pytest.raises(qt.UnstableError, match="pilot run diverges"):
        calibrate(PROBLEM, int8, qt.SGD(1000, steps=1000))


def test_channels_are_scaled_to_the_peaks_of_coordinates():
    problem = qt.Problem(dim=6, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    sgd, int8 = qt.SGD("0.1", steps=200), qt.formats.get("int8").scaled_by("channel")
    found = qt.calibrate(problem, qt.Quantization.uniform(int8), sgd)
    met = ranges(Run(problem, qt.Quantization(), sgd))
    for target in ("data", "parameter"):
        peaks = 127 * getattr(found, target).units
        assert np.allclose(peaks, met.peaks[target], rtol=1e-12)
        assert max(met.peaks[target]) == met.largest[target]
    # four standard deviations of each coordinate, or so
    relative = np.array(met.peaks["data"]) * np.arange(1, 7)
    assert np.all((relative > 3) & (relative < 6))
    assert (
        found.label
        == qt.calibrate(problem, qt.Quantization(label=qt.formats.get("int8")), sgd).label
    )
    again = ranges(Run(problem, found, sgd))
    assert max(again.beyond.values()) < 0.001
    halved = [scale / 2 for scale in found.data.scales]
    narrow = qt.Quantization(data=qt.formats.get("int8").scaled_by("channel", halved))
    assert 0.01 < ranges(Run(problem, narrow, sgd)).beyond["data"] < 0.1


def test_stored_weights_are_scaled_as_parameters_are():
    problem = qt.Problem(dim=6, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    int8, sgd = qt.formats.get("int8"), qt.SGD("0.1", steps=200)
    found = qt.calibrate(problem, qt.Quantization(parameter=int8, stored=int8), sgd)
    assert found.stored == found.parameter != int8
