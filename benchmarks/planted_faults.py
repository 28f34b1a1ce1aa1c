"""Plausible errors of theory, planted one by one: `qtheory verify` must notice each of them.

A fault is one formula of the package changed in its source, as a slip of the pen would. The package
is loaded with it in a process of its own, and the checks of `qtheory verify` are run, the cheap
ones first, until one fails. The table names that check.

    python benchmarks/planted_faults.py                 # every fault, some forty minutes
    python benchmarks/planted_faults.py --only k4 tail  # those whose name has one of the words
    python benchmarks/planted_faults.py --command       # each through the command itself: hours
"""

from __future__ import annotations

import argparse
import atexit
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Fault:
    """In a file of the package, ``right`` is replaced by ``wrong``; it occurs there once."""

    name: str
    file: str
    right: str
    wrong: str

    def planted_in(self, source: str) -> str:
        """The source of the file with the fault in it."""
        if source.count(self.right) != 1:
            raise ValueError(f"{self.name}: {self.right!r} occurs {source.count(self.right)} times")
        return source.replace(self.right, self.wrong)


_RISK, _THEORY, _RATES = "qtheory/risk/", "qtheory/theory/", "qtheory/asymptotics/"
_MODEL = "qtheory/model/"
_KERNEL = "qtheory/simulate/kernel.py"
_STEP, _TABLES = _RISK + "recursion.py", _RISK + "moments.py"
_NOISE, _UPPER, _LOWER = (_THEORY + f"{name}.py" for name in ("definitions", "upper", "lower"))

FAULTS = (
    # section 2: the spectrum and the fourth moments
    Fault("eps for 1 + eps in the spectrum", "qtheory/model/instance.py",
          "self.eigenvalues + self.distortion", "self.distortion"),
    Fault("additive data errors forgotten in the spectrum", "qtheory/model/instance.py",
          "self.data.multiplicative * self.eigenvalues + self.data.additive",
          "self.data.multiplicative * self.eigenvalues"),
    Fault("E(1 + zeta)^4 without its square", _TABLES,
          "1 + 6 * eps + 3 * eps**2", "1 + 6 * eps"),
    Fault("E(1 + zeta)^3 = 1 + eps", _TABLES, "1 + 3 * eps", "1 + eps"),
    Fault("shared data errors taken for elementwise", _TABLES,
          "_gaussian_factors(instance.data.shared)", "_gaussian_factors(0)"),
    Fault("E x^4 = 2 lambda^2", _TABLES, "(3 * h4 - (f4 +", "(2 * h4 - (f4 +"),
    Fault("6 h2 for 3 h2 on the diagonal of Y", _TABLES,
          "3 * h2 * x**2 + eps * x, [p", "6 * h2 * x**2 + eps * x, [p"),
    Fault("T without the additive error beside the diagonal", _TABLES,
          "[(f3 + m) * x + eps * one], [x]", "[(f3 + m) * x], [x]"),
    Fault("a format's T from E Q^2 x^2", _TABLES,
          "build(data.cube_product", "build(data.square_square"),
    Fault("a format's moments over half the line", "qtheory/numbers/gaussian.py",
          "return 2 * total", "return total"),
    # section 2: the step
    Fault("the cross-sample term dropped", _STEP, "gamma**2 * (1 - 1 / B)", "gamma**2 * 0"),
    Fault("the same-sample term not divided by B", _STEP, "gamma**2 / B, ", "gamma**2, "),
    Fault("label: elementwise for shared", _STEP,
          "both * (1 + label.shared)", "both * (1 + label.multiplicative)"),
    Fault("activation: elementwise for shared", _STEP,
          "both * (1 + activation.shared)", "both * (1 + activation.multiplicative)"),
    Fault("gradient: elementwise for shared", _STEP,
          "both = 1 + gradient.shared", "both = 1 + gradient.multiplicative"),
    Fault("additive parameter errors forgotten", _STEP,
          "of_vh @ (parameter.additive * one) + ", ""),
    Fault("multiplicative parameter errors forgotten", _STEP,
          "(1 + parameter.multiplicative) * of_vh", "of_vh"),
    Fault("label errors of the noise forgotten", _STEP,
          "label.multiplicative * Yy", "label.multiplicative * (Yy - sigma2 * lq)"),
    Fault("additive activation errors not amplified by gradient errors", _STEP,
          "every * (Yy + label_noise + activation.additive * lq)",
          "every * (Yy + label_noise) + activation.additive * lq"),
    Fault("one cross term of the prediction instead of two", _STEP,
          "same_m = -2 * every", "same_m = -every"),
    Fault("the true spectrum in the contraction", _STEP,
          "own_x=gamma * own,", "own_x=gamma * lam,"),
    Fault("gamma for gamma^2 in the noise", _STEP, "first, second = gamma**2 / B",
          "first, second = gamma / B"),
    # section 2: what is returned
    Fault("the average over w_1 .. w_N", "qtheory/model/window.py",
          "return cls(first, steps - first, averaged=True)",
          "return cls(first + 1, steps - first, averaged=True)"),
    Fault("covariances of two iterates counted once", _STEP, "2 * sum_w + v", "sum_w + v"),
    Fault("covariances of two iterates decay too late", _STEP,
          "step.rho * (sum_w + v)", "step.rho * sum_w + v"),
    Fault("closed form: weights of pairs counted once", _RISK + "closed_form.py",
          "F_b[:, None] + 2 * rho * quotient", "F_b[:, None] + rho * quotient"),
    Fault("powers: one step too few", _RISK + "powers.py", "** times", "** (times - 1)"),
    Fault("W with the quantized spectrum", _RISK + "decomposition.py",
          "(instance.distortion * to_zero) @", "(instance.quantized_eigenvalues * to_zero) @"),
    Fault("A without its half", _RISK + "decomposition.py", "@ signal / 2", "@ signal"),
    Fault("F from A: one power of eps / (1 + eps)", _RISK + "decomposition.py",
          "(instance.eigenvalues * _gap(instance) ** 2)",
          "(instance.eigenvalues * abs(_gap(instance)))"),
    Fault("targets switched on in another order", "qtheory/model/quantization.py",
          'TARGETS = ("data", "label", "parameter", "activation", "gradient")',
          'TARGETS = ("data", "label", "activation", "parameter", "gradient")'),
    Fault("stability by the mean alone", _RISK + "stability.py",
          "theta = _spectral_radius(middles.reshape(len(step.gain.left), -1))",
          "theta = float(np.max(np.abs(1 - step.x.midpoint)))"),
    Fault("an additive error forgotten where lambda = 0", "qtheory/model/instance.py",
          "if isinstance(quantization.data, NumberFormat) or quantization.data.additive == 0:",
          "if True:"),
    Fault("activation errors are no noise", _RISK + "stationary.py",
          "levels = (instance.data, instance.label, instance.parameter, instance.activation)",
          "levels = (instance.data, instance.label, instance.parameter)"),
    Fault("overflow has no part in w^q", _RISK + "decomposition.py",
          "lost = instance.distortion + instance.saturation", "lost = instance.distortion"),
    Fault("overflow enters W with the wrong sign", _RISK + "decomposition.py",
          "+ (instance.saturation * instance.target * (first + wq)) @ counts",
          "- (instance.saturation * instance.target * (first + wq)) @ counts"),
    Fault("overflow: lambda for E x Q in the signal", _STEP,
          "signal, one = instance.correlation * w_star",
          "signal, one = instance.eigenvalues * w_star"),
    Fault("a format without its scale", "qtheory/numbers/gaussian.py",
          "flint.arb(float(v)) * unit", "flint.arb(float(v))"),
    Fault("E4M3 up to 480", "qtheory/model/formats.py",
          'last = 2 if self.specials == "nan" else 1', "last = 1"),
    Fault("integers: s / 6 for s^2 / 6", "qtheory/model/error_estimates.py",
          "model=Additive(step**2 / 6)", "model=Additive(step / 6)"),
    Fault("floating point: 2^-m for 4^-m", "qtheory/model/error_estimates.py",
          "leading = 1 / (16 * n**2 * sp.log(2))", "leading = 1 / (16 * n * sp.log(2))"),
    Fault("averages settle at A instead of F", _RISK + "stability.py",
          "return floor(instance)",
          "return decompose(instance, instance.target * 0, instance.target * 0).approximation"),
    Fault("the last iterate settles without the feedback of w^q", _RISK + "stationary.py",
          "(step.gain @ wq**2 + step.mixed @ wq + step.c)", "(step.gain @ wq**2 + step.c)"),
    Fault("theta^2 for theta: the same edge", _RISK + "stability.py",
          "return theta, SLACK * relative * theta", "return theta**2, SLACK * relative * theta"),
    Fault("float64 alone, for steps above 1/2", "qtheory/numbers/arithmetic.py",
          "-np.expm1(exponent), 1.0 - power)", "-np.expm1(exponent), 1.0 + power)"),
    Fault("the rest of a long spectrum without w*^2", _RISK + "compression.py",
          "return trace, _ball(_formulas(problem)[1]) * trace", "return trace, trace"),
    Fault("the rest of a logarithmic spectrum", _RISK + "compression.py",
          "(start + 1).log() ** (1 - power) / (power - 1)", "(start + 1).log() ** (1 - power)"),
    Fault("a logarithmic spectrum with one power more", "qtheory/model/spectra.py",
          "sp.log(coordinate + 1) ** self.power", "sp.log(coordinate + 1) ** (self.power + 1)"),
    Fault("covariance of a table divided by n - 1", "qtheory/model/data.py",
          "singular[kept] ** 2 / rows", "singular[kept] ** 2 / (rows - 1)"),
    Fault("elementwise where nothing is said", "qtheory/model/error_models.py",
          'coupling: str = "shared"', 'coupling: str = "elementwise"'),
    # section 1: the update that is simulated
    Fault("simulation: parameters are not quantized", _KERNEL,
          "prediction = _dot(x_read, w_read)", "prediction = _dot(x_read, w)"),
    Fault("simulation: a label factor for each sample", _KERNEL,
          "quantize(errors, y, label, common_label)",
          "quantize(errors, y, label, _common_factor(errors, label))"),
    Fault("simulation: an activation factor for each sample", _KERNEL,
          "quantize(errors, prediction, activation, common_activation)",
          "quantize(errors, prediction, activation, _common_factor(errors, activation))"),
    Fault("simulation: a gradient factor for each sample", _KERNEL,
          "quantize(errors, residual, gradient, common_gradient)",
          "quantize(errors, residual, gradient, _common_factor(errors, gradient))"),
    Fault("simulation: a data factor for each entry", _KERNEL,
          "                out[i] = u[i] + u[i] * common\n",
          "                out[i] = u[i] + u[i] * _common_factor(generator, quantizer)\n"),
    Fault("simulation: deviations added, not variances", _KERNEL,
          "math.sqrt(quantizer.additive**2 + (quantizer.elementwise * u) ** 2)",
          "quantizer.additive + quantizer.elementwise * abs(u)"),
    Fault("simulation: nearest for stochastic", _KERNEL,
          "above = rest - draw  #", "above = rest - 0.5  #"),
    Fault("simulation: a tail divided by N", _KERNEL,
          "total[i] / (run.last - run.first)", "total[i] / run.last"),
    Fault("simulation: noise of variance sigma^4", _KERNEL, "math.sqrt(run.noise)", "run.noise"),
    # section 3: constants and bounds
    Fault("a bound on averages given for tails", _THEORY + "bounds.py",
          'if sgd.output != "average":', 'if sgd.output == "last":'),
    Fault("the larger of two bounds", _THEORY + "bounds.py",
          "return min(bounds, key", "return max(bounds, key"),
    Fault("theta <= 1 for theta < 1", "qtheory/numbers/evaluate.py",
          "sp.Lt: operator.lt", "sp.Lt: operator.le"),
    Fault("k4 = 3", _NOISE, "sp.Eq(k4, (1 + 6 * _data + 3 * _data**2) / (1 + _data) ** 2)",
          "sp.Eq(k4, sp.Integer(3))"),
    Fault("k4 not divided by (1 + eps)^2", _NOISE,
          "sp.Eq(k4, (1 + 6 * _data + 3 * _data**2) / (1 + _data) ** 2)",
          "sp.Eq(k4, 1 + 6 * _data + 3 * _data**2)"),
    Fault("alpha without -1", _NOISE, "(3 * k4 * Pi / B + (1 - 1 / B) * Pi_c - 1)",
          "(3 * k4 * Pi / B + (1 - 1 / B) * Pi_c)"),
    Fault("constants not doubled for multiplicative data", _NOISE,
          "sp.Piecewise((2, _data > 0), (1, True))", "sp.Integer(1)"),
    Fault("A for 2 A in the misfit", _NOISE, "(sigma2 + 2 * A, True)", "(sigma2 + A, True)"),
    Fault("label errors: 1 for 3 in T3", _NOISE,
          "_label * (sigma2 + 3 * norm)", "_label * (sigma2 + norm)"),
    Fault("T3: parameter errors once per sample only", _NOISE,
          "(_label_s * norm + (_cross_factors - 1) * norm_q + (1 + _act_s) * _param_a * tr)",
          "(_label_s * norm + (_cross_factors - 1) * norm_q)"),
    Fault("D_N with one power of N x", _NOISE,
          "_weight = sp.Min(1, (N * x[i]) ** 2)", "_weight = sp.Min(1, N * x[i])"),
    Fault("bias with one power of 1/(N x)", _NOISE,
          "sp.Min(1, 1 / (N * x[i]) ** 2)", "sp.Min(1, 1 / (N * x[i]))"),
    Fault("T4 twice too large", _UPPER, "            D_N\n            / N\n",
          "            2 * D_N\n            / N\n"),
    Fault("T4 without 1 - theta", _UPPER,
          "* sp.Min(1, N * x[i])))\n            / (1 - theta)", "* sp.Min(1, N * x[i])))"),
    Fault("theta without x in its denominator", _UPPER,
          "alpha * over_coordinates(x[i] / (2 - x[i]))", "alpha * over_coordinates(x[i] / 2)"),
    Fault("T4': kappa without -1", _NOISE,
          "k_d * Pi / B + (1 - 1 / B) * Pi_c - 1", "k_d * Pi / B + (1 - 1 / B) * Pi_c"),
    Fault("T4': noise of one coordinate without its own samples", _NOISE,
          "k_d * (1 + _act) * _param_a)\n        / B", "_param_a)\n        / B"),
    Fault("T4': lambda^q q forgotten", _UPPER,
          "                    + lq[i] * q[i]\n", ""),
    Fault("T5 with 1/25: true, but not what is stated", _LOWER,
          "sp.Eq(variance, D_N / N * s2_low / 24)", "sp.Eq(variance, D_N / N * s2_low / 25)"),
    Fault("T5 with 1/8", _LOWER, "sp.Eq(variance, D_N / N * s2_low / 24)",
          "sp.Eq(variance, D_N / N * s2_low / 8)"),
    Fault("T5 without parameter errors", _LOWER, '\n        + additive["parameter"] * tr', ""),
    Fault("T6: a floor of two eps", _THEORY + "spectrum.py",
          "1 + _level / lam[i]", "1 + 2 * _level / lam[i]"),
    Fault("T6: eps for 1 + eps", _THEORY + "spectrum.py",
          "(1 + _relative) * lam[i]", "_relative * lam[i]"),
    Fault("T1: W added instead of subtracted", _THEORY + "decomposition.py",
          "A + risk_q - W", "A + risk_q + W"),
    Fault("T2: the recursion without the second X", _THEORY + "recursion.py",
          "- 2 * X[i]", "- X[i]"),
    Fault("T7: the limit keeps elementwise errors", _THEORY + "batch.py",
          "doubling * (Pi_c - 1)", "doubling * (Pi - 1)"),
    Fault("T7: the limit of the noise is that of one sample", _THEORY + "batch.py",
          "sp.Eq(s2_limit, doubling * cross)", "sp.Eq(s2_limit, doubling * same)"),
    # section 3: rates and constants
    Fault("T8: a wrong tail exponent", _RATES + "piecewise.py",
          "return range.value(term, piece.left) * piece.left**range.step",
          "return range.value(term, piece.left)"),
    Fault("T8: no logarithm where terms fall like 1/i", _RATES + "piecewise.py",
          "return term.coefficient * (piece.right / piece.left).log()",
          "return term.coefficient"),
    Fault("T8: the smaller of two terms where the larger is meant", _RATES + "piecewise.py",
          "if turn * sign > 0 else", "if turn * sign < 0 else"),
    Fault("T9: Theta with 1 for 2", _RATES + "stationary.py",
          "theta = total(x / (2 - kappa * x), problem.dim)",
          "theta = total(x / (1 - kappa * x), problem.dim)"),
    Fault("T9: the average weighs the noise twice", _RATES + "sharp.py",
          "variance = state.noise * ratio / (2 * steps * f**2)",
          "variance = state.noise * ratio / (steps * f**2)"),
    Fault("T9: variance of the tail without its overlap", _RATES + "sharp.py",
          "late = sp.exp(-f * _y) + sp.exp(-(2 - f) * _y)", "late = 2 * sp.exp(-f * _y)"),
    Fault("T9: own noise keeps activation errors per sample only", _RATES + "stationary.py",
          "on_all += (1 - 1 / B) * (1 + gradient.shared) * (1 + activation.shared)",
          "on_all += (1 - 1 / B) * (1 + gradient.shared)"),
    Fault("T9: E(1 + zeta)^4 without its square for shared data", _RATES + "stationary.py",
          "k_s = sp.factor(1 + (4 * s + 2 * s**2)", "k_s = sp.factor(1 + (4 * s + s**2)"),
    Fault("T9: label errors of the noise alone", _RATES + "stationary.py",
          "(1 + label.multiplicative) * (problem.noise + G)",
          "(1 + label.multiplicative) * problem.noise + G"),
    Fault("T9: the last iterate weighed by the quantized spectrum", _RATES + "sharp.py",
          "standing = state.fluctuation(state.eigenvalue) / 2",
          "standing = state.fluctuation(state.quantized_eigenvalue) / 2"),
    Fault("T9: the coefficient of 1/N without the bias", _RATES + "sharp.py",
          "sp.expand((self.bias + self.variance) * _steps", "sp.expand(self.variance * _steps"),
    Fault("T9: the size of a constant target without the spectrum's scale", _RATES + "sharp.py",
          "b, size = a, scale * target.value**2", "b, size = a, target.value**2"),
    Fault("T9: a floor with eps / (1 + eps) for its square", _RATES + "sharp.py",
          "floor = size * gap**2 * total(i**-b, sp.oo) / 2",
          "floor = size * gap * total(i**-b, sp.oo) / 2"),
    Fault("T9: the noise of the start without feedback", _RATES + "sharp.py",
          "Z *= feedback if last else 1", "Z *= 1"),
    Fault("T9: the noise of the start where its total is infinite", _RATES + "sharp.py",
          "sp.Gt(b, a + 1)", "sp.Gt(b, a)"),
    Fault("T9: the sign of Euler's constant", _RATES + "mellin.py",
          "- residue * sp.EulerGamma", "+ residue * sp.EulerGamma"),
    Fault("T8: the condition of a regime turned around", _RATES + "conditions.py",
          "turned = signs if slope > 0 else frozenset(-sign for sign in signs)", "turned = signs"),
    Fault("T8: one regime's order where another holds", _RATES + "conditions.py",
          "return sp.Ge(sp.Mul(*left), sp.Mul(*right), evaluate=False)",
          "return sp.Le(sp.Mul(*left), sp.Mul(*right), evaluate=False)"),
    Fault("T8: a lower constant of a sum that is too large", _RATES + "constants.py",
          "return 2 ** -sp.Max(0, *slopes) / 3", "return 2 ** -sp.Max(0, *slopes)"),
    Fault("T4: variance with the noise of every target", _RATES + "terms.py",
          '"variance": without(*TARGETS),', '"variance": without(),'),
    Fault("T10: 2^-b for 4^-b", _RATES + "break_even.py", "largest.subs(eps_b, 4**-number)",
          "largest.subs(eps_b, 2**-number)"),
    Fault("T10: floating point is said to win where it loses", _RATES + "break_even.py",
          "risks.compare(risks.floating(m), integers) <= 0 for m in whole",
          "risks.compare(risks.floating(m + 1), integers) <= 0 for m in whole"),
    Fault("T11: the approximation may exceed the bound's other terms", _RATES + "tolerances.py",
          '"approximation": cell.largest(plain.values())', '"approximation": ONE'),
    Fault("T10: shared errors compared as elementwise ones", _RATES + "break_even.py",
          "Multiplicative(level, self.coupling)", 'Multiplicative(level, "elementwise")'),
    Fault("T11: additive data errors where T4 does not apply", _RATES + "tolerances.py",
          "if not noisy.applies(after):", "if noisy.applies(after) is None:"),
    Fault("T11: elementwise errors taken for shared", _RATES + "schemes.py",
          'Multiplicative(level, coupling="elementwise")',
          'Multiplicative(level, coupling="shared")'),
    Fault("T12: the risk of the best split beside itself", _RATES + "allocation.py",
          "        risk(uniform),\n", "        risk(best),\n"),
    Fault("the worst stepsize and batch for the best", _RATES + "choices.py",
          "if order < 0:\n", "if order > 0:\n"),
    Fault("T12: the bits go where the bound falls least", _RATES + "allocation.py",
          "best = _exchanged(bound, best)", "best = _exchanged(lambda s: -bound(s), best)"),
    # rare branches and special cases, by someone who had seen no check
    Fault("directions without variance dropped where data have errors of both kinds",
          _MODEL + "instance.py",
          "if isinstance(quantization.data, NumberFormat) or "
          "quantization.data.additive == 0:",
          "if isinstance(quantization.data, NumberFormat) or "
          "quantization.data.additive == 0 or quantization.data.multiplicative != 0:"),
    Fault("equal eigenvalues are those equal in float64", _MODEL + "instance.py",
          "np.unique([str(v) for v in problem.spectrum.values], return_inverse=True)",
          "np.unique([float(v) for v in problem.spectrum.values], return_inverse=True)"),
    Fault("both couplings: (1 + s)(1 + m) - 1 for s + m", _MODEL + "error_models.py",
          "return self.shared + self.elementwise",
          "return self.shared + self.elementwise + self.shared * self.elementwise"),
    Fault("a tail rounded down", _MODEL + "sgd.py",
          "return self.steps - sp.ceiling(self.tail * self.steps)",
          "return self.steps - sp.Max(1, sp.floor(self.tail * self.steps))"),
    Fault("the scale of a power law inside the power", _MODEL + "spectra.py",
          "return self.scale * coordinate**-self.exponent",
          "return (self.scale * coordinate) ** -self.exponent"),
    Fault("a list of eigenvalues sorted for a source condition", _MODEL + "instance.py",
          "values[eigenvalue] = eigenvalues",
          "values[eigenvalue] = arithmetic.array(sorted(eigenvalues, reverse=True))"),
    Fault("w^q of a format without its overflow", _MODEL + "instance.py",
          "return self.correlation * self.target / self.quantized_eigenvalues",
          "return self.eigenvalues * self.target / self.quantized_eigenvalues"),
    Fault("the scale of a format through float64", _MODEL + "instance.py",
          "scale = Fraction(int(number_format.scale.p), int(number_format.scale.q))",
          "scale = Fraction(float(number_format.scale))"),
    Fault("additive data errors times 1 + eps", _MODEL + "instance.py",
          "return self.data.multiplicative * self.eigenvalues + self.data.additive",
          "return self.data.multiplicative * self.eigenvalues + (1 + "
          "self.data.multiplicative) * self.data.additive"),
    Fault("the rest of a spectrum: its signal for each coordinate", _MODEL + "instance.py",
          "coefficient = (rest.signal / (rest.eigenvalue * rest.count)).sqrt()",
          "coefficient = (rest.signal / rest.count).sqrt()"),
    Fault("a formula of the signal taken for the coefficients' squares", _MODEL + "targets.py",
          "return _coefficient(self.expression, eigenvalue)",
          "return sp.sqrt(self.expression) if eigenvalue.is_Symbol else "
          "_coefficient(self.expression, eigenvalue)"),
    Fault("of two additive errors the larger", _MODEL + "error_models.py",
          "self.additive + other.additive,",
          "sp.Max(self.additive, other.additive),"),
    Fault("the rest of a finite spectrum with the signal past d", _RISK + "compression.py",
          "return Rest((trace - beyond_trace) / count, count, signal - beyond_signal)",
          "return Rest((trace - beyond_trace) / count, count, signal)"),
    Fault("the rest of a spectrum with w* for its square", _RISK + "compression.py",
          "return trace, _ball(_formulas(problem)[1]) * trace",
          "return trace, abs(_ball(problem.target.value)) * trace"),
    Fault("harmonic sums begin one later", _RISK + "compression.py",
          "return -flint.arb(first).digamma()",
          "return -flint.arb(first + 1).digamma()"),
    Fault("the rest of a finite spectrum has one coordinate less", _RISK + "compression.py",
          "count = flint.arb(last + 1 - first)",
          "count = flint.arb(last - first)"),
    Fault("no noise where only activations have errors", _RISK + "stationary.py",
          "levels = (instance.data, instance.label, instance.parameter, "
          "instance.activation)",
          "levels = (instance.data, instance.label, instance.parameter)"),
    Fault("recursion: tails begin one later", _RISK + "recursion.py",
          "if t >= first:",
          "if t > first or first == 0:"),
    Fault("Q for data errors of all kinds: its second rank", _RISK + "moments.py",
          "left, right = [p * x + eps * one, (f4 - f2**2) * x], [p * x + eps * one, x]",
          "left, right = [p * x + eps * one, (f4 - f2**2 - m * (f2 - 1)) * x], "
          "[p * x + eps * one, x]"),
    Fault("T for both couplings: m f2 for m", _RISK + "moments.py",
          "3 * h3 * x**2 + 3 * eps * x, [(f3 + m) * x + eps * one], [x], counts",
          "3 * h3 * x**2 + 3 * eps * x, [(f3 + m * f2) * x + eps * one], [x], counts"),
    Fault("the last iterate settles with M transposed", _RISK + "stationary.py",
          "(a, b), (c, d) = matrix", "(a, c), (b, d) = matrix"),
    Fault("overflow enters A with the wrong sign", _RISK + "decomposition.py",
          "return ((lam * instance.distortion + s * (2 * lam - s)) / lq) @ signal / 2",
          "return ((lam * instance.distortion + s * (2 * lam + s)) / lq) @ signal / 2"),
    Fault("powers: E s w without the drift", _RISK + "powers.py",
          "matrix[sum_w, m], matrix[sum_w, v] = _diagonal(drift), _diagonal(rho)",
          "matrix[sum_w, v] = _diagonal(rho)"),
    Fault("a curve compressed for its first point", _RISK + "excess.py",
          "longest = max(int(single.steps) for single in runs)\n    instance, error",
          "longest = int(runs[0].steps)\n    instance, error"),
    Fault("T4': noise of the start does not decay", _THEORY + "upper.py",
          "+ kappa * lq[i] * eta0[i] ** 2 * sp.Min(1, 1 / (N * x[i]))",
          "+ kappa * lq[i] * eta0[i] ** 2"),
    Fault("constants doubled for additive data too", _THEORY + "definitions.py",
          "sp.Eq(doubling, sp.Piecewise((2, _data > 0), (1, True))),",
          "sp.Eq(doubling, sp.Piecewise((2, _data + additive[\"data\"] > 0), (1, True))),"),
    Fault("T5 asks for N >= 3", _THEORY + "lower.py",
          "Hypothesis(sp.Ge(N, 2),",
          "Hypothesis(sp.Ge(N, 3),"),
    Fault("T5 asks for gamma lambda^q < 1", _THEORY + "lower.py",
          "Hypothesis(sp.Le(x[i], 1), \"no",
          "Hypothesis(sp.Lt(x[i], 1), \"no"),
    Fault("T4 allows theta = 1", _THEORY + "upper.py",
          "_contraction = Hypothesis(sp.Lt(theta, 1),",
          "_contraction = Hypothesis(sp.Le(theta, 1),"),
    Fault("R^q of a lower bound from that on R", _THEORY + "bounds.py",
          "\"quantized_risk\": quantized_values[bias] + quantized_values[variance],",
          "\"quantized_risk\": values[bias] + values[variance],"),
    Fault("T2 as stated: both couplings without a factor", _THEORY + "recursion.py",
          "(_f4 + 2 * _own * _f2 + _own**2) * _li * _lj",
          "(_f4 + 2 * _own + _own**2) * _li * _lj"),
    Fault("T9: a tail of the whole run without the mean's part", _RATES + "sharp.py",
          "whole = _fraction(sgd) == 1",
          "whole = sgd.output == \"average\""),
    Fault("T9: the last iterate without noise: feedback once", _RATES + "sharp.py",
          "Z *= feedback if last else 1  #",
          "Z *= 1  #"),
    Fault("T9: the last iterate without gradient errors in its linear part", _RATES + "sharp.py",
          "output = (1 + quantization.gradient.multiplicative) / sgd.batch",
          "output = 1 / sgd.batch"),
    Fault("T9: the fourth moment of both couplings", _RATES + "stationary.py",
          "k_s = sp.factor(1 + (4 * s + 2 * s**2) / (1 + eps) ** 2)",
          "k_s = sp.factor(1 + (4 * s + 2 * s**2) / (1 + s) ** 2)"),
    Fault("both couplings off the diagonal: 2 m for 2 m f2", _RISK + "moments.py",
          "(f4 + 2 * m * f2 + m**2) * x",
          "(f4 + 2 * m + m**2) * x"),
    Fault("additive and elementwise data errors: f2 for h2 on the diagonal", _RISK + "moments.py",
          "(6 * h2 - 2 * p)", "(6 * f2 - 2 * p)"),
    Fault("a format's T with lambda for E x Q", _RISK + "moments.py",
          "T=build(data.cube_product, [data.square], [data.product], counts),",
          "T=build(data.cube_product, [data.square], [x], counts),"),
    Fault("powers: the last iterate one step early", _RISK + "powers.py",
          "state = _applied(_step_matrix(step), window.first, start)",
          "state = _applied(_step_matrix(step), window.last - window.count, start)"),
    Fault("closed form: the mean of a tail over all steps", _RISK + "closed_form.py",
          "_, done = self._decay(self.x, window.count)\n",
          "_, done = self._decay(self.x, window.last)\n"),
    Fault("additive gradient errors are no noise", _RISK + "stationary.py",
          "noises = [instance.noise, instance.gradient.additive]",
          "noises = [instance.noise]"),
    Fault("secular equation: one weight for those that are tied", _RISK + "secular.py",
          "sums_within(weights, groups)[firsts[order]]", "weights[firsts[order]]"),
    Fault("stability: a diagonal for a spectral radius", _RISK + "stability.py",
          "np.max(np.abs(np.linalg.eigvals(matrix)))", "np.max(np.abs(np.diag(matrix)))"),
    Fault("a tail settles where the last iterate does", _RISK + "stability.py",
          "if sgd.output != \"last\":",
          "if sgd.output == \"average\":"),
    Fault("A of a format without the square of its overflow", _RISK + "decomposition.py",
          "s * (2 * lam - s)) / lq",
          "2 * s * lam) / lq"),
    Fault("A of a compressed spectrum without multiplicities", _RISK + "decomposition.py",
          "signal = instance.target**2 * instance.multiplicity",
          "signal = instance.target**2"),
    Fault("a tail begins at a position rounded up", _MODEL + "sgd.py",
          "return self.steps - sp.ceiling(self.tail * self.steps)",
          "return sp.ceiling((1 - self.tail) * self.steps)"),
    Fault("directions without variance dropped whatever the errors", _MODEL + "instance.py",
          "if isinstance(quantization.data, NumberFormat) or quantization.data.additive == 0:",
          "if 0 in problem.spectrum.values:"),
    Fault("T5 holds from one step on", _THEORY + "lower.py",
          "sp.Ge(N, 2)",
          "sp.Ge(N, 1)"),
    Fault("T5: 2 A with multiplicative data errors too", _THEORY + "lower.py",
          "+ sp.Piecewise((2 * A, sp.Le(multiplicative[\"data\"], 0)), (0, True))",
          "+ 2 * A"),
    Fault("T3: u_d without the square of the shared error", _THEORY + "definitions.py",
          "2 * (_data - _data**2 + _data**3 + _data_s**2) / (1 + _data) ** 2",
          "2 * (_data - _data**2 + _data**3) / (1 + _data) ** 2"),
    Fault("T3: q with label errors of the true labels", _THEORY + "definitions.py",
          "(u_d + 2 * (1 + _data) * _label + k_d * P)",
          "(u_d + 2 * _label + k_d * P)"),
    Fault("T3: all activation errors are shared between samples", _THEORY + "definitions.py",
          "* (_label_s * wq[i] ** 2 + (_cross_factors - 1) * wq[i] ** 2 + (1 + _act_s) * "
          "_param_a),",
          "* (_label_s * wq[i] ** 2 + (_cross_factors - 1) * wq[i] ** 2 + (1 + _act) * "
          "_param_a),"),
    Fault("T4 takes both couplings at once", _THEORY + "upper.py",
          "sp.Le(shared[\"data\"] * (multiplicative[\"data\"] - shared[\"data\"]), 0)",
          "sp.Le(shared[\"data\"] * (shared[\"data\"] - multiplicative[\"data\"]), 0)"),
)  # fmt: skip


# --- looking for them --------------------------------------------------------------------------


def plant(fault: Fault) -> Callable[[], bool]:
    """Let every later import of the file find the fault in it; whether one did, is returned."""
    from importlib.machinery import SourceFileLoader

    target, original = str(ROOT / fault.file), SourceFileLoader.get_code
    loaded = False

    def get_code(self: SourceFileLoader, fullname: str) -> object:
        nonlocal loaded
        if self.path != target:
            return original(self, fullname)
        loaded = True
        source = fault.planted_in(Path(target).read_text(encoding="utf-8"))
        return compile(source, target, "exec")

    SourceFileLoader.get_code = get_code
    sys.path.insert(0, str(ROOT))  # before a package that is installed somewhere else
    # compiled code is kept for the file as it is, and what was compiled with a fault must not be
    kept = tempfile.TemporaryDirectory(prefix="planted-")
    atexit.register(kept.cleanup)
    os.environ["NUMBA_CACHE_DIR"] = kept.name
    return lambda: loaded


def first_failure(fault: Fault) -> tuple[str, str] | None:
    """The first check of `qtheory verify` that fails on the package with the fault."""
    is_planted = plant(fault)
    try:
        found = first_failing_check()
    except Exception as error:  # the fault cannot even be imported
        found = "import", f"{type(error).__name__}: {error}"
    if not is_planted():
        raise RuntimeError(f"{fault.name}: {fault.file} was never loaded, {found}")
    return found


def first_failing_check() -> tuple[str, str] | None:
    """Id and detail of the first check of `qtheory verify` that fails, the cheap ones first."""
    from qtheory.checks.check import Job, run_job
    from qtheory.checks.suite import jobs

    def when(job: Job) -> float:
        """The proofs come after what is stated of rates, before what is measured of them."""
        return 5 if job.kind == "proof" else job.cost

    for job in sorted(jobs(), key=when):
        for check in run_job(job):
            if check.status == "failed":
                return check.id, check.detail
    return None


def through_the_command(fault: Fault) -> tuple[str, str] | None:
    """The same by `qtheory verify` on a copy of the package with the fault in its source."""
    with tempfile.TemporaryDirectory() as place:
        for folder in ("qtheory", "proofs"):
            shutil.copytree(ROOT / folder, Path(place, folder), ignore=_no_caches)
        file = Path(place, fault.file)
        file.write_text(fault.planted_in(file.read_text(encoding="utf-8")), encoding="utf-8")
        command = [sys.executable, "-m", "qtheory", "verify", "--json", "ledger.json"]
        environment = {**os.environ, "PYTHONPATH": place}
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False)
        if done.returncode == 0:
            return None
        if done.returncode != 1 or not Path(place, "ledger.json").exists():
            raise RuntimeError(f"{fault.name}: {done.returncode}, {done.stderr.decode()[-2000:]}")
        checks = json.loads(Path(place, "ledger.json").read_text(encoding="utf-8"))["checks"]
        failed = [check for check in checks if check["status"] == "failed"]
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        return f"exit status 1: {failed[0]['id']}{more}", failed[0]["detail"]


_no_caches = shutil.ignore_patterns("__pycache__")


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant each fault and print which check noticed it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="words of which a fault's name has one")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--markdown", action="store_true", help="the table as in the docs")
    parser.add_argument("--command", action="store_true", help="run `qtheory verify` itself")
    options = parser.parse_args(arguments)
    chosen = [f for f in FAULTS if not options.only or any(w in f.name for w in options.only)]
    for fault in chosen:  # one that fits nowhere is an error of this file
        fault.planted_in((ROOT / fault.file).read_text(encoding="utf-8"))
    look = through_the_command if options.command else first_failure
    start, missed = time.perf_counter(), []
    row = "| {} | {} |" if options.markdown else "{:60} {}"
    print(row.format("planted", "noticed by"))
    if options.markdown:
        print("| --- | --- |")
    # each fault in a process of its own, that finds everything else loaded
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["flint", "mpmath", "numpy", "sympy", "typer"])
    with ProcessPoolExecutor(options.workers, context, max_tasks_per_child=1) as pool:
        for fault, found in zip(chosen, pool.map(look, chosen), strict=True):
            print(row.format(fault.name, found[0] if found else "NOTHING"), flush=True)
            if found is None:
                missed.append(fault.name)
    seconds = time.perf_counter() - start
    noticed = f"{len(chosen) - len(missed)} of {len(chosen)} faults noticed"
    print(noticed, f"{seconds:.0f} s", sep=", ", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
