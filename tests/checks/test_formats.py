"""Number formats: another level, largest value, integral or risk is noticed."""

import mpmath
import numpy as np
import pytest

from qtheory.checks import formats as format_checks
from qtheory.model import formats
from tests.checks.results import passed, status


@pytest.mark.parametrize(
    "check", [format_checks.formats_as_in_standards, format_checks.levels_agree]
)
def test_a_check_passes(check):
    assert passed(check())


@pytest.mark.parametrize("name", format_checks.FORMATS)
def test_formats(name):
    assert passed(format_checks.format_agrees(name))


def test_another_integral_is_noticed(monkeypatch):
    right = format_checks._integrated
    monkeypatch.setattr(
        format_checks, "_integrated", lambda f: {k: v * (1 + 1e-15) for k, v in right(f).items()}
    )
    assert status(format_checks.format_agrees("int3")) == "failed"


def test_a_format_with_another_largest_value_is_noticed(monkeypatch):
    other = {**formats._FLOATS, "fp8_e4m3": formats.FP(4, 3)}
    monkeypatch.setattr(formats, "_FLOATS", other)
    assert status(format_checks.formats_as_in_standards()) == "failed"


def test_another_level_of_a_format_is_noticed(monkeypatch):
    right = format_checks._gap
    monkeypatch.setattr(
        format_checks, "_gap", lambda a, b: right(a, b * (1 + mpmath.mpf(10) ** -10))
    )
    assert status(format_checks.levels_agree()) == "failed"


def test_another_risk_of_a_format_is_noticed(monkeypatch):
    right = format_checks._integrated_risks

    def wrong(tables, output):
        found = right(tables, output)
        return {name: np.array(v) * (1 + mpmath.mpf(10) ** -18) for name, v in found.items()}

    monkeypatch.setattr(format_checks, "_integrated_risks", wrong)
    assert status(format_checks.format_agrees("int3")) == "failed"
