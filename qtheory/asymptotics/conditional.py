r"""Learning in a random sketch, in orders: the conditional problem that T4 and T5 are asked about.

Given a sketch of M features, learning in it is a problem of dimension min(M, d) with the spectrum
s_1, s_2, ... of Sigma = S H S^T, the target v* in its eigenbasis, and label noise of variance perp
more (see :mod:`qtheory.asymptotics.sketch`). The orders of the three follow from their
deterministic equivalents, with -z = kappa (1 - df1(kappa) / M):

- M / kappa(-x) = sum_j 1 / (s_j + x): there are df1(kappa(-x)) eigenvalues above x, and down to
  kappa_0, where df1(kappa_0) = M, kappa(-x) is of the order of x. So s_j is of the order of
  lambda_j for j <= M, if kappa_0 is of the order of lambda_M; the table applies where it is.
- On the support Im kappa(x) is of the order of x J / M, for J eigenvalues above x, and the energies
  s_j v*_j^2 have the density Im sum_i lambda_i theta_i^2 / (lambda_i + kappa(x)) / x. The poles
  near x give theta_j^2. Those far above it leak: s_j v*_j^2 has a part
  (s_j / M) sum_{i <= j} w*_i^2 more. Those far below leave s_j^-1 M^-1 sum_{i > j} lambda_i
  theta_i^2, at most j / M of theta_j^2 where theta_j falls like a power.
- perp = sum_i theta_i^2 kappa_0 / (lambda_i + kappa_0), and nothing for M > d, where kappa_0 = 0.

What follows from them is an asymptotic equivalent, no bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy as sp

from qtheory.model.error_models import Additive
from qtheory.model.run import Run
from qtheory.orders.balance import balance
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.monomial import Monomial
from qtheory.theory import notation as n

#: perp, the label noise that a sketch adds, and kappa, which no symbol of a user is.
PERP = sp.Symbol("perp", nonnegative=True)
KAPPA = sp.Symbol("kappa of the sketch", positive=True)
_up_to_here = sp.Symbol("index up to i", positive=True)


@dataclass(frozen=True)
class RandomSketch:
    """A random sketch of a problem.

    Attributes
    ----------
    size
        M, the number of features.
    dim
        That of the problem.
    eigenvalue, coefficient
        lambda_i and w*_i, as formulas in the coordinate i.
    level
        That of additive data errors.
    loses
        Whether M <= d, so that a sketch loses something; else M >= d.
    """

    size: sp.Expr
    dim: sp.Expr
    eigenvalue: sp.Expr
    coefficient: sp.Expr
    level: sp.Expr
    loses: bool

    @property
    def count(self) -> sp.Expr:
        """The dimension of the conditional problem without directions that have no variance."""
        return self.size if self.loses else self.dim

    @property
    def idle(self) -> sp.Expr:
        """How many features no data have a variance in, but errors have."""
        return sp.S.Zero if self.loses else self.size

    @property
    def target(self) -> sp.Expr:
        """v*_i: that of the problem, and what leaks from the directions above."""
        square = self.coefficient**2
        if square == 0:
            return sp.S.Zero
        above = sp.Sum(square.xreplace({n.i: _up_to_here}), (_up_to_here, 1, n.i))
        return sp.sqrt(square + above / self.size)

    @property
    def edge(self) -> sp.Expr:
        """lambda_M, which kappa_0 has to be of the order of."""
        return self.eigenvalue.xreplace({n.i: self.size})

    @property
    def perp(self) -> sp.Expr:
        """What the features cannot express of ||w*||_H^2."""
        if not self.loses:
            return sp.S.Zero
        unlearnt = sp.Min(1, self.edge / self.eigenvalue)
        energy = self.eigenvalue * self.coefficient**2
        return sp.Sum(energy * unlearnt, (n.i, 1, self.dim)) if energy != 0 else sp.S.Zero

    def learnt(self, kappa: sp.Expr) -> sp.Expr:
        """df1(kappa) up to constants."""
        return sp.Sum(sp.Min(1, self.eigenvalue / kappa), (n.i, 1, self.dim))

    def kappa(self, evaluation: Evaluation, level: sp.Expr) -> Monomial:
        """The order of kappa in a cell, from level = kappa (1 - df1(kappa) / M)."""
        return balance(evaluation, KAPPA, KAPPA, level + KAPPA * self.learnt(KAPPA) / self.size)

    def keeps_spectrum(self, evaluation: Evaluation) -> bool:
        """Whether s_j is of the order of lambda_j down to the last of the features, in a cell."""
        if not self.loses:
            return True
        kappa = self.kappa(evaluation, sp.S.Zero)
        return evaluation.cell.compare(kappa, evaluation.order(self.edge)) == 0

    def effective_size(self, evaluation: Evaluation) -> Monomial:
        """The order of df1(kappa) in a cell, at the level of the data errors."""
        if self.level == 0 and not self.loses:
            return evaluation.order(self.dim)
        kappa = self.kappa(evaluation, self.level)
        there = replace(evaluation, values={**evaluation.values, KAPPA: kappa}, _known={})
        return there.order(self.learnt(KAPPA))


def as_additive(run: Run, size: sp.Expr) -> Run:
    """The run with elementwise data errors eps as additive ones of level eps tr(H) / M.

    All features of a sketch are of one size, tr(H) / M up to constants: an approximation, in which
    the sizes are independent of what they scale. tr(H) is of the order of 1 where it is finite.
    """
    data = run.quantization.data
    level = getattr(data, "elementwise", sp.S.Zero)
    if level == 0:
        return run
    plain = Additive(data.additive + level / size)
    return Run(run.problem, replace(run.quantization, data=plain), run.sgd)


def in_sketch(
    base: Mapping[sp.Basic, sp.Expr],
    coordinatewise: Mapping[sp.Basic, sp.Expr],
    sketch: RandomSketch,
) -> tuple[dict[sp.Basic, sp.Expr], dict[sp.Basic, sp.Expr]]:
    """What the symbols of the theory stand for in the conditional problem."""
    noise = base[n.sigma2] + (PERP if sketch.perp != 0 else 0)
    return (
        {**base, n.d: sketch.count, n.sigma2: noise},
        {**coordinatewise, n.w_star[n.i]: sketch.target},
    )
