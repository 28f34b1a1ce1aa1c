"""What is said of the sequel: its numbers a second time, and other numbers give other verdicts."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import integrate

from qtheory.paper import sequel as room
from qtheory.paper.finding import percent
from qtheory.paper.sequel import ADDED, DATA, SIZE, sequel_findings
from qtheory.reference import moments
from qtheory.reference.moments import Errors, Setting

EPS = 1e-3


@pytest.fixture(scope="module")
def found():
    return sequel_findings()


def test_the_findings(found):
    assert [(f.of, f.verdict) for f in found] == [
        ("the risk", "supported"),
        ("the risk", "supported"),
        ("the risk", "not supported"),
        ("the risk", "supported"),
        ("the risk", "supported"),
        ("the bound", "supported"),
        ("the bound", "about the bound only"),
    ]
    assert all("2602.19241" in f.source for f in found)
    for finding in found[:3]:
        assert "equivalents, averaged over sketches" in finding.explained
    for finding in found[3:5]:
        assert "certified for the sketch" in finding.explained


def test_no_number_is_near_a_threshold(found):
    measures = (SIZE, SIZE, SIZE, DATA, DATA, ADDED, ADDED)
    names = [f"share/M={room._SIZES[-1]}"] * 3 + ["ratio/risk"] * 2 + ["share/risk"] * 2
    for finding, measure, name in zip(found, measures, names, strict=True):
        value = finding.values[name]
        assert measure.says(value * 1.1) is measure.says(value) is measure.says(value / 1.1)
        assert measure.says(value) is not None
        assert str(measure) in finding.explained


def smooth(kappa, power):
    """sum (lambda / (lambda + kappa))^power for lambda = i^-2, by Euler and Maclaurin."""
    terms = lambda i: 1 / (1 + kappa * i * i) ** power  # noqa: E731
    first = np.arange(1, 1001.0)
    return terms(first).sum() + integrate.quad(terms, 1000.5, np.inf, limit=500)[0]


def test_additive_errors_leave_a_size_that_does_not_grow(found):
    """eps = kappa (1 - df1 / M) at M = oo: kappa is eps, and the size df1(eps)."""
    values = found[0].values
    assert values["share/M=100000000"] * 1e8 == pytest.approx(smooth(EPS, 1), rel=1e-4)


def test_elementwise_errors_leave_the_size_of_their_mean_precision(found):
    """Far past M = 1 / eps only errors count: 1 / kappa = (M / eps) E 1 / sum lambda g^2."""
    M, draws = 10**8, np.random.default_rng(0).standard_normal((20_000, 400)) ** 2
    kappa = EPS / M / (1 / (draws @ np.arange(1, 401.0) ** -2 + 1 / 400)).mean()
    assert found[2].values[f"share/M={M}"] * M == pytest.approx(smooth(kappa, 1), rel=0.01)


def test_what_is_added_to_a_for_shared_errors(found):
    """A and F of T1: eps / (1 + eps) and its square, of what can be learned; 1/2 pi^2/6 in all."""
    values, share = found[6].values, EPS / (1 + EPS)
    learned = np.pi**2 / 12
    assert values["added"] == pytest.approx(share * learned, rel=2e-3)
    assert values["floor"] == pytest.approx(share**2 * learned, rel=2e-3)


def test_errors_without_a_size_reduce_no_data(monkeypatch):
    monkeypatch.setattr(room, "_STRONG", Fraction(1, 10**6))
    for scheme in ("additive", "shared"):
        assert room._data_size(scheme).verdict == "not supported"


def test_the_noise_of_a_sketch_by_the_loops_of_the_reference(monkeypatch):
    """The ratio for a sketch of two features and twelve steps, in fractions."""
    for name, value in {"_WIDE": 3, "_FEATURES": 2, "_STEPS": 12}.items():
        monkeypatch.setattr(room, name, value)
    problem = room.Problem(3, room.PowerLaw(2), room.SourceCondition(2))
    sketched = problem.sketched(size=2, seed=0)
    spectrum, target = (
        tuple(Fraction(int(v.p), int(v.q)) for v in part.values)
        for part in (sketched.spectrum, sketched.target)
    )
    noise = Fraction(int(sketched.noise.p), int(sketched.noise.q))

    def risk(level):
        each = Errors(level, Fraction(0), Fraction(0))
        none = Errors(Fraction(0), Fraction(0), Fraction(0))
        setting = Setting(
            spectrum, target, noise, Fraction(1, 10), 1, 12,
            data=none, label=each, parameter=none, activation=each, gradient=each,
        )  # fmt: skip
        return float(moments.risks(setting, moments.average_moments(setting)).risk)

    ratio = room._data_size("additive").values["ratio/risk"]
    assert ratio == pytest.approx(risk(room._STRONG) / risk(Fraction(0)), rel=1e-9)


def test_small_sizes_say_something_else(monkeypatch):
    """At M = 1000 floating point keeps most of the model size: the claim is of M that grows."""
    monkeypatch.setattr(room, "_SIZES", (100, 300, 1000))
    assert room._model_size("elementwise").verdict == "supported"
    assert room._model_size("additive").verdict == "open"


def test_percent():
    assert [percent(x) for x in (1, 0.9949, 0.996, 5e-7)] == ["100%", "99%", "99.6%", "5e-05%"]
