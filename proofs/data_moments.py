r"""Step 1 of T2: the moments of data, labels and predictions, for any number of coordinates.

    h_b = xq_bi,   y_b = xi_b + sum_j x_bj w*_j,   u_b = sum_j xq_bj wq_j

Main results
    ``moments``: E[h^2 y^2], E[h^2 y u], ...: each a number or a sum over the coordinates of section 2

How
    The product of S = p + sum_j f_j and S' = p' + sum_k f'_k is
    p p' + sum_j (p f'_j + f_j p') + sum_j sum_k f_j f'_k (``product_of_sums``). By the rules of
    ``qtheory.proof.expectation`` the second part has mean 0, and the entries E[h^2 f_j f'_k] vanish
    for j != k; for j = k they are the row of Q, T or Y. So the double sum is the sum over that row
    (``diagonal_sum``). The entries are computed in every way in which j and k can coincide with each
    other and with i, for names i, j, k and b, c of coordinates and samples that are any different ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import z3

from qtheory.model.quantization import TARGETS
from qtheory.proof.expectation import (
    GaussianVector,
    Law,
    Polynomial,
    RandomVector,
    TwoMoments,
    ring,
)
from qtheory.proof.identities import Identity, identity
from qtheory.proof.kernel import Proof, lemma
from qtheory.proof.polynomials import Reader
from qtheory.proof.sums import a, k, spike, spike_total, total
from qtheory.theory import notation
from qtheory.theory.moments import sum_m, sum_v, sum_w

from .double_sums import diagonal, diagonal_sum
from .recursion import (
    Q_row,
    T_row,
    Y_row,
    Yy,
    d,
    dimension_positive,
    i,
    inside,
    j,
    lam,
    lq,
    m,
    sigma2,
    t,
    u,
    vh,
    w,
    words,
)

# --- the model -----------------------------------------------------------------------------------

OWN, OTHER, THIRD = range(3)  # the coordinates i, j, k, which are different
b, c = range(2)  # the samples b, c, which are different
COORDINATES: tuple[z3.ArithRef, ...] = (i, j, k)


class Part:
    """Some random variables of a step, with symbols for the parameters of their law."""

    def __init__(
        self,
        parameters: Mapping[str, Sequence[int | str]],
        variables: Mapping[str, Sequence[int | str]],
    ) -> None:
        levels = dict.fromkeys(["additive", "multiplicative", "shared"], (len(TARGETS),))
        self.ring, self.of = ring({**levels, **parameters, **variables})
        self.parameters = [g for name in (*levels, *parameters) for g in _flat(self.of[name])]
        self.zero, self.one = self.ring.constant(0), self.ring.constant(1)
        #: Drawn one after the other; the vectors of a stage are independent given earlier stages.
        self.stages: dict[str, Sequence[RandomVector]] = {}

    def law(self, changes: Mapping[str, RandomVector] | None = None) -> Law:
        """The joint law; with other vectors in place of some that begin with these variables."""
        stages = [
            [(changes or {}).get(str(vector.variables[0]), vector) for vector in stage]
            for stage in self.stages.values()
        ]
        return Law(self.ring, self.parameters, *stages)

    def level(self, target: str) -> tuple[Polynomial, Polynomial, Polynomial]:
        """The error levels of a target: additive, shared, elementwise."""
        place = TARGETS.index(target)
        shared = self.of["shared"][place]
        return self.of["additive"][place], shared, self.of["multiplicative"][place] - shared

    def error(self, target: str, e: Sequence[Polynomial], u: Sequence[Polynomial]) -> TwoMoments:
        """E[e | u] = 0 and E[e e^T | u] = additive I + shared u u^T + elementwise diag(u^2)."""
        additive, shared, elementwise = self.level(target)
        second = [[shared * one * other for other in u] for one in u]
        for place, value in enumerate(u):
            second[place][place] += additive + elementwise * value**2
        return TwoMoments(e, [self.zero] * len(u), second)

    def values(self) -> dict[z3.ExprRef, Polynomial]:
        """The symbols for the kernel's names of the error levels."""
        return {
            words[symbol]: level
            for kind in ("additive", "multiplicative", "shared")
            for symbol, level in zip(getattr(notation, kind).values(), self.of[kind], strict=True)
        }


def _flat(nested: Any) -> list[Polynomial]:
    return [g for part in nested for g in _flat(part)] if isinstance(nested, list) else [nested]


@dataclass(frozen=True)
class Sum:
    """head + term(0) + ... + term(d - 1), over any number of coordinates."""

    head: Polynomial
    term: Callable[[int], Polynomial]


class Data(Part):
    """The past, the samples and the parameter error, in the coordinates i, j, k."""

    def __init__(self) -> None:
        three, both = ("ijk",), ("bc", "ijk")
        super().__init__(
            {
                **dict.fromkeys(["lambda", "w*", "E w", "E s w"], three),
                **dict.fromkeys(["sigma^2", "E s", "E s^2"], ()),
                "E w w": ("ijk", "ijk"),
            },
            {
                **dict.fromkeys(["w", "e_p"], three),
                **dict.fromkeys(["x", "zeta_i", "e_d"], both),
                **dict.fromkeys(["xi", "zeta"], ("bc",)),
                "s": (),  # the sum of iterates of coordinate i, or any number known before the step
            },
        )
        of, zero = self.of, self.zero
        self.wq = [one + e for one, e in zip(of["w"], of["e_p"], strict=True)]
        self.xq = [
            [(1 + of["zeta"][n] + zeta) * x + e for zeta, x, e in zip(*rows, strict=True)]
            for n, rows in enumerate(zip(of["zeta_i"], of["x"], of["e_d"], strict=True))
        ]
        noise = [[of["sigma^2"], zero], [zero, of["sigma^2"]]]
        self.stages = {
            "past": [self.past()],
            "step": [
                *self.samples(),
                TwoMoments(of["xi"], [zero, zero], noise),
                self.error("parameter", of["e_p"], of["w"]),
            ],
        }
        #: What moments are asked of: h, y, u of a sample, and w and s in coordinate i.
        self.factors: dict[str, Polynomial | Sum] = {"w": of["w"][OWN], "s": of["s"]}
        for n, name in enumerate("bc"):
            self.factors[f"h_{name}"] = self.xq[n][OWN]
            self.factors[f"y_{name}"] = Sum(
                of["xi"][n], lambda at, n=n: of["x"][n][at] * of["w*"][at]
            )
            self.factors[f"u_{name}"] = Sum(zero, lambda at, n=n: self.xq[n][at] * self.wq[at])

    def samples(self) -> list[RandomVector]:
        """The Gaussian variables of the data."""
        additive, shared, elementwise = self.level("data")
        found: list[RandomVector] = [GaussianVector(self.of["zeta"], [shared] * 2)]
        for n in (b, c):
            found += [
                GaussianVector(self.of["x"][n], self.of["lambda"]),
                GaussianVector(self.of["zeta_i"][n], [elementwise] * 3),
                GaussianVector(self.of["e_d"][n], [additive] * 3),
            ]
        return found

    def past(self) -> TwoMoments:
        """What is known of w and s before the step: names for the moments."""
        of = self.of
        table = [[of["E w w"][max(n, k)][min(n, k)] for n in range(3)] for k in range(3)]
        second = [
            *([*row, of["E s w"][n]] for n, row in enumerate(table)),
            [*of["E s w"], of["E s^2"]],
        ]
        return TwoMoments([*of["w"], of["s"]], [*of["E w"], of["E s"]], second)

    def reader(self) -> Reader:
        """Reads section 2 in the coordinates i, j, k."""
        of = self.of
        values = {sigma2: of["sigma^2"], **self.values()}
        values |= {sum_m(i, t): of["E s"], sum_w(i, t): of["E s w"][OWN], sum_v(i, t): of["E s^2"]}
        definitions: dict[z3.ExprRef, Proof] = {}
        for n, at in enumerate(COORDINATES):
            values |= {lam[at]: of["lambda"][n], w[at]: of["w*"][n]}
            values |= {m(at, t): of["E w"][n], u[at]: of["E w w"][n][n]}
            for symbol in (notation.D, notation.lq):
                (definitions[words[symbol][at]],) = words.unfold(symbol, at=at)
        return Reader(self.ring, values, definitions, COORDINATES)


# --- sums over any number of coordinates ---------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A sequence of section 2, and how its entries read."""

    terms: z3.ExprRef
    entry: Callable[[int], Polynomial]


@dataclass(frozen=True)
class Moment:
    """An expectation of factors and its value in section 2: by its entries, summed by the kernel."""

    factors: str
    value: z3.ArithRef
    entries: tuple[Identity, ...]
    summed: Proof | None = None


data = Data()
law_of_data, read_data = data.law(), data.reader()

#: Every way in which j and k can coincide with each other and with i.
PATTERNS = ((OWN, OWN), (OWN, OTHER), (OTHER, OWN), (OTHER, OTHER), (OTHER, THIRD))
_place = {n: COORDINATES[n] for n in (OWN, OTHER, THIRD)}
_spike_at = {at: spike.at(a, _place[at[0]], _place[at[1]]) for at in PATTERNS}


def spiked(value: Polynomial, peak: int, at: int) -> Polynomial:
    """The entry of the kernel's sequence with a value at one coordinate and 0 elsewhere."""
    term = spike(a, _place[peak])[_place[at]]
    return read_data.also({term: _spike_at[peak, at]}, {a: value})(term)


def row_of(row: Callable[..., z3.ExprRef], at: Callable[..., Proof], *arguments: Any) -> Row:
    """A row of section 2."""
    terms = row(*arguments)

    def entry(n: int) -> Polynomial:
        return read_data.also({terms[_place[n]]: at(*arguments, _place[n])})(terms[_place[n]])

    return Row(terms, cache(entry))


def alone(value: z3.ArithRef) -> Row:
    """The row with one entry, that of coordinate i."""
    return Row(spike(value, i), lambda n: spiked(read_data(value), OWN, n))


def moment(
    factors: str,
    value: z3.ArithRef,
    row: Row | None = None,
    *premises: Proof,
    head: z3.ArithRef | None = None,
    law: Law | None = None,
) -> Moment:
    """E of the factors: ``head``, and the sum over coordinates of a row, which is the value."""
    E, of = (law or law_of_data).expectation, [data.factors[name] for name in factors.split()]
    rest = prod((f for f in of if not isinstance(f, Sum)), start=data.one)
    sums, name = [f for f in of if isinstance(f, Sum)], f"E[{factors}]"
    if row is None:
        return Moment(factors, value, (identity(name, E(rest), read_data(value)),))
    head = z3.RealVal(0) if head is None else head
    heads = prod((S.head for S in sums), start=rest)
    entries = [identity(f"{name}, no coordinate", E(heads), read_data(head))]
    entries += (_one_sum if len(sums) == 1 else _two_sums)(name, E, rest, *sums, row)
    terms = row.terms if len(sums) == 1 else diagonal(row.terms, d)
    proof = lemma(
        z3.Implies(inside, head + total(terms, d) == value),
        *([diagonal_sum(f=row.terms, n=d)] if len(sums) == 2 else []),
        *premises,
        dimension_positive,
        name=f"{name}, summed over the coordinates",
    )
    return Moment(factors, value, tuple(entries), proof)


def _one_sum(
    name: str, E: Callable[[Polynomial], Polynomial], rest: Polynomial, S: Sum, row: Row
) -> list[Identity]:
    """The entries E[rest f_j] are those of the row, for j = i and for j != i."""
    return [
        identity(f"{name}, coordinate {'ijk'[n]}", E(rest * S.term(n)), row.entry(n))
        for n in (OWN, OTHER)
    ]


def _two_sums(
    name: str, E: Callable[[Polynomial], Polynomial], rest: Polynomial, S: Sum, R: Sum, row: Row
) -> list[Identity]:
    """The entries E[rest f_j f'_k] are those of the row on the diagonal, and 0 beside it."""
    found = []
    for n in (OWN, OTHER):
        mixed = S.head * R.term(n) + S.term(n) * R.head
        found.append(identity(f"{name}, head and {'ijk'[n]}", E(rest * mixed), data.zero))
    for n, other in PATTERNS:
        derived, where = E(rest * S.term(n) * R.term(other)), f"{'ijk'[n]}, {'ijk'[other]}"
        stated = spiked(row.entry(n), n, other)
        found.append(identity(f"{name}, coordinates {where}", derived, stated))
    return found


def only(factors: str, value: z3.ArithRef, law: Law | None = None) -> Moment:
    """A moment to which coordinate i alone contributes."""
    return moment(factors, value, alone(value), spike_total(a=value, k=i, n=d), law=law)


Y = row_of(Y_row, Y_row.at, i)
T = row_of(T_row, T_row.at, t, i)
Q = row_of(Q_row, Q_row.at, u, i)
noise, labels = sigma2 * lq[i], Yy()[i]
seen, used = lam[i] * w[i], lq[i] * m(i, t)
squared = lq[i] * lq[i] * vh(u[i])

moments = [
    moment("w", m(i, t)),
    moment("w w", u[i]),
    moment("s", sum_m(i, t)),
    moment("s w", sum_w(i, t)),
    moment("s s", sum_v(i, t)),
    # one sample: E h^2 = lambda^q, and the rows of Y, T and Q
    moment("h_b h_b", lq[i]),
    moment("h_b h_b y_b y_b", labels, Y, Yy.at(i), head=noise),
    moment("h_b h_b y_b u_b", total(T.terms, d), T),
    moment("h_b h_b u_b u_b", total(Q.terms, d), Q),
    # one sample and the past
    only("h_b y_b", seen),
    only("h_b u_b", used),
    only("w h_b y_b", seen * m(i, t)),
    only("w h_b u_b", lq[i] * u[i]),
    only("s h_b y_b", seen * sum_m(i, t)),
    only("s h_b u_b", lq[i] * sum_w(i, t)),
    # two samples: they have Q_p(w) in common, and nothing else
    only("h_b h_c y_b y_c", seen * seen),
    only("h_b h_c y_b u_c", seen * used),
    only("h_b h_c y_c u_b", seen * used),
    only("h_b h_c u_b u_c", squared),
]
