"""T6: what data quantization does to the spectrum."""

from __future__ import annotations

import sympy as sp

from qtheory.theory.definitions import QUANTIZED
from qtheory.theory.notation import additive, i, lam, lq, multiplicative
from qtheory.theory.theorem import PAPER, Hypothesis, Theorem

_level, _relative = additive["data"], multiplicative["data"]

spectral_floor = Theorem(
    name="spectral_floor",
    label="T6, additive",
    title="additive data errors put a floor under the spectrum",
    statement=sp.Eq(lq[i] / lam[i], 1 + _level / lam[i]),
    definitions=QUANTIZED[:2],
    hypotheses=(
        Hypothesis(sp.Le(_relative, 0), "data errors are additive"),
        Hypothesis(sp.Gt(lam[i], 0), "the direction carries data"),
    ),
    source=f"{PAPER}, the discussion of spectral distortion. The ratio is unbounded as lambda_i "
    "falls, and every direction below the level has lambda^q between it and twice it.",
)

spectral_shape = Theorem(
    name="spectral_shape",
    label="T6, multiplicative",
    title="multiplicative data errors keep the shape of the spectrum",
    statement=sp.Eq(lq[i], (1 + _relative) * lam[i]),
    definitions=QUANTIZED[:2],
    hypotheses=(Hypothesis(sp.Le(_level, 0), "data errors are multiplicative"),),
    source=f"{PAPER}, the discussion of spectral distortion.",
)

#: In the order of the theory.
THEOREMS = (spectral_floor, spectral_shape)
