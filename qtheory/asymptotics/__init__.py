"""The rate calculus: orders of sums, rates of the bounds, best choices, phase diagrams."""

from qtheory.asymptotics.allocation import Allocation, allocate_bits
from qtheory.asymptotics.break_even import BreakEven, break_even, distortion_rule
from qtheory.asymptotics.choices import Choice, best_choice
from qtheory.asymptotics.equivalent import EquivalentRisk, equivalent_risk
from qtheory.asymptotics.frontier import BudgetSplit, allocate, frontier
from qtheory.asymptotics.phases import Boundary, Phase, Phases
from qtheory.asymptotics.rate import Domination, Rate
from qtheory.asymptotics.rates_derived import rates
from qtheory.asymptotics.sharp import SharpConstants, sharp_constants
from qtheory.asymptotics.side_by_side import RateComparison, compare_rates
from qtheory.asymptotics.size_choices import SizeChoice
from qtheory.asymptotics.table import Rates
from qtheory.asymptotics.tolerances import tolerances
from qtheory.asymptotics.unlearnt import (
    ElementwiseSketch,
    elementwise_sketch,
    sketching_constant,
)
from qtheory.orders.compare import OrderComparison, compare_orders
from qtheory.orders.regimes import Regime
from qtheory.orders.sums import AsymptoticSum, asymptotic_sum

__all__ = [
    "Allocation",
    "AsymptoticSum",
    "Boundary",
    "BreakEven",
    "BudgetSplit",
    "Choice",
    "Domination",
    "ElementwiseSketch",
    "EquivalentRisk",
    "OrderComparison",
    "Phase",
    "Phases",
    "Rate",
    "RateComparison",
    "Rates",
    "Regime",
    "SharpConstants",
    "SizeChoice",
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
    "frontier",
    "rates",
    "sharp_constants",
    "sketching_constant",
    "tolerances",
]
