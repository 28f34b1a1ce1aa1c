"""A run: what is learned, with which quantizers, by which SGD."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import sympy as sp

from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.covariates import Covariates, Gaussian, KnownMoments
from qtheory.model.error_models import ErrorModel
from qtheory.model.number_format import NumberFormat
from qtheory.model.problem import Problem
from qtheory.model.quantization import STORED, Quantization
from qtheory.model.sgd import SGD
from qtheory.model.window import Window
from qtheory.numbers.exact import Number


class _Three(NamedTuple):
    problem: Problem
    quantization: Quantization
    sgd: SGD


class Run(_Three):
    """The three arguments of every question, checked once; ``*run`` hands them on.

    Raises
    ------
    InvalidArgumentError
        If one of the three is not what its name says.

    Examples
    --------
    >>> from qtheory import Constant, PowerLaw
    >>> run = Run(Problem(2, PowerLaw(2), Constant(1)), Quantization(), SGD("0.1", steps=4))
    >>> problem, quantization, sgd = run
    >>> run.with_steps(8).window
    Window(first=0, count=8, averaged=True)
    """

    __slots__ = ()

    def __new__(cls, problem: Problem, quantization: Quantization, sgd: SGD) -> Run:
        """The three, each of its kind."""
        given = zip(cls._fields, (problem, quantization, sgd), strict=True)
        for (name, value), kind in zip(given, (Problem, Quantization, SGD), strict=True):
            if not isinstance(value, kind):
                article = "an" if kind is SGD else "a"
                raise InvalidArgumentError(name, value, f"{article} {kind.__name__}")
        return super().__new__(cls, problem, quantization, sgd)

    @property
    def sees_rotation(self) -> tuple[str, ...]:
        """The targets whose quantizers act otherwise on features than on their eigenbasis.

        Errors of data and parameters that are elementwise, or those of number formats; only where
        the problem is one of features.
        """
        if self.problem.features is None:
            return ()
        return self.quantization.sees_rotation

    @property
    def changes(self) -> tuple[str, ...]:
        """What the step does beyond that of the paper: a schedule, momentum, stored weights."""
        stored = () if self.quantization.stored.is_exact else (STORED,)
        return (*self.sgd.changes, *stored)

    def covered(
        self,
        in_full: bool = False,
        any_step: bool = False,
        covariates: type[Covariates] | tuple[type[Covariates], ...] = Gaussian,
    ) -> Run:
        """The run, if the theory covers its quantizers: error models, or a format on the data.

        Parameters
        ----------
        in_full
            Whether second moments are full matrices, so that errors may see a rotation.
        any_step
            Whether the recursion is asked, which takes schedules, momentum and stored weights.
        covariates
            The laws of the covariates that it holds for.

        Raises
        ------
        InvalidArgumentError
            If a quantizer is not covered.
        HypothesisError
            If one sees the rotation of the features, and that matters; or if the step is another
            than theorems speak of; or if the covariates have another law than these.
        """
        self._require_law(covariates)
        for name in () if any_step and not self.sees_rotation else self.changes:
            value = getattr(self.quantization if name == STORED else self.sgd, name)
            raise HypothesisError(
                f"{name} is {value}, but this holds for steps of one size without memory, and "
                "weights that are stored exactly: excess_risk and simulate take it"
            )
        for target in self.sees_rotation:
            quantizer = getattr(self.quantization, target)
            if not in_full:
                raise HypothesisError(
                    f"{target} is {quantizer!r}, which sees the rotation of the features to their "
                    "eigenbasis: here it must be additive or shared (excess_risk and simulate take "
                    "elementwise errors of features)"
                )
            if not isinstance(quantizer, ErrorModel):
                raise InvalidArgumentError(
                    target,
                    quantizer,
                    "an error model where the exact risk of features is asked "
                    "(quantization.error_models()); simulate takes it as it is",
                )
        for target, quantizer in self.quantization.items():
            if isinstance(quantizer, NumberFormat) and quantizer.is_biased:
                quantizer.error_model()  # which says why there is none
            on_data = target == "data" and isinstance(quantizer, NumberFormat)
            if not on_data and not isinstance(quantizer, ErrorModel):
                raise InvalidArgumentError(
                    target,
                    quantizer,
                    "an error model where the theory is asked (quantization.error_models() puts "
                    "one in the place of every number format); simulate takes it as it is",
                )
        return self

    def _require_law(self, taken: type[Covariates] | tuple[type[Covariates], ...]) -> None:
        law, data = self.problem.covariates, self.quantization.data
        if not isinstance(law, taken):
            only_gaussian = taken is Gaussian
            needs = "Gaussian data" if only_gaussian else "their fourth moments"
            takes = "upper_bound takes it"
            if isinstance(law, KnownMoments):
                takes = "excess_risk, stability, upper_bound and simulate take it"
            raise HypothesisError(f"covariates is {law}, but this needs {needs}: {takes}")
        if isinstance(data, NumberFormat) and not isinstance(law, Gaussian):
            raise HypothesisError(
                f"covariates is {law}, but the moments of data in {data.name} are those of "
                "Gaussian data: simulate takes it as it is"
            )

    def with_steps(self, steps: Number) -> Run:
        """The same for another number of steps."""
        return Run(self.problem, self.quantization, self.sgd.with_steps(steps))

    def with_stepsize(self, stepsize: sp.Expr) -> Run:
        """The same for another stepsize."""
        return Run(self.problem, self.quantization, replace(self.sgd, stepsize=stepsize))

    @property
    def window(self) -> Window:
        """Which of the iterates SGD returns, for a number of steps."""
        return Window.of(self.sgd)
