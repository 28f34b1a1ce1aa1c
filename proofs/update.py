r"""T2, the exact recursion: the moments of section 2 are derived from the update itself.

    w' = w + (gamma/B) sum_b G_b,   G_b = h_b r_b,   r = Q_o(Q_l(y) - Q_a(u)),   u = Q_d(X) Q_p(w),

in one coordinate i, with h_b = xq_bi, labels y_b = xi_b + sum_j x_bj w*_j and predictions
u_b = sum_j xq_bj wq_j; additive, shared and elementwise errors on all five targets at once.

Main results
    ``gradients``: E G_b, E[w G_b] and E[G_b G_c], for one sample and for two different ones
    ``following``: E w'_i^2 is what recursion.py says, for all d and B
    ``following_mean``, ``running``: so are E w'_i, and E s', E s' w', E s'^2 for the sum s of iterates
    ``derivation``: all of this; second_moments.py makes T2 of it

How
    What is random is computed by the rules of ``qtheory.proof.expectation`` with a symbol for every
    parameter, and compared with the formulas of section 2, read as polynomials. Sums over coordinates
    and samples, of any number, are the kernel's.

    1. Data: E[h^2 y^2], E[h^2 y u], ... are the sums of section 2, in data_moments.py.
    2. Rounding: given h, y and u, in any dimension, the errors of labels, activations and gradients
       have two known moments. So E[G_b G_c] is a combination of the moments of step 1: "same" for
       b = c, "cross" for b != c.
    3. Batch: (sum_b G_b)^2 is a sum over pairs; B of them have b = c, B (B - 1) do not (``pairs``).

    ``ARGUED`` says what is not checked by a machine.
"""

from collections import Counter
from collections.abc import Sequence

import z3

from qtheory.errors import ProofError
from qtheory.proof.expectation import Listed
from qtheory.proof.identities import Derivation, identity
from qtheory.proof.kernel import INT, lemma, variable
from qtheory.proof.polynomials import Reader, meaning
from qtheory.proof.sums import total, zeros
from qtheory.theory import notation
from qtheory.theory.definitions import x as relative_step
from qtheory.theory.moments import gaussian_core, sum_m, sum_v, sum_w

from .data_moments import (
    Moment,
    Part,
    Q,
    T,
    Y,
    b,
    c,
    labels,
    moments,
    seen,
    used,
)
from .double_sums import constant, pair, pair_rows, pairs, product_of_sums, repeated
from .recursion import (
    Yy,
    core,
    d,
    gamma,
    i,
    inside,
    lam,
    lq,
    m,
    per_B,
    sigma2,
    signs,
    spectrum,
    t,
    u,
    v,
    w,
    words,
)
from .recursion import cross as of_two_samples
from .recursion import following as next_v
from .recursion import same as of_one_sample

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

#: What is said in words between the identities and the kernel, and checked by no machine.
ARGUED = (
    "The expectation of a sum of n terms is the sum of their n expectations.",
    "An identity for coordinates called i, j, k and samples called b, c holds for any different ones:"
    " the law is one for all of them, up to the parameters, and what has other indices is absent.",
    "E w_i^2 exists after t steps: w'_i^2 is not negative, so the tower property holds for it whether"
    " or not the mean is finite (Tonelli), and gives the finite number that is computed; products are"
    " at most half the sum of squares.",
    "E s, E s w and E s^2 have the start and the step of the recursions of the average, so they are the"
    " same; that E w_i is m and E w_i^2 is v after any number of steps is proved.",
)


# --- rounding ------------------------------------------------------------------------------------
SAMPLES: tuple[z3.ArithRef, ...] = (variable("sample b", INT), variable("sample c", INT))


class Rounding(Part):
    """The errors of labels, activations and gradients, given h, y and u of two samples.

    The known moments of h, y and u are those that are given: their sums over the coordinates have
    names, whatever d is.
    """

    def __init__(self, known: Sequence[Moment]) -> None:
        names = ["lambda", "w*", "E w", "E w w", "E s", "E s w", "E s^2", "gamma", "1/B", "sigma^2"]
        pairs_ = dict.fromkeys(["h", "y", "u", "e_l", "e_a", "e_o"], ("bc",))
        sums = dict.fromkeys([*names, "sum Y", "sum T", "sum Q"], ())
        super().__init__(sums, {"w": (), "s": (), **pairs_})
        of, read = self.of, self.reader()
        misfit = [of["y"][n] + of["e_l"][n] - of["u"][n] - of["e_a"][n] for n in (b, c)]
        self.G = [of["h"][n] * (misfit[n] + of["e_o"][n]) for n in (b, c)]
        places = ["w", "s", *(f"{name}_{n}" for name in "hyu" for n in "bc")]
        listed = {}
        for known_ in known:
            power = Counter(known_.factors.split())
            listed[tuple(power[place] for place in places)] = read(known_.value)
        self.stages = {
            "known": [Listed([of["w"], of["s"], *of["h"], *of["y"], *of["u"]], listed)],
            "rounding": [
                self.error("label", of["e_l"], of["y"]),
                self.error("activation", of["e_a"], of["u"]),
            ],
            "gradient": [self.error("gradient", of["e_o"], misfit)],
        }

    def reader(self) -> Reader:
        """Reads section 2 in coordinate i, with names for its sums over the coordinates."""
        of, second = self.of, u[i]
        values = {
            **self.values(),
            **{lam[i]: of["lambda"], w[i]: of["w*"], m(i, t): of["E w"], second: of["E w w"]},
            **{v(t)[i]: of["E w w"], sum_m(i, t): of["E s"], sum_w(i, t): of["E s w"]},
            **{sum_v(i, t): of["E s^2"], sigma2: of["sigma^2"]},
            **{gamma: of["gamma"], per_B: of["1/B"]},
            **{total(row.terms, d): of[f"sum {n}"] for n, row in (("Y", Y), ("T", T), ("Q", Q))},
        }
        definitions = {labels: Yy.at(i)}
        for symbol in (notation.D, notation.lq, relative_step):
            (definitions[words[symbol][i]],) = words.unfold(symbol, at=i)
        for f in (of_one_sample, of_two_samples):
            definitions[f(t, u)[i]] = f.at(t, u, i)
        for other in SAMPLES:
            definitions[entry_of_pair(other)] = pair.at(same, cross, SAMPLES[b], other)
        reader = Reader(self.ring, values, definitions, SAMPLES)
        return reader.also({}, {core(t, u)[i]: reader(gaussian_core)})


same, cross = of_one_sample(t, u)[i], of_two_samples(t, u)[i]


def entry_of_pair(other: z3.ArithRef) -> z3.ArithRef:
    """Same for the sample b itself, cross for another one."""
    return pair(same, cross, SAMPLES[b])[other]


rounding = Rounding(moments)
stated = rounding.reader()
E, G = rounding.law().expectation, rounding.G
w_i, s_i = rounding.of["w"], rounding.of["s"]
mean_of_G = seen - used
with_w = seen * m(i, t) - lq[i] * u[i]
with_s = seen * (sum_m(i, t) + m(i, t)) - lq[i] * (sum_w(i, t) + u[i])

gradients = [
    # E G_b = lambda w* - lambda^q m,   E[w G_b] = lambda w* m - lambda^q v
    identity("E[G_b]", E(G[b]), stated(mean_of_G)),
    identity("E[w G_b]", E(w_i * G[b]), stated(with_w)),
    # E[(s + w) G_b] = lambda w* (E s + m) - lambda^q (E s w + v)
    identity("E[(s + w) G_b]", E((s_i + w_i) * G[b]), stated(with_s)),
    # E[G_b G_c] = same for b = c, cross for b != c
    identity("E[G_b G_b]", E(G[b] * G[b]), stated(entry_of_pair(SAMPLES[b]))),
    identity("E[G_b G_c]", E(G[b] * G[c]), stated(entry_of_pair(SAMPLES[c]))),
]

# --- batch: sums over any number of samples ------------------------------------------------------

B = words[notation.B]


def over_samples(p: z3.ArithRef) -> z3.ArithRef:
    """The sum over the samples of a mean that is the same for all."""
    return total(constant(p), B)


# E w' = E w + (gamma/B) sum_b E G_b
following_mean = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        m(i, t + 1) == m(i, t) + gamma * per_B * over_samples(mean_of_G),
    ),
    m.next(i, t),
    repeated(p=mean_of_G, n=B),
    spectrum,
    *signs,
    name="E w'",
)
# E w'^2 = E w^2 + 2 (gamma/B) sum_b E[w G_b] + (gamma/B)^2 sum_b sum_c E[G_b G_c]
following = lemma(
    z3.Implies(
        inside,
        next_v(t, u)[i]
        == u[i]
        + 2 * gamma * per_B * over_samples(with_w)
        + gamma * per_B * gamma * per_B * total(pair_rows(same, cross, B), B),
    ),
    next_v.at(t, u, i),
    repeated(p=with_w, n=B),
    pairs(p=same, q=cross, n=B),
    *signs,
    name="E w'^2",
)

# --- sums of iterates ----------------------------------------------------------------------------

# E[s' w'] = E[(s + w) w] + (gamma/B) sum_b E[(s + w) G_b] for the sum s' = s + w
with_s_and_v = z3.substitute(with_s, (u, v(t)))
running = lemma(
    z3.Implies(
        z3.And(t >= 0, inside),
        sum_w(i, t + 1) == sum_w(i, t) + v(t)[i] + gamma * per_B * over_samples(with_s_and_v),
    ),
    sum_w.next(i, t),
    sum_m.next(i, t),
    repeated(p=with_s_and_v, n=B),
    spectrum,
    *signs,
    name="E s' w'",
)
after_s = [
    identity("E[s']", E(s_i + w_i), stated(meaning(sum_m(i, t + 1), sum_m.next(i, t)))),
    identity("E[s' w]", E((s_i + w_i) * w_i), stated(sum_w(i, t) + v(t)[i])),
    identity("E[s'^2]", E((s_i + w_i) ** 2), stated(meaning(sum_v(i, t + 1), sum_v.next(i, t)))),
]

# --- all steps -----------------------------------------------------------------------------------

# w_0 = 0 and s_0 = 0, and recursion.py goes from t to t + 1 by the step above.
start = [
    identity(f"{name} at first", rounding.zero, stated(meaning(term, definition)))
    for name, term, definition in (
        ("E w", m(i, 0), m.zero(i)),
        ("E w^2", zeros()[i], zeros.at(i)),
        ("E s", sum_m(i, 0), sum_m.zero(i)),
        ("E s w", sum_w(i, 0), sum_w.zero(i)),
        ("E s^2", sum_v(i, 0), sum_v.zero(i)),
    )
]
for after, term, definition in (
    (zeros(), v(0), v.zero()),
    (next_v(t, v(t)), v(t + 1), v.next(t)),
):
    if not meaning(term, definition).eq(after):
        raise ProofError(f"{term} is {meaning(term, definition)}, not {after}")


#: The moments of the update are those of section 2, for all d and B.
derivation = Derivation(
    ASSUMPTIONS,
    identities=(
        *(entry for found in moments for entry in found.entries),
        *gradients,
        *after_s,
        *start,
    ),
    sums=(
        following_mean,
        following,
        running,
        product_of_sums,
        *(found.summed for found in moments if found.summed is not None),
    ),
)
