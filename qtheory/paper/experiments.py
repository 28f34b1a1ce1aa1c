"""The experiments that are verified: the paper's own, and the same with a larger batch."""

from __future__ import annotations

from dataclasses import dataclass

from qtheory.model import SGD, Additive, Constant, Multiplicative, PowerLaw, Problem, Quantization
from qtheory.model.run import Run

EPSILONS = ("1e-3", "5e-3", "1e-2")
DIMENSIONS = (50, 100, 200, 400)
BATCHES = (1, 16)
STEPS = 2000


@dataclass(frozen=True)
class Experiment:
    """lambda_i = i^-2, w* = 1, sigma^2 = 1, gamma = 0.1, one scheme on all five targets."""

    scheme: str  # "none", "additive", "shared" or "elementwise"
    epsilon: str
    dim: int
    batch: int
    steps: int = STEPS

    @property
    def id(self) -> str:
        """Its name in check ids."""
        return f"{self.scheme}/eps={self.epsilon}/d={self.dim}/B={self.batch}"

    @property
    def problem(self) -> Problem:
        """The paper's problem in this dimension."""
        return Problem(dim=self.dim, spectrum=PowerLaw(2), target=Constant(1), noise=1)

    @property
    def quantization(self) -> Quantization:
        """The scheme on all five targets."""
        match self.scheme:
            case "none":
                return Quantization()
            case "additive":
                return Quantization.uniform(Additive(self.epsilon))
            case coupling:
                return Quantization.uniform(Multiplicative(self.epsilon, coupling))

    @property
    def sgd(self) -> SGD:
        """The paper's run with this batch size."""
        return SGD(stepsize="0.1", batch=self.batch, steps=self.steps)

    @property
    def run(self) -> Run:
        """All three."""
        return Run(self.problem, self.quantization, self.sgd)


def experiments(steps: int = STEPS) -> list[Experiment]:
    """(i) every level at d = 200, (ii) eps = 1e-2 at every dimension, (iii) both at B = 16.

    Unquantized runs are the baselines, so there is one at every dimension.
    """
    found: list[Experiment] = []
    for batch in BATCHES:
        found += [Experiment("none", "0", d, batch, steps) for d in DIMENSIONS]
        for scheme in ("additive", "shared"):
            found += [Experiment(scheme, eps, 200, batch, steps) for eps in EPSILONS[:-1]]
            found += [Experiment(scheme, EPSILONS[-1], d, batch, steps) for d in DIMENSIONS]
    return found
