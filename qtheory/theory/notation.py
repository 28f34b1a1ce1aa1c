"""The symbols of the theory, and their numeric values for an instance."""

from __future__ import annotations

import sympy as sp

from qtheory.model.instance import Instance
from qtheory.model.quantization import TARGETS
from qtheory.model.spectra import coordinate
from qtheory.numbers.evaluate import DIMENSION, Values

d = DIMENSION
i = coordinate
N = sp.Symbol("N", integer=True, positive=True)
B = sp.Symbol("B", integer=True, positive=True)
gamma = sp.Symbol("gamma", positive=True)
sigma2 = sp.Symbol("sigma^2", nonnegative=True)
#: The noise of the labels themselves, and the variance of what features miss of them.
label_noise = sp.Symbol("sigma_0^2", nonnegative=True)
perp = sp.Symbol("perp", nonnegative=True)

lam = sp.IndexedBase("lambda", nonnegative=True)
w_star = sp.IndexedBase("w^*", real=True)
lq = sp.IndexedBase("lambda^q", positive=True)
wq = sp.IndexedBase("w^q", real=True)
D = sp.IndexedBase("D", nonnegative=True)

_LETTERS = dict(zip(TARGETS, "dlpao", strict=True))

#: Error levels by target. ``shared`` is the part of ``multiplicative`` with one factor per vector.
additive = {k: sp.Symbol(f"epsilon_{c}^a", nonnegative=True) for k, c in _LETTERS.items()}
multiplicative = {k: sp.Symbol(f"epsilon_{c}^m", nonnegative=True) for k, c in _LETTERS.items()}
shared = {k: sp.Symbol(f"epsilon_{c}^s", nonnegative=True) for k, c in _LETTERS.items()}

#: What bounds the fourth moments of x: E x_i^2 <x, a>^2 <= (alpha_0 - beta_0) lambda_i ||a||_H^2
#: + beta_0 lambda_i^2 a_i^2; alpha_0 = 3 and beta_0 = 2 for Gaussian data.
alpha_0 = sp.Symbol("alpha_0", nonnegative=True)
beta_0 = sp.Symbol("beta_0", nonnegative=True)


def over_coordinates(term: sp.Expr) -> sp.Sum:
    """The sum of a term over the coordinates i = 1, ..., d."""
    return sp.Sum(term, (i, 1, d))


def symbol_values(instance: Instance) -> Values:
    """The numbers that the symbols stand for in an instance."""
    values = {
        N: instance.arithmetic.number(instance.steps),
        d: instance.arithmetic.number(sp.Integer(len(instance.eigenvalues))),
        B: instance.batch,
        gamma: instance.stepsize,
        sigma2: instance.noise,
        label_noise: instance.label_noise,
        perp: 2 * instance.sketching,
        lam: instance.eigenvalues,
        w_star: instance.target,
        alpha_0: instance.fourth_moment,
        beta_0: instance.own_fourth_moment,
    }
    for target in TARGETS:
        model = getattr(instance, target)
        values[additive[target]] = model.additive
        values[multiplicative[target]] = model.multiplicative
        values[shared[target]] = model.shared
    return values
