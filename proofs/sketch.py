r"""Learning from features z = S x, in the eigenbasis of their covariance: what is algebra of it.

The feature i of the eigenbasis is <R_i, x>, R = U^T S; x has the variances h_k, k < n, and the label
<a, x> + noise. C(f, g) = sum_k h_k f_k g_k is E <f, x> <g, x>.

Main results
    ``uncorrelated``: C(R_j, a - sum_i w*_i R_i) = 0, so what the features miss is uncorrelated with
        each of them
    ``missed``: C(r, r) = perp for that r = a - sum_i w*_i R_i
    ``misfit``: C(r, r) = E <a, x>^2 + sum_i lambda_i (u_i^2 - 2 w*_i u_i) for r = a - sum_i u_i R_i and
        any u, the misfit of a model u

How
    Under what makes R, lambda and w* those of a sketch: C(R_j, R_k) is lambda_j where j = k and 0 beside
    it, C(R_j, a) = lambda_j w*_j, which is v* = Sigma^{-1} S H w* in the eigenbasis. C is linear in each
    of its arguments, so C(f, sum_i u_i R_i) = sum_i u_i C(f, R_i), by induction.
"""

import z3

from qtheory.proof.kernel import (
    INT,
    SEQUENCE,
    assume,
    define,
    induction,
    lemma,
    parameter,
    recursive,
    sequence,
    undefined,
    variable,
)
from qtheory.proof.sums import combination, spike, spike_total, sum_equal, total, zeros
from qtheory.theory.definitions import norm
from qtheory.theory.moments import energy, in_sketch
from qtheory.theory.notation import lam, perp, w_star

from .recursion import d, dimension_positive, i, inside, j, t

spectrum, target = in_sketch[lam], in_sketch[w_star]
f, g, other = (variable(name, SEQUENCE) for name in ("f", "g", "other"))
u, factor = variable("model", SEQUENCE), variable("factor")
h, a = parameter("variances of x", SEQUENCE), parameter("target on x", SEQUENCE)
n = parameter("how many x_k", INT)
R = undefined("row of the features", [i], SEQUENCE)

products = sequence("h f g", [f, g], i, h[i] * f[i] * g[i])
C = define("E <f,x> <g,x>", [f, g], total(products(f, g), n))

# --- what is assumed -----------------------------------------------------------------------------

some = assume(n >= 1, meaning="x has a coordinate")
other_inside = z3.And(j >= 0, j < d)
rotated = assume(
    z3.Implies(
        z3.And(inside, other_inside),
        C(R(i), R(j)) == z3.If(i == j, spectrum[i], 0),
    ),
    i,
    j,
    meaning="the features are uncorrelated, with the variances lambda",
)
aimed = assume(
    z3.Implies(inside, C(R(i), a) == spectrum[i] * target[i]),
    i,
    meaning="w* solves Sigma w* = E z y",
)
whole = assume(C(a, a) == energy, meaning="E <w*, x>^2 is that of the data")

# --- C is symmetric and linear -------------------------------------------------------------------

symmetric = lemma(
    C(f, g) == C(g, f),
    sum_equal(
        [(1, products(f, g))],
        [(1, products(g, f))],
        n,
        lambda k: [products.at(f, g, k), products.at(g, f, k)],
        premises=[some],
        name="the products are symmetric",
    ),
    C.at(f, g),
    C.at(g, f),
    name="C is symmetric",
)
added = combination(1, f, factor, g)
linear = lemma(
    C(other, added) == C(other, f) + factor * C(other, g),
    sum_equal(
        [(1, products(other, added))],
        [(1, products(other, f)), (factor, products(other, g))],
        n,
        lambda k: [
            products.at(other, added, k),
            products.at(other, f, k),
            products.at(other, g, k),
            combination.at(1, f, factor, g, k),
        ],
        premises=[some],
        name="the products are linear",
    ),
    C.at(other, added),
    C.at(other, f),
    C.at(other, g),
    name="C is linear",
)
nothing = lemma(
    C(other, zeros()) == 0,
    sum_equal(
        [(1, products(other, zeros()))],
        [(0, products(other, zeros()))],
        n,
        lambda k: [products.at(other, zeros(), k), zeros.at(k)],
        premises=[some],
        name="products with nothing",
    ),
    C.at(other, zeros()),
    name="C with nothing",
)

# --- models --------------------------------------------------------------------------------------

#: <learned(u, d), x> = sum_i u_i <R_i, x>, what a model u makes of the features.
learned = recursive("learned", [u], t, zeros(), lambda before: combination(1, before, u[t], R(t)))
weighted = sequence("u C(f, R)", [u, f], i, u[i] * C(f, R(i)))
# C(f, sum_i u_i R_i) = sum_i u_i C(f, R_i)
with_model = induction(
    t,
    C(f, learned(u, t)) == total(weighted(u, f), t),
    learned.next(u, t),
    total.next(weighted(u, f), t),
    weighted.at(u, f, t),
    linear(other=f, f=learned(u, t), factor=u[t], g=R(t)),
    base=[learned.zero(u), total.zero(weighted(u, f)), nothing(other=f)],
    name="C of a model",
)
model = learned(u, d)
# C(R_j, sum_i u_i R_i) = lambda_j u_j
of_feature = lemma(
    z3.Implies(other_inside, C(R(j), model) == spectrum[j] * u[j]),
    with_model(f=R(j), t=d),
    sum_equal(
        [(1, weighted(u, R(j)))],
        [(1, spike(spectrum[j] * u[j], j))],
        d,
        lambda k: [
            weighted.at(u, R(j), k),
            spike.at(spectrum[j] * u[j], j, k),
            rotated(i=j, j=k),
        ],
        premises=[dimension_positive],
        given=other_inside,
        name="a feature and a model, term by term",
    ),
    spike_total(a=spectrum[j] * u[j], k=j, n=d),
    dimension_positive,
    name="a feature and a model",
)


def with_features(first, products, term, name):
    """C(first, sum_i u_i R_i) as a sum over the features, of which ``term`` proves each."""
    return lemma(
        C(first, model) == total(products(u), d),
        with_model(f=first, t=d),
        sum_equal(
            [(1, weighted(u, first))],
            [(1, products(u))],
            d,
            lambda k: [
                weighted.at(u, first, k),
                products.at(u, k),
                symmetric(f=first, g=R(k)),
                term(k),
            ],
            premises=[dimension_positive],
            name=f"{name}, term by term",
        ),
        dimension_positive,
        name=name,
    )


# C(a, sum_i u_i R_i) = sum_i lambda_i w*_i u_i
crossed = sequence("lambda w* u", [u], i, spectrum[i] * target[i] * u[i])
of_target = with_features(a, crossed, lambda k: aimed(i=k), "the target and a model")
# C of sum_i u_i R_i with itself is sum_i lambda_i u_i^2
squared = sequence("lambda u u", [u], i, spectrum[i] * u[i] * u[i])
of_model = with_features(model, squared, lambda k: of_feature(j=k), "a model with itself")

# --- what is missed ------------------------------------------------------------------------------


def left_by(u):
    """a - sum_i u_i R_i, what a model leaves of the target."""
    return combination(1, a, -1, learned(u, d))


uncorrelated = lemma(
    z3.Implies(other_inside, C(R(j), left_by(target)) == 0),
    linear(other=R(j), f=a, factor=z3.RealVal(-1), g=learned(target, d)),
    of_feature(model=target),
    aimed(i=j),
    name="what the features miss is uncorrelated with them",
)
#: lambda_i (u_i^2 - 2 w*_i u_i)
terms = sequence(
    "lambda (u u - 2 w* u)", [u], i, spectrum[i] * (u[i] * u[i] - 2 * target[i] * u[i])
)
r = left_by(u)
misfit = lemma(
    C(r, r) == energy + total(terms(u), d),
    linear(other=r, f=a, factor=z3.RealVal(-1), g=model),
    symmetric(f=r, g=a),
    symmetric(f=r, g=model),
    linear(other=a, f=a, factor=z3.RealVal(-1), g=model),
    linear(other=model, f=a, factor=z3.RealVal(-1), g=model),
    symmetric(f=model, g=a),
    of_target,
    of_model,
    whole,
    sum_equal(
        [(1, terms(u))],
        [(1, squared(u)), (-2, crossed(u))],
        d,
        lambda k: [terms.at(u, k), squared.at(u, k), crossed.at(u, k)],
        premises=[dimension_positive],
        name="the misfit, term by term",
    ),
    name="the misfit of a model",
)
(norm_terms,) = in_sketch.summands(norm)
missed = lemma(
    C(left_by(target), left_by(target)) == in_sketch[perp],
    misfit(model=target),
    sum_equal(
        [(1, terms(target))],
        [(-1, norm_terms())],
        d,
        lambda k: [terms.at(target, k), norm_terms.at(k)],
        premises=[dimension_positive],
        name="the energy that is learned",
    ),
    *in_sketch.unfold(perp, norm),
    name="what the features miss has the variance perp",
)
