"""The definitions of floating-point formats, by gfloat."""

from gfloat import formats
from gfloat.types import Domain, FormatInfo


def ieee_like(exponent_bits, mantissa_bits):
    return FormatInfo(
        name=f"e{exponent_bits}m{mantissa_bits}",
        k=1 + exponent_bits + mantissa_bits,
        precision=mantissa_bits + 1,
        bias=2 ** (exponent_bits - 1) - 1,
        has_nz=True,
        domain=Domain.Extended,
        num_high_nans=2**mantissa_bits - 1,
        has_subnormals=True,
        is_signed=True,
        is_twos_complement=False,
    )


DEFINITIONS = {
    "fp4_e2m1": formats.format_info_ocp_e2m1,
    "fp6_e2m3": formats.format_info_ocp_e2m3,
    "fp6_e3m2": formats.format_info_ocp_e3m2,
    "fp8_e4m3": formats.format_info_ocp_e4m3,
    "fp8_e5m2": formats.format_info_ocp_e5m2,
    "bfloat16": formats.format_info_bfloat16,
    "float16": formats.format_info_binary16,
    "tf32": ieee_like(8, 10),
}
