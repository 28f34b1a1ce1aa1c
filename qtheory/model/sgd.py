"""The algorithm: constant-stepsize SGD and which combination of its iterates is returned."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number, positive, positive_integer

OUTPUTS = ("average", "last", "tail")


# As a power of ten: a batch so large stands for infinity, and float64 still holds it.
_LARGEST_BATCH = 300


@dataclass(frozen=True)
class SGD:
    r"""Mini-batch SGD from :math:`w_0 = 0` with a constant stepsize.

    Parameters
    ----------
    stepsize
        gamma > 0.
    batch
        B, samples per step, at least 1.
    steps
        N, at least 1.
    output
        ``"average"``: :math:`\bar w_N = \frac1N \sum_{t<N} w_t`; ``"last"``: :math:`w_N`;
        ``"tail"``: the average of the last fraction ``tail`` of :math:`w_0, \dots, w_{N-1}`.
    tail
        The fraction for ``output="tail"``, in (0, 1]; the number of iterates averaged is
        ``ceil(tail * N)``.

    Examples
    --------
    >>> SGD(stepsize="0.1", steps=1000)
    SGD(stepsize=1/10, batch=1, steps=1000, output='average', tail=1/2)
    """

    stepsize: sp.Expr
    batch: sp.Expr
    steps: sp.Expr
    output: str
    tail: sp.Expr

    def __init__(
        self,
        stepsize: Number,
        batch: Number = 1,
        *,
        steps: Number,
        output: str = "average",
        tail: Number = "1/2",
    ) -> None:
        if not isinstance(output, str) or output not in OUTPUTS:
            raise InvalidArgumentError("output", output, "'average', 'last' or 'tail'")
        fraction = positive(tail, "tail")
        if fraction.is_number and fraction > 1:
            raise InvalidArgumentError("tail", tail, "a fraction in (0, 1]")
        object.__setattr__(self, "stepsize", positive(stepsize, "stepsize"))
        object.__setattr__(self, "batch", positive_integer(batch, "batch", _LARGEST_BATCH))
        object.__setattr__(self, "steps", positive_integer(steps, "steps"))
        object.__setattr__(self, "output", output)
        object.__setattr__(self, "tail", fraction)

    def with_steps(self, steps: Number) -> SGD:
        """The same run with another number of steps."""
        return SGD(self.stepsize, self.batch, steps=steps, output=self.output, tail=self.tail)

    @property
    def first_averaged(self) -> sp.Expr:
        """Index of the first iterate in the average (0 for the plain average)."""
        if self.output == "tail":
            return self.steps - sp.ceiling(self.tail * self.steps)
        return sp.S.Zero
