"""Model objects as Python code that builds them again, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from qtheory.model.covariates import Covariates, Gaussian
from qtheory.model.error_models import ErrorModel
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.schedules import ListedStepsizes, Schedule
from qtheory.model.sgd import SGD
from qtheory.model.spectra import Explicit


def python_code(problem: Problem, quantization: Quantization, sgd: SGD) -> str:
    """Code that assigns the three, given ``import qtheory as qt``.

    Examples
    --------
    >>> from qtheory.model import Additive
    >>> print(python_code(Problem(1), Quantization(data=Additive("1/3")), SGD("0.1", steps=2)))
    problem = qt.Problem(dim=1, spectrum=qt.PowerLaw(2, 1), target=qt.Constant(1), noise=1)
    quantization = qt.Quantization(data=qt.Additive('1/3'))
    sgd = qt.SGD(stepsize='1/10', batch=1, steps=2)
    """
    quantizers = ", ".join(
        f"{target}={_quantizer(quantizer)}"
        for target, quantizer in quantization.items()
        if not quantizer.is_exact
    )
    output = "" if sgd.output == "average" else f", output='{sgd.output}'"
    output += f", tail={_number(sgd.tail)}" if sgd.output == "tail" else ""
    output += f", momentum={_number(sgd.momentum)}" if sgd.momentum != 0 else ""
    output += ", error_feedback=True" if sgd.error_feedback else ""
    return (
        f"problem = {_problem(problem)}\n"
        f"quantization = qt.Quantization({quantizers})\n"
        f"sgd = qt.SGD(stepsize={_pace(sgd.stepsize)}, batch={_pace(sgd.batch)}, "
        f"steps={_number(sgd.steps)}{output})"
    )


def _list(numbers: Sequence[Any]) -> str:
    return f"[{', '.join(map(_number, numbers))}]"


def _pace(value: Any) -> str:
    """A stepsize or a batch, or what they follow."""
    if not isinstance(value, Schedule):
        return _number(value)
    parts = [getattr(value, part.name) for part in fields(value)]
    rows = [_list(part) if isinstance(part, tuple) else _number(part) for part in parts]
    if isinstance(value, ListedStepsizes):
        return rows[0]
    return f"qt.{type(value).__name__}({', '.join(rows)})"


def _problem(problem: Problem) -> str:
    if problem.features is None:
        return (
            f"qt.Problem(dim={_number(problem.dim)}, spectrum={_formula(problem.spectrum)}, "
            f"target={_formula(problem.target)}, noise={_number(problem.noise)}"
            f"{_covariates(problem.covariates)})"
        )
    features, base = problem.features, problem.features.base
    if isinstance(base, Problem):
        given = f"size={features.size}, seed={features.seed}"
        if features.seed is None:
            given = f"matrix={_rows(features.matrix)}"
        return f"{_problem(base)}.sketched({given})"
    return (
        f"qt.Problem.from_covariance({_rows(base.matrix)}, {_list(base.coefficients)}, "
        f"noise={_number(base.noise)})"
    )


def _covariates(law: Covariates) -> str:
    return "" if isinstance(law, Gaussian) else f", covariates={_formula(law)}"


def _rows(matrix: Any) -> str:
    """Floats as Python writes them, which are read as the same; rational numbers as text."""

    def entry(value: Any) -> str:
        return repr(value) if isinstance(value, float | int) else _number(value)

    rows = (", ".join(map(entry, row)) for row in matrix)
    return f"[{', '.join(f'[{row}]' for row in rows)}]"


def _number(value: Any) -> str:
    """A whole number as it is, anything else as exact text."""
    return str(value) if value.is_Integer else repr(str(value))


def _formula(spectrum_or_target: Any) -> str:
    name = type(spectrum_or_target).__name__
    if isinstance(spectrum_or_target, Explicit):
        return f"qt.{name}({_list(spectrum_or_target.values)})"
    values = (getattr(spectrum_or_target, part.name) for part in fields(spectrum_or_target))
    return f"qt.{name}({', '.join(_number(value) for value in values)})"


def _quantizer(quantizer: Any) -> str:
    if not isinstance(quantizer, ErrorModel):
        return repr(quantizer).replace("formats.", "qt.formats.")
    parts = [f"qt.Additive({_number(quantizer.additive)})"] if quantizer.additive != 0 else []
    for coupling in ("shared", "elementwise"):
        epsilon = getattr(quantizer, coupling)
        if epsilon != 0:
            parts.append(f"qt.Multiplicative({_number(epsilon)}, '{coupling}')")
    return " + ".join(parts)
