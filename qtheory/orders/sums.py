"""The order of a sum over an index, with its regimes and explicit constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number
from qtheory.numbers.latex import latex_of, words
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.assumptions import relations_of, root_cell
from qtheory.orders.cell import Cell, explore
from qtheory.orders.constants import Constants, between, constants_of_sum
from qtheory.orders.display import UNKNOWN, cases_latex, premises, under_premises, where
from qtheory.orders.evaluation import Evaluation, exponentials_in, unsupported
from qtheory.orders.monomial import Monomial
from qtheory.orders.piecewise import Diverges
from qtheory.orders.regimes import Regime, Region, joined, piecewise
from qtheory.orders.symbols import formula_of, symbol_named
from qtheory.orders.uniform import Incomparable, UniformCell


@dataclass(frozen=True)
class AsymptoticSum:
    """The order of a sum: one regime per course that it takes.

    Attributes
    ----------
    assumptions
        What was assumed of the parameters and exponents, and of the range: where both ends are
        parameters the upper one is at least twice the lower one, for a single term is no sum.
    regimes
        Where the sum is finite.
    divergences
        Conditions and cause, where it is not.
    fixed
        The symbols in exponents, also in rates such as exp(-r*i). They are held fixed: the factors
        of the order depend on them.
    """

    sum: sp.Sum
    assumptions: tuple[sp.Basic, ...]
    regimes: tuple[Regime, ...]
    divergences: tuple[tuple[tuple[sp.Basic, ...], str], ...]
    fixed: tuple[sp.Symbol, ...]

    @property
    def order(self) -> sp.Expr:
        """The order; a Piecewise if there are several regimes, oo if the sum diverges."""
        if not self.regimes:
            return sp.oo
        return piecewise(self.regimes, [regime.order for regime in self.regimes])

    @property
    def constants(self) -> tuple[sp.Expr, sp.Expr]:
        """(lower, upper) of the only regime.

        Raises
        ------
        InvalidArgumentError
            If there are several regimes, or none, or no constants.
        """
        if len(self.regimes) != 1 or self.regimes[0].lower is None:
            raise InvalidArgumentError(
                "sum", self.sum, "one with a single regime and derived constants; see .regimes"
            )
        return self.regimes[0].lower, self.regimes[0].upper

    def latex(self) -> str:
        """The sum and its order as LaTeX, with conditions, constants and what is assumed."""
        rows = [
            (_theta(regime), regime.conditions, _remark_latex(regime)) for regime in self.regimes
        ]
        rows += [(r"\infty", conditions, "") for conditions, _ in self.divergences]
        text = f"{latex_of(self.sum)} = {cases_latex(rows)}"
        return under_premises(text, self.assumptions, self.fixed)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def __str__(self) -> str:
        lines = []
        for regime in self.regimes:
            condition = where(regime.conditions, regime.occurs)
            lines.append(f"{regime.order}" + (f"   if {condition}" if condition else ""))
            if regime.lower is not None:
                proved = f", proved in {regime.proof}" if regime.proof else ""
                of = "" if regime.exact_order == regime.order else f" of {regime.exact_order}"
                lines.append(f"    constants from {regime.lower} to {regime.upper}{of}{proved}")
        for conditions, cause in self.divergences:
            condition = where(conditions)
            lines.append("infinite" + (f"   if {condition}" if condition else "") + f": {cause}")
        given = premises(self.assumptions, self.fixed)
        return "\n".join([*lines, *([given] if given else [])])


@one_at_a_time
def asymptotic_sum(
    summand: str | sp.Expr,
    index: str | sp.Symbol,
    lower: Number,
    upper: Number,
    assumptions: Sequence[str | sp.Basic] = (),
) -> AsymptoticSum:
    r"""The order of :math:`\sum_{i=\text{lower}}^{\text{upper}} f(i)`, exactly up to constants.

    f is built from the index, positive parameters, positive numbers, ``+ * /``, ``min``, ``max``
    and real powers; also ``log(i)``, and terms exponential in i such as ``2**-i`` or ``exp(-r*i)``.
    Symbols in exponents are held fixed, and named in the result; all others are parameters that
    grow (are at least 1) unless an assumption says otherwise, such as ``"eps <= 1"``. The sum of
    exp(-eps*i) is of order 1 for fixed eps only.

    Parameters
    ----------
    summand
        Text in a fixed grammar, or a SymPy expression.
    index
        The index, a symbol or its name.
    lower
        A whole number of at least 1, or a parameter.
    upper
        A whole number, a parameter, or ``oo``.
    assumptions
        Relations among parameters (``"N*eps <= 1"``) or among exponents (``"b > a + 1"``).

    Raises
    ------
    InvalidArgumentError
        Naming the sub-expression, if it is not covered or ambiguous, or if two orders are not
        comparable with one constant, as log(M) and N are not.

    Examples
    --------
    >>> import qtheory as qt
    >>> i = qt.symbols("i")
    >>> sum_ = qt.asymptotic_sum("min(1, (x*i**-a)**2)", i, 1, qt.oo)
    >>> sum_.order, sum_.regimes[0].conditions
    (x**(1/a), (a > 1/2,))
    >>> qt.asymptotic_sum("1/(i + x)", i, 1, "d", ["d > x"]).order
    log(d/x)
    >>> print(qt.asymptotic_sum("1/i", i, 1, qt.oo))
    infinite: the sum of 1/i: its terms fall too slowly for large i

    Source: integral comparison between the points where the terms cross; the split of
    :math:`D_N` at k* in Theorem 4.1 of Zhang, Su, Zou (arXiv:2510.18259) is one such sum.
    """
    i = symbol_named(index, "index")
    f = formula_of(summand, "summand")
    low, high = _limit(lower, i, "lower"), _limit(upper, i, "upper")
    if low.is_number and not (low.is_Integer and low >= 1):
        raise InvalidArgumentError("lower", lower, "a whole number of at least 1, or a parameter")
    if high.is_number and high is not sp.oo and not high.is_Integer:
        raise InvalidArgumentError("upper", upper, "a whole number, a parameter, or oo")
    if high.is_number and low.is_number and not high >= low:
        raise InvalidArgumentError("upper", upper, f"at least lower, which is {low}")
    sum_ = sp.Sum(f, (i, low, high))
    limits = [limit for limit in (low, high) if limit is not sp.oo]
    given = relations_of(assumptions)
    root, exponents = root_cell(sp.Tuple(f, *limits), i, given)
    root = UniformCell.of(_nonempty(root, exponents, low, high))

    def compute(cell: UniformCell) -> tuple[Monomial, ...] | str:
        try:
            return cell.leading(Evaluation.of_parameters(cell, exponents).shares(sum_))
        except Diverges as cause:
            return str(cause)
        except Incomparable as cause:
            raise unsupported(f, str(cause)) from None

    regimes, divergences = [], []
    for region in joined(root, explore(compute, [root])):
        if isinstance(region.outcome, str):
            cause = region.outcome if region.occurs else f"{region.outcome} ({UNKNOWN})"
            divergences.append((region.relations, cause))
        else:
            regimes.append(_regime(region, sum_, exponents))
    fixed = tuple(sorted(exponents & sum_.free_symbols, key=str))
    range_ = _range_assumed(low, high)
    return AsymptoticSum(sum_, (*given, *range_), tuple(regimes), tuple(divergences), fixed)


def _regime(region: Region, sum_: sp.Sum, exponents: frozenset[sp.Symbol]) -> Regime:
    constants = _constants(region, sum_, exponents)
    return Regime(
        region.relations,
        region.outcome,
        None if constants is None else constants.lower,
        None if constants is None else constants.upper,
        None if constants is None else _proof(sum_, region.outcome),
        region.occurs,
    )


def _is_plain(addend: sp.Expr, index: sp.Symbol, high: sp.Expr) -> bool:
    """Whether an addend is exponential in the index only up to infinity, or not at all.

    Powers of the index beside exponentials, and an end that may come before they cross, change the
    first terms by factors that the order does not show.
    """
    exponents = [exponent for _, exponent in exponentials_in(addend, index)]
    if not exponents:
        return True
    outside = addend.xreplace(dict.fromkeys(exponents, sp.S.One))
    return high is sp.oo and index not in outside.free_symbols


def _proof(sum_: sp.Sum, orders: tuple[Monomial, ...]) -> str | None:
    """The machine proof of the constants: sum i^-p for p > 1, and D_N where X >= 1 or d <= X."""
    index, low, high = sum_.limits[0]
    one, power = sp.Wild("one", exclude=[index]), sp.Wild("power", exclude=[index])
    f = sum_.function
    if low != 1 or len(orders) != 1:
        return None
    if f.match(index**power) is not None and orders[0].expression == 1:
        return "power_sums"
    inside = [part for part in f.args if part != 1] if isinstance(f, sp.Min) else []
    if len(inside) != 1 or len(f.args) != 2:
        return None
    found = inside[0].match(one * index**power)
    if found is None or found[one].is_number:
        return None
    crossing = sp.powdenest(found[one] ** (-1 / found[power]), force=True)
    return "power_sums" if orders[0].expression in (crossing, high) else None


def _constants(region: Region, sum_: sp.Sum, exponents: frozenset[sp.Symbol]) -> Constants | None:
    """Constants that hold in all cells of a region."""
    index, low, high = sum_.limits[0]
    addends = sp.Add.make_args(sum_.function)
    factors = [f for addend in addends if (f := between(addend, index)) is not None]
    if low != 1 or high.is_Integer or len(factors) < len(addends):
        return None
    if not all(_is_plain(addend, index, high) for addend in addends):
        return None
    found: Constants | None = None
    for leaf in region.leaves:
        evaluation = Evaluation.of_parameters(leaf.cell, exponents)
        functions = [evaluation.summand(addend, index, low, high) for addend in addends]
        pairs = list(zip(factors, functions, strict=True))
        constants = constants_of_sum(leaf.cell, pairs, leaf.outcome)
        if constants is None:
            return None
        found = constants if found is None else found.joined(constants)
    return found


def _range_assumed(low: sp.Expr, high: sp.Expr) -> tuple[sp.Basic, ...]:
    """What a range with a symbolic end must hold for a sum to have the order of its integral.

    The sum from M to N has one term at N = M, however large M is, but at N = 2 M about M of them.
    """
    if high is sp.oo or high.is_number or low == 1:
        return ()
    return (sp.Ge(high, low if low.is_number else 2 * low, evaluate=False),)


def _theta(regime: Regime) -> str:
    return rf"\Theta\left({latex_of(regime.order)}\right)"


def _remark_latex(regime: Regime) -> str:
    parts = [_constants_latex(regime), "" if regime.occurs else words(UNKNOWN)]
    return words(", ").join(filter(None, parts))


def _constants_latex(regime: Regime) -> str:
    if regime.lower is None:
        return ""
    ends = f"{latex_of(regime.lower)}{words(' to ')}{latex_of(regime.upper)}"
    of = words(" of ") + latex_of(regime.exact_order) if regime.exact_order != regime.order else ""
    return words("constants ") + ends + of


def _limit(value: Number, index: sp.Symbol, name: str) -> sp.Expr:
    if value is sp.oo or (isinstance(value, str) and value == "oo"):
        return sp.oo
    found = formula_of(value, name)
    if index in found.free_symbols:
        raise InvalidArgumentError(name, value, f"free of the index {index}")
    return found


def _nonempty(root: Cell, exponents: frozenset[sp.Symbol], low: sp.Expr, high: sp.Expr) -> Cell:
    """The part of a cell where a symbolic range is not empty."""
    if high is sp.oo or (high.is_number and low.is_number) or low == 1:
        return root
    evaluation = Evaluation.of_parameters(root, exponents)
    ratio = evaluation.order(high) / evaluation.order(low)
    if not ratio.powers:
        raise InvalidArgumentError("upper", high, f"of a larger order than lower, which is {low}")
    part = root.with_condition(root.at_least_one(ratio))
    if part is None:
        raise InvalidArgumentError("upper", high, f"at least lower, which is {low}")
    return part
