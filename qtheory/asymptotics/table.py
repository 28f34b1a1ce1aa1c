"""Rates: the orders of all terms of the upper bound T4, with their regimes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from qtheory.asymptotics.derivation import RateDerivation
from qtheory.asymptotics.phases import Phases, phases_of
from qtheory.asymptotics.rate import Domination, Rate
from qtheory.asymptotics.setting import setting_of, where_it_applies
from qtheory.asymptotics.terms import EFFECTIVE_SAMPLES, EFFECTIVE_SIZE, TERMS
from qtheory.asymptotics.writing import table_latex, table_text
from qtheory.errors import HypothesisError, InvalidArgumentError, MissingLibraryError
from qtheory.model.problem import Problem
from qtheory.model.quantization import TARGETS, Quantization
from qtheory.model.run import Run
from qtheory.model.sgd import SGD
from qtheory.numbers.exact import Number, exact
from qtheory.numbers.precision import one_at_a_time
from qtheory.orders.cell import Cell, CellOutcome
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.monomial import Monomial
from qtheory.orders.regimes import joined, joined_by_maxima, relations
from qtheory.orders.symbols import formula_of, positive_symbols, symbol_named


@dataclass(frozen=True)
class Rates:
    r"""The orders of the terms of T4, up to constants.

    .. math:: E R(\bar w_N) \le A + \text{bias} + \text{variance} + \text{amplification}
              + \text{noise of each target}.

    ``variance`` is the part of sigma^2, ``amplification`` what the noise of the
    gradients adds while the bias decays, and ``by_target`` what each quantizer adds to the noise.

    Attributes
    ----------
    assumptions
        Besides the limits of the parameters (steps, batch and dimension at least 1; stepsize and
        error levels at most 1): what is assumed, for the sums to be finite and for T4 to apply.
    fixed
        The symbols of the spectrum, the target and the exponents of the regime, which are held
        fixed: the factors of the orders depend on them.
    size
        M, where the problem is learned in a random sketch of M features. Then the orders are those
        of deterministic equivalents: T4 and T5 hold for a given sketch, what they are put into is
        known as M grows. ``terms["sketch"]`` is what a sketch adds to the noise.
    sizes
        There, the orders of the effective model size and of the effective number of samples.
    """

    problem: Problem
    quantization: Quantization
    sgd: SGD
    regime: Mapping[sp.Symbol, sp.Expr]
    assumptions: tuple[sp.Basic, ...]
    terms: Mapping[str, Rate]
    dominations: tuple[Domination, ...]
    fixed: tuple[sp.Symbol, ...] = ()
    derivation: RateDerivation | None = field(default=None, repr=False, compare=False)
    size: sp.Expr | None = None
    sizes: Mapping[str, Rate] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Orders and conditions as text; ``occurs`` is null where that is not known.

        ``forms`` holds the compact forms, null where there is none, and ``tight`` is null where it
        is not known.
        """
        return {
            **({} if self.size is None else self._size_as_json()),
            "assumptions": [str(condition) for condition in self.assumptions],
            "fixed": [str(symbol) for symbol in self.fixed],
            "taken_positive": [str(symbol) for symbol in self.taken_positive],
            "terms": {
                name: [
                    {
                        "order": str(regime.order),
                        "where": [str(c) for c in regime.conditions],
                        "occurs": regime.occurs,
                    }
                    for regime in rate.regimes
                ]
                for name, rate in self.terms.items()
            },
            "dominating": [
                {
                    "terms": list(case.terms),
                    "order": str(case.order),
                    "where": [str(c) for c in case.conditions],
                    "occurs": case.occurs,
                }
                for case in self.dominations
            ],
            "forms": {
                name: None if rate.compact is None else rate.compact.as_json()
                for name, rate in self.terms.items()
            },
            "tight": {
                name: {"tight": found.is_tight, "reason": found.reason}
                for name, rate in self.terms.items()
                if name != "total" and (found := rate.tightness) is not None
            },
        }

    def _size_as_json(self) -> dict[str, Any]:
        """The size of a sketch, what kind of result that makes, and the effective sizes."""
        return {
            "kind": "equivalent",
            "size": str(self.size),
            **{
                name.replace(" ", "_"): [
                    {"order": str(regime.order), "where": [str(c) for c in regime.conditions]}
                    for regime in rate.regimes
                ]
                for name, rate in self.sizes.items()
            },
        }

    @property
    def premises(self) -> tuple[sp.Basic, ...]:
        """The regime as equations, and the assumptions: what the orders are true under."""
        regime = [sp.Eq(p, value, evaluate=False) for p, value in self.regime.items()]
        return (*regime, *self.assumptions)

    @property
    def taken_positive(self) -> tuple[sp.Symbol, ...]:
        """The symbols that were given without a sign: all parameters are positive here."""
        problem, sgd = self.problem, self.sgd
        models = [model for _, model in self.quantization.items()]
        given = [
            value
            for part in (problem.spectrum, problem.target, *models)
            for value in vars(part).values()
        ]
        given += [problem.dim, problem.noise, sgd.stepsize, sgd.batch, sgd.steps, self.size]
        found = sp.Tuple(*(part for part in given if isinstance(part, sp.Basic))).free_symbols
        return tuple(sorted((s for s in found if s.is_positive is None and s.name != "i"), key=str))

    @property
    def approximation(self) -> Rate:
        """A of theorem T1."""
        return self.terms["approximation"]

    @property
    def bias(self) -> Rate:
        """The bias of the iterate average."""
        return self.terms["bias"]

    @property
    def variance(self) -> Rate:
        """The part of the label noise sigma^2."""
        return self.terms["variance"]

    @property
    def amplification(self) -> Rate:
        """What gradient noise adds while the bias decays."""
        return self.terms["amplification"]

    @property
    def by_target(self) -> Mapping[str, Rate]:
        """What each quantizer adds to the noise level."""
        return {target: self.terms[target] for target in TARGETS}

    @property
    def effective_size(self) -> Rate:
        """The order of df1(kappa), the directions that a sketch with errors of the data learns.

        kappa solves level = kappa (1 - df1(kappa) / M).

        Raises
        ------
        InvalidArgumentError
            If the problem is not learned in a sketch.
        """
        return self._of_sketch(EFFECTIVE_SIZE)

    @property
    def effective_samples(self) -> Rate:
        """The order of N sigma^2 / s^2: the steps that leave as much noise with sigma^2 alone.

        Raises
        ------
        InvalidArgumentError
            If the problem is not learned in a sketch.
        """
        return self._of_sketch(EFFECTIVE_SAMPLES)

    def _of_sketch(self, name: str) -> Rate:
        if self.size is None:
            allowed = "a number of features: rates(..., size=M)"
            raise InvalidArgumentError("size", self.size, allowed)
        return self.sizes[name]

    @property
    def total(self) -> Rate:
        """The order of the whole bound."""
        return self.terms["total"]

    @property
    def dominating(self) -> tuple[str, ...]:
        """The terms of the order of the whole bound, if they are the same everywhere.

        Raises
        ------
        InvalidArgumentError
            If they depend on the regime; ``dominations`` has them all.
        """
        if len(self.dominations) != 1:
            raise InvalidArgumentError(
                "regime", self.regime, "one in which the same terms dominate; see .dominations"
            )
        return self.dominations[0].terms

    def exponents_at(
        self, parameter: sp.Symbol, values: Mapping[sp.Symbol, Number]
    ) -> dict[str, sp.Expr]:
        """The exponent of a parameter in every term that is not zero, largest first.

        Parameters
        ----------
        values
            Numbers for the symbols in exponents. On a boundary the regimes that meet agree.

        Raises
        ------
        HypothesisError
            If T4 does not apply there.
        """
        point = {
            symbol_named(symbol, "values"): exact(value, str(symbol))
            for symbol, value in values.items()
        }
        symbol = symbol_named(parameter, "parameter")
        self._require_values(point)
        if any(_holds(condition, point) is False for condition in self.assumptions):
            raise HypothesisError(f"T4 does not apply at {point}: it needs {self.assumptions}")
        found = {}
        for name, rate in self.terms.items():
            for regime in rate.regimes:
                if all(_holds(condition, point) for condition in regime.conditions):
                    found[name] = regime.exponent(symbol).subs(point)
                    break
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _require_values(self, point: Mapping[sp.Symbol, sp.Expr]) -> None:
        """Raise unless the conditions of all regimes can be decided at a point."""
        relations = [*self.assumptions]
        for rate in self.terms.values():
            for regime in rate.regimes:
                relations += regime.conditions
        missing = set().union(*[relation.free_symbols for relation in relations]) - set(point)
        if missing:
            names = ", ".join(sorted(map(str, missing)))
            raise InvalidArgumentError("values", dict(point), f"a number for {names} too")

    def phases(
        self,
        x: sp.Symbol,
        y: sp.Symbol,
        window: tuple[tuple[Number, Number], tuple[Number, Number]] | None = None,
    ) -> Phases:
        """Which terms dominate in the plane of two exponents of the regime.

        Parameters
        ----------
        x, y
            Symbols in the exponents of ``regime``, such as delta and e of
            ``{d: N**delta, eps: N**-e}``; all other exponents must be numbers.
        window
            ((x0, x1), (y0, y1)); by default from 0 to beyond the last corner.

        Raises
        ------
        InvalidArgumentError
            If a condition is not linear in x and y, or holds another symbol.

        Examples
        --------
        >>> import qtheory as qt
        >>> N, d, eps, delta, e = qt.symbols("N d eps delta e")
        >>> problem = qt.Problem(dim=d, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
        >>> table = qt.rates(
        ...     problem,
        ...     qt.Quantization(data=qt.Additive(eps)),
        ...     qt.SGD(stepsize="0.1", steps=N),
        ...     regime={d: N**delta, eps: N**-e},
        ... )
        >>> [phase.terms for phase in table.phases(x=delta, y=e).at("1/4", 2)]
        [('variance',)]
        """
        axes = [symbol_named(axis, name) for name, axis in (("x", x), ("y", y))]
        used = set().union(*[value.free_symbols for value in self.regime.values()])
        for name, axis in zip("xy", axes, strict=True):
            if axis not in used:
                raise InvalidArgumentError(name, axis, "a symbol in the exponents of the regime")
        cases = [
            (case.terms, _single_exponent(case.orders[0]), case.conditions)
            for case in self.dominations
        ]
        return phases_of(cases, self.assumptions, axes[0], axes[1], window)

    def latex(self) -> str:
        r"""The table as LaTeX's ``aligned``: compact forms, scales, and what is assumed.

        It takes the packages amsmath and amssymb, for ``aligned`` and ``\lesssim``.
        """
        return table_latex(self)

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def _repr_html_(self) -> str | None:
        """The table beside its phase diagram where two exponents are free; else LaTeX alone."""
        free = sorted(set().union(*[v.free_symbols for v in self.regime.values()]), key=str)
        axes = [symbol for symbol in free if symbol in self.fixed]
        if len(axes) != 2:
            return None
        try:
            from qtheory.numbers.figure import svg_of

            diagram = svg_of(self.phases(*axes).plot, 7, 5)
        except (InvalidArgumentError, MissingLibraryError):  # another symbol is left; no matplotlib
            return None
        return f"<div>{self._repr_latex_()}</div><div>{diagram}</div>"

    def __str__(self) -> str:
        return table_text(self)


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


def _holds(condition: sp.Basic, point: Mapping[sp.Symbol, sp.Expr]) -> bool | None:
    """Whether a condition holds at a point, boundary included; None if it has other symbols."""
    gap = (condition.lhs - condition.rhs).subs(point)
    if gap.free_symbols:
        return None
    if isinstance(condition, sp.Eq):
        return bool(gap == 0)
    return bool(gap >= 0 if isinstance(condition, sp.Gt | sp.Ge) else gap <= 0)


def _single_exponent(order: Monomial) -> sp.Expr:
    """The exponent of an order in one parameter."""
    if len(order.powers) > 1:
        raise InvalidArgumentError(
            "regime", order.expression, "one that leaves a single large parameter"
        )
    return order.powers[0][1] if order.powers else sp.S.Zero


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
