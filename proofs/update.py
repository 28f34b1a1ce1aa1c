r"""T2, the exact recursion: the moments of section 2 are derived from the update itself.

    w' = w + (gamma/B) sum_b xq_b r_b,   r = Q_o(Q_l(y) - Q_a(Q_d(X) Q_p(w)))

with additive, shared and elementwise errors on all five targets at once. With G_bi = xq_bi r_b,

Main results
    ``following_mean``: E w'_i = E w_i + (gamma/B) sum_b E G_bi is what recursion.py says
    ``following``: E w'_i^2 = E w_i^2 + (2 gamma/B) sum_b E[w_i G_bi] + (gamma/B)^2 sum_{b, b'} E[G_bi G_b'i]
    ``past``: E[z w'] = rho E[z w] + gamma lambda w* E z for any z known before the step
    ``theorem``: the three together, for all d and B

How
    These expectations are computed by the rules of ``qtheory.proof.expectation`` with a symbol for
    every parameter, and compared with the definitions in ``recursion.py``, read as polynomials.

    Why three coordinates and two samples decide every d and B. Give coordinate j a weight s_j in the
    labels and predictions, y_b = xi_b + sum_j s_j x_bj w*_j and u_b = sum_j s_j xq_bj wq_j; section 1
    is s = 1. In any dimension the residual has degree one in the weights, and the second moment of
    an error has degree two in the vector that is rounded, so that each expectation above is

        c_0(i) + sum_j c_1(i; j) s_j + sum_{j, k} c_2(i; j, k) s_j s_k.

    A coefficient c(i; j, k) is the expectation of a polynomial in variables of the coordinates i, j, k
    and of the samples b, b'. Every other variable is absent from it and integrates to 1. Coordinates
    are independent with one law up to their parameters, and samples have one law, so c is one
    polynomial in the parameters of i, j, k for each way in which i, j, k, and b, b', can coincide.
    Three coordinates and two samples show every way; B samples have B pairs b = b' and B (B - 1)
    pairs b != b'. Section 2 is a sum over j of the same kind, and its coefficients are compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

from qtheory.errors import ProofError
from qtheory.model.quantization import TARGETS
from qtheory.proof.expectation import (
    RULES,
    Gaussian,
    Law,
    Polynomial,
    RandomVector,
    TwoMoments,
    ring,
)
from qtheory.proof.kernel import Proof, lemma
from qtheory.proof.polynomials import Reader, coefficient, meaning, renamed
from qtheory.proof.sums import zeros
from qtheory.theory import notation
from qtheory.theory.definitions import x as relative_step

from . import recursion as section2

#: What is used of the model, and nothing else.
ASSUMPTIONS = (
    "the samples of a step are independent of each other and of everything before the step",
    "x_bi is N(0, lambda_i), independent over the coordinates",
    "xi_b has mean 0 and variance sigma^2, and is independent of x_b and of all errors before it",
    "xq_bi = (1 + zeta_b + zeta_bi) x_bi + e_bi: centred Gaussian zeta_b, one for the sample, and"
    " zeta_bi and e_bi, one per entry, independent of each other and of x, with the variances"
    " shared, elementwise and additive",
    "every other error e of a vector u has E[e | u] = 0 and E[e e^T | u] = additive I + shared"
    " u u^T + elementwise diag(u^2), given u and all that was drawn before; no higher moment",
    "the label and the activation error are uncorrelated, given all that was drawn before",
    "the parameter error is drawn once per step, independently of the samples",
    "E w_i and E w_i^2 exist; E w_i w_j for i != j is not known",
)


# --- the model -----------------------------------------------------------------------------------


class Update:
    """One step of section 1 in dimension d with B samples: w', and the law of all that is in it."""

    #: Parameters of the data, one per coordinate, beside their variance lambda.
    data_parameters: tuple[str, ...] = ()

    def __init__(self, d: int, B: int) -> None:
        self.d, self.B = d, B
        parameters = {
            **dict.fromkeys(["lambda", "w*", "s", "E w", "E z w", *self.data_parameters], (d,)),
            **dict.fromkeys(["additive", "multiplicative", "shared"], (len(TARGETS),)),
            **dict.fromkeys(["gamma", "sigma^2", "1/B", "E z", "E z^2"], ()),
            "E w w": (d, d),
        }
        variables = {
            **dict.fromkeys(["w", "e_p"], (d,)),
            **dict.fromkeys(["x", "zeta_i", "e_d"], (B, d)),
            **dict.fromkeys(["xi", "zeta", "e_l", "e_a", "e_o"], (B,)),
            "z": (),  # any number known before the step
        }
        self.ring, self.of = ring({**parameters, **variables})
        self.parameters = [self.of[name] for name in parameters]
        self.zero, self.one = self.ring.constant(0), self.ring.constant(1)
        of, zero, samples, coordinates = self.of, self.zero, range(B), range(d)

        # Q_p(w), Q_d(x_b), the labels y_b and the predictions u_b, with weights s
        self.wq = [of["w"][j] + of["e_p"][j] for j in coordinates]
        self.x, self.xq = of["x"], self.quantized_data()
        seen = [of["s"][j] * of["w*"][j] for j in coordinates]
        used = [of["s"][j] * self.wq[j] for j in coordinates]
        y = [of["xi"][b] + _dot(self.x[b], seen) for b in samples]
        u = [_dot(self.xq[b], used) for b in samples]

        # r = Q_o(Q_l(y) - Q_a(u)),   G_bi = xq_bi r_b,   w' = w + (gamma/B) sum_b G_b
        misfit = [(y[b] + of["e_l"][b]) - (u[b] + of["e_a"][b]) for b in samples]
        r = [misfit[b] + of["e_o"][b] for b in samples]
        self.G = [[self.xq[b][i] * r[b] for i in coordinates] for b in samples]
        self.w = of["w"]
        step = of["gamma"] / B
        self.after = [of["w"][i] + step * sum((G[i] for G in self.G), zero) for i in coordinates]

        #: Drawn one after the other; the vectors of a stage are independent given earlier stages.
        self.stages: dict[str, Sequence[RandomVector]] = {
            "past": [self.past()],
            "data": [
                *self.data(),
                TwoMoments(of["xi"], [zero] * B, _diagonal([of["sigma^2"]] * B, zero)),
                self.error("parameter", of["e_p"], of["w"]),
            ],
            "rounding": [
                self.error("label", of["e_l"], y),
                self.error("activation", of["e_a"], u),
            ],
            "gradient": [self.error("gradient", of["e_o"], misfit)],
        }
        self.E = self.law(self.stages).expectation

    def law(self, stages: Mapping[str, Sequence[RandomVector]]) -> Law:
        """The joint law of these stages."""
        return Law(self.ring, _flat(self.parameters), *stages.values())

    def level(self, target: str) -> tuple[Polynomial, Polynomial, Polynomial]:
        """The error levels of a target: additive, shared, elementwise."""
        k = TARGETS.index(target)
        shared = self.of["shared"][k]
        return self.of["additive"][k], shared, self.of["multiplicative"][k] - shared

    def error(self, target: str, e: Sequence[Polynomial], u: Sequence[Polynomial]) -> TwoMoments:
        """E[e | u] = 0 and E[e e^T | u] = additive I + shared u u^T + elementwise diag(u^2)."""
        additive, shared, elementwise = self.level(target)
        alone = _diagonal([additive + elementwise * value**2 for value in u], self.zero)
        second = [
            [alone[k][j] + shared * u[k] * u[j] for j in range(len(u))] for k in range(len(u))
        ]
        return TwoMoments(e, [self.zero] * len(u), second)

    def quantized_data(self) -> list[list[Polynomial]]:
        """xq_bi = (1 + zeta_b + zeta_bi) x_bi + e_bi."""
        of = self.of
        return [
            [(1 + of["zeta"][b] + zeta) * x + e for zeta, x, e in zip(*rows, strict=True)]
            for b, rows in enumerate(zip(of["zeta_i"], of["x"], of["e_d"], strict=True))
        ]

    def data(self) -> list[RandomVector]:
        """The Gaussian variables of the data."""
        additive, shared, elementwise = self.level("data")
        found: list[RandomVector] = [Gaussian(self.of["zeta"], [shared] * self.B)]
        for b in range(self.B):
            found += [
                Gaussian(self.of["x"][b], self.of["lambda"]),
                Gaussian(self.of["zeta_i"][b], [elementwise] * self.d),
                Gaussian(self.of["e_d"][b], [additive] * self.d),
            ]
        return found

    def past(self) -> TwoMoments:
        """What is known of w and of any number z before the step: names for the moments."""
        of = self.of
        second = [
            *([*row, of["E z w"][k]] for k, row in enumerate(_symmetric(of["E w w"]))),
            [*of["E z w"], of["E z^2"]],
        ]
        return TwoMoments([*of["w"], of["z"]], [*of["E w"], of["E z"]], second)


def _dot(left: Sequence[Polynomial], right: Sequence[Polynomial]) -> Polynomial:
    first, *rest = (a * b for a, b in zip(left, right, strict=True))
    return sum(rest, first)


def _diagonal(entries: Sequence[Polynomial], zero: Polynomial) -> list[list[Polynomial]]:
    places = range(len(entries))
    return [[entries[k] if k == j else zero for j in places] for k in places]


def _symmetric(table: list[list[Polynomial]]) -> list[list[Polynomial]]:
    places = range(len(table))
    return [[table[max(k, j)][min(k, j)] for j in places] for k in places]


def _flat(nested: Any) -> list[Polynomial]:
    return [g for part in nested for g in _flat(part)] if isinstance(nested, list) else [nested]


# --- the statement -------------------------------------------------------------------------------


def section_2(step: Update) -> Reader:
    """The formulas of ``recursion.py`` for these d coordinates, as polynomials.

    m(j, t) and u[j] are E w_j and E w_j^2; a sum over j has the weights s_j^2.
    """
    of, words, t, u = step.of, section2.words, section2.t, section2.u
    coordinates = range(step.d)
    values: dict[z3.ExprRef, Polynomial] = {
        section2.gamma: of["gamma"],
        section2.sigma2: of["sigma^2"],
        section2.per_B: of["1/B"],
    }
    for kind in ("additive", "multiplicative", "shared"):
        for symbol, level in zip(getattr(notation, kind).values(), of[kind], strict=True):
            values[words[symbol]] = level
    definitions: dict[z3.ExprRef, Proof] = {}
    for i in coordinates:
        values[section2.lam[i]], values[section2.w[i]] = of["lambda"][i], of["w*"][i]
        values[section2.m(i, t)], values[u[i]] = of["E w"][i], of["E w w"][i][i]
        for symbol in (notation.D, notation.lq, relative_step):
            (definitions[words[symbol][i]],) = words.unfold(symbol, at=i)
        definitions[section2.Yy()[i]] = section2.Yy.at(i)
        for f in (section2.core, section2.same, section2.cross, section2.following):
            definitions[f(t, u)[i]] = f.at(t, u, i)
        for j in coordinates:
            definitions[section2.Q_row(u, i)[j]] = section2.Q_row.at(u, i, j)
            definitions[section2.T_row(t, i)[j]] = section2.T_row.at(t, i, j)
            definitions[section2.Y_row(i)[j]] = section2.Y_row.at(i, j)

    def total(entry: Callable[[int], Polynomial]) -> Polynomial:
        return _dot([s**2 for s in of["s"]], [entry(j) for j in coordinates])

    return Reader(step.ring, values, definitions, section2.d, total)


@dataclass(frozen=True)
class Identity:
    """Two polynomials that are equal: what follows from the update, and what section 2 says."""

    name: str
    derived: Polynomial = field(repr=False)
    stated: Polynomial = field(repr=False)

    @property
    def holds(self) -> bool:
        """Whether the polynomials are equal."""
        return self.derived == self.stated


def identity(name: str, derived: Polynomial, stated: Polynomial) -> Identity:
    """The identity, if the polynomials are equal; an error otherwise."""
    if derived != stated:
        raise ProofError(f"{name}: derived - stated = {str(derived - stated)[:300]}, not 0")
    return Identity(name, derived, stated)


step = Update(d=3, B=2)
stated = section_2(step)
E, G, of = step.E, step.G, step.of
i, j, k = 0, 1, 2  # coordinates that are different
b, c = 0, 1  # samples that are different
t, u = section2.t, section2.u
s = of["s"]


def at_one(polynomial: Polynomial) -> Polynomial:
    """Section 1 itself: the weights are 1."""
    return renamed(polynomial, s, [step.one] * step.d)


# --- the tables of fourth moments ----------------------------------------------------------------

x, xq = step.x, step.xq
tables = []
for n in (i, j):
    first, second = z3.IntVal(i), z3.IntVal(n)
    tables += [
        # Q_in = E[xq_i^2 xq_n^2]
        identity("Q", E(xq[b][i] ** 2 * xq[b][n] ** 2), stated(section2.Q_entry(first, second))),
        # T_in = E[xq_i^2 x_n xq_n]
        identity(
            "T", E(xq[b][i] ** 2 * x[b][n] * xq[b][n]), stated(section2.T_entry(first, second))
        ),
        # Y_in = E[xq_i^2 x_n^2]
        identity("Y", E(xq[b][i] ** 2 * x[b][n] ** 2), stated(section2.Y_entry(first, second))),
    ]

# --- the expectations of the expansion, with weights ---------------------------------------------

lam, w_star, m, v = of["lambda"], of["w*"], of["E w"], of["E w w"]
lq = [stated(section2.lq[n]) for n in range(step.d)]
same = [stated(section2.same(t, u)[n]) for n in range(step.d)]
cross = [stated(section2.cross(t, u)[n]) for n in range(step.d)]

# E[xq_i^2] = lambda^q_i,   E[x_i xq_i] = lambda_i,   E[Q_p(w)_i^2] = vh_i
second_moments = [
    identity("lambda^q", E(xq[b][i] ** 2), lq[i]),
    identity("lambda", E(x[b][i] * xq[b][i]), lam[i]),
    identity("vh", E(step.wq[i] ** 2), stated(section2.vh(u[i]))),
]

# E G_bi = s_i (lambda_i w*_i - lambda^q_i m_i)
mean = identity("E G", E(G[b][i]), s[i] * (lam[i] * w_star[i] - lq[i] * m[i]))

# E[w_i G_bi] = s_i (lambda_i w*_i m_i - lambda^q_i v_i)
linear_terms = identity(
    "E w G", E(step.w[i] * G[b][i]), s[i] * (lam[i] * w_star[i] * m[i] - lq[i] * v[i][i])
)

# E[G_bi^2] = same_i, where the sums over j have the weights s_j^2
same_sample = identity("same", E(G[b][i] ** 2), same[i])

# E[G_bi G_ci] = s_i^2 cross_i for two samples b != c
two_samples = identity("cross", E(G[b][i] * G[c][i]), s[i] ** 2 * cross[i])

# --- any dimension -------------------------------------------------------------------------------


def swapped(polynomial: Polynomial, one: int, other: int) -> Polynomial:
    """The polynomial with the parameters of two coordinates in each other's place."""
    own = [[lam[n], w_star[n], s[n], m[n], v[n][n]] for n in (one, other)]
    return renamed(polynomial, own[0] + own[1], own[1] + own[0])


def pattern(polynomial: Polynomial, *factors: int) -> Polynomial:
    """The coefficient c(i; ...) of the product of the weights of some coordinates."""
    return coefficient(polynomial, s, [factors.count(n) for n in range(step.d)])


# c_1(i; j) = 0, and c_2(i; j, k) = 0 for j != k, whether or not one of them is i.
vanishing = [
    identity(f"{what.name}, coefficient {factors}", pattern(what.derived, *factors), step.zero)
    for what in (same_sample, two_samples)
    for factors in ((i,), (j,), (i, j), (j, k))
]
# For two samples c_0(i) = 0 and c_2(i; j, j) = 0 for j != i as well: coordinate i is alone.
alone = [
    identity(f"cross, coefficient {factors}", pattern(two_samples.derived, *factors), step.zero)
    for factors in ((), (j, j))
]
# So E[G_bi^2] = c_0(i) + sum_j c_2(i; j, j) s_j^2, and the coefficients are those of section 2.
patterns = [
    identity(f"same, coefficient {factors}", pattern(same_sample.derived, *factors), value)
    for factors, value in (
        ((), pattern(same[i])),
        ((i, i), pattern(same[i], i, i)),
        ((j, j), pattern(same[i], j, j)),
        # c_2(i; k, k) is c_2(i; j, j) with the parameters of k
        ((k, k), swapped(pattern(same_sample.derived, j, j), j, k)),
    )
]
# They are one polynomial for every i, and for every sample and pair of samples.
alike = [
    identity("E[G_cj^2]", E(G[c][j] ** 2), swapped(same_sample.derived, i, j)),
    identity("E[G_bj G_cj]", E(G[b][j] * G[c][j]), swapped(two_samples.derived, i, j)),
    identity("E[w_j G_cj]", E(step.w[j] * G[c][j]), swapped(linear_terms.derived, i, j)),
]

# --- any batch -----------------------------------------------------------------------------------

# (1/B)^2 times the B pairs b = b' is 1/B; times the B (B - 1) pairs b != b' it is 1 - 1/B.
count, portion = z3.ToReal(section2.words[notation.B]), section2.per_B
pairs = lemma(
    z3.And(
        count * portion * portion == portion,
        count * (count - 1) * portion * portion == 1 - portion,
    ),
    *section2.signs,
    name="pairs of samples",
)

# E w'_i = m_i + gamma E G_bi = rho_i m_i + gamma lambda_i w*_i
gamma, per_batch = of["gamma"], of["1/B"]
following_mean = identity(
    "E w'",
    m[i] + gamma * at_one(mean.derived),
    stated(meaning(section2.m(i, t + 1), section2.m.next(i, t))),
)

# E w'_i^2 = v_i + 2 gamma E[w_i G_bi] + gamma^2 ((1/B) E[G_bi^2] + (1 - 1/B) E[G_bi G_ci])
products = per_batch * same_sample.derived + (1 - per_batch) * two_samples.derived
following = identity(
    "E w'^2",
    v[i][i] + 2 * gamma * at_one(linear_terms.derived) + gamma**2 * at_one(products),
    at_one(stated(section2.following(t, u)[i])),
)

# The same in one piece for d = 3 and B = 2, from w' as it stands in section 1.
in_one_piece = [
    identity("E w', d = 3, B = 2", at_one(E(step.after[i])), following_mean.stated),
    identity(
        "E w'^2, d = 3, B = 2",
        at_one(E(step.after[i] ** 2)),
        renamed(following.stated, [per_batch], [step.one / step.B]),
    ),
]

# --- sums of iterates ----------------------------------------------------------------------------

# E[z w'_i] = rho_i E[z w_i] + gamma lambda_i w*_i E z for any number z known before the step.
# With z = w_k + ... + w of the same coordinate this is how averages of iterates are followed.
rho = stated(1 - section2.x[i])
past = identity(
    "E z w'",
    at_one(E(of["z"] * step.after[i])),
    rho * of["E z w"][i] + gamma * lam[i] * w_star[i] * of["E z"],
)

# --- T2 ------------------------------------------------------------------------------------------

# From w_0 = 0, m(i, t) = E w_i and v(t)[i] = E w_i^2 for every t, by induction on t: recursion.py
# starts both at 0, and goes from t to t + 1 by the step above.
start = [
    identity("E w_0", step.zero, stated(meaning(section2.m(i, 0), section2.m.zero(i)))),
    identity("E w_0^2", step.zero, stated(meaning(zeros()[i], zeros.at(i)))),
]
for after, term, definition in (
    (zeros(), section2.v(0), section2.v.zero()),
    (section2.following(t, section2.v(t)), section2.v(t + 1), section2.v.next(t)),
):
    if not meaning(term, definition).eq(after):
        raise ProofError(f"{term} is {meaning(term, definition)}, not {after}")


@dataclass(frozen=True)
class Theorem:
    """Identities between the moments of the update and section 2, for all d and B."""

    name: str
    assumptions: tuple[str, ...]
    axioms: tuple[str, ...]
    identities: tuple[Identity, ...]


theorem = Theorem("T2", ASSUMPTIONS, tuple(RULES), (following_mean, following, past))
