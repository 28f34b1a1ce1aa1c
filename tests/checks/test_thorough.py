"""The long form: theorems on random instances, and a run that goes on where it was."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

import qtheory as qt
from qtheory.checks import random_instances, thorough
from qtheory.checks.check import CheckResult, Job
from qtheory.checks.random_instances import CLAIMS, theorem_on_random_instances
from qtheory.checks.thorough import thorough_jobs, verify_thoroughly
from qtheory.model.run import Run


@pytest.mark.parametrize("name", CLAIMS)
def test_a_theorem_holds_on_random_instances(name):
    (check,) = theorem_on_random_instances(name, 0, 12)
    assert check.status == "passed"
    assert check.values["held"] + check.values["undecided"] == 12
    assert check.values["held"] >= 9


def test_long_runs_are_long():
    """The recursion is asked for none of them, and they go to the longest that is computed."""
    assert min(random_instances._HUGE) > 100 * random_instances._SHORT
    assert max(random_instances._HUGE) == 10**15


def test_the_work_may_be_divided_in_any_way():
    whole = theorem_on_random_instances("lower_bound", 0, 6)[0].values
    parts = [theorem_on_random_instances("lower_bound", k, 2)[0].values for k in (0, 2, 4)]
    assert {name: sum(part[name] for part in parts) for name in whole} == whole


@pytest.mark.parametrize(
    ("theorem", "function", "factor"),
    [
        ("upper_bound", "upper_bound", "0.5"),
        ("refined_upper_bound", "upper_bound", "0.5"),
        ("lower_bound", "lower_bound", "20"),
        ("risk_lower_bound", "lower_bound", "20"),
    ],
)
def test_a_false_bound_falls_with_code_that_makes_the_instance(
    monkeypatch, theorem, function, factor
):
    right = getattr(random_instances, function)

    def wrong(*run, **options):
        import dataclasses

        import flint

        bound = right(*run, **options)
        times = flint.arb(factor)
        changed = {"total": bound.total * times, "quantized_risk": bound.quantized_risk * times}
        return dataclasses.replace(bound, **changed)

    monkeypatch.setattr(random_instances, function, wrong)
    (check,) = theorem_on_random_instances(theorem, 0, 25)
    assert check.status == "failed"
    made = {"qt": qt}
    exec(check.detail.split("first on: ")[1], made)
    assert CLAIMS[theorem](Run(made["problem"], made["quantization"], made["sgd"])) is False


@pytest.mark.parametrize("method", ["closed form", "powers", "recursion"])
def test_a_wrong_method_is_noticed(monkeypatch, method):
    """Each is compared somewhere; the closed form in long runs, if no eigenvalues are equal."""
    if method == "closed form":
        right = random_instances.ClosedForm.first_moment
        monkeypatch.setattr(
            random_instances.ClosedForm, "first_moment", lambda *given: right(*given) * 1.001
        )
    else:
        module = getattr(random_instances, method)
        output_moments = module.output_moments

        def wrong(*given):
            first, second = output_moments(*given)
            return first, second * 1.001

        monkeypatch.setattr(module, "output_moments", wrong)
    (check,) = theorem_on_random_instances("recursion", 0, 12)
    assert check.status == "failed"


def test_what_there_is_to_do():
    ids = [job.id for job in thorough_jobs()]
    assert len(ids) == len(set(ids))
    for theorem in CLAIMS:
        pieces = [job for job in thorough_jobs() if job.id.startswith(f"random/{theorem}/")]
        assert sum(job.arguments[2] for job in pieces) == 100_000
    unbiased = [name for name in qt.formats.names() if not qt.formats.get(name).is_biased]
    assert sum("/simulated" in id for id in ids) == len(unbiased) == 23
    assert any(id.endswith(f"N={10**15}") for id in ids)


# --- going on ----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_findings(monkeypatch):
    """They take seconds, and are not what is tested here."""
    monkeypatch.setattr(thorough, "findings", lambda: [])


def found(name, status="passed"):
    return [CheckResult(name, "identity", status, "done")]


def refuse():
    raise AssertionError("done before")


def job(name, function=found, *arguments):
    return Job(name, "identity", function, arguments or (name,), 1.0)


def test_what_is_done_is_not_done_again(tmp_path):
    file = tmp_path / "results.sqlite"
    first = verify_thoroughly(file, workers=1, todo=[job("a"), job("b", found, "b", "failed")])
    assert [check.status for check in first.checks] == ["passed", "failed"]
    told = []
    again = verify_thoroughly(
        file,
        workers=1,
        todo=[
            Job("a", "identity", refuse, (), 1.0),
            Job("b", "identity", refuse, (), 1.0),
            job("c"),
        ],
        progress=lambda done, total: told.append((done, total)),
    )
    assert [check.status for check in again.checks] == ["passed", "failed", "passed"]
    assert told == [(2, 3), (3, 3)]


def test_the_pieces_of_a_theorem_are_one_check(tmp_path):
    todo = [
        Job(f"random/T/{k}", "instance", theorem_on_random_instances, ("spectral_shape", k, 5), 1.0)
        for k in (0, 5)
    ]
    (check,) = verify_thoroughly(tmp_path / "x.sqlite", workers=1, todo=todo).checks
    assert (check.id, check.status, check.values["held"]) == ("random/T", "passed", 10)


def test_a_piece_that_reached_a_limit_leaves_its_theorem_unknown(tmp_path):
    todo = [job(f"random/T/{k}", found, "random/T", s) for k, s in enumerate(("passed", "unknown"))]
    (check,) = verify_thoroughly(tmp_path / "x.sqlite", workers=1, todo=todo).checks
    assert (check.id, check.status) == ("random/T", "unknown")


def again(file):
    return verify_thoroughly(file, workers=1, todo=[])


def test_two_runs_do_not_write_to_one_file(tmp_path):
    file = tmp_path / "x.sqlite"
    (check,) = verify_thoroughly(file, workers=1, todo=[job("a", again, file)]).checks
    assert check.status == "failed"
    assert "is being written" in check.detail


def test_a_file_of_something_else_is_left_alone(tmp_path):
    file = tmp_path / "results.sqlite"
    verify_thoroughly(file, workers=1, todo=[job("a")])
    with pytest.raises(qt.QTheoryError, match="100 instances"):
        verify_thoroughly(file, instances=100, workers=1, todo=[job("a")])
    text = tmp_path / "text"
    text.write_text("no results, but a text that is long enough to be read as a page\n" * 20)
    before = text.read_bytes()
    with pytest.raises(qt.QTheoryError, match="a new file"):
        verify_thoroughly(text, todo=[])
    assert text.read_bytes() == before
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
    with pytest.raises(qt.QTheoryError, match="a new file"):
        verify_thoroughly(other, todo=[])
    with pytest.raises(qt.QTheoryError, match="there is no folder"):
        verify_thoroughly(tmp_path / "no folder" / "x.sqlite", todo=[])


SCRIPT = """
import sys
from qtheory.checks import thorough
if __name__ == "__main__":
    todo = [j for j in thorough.thorough_jobs(4000) if j.id.startswith("random/noise_limit/")]
    thorough.verify_thoroughly(sys.argv[1], instances=4000, workers=2, todo=todo)
    print("whole")
"""


def rows(file):
    if not file.exists():
        return {}
    with sqlite3.connect(file) as connection:
        try:
            return dict(connection.execute("SELECT id, text FROM records"))
        except sqlite3.Error:
            return {}


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_done(tmp_path):
    file, script = tmp_path / "results.sqlite", tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(file)]
    with subprocess.Popen(command, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while len(rows(file)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    kept = rows(file)
    assert 3 <= len(kept) < 16
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "whole\n"
    after = rows(file)
    assert len(after) == 16
    assert {id: after[id] for id in kept} == kept  # with their seconds: not computed again
