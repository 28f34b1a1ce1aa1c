"""What runs a check: one that breaks has failed, one that ends at a limit is unknown."""

import dataclasses
import time

import pytest

from qtheory.checks.check import CheckResult, Job, refusals, run_job
from qtheory.errors import PrecisionError, UndecidedError


def test_a_job_that_breaks_is_a_failed_check():
    def broken():
        raise ZeroDivisionError("deliberate")

    (result,) = run_job(Job("broken", "rate", broken, (), 0))
    assert result.status == "failed"
    assert "deliberate" in result.detail


@pytest.mark.parametrize("limit", [PrecisionError, UndecidedError, TimeoutError])
def test_a_job_that_ends_at_a_limit_is_unknown(limit):
    def limited():
        raise limit("not with 100 digits")

    (result,) = run_job(Job("limited", "identity", limited, (), 0))
    assert (result.status, result.detail) == ("unknown", "not with 100 digits")


def test_a_job_says_where_its_checks_belong():
    found = CheckResult.of("x", "rate", True, "done", {"compared": 3})
    (result,) = run_job(Job("x", "rate", lambda: [found], (), 0, "theory", "rates"))
    assert (result.part, result.room) == ("theory", "rates")
    record = result.as_json()
    assert (record["part"], record["room"], record["values"]) == (
        "theory",
        "rates",
        {"compared": 3},
    )
    assert CheckResult(**record) == dataclasses.replace(result, seconds=record["seconds"])


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


def test_what_is_not_refused_is_named():
    def fails():
        raise PrecisionError("as it should")

    (check,) = refusals("id", "proof", {"one": fails, "two": fails}, PrecisionError)
    assert (check.status, check.detail) == ("passed", "2 refused")
    attempts = {"one": fails, "two": lambda: None, "three": lambda: 0}
    (check,) = refusals("id", "proof", attempts, PrecisionError)
    assert (check.status, check.detail) == ("failed", "NOT refused: two; three")
    with pytest.raises(PrecisionError):  # another error is not taken for a refusal
        refusals("id", "proof", {"one": fails}, UndecidedError)
