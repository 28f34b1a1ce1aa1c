"""The model: problem, spectra, targets, quantization and the algorithm, as frozen dataclasses."""

from qtheory.model.covariates import (
    Covariates,
    Elliptical,
    FourthMoment,
    Gaussian,
    Independent,
)
from qtheory.model.error_models import Additive, ErrorModel, Multiplicative
from qtheory.model.problem import Problem
from qtheory.model.quantization import TARGETS, Quantization
from qtheory.model.schedules import (
    CosineDecay,
    ExponentialDecay,
    LinearDecay,
    PiecewiseConstant,
    WarmupStableDecay,
)
from qtheory.model.sgd import SGD
from qtheory.model.spectra import Explicit, Exponential, Logarithmic, PowerLaw, SpectrumFormula
from qtheory.model.targets import Constant, SignalFormula, SourceCondition

__all__ = [
    "SGD",
    "TARGETS",
    "Additive",
    "Constant",
    "CosineDecay",
    "Covariates",
    "Elliptical",
    "ErrorModel",
    "Explicit",
    "Exponential",
    "ExponentialDecay",
    "FourthMoment",
    "Gaussian",
    "Independent",
    "LinearDecay",
    "Logarithmic",
    "Multiplicative",
    "PiecewiseConstant",
    "PowerLaw",
    "Problem",
    "Quantization",
    "SignalFormula",
    "SourceCondition",
    "SpectrumFormula",
    "WarmupStableDecay",
]
