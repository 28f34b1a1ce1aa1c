"""Features: the recursion of matrices beside the literal update, and sketches beside mpmath."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np

from qtheory.checks.check import CheckResult
from qtheory.model import SGD, Additive, Constant, Multiplicative, PowerLaw, Problem, Quantization
from qtheory.model.instance import NumericErrorModel
from qtheory.model.quantization import TARGETS
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Balls
from qtheory.reference.features import FEATURE_CASES, FeatureSetting, moments
from qtheory.risk import excess_risk, matrix_recursion
from qtheory.risk.matrix_recursion import FeatureStep, output_moments

_DIM, _SIZE, _SEED, _DIGITS = 10, 4, 3, 30


def matrices_agree() -> list[CheckResult]:
    """E w and E w w^T of two correlated features, as exact fractions."""
    wrong, compared = [], 0
    for place, setting in enumerate(FEATURE_CASES):
        for output in ("average", "last"):
            case = replace(setting, steps=setting.steps + (output == "average"))
            mean, second = moments(case, output)
            mean_here, second_here = _by_matrices(case, output)
            same = list(mean_here) == mean and (second_here == np.array(second, dtype=object)).all()
            compared += 1
            if not same:
                wrong.append(f"case {place}, {output}")
    detail = f"NOT the same: {'; '.join(wrong)}" if wrong else f"{compared} runs, exactly the same"
    values = {"compared": compared}
    return [CheckResult.of("features/matrices", "identity", not wrong, detail, values)]


def _by_matrices(setting: FeatureSetting, output: str) -> tuple[Any, Any]:
    sigma, v = (np.array(part, dtype=object) for part in (setting.covariance, setting.coefficients))
    b = sigma @ v
    levels = {}
    for target in TARGETS:
        errors = getattr(setting, target)
        levels[target] = NumericErrorModel(errors.additive, errors.shared, errors.elementwise)
    step = FeatureStep(
        covariance=sigma,
        correlation=b,
        learnable=b @ v,
        energy=b @ v,
        noise=setting.noise,
        stepsize=setting.stepsize,
        batch=Fraction(setting.batch),
        **levels,
    )
    averaged = output == "average"
    window = Window(0, setting.steps, True) if averaged else Window(setting.steps, 1, False)
    ((mean, second),) = output_moments(step, [window])
    return mean, second


def eigenbasis_agrees() -> list[CheckResult]:
    """A sketch in its eigenbasis, where a step costs O(M), beside matrices that never rotate."""
    problem = Problem(_DIM, PowerLaw(2), Constant(1), "1/4").sketched(size=_SIZE, seed=_SEED)
    quantization = Quantization(
        data=Additive("1/50") + Multiplicative("1/10"),
        label=Multiplicative("1/5", "elementwise"),
        parameter=Additive("1/100") + Multiplicative("1/10"),
        activation=Multiplicative("1/10"),
        gradient=Additive("1/10"),
    )
    names = ("total", "approximation", "floor", "quantized_risk", "sketching")
    worst = flint.arb(0)
    holds = True
    for batch in (1, 2):
        for output in ("average", "last", "tail"):
            run = Run(problem, quantization, SGD("1/5", batch, steps=6, output=output))
            exact = excess_risk(*run, digits=_DIGITS)
            arithmetic = Balls(bits=200)
            with arithmetic.working():
                (there,) = matrix_recursion.risks([run], arithmetic)
                gaps = [abs(flint.arb(getattr(exact, name)) - there[name]) for name in names]
            holds = holds and all(gap.contains(0) for gap in gaps)
            worst = max([worst, *(gap.abs_upper() for gap in gaps)], key=float)
    holds = holds and bool(worst < flint.arb(10) ** -_DIGITS)
    detail = f"agree to {mpmath.nstr(mpmath.mpf(float(worst)), 2)}"
    values = {"compared": 6 * len(names)}
    return [CheckResult.of("features/eigenbasis", "identity", holds, detail, values)]
