"""qtheory: the theory of learning under quantization, derived, checked and simulated.

Describe a learning problem once, with numbers or with symbols; the same object then gives its
exact risk, its bounds and its simulation.

>>> import qtheory as qt
>>> problem = qt.Problem(dim=200, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
>>> quantization = qt.Quantization(data=qt.Additive("0.01"))
>>> sgd = qt.SGD(stepsize="0.1", batch=1, steps=500)
>>> risk = qt.excess_risk(problem, quantization, sgd).total
>>> bool(risk <= qt.upper_bound(problem, quantization, sgd).total)
True
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

import sympy as _sympy

from qtheory.errors import (
    CostError,
    DataError,
    HypothesisError,
    InfiniteRiskError,
    InvalidArgumentError,
    LostDigitsWarning,
    MissingLibraryError,
    NoTheoremError,
    PrecisionError,
    ProofError,
    QTheoryError,
    SweepError,
    SymbolicValueError,
    UndecidedError,
    UnstableError,
)
from qtheory.model import (
    SGD,
    Additive,
    Constant,
    CosineDecay,
    Elliptical,
    ErrorModel,
    Explicit,
    Exponential,
    ExponentialDecay,
    FourthMoment,
    Gaussian,
    Independent,
    LinearDecay,
    Logarithmic,
    Multiplicative,
    PiecewiseConstant,
    PowerLaw,
    Problem,
    Quantization,
    SignalFormula,
    SourceCondition,
    SpectrumFormula,
    WarmupStableDecay,
)
from qtheory.model import formats as formats
from qtheory.simulate import Estimate, calibrate, simulate

if TYPE_CHECKING:
    from qtheory.asymptotics import (
        Rates,
        allocate,
        allocate_bits,
        asymptotic_sum,
        best_choice,
        break_even,
        compare_orders,
        compare_rates,
        distortion_rule,
        elementwise_sketch,
        equivalent_risk,
        rates,
        sharp_constants,
        sketching_constant,
        tolerances,
    )
    from qtheory.claims.search import Attack, Counterexample, attack, falsify
    from qtheory.measure import (
        Comparison,
        Grid,
        compare,
        compare_formats,
        compare_rows,
        load_grid,
        load_sweep,
        sweep,
    )
    from qtheory.risk import (
        Risk,
        Sensitivity,
        Stability,
        excess_risk,
        risk_curve,
        sensitivity,
        stability,
    )
    from qtheory.theory import Bound, Theorem, lower_bound, theorems, upper_bound
    from qtheory.theory.replay import ProofRecord, prove

__version__ = "0.1.0"

#: Infinity, for ``dim=oo``.
oo = _sympy.oo


# Building the statements takes SymPy as long as importing it: what is not the model waits until it
# is first used. (``qtheory.simulate`` is a function and a room, so that it may not wait.)
_LATER = {
    **dict.fromkeys(
        (
            "Risk",
            "Sensitivity",
            "Stability",
            "excess_risk",
            "risk_curve",
            "sensitivity",
            "stability",
        ),
        "qtheory.risk",
    ),
    **dict.fromkeys(
        ("Bound", "Theorem", "lower_bound", "theorems", "upper_bound"), "qtheory.theory"
    ),
    **dict.fromkeys(
        (
            "Rates",
            "allocate",
            "allocate_bits",
            "asymptotic_sum",
            "best_choice",
            "break_even",
            "compare_orders",
            "compare_rates",
            "distortion_rule",
            "elementwise_sketch",
            "equivalent_risk",
            "rates",
            "sharp_constants",
            "sketching_constant",
            "tolerances",
        ),
        "qtheory.asymptotics",
    ),
    **dict.fromkeys(
        (
            "Comparison",
            "Grid",
            "compare",
            "compare_formats",
            "compare_rows",
            "load_grid",
            "load_sweep",
            "sweep",
        ),
        "qtheory.measure",
    ),
    **dict.fromkeys(("Attack", "Counterexample", "attack", "falsify"), "qtheory.claims.search"),
    **dict.fromkeys(("ProofRecord", "prove"), "qtheory.theory.replay"),
}


# Modules for users, whose imports need more than the model.
_MODULES = ("plots", "proof", "testing")


def __getattr__(name: str) -> _Any:
    if name in _MODULES:
        return _import_module(f"qtheory.{name}")
    if name not in _LATER:
        raise AttributeError(f"module 'qtheory' has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, *(name for name in globals() if name[:2] == "__")})


def symbols(names: str) -> _Any:
    """Positive real SymPy symbols, for symbolic parameters: one name gives one symbol, as in SymPy.

    Several names give a tuple, and so does one with a comma behind it.

    Raises
    ------
    InvalidArgumentError
        If ``names`` is no text, or has no name in it.

    Examples
    --------
    >>> a, N = symbols("a N")
    >>> PowerLaw(a).formula
    i**(-a)
    >>> SGD(stepsize="0.1", steps=symbols("N")).steps
    N
    """
    try:
        if isinstance(names, str):
            return _sympy.symbols(names, positive=True)
    except ValueError:  # SymPy finds no name
        pass
    raise InvalidArgumentError("names", names, "text with one or more names, such as 'a b N'")


__all__ = [
    "SGD",
    "Additive",
    "Attack",
    "Bound",
    "Comparison",
    "Constant",
    "CosineDecay",
    "CostError",
    "Counterexample",
    "DataError",
    "Elliptical",
    "ErrorModel",
    "Estimate",
    "Explicit",
    "Exponential",
    "ExponentialDecay",
    "FourthMoment",
    "Gaussian",
    "Grid",
    "HypothesisError",
    "Independent",
    "InfiniteRiskError",
    "InvalidArgumentError",
    "LinearDecay",
    "Logarithmic",
    "LostDigitsWarning",
    "MissingLibraryError",
    "Multiplicative",
    "NoTheoremError",
    "PiecewiseConstant",
    "PowerLaw",
    "PrecisionError",
    "Problem",
    "ProofError",
    "ProofRecord",
    "QTheoryError",
    "Quantization",
    "Rates",
    "Risk",
    "Sensitivity",
    "SignalFormula",
    "SourceCondition",
    "SpectrumFormula",
    "Stability",
    "SweepError",
    "SymbolicValueError",
    "Theorem",
    "UndecidedError",
    "UnstableError",
    "WarmupStableDecay",
    "allocate",
    "allocate_bits",
    "asymptotic_sum",
    "attack",
    "best_choice",
    "break_even",
    "calibrate",
    "compare",
    "compare_formats",
    "compare_orders",
    "compare_rates",
    "compare_rows",
    "distortion_rule",
    "elementwise_sketch",
    "equivalent_risk",
    "excess_risk",
    "falsify",
    "formats",
    "load_grid",
    "load_sweep",
    "lower_bound",
    "oo",
    "prove",
    "rates",
    "risk_curve",
    "sensitivity",
    "sharp_constants",
    "simulate",
    "sketching_constant",
    "stability",
    "sweep",
    "symbols",
    "theorems",
    "tolerances",
    "upper_bound",
]
