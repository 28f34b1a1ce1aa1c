"""The main job: what it covers, and that each kind of check can fail."""

import dataclasses
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import sympy as sp
import z3

import qtheory as qt
from qtheory.checks import proofs, rates, simulation, suite
from qtheory.checks.check import Job, run_job
from qtheory.checks.experiments import experiment_certified
from qtheory.checks.statements import residue_per_coordinate
from qtheory.paper import certified, experiments
from qtheory.paper.experiments import Experiment
from qtheory.theory import theorems
from qtheory.theory.formal import stating

SMALL = Experiment("additive", "1e-2", 20, 1, steps=50)


def test_the_experiments_of_the_issue_are_there():
    found = {(e.scheme, e.epsilon, e.dim, e.batch) for e in experiments.experiments()}
    for batch in (1, 16):
        assert ("none", "0", 200, batch) in found
        for scheme in ("additive", "shared"):
            assert {(scheme, eps, 200, batch) for eps in ("1e-3", "5e-3", "1e-2")} <= found
            assert {(scheme, "1e-2", d, batch) for d in (50, 100, 200, 400)} <= found
    kinds = {job.kind for job in suite.jobs()}
    assert kinds == {"proof", "identity", "instance", "rate", "simulation"}


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

        def scaled(problem, quantization, sgd, arithmetic, factor=factor):
            parts = right(problem, quantization, sgd, arithmetic)
            scale = arithmetic.number(factor)
            return dataclasses.replace(
                parts, total=parts.total * scale, quantized_risk=parts.quantized_risk * scale
            )

        monkeypatch.setattr(certified, "decomposition_at", scaled)
        assert experiment_certified(SMALL)[1].status == "failed"


def test_a_wrong_sign_in_the_decomposition_is_no_identity():
    theorem = theorems["decomposition"]
    assert residue_per_coordinate(theorem) == 0
    W = sp.Symbol("W", nonnegative=True)
    wrong = dataclasses.replace(theorem, statement=theorem.statement.subs(W, -W))
    assert residue_per_coordinate(wrong) != 0


def test_a_false_theorem_fails_its_proof(monkeypatch):
    true = theorems["spectral_shape"]
    false = dataclasses.replace(true, statement=sp.Eq(true.statement.lhs, 2 * true.statement.rhs))
    monkeypatch.setattr(proofs, "PROOFS", {n: n for n in ("spectral_floor", "spectral_shape")})
    with stating(false):
        floor, shape = proofs.proofs_replayed()
    assert (floor.status, shape.status) == ("passed", "failed")
    assert "does not follow" in shape.detail


QUICK = rates.RateCase(
    "quick", rates.Problem(sp.oo, rates.Exponential("1/2"), rates.Constant(0), 1)
)


def test_a_derived_rate_agrees_and_one_off_by_two_percent_does_not(monkeypatch):
    (good,) = rates.rate_agrees(QUICK)
    assert good.status == "passed"
    derive = rates.rates
    for wrong_by in ("0.02", "-0.02"):

        def sabotaged(problem, quantization, sgd, wrong_by=wrong_by):
            table = derive(problem, quantization, sgd)
            off = qt.symbols("N") ** sp.Rational(wrong_by)
            total = SimpleNamespace(
                exact_order=table.total.exact_order * off,
                order=table.total.order * off,
                exponent=table.total.exponent,
            )
            return SimpleNamespace(total=total)

        monkeypatch.setattr(rates, "rates", sabotaged)
        (wrong,) = rates.rate_agrees(QUICK)
        assert wrong.status == "failed"


def test_a_deviation_that_leaves_room_for_an_error_of_two_percent_is_refused(monkeypatch):
    """What is left may be small enough, and the check still not tell 0.02 from nothing."""
    monkeypatch.setattr(rates, "deviation", lambda *given: 0.004)
    assert rates.rate_agrees(QUICK)[0].status == "failed"
    assert rates.WRONG_BY == 0.02  # as docs/rates.md says


def test_extrapolation_removes_corrections_that_fall_like_powers():
    N = qt.symbols("N")
    steps = [10**k for k in range(4, 9)]
    risks = [3 * n**-0.5 + 7 / n for n in steps]
    assert abs(rates.deviation(risks, steps, 1 / sp.sqrt(N))) < 1e-4
    assert rates.deviation(risks, steps, N ** sp.Rational("-0.52")) == pytest.approx(0.02, abs=1e-4)


def test_a_biased_simulation_fails(monkeypatch):
    assert simulation.simulation_agrees(SMALL, 200, 1)[0].status == "passed"
    simulate = simulation.simulate

    def biased(*arguments, **options):
        estimate = simulate(*arguments, **options)
        return dataclasses.replace(estimate, mean=estimate.mean + 5 * estimate.stderr)

    monkeypatch.setattr(simulation, "simulate", biased)
    assert simulation.simulation_agrees(SMALL, 200, 1)[0].status == "failed"


def test_a_job_that_breaks_is_a_failed_check():
    def broken():
        raise ZeroDivisionError("deliberate")

    (result,) = run_job(Job("broken", "rate", broken, (), 0))
    assert result.status == "failed"
    assert "deliberate" in result.detail


def test_a_job_that_never_ends_is_unknown():
    """The limit is of the processor's time: waiting does not count, so a busy machine does not."""

    def endless():
        while True:
            pass

    (result,) = run_job(Job("endless", "rate", endless, (), 0), longest=0.2)
    assert result.status == "unknown"
    assert "of the processor; more would decide it" in result.detail
    waited = run_job(Job("slow", "rate", lambda: time.sleep(0.5) or [result], (), 0), longest=0.2)
    assert waited[0].id == "endless"
    assert run_job(Job("quick", "rate", lambda: [result], (), 0), longest=60)[0].id == "endless"


def no_numbers():
    """A model that gives no symbol a value."""
    solver = z3.Solver()
    solver.check()
    return solver.model()


def test_a_proof_that_the_solver_does_not_decide_is_unknown(monkeypatch):
    model = no_numbers()
    monkeypatch.setattr(proofs, "PROOFS", {"spectral_shape": "spectral_shape"})
    monkeypatch.setattr(z3.Solver, "check", lambda solver, *assumptions: z3.unknown)
    (check,) = proofs.proofs_replayed()
    assert (check.id, check.status) == ("proof/spectral_shape", "unknown")
    assert "more with work=" in check.detail
    ledger = suite.Ledger((check,), ())
    assert ledger.ok
    assert (ledger.count("passed"), ledger.count("failed"), ledger.count("unknown")) == (0, 0, 1)
    assert ledger.as_json()["unknown"] == 1
    monkeypatch.setattr(z3.Solver, "check", lambda solver, *assumptions: z3.sat)
    monkeypatch.setattr(z3.Solver, "model", lambda solver: model)
    (check,) = proofs.proofs_replayed()
    assert check.status == "failed"


def test_no_limit_of_the_solver_is_a_time():
    """In the package and in the proofs: what a question is worth is counted in work."""
    root = Path(qt.__file__).parent
    sources = [*root.rglob("*.py"), *(root.parent / "proofs").glob("*.py")]
    texts = {path: path.read_text(encoding="utf-8") for path in sources}
    assert sum('set("rlimit"' in text for text in texts.values()) == 2
    assert not [path for path, text in texts.items() if 'set("timeout"' in text]


def test_bad_number_of_workers():
    with pytest.raises(qt.QTheoryError, match="workers is 0"):
        suite.verify(workers=0)
