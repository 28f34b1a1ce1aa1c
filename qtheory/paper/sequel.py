"""Claims of the sequel on learning in a sketch, beside equivalents and exact risks.

Effective model sizes, and what errors of the data leave unlearned, are averaged over sketches: they
are deterministic equivalents, exact as M grows, and neither bounds nor certified. What errors do to
the data size is read off the exact risk of one sketch, certified for that sketch. The sequel speaks
of multiplicative errors as of one kind, which for a vector are one factor ("shared"); floating
point has one factor for each feature ("elementwise"), of which the same claim is asked.
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp

from qtheory.asymptotics.sketch import Sketch
from qtheory.asymptotics.unlearnt import elementwise_sketch
from qtheory.model import SGD, Additive, Multiplicative, PowerLaw, Problem, Quantization
from qtheory.model.targets import SourceCondition
from qtheory.paper.finding import Finding, Measure, negated, percent, stays, verdict
from qtheory.risk import excess_risk
from qtheory.theory.theorem import SEQUEL

_LEVEL = Fraction(1, 1000)
_SIZES = (10**3, 10**5, 10**8)
_PROBLEM = Problem(sp.oo, PowerLaw(2), SourceCondition(2))
#: One sketch, whose exact risk says what errors do to the data size.
_WIDE, _FEATURES, _SEED, _STEPS, _DIGITS = 200, 20, 0, 10**6, 12
_STRONG = Fraction(1, 10)
_NOISY = ("label", "activation", "gradient")

#: Of M that grows: a share of M, or less than any.
SIZE = stays(f"M that is the effective model size, at M={_SIZES[-1]}")
DATA = Measure(
    "what is left above what cannot be learned, with errors of labels, activations and gradients, "
    "over the same without",
    "reduces the data size",
    Fraction(101, 100),
    Fraction(11, 10),
    "N steps leave what fewer would: a tenth fewer count, a hundredth do not",
)
ADDED = stays("what errors of the data add to A, that is left in the risk as its floor")


def sequel_findings() -> list[Finding]:
    """Every claim of the sequel that numbers here can speak about."""
    return [
        *(_model_size(scheme) for scheme in ("additive", "shared", "elementwise")),
        *(_data_size(scheme) for scheme in ("additive", "shared")),
        *(_additive_error(scheme) for scheme in ("additive", "shared")),
    ]


def _effective(scheme: str, size: int) -> float:
    level = float(_LEVEL)
    if scheme == "elementwise":
        return elementwise_sketch(_PROBLEM, _LEVEL, size=size).effective_size
    sketch = Sketch.of(_PROBLEM, size)
    return sketch.limits(level)[2] if scheme == "additive" else sketch.limits(0.0, level)[2]


def _model_size(scheme: str) -> Finding:
    shares = {size: _effective(scheme, size) / size for size in _SIZES}
    answer = SIZE.says(shares[_SIZES[-1]])
    claim = {
        "additive": "Additive errors reduce the effective model size",
        "shared": "Multiplicative errors keep the model size, as one factor for a vector (shared)",
        "elementwise": "Multiplicative errors keep the model size, asked too of one factor for "
        "each feature, as floating point has them (elementwise)",
    }[scheme]
    shown = "; ".join(f"{percent(share)} at M={size}" for size, share in shares.items())
    return Finding(
        f"In a sketch of M features: {claim}. (eps = {float(_LEVEL)})",
        "the risk",
        f"{SEQUEL}, abstract",
        verdict("the risk", None, negated(answer) if scheme == "additive" else answer),
        str(SIZE),
        f"{shown} (equivalents, averaged over sketches)",
        {f"share/M={size}": share for size, share in shares.items()},
        f"Effective size over M: {shown}; {SIZE.thresholds}.",
    )


def _data_size(scheme: str) -> Finding:
    """The ratio of noise, in the exact risk of one sketch; these errors move no limit."""
    model = Additive(_STRONG) if scheme == "additive" else Multiplicative(_STRONG)
    problem = Problem(_WIDE, PowerLaw(2), SourceCondition(2))
    sketched = problem.sketched(size=_FEATURES, seed=_SEED)
    sgd = SGD("1/10", steps=_STEPS)
    above = []
    for quantization in (Quantization(**dict.fromkeys(_NOISY, model)), Quantization()):
        risk = excess_risk(sketched, quantization, sgd, digits=_DIGITS)
        above.append(risk.total - risk.sketching)
    ratio = above[0] / above[1]
    word = "Additive" if scheme == "additive" else "Multiplicative"
    where = f"M={_FEATURES}, d={_WIDE}, seed {_SEED}, N={_STEPS}"
    return Finding(
        f"In a sketch: {word} errors reduce the effective data size. (eps = {float(_STRONG)})",
        "the risk",
        f"{SEQUEL}, abstract",
        verdict("the risk", None, DATA.says(ratio)),
        str(DATA),
        f"{float(ratio):.3g}, certified for the sketch of {where}",
        {"ratio/risk": float(ratio)},
        f"Noise with errors over noise without: {float(ratio):.3g}; {DATA.thresholds}.",
    )


def _additive_error(scheme: str) -> Finding:
    size, level = _SIZES[0], float(_LEVEL)
    sketch = Sketch.of(_PROBLEM, size)
    errors = (level, 0.0) if scheme == "additive" else (0.0, level)
    approximation, floor, _ = sketch.limits(*errors)
    missed = sketch.perp / 2
    left = (floor - missed) / (approximation - missed)
    word = "Additive" if scheme == "additive" else "Multiplicative (shared)"
    return Finding(
        f"In a sketch: {word} errors of the data introduce an additive error, of the size of A in "
        f"the bound. (eps = {level})",
        "the bound",
        f"{SEQUEL}, abstract",
        verdict("the bound", approximation > missed, ADDED.says(left)),
        str(ADDED),
        f"{percent(left)} at M={size}: they add {approximation - missed:.3g} to A and "
        f"{floor - missed:.3g} to the floor of the risk (equivalents, averaged over sketches)",
        {"share/risk": left, "added": approximation - missed, "floor": floor - missed},
        f"Left in the risk of what is added to A: {percent(left)}; {ADDED.thresholds}.",
    )
