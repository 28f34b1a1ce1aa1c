"""T2: negative controls are refused; whole updates and the code that computes risks agree."""

import random
from fractions import Fraction
from itertools import product
from math import prod
from pathlib import Path

import flint
import numpy as np
import pytest
import sympy as sp
import z3

import qtheory as qt
from proofs import data_moments, double_sums, recursion, update
from proofs.data_moments import OTHER, OWN, THIRD, data, moment, only
from proofs.recursion import following as next_v
from proofs.recursion import inside, lam, lq, sigma2, signs
from proofs.update import B, E, G, rounding, stated
from qtheory.errors import ProofError
from qtheory.model.instance import Instance, NumericErrorModel, NumericFormat, instantiate
from qtheory.model.quantization import TARGETS
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Symbolic
from qtheory.proof.expectation import GaussianVector, Symmetric
from qtheory.proof.identities import identity
from qtheory.proof.kernel import lemma
from qtheory.risk.recursion import Step, trajectory
from tests.proof.whole_update import Update, renamed, section_2

b, c = data_moments.b, data_moments.c
same = stated(update.entry_of_pair(update.SAMPLES[b]))
cross = stated(update.entry_of_pair(update.SAMPLES[c]))
step = Update(d=3, B=2)


def levels(part, kind):
    return dict(zip(TARGETS, part.of[kind], strict=True))


multiplicative, shared = levels(rounding, "multiplicative"), levels(rounding, "shared")


class Sign(GaussianVector):
    """Fair signs times a standard deviation: the variance of a Gaussian, but E u^4 = (E u^2)^2."""

    def moment(self, powers):
        if any(power % 2 for power in powers):
            return 0
        halves = zip(self.variances, powers, strict=True)
        return prod((variance ** (n // 2) for variance, n in halves), start=data.one)


# --- negative controls: data ---------------------------------------------------------------------


def test_the_fourth_moment_of_the_data_matters():
    x = data.of["x"][b]
    signs_ = data.law({str(x[OWN]): Sign(x, data.of["lambda"])})
    assert signs_.expectation(x[OWN] ** 4) == data.of["lambda"][OWN] ** 2
    Q = data_moments.Q
    with pytest.raises(ProofError, match=r"E\[h_b h_b u_b u_b\], coordinates i, i: derived"):
        moment("h_b h_b u_b u_b", data_moments.total(Q.terms, data_moments.d), Q, law=signs_)
    only("h_b h_c u_b u_c", data_moments.squared, law=signs_)  # two samples have no fourth moment


def test_the_fourth_moment_of_a_shared_factor_matters():
    zeta = data.of["zeta"]
    eps = levels(data, "shared")["data"]
    signs_ = data.law({str(zeta[b]): Sign(zeta, [eps] * 2)})
    assert signs_.expectation((1 + zeta[b]) ** 4) == 1 + 6 * eps + eps**2
    Q = data_moments.Q
    with pytest.raises(ProofError, match=r"E\[h_b h_b u_b u_b\], coordinates"):
        moment("h_b h_b u_b u_b", data_moments.total(Q.terms, data_moments.d), Q, law=signs_)


def test_data_errors_shared_by_a_sample_are_not_elementwise():
    mistaken = renamed_row(data_moments.Q, levels(data, "shared")["data"], data.zero)
    with pytest.raises(ProofError, match="coordinates j, j"):  # the diagonal has their sum alone
        moment(
            "h_b h_b u_b u_b", data_moments.total(data_moments.Q.terms, data_moments.d), mistaken
        )


def renamed_row(row, old, new):
    """A row of section 2 with something else for a parameter."""
    return data_moments.Row(row.terms, lambda n: renamed(row.entry(n), [old], [new]))


def test_one_wrong_coefficient_beside_the_diagonal_is_seen():
    def entry(n):
        return data_moments.Y.entry(n) + (n != OWN) * data.of["lambda"][OWN] * data.of["lambda"][n]

    wrong = data_moments.Row(data_moments.Y.terms, entry)
    with pytest.raises(ProofError, match=r"E\[h_b h_b y_b y_b\], coordinates j, j: derived"):
        moment("h_b h_b y_b y_b", data_moments.labels, wrong, head=data_moments.noise)


def test_label_noise_comes_with_the_quantized_spectrum():
    with pytest.raises(ProofError, match=r"E\[h_b h_b y_b y_b\], no coordinate: derived"):
        moment(
            "h_b h_b y_b y_b",
            data_moments.labels,
            data_moments.Y,
            head=sigma2 * lam[data_moments.i],
        )


def test_the_diagonal_cannot_be_left_out_of_a_sum():
    seen = data_moments.seen * data_moments.seen
    proof = data_moments.spike_total(a=seen, k=data_moments.i, n=data_moments.d)
    with pytest.raises(ProofError, match="summed over the coordinates"):
        moment("h_b h_c y_b y_c", seen - seen * seen, data_moments.alone(seen), proof)


def test_an_entry_of_different_coordinates_that_does_not_vanish_is_seen(monkeypatch):
    """All x_j of a sample the same variable: then j != k matters, and is refused."""
    x = data.of["x"][b]
    tied = {"y_b": data_moments.Sum(data.of["xi"][b], lambda at: x[OWN] * data.of["w*"][at])}
    monkeypatch.setattr(data, "factors", data.factors | tied)
    with pytest.raises(ProofError, match=r"E\[h_b y_b\], coordinate j"):
        only("h_b y_b", data_moments.seen)
    monkeypatch.setattr(data_moments, "PATTERNS", [(OTHER, THIRD)])
    with pytest.raises(ProofError, match="coordinates j, k"):
        moment("h_b h_b y_b y_b", data_moments.labels, data_moments.Y, head=data_moments.noise)


def test_every_way_to_coincide_is_asked():
    """The partitions of i, j, k, with j and k in each place: five, as Bell's number says."""

    def partition(indices):
        return tuple(indices.index(index) for index in indices)

    asked = {partition((OWN, *pair)) for pair in data_moments.PATTERNS}
    assert asked == {partition((OWN, *pair)) for pair in product(range(3), repeat=2)}
    assert len(asked) == len(data_moments.PATTERNS) == sp.bell(3)


def test_a_moment_that_was_not_computed_is_refused():
    h, y = rounding.of["h"][b], rounding.of["y"][b]
    with pytest.raises(ProofError, match=r"E h_b\^4 y_b\^2 is not known"):
        E(h**4 * y**2)
    fewer = [known for known in data_moments.moments if known.factors != "h_b h_c y_b u_c"]
    with pytest.raises(ProofError, match=r"E h_b\^1 h_c\^1 y_b\^1 u_c\^1 is not known"):
        update.Rounding(fewer).law().expectation(G[b] * G[c])


def test_a_third_moment_of_a_label_error_is_not_needed_and_not_known():
    with pytest.raises(ProofError, match="only the first two moments"):
        E(rounding.of["e_l"][b] ** 3)


# --- negative controls: rounding and batch -------------------------------------------------------


@pytest.mark.parametrize("target", ["label", "activation", "gradient"])
def test_elementwise_cannot_be_taken_for_shared(target):
    everything_shared = [[shared[target]], [multiplicative[target]]]
    with pytest.raises(ProofError, match="cross"):
        identity("cross", E(G[b] * G[c]), renamed(cross, *everything_shared))
    # Within a sample it makes no difference.
    identity("same", E(G[b] ** 2), renamed(same, *everything_shared))


def test_the_parameter_error_is_shared_by_the_batch():
    additive = levels(rounding, "additive")["parameter"]
    drawn_anew = renamed(
        cross, [additive, multiplicative["parameter"]], [rounding.zero, rounding.zero]
    )
    with pytest.raises(ProofError, match="cross"):
        identity("cross", E(G[b] * G[c]), drawn_anew)


def sum_of_pairs(claim, *rest):
    """A claim on the sum over the pairs of n samples, for the kernel."""
    p, q, n = double_sums.p, double_sums.q, double_sums.n
    pairs = double_sums.total(double_sums.pair_rows(p, q, n), n)
    return lemma(z3.Implies(n >= 0, pairs == claim(p, q, z3.ToReal(n))), double_sums.pairs, *rest)


def test_there_are_b_times_b_minus_one_pairs_of_different_samples():
    sum_of_pairs(lambda p, q, n: n * p + n * (n - 1) * q)
    for wrong in (
        lambda p, q, n: n * p + n * n * q,
        lambda p, q, n: n * p + n * (n + 1) * q,
        lambda p, q, n: n * n * p,
        lambda p, q, n: n * p,
    ):
        with pytest.raises(ProofError, match="does not follow"):
            sum_of_pairs(wrong)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_sums_over_pairs_and_diagonals_by_hand(n):
    """The definitions of double_sums.py beside a loop."""
    rng = random.Random(n)
    f, g = ([Fraction(rng.randint(-9, 9), 4) for _ in range(n)] for _ in "fg")
    pairs = list(product(range(n), repeat=2))
    assert sum(f[k] * g[j] for k, j in pairs) == sum(f) * sum(g)
    assert sum(f[k] for k, j in pairs if k == j) == sum(f)
    assert sum(7 if k == j else 3 for k, j in pairs) == n * 7 + n * (n - 1) * 3


def test_the_first_order_term_has_a_factor_two():
    u, i = update.u, data_moments.i
    pairs = double_sums.total(update.pair_rows(update.same, update.cross, B), B)
    gamma, per_B = update.gamma, update.per_B

    def claim(factor, portion):
        linear = factor * gamma * per_B * update.over_samples(update.with_w)
        return lemma(
            z3.Implies(
                inside, next_v(update.t, u)[i] == u[i] + linear + gamma * gamma * portion * pairs
            ),
            next_v.at(update.t, u, i),
            double_sums.repeated(p=update.with_w, n=B),
            double_sums.pairs(p=update.same, q=update.cross, n=B),
            *signs,
        )

    claim(2, per_B * per_B)
    for wrong in ((1, per_B * per_B), (2, per_B)):
        with pytest.raises(ProofError, match="does not follow"):
            claim(*wrong)


def test_the_running_sum_takes_the_iterate_before_the_step():
    """s' = s + w: with E[s w] where E[s' w] is due, the step of E s w is refused."""
    forgotten = data_moments.seen * update.sum_m(data_moments.i, update.t) - lq[
        data_moments.i
    ] * update.sum_w(data_moments.i, update.t)
    with pytest.raises(ProofError, match="derived - stated"):
        identity("E[(s + w) G_b]", E((update.s_i + update.w_i) * G[b]), stated(forgotten))
    for twice in (1, 3):
        e = rounding.of
        with pytest.raises(ProofError, match="derived - stated"):
            identity(
                "E[s'^2]",
                E((update.s_i + update.w_i) ** 2),
                e["E s^2"] + twice * e["E s w"] + e["E w w"],
            )


# --- whole updates -------------------------------------------------------------------------------


def test_products_of_different_parameters_drop_out():
    names = data.ring.names()
    for found in data_moments.moments:
        for entry in found.entries:
            used = {names[k] for k, n in enumerate(entry.derived.degrees()) if n > 0}
            assert not used & {f"E w w_{a}_{b}" for a in "ijk" for b in "ijk" if a != b}


def test_the_record_is_of_identities_and_of_sums_by_the_kernel(monkeypatch):
    record = qt.prove("T2")
    assert record.checked
    assert {"E[h_b h_b u_b u_b], coordinates j, k", "E[G_b G_c]", "E[s'^2]"} <= {
        each.name for each in record.identities
    }
    assert "E w'^2" in {proof.name for proof in record.corollaries}
    assert record.questions > len(record.corollaries)
    monkeypatch.setattr("qtheory.proof.kernel.is_proof", lambda proof: False)
    assert not record.checked


def test_what_is_said_in_words_is_in_the_docs():
    page = " ".join((Path(__file__).parents[2] / "docs" / "proofs.md").read_text().split())
    assert all(sentence in page for sentence in update.ARGUED)


@pytest.mark.parametrize(("d", "B"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)])
def test_dimensions_and_batches_in_one_piece(d, B):
    other = Update(d, B)
    stated = section_2(other)(next_v(update.t, update.u)[z3.IntVal(d - 1)])
    gone = [*other.of["s"], other.of["1/B"]]
    values = [other.one] * d + [other.one / B]
    derived = other.E(other.after[d - 1] ** 2)
    identity("v'", renamed(derived, gone, values), renamed(stated, gone, values))


@pytest.mark.parametrize("pairs", [0, 2, 4])
def test_the_pairs_of_different_samples_cannot_be_miscounted(pairs):
    """In one piece for B = 2, where B (B - 1) = 2."""
    ones = [step.one] * step.d
    read = section_2(step)
    i = z3.IntVal(0)
    u, t = update.u, update.t
    of = step.of
    linear = 2 * of["gamma"] * (of["lambda"][0] * of["w*"][0] * of["E w"][0])
    linear -= 2 * of["gamma"] * read(lq[i]) * of["E w w"][0][0]
    both = 2 * read(recursion.same(t, u)[i]) + pairs * read(recursion.cross(t, u)[i])
    claimed = of["E w w"][0][0] + linear + of["gamma"] ** 2 * both / 4
    derived = renamed(step.E(step.after[0] ** 2), of["s"], ones)
    assert (derived == renamed(claimed, of["s"], ones)) is (pairs == 2)


def test_one_sample_of_one_coordinate_by_hand():
    """d = B = 1, exact but for labels: v + 2 g lam (w* m - v) + g^2 (s lam + 3 lam^2 e + a lam)."""
    one = Update(1, 1)
    of = one.of
    g, lam, s2, a = of["gamma"], of["lambda"][0], of["sigma^2"], of["additive"][LABEL]
    w, m, v = of["w*"][0], of["E w"][0], of["E w w"][0][0]
    e = w**2 - 2 * w * m + v
    by_hand = v + 2 * g * lam * (w * m - v) + g**2 * (s2 * lam + 3 * lam**2 * e + a * lam)
    others = [x for k in ("additive", "multiplicative", "shared") for x in of[k] if x != a]
    found = renamed(one.E(one.after[0] ** 2), [*others, of["s"][0]], [one.zero] * 14 + [one.one])
    assert found == by_hand
    section = section_2(one)(next_v(update.t, update.u)[z3.IntVal(0)])
    gone = [*others, of["s"][0], of["1/B"]]
    assert renamed(section, gone, [one.zero] * 14 + [one.one] * 2) == by_hand


LABEL = TARGETS.index("label")


# --- the code ------------------------------------------------------------------------------------


class Rounded(Update):
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
        label_noise=in_sympy(model.of["sigma^2"]),
        sketching=sp.S.Zero,
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

    j = 1

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
    mean, second = (step.E(step.after[0] ** power) for power in (1, 2))
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
