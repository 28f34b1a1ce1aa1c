"""The panel: what is in it, and what a comparison says."""

from fractions import Fraction

from qtheory.checks import panel
from qtheory.checks.check import CheckResult
from qtheory.checks.panel import PANEL
from tests.checks.results import EXTENT, passed, status


def test_every_quantizer_and_part_is_in_the_panel():
    parts = {
        (target, part)
        for setting in PANEL.values()
        for target in ("data", "label", "parameter", "activation", "gradient")
        for part in ("additive", "shared", "elementwise")
        if getattr(getattr(setting, target), part)
    }
    assert len(parts) == 15
    assert {setting.batch > 1 for setting in PANEL.values()} == {True, False}


def test_a_check_that_compares_less_is_noticed():
    full = EXTENT["risk/exact"]
    for compared, enough in ((full, True), (full - 1, False)):
        values = {"compared": compared}
        found = [CheckResult.of("risk/exact", "identity", True, "a detail", values)]
        assert status(found) == "passed"
        assert passed(found) == enough
    assert not passed([CheckResult.of("risk/exact", "identity", True, "it says not how much")])


def test_what_a_report_says():
    def said(pairs, *agree):
        (check,) = panel.report("name", iter(pairs), *agree)
        return check.status, check.detail

    third = Fraction(1, 3)
    ball = panel.ARITHMETIC.number(panel.rational(third))
    assert said([("x", ball, third)] * 2) == ("passed", "2 numbers agree to 30 digits")
    assert said([("x", 1 / 3, third)], panel.close) == (
        "passed", "1 numbers agree up to rounding",
    )  # fmt: skip
    wrong = [(f"x_{k}", 1 / 3, Fraction(1, 2)) for k in range(5)]
    listed = "; ".join(f"x_{k} is 0.333333333, not 0.5" for k in range(3))
    assert said(wrong[:3], panel.close) == ("failed", listed)
    assert said(wrong, panel.close) == ("failed", f"{listed}; and 2 more")
    assert panel.close(1e-16, 0)
    assert not panel.close(1e-14, 0)
