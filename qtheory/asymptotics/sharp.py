r"""Theorem T9: the excess risk as N grows, with its constants.

In infinite dimension, lambda_i = scale i^-a and exact or multiplicative data, lambda^q =
(1 + eps) lambda. With y_i = X i^-a, X = N gamma (1 + eps) scale, the mean error of coordinate i
is :math:`w^q_i - w^*_i - w^q_i \psi(y_i)`, so the risk of the mean is

.. math:: \frac1{2(1+\epsilon)^2} \sum_i \lambda_i w_i^{*2} (\epsilon + \psi(y_i))^2, \qquad
    \psi(y) = \frac{1-e^{-y}}{y},\quad e^{-y},\quad e^{-(1-f)y}\,\frac{1-e^{-fy}}{fy}

for the average, the last iterate and the average of the last fraction f. The fluctuation of an
average is, with the effective noise S of :mod:`qtheory.asymptotics.stationary`,

.. math:: \frac{S}{2 N f^2 (1+\epsilon)} \sum_i \varphi_f(y_i),\qquad \varphi_f(y) =
    \int_{1-f}^1 (1 - e^{-2y\tau})(1 - e^{-y(1-\tau)})\,d\tau .

The last iterate keeps the fluctuation 1/2 sum lambda c_i. What it lacks from that makes S smaller
than its limit, and the coordinates of large eigenvalue follow S at once: this feeds back with the
factor 1/(1 - alpha Theta). With u the part of S that is due to E w - w^q, the risk is off by

.. math:: \frac1{2(1+\epsilon)(1-\alpha\Theta)} \Big(\Theta u_N -
    \frac S2 \sum_i \gamma\lambda^q_i e^{-2y_i}\Big) .

Where S = 0 (no noise, and at most gradient errors, which are multiplicative) what fluctuates is the
noise of the start, of total :math:`Z = \sum_t S_t`, finite for b > a + 1; an average then has
:math:`\frac{Z}{2N^2f^2} \sum_i (e^{-2(1-f)y_i} + e^{-2y_i} - 2e^{-(2-f)y_i})`, the last iterate
:math:`\frac{Z}{2N^2(1-\alpha\Theta)} \sum_i y_i^2 e^{-2y_i}`, for the same feedback. It is of order
:math:`N^{1/a-2}`, more than the bias for b > 2a.

The sums over i are those of :mod:`qtheory.asymptotics.mellin`. In finite dimension rho^N vanishes
faster than every power of N, and an average has risk F + (1/N) sum_i lambda_i [ (w*_i - w^q_i)
w^q_i / x_i + c_i (2 - x_i) / (2 x_i) ] + O(N^-2); a tail average has no mean part, and 1/f times
the other.

Source: T9 of the project's theory, here with quantization; without it the shape is that of Zou,
Wu, Braverman, Gu, Kakade (JMLR 24, 2023).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import sympy as sp

from qtheory.asymptotics.mellin import leading_terms
from qtheory.asymptotics.numeric import agreed, value_of
from qtheory.asymptotics.stationary import Stationary, stationary, total
from qtheory.errors import InfiniteRiskError, InvalidArgumentError, SymbolicValueError
from qtheory.model import SGD, Constant, Explicit, PowerLaw, Problem, Quantization, SourceCondition
from qtheory.model.instance import instantiate, require_moving
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import MPMath
from qtheory.numbers.certify import MOST_DIGITS
from qtheory.numbers.evaluate import DIMENSION, evaluate
from qtheory.numbers.exact import Number, require_numeric, whole
from qtheory.numbers.latex import latex_of
from qtheory.risk.stability import require_stable
from qtheory.theory.notation import N, i, lam, w_star

_y = sp.Symbol("y", positive=True)


@dataclass(frozen=True)
class SharpValues:
    """The parts of the leading asymptotics as mpmath numbers."""

    noise: Any
    floor: Any
    bias: Any
    variance: Any
    transient: Any
    total: Any


@dataclass(frozen=True)
class SharpConstants:
    r"""The leading terms of the excess risk for N steps, N growing, as SymPy expressions.

    ``noise`` is the effective noise S. ``floor`` is the limit of the risk; ``bias`` is what the
    mean adds to it, ``variance`` what the fluctuation adds, ``transient`` what the noise of the
    start adds where S = 0. Each part holds its own slowest terms, so a part that is slower than
    another may be smaller than what the other neglects: the relative error of ``total - floor``
    vanishes, that of a part need not be seen in the total.
    """

    problem: Problem
    quantization: Quantization
    sgd: SGD
    noise: sp.Expr
    floor: sp.Expr
    bias: sp.Expr
    variance: sp.Expr
    transient: sp.Expr

    @property
    def total(self) -> sp.Expr:
        """The leading asymptotics of the risk."""
        return self.floor + sum(self._moving())

    @property
    def inverse_steps(self) -> sp.Expr:
        """The coefficient of 1/N in finite dimension."""
        if self.problem.dim is sp.oo:
            raise InvalidArgumentError("dim", self.problem.dim, "finite for an expansion in 1/N")
        return sp.expand((self.bias + self.variance) * _steps(self.sgd))

    def at(self, steps: Number, digits: int = 15) -> SharpValues:
        """The parts for a number of steps.

        Raises
        ------
        SymbolicValueError
            If a parameter is a symbol.
        """
        digits = whole(digits, "digits", 1, MOST_DIGITS)
        run = self.sgd.with_steps(steps)
        require_numeric(run.steps, "steps")
        values = {
            name: self._number(formula.xreplace({_steps(self.sgd): run.steps}), digits)
            for name, formula in self._parts().items()
        }
        return SharpValues(**values)

    def evaluate(self, digits: int = 15) -> SharpValues:
        """The parts for the number of steps of the run."""
        return self.at(self.sgd.steps, digits)

    def _moving(self) -> tuple[sp.Expr, ...]:
        """The parts that vanish as N grows."""
        return self.bias, self.variance, self.transient

    def _parts(self) -> dict[str, sp.Expr]:
        return {part.name: getattr(self, part.name) for part in fields(SharpValues)}

    def _number(self, formula: sp.Expr, digits: int) -> Any:
        if self.problem.dim is sp.oo:
            require_numeric(formula, "the formula")
            return agreed(lambda working: value_of(formula, working), digits)

        def compute(working: int) -> Any:
            arithmetic = MPMath(digits=working)
            run = Run(self.problem, self.quantization, self.sgd.with_steps(1))
            instance = instantiate(run, arithmetic)
            count = len(instance.eigenvalues)
            require_moving(self.problem, self.quantization, instance.eigenvalues)
            values = {
                lam: instance.eigenvalues,
                w_star: instance.target,
                i: np.array([arithmetic.number(n + 1) for n in range(count)], dtype=object),
            }
            # of listed eigenvalues those that are 0 are left out, and sums are over the others
            every = sp.Tuple(i, 1, self.problem.dim)
            moving = formula.xreplace({every: sp.Tuple(i, 1, DIMENSION)})
            return evaluate(moving, values, arithmetic)

        return agreed(compute, digits)

    def latex(self) -> str:
        """The expansion, one part a line."""
        euler = {sp.EulerGamma: sp.Symbol(r"\gamma_E")}  # gamma is the stepsize
        parts = [latex_of(part.xreplace(euler)) for part in (self.floor, *self._moving()) if part]
        lines = [rf"E R &\sim {parts[0] if parts else 0}"]
        lines += [rf"&\quad + {part}" for part in parts[1:]]
        return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


def sharp_constants(problem: Problem, quantization: Quantization, sgd: SGD) -> SharpConstants:
    r"""The leading terms of the excess risk as the number of steps grows (theorem T9).

    Parameters
    ----------
    problem
        In infinite dimension with a ``PowerLaw`` spectrum and a ``SourceCondition`` or ``Constant``
        target; exponents and all other parameters may be symbols. In finite dimension any.
    quantization
        Data errors all multiplicative, or in finite dimension all additive; others any.
    sgd
        The stepsize must be stable; that is checked if all parameters are numbers. The number of
        steps stays a symbol: that of ``sgd``, or N if it is a number.

    Raises
    ------
    InvalidArgumentError
        If a spectrum, target or data error has another form.
    InfiniteRiskError
        If the trace or the signal is infinite.
    UnstableError
        If the stepsize is too large.
    SymbolicValueError
        If the fraction of a tail average is a symbol.

    Examples
    --------
    >>> import qtheory as qt
    >>> from mpmath import nstr
    >>> a, b, N, gamma, sigma = qt.symbols("a b N gamma sigma")
    >>> problem = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), noise=sigma**2)
    >>> constants = sharp_constants(problem, qt.Quantization(), qt.SGD(gamma, steps=N))
    >>> print(constants.noise)
    sigma**2/(-gamma*Sum(1/(i**a*(-2*gamma/i**a + 2)), (i, 1, oo)) + 1)
    >>> problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.Constant(1), noise=1)
    >>> constants = sharp_constants(problem, qt.Quantization(), qt.SGD("0.1", steps=8000))
    >>> value = constants.evaluate()
    >>> print(nstr(value.bias, 12), nstr(value.variance, 12), nstr(value.total, 12))
    0.0173046571197 0.00134202081376 0.0186466779334
    """
    run = Run(problem, quantization, sgd).covered()
    if sgd.output == "tail" and sgd.tail.free_symbols:
        raise SymbolicValueError(f"tail is {sgd.tail}, but a number is needed here")
    state = stationary(run)
    infinite = problem.dim is sp.oo
    if infinite:
        _power_law(problem)
    if not any(value.free_symbols for value in _parameters(run)):
        require_stable(run.with_steps(1))
    parts = (_in_infinite_dimension if infinite else _in_finite_dimension)(run, state)
    return SharpConstants(problem, quantization, sgd, noise=state.noise, **parts)


def _in_finite_dimension(run: Run, state: Stationary) -> dict[str, sp.Expr]:
    sgd = run.sgd
    floor = state.total(state.signal * state.gap**2) / 2
    zero = sp.S.Zero
    if sgd.output == "last":
        standing = state.fluctuation(state.eigenvalue) / 2
        return {"floor": floor + standing, "bias": zero, "variance": zero, "transient": zero}
    weight = state.eigenvalue / state.x
    whole = _fraction(sgd) == 1
    mean = state.total(state.signal * state.gap * state.ratio / state.x)
    spread = state.fluctuation(weight * (2 - state.x)) / 2
    return {
        "floor": floor,
        "bias": mean / _steps(sgd) if whole else zero,
        "variance": spread / (_fraction(sgd) * _steps(sgd)),
        "transient": zero,
    }


def _in_infinite_dimension(run: Run, state: Stationary) -> dict[str, sp.Expr]:
    problem, quantization, sgd = run
    a, b, scale, size = _power_law(problem)
    gap, ratio, steps = state.gap, state.ratio, _steps(sgd)  # eps / (1 + eps), 1 / (1 + eps)
    f, last = _fraction(sgd), sgd.output == "last"
    X = steps * sgd.stepsize / ratio * scale

    def leading(g: sp.Expr, power: sp.Expr) -> sp.Expr:
        """The leading terms of sum_i i^-power g(X i^-a)."""
        return _leading(g, X, a, power)

    psi = sp.exp(-_y) if last else sp.exp(-(1 - f) * _y) * (1 - sp.exp(-f * _y)) / (f * _y)
    first, second = leading(psi, b), leading(psi**2, b)
    floor = size * gap**2 * total(i**-b, sp.oo) / 2
    bias = size * (gap * ratio * first + ratio**2 * second / 2)
    feedback = 1 / (1 - state.alpha * state.theta)
    if last:
        output = (1 + quantization.gradient.multiplicative) / sgd.batch
        # the part of S that is due to the mean: alpha sum lq eta^2, and what is linear in eta
        linear = 2 * (output * state.cross_moment - state.alpha)
        u = size * ratio * (linear * first + state.alpha * second)
        bias += ratio / 2 * feedback * state.theta * u
        floor += state.fluctuation(state.eigenvalue) / 2
        approach = X / steps * leading(sp.exp(-2 * _y), a)  # sum_i x_i e^(-2 y_i)
        variance = -ratio / 2 * feedback * state.noise / 2 * approach
    else:
        variance = state.noise * ratio / (2 * steps * f**2) * leading(_spread(f), sp.S.Zero)
    transient = sp.S.Zero
    if state.noise == 0:  # then eta obeys a recursion without a source, or w* = 0
        start = _y**2 * sp.exp(-2 * _y)
        if not last:
            late = sp.exp(-2 * (1 - f) * _y) + sp.exp(-2 * _y)
            start = (late - 2 * sp.exp(-(2 - f) * _y)) / f**2
        # Z, the sum of all S_t: alpha sum_i lambda_i sum_t E eta_i^2
        Z = total(size * i ** (a - b) / (2 - state.kappa * state.x), sp.oo)
        Z *= feedback * state.alpha / (scale * sgd.stepsize)
        Z *= feedback if last else 1  # what the coordinates give back to each other at the end
        transient = sp.Piecewise(
            (Z / (2 * steps**2) * leading(start, sp.S.Zero), sp.Gt(b, a + 1)), (0, True)
        )
    return {"floor": floor, "bias": bias, "variance": variance, "transient": transient}


def _spread(f: sp.Expr) -> sp.Expr:
    """phi_f(y), integrated."""
    late = sp.exp(-f * _y) + sp.exp(-(2 - f) * _y)
    early = sp.exp(-2 * (1 - f) * _y) + sp.exp(-2 * _y)
    return f - (1 - late + early / 2) / _y


def _leading(g: sp.Expr, X: sp.Expr, a: sp.Expr, power: sp.Expr) -> sp.Expr:
    """The leading terms, where symbols for exponents are known to be above 1."""
    above = {s: 1 + sp.Dummy(f"{s}-1", positive=True) for s in (a, power) if s.is_Symbol}
    back = {value - 1: symbol - 1 for symbol, value in above.items()}
    x = sp.Dummy("x", positive=True)
    found = leading_terms(g, _y, x, a.xreplace(above), power.xreplace(above))
    return found.subs(back).subs(x, X)


def _fraction(sgd: SGD) -> sp.Expr:
    return sgd.tail if sgd.output == "tail" else sp.S.One


def _steps(sgd: SGD) -> sp.Expr:
    return N if sgd.steps.is_number else sgd.steps


def _power_law(problem: Problem) -> tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]:
    """(a, b, scale, size) with lambda_i = scale i^-a and lambda_i w*_i^2 = size i^-b."""
    spectrum, target = problem.spectrum, problem.target
    if not isinstance(spectrum, PowerLaw):
        raise InvalidArgumentError("spectrum", spectrum, "a PowerLaw in infinite dimension")
    a, scale = spectrum.exponent, spectrum.scale
    if isinstance(target, SourceCondition):
        b, size = target.exponent, sp.S.One
    elif isinstance(target, Constant):
        b, size = a, scale * target.value**2
    else:
        raise InvalidArgumentError("target", target, "a SourceCondition or Constant")
    for name, exponent in (("spectrum", a), ("target", b)):
        if (exponent - 1).is_nonpositive:
            raise InfiniteRiskError(
                f"the exponent of the {name} is {exponent}, so the risk is infinite in infinite "
                "dimension; it must be above 1"
            )
    return a, b, scale, size


def _parameters(run: Run) -> list[sp.Expr]:
    """Every parameter but the number of steps."""
    problem, quantization, sgd = run
    levels = [level for _, m in quantization.items() for level in (m.additive, m.multiplicative)]
    shapes: list[sp.Expr] = []
    for part in (problem.spectrum, problem.target):
        values = part.values if isinstance(part, Explicit) else vars(part).values()
        shapes.extend(values)
    dim = sp.S.One if problem.dim is sp.oo else problem.dim
    return [*levels, *shapes, dim, problem.noise, sgd.stepsize, sgd.batch, sgd.tail]
