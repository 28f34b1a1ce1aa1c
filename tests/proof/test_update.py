"""T2: negative controls are refused; the code that computes risks takes the derived step."""

import random
from fractions import Fraction
from math import prod

import flint
import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from proofs import update
from proofs.update import E, G, i, identity, j, of, same_sample, step, two_samples
from qtheory.errors import ProofError
from qtheory.model.instance import Instance, NumericErrorModel, NumericFormat, instantiate
from qtheory.model.quantization import TARGETS
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Symbolic
from qtheory.proof.expectation import Gaussian, Symmetric
from qtheory.proof.polynomials import renamed
from qtheory.risk.recursion import Step, trajectory

additive, multiplicative, shared = (
    dict(zip(TARGETS, of[kind], strict=True)) for kind in ("additive", "multiplicative", "shared")
)


def with_law(changes):
    """The expectation when the vectors that begin with certain variables have another law."""
    stages = {
        name: [changes.get(str(vector.variables[0]), vector) for vector in stage]
        for name, stage in step.stages.items()
    }
    assert stages != step.stages
    return step.law(stages).expectation


class Sign(Gaussian):
    """Fair signs times a standard deviation: the variance of a Gaussian, but E u^4 = (E u^2)^2."""

    def moment(self, powers):
        if any(power % 2 for power in powers):
            return 0
        halves = zip(self.variances, powers, strict=True)
        return prod((variance ** (n // 2) for variance, n in halves), start=step.one)


# --- negative controls ---------------------------------------------------------------------------


def test_the_pairs_of_different_samples_cannot_be_dropped():
    stated = renamed(update.following.stated, [of["1/B"]], [step.one / 2])
    half = of["gamma"] ** 2 / 2 * update.at_one(two_samples.derived)
    true = update.at_one(E(step.after[i] ** 2))
    identity("v'", true, stated)
    with pytest.raises(ProofError, match=r"v': derived - stated = .*, not 0"):
        identity("v'", true, stated - half)


@pytest.mark.parametrize("target", ["label", "activation", "gradient"])
def test_elementwise_cannot_be_taken_for_shared(target):
    everything_shared = [[shared[target]], [multiplicative[target]]]
    with pytest.raises(ProofError, match="cross"):
        identity("cross", two_samples.derived, renamed(two_samples.stated, *everything_shared))
    # Within a sample it makes no difference.
    identity("same", same_sample.derived, renamed(same_sample.stated, *everything_shared))


def test_data_errors_shared_by_a_sample_are_not_elementwise():
    with pytest.raises(ProofError, match="same"):
        identity(
            "same",
            same_sample.derived,
            renamed(same_sample.stated, [shared["data"]], [multiplicative["data"]]),
        )


def test_the_fourth_moment_of_the_data_matters():
    x = step.x[0]
    signs = with_law({str(x[0]): Sign(x, of["lambda"])})
    assert signs(x[i] ** 4) == of["lambda"][i] ** 2
    with pytest.raises(ProofError, match="same"):
        identity("same", signs(G[0][i] ** 2), same_sample.stated)
    identity("cross", signs(G[0][i] * G[1][i]), two_samples.stated)


def test_the_fourth_moment_of_a_shared_factor_matters():
    zeta = of["zeta"]
    signs = with_law({str(zeta[0]): Sign(zeta, [shared["data"]] * 2)})
    assert signs((1 + zeta[0]) ** 4) == 1 + 6 * shared["data"] + shared["data"] ** 2
    with pytest.raises(ProofError, match="same"):
        identity("same", signs(G[0][i] ** 2), same_sample.stated)


def test_label_noise_comes_with_the_quantized_spectrum():
    lam = of["lambda"][i]
    every = 1 + multiplicative["gradient"]
    wrong = every * additive["label"] * (lam - update.lq[i])
    with pytest.raises(ProofError, match="same"):
        identity("same", same_sample.derived, same_sample.stated + wrong)


def test_the_parameter_error_is_shared_by_the_batch():
    levels = [additive["parameter"], multiplicative["parameter"]]
    drawn_anew = renamed(two_samples.stated, levels, [step.zero, step.zero])
    with pytest.raises(ProofError, match="cross"):
        identity("cross", two_samples.derived, drawn_anew)


def test_the_first_order_term_has_a_factor_two():
    stated = update.following.stated
    once = of["gamma"] * update.at_one(update.linear_terms.derived)
    with pytest.raises(ProofError, match="v'"):
        identity("v'", update.following.derived, stated - once)


def test_a_third_moment_of_a_label_error_is_not_needed_and_not_known():
    with pytest.raises(ProofError, match="only the first two moments"):
        E(of["e_l"][0] ** 3)


# --- the theorem ---------------------------------------------------------------------------------


def test_products_of_different_parameters_drop_out():
    for proved in update.theorem.identities:
        names = step.ring.names()
        used = {names[k] for k, n in enumerate(proved.derived.degrees()) if n > 0}
        assert not used & {f"E w w_{a}_{b}" for a in range(3) for b in range(3) if a != b}
        assert not any(name.startswith("s_") for name in used)


@pytest.mark.parametrize(("d", "B"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)])
def test_other_dimensions_and_batches_in_one_piece(d, B):
    other = update.Update(d, B)
    stated = update.section_2(other)(update.section2.following(update.t, update.u)[d - 1])
    gone = [*other.of["s"], other.of["1/B"]]
    values = [other.one] * d + [other.one / B]
    derived = other.E(other.after[d - 1] ** 2)
    identity("v'", renamed(derived, gone, values), renamed(stated, gone, values))


# --- the code ------------------------------------------------------------------------------------


class Rounded(update.Update):
    """Data rounded by any function that commutes with the sign: moments of (x, Q(x)) by name."""

    data_parameters = ("E Q^2", "E x Q", "E Q^4", "E Q^3 x", "E Q^2 x^2")

    def quantized_data(self):
        return self.of["e_d"]  # Q(x) itself

    def data(self):
        powers = [(2, 0), (0, 2), (1, 1), (0, 4), (1, 3), (2, 2)]
        moments = [self.of[name] for name in ("lambda", *self.data_parameters)]
        return [
            Symmetric([x, q], dict(zip(powers, known, strict=True)))
            for xs, qs in zip(self.of["x"], self.of["e_d"], strict=True)
            for x, q, *known in zip(xs, qs, *moments, strict=True)
        ]


def in_sympy(value):
    """The same polynomial in SymPy, with the names of its generators; lists become arrays."""
    if isinstance(value, list):
        return np.array([in_sympy(entry) for entry in value], dtype=object)
    symbols = sp.symbols([name.replace(" ", "") for name in value.context().names()])
    terms = value.to_dict().items()
    return sp.Poly({n: sp.Rational(int(c.p), int(c.q)) for n, c in terms}, *symbols).as_expr()


def as_instance(model):
    """The instance whose numbers are the parameters of the model."""
    levels = {
        target: NumericErrorModel(*(in_sympy(level) for level in model.level(target)))
        for target in TARGETS
    }
    if model.data_parameters:
        levels["data"] = NumericFormat(*(in_sympy(model.of[n]) for n in model.data_parameters))
    return Instance(
        eigenvalues=in_sympy(model.of["lambda"]),
        target=in_sympy(model.of["w*"]),
        multiplicity=in_sympy([model.one] * model.d),
        noise=in_sympy(model.of["sigma^2"]),
        stepsize=in_sympy(model.of["gamma"]),
        batch=sp.Integer(model.B),
        steps=1,
        groups=np.arange(model.d),
        arithmetic=Symbolic(),
        **levels,
    )


@pytest.mark.parametrize("model", [step, Rounded(3, 2)], ids=["error models", "any format"])
def test_the_recursion_in_the_code_is_the_one_derived(model):
    """Identities of polynomials in all parameters, with the code of qtheory.risk.recursion."""
    code = Step.of(as_instance(model))
    past = {name: in_sympy(model.of[name]) for name in ("E w", "E z", "E z w")}
    m, v = past["E w"], in_sympy([model.of["E w w"][k][k] for k in range(model.d)])
    mean, second = code.mean(m), code.second(m, v)
    # E s w of the next step, as in qtheory.risk.recursion.trajectory
    sums = code.rho * (past["E z w"] + v) + code.drift * (past["E z"] + m)

    def difference(coded, polynomial):
        weights = model.of["s"]
        derived = renamed(model.E(polynomial), weights, [model.one] * model.d)
        return sp.Poly(coded - in_sympy(derived), *m)

    assert difference(mean[j], model.after[j]).is_zero
    assert difference(sums[j], (model.of["z"] + model.w[j]) * model.after[j]).is_zero
    assert difference(second[j], model.after[j] ** 2).is_zero
    assert not difference(second[j] + code.gain.diagonal[j], model.after[j] ** 2).is_zero


def test_exact_numbers_are_those_derived():
    """Three steps by the public way to exact numbers, and by the derived polynomials."""
    rng = random.Random(2)

    def fraction():
        return Fraction(rng.randint(1, 30), rng.randint(20, 40))

    lam, target = [fraction() for _ in range(3)], [fraction() for _ in range(3)]
    levels = {name: [fraction() for _ in range(3)] for name in TARGETS}
    sigma2, gamma = fraction(), fraction()
    instance = instantiate(
        Run(
            qt.Problem(3, qt.Explicit(lam), qt.Explicit(target), sigma2),
            qt.Quantization(
                **{
                    name: qt.Additive(a)
                    + qt.Multiplicative(s)
                    + qt.Multiplicative(m, coupling="elementwise")
                    for name, (a, s, m) in levels.items()
                }
            ),
            qt.SGD(stepsize=gamma, steps=3, batch=2),
        ),
        Symbolic(),
    )
    values = {"gamma": gamma, "sigma^2": sigma2}
    for k, (a, s, m) in enumerate(levels.values()):
        values |= {f"additive_{k}": a, f"shared_{k}": s, f"multiplicative_{k}": s + m}
    values |= {f"s_{k}": Fraction(1) for k in range(3)}

    # The polynomials of coordinate 0, with the coordinates renumbered for the others.
    mean, second = (E(step.after[i] ** power) for power in (1, 2))
    m = v = [Fraction(0)] * 3
    for moments, _ in zip(trajectory(instance), range(4), strict=False):
        assert ([str(n) for n in moments.m], [str(n) for n in moments.v]) == (
            [str(n) for n in m],
            [str(n) for n in v],
        )
        following = []
        for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            for place, k in enumerate(order):
                values |= {f"lambda_{place}": lam[k], f"w*_{place}": target[k]}
                values |= {f"E w_{place}": m[k], f"E w w_{place}_{place}": v[k]}
            at = [values.get(name, Fraction(0)) for name in step.ring.names()]
            numbers = [flint.fmpq(n.numerator, n.denominator) for n in at]
            following.append([Fraction(str(moment(*numbers))) for moment in (mean, second)])
        m, v = zip(*following, strict=True)
