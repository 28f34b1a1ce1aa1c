"""The paper's experiments: both checks of one pass, and each can fail."""

import dataclasses

import flint
import sympy as sp

from qtheory.checks.experiments import experiment_certified
from qtheory.paper import certified
from qtheory.paper.experiments import Experiment

SMALL = Experiment("additive", "1e-2", 20, 1, steps=50)


def test_an_experiment_passes_and_reports_its_tightness():
    identity, bounds = experiment_certified(SMALL)
    assert (identity.status, bounds.status) == ("passed", "passed")
    assert identity.values["digits"] >= 30
    assert bounds.values["lower"] < bounds.values["exact"] < bounds.values["upper"]


def test_dropping_w_as_the_paper_does_fails_the_identity(monkeypatch):
    right = certified.decomposition_at

    def without_distortion(*arguments):
        parts = right(*arguments)
        return dataclasses.replace(parts, distortion=parts.distortion * 0)

    monkeypatch.setattr(certified, "decomposition_at", without_distortion)
    identity, _ = experiment_certified(SMALL)
    assert identity.status == "failed"


def test_a_risk_outside_its_bounds_fails(monkeypatch):
    right = certified.decomposition_at
    for factor in (10, sp.Rational(1, 10)):

        def scaled(run, arithmetic, factor=factor):
            parts = right(run, arithmetic)
            scale = arithmetic.number(factor)
            return dataclasses.replace(
                parts, total=parts.total * scale, quantized_risk=parts.quantized_risk * scale
            )

        monkeypatch.setattr(certified, "decomposition_at", scaled)
        assert experiment_certified(SMALL)[1].status == "failed"


def test_balls_that_are_too_wide_leave_it_unknown(monkeypatch):
    """They contain what would make it true and what would make it false."""
    right = certified.decomposition_at

    def wide(*arguments):
        parts = right(*arguments)
        vague = parts.total + flint.arb(0, 1)
        return dataclasses.replace(parts, total=vague, quantized_risk=vague)

    monkeypatch.setattr(certified, "decomposition_at", wide)
    for check in experiment_certified(SMALL):
        assert check.status == "unknown"
        assert "more would decide it" in check.detail


def test_a_table_knows_what_was_run():
    for check in experiment_certified(SMALL):
        what = {name: check.values[name] for name in ("scheme", "epsilon", "dim", "batch", "steps")}
        assert Experiment(**what) == SMALL
