"""What `qtheory verify` prints: made from fields, every check in it, on a screen and a half."""

import dataclasses
import re

import pytest
from rich.console import Console

from qtheory.checks import Finding, Ledger, suite
from qtheory.checks.check import ROOMS, CheckResult
from qtheory.report import ledger_view

EXPERIMENT = {"scheme": "additive", "epsilon": "1e-2", "dim": 50, "batch": 1, "steps": 2000}
BOUNDS = {"exact": 0.04333, "lower": 0.04052, "upper": 0.10264, **EXPERIMENT}
RATE = {
    "case": "variance/a=2", "by": "closed form", "order": "1/sqrt(N)", "predicted": -0.5,
    "measured": -0.50004, "deviation": 0.0, "steps": 10**7,
}  # fmt: skip


def check(room, status="passed", values=None, kind="identity", part="theory", id="an id"):
    return CheckResult(id, kind, status, f"detail of {id}", 0.1, values or {}, part, room)


def printed(checks, findings=(), everything=False, width=80):
    console = Console(width=width)
    with console.capture() as capture:
        console.print(ledger_view(Ledger(tuple(checks), tuple(findings)), everything))
    return capture.get()


def of_a_whole_run():
    """A passing result for each job, with the values that its room gives."""
    values = {
        "constants": {"ratio": 1 - 1e-6},
        "rates": RATE,
        "simulation": {"distance": -1.5},
    }
    found = []
    for job in suite.jobs():
        if job.room == "proofs":
            found += [
                check(
                    "proofs", values={"label": f"T{k}", "lemmas": 10}, kind="proof", id=f"proof/{k}"
                )
                for k in range(12)
            ]
        elif job.kind == "instance":
            e = vars(job.arguments[0])
            found.append(check("bounds", values={**e, "digits": 46.0}, id=f"T1 of {job.id}"))
            found.append(check("bounds", values={**BOUNDS, **e}, kind="instance", id=job.id))
        else:
            given = values.get(job.room, {"compared": 1})
            found.append(check(job.room, values=given, kind=job.kind, part=job.part, id=job.id))
    return found


def test_rows_are_made_of_fields_and_not_of_ids():
    text = printed(
        [
            check("bounds", values={"digits": 45.6, **EXPERIMENT}, id="no name"),
            check("bounds", values=BOUNDS, kind="instance", id="none either"),
            check("rates", values=RATE, kind="rate", id="nor here"),
        ]
    )
    row = "additive  1e-2  50  1  0.04052  0.04333  0.10264   2.37    1.07  46  ok"
    assert row in [line.rstrip() for line in text.splitlines()]
    assert re.search(r"variance/a=2 +1/sqrt\(N\) +-0.5000 +-0.5000 +1e\+07 +ok", text)


def test_a_whole_run_fits_on_a_screen_and_a_half():
    claim = Finding("A claim. " * 10, "the risk", "", "supported", "", "", {}, "In short. " * 12)
    text = printed(of_a_whole_run(), [claim] * 6)
    theory, package = text.split("The package's check of itself")
    assert len(theory.splitlines()) <= 80
    assert len(package.splitlines()) <= 12
    assert max(map(len, text.splitlines())) <= 80


def test_every_check_is_counted_in_its_room():
    checks = of_a_whole_run()
    text = printed(checks)
    for room in ROOMS["package"]:
        count = sum(c.room == room and c.part == "package" for c in checks)
        assert re.search(rf"^{room} +{count} of {count} passed", text, re.MULTILINE)
    assert f"{len(checks)} checks passed, 0 failed" in text


def test_with_all_every_check_is_there_by_name():
    checks = [
        dataclasses.replace(c, values={}) if c.room == "rates" else c for c in of_a_whole_run()
    ]
    text = " ".join(printed(checks, everything=True, width=200).split())
    for c in checks:
        if c.room == "bounds" and c.values.get("scheme"):
            assert f"{c.values['scheme']} {c.values['epsilon']} {c.values['dim']}" in text
        else:
            assert c.id in text


@pytest.mark.parametrize("part", ROOMS)
@pytest.mark.parametrize("everything", [True, False])
@pytest.mark.parametrize(("status", "said"), [("failed", "FAILED"), ("unknown", "UNKNOWN")])
def test_what_did_not_pass_is_shown_in_full(part, everything, status, said):
    for room in ROOMS[part]:
        text = " ".join(printed([check(room, status, part=part)], everything=everything).split())
        assert f"{said} an id: detail of an id" in text
        assert "0 checks passed" in text


def test_unknown_does_not_count_as_passed():
    text = printed([check("proofs", "unknown"), check("proofs")])
    assert "1 of 2 passed" in text
    assert "1 checks passed, 0 failed, 1 unknown" in text
