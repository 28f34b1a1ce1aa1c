r"""Expectations of polynomials in random variables, exact and with symbols for every parameter.

A random polynomial is a FLINT polynomial over the rationals; some of its generators are random and
the others are parameters. Its law is given in stages: the vectors of one stage are independent of
each other given everything drawn before. The expectation is the tower property,

    E p = E[ E[ ... E[p | stages 1 .. n-1] ... | stage 1] ],

and inside one stage linearity and independence: a monomial becomes the product of the moments of
the vectors of the stage. What is known of a vector is one of

- :class:`GaussianVector`: everything, as E g^(2k) = (2k-1)!! (E g^2)^k and odd moments are 0
  (L. Isserlis, Biometrika 12, 1918, pp. 134-139; Wick's theorem for one variable);
- :class:`TwoMoments`: E u and E u u^T, which may depend on earlier stages;
- :class:`Listed`: some moments, which may depend on earlier stages;
- :class:`Symmetric`: a list of even moments, while odd ones vanish.

A moment outside of what is known is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import flint

from qtheory.errors import ProofError

#: What is taken from probability theory, and why it is not proved here.
RULES: Mapping[str, str] = MappingProxyType(
    {
        "linearity of expectation": "E(a p + b q) = a E p + b E q: what an integral is",
        "tower property": "E p = E E[p | past], and independent factors have E(p q) = E p E q: "
        "Fubini's theorem",
        "Gaussian moments": "E g^(2k) = (2k-1)!! (E g^2)^k, odd moments vanish: an integral over "
        "the density",
    }
)

Polynomial: TypeAlias = flint.fmpq_mpoly
Ring: TypeAlias = flint.fmpq_mpoly_ctx
Powers: TypeAlias = tuple[int, ...]


def ring(shapes: Mapping[str, Sequence[int | str]]) -> tuple[Ring, dict[str, Any]]:
    """Polynomials over the rationals, and their generators: by name, nested lists of each shape.

    A shape tells how many there are along each index, or has a letter for each.

    Examples
    --------
    >>> r, of = ring({"g": (2,), "s": ()})
    >>> g, s = of["g"], of["s"]
    >>> law = Law(r, [s], [GaussianVector(g, [s, 4 * s])])
    >>> law.expectation((g[0] + g[1]) ** 4)  # g_0 + g_1 has variance 5 s, so this is 3 (5 s)^2
    75*s^2
    """
    labels = {
        name: [side if isinstance(side, str) else range(side) for side in shape]
        for name, shape in shapes.items()
    }
    places = {name: list(product(*sides)) for name, sides in labels.items()}
    names = ["_".join([n, *map(str, at)]) for n, family in places.items() for at in family]
    if len(set(names)) != len(names):
        raise ProofError(f"a ring needs distinct names, not {', '.join(names)}")
    context = Ring.get(names, "degrevlex")
    left = iter(context.gens())

    def nested(sides: Sequence[Sequence[Any]]) -> Any:
        return [nested(sides[1:]) for _ in sides[0]] if sides else next(left)

    return context, {name: nested(sides) for name, sides in labels.items()}


class RandomVector(Protocol):
    """Generators that are random, and what is known of their moments given earlier stages."""

    @property
    def variables(self) -> Sequence[Polynomial]:
        """The generators."""
        ...

    def known(self) -> Iterable[Polynomial]:
        """The polynomials that its moments are made of."""
        ...

    def moment(self, powers: Powers) -> Polynomial | int:
        """E prod_k u_k^powers_k given earlier stages, or a ProofError if that is not known."""
        ...


@dataclass(frozen=True)
class GaussianVector:
    """Independent centred Gaussian variables with these variances."""

    variables: Sequence[Polynomial]
    variances: Sequence[Polynomial]

    def __post_init__(self) -> None:
        if len(self.variances) != len(self.variables):
            raise ProofError(f"{_names(self.variables)} needs as many variances")

    def known(self) -> Iterable[Polynomial]:
        """The variances."""
        return self.variances

    def moment(self, powers: Powers) -> Polynomial | int:
        """The product of (2k-1)!! var^k over the even powers 2k; 0 if one is odd."""
        if any(power % 2 for power in powers):
            return 0
        halves = [power // 2 for power in powers]
        pairings = prod(prod(range(1, 2 * half, 2)) for half in halves)
        used = zip(self.variances, halves, strict=True)
        return prod((variance**half for variance, half in used if half), start=pairings)


@dataclass(frozen=True)
class TwoMoments:
    """A vector u of which E u and E u u^T given earlier stages are known, and nothing else."""

    variables: Sequence[Polynomial]
    mean: Sequence[Polynomial]
    second: Sequence[Sequence[Polynomial]]

    def __post_init__(self) -> None:
        n = len(self.variables)
        if [len(self.mean), len(self.second), *map(len, self.second)] != [n] * (n + 2):
            raise ProofError(f"{_names(self.variables)} needs {n} means and a table of {n} x {n}")
        if any(self.second[k][j] != self.second[j][k] for k in range(n) for j in range(k)):
            raise ProofError(f"{_names(self.variables)}: E u u^T is symmetric")

    def known(self) -> Iterable[Polynomial]:
        """The first and second moments."""
        return [*self.mean, *(entry for row in self.second for entry in row)]

    def moment(self, powers: Powers) -> Polynomial | int:
        """1, E u_k or E u_k u_j; anything higher is refused."""
        factors = [k for k, power in enumerate(powers) for _ in range(power)]
        match factors:
            case []:
                return 1
            case [k]:
                return self.mean[k]
            case [k, j]:
                return self.second[k][j]
        raise ProofError(
            f"E {_monomial(self.variables, powers)} is of order {len(factors)}, "
            "but only the first two moments are known"
        )


@dataclass(frozen=True)
class Listed:
    """A vector u of which the listed moments are known given earlier stages, and nothing else."""

    variables: Sequence[Polynomial]
    moments: Mapping[Powers, Polynomial]

    def known(self) -> Iterable[Polynomial]:
        """The listed moments."""
        return self.moments.values()

    def moment(self, powers: Powers) -> Polynomial | int:
        """1, or what is listed."""
        if not any(powers):
            return 1
        if powers not in self.moments:
            raise ProofError(f"E {_monomial(self.variables, powers)} is not known")
        return self.moments[powers]


class Symmetric(Listed):
    """A vector u with the law of -u, and some of its even moments."""

    def moment(self, powers: Powers) -> Polynomial | int:
        """0 for an odd order, else what is listed."""
        return 0 if sum(powers) % 2 else super().moment(powers)


#: The vectors drawn in one stage, each with the places of its variables in the ring.
Stage: TypeAlias = list[tuple[list[int], RandomVector]]


class Law:
    """The joint law of the random generators of a ring; every other one must be a parameter."""

    def __init__(
        self, ring: Ring, parameters: Iterable[Polynomial], *stages: Sequence[RandomVector]
    ) -> None:
        self.ring = ring
        self._declared = {_index(ring, parameter) for parameter in parameters}
        self._stages: list[Stage] = []
        for stage in stages:
            drawn = [([_index(ring, u) for u in vector.variables], vector) for vector in stage]
            for _, vector in drawn:
                for moment in vector.known():
                    self._require(moment, f"a moment of {_names(vector.variables)}")
            for places, vector in drawn:
                if self._declared & set(places) or len(set(places)) != len(places):
                    raise ProofError(f"{_names(vector.variables)} would be drawn twice")
                self._declared |= set(places)
            self._stages.append(drawn)

    def expectation(self, polynomial: Polynomial) -> Polynomial:
        """E p, a polynomial in the parameters."""
        self._require(polynomial, "a polynomial")
        for stage in reversed(self._stages):
            polynomial = self._integrate(polynomial, stage)
        return polynomial

    def _integrate(self, polynomial: Polynomial, stage: Stage) -> Polynomial:
        """E[p | earlier stages], by linearity over the monomials in the variables of a stage."""
        drawn = [place for places, _ in stage for place in places]
        moments: dict[Powers, Polynomial | int] = {}
        cofactors: dict[Powers, dict[Powers, flint.fmpq]] = {}
        for exponents, coefficient in polynomial.to_dict().items():
            powers = tuple([exponents[place] for place in drawn])
            if powers not in moments:
                moments[powers] = self._moment(powers, stage)
            if moments[powers] != 0:
                rest = list(exponents)
                for place in drawn:
                    rest[place] = 0
                cofactors.setdefault(powers, {})[tuple(rest)] = coefficient
        terms = [self.ring.from_dict(rest) * moments[p] for p, rest in cofactors.items()]
        while len(terms) > 1:  # in pairs, so that a long sum is not copied for every term
            terms = [sum(terms[k + 1 : k + 2], terms[k]) for k in range(0, len(terms), 2)]
        return terms[0] if terms else self.ring.constant(0)

    def _moment(self, powers: Powers, stage: Stage) -> Polynomial | int:
        """The product of the moments of the vectors of a stage; their powers follow each other."""
        moment: Polynomial | int = 1
        start = 0
        for places, vector in stage:
            own = powers[start : start + len(places)]
            start += len(places)
            if any(own):
                moment = moment * vector.moment(own)
        return moment

    def _require(self, polynomial: Polynomial, what: str) -> None:
        """Refuse generators that are neither parameters nor drawn so far."""
        if polynomial.context() is not self.ring:
            raise ProofError(f"{what} is of another ring: {polynomial}")
        degrees = enumerate(polynomial.degrees())
        unknown = [self.ring.name(k) for k, n in degrees if n > 0 and k not in self._declared]
        if unknown:
            raise ProofError(f"{what} uses {', '.join(unknown)}, which has no law here")


def _index(ring: Ring, variable: Polynomial) -> int:
    """The place of a generator among those of its ring."""
    if variable.context() is not ring or variable not in ring.gens():
        raise ProofError(f"not a generator of the ring: {variable}")
    return ring.gens().index(variable)


def _names(variables: Sequence[Polynomial]) -> str:
    return ", ".join(map(str, variables))


def _monomial(variables: Sequence[Polynomial], powers: Powers) -> str:
    used = zip(variables, powers, strict=True)
    return " ".join(f"{u}^{power}" for u, power in used if power)
