"""A run: what is learned, with which quantizers, by which SGD."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.model.error_models import ErrorModel
from qtheory.model.number_format import NumberFormat
from qtheory.model.problem import Problem
from qtheory.model.quantization import Quantization
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

    def covered(self) -> Run:
        """The run, if the theory covers its quantizers: error models, or a format on the data."""
        for target, quantizer in self.quantization.items():
            on_data = target == "data" and isinstance(quantizer, NumberFormat)
            if not on_data and not isinstance(quantizer, ErrorModel):
                raise InvalidArgumentError(
                    target,
                    quantizer,
                    "an error model where the theory is asked (quantization.error_models() puts "
                    "one in the place of every number format); simulate takes it as it is",
                )
        return self

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
