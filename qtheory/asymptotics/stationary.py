r"""The stationary covariance of SGD under quantization, coordinate by coordinate.

In the steady state E w = w^q and the recursion of section 2 leaves, for c_i = E w_i^2 - (w^q_i)^2,

.. math::
    2 c_i = \gamma\,(S + \lambda^q_i (\kappa' c_i + q_i)), \qquad
    S = S_0 + \alpha \sum_i \lambda^q_i c_i .

S is the effective noise: what all coordinates together put on each. With x_i = gamma lambda^q_i,

.. math::
    c_i = \gamma \frac{S + \lambda^q_i q_i}{2 - \kappa' x_i}, \qquad
    S = \frac{S_0 + \alpha E}{1 - \alpha\Theta}, \qquad
    \Theta = \sum_i \frac{x_i}{2 - \kappa' x_i}, \quad
    E = \sum_i \frac{x_i \lambda^q_i q_i}{2 - \kappa' x_i} .

alpha, kappa' - 1, S_0 and q_i are alpha, kappa, s^2 and q_i of :mod:`qtheory.theory.coordinate`.
It needs data errors that are all additive or all multiplicative, so that the tables Q, T, Y are of
rank one off the diagonal: Q_ij = k_s lambda^q_i lambda^q_j, T_ij = t_s lambda^q_i lambda_j.

Source: section 2 of the project's theory, solved for its fixed point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from qtheory.errors import InfiniteRiskError, InvalidArgumentError
from qtheory.model import Explicit, Problem
from qtheory.model.formats import NumberFormat
from qtheory.model.run import Run
from qtheory.theory import definitions as symbols
from qtheory.theory.coordinate import constants
from qtheory.theory.notation import i, lam, sigma2, w_star, wq

_ALLOWED = "an error model that is additive or multiplicative, not both"


@dataclass(frozen=True)
class Stationary:
    """The formulas of one problem, quantization and run; per coordinate ones hold the index i."""

    dim: sp.Expr
    eigenvalue: sp.Expr  # lambda_i
    signal: sp.Expr  # lambda_i w*_i^2
    quantized_eigenvalue: sp.Expr  # lambda^q_i
    ratio: sp.Expr  # lambda_i / lambda^q_i, a constant unless data errors are additive
    gap: sp.Expr  # (w*_i - w^q_i) / w*_i = D_i / lambda^q_i
    x: sp.Expr  # gamma lambda^q_i
    kappa: sp.Expr  # kappa' above, 1 more than kappa of T4'
    alpha: sp.Expr
    cross_moment: sp.Expr  # t_s, with T_ij = t_s lambda^q_i lambda_j off the diagonal
    theta: sp.Expr  # Theta
    noise: sp.Expr  # S
    own_noise: sp.Expr  # q_i
    stepsize: sp.Expr

    def total(self, term: sp.Expr) -> sp.Expr:
        """The sum of a term over all coordinates, factors without i pulled out."""
        return total(term, self.dim)

    def fluctuation(self, weight: sp.Expr) -> sp.Expr:
        """The sum over all coordinates of weight_i c_i, the stationary variance."""
        response = weight * self.stepsize / (2 - self.kappa * self.x)
        own = sum(
            self.total(response * self.quantized_eigenvalue * part)
            for part in sp.Add.make_args(self.own_noise)
        )
        return self.noise * self.total(response) + own


def total(term: sp.Expr, dim: sp.Expr) -> sp.Expr:
    """The sum of a term over i = 1, ..., dim, an ``sp.Sum`` for each of its summands."""
    result = sp.S.Zero
    for summand in sp.Add.make_args(term):
        factor, rest = summand.as_independent(i, as_Add=False)
        if factor != 0:
            result += factor * (dim if rest == 1 else sp.Sum(sp.powsimp(rest), (i, 1, dim)))
    return result


def stationary(run: Run) -> Stationary:
    r"""The stationary covariance; see the module.

    Raises
    ------
    InvalidArgumentError
        If the data errors are a number format, or additive and multiplicative at once.
    InfiniteRiskError
        If the dimension is infinite and the data errors are additive.

    Examples
    --------
    >>> import qtheory as qt
    >>> problem = qt.Problem(dim=3, spectrum=qt.Explicit([1, 1, 1]), target=qt.Constant(1))
    >>> stationary(Run(problem, qt.Quantization(), qt.SGD("0.1", steps=1))).theta
    Sum(lambda[i]/(2 - lambda[i]/5), (i, 1, 3))/10
    """
    problem, quantization, sgd = run
    data = quantization.data
    if isinstance(data, NumberFormat):
        raise InvalidArgumentError("data", data, _ALLOWED)
    if data.additive != 0 and data.multiplicative != 0:
        raise InvalidArgumentError("data", data, _ALLOWED)
    if problem.dim is sp.oo and data.additive != 0:
        raise InfiniteRiskError(
            f"dim is infinite, and an additive data error of variance {data.additive} has infinite "
            "trace: use a finite dim, or a multiplicative data error"
        )
    known = constants(quantization, sgd.batch)
    alpha, kappa, gamma = known[symbols.alpha], known[symbols.kappa] + 1, sgd.stepsize

    value, signal, square = _coordinates(problem)
    distortion = data.multiplicative * value + data.additive
    if data.additive == 0:
        quantized = (1 + data.multiplicative) * value
        ratio = 1 / (1 + data.multiplicative)
        gap = data.multiplicative / (1 + data.multiplicative)
    else:
        quantized = value + distortion
        ratio, gap = value / quantized, distortion / quantized
    x = gamma * quantized
    G, Gq = total(signal, problem.dim), total(signal * ratio, problem.dim)
    at_rest = {
        sigma2: problem.noise,
        symbols.norm: G,
        symbols.norm_q: Gq,
        symbols.A: (G - Gq) / 2,
        symbols.tr: total(quantized, problem.dim)
        if quantization.parameter.additive != 0
        else sp.S.Zero,
    }
    start = known[symbols.s2].xreplace(at_rest)
    # q_i is affine in (w^q_i)^2: the constant part comes from the parameter
    own, with_signal = (known[symbols.q[i]].xreplace({wq[i]: sp.Integer(w)}) for w in (0, 1))
    own += sp.factor(with_signal - own) * square * ratio**2

    theta = total(x / (2 - kappa * x), problem.dim)
    without = Stationary(
        dim=problem.dim,
        eigenvalue=value,
        signal=signal,
        quantized_eigenvalue=quantized,
        ratio=ratio,
        gap=gap,
        x=x,
        kappa=kappa,
        alpha=alpha,
        cross_moment=known[symbols.t_s],
        theta=theta,
        noise=sp.S.Zero,
        own_noise=own,
        stepsize=gamma,
    )
    driven = start + alpha * without.fluctuation(quantized)  # S_0 + alpha E
    return replace(without, noise=driven / (1 - alpha * theta))


def _coordinates(problem: Problem) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """lambda_i, lambda_i w*_i^2 and w*_i^2: formulas in i, or lambda[i], w*[i] if listed."""
    if isinstance(problem.spectrum, Explicit) or isinstance(problem.target, Explicit):
        square = w_star[i] ** 2
        return lam[i], lam[i] * square, square
    value = problem.spectrum.formula
    square = sp.powdenest(problem.target.formula(value) ** 2, force=True)
    return value, sp.powsimp(value * square), square
