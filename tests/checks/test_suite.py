"""The main job: what it covers, and where it belongs."""

import pytest

import qtheory as qt
from qtheory.checks import suite
from qtheory.checks.check import ROOMS
from qtheory.paper import experiments


def test_the_experiments_of_the_issue_are_there():
    found = {(e.scheme, e.epsilon, e.dim, e.batch) for e in experiments.experiments()}
    for batch in (1, 16):
        assert ("none", "0", 200, batch) in found
        for scheme in ("additive", "shared"):
            assert {(scheme, eps, 200, batch) for eps in ("1e-3", "5e-3", "1e-2")} <= found
            assert {(scheme, "1e-2", d, batch) for d in (50, 100, 200, 400)} <= found
    kinds = {job.kind for job in suite.jobs()}
    assert kinds == {"proof", "identity", "instance", "rate", "simulation"}


def test_every_job_has_a_room_and_every_room_has_jobs():
    rooms = {(part, room) for part, those in ROOMS.items() for room in those}
    assert {(job.part, job.room) for job in suite.jobs()} == rooms - {("theory", "claims")}


def test_every_id_is_that_of_one_job():
    ids = [job.id for job in suite.jobs()]
    assert len(ids) == len(set(ids))


def test_some_rooms_alone():
    ledger = suite.verify(steps=50, workers=1, only=("statements",))
    assert {(check.part, check.room) for check in ledger.checks} == {("package", "statements")}
    assert len(ledger.checks) == sum(job.room == "statements" for job in suite.jobs())
    assert ledger.findings == ()


def test_the_claims_alone():
    ledger = suite.verify(workers=1, only=["claims"])
    assert ledger.checks == ()
    assert len(ledger.findings) == 13


def test_a_room_that_is_none_is_refused_with_all_that_are():
    with pytest.raises(
        qt.QTheoryError, match=r"only is 'rate', but must be one of bounds, rates, "
    ):
        suite.verify(only=("bounds", "rate"))


def test_bad_number_of_workers():
    with pytest.raises(qt.QTheoryError, match="workers is 0"):
        suite.verify(workers=0)
