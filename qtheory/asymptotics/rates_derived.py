"""The derivation of a rate table, from the statement of T4."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from qtheory.asymptotics.derivation import RateDerivation
from qtheory.asymptotics.rate import Domination, Rate
from qtheory.asymptotics.setting import setting_of, where_it_applies
from qtheory.asymptotics.table import Rates
from qtheory.asymptotics.terms import EFFECTIVE_SAMPLES, EFFECTIVE_SIZE, TERMS
from qtheory.errors import InvalidArgumentError
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.exact import Number, exact
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.cell import Cell, CellOutcome
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.monomial import Monomial
from qtheory.orders.regimes import joined, joined_by_maxima, relations
from qtheory.orders.symbols import formula_of, positive_symbols


@one_at_a_time
def rates(
    problem: Problem,
    quantization: Quantization,
    sgd: SGD,
    regime: Mapping[sp.Symbol | str, sp.Expr | str] | None = None,
    assumptions: Sequence[str | sp.Basic] = (),
    *,
    size: Number | None = None,
) -> Rates:
    r"""The order of every term of the upper bound T4, derived from its statement.

    The spectrum, the target and the error levels are put into the sums of T4, and the sums are
    solved by :func:`asymptotic_sum`. Numbers do not count; symbols for steps, batch, dimension,
    stepsize and error levels are parameters, those of the spectrum and the target are fixed.

    Parameters
    ----------
    problem, quantization, sgd
        With symbols where an order is asked for (``qt.symbols``).
    regime
        Parameters as powers of others, such as ``{d: N**2, eps: N**-1}``; exponents may be symbols.
    assumptions
        Relations among exponents (``b > a + 1``) or parameters (``"N*eps <= 1"``).
    size
        M, where the problem is learned in a random sketch of M features: a symbol, a number or a
        power such as ``N**(1/2)``. Averaged over sketches the spectrum and the target in the
        sketch have deterministic equivalents; their orders are put into T4, so that the table holds
        *asymptotically*. Elementwise data errors act as additive ones of level eps tr(H) / M there,
        an approximation. For M <= d; with the assumption ``"M >= d"`` for M >= d.

    Raises
    ------
    HypothesisError
        If T4 does not apply, or applies nowhere under the assumptions.
    InfiniteRiskError
        If a sum diverges whatever the exponents are, with the cause.
    InvalidArgumentError
        Naming the sub-expression that the calculus does not cover.

    Examples
    --------
    >>> import qtheory as qt
    >>> a, b, N = qt.symbols("a b N")
    >>> problem = qt.Problem(
    ...     dim=qt.oo, spectrum=qt.PowerLaw(a), target=qt.SourceCondition(b), noise=1
    ... )
    >>> table = qt.rates(problem, qt.Quantization(), qt.SGD(stepsize="0.1", steps=N))
    >>> table.assumptions
    (a > 1, b > 1)
    >>> table.variance.order
    N**(-1 + 1/a)
    >>> table.bias.regimes[0].order, table.bias.regimes[0].conditions
    (N**(-(b - 1)/a), (b < 2*a + 1,))

    Source: Theorem 4.1 of Zhang, Su, Zou (arXiv:2510.18259) and its corollaries for polynomial
    spectra; derived here from T4.
    """
    run = Run(problem, quantization, sgd)
    features = None if size is None else _features(size)
    setting = setting_of(run, regime or {}, assumptions, features)
    derivation = RateDerivation(run, setting, where_it_applies(setting), {})
    found = {name: _rate(name, derivation) for name in TERMS}
    found["total"], dominations = _total(derivation)
    conditions, fixed = (*setting.limits, *assumed(derivation.parts)), setting.fixed
    table = Rates(
        problem,
        quantization,
        sgd,
        setting.regime,
        conditions,
        found,
        dominations,
        fixed,
        derivation,
    )

    def with_premises(rates: Mapping[str, Rate]) -> dict[str, Rate]:
        return {
            name: replace(rate, assumptions=table.premises, fixed=fixed, derivation=derivation)
            for name, rate in rates.items()
        }

    return replace(
        table,
        terms=with_premises(found),
        size=features,
        sizes=with_premises(_sizes(derivation)),
    )


def _features(size: Number) -> sp.Expr:
    """M as a formula, or a whole number."""
    found = exact(size, "size") if not isinstance(size, str) else formula_of(size, "size")
    if found.is_number and not (found.is_Integer and found >= 1):
        allowed = "a whole number of at least 1, a symbol, or a power of a parameter"
        raise InvalidArgumentError("size", size, allowed)
    return positive_symbols(found, "size")


def assumed(parts: Sequence[Cell]) -> tuple[sp.Basic, ...]:
    """What the cells are limited to, beside the signs of their parameters."""
    if len(parts) == 1:
        return relations(parts[0].conditions)
    cases = [sp.And(*[c.relation for c in part.conditions]) for part in parts]
    return (sp.Or(*cases),)


def _rate(name: str, derivation: RateDerivation) -> Rate:
    formula = derivation.setting.terms.formulas[name]
    if formula == 0:
        return Rate(name, ())
    return _explored(name, derivation, lambda evaluation: evaluation.order(formula))


def _explored(
    name: str, derivation: RateDerivation, order: Callable[[Evaluation], Monomial]
) -> Rate:
    leaves = derivation.explore(order)
    derivation.leaves[name] = leaves
    orders = [CellOutcome(leaf.cell, (leaf.outcome,)) for leaf in leaves]
    return Rate(name, joined_by_maxima(joined(derivation.root, orders)))


def _sizes(derivation: RateDerivation) -> dict[str, Rate]:
    """The orders of the effective sizes in a sketch."""
    terms = derivation.setting.terms
    sketch = terms.sketch
    if sketch is None:
        return {}
    return {
        EFFECTIVE_SIZE: _explored(EFFECTIVE_SIZE, derivation, sketch.effective_size),
        EFFECTIVE_SAMPLES: _explored(
            EFFECTIVE_SAMPLES, derivation, lambda there: there.order(terms.sizes[EFFECTIVE_SAMPLES])
        ),
    }


def _total(derivation: RateDerivation) -> tuple[Rate, tuple[Domination, ...]]:
    formulas = derivation.setting.formulas

    def compute(evaluation: Evaluation) -> tuple[tuple[str, ...], Monomial]:
        orders = {name: evaluation.order(formula) for name, formula in formulas.items()}
        largest = evaluation.cell.largest(orders.values())
        names = [n for n, o in orders.items() if evaluation.cell.compare(o, largest) == 0]
        return tuple(names), largest

    leaves = derivation.explore(compute)
    derivation.leaves["total"] = leaves
    regions = joined(derivation.root, leaves)
    dominations = tuple(
        Domination(region.relations, region.outcome[0], region.outcome[1:], region.occurs)
        for region in regions
    )
    orders = [CellOutcome(leaf.cell, (leaf.outcome[1],)) for leaf in leaves]
    return Rate("total", joined_by_maxima(joined(derivation.root, orders))), dominations
