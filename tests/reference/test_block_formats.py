"""The specifications in fractions against gfloat's definitions: every value, and whole blocks."""

from fractions import Fraction

import gfloat
import gfloat.formats
import pytest

from qtheory.reference.block_formats import SPECIFICATIONS, quantized

DEFINITIONS = {
    "mxfp8_e4m3": gfloat.formats.format_info_mxfp8_e4m3,
    "mxfp8_e5m2": gfloat.formats.format_info_mxfp8_e5m2,
    "mxfp6_e2m3": gfloat.formats.format_info_mxfp6_e2m3,
    "mxfp6_e3m2": gfloat.formats.format_info_mxfp6_e3m2,
    "mxfp4": gfloat.formats.format_info_mxfp4_e2m1,
    "mxint8": gfloat.formats.format_info_mxint8,
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_values_and_blocks_are_those_of_gfloat(name):
    definition, form = DEFINITIONS[name], SPECIFICATIONS[name]
    element = definition.etype
    values = (gfloat.decode_float(element, code).fval for code in range(2 ** (element.k - 1)))
    finite = [Fraction(value) for value in values if abs(value) < float("inf")]
    assert finite == form.magnitudes
    assert definition.k == form.numbers
    assert 2**form.power <= form.magnitudes[-1] < 2 ** (form.power + 1)


def test_blocks_by_hand():
    # 5 needs the scale 1, where 2.5 is between 2 and 3; the second block has the scale 2^-2
    first = [Fraction(5), *[Fraction(5, 2)] * 31]
    second = [Fraction(-3, 2), Fraction(1, 10)]
    found = quantized([*first, *second], SPECIFICATIONS["mxfp4"])
    assert found == [4, *[2] * 31, Fraction(-3, 2), Fraction(1, 8)]


def test_nvfp4_by_hand():
    # 10 / 6 = 1.67 has 1.625 for the scale, so that 10 saturates; 3 is 1.85 of it, nearest 2
    found = quantized([Fraction(10), Fraction(3)], SPECIFICATIONS["nvfp4"])
    assert found == [6 * Fraction(13, 8), 2 * Fraction(13, 8)]
