"""Rates: the orders of all terms of the upper bound T4, with their regimes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from qtheory.asymptotics.derivation import RateDerivation
from qtheory.asymptotics.phases import Phases, phases_of
from qtheory.asymptotics.rate import Domination, Rate
from qtheory.asymptotics.terms import EFFECTIVE_SAMPLES, EFFECTIVE_SIZE
from qtheory.asymptotics.writing import table_latex, table_text
from qtheory.errors import HypothesisError, InvalidArgumentError, MissingLibraryError
from qtheory.model.problem import Problem
from qtheory.model.quantization import TARGETS, Quantization
from qtheory.model.sgd import SGD
from qtheory.numbers.exact import Number, exact
from qtheory.orders.monomial import Monomial
from qtheory.orders.symbols import symbol_named


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
