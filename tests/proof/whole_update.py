"""One step of section 1 in one piece, for some d and B: a second way to what T2 proves for all.

Every coordinate and sample is written out, so nothing is said of sums or of which indices coincide.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import z3

from proofs import recursion as section2
from qtheory.model.quantization import TARGETS
from qtheory.proof.expectation import (
    GaussianVector,
    Law,
    Polynomial,
    RandomVector,
    TwoMoments,
    ring,
)
from qtheory.proof.kernel import Proof
from qtheory.proof.polynomials import Reader
from qtheory.proof.sums import total
from qtheory.theory import notation
from qtheory.theory.definitions import x as relative_step
from qtheory.theory.moments import gaussian_core


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
        found: list[RandomVector] = [GaussianVector(self.of["zeta"], [shared] * self.B)]
        for b in range(self.B):
            found += [
                GaussianVector(self.of["x"][b], self.of["lambda"]),
                GaussianVector(self.of["zeta_i"][b], [elementwise] * self.d),
                GaussianVector(self.of["e_d"][b], [additive] * self.d),
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


def section_2(step: Update) -> Reader:
    """The formulas of ``proofs/recursion.py`` for these d coordinates, as polynomials.

    m(j, t) and u[j] are E w_j and E w_j^2; a sum over j is written out, with the weights s_j^2.
    """
    of, words, t, u = step.of, section2.words, section2.t, section2.u
    coordinates = [z3.IntVal(n) for n in range(step.d)]
    values: dict[z3.ExprRef, Polynomial] = {
        section2.gamma: of["gamma"],
        section2.sigma2: of["sigma^2"],
        section2.per_B: of["1/B"],
    }
    for kind in ("additive", "multiplicative", "shared"):
        for symbol, level in zip(getattr(notation, kind).values(), of[kind], strict=True):
            values[words[symbol]] = level
    definitions: dict[z3.ExprRef, Proof] = {}
    rows: dict[z3.ExprRef, list[z3.ExprRef]] = {}
    for n, i in enumerate(coordinates):
        values[section2.lam[i]], values[section2.w[i]] = of["lambda"][n], of["w*"][n]
        values[section2.m(i, t)], values[u[i]] = of["E w"][n], of["E w w"][n][n]
        for symbol in (notation.D, notation.lq, relative_step):
            (definitions[words[symbol][i]],) = words.unfold(symbol, at=i)
        definitions[section2.Yy()[i]] = section2.Yy.at(i)
        for f in (section2.same, section2.cross, section2.following):
            definitions[f(t, u)[i]] = f.at(t, u, i)
        for row, arguments in (
            (section2.Q_row, (u, i)),
            (section2.T_row, (t, i)),
            (section2.Y_row, (i,)),
        ):
            for j in coordinates:
                definitions[row(*arguments)[j]] = row.at(*arguments, j)
            terms = row(*arguments)
            rows[total(terms, section2.d)] = [terms[j] for j in coordinates]
    entries = Reader(step.ring, values, definitions, coordinates)
    weights = [s**2 for s in of["s"]]
    sums = {whole: _dot(weights, [entries(e) for e in row]) for whole, row in rows.items()}
    reader = Reader(step.ring, values | sums, definitions, coordinates)
    cores = {
        section2.core(t, u)[i]: reader(z3.substitute(gaussian_core, (section2.i, i)))
        for i in coordinates
    }
    return reader.also({}, cores)


def renamed(
    polynomial: Polynomial, generators: Sequence[Polynomial], images: Sequence[Polynomial]
) -> Polynomial:
    """The polynomial with other polynomials for some of its generators, all at once."""
    place = polynomial.context().gens().index
    arguments = list(polynomial.context().gens())
    for generator, image in zip(generators, images, strict=True):
        arguments[place(generator)] = image
    return polynomial.compose(*arguments)
