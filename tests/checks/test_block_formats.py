"""Block formats beside their specifications: another scale, code point or rounding is noticed."""

from dataclasses import replace
from fractions import Fraction

import pytest

from qtheory.checks import block_formats as checks
from qtheory.model import formats
from tests.checks.results import passed, status


@pytest.mark.parametrize("name", checks.BLOCK_FORMATS)
def test_a_format_is_as_specified(name):
    assert passed(checks.block_format_agrees(name))


@pytest.mark.parametrize("name", ["mxfp4", "nvfp4"])
def test_another_length_of_a_block_is_noticed(name, monkeypatch):
    right = formats._BLOCKS[name]
    monkeypatch.setitem(formats._BLOCKS, name, replace(right, block=right.block // 2))
    assert status(checks.block_format_agrees(name)) == "failed"


@pytest.mark.parametrize("name", ["mxfp4", "mxint8"])
def test_a_scale_rounded_up_is_noticed(name, monkeypatch):
    kind = formats.BlockFormat
    right = kind.block_scales
    monkeypatch.setattr(kind, "block_scales", lambda self, x: 2 * right(self, x))
    assert status(checks.block_format_agrees(name)) == "failed"


def test_another_code_point_is_noticed(monkeypatch):
    form = checks.SPECIFICATIONS["mxfp4"]
    other = replace(form, magnitudes=[*form.magnitudes[:-1], Fraction(8)])
    monkeypatch.setitem(checks.SPECIFICATIONS, "mxfp4", other)
    assert status(checks.block_format_agrees("mxfp4")) == "failed"


def test_ties_to_odd_are_noticed(monkeypatch):
    from qtheory.reference import block_formats as reference

    def to_odd(size, magnitudes):
        codes = reference.neighbours(size, magnitudes)
        return magnitudes[min(codes, key=lambda c: (abs(magnitudes[c] - size), (c + 1) % 2))]

    monkeypatch.setattr(reference, "nearest", to_odd)
    assert status(checks.block_format_agrees("mxfp4")) == "failed"
